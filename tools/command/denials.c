/* SPDX-License-Identifier: Apache-2.0 */
/* The denials of a command (denials.h). A command may provoke as many as it likes: they cost a comparison. */
#include "tools/command/denials.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/limits.h"

void command_denials_deinit(struct command_denials *denials)
{
	free(denials->list);
	*denials = (struct command_denials){0};
}

static bool same(const struct denial *left, const struct denial *right)
{
	return strcmp(left->operation, right->operation) == 0 && strcmp(left->target, right->target) == 0 &&
	       strcmp(left->rule, right->rule) == 0 && strcmp(left->layer, right->layer) == 0;
}

void command_denials_add(struct command_denials *denials, const struct denial *denial)
{
	for (unsigned i = 0; i < denials->count; i++)
		if (same(&denials->list[i].denial, denial)) {
			denials->list[i].times++;
			return;
		}
	if (!denials->list) /* few commands are refused anything */
		denials->list = calloc(LIMIT_COMMAND_DENIALS, sizeof *denials->list);
	if (!denials->list || denials->count == LIMIT_COMMAND_DENIALS) {
		denials->others++;
		return;
	}
	denials->list[denials->count++] = (struct command_denial){.denial = *denial, .times = 1};
}

int command_denials_text(const struct command_denials *denials, struct tool_result *result)
{
	char text[DENIAL_TEXT_BYTES];
	int code = 0;

	for (unsigned i = 0; i < denials->count && code == 0; i++) {
		code = result_text(result, text, denial_text(&denials->list[i].denial, text));
		if (code == 0 && denials->list[i].times > 1)
			code = result_textf(result, " (%llu times)",
					    (unsigned long long)denials->list[i].times);
		if (code == 0)
			code = result_text(result, "\n", 1);
	}
	if (code == 0 && denials->others)
		code = result_textf(result, "Denied: %llu more\n", (unsigned long long)denials->others);
	return code;
}

void command_denials_write(const struct command_denials *denials, struct json_writer *writer)
{
	if (!denials->count)
		return;
	json_key(writer, "denials");
	json_array(writer);
	for (unsigned i = 0; i < denials->count; i++) {
		const struct denial *denial = &denials->list[i].denial;

		json_object(writer);
		json_key_text(writer, "layer", denial->layer);
		json_key_text(writer, "operation", denial->operation);
		json_key_text(writer, "target", denial->target);
		json_key_text(writer, "rule", denial->rule);
		json_key_text(writer, "allowed", denial->allowed);
		json_key_text(writer, "remedy", denial->remedy);
		json_key_int(writer, "count", (int64_t)denials->list[i].times);
		json_object_end(writer);
	}
	json_array_end(writer);
}
