/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running text is what people write in sentences: long, with commas, with few links. It is what tells content
 * from all else on most pages, whatever their markup (the idea of Readability and of all that came after it).
 * Trusts nothing of the page but the tree's bound on depth.
 */
#include "tools/web/page/article_facts.h"

#include <errno.h>
#include <string.h>

#include "tools/web/page/article_words.h"
#include "tools/web/page/hidden.h"

enum {
	LABEL_TEXT = 20,   /* characters: a block with less is a label, and no running text */
	LENGTH_POINTS = 5, /* a paragraph gets one for each 100 characters, and no more than these */
	SCORE_LEVELS = 7,  /* ancestors that a text speaks for */
};
static const float few_points = 20; /* a page with less of running text may need its <noscript> */

static bool is_comma(const unsigned char *at, size_t left)
{
	if (*at == ',')
		return true;
	/* Arabic, full width, ideographic */
	return (left > 1 && memcmp(at, "\xd8\x8c", 2) == 0) ||
	       (left > 2 && (memcmp(at, "\xef\xbc\x8c", 3) == 0 || memcmp(at, "\xe3\x80\x81", 3) == 0));
}

static void count_text(struct counts *counts, const struct node *text, bool linked)
{
	const unsigned char *at = (const unsigned char *)text->text;
	uint32_t characters = 0;

	for (size_t i = 0; i < text->length; i++) {
		/* continuation bytes belong to the character before */
		if (at[i] <= ' ' || (at[i] & 0xc0) == 0x80)
			continue;
		characters++;
		counts->commas += is_comma(at + i, text->length - i);
	}
	counts->text += characters;
	if (linked)
		counts->linked += characters;
}

/* Nothing to read, or nothing that is read as text. */
static bool is_silent(const struct page *page, const struct node *node)
{
	if (node->marks & NODE_HIDDEN)
		return true;
	if (node_is(node, ELEMENT_noscript))
		return !page->noscript;
	return node_is(node, ELEMENT_iframe) || node_is(node, ELEMENT_object) ||
	       node_is(node, ELEMENT_noframes) || node_is_never_shown(node, false, false);
}

static bool is_article_element(const struct node *node)
{
	return node_is(node, ELEMENT_article) || node_is(node, ELEMENT_main);
}

static void look_at(struct page *page, const struct node *node)
{
	struct facts *facts = facts_of(page, node);
	const struct facts *parent = node == page->tree->body ? NULL : facts_of(page, node->parent);

	facts->linked = (parent && parent->linked) || node_is(node, ELEMENT_a);
	facts->headed = (parent && parent->headed) || element_is(node->element, ELEMENT_HEADING);
	facts->coded = (parent && parent->coded) || node_is(node, ELEMENT_pre);
	facts->in_article = (parent && parent->in_article) || node_is(node, ELEMENT_article);
	facts->in_main = (parent && parent->in_main) || is_article_element(node);
	facts->block = !parent || element_is(node->element, ELEMENT_BLOCK) ? node->number : parent->block;
	if (node_is(node, ELEMENT_TEXT))
		count_text(&page->facts[facts->block].own, node, facts->linked);
	else
		facts->signs = (uint8_t)article_signs(node);
}

static void look(struct page *page)
{
	struct node *body = page->tree->body, *node = body;

	memset(page->facts, 0, (size_t)page->tree->nodes * sizeof *page->facts);
	while (node) {
		if (node != body && is_silent(page, node)) {
			node = node_skip(node, body);
			continue;
		}
		look_at(page, node);
		node = node_after(node, body);
	}
	facts_sum(page, body, NULL);
}

/* Pages that scripts build have for others at least something, and some have it all. */
static void look_without_scripts(struct page *page)
{
	float mass = facts_of(page, page->tree->body)->mass;

	if (mass >= few_points)
		return;
	page->noscript = true;
	look(page);
	if (facts_of(page, page->tree->body)->mass > 2 * mass + 5)
		return;
	page->noscript = false;
	look(page);
}

static bool has_image(const struct node *node)
{
	for (const struct node *at = node; at; at = node_after(at, node))
		if (node_is(at, ELEMENT_img))
			return true;
	return false;
}

static bool slice_has(struct slice slice, const char *text)
{
	return slice.length && memmem(slice.bytes, slice.length, text, strlen(text)) != NULL;
}

/* schema.org, as JSON-LD or as an element's itemtype. */
static void read_schema(struct page *page, struct slice types)
{
	if (slice_has(types, "Article\"") || slice_has(types, "BlogPosting\""))
		page->is_article = true;
	if (slice_has(types, "DiscussionForumPosting") || slice_has(types, "QAPage"))
		page->is_discussion = true;
}

static void add_key(struct title_key *key, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && key->length < sizeof key->text; i++) {
		unsigned char c = (unsigned char)bytes[i];

		/* U+0080 to U+00BF and U+2000 to U+2FFF: punctuation and symbols */
		if (c == 0xc2 || c == 0xe2) {
			i += c == 0xc2 ? 1 : 2;
			continue;
		}
		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
			key->text[key->length++] = (char)c;
	}
}

void facts_key(struct title_key *key, const struct node *node)
{
	key->length = 0;
	for (const struct node *at = node; at && key->length < sizeof key->text; at = node_after(at, node))
		if (node_is(at, ELEMENT_TEXT))
			add_key(key, at->text, at->length);
}

