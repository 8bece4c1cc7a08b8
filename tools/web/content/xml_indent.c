/* SPDX-License-Identifier: Apache-2.0 */
/* XML laid out for a reader, and without its markup. */
#include <stdint.h>
#include <string.h>

#include "protocol/limits.h"
#include "tools/web/content/xml.h"

#define DEEPEST 32 /* levels that are shown by indentation */

struct layout {
	struct buffer *out;
	unsigned depth;
	uint8_t text[LIMIT_WEB_DEPTH]; /* of each open element: has it text? Then its children stay in line */
	bool fresh;                    /* nothing stands behind the last opening tag yet */
};

static bool has_text(const struct layout *layout)
{
	return layout->depth > 0 && layout->depth <= LIMIT_WEB_DEPTH && layout->text[layout->depth - 1];
}

static int put(struct layout *layout, struct slice slice)
{
	return buffer_append(layout->out, slice.at, slice.length);
}

static int put_line(struct layout *layout, unsigned depth)
{
	static const char spaces[2 * DEEPEST + 1] =
		"                                                                ";
	int result = 0;

	if (buffer_length(layout->out) > 0)
		result = buffer_append(layout->out, "\n", 1);
	if (result == 0)
		result = buffer_append(layout->out, spaces, 2 * (size_t)(depth < DEEPEST ? depth : DEEPEST));
	return result;
}

static int put_open(struct layout *layout, const struct xml *xml)
{
	int result = has_text(layout) ? 0 : put_line(layout, layout->depth);

	if (result == 0)
		result = put(layout, xml->whole);
	layout->fresh = !xml->empty;
	if (!xml->empty && ++layout->depth <= LIMIT_WEB_DEPTH)
		layout->text[layout->depth - 1] = 0;
	return result;
}

static int put_close(struct layout *layout, const struct xml *xml)
{
	bool in_line = layout->fresh || has_text(layout);
	int result;

	layout->depth -= layout->depth > 0;
	result = in_line ? 0 : put_line(layout, layout->depth);
	layout->fresh = false;
	return result == 0 ? put(layout, xml->whole) : result;
}

/* White space at the edges is layout, but between text and an element inside it, where one space is left. */
static int put_text(struct layout *layout, const struct xml *xml, enum xml_token token)
{
	struct slice text = xml_trim(xml->whole);
	bool before = text.at > xml->whole.at && has_text(layout) && !layout->fresh;
	bool after = token == XML_TEXT && text.at + text.length < xml->whole.at + xml->whole.length &&
		     xml->at + 1 < xml->end && xml->at[1] != '/';
	int result = 0;

	if (text.length == 0)
		return has_text(layout) && !layout->fresh && after ? buffer_append(layout->out, " ", 1) : 0;
	if (!has_text(layout) && !layout->fresh)
		result = put_line(layout, layout->depth);
	if (layout->depth > 0 && layout->depth <= LIMIT_WEB_DEPTH)
		layout->text[layout->depth - 1] = 1;
	layout->fresh = false;
	if (result == 0 && before)
		result = buffer_append(layout->out, " ", 1);
	if (result == 0)
		result = put(layout, text);
	return result == 0 && after ? buffer_append(layout->out, " ", 1) : result;
}

int xml_indent(struct buffer *out, const char *text, size_t length)
{
	struct layout layout = {.out = out};
	enum xml_token token;
	struct xml xml;
	int result = 0;

	xml_init(&xml, text, length);
	while (result == 0 && (token = xml_next(&xml)) != XML_END) {
		if (token == XML_OPEN) {
			result = put_open(&layout, &xml);
		} else if (token == XML_CLOSE) {
			result = put_close(&layout, &xml);
		} else if (token == XML_OTHER) {
			result = has_text(&layout) ? 0 : put_line(&layout, layout.depth);
			layout.fresh = false;
			if (result == 0)
				result = put(&layout, xml.whole);
		} else {
			result = put_text(&layout, &xml, token);
		}
	}
	return result == 0 ? buffer_append(out, "\n", 1) : result;
}

int xml_plain(struct buffer *out, const char *text, size_t length)
{
	enum xml_token token;
	struct xml xml;
	int result = 0;

	xml_init(&xml, text, length);
	while (result == 0 && (token = xml_next(&xml)) != XML_END) {
		struct slice inside = xml_trim(xml.inside);

		if ((token != XML_TEXT && token != XML_CDATA) || inside.length == 0)
			continue;
		result = token == XML_TEXT ? xml_decode(out, inside)
					   : buffer_append(out, inside.at, inside.length);
		if (result == 0)
			result = buffer_append(out, "\n", 1);
	}
	return result;
}
