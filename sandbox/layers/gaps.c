/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Landlock of an older kernel leaves open, and no mount or namespace covers: closed by small filters
 * on top of the profile's own (filter/container.c). A newer kernel needs none of them.
 */
#include "sandbox/layers/layer.h"

#include <errno.h>

#include "protocol/cleanup.h"

static const struct {
	int abi; /* the first that needs it no more */
	enum filter_name filter;
	const char *what;
} gaps[] = {
	{3, FILTER_GAP_TRUNCATE, "truncation"},
	{LANDLOCK_ABI_SIGNALS, FILTER_GAP_SIGNALS, "signals by descriptor"},
};

int layer_gaps(struct layer_context *context)
{
	int abi = landlock_abi();

	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
		int result = abi < gaps[i].abi ? filter_apply(gaps[i].filter) : 0;

		if (result < 0) {
			errno = -result;
			return layer_failed(&context->failure, "seccomp", gaps[i].what);
		}
	}
	return 0;
}
