/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox of commands. Not in yet. */
#include "sandbox/layers/mounts.h"

#include <errno.h>

int view_system(struct layer_context *context, int root)
{
	errno = ENOSYS;
	return layer_failed(&context->failure, "view", NULL);
}
