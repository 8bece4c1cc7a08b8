/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A broker that was taken over, under the true one's layers: it tells the frontend of refusals that there
 * never were, of every sandbox, as many as are taken, with words that are to confuse whoever shows them, and
 * then says something that is no frame. Its clients and sandboxes get nothing from it, and its own channel is
 * never read. What it could spoil for others of its standard descriptors it spoils.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include "protocol/buffer.h"
#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "sandbox/egress/wire.h"
#include "sandbox/executor.h"

enum { LIES = 20000, SANDBOXES = 8 };

static int lie(unsigned number)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = 8192};
	struct frame_header header = {.type = BROKER_DENIED, .call = number % SANDBOXES};
	char target[400];

	memset(target, 'x', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	memcpy(target, "\033[2J\nexit 0\r", 13);
	target[20] = (char)('a' + number % 26);
	for (unsigned i = 0; i < 6; i++)
		if (frame_put_text(&payload, i == 2 ? target : "\033]0;mine\007") < 0)
			return -1;
	return frame_send(EXECUTOR_CHANNEL + 1, &header, buffer_data(&payload), buffer_length(&payload), NULL,
			  0, 0);
}

int main(void)
{
	struct executor executor;
	struct err err;
	int epoll;

	if (executor_receive(EXECUTOR_BROKER, &executor, &err) < 0 || executor_enter(&executor, &err) < 0)
		return 1;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	for (unsigned i = 0; i < LIES; i++)
		if (lie(i) < 0)
			break;
	frame_send_encoded(EXECUTOR_CHANNEL + 1, "no frame", 8, 0);
	for (;;)
		epoll_wait(epoll, &(struct epoll_event){0}, 1, -1);
}
