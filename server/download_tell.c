/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that listen to a download, and what they are told. */
#include <errno.h>
#include <stdio.h>

#include "protocol/cleanup.h"
#include "server/download_parts.h"
#include "tools/reply.h"

void download_listen(struct download *download, struct call *call)
{
	call->download = download;
	call->next_listener = download->listeners;
	download->listeners = call;
}

void download_forget_listener(struct download *download, struct call *call)
{
	struct call **at = &download->listeners;

	while (*at != call)
		at = &(*at)->next_listener;
	*at = call->next_listener;
	call->download = NULL;
}

/* ---- how far it is ---- */

static void measure(const struct download *download, struct download_progress *progress)
{
	uint64_t ms = (download->calls->loop->now - download->begun) / LOOP_MS(1);

	*progress = (struct download_progress){.url = download->url,
					       .path = download->path,
					       .bytes = download->bytes,
					       .total = download->total,
					       .storing = download->phase == DOWNLOAD_STORING};
	if (download->total < download->bytes)
		progress->total = 0; /* it was said wrongly */
	if (download->begun && ms)
		progress->rate = download->bytes / ms * 1000 + download->bytes % ms * 1000 / ms;
}

void download_tell_progress(struct download *download)
{
	uint64_t now = download->calls->loop->now;
	_cleanup_(buffer_deinit) struct buffer line = {.max = LIMIT_FRAME_BYTES};
	struct download_progress progress;

	measure(download, &progress);
	for (struct call *at = download->listeners; at; at = at->next_listener) {
		if (!at->mcp || !mcp_call_wants_progress(at->mcp) ||
		    (at->told && now - at->told < LOOP_MS(LIMIT_PROGRESS_MS)))
			continue;
		at->told = now;
		if (buffer_length(&line) == 0 && download_write_line(&progress, &line) < 0)
			return;
		mcp_call_progress_of(at->mcp, (double)progress.bytes, (double)progress.total,
				     buffer_data(&line), buffer_length(&line));
	}
}

/* ---- answers ---- */

/* Ends with the answer sent, whatever came of writing it. */
static void finish(struct call *call, int code)
{
	if (code < 0)
		result_fail(&call->result, "the answer could not be built: out of memory, try again");
	else
		result_finish(&call->result);
	call->mcp = NULL;
	call_release(call);
}

void download_late(struct call *call)
{
	struct download *download = call->download;
	struct download_progress progress;

	measure(download, &progress);
	download_forget_listener(download, call);
	finish(call, download_write_running(&call->result, &progress));
}

/* Which of the two refused it: the rule alone may not tell. */
static void deny(const struct download *download, struct call *call)
{
	struct denial denial;

	if (denial_decode(&denial, buffer_data(&download->words), buffer_length(&download->words)) < 0) {
		result_fail(&call->result, "a rule refused it, and there was no memory to say which");
		return;
	}
	snprintf(denial.sentence, sizeof denial.sentence, "the download's %s: %s %.400s",
		 download->of_web ? "url" : "path", denial.operation, denial.target);
	result_deny(&call->result, &denial);
}

void download_answer(struct download *download, struct call *call)
{
	if (download->verdict == REPLY_RESULT && call->mcp) {
		finish(call, download_write_done(&call->result, &download->fetched, &download->received));
		return;
	}
	if (call->mcp && download->verdict == REPLY_DENIED)
		deny(download, call);
	else if (call->mcp && buffer_length(&download->words) == 0)
		result_fail(&call->result, "the download failed, and there was no memory to say why");
	else if (call->mcp)
		result_fail(&call->result, "%.*s", (int)buffer_length(&download->words),
			    (const char *)buffer_data(&download->words));
	call->mcp = NULL;
	call_release(call);
}

void download_answer_all(struct download *download)
{
	while (download->listeners) {
		struct call *call = download->listeners;

		download_forget_listener(download, call);
		download_answer(download, call);
	}
}

void download_refuse_all(struct download *download, const char *name,
			 const struct supervisor_failure *failure)
{
	while (download->listeners) {
		struct call *call = download->listeners;

		download_forget_listener(download, call);
		call_refuse(call, name, failure);
		call_release(call);
		download->unwanted = true;
	}
}
