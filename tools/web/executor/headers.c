/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of an answer say, once all of them are there. They are as hostile as what follows them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/clock.h"
#include "tools/web/executor/web.h"

const char *transfer_header(const struct load *load, const char *name)
{
	struct curl_header *header;

	if (!load->easy || curl_easy_header(load->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return header->value;
}

const char *transfer_location(const struct load *load)
{
	long status = load->status;

	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308
		       ? transfer_header(load, "Location")
		       : NULL;
}

/* 0: not known. What is no number curl does not take for one either, and reads until the connection ends. */
static uint64_t read_length(const char *text)
{
	size_t digits = text ? strspn(text, "0123456789") : 0;

	return digits && digits < sizeof "9223372036854775807" && !text[digits] ? strtoull(text, NULL, 10)
										: 0;
}

bool transfer_lengths_differ(const struct load *load)
{
	struct curl_header *header;
	const char *first = NULL;
	size_t count = 1;

	for (size_t i = 0; i < count; i++) {
		if (curl_easy_header(load->easy, "Content-Length", i, CURLH_HEADER, -1, &header) != CURLHE_OK)
			return false;
		if (first && strcmp(first, header->value) != 0)
			return true;
		first = header->value;
		count = header->amount;
	}
	return false;
}

void transfer_read_headers(struct load *load)
{
	const char *type = transfer_header(load, "Content-Type"),
		   *length = transfer_header(load, "Content-Length");
	const struct freshness_headers headers = {.cache_control = transfer_header(load, "Cache-Control"),
						  .expires = transfer_header(load, "Expires"),
						  .date = transfer_header(load, "Date"),
						  .age = transfer_header(load, "Age"),
						  .vary = transfer_header(load, "Vary"),
						  .etag = transfer_header(load, "ETag"),
						  .last_modified = transfer_header(load, "Last-Modified")};

	if (strcmp(load->method, "HEAD") == 0)
		type = "text/plain"; /* the headers are what is shown */
	snprintf(load->type, sizeof load->type, "%s", type ? type : "");
	for (char *at = load->type; *at; at++)
		if (iscntrl((unsigned char)*at) || (unsigned char)*at >= 0x80) /* it is shown, and is ASCII */
			*at = ' ';
	load->expected = transfer_header(load, "Content-Encoding") ? 0 : read_length(length);
	if (load->kind == LOAD_PAGE && load->expected <= LIMIT_WEB_KEPT_BODY_BYTES) /* no copies, no holes */
		(void)buffer_reserve(&load->body, load->expected);
	load->window_begun = clock_ms();
	load->window_bytes = load->received;
	freshness_read(&load->freshness, &headers, load->window_begun);
	if (load->status >= 300 && load->status != 304) /* a failure is asked about anew */
		load->freshness.until = 0;
	if (strcmp(load->request.method, "GET") != 0)
		load->freshness = (struct freshness){0};
}
