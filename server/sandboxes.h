/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SANDBOXES_H
#define SALLYPORT_SERVER_SANDBOXES_H

/*
 * All sandboxes of all callers: who gets one, how many there may be (sandbox.maximum), and when they end
 * (sandbox.lifetime, sandbox.idleSeconds). At the bound the one that was idle longest gives way; without an
 * idle one a caller waits its turn. One with a command alive is never ended for these reasons.
 */

#include "server/loop.h"
#include "server/supervisor.h"
#include "tools/tool.h"

struct sandboxes;

int sandboxes_new(struct sandboxes **sandboxes, struct loop *loop, struct supervisor *supervisor,
		  const struct tool_context *context);
void sandboxes_free(struct sandboxes *sandboxes);

/* A call came in, of whatever kind but those about a command, whose output may be what they wait for: for a
 * moment what commands write is taken more slowly, since who takes all that `yes` has to give has used up his
 * share of a processor when others want an answer. */
void sandboxes_called(struct sandboxes *sandboxes);

struct sandboxes_numbers {
	unsigned sandboxes, commands; /* that there are now */
	uint64_t denials;             /* so far: refused to commands, as far as somebody told */
};

struct sandboxes_numbers sandboxes_numbers(const struct sandboxes *sandboxes);

#endif
