/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_PLAN_PARTS_H
#define SALLYPORT_SANDBOX_PLAN_PARTS_H

/* Between plan.c and plan_web.c, which has what the plan says of requests. */

#include "protocol/frame.h"
#include "sandbox/plan.h"

/* Room for one more element. 0 or -ENOMEM. */
int plan_grow(void **list, size_t count, size_t element);
/* A count that the list's bound and the bytes that are left can hold; each element takes at least 4. */
size_t plan_get_count(struct frame_reader *reader, size_t max);
/* Optional texts are encoded as "". */
char *plan_get_optional(struct frame_reader *reader);

void plan_free_web(struct plan *plan);
int plan_put_web(struct buffer *payload, const struct plan *plan);
void plan_get_web(struct frame_reader *reader, struct plan *plan);

#endif
