/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the executor's loop unconfined in a child, and speaks with it as the frontend does. */
#include "tests/files/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/journal.h"
#include "tools/files/executor/loop.h"
#include "tools/files/executor/watch.h"
#include "tools/files/search/searches.h"

const char *harness_place;

struct harness *harness_new(void)
{
	struct harness *harness = calloc(1, sizeof *harness);

	assert_non_null(harness);
	const char *base =
		getenv("SALLYPORT_FILES_DIRECTORY"); /* where fsync costs nothing, for many of them */

	snprintf(harness->directory, sizeof harness->directory, "%.30s/sallyport-files-XXXXXX",
		 harness_place ? harness_place
		 : base        ? base
			       : "/tmp");
	assert_non_null(mkdtemp(harness->directory));
	snprintf(harness->workspace, sizeof harness->workspace, "%s/ws", harness->directory);
	assert_int_equal(mkdir(harness->workspace, 0755), 0);
	plan_init(&harness->plan);
	assert_int_equal(plan_add_path(&harness->plan.workspaces, &harness->plan.workspace_count,
				       harness->workspace, true),
			 0);
	for (size_t i = 0; i < HARNESS_CALLS; i++) {
		buffer_init(&harness->answers[i].text, 64u << 20);
		buffer_init(&harness->answers[i].media, 64u << 20);
		buffer_init(&harness->answers[i].payload, 64u << 20);
	}
	return harness;
}

