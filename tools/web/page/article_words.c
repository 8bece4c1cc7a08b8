/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of classes are chosen by people, and mostly of the same few words. They are cut where words end ("-",
 * "_", a capital), and each word, and each pair of neighbours, is looked up: "relatedPosts", "related-posts"
 * and "relatedposts" are the same.
 */
#include "tools/web/page/article_words.h"

#include <string.h>

#include "protocol/cleanup.h"

#define WORD_BYTES 32 /* longer than two of the words below */

/* Sorted: found by halves. */
static const struct {
	const char *word;
	unsigned signs;
} words[] = {
	{"aboutauthor", SIGN_APART},
	{"ad", SIGN_APART},
	{"addthis", SIGN_SHARE},
	{"addtoany", SIGN_SHARE},
	{"ads", SIGN_APART},
	{"adsbygoogle", SIGN_APART},
	{"adslot", SIGN_APART},
	{"adunit", SIGN_APART},
	{"advert", SIGN_APART},
	{"advertisement", SIGN_APART},
	{"advertisements", SIGN_APART},
	{"advertising", SIGN_APART},
	{"alertdialog", SIGN_CHROME},
	{"article", SIGN_CONTENT},
	{"author", SIGN_BYLINE},
	{"authorbio", SIGN_APART},
	{"authorbox", SIGN_APART},
	{"authors", SIGN_BYLINE},
	{"banner", SIGN_CHROME},
	{"bio", SIGN_APART},
	{"blog", SIGN_CONTENT},
	{"body", SIGN_CONTENT},
	{"breadcrumb", SIGN_CHROME},
	{"breadcrumbs", SIGN_CHROME},
	{"byline", SIGN_BYLINE},
	{"caption", SIGN_CAPTION},
	{"catlinks", SIGN_CHROME},
	{"ccpa", SIGN_CHROME},
	{"cmp", SIGN_CHROME},
	{"column", SIGN_CONTENT},
	{"combx", SIGN_COMMENTS},
	{"comment", SIGN_COMMENTS},
	{"commentarea", SIGN_COMMENTS},
	{"commentlist", SIGN_COMMENTS},
	{"comments", SIGN_COMMENTS},
	{"complementary", SIGN_APART},
	{"consent", SIGN_CHROME},
	{"content", SIGN_CONTENT},
	{"contentinfo", SIGN_CHROME},
	{"cookie", SIGN_CHROME},
	{"cookiebanner", SIGN_CHROME},
	{"cookieconsent", SIGN_CHROME},
	{"cookies", SIGN_CHROME},
	{"copyright", SIGN_CAPTION},
	{"coral", SIGN_COMMENTS},
	{"credit", SIGN_CAPTION},
	{"credits", SIGN_CAPTION},
	{"crp", SIGN_APART},
	{"dateline", SIGN_BYLINE},
	{"datepublished", SIGN_BYLINE},
	{"dfp", SIGN_APART},
	{"dialog", SIGN_CHROME},
	{"didomi", SIGN_CHROME},
	{"discussion", SIGN_COMMENTS},
	{"disqus", SIGN_COMMENTS},
	{"donate", SIGN_APART},
	{"donation", SIGN_APART},
	{"drawer", SIGN_CHROME},
	{"entry", SIGN_CONTENT},
	{"fbcomments", SIGN_COMMENTS},
	{"figcaption", SIGN_CAPTION},
	{"flyout", SIGN_CHROME},
	{"follow", SIGN_SHARE},
	{"footer", SIGN_CHROME},
	{"gdpr", SIGN_CHROME},
	{"imagecaption", SIGN_CAPTION},
	{"imagecredit", SIGN_CAPTION},
	{"latest", SIGN_APART},
	{"latestnews", SIGN_APART},
	{"leaderboard", SIGN_CHROME},
	{"legends", SIGN_CHROME},
	{"lightbox", SIGN_CHROME},
	{"livefyre", SIGN_COMMENTS},
	{"login", SIGN_CHROME},
	{"mailchimp", SIGN_APART},
	{"main", SIGN_CONTENT},
	{"markdown", SIGN_CONTENT},
	{"masthead", SIGN_CHROME},
	{"mediacaption", SIGN_CAPTION},
	{"megamenu", SIGN_CHROME},
	{"menu", SIGN_CHROME},
	{"menubar", SIGN_CHROME},
	{"menus", SIGN_CHROME},
	{"modal", SIGN_CHROME},
	{"morefrom", SIGN_APART},
	{"mostpopular", SIGN_APART},
	{"mostread", SIGN_APART},
	{"mostviewed", SIGN_APART},
	{"nav", SIGN_CHROME},
	{"navbar", SIGN_CHROME},
	{"navi", SIGN_CHROME},
	{"navigation", SIGN_CHROME},
	{"newsletter", SIGN_APART},
	{"newsletters", SIGN_APART},
	{"offcanvas", SIGN_CHROME},
	{"onetrust", SIGN_CHROME},
	{"optin", SIGN_APART},
	{"outbrain", SIGN_APART},
	{"overlay", SIGN_CHROME},
	{"page", SIGN_CONTENT},
	{"pager", SIGN_CHROME},
	{"pagination", SIGN_CHROME},
	{"paging", SIGN_CHROME},
	{"photocredit", SIGN_CAPTION},
	{"pingback", SIGN_COMMENTS},
	{"polls", SIGN_APART},
	{"popover", SIGN_CHROME},
	{"popular", SIGN_APART},
	{"popup", SIGN_CHROME},
	{"post", SIGN_CONTENT},
	{"postdate", SIGN_BYLINE},
	{"postmeta", SIGN_APART},
	{"postnav", SIGN_APART},
	{"postnavigation", SIGN_APART},
	{"print", SIGN_SHARE},
	{"printfooter", SIGN_CHROME},
	{"promo", SIGN_APART},
	{"promobox", SIGN_APART},
	{"promoted", SIGN_APART},
	{"promotion", SIGN_APART},
	{"promotions", SIGN_APART},
	{"prose", SIGN_CONTENT},
	{"pubdate", SIGN_BYLINE},
	{"publishdate", SIGN_BYLINE},
	{"published", SIGN_BYLINE},
	{"pullquote", SIGN_APART},
	{"quiz", SIGN_APART},
	{"readnext", SIGN_APART},
	{"recirc", SIGN_APART},
	{"recirculation", SIGN_APART},
	{"recommendation", SIGN_APART},
	{"recommendations", SIGN_APART},
	{"recommended", SIGN_APART},
	{"related", SIGN_APART},
	{"relatedarticles", SIGN_APART},
	{"relatedcontent", SIGN_APART},
	{"relatedlinks", SIGN_APART},
	{"relatedposts", SIGN_APART},
	{"relatedstories", SIGN_APART},
	{"remark", SIGN_COMMENTS},
	{"replies", SIGN_COMMENTS},
	{"respond", SIGN_COMMENTS},
	{"responses", SIGN_COMMENTS},
	{"revcontent", SIGN_APART},
	{"rss", SIGN_APART},
	{"searchbar", SIGN_CHROME},
	{"searchbox", SIGN_CHROME},
	{"searchform", SIGN_CHROME},
	{"shadow", SIGN_CONTENT},
	{"share", SIGN_SHARE},
	{"sharebar", SIGN_SHARE},
	{"sharebuttons", SIGN_SHARE},
	{"sharedaddy", SIGN_SHARE},
	{"shares", SIGN_SHARE},
	{"sharethis", SIGN_SHARE},
	{"sharing", SIGN_SHARE},
	{"shoutbox", SIGN_APART},
	{"sidebar", SIGN_CHROME},
	{"sidebars", SIGN_CHROME},
	{"sidenav", SIGN_CHROME},
	{"signin", SIGN_CHROME},
	{"signup", SIGN_CHROME},
	{"signupform", SIGN_APART},
	{"skiplink", SIGN_CHROME},
	{"skiplinks", SIGN_CHROME},
	{"skipnav", SIGN_CHROME},
	{"skyscraper", SIGN_CHROME},
	{"social", SIGN_SHARE},
	{"socialmedia", SIGN_SHARE},
	{"socials", SIGN_SHARE},
	{"sponsor", SIGN_APART},
	{"sponsored", SIGN_APART},
	{"sponsors", SIGN_APART},
	{"story", SIGN_CONTENT},
	{"subnav", SIGN_CHROME},
	{"subscribe", SIGN_APART},
	{"subscription", SIGN_APART},
	{"tableofcontents", SIGN_CHROME},
	{"taboola", SIGN_APART},
	{"tagcloud", SIGN_APART},
	{"taglist", SIGN_APART},
	{"tags", SIGN_APART},
	{"teaser", SIGN_APART},
	{"teasers", SIGN_APART},
	{"text", SIGN_CONTENT},
	{"ticker", SIGN_APART},
	{"timestamp", SIGN_BYLINE},
	{"toast", SIGN_CHROME},
	{"toc", SIGN_CHROME},
	{"toolbar", SIGN_CHROME},
	{"tooltip", SIGN_CHROME},
	{"topbar", SIGN_CHROME},
	{"topnav", SIGN_CHROME},
	{"trending", SIGN_APART},
	{"tweetmeme", SIGN_APART},
	{"upnext", SIGN_APART},
	{"viafoura", SIGN_COMMENTS},
	{"webmentions", SIGN_COMMENTS},
	{"wpcaption", SIGN_CAPTION},
	{"writtenby", SIGN_BYLINE},
	{"yarpp", SIGN_APART},
	{"zergnet", SIGN_APART},
};

