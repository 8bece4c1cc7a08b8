/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_BUILD_H
#define SALLYPORT_SANDBOX_BUILD_H

#include "sandbox/layers/layer.h"

/*
 * Applies every layer of context->profile to the calling process, in the one order. 0, or -errno with *layer
 * and context->failure telling where it stopped; the process must exit then.
 */
int build_confinement(struct layer_context *context, const char **layer);

#endif
