/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_XML_H
#define SALLYPORT_TOOLS_WEB_CONTENT_XML_H

/*
 * XML as a stream of tokens, and what is made of it. Lenient, since a third of all feeds are not well-formed;
 * no document type is read and no entity beyond XML's five is known, so that nothing can expand or be loaded.
 * Pure and linear: a token is never read twice.
 */

#include <stdbool.h>
#include <stddef.h>

#include "protocol/buffer.h"

struct slice {
	const char *at;
	size_t length;
};

bool xml_is(struct slice slice, const char *text);
struct slice xml_trim(struct slice slice);

enum xml_token {
	XML_END,
	XML_OPEN, /* also of an empty element: `empty` is set, and no XML_CLOSE follows */
	XML_CLOSE,
	XML_TEXT, /* `inside` has it, with entities; XML_CDATA: without */
	XML_CDATA,
	XML_OTHER, /* comment, processing instruction, document type */
};

struct xml {
	const char *at, *end;
	struct slice whole;  /* the token at hand as it is written */
	struct slice name;   /* of XML_OPEN and XML_CLOSE, with its prefix */
	struct slice inside; /* XML_OPEN: the attributes; XML_TEXT, XML_CDATA: the text */
	bool empty;
};

void xml_init(struct xml *xml, const char *text, size_t length);
enum xml_token xml_next(struct xml *xml);
/* The value of an attribute of the element at hand, its entities not decoded. False: it has none. */
bool xml_attribute(const struct xml *xml, const char *name, struct slice *value);
/* Appends text with its entities decoded; those that XML does not know stay. 0, -ENOMEM or -EMSGSIZE. */
int xml_decode(struct buffer *out, struct slice text);

/* Appends XML laid out anew: elements of elements indented, those of text on one line. The same errors. */
int xml_indent(struct buffer *out, const char *text, size_t length);
/* Appends what is text in it, a line an element. */
int xml_plain(struct buffer *out, const char *text, size_t length);

#endif
