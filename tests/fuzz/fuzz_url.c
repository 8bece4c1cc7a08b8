/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The URL check: whatever goes in, what comes out is in its one spelling (checking it again changes nothing),
 * has a host that the broker accepts, and libcurl reads the same host and port out of it.
 */
#include <curl/curl.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tools/web/url.h"

static void check_outcome(const struct url *url)
{
	char host[HOST_TEXT_BYTES + 2], port[8];
	struct url again;
	CURLU *theirs = curl_url();
	char *part = NULL;

	FUZZ_CHECK(host_is_normal(url->host) && url->port);
	FUZZ_CHECK(url_check(&again, url->text, strlen(url->text), NULL) == 0);
	FUZZ_CHECK(strcmp(again.text, url->text) == 0 && strcmp(again.host, url->host) == 0 &&
		   again.port == url->port && again.https == url->https);
	FUZZ_CHECK(theirs && curl_url_set(theirs, CURLUPART_URL, url->text, 0) == CURLUE_OK);
	FUZZ_CHECK(curl_url_get(theirs, CURLUPART_HOST, &part, 0) == CURLUE_OK);
	snprintf(host, sizeof host, strchr(url->host, ':') ? "[%s]" : "%s", url->host);
	FUZZ_CHECK(strcmp(part, host) == 0);
	curl_free(part);
	FUZZ_CHECK(curl_url_get(theirs, CURLUPART_PORT, &part, CURLU_DEFAULT_PORT) == CURLUE_OK);
	snprintf(port, sizeof port, "%u", url->port);
	FUZZ_CHECK(strcmp(part, port) == 0);
	curl_free(part);
	FUZZ_CHECK(curl_url_get(theirs, CURLUPART_USER, &part, 0) == CURLUE_NO_USER);
	curl_url_cleanup(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char base_text[] = "http://a.example:81/b/c?d";
	struct url url, base;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (url_check(&url, text, size, NULL) == 0)
		check_outcome(&url);
	FUZZ_CHECK(url_check(&base, base_text, sizeof base_text - 1, NULL) == 0);
	if (url_resolve(&url, &base, text, NULL) == 0)
		check_outcome(&url);
	free(text);
	return 0;
}
