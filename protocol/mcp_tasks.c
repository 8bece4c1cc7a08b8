/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks (mcp_tasks.h): the call goes on in a conversation of the caller's own, from which nothing is sent;
 * what it ends with is kept. An id is random, since it is all that protects a task from others of the same
 * caller.
 */
#include "protocol/mcp_tasks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

#define ID_BYTES 16

enum status { WORKING, INPUT_REQUIRED, COMPLETED, FAILED, CANCELLED };

struct mcp_task {
	struct mcp_task *next;
	enum status status;
	struct mcp_call *call;    /* NULL once it has ended */
	int64_t created, updated; /* milliseconds since 1970 */
	uint32_t ttl_ms, poll_ms;
	struct buffer outcome; /* COMPLETED: the result, FAILED: the error; JSON */
	char id[2 * ID_BYTES + 1];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool make_id(char *id)
{
	uint8_t random[ID_BYTES];

	if (getrandom(random, sizeof random, 0) != sizeof random)
		return false;
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(id + 2 * i, 3, "%02x", random[i]);
	return true;
}

/* ---- the tasks of a caller ---- */

static void forget(struct mcp_caller *caller, struct mcp_task **link)
{
	struct mcp_task *task = *link;

	*link = task->next;
	caller->task_count--;
	caller->task_bytes -= buffer_length(&task->outcome);
	buffer_deinit(&task->outcome);
	free(task);
}

static void forget_expired(struct mcp_caller *caller)
{
	int64_t now = now_ms();

	for (struct mcp_task **link = &caller->tasks; *link;) {
		const struct mcp_task *task = *link;

		if (!task->call && now - task->created > task->ttl_ms)
			forget(caller, link);
		else
			link = &(*link)->next;
	}
}

/* The oldest that has ended goes. */
static bool forget_one(struct mcp_caller *caller)
{
	struct mcp_task **oldest = NULL;

	for (struct mcp_task **link = &caller->tasks; *link; link = &(*link)->next)
		if (!(*link)->call)
			oldest = link;
	if (oldest)
		forget(caller, oldest);
	return oldest;
}

void mcp_tasks_free(struct mcp_caller *caller)
{
	mcp_peer_free(caller->background); /* with the calls of those that have not ended */
	while (caller->tasks)
		forget(caller, &caller->tasks);
}

static int send_nothing(void *context, const struct mcp_delivery *delivery, struct buffer *message)
{
	return 0;
}

static int find_background(struct mcp_caller *caller)
{
	static const struct mcp_sink nowhere = {.send = send_nothing};

	return caller->background ? 0 : mcp_peer_new(&caller->background, caller, &nowhere);
}

/* ---- what is told of a task ---- */

static void write_time(struct json_writer *writer, const char *key, int64_t at)
{
	char date[32], text[48];
	time_t seconds = (time_t)(at / 1000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, sizeof text, "%s.%03dZ", date, (int)(at % 1000));
	json_key_text(writer, key, text);
}

static void write_task(const struct mcp_task *task, struct json_writer *writer)
{
	static const char *const names[] = {[WORKING] = "working",
					    [INPUT_REQUIRED] = "input_required",
					    [COMPLETED] = "completed",
					    [FAILED] = "failed",
					    [CANCELLED] = "cancelled"};

	json_key_text(writer, "taskId", task->id);
	json_key_text(writer, "status", names[task->status]);
	write_time(writer, "createdAt", task->created);
	write_time(writer, "lastUpdatedAt", task->updated);
	json_key_int(writer, "ttlMs", task->ttl_ms);
	json_key_int(writer, "pollIntervalMs", task->poll_ms);
}

/* And what has come of it. */
static void write_outcome(const struct mcp_task *task, struct json_writer *writer)
{
	static const char *const path[] = {"message", NULL};
	const char *outcome = buffer_data(&task->outcome);
	struct json_span message;

	if (task->status == INPUT_REQUIRED)
		mcp_input_write(task->call, writer);
	if (task->status != COMPLETED && task->status != FAILED)
		return;
	if (task->status == FAILED &&
	    json_locate(outcome, buffer_length(&task->outcome), path, &message, NULL) == 0) {
		json_key(writer, "statusMessage");
		json_raw(writer, outcome + message.start, message.length);
	}
	json_key(writer, task->status == FAILED ? "error" : "result");
	json_raw(writer, outcome, buffer_length(&task->outcome));
}

/* ---- the call ---- */

static void set_status(struct mcp_task *task, enum status status)
{
	task->status = status;
	task->updated = now_ms();
}

bool mcp_call_may_be_task(const struct mcp_call *call)
{
	return (call->can & MCP_CAN_TASKS) && call->kind == MCP_CALL_TOOL &&
	       call->request.origin.era == MCP_MODERN && !call->task;
}

int mcp_call_require_task(struct mcp_call *call)
{
	return mcp_call_missing(call, MCP_CAN_TASKS);
}

/* CreateTaskResult, in caller->reply. */
static int write_created(const struct mcp_call *call, const struct mcp_task *task)
{
	struct buffer *out = &call->request.origin.peer->caller->reply;
	struct json_writer writer;

	buffer_clear(out, LIMIT_FRAME_BYTES);
	json_writer_init(&writer, out);
	writer.result = jsonrpc_write_result(out, call->request.id);
	json_object(&writer);
	write_task(task, &writer);
	return writer.result < 0 ? writer.result
				 : mcp_write_result_tail(&call->request.origin, "task", out, NULL, 0);
}

static struct mcp_task *new_task(struct mcp_call *call, uint32_t ttl_ms, uint32_t poll_ms)
{
	struct mcp_task *task = calloc(1, sizeof *task);

