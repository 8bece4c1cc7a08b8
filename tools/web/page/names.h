/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_NAMES_H
#define SALLYPORT_TOOLS_WEB_PAGE_NAMES_H

/*
 * The elements and attributes that mean something here, each as a number and as the name. All others are
 * ELEMENT_OTHER (with a hash of the name in the node, so that end tags find theirs), or are not kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the parser and the writers must know of an element. */
#define ELEMENT_VOID       0x1    /* has no end tag and no content */
#define ELEMENT_RAW        0x2    /* its text is not parsed */
#define ELEMENT_ESCAPABLE  0x4    /* as ELEMENT_RAW, but for character references */
#define ELEMENT_SPECIAL    0x8    /* WHATWG HTML 13.2.4.2 */
#define ELEMENT_FORMATTING 0x10   /* the same section: what misnesting goes on behind a block */
#define ELEMENT_CLOSES_P   0x20   /* its start tag ends an open paragraph */
#define ELEMENT_BLOCK      0x40   /* stands on lines of its own */
#define ELEMENT_WALL       0x80   /* "has an element in scope" does not look beyond it */
#define ELEMENT_TABLE_PART 0x100  /* begins a part of a table, wherever in that table it stands */
#define ELEMENT_HEAD       0x200  /* may stand in <head> */
#define ELEMENT_HEADING    0x400  /* h1 to h6 */
#define ELEMENT_IMPLIED    0x800  /* its end tag may be left out and is implied by another's */
#define ELEMENT_BREAKS_OUT 0x1000 /* ends svg and math that it stands in */

