/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_WIRE_H
#define SALLYPORT_TOOLS_WEB_WIRE_H

/*
 * Frontend -> web executor: operations of tools/reply.h's frames, and what their payloads and results hold.
 * The executor streams the whole text block as REPLY_TEXT and then sends the facts as REPLY_RESULT.
 *
 * The program's descriptors: 3 the frontend's socket, 4 the broker's (sandbox/egress/wire.h).
 */

#define WEB_FRONTEND_DESCRIPTOR 3
#define WEB_BROKER_DESCRIPTOR   4

enum web_operation {
	/*
	 * Request: text url (as url_check() wrote it), u32 enum web_format, u64 offset and u64 max_length
	 * (characters), u64 most bytes of text to answer with, u32 milliseconds within which to answer.
	 * Result: text final URL, u32 HTTP status, text media type, u64 bytes of the body as decompressed,
	 * u64 characters of the whole text, u64 offset, u64 next offset (0: nothing is missing that is
	 * there), u32 redirects, u32 WEB_* flags, u32 milliseconds.
	 */
	WEB_FETCH = 1,
};

enum web_format {
	WEB_TEXT, /* HTML without its markup; other text as it is */
	WEB_RAW,  /* the text of the body, whatever it is */
};

#define WEB_CUT_TIME  0x1  /* the body had not come to its end when the time was up */
#define WEB_CUT_SIZE  0x2  /* the body goes on past LIMIT_WEB_BODY_BYTES */
#define WEB_CUT_BREAK 0x4  /* the connection broke before the body's end */
#define WEB_KEPT      0x8  /* answered from the download that an earlier page came from */
#define WEB_BINARY    0x10 /* not text: nothing of it is shown */
#define WEB_FLAGS     0x1f

#endif
