/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line for each request (request_log.h). Method and tool are the client's own texts: whatever could end a
 * line, a word or a string, or tell a terminal what to do, becomes a question mark.
 */
#include "server/request_log.h"

#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "server/log.h"

#define WORD_BYTES 129 /* what is longer is cut */

static const char *clean(char to[WORD_BYTES], const char *text)
{
	size_t length = 0;

	for (; text[length] && length < WORD_BYTES - 1; length++)
		to[length] = text[length] > ' ' && text[length] < 0x7f && !strchr("\"\\=", text[length])
				     ? text[length]
				     : '?';
	to[length] = '\0';
	return to;
}

/* A path that is ours; what else somebody asked for is his own text, and may hold anything. */
static const char *known_path(const char *path)
{
	static const char *const ours[] = {"/mcp", "/metrics", "/healthz", "/readyz"};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (strcmp(ours[i], path) == 0)
			return path;
	return "other";
}

void request_log(const struct http_record *record)
{
	const struct {
		const char *name, *text;
	} words[] = {
		{"id", record->id},         {"caller", record->caller},
		{"http", record->verb},     {"path", known_path(record->path)},
		{"method", record->method}, {"tool", record->tool},
	};
	char word[WORD_BYTES], status[16] = "", number[32];
	struct log_fields fields;

	log_fields_begin(&fields);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].text && words[i].text[0])
			log_fields_text(&fields, words[i].name, clean(word, words[i].text));
	snprintf(status, sizeof status, "%u", record->status);
	if (record->status)
		log_fields_number(&fields, "status", status);
	else
		log_fields_text(&fields, "status", "none");
	snprintf(number, sizeof number, "%llu.%03llu", (unsigned long long)(record->nanoseconds / 1000000),
		 (unsigned long long)(record->nanoseconds / 1000 % 1000));
	log_fields_number(&fields, "ms", number);
	snprintf(number, sizeof number, "%llu", (unsigned long long)record->bytes_in);
	log_fields_number(&fields, "in", number);
	snprintf(number, sizeof number, "%llu", (unsigned long long)record->bytes_out);
	log_fields_number(&fields, "out", number);
	log_fields_end(&fields);
}
