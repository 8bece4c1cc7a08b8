/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the client and their answers (mcp_input.h). The client is not trusted in what it answers. */
#include "protocol/mcp_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

struct mcp_question {
	struct mcp_question *next;
	enum mcp_input input;
	unsigned id; /* legacy: of the request */
	bool answered;
	struct buffer params; /* an object */
	char key[];
};

static const char *const methods[MCP_INPUTS] = {
	[MCP_ELICIT_FORM] = "elicitation/create",
	[MCP_ELICIT_URL] = "elicitation/create",
	[MCP_SAMPLE] = "sampling/createMessage",
	[MCP_ROOTS] = "roots/list",
};

static void forget_questions(struct mcp_call *call)
{
	for (struct mcp_question *question; (question = call->input.questions);) {
		call->input.questions = question->next;
		buffer_deinit(&question->params);
		free(question);
	}
}

void mcp_input_deinit(struct mcp_call *call)
{
	forget_questions(call);
	cJSON_Delete(call->input.answers);
	free(call->input.state);
}

/* ---- answers ---- */

static bool has_string(const cJSON *object, const char *key)
{
	return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* ElicitResult: content is there when a form was accepted, and an object whenever it is there. */
static bool valid_elicitation(const cJSON *answer, bool form)
{
	const char *action = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "action"));
	const cJSON *content = cJSON_GetObjectItemCaseSensitive(answer, "content");

	if (!action || (content && !cJSON_IsObject(content)))
		return false;
	if (strcmp(action, "accept") == 0)
		return content || !form;
	return strcmp(action, "decline") == 0 || strcmp(action, "cancel") == 0;
}

static bool is_valid(const cJSON *answer, enum mcp_input input)
{
	const cJSON *content = cJSON_GetObjectItemCaseSensitive(answer, "content");

	if (!cJSON_IsObject(answer))
		return false;
	switch (input) {
	case MCP_ELICIT_FORM:
	case MCP_ELICIT_URL:
		return valid_elicitation(answer, input == MCP_ELICIT_FORM);
	case MCP_SAMPLE:
		return has_string(answer, "role") && has_string(answer, "model") &&
		       (cJSON_IsObject(content) || cJSON_IsArray(content));
	case MCP_ROOTS:
		return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(answer, "roots"));
	case MCP_INPUTS:
		break;
	}
	return false;
}

static const cJSON *request_params(const struct mcp_call *call)
{
	return cJSON_GetObjectItemCaseSensitive(call->tree, "params");
}

const cJSON *mcp_call_input(const struct mcp_call *call, const char *key, enum mcp_input input)
{
	const cJSON *answer = cJSON_GetObjectItemCaseSensitive(call->input.answers, key);

	if (!answer && call->request.origin.era == MCP_MODERN)
		answer = cJSON_GetObjectItemCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(request_params(call), "inputResponses"), key);
	return is_valid(answer, input) ? answer : NULL;
}

const char *mcp_call_state(const struct mcp_call *call)
{
	return call->input.state;
}

bool mcp_call_can(const struct mcp_call *call, enum mcp_input input)
{
	return call->can & MCP_CAN(input);
}

int mcp_input_take(struct mcp_call *call, struct err *err)
{
	const cJSON *answers = cJSON_GetObjectItemCaseSensitive(request_params(call), "inputResponses");
	const cJSON *state = cJSON_GetObjectItemCaseSensitive(request_params(call), "requestState");
	int result;

	if (call->request.origin.era != MCP_MODERN || call->task || call->kind == MCP_CALL_COMPLETE)
		return 0;
	if (answers && !cJSON_IsObject(answers) && !cJSON_IsNull(answers))
		return err_set(err, -EINVAL, "Invalid params: inputResponses must be an object");
	if (!state)
		return 0;
	result = cJSON_IsString(state) ? mcp_state_open(call, state->valuestring, &call->input.state)
				       : -EINVAL;
	if (result == -EINVAL)
		return err_set(
			err, -EINVAL,
			"Invalid params: requestState is not what this server gave for this request, or it "
			"has expired; send the request without it and without inputResponses");
	return result < 0 ? err_set(err, result, "Internal error: out of memory") : 0;
}

