/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_COMMAND_DENIALS_H
#define SALLYPORT_TOOLS_COMMAND_DENIALS_H

/*
 * What was refused while a command ran, as far as those who refused have told: the keeper (paths), the broker
 * (network). Bounded: the first LIMIT_COMMAND_DENIALS different ones are kept, each with how often it came;
 * others are only counted.
 */

#include <stdint.h>

#include "tools/denial.h"
#include "tools/tool.h"

struct command_denial {
	struct denial denial;
	uint64_t times;
};

struct command_denials {
	struct command_denial *list;
	unsigned count;
	uint64_t others; /* that found no place, or no memory */
};

void command_denials_deinit(struct command_denials *denials);
void command_denials_add(struct command_denials *denials, const struct denial *denial);

/* For the text: a line for each. 0 or -errno. */
int command_denials_text(const struct command_denials *denials, struct tool_result *result);
/* "denials": [...], nothing if there are none; each has layer, operation, target, rule, allowed, remedy and
 * count. */
void command_denials_write(const struct command_denials *denials, struct json_writer *writer);

#endif
