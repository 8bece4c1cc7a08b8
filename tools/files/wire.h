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
	 * text path, u32 depth, u32 flags (FILES_HIDDEN, FILES_IGNORED), u64 offset, u64 limit, u64 bytes
	 * (about the most of text). RESULT: text path, u64 total, u64 offset of the first entry, u64 next
	 * offset (0: none), u64 hidden entries left out, u64 ignored ones, u32 flags (FILES_LIST_*), u32
	 * count, then for each entry: text name (relative to the path), u32 type (enum files_type), u64 size,
	 * u64 modified (seconds, two's complement), text target (of a link).
	 */
	FILES_LIST = 18,
	/*
	 * text path, u32 access (enum files_access). Would a file tool do this? RESULT: u32 allowed (0, 1),
	 * text rule, text layer, text resolved (absolute, links followed; empty if it leads nowhere we may
	 * look), u32 type (enum files_type), text detail (one sentence), text remedy (what would have to
	 * change; empty when allowed).
	 */
	FILES_EXPLAIN = 19, /* an empty path asks nothing, and the answer's rule is empty */
	/*
	 * text path, u32 flags (FILES_DRY_RUN), text expected sha256 (hexadecimal or empty), u64 bytes (most
	 * of the diff), u32 count, then for each edit: bytes old, bytes new (UTF-8), u32 all (0, 1). RESULT:
	 * text path, u32 flags (FILES_DRY_RUN, FILES_EDIT_SAME), u64 bytes of the file now, bytes sha256
	 * (32), u32 other hard links of the file replaced, u64 line from which on changes are not shown (0:
	 * all are), text kind (encoding and line ends unless they are UTF-8 and LF), u32 count, then for each
	 * edit u64 places replaced; bytes diff.
	 */
	FILES_EDIT = 20,
	/*
	 * u32 flags (FILES_DRY_RUN), bytes patch. RESULT: u32 flags (as asked), u32 count, then for each file
	 * in the order of the patch: text path, text what it was renamed or copied from (or empty), u32
	 * outcome (enum files_patch_outcome), u64 lines added, u64 lines removed, u32 hunks that were not at
	 * their line, u64 how far off the last of these (lines, two's complement).
	 */
	FILES_PATCH = 21,
	/* text path. RESULT: u32 made (0: it was there), text path. */
	FILES_MAKE = 22,
	/*
	 * text source, text destination, u32 flags (FILES_OVERWRITE). RESULT: u32 outcome (enum
	 * files_transfer), u32 flags (FILES_TRANSFER_*), u64 entries and u64 bytes copied (0 where a rename
	 * did), text source, text destination.
	 */
	FILES_MOVE = 23,
	FILES_COPY = 24,
	/* text path, u32 flags (FILES_RECURSIVE). RESULT: u64 entries removed, u64 bytes of files, text path.
	 */
	FILES_DELETE = 25,
	/*
	 * text path, u32 flags (FILES_HASH). RESULT: u32 type (enum files_type) of what a link at the end
	 * leads to (FILES_NONE: to nothing that may be seen), u32 flags (FILES_INFO_*), u64 size, u64 bytes
	 * on the disk, u32 mode, u32 user, u32 group, u32 hard links, u64 modified, u64 accessed, u64 changed
	 * (seconds, two's complement), u64 lines, text target (of a link at the end), text kind (media type,
	 * or what a binary is), text encoding, text line ends, bytes sha256 (32, or none), text path.
	 */
	FILES_INFO = 26,
	/*
	 * u64 bytes (most of text, of all together), u32 count, then so many texts: paths. For each in order:
	 * TEXT with its path and a newline, then what FILES_READ would answer with FRAME_PART on its final
	 * frame. RESULT: u32 count, u32 of them refused.
	 */
	FILES_READ_SEVERAL = 27,
	/*
	 * text path as far as it was typed: absolute, or empty. RESULT: u32 flags (FILES_COMPLETE_*), u64
	 * total, u32 count (LIMIT_COMPLETIONS at most), then for each a text: the names, in order, that may
	 * stand behind the last slash of the path, or whole paths (FILES_COMPLETE_WHOLE); those of
	 * directories end with a slash. Nothing is refused: there is nothing then.
	 */
	FILES_COMPLETE = 28,
	/*
	 * The frame's `call` is a number for what is watched, of the frontend's choice and of no meaning
	 * among calls. text path, which need not exist. Answered by WATCHED; then CHANGED as often as
	 * something happens to what the path leads to, until FILES_UNWATCH, which is not answered.
	 * (tools/reply.h)
	 */
	FILES_WATCH = 29,
	FILES_UNWATCH = 30, /* no payload */
	/*
	 * A file whose content comes out of a pipe, with a descriptor: its end for reading, non-blocking,
	 * which stands in the socket beside the rings before the request stands in the ring. text path, u32
	 * flags (FILES_OVERWRITE), text expected sha256 (hexadecimal or empty), u64 most bytes. Answered by
	 * RECEIVING when the path has been judged and may be written, and from time to time (tools/reply.h);
	 * then, after FILES_RECEIVED, RESULT: u64 bytes, bytes sha256 (32), u32 outcome (enum files_outcome),
	 * u32 other hard links of the file replaced, text path.
	 */
	FILES_RECEIVE = 31,
	/*
	 * To sallyport-search. text path, text pattern (executor/glob.h), u32 flags (FILES_IGNORED: what is
	 * hidden and ignored too), u32 type (enum files_type, FILES_NONE: any), u32 sort (enum files_sort),
	 * u64 offset, u64 limit, u64 bytes (about the most of text), u64 when to answer at the
	 * latest (tool_answer_by()).
	 * RESULT: u64 total, u64 offset of the first path, u64 next offset (0: none), u64 ignored and u64
	 * hidden names left out, u64 directories that could not be opened, u32 flags (FILES_FIND_*), u32
	 * count, then text for each path, as it would be typed; those of directories end with a slash.
	 */
	FILES_FIND = 32,
	/*
	 * Of the search executor. text pattern, text path, text glob (or empty), u32 flags
	 * (FILES_SEARCH_LITERAL
	 * ..), u32 mode (enum files_search_mode), u32 context (lines); what follows is not part of the
	 * question, so that another page is asked of the same search: u64 limit (results), u64 offset
	 * (results before), u64 bytes (most of text), u64 when to answer at the latest. Text comes as
	 * TEXT. RESULT: u32 flags (FILES_SEARCH_DONE ..), u64 results shown, u64 next offset, and of all that
	 * was looked at so far: u64 files, u64 binary files left out, u64 unreadable, u64 looked at in
	 * pieces, u64 with holes, u64 lines that were too much for the expression; u64 names left out since
	 * they are hidden, u64 since ignore rules name them (both 0 until the walk is done).
	 */
	FILES_SEARCH = 33,
	/*
	 * About a FILES_RECEIVE that has answered RECEIVING: all bytes are in the pipe, whose end for writing
	 * is closed. u64 how many they are, of all.
	 */
	FILES_RECEIVED = 34,
};

