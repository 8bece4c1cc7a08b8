/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan, in memory and as a sealed memfd. It is written once by the frontend, before it has read anything
 * from the host, and read by every process that builds a sandbox. A reader checks the seals first (nobody
 * can change it any more) and then every field, as in any other frame.
 */
#include "sandbox/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/plan_parts.h"
#include "sandbox/sealed.h"

#define PLAN_VERSION 1

void plan_init(struct plan *plan)
{
	*plan = (struct plan){
		.command_processes = LIMIT_COMMAND_PROCESSES,
		.command_files = LIMIT_COMMAND_FILES,
		.command_file_bytes = LIMIT_COMMAND_FILE_BYTES,
		.command_data_bytes = LIMIT_COMMAND_DATA_BYTES,
		.temporary_bytes = LIMIT_TEMPORARY_BYTES,
		.temporary_files = LIMIT_TEMPORARY_FILES,
		.command_count = LIMIT_HANDLES,
		.commands_at_once = LIMIT_COMMANDS_AT_ONCE,
		.command_ms = LIMIT_COMMAND_MS,
		.command_kept_ms = LIMIT_COMMAND_KEPT_MS,
		.output_bytes = LIMIT_OUTPUT_BYTES,
		.download_bytes = LIMIT_DOWNLOAD_BYTES,
		.terminal_rows = LIMIT_TERMINAL_ROWS,
		.terminal_columns = LIMIT_TERMINAL_COLUMNS,
		.sandbox_maximum = LIMIT_SANDBOXES,
		.sandbox_idle_ms = LIMIT_SANDBOX_IDLE_MS,
		.network_bytes = LIMIT_NETWORK_BYTES,
		.result_bytes = LIMIT_RESULT_BYTES_DEFAULT,
		.robots = true,
		.require_profile = CONFINEMENT_FULL,
	};
}

static void free_paths(struct plan_path *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].path);
	free(list);
}

static void free_texts(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

static void free_rules(struct plan_rule *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].host);
	free(list);
}

void plan_deinit(struct plan *plan)
{
	free_paths(plan->workspaces, plan->workspace_count);
	free_paths(plan->extra, plan->extra_count);
	free_texts(plan->protect, plan->protect_count);
	free_texts(plan->hide, plan->hide_count);
	free_rules(plan->allowed, plan->allowed_count);
	free_rules(plan->denied, plan->denied_count);
	plan_free_web(plan);
	free_texts(plan->require_layers, plan->require_layer_count);
	free(plan->home);
	free(plan->config_home);
	free(plan->scratch);
	free(plan->search_path);
	*plan = (struct plan){0};
}

/* Lists are built once and short, so growing by one is enough. */
int plan_grow(void **list, size_t count, size_t element)
{
	void *grown = reallocarray(*list, count + 1, element);

	if (!grown)
		return -ENOMEM;
	*list = grown;
	return 0;
}

int plan_add_path(struct plan_path **list, size_t *count, const char *path, bool write)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy || plan_grow((void **)list, *count, sizeof **list) < 0)
		return -ENOMEM;
	(*list)[(*count)++] = (struct plan_path){.path = steal_pointer(copy), .write = write};
	return 0;
}

int plan_add_text(char ***list, size_t *count, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);

	if (!copy || plan_grow((void **)list, *count, sizeof **list) < 0)
		return -ENOMEM;
	(*list)[(*count)++] = steal_pointer(copy);
	return 0;
}

int plan_add_rule(struct plan_rule **list, size_t *count, const char *host, uint16_t port)
{
	_cleanup_free_ char *copy = strdup(host);

	if (!copy || plan_grow((void **)list, *count, sizeof **list) < 0)
		return -ENOMEM;
	(*list)[(*count)++] = (struct plan_rule){.host = steal_pointer(copy), .port = port};
	return 0;
}

/* ---- encoding: each list is a count and its elements ---- */

static int put_paths(struct buffer *payload, const struct plan_path *list, size_t count)
{
	int result = frame_put_u32(payload, (uint32_t)count);

	for (size_t i = 0; i < count && result == 0; i++) {
		result = frame_put_text(payload, list[i].path);
		if (result == 0)
			result = frame_put_u32(payload, list[i].write);
	}
	return result;
}

static int put_texts(struct buffer *payload, char *const *list, size_t count)
{
	int result = frame_put_u32(payload, (uint32_t)count);

	for (size_t i = 0; i < count && result == 0; i++)
		result = frame_put_text(payload, list[i]);
	return result;
}

