/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_FACTS_H
#define SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_FACTS_H

/* What is counted of each node of a page, to judge it by. */

#include "tools/web/page/tree.h"

struct counts {
	uint32_t text;   /* characters that are seen, without white space */
	uint32_t linked; /* of these, in links */
	uint32_t headed; /* of these, in headings */
	uint32_t commas; /* and their like in other scripts */
};

struct facts {
	struct counts own; /* of text that belongs to this block and to none within it */
	struct counts all; /* of all below, but for what is left out */
	float mass;        /* how much running text is below, in points (article_facts.c) */
	float score;       /* the same, with what is nearer counting for more */
	uint16_t paragraphs, items, images, inputs, embeds; /* below, saturating */
	uint16_t signs;    /* article_words.h */
	uint32_t block;    /* number of the block whose text this is */
	bool linked, headed;
};

struct page {
	struct tree *tree;
	struct facts *facts; /* by node.number */
	bool noscript;       /* what is there for browsers without scripts counts */
	bool discussion;     /* what readers say is what the page is for */
};

static inline struct facts *facts_of(const struct page *page, const struct node *node)
{
	return &page->facts[node->number];
}

/* Looks at each node below the body once. 0 or -ENOMEM. */
int facts_gather(struct page *page, struct tree *tree);
/* Whether a node is to be left out, asked when all below it has been. */
typedef bool (*facts_judge)(const struct page *page, const struct node *node);
/* Counts again below `root`, last nodes first, without what is left out by now and what `judge` (or NULL) says. */
void facts_sum(struct page *page, struct node *root, facts_judge judge);

/* 0 to 1 */
static inline float link_share(const struct facts *facts)
{
	return facts->all.text ? (float)facts->all.linked / (float)facts->all.text : 0;
}

#endif
