/* SPDX-License-Identifier: Apache-2.0 */
/* core.excludesFile in git's configuration (excludes.h), read as git reads it (git-config(1), "Syntax"). */
#include <string.h>
#include <strings.h>

#include "protocol/limits.h"
#include "tools/files/executor/excludes.h"

struct config {
	const char *at, *end;
	bool bad; /* git would not read on */
};

static bool is_space(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_letter(char byte)
{
	return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

static bool is_of_name(char byte)
{
	return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '-';
}

/* The end of the text is the end of a line. */
static char next(struct config *config)
{
	if (config->at == config->end)
		return '\n';
	if (config->end - config->at > 1 && config->at[0] == '\r' && config->at[1] == '\n')
		config->at++;
	return *config->at++;
}

/* At the beginning of a name: is it this one? */
static bool take_name(struct config *config, const char *name)
{
	const char *begin = config->at;

	while (config->at < config->end && is_of_name(*config->at))
		config->at++;
	return (size_t)(config->at - begin) == strlen(name) && strncasecmp(begin, name, strlen(name)) == 0;
}

/* Behind `[`. A section with a second name, `[core "x"]`, is another one. */
static bool read_section(struct config *config)
{
	bool core = take_name(config, "core"), quoted = false;
	char byte;

	for (byte = next(config); byte != '\n' && (quoted || byte != ']'); byte = next(config)) {
		core = false;
		if (byte == '"')
			quoted = !quoted;
		else if (byte == '\\')
			next(config);
	}
	config->bad |= byte == '\n';
	return core;
}

/* What `\` and this byte stand for, 0 for what git does not know. */
static char escaped(char byte)
{
	static const char letters[] = "ntb\"\\", means[] = "\n\t\b\"\\";
	const char *found = byte ? strchr(letters, byte) : NULL;

	return found ? means[found - letters] : '\0';
}

/* Behind `=`: the line without quotes, comments and the spaces around it. */
static void read_value(struct config *config, char *value, size_t size)
{
	bool quoted = false, comment = false;
	size_t length = 0, spaces = 0;
	char byte;

	while ((byte = next(config)) != '\n') {
		if (comment)
			continue;
		if (!quoted && is_space(byte)) {
			spaces += length > 0;
			continue;
		}
		comment = !quoted && (byte == '#' || byte == ';');
		if (comment)
			continue;
		if (spaces >= size || length >= size - 1 - spaces)
			break;
		memset(value + length, ' ', spaces);
		length += spaces;
		spaces = 0;
		if (byte == '"') {
			quoted = !quoted;
			continue;
		}
		if (byte == '\\') {
			byte = next(config);
			if (byte == '\n') /* the value goes on in the next line */
				continue;
			byte = escaped(byte);
		}
		if (!byte)
			break;
		value[length++] = byte;
	}
	value[length] = '\0';
	config->bad |= quoted || byte != '\n';
}

bool excludes_configured(const char *text, size_t length, char *value, size_t size)
{
	struct config config = {.at = text, .end = text + length};
	bool core = false, said = false;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		config.at += 3;
	while (config.at < config.end && !config.bad) {
		char byte = *config.at, other[LIMIT_PATH_BYTES];
		bool wanted;

		if (byte == '[') {
			config.at++;
			core = read_section(&config);
			continue;
		}
		if (byte == '#' || byte == ';')
			while (next(&config) != '\n')
				;
		else if (is_space(byte))
			config.at++;
		else {
			config.bad = !is_letter(byte);
			wanted = take_name(&config, "excludesFile") && core;
			do
				byte = next(&config);
			while (byte == ' ' || byte == '\t');
			if (byte == '=')
				read_value(&config, wanted ? value : other, wanted ? size : sizeof other);
			config.bad |= byte != '=' && (byte != '\n' || wanted);
			said |= wanted;
		}
	}
	return said && !config.bad;
}