static int put_rules(struct buffer *payload, const struct plan_rule *list, size_t count)
{
	int result = frame_put_u32(payload, (uint32_t)count);

	for (size_t i = 0; i < count && result == 0; i++) {
		result = frame_put_text(payload, list[i].host);
		if (result == 0)
			result = frame_put_u32(payload, list[i].port);
	}
	return result;
}

static uint64_t least(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

void plan_fit_memory(struct plan *plan, uint64_t memory, bool grouped)
{
	plan->temporary_bytes = least(plan->temporary_bytes, memory / LIMIT_TEMPORARY_SHARE);
	plan->temporary_files = least(plan->temporary_files, memory / LIMIT_TEMPORARY_FILE_SHARE);
	if (!grouped && plan->memory_bytes)
		plan->command_data_bytes = least(plan->command_data_bytes, memory);
}

int plan_encode(const struct plan *plan, struct buffer *payload)
{
	const uint64_t numbers[] = {plan->network_listed,     plan->command_processes,  plan->command_files,
				    plan->command_file_bytes, plan->command_data_bytes, plan->temporary_bytes,
				    plan->temporary_files,    plan->memory_bytes,       plan->cpu_thousandths,
				    plan->result_bytes,       plan->sandbox_maximum,    plan->sandbox_idle_ms,
				    plan->sandbox_per_call,   plan->require_profile,    plan->network_bytes,
				    plan->command_count,      plan->commands_at_once,   plan->command_ms,
				    plan->command_kept_ms,    plan->output_bytes,       plan->terminal_rows,
				    plan->terminal_columns,   plan->download_bytes};
	int result = frame_put_u32(payload, PLAN_VERSION);

	for (size_t i = 0; i < ARRAY_SIZE(numbers) && result == 0; i++)
		result = frame_put_u64(payload, numbers[i]);
	if (result == 0)
		result = put_paths(payload, plan->workspaces, plan->workspace_count);
	if (result == 0)
		result = put_paths(payload, plan->extra, plan->extra_count);
	if (result == 0)
		result = put_texts(payload, plan->protect, plan->protect_count);
	if (result == 0)
		result = put_texts(payload, plan->hide, plan->hide_count);
	if (result == 0)
		result = put_rules(payload, plan->allowed, plan->allowed_count);
	if (result == 0)
		result = put_rules(payload, plan->denied, plan->denied_count);
	if (result == 0)
		result = plan_put_web(payload, plan);
	if (result == 0)
		result = frame_put_text(payload, plan->home);
	if (result == 0)
		result = frame_put_text(payload, plan->config_home);
	if (result == 0)
		result = frame_put_text(payload, plan->search_path);
	if (result == 0)
		result = put_texts(payload, plan->require_layers, plan->require_layer_count);
	if (result == 0)
		result = frame_put_text(payload, plan->scratch);
	if (result == 0)
		result = frame_put_text(payload, plan->policy_sha256);
	return result;
}

/* ---- decoding ---- */

size_t plan_get_count(struct frame_reader *reader, size_t max)
{
	uint32_t count = frame_get_u32(reader);

	if (count > max || count > (size_t)(reader->end - reader->at) / 4) {
		reader->failed = true;
		return 0;
	}
	return count;
}

static void get_paths(struct frame_reader *reader, struct plan_path **list, size_t *count, size_t max)
{
	for (size_t left = plan_get_count(reader, max); left > 0 && !reader->failed; left--) {
		_cleanup_free_ char *path = frame_take_text(reader, LIMIT_PATH_BYTES);
		bool write = frame_get_u32(reader) != 0;

		if (!path || path[0] != '/' || plan_add_path(list, count, path, write) < 0)
			reader->failed = true;
	}
}

static void get_texts(struct frame_reader *reader, char ***list, size_t *count)
{
	for (size_t left = plan_get_count(reader, LIMIT_PLAN_ITEMS); left > 0 && !reader->failed; left--) {
		_cleanup_free_ char *text = frame_take_text(reader, LIMIT_PATH_BYTES);

		if (!text || plan_add_text(list, count, text) < 0)
			reader->failed = true;
	}
}

static void get_rules(struct frame_reader *reader, struct plan_rule **list, size_t *count)
{
	for (size_t left = plan_get_count(reader, LIMIT_PLAN_ITEMS); left > 0 && !reader->failed; left--) {
		_cleanup_free_ char *host = frame_take_text(reader, LIMIT_PATH_BYTES);
		uint32_t port = frame_get_u32(reader);

		if (!host || port > UINT16_MAX || plan_add_rule(list, count, host, (uint16_t)port) < 0)
			reader->failed = true;
	}
}

char *plan_get_optional(struct frame_reader *reader)
{
	char *text = frame_take_text(reader, LIMIT_PATH_BYTES);

	if (text && text[0] == '\0') {
		free(text);
		return NULL;
	}
	return text;
}

int plan_decode(struct plan *plan, const void *payload, size_t length, struct err *err)
{
	_cleanup_(plan_deinit) struct plan read = {0};
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	if (frame_get_u32(&reader) != PLAN_VERSION)
		return err_set(err, -EPROTO, "the plan is of another version of this program");
	read.network_listed = frame_get_u64(&reader) != 0;
	read.command_processes = (uint32_t)frame_get_u64(&reader);
	read.command_files = (uint32_t)frame_get_u64(&reader);
	read.command_file_bytes = frame_get_u64(&reader);
	read.command_data_bytes = frame_get_u64(&reader);
	read.temporary_bytes = frame_get_u64(&reader);
	read.temporary_files = frame_get_u64(&reader);
	read.memory_bytes = frame_get_u64(&reader);
	read.cpu_thousandths = (uint32_t)frame_get_u64(&reader);
	read.result_bytes = frame_get_u64(&reader);
	read.sandbox_maximum = (uint32_t)frame_get_u64(&reader);
	read.sandbox_idle_ms = (uint32_t)frame_get_u64(&reader);
	read.sandbox_per_call = frame_get_u64(&reader) != 0;
	read.require_profile = (enum confinement)frame_get_u64(&reader);
	read.network_bytes = frame_get_u64(&reader);
	read.command_count = (uint32_t)frame_get_u64(&reader);
	read.commands_at_once = (uint32_t)frame_get_u64(&reader);
	read.command_ms = (uint32_t)frame_get_u64(&reader);
	read.command_kept_ms = (uint32_t)frame_get_u64(&reader);
	read.output_bytes = frame_get_u64(&reader);
	read.terminal_rows = (uint32_t)frame_get_u64(&reader);
	read.terminal_columns = (uint32_t)frame_get_u64(&reader);
	read.download_bytes = frame_get_u64(&reader);
	get_paths(&reader, &read.workspaces, &read.workspace_count, LIMIT_WORKSPACES);
	get_paths(&reader, &read.extra, &read.extra_count, LIMIT_PLAN_ITEMS);
	get_texts(&reader, &read.protect, &read.protect_count);
	get_texts(&reader, &read.hide, &read.hide_count);
	get_rules(&reader, &read.allowed, &read.allowed_count);
	get_rules(&reader, &read.denied, &read.denied_count);
	plan_get_web(&reader, &read);
	read.home = plan_get_optional(&reader);
	read.config_home = plan_get_optional(&reader);
	read.search_path = plan_get_optional(&reader);
	get_texts(&reader, &read.require_layers, &read.require_layer_count);
	read.scratch = plan_get_optional(&reader);
	frame_get_text(&reader, read.policy_sha256, sizeof read.policy_sha256);
	if (frame_done(&reader) < 0 || read.require_profile < CONFINEMENT_FULL ||
	    read.require_profile >= CONFINEMENT_COUNT)
		return err_set(err, -EPROTO, "the plan is malformed or out of bounds");
	*plan = read;
	read = (struct plan){0};
	return 0;
}

/* ---- as a sealed memfd ---- */

int plan_open(const struct plan *plan, struct err *err)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_PLAN_BYTES};
	int result = plan_encode(plan, &payload);

	if (result < 0)
		return err_set(err, result, "the plan is too large: at most %u bytes of paths and rules",
			       LIMIT_PLAN_BYTES);
	result = sealed_open("sallyport-plan", buffer_data(&payload), buffer_length(&payload), err);
	return result < 0 ? err_wrap(err, result, "the plan") : result;
}

int plan_read(struct plan *plan, int memfd, struct err *err)
{
	_cleanup_free_ char *bytes = NULL;
	size_t length;
	int result = sealed_read(memfd, LIMIT_PLAN_BYTES, &bytes, &length, err);

	if (result < 0)
		return err_wrap(err, result, "the plan");
	return plan_decode(plan, bytes, length, err);
}
