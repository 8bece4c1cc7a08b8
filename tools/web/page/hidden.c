/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser shows nobody, as far as one can tell without style sheets and scripts. */
#include "tools/web/page/hidden.h"

#include <string.h>

#include "tools/web/page/writer.h"

#define SMALL_TEXT_BYTES                                                                                     \
	120 /* an aria-hidden text up to this length is decoration; above it, a page behind a dialog */

bool node_is_never_shown(const struct node *node, bool plain, bool in_label)
{
	switch (node->element) {
	case ELEMENT_script: /* TeX for a script that sets it: media.c */
		return !slice_begins(node_attribute(node, ATTRIBUTE_type), "math/tex");
	case ELEMENT_template: /* unless it is the inside of a custom element */
		return !node_has(node, ATTRIBUTE_shadowrootmode);
	case ELEMENT_style:
	case ELEMENT_title:
	case ELEMENT_svg:
	case ELEMENT_datalist:
	case ELEMENT_noembed:
	case ELEMENT_canvas:
	case ELEMENT_rp:
		return true;
	case ELEMENT_select:
	case ELEMENT_option:
	case ELEMENT_optgroup:
	case ELEMENT_textarea:
	case ELEMENT_progress:
	case ELEMENT_meter:
		return !plain;
	case ELEMENT_button: /* what opens a section is its heading */
		return !plain && !in_label && !(node->marks & NODE_HAS_HEADING);
	default:
		return false;
	}
}

static bool is_small(const struct node *node)
{
	char text[SMALL_TEXT_BYTES + 8];

	return node_line(node, text, sizeof text) < SMALL_TEXT_BYTES;
}

/* "display:none", with or without white space. */
static bool style_hides(struct slice style)
{
	char text[16];

	for (; style.length; style.bytes++, style.length--) {
		size_t length = 0;

		if ((*style.bytes | 0x20) != 'd' && (*style.bytes | 0x20) != 'v')
			continue;
		if (!slice_begins(style, "display") && !slice_begins(style, "visibility"))
			continue;
		for (size_t i = (*style.bytes | 0x20) == 'd' ? 7 : 10;
		     i < style.length && length + 1 < sizeof text; i++)
			if (!is_space(style.bytes[i]))
				text[length++] = (char)(style.bytes[i] | 0x20);
		text[length] = '\0';
		if (strncmp(text, ":none", 5) == 0 || strncmp(text, ":hidden", 7) == 0)
			return true;
	}
	return false;
}

static bool is_picture(const struct node *node)
{
	return node && (node->element == ELEMENT_img || node->element == ELEMENT_picture ||
			node->element == ELEMENT_amp_img);
}

static bool has_source(const struct node *image)
{
	struct slice source = node_attribute(image, ATTRIBUTE_src);

	return source.length && !slice_begins(source, "data:") && !slice_contains(source, "placeholder") &&
	       !slice_contains(source, "blank.");
}

static struct node *image_in(struct node *node)
{
	while (node && !is_picture(node))
		node = node_first_element(node);
	return node && node->element == ELEMENT_picture ? node_first_element(node) : node;
}

static struct node *previous_element(const struct node *node)
{
	struct node *previous = node->prev;

	while (previous && previous->element == ELEMENT_TEXT)
		previous = previous->prev;
	return previous;
}

/* Beside an image that a script is to load, the same one for who has no scripts: one of the two is to be
 * seen. */
static void mark_noscript(struct node *node)
{
	struct node *image = image_in(node_first_element(node)), *beside = image_in(previous_element(node));
	char text[SMALL_TEXT_BYTES + 8];

	if (!image) {
		node_line(node, text, sizeof text);
		if (is_small(node) && strcasestr(text, "javascript"))
			node->marks |= NODE_HIDDEN;
		return;
	}
	if (!beside)
		beside = image_in(node_next_element(node));
	if (!beside)
		return;
	if (has_source(beside) || !has_source(image))
		node->marks |= NODE_HIDDEN;
	else
		beside->marks |= NODE_HIDDEN;
}

static bool is_closed(const struct node *node)
{
	return node->element == ELEMENT_dialog && !node_has(node, ATTRIBUTE_open);
}

static bool is_hidden(const struct node *node)
{
	struct slice hidden = node_attribute(node, ATTRIBUTE_hidden);

	switch (node->element) {
	case ELEMENT_html:
	case ELEMENT_body:
	case ELEMENT_main:
	case ELEMENT_article:
		return false; /* until a script is done */
	case ELEMENT_a:       /* "Skip to content" */
		if (slice_begins(node_attribute(node, ATTRIBUTE_href), "#") &&
		    slice_contains(node_attribute(node, ATTRIBUTE_class), "skip"))
			return true;
		break;
	case ELEMENT_span: /* MediaWiki's signs: back to the text, edit this section */
		if (slice_begins(node_attribute(node, ATTRIBUTE_class), "mw-cite-backlink") ||
		    slice_begins(node_attribute(node, ATTRIBUTE_class), "mw-editsection"))
			return true;
		break;
	default:
		break;
	}
	if (hidden.bytes && !slice_is(hidden, "until-found") && !slice_is(hidden, "false"))
		return true;
	if (style_hides(node_attribute(node, ATTRIBUTE_style)))
		return true;
	return node_attribute_is(node, ATTRIBUTE_aria_hidden, "true") && !(node->marks & NODE_HAS_HEADING) &&
	       is_small(node);
}

void hidden_mark(struct tree *tree)
{
	for (struct node *node = tree->body; node;) {
		if (node->element == ELEMENT_noscript)
			mark_noscript(node);
		else if ((node->element != ELEMENT_TEXT && node->length && is_hidden(node)) ||
			 is_closed(node))
			node->marks |= NODE_HIDDEN;
		node = node->marks & NODE_HIDDEN ? node_skip(node, tree->body) : node_after(node, tree->body);
	}
}
