/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the middle of a text and is no part of it: blocks of links, forms, "read more", captions of
 * news. */
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/page/article_root.h"
#include "tools/web/page/article_words.h"

enum {
	CAPTION_TEXT = 300, /* characters: what is longer only calls itself caption */
	POINTER_TEXT = 200,
	LABEL_TEXT = 16,
	COMMAS = 10, /* a block with so many is text, whatever else is in it */
};
static const float few_links = 0.2f;       /* share of the text: a block with more is made of links */
static const float sentence_links = 0.33f; /* the same where there are sentences */
static const float named_links = 0.5f;     /* the same where it calls itself content */

/* How paragraphs begin that lead elsewhere; in English, as most of such pages that a model is sent to. */
static const char *const pointers[] = {
	"related", "readmore",  "seealso", "also",   "seemore", "more",   "dontmiss",
	"click",   "subscribe", "signup",  "follow", "watch",   "getthe", "originallypublished"};

/* What stands where an advertisement was to be. */
static const char *const labels[] = {"ad",      "ads",   "advert",     "advertisement",
				     "anzeige", "iklan", "publicidad", "werbung"};

static bool is_label(const struct page *page, const struct node *node)
{
	struct title_key key;

	if (facts_of(page, node)->all.text > LABEL_TEXT || !element_is(node->element, ELEMENT_BLOCK))
		return false;
	facts_key(&key, node);
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		if (key.length == strlen(labels[i]) && memcmp(key.text, labels[i], key.length) == 0)
			return true;
	return false;
}

/* "Read more: ...", as a paragraph of its own. */
static bool is_pointer(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);
	struct title_key key;

	if (!node_is(node, ELEMENT_p) && !node_is(node, ELEMENT_div) &&
	    !element_is(node->element, ELEMENT_HEADING))
		return false;
	if (facts->all.text > POINTER_TEXT || link_share(facts) < 0.5f)
		return false;
	facts_key(&key, node);
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
		if (key.length >= strlen(pointers[i]) &&
		    memcmp(key.text, pointers[i], strlen(pointers[i])) == 0)
			return true;
	return false;
}

static bool is_caption(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);

	return node_is(node, ELEMENT_figcaption) ||
	       ((facts->signs & SIGN_CAPTION) && facts->all.text < CAPTION_TEXT);
}

static bool is_data_table(const struct node *table)
{
	for (const struct node *node = table; node; node = node_after(node, table))
		if (node_is(node, ELEMENT_th) || node_is(node, ELEMENT_thead) ||
		    node_is(node, ELEMENT_caption))
			return true;
	return false;
}

/* A block of links, or a form. */
static bool is_made_of_links(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);
	bool list = node_is(node, ELEMENT_ul) || node_is(node, ELEMENT_ol);
	bool named = (facts->signs & SIGN_CONTENT) != 0;
	float most = named || (page->is_discussion && facts->mass > 1) ? named_links
		     : facts->mass > 1                                 ? sentence_links
								       : few_links;

	if (!named && (facts->signs & (SIGN_CHROME | SIGN_APART)))
		return true;
	if (facts->all.commas >= COMMAS || facts->coded)
		return false;
	if (facts->inputs * 3 > facts->paragraphs)
		return true;
	if (list)
		return false;
	return link_share(facts) > most;
}

bool article_is_clutter(const struct page *page, const struct node *node)
{
	switch ((enum element)node->element) {
	case ELEMENT_h1:
	case ELEMENT_h2:
		if (facts_is_title(page, node))
			return true;
		break;
	case ELEMENT_table:
		if (is_data_table(node))
			return false;
		return is_made_of_links(page, node);
	case ELEMENT_form:
	case ELEMENT_fieldset:
	case ELEMENT_ul:
	case ELEMENT_ol:
	case ELEMENT_div:
	case ELEMENT_section:
		if (is_made_of_links(page, node))
			return true;
		break;
	default:
		break;
	}
	return is_pointer(page, node) || is_label(page, node) || (page->is_article && is_caption(page, node));
}
