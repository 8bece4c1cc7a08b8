/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_TOKEN_H
#define SALLYPORT_TOOLS_WEB_PAGE_TOKEN_H

/*
 * HTML as tags and texts: WHATWG HTML 13.2.5. Never goes back, so its time is linear whatever the markup.
 * Comments, doctypes and processing instructions are passed over.
 */

#include "tools/web/page/tree.h"

enum token_kind {
	TOKEN_END, /* of the page */
	TOKEN_TEXT,
	TOKEN_OPEN,  /* a start tag */
	TOKEN_CLOSE, /* an end tag */
};

struct token {
	enum token_kind kind;
	enum element element;
	uint32_t hash;     /* of an ELEMENT_OTHER's name */
	bool self_closing; /* "<x/>": means something in svg and math only */
	bool is_styled;    /* has color, face or size: such a <font> ends svg and math */
	struct slice text; /* TOKEN_TEXT; token_content() */
	struct attribute attributes[ATTRIBUTES]; /* each name once */
	uint32_t count;
};

struct tokenizer {
	struct tree *tree; /* whose arena decoded text goes into */
	const char *at, *end;
	bool foreign; /* in svg or math: CDATA sections are text */
	bool plain;   /* all that follows is text */
	bool doctype; /* there was one */
};

/* The next token into *token. What does not fit into the arena is left out (tree->cut_memory). */
void token_next(struct tokenizer *tokens, struct token *token);
/* For the start tag that came last, if it is HTML (and not of svg or math): if such an element has only text,
 * that text is taken into token->text, and its end tag too. */
void token_content(struct tokenizer *tokens, struct token *token);

#endif
