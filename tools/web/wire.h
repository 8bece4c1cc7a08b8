/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_WIRE_H
#define SALLYPORT_TOOLS_WEB_WIRE_H

/*
 * Frontend -> web executor: operations of tools/reply.h's frames, and what their payloads and results hold.
 * The executor streams the text block (what was fetched on top, then the content) as REPLY_TEXT, or an image
 * as REPLY_MEDIA, and then sends the facts as REPLY_RESULT; the last line, which says what is missing, is the
 * frontend's.
 */

enum web_operation {
	/*
	 * Request: text url (as url_check() wrote it), u32 caller, u32 enum web_format, u64 offset and u64
	 * max_length (characters), u64 most bytes of text to answer with, u64 when to answer at the latest
	 * (tool_answer_by()), text method (empty: GET), text headers (lines "Name: value", each with a
	 * newline), bytes body. Result: text final URL, u32 HTTP status, text media type, text title, u64
	 * bytes of the body as decompressed, u64 characters of the whole text, u64 characters shown, u64 next
	 * offset (0: no more), u32 redirects, u32 WEB_* flags, u32 milliseconds, text what broke
	 * (WEB_CUT_BREAK), how far it is (WEB_LOADING) or what else is to be known. With WEB_LOADING the
	 * status may be 0: nothing came yet.
	 */
	WEB_FETCH = 16, /* above REPLY_CANCEL */
	/*
	 * The body of `url` into a pipe, whose end for writing comes with the request; what it is in is a
	 * whole number of them, from the first byte on, whatever broke meanwhile. Takes as long as it takes;
	 * WEB_TOTAL says how much it is to be. The pipe's end does not block. Closes the pipe at the end, and
	 * before the result. Request: text url (as url_check() wrote it), u32 caller, u64 most bytes of the
	 * body. Result: text final URL, u32 HTTP status, text media type, u64 bytes written to the pipe, u32
	 * redirects, u32 times that it was resumed.
	 */
	WEB_DOWNLOAD = 17,
	/* To WEB_INSIDE, exactly one of these; `call` as there. */
	WEB_CONNECTED = 18,   /* descriptor: a Unix stream socket; what is written there comes out of a
			       * connection inside the sandbox, and the other way round */
	WEB_UNCONNECTED = 19, /* value: errno. Payload: text sentence: what failed */
};

/* Executor -> frontend, beside tools/reply.h's. */
enum web_frame {
	/*
	 * A connection to the loopback of the sandbox of a caller, where its commands listen, is asked for.
	 * call: the executor's number for it, of no meaning among calls. value: where on that loopback, as
	 * rules_inside_place() says (0: 127.0.0.1, then ::1). Payload: u32 caller, u32 port, u32
	 * milliseconds it may take. Answered in any order. One that is no longer wanted is closed.
	 */
	WEB_INSIDE = 140,
	/* Of a WEB_DOWNLOAD, once it is known: u64 bytes of the whole body. */
	WEB_TOTAL = 141,
};

enum web_format {
	WEB_MARKDOWN, /* what a page has to say, and other formats as they are read best */
	WEB_TEXT,     /* HTML without its markup, all of it; other text as it is */
	WEB_RAW,      /* the text of the body, whatever it is */
};
#define WEB_FORMATS 3

#define WEB_LOADING   0x1  /* not all of it had come when the time was up: it goes on loading */
#define WEB_CUT_SIZE  0x2  /* the body goes on past LIMIT_WEB_BODY_BYTES */
#define WEB_CUT_BREAK 0x4  /* the connection broke before the body's end */
#define WEB_KEPT      0x8  /* answered from the download that an earlier page came from */
#define WEB_AGAIN     0x10 /* a later page, but that download was no longer kept: fetched anew */
#define WEB_BINARY    0x20 /* not text: nothing of it is shown */
#define WEB_MEDIA     0x40 /* sent as REPLY_MEDIA */
#define WEB_FLAGS     0x7f

#define WEB_MEDIA_TYPE_BYTES                                                                                 \
	128 /* RFC 6838 section 4.2: 127 characters each side at most; real ones are short */
#define WEB_TITLE_BYTES 256

#endif
