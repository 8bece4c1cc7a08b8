/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_CHANNEL_H
#define SALLYPORT_SERVER_CHANNEL_H

/*
 * The frontend's channel to one executor: files and search over rings in shared memory, and a socket for what
 * rings cannot carry; web over a socket. It
 * starts the executor on first use, queues requests until it runs and while it has no room, and hands replies
 * on one by one. Everything that comes back is hostile: a malformed frame, or a reply that the receiver
 * refuses, ends the executor, and `lost` tells why. The next request starts a new one. An executor that
 * nobody has used for `idle_ms` is ended too.
 */

#include <stdint.h>

#include "protocol/ring.h"
#include "server/supervisor.h"

struct channel_request;

struct channel {
	struct supervised supervised; /* first: callbacks come with it */
	struct supervisor *supervisor;
	struct loop *loop;
	const char *name; /* "files executor", for messages */
	bool ready;
	bool over;      /* its end was decided here; its death is awaited */
	unsigned epoch; /* executors that are over: what was asked of one in an earlier epoch is lost with it
			 */
	unsigned calls; /* that are asked of it, or still owe a last word; counted by who asks */
	uint64_t used;  /* when the last of them ended */
	uint32_t idle_ms;
	struct loop_timer idle;
	/* files */
	struct ring_pair rings;
	int wake;                 /* a pipe: wakes the executor */
	struct loop_source awake; /* eventfd: wakes us */
	/* files: descriptors, and end of file is the executor's death; web: the frames */
	struct loop_source socket;
	struct buffer payload;
	struct channel_request *first, **last; /* not yet sent whole */
	size_t queued;                         /* bytes of them */
	void *context;
	/* A reply; the payload is only valid during the call and, in a ring, may change under it. < 0 ends
	 * the executor. */
	int (*reply)(void *context, struct channel *channel, const struct frame_header *header,
		     const uint8_t *payload);
	/* The executor never came (`failure`); or it ended, and with it all that was asked of it in earlier
	 * epochs: nothing of it is alive unless not `gone` (supervisor.h). */
	void (*lost)(void *context, struct channel *channel, const struct supervisor_failure *failure,
		     bool gone);
};

void channel_init(struct channel *channel, struct supervisor *supervisor, enum spawner_kind kind,
		  const char *name);
void channel_deinit(struct channel *channel);

/* Queues a request; takes the payload's content. 0, -ENOMEM, -ENOBUFS when LIMIT_CHANNEL_QUEUE_BYTES already
 * wait, -EMSGSIZE. */
int channel_send(struct channel *channel, uint16_t type, uint32_t call, struct buffer *payload);
/* The same with a descriptor, which is taken in either case. */
int channel_send_descriptor(struct channel *channel, uint16_t type, uint32_t call, struct buffer *payload,
			    int fd);
/* The same with a value in its header; fd may be -1. */
int channel_send_value(struct channel *channel, uint16_t type, uint32_t call, uint32_t value,
		       struct buffer *payload, int fd);
/* Forgets a request of which nothing was sent yet. True if there was one: then no reply will come. */
bool channel_withdraw(struct channel *channel, uint16_t type, uint32_t call);

/* The executor lied or hangs: it is ended; `lost` is called when it is dead. Requests from here on go to the
 * next one. */
void channel_condemn(struct channel *channel);

/* Each turn, in this order: sends what is queued and wakes the executor; takes replies; says whether it may
 * sleep. */
void channel_push(struct channel *channel);
void channel_drain(struct channel *channel);
void channel_rest(struct channel *channel);

#endif
