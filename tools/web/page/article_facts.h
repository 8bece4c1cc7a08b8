/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_FACTS_H
#define SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_FACTS_H

/* What is counted of each node of a page, and what the page says of itself: what main content is judged by.
 */

#include "tools/web/page/tree.h"

#define TITLE_KEY_BYTES 256
#define TITLES          4

struct counts {
	uint32_t text;   /* characters that are seen, without white space */
	uint32_t linked; /* of these, in links */
	uint32_t commas; /* and their like in other scripts */
};

struct facts {
	struct counts own;           /* of text that belongs to this block and to none within it */
	struct counts all;           /* of all below, but for what is left out */
	float mass;                  /* how much running text is below: points, see article_facts.c */
	float score;                 /* the same, with what is nearer counting for more */
	float shown;                 /* the most mass of an <article> or <main> in it */
	uint32_t block;              /* number of the block whose text this is */
	uint16_t paragraphs, inputs; /* below; no more than UINT16_MAX */
	uint8_t signs;               /* article_words.h */
	bool linked, headed, coded, in_article, in_main; /* within a link, a heading, <pre>, ... */
};

/* A text without all but letters and digits, in lower case: equal if people would say so. */
struct title_key {
	char text[TITLE_KEY_BYTES];
	size_t length;
};

struct page {
	struct tree *tree;
	struct facts *facts; /* by node.number */
	bool is_article;     /* it says so: og:type, schema.org */
	bool is_discussion;  /* what readers say is what it is for */
	bool noscript;       /* what is there for browsers without scripts is its content */
	struct title_key titles[TITLES];
	size_t title_count;
};

static inline struct facts *facts_of(const struct page *page, const struct node *node)
{
	return &page->facts[node->number];
}

static inline bool is_out(const struct node *node)
{
	return (node->marks & (NODE_LEFT_OUT | NODE_HIDDEN)) != 0;
}

/* Looks at each node below the body, and at what the page says of itself. 0 or -ENOMEM. */
int facts_gather(struct page *page, struct tree *tree);

/* Whether a node is to be left out, asked when all below it has been. */
typedef bool (*facts_judge)(const struct page *page, const struct node *node);
/* Counts again below `root`, last nodes first, without what is left out by now and what `judge` (or NULL)
 * says. */
void facts_sum(struct page *page, struct node *root, facts_judge judge);

/* Letters and digits of the node's text. */
void facts_key(struct title_key *key, const struct node *node);
/* Whether a heading says what the page's title says. */
bool facts_is_title(const struct page *page, const struct node *heading);

/* 0 to 1 */
static inline float link_share(const struct facts *facts)
{
	return facts->all.text ? (float)facts->all.linked / (float)facts->all.text : 0;
}

#endif
