/* SPDX-License-Identifier: Apache-2.0 */
/* Images, videos, frames and formulas. */
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/page/writer.h"

/* Frames that show a video. */
static const char *const players[] = {"youtube.com/embed", "youtube-nocookie.com/embed",
				      "player.vimeo.com",  "dailymotion.com/embed",
				      "player.twitch.tv",  "player.bilibili.com",
				      "ted.com/talks",     "embed.ted.com",
				      "archive.org/embed", "loom.com/embed",
				      "fast.wistia",       "rumble.com/embed",
				      "streamable.com"};

/* The first address of a srcset that is not given by a data: URL; of several the last is mostly the largest.
 */
static struct slice from_set(struct slice set)
{
	struct slice word, best = {NULL, 0};
	long most = -1;

	while (word = slice_word(&set), word.length) {
		struct slice width;
		long value = 0;

		while (word.length && word.bytes[0] == ',') {
			word.bytes++;
			word.length--;
		}
		if (word.length && word.bytes[word.length - 1] == ',') {
			word.length--;
		} else {
			width = slice_word(&set);
			value = slice_number(width, 0);
		}
		if (word.length && value > most && !slice_begins(word, "data:")) {
			most = value;
			best = word;
		}
	}
	return best;
}

/* What is to be loaded: what scripts load late comes first. */
static bool find_source(struct writer *writer, const struct node *image)
{
	static const enum attribute_name late[] = {ATTRIBUTE_data_src, ATTRIBUTE_data_original,
						   ATTRIBUTE_data_lazy_src};
	const struct node *beside;

	for (size_t i = 0; i < ARRAY_SIZE(late); i++)
		if (address_resolve(&writer->address, &writer->base, node_attribute(image, late[i])))
			return true;
	if (address_resolve(&writer->address, &writer->base,
			    from_set(node_attribute(image, ATTRIBUTE_data_srcset))) ||
	    address_resolve(&writer->address, &writer->base, node_attribute(image, ATTRIBUTE_src)) ||
	    address_resolve(&writer->address, &writer->base,
			    from_set(node_attribute(image, ATTRIBUTE_srcset))))
		return true;
	if (image->parent->element != ELEMENT_picture)
		return false;
	for (beside = image->parent->first; beside; beside = beside->next)
		if (beside->element == ELEMENT_source &&
		    (address_resolve(&writer->address, &writer->base,
				     from_set(node_attribute(beside, ATTRIBUTE_srcset))) ||
		     address_resolve(&writer->address, &writer->base,
				     from_set(node_attribute(beside, ATTRIBUTE_data_srcset)))))
			return true;
	return false;
}

static bool is_pixel(const struct node *image)
{
	long width = slice_number(node_attribute(image, ATTRIBUTE_width), 100);
	long height = slice_number(node_attribute(image, ATTRIBUTE_height), 100);

	return width <= 2 || height <= 2;
}

/* Small pictures of characters. */
static bool is_character(const struct node *image, struct slice alt)
{
	static const char *const classes[] = {"emoji", "wp-smiley", "twemoji", "smiley", "emojione"};

	if (!alt.length || alt.length > 16)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (node_has_class(image, classes[i]))
			return true;
	return false;
}

static void put_formula(struct writer *writer, struct slice tex, bool display)
{
	tex = slice_trim(tex);
	if (!tex.length)
		return;
	if (slice_begins(tex, "{\\displaystyle") && tex.bytes[tex.length - 1] == '}') {
		tex.bytes += 14;
		tex.length -= 15;
		tex = slice_trim(tex);
	}
	if (display)
		writer_end_block(writer);
	run_literal(writer, display ? "$$" : "$");
	run_literal_slice(writer, tex);
	run_literal(writer, display ? "$$" : "$");
	if (display)
		writer_end_block(writer);
}

/* Text in brackets, escaped as a link's is. */
static void put_label(struct writer *writer, struct slice label)
{
	struct run *run = &writer->run;
	bool open = run->link_open;

	run->link_open = true;
	run_text(writer, label);
	run->link_open = open;
	run->space = false;
}

static void put_address(struct writer *writer)
{
	run_literal(writer, "](");
	run_literal_slice(writer, (struct slice){writer->address.text, writer->address.length});
	run_literal(writer, ")");
}

static bool beside_formula(const struct node *image)
{
	return slice_contains(node_attribute(image, ATTRIBUTE_class), "mwe-math-fallback");
}

