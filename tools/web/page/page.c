/* SPDX-License-Identifier: Apache-2.0 */
/* A page in, Markdown or text out: the order of the steps, and the title. */
#include "tools/web/page/page.h"

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/page/hidden.h"
#include "tools/web/page/writer.h"

static void title_from_meta(const struct tree *tree, char *title)
{
	for (const struct node *node = tree->head->first; node; node = node->next) {
		struct slice content = node_attribute(node, ATTRIBUTE_content);
		struct node text = {
			.element = ELEMENT_TEXT, .text = content.bytes, .length = (uint32_t)content.length};

		text.parent = tree->head;
		if (content.bytes && node_attribute_is(node, ATTRIBUTE_property, "og:title") &&
		    node_line(&text, title, PAGE_TITLE_BYTES))
			return;
	}
}

/* The first `element` below `root` that has text. */
static void title_from_element(const struct node *root, enum element element, char *title)
{
	for (const struct node *node = root; node; node = node_after(node, root))
		if (node->element == element && !(node->marks & NODE_FOREIGN) &&
		    node_line(node, title, PAGE_TITLE_BYTES))
			return;
}

static void find_title(const struct tree *tree, char *title)
{
	title[0] = '\0';
	title_from_element(tree->head, ELEMENT_title, title);
	if (!title[0])
		title_from_meta(tree, title);
	if (!title[0])
		title_from_element(tree->body, ELEMENT_title, title);
	if (!title[0])
		title_from_element(tree->body, ELEMENT_h1, title);
}

/* The page's own address, and then what its <base> makes of it. */
static void find_base(struct writer *writer, const char *url)
{
	const struct tree *tree = writer->tree;

	if (url && strlen(url) <= LIMIT_PAGE_BASE_BYTES)
		address_resolve(&writer->base, NULL, (struct slice){url, strlen(url)});
	for (const struct node *node = tree->head->first; node; node = node->next) {
		if (node->element != ELEMENT_base || !node_has(node, ATTRIBUTE_href))
			continue;
		if (address_resolve(&writer->address, &writer->base, node_attribute(node, ATTRIBUTE_href)) &&
		    writer->address.length <= LIMIT_PAGE_BASE_BYTES)
			writer->base = writer->address;
		return; /* the first counts */
	}
}

static void write_page(struct writer *writer)
{
	write_children(writer, writer->tree->body);
	writer_end_block(writer);
	if (writer->result == 0 && buffer_length(writer->out) > writer->begin)
		writer_put_text(writer, "\n");
}

/* The last character may be cut in two where the buffer ended. */
static enum page_cut why_cut(const struct writer *writer)
{
	if (writer->result == -EMSGSIZE)
		return PAGE_CUT_SIZE;
	if (writer->tree->cut_time || writer->late)
		return PAGE_CUT_TIME;
	return writer->tree->cut_memory ? PAGE_CUT_MEMORY : PAGE_WHOLE;
}

static void writer_deinit(struct writer **writer)
{
	if (!*writer)
		return;
	buffer_deinit(&(*writer)->run.text);
	buffer_deinit(&(*writer)->run.code);
	free(*writer);
}

int page_convert(struct buffer *text, struct page_facts *facts, const struct page_options *options,
		 const char *html, size_t length)
{
	uint64_t deadline = options->ms ? tree_clock() + options->ms : 0;
	_cleanup_(tree_deinit) struct tree tree = {0};
	_cleanup_(writer_deinit) struct writer *writer = calloc(1, sizeof *writer);
	int result;

	*facts = (struct page_facts){0};
	if (!writer)
		return -ENOMEM;
	/* half of the time for reading, so that something is written in any case */
	result = tree_parse(&tree, html, length, options->memory, deadline ? deadline - options->ms / 2 : 0);
	if (result < 0)
		return result;
	writer->out = text;
	writer->begin = buffer_length(text);
	writer->tree = &tree;
	writer->plain = options->format == PAGE_TEXT;
	writer->deadline = deadline;
	writer->run.text.max = writer->run.code.max = text->max;
	find_title(&tree, facts->title);
	find_base(writer, options->url);
	hidden_mark(&tree);
	if (!writer->plain)
		notes_find(writer);
	writer->all = writer->plain;
	write_page(writer);
	if (writer->result == 0 && !writer->late && buffer_length(text) == writer->begin) {
		writer->all = true; /* a page that shows nothing before a script has run */
		write_page(writer);
	}
	facts->cut = why_cut(writer);
	return writer->result == -EMSGSIZE ? 0 : writer->result;
}
