/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames over SOCK_SEQPACKET: one message a frame, descriptors beside it. Whoever is at the other end may
 * lie, so a message that was cut, whose length disagrees with its header, or that brings descriptors nobody
 * asked for is refused whole, and every descriptor it brought is closed.
 */
#include "protocol/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "protocol/limits.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16; the same on all architectures we build for */
#endif

_Static_assert(LIMIT_FRAME_DESCRIPTORS == 8, "struct frame_descriptors holds as many as the limit says");

int frame_send(int socket, struct frame_header *header, const void *payload, size_t length, const int *fds,
	       size_t fd_count, int flags)
{
	uint8_t head[FRAME_HEADER_BYTES];
	struct iovec parts[2] = {{head, sizeof head}, {(void *)payload, length}};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * LIMIT_FRAME_DESCRIPTORS)];
	} control;
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = length ? 2 : 1};
	ssize_t sent;

	if (length > LIMIT_MESSAGE_FRAME_BYTES || fd_count > LIMIT_FRAME_DESCRIPTORS)
		return -EMSGSIZE;
	header->length = (uint32_t)length;
	frame_encode(header, head);
	if (fd_count) {
		memset(&control, 0, sizeof control);
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * fd_count);
	}
	do
		sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int frame_send_encoded(int socket, const void *frame, size_t length, int flags)
{
	ssize_t sent;

	do
		sent = send(socket, frame, length, flags | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

void frame_refuse_descriptors(int socket)
{
	const int none = 0;

	(void)setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof none);
}

void frame_descriptors_init(struct frame_descriptors *descriptors)
{
	descriptors->count = 0;
	for (size_t i = 0; i < LIMIT_FRAME_DESCRIPTORS; i++)
		descriptors->fds[i] = -1;
}

void frame_descriptors_close(struct frame_descriptors *descriptors)
{
	for (size_t i = 0; i < LIMIT_FRAME_DESCRIPTORS; i++)
		if (descriptors->fds[i] >= 0)
			close(descriptors->fds[i]);
	frame_descriptors_init(descriptors);
}

int frame_descriptors_take(struct frame_descriptors *descriptors, size_t index)
{
	int fd = -1;

	if (index < LIMIT_FRAME_DESCRIPTORS) {
		fd = descriptors->fds[index];
		descriptors->fds[index] = -1;
	}
	return fd;
}

/* Collects what SCM_RIGHTS brought; the control buffer bounds it to LIMIT_FRAME_DESCRIPTORS. */
static void collect(struct msghdr *message, struct frame_descriptors *into)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
			if (into->count < LIMIT_FRAME_DESCRIPTORS)
				into->fds[into->count++] = fd;
			else
				close(fd);
		}
	}
}

int frame_receive(int socket, struct frame_header *header, struct buffer *payload,
		  struct frame_descriptors *descriptors, int flags)
{
	struct frame_descriptors arrived;
	uint8_t head[FRAME_HEADER_BYTES];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * LIMIT_FRAME_DESCRIPTORS)];
	} control;
	ssize_t got;
	int result;

	frame_descriptors_init(&arrived);
	if (descriptors)
		frame_descriptors_init(descriptors);
	/*
	 * The maximum is reserved once and kept: pages that no frame touches cost nothing, and asking for a
	 * message's size first (MSG_PEEK) would race where several processes receive from one socket.
	 */
	buffer_clear(payload, SIZE_MAX);
	result = buffer_reserve(payload, LIMIT_MESSAGE_FRAME_BYTES);
	if (result < 0)
		return result;

	struct iovec parts[2] = {{head, sizeof head}, {payload->bytes, LIMIT_MESSAGE_FRAME_BYTES}};
	struct msghdr message = {.msg_iov = parts,
				 .msg_iovlen = 2,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes};

	do
		got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	collect(&message, &arrived);
	if (got == 0 && !arrived.count)
		return -ENOTCONN;
	if (got < FRAME_HEADER_BYTES)
		result = -EPROTO;
	if (result == 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		result = -EPROTO;
	if (result == 0)
		result = frame_decode(header, head, LIMIT_MESSAGE_FRAME_BYTES);
	if (result == 0 &&
	    ((size_t)got - FRAME_HEADER_BYTES != header->length || (arrived.count && !descriptors)))
		result = -EPROTO;
	if (result < 0) {
		frame_descriptors_close(&arrived);
		return result;
	}
	payload->end = header->length;
	if (descriptors)
		*descriptors = arrived;
	return 0;
}
