/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_TEXT_H
#define SALLYPORT_TOOLS_FILES_TEXT_H

/*
 * What kind of text a file holds (encoding, byte-order mark, line ends, whether the last line has one) and
 * the way between its bytes and what a model sees and writes: UTF-8 with LF. Pure: bytes in, bytes out. A
 * file is never converted as a whole in order to be written; only what is looked for and put in is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

enum text_encoding {
	TEXT_UTF8,    /* ASCII too; with `invalid` above 0 mostly UTF-8, with bytes in it that are not */
	TEXT_UTF16LE, /* with a mark: without one nothing tells it from binary data */
	TEXT_UTF16BE,
	TEXT_LATIN1,       /* ISO-8859-1, guessed */
	TEXT_WINDOWS_1252, /* the same with letters and quotes at 0x80 to 0x9f, guessed */
	TEXT_OTHER,        /* none of these: only its ASCII characters are known */
	TEXT_ENCODINGS
};

enum text_ends {
	TEXT_NO_ENDS, /* not one line end */
	TEXT_LF,
	TEXT_CRLF,
	TEXT_CR,    /* and no LF anywhere; beside LF a CR alone is a character like others */
	TEXT_MIXED, /* LF and CRLF */
	TEXT_ENDS
};

struct text {
	enum text_encoding encoding;
	enum text_ends ends;
	uint8_t mark;      /* bytes of the byte-order mark; 0: none */
	bool last_ends;    /* the last line has a line end; an empty file has not */
	uint64_t lines;    /* an unended last one counts */
	uint64_t crlf, lf; /* line ends of these kinds */
	uint64_t lone_cr;  /* CR without LF behind it, whatever it means */
	uint64_t invalid;  /* bytes (UTF-16: units) that belong to no character of the encoding */
};

/* UTF-8, LF, no mark: what a model writes. */
extern const struct text text_plain;

/* ---- recognising, in pieces of any size ---- */

struct text_scan {
	struct text text; /* its counts so far */
	uint8_t head[4];
	uint64_t position;
	bool wide, cr, high;       /* UTF-16; what was last: CR, an unpaired byte above 0x7f */
	uint8_t need, low, top;    /* of a UTF-8 sequence: bytes to come, range of the next */
	uint8_t have, held, first; /* its bytes so far; half a unit, and which */
	uint16_t lead, last;       /* a high surrogate that waits; the last unit */
	uint64_t sequences, single, paired, controls, undefined;
};

void text_scan_begin(struct text_scan *scan);
void text_scan_add(struct text_scan *scan, const uint8_t *bytes, size_t length);
void text_scan_end(struct text_scan *scan, struct text *text);
/* All of it at once. */
void text_recognise(struct text *text, const uint8_t *bytes, size_t length);

/* Do these first bytes of a file begin UTF-16 text? scan_kind() takes it for binary data. */
bool text_is_utf16(const uint8_t *head, size_t length);

/* For people: "UTF-8", "UTF-16LE", ..; "LF", "CRLF", "CR", "mixed", "none". */
const char *text_encoding_name(const struct text *text);
const char *text_ends_name(const struct text *text);

/* ---- characters ---- */

#define TEXT_NO_CHARACTER 0xfffdu

/* Bytes of a code unit: 2 in UTF-16, else 1. */
size_t text_unit(const struct text *text);

/* Does a code unit of value `byte` stand at `at`, where one begins? */
static inline bool text_is_unit(const struct text *text, const uint8_t *at, uint8_t byte)
{
	switch (text->encoding) {
	case TEXT_UTF16LE:
		return at[0] == byte && at[1] == 0;
	case TEXT_UTF16BE:
		return at[0] == 0 && at[1] == byte;
	default:
		return at[0] == byte;
	}
}

/* The character at bytes[*at], *at < length; *at moves behind it. TEXT_NO_CHARACTER for what is none. */
uint32_t text_next(const struct text *text, const uint8_t *bytes, size_t length, size_t *at);

/* Appends a character as UTF-8. 0, or as buffer_append. */
int text_put_utf8(struct buffer *out, uint32_t character);

/* Appends bytes of the file as well-formed UTF-8, U+FFFD for what is none; line ends stay as they are. 0, or
 * as buffer_append. */
int text_show(const struct text *text, const uint8_t *bytes, size_t length, struct buffer *out);

/* `length` well-formed UTF-8 bytes into the file's encoding; CRLF becomes LF, in a file of CR also CR. 0,
 * -EILSEQ with the *misfit that the encoding has not, or as buffer_append. */
int text_encode(const struct text *text, const char *utf8, size_t length, struct buffer *out,
		uint32_t *misfit);

#endif
