/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_FRAME_H
#define SALLYPORT_PROTOCOL_FRAME_H

/*
 * Frames: what our own processes say to each other, over SOCK_SEQPACKET sockets (one frame a message,
 * descriptors by SCM_RIGHTS) and over rings in shared memory (ring.h). Never JSON. Integers are little-endian
 * on the wire. A receiver treats the other side as hostile: the header is checked before anything is
 * reserved, every field of a payload is read through struct frame_reader, which never reads past the end and
 * remembers that it failed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

struct frame_header {
	uint32_t length; /* bytes of payload that follow */
	uint16_t type;   /* which message; each channel's wire.h lists its own */
	uint16_t flags;  /* FRAME_* */
	uint32_t call;   /* which call or request it belongs to; chosen by the asking side */
	uint32_t value;  /* a small number whose meaning the type gives; otherwise 0 */
};

#define FRAME_HEADER_BYTES 16
#define FRAME_MORE         0x1 /* the payload goes on in the next frame of this call and type */
#define FRAME_PART         0x2 /* what ends so is one of several parts; more of this call follow */
#define FRAME_FLAGS        0x3 /* all that are known; others are refused */

/* Header to and from its 16 bytes. frame_decode returns -EPROTO if length is above `max` or a flag is
 * unknown. */
void frame_encode(const struct frame_header *header, uint8_t bytes[FRAME_HEADER_BYTES]);
int frame_decode(struct frame_header *header, const uint8_t bytes[FRAME_HEADER_BYTES], uint32_t max);

/* ---- payloads: fields one after the other, no names, no padding ---- */

int frame_put_u32(struct buffer *payload, uint32_t value);
int frame_put_u64(struct buffer *payload, uint64_t value);
int frame_put_bytes(struct buffer *payload, const void *bytes,
		    size_t length);                           /* u32 length, then the bytes */
int frame_put_text(struct buffer *payload, const char *text); /* as bytes; NULL becomes "" */

/* Writes a u32 over one that was put before, for lengths and counts that are known only later. */
void frame_set_u32(void *at, uint32_t value);

struct frame_reader {
	const uint8_t *at, *end;
	bool failed; /* sticky: a field was missing, too long or malformed; what was read since is zero */
};

void frame_read(struct frame_reader *reader, const void *payload, size_t length);
uint32_t frame_get_u32(struct frame_reader *reader);
uint64_t frame_get_u64(struct frame_reader *reader);
/* Borrowed from the payload; NULL with *length 0 when failed. */
const void *frame_get_bytes(struct frame_reader *reader, size_t *length);
/* Copies a text without NUL inside into `to` (NUL-terminated); longer than size - 1 or a NUL inside is a
 * failure. */
void frame_get_text(struct frame_reader *reader, char *to, size_t size);
/* A fresh NUL-terminated copy, at most `max` bytes, owned by the caller; NULL when failed or out of memory
 * (then also failed). */
char *frame_take_text(struct frame_reader *reader, size_t max);
/* 0 when every field was there and nothing is left over, else -EPROTO. */
int frame_done(const struct frame_reader *reader);

/* ---- sockets ---- */

/*
 * Sends one frame; header->length is taken from `length`. `flags` are of sendmsg (MSG_DONTWAIT); MSG_NOSIGNAL
 * is added. Returns 0 or -errno (-EAGAIN: would block; -EMSGSIZE: above LIMIT_MESSAGE_FRAME_BYTES; -EPIPE:
 * the other side is gone).
 */
int frame_send(int socket, struct frame_header *header, const void *payload, size_t length, const int *fds,
	       size_t fd_count, int flags);

/*
 * Sends one frame that is encoded already, header and payload one after the other, by send(): the filter of
 * who never passes descriptors on then need not allow sendmsg(). `flags` and result as of frame_send().
 */
int frame_send_encoded(int socket, const void *frame, size_t length, int flags);

/*
 * Refuses descriptors to whoever sends to `socket` (SO_PASSRIGHTS, Linux 6.16; older kernels go on as
 * before): one that was not asked for is closed by its receiver, and closing can wait (a TCP socket that
 * lingers).
 */
void frame_refuse_descriptors(int socket);

struct frame_descriptors {
	int fds[8]; /* LIMIT_FRAME_DESCRIPTORS, CLOEXEC, -1 where none */
	size_t count;
};

void frame_descriptors_init(struct frame_descriptors *descriptors);
void frame_descriptors_close(struct frame_descriptors *descriptors);
/* Gives descriptor `index` away (-1 if there is none). */
int frame_descriptors_take(struct frame_descriptors *descriptors, size_t index);

/*
 * Receives one frame into `payload`, which is cleared first and keeps its allocation. Returns 0, -EAGAIN,
 * -ENOTCONN when the other side is gone (end of file), -EPROTO for a malformed one (its descriptors are
 * closed), or another -errno. `descriptors` may be NULL: then any that came are closed and the frame is
 * refused with -EPROTO.
 */
int frame_receive(int socket, struct frame_header *header, struct buffer *payload,
		  struct frame_descriptors *descriptors, int flags);

#endif