/* ---- asking ---- */

struct json_writer *mcp_ask(struct mcp_call *call, const char *key, enum mcp_input input)
{
	struct json_writer *writer = &call->input.writer;
	struct mcp_question **last = &call->input.questions;
	struct mcp_question *question = calloc(1, sizeof *question + strlen(key) + 1);

	if (call->input.questions)
		json_object_end(writer); /* of the one before */
	if (!question) {
		writer->result = -ENOMEM;
		return writer;
	}
	while (*last)
		last = &(*last)->next;
	*last = question;
	memcpy(question->key, key, strlen(key)); /* a NUL is there */
	question->input = input;
	buffer_init(&question->params, LIMIT_ANSWER_BYTES);
	int before = question == call->input.questions ? 0 : writer->result;

	json_writer_init(writer, &question->params);
	writer->result = before;
	json_object(writer);
	if (input == MCP_ELICIT_URL)
		json_key_text(writer, "mode", "url");
	return writer;
}

static void write_request(const struct mcp_question *question, struct json_writer *writer)
{
	json_key_text(writer, "method", methods[question->input]);
	json_key(writer, "params");
	json_raw(writer, buffer_data(&question->params), buffer_length(&question->params));
	json_object_end(writer);
}

void mcp_input_write(const struct mcp_call *call, struct json_writer *writer)
{
	json_key(writer, "inputRequests");
	json_object(writer);
	for (const struct mcp_question *at = call->input.questions; at; at = at->next) {
		if (at->answered)
			continue;
		json_key(writer, at->key);
		json_object(writer);
		write_request(at, writer);
	}
	json_object_end(writer);
}

/* The request is answered: "input_required". */
static int answer_required(struct mcp_call *call, const char *state)
{
	struct json_writer writer;

	mcp_call_clear(call);
	json_writer_init(&writer, &call->out);
	writer.result = jsonrpc_write_result(&call->out, call->request.id);
	json_object(&writer);
	if (call->input.questions)
		mcp_input_write(call, &writer);
	if (state) {
		json_key(&writer, "requestState");
		mcp_state_seal(call, state, &writer);
	}
	if (writer.result == 0)
		writer.result =
			mcp_write_result_tail(&call->request.origin, "input_required", &call->out, NULL, 0);
	if (writer.result < 0)
		return mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: out of memory");
	return mcp_call_answer(call, 0);
}

/* Requests of ours go where the answer will go. */
static int send_requests(struct mcp_call *call)
{
	struct mcp_peer *peer = call->request.origin.peer;
	struct mcp_delivery delivery = {.route = call->request.origin.route};
	struct buffer *out = &peer->caller->reply;

	for (struct mcp_question *at = call->input.questions; at; at = at->next) {
		struct json_writer writer;

		at->id = ++peer->asked;
		buffer_clear(out, LIMIT_FRAME_BYTES);
		json_writer_init(&writer, out);
		json_object(&writer);
		json_key_text(&writer, "jsonrpc", "2.0");
		json_key_int(&writer, "id", at->id);
		write_request(at, &writer);
		if (writer.result == 0)
			writer.result = mcp_send(peer, &delivery, out);
		if (writer.result < 0) {
			mcp_input_withdraw(call);
			return mcp_call_error(call, MCP_INTERNAL_ERROR,
					      "Internal error: a question to the client could not be sent");
		}
	}
	return 0;
}

static unsigned find_missing(const struct mcp_call *call)
{
	unsigned asked = 0;

	for (const struct mcp_question *at = call->input.questions; at; at = at->next)
		asked |= MCP_CAN(at->input);
	return asked & ~call->can;
}

static int remember(struct mcp_call *call, const char *state)
{
	free(call->input.state);
	call->input.state = state ? strdup(state) : NULL;
	return state && !call->input.state ? -ENOMEM : 0;
}

