/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_WIRE_H
#define SALLYPORT_TOOLS_FILES_WIRE_H

/*
 * What the frontend asks of the files executor, and what RESULT holds for each (tools/reply.h has the frames
 * around it). Fields in the order given, as protocol/frame.h encodes them. A `path` is what the model typed:
 * absolute or relative to the first workspace; the executor alone says where that leads.
 */

enum files_operation {
	/*
	 * text path, u64 offset (two's complement; lines from 1, negative from the end), u64 limit (lines),
	 * u64 bytes (most of text), u32 flags (FILES_NUMBERS).
	 * Text comes as TEXT, an image or audio as MEDIA. RESULT: u32 flags (FILES_READ_*), u64 size of the
	 * file, u64 first line shown (0: counted from the end only), u64 lines shown, u64 next offset (two's
	 * complement; 0: nothing is missing), u64 bytes of the file up to the last one shown, text kind
	 * (media type, or the encoding guessed when it is not UTF-8), bytes sha256 (32, or none).
	 */
	FILES_READ = 16,
	/*
	 * text path, u32 flags (FILES_CREATE_ONLY, FILES_APPEND), text expected sha256 (hexadecimal or
	 * empty), bytes content. RESULT: u64 bytes of the file now, bytes sha256 (32), u32 outcome (enum
	 * files_outcome), u32 other hard links of the file replaced (they keep the old content), text path.
	 */
	FILES_WRITE = 17,
	/*
	 * text path, u32 depth, u32 flags (FILES_HIDDEN), u64 offset, u64 limit, u64 bytes (about the most of
	 * text). RESULT: text path, u64
	 * total, u64 offset of the first entry, u64 next offset (0: none), u64 hidden entries left out, u32
	 * flags (FILES_LIST_*), u32 count, then for each entry: text name (relative to the path), u32 type
	 * (enum files_type), u64 size, u64 modified (seconds, two's complement), text target (of a link).
	 */
	FILES_LIST = 18,
	/*
	 * text path, u32 access (enum files_access). Would a file tool do this? RESULT: u32 allowed (0, 1),
	 * text rule, text layer, text resolved (absolute, links followed; empty if it leads nowhere we may
	 * look), u32 type (enum files_type), text detail (one sentence), text remedy (what would have to
	 * change; empty when allowed).
	 */
	FILES_EXPLAIN = 19, /* an empty path asks nothing, and the answer's rule is empty */
};

#define FILES_NUMBERS     0x1
#define FILES_CREATE_ONLY 0x1
#define FILES_APPEND      0x2
#define FILES_HIDDEN      0x1

#define FILES_READ_MEDIA    0x1 /* it came as MEDIA */
#define FILES_READ_LINE_CUT 0x2 /* the only line shown is longer than what may be shown */
#define FILES_READ_EMPTY    0x4 /* the file has no bytes */
#define FILES_READ_BY_LIMIT 0x8 /* cut by the argument `limit`, not by size */
#define FILES_READ_FLAGS    0xf

#define FILES_LIST_AT_LEAST 0x1 /* the tree is larger than what was visited: total is a lower bound */
#define FILES_LIST_FLAGS    0x1

enum files_outcome { FILES_CREATED, FILES_REPLACED, FILES_APPENDED, FILES_OUTCOMES };

enum files_type {
	FILES_NONE, /* does not exist */
	FILES_FILE,
	FILES_DIRECTORY,
	FILES_LINK,
	FILES_FIFO,
	FILES_SOCKET,
	FILES_DEVICE,
	FILES_OTHER,
	FILES_TYPES
};

enum files_access { FILES_ACCESS_READ = 1, FILES_ACCESS_WRITE, FILES_ACCESS_EXECUTE };

#define FILES_SHA256_BYTES 32

#endif
