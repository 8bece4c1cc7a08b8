/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of XML (xml.h). What has no end ends with the input. */
#include "tools/web/content/xml.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/content/charset.h"

bool xml_is(struct slice slice, const char *text)
{
	return slice.length == strlen(text) && memcmp(slice.at, text, slice.length) == 0;
}

struct slice xml_trim(struct slice slice)
{
	while (slice.length > 0 && isspace((unsigned char)slice.at[0])) {
		slice.at++;
		slice.length--;
	}
	while (slice.length > 0 && isspace((unsigned char)slice.at[slice.length - 1]))
		slice.length--;
	return slice;
}

void xml_init(struct xml *xml, const char *text, size_t length)
{
	*xml = (struct xml){.at = text, .end = text + length};
}

static bool starts(const char *at, const char *end, const char *word)
{
	return (size_t)(end - at) >= strlen(word) && memcmp(at, word, strlen(word)) == 0;
}

/* Behind the next `word`, or the end. */
static const char *past(const char *at, const char *end, const char *word)
{
	const char *found = memmem(at, (size_t)(end - at), word, strlen(word));

	return found ? found + strlen(word) : end;
}

/* Behind the ">" that ends a tag: not one in quotes. */
static const char *past_tag(const char *at, const char *end)
{
	char quote = '\0';

	for (; at < end; at++) {
		if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? '\0' : *at;
		else if (!quote && *at == '>')
			return at + 1;
	}
	return end;
}

/* A document type with its internal subset, none of which is looked at. */
static const char *past_doctype(const char *at, const char *end)
{
	const char *close = past_tag(at, end), *subset = memchr(at, '[', (size_t)(close - at));

	if (!subset)
		return close;
	subset = past(subset, end, "]");
	for (const char *next = subset; next < end; next++) { /* "]" may stand inside a declaration */
		if (*next == '>')
			return next + 1;
		if (!isspace((unsigned char)*next)) {
			next = past(next, end, "]");
			next -= next < end;
		}
	}
	return end;
}

static enum xml_token open_tag(struct xml *xml)
{
	const char *at = xml->whole.at + 1, *end = xml->at;

	end -= end > at && end[-1] == '>';
	xml->empty = end > at && end[-1] == '/';
	end -= xml->empty;
	xml->name.at = at;
	while (at < end && !isspace((unsigned char)*at))
		at++;
	xml->name.length = (size_t)(at - xml->name.at);
	xml->inside = (struct slice){at, (size_t)(end - at)};
	return XML_OPEN;
}

enum xml_token xml_next(struct xml *xml)
{
	const char *begin = xml->at;
	enum xml_token token = XML_OTHER;

	if (begin == xml->end)
		return XML_END;
	xml->empty = false;
	if (starts(begin, xml->end, "<!--")) {
		xml->at = past(begin + 4, xml->end, "-->");
	} else if (starts(begin, xml->end, "<![CDATA[")) {
		xml->at = past(begin + 9, xml->end, "]]>");
		token = XML_CDATA;
	} else if (starts(begin, xml->end, "<!")) {
		xml->at = past_doctype(begin, xml->end);
	} else if (starts(begin, xml->end, "<?")) {
		xml->at = past(begin, xml->end, "?>");
	} else if (starts(begin, xml->end, "</")) {
		xml->at = past(begin, xml->end, ">");
		token = XML_CLOSE;
	} else if (begin[0] == '<' && xml->end - begin > 1 &&
		   (isalpha((unsigned char)begin[1]) || begin[1] == '_' || (unsigned char)begin[1] >= 0x80)) {
		xml->at = past_tag(begin, xml->end);
		token = XML_OPEN;
	} else {
		const char *next = memchr(begin + 1, '<', (size_t)(xml->end - begin - 1));

		xml->at = next ? next : xml->end;
		token = XML_TEXT;
	}
	xml->whole = xml->inside = (struct slice){begin, (size_t)(xml->at - begin)};
	if (token == XML_OPEN)
		return open_tag(xml);
	if (token == XML_CLOSE) {
		xml->name = (struct slice){begin + 2, xml->whole.length - 2};
		xml->name.length -= xml->name.length > 0 && xml->at[-1] == '>';
		xml->name = xml_trim(xml->name);
	} else if (token == XML_CDATA) {
		bool closed = xml->whole.length >= 12 && memcmp(xml->at - 3, "]]>", 3) == 0;

		xml->inside = (struct slice){begin + 9, xml->whole.length - 9 - (closed ? 3 : 0)};
	}
	return token;
}

bool xml_attribute(const struct xml *xml, const char *name, struct slice *value)
{
	const char *at = xml->inside.at, *end = at + xml->inside.length;

	while (at < end) {
		struct slice key = {at, 0};

		while (at < end && *at != '=' && !isspace((unsigned char)*at))
			at++;
		key.length = (size_t)(at - key.at);
		while (at < end && isspace((unsigned char)*at))
			at++;
		if (at < end && *at == '=') {
			const char *close;

			for (at++; at < end && isspace((unsigned char)*at);)
				at++;
			close = at < end && (*at == '"' || *at == '\'')
					? memchr(at + 1, *at, (size_t)(end - at - 1))
					: NULL;
			if (!close)
				return false; /* without quotes it is no attribute of XML */
			if (xml_is(key, name)) {
				*value = (struct slice){at + 1, (size_t)(close - at - 1)};
				return true;
			}
			at = close + 1;
		}
	}
	return false;
}

static const struct {
	const char *name;
	char character;
} entities[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};

/* A character reference behind "&#"; 0 if it is none. `used` gets its length up to and with the ";". */
static uint32_t read_number(const char *at, const char *end, size_t *used)
{
	bool hex = at < end && (*at == 'x' || *at == 'X');
	const char *digit = at + hex;
	uint32_t code = 0;

	for (; digit < end && digit - at < 10 &&
	       (hex ? isxdigit((unsigned char)*digit) : isdigit((unsigned char)*digit));
	     digit++) {
		uint32_t value = isdigit((unsigned char)*digit) ? (uint32_t)(*digit - '0')
								: (uint32_t)(tolower(*digit) - 'a' + 10);

		code = code > 0x110000 ? code : code * (hex ? 16 : 10) + value;
	}
	*used = (size_t)(digit - at) + 1;
	if (digit == at + hex || digit == end || *digit != ';')
		return 0;
	return code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0xfffd : code;
}

int xml_decode(struct buffer *out, struct slice text)
{
	const char *at = text.at, *end = at + text.length;
	int result = 0;

	while (at < end && result == 0) {
		const char *entity = memchr(at, '&', (size_t)(end - at));
		size_t used = 0;

		result = buffer_append(out, at, (size_t)((entity ? entity : end) - at));
		if (!entity || result < 0)
			break;
		at = entity + 1;
		if (at < end && *at == '#') {
			uint32_t code = read_number(at + 1, end, &used);

			result = code ? charset_put(out, code) : buffer_append(out, "&", 1);
			at += code ? used + 1 : 0;
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(entities) && !used; i++)
			if (starts(at, end, entities[i].name)) {
				used = strlen(entities[i].name);
				result = buffer_append(out, &entities[i].character, 1);
			}
		if (!used)
			result = buffer_append(out, "&", 1);
		at += used;
	}
	return result;
}