/* X(name, flags): sorted by name. */
#define ELEMENT_NAMES(X)                                                                                     \
	X(a, 0x10)                                                                                           \
	X(abbr, 0)                                                                                           \
	X(address, 0x68)                                                                                     \
	X(amp_img, 0)                                                                                        \
	X(annotation, 0)                                                                                     \
	X(annotation_xml, 0)                                                                                 \
	X(applet, 0x88)                                                                                      \
	X(area, 0x9)                                                                                         \
	X(article, 0x68)                                                                                     \
	X(aside, 0x68)                                                                                       \
	X(audio, 0)                                                                                          \
	X(b, 0x1010)                                                                                         \
	X(base, 0x209)                                                                                       \
	X(basefont, 0x209)                                                                                   \
	X(bdi, 0)                                                                                            \
	X(bdo, 0)                                                                                            \
	X(bgsound, 0x209)                                                                                    \
	X(big, 0x1010)                                                                                       \
	X(blockquote, 0x1068)                                                                                \
	X(body, 0x1048)                                                                                      \
	X(br, 0x1009)                                                                                        \
	X(button, 0x8)                                                                                       \
	X(canvas, 0)                                                                                         \
	X(caption, 0x1c8)                                                                                    \
	X(center, 0x1068)                                                                                    \
	X(cite, 0)                                                                                           \
	X(code, 0x1010)                                                                                      \
	X(col, 0x109)                                                                                        \
	X(colgroup, 0x108)                                                                                   \
	X(data, 0)                                                                                           \
	X(datalist, 0)                                                                                       \
	X(dd, 0x1868)                                                                                        \
	X(del, 0)                                                                                            \
	X(desc, 0)                                                                                           \
	X(details, 0x68)                                                                                     \
	X(dfn, 0)                                                                                            \
	X(dialog, 0x60)                                                                                      \
	X(dir, 0x68)                                                                                         \
	X(div, 0x1068)                                                                                       \
	X(dl, 0x1068)                                                                                        \
	X(dt, 0x1868)                                                                                        \
	X(em, 0x1010)                                                                                        \
	X(embed, 0x1009)                                                                                     \
	X(fieldset, 0x68)                                                                                    \
	X(figcaption, 0x68)                                                                                  \
	X(figure, 0x68)                                                                                      \
	X(font, 0x10)                                                                                        \
	X(footer, 0x68)                                                                                      \
	X(foreignobject, 0x40)                                                                               \
	X(form, 0x68)                                                                                        \
	X(frame, 0x49)                                                                                       \
	X(frameset, 0x48)                                                                                    \
	X(h1, 0x1468)                                                                                        \
	X(h2, 0x1468)                                                                                        \
	X(h3, 0x1468)                                                                                        \
	X(h4, 0x1468)                                                                                        \
	X(h5, 0x1468)                                                                                        \
	X(h6, 0x1468)                                                                                        \
	X(head, 0x1008)                                                                                      \
	X(header, 0x68)                                                                                      \
	X(hgroup, 0x68)                                                                                      \
	X(hr, 0x1069)                                                                                        \
	X(html, 0x88)                                                                                        \
	X(i, 0x1010)                                                                                         \
	X(iframe, 0xa)                                                                                       \
	X(image, 0x1)                                                                                        \
	X(img, 0x1009)                                                                                       \
	X(input, 0x9)                                                                                        \
	X(ins, 0)                                                                                            \
	X(kbd, 0)                                                                                            \
	X(keygen, 0x9)                                                                                       \
	X(label, 0)                                                                                          \
	X(legend, 0x40)                                                                                      \
	X(li, 0x1868)                                                                                        \
	X(link, 0x209)                                                                                       \
	X(listing, 0x1068)                                                                                   \
	X(main, 0x68)                                                                                        \
	X(malignmark, 0)                                                                                     \
	X(map, 0)                                                                                            \
	X(mark, 0)                                                                                           \
	X(marquee, 0x88)                                                                                     \
	X(math, 0)                                                                                           \
	X(menu, 0x1068)                                                                                      \
	X(meta, 0x1209)                                                                                      \
	X(meter, 0)                                                                                          \
	X(mfrac, 0)                                                                                          \
	X(mglyph, 0)                                                                                         \
	X(mi, 0)                                                                                             \
	X(mn, 0)                                                                                             \
	X(mo, 0)                                                                                             \
	X(ms, 0)                                                                                             \
	X(msub, 0)                                                                                           \
	X(msubsup, 0)                                                                                        \
	X(msup, 0)                                                                                           \
	X(mtext, 0)                                                                                          \
	X(nav, 0x68)                                                                                         \
	X(nobr, 0x1010)                                                                                      \
	X(noembed, 0xa)                                                                                      \
	X(noframes, 0x8)                                                                                     \
	X(noscript, 0x208)                                                                                   \
	X(object, 0x88)                                                                                      \
	X(ol, 0x1068)                                                                                        \
	X(optgroup, 0x800)                                                                                   \
	X(option, 0x800)                                                                                     \
	X(output, 0)                                                                                         \
	X(p, 0x1868)                                                                                         \
	X(param, 0x9)                                                                                        \
	X(picture, 0)                                                                                        \
	X(plaintext, 0x68)                                                                                   \
	X(pre, 0x1068)                                                                                       \
	X(progress, 0)                                                                                       \
	X(q, 0)                                                                                              \
	X(rb, 0x800)                                                                                         \
	X(rp, 0x800)                                                                                         \
	X(rt, 0x800)                                                                                         \
	X(rtc, 0x800)                                                                                        \
	X(ruby, 0x1000)                                                                                      \
	X(s, 0x1010)                                                                                         \
	X(samp, 0)                                                                                           \
	X(script, 0x20a)                                                                                     \
	X(search, 0x68)                                                                                      \
	X(section, 0x68)                                                                                     \
	X(select, 0x88)                                                                                      \
	X(semantics, 0)                                                                                      \
	X(slot, 0)                                                                                           \
	X(small, 0x1010)                                                                                     \
	X(source, 0x9)                                                                                       \
	X(span, 0x1000)                                                                                      \
	X(strike, 0x1010)                                                                                    \
	X(strong, 0x1010)                                                                                    \
	X(style, 0x20a)                                                                                      \
	X(sub, 0x1000)                                                                                       \
	X(summary, 0x68)                                                                                     \
	X(sup, 0x1000)                                                                                       \
	X(svg, 0)                                                                                            \
	X(table, 0x10c8)                                                                                     \
	X(tbody, 0x148)                                                                                      \
	X(td, 0x1c8)                                                                                         \
	X(template, 0x288)                                                                                   \
	X(textarea, 0xc)                                                                                     \
	X(tfoot, 0x148)                                                                                      \
	X(th, 0x1c8)                                                                                         \
	X(thead, 0x148)                                                                                      \
	X(time, 0)                                                                                           \
	X(title, 0x20c)                                                                                      \
	X(tr, 0x148)                                                                                         \
	X(track, 0x9)                                                                                        \
	X(tt, 0x1010)                                                                                        \
	X(u, 0x1010)                                                                                         \
	X(ul, 0x1068)                                                                                        \
	X(var, 0x1000)                                                                                       \
	X(video, 0)                                                                                          \
	X(wbr, 0x9)                                                                                          \
	X(xmp, 0x6a)

