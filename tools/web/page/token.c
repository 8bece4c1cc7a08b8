/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer. What it reads is a stranger's. */
#include "tools/web/page/token.h"

#include <string.h>
#include <strings.h>

#include "tools/web/page/entities.h"

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static const char *find_byte(const char *at, const char *end, char byte)
{
	const char *found = at < end ? memchr(at, byte, (size_t)(end - at)) : NULL;

	return found ? found : end;
}

/* Character references, "\r\n" and NUL resolved; what has none of them is not copied. */
static struct slice decode(struct tokenizer *tokens, const char *at, const char *end, bool in_attribute)
{
	size_t length = (size_t)(end - at), size = length + length / 4 + ENTITY_BYTES, to = 0, used;
	char *text;

	if (!length || (!memchr(at, '&', length) && !memchr(at, '\r', length) && !memchr(at, '\0', length)))
		return (struct slice){at, length};
	text = tree_allocate(tokens->tree, size);
	if (!text)
		return (struct slice){at, 0};
	while (at < end) {
		size_t decoded = *at == '&' ? entity_decode(at, end, in_attribute, text + to, &used) : 0;

		if (decoded) {
			to += decoded;
			at += used;
			continue;
		}
		if (*at == '\r')
			text[to++] = '\n';
		else if (*at)
			text[to++] = *at;
		at += *at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1;
	}
	tree_shrink(tokens->tree, text, size, to);
	return (struct slice){text, to};
}

/* Past the comment, doctype or other declaration at tokens->at, which is "<!", "<?" or "</". */
static void skip_declaration(struct tokenizer *tokens)
{
	const char *at = tokens->at, *end = tokens->end;

	if (end - at >= 4 && memcmp(at, "<!--", 4) == 0) {
		at += 4;
		if (at < end && *at == '>') { /* "<!-->" and "<!--->" are whole comments */
			tokens->at = at + 1;
			return;
		}
		if (end - at >= 2 && at[0] == '-' && at[1] == '>') {
			tokens->at = at + 2;
			return;
		}
		for (const char *start = at; (at = find_byte(at, end, '>')) < end; at++)
			if ((at - start >= 2 && at[-1] == '-' && at[-2] == '-') ||
			    (at - start >= 3 && at[-1] == '!' && at[-2] == '-' && at[-3] == '-'))
				break;
	} else {
		tokens->doctype |= end - at >= 9 && strncasecmp(at, "<!doctype", 9) == 0;
		at = find_byte(at + 2, end, '>');
	}
	tokens->at = at < end ? at + 1 : end;
}

/* "<![CDATA[" in svg or math: text as it is. */
static bool take_cdata(struct tokenizer *tokens, struct token *token)
{
	const char *at = tokens->at, *close;

	if (!tokens->foreign || tokens->end - at < 9 || memcmp(at, "<![CDATA[", 9) != 0)
		return false;
	at += 9;
	close = memmem(at, (size_t)(tokens->end - at), "]]>", 3);
	token->kind = TOKEN_TEXT;
	token->text = (struct slice){at, (size_t)((close ? close : tokens->end) - at)};
	tokens->at = close ? close + 3 : tokens->end;
	return true;
}

static void add_attribute(struct tokenizer *tokens, struct token *token, struct slice name,
			  struct slice value)
{
	enum attribute_name found = attribute_find(name.bytes, name.length);

	if (token->element == ELEMENT_font &&
	    (slice_is(name, "color") || slice_is(name, "face") || slice_is(name, "size")))
		token->is_styled = true;
	if (found == ATTRIBUTES || token->kind != TOKEN_OPEN)
		return;
	for (uint32_t i = 0; i < token->count; i++)
		if (token->attributes[i].name == found)
			return; /* the first counts */
	value = decode(tokens, value.bytes, value.bytes + value.length, true);
	token->attributes[token->count++] =
		(struct attribute){value.bytes, (uint32_t)value.length, (uint16_t)found};
}

/* At the first byte of an attribute's name; leaves tokens->at behind its value. */
static void take_attribute(struct tokenizer *tokens, struct token *token)
{
	const char *at = tokens->at, *end = tokens->end;
	struct slice name = {at, 0}, value = {at, 0};

	at++; /* whatever it is, also '=' */
	while (at < end && !is_space(*at) && *at != '/' && *at != '>' && *at != '=')
		at++;
	name.length = (size_t)(at - name.bytes);
	while (at < end && is_space(*at))
		at++;
	if (at < end && *at == '=') {
		at++;
		while (at < end && is_space(*at))
			at++;
		value.bytes = at;
		if (at < end && (*at == '"' || *at == '\'')) {
			value.bytes = at + 1;
			at = find_byte(at + 1, end, *at);
			value.length = (size_t)(at - value.bytes);
			at += at < end;
		} else {
			while (at < end && !is_space(*at) && *at != '>')
				at++;
			value.length = (size_t)(at - value.bytes);
		}
	}
	tokens->at = at;
	add_attribute(tokens, token, name, value);
}

/* Behind a tag's name; to its '>' or the page's end. */
static void take_attributes(struct tokenizer *tokens, struct token *token)
{
	const char *end = tokens->end;

	while (tokens->at < end && *tokens->at != '>') {
		if (*tokens->at == '/') {
			tokens->at++;
			token->self_closing = tokens->at < end && *tokens->at == '>';
		} else if (is_space(*tokens->at)) {
			tokens->at++;
		} else {
			take_attribute(tokens, token);
		}
	}
}

