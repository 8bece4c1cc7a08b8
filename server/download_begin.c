/* SPDX-License-Identifier: Apache-2.0 */
/* How a download begins, and what its two executors are asked, in that order (download.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "server/command_parts.h"
#include "server/download_parts.h"

/* What the same caller has asked for already. */
static struct download *find_same(const struct call *call, const struct buffer *question)
{
	for (struct download *at = call->calls->downloads.first; at; at = at->next)
		if (at->caller == call->caller && !at->unwanted &&
		    buffer_length(&at->question) == buffer_length(question) &&
		    memcmp(buffer_data(&at->question), buffer_data(question), buffer_length(question)) == 0)
			return at;
	return NULL;
}

/* Is there room for one more? 0, or -errno with a sentence. */
static int check_bounds(const struct call *call, struct err *err)
{
	unsigned own = 0;

	for (const struct download *at = call->calls->downloads.first; at; at = at->next)
		own += at->caller == call->caller && at->phase != DOWNLOAD_ENDED;
	if (own < LIMIT_DOWNLOADS_CALLER && call->calls->downloads.running < LIMIT_DOWNLOADS)
		return 0;
	return err_set(err, -EBUSY,
		       "%u downloads are under way already, and no more than %u are at once%s; wait for one "
		       "of them (the same call again waits for its end)",
		       own < LIMIT_DOWNLOADS_CALLER ? call->calls->downloads.running : own,
		       own < LIMIT_DOWNLOADS_CALLER ? LIMIT_DOWNLOADS : LIMIT_DOWNLOADS_CALLER,
		       own < LIMIT_DOWNLOADS_CALLER ? " (of all callers)" : "");
}

/* A pipe whose ends make neither executor wait. 0 or -errno. Numbers of descriptors are given from below, so
 * the higher one tells how many are free: some must stay so (LIMIT_DOWNLOAD_FREE_FILES). */
static int make_pipe(const struct sandboxes *sandboxes, int ends[2])
{
	unsigned most = sandboxes->files + LIMIT_FRONTEND_FILES;
	int result = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	if ((unsigned)ends[1] + LIMIT_DOWNLOAD_FREE_FILES >= most)
		result = -EMFILE;
	else if (fcntl(ends[0], F_SETFL, O_NONBLOCK | O_RDONLY) < 0 ||
		 fcntl(ends[1], F_SETFL, O_NONBLOCK | O_WRONLY) < 0)
		result = -errno;
	if (result < 0) {
		close(ends[0]);
		close(ends[1]);
	}
	return result;
}

/* A part of the question as a request of its own. */
static int part(const struct download *download, size_t from, size_t to, struct buffer *payload)
{
	buffer_init(payload, LIMIT_FRAME_BYTES);
	return buffer_append(payload, buffer_data(&download->question) + from, to - from);
}

static int ask_files(struct download *download)
{
	struct buffer payload;
	int ends[2], result = make_pipe(download->calls->sandboxes, ends);

	if (result < 0)
		return result;
	download->outlet = ends[1];
	result = part(download, 0, download->receive_bytes, &payload);
	if (result < 0)
		close(ends[0]);
	else
		result = download_leg_ask(&download->files, FILES_RECEIVE, &payload, ends[0]);
	buffer_deinit(&payload);
	return result;
}

void download_fetch(struct download *download)
{
	struct loop *loop = download->calls->loop;
	struct buffer payload;
	int result = part(download, download->receive_bytes, buffer_length(&download->question), &payload);

	download->phase = DOWNLOAD_FETCHING;
	download->begun = download->moved = loop->now;
	if (result == 0)
		result =
			download_leg_ask(&download->web, WEB_DOWNLOAD, &payload, steal_fd(&download->outlet));
	buffer_deinit(&payload);
	if (result < 0)
		download_fail(download, "the web executor has too much to do at the moment; try again later");
}

void download_store(struct download *download)
{
	struct download_leg *files = &download->files;
	struct buffer payload;
	int result;

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	result = frame_put_u64(&payload, download->fetched.bytes);
	if (result == 0)
		result = channel_send(files->channel, FILES_RECEIVED, files->number, &payload);
	buffer_deinit(&payload);
	download->phase = DOWNLOAD_STORING;
	download->stored = result == 0;
	download->moved = download->calls->loop->now;
	download->calls->loop->again = true;
	if (result < 0)
		download_fail(download,
			      "the files executor has too much to do at the moment; try again later");
}

/* Takes `question`. NULL: no memory. */
static struct download *make(struct call *call, const struct download_arguments *arguments,
			     struct buffer *question, size_t receive_bytes)
{
	struct calls *calls = call->calls;
	struct download *download = calloc(1, sizeof *download);

	if (!download)
		return NULL;
	download_init(download, calls);
	download->caller = call->caller;
	download->question = *question;
	buffer_init(question, question->max);
	download->receive_bytes = receive_bytes;
	download->url = strdup(arguments->url);
	download->path = strdup(arguments->path);
	if (download->url && download->path &&
	    loop_timer_set(calls->loop, &download->stalled,
			   download->moved + LOOP_MS(LIMIT_DOWNLOAD_STALL_MS)) == 0)
		return download;
	download_free(download);
	return NULL;
}

static int begin(struct call *call, const struct download_arguments *arguments, struct buffer *question,
		 size_t receive_bytes, struct err *err)
{
	struct downloads *downloads = &call->calls->downloads;
	struct download *download;
	int result = check_bounds(call, err);

	if (result < 0)
		return result;
	download = make(call, arguments, question, receive_bytes);
	if (!download)
		return err_set(err, -ENOMEM, "out of memory, try again");
	result = ask_files(download);
	if (result < 0) {
		download_free(download);
		return result == -ENOBUFS
			       ? err_set(err, result,
					 "the files executor has too much to do at the moment; try "
					 "again later")
			       : err_set(err, result,
					 "the download was not started: no pipe could be made "
					 "(%s). Try again when other calls have ended",
					 err_name(result));
	}
	download->next = downloads->first;
	downloads->first = download;
	downloads->running++;
	download_listen(download, call);
	return 0;
}

void download_begin(struct call *call, const void *from)
{
	_cleanup_(buffer_deinit) struct buffer question = {.max = LIMIT_FRAME_BYTES},
					       fetch = {.max = LIMIT_FRAME_BYTES};
	const struct download_arguments *arguments = from;
	struct download *download;
	struct err err = {0};
	size_t receive_bytes;
	int result = download_pack(arguments, &call->context, &question, &fetch, &err);

	receive_bytes = buffer_length(&question);
	if (result == 0)
		result = buffer_append(&question, buffer_data(&fetch), buffer_length(&fetch));
	if (result == 0)
		result = loop_timer_set(call->calls->loop, &call->deadline,
					call->begun + LOOP_MS(call->context.answer_within_ms));
	download = result == 0 ? find_same(call, &question) : NULL;
	if (download && download->phase == DOWNLOAD_ENDED) {
		download->unwanted = true;
		download_answer(download, call);
		download_settle(download);
		return;
	}
	if (download)
		download_listen(download, call);
	else if (result == 0)
		result = begin(call, arguments, &question, receive_bytes, &err);
	if (result < 0) {
		result_fail(&call->result, "%s", err.text[0] ? err.text : "out of memory, try again");
		call->mcp = NULL;
		call_release(call);
	}
}
