/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the files executor from a hostile frontend: any frames in any order, over real rings, against a
 * small workspace. Each frame of the input: type, flags, call, length (two bytes, little-endian), payload. No
 * call is answered more often than it was asked, and whatever ends the executor is -EPROTO.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/watch.h"
#include "tools/reply.h"

#define FRAME_BYTES 5

static struct plan plan;
static struct files files;
static struct ring_pair frontend;
static int workspace = -1;

static void make(const char *name, const void *content, size_t length)
{
	_cleanup_fd_ int fd = openat(workspace, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	FUZZ_CHECK(fd >= 0 && write(fd, content, length) == (ssize_t)length);
}

static char directory[] = "/tmp/sallyport-fuzz-XXXXXX";

static void tear_down(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", directory, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static void set_up(void)
{
	int memfd = ring_create(NULL);

	FUZZ_CHECK(memfd >= 0 && mkdtemp(directory));
	atexit(tear_down);
	FUZZ_CHECK(ring_map(&frontend, memfd, true, NULL) == 0);
	FUZZ_CHECK(ring_map(&files.rings, memfd, false, NULL) == 0);
	close(memfd);
	workspace = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	plan_init(&plan);
	plan_add_path(&plan.workspaces, &plan.workspace_count, directory, true);
	plan_add_text(&plan.protect, &plan.protect_count, ".git/hooks");
	FUZZ_CHECK(reach_init(&files.reach, &plan, &workspace) == 0);
	files.operations = files_operations;
	files.scratch = malloc(LIMIT_FRAME_BYTES);
	files.hashes = calloc(1, sizeof *files.hashes);
	FUZZ_CHECK(files.scratch && files.hashes);
	FUZZ_CHECK(sync_init(&files.sync) == 0);
	files.sync.refused = true; /* in the background nothing would be the same twice */
	make("a", "one\ntwo\nthree\n", 14);
	make("b", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
	FUZZ_CHECK(mkdirat(workspace, "d", 0755) == 0 && symlinkat("/etc", workspace, "out") == 0);
}

static unsigned drain(void)
{
	struct frame_header header;
	const uint8_t *payload;
	unsigned finals = 0;
	int result;

	ring_publish(&files.rings.out); /* the turn's end, as in loop.c */
	while ((result = ring_peek(&frontend.in, &header, &payload)) > 0) {
		FUZZ_CHECK(header.type >= REPLY_TEXT && header.type <= REPLY_CHANGED);
		finals += header.type != REPLY_CHANGED && header.type != REPLY_TEXT &&
			  header.type != REPLY_MEDIA && !(header.flags & (FRAME_MORE | FRAME_PART));
		ring_release(&frontend.in, &header);
	}
	FUZZ_CHECK(result == 0);
	return finals;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned asked = 0, answered = 0;
	struct jobs jobs;
	int result = 0;

	if (workspace < 0)
		set_up();
	jobs_init(&jobs);
	files.watches = watches_new();
	FUZZ_CHECK(files.watches);
	while (size >= FRAME_BYTES && result >= 0) {
		struct frame_header header = {
			.type = data[0], .flags = data[1] & FRAME_FLAGS, .call = data[2]};
		uint8_t *payload;

		header.length = data[3] | (uint32_t)data[4] << 8;
		if (header.length > size - FRAME_BYTES)
			header.length = (uint32_t)(size - FRAME_BYTES);
		/* memory of its own, so that reading past its end is seen */
		payload = malloc(header.length + 1);
		FUZZ_CHECK(payload && jobs_ready(&jobs));
		memcpy(payload, data + FRAME_BYTES, header.length);
		data += FRAME_BYTES + header.length;
		size -= FRAME_BYTES + header.length;
		asked++;
		result = jobs_take(&jobs, &files, &header, payload);
		free(payload);
		for (int i = 0; i < 8 && result >= 0; i++) {
			answered += drain();
			result = jobs_step(&jobs, &files);
			watches_step(&files);
		}
		FUZZ_CHECK(result >= 0 || result == -EPROTO);
	}
	answered += drain();
	FUZZ_CHECK(answered <= asked && !files.lied);
	jobs_deinit(&jobs, &files);
	watches_free(files.watches);
	return 0;
}
