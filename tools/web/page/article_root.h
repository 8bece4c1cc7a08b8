/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_ROOT_H
#define SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_ROOT_H

/* Where a page's one text stands, if it has one; and what is none of it, in there. */

#include "tools/web/page/article_facts.h"

/* The smallest element that has all of the text, maybe the body. Marks children of it that have no part in
 * it. */
struct node *article_root(const struct page *page);

/* facts_judge: within the text, what is there for other reasons. */
bool article_is_clutter(const struct page *page, const struct node *node);

#endif
