/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_JOB_H
#define SALLYPORT_TOOLS_FILES_JOB_H

/*
 * Jobs: what the executor is asked to do. A job starts with its whole request and then runs in steps, each
 * short (LIMIT_FILES_SLICE_BYTES of work), so that a large one never delays a small one. Most end in their
 * first step. A job that does not is parked on the heap; it must be movable, so it holds no pointer into
 * itself.
 *
 * Room: a step is run only when the ring has room for LIMIT_FILES_REPLY_BYTES, and whatever a step sends
 * before its final reply leaves that much; so a final reply of that size always fits.
 */

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/ring.h"
#include "tools/files/executor/hashes.h"
#include "tools/files/executor/refusal.h"
#include "tools/files/executor/reach.h"
#include "tools/files/executor/stage.h"
#include "tools/files/executor/sync.h"
#include "tools/files/executor/turns.h"

enum job_state {
	JOB_DONE,  /* its final reply is sent (or the ring lied) */
	JOB_AGAIN, /* it has more to do */
	JOB_WAIT,  /* the kernel wakes the loop when it can go on */
	JOB_ROOM,  /* it needs room for job->wanted bytes in the ring */
};

struct files;
struct find;
struct job;
struct operation;
struct info;
struct list_tree;
struct receive;
struct removal;
struct several;
struct transfer;
struct patch_work;
struct verdict;
struct watches;

/* What goes on beside the loop, in threads of the program's own. */
struct background {
	int done; /* eventfd, non-blocking: readable when a job may go on */
	/* Milliseconds until some job must be looked at without that; -1: no time. */
	int (*timeout)(struct files *files);
};

/* What every job may use. */
struct files {
	const struct operation *const *operations; /* of this program; ends with NULL */
	const struct background *background;       /* NULL: none */
	void *context;                             /* of the program's operations */
	struct find *unfinished; /* a find_files that its time was not enough for (find.h), or NULL */
	struct reach reach;
	struct ring_pair rings;
	struct hashes *hashes;
	struct sync sync;
	struct turns turns;
	struct watches *watches;       /* watch.h; NULL in a program that watches nothing */
	size_t edited;                 /* bytes held by edits */
	uint8_t *scratch;              /* LIMIT_FRAME_BYTES, for the duration of a step */
	int socket;                    /* where descriptors come that requests bring (operation.descriptor) */
	int inlets[LIMIT_FILES_BEGUN]; /* what jobs wait for, beside the disk: to become readable; each step
					* anew */
	size_t inlet_count;
	int64_t due; /* milliseconds: when a job has something to say all the same; 0: none, each step anew */
	bool lied;   /* the frontend's end of a ring makes no sense: the executor ends */
};

struct operation {
	uint16_t type;
	size_t request_bytes; /* most that a request may have */
	/* Decodes and begins. `payload` is private memory that is gone afterwards, except that of a long
	 * request (job->request), which stays with the job. 0, or -EPROTO when it is malformed (ends the
	 * executor), or another -errno with the refusal set; then `end` is not called. */
	int (*start)(struct files *files, struct job *job, const void *payload, size_t length,
		     struct refusal *refusal);
	enum job_state (*step)(struct files *files, struct job *job);
	void (*end)(struct files *files, struct job *job); /* releases what start took */
	bool descriptor;                                   /* its request brings one: job->descriptor */
	/* FILES_RECEIVED. 0 or -EPROTO. NULL: nobody says that about it. */
	int (*received)(struct job *job, const void *payload, size_t length);
};

/* The operations of sallyport-files (operations.c). */
extern const struct operation *const files_operations[];
extern const struct operation read_operation, write_operation, list_operation, explain_operation,
	make_operation, move_operation, copy_operation, delete_operation, info_operation, several_operation,
	edit_operation, patch_operation, complete_operation, receive_operation;

enum read_phase {
	READ_HEAD,     /* what kind of file is it? (only when the text does not begin at its first byte) */
	READ_FORWARD,  /* looks for the first line wanted */
	READ_BACKWARD, /* the same from the end */
	READ_COUNT,    /* counts the lines before the first one wanted, for their numbers */
	READ_WINDOW,   /* shows text */
	READ_LOOK,     /* does the line at `position`, longer than a piece, fit what may still be shown? */
	READ_REST,     /* is there a line behind the one that was cut? */
	READ_MEDIA,    /* sends an image or audio */
	READ_RESULT,   /* the facts */
};

struct read_job {
	enum read_phase phase;
	uint64_t media_budget; /* bytes that an image or audio may have */
	int fd;
	bool numbers, checked;
	bool hashing;            /* `hash` takes what is shown */
	bool known;              /* files->hashes has it already */
	struct stat status;      /* when it was opened */
	bool allowed;            /* the line at `position` may be shown in part */
	bool inside;             /* ... and part of it was */
	bool more;               /* something of the file stands behind what was shown */
	uint32_t flags;          /* FILES_READ_* of the result */
	int64_t offset;          /* as asked */
	uint64_t limit, budget;  /* lines and bytes that may still be shown */
	uint64_t size, position; /* of the file; of the next byte to show */
	uint64_t scan, seen;     /* where a scan stands, newlines it has seen */
	uint64_t first, lines;   /* number of the first line shown (0: not known), lines shown */
	const char *kind;        /* media type, guess of the encoding, or NULL */
	struct sha256_ctx hash;
};

