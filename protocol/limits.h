/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_LIMITS_H
#define SALLYPORT_PROTOCOL_LIMITS_H

/*
 * Every number that bounds something stands here, with its reason; a test refuses LIMIT_ definitions
 * elsewhere. Units are in the names or the comments. Where a policy may change one, the comment says by which
 * key.
 */

/* ---- messages from a host ---- */
#define LIMIT_MESSAGE_BYTES                                                                                  \
	(16u << 20)             /* one JSON-RPC message: a 10 MB file as base64 or escaped text still fits */
#define LIMIT_JSON_DEPTH     64 /* real requests nest 6 deep; cJSON recurses, so this also bounds the stack */
#define LIMIT_JSON_VALUES    200000 /* values in one message: bounds cJSON's 64-byte nodes to 13 MB */
#define LIMIT_ID_BYTES       512    /* an id is echoed, so it is bounded; hosts use at most 36 */
#define LIMIT_BATCH_MESSAGES 100    /* 2025-03-26 only */
#define LIMIT_CALLS_IN_FLIGHT                                                                                \
	4096 /* requests accepted and unanswered, one caller: "1,000 calls in flight" four times over */
#define LIMIT_SUBSCRIPTIONS   64  /* open subscriptions/listen requests, one caller */
#define LIMIT_TOOL_NAME_BYTES 128 /* tools: "SHOULD be between 1 and 128 characters" */

/* ---- what waits for a host that does not read ---- */
#define LIMIT_OUTGOING_PAUSE_BYTES (4u << 20) /* past this no more requests are read from the host */
#define LIMIT_OUTGOING_BYTES                                                                                 \
	(64u << 20) /* past this (answers to calls already accepted) the host is taken for dead */

/* ---- answers ---- */
#define LIMIT_RESULT_BYTES_DEFAULT                                                                           \
	32000 /* bulk text of one result unless --result-limit or policy says otherwise */
#define LIMIT_RESULT_BYTES_MAX (8u << 20) /* hosts drop connections above 10 MiB (hosts.md, 9) */
#define LIMIT_ANSWER_BYTES                                                                                   \
	(64u << 20) /* one answer as JSON: 8 MB text of control characters becomes six times that */

/* ---- frames between our processes ---- */
#define LIMIT_FRAME_BYTES                                                                                    \
	(64u << 10) /* payload of a frame in a ring: pieces keep rings small and latency even */
#define LIMIT_MESSAGE_FRAME_BYTES                                                                            \
	(192u << 10)              /* payload of a frame on a socket: argv and environment of a command */
#define LIMIT_FRAME_DESCRIPTORS 8 /* a command passes 4, a files executor 4 */
#define LIMIT_RING_BYTES        (256u << 10) /* each direction; larger only shows up as memory (performance.md) */

/* ---- commands ---- */
#define LIMIT_COMMAND_BYTES        (128u << 10) /* one argument: the kernel's MAX_ARG_STRLEN */
#define LIMIT_COMMAND_OUTPUT_BYTES (1u << 20)   /* kept of each stream while it runs */
#define LIMIT_COMMAND_TEXT_BYTES   8000 /* default of max_bytes: reaches every model whole (hosts.md, 9) */

/* ---- time, milliseconds ---- */
#define LIMIT_ANSWER_WITHIN_MS       4000 /* strangers wait 5 s (hosts.md, 11); answerWithin, --answer-within */
#define LIMIT_ANSWER_WITHIN_KNOWN_MS 45000 /* hosts known by name to wait at least 60 s */
#define LIMIT_END_GRACE_MS           50 /* after end of input: calls that are all but done may still answer */
#define LIMIT_KILL_GRACE_MS          2000 /* a nanny that has not reported a kill by then loses its whole sandbox */

#endif
