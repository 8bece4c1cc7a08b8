/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main content of a page. First what its author names as menus, banners and the like goes; then the
 * smallest element is looked for that has most of the running text; then what is in there for other reasons goes.
 */
#include "tools/web/page/article.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
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

static size_t squeeze(char *to, size_t size, size_t used, const char *from, size_t length)
{
	for (size_t i = 0; i < length && used < size; i++) {
		unsigned char c = (unsigned char)from[i];
		if (c >= 'A' && c <= 'Z') c |= 0x20;
		if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) to[used++] = (char)c;
	}
	return used;
}

static size_t squeeze_node(char *to, size_t size, const struct node *node)
{
	size_t used = 0;
	for (const struct node *n = node; n; n = node_after(n, node))
		if (node_is(n, ELEMENT_TEXT)) used = squeeze(to, size, used, n->text, n->length);
	return used;
}

/* A section of a text, named after what it is about. */
static bool is_subject(const struct page *page, const struct node *node)
{
	char id[64], heading[64];
	struct slice name = node_attribute(node, ATTRIBUTE_id);
	const struct node *first = node_first_element(node);
	size_t length;
	if (!name.length || !(node_is(node, ELEMENT_section) || node_has_class(node, "section")) || facts_of(page, node)->inputs) return false;
	while (first && first->element == ELEMENT_span) first = node_next_element(first);
	if (!first || !element_is(first->element, ELEMENT_HEADING)) return false;
	length = squeeze(id, sizeof id, 0, name.bytes, name.length);
	if (length > 12) length = 12;
	return length >= 3 && squeeze_node(heading, sizeof heading, first) >= length && memcmp(id, heading, length) == 0;
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
	if (P("A_INLINE", 1) && !element_is(node->element, ELEMENT_BLOCK) && !(node->marks & NODE_HAS_BLOCK) && !(facts->signs & (SIGN_SHARE | SIGN_BYLINE | SIGN_ANCHOR))) return false;
	if (P("A_SUBJ", 1) && is_subject(page, node)) return false;
	if (P("A_ANCHOR", 1) && facts->signs & SIGN_ANCHOR) return true;
	if (P("A_PROT", 1) && (facts->signs & SIGN_CONTENT) && facts->mass > P("PROT", 0.1) * body->mass && !(facts->signs & SIGN_COMMENTS)) return false;
	if (P("A_SHARE", 1) && (facts->signs & SIGN_SHARE) && facts->mass < P("SHARE", 2)) return true;
	if ((facts->signs & SIGN_COMMENTS) && !page->discussion && facts->mass < P("COMM", 0.97) * body->mass) return true;
	if ((facts->signs & (SIGN_CHROME | SIGN_APART | SIGN_BYLINE)) && facts->mass < P("CHROME", 0.4f) * body->mass)
		return true;
	return false;
}

static bool says(const struct page *page, const char *what)
{
	for (struct node *n = page->tree->root; n; n = node_after(n, page->tree->root)) {
		if (node_is(n, ELEMENT_script) && node_attribute_is(n, ATTRIBUTE_type, "application/ld+json") && n->first && memmem(n->first->text, n->first->length, what, strlen(what))) return true;
		if (node_has(n, ATTRIBUTE_itemtype) && slice_contains(node_attribute(n, ATTRIBUTE_itemtype), what)) return true;
	}
	return false;
}

static bool says_article(const struct page *page)
{
	for (struct node *n = page->tree->root; n; n = node_after(n, page->tree->root)) {
		if (node_is(n, ELEMENT_meta) && node_attribute_is(n, ATTRIBUTE_property, "og:type") && node_attribute_is(n, ATTRIBUTE_content, "article")) return true;
		if (node_is(n, ELEMENT_script) && node_attribute_is(n, ATTRIBUTE_type, "application/ld+json") && n->first && (memmem(n->first->text, n->first->length, "Article\"", 8) || memmem(n->first->text, n->first->length, "BlogPosting\"", 12))) return true;
	}
	return false;
}

