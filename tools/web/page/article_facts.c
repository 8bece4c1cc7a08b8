/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running text is what people write in sentences: long, with commas, with few links. It is what tells content from
 * all else on most pages, whatever its markup (the idea of Readability and of all that came after it).
 */
#include "tools/web/page/article_facts.h"

#include <errno.h>
#include <string.h>

#include "tools/web/page/article_words.h"

#define PARAGRAPH_TEXT 20 /* characters; less is a label */

static bool is_comma(const unsigned char *at, size_t left)
{
	if (*at == ',')
		return true;
	/* U+060C, U+FE50, U+FE10, U+FE11, U+2E41, U+2E34, U+2E32, U+FF0C, U+3001 */
	return (left > 1 && memcmp(at, "\xd8\x8c", 2) == 0) ||
	       (left > 2 && (memcmp(at, "\xef\xbc\x8c", 3) == 0 || memcmp(at, "\xe3\x80\x81", 3) == 0));
}

static void count_text(struct counts *counts, const struct node *text, bool linked, bool headed)
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
	if (headed)
		counts->headed += characters;
}

/* Elements whose text nobody reads as such. */
static bool is_silent(const struct page *page, const struct node *node)
{
	if (node_is(node, ELEMENT_noscript))
		return !page->noscript;
	switch ((enum element)node->element) {
	case ELEMENT_script:
	case ELEMENT_style:
	case ELEMENT_template:
	case ELEMENT_iframe:
	case ELEMENT_noframes:
	case ELEMENT_select:
	case ELEMENT_textarea:
	case ELEMENT_button:
	case ELEMENT_object:
	case ELEMENT_svg:
	case ELEMENT_datalist:
		return true;
	default:
		return (node->marks & NODE_HIDDEN) != 0;
	}
}

static void look_at(struct page *page, const struct node *node)
{
	struct facts *facts = facts_of(page, node);
	const struct facts *parent = node == page->tree->body ? NULL : facts_of(page, node->parent);

	facts->linked = (parent && parent->linked) || node_is(node, ELEMENT_a);
	facts->headed = (parent && parent->headed) || element_is(node->element, ELEMENT_HEADING);
	facts->block = !parent || element_is(node->element, ELEMENT_BLOCK) ? node->number : parent->block;
	if (node_is(node, ELEMENT_TEXT))
		count_text(&page->facts[facts->block].own, node, facts->linked, facts->headed);
	else
		facts->signs = (uint16_t)article_signs(node);
}

static bool has_image(const struct node *node)
{
	for (const struct node *n = node; n; n = node_after(n, node))
		if (node_is(n, ELEMENT_img))
			return true;
	return false;
}

static void look(struct page *page)
{
	struct tree *tree = page->tree;
	struct node *node = tree->body;

	while (node) {
		if (node != tree->body && is_silent(page, node)) {
			node = node_skip(node, tree->body);
			continue;
		}
		look_at(page, node);
		node = node_after(node, tree->body);
	}
	facts_sum(page, tree->body, NULL);
}

int facts_gather(struct page *page, struct tree *tree)
{
	size_t size = (size_t)tree->nodes * sizeof *page->facts;

	*page = (struct page){.tree = tree, .facts = tree_allocate(tree, size)};
	if (!page->facts)
		return -ENOMEM;
	look(page);
	if (facts_of(page, tree->body)->mass < 20) {
		float mass = facts_of(page, tree->body)->mass;
		memset(page->facts, 0, size);
		page->noscript = true;
		look(page);
		if (facts_of(page, tree->body)->mass < 2 * mass + 5) {
			memset(page->facts, 0, size);
			page->noscript = false;
			look(page);
		}
	}
	for (struct node *node = tree->body; node && !page->noscript; node = node_after(node, tree->body))
		if (node_is(node, ELEMENT_noscript) && (node->marks & NODE_HAS_TEXT) && !has_image(node)) node->marks |= NODE_LEFT_OUT;
	return 0;
}

/* Points of one block's own text. */
static float mass_of(const struct node *node, const struct counts *own)
{
	float links, length;

	if (own->text < PARAGRAPH_TEXT || own->headed)
		return 0;
	links = (float)own->linked / (float)own->text;
	length = (float)own->text / 100;
	(void)node;
	return (1 + (float)own->commas + (length < 5 ? length : 5)) * (1 - links);
}

static void saturate(uint16_t *to, unsigned more)
{
	*to = (uint16_t)(*to + more > UINT16_MAX ? UINT16_MAX : *to + more);
}

static void add(struct facts *to, const struct facts *from)
{
	to->all.text += from->all.text;
	to->all.linked += from->all.linked;
	to->all.headed += from->all.headed;
	to->all.commas += from->all.commas;
	to->mass += from->mass;
	saturate(&to->paragraphs, from->paragraphs);
	saturate(&to->items, from->items);
	saturate(&to->images, from->images);
	saturate(&to->inputs, from->inputs);
	saturate(&to->embeds, from->embeds);
}

/* A text speaks for the element it stands in, less for that one's parent, and so on. */
static void add_score(const struct page *page, const struct node *node, float mass)
{
	float part = 1;

	for (unsigned level = 1; level < 8 && node != page->tree->body; level++) {
		node = node->parent;
		facts_of(page, node)->score += mass * part;
		part = 1 / (level == 1 ? 2.0f : 3.0f * (float)level);
	}
}

static void count_self(const struct page *page, struct facts *facts, const struct node *node)
{
	float mass = mass_of(node, &facts->own);

	add(facts, &(struct facts){.all = facts->own});
	facts->mass += mass;
	if (mass > 0)
		add_score(page, node, mass);
	switch ((enum element)node->element) {
	case ELEMENT_p:
		saturate(&facts->paragraphs, 1);
		break;
	case ELEMENT_li:
		saturate(&facts->items, 1);
		break;
	case ELEMENT_img:
	case ELEMENT_amp_img:
		saturate(&facts->images, 1);
		break;
	case ELEMENT_input:
	case ELEMENT_select:
	case ELEMENT_textarea:
		saturate(&facts->inputs, 1);
		break;
	case ELEMENT_iframe:
	case ELEMENT_object:
	case ELEMENT_embed:
		saturate(&facts->embeds, 1);
		break;
	default:
		break;
	}
}

/* The node before in document order. */
static struct node *node_before(const struct node *node, const struct node *root)
{
	struct node *before;

	if (node == root)
		return NULL;
	if (!node->prev)
		return node->parent;
	before = node->prev;
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
		facts->mass = facts->score = 0;
		facts->paragraphs = facts->items = facts->images = facts->inputs = facts->embeds = 0;
		node = at;
	}
	/* Backwards, each comes after all below it. */
	for (; node; node = node_before(node, root)) {
		struct facts *facts = facts_of(page, node);

		if (node_is(node, ELEMENT_TEXT))
			continue;
		count_self(page, facts, node);
		if (node == root)
			break;
		if (judge && judge(page, node))
			node->marks |= NODE_LEFT_OUT;
		if (!(node->marks & (NODE_LEFT_OUT | NODE_HIDDEN)))
			add(facts_of(page, node->parent), facts);
	}
}
