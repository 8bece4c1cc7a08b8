/* SPDX-License-Identifier: Apache-2.0 */
/* The opener (opener.h). It trusts its socket as far as one frame type. */
#include "server/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "sandbox/filter/filter.h"
#include "sandbox/spawner/setup.h"

#define OPENER_SOCKET 3

/* ---- the process ---- */

static int answer(const char *const paths[SECRETS_FILES])
{
	struct frame_header header = {.type = OPENER_FILES};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	int files[SECRETS_FILES], passed[SECRETS_FILES], result = 0;
	size_t count = 0;

	secrets_open(paths, files);
	for (size_t i = 0; i < SECRETS_FILES && result == 0; i++) {
		result = frame_put_u32(&payload, files[i] < 0 ? (uint32_t)-files[i] : 0);
		if (files[i] >= 0)
			passed[count++] = files[i];
	}
	if (result == 0)
		result = frame_send(OPENER_SOCKET, &header, buffer_data(&payload), buffer_length(&payload),
				    passed, count, 0);
	for (size_t i = 0; i < count; i++)
		close(passed[i]);
	return result;
}

/* Of root's power only that over reading; an ordinary user's has none to give up. */
static int give_up(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, sets) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		uint32_t kept = i == 0 ? 1u << CAP_DAC_READ_SEARCH : 0;

		sets[i].permitted &= kept;
		sets[i].effective &= kept;
		sets[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, sets) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return filter_apply(FILTER_OPENER);
}

static _Noreturn void serve(const char *const paths[SECRETS_FILES], int socket)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), result = 0;
	const int from[] = {null, null, STDERR_FILENO, socket};

	/* a terminal's ^C is for the frontend */
	setsid();
	prctl(PR_SET_NAME, "sallyport-open");
	if (null < 0 || descriptors_place(from, ARRAY_SIZE(from)) < 0 || give_up() < 0)
		_exit(1);
	while (result == 0) {
		struct frame_header header;

		result = frame_receive(OPENER_SOCKET, &header, &payload, NULL, 0);
		if (result == 0)
			result = header.type == OPENER_GO ? answer(paths) : -EPROTO;
	}
	_exit(result == -ENOTCONN ? 0 : 1);
}

int opener_start(const char *const paths[SECRETS_FILES], struct err *err)
{
	pid_t frontend = getpid(), pid;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_set(err, -errno, "opener: socketpair: %s", err_name(errno));
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != frontend)
			_exit(1);
		/* it needs none, and policy may name variables with secrets */
		for (char **variable = environ; *variable; variable++)
			explicit_bzero(*variable, strlen(*variable));
		serve(paths, sockets[1]);
	}
	close(sockets[1]);
	if (pid < 0) {
		err_set(err, -errno, "opener: fork: %s", err_name(errno));
		close(sockets[0]);
		return -EAGAIN;
	}
	fcntl(sockets[0], F_SETFL, O_NONBLOCK);
	return sockets[0];
}

/* ---- the frontend ---- */

int opener_ask(int socket)
{
	struct frame_header header = {.type = OPENER_GO};

	return frame_send(socket, &header, NULL, 0, NULL, 0, MSG_DONTWAIT);
}

int opener_take(int socket, int files[SECRETS_FILES])
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_descriptors descriptors;
	struct frame_header header;
	struct frame_reader reader;
	size_t passed = 0;
	int result;

	frame_descriptors_init(&descriptors);
	result = frame_receive(socket, &header, &payload, &descriptors, MSG_DONTWAIT);
	if (result < 0)
		return result;
	frame_read(&reader, buffer_data(&payload), buffer_length(&payload));
	for (size_t i = 0; i < SECRETS_FILES; i++) {
		uint32_t error = frame_get_u32(&reader);

		files[i] = error ? -(int)(error & 0xfff) : frame_descriptors_take(&descriptors, passed++);
	}
	if (header.type != OPENER_FILES || frame_done(&reader) < 0)
		result = -EPROTO;
	for (size_t i = 0; i < SECRETS_FILES && result < 0; i++)
		close_fd(&files[i]);
	frame_descriptors_close(&descriptors);
	return result;
}