static void drop_chrome(struct page *page)
{
	float comments = 0, share = 0, whole = facts_of(page, page->tree->body)->mass;
	facts_sum(page, page->tree->body, NULL);
	for (struct node *n = page->tree->body; n;) {
		if (n != page->tree->body && !node_is(n, ELEMENT_TEXT) && (facts_of(page, n)->signs & SIGN_COMMENTS) && facts_of(page, n)->mass < 0.97f * whole) {
			comments += facts_of(page, n)->mass;
			n = node_skip(n, page->tree->body);
		} else n = node_after(n, page->tree->body);
	}
	page->discussion = (P("FORUM", 1) && (says(page, "DiscussionForumPosting") || says(page, "QAPage"))) || comments > P(says_article(page) ? "DISCA" : "DISC", says_article(page) ? 10 : 1) * (whole - comments);
	if (getenv("DEBUG")) fprintf(stderr, "comments %.1f of %.1f\n", comments, whole);
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

static float score_of(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);
	float score = facts->score;

	switch ((enum element)node->element) {
	case ELEMENT_div: if (P("A_TAGS",1)) score += P("DIV", 5); break;
	case ELEMENT_pre: case ELEMENT_td: case ELEMENT_blockquote: score += 3; break;
	case ELEMENT_ol: case ELEMENT_ul: case ELEMENT_dl: case ELEMENT_dd: case ELEMENT_dt: case ELEMENT_li: case ELEMENT_form: case ELEMENT_address: if (P("A_TAGS",1)) score -= 3; break;
	default: break;
	}
	float cap = facts->score * P("CAP", 0.5f);
	if (P("A_CONT",1) && facts->signs & SIGN_CONTENT) score += cap < P("POS", 25) ? cap : P("POS", 25);
	if (P("A_BODY",1) && facts->signs & SIGN_BODY) score += cap < P("BODY", 25) ? cap : P("BODY", 25);
	if (P("A_NEG",1) && facts->signs & (SIGN_CHROME | SIGN_APART)) score -= P("NEG", 25);
	return score * (1 - link_share(facts));
}

static struct node *find_core(const struct page *page)
{
	struct node *body = page->tree->body, *core = body, *node = body;
	float best = 0;