#define FILES_NUMBERS     0x1
#define FILES_DRY_RUN     0x1
#define FILES_EDIT_SAME   0x2 /* nothing has changed, so nothing was written */
#define FILES_EDIT_FLAGS  0x3
#define FILES_CREATE_ONLY 0x1
#define FILES_APPEND      0x2
#define FILES_HIDDEN      0x1
#define FILES_IGNORED     0x2

#define FILES_SEARCH_LITERAL     0x1
#define FILES_SEARCH_IGNORE_CASE 0x2
#define FILES_SEARCH_MULTILINE   0x4
#define FILES_SEARCH_IGNORED     0x8 /* also hidden files and what ignore rules name */
#define FILES_SEARCH_FLAGS       0xf

enum files_search_mode { FILES_SEARCH_CONTENT, FILES_SEARCH_FILES, FILES_SEARCH_COUNT, FILES_SEARCH_MODES };

#define FILES_SEARCH_DONE    0x1 /* there is no more */
#define FILES_SEARCH_LATE    0x2 /* the time was over: the search goes on by itself */
#define FILES_SEARCH_ENDED   0x4 /* too many lines were too much for the expression: it was given up */
#define FILES_SEARCH_RESULTS 0x7

#define FILES_OVERWRITE 0x1
#define FILES_RECURSIVE 0x1
#define FILES_HASH      0x1

#define FILES_TRANSFER_COPIED 0x1 /* moved by copying and removing: another file system */
#define FILES_TRANSFER_LOST   0x2 /* attributes that the other file system does not take */
#define FILES_TRANSFER_FLAGS  0x3

#define FILES_INFO_TEXT       0x1 /* kind, encoding, line ends and lines are those of a text */
#define FILES_INFO_PART       0x2 /* ... as far as LIMIT_INFO_TEXT_BYTES of it tell */
#define FILES_INFO_OPEN_END   0x4 /* its last line has no end */
#define FILES_INFO_UNREADABLE 0x8 /* nothing is known of its content */
#define FILES_INFO_FLAGS      0xf

#define FILES_READ_MEDIA    0x1 /* it came as MEDIA */
#define FILES_READ_LINE_CUT 0x2 /* the only line shown is longer than what may be shown */
#define FILES_READ_EMPTY    0x4 /* the file has no bytes */
#define FILES_READ_BY_LIMIT 0x8 /* cut by the argument `limit`, not by size */
#define FILES_READ_FLAGS    0xf

#define FILES_COMPLETE_WHOLE    0x1
#define FILES_COMPLETE_AT_LEAST 0x2 /* total is a lower bound */
#define FILES_COMPLETE_FLAGS    0x3

#define FILES_LIST_AT_LEAST 0x1 /* the tree is larger than what was visited: total is a lower bound */
#define FILES_LIST_FLAGS    0x1

#define FILES_FIND_UNFINISHED 0x1 /* the time was over: total is a lower bound, `next` goes on */
#define FILES_FIND_CUT        0x2 /* something was beyond the bounds of a walk */
#define FILES_FIND_SET        0x4 /* nothing was found, and the pattern has a `[` */
#define FILES_FIND_FLAGS      0x7

enum files_sort { FILES_BY_NAME, FILES_BY_MODIFIED, FILES_BY_SIZE, FILES_SORTS }; /* newest, largest first */
enum files_transfer { FILES_TRANSFER_MADE, FILES_TRANSFER_REPLACED, FILES_TRANSFER_OUTCOMES };

enum files_outcome { FILES_CREATED, FILES_REPLACED, FILES_APPENDED, FILES_OUTCOMES };

enum files_patch_outcome {
	FILES_PATCH_CREATED,
	FILES_PATCH_UPDATED,
	FILES_PATCH_DELETED,
	FILES_PATCH_RENAMED,
	FILES_PATCH_COPIED,
	FILES_PATCH_OUTCOMES
};

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
