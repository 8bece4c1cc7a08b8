/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of the profile: last, because it refuses most of what the other layers did. */
#include "sandbox/layers/layer.h"

#include <errno.h>

int layer_filter(struct layer_context *context)
{
	int result = filter_apply(context->profile->filter);

	if (result == 0)
		return 0;
	errno = -result;
	return layer_failed(&context->failure, "seccomp", context->profile->name);
}
