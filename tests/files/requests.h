/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_FILES_REQUESTS_H
#define SALLYPORT_TESTS_FILES_REQUESTS_H

/* Requests of the tools that move, copy, remove, look and search, as these pack them, and what a test of them
 * looks at. */

#include "tests/files/harness.h"

/* harness->directory/below, in one of four buffers. */
const char *inside(const struct harness *harness, const char *below);
void add_workspace(struct harness *harness, const char *below, bool write);
void protect(struct harness *harness, const char *path);
void hide(struct harness *harness, const char *below);

struct answer *request_transfer(struct harness *harness, uint16_t type, const char *source,
				const char *destination, uint32_t flags);
struct answer *request_delete(struct harness *harness, const char *path, uint32_t flags);
struct answer *request_make(struct harness *harness, const char *path);
struct answer *request_info(struct harness *harness, const char *path, uint32_t flags);
/* Content, the first results of many. */
struct answer *request_search(struct harness *harness, const char *path, const char *pattern);
void pack_search(struct buffer *payload, const char *path, const char *pattern, uint64_t limit,
		 uint64_t offset, uint32_t within_ms);

/* RESULT of a move or copy: entries copied. */
uint64_t assert_transferred(const struct answer *answer, uint32_t outcome, uint32_t flags);
/* RESULT of a removal. */
void assert_deleted(const struct answer *answer, uint64_t count, uint64_t bytes);
void assert_made(const struct answer *answer, bool made);

/* Content of harness->directory/path; NULL: it is not there. */
void assert_content(struct harness *harness, const char *path, const char *expected);
/* Entries of a directory: temporary names left behind would be more than expected. */
int entries(struct harness *harness, const char *path);

#endif
