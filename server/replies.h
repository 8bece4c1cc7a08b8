/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_REPLIES_H
#define SALLYPORT_SERVER_REPLIES_H

/* What executors answer (tools/reply.h), turned into the results of calls. */

#include "server/channel.h"

/* channel.reply; `context` is the struct calls. */
int replies_take(void *context, struct channel *channel, const struct frame_header *header,
		 const uint8_t *payload);

#endif
