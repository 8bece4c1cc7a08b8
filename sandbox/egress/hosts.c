/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into the texts of hosts and resolv.conf. The files are the administrator's, but nothing is assumed
 * of them. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "sandbox/egress/resolver.h"

/* The next word of the line [*at, end), or NULL; a comment ends the line. */
static const char *next_word(const char **at, const char *end, size_t *length)
{
	const char *word;

	while (*at < end && isspace((unsigned char)**at))
		(*at)++;
	if (*at == end || **at == '#')
		return NULL;
	for (word = *at; *at < end && !isspace((unsigned char)**at) && **at != '#';)
		(*at)++;
	*length = (size_t)(*at - word);
	return word;
}

static bool line_names(const char *at, const char *end, const char *host)
{
	size_t wanted = strlen(host), length;
	const char *word;

	while ((word = next_word(&at, end, &length)))
		if (length == wanted && strncasecmp(word, host, wanted) == 0)
			return true;
	return false;
}

size_t hosts_find(const char *text, size_t length, const char *host, struct address *addresses, size_t max)
{
	const char *stop = text + length;
	size_t count = 0;

	while (text < stop && count < max) {
		const char *end = memchr(text, '\n', (size_t)(stop - text)), *at = text, *word;
		char first[ADDRESS_TEXT_BYTES];
		size_t word_length;

		if (!end)
			end = stop;
		word = next_word(&at, end, &word_length);
		if (word && word_length < sizeof first && line_names(at, end, host)) {
			memcpy(first, word, word_length);
			first[word_length] = '\0';
			if (address_parse(&addresses[count], first) == 0)
				count++;
		}
		text = end < stop ? end + 1 : stop;
	}
	return count;
}

/* What stands in front of ".domain" at the end of `name`; 0: nothing, or it ends otherwise. */
static size_t stem(const char *name, const char *domain, size_t length)
{
	size_t whole = strlen(name);

	if (length > 0 && domain[length - 1] == '.')
		length--;
	if (length == 0 || whole < length + 2 || name[whole - length - 1] != '.' ||
	    strncasecmp(name + whole - length, domain, length) != 0)
		return 0;
	return whole - length - 1;
}

size_t hosts_search(const char *text, size_t length, const char *name)
{
	const char *stop = text + length;
	size_t found = 0;

	while (text < stop && !found) {
		const char *end = memchr(text, '\n', (size_t)(stop - text)), *at = text, *word;
		size_t word_length;

		if (!end)
			end = stop;
		word = next_word(&at, end, &word_length);
		if (word && word_length == 6 && (!memcmp(word, "search", 6) || !memcmp(word, "domain", 6)))
			while (!found && (word = next_word(&at, end, &word_length)))
				found = stem(name, word, word_length);
		text = end < stop ? end + 1 : stop;
	}
	return found;
}
