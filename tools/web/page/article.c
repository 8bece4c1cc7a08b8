/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main content of a page. First what its author names as menus, banners and the like goes; then the
 * smallest element is looked for that has most of the running text; then what is in there for other reasons goes.
 */
#include "tools/web/page/article.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/web/page/article_facts.h"
#include "tools/web/page/article_words.h"

static float P(const char *n, float d) { const char *v = getenv(n); return v ? strtof(v, NULL) : d; }

static void leave_out(struct node *node)
{
	node->marks |= NODE_LEFT_OUT;
}

static bool within(const struct node *node, enum element element, const struct node *root)
{
	for (; node != root; node = node->parent)
		if (node_is(node, element))
			return true;
	return false;
}

/* What belongs to the site, or stands beside the content. */
static bool is_chrome(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node), *body = facts_of(page, page->tree->body);

	switch ((enum element)node->element) {
	case ELEMENT_nav:
	case ELEMENT_dialog:
	case ELEMENT_search:
		return true;
	case ELEMENT_footer:
	case ELEMENT_aside:
		return facts->mass < P("ASIDE", 0.3f) * body->mass;
	case ELEMENT_body:
	case ELEMENT_main:
	case ELEMENT_article:
	case ELEMENT_a:
	case ELEMENT_table: case ELEMENT_tbody: case ELEMENT_td: case ELEMENT_tr:
	case ELEMENT_pre: case ELEMENT_code:
		return false;
	case ELEMENT_header:
		return facts->mass < P("HEADER", 0.2f) * body->mass;
	default:
		break;
	}
	if ((facts->signs & (SIGN_CHROME | SIGN_APART | SIGN_COMMENTS | SIGN_SHARE | SIGN_BYLINE)) && facts->mass < P("CHROME", 0.3f) * body->mass)
		return true;
	return false;
}

static void drop_chrome(struct page *page)
{
	struct node *body = page->tree->body, *node = body->first;

	while (node) {
		if (is_chrome(page, node)) {
			leave_out(node);
			node = node_skip(node, body);
		} else {
			node = node_after(node, body);
		}
	}
	facts_sum(page, body, NULL);
}

static struct node *heaviest(const struct page *page, const struct node *node)
{
	struct node *best = NULL;

	for (struct node *child = node->first; child; child = child->next)
		if (!(child->marks & (NODE_LEFT_OUT | NODE_HIDDEN)) && !node_is(child, ELEMENT_TEXT) &&
		    (!best || facts_of(page, child)->mass > facts_of(page, best)->mass))
			best = child;
	return best;
}

static struct node *find_root(const struct page *page)
{
	struct node *root = page->tree->body;
	float whole = facts_of(page, root)->mass;

	for (;;) {
		struct node *next = heaviest(page, root);

		if (!next || facts_of(page, next)->mass < P("DESCEND", 0.7f) * facts_of(page, root)->mass || facts_of(page, next)->mass < 0.5f * whole)
			return root;
		if (!element_is(next->element, ELEMENT_BLOCK) && next->element != ELEMENT_OTHER && next->element != ELEMENT_section)
			return root;
		if (node_is(next, ELEMENT_p) || node_is(next, ELEMENT_li) || node_is(next, ELEMENT_td)) return root;
		root = next;
	}
}

static bool is_data_table(const struct node *node)
{
	for (const struct node *n = node_after(node, node); n; n = node_after(n, node))
		if (node_is(n, ELEMENT_th) || node_is(n, ELEMENT_caption) || node_is(n, ELEMENT_thead))
			return true;
	return false;
}

static bool is_clutter(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);
	float links = link_share(facts);
	int weight = 0;
	bool list;

	if (within(node->parent, ELEMENT_pre, page->tree->body)) return false;
	if (node_is(node, ELEMENT_h1))
		return true;
	if (node_is(node, ELEMENT_figcaption))
		return P("CAPTION", 1) > 0;
	if ((facts->signs & SIGN_CAPTION) && facts->all.text < 300)
		return P("CAPTION", 1) > 0;
	switch ((enum element)node->element) {
	case ELEMENT_form: case ELEMENT_fieldset: case ELEMENT_table: case ELEMENT_ul: case ELEMENT_ol: case ELEMENT_div: case ELEMENT_section:
		break;
	default:
		return false;
	}
	if (node_is(node, ELEMENT_table) && is_data_table(node)) return false;
	if (facts->signs & SIGN_CONTENT) weight += 25;
	if (facts->signs & (SIGN_CHROME | SIGN_APART)) weight -= 25;
	list = node_is(node, ELEMENT_ul) || node_is(node, ELEMENT_ol);
	if (weight < 0) return true;
	if (facts->all.commas >= 10) return false;
	if (facts->inputs > facts->paragraphs / 3.0f && facts->inputs) return true;
	if (!list && weight < 25 && links > P("LINKS", 0.2f)) return true;
	if (links > 0.5f) return true;
	if (!list && facts->items > 0 && facts->items - 100 > facts->paragraphs) return true;
	return false;
}

int article_find(struct tree *tree, struct article *article)
{
	struct page page;
	int result = facts_gather(&page, tree);

	*article = (struct article){.kind = ARTICLE_PAGE, .root = tree->body};
	if (result < 0)
		return result;
	drop_chrome(&page);
	article->root = find_root(&page);
	facts_sum(&page, article->root, is_clutter);
	return 0;
}
