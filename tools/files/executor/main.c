/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-files: the only process that opens files of a workspace for the tools. Started by the spawner in
 * namespaces of its own; sealed before it looks at its first request.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "sandbox/executor.h"
#include "tools/files/executor/excludes.h"
#include "tools/files/executor/journal.h"
#include "tools/files/executor/loop.h"
#include "tools/files/executor/watch.h"

/* the end of the last tells the frontend of ours; descriptors come there */
enum { RINGS = EXECUTOR_CHANNEL, WAKE, FRONTEND, SOCKET };

int main(void)
{
	struct executor executor;
	struct loop loop = {.files = {.operations = files_operations, .socket = SOCKET}};
	struct ignore *everywhere;
	struct err err;

	/* a file that would grow too large is an answer (EFBIG), not the end */
	signal(SIGXFSZ, SIG_IGN);
	umask(022);
	if (executor_receive(EXECUTOR_FILES, &executor, &err) < 0 ||
	    excludes_read(&executor, &everywhere) < 0 || executor_enter(&executor, &err) < 0)
		return 1;
	if (reach_init(&loop.files.reach, &executor.plan, executor.workspaces) < 0 ||
	    ring_map(&loop.files.rings, RINGS, false, &err) < 0 || loop_init(&loop, WAKE, FRONTEND) < 0)
		return 1;
	loop.files.reach.everywhere = everywhere;
	loop.files.watches = watches_new();
	if (!loop.files.watches)
		return 1;
	journal_recover(&loop.files);
	return loop_run(&loop) < 0;
}
