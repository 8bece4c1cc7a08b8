/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of classes are chosen by people, and mostly of the same few words. They are cut where words end ("-", "_",
 * a capital), and each word, and each pair of neighbours, is looked up: "relatedPosts", "related-posts" and
 * "relatedposts" are the same.
 */
#include "tools/web/page/article_words.h"

#include <string.h>

#include "protocol/cleanup.h"

#define WORD_BYTES 32 /* longer than two of the words below */

/* Sorted: found by halves. */
static const struct {
	const char *word;
	unsigned signs;
} words[] = {
#include "words.inc"
};

static unsigned look_up(const char *word, size_t length)
{
	size_t low = 0, high = ARRAY_SIZE(words);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = word[0] - words[middle].word[0];

		if (order == 0)
			order = strncmp(word, words[middle].word, length);
		if (order == 0 && words[middle].word[length])
			order = -1;
		if (order == 0)
			return words[middle].signs;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static unsigned signs_of(struct slice names)
{
	char pair[2 * WORD_BYTES];
	size_t before = 0; /* of the word before, at the front of pair */
	unsigned signs = 0;

	for (size_t i = 0; i < names.length;) {
		size_t length = 0;

		if (!is_letter(names.bytes[i])) {
			before = is_space(names.bytes[i]) ? 0 : before;
			i++;
			continue;
		}
		bool hump = i && is_letter(names.bytes[i - 1]);

		while (i < names.length && is_letter(names.bytes[i]) &&
		       !(length && is_upper(names.bytes[i]) && !is_upper(names.bytes[i - 1]))) {
			if (length < WORD_BYTES)
				pair[before + length++] = (char)(names.bytes[i] | 0x20);
			i++;
		}
		hump |= i < names.length && is_letter(names.bytes[i]);
		if (!hump || length > 3) /* short pieces are often none: "hJpRRP" */
			signs |= look_up(pair + before, length);
		if (before)
			signs |= look_up(pair, before + length);
		memmove(pair, pair + before, length);
		before = length;
	}
	return signs;
}

/* Headings and anchors bear ids made of what they say. */
static bool is_anchor(const struct node *node)
{
	return element_is(node->element, ELEMENT_HEADING) || node_is(node, ELEMENT_span) || node_is(node, ELEMENT_a) ||
	       node_is(node, ELEMENT_dt) || node_is(node, ELEMENT_dd) || node_is(node, ELEMENT_p);
}

unsigned article_signs(const struct node *node)
{
	unsigned signs = 0;

	for (uint32_t i = 0; node->element != ELEMENT_TEXT && i < node->length; i++) {
		const struct attribute *attribute = &node->attributes[i];

		if (attribute->name == ATTRIBUTE_class || (attribute->name == ATTRIBUTE_id && !is_anchor(node)) ||
		    attribute->name == ATTRIBUTE_role || attribute->name == ATTRIBUTE_itemprop)
			signs |= signs_of((struct slice){attribute->value, attribute->length});
	}
	return signs;
}
