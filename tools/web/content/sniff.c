/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a body says its character set is. The order is the HTML standard's ("determining the character
 * encoding"): byte-order mark, transport, a declaration in the first KB. Where nothing is declared, a look at
 * the bytes.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tools/web/content/charset.h"

#define PRESCAN_BYTES 1024
#define ZERO_BYTES    256 /* looked at for UTF-16 without a mark */

/* A cursor over the prescanned bytes; past the end it reads NUL. */
struct scan {
	const char *at, *end;
};

static char peek(const struct scan *scan)
{
	return scan->at < scan->end ? *scan->at : '\0';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && is_space(*scan->at))
		scan->at++;
}

static bool starts(const struct scan *scan, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(scan->end - scan->at) >= length && strncasecmp(scan->at, word, length) == 0;
}

/* Moves behind `word`, or to the end. */
static void skip_past(struct scan *scan, const char *word)
{
	const char *found = memmem(scan->at, (size_t)(scan->end - scan->at), word, strlen(word));

	scan->at = found ? found + strlen(word) : scan->end;
}

/* A label by name; UTF-16 was read as ASCII and is a lie, x-user-defined never meant itself. */
static const struct charset *declared(const char *label, size_t length)
{
	const struct charset *charset = charset_find(label, length);

	if (charset && strncmp(charset_name(charset), "UTF-16", 6) == 0)
		return charset_find("utf-8", 5);
	if (charset && strcmp(charset_name(charset), "x-user-defined") == 0)
		return charset_find("windows-1252", 12);
	return charset;
}

struct attribute {
	const char *name, *value;
	size_t name_length, value_length;
};

/* "get an attribute" of the prescan. False at the tag's end. */
static bool next_attribute(struct scan *scan, struct attribute *attribute)
{
	char quote;

	while (is_space(peek(scan)) || peek(scan) == '/')
		scan->at++;
	if (scan->at == scan->end || *scan->at == '>')
		return false;
	*attribute = (struct attribute){.name = scan->at};
	while (scan->at < scan->end && !is_space(*scan->at) && *scan->at != '/' && *scan->at != '>' &&
	       (*scan->at != '=' || scan->at == attribute->name))
		scan->at++;
	attribute->name_length = (size_t)(scan->at - attribute->name);
	skip_space(scan);
	if (peek(scan) != '=')
		return true;
	scan->at++;
	skip_space(scan);
	quote = peek(scan);
	attribute->value = scan->at;
	if (quote == '"' || quote == '\'') {
		const char *close;

		attribute->value = ++scan->at;
		close = memchr(scan->at, quote, (size_t)(scan->end - scan->at));
		attribute->value_length = (size_t)((close ? close : scan->end) - scan->at);
		scan->at = close ? close + 1 : scan->end;
		return true;
	}
	while (scan->at < scan->end && !is_space(*scan->at) && *scan->at != '>')
		scan->at++;
	attribute->value_length = (size_t)(scan->at - attribute->value);
	return true;
}

/* "extracting a character encoding from a meta element". */
static const struct charset *content_charset(const char *value, size_t length)
{
	struct scan scan = {value, value + length};
	const char *begin;
	char quote;

	for (;;) {
		while (scan.at < scan.end && !starts(&scan, "charset"))
			scan.at++;
		if (scan.at == scan.end)
			return NULL;
		scan.at += sizeof "charset" - 1;
		skip_space(&scan);
		if (peek(&scan) == '=')
			break;
	}
	scan.at++;
	skip_space(&scan);
	quote = peek(&scan);
	if (quote == '"' || quote == '\'') {
		const char *close = memchr(scan.at + 1, quote, (size_t)(scan.end - scan.at - 1));

		return close ? declared(scan.at + 1, (size_t)(close - scan.at - 1)) : NULL;
	}
	for (begin = scan.at; scan.at < scan.end && !is_space(*scan.at) && *scan.at != ';';)
		scan.at++;
	return declared(begin, (size_t)(scan.at - begin));
}

static bool is_named(const struct attribute *attribute, const char *name)
{
	return attribute->name_length == strlen(name) &&
	       strncasecmp(attribute->name, name, attribute->name_length) == 0;
}

/* Behind "<meta": the character set that this one declares, or NULL. */
static const struct charset *meta_charset(struct scan *scan)
{
	const struct charset *charset = NULL, *content = NULL;
	struct attribute attribute;
	bool pragma = false;

	while (next_attribute(scan, &attribute)) {
		if (is_named(&attribute, "http-equiv"))
			pragma = pragma || (attribute.value_length == 12 &&
					    strncasecmp(attribute.value, "content-type", 12) == 0);
		else if (is_named(&attribute, "content") && !content)
			content = content_charset(attribute.value, attribute.value_length);
		else if (is_named(&attribute, "charset") && !charset)
			charset = declared(attribute.value, attribute.value_length);
	}
	return charset ? charset : pragma ? content : NULL;
}

