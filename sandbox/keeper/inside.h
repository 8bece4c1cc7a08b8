/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_KEEPER_INSIDE_H
#define SALLYPORT_SANDBOX_KEEPER_INSIDE_H

/* A connection from outside to a server on the sandbox's own loopback. */

#include "protocol/buffer.h"
#include "protocol/frame.h"

/* Serves a KEEPER_CONNECT (wire.h) to its end; the descriptors stay the caller's. */
void inside_serve(const struct frame_header *header, const struct buffer *payload,
		  const struct frame_descriptors *descriptors);

#endif