static bool is_end_tag(const char *at, const char *end, const char *name, size_t length)
{
	return (size_t)(end - at) > length + 2 && at[1] == '/' && strncasecmp(at + 2, name, length) == 0 &&
	       (is_space(at[length + 2]) || at[length + 2] == '>' || at[length + 2] == '/');
}

/* Where the text of a <script> ends: in "<!--" a <script> may stand with its end tag (13.2.5.17 and
 * following). */
static const char *script_end(const char *at, const char *end)
{
	bool escaped = false, twice = false;

	for (; at < end; at++) {
		if (escaped && *at == '-' && end - at > 2 && at[1] == '-' && at[2] == '>') {
			escaped = twice = false;
		} else if (*at != '<') {
			continue;
		} else if (!escaped && end - at > 3 && memcmp(at, "<!--", 4) == 0) {
			escaped = true;
			at++; /* these dashes may be those of "-->" */
		} else if (is_end_tag(at, end, "script", 6)) {
			if (!twice)
				return at;
			twice = false;
		} else if (escaped && end - at > 7 && strncasecmp(at + 1, "script", 6) == 0 &&
			   (is_space(at[7]) || at[7] == '>' || at[7] == '/')) {
			twice = true;
		}
	}
	return end;
}

/* A line end right behind such a start tag is none of the text. */
static void skip_line_end(struct tokenizer *tokens)
{
	if (tokens->at < tokens->end && *tokens->at == '\r')
		tokens->at++;
	if (tokens->at < tokens->end && *tokens->at == '\n')
		tokens->at++;
}

void token_content(struct tokenizer *tokens, struct token *token)
{
	const char *start, *at, *end = tokens->end, *name = element_name(token->element);
	struct token end_tag = {.kind = TOKEN_CLOSE};

	if (token->element == ELEMENT_textarea || token->element == ELEMENT_pre ||
	    token->element == ELEMENT_listing)
		skip_line_end(tokens);
	start = at = tokens->at;

	if (token->element == ELEMENT_plaintext)
		tokens->plain = true;
	if (!element_is(token->element, ELEMENT_RAW | ELEMENT_ESCAPABLE))
		return;
	if (token->element == ELEMENT_script)
		at = script_end(at, end);
	else
		for (at = find_byte(at, end, '<'); at < end && !is_end_tag(at, end, name, strlen(name));)
			at = find_byte(at + 1, end, '<');
	token->text = element_is(token->element, ELEMENT_ESCAPABLE)
			      ? decode(tokens, start, at, false)
			      : (struct slice){start, (size_t)(at - start)};
	tokens->at = at;
	if (at == end)
		return;
	tokens->at += 2 + strlen(name);
	take_attributes(tokens, &end_tag);
	tokens->at += tokens->at < end;
}

/* At '<', a letter behind it or behind "</". A tag without end is not there ("eof-in-tag"): false. */
static bool take_tag(struct tokenizer *tokens, struct token *token)
{
	bool closing = tokens->at[1] == '/';
	const char *name = tokens->at + 1 + closing, *at = name, *end = tokens->end;
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (at < end && !is_space(*at) && *at != '/' && *at != '>')
		hash = (hash ^ (uint8_t)(is_letter(*at) ? *at | 0x20 : *at)) * 16777619u, at++;
	token->kind = closing ? TOKEN_CLOSE : TOKEN_OPEN;
	token->element = element_find(name, (size_t)(at - name));
	token->hash = token->element == ELEMENT_OTHER ? hash : 0;
	tokens->at = at;
	take_attributes(tokens, token);
	if (tokens->at == end)
		return false;
	tokens->at++;
	return true;
}

static bool begins_markup(const char *at, const char *end)
{
	return end - at > 1 &&
	       (is_letter(at[1]) || at[1] == '!' || at[1] == '?' || (at[1] == '/' && end - at > 2));
}

static void take_text(struct tokenizer *tokens, struct token *token)
{
	const char *start = tokens->at, *at = find_byte(start, tokens->end, '<');

	while (at < tokens->end && !begins_markup(at, tokens->end))
		at = find_byte(at + 1, tokens->end, '<');
	token->kind = TOKEN_TEXT;
	token->text = decode(tokens, start, at, false);
	tokens->at = at;
}

void token_next(struct tokenizer *tokens, struct token *token)
{
	while (tokens->at < tokens->end) {
		token->element = ELEMENT_TEXT;
		token->text = (struct slice){NULL, 0};
		token->self_closing = token->is_styled = false;
		token->count = 0;
		if (tokens->plain) {
			token->kind = TOKEN_TEXT;
			token->text = (struct slice){tokens->at, (size_t)(tokens->end - tokens->at)};
			tokens->at = tokens->end;
			return;
		}
		if (*tokens->at != '<' || !begins_markup(tokens->at, tokens->end)) {
			take_text(tokens, token);
			if (token->text.length)
				return;
		} else if (is_letter(tokens->at[1]) || (tokens->at[1] == '/' && is_letter(tokens->at[2]))) {
			if (take_tag(tokens, token))
				return;
		} else if (take_cdata(tokens, token)) {
			if (token->text.length)
				return;
		} else if (tokens->at[1] == '/' && tokens->at[2] == '>') {
			tokens->at += 3;
		} else {
			skip_declaration(tokens);
		}
	}
	token->kind = TOKEN_END;
}
