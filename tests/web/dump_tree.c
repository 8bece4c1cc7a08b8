/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of an HTML page (standard input), in the form in which html5lib-tests write trees down.
 * --many: pages one after the other, each behind a line with its length; trees likewise (compare_trees.py).
 * --names: the elements and attributes that the tree knows. --quiet: prints nothing, to measure (perf stat).
 */
#include <stdio.h>
#include <string.h>

#include "protocol/buffer.h"
#include "protocol/cleanup.h"
#include "tools/web/page/tree.h"

#define INPUT_BYTES ((size_t)1 << 30)

/* Names in HTML have '-' where those in C have '_'. */
static void print_name(FILE *out, enum element element)
{
	for (const char *at = element_name(element); *at; at++)
		fputc(*at == '_' ? '-' : *at, out);
}

static void print_names(void)
{
	for (unsigned element = ELEMENT_OTHER; element < ELEMENTS; element++) {
		printf("element ");
		print_name(stdout, (enum element)element);
		puts(element_is((enum element)element, ELEMENT_BLOCK) ? " block" : "");
	}
	for (unsigned name = 0; name < ATTRIBUTES; name++)
		printf("attribute %s\n", attribute_text((enum attribute_name)name));
}

static const char *namespace_of(const struct node *node)
{
	return node->marks & NODE_MATH ? "math " : node->marks & NODE_FOREIGN ? "svg " : "";
}

static void print_indent(FILE *out, const struct node *node)
{
	fputs("| ", out);
	for (; node->parent; node = node->parent)
		fputs("  ", out);
}

static void print_node(FILE *out, const struct node *node)
{
	print_indent(out, node);
	if (node->element == ELEMENT_TEXT) {
		fputc('"', out);
		fwrite(node->text, 1, node->length, out);
		fputs("\"\n", out);
		return;
	}
	fprintf(out, "<%s", namespace_of(node));
	print_name(out, (enum element)node->element);
	fputs(">\n", out);
	for (uint32_t i = 0; i < node->length; i++) {
		const struct attribute *attribute = &node->attributes[i];

		print_indent(out, node);
		fprintf(out, "  %s=\"", attribute_text((enum attribute_name)attribute->name));
		fwrite(attribute->value, 1, attribute->length, out);
		fputs("\"\n", out);
	}
}

static int print_tree(FILE *out, const char *html, size_t length)
{
	_cleanup_(tree_deinit) struct tree tree = {0};

	if (tree_parse(&tree, html, length, INPUT_BYTES, 0) < 0)
		return -1;
	for (struct node *node = tree.root; node; node = node_after(node, tree.root))
		print_node(out, node);
	return 0;
}

static int print_many(void)
{
	size_t length;

	while (scanf("%zu", &length) == 1 && getchar() == '\n' && length < INPUT_BYTES) {
		/* exactly as long as the page: a sanitizer sees a byte read beyond it */
		_cleanup_free_ char *html = malloc(length ? length : 1), *text = NULL;
		size_t text_length = 0;
		FILE *out = open_memstream(&text, &text_length);
		int result;

		if (!html || !out || fread(html, 1, length, stdin) != length)
			return 1;
		result = print_tree(out, html, length);
		fclose(out);
		if (result < 0)
			return 1;
		printf("%zu\n", text_length);
		fwrite(text, 1, text_length, stdout);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(buffer_deinit) struct buffer html = {.max = INPUT_BYTES};
	size_t got;

	if (argc == 2 && strcmp(argv[1], "--names") == 0) {
		print_names();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--many") == 0)
		return print_many();
	do {
		if (buffer_reserve(&html, 65536) < 0)
			return 1;
		got = fread(html.bytes + html.end, 1, 65536, stdin);
		html.end += got;
	} while (got);
	if (argc == 2 && strcmp(argv[1], "--quiet") == 0) {
		_cleanup_(tree_deinit) struct tree tree = {0};

		return tree_parse(&tree, buffer_data(&html), buffer_length(&html), INPUT_BYTES, 0) < 0;
	}
	return print_tree(stdout, buffer_data(&html), buffer_length(&html)) < 0;
}
