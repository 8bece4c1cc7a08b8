/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_H
#define SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_H

/* Finds what a page is there for, and marks the rest of it. */

#include "tools/web/page/tree.h"

enum article_kind {
	ARTICLE_PAGE, /* no one text stands out: all but what belongs to the site */
	ARTICLE_MAIN, /* one text */
};

struct article {
	enum article_kind kind;
	struct node *root; /* what to write: below it, all that is neither NODE_HIDDEN nor NODE_LEFT_OUT */
};

/* Marks nodes with NODE_LEFT_OUT. Time is linear in the tree. 0, or -ENOMEM: nothing is marked, root is the body. */
int article_find(struct tree *tree, struct article *article);

#endif
