/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SCAN_H
#define SALLYPORT_TOOLS_FILES_SCAN_H

/*
 * Looking at bytes: lines, characters, encodings, kinds. Pure functions, one pass each. The bytes may lie in
 * memory that the frontend can write (a ring), so nothing here keeps an index from one load to vouch for
 * another.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Number of newlines in `length` bytes; *high is set (never cleared) if a byte is above 0x7f. */
size_t scan_lines(const uint8_t *bytes, size_t length, bool *high);

/* Bytes up to and with newline number `wanted` (from 1); 0 if there are fewer. */
size_t scan_to_line(const uint8_t *bytes, size_t length, uint64_t wanted);

/* Bytes from the start of line number `wanted` counted from the end (1: what stands behind the last newline)
 * to the end, or SIZE_MAX if it begins before `bytes`; *found is the number of newlines seen. */
size_t scan_back_to_line(const uint8_t *bytes, size_t length, uint64_t wanted, uint64_t *found);

/* `length` without the beginning of a UTF-8 sequence that ends behind it; at least 1 for a length above 0. */
size_t scan_whole_characters(const uint8_t *bytes, size_t length);

/* The encoding of bytes above 0x7f that end with a whole character: NULL for UTF-8, else a guess. */
const char *scan_encoding(const uint8_t *bytes, size_t length);

enum scan_class { SCAN_TEXT, SCAN_MEDIA, SCAN_BINARY };

struct scan_kind {
	enum scan_class class;
	const char *name; /* media type, or what a binary is ("a ZIP archive"); NULL for text */
};

/* What a file is whose first bytes these are. */
struct scan_kind scan_kind(const uint8_t *bytes, size_t length);

#endif
