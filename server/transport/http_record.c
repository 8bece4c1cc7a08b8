/* SPDX-License-Identifier: Apache-2.0 */
/* A request's name, which its answer and its line in the log bear, and what is told of it in the end. */
#include <stdio.h>
#include <string.h>

#include "server/transport/http_exchange.h"

static bool is_harmless(const char *id)
{
	size_t length = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:");

	return length > 0 && length <= LIMIT_REQUEST_ID_BYTES && id[length] == '\0';
}

/* Each number once, in an order that looks like none (the finaliser of SplitMix64): ids of replicas and of
 * the next start are others. They are names and no secrets. */
static uint64_t scatter(uint64_t number)
{
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

void exchange_name(struct exchange *exchange)
{
	const char *said = exchange->head[HEAD_REQUEST];

	if (said && is_harmless(said))
		snprintf(exchange->id, sizeof exchange->id, "%s", said);
	else
		snprintf(exchange->id, sizeof exchange->id, "%016llx",
			 (unsigned long long)scatter(exchange->http->next_id++));
}

void exchange_record(const struct exchange *exchange)
{
	const struct http_host *host = &exchange->http->host;
	const struct http_record record = {.id = exchange->id,
					   .caller = exchange->caller ? exchange->caller->name : NULL,
					   .verb = exchange->verb,
					   .path = exchange->path,
					   .method = exchange->heard.method,
					   .tool = exchange->heard.tool,
					   .status = exchange->answered,
					   .nanoseconds = loop_clock() - exchange->begun,
					   .bytes_in = exchange->bytes_in,
					   .bytes_out = exchange->bytes_out};

	if (host->record)
		host->record(host->context, &record);
}