enum write_phase {
	WRITE_TURN,   /* waits for who writes the same path; then looks what is there */
	WRITE_OLD,    /* reads the file that is there: its hash was expected, or something is appended */
	WRITE_DATA,   /* the content */
	WRITE_COMMIT, /* onto the disk, under its name (stage_commit) */
	WRITE_RESULT, /* tells */
};

struct write_job {
	enum write_phase phase;
	struct stage stage;
	uint32_t flags; /* FILES_* of the request */
	bool expected;
	uint8_t expected_sha256[SHA256_DIGEST_SIZE];
	uint64_t position;      /* in the old file, then in the content */
	const uint8_t *content; /* in job->request */
	size_t content_length;
	struct sha256_ctx old_hash;
};

struct list_job {
	struct list_tree *tree; /* list.c */
	bool composed;
	struct buffer result; /* once composed */
};

struct explain_job {
	struct verdict *verdict; /* explain.c */
};

/* Those that keep their state on the heap, each in its own file. */
struct transfer_job {
	struct transfer *transfer; /* transfer.h */
};

struct delete_job {
	struct removal *removal;
	char *path; /* as typed */
	int directory;
};

struct make_job {
	char *path; /* as typed */
	bool made;
};

struct info_job {
	struct info *info; /* info.c */
};

struct receive_job {
	struct receive *receive; /* receive.c */
};

struct several_job {
	struct several *several; /* several.c */
};

struct edit_job {
	struct edit *edit; /* edit.h */
};

struct patch_job {
	struct patch_work *work; /* patch.c */
};

enum job_stage {
	JOB_COLLECTING, /* pieces of its request are still to come */
	JOB_WHOLE,      /* its request is in job->request */
	JOB_BEGUN,
};

struct job {
	struct job *next;
	uint32_t call, wanted;
	enum job_stage stage;
	bool refused;   /* answered already: what else comes of its request is skipped */
	bool cancelled; /* to be answered so */
	bool done;      /* its effect is there: too late to be cancelled */
	bool part;      /* its final reply is one of several (FRAME_PART) */
	int descriptor; /* that came with the request, until start() takes it; -1 */
	const struct operation *operation;
	struct buffer request; /* while collecting, and what start() has taken of it */
	union {
		struct read_job read;
		struct write_job write;
		struct list_job list;
		struct explain_job explain;
		void *other; /* of operations that say nothing of themselves here */
		struct transfer_job transfer;
		struct delete_job delete;
		struct make_job make;
		struct info_job info;
		struct several_job several;
		struct edit_job edit;
		struct patch_job patch;
		struct receive_job receive;
	};
};

/* ---- the queue of jobs (job.c) ---- */

struct jobs {
	struct job *first, **last; /* parked: begun and unfinished, or still being collected; oldest first */
	struct job *spare;         /* for the next request */
	size_t count;              /* parked */
	size_t collected;          /* bytes of requests that are still coming in */
	uint32_t starving;         /* the least room that a parked job waits for; 0: none waits */
};

void jobs_init(struct jobs *jobs);
void jobs_deinit(struct jobs *jobs, struct files *files);
/* False: no memory, or too many: no request can be taken until a job has ended. */
bool jobs_ready(struct jobs *jobs);
/* A frame from the frontend, in private memory; there is room for a final reply, and jobs_ready(). 0 or
 * -EPROTO. */
int jobs_take(struct jobs *jobs, struct files *files, const struct frame_header *header, const void *payload);
/* One step of each parked job, as far as there is room. Returns whether one has more to do now, or -EPROTO.
 */
int jobs_step(struct jobs *jobs, struct files *files);

/* Is there room for a final reply? */
bool reply_fits(const struct files *files);

/* ---- replies (reply.c): into the ring. A ring that lies sets files->lied ---- */

/* Final replies; they fit by the rule above. Return JOB_DONE. A refusal is held back until the turn's end:
 * who is told that nothing was done finds nothing of it any more, no temporary file and no journal. */
enum job_state reply_refusal(struct files *files, const struct job *job, const struct refusal *refusal);
/* RECEIVING, if there is room for it; else job->wanted is set. */
bool reply_receiving(struct files *files, struct job *job, uint64_t bytes);
/* Room for a small RESULT, as a buffer over the ring's memory; then reply_result_end. False: files->lied. */
bool reply_result(struct files *files, struct buffer *payload);
/* The last field of a small RESULT: as much of the path as still fits. */
void reply_put_path(struct buffer *payload, const char *path);
/* The same for two: what is too long for both is missing of the first. */
void reply_put_pair(struct buffer *payload, const char *source, const char *destination);
enum job_state reply_result_end(struct files *files, const struct job *job, const struct buffer *payload);
/* A long RESULT in pieces, from `whole`, whose front is consumed. */
enum job_state reply_long(struct files *files, struct job *job, struct buffer *whole);

/*
 * Room for bulk: at least `least`, at most `most` bytes, leaving room for the final reply. Returns where to
 * put them with *length, or NULL: then the step returns JOB_ROOM (job->wanted is set).
 */
uint8_t *reply_room(struct files *files, struct job *job, size_t least, size_t most, size_t *length);
void reply_send(struct files *files, const struct job *job, uint16_t type, uint16_t flags, size_t length);

#endif