int mcp_ask_end(struct mcp_call *call, const char *state)
{
	bool waits = call->task || call->request.origin.era != MCP_MODERN;
	unsigned missing = find_missing(call);

	if (call->input.questions)
		json_object_end(&call->input.writer);
	if (!call->request.findable) { /* cancelled meanwhile */
		mcp_call_free(call);
		return 0;
	}
	if (missing)
		return mcp_call_missing(call, missing);
	if (call->input.writer.result < 0 || (waits && remember(call, state) < 0))
		return mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: out of memory");
	if (!waits)
		return answer_required(call, state);
	mcp_call_clear(call);
	call->user = NULL;
	call->input.waits = true;
	if (!call->task)
		return send_requests(call);
	mcp_task_waits(call->task, true);
	return 0;
}

/* ---- answers that a call waits for ---- */

static struct mcp_question *find_unanswered(const struct mcp_call *call, const char *key)
{
	for (struct mcp_question *at = call->input.questions; at; at = at->next)
		if (!at->answered && (!key || strcmp(at->key, key) == 0))
			return at;
	return NULL;
}

int mcp_input_give(struct mcp_call *call, const char *key, cJSON *answer)
{
	struct mcp_question *question = call->input.waits ? find_unanswered(call, key) : NULL;
	int result = 0;

	if (!question)
		result = -ENOENT;
	else if (!is_valid(answer, question->input))
		result = -EINVAL;
	else if (!call->input.answers && !(call->input.answers = cJSON_CreateObject()))
		result = -ENOMEM;
	else if (!cJSON_AddItemToObject(call->input.answers, key, answer))
		result = -ENOMEM;
	if (result < 0) {
		cJSON_Delete(answer);
		return result;
	}
	question->answered = true;
	if (find_unanswered(call, NULL))
		return 0;
	forget_questions(call);
	call->input.waits = false;
	return 1;
}

void mcp_input_withdraw(struct mcp_call *call)
{
	struct mcp_peer *peer = call->request.origin.peer;
	struct mcp_delivery delivery = {.route = call->request.origin.route};
	struct json_writer writer;

	if (!call->input.waits || call->task)
		return;
	for (struct mcp_question *at = call->input.questions; at; at = at->next) {
		if (at->answered || !at->id ||
		    mcp_notification_begin(peer, NULL, "notifications/cancelled", &writer) < 0)
			continue;
		json_key_int(&writer, "requestId", at->id);
		json_object_end(&writer);
		json_object_end(&writer);
		if (writer.result == 0)
			mcp_send(peer, &delivery, &peer->caller->reply);
		at->answered = true;
	}
}

/* The call that waits for the response of this id, and its question. */
static struct mcp_call *find_asked(const struct mcp_peer *peer, unsigned id, struct mcp_question **question)
{
	for (struct mcp_request *at = peer->requests.all; at; at = at->next) {
		struct mcp_call *call = (struct mcp_call *)at;

		if (at->kind != MCP_REQUEST_CALL || !call->input.waits)
			continue;
		for (*question = call->input.questions; *question; *question = (*question)->next)
			if ((*question)->id == id && !(*question)->answered)
				return call;
	}
	return NULL;
}

static void fail(struct mcp_call *call, struct mcp_question *question, const char *why)
{
	struct err text;

	snprintf(text.text, sizeof text.text, "Error: the client was asked (%s), and answered: %.300s",
		 methods[question->input], why);
	question->answered = true;
	mcp_input_withdraw(call);
	mcp_call_fail(call, text.text, NULL);
}

void mcp_input_answered(struct mcp_incoming *incoming)
{
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(incoming->message.tree, "error");
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(incoming->message.tree, "id");
	const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));
	struct mcp_question *question;
	struct mcp_call *call;
	cJSON *result;

	if (!cJSON_IsNumber(id) || id->valuedouble < 1 || id->valuedouble > (double)UINT32_MAX)
		return;
	call = find_asked(incoming->origin.peer, (unsigned)id->valuedouble, &question);
	if (!call)
		return;
	result = cJSON_DetachItemFromObjectCaseSensitive(incoming->message.tree, "result");
	if (!result) {
		fail(call, question, message ? message : "an error");
		return;
	}
	switch (mcp_input_give(call, question->key, result)) {
	case 1:
		mcp_call_run(call);
		break;
	case -EINVAL:
		fail(call, question, "something that is no answer to that");
		break;
	case -ENOMEM:
		fail(call, question, "something that there is no memory for");
		break;
	default:
		break;
	}
}
