/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main content of a page, in three steps: what its author names as menus, banners, comments and the like
 * goes; where running text is thickest is looked for; what is in there for other reasons goes. Where no text
 * stands out (an index, a search, an application), only the first step is done: too much is better for a
 * model than too little.
 */
#include "tools/web/page/article.h"

#include <string.h>

#include "tools/web/page/article_data.h"
#include "tools/web/page/article_facts.h"
#include "tools/web/page/article_root.h"
#include "tools/web/page/article_words.h"

/* Shares of the page's running text: what has more is content, whatever it is called. */
static const float header_share = 0.2f, aside_share = 0.3f, named_share = 0.4f, content_share = 0.1f;
static const float note_links = 0.2f; /* a note has fewer, a box beside the text more */
static const float comments_share =
	0.97f;                       /* comments may be most of a page; what has all of it is the page */
static const float share_points = 2; /* buttons have no sentences; an embedded post has */
static const float thread_share = 1; /* comments for each point of other text: a discussion */
static const float article_thread_share = 10; /* the same on a page that says it is an article */
static const float kept_share =
	0.33f; /* of the text of <main>: a text that is less is not what the page is about */
static const float little_points = 10; /* a text with less is a note on a page of another kind */
enum {
	EMPTY_TEXT = 400, /* characters: a page with less may be one that scripts build */
	RESCUE_TEXT = 80, /* characters: with less left, nothing is left out */
	SLUG_BYTES = 12,  /* of an id and its heading that are equal, the rest may differ */
};

static void leave_out(struct node *node)
{
	node->marks |= NODE_LEFT_OUT;
}

/* <section id="comments"><h2>Comments: of a manual's section that is what it is about, not what it is. */
static bool is_subject(const struct page *page, const struct node *node)
{
	struct slice id = node_attribute(node, ATTRIBUTE_id);
	const struct node *first = node_first_element(node);
	struct title_key name, heading;
	size_t number = 0; /* "2.1. Comments" */

	if (!id.length || !(node_is(node, ELEMENT_section) || node_has_class(node, "section")) ||
	    facts_of(page, node)->inputs)
		return false;
	while (first && node_is(first, ELEMENT_span))
		first = node_next_element(first);
	if (!first || !element_is(first->element, ELEMENT_HEADING))
		return false;
	facts_key(&name,
		  &(struct node){.element = ELEMENT_TEXT, .text = id.bytes, .length = (uint32_t)id.length});
	facts_key(&heading, first);
	while (number < heading.length && heading.text[number] <= '9')
		number++;
	if (name.length > SLUG_BYTES)
		name.length = SLUG_BYTES;
	return name.length >= 3 && heading.length - number >= name.length &&
	       memcmp(name.text, heading.text + number, name.length) == 0;
}

/* What is told by class, id and role. */
static bool is_named_chrome(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);
	float whole = facts_of(page, page->tree->body)->mass;

	if (!facts->signs || is_subject(page, node))
		return false;
	if ((facts->signs & SIGN_COMMENTS) && !page->is_discussion && facts->mass < comments_share * whole)
		return true;
	if (!element_is(node->element, ELEMENT_BLOCK) && !(node->marks & NODE_HAS_BLOCK) &&
	    !(facts->signs & (SIGN_SHARE | SIGN_BYLINE)))
		return false; /* a few words in a line */
	if ((facts->signs & SIGN_CONTENT) && facts->mass > content_share * whole)
		return false;
	if (facts->shown > content_share * whole) /* an overlay in which the article is shown */
		return false;
	if ((facts->signs & SIGN_SHARE) && facts->mass < share_points)
		return true;
	if ((facts->signs & SIGN_BYLINE) &&
	    !page->is_discussion) /* in which who said it belongs to what is said */
		return true;
	return (facts->signs & (SIGN_CHROME | SIGN_APART)) && facts->mass < named_share * whole;
}

/* The title of one of several articles on a page stands in its <header>. */
static bool has_own_heading(const struct page *page, const struct node *header)
{
	if (!facts_of(page, header)->in_article)
		return false;
	for (const struct node *node = header; node; node = node_after(node, header))
		if (element_is(node->element, ELEMENT_HEADING))
			return !facts_is_title(page, node);
	return false;
}

/* A note in the text, as manuals have them. */
static bool is_note(const struct page *page, const struct node *aside)
{
	const struct facts *facts = facts_of(page, aside);

	return !page->is_article && facts->mass > 0 && !facts->inputs && link_share(facts) < note_links &&
	       facts->in_main;
}

