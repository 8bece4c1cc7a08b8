/* SPDX-License-Identifier: Apache-2.0 */
/* Cache headers (freshness.h). */
#include "tools/web/executor/freshness.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The directive `name` in a Cache-Control value: -1 it is not there, else its number (0 without one). */
static int64_t directive(const char *value, const char *name)
{
	size_t length = strlen(name);

	while (value && *value) {
		size_t item = strcspn(value, ",");
		const char *at = value + strspn(value, " \t");

		if ((size_t)(value + item - at) >= length && strncasecmp(at, name, length) == 0 &&
		    (at + length == value + item || strchr("= \t", at[length]))) {
			const char *number = at + length + strspn(at + length, "= \t\"");

			return isdigit((unsigned char)*number) ? strtoll(number, NULL, 10) : 0;
		}
		value += item + (value[item] == ',');
	}
	return -1;
}

static int64_t seconds_of(const char *date)
{
	return date ? (int64_t)curl_getdate(date, NULL) : -1;
}

void freshness_read(struct freshness *freshness, const struct freshness_headers *headers, uint64_t now)
{
	int64_t age = headers->age ? strtoll(headers->age, NULL, 10) : 0, seconds;

	*freshness = (struct freshness){.until = now};
	if (directive(headers->cache_control, "no-store") >= 0)
		return;
	if (headers->etag && strlen(headers->etag) < sizeof freshness->etag)
		snprintf(freshness->etag, sizeof freshness->etag, "%s", headers->etag);
	if (headers->last_modified && strlen(headers->last_modified) < sizeof freshness->last_modified)
		snprintf(freshness->last_modified, sizeof freshness->last_modified, "%s",
			 headers->last_modified);
	if (directive(headers->cache_control, "no-cache") >= 0 ||
	    (headers->vary && strchr(headers->vary, '*')))
		return;
	seconds = directive(headers->cache_control, "max-age");
	if (seconds < 0 && headers->expires) {
		int64_t expires = seconds_of(headers->expires), date = seconds_of(headers->date);

		seconds = expires >= 0 && date >= 0 ? expires - date : 0;
	}
	seconds -= age > 0 ? age : 0;
	if (seconds > LIMIT_WEB_FRESH_S)
		seconds = LIMIT_WEB_FRESH_S;
	if (seconds > 0)
		freshness->until = now + (uint64_t)seconds * 1000;
}

int64_t freshness_retry_after(const char *value, int64_t seconds)
{
	int64_t date;

	if (!value)
		return -1;
	if (isdigit((unsigned char)*value)) {
		long long number = strtoll(value, NULL, 10);

		return number > LIMIT_WEB_FRESH_S ? LIMIT_WEB_FRESH_S * 1000ll : number * 1000;
	}
	date = seconds_of(value);
	if (date < 0)
		return -1;
	return date > seconds ? (date - seconds) * 1000 : 0;
}
