/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-search: walks workspaces and looks into files, and cannot change anything: not a file, not a
 * name. So neither a runaway search nor a fault in the regular expression engine reaches what can be
 * written, and file tools never wait for either. Sealed before it looks at its first request; its threads
 * start later and are under the same layers.
 */
#include <malloc.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/executor.h"
#include "tools/files/executor/excludes.h"
#include "tools/files/executor/loop.h"
#include "tools/files/search/searches.h"

/* and one more, only held: its end tells the frontend of ours */
enum { RINGS = EXECUTOR_CHANNEL, WAKE, FRONTEND };

int main(void)
{
	struct executor executor;
	struct searches searches;
	struct loop loop = {.files.operations = search_operations};
	struct ignore *everywhere;
	struct err err;
	long processors;

	/* one heap for all threads: another would keep megabytes that nobody uses */
	mallopt(M_ARENA_MAX, 1);
	processors = sysconf(_SC_NPROCESSORS_ONLN); /* reads /sys */
	if (executor_receive(EXECUTOR_SEARCH, &executor, &err) < 0 ||
	    excludes_read(&executor, &everywhere) < 0 || executor_enter(&executor, &err) < 0)
		return 1;
	if (reach_init(&loop.files.reach, &executor.plan, executor.workspaces) < 0 ||
	    ring_map(&loop.files.rings, RINGS, false, &err) < 0 ||
	    searches_init(&searches, &loop.files, processors) < 0 || loop_init(&loop, WAKE, FRONTEND) < 0)
		return 1;
	loop.files.reach.everywhere = everywhere;
	return loop_run(&loop) < 0;
}
