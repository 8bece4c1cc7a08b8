/* SPDX-License-Identifier: Apache-2.0 */
/* Elements within lines: emphasis, code, links, and what stands for text of its own. */
#include "tools/web/page/writer.h"

#include <string.h>

static bool leads_within(const struct node *link)
{
	struct slice href = slice_trim(node_attribute(link, ATTRIBUTE_href));

	return href.length && href.bytes[0] == '#';
}

/* The sign beside a heading that links to it: "¶", "#", "🔗" and the like. */
static bool is_permalink(const struct node *link)
{
	static const char *const classes[] = {"anchor",         "headerlink",  "header-anchor",
					      "heading-anchor", "anchor-link", "anchorjs-link",
					      "hash-link",      "permalink",   "heading-link"};
	char text[16];
	size_t length = node_line(link, text, sizeof text);

	if (!length)
		return true;
	if (strcmp(text, "\xc2\xb6") == 0 || strcmp(text, "#") == 0 || strcmp(text, "\xc2\xa7") == 0 ||
	    strcmp(text, "\xf0\x9f\x94\x97") == 0)
		return true;
	if (length <= 10)
		for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
			if (node_has_class(link, classes[i]))
				return strcmp(text, "Anchor") == 0 || strcmp(text, "Link") == 0 ||
				       strcmp(text, "Permalink") == 0;
	return false;
}

static void write_link(struct writer *writer, const struct node *link)
{
	struct run *run = &writer->run;
	const char *label = note_reference(writer, link), *definition = note_definition(writer, link);
	struct slice href = node_attribute(link, ATTRIBUTE_href);
	bool within = leads_within(link), wrote;

	if (writer->plain || run->link) {
		write_children(writer, link);
		return;
	}
	if (definition && run_is_empty(writer)) {
		run_literal(writer, "[^");
		run_literal(writer, definition);
		run_literal(writer, "]:");
		run->space = true;
		return;
	}
	if (label) {
		run->space = false;
		run_literal(writer, "[^");
		run_literal(writer, label);
		run_literal(writer, "]");
		return;
	}
	if (within && (is_permalink(link) || (writer->in_note && note_is_backlink(writer, link))))
		return;
	if ((within && run->mode == RUN_HEADING) || !address_resolve(&writer->address, &writer->base, href)) {
		write_children(writer, link);
		return;
	}
	run_enter_link(writer, link);
	write_children(writer, link);
	wrote = run->link_open || run->link_done;
	if (!wrote && !within && !(link->marks & NODE_HAS_BLOCK) && !node_has(link, ATTRIBUTE_aria_hidden)) {
		/* an icon: what it is called */
		struct slice name = node_attribute(link, ATTRIBUTE_aria_label);

		run_text(writer, name.length ? name : node_attribute(link, ATTRIBUTE_title));
	}
	run_leave_link(writer);
}

static void write_counted(struct writer *writer, const struct node *node, unsigned *counter)
{
	(*counter)++;
	write_children(writer, node);
	(*counter)--;
}

static void write_between(struct writer *writer, const struct node *node, const char *open, const char *close)
{
	run_literal(writer, open);
	write_children(writer, node);
	run_flush_code(writer);
	writer->run.space = false;
	run_literal(writer, close);
}

/* What is raised: "2" is a power, "st" and "TM" are as well written plainly, and links may be footnotes. */
static void write_raised(struct writer *writer, const struct node *node)
{
	char text[16];
	size_t length = node_line(node, text, sizeof text);
	bool number = length && strspn(text, "0123456789+-") == length;
	bool variable = length == 1 && (text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z';

	if (length && !writer->run.space && !run_is_empty(writer) && (number || variable) && node->first &&
	    !node->first->first)
		run_literal(writer, "^");
	write_children(writer, node);
}

/* Google's documents are within a <b> that is not bold. */
static bool is_normal(const struct node *node)
{
	struct slice style = node_attribute(node, ATTRIBUTE_style);

	return style.length && slice_contains(style, "font-weight:normal") && !slice_contains(style, "mso-");
}

/* The value of a property of an inline style. */
static struct slice style_value(struct slice style, const char *property)
{
	for (; style.length; style.bytes++, style.length--)
		if (slice_begins(style, property)) {
			style.bytes += strlen(property);
			style.length -= strlen(property);
			return slice_trim(style);
		}
	return style;
}

/* What editors of documents write instead of <b> and <i>. */
static void write_span(struct writer *writer, const struct node *node)
{
	struct slice style = node_attribute(node, ATTRIBUTE_style);
	struct slice weight = style_value(style, "font-weight:"), slant = style_value(style, "font-style:");
	bool strong = slice_begins(weight, "bold") || slice_number(weight, 0) >= 600;
	bool emphasis = slice_begins(slant, "italic");

	writer->run.strong += strong;
	writer->run.emphasis += emphasis;
	write_children(writer, node);
	writer->run.strong -= strong;
	writer->run.emphasis -= emphasis;
}

bool write_inline(struct writer *writer, const struct node *node)
{
	struct run *run = &writer->run;

	switch (node->element) {
	case ELEMENT_a:
		write_link(writer, node);
		return true;
	case ELEMENT_b:
	case ELEMENT_strong:
		if (is_normal(node))
			return false;
		write_counted(writer, node, &run->strong);
		return true;
	case ELEMENT_span:
		write_span(writer, node);
		return true;
	case ELEMENT_em:
	case ELEMENT_i:
	case ELEMENT_cite:
	case ELEMENT_dfn:
	case ELEMENT_var:
		write_counted(writer, node, &run->emphasis);
		return true;
	case ELEMENT_del:
	case ELEMENT_s:
	case ELEMENT_strike:
		write_counted(writer, node, &run->strike);
		return true;
	case ELEMENT_code:
	case ELEMENT_kbd:
	case ELEMENT_samp:
	case ELEMENT_tt:
		if (node->marks & NODE_HAS_BLOCK)
			return false;
		write_counted(writer, node, &run->coded);
		return true;
	case ELEMENT_q:
		write_between(writer, node, "\"", "\"");
		return true;
	case ELEMENT_rt:
		write_between(writer, node, "(", ")");
		return true;
	case ELEMENT_rp:
		return true;
	case ELEMENT_sup:
		write_raised(writer, node);
		return true;
	case ELEMENT_br:
		run_break(writer);
		return true;
	case ELEMENT_wbr:
		return true;
	case ELEMENT_math:
		write_math(writer, node);
		return true;
	default:
		return false;
	}
}
