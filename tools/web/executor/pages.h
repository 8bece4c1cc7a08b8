/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_PAGES_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_PAGES_H

/*
 * What was fetched and not shown to its end, so that a later page (offset above 0) comes from the first
 * download. Bounded in number, bytes and age; the oldest goes first. Never used for an offset of 0: that asks
 * for the page as it is now.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "tools/web/wire.h"

/* A fetched page as text, with what its answers say about it. */
struct page {
	char *key; /* the URL that was asked for */
	uint32_t format, status, redirects, flags;
	char *url; /* the final one */
	char type[WEB_MEDIA_TYPE_BYTES], title[WEB_TITLE_BYTES], broke[256];
	uint64_t bytes, characters;
	char *text;
	size_t length;
	uint64_t kept; /* monotonic milliseconds */
};

struct pages {
	struct page *slots[LIMIT_WEB_PAGES]; /* oldest first */
	size_t count, bytes;
};

void page_free(struct page *page);
/* Takes `page`, in place of one with the same key and format; frees it when it is too large to keep. */
void pages_keep(struct pages *pages, struct page *page, uint64_t now);
/* NULL when there is none or it has become too old. Valid until the next pages_keep(). */
const struct page *pages_find(struct pages *pages, const char *key, uint32_t format, uint64_t now);
void pages_deinit(struct pages *pages);

#endif
