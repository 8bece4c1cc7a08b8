/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_HIDDEN_H
#define SALLYPORT_TOOLS_WEB_PAGE_HIDDEN_H

#include "tools/web/page/tree.h"

/* Marks what a reader of the page does not see (NODE_HIDDEN): what is hidden by attribute or inline style,
 * icons, skip links, and of images loaded late either the placeholder or the <noscript>. */
void hidden_mark(struct tree *tree);

/* Elements whose content is nothing to read in any case. `plain`: all text is wanted, that of form controls
 * too; `in_label`: in a heading or the like, where a button's text is the heading's. */
bool node_is_never_shown(const struct node *node, bool plain, bool in_label);

#endif