	if (!task)
		return NULL;
	*task = (struct mcp_task){.call = call, .created = now_ms(), .ttl_ms = ttl_ms, .poll_ms = poll_ms};
	if (!make_id(task->id)) {
		free(task);
		return NULL;
	}
	task->updated = task->created;
	buffer_init(&task->outcome, LIMIT_ANSWER_BYTES);
	return task;
}

int mcp_call_become_task(struct mcp_call *call, uint32_t ttl_ms, uint32_t poll_ms)
{
	struct mcp_origin origin = call->request.origin;
	struct mcp_delivery delivery = {.route = origin.route, .last = true};
	struct mcp_caller *caller = origin.peer->caller;
	struct mcp_task *task;

	if (!mcp_call_may_be_task(call))
		return -EOPNOTSUPP;
	forget_expired(caller);
	if (caller->task_count >= LIMIT_TASKS && !forget_one(caller))
		return -ENOSPC;
	task = new_task(call, ttl_ms, poll_ms);
	if (!task)
		return -ENOMEM;
	if (find_background(caller) < 0 || write_created(call, task) < 0 ||
	    (call->request.findable && mcp_requests_move(&call->request, caller->background) < 0)) {
		free(task);
		return -ENOMEM;
	}
	origin.peer->requests.calls--;
	caller->background->requests.calls++;
	task->next = caller->tasks;
	caller->tasks = task;
	caller->task_count++;
	call->task = task;
	free(steal_pointer(call->progress_token)); /* "not supported on tasks" */
	return mcp_send(origin.peer, &delivery, &caller->reply);
}

void mcp_task_waits(struct mcp_task *task, bool waits)
{
	set_status(task, waits ? INPUT_REQUIRED : WORKING);
}

void mcp_task_settle(struct mcp_task *task, const struct buffer *answer, int code)
{
	static const char *const result[] = {"result", NULL}, *const error[] = {"error", NULL};
	static const char lost[] = "{\"code\":-32603,\"message\":\"Internal error: there is no result\"}";
	struct mcp_caller *caller = task->call->request.origin.peer->caller;
	const char *text = answer ? buffer_data(answer) : NULL;
	struct json_span span;
	bool kept = text && json_locate(text, buffer_length(answer), code ? error : result, &span, NULL) == 0;

	forget_expired(caller);
	while (kept && caller->task_bytes + span.length > LIMIT_TASK_BYTES)
		kept = forget_one(caller);
	kept = kept && buffer_append(&task->outcome, text + span.start, span.length) == 0;
	set_status(task, kept && !code ? COMPLETED : FAILED);
	if (!kept)
		buffer_append(&task->outcome, lost, sizeof lost - 1);
	caller->task_bytes += buffer_length(&task->outcome);
	task->call->task = NULL;
	task->call = NULL;
}

/* ---- methods ---- */

int mcp_tasks_check(struct mcp_incoming *incoming)
{
	int result;

	if (!incoming->origin.peer->caller->host.tasks ||
	    (mcp_capabilities_read(incoming->meta.capabilities) & MCP_CAN_TASKS))
		return 0;
	result = mcp_reply_missing(incoming, MCP_CAN_TASKS);
	return result < 0 ? result : 1;
}

/* params.taskId. 0 with *found; 1 when it was refused and answered; -ENOMEM. */
static int find_task(struct mcp_incoming *incoming, struct mcp_task **found)
{
	struct mcp_caller *caller = incoming->origin.peer->caller;
	const char *id =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(incoming->message.params, "taskId"));
	int result = mcp_tasks_check(incoming);

