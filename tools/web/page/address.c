/* SPDX-License-Identifier: Apache-2.0 */
/* References made absolute, and spelled so that Markdown takes them whole. */
#include "tools/web/page/address.h"

#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/utf8.h"
#include "tools/web/page/entities.h"

/* Schemes that are no addresses of anything. */
static const char *const refused[] = {"about:", "blob:", "data:", "file:", "javascript:", "vbscript:"};

struct parts { /* offsets into an address's text */
	size_t authority, path, query, fragment;
};

/* The length of "scheme:" at the beginning; 0: none. */
static size_t scheme_length(struct slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.bytes[i];

		if (c == ':')
			return i ? i + 1 : 0;
		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
		    (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
			return 0;
	}
	return 0;
}

static size_t find_any(const char *text, size_t from, size_t length, const char *any)
{
	while (from < length && !strchr(any, text[from]))
		from++;
	return from;
}

static struct parts split(const struct address *address)
{
	struct slice text = {address->text, address->length};
	struct parts parts = {.authority = scheme_length(text)};

	parts.path = parts.authority;
	if (text.length - parts.authority >= 2 && memcmp(text.bytes + parts.authority, "//", 2) == 0)
		parts.path = find_any(text.bytes, parts.authority + 2, text.length, "/?#");
	parts.query = find_any(text.bytes, parts.path, text.length, "?#");
	parts.fragment = find_any(text.bytes, parts.query, text.length, "#");
	return parts;
}

static bool put(struct address *address, const char *bytes, size_t length)
{
	if (address->length + length >= sizeof address->text)
		return false;
	memcpy(address->text + address->length, bytes, length);
	address->length += length;
	return true;
}

/* Appends what Markdown and one line can hold; the rest as %XX, and tabs and line ends not at all. */
static bool put_encoded(struct address *address, struct slice text, bool hierarchical)
{
	static const char hexadecimal[] = "0123456789ABCDEF";
	const char *at = text.bytes, *end = text.bytes + text.length;
	bool in_path = hierarchical;

	while (at < end) {
		unsigned char c = (unsigned char)*at;
		size_t length;
		uint32_t code = utf8_decode(at, (size_t)(end - at), &length);
		char encoded[3] = {'%', hexadecimal[c >> 4], hexadecimal[c & 15]};

		if (c == '?' || c == '#')
			in_path = false;
		if (c == '\t' || c == '\n' || c == '\r') {
			at++;
		} else if (c == '\\' && in_path) {
			if (!put(address, "/", 1))
				return false;
			at++;
		} else if (code > 0xa0 && code != UTF8_NONE) {
			if (!put(address, at, length))
				return false;
			at += length;
		} else if (c <= ' ' || c >= 0x7f || strchr("()<>\"\\`|{}^", c)) {
			if (!put(address, encoded, 3))
				return false;
			at++;
		} else {
			if (!put(address, at, 1))
				return false;
			at++;
		}
	}
	return true;
}

/* RFC 3986 section 5.2.4 on the path from `from` on. In place: it only gets shorter. */
static void remove_dots(struct address *address, size_t from)
{
	char *text = address->text;
	size_t end = find_any(text, from, address->length, "?#"), at = from, to = from;

	while (at < end) { /* at a '/' */
		size_t next = at + 1;

		while (next < end && text[next] != '/')
			next++;
		if (next - at == 2 && text[at + 1] == '.') {
			if (next == end)
				text[to++] = '/';
		} else if (next - at == 3 && text[at + 1] == '.' && text[at + 2] == '.') {
			while (to > from && text[--to] != '/')
				;
			if (next == end)
				text[to++] = '/';
		} else {
			memmove(text + to, text + at, next - at);
			to += next - at;
		}
		at = next;
	}
	memmove(text + to, text + end, address->length - end);
	address->length -= end - to;
}

bool address_resolve(struct address *address, const struct address *base, struct slice reference)
{
	struct slice ref = slice_trim(reference);
	size_t scheme = scheme_length(ref);
	struct parts parts;
	bool hierarchical;

	address->length = 0;
	if (!ref.length)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (slice_begins(ref, refused[i]))
			return false;
	hierarchical = !scheme || slice_begins(ref, "http:") || slice_begins(ref, "https:");
	if (scheme || !base || !base->length || ref.bytes[0] == '#') {
		if (!put_encoded(address, ref, hierarchical) || !address->length)
			return false;
		parts = split(address);
		if (parts.path > parts.authority && parts.path < parts.query)
			remove_dots(address, parts.path);
		return true;
	}
	parts = split(base);
	if (ref.length >= 2 && strchr("/\\", ref.bytes[0]) && strchr("/\\", ref.bytes[1])) {
		if (!put(address, base->text, parts.authority) || !put_encoded(address, ref, true))
			return false;
		parts = split(address);
	} else if (ref.bytes[0] == '?') {
		return put(address, base->text, parts.query) && put_encoded(address, ref, false);
	} else {
		size_t kept = parts.path;

		if (ref.bytes[0] != '/' && ref.bytes[0] != '\\')
			for (kept = parts.query; kept > parts.path && base->text[kept - 1] != '/'; kept--)
				;
		if (!put(address, base->text, kept) ||
		    (kept == parts.path && !strchr("/\\", ref.bytes[0]) && !put(address, "/", 1)) ||
		    !put_encoded(address, ref, true))
			return false;
	}
	if (parts.path < address->length && address->text[parts.path] == '/')
		remove_dots(address, parts.path);
	return true;
}
