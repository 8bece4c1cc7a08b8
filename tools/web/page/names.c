/* SPDX-License-Identifier: Apache-2.0 */
/* Names of elements and attributes, found by halves. */
#include "tools/web/page/names.h"

#include <string.h>

#include "protocol/cleanup.h"

#define NAME_BYTES 24 /* longer than any in the tables */

#define ELEMENT_TEXT_OF(name, flags) #name,
static const char *const elements[] = {ELEMENT_NAMES(ELEMENT_TEXT_OF)};

#define ATTRIBUTE_TEXT_OF(name, text) text,
static const char *const attributes[] = {ATTRIBUTE_NAMES(ATTRIBUTE_TEXT_OF)};

#define ELEMENT_FLAGS_OF(name, flags) [ELEMENT_##name] = (flags),
const uint16_t element_flags[ELEMENTS] = {ELEMENT_NAMES(ELEMENT_FLAGS_OF)};

/* Names in the tables are C names: what is '-' in HTML is '_' in those of elements. */
static bool lower(char to[NAME_BYTES], const char *name, size_t length, char dash)
{
	if (length == 0 || length >= NAME_BYTES)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];

		if (!c)
			return false;
		to[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c == '-' ? dash : c;
	}
	to[length] = '\0';
	return true;
}

static size_t find(const char *const *names, size_t count, const char *name)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, names[middle]);

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return count;
}

enum element element_find(const char *name, size_t length)
{
	char text[NAME_BYTES];
	size_t found = ARRAY_SIZE(elements);

	if (lower(text, name, length, '_'))
		found = find(elements, ARRAY_SIZE(elements), text);
	return found == ARRAY_SIZE(elements) ? ELEMENT_OTHER : (enum element)(ELEMENT_a + found);
}

enum attribute_name attribute_find(const char *name, size_t length)
{
	char text[NAME_BYTES];

	if (!lower(text, name, length, '-'))
		return ATTRIBUTES;
	return (enum attribute_name)find(attributes, ARRAY_SIZE(attributes), text);
}

const char *element_name(enum element element)
{
	return element == ELEMENT_TEXT    ? "#text"
	       : element == ELEMENT_OTHER ? "#other"
					  : elements[element - ELEMENT_a];
}

const char *attribute_text(enum attribute_name name)
{
	return attributes[name];
}