static unsigned look_up(const char *word, size_t length)
{
	size_t low = 0, high = ARRAY_SIZE(words);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = word[0] - words[middle].word[0];

		if (order == 0)
			order = strncmp(word, words[middle].word, length);
		if (order == 0 && words[middle].word[length])
			order = -1;
		if (order == 0)
			return words[middle].signs;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static unsigned signs_of(struct slice names)
{
	char pair[2 * WORD_BYTES];
	size_t before = 0; /* of the word before, at the front of pair */
	unsigned signs = 0;

	for (size_t i = 0; i < names.length;) {
		size_t length = 0;

		if (!is_letter(names.bytes[i])) {
			before = is_space(names.bytes[i]) ? 0 : before;
			i++;
			continue;
		}
		bool hump = i && is_letter(names.bytes[i - 1]);

		while (i < names.length && is_letter(names.bytes[i]) &&
		       !(length && is_upper(names.bytes[i]) && !is_upper(names.bytes[i - 1]))) {
			if (length < WORD_BYTES)
				pair[before + length++] = (char)(names.bytes[i] | 0x20);
			i++;
		}
		hump |= i < names.length && is_letter(names.bytes[i]);
		if (!hump || length > 3) /* short pieces are often none: "hJpRRP" */
			signs |= look_up(pair + before, length);
		if (before)
			signs |= look_up(pair, before + length);
		memmove(pair, pair + before, length);
		before = length;
	}
	return signs;
}

/* Headings and anchors bear ids made of what they say. */
static bool is_anchor(const struct node *node)
{
	return element_is(node->element, ELEMENT_HEADING) || node_is(node, ELEMENT_span) ||
	       node_is(node, ELEMENT_a) || node_is(node, ELEMENT_dt) || node_is(node, ELEMENT_dd) ||
	       node_is(node, ELEMENT_p);
}

unsigned article_signs(const struct node *node)
{
	unsigned signs = 0;

	for (uint32_t i = 0; node->element != ELEMENT_TEXT && i < node->length; i++) {
		const struct attribute *attribute = &node->attributes[i];

		if (attribute->name == ATTRIBUTE_class ||
		    (attribute->name == ATTRIBUTE_id && !is_anchor(node)) ||
		    attribute->name == ATTRIBUTE_role || attribute->name == ATTRIBUTE_itemprop)
			signs |= signs_of((struct slice){attribute->value, attribute->length});
	}
	return signs;
}
