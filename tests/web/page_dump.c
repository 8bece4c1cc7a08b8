/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of an HTML page (standard input), one node a line, indented by its depth: for whoever works on the
 * parser. */
#include <stdio.h>

#include "protocol/buffer.h"
#include "protocol/cleanup.h"
#include "tools/web/page/tree.h"

#define INPUT_BYTES ((size_t)1 << 30)

static void print_slice(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] == '\n')
			fputs("\\n", stdout);
		else
			putchar(bytes[i]);
}

int main(void)
{
	_cleanup_(buffer_deinit) struct buffer html = {.max = INPUT_BYTES};
	struct tree tree;
	size_t got;

	do {
		if (buffer_reserve(&html, 65536) < 0)
			return 1;
		got = fread(html.bytes + html.end, 1, 65536, stdin);
		html.end += got;
	} while (got);
	if (tree_parse(&tree, buffer_data(&html), buffer_length(&html), INPUT_BYTES, 0) < 0)
		return 1;
	for (struct node *node = tree.root; node; node = node_after(node, tree.root)) {
		for (const struct node *up = node->parent; up; up = up->parent)
			putchar(' ');
		fputs(element_name(node->element), stdout);
		if (node->element == ELEMENT_TEXT) {
			putchar(' ');
			print_slice(node->text, node->length);
		} else {
			for (uint32_t i = 0; i < node->length; i++) {
				printf(" %s=", attribute_text(node->attributes[i].name));
				print_slice(node->attributes[i].value, node->attributes[i].length);
			}
		}
		putchar('\n');
	}
	tree_deinit(&tree);
	return 0;
}
