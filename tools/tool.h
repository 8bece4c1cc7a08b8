/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_TOOL_H
#define SALLYPORT_TOOLS_TOOL_H

/*
 * What a tool is: one descriptor at the top of its own file, one line in the table. The descriptor's field
 * tables give schema, decoding, checks and README row; pack and unpack translate between arguments or results
 * and the frames of the executor that does the work. Nothing here does the work.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/limits.h"
#include "protocol/mcp.h"
#include "protocol/schema.h"
#include "sandbox/confinement.h"
#include "sandbox/plan.h"
#include "tools/denial.h"

enum tool_route {
	TOOL_COMMAND,  /* run by the caller's sandbox; driven by server/command */
	TOOL_HANDLE,   /* about a command of the caller's that has a handle (tools/command/handle.h) */
	TOOL_FILES,    /* packed for the files executor */
	TOOL_SEARCH,   /* packed for the search executor */
	TOOL_WEB,      /* packed for the web executor */
	TOOL_DOWNLOAD, /* between web and files executor; driven by server/download */
	TOOL_LOOK,     /* asked of the caller's sandbox, where nothing is run (KEEPER_LOOK) */
	TOOL_LOCAL,    /* answered by the frontend itself, by `local` */
};

/* MCP tool annotations; only those that differ from the default are sent */
#define TOOL_READ_ONLY       0x1
#define TOOL_NOT_DESTRUCTIVE 0x2
#define TOOL_IDEMPOTENT      0x4
#define TOOL_CLOSED_WORLD    0x8

/* What tools may know of the server: constant after start. */
struct tool_context {
	const struct plan *plan;
	uint64_t result_bytes;                 /* --result-limit */
	uint32_t answer_within_ms;             /* of this caller */
	uint64_t begun_ms;                     /* when the call came: CLOCK_MONOTONIC, as clock_ms() */
	const struct confinement_found *found; /* changes: what calls run under, once one has run */
	const char *instance;                  /* our name among replicas; NULL: we have none */
	uint32_t caller;                       /* whose call it is, as the spawner knows it */
};

/*
 * When an executor is to have answered, as clock_ms(): soon enough for the answer to get there before the
 * frontend gives the call up. A time and not a span, since the executor may have to be started first.
 */
static inline uint64_t tool_answer_by(const struct tool_context *context)
{
	uint32_t within = context->answer_within_ms, margin = LIMIT_ANSWER_MARGIN_MS;

	return context->begun_ms + within - (within > 2 * margin ? margin : within / 2);
}

/* How a call ended. */
enum tool_outcome {
	TOOL_UNANSWERED, /* as yet, or for ever: it was cancelled */
	TOOL_SUCCEEDED,
	TOOL_FAILED, /* result_fail: the tool could not do what was asked; that a command failed is a success
		      */
	TOOL_DENIED, /* a rule refused it */
	TOOL_OUTCOMES
};

/*
 * A result in the making: over the call's outgoing message (protocol/mcp.h). Start with all zero but call,
 * context and meta (an empty buffer); result_* begin the message themselves, so nobody else calls
 * mcp_result_begin.
 */
struct tool_result {
	struct mcp_call *call;
	const struct tool_context *context;
	struct buffer *meta; /* where result_meta_* collect; of the caller, who empties it between calls */
	uint64_t text_bytes; /* of text so far, streamed or not */
	uint64_t replaced;   /* ill-formed UTF-8 replaced in it */
	bool text_open;
	enum tool_outcome outcome;   /* set with the answer */
	const struct denial *denial; /* for _meta["sallyport.dev/denial"]; set before result_finish */
	struct buffer *out;          /* the message, once begun */
	struct json_writer *members; /* once the content array was ended */
};

struct tool {
	const char *name, *title, *description;
	enum tool_route route;
	unsigned hints;                            /* TOOL_* annotations */
	unsigned (*hint)(const struct plan *plan); /* where policy decides about them; else NULL */
	uint16_t operation; /* frame type for FILES, SEARCH and WEB, enum handle_operation for HANDLE */
	const struct field *input;
	const struct field *output; /* NULL: bulk, no outputSchema */
	size_t arguments_bytes;     /* of the struct that `input` decodes into */

	/* Which route these very arguments take, if that depends on them; NULL: always `route`. */
	enum tool_route (*choose)(const void *arguments, const struct tool_context *context);
	/* TOOL_LOCAL: writes and finishes the result (result_finish, result_fail or result_deny). */
	void (*local)(struct tool_result *result, const void *arguments);
	/* Encodes the decoded arguments as the operation's payload. 0, or -errno with a sentence for the
	 * model. */
	int (*pack)(const void *arguments, const struct tool_context *context, struct buffer *payload,
		    struct err *err);
	/*
	 * Writes the result from the RESULT payload: its text (through result_*, unless TEXT was streamed and
	 * is whole) and, for data tools, structuredContent. 0, or -EPROTO when the payload is malformed: that
	 * ends the executor. The caller (server/calls) finishes the result; unpack does not.
	 */
	int (*unpack)(struct tool_result *result, const void *payload, size_t length);
	/*
	 * Of answers in several parts (FRAME_PART): what ends one of them, a final frame of that type
	 * (tools/reply.h), after its text or media. Ends with result_block_end(). NULL: there are none. 0, or
	 * -EPROTO as of unpack.
	 */
	int (*part)(struct tool_result *result, uint16_t type, const void *payload, size_t length);
	/*
	 * TOOL_LOOK: pack and unpack of the question. The answer comes from where the caller's commands are:
	 * -EPROTO is told as a failure, and ends nothing.
	 */
	int (*ask)(const void *arguments, const struct tool_context *context, struct buffer *payload,
		   struct err *err);
	int (*looked)(struct tool_result *result, const void *answer, size_t length);
};

/* The tools, sorted by name; a test checks order and uniqueness. Ends with NULL. */
extern const struct tool *const tool_table[];

const struct tool *tool_find(const char *name);
/* For mcp_host.tools: appends descriptors as JSON, from index `begin`, all that fit a page. */
int tools_write(unsigned begin, const struct plan *plan, struct buffer *out);

/* ---- writing results (tools/result.c) ---- */

int result_text(struct tool_result *result, const void *bytes,
		size_t length); /* opens the text block if need be */
int result_textf(struct tool_result *result, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What text follows stands in a block of its own. */
void result_block_end(struct tool_result *result);
/* An image or audio block; the text block must not be open. */
int result_media(struct tool_result *result, const char *media_type, const void *bytes, size_t length);
/* Ends the text and gives the writer positioned inside "structuredContent": {, to be ended with
 * result_structured_end(). */
struct json_writer *result_structured(struct tool_result *result);
void result_structured_end(struct tool_result *result, struct json_writer *writer);
/* Adds a member to _meta["sallyport.dev/result"]. */
int result_meta_int(struct tool_result *result, const char *key, int64_t value);
int result_meta_text(struct tool_result *result, const char *key, const char *value);
/* Ends text if open, adds _meta and sends. The call is gone afterwards. */
int result_finish(struct tool_result *result);

/* `length` bytes as lower-case hexadecimal digits, NUL-terminated: `to` has room for 2 * length + 1. */
void result_hex(char *to, const void *bytes, size_t length);

/* "Error: TEXT", isError. Replaces whatever was begun. */
int result_fail(struct tool_result *result, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "Denied: WHAT (RULE). Allowed: ...", isError, _meta["sallyport.dev/denial"] with policySha256. */
int result_deny(struct tool_result *result, const struct denial *denial);
/* After structured content: this result is a refusal or a failure. */
void result_error(struct tool_result *result);

#endif