/* X(name in C, name in HTML): sorted by the latter. */
#define ATTRIBUTE_NAMES(X)                                                                                   \
	X(alt, "alt")                                                                                        \
	X(alttext, "alttext")                                                                                \
	X(aria_expanded, "aria-expanded")                                                                    \
	X(aria_hidden, "aria-hidden")                                                                        \
	X(aria_label, "aria-label")                                                                          \
	X(aria_level, "aria-level")                                                                          \
	X(aria_modal, "aria-modal")                                                                          \
	X(checked, "checked")                                                                                \
	X(cite, "cite")                                                                                      \
	X(class, "class")                                                                                    \
	X(colspan, "colspan")                                                                                \
	X(content, "content")                                                                                \
	X(data, "data")                                                                                      \
	X(data_lang, "data-lang")                                                                            \
	X(data_language, "data-language")                                                                    \
	X(data_lazy_src, "data-lazy-src")                                                                    \
	X(data_line_number, "data-line-number")                                                              \
	X(data_original, "data-original")                                                                    \
	X(data_src, "data-src")                                                                              \
	X(data_srcset, "data-srcset")                                                                        \
	X(datetime, "datetime")                                                                              \
	X(dir, "dir")                                                                                        \
	X(display, "display")                                                                                \
	X(encoding, "encoding")                                                                              \
	X(height, "height")                                                                                  \
	X(hidden, "hidden")                                                                                  \
	X(href, "href")                                                                                      \
	X(http_equiv, "http-equiv")                                                                          \
	X(id, "id")                                                                                          \
	X(itemprop, "itemprop")                                                                              \
	X(itemtype, "itemtype")                                                                              \
	X(lang, "lang")                                                                                      \
	X(language, "language")                                                                              \
	X(mode, "mode")                                                                                      \
	X(name, "name")                                                                                      \
	X(open, "open")                                                                                      \
	X(property, "property")                                                                              \
	X(rel, "rel")                                                                                        \
	X(role, "role")                                                                                      \
	X(rowspan, "rowspan")                                                                                \
	X(scope, "scope")                                                                                    \
	X(shadowrootmode, "shadowrootmode")                                                                  \
	X(span, "span")                                                                                      \
	X(src, "src")                                                                                        \
	X(srcset, "srcset")                                                                                  \
	X(start, "start")                                                                                    \
	X(style, "style")                                                                                    \
	X(summary, "summary")                                                                                \
	X(title, "title")                                                                                    \
	X(type, "type")                                                                                      \
	X(value, "value")                                                                                    \
	X(width, "width")

enum element {
	ELEMENT_TEXT, /* a text node */
	ELEMENT_OTHER,
#define ELEMENT_ENUM(name, flags) ELEMENT_##name,
	ELEMENT_NAMES(ELEMENT_ENUM)
#undef ELEMENT_ENUM
		ELEMENTS,
};

enum attribute_name {
#define ATTRIBUTE_ENUM(name, text) ATTRIBUTE_##name,
	ATTRIBUTE_NAMES(ATTRIBUTE_ENUM)
#undef ATTRIBUTE_ENUM
		ATTRIBUTES, /* how many there are: none of them */
};

/* The element of that name, in any case; ELEMENT_OTHER for others. */
enum element element_find(const char *name, size_t length);
/* ATTRIBUTES if it is none that is kept. */
enum attribute_name attribute_find(const char *name, size_t length);
/* "#text" and "#other" for what has no name of its own. */
const char *element_name(enum element element);
const char *attribute_text(enum attribute_name name);

/* Flags of element.c's table. */
extern const uint16_t element_flags[ELEMENTS];

static inline bool element_is(enum element element, unsigned flags)
{
	return (element_flags[element] & flags) != 0;
}

#endif
