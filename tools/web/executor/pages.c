/* SPDX-License-Identifier: Apache-2.0 */
/* Pages kept for reading on. Few enough for a list that is walked. */
#include "tools/web/executor/pages.h"

#include <stdlib.h>
#include <string.h>

void page_free(struct page *page)
{
	if (!page)
		return;
	free(page->key);
	free(page->url);
	free(page->text);
	free(page);
}

static void drop(struct pages *pages, size_t index)
{
	pages->bytes -= pages->slots[index]->length;
	page_free(pages->slots[index]);
	pages->count--;
	memmove(&pages->slots[index], &pages->slots[index + 1],
		(pages->count - index) * sizeof pages->slots[0]);
}

void pages_keep(struct pages *pages, struct page *page, uint64_t now)
{
	for (size_t i = pages->count; i-- > 0;)
		if (pages->slots[i]->format == page->format && strcmp(pages->slots[i]->key, page->key) == 0)
			drop(pages, i);
	if (page->length > LIMIT_WEB_PAGES_BYTES) {
		page_free(page);
		return;
	}
	while (pages->count == LIMIT_WEB_PAGES || pages->bytes + page->length > LIMIT_WEB_PAGES_BYTES)
		drop(pages, 0);
	page->kept = now;
	pages->slots[pages->count++] = page;
	pages->bytes += page->length;
}

const struct page *pages_find(struct pages *pages, const char *key, uint32_t format, uint64_t now)
{
	while (pages->count && now - pages->slots[0]->kept > LIMIT_WEB_PAGES_MS)
		drop(pages, 0);
	for (size_t i = 0; i < pages->count; i++)
		if (pages->slots[i]->format == format && strcmp(pages->slots[i]->key, key) == 0)
			return pages->slots[i];
	return NULL;
}

void pages_deinit(struct pages *pages)
{
	while (pages->count)
		drop(pages, pages->count - 1);
}
