/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_H
#define SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_H

/* Finds what a page is there for, and marks the rest of it. */

#include "tools/web/page/tree.h"

/* Marks what is not part of it with NODE_LEFT_OUT; hidden_mark() has been before. Time is linear in the tree.
 * 0, or -ENOMEM: nothing is marked. */
int article_find(struct tree *tree);

#endif
