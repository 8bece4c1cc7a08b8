/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The element that its text speaks for most is the core. A text may be cut into several such elements, by
 * advertisements or because it is a thread: the core is widened to what looks like it, or is as strong.
 */
#include "tools/web/page/article_root.h"

#include <string.h>

#include "tools/web/page/article_words.h"

static const float named_points =
	25; /* at most, and no more than half of the score, for a name that says "content" */
static const float twin_share = 0.05f;  /* of the core's score: what has its name too belongs to it */
static const float other_share = 0.75f; /* the same without its name */
static const float strong_points = 10;  /* less is no text */
static const float gain_share = 0.05f;  /* of the core's mass: what a parent adds is worth a look */
static const float gain_links = 0.15f;  /* and is of one kind with it when it has few links */
static const float gain_density = 0.7f; /* and about as much mass for its length */
static const float main_share = 0.3f;   /* of the page's mass: less is not what the page is about */
enum {
	BESIDE_TEXT = 65, /* characters without spaces, one sentence: a paragraph beside the core that is part
			     of it */
};

static float score_of(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);
	float score = facts->score, named = score / 2;

	if (facts->signs & SIGN_CONTENT)
		score += named < named_points ? named : named_points;
	else if (facts->signs & (SIGN_CHROME | SIGN_APART))
		score /= 2;
	return score * (1 - link_share(facts));
}

static struct node *find_core(const struct page *page)
{
	struct node *body = page->tree->body, *core = body, *node = body;
	float best = 0;

	while (node) {
		if (is_out(node)) {
			node = node_skip(node, body);
			continue;
		}
		if (facts_of(page, node)->score > 0) {
			float score = score_of(page, node);

			if (score > best) {
				best = score;
				core = node;
			}
		}
		node = node_after(node, body);
	}
	return core;
}

/* Parts of one text have the same name. */
static bool is_twin(const struct node *a, const struct node *b)
{
	struct slice x = node_attribute(a, ATTRIBUTE_class), y = node_attribute(b, ATTRIBUTE_class);

	return a->element == b->element && x.length && x.length == y.length &&
	       memcmp(x.bytes, y.bytes, x.length) == 0;
}

static bool is_below(const struct node *node, const struct node *above)
{
	while (node && node != above)
		node = node->parent;
	return node != NULL;
}

static struct node *common_ancestor(struct node *a, const struct node *b)
{
	while (!is_below(b, a))
		a = a->parent;
	return a;
}

static bool is_part(const struct page *page, const struct node *node, const struct node *core)
{
	float score = score_of(page, node), best = score_of(page, core);

	return is_twin(node, core) ? score > twin_share * best
				   : score > other_share * best && score > strong_points;
}

static struct node *widen_to_parts(const struct page *page, struct node *core)
{
	struct node *body = page->tree->body, *node = body, *root = core;

	while (node) {
		if (is_out(node) || node == core) {
			node = node_skip(node, body);
			continue;
		}
		if (facts_of(page, node)->score > 0 && is_part(page, node, core) && !is_below(node, root) &&
		    !is_below(core, node))
			root = common_ancestor(root, node);
		node = node_after(node, body);
	}
	while (element_is(root->element, ELEMENT_TABLE_PART) || node_is(root, ELEMENT_table)) {
		if (node_is(root, ELEMENT_td)) /* a layout's */
			break;
		root = root->parent;
	}
	return root;
}

/* Parents that add text of the same kind. */
static struct node *widen_to_parents(const struct page *page, struct node *root)
{
	const struct node *body = page->tree->body;

	if (root == body)
		return root;
	for (struct node *up = root->parent; up != body; up = up->parent) {
		const struct facts *inner = facts_of(page, root), *outer = facts_of(page, up);
		float gain = outer->mass - inner->mass, text = (float)(outer->all.text - inner->all.text);
		float linked = (float)(outer->all.linked - inner->all.linked);

		if (gain < gain_share * inner->mass)
			continue;
		if (linked > gain_links * text ||
		    gain < gain_density * text * inner->mass / (float)inner->all.text)
			break;
		root = up;
	}
	return root;
}

/* Beside the core: a lead, a last paragraph. */
static bool is_beside(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);

	return !is_out(node) && (node_is(node, ELEMENT_p) || facts->mass > 0) &&
	       facts->all.text > BESIDE_TEXT && link_share(facts) < 0.25f;
}

static struct node *join_siblings(const struct page *page, struct node *core)
{
	bool joined = false;

	if (core == page->tree->body)
		return core;
	for (struct node *child = core->parent->first; child; child = child->next)
		joined = joined || (child != core && is_beside(page, child));
	for (struct node *child = core->parent->first; child && joined; child = child->next)
		if (child != core && !is_beside(page, child))
			child->marks |= NODE_LEFT_OUT;
	return joined ? core->parent : core;
}

struct node *article_root(const struct page *page)
{
	struct node *body = page->tree->body, *root = find_core(page);
	float whole = facts_of(page, body)->mass;

	root = widen_to_parts(page, root);
	/* on a page that says it is an article, what follows is more often another one */
	if (!page->is_article)
		root = widen_to_parents(page, root);
	while (root != body && facts_of(page, root)->mass < main_share * whole)
		root = root->parent;
	return join_siblings(page, root);
}
