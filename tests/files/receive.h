/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_FILES_RECEIVE_H
#define SALLYPORT_TESTS_FILES_RECEIVE_H

/* Requests of download_file to the files executor, and the pipes that go with them. */

#include "tests/files/harness.h"

void pack_receive(struct buffer *payload, const char *path, uint32_t flags, const char *expected,
		  uint64_t most);
/* Passes the end of a pipe on that holds `length` bytes and is closed. */
void receive_pass(const struct harness *harness, uint32_t call, const void *content, size_t length);
/* FILES_RECEIVE without a limit but `most`; returns the end for writing. Does not wait. */
int receive_begin(struct harness *harness, uint32_t call, const char *path, uint32_t flags,
		  const char *expected, uint64_t most);
/* Until it may go on, or is answered. Whether it may. */
bool receive_ready(struct harness *harness, uint32_t call);
/* Fills the pipe, takes replies meanwhile. */
void receive_fill(struct harness *harness, int pipe, const void *content, size_t length);
/* FILES_RECEIVED. */
void receive_end(struct harness *harness, uint32_t call, uint64_t bytes);
void receive_cancel(struct harness *harness, uint32_t call);
/* All of it, as call 0. */
struct answer *harness_receive(struct harness *harness, const char *path, const void *content, size_t length,
			       uint32_t flags, const char *expected);

#endif
