/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_CUT_H
#define SALLYPORT_TOOLS_WEB_CONTENT_CUT_H

/* Where a text may be divided into pages. */

#include <stdbool.h>
#include <stddef.h>

/*
 * The end of the page that begins at `begin` and has `most` bytes at the most (above 0, and at most
 * length - begin): the whole rest if it fits. Otherwise, from the best to the last resort, each only if it
 * leaves two thirds of a page: in front of a heading, behind a blank line, behind a line; then behind a
 * sentence, behind a word (of the last quarter); between characters. In Markdown never inside a fenced block
 * or a table, unless that is as long as the page. Above `begin`. Linear: it reads the text once from its
 * beginning.
 */
size_t cut_page(const char *text, size_t length, size_t begin, size_t most, bool markdown);

#endif
