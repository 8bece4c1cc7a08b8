/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_DOWNLOAD_PARTS_H
#define SALLYPORT_SERVER_DOWNLOAD_PARTS_H

/* What the files download*.c share (downloads.h is for everybody else). */

#include "protocol/buffer.h"
#include "server/caller.h"
#include "server/calls.h"
#include "server/downloads.h"
#include "tools/web/download_file.h"

/*
 *   JUDGED    the files executor looks whether the path may be written; nothing is fetched yet
 *   FETCHING  the web executor fills the pipe, the files executor empties it
 *   STORING   all is in the pipe: the files executor checks it and gives it its name
 *   ENDING    it failed or is not wanted, and the files executor clears away
 *   ENDED     how, is kept for who asks
 */
enum download_phase {
	DOWNLOAD_JUDGED,
	DOWNLOAD_FETCHING,
	DOWNLOAD_STORING,
	DOWNLOAD_ENDING,
	DOWNLOAD_ENDED,
};

enum leg_state { LEG_OVER, LEG_ASKED, LEG_CANCELLED };

/* What one of the two executors does for it. */
struct download_leg {
	struct download *download;
	struct channel *channel;
	uint32_t number;
	uint16_t operation;
	unsigned epoch; /* of the channel's executor that was asked */
	enum leg_state state;
	struct loop_timer last_word; /* it was cancelled, and owes one */
};

struct download {
	struct calls *calls;
	struct download *next;
	struct caller *caller;  /* NULL: who began it is gone */
	struct buffer question; /* both requests, one after the other: what makes two calls the same */
	size_t receive_bytes;   /* of it, that are the files executor's */
	char *url, *path;       /* as they were asked for */
	struct call *listeners; /* linked by next_listener */
	enum download_phase phase;
	bool stored;   /* FILES_RECEIVED was sent */
	bool unwanted; /* it was cancelled, or was told: nobody will ask for it */
	int outlet;    /* the pipe's end for writing, until the web executor has it; -1 */
	struct download_leg files, web;
	uint64_t bytes, total;     /* so far; of all, 0: not known */
	uint64_t begun, moved;     /* when fetching began; when the last byte came */
	struct loop_timer stalled; /* looks whether any have come; of one that has ended: forgets it */
	/* How it ended: a type of tools/reply.h; 0: it has not. */
	uint16_t verdict;
	bool of_web;         /* the web executor said so */
	struct buffer words; /* FAILURE: the text. DENIED: the payload */
	struct download_fetched fetched;
	struct download_received received;
};

/* ---- download_begin.c: what is asked ---- */

/* The path may be written: the web executor is asked. */
void download_fetch(struct download *download);
/* All is in the pipe, says the web executor: the files executor hears so. */
void download_store(struct download *download);

/* ---- download.c: its life ---- */

void download_init(struct download *download, struct calls *calls);
/* 0 or -errno; takes payload and descriptor. */
int download_leg_ask(struct download_leg *leg, uint16_t operation, struct buffer *payload, int fd);
/* That executor has said its last word, or will say none. */
void download_leg_end(struct download_leg *leg);
/* It has failed; the first who says so says why. May free it. */
void download_conclude(struct download *download, uint16_t verdict, bool of_web, const void *words,
		       size_t length);
/* The same in words of our own. */
void download_fail(struct download *download, const char *words);
/* At once: whoever listens must have been answered. */
void download_free(struct download *download);
/* If all that it waited for has come, it has ended and is told, or kept. May free it. */
void download_settle(struct download *download);

/* ---- download_tell.c: what calls are told ---- */

/* `call` listens from now on. */
void download_listen(struct download *download, struct call *call);
/* It does not any more. */
void download_forget_listener(struct download *download, struct call *call);
/* Answers one call by how it ended; the call is released. */
void download_answer(struct download *download, struct call *call);
/* All who listen. */
void download_answer_all(struct download *download);
/* The same of one for which an executor could not be had. */
void download_refuse_all(struct download *download, const char *name,
			 const struct supervisor_failure *failure);
/* Who wants to hear of it hears how far it is. */
void download_tell_progress(struct download *download);

#endif