static void write_image(struct writer *writer, const struct node *image)
{
	struct run *run = &writer->run;
	struct slice alt = slice_trim(node_attribute(image, ATTRIBUTE_alt));
	const struct node *parent = image->parent;
	bool done;

	while (parent->element == ELEMENT_picture || parent->element == ELEMENT_span)
		parent = parent->parent;
	if (is_pixel(image) || beside_formula(image))
		return;
	if (writer->plain || is_character(image, alt)) {
		run_text(writer, alt);
		return;
	}
	if (node_has_class(image, "latex") || node_has_class(image, "tex")) {
		put_formula(writer, alt, false);
		return;
	}
	/* alt="" says that it only decorates */
	if (!alt.length && node_has(image, ATTRIBUTE_alt) && parent->element != ELEMENT_figure &&
	    parent->element != ELEMENT_a)
		return;
	if (!find_source(writer, image)) {
		run_text(writer, alt);
		return;
	}
	done = run->link_done;
	if (run->link_at_text && !run->link_open)
		run->link_done = true;
	run_literal(writer, "![");
	put_label(writer, alt);
	if (find_source(writer, image)) /* again: links that ended resolved theirs */
		put_address(writer);
	run->link_done = done;
}

/* A link to what cannot be shown. */
static void write_player(struct writer *writer, const struct node *node, struct slice source,
			 const char *name)
{
	struct slice title = slice_trim(node_attribute(node, ATTRIBUTE_title));

	if (writer->plain || !address_resolve(&writer->address, &writer->base, source))
		return;
	run_literal(writer, "[");
	put_label(writer, title.length ? title : (struct slice){name, strlen(name)});
	if (address_resolve(&writer->address, &writer->base, source))
		put_address(writer);
}

static void write_video(struct writer *writer, const struct node *node)
{
	struct slice source = node_attribute(node, ATTRIBUTE_src);

	for (const struct node *child = node->first; child && !source.length; child = child->next)
		if (child->element == ELEMENT_source)
			source = node_attribute(child, ATTRIBUTE_src);
	write_player(writer, node, source, node->element == ELEMENT_audio ? "Audio" : "Video");
}

static void write_frame(struct writer *writer, const struct node *frame)
{
	struct slice source = node_attribute(frame, ATTRIBUTE_src);

	if (!source.length)
		source = node_attribute(frame, ATTRIBUTE_data_src);
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		if (slice_contains(source, players[i])) {
			writer_end_block(writer);
			write_player(writer, frame, source, "Video");
			writer_end_block(writer);
			return;
		}
}

/* A frame of a frameset is a page. */
static void write_page_frame(struct writer *writer, const struct node *frame)
{
	writer_end_block(writer);
	write_player(writer, frame, node_attribute(frame, ATTRIBUTE_src), "Frame");
	writer_end_block(writer);
}

static const struct node *find_tex(const struct node *math)
{
	for (const struct node *node = node_after(math, math); node; node = node_after(node, math))
		if (node->element == ELEMENT_annotation &&
		    slice_contains(node_attribute(node, ATTRIBUTE_encoding), "tex"))
			return node;
	return NULL;
}

/* MathML without TeX: its text, with the signs that its shape stands for. */
static void write_symbols(struct writer *writer, const struct node *node)
{
	const char *between = node->element == ELEMENT_mfrac  ? "/"
			      : node->element == ELEMENT_msup ? "^"
			      : node->element == ELEMENT_msub ? "_"
							      : NULL;

	for (const struct node *child = node->first; child; child = child->next) {
		if (child->element == ELEMENT_TEXT)
			run_text(writer, (struct slice){child->text, child->length});
		else if (child->element != ELEMENT_annotation)
			write_symbols(writer, child);
		if (between && child->element != ELEMENT_TEXT && node_next_element(child))
			run_literal(writer, between);
	}
}

void write_math(struct writer *writer, const struct node *math)
{
	bool display = node_attribute_is(math, ATTRIBUTE_display, "block");
	const struct node *tex = find_tex(math);
	struct slice alternative = node_attribute(math, ATTRIBUTE_alttext);

	if (!writer->plain && tex && tex->first && tex->first->element == ELEMENT_TEXT)
		put_formula(writer, (struct slice){tex->first->text, tex->first->length}, display);
	else if (!writer->plain && alternative.length)
		put_formula(writer, alternative, display);
	else
		write_symbols(writer, math);
}

bool write_media(struct writer *writer, const struct node *node)
{
	switch (node->element) {
	case ELEMENT_img:
	case ELEMENT_amp_img:
		write_image(writer, node);
		return true;
	case ELEMENT_video:
	case ELEMENT_audio:
		write_video(writer, node);
		return true;
	case ELEMENT_iframe:
		write_frame(writer, node);
		return true;
	case ELEMENT_frame:
		write_page_frame(writer, node);
		return true;
	case ELEMENT_input:
	case ELEMENT_source:
	case ELEMENT_track:
	case ELEMENT_embed:
		return true;
	case ELEMENT_script:
		if (node->first && !writer->plain)
			put_formula(writer, (struct slice){node->first->text, node->first->length},
				    slice_contains(node_attribute(node, ATTRIBUTE_type), "display"));
		return true;
	default:
		return false;
	}
}