static const struct charset *prescan(const char *bytes, size_t length)
{
	struct scan scan = {bytes, bytes + length};

	while ((scan.at = memchr(scan.at, '<', (size_t)(scan.end - scan.at)))) {
		struct attribute ignored;
		const struct charset *found;

		if (starts(&scan, "<!--")) {
			scan.at += 2; /* "<!-->" is a whole comment */
			skip_past(&scan, "-->");
		} else if (starts(&scan, "<meta") && scan.end - scan.at > 5 &&
			   (is_space(scan.at[5]) || scan.at[5] == '/')) {
			scan.at += 5;
			found = meta_charset(&scan);
			if (found)
				return found;
		} else if (scan.end - scan.at > 1 && (isalpha((unsigned char)scan.at[1]) ||
						      (scan.at[1] == '/' && scan.end - scan.at > 2 &&
						       isalpha((unsigned char)scan.at[2])))) {
			while (scan.at < scan.end && !is_space(*scan.at) && *scan.at != '>')
				scan.at++;
			while (next_attribute(&scan, &ignored))
				;
		} else if (scan.end - scan.at > 1 && memchr("!/?", scan.at[1], 3)) {
			skip_past(&scan, ">");
		} else {
			scan.at++;
		}
	}
	return NULL;
}

/* <?xml version="1.0" encoding="..."?> */
static const struct charset *xml_charset(const char *bytes, size_t length)
{
	struct scan scan = {bytes, bytes + length};
	struct attribute attribute;

	if (!starts(&scan, "<?xml") || length < 6 || !is_space(bytes[5]))
		return NULL;
	scan.at += 5;
	while (peek(&scan) != '?' && next_attribute(&scan, &attribute))
		if (is_named(&attribute, "encoding"))
			return declared(attribute.value, attribute.value_length);
	return NULL;
}

/* The charset parameter of a Content-Type header (RFC 9110 section 5.6.6, read with a light hand). */
static const struct charset *header_charset(const char *content_type)
{
	const char *at = strchr(content_type, ';');

	while (at) {
		const char *value = at + 1 + strspn(at + 1, " \t"), *name = value;
		size_t named = strcspn(name, "=; \t"), length;

		value += named + strspn(value + named, " \t");
		at = strchr(value, ';');
		if (*value != '=' || named != 7 || strncasecmp(name, "charset", 7) != 0)
			continue;
		value += 1 + strspn(value + 1, " \t\"'");
		length = strcspn(value, "\"'; \t");
		if (charset_find(value, length))
			return charset_find(value, length);
	}
	return NULL;
}

static const struct charset *mark_charset(const char *bytes, size_t length, size_t *mark)
{
	*mark = 3;
	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		return charset_find("utf-8", 5);
	*mark = 2;
	if (length >= 2 && memcmp(bytes, "\xff\xfe", 2) == 0)
		return charset_find("utf-16le", 8);
	if (length >= 2 && memcmp(bytes, "\xfe\xff", 2) == 0)
		return charset_find("utf-16be", 8);
	*mark = 0;
	return NULL;
}

/* Nearly every second byte NUL: ASCII in two bytes a character. */
static const struct charset *zeros_charset(const char *bytes, size_t length)
{
	size_t looked = (length < ZERO_BYTES ? length : ZERO_BYTES) & ~(size_t)1, zeros[2] = {0, 0};

	for (size_t i = 0; i < looked; i++)
		zeros[i & 1] += bytes[i] == '\0';
	if (looked < 4 || zeros[0] + zeros[1] < looked / 4)
		return NULL;
	if (zeros[0] == 0)
		return charset_find("utf-16le", 8);
	return zeros[1] == 0 ? charset_find("utf-16be", 8) : NULL;
}

static bool is_utf8(const char *bytes, size_t length)
{
	const char *at = bytes, *end = bytes + length;
	bool longer = false; /* than ASCII */

	while (at < end) {
		const char *before = at;

		if (charset_next(&at, end) == 0xfffd &&
		    (at - before != 3 || memcmp(before, "\xef\xbf\xbd", 3) != 0))
			return longer && at == end && end - before < 4; /* cut inside its last character */
		longer = longer || at - before > 1;
	}
	return true;
}

static const struct charset *look(const char *bytes, size_t length)
{
	const struct charset *zeros = zeros_charset(bytes, length);

	if (zeros)
		return zeros;
	if (memmem(bytes, length, "\033$B", 3)) /* seven bits only: it would pass for UTF-8 */
		return charset_find("iso-2022-jp", 11);
	return is_utf8(bytes, length) ? charset_find("utf-8", 5) : charset_guess(bytes, length);
}

const struct charset *charset_sniff(enum sniff sniff, const char *content_type, const char *bytes,
				    size_t length, size_t *mark)
{
	size_t looked = length < PRESCAN_BYTES ? length : PRESCAN_BYTES;
	const struct charset *found = mark_charset(bytes, length, mark);

	if (!found)
		found = header_charset(content_type);
	if (!found && sniff == SNIFF_HTML)
		found = prescan(bytes, looked);
	if (!found && sniff != SNIFF_TEXT)
		found = xml_charset(bytes, looked);
	return found ? found : look(bytes, length);
}