static bool is_chrome(const struct page *page, const struct node *node)
{
	float mass = facts_of(page, node)->mass, whole = facts_of(page, page->tree->body)->mass;

	switch ((enum element)node->element) {
	case ELEMENT_nav:
	case ELEMENT_dialog:
	case ELEMENT_search:
		return true;
	case ELEMENT_header:
		return mass < header_share * whole && !has_own_heading(page, node);
	case ELEMENT_aside:
		if (is_note(page, node))
			return is_named_chrome(page, node);
		return mass < aside_share * whole;
	case ELEMENT_footer:
		return mass < aside_share * whole;
	case ELEMENT_TEXT:
	case ELEMENT_h1:
	case ELEMENT_h2:
	case ELEMENT_h3:
	case ELEMENT_h4:
	case ELEMENT_h5:
	case ELEMENT_h6:
	case ELEMENT_main:
	case ELEMENT_article:
	case ELEMENT_a:
	case ELEMENT_table:
	case ELEMENT_tbody:
	case ELEMENT_tr:
	case ELEMENT_td:
	case ELEMENT_pre:
	case ELEMENT_code:
		return false;
	default:
		return is_named_chrome(page, node);
	}
}

/* Whether what readers say is most of the page. */
static bool is_thread(const struct page *page)
{
	struct node *body = page->tree->body, *node = node_after(body, body);
	float comments = 0, whole = facts_of(page, body)->mass;

	while (node) {
		const struct facts *facts = facts_of(page, node);

		if ((facts->signs & SIGN_COMMENTS) && facts->mass < comments_share * whole) {
			comments += facts->mass;
			node = node_skip(node, body);
		} else {
			node = node_after(node, body);
		}
	}
	return comments > (page->is_article ? article_thread_share : thread_share) * (whole - comments);
}

static void drop_chrome(struct page *page)
{
	struct node *body = page->tree->body, *node = body->first;

	facts_sum(page, body, NULL);
	while (node) {
		if (is_chrome(page, node))
			leave_out(node);
		node = is_out(node) ? node_skip(node, body) : node_after(node, body);
	}
	facts_sum(page, body, NULL);
}

static void keep_all(struct page *page)
{
	for (struct node *node = page->tree->body; node; node = node_after(node, page->tree->body))
		if (!node_is(node, ELEMENT_noscript))
			node->marks &= (uint16_t)~NODE_LEFT_OUT;
}

/* <main>, if it has half of the text. */
static struct node *find_main(const struct page *page)
{
	struct node *body = page->tree->body;

	for (struct node *node = body; node; node = node_after(node, body))
		if ((node_is(node, ELEMENT_main) || node_attribute_is(node, ATTRIBUTE_role, "main")) &&
		    facts_of(page, node)->all.text * 2 > facts_of(page, body)->all.text)
			return node;
	return body;
}

static bool is_repeated_title(const struct page *page, const struct node *node)
{
	return (node_is(node, ELEMENT_h1) || node_is(node, ELEMENT_h2)) && facts_is_title(page, node);
}

static void leave_out_around(const struct node *root, const struct node *body)
{
	for (; root != body; root = root->parent)
		for (struct node *child = root->parent->first; child; child = child->next)
			if (child != root)
				leave_out(child);
}

int article_find(struct tree *tree)
{
	struct page page;
	int result = facts_gather(&page, tree);
	struct node *root, *main;
	uint32_t whole, main_text;

	if (result < 0)
		return result;
	whole = facts_of(&page, tree->body)->all.text;
	if (whole < EMPTY_TEXT && article_from_data(tree, whole))
		return 0;
	page.is_discussion = page.is_discussion || is_thread(&page);
	drop_chrome(&page);
	main = find_main(&page);
	main_text = facts_of(&page, main)->all.text;
	root = article_root(&page);
	facts_sum(&page, root, article_is_clutter);
	if (!page.is_article && ((float)facts_of(&page, root)->all.text < kept_share * (float)main_text ||
				 facts_of(&page, root)->mass < little_points)) {
		keep_all(&page);
		drop_chrome(&page);
		root = main;
		facts_sum(&page, root, is_repeated_title);
	}
	if (facts_of(&page, root)->all.text < RESCUE_TEXT && facts_of(&page, root)->all.text * 2 < whole)
		keep_all(&page);
	else
		leave_out_around(root, tree->body);
	return 0;
}
