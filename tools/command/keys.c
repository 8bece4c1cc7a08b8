/* SPDX-License-Identifier: Apache-2.0 */
/* Keys by name (keys.h). */
#include "tools/command/keys.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"

static const char *const named[][2] = {
	{"enter", "\r"},         {"return", "\r"},   {"tab", "\t"},         {"escape", "\033"},
	{"esc", "\033"},         {"space", " "},     {"backspace", "\177"}, {"delete", "\033[3~"},
	{"insert", "\033[2~"},   {"up", "\033[A"},   {"down", "\033[B"},    {"right", "\033[C"},
	{"left", "\033[D"},      {"home", "\033[H"}, {"end", "\033[F"},     {"pageup", "\033[5~"},
	{"pagedown", "\033[6~"}, {"f1", "\033OP"},   {"f2", "\033OQ"},      {"f3", "\033OR"},
	{"f4", "\033OS"},        {"f5", "\033[15~"}, {"f6", "\033[17~"},    {"f7", "\033[18~"},
	{"f8", "\033[19~"},      {"f9", "\033[20~"}, {"f10", "\033[21~"},   {"f11", "\033[23~"},
	{"f12", "\033[24~"},
};

/* The character behind the modifier; '\0': it is not one alone. */
static char get_character(const char *name, const char *modifier)
{
	size_t length = strlen(modifier);

	return strncasecmp(name, modifier, length) == 0 && strlen(name) == length + 1 ? name[length] : '\0';
}

/* ASCII's own: @ to _ are 64 above, letters of either case, and ? is DEL. */
static int append_control(char character, struct buffer *to)
{
	char byte;

	if (character == '?')
		byte = '\177';
	else if (character >= 'a' && character <= 'z')
		byte = (char)(character - 'a' + 1);
	else if (character >= '@' && character <= '_')
		byte = (char)(character - '@');
	else
		return -EINVAL;
	return buffer_append(to, &byte, 1);
}

int keys_append(const char *name, struct buffer *to)
{
	char character = get_character(name, "ctrl-");
	int result;

	if (character)
		return append_control(character, to);
	character = get_character(name, "alt-");
	if (character) {
		result = buffer_append(to, "\033", 1);
		return result < 0 ? result : buffer_append(to, &character, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (strcasecmp(named[i][0], name) == 0)
			return buffer_append(to, named[i][1], strlen(named[i][1]));
	return strlen(name) == 1 ? buffer_append(to, name, 1) : -EINVAL;
}