	while (node) {
		if (node->marks & (NODE_LEFT_OUT | NODE_HIDDEN)) {
			node = node_skip(node, body);
			continue;
		}
		if (!node_is(node, ELEMENT_TEXT) && facts_of(page, node)->score > 0) {
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
static struct slice class_of(const struct node *node) { return node_attribute(node, ATTRIBUTE_class); }

static bool is_twin(const struct node *a, const struct node *b)
{
	struct slice x = class_of(a), y = class_of(b);

	return a->element == b->element && x.length && x.length == y.length && memcmp(x.bytes, y.bytes, x.length) == 0;
}

static bool belongs(const struct page *page, const struct node *node, const struct node *core)
{
	const struct facts *facts = facts_of(page, node), *best = facts_of(page, core);
	float score;

	if (node_is(node, ELEMENT_TEXT)) return false;
	if (facts->score) {
		score = score_of(page, node) + (is_twin(node, core) ? 0.2f * score_of(page, core) : 0);
		if (P("A_SIB", 1) && score >= P("SIB", 0.2f) * score_of(page, core) && score > 10) return true;
	}
	if (node_is(node, ELEMENT_p) || (facts->mass > 0 && P("DIVS", 1))) {
		if (P("A_LONG", 1) && facts->all.text > 65 && link_share(facts) < 0.25f) return true;
		if (P("A_SHORT", 1) && facts->all.text > 0 && facts->all.text <= 65 && facts->all.linked == 0 && facts->all.commas) return true;
	}
	(void)best;
	return false;
}

static bool is_below(const struct node *node, const struct node *above)
{
	for (; node; node = node->parent)
		if (node == above)
			return true;
	return false;
}

static struct node *common(struct node *a, const struct node *b)
{
	while (!is_below(b, a))
		a = a->parent;
	return a;
}

static struct node *widen(const struct page *page, struct node *core)
{
	struct node *body = page->tree->body, *node = body, *root = core;
	float best = score_of(page, core);

	while (node) {
		if ((node->marks & (NODE_LEFT_OUT | NODE_HIDDEN)) || node == core) {
			node = node_skip(node, body);
			continue;
		}
		if (!node_is(node, ELEMENT_TEXT) && facts_of(page, node)->score > 0) {
			float score = score_of(page, node);
			if (!is_below(core, node) && !is_below(node, root) && score > (is_twin(node, core) ? P("TWIN", 0.05f) : P("OTHER", 0.75f)) * best && score > (is_twin(node, core) ? P("TMIN", 1) : 10)) {
				if (getenv("DEBUG")) fprintf(stderr, "joined by %s .%.*s score %.1f twin %d\n", element_name(node->element), (int)class_of(node).length, class_of(node).bytes, score, is_twin(node, core));
				root = common(root, node);
			}
		}
		node = node_after(node, body);
	}
	while (node_is(root, ELEMENT_tr) || node_is(root, ELEMENT_tbody) || node_is(root, ELEMENT_table) || node_is(root, ELEMENT_thead)) root = root->parent;
	return root;
}

static struct node *find_root(struct page *page)
{
	struct node *core = find_core(page), *root, *body = page->tree->body;
	float whole = facts_of(page, body)->mass;
	bool joined = false;

	if (getenv("DEBUG")) fprintf(stderr, "core %s %.*s score %.1f mass %.1f of %.1f\n", element_name(core->element), (int)class_of(core).length, class_of(core).bytes, score_of(page, core), facts_of(page, core)->mass, whole);
	if (core == body) return core;
	core = widen(page, core);
	if (getenv("DEBUG")) fprintf(stderr, "wide %s %.*s score %.1f mass %.1f\n", element_name(core->element), (int)class_of(core).length, class_of(core).bytes, score_of(page, core), facts_of(page, core)->mass);
	if (core == body) return core;
	for (struct node *up = core->parent; (says_article(page) ? P("UPA", 0) : P("UP", 1)) && core != body && up != body; up = up->parent) {
		const struct facts *c = facts_of(page, core), *u = facts_of(page, up);
		float gain = u->mass - c->mass, text = (float)(u->all.text - c->all.text), linked = (float)(u->all.linked - c->all.linked);
		if (gain < P("GAIN", 0.05f) * c->mass) continue;
		if (linked > P("UPLINK", 0.15f) * text || gain < P("UPDENS", 0.7f) * text * c->mass / (float)c->all.text) break;
		if (getenv("DEBUG")) fprintf(stderr, "up to %s %.*s gain %.1f links %.2f\n", element_name(up->element), (int)class_of(up).length, class_of(up).bytes, gain, linked / text);
		core = up;
	}
	while (core != body && facts_of(page, core)->mass < P("CLIMB", 0.3f) * whole) core = core->parent;
	if (core == body) return core;
	root = core->parent;
	for (struct node *child = root->first; child; child = child->next)
		if (child != core && !(child->marks & (NODE_HIDDEN | NODE_LEFT_OUT)) && belongs(page, child, core)) joined = true;
	if (!joined) return core;
	for (struct node *child = root->first; child; child = child->next)
		if (child != core && !belongs(page, child, core)) leave_out(child);
	return root;
}

static bool is_data_table(const struct node *node)
{
	for (const struct node *n = node_after(node, node); n; n = node_after(n, node))
		if (node_is(n, ELEMENT_th) || node_is(n, ELEMENT_caption) || node_is(n, ELEMENT_thead))
			return true;
	return false;
}

static bool title_is(const struct page *page, const struct node *node)
{
	char title[512], heading[512];
	size_t title_length = 0, heading_length = squeeze_node(heading, sizeof heading, node);
	if (heading_length < 4) return false;
	for (const struct node *n = page->tree->root; n && n != page->tree->body; n = node_after(n, page->tree->root)) {
		title_length = 0;
		if (node_is(n, ELEMENT_title)) title_length = squeeze_node(title, sizeof title, n);
		else if (node_is(n, ELEMENT_meta) && (node_attribute_is(n, ATTRIBUTE_property, "og:title") || node_attribute_is(n, ATTRIBUTE_name, "twitter:title"))) {
			struct slice c = node_attribute(n, ATTRIBUTE_content);
			title_length = squeeze(title, sizeof title, 0, c.bytes, c.length);
		}
		if (!title_length) continue;
		if (heading_length * 100 >= title_length * P("TITLE", 40) && memmem(title, title_length, heading, heading_length)) return true;
		if (title_length * 100 >= heading_length * 75 && memmem(heading, heading_length, title, title_length)) return true;
	}
	return false;
}

/* "Read more: ...", as a paragraph of its own */
static bool is_pointer(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);
	static const char *const words[] = {"related", "readmore", "seealso", "alsoread", "also", "seemore", "more", "dontmiss", "clickhere", "subscribe", "signup", "follow", "sign", "watch", "originallypublished", "getthe"};
	char text[32];
	size_t length;

	if (!facts->all.linked || facts->all.text > 200 || facts->items || element_is(node->element, ELEMENT_TABLE_PART)) return false;
	if (!node_is(node, ELEMENT_p) && !node_is(node, ELEMENT_div)  && !element_is(node->element, ELEMENT_HEADING)) return false;
	if (link_share(facts) < P("POINT", 0.5)) return false;
	length = squeeze_node(text, sizeof text, node);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (length >= strlen(words[i]) && memcmp(text, words[i], strlen(words[i])) == 0) return true;
	if (P("CAPS", 0)) {
		size_t upper = 0, lower = 0;
		for (const struct node *n = node; n; n = node_after(n, node))
			if (node_is(n, ELEMENT_TEXT)) for (size_t i = 0; i < n->length; i++) { upper += n->text[i] >= 'A' && n->text[i] <= 'Z'; lower += n->text[i] >= 'a' && n->text[i] <= 'z'; }
		if (upper > 15 && lower * 10 < upper && link_share(facts) > 0.8) return true;
	}
	return P("WHOLE", 0) && node_is(node, ELEMENT_p) && facts->all.text > 15 && link_share(facts) > 0.95 && node->parent == page->tree->body;
}

static bool is_clutter(const struct page *page, const struct node *node)
{
	const struct facts *facts = facts_of(page, node);
	float links = link_share(facts);
	int weight = 0;
	bool list;

	if (within(node->parent, ELEMENT_pre, page->tree->body)) return false;
	if ((node_is(node, ELEMENT_h1) || node_is(node, ELEMENT_h2)) && title_is(page, node))
		return true;
	if (P("POINTERS", 1) && is_pointer(page, node)) return true;
	if (node_is(node, ELEMENT_figcaption))
		return P("CAPTION", 1) > (says_article(page) ? 0 : P("CAPN", 2));
	if (P("A_CAPW", 1) && (facts->signs & SIGN_CAPTION) && facts->all.text < 300)
		return P("CAPTION", 1) > (says_article(page) ? 0 : P("CAPN", 2));
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
	if (P("A_WEIGHT", 1) && weight < 0) return true;
	if (P("A_COMMAS", 1) && facts->all.commas >= 10) return false;
	if (P("A_INPUTS", 1) && facts->inputs > facts->paragraphs / 3.0f && facts->inputs) return true;
	if (!list && weight < 25 && links > (facts->mass > 1 ? P("LINKSM", 0.33) : P("LINKS", 0.2f))) return true;
	if (P("A_ITEMS", 1) && !list && facts->items > 0 && facts->items - 100 > facts->paragraphs) return true;
	return false;
}

static bool is_page_clutter(const struct page *page, const struct node *node)
{
	if ((node_is(node, ELEMENT_h1) || node_is(node, ELEMENT_h2)) && title_is(page, node))
		return P("PTITLE", 1) > 0;
	return false;
}

static struct node *find_main(const struct page *page)
{
	struct node *body = page->tree->body;

	for (struct node *node = body; node; node = node_after(node, body))
		if ((node_is(node, ELEMENT_main) || node_attribute_is(node, ATTRIBUTE_role, "main")) && !(node->marks & NODE_HIDDEN) &&
		    facts_of(page, node)->all.text > P("MAIN", 0.5f) * facts_of(page, body)->all.text)
			return node;
	return body;
}

/* Marks all that is neither above `root` nor below it. */
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

	if (result < 0)
		return result;
	drop_chrome(&page);
	struct node *root = find_root(&page), *body = tree->body, *main = find_main(&page);
	uint32_t main_text = facts_of(&page, main)->all.text;
	facts_sum(&page, root, is_clutter);
	if (!says_article(&page) && (facts_of(&page, root)->all.text < P("KEPT", 0.33f) * main_text || facts_of(&page, root)->mass < P("LITTLE", 10))) {
		for (struct node *n = body; n; n = node_after(n, body)) if (!node_is(n, ELEMENT_noscript)) n->marks &= (uint16_t)~NODE_LEFT_OUT;
		drop_chrome(&page);
		root = main;
		facts_sum(&page, root, is_page_clutter);
	}
	leave_out_around(root, body);
	return 0;
}