static void read_meta(struct page *page, const struct node *node)
{
	struct slice content = node_attribute(node, ATTRIBUTE_content);
	bool title = node_attribute_is(node, ATTRIBUTE_property, "og:title") ||
		     node_attribute_is(node, ATTRIBUTE_name, "twitter:title");

	if (node_attribute_is(node, ATTRIBUTE_property, "og:type") && slice_is(content, "article"))
		page->is_article = true;
	if (title && page->title_count < TITLES) {
		struct title_key *key = &page->titles[page->title_count];

		add_key(key, content.bytes, content.length);
		page->title_count += key->length > 0;
	}
}

static void read_about(struct page *page)
{
	const struct node *root = page->tree->root;

	for (const struct node *node = root; node; node = node_after(node, root)) {
		if (node_is(node, ELEMENT_meta))
			read_meta(page, node);
		else if (node_is(node, ELEMENT_title) && page->title_count < TITLES)
			facts_key(&page->titles[page->title_count++], node);
		else if (node_is(node, ELEMENT_script) && node->first &&
			 node_attribute_is(node, ATTRIBUTE_type, "application/ld+json"))
			read_schema(page, (struct slice){node->first->text, node->first->length});
		else if (node_has(node, ATTRIBUTE_itemtype))
			read_schema(page, node_attribute(node, ATTRIBUTE_itemtype));
	}
}

int facts_gather(struct page *page, struct tree *tree)
{
	bool cut = tree->cut_memory;

	*page = (struct page){.tree = tree,
			      .facts = tree_allocate(tree, (size_t)tree->nodes * sizeof *page->facts)};
	if (!page->facts) {
		tree->cut_memory = cut; /* the page itself is there */
		return -ENOMEM;
	}
	look(page);
	look_without_scripts(page);
	for (struct node *node = tree->body; node && !page->noscript; node = node_after(node, tree->body))
		if (node_is(node, ELEMENT_noscript) && (node->marks & NODE_HAS_TEXT) && !has_image(node))
			node->marks |= NODE_LEFT_OUT;
	read_about(page);
	return 0;
}

/* Points of one block's own text: one for being there, one a comma, some for length; what is linked takes its
 * share. */
static float mass_of(const struct facts *facts)
{
	const struct counts *own = &facts->own;
	float length = (float)own->text / 100;

	if (own->text < LABEL_TEXT || facts->headed)
		return 0;
	return (1 + (float)own->commas + (length < LENGTH_POINTS ? length : LENGTH_POINTS)) *
	       (1 - (float)own->linked / (float)own->text);
}

/* A text speaks for the element it stands in, less for that one's parent, and so on. */
static void add_score(const struct page *page, const struct node *node, float mass)
{
	float part = 1;

	for (unsigned level = 1; level <= SCORE_LEVELS && node != page->tree->body; level++) {
		node = node->parent;
		facts_of(page, node)->score += mass * part;
		part = 1 / (level == 1 ? 2.0f : 3.0f * (float)level);
	}
}

static uint16_t saturated(unsigned sum)
{
	return (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
}

static void add(struct facts *to, const struct facts *from)
{
	to->all.text += from->all.text;
	to->all.linked += from->all.linked;
	to->all.commas += from->all.commas;
	to->mass += from->mass;
	to->shown = to->shown > from->shown ? to->shown : from->shown;
	to->paragraphs = saturated((unsigned)to->paragraphs + from->paragraphs);
	to->inputs = saturated((unsigned)to->inputs + from->inputs);
}

static void count_self(const struct page *page, const struct node *node)
{
	struct facts *facts = facts_of(page, node);
	float mass = mass_of(facts);

	add(facts, &(struct facts){.all = facts->own, .mass = mass});
	if (mass > 0)
		add_score(page, node, mass);
	if (is_article_element(node) && facts->shown < facts->mass)
		facts->shown = facts->mass;
	facts->paragraphs = saturated(facts->paragraphs + node_is(node, ELEMENT_p));
	facts->inputs =
		saturated(facts->inputs + (node_is(node, ELEMENT_input) || node_is(node, ELEMENT_select) ||
					   node_is(node, ELEMENT_textarea)));
}

/* The node before in document order. */
static struct node *node_before(const struct node *node)
{
	struct node *before = node->prev;

	if (!before)
		return node->parent;
	while (before->last)
		before = before->last;
	return before;
}

void facts_sum(struct page *page, struct node *root, facts_judge judge)
{
	struct node *node = root;

	for (struct node *at = root; at; at = node_after(at, root)) {
		struct facts *facts = facts_of(page, at);

		facts->all = (struct counts){0};
		facts->mass = facts->score = facts->shown = 0;
		facts->paragraphs = facts->inputs = 0;
		node = at;
	}
	/* Backwards, each comes after all below it. */
	for (;; node = node_before(node)) {
		if (!node_is(node, ELEMENT_TEXT)) {
			count_self(page, node);
			if (node == root)
				return;
			if (judge && judge(page, node))
				node->marks |= NODE_LEFT_OUT;
			if (!is_out(node))
				add(facts_of(page, node->parent), facts_of(page, node));
		} else if (node == root) {
			return;
		}
	}
}

bool facts_is_title(const struct page *page, const struct node *heading)
{
	struct title_key key;

	facts_key(&key, heading);
	for (size_t i = 0; i < page->title_count && key.length >= 4; i++) {
		const struct title_key *title = &page->titles[i];

		/* "Heading - Site", or a title that leaves some words out */
		if (key.length * 5 >= title->length * 2 &&
		    memmem(title->text, title->length, key.text, key.length))
			return true;
		if (title->length * 4 >= key.length * 3 &&
		    memmem(key.text, key.length, title->text, title->length))
			return true;
	}
	return false;
}
