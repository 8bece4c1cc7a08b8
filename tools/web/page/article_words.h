/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_WORDS_H
#define SALLYPORT_TOOLS_WEB_PAGE_ARTICLE_WORDS_H

/* What the names that authors give to parts of a page (class, id, role, itemprop) say of them. */

#include "tools/web/page/tree.h"

#define SIGN_CHROME   0x1  /* belongs to the site, not to the page: menus, banners, footers, dialogs */
#define SIGN_APART    0x2  /* beside the content: related pages, promotion, newsletters, advertisements */
#define SIGN_COMMENTS 0x4  /* what readers said of it */
#define SIGN_CONTENT  0x8  /* calls itself content */
#define SIGN_SHARE    0x10 /* buttons to share, print, follow */
#define SIGN_BYLINE   0x20 /* who wrote it, and when */
#define SIGN_CAPTION  0x40 /* of an image */

/* Signs of one element. */
unsigned article_signs(const struct node *node);

#endif
