/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-spawner: starts executors when the frontend asks, tells it when they are there and when they have
 * died, kills them, and ends with the frontend, taking all of them along. It trusts the frontend's numbers
 * only as far as its table reaches and a starting executor only until that says it is ready; nothing that a
 * model wrote arrives here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/spawner/setup.h"
#include "sandbox/spawner/spare.h"
#include "sandbox/spawner/spawner.h"

static void make_spare(struct spawner *spawner)
{
	struct frame_header header = {.type = SPAWNER_SPARED};
	_cleanup_fd_ int spare = spare_fork(spawner->plan_memfd, SPAWNER_SECRETS, NULL);

	/* without one the frontend asks again when it next needs to */
	if (spare >= 0)
		frame_send(spawner->socket, &header, NULL, 0, &spare, 1, 0);
}

/* Where the person said, else on a disk: /tmp is memory on many systems. */
static void make_file(struct spawner *spawner, uint32_t call)
{
	const char *const places[] = {spawner->plan.scratch, "/var/tmp", "/tmp"};
	struct frame_header header = {.type = SPAWNER_FILED, .call = call};
	_cleanup_fd_ int file = -1;

	errno = ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(places) && file < 0; i++)
		if (places[i])
			file = open(places[i], O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	header.value = file < 0 ? (uint32_t)errno : 0;
	frame_send(spawner->socket, &header, NULL, 0, &file, file >= 0, 0);
}

/* One frame from the frontend. False when it is gone. */
static bool serve_frontend(struct spawner *spawner, struct buffer *payload)
{
	struct frame_header header;
	struct frame_reader reader;
	int result = frame_receive(spawner->socket, &header, payload, NULL, MSG_DONTWAIT);

	if (result == -EAGAIN)
		return true;
	if (result < 0)
		return false;
	frame_read(&reader, buffer_data(payload), buffer_length(payload));
	switch (header.type) {
	case SPAWNER_START: {
		uint32_t caller = frame_get_u32(&reader);

		if (frame_done(&reader) < 0)
			return false;
		starts_add(spawner, header.call, header.value, caller);
		return true;
	}
	case SPAWNER_KILL:
		instance_kill(spawner, header.value);
		return true;
	case SPAWNER_SPARE:
		make_spare(spawner);
		return true;
	case SPAWNER_FILE:
		make_file(spawner, header.call);
		return true;
	case SPAWNER_PROBE:
		probe_start(spawner, header.call);
		return true;
	default:
		return false;
	}
}

static void loop(struct spawner *spawner)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct pollfd watched[2 + LIMIT_INSTANCES];

	for (;;) {
		size_t count;

		starts_run(spawner);
		ahead_run(spawner);
		count = spawner->count;
		watched[0] = (struct pollfd){.fd = spawner->socket, .events = POLLIN};
		watched[1] = (struct pollfd){.fd = spawner->signals, .events = POLLIN};
		for (size_t i = 0; i < count; i++) {
			const struct instance *instance = &spawner->instances[i];

			watched[2 + i] = (struct pollfd){
				.fd = instance->state == INSTANCE_STARTING ? instance->setup : -1,
				.events = POLLIN};
		}
		if (poll(watched, 2 + count, instances_expire(spawner)) < 0 && errno != EINTR)
			return;
		/* from the back, since serving may remove the one it serves */
		for (size_t i = count; i-- > 0;)
			if (watched[2 + i].revents)
				instance_serve(spawner, i);
		if (watched[1].revents)
			instances_reap(spawner);
		if (watched[0].revents && !serve_frontend(spawner, &payload))
			return;
	}
}

/* Whatever the frontend ignored or blocked for itself is at its default again. */
static int reset_signals(void)
{
	sigset_t children;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_SETMASK, &children, NULL);
	return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(void)
{
	struct spawner spawner = {.socket = SPAWNER_SOCKET,
				  .plan_memfd = SPAWNER_PLAN,
				  .confinement = CONFINEMENT_FULL,
				  .idmap = {.namespace = -1},
				  .next_id = 1,
				  .cgroups = CGROUPS_NONE};
	struct err err = {""};

	prctl(PR_SET_NAME, "sallyport-spawn");
	spawner.signals = reset_signals();
	if (spawner.signals < 0 || plan_read(&spawner.plan, SPAWNER_PLAN, &err) < 0) {
		fprintf(stderr, "sallyport-spawner: %s\n",
			err.text[0] ? err.text : "is started by sallyport only");
		return 1;
	}
	loop(&spawner);
	cgroups_outlive(&spawner.cgroups);
	instances_end(&spawner);
	cgroups_close(&spawner.cgroups);
	choice_deinit(&spawner.choice);
	starts_deinit(&spawner.starts);
	plan_deinit(&spawner.plan);
	free(spawner.instances);
	return 0;
}
