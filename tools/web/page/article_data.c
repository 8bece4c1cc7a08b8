/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that scripts build are empty without them, but tell search engines what they would say. Only two
 * strings are looked for, so the JSON is not parsed: the text of the first "articleBody" is taken as it
 * stands there.
 */
#include "tools/web/page/article_data.h"

#include <string.h>

#include "protocol/utf8.h"

enum {
	BODY_BYTES = 200, /* a shorter articleBody is no text */
};

static const char *after_spaces(const char *at, const char *end)
{
	while (at < end && (is_space(*at) || *at == ':'))
		at++;
	return at;
}

/* The JSON string behind "articleBody", with its escapes. */
static struct slice find_body(const struct node *script)
{
	static const char name[] = "\"articleBody\"";
	const char *end = script->first->text + script->first->length;
	const char *at = memmem(script->first->text, script->first->length, name, sizeof name - 1);
	struct slice body;

	if (!at)
		return (struct slice){NULL, 0};
	at = after_spaces(at + sizeof name - 1, end);
	if (at == end || *at++ != '"')
		return (struct slice){NULL, 0};
	body = (struct slice){at, 0};
	while (at < end && *at != '"')
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	body.length = (size_t)(at - body.bytes);
	return body;
}

static unsigned hexadecimal(const char *digits)
{
	unsigned value = 0;

	for (unsigned i = 0; i < 4; i++) {
		char c = digits[i];

		value = value << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value & 0xffff;
}

/* "\uXXXX" at `at`, a pair of surrogates as one. Bytes taken; 0: it is none. */
static size_t take_escape(const char *at, size_t left, unsigned *c)
{
	unsigned low;

	if (left < 6 || at[1] != 'u')
		return 0;
	*c = hexadecimal(at + 2);
	if (*c < 0xd800 || *c > 0xdfff)
		return 6;
	low = left >= 12 && at[6] == '\\' && at[7] == 'u' ? hexadecimal(at + 8) : 0;
	if (*c < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
		*c = 0x10000 + ((*c & 0x3ff) << 10 | (low & 0x3ff));
		return 12;
	}
	*c = 0xfffd;
	return 6;
}

/* Without JSON's escapes, which are never shorter than what they stand for. */
static struct slice unescape(struct tree *tree, struct slice json)
{
	char *text = tree_allocate(tree, json.length + 1);
	size_t used = 0;

	for (size_t i = 0; text && i < json.length;) {
		unsigned c;
		size_t taken = json.bytes[i] == '\\' ? take_escape(json.bytes + i, json.length - i, &c) : 0;

		if (taken) {
			used += utf8_encode(c ? c : 0xfffd, text + used);
			i += taken;
		} else if (json.bytes[i] == '\\' && i + 1 < json.length) {
			char escaped = json.bytes[i + 1];

			text[used++] = escaped == 'n' || escaped == 'r' ? '\n'
				       : escaped == 't'                 ? ' '
									: escaped;
			i += 2;
		} else {
			text[used++] = json.bytes[i++];
		}
	}
	return (struct slice){text, used};
}

static void add_paragraph(struct tree *tree, enum element inside, struct slice text)
{
	struct node *paragraph, *node, *at;

	text = slice_trim(text);
	paragraph = text.length ? tree_node(tree, ELEMENT_p) : NULL;
	node = paragraph ? tree_node(tree, ELEMENT_TEXT) : NULL;
	if (!node)
		return;
	at = paragraph;
	if (inside != ELEMENT_p) {
		at = tree_node(tree, inside);
		if (!at)
			return;
		at->marks = NODE_HAS_TEXT;
		tree_append(paragraph, at);
	}
	node->text = text.bytes;
	node->length = (uint32_t)text.length;
	paragraph->marks = NODE_HAS_TEXT;
	tree_append(at, node);
	tree_append(tree->body, paragraph);
	tree->body->marks |= NODE_HAS_TEXT | NODE_HAS_BLOCK;
}

static void add_text(struct tree *tree, struct slice text)
{
	static const char note[] = "Without scripts this page is empty. Its metadata say:";

	add_paragraph(tree, ELEMENT_em, (struct slice){note, sizeof note - 1});
	while (text.length) {
		const char *end = memchr(text.bytes, '\n', text.length);
		size_t length = end ? (size_t)(end - text.bytes) : text.length;

		add_paragraph(tree, ELEMENT_p, (struct slice){text.bytes, length});
		length += length < text.length;
		text.bytes += length;
		text.length -= length;
	}
}

bool article_from_data(struct tree *tree, size_t seen)
{
	struct slice description = {NULL, 0};

	for (struct node *node = tree->root; node; node = node_after(node, tree->root)) {
		struct slice body = {NULL, 0};

		if (node_is(node, ELEMENT_script) && node->first &&
		    node_attribute_is(node, ATTRIBUTE_type, "application/ld+json"))
			body = find_body(node);
		if (body.length > BODY_BYTES && body.length > 2 * seen) {
			add_text(tree, unescape(tree, body));
			return true;
		}
		if (node_is(node, ELEMENT_meta) && !description.length &&
		    (node_attribute_is(node, ATTRIBUTE_name, "description") ||
		     node_attribute_is(node, ATTRIBUTE_property, "og:description")))
			description = node_attribute(node, ATTRIBUTE_content);
	}
	if (seen || !description.length)
		return false;
	add_text(tree, description);
	return true;
}