/* The child: what main() does, without the layers. */
static void serve(const struct harness *harness, int memfd, int wake, int awake, int socket)
{
	struct loop loop = {.files = {.operations = harness->search ? search_operations : files_operations,
				      .socket = socket}};
	struct searches searches;
	int *workspaces = calloc(harness->plan.workspace_count, sizeof *workspaces);

	for (size_t i = 0; i < harness->plan.workspace_count; i++)
		workspaces[i] = open(harness->plan.workspaces[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (reach_init(&loop.files.reach, &harness->plan, workspaces) < 0 ||
	    ring_map(&loop.files.rings, memfd, false, NULL) < 0 ||
	    (harness->search && searches_init(&searches, &loop.files, 2) < 0) ||
	    loop_init(&loop, wake, awake) < 0)
		_exit(3);
	if (!harness->search) {
		loop.files.watches = watches_new();
		journal_recover(&loop.files);
	}

	int result = loop_run(&loop);

	/* everything is released, so that a leak is seen by the sanitizer */
	if (harness->threads) /* they end with it, as in sallyport-search */
		_exit(result == 0 ? 0 : result == -EPROTO ? 4 : 5);
	loop_deinit(&loop);
	ring_unmap(&loop.files.rings);
	reach_deinit(&loop.files.reach);
	for (size_t i = 0; i < harness->plan.workspace_count; i++)
		if (workspaces[i] >= 0)
			close(workspaces[i]);
	free(workspaces);
	exit(result == 0 ? 0 : result == -EPROTO ? 4 : 5); /* not _exit: the sanitizer looks for leaks */
}

/* Descriptors of the executor. A refused call before has shown that all earlier ones are released. */
static int count_descriptors(struct harness *harness)
{
	struct dirent *entry;
	char path[64];
	int count = 0;

	if (harness->threads) /* they open and close files when they like */
		return 0;
	if (harness->search)
		assert_failure(harness_find(harness, ".", "[", FILES_BY_NAME, 0, 1, 0), "never closed");
	else
		assert_failure(harness_read(harness, "", 1, 1, 1, 0), "directory");
	snprintf(path, sizeof path, "/proc/%d/fd", (int)harness->pid);
	DIR *directory = opendir(path);

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		count++;
	closedir(directory);
	return count;
}

void harness_start(struct harness *harness)
{
	int memfd = ring_create(NULL), awake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), wake[2], sockets[2];

	assert_true(memfd >= 0 && awake >= 0);
	assert_int_equal(pipe2(wake, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	fflush(NULL);
	harness->pid = fork();
	assert_true(harness->pid >= 0);
	if (harness->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(wake[1]);
		if (harness->prepare)
			harness->prepare();
		close(sockets[0]);
		serve(harness, memfd, wake[0], awake, sockets[1]);
	}
	signal(SIGPIPE, SIG_IGN); /* harness_wake() */
	close(wake[0]);
	close(sockets[1]);
	harness->socket = sockets[0];
	assert_int_equal(ring_map(&harness->rings, memfd, true, NULL), 0);
	close(memfd);
	harness->wake = wake[1];
	harness->awake = awake;
	harness->descriptors = count_descriptors(harness);
}

static void remove_all(const char *directory)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("rm", "rm", "-rf", directory, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
}

void harness_lie(struct harness *harness)
{
	struct frame_header header = {.type = 4711, .call = 1};
	bool lied;

	while (!ring_reserve(&harness->rings.out, 0, &lied))
		harness_pump(harness);
	ring_commit(&harness->rings.out, &header);
	harness_wake(harness);
}

void harness_join(struct harness *harness, int code)
{
	int status = 0;

	assert_int_equal(waitpid(harness->pid, &status, 0), harness->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
	harness->pid = 0;
	ring_unmap(&harness->rings);
	close_fd(&harness->wake);
	close_fd(&harness->awake);
	close_fd(&harness->socket);
}

void harness_kill(struct harness *harness)
{
	kill(harness->pid, SIGKILL);
	assert_int_equal(waitpid(harness->pid, NULL, 0), harness->pid);
	harness->pid = 0;
	ring_unmap(&harness->rings);
	close_fd(&harness->wake);
	close_fd(&harness->awake);
	close_fd(&harness->socket);
}

void harness_stop(struct harness *harness)
{
	if (harness->pid > 0) {
		assert_int_equal(count_descriptors(harness), harness->descriptors);
		harness_lie(harness);
		harness_join(harness, 4);
	}
	for (size_t i = 0; i < HARNESS_CALLS; i++) {
		buffer_deinit(&harness->answers[i].text);
		buffer_deinit(&harness->answers[i].media);
		buffer_deinit(&harness->answers[i].payload);
	}
	remove_all(harness->directory);
	plan_deinit(&harness->plan);
	free(harness);
}

struct answer *harness_answer(struct harness *harness, uint32_t call)
{
	struct answer *answer = &harness->answers[call];

	buffer_clear(&answer->text, SIZE_MAX);
	buffer_clear(&answer->media, SIZE_MAX);
	buffer_clear(&answer->payload, SIZE_MAX);
	answer->type = 0;
	answer->finals = answer->parts = answer->changes = answer->receiving = 0;
	return answer;
}

static void take(struct harness *harness, const struct frame_header *header, const uint8_t *payload)
{
	struct answer *answer;

	assert_true(header->call < HARNESS_CALLS);
	answer = &harness->answers[header->call];
	if (header->type == REPLY_CHANGED) {
		assert_int_equal(answer->type, REPLY_WATCHED);
		answer->changes++;
		return;
	}
	if (header->type == REPLY_RECEIVING) {
		struct frame_reader reader;

		frame_read(&reader, payload, header->length);
		answer->received = frame_get_u64(&reader);
		assert_int_equal(frame_done(&reader), 0);
		answer->receiving++;
		return;
	}
	assert_int_equal(answer->finals, 0); /* nothing comes after the final frame */
	if (header->flags & FRAME_PART) {
		answer->parts++;
		return;
	}
	switch (header->type) {
	case REPLY_TEXT:
		assert_int_equal(buffer_append(&answer->text, payload, header->length), 0);
		break;
	case REPLY_MEDIA:
		assert_int_equal(buffer_append(&answer->media, payload, header->length), 0);
		break;
	case REPLY_WATCHED:
	case REPLY_RESULT:
	case REPLY_FAILURE:
	case REPLY_DENIED:
		assert_int_equal(buffer_append(&answer->payload, payload, header->length), 0);
		if (header->flags & FRAME_MORE)
			break;
		assert_int_equal(buffer_append(&answer->payload, "", 1), 0);
		answer->payload.end--;
		answer->type = header->type;
		answer->value = header->value;
		if (header->type == REPLY_WATCHED && header->value != WATCHED_WELL)
			answer->type = header->value == WATCHED_DENIED ? REPLY_DENIED : REPLY_FAILURE;
		answer->finals++;
		break;
	default:
		fail_msg("frame type %u", header->type);
	}
}

/* Takes all that is there; the number of frames. */
static unsigned drain(struct harness *harness)
{
	struct frame_header header;
	const uint8_t *payload;
	unsigned count = 0;
	int result;

	while ((result = ring_peek(&harness->rings.in, &header, &payload)) > 0) {
		take(harness, &header, payload);
		ring_release(&harness->rings.in, &header);
		count++;
	}
	assert_int_equal(result, 0);
	if (count && ring_should_feed(&harness->rings.in))
		harness_wake(harness);
	return count;
}

void harness_drain(struct harness *harness)
{
	drain(harness);
}

void harness_wake(struct harness *harness)
{
	/* it may have ended over the first thing it read, before it could be woken */
	assert_true(write(harness->wake, "", 1) == 1 || errno == EPIPE);
}

void harness_pump(struct harness *harness)
{
	struct pollfd watched[2] = {{harness->awake, POLLIN, 0},
				    {harness->wake, 0, 0} /* its other end is the executor's */};
	uint64_t count;

	if (ring_should_wake(&harness->rings.out))
		harness_wake(harness);
	if (drain(harness))
		return;
	if (!ring_prepare_sleep(&harness->rings.in))
		return;
	/* a minute is for ever: the test fails instead of hanging */
	assert_true(poll(watched, 2, 60000) > 0);
	ring_awake(&harness->rings.in);
	assert_int_equal(watched[1].revents, 0); /* the executor lives */
	if (read(harness->awake, &count, sizeof count) < 0)
		assert_int_equal(errno, EAGAIN);
}

void harness_send(struct harness *harness, uint16_t type, uint32_t call, const struct buffer *payload)
{
	size_t sent = 0, whole = buffer_length(payload);

	do {
		size_t length = whole - sent < LIMIT_FRAME_BYTES ? whole - sent : LIMIT_FRAME_BYTES;
		struct frame_header header = {.length = (uint32_t)length,
					      .type = type,
					      .flags = sent + length < whole ? FRAME_MORE : 0,
					      .call = call};
		bool lied;
		void *at;

		while (!(at = ring_reserve(&harness->rings.out, (uint32_t)length, &lied))) {
			assert_false(lied);
			if (ring_starve(&harness->rings.out, (uint32_t)length))
				harness_pump(harness);
		}
		if (length)
			memcpy(at, buffer_data(payload) + sent, length);
		ring_commit(&harness->rings.out, &header);
		sent += length;
	} while (sent < whole);
}

struct answer *harness_wait(struct harness *harness, uint32_t call)
{
	while (!harness->answers[call].finals)
		harness_pump(harness);
	return &harness->answers[call];
}
