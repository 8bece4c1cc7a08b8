/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's channel to the broker (egress/wire.h), who connects for commands without a network. */
#include <errno.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "sandbox/egress/wire.h"
#include "sandbox/notify/notify.h"

int notify_ask_reach(struct notify *notify, const char *address, uint16_t port, uint32_t *number)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = BROKER_REACH, .call = notify->asked + 1};
	int result = frame_put_text(&payload, address);

	if (!header.call) /* 0 means that nothing was asked */
		header.call = 1;
	if (result == 0)
		result = frame_put_u32(&payload, port);
	if (result == 0)
		result = frame_send(notify->broker, &header, buffer_data(&payload), buffer_length(&payload),
				    NULL, 0, MSG_DONTWAIT);
	if (result == 0)
		*number = notify->asked = header.call;
	return result;
}

int notify_ask_names(struct notify *notify, int line)
{
	struct frame_header header = {.type = BROKER_ASK};

	return frame_send(notify->broker, &header, NULL, 0, &line, 1, MSG_DONTWAIT);
}

/* An answer; takes `fd`. */
static void take_answer(struct notify *notify, uint32_t number, int error, int fd)
{
	for (size_t i = 0; i < notify->later_count; i++) {
		struct notify_call *call = &notify->later[i].call;

		if (!call->asked || call->asked != number || call->answered)
			continue;
		call->answered = true;
		call->error = error;
		call->kept = fd;
		return;
	}
	close_fd(&fd); /* its caller was killed */
}

/* Nothing that was asked will be answered: from the beginning. */
static void ask_again(struct notify *notify)
{
	for (size_t i = 0; i < notify->later_count; i++)
		if (!notify->later[i].call.answered)
			notify->later[i].call.asked = 0;
}

/* One frame. 0 or -errno. */
static int hear(struct notify *notify)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	_cleanup_(frame_descriptors_close) struct frame_descriptors descriptors;
	struct frame_header header;
	int result;

	frame_descriptors_init(&descriptors);
	result = frame_receive(notify->broker, &header, &payload, &descriptors, MSG_DONTWAIT);
	if (result < 0)
		return result;
	if (header.type == BROKER_BEGAN)
		ask_again(notify);
	else if (header.type == BROKER_REACHED)
		take_answer(notify, header.call, (int)header.value, frame_descriptors_take(&descriptors, 0));
	return 0;
}

void notify_hear_broker(struct notify *notify)
{
	int result;

	do {
		result = hear(notify);
	} while (result == 0);
	notify_retry(notify);
	if (result != -EAGAIN) /* it is not there any more, nor will another be */
		close_fd(&notify->broker);
}
