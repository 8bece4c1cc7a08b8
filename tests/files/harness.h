/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_FILES_HARNESS_H
#define SALLYPORT_TESTS_FILES_HARNESS_H

/*
 * The files executor's real loop in a child process, without confinement, over real rings; and a client of
 * it. Everything here asserts (cmocka): a test that gets control back may go on.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <sys/types.h>

#include "protocol/buffer.h"
#include "protocol/frame.h"
#include "protocol/ring.h"
#include "sandbox/plan.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

#define HARNESS_CALLS 4096

struct answer {
	uint16_t type; /* RESULT, FAILURE or DENIED; 0: none yet */
	uint32_t value;
	unsigned finals;    /* how many final frames came */
	unsigned changes;   /* CHANGED of this number */
	unsigned receiving; /* RECEIVING of this number, */
	uint64_t received;  /* and what the last one said */
	unsigned parts;     /* and how many that end a part (FRAME_PART) */
	struct buffer text; /* of TEXT */
	struct buffer media;
	struct buffer payload; /* of the final frame, NUL-terminated */
};

struct harness {
	pid_t pid;
	struct ring_pair rings;
	int wake;            /* a pipe; closing it is the frontend's end */
	int awake;           /* eventfd */
	int socket;          /* where requests' descriptors go */
	char directory[64];  /* of all that the test makes; harness_stop removes it */
	char workspace[128]; /* directory/ws: the first workspace, writable */
	struct plan plan;    /* before harness_start: more workspaces, rules */
	bool search;         /* before harness_start: the search executor, not the files executor */
	bool threads; /* with search: it may have threads at any time, so what it holds is not counted */
	struct answer answers[HARNESS_CALLS];
	int descriptors;       /* of the executor at its start */
	void (*prepare)(void); /* in the child, before anything else; NULL: nothing */
};

/* Where directories of tests are made, if not in /tmp: for those that fsync would take all the time of. */
extern const char *harness_place;

/* A fresh directory with an empty workspace, and a plan that names it. */
struct harness *harness_new(void);
void harness_start(struct harness *harness);
/* Asserts that the executor has no more descriptors than at its start, and ends it, so that everything is
 * released and a leak is seen by the sanitizer. Removes everything. */
void harness_stop(struct harness *harness);
/* Sends what no frontend sends. */
void harness_lie(struct harness *harness);
/* The executor ends by itself, with this exit status; then harness_stop only removes. */
void harness_join(struct harness *harness, int code);

/* Kills it and forgets all about it: harness_start may be called again. */
void harness_kill(struct harness *harness);
/* Takes what is there, and waits for nothing. */
void harness_drain(struct harness *harness);

/* The answer of `call`, emptied for its next use. */
struct answer *harness_answer(struct harness *harness, uint32_t call);
/* Queues a request; takes replies meanwhile when the ring is full. Does not wake. */
void harness_send(struct harness *harness, uint16_t type, uint32_t call, const struct buffer *payload);
void harness_wake(struct harness *harness);
/* Takes what is there; waits for something if there is nothing. */
void harness_pump(struct harness *harness);
/* Until the answer of `call` is whole. */
struct answer *harness_wait(struct harness *harness, uint32_t call);

/* Requests, as the tools pack them. */
struct answer *harness_read(struct harness *harness, const char *path, int64_t offset, uint64_t limit,
			    uint64_t bytes, uint32_t flags);
struct answer *harness_write(struct harness *harness, const char *path, const void *content, size_t length,
			     uint32_t flags, const char *expected);
struct answer *harness_read_several(struct harness *harness, const char *const *paths, uint32_t count);
/* One edit of one place. */
struct answer *harness_edit(struct harness *harness, const char *path, const char *old, const char *new,
			    uint32_t flags);
void pack_edit(struct buffer *payload, const char *path, const char *old, const char *new, uint32_t flags);
struct answer *harness_patch(struct harness *harness, const char *patch, uint32_t flags);
struct answer *harness_list(struct harness *harness, const char *path, uint32_t depth, uint32_t flags,
			    uint64_t offset, uint64_t limit);
void pack_patch(struct buffer *payload, const char *patch, uint32_t flags);
struct answer *harness_find(struct harness *harness, const char *path, const char *pattern, uint32_t sort,
			    uint64_t offset, uint64_t limit, uint64_t milliseconds);
void pack_find(struct buffer *payload, const char *path, const char *pattern, uint32_t sort, uint64_t offset,
	       uint64_t limit, uint64_t milliseconds);
void pack_read(struct buffer *payload, const char *path, int64_t offset, uint64_t limit, uint64_t bytes,
	       uint32_t flags);
void pack_write(struct buffer *payload, const char *path, const void *content, size_t length, uint32_t flags,
		const char *expected);

/* RESULT of FILES_READ. */
struct read_facts {
	uint32_t flags;
	uint64_t size, first, lines;
	int64_t next;
	uint64_t end;
	char kind[64];
	bool hashed;
};
void decode_read(const struct answer *answer, struct read_facts *facts);

/* Files of a test: paths relative to harness->directory. */
void make_file(struct harness *harness, const char *path, const void *content, size_t length);
void make_text(struct harness *harness, const char *path, const char *text);
void make_directory(struct harness *harness, const char *path);
void make_link(struct harness *harness, const char *path, const char *target);
/* The content of a file, NUL-terminated, to be freed; NULL if there is none. */
char *take_file(struct harness *harness, const char *path, size_t *length);

/* The first text of a final frame: the message of a failure. Of a denial: field `index` (0 layer .. 5
 * allowed). */
const char *answer_text(const struct answer *answer, unsigned index);
void assert_failure(const struct answer *answer, const char *part);
void assert_denied(const struct answer *answer, const char *rule);

#endif
