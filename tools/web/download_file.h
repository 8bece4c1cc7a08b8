/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_DOWNLOAD_FILE_H
#define SALLYPORT_TOOLS_WEB_DOWNLOAD_FILE_H

/*
 * download_file: what it takes, what it asks of the web executor and of the files executor, and what it
 * answers. How a download lives is server/download's business.
 */

#include "tools/files/wire.h"
#include "tools/tool.h"
#include "tools/web/wire.h"

struct download_arguments {
	const char *url, *path, *expected_sha256;
	bool overwrite;
};

extern const struct tool download_file_tool;

/* Payloads of FILES_RECEIVE and WEB_DOWNLOAD. 0, or -errno with a sentence for the model. */
int download_pack(const struct download_arguments *arguments, const struct tool_context *context,
		  struct buffer *receive, struct buffer *fetch, struct err *err);

/* RESULT of WEB_DOWNLOAD. */
struct download_fetched {
	char url[LIMIT_URL_BYTES], type[WEB_MEDIA_TYPE_BYTES];
	uint32_t status, redirects, resumed;
	uint64_t bytes;
};

/* RESULT of FILES_RECEIVE. */
struct download_received {
	char path[LIMIT_PATH_BYTES];
	uint8_t sha256[FILES_SHA256_BYTES];
	uint32_t outcome, links;
	uint64_t bytes;
};

/* 0 or -EPROTO. */
int download_read_fetched(struct download_fetched *fetched, const void *payload, size_t length);
int download_read_received(struct download_received *received, const void *payload, size_t length);

/* How far it is. */
struct download_progress {
	const char *url, *path; /* as they were asked for */
	uint64_t bytes, total;  /* total 0: not known */
	uint64_t rate;          /* bytes a second */
	bool storing;           /* all has come, and goes to the disk */
};

/* "1234567 of 9876543 bytes (12 %) · 1.2 MB/s". 0 or -errno. */
int download_write_line(const struct download_progress *progress, struct buffer *line);

/* The results of a call, without finishing them. 0 or -errno. */
int download_write_running(struct tool_result *result, const struct download_progress *progress);
int download_write_done(struct tool_result *result, const struct download_fetched *fetched,
			const struct download_received *received);

#endif
