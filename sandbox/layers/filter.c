/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of the profile: last, because it refuses most of what the other layers did. */
#include "sandbox/layers/layer.h"

#include <errno.h>

int layer_filter(struct layer_context *context)
{
	/* whoever may ask for connections must be allowed to (filter/notify.c has who asks) */
	int result = filter_apply(context->executor->reach < 0 ? context->profile->filter
							       : FILTER_CONTAINER_NETWORK);

	if (result == 0)
		return 0;
	errno = -result;
	return layer_failed(&context->failure, "seccomp", context->profile->name);
}
