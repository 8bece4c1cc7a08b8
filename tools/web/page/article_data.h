/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_DATA_H
#define SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_DATA_H

#include "tools/web/page/tree.h"

/* For a page with next to no text of its own (`seen` characters): appends to the body what its metadata tell
 * (JSON-LD articleBody, else a description), with a line before it that says so. True: there was such. */
bool article_from_data(struct tree *tree, size_t seen);

#endif
