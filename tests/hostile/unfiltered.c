/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor of ours (which, says the build) that was taken over and tries what its filter ends it for:
 * memory with a name, which none of ours makes and the spawner's own filter lets pass. If that does not end
 * it, it lives on and answers nothing.
 */
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/executor.h"

int main(void)
{
	struct executor executor;
	struct err err;

	if (executor_receive(WHICH, &executor, &err) < 0 || executor_enter(&executor, &err) < 0)
		return 1;
	syscall(SYS_memfd_create, "found", 0);
	for (;;)
		ppoll(NULL, 0, NULL, NULL);
}
