/* SPDX-License-Identifier: Apache-2.0 */
/* What the plan says of requests to the web, beside where they go: methods, headers that policy adds, how the
 * program presents itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/plan_parts.h"

void plan_free_web(struct plan *plan)
{
	for (size_t i = 0; i < plan->method_count; i++)
		free(plan->methods[i].rule.host);
	for (size_t i = 0; i < plan->inject_count; i++) {
		free(plan->injects[i].rule.host);
		free(plan->injects[i].header);
	}
	free(plan->methods);
	free(plan->injects);
	free(plan->user_agent);
}

int plan_add_methods(struct plan *plan, const char *host, uint16_t port, uint32_t methods)
{
	_cleanup_free_ char *copy = strdup(host);

	if (!copy || plan_grow((void **)&plan->methods, plan->method_count, sizeof *plan->methods) < 0)
		return -ENOMEM;
	plan->methods[plan->method_count++] =
		(struct plan_methods){.rule = {steal_pointer(copy), port}, .methods = methods};
	return 0;
}

int plan_add_inject(struct plan *plan, const char *host, uint16_t port, const char *header, bool plaintext)
{
	_cleanup_free_ char *copy = strdup(host), *name = strdup(header);

	if (!copy || !name ||
	    plan_grow((void **)&plan->injects, plan->inject_count, sizeof *plan->injects) < 0)
		return -ENOMEM;
	plan->injects[plan->inject_count++] = (struct plan_inject){
		.rule = {steal_pointer(copy), port}, .header = steal_pointer(name), .plaintext = plaintext};
	return 0;
}

static int put_rule(struct buffer *payload, const struct plan_rule *rule)
{
	int result = frame_put_text(payload, rule->host);

	return result == 0 ? frame_put_u32(payload, rule->port) : result;
}

int plan_put_web(struct buffer *payload, const struct plan *plan)
{
	int result = frame_put_u32(payload, (uint32_t)plan->method_count);

	for (size_t i = 0; i < plan->method_count && result == 0; i++) {
		result = put_rule(payload, &plan->methods[i].rule);
		if (result == 0)
			result = frame_put_u32(payload, plan->methods[i].methods);
	}
	if (result == 0)
		result = frame_put_u32(payload, (uint32_t)plan->inject_count);
	for (size_t i = 0; i < plan->inject_count && result == 0; i++) {
		result = put_rule(payload, &plan->injects[i].rule);
		if (result == 0)
			result = frame_put_text(payload, plan->injects[i].header);
		if (result == 0)
			result = frame_put_u32(payload, plan->injects[i].plaintext);
	}
	if (result == 0)
		result = frame_put_text(payload, plan->user_agent);
	return result == 0 ? frame_put_u32(payload, plan->robots) : result;
}

static void get_methods(struct frame_reader *reader, struct plan *plan)
{
	for (size_t left = plan_get_count(reader, LIMIT_PLAN_ITEMS); left > 0 && !reader->failed; left--) {
		_cleanup_free_ char *host = frame_take_text(reader, LIMIT_PATH_BYTES);
		uint32_t port = frame_get_u32(reader), methods = frame_get_u32(reader);

		if (!host || port > UINT16_MAX || methods >> PLAN_METHODS ||
		    plan_add_methods(plan, host, (uint16_t)port, methods) < 0)
			reader->failed = true;
	}
}

static void get_injects(struct frame_reader *reader, struct plan *plan)
{
	for (size_t left = plan_get_count(reader, LIMIT_PLAN_ITEMS); left > 0 && !reader->failed; left--) {
		_cleanup_free_ char *host = frame_take_text(reader, LIMIT_PATH_BYTES);
		uint32_t port = frame_get_u32(reader);
		_cleanup_free_ char *header = frame_take_text(reader, LIMIT_PATH_BYTES);
		bool plaintext = frame_get_u32(reader) != 0;

		if (!host || !header || port > UINT16_MAX ||
		    plan_add_inject(plan, host, (uint16_t)port, header, plaintext) < 0)
			reader->failed = true;
	}
}

void plan_get_web(struct frame_reader *reader, struct plan *plan)
{
	get_methods(reader, plan);
	get_injects(reader, plan);
	plan->user_agent = plan_get_optional(reader);
	plan->robots = frame_get_u32(reader) != 0;
}
