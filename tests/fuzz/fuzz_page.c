/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page from a stranger. The tree hangs together and is no deeper than it may be; the text is UTF-8, within
 * its bound, and begins and ends as blocks do; with little memory or room there is less of it, and it says
 * so. The first byte chooses.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tools/web/page/entities.h"
#include "tools/web/page/page.h"
#include "tools/web/page/tree.h"

#define LITTLE_MEMORY (100u << 10)
#define LITTLE_ROOM   1000

static void check_utf8(const char *text, size_t length)
{
	if (!length)
		return;
	for (const char *at = text, *end = text + length; at < end;) {
		size_t one;

		FUZZ_CHECK(utf8_decode(at, (size_t)(end - at), &one) != UTF8_NONE);
		at += one;
	}
	FUZZ_CHECK(!memchr(text, '\0', length));
}

static void check_tree(const char *html, size_t length)
{
	struct tree tree;
	uint32_t nodes = 0;

	FUZZ_CHECK(tree_parse(&tree, html, length, LIMIT_WEB_TEXT_BYTES, 0) == 0);
	for (const struct node *node = tree.root; node; node = node_after(node, tree.root)) {
		unsigned depth = 0;

		FUZZ_CHECK(++nodes <= tree.nodes && node->number < tree.nodes);
		FUZZ_CHECK(!node->first == !node->last);
		FUZZ_CHECK(!node->first || (!node->first->prev && !node->last->next));
		FUZZ_CHECK(!node->next || (node->next->prev == node && node->next->parent == node->parent));
		if (!node->first)
			for (const struct node *up = node; up; up = up->parent)
				depth++;
		FUZZ_CHECK(depth <= 2 * LIMIT_PAGE_DEPTH);
	}
	tree_deinit(&tree);
}

static void check_page(const char *html, size_t length, const struct page_options *options, size_t room)
{
	_cleanup_(buffer_deinit) struct buffer text = {.max = room};
	struct page_facts facts;
	const char *bytes;

	FUZZ_CHECK(page_convert(&text, &facts, options, html, length) == 0);
	FUZZ_CHECK(memchr(facts.title, '\0', sizeof facts.title));
	check_utf8(facts.title, strlen(facts.title));
	FUZZ_CHECK(!strchr(facts.title, '\n'));
	FUZZ_CHECK(buffer_length(&text) <= room);
	check_utf8(buffer_data(&text), buffer_length(&text));
	if (!buffer_length(&text) || facts.cut)
		return;
	bytes = buffer_data(&text);
	FUZZ_CHECK(bytes[0] != '\n' && bytes[buffer_length(&text) - 1] == '\n');
	FUZZ_CHECK(buffer_length(&text) < 2 || bytes[buffer_length(&text) - 2] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct page_options options = {.url = "https://example.org/a/b?c#d", .memory = LIMIT_WEB_TEXT_BYTES};
	const char *html = (const char *)data + 1;

	if (!size)
		return 0;
	options.format = data[0] & 1 ? PAGE_TEXT : PAGE_MARKDOWN;
	if (data[0] & 2)
		options.memory = LITTLE_MEMORY;
	check_tree(html, size - 1);
	check_page(html, size - 1, &options, data[0] & 4 ? LITTLE_ROOM : LIMIT_WEB_TEXT_BYTES);
	return 0;
}
