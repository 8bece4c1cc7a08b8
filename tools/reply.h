/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_REPLY_H
#define SALLYPORT_TOOLS_REPLY_H

/*
 * Frames between the frontend and the executors files (over rings) and web (over a socket).
 *
 * Frontend -> executor: type is the operation (tools/files/wire.h, tools/web/wire.h), call the frontend's
 * number of the call, payload what the tool packed; long payloads come in pieces with FRAME_MORE. Executor ->
 * frontend: any number of TEXT and PROGRESS, then exactly one of RESULT, FAILURE, DENIED for each call. An
 * answer of several parts has one of these with FRAME_PART for each, and then its own.
 */

enum reply_frame {
	REPLY_CANCEL =
		1, /* frontend -> executor: stop working on `call`; still exactly one final frame follows */

	REPLY_TEXT = 128,     /* bytes of the text block, as they are; cut between characters */
	REPLY_RESULT = 129,   /* the facts, encoded as the tool's unpack expects; pieces with FRAME_MORE */
	REPLY_FAILURE = 130,  /* value: errno or 0. payload: text message ("what, where, why, what to do") */
	REPLY_DENIED = 131,   /* payload: text layer, operation, target, rule, remedy, allowed */
	REPLY_PROGRESS = 132, /* value: percent or 0. payload: text message */
	REPLY_MEDIA = 133,   /* payload of pieces: text media type, then the bytes: an image or audio block */
	REPLY_WATCHED = 134, /* about a watch, not a call: value WATCHED_*, payload as of FAILURE or DENIED */
	REPLY_CHANGED = 135, /* the same, without payload: look again */
	REPLY_RECEIVING = 136, /* FILES_RECEIVE may go on. payload: u64 bytes received so far */
};

enum { WATCHED_WELL, WATCHED_FAILED, WATCHED_DENIED };

#endif