	if (result)
		return result;
	forget_expired(caller);
	for (*found = caller->tasks; *found; *found = (*found)->next)
		if (id && strcmp((*found)->id, id) == 0)
			return 0;
	result =
		id ? mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				     "Task not found: there is none of this taskId, or its time is over")
		   : mcp_reply_error(incoming, MCP_INVALID_PARAMS, "Invalid params: taskId must be a string");
	return result < 0 ? result : 1;
}

int mcp_tasks_get(struct mcp_incoming *incoming)
{
	struct mcp_task *task;
	struct json_writer writer;
	int result = find_task(incoming, &task);

	if (result)
		return result < 0 ? result : 0;
	result = mcp_reply_begin(incoming, &writer);
	if (result < 0)
		return result;
	write_task(task, &writer);
	write_outcome(task, &writer);
	return mcp_reply_end(incoming, &writer);
}

/* Answers of the request are taken; those that nobody asked for, or not so, are ignored. True: none is
 * missing. */
static bool take_answers(struct mcp_call *call, cJSON *answers)
{
	bool whole = false;

	while (answers->child && !whole) {
		cJSON *answer = cJSON_DetachItemViaPointer(answers, answers->child);
		_cleanup_free_ char *key = strdup(answer->string); /* its own goes with it */

		whole = key && mcp_input_give(call, key, answer) == 1;
		if (!key)
			cJSON_Delete(answer);
	}
	return whole;
}

int mcp_tasks_update(struct mcp_incoming *incoming)
{
	cJSON *answers = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "inputResponses");
	struct mcp_task *task;
	int result = find_task(incoming, &task);
	bool whole;

	if (result)
		return result < 0 ? result : 0;
	if (!cJSON_IsObject(answers))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: inputResponses must be an object");
	whole = task->call && take_answers(task->call, answers);
	if (whole)
		mcp_task_waits(task, false);
	result = mcp_reply_empty(incoming);
	if (whole)
		mcp_call_run(task->call);
	return result;
}

int mcp_tasks_cancel(struct mcp_incoming *incoming)
{
	struct mcp_task *task;
	struct mcp_call *call;
	int result = find_task(incoming, &task);

	if (result)
		return result < 0 ? result : 0;
	result = mcp_reply_empty(incoming);
	call = steal_pointer(task->call);
	if (call) {
		call->task = NULL;
		set_status(task, CANCELLED);
		mcp_request_cancel(&call->request);
	}
	return result;
}
