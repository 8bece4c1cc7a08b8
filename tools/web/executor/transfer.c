/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One hop by libcurl. It is given a connected socket and an address it can read without asking anybody, so
 * that it never resolves and never opens a socket; no proxy, no cookies, no netrc, no redirects of its own,
 * no connection used twice. Everything the server sends is bounded here: headers, and the body after
 * decompression.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "config.h"
#include "protocol/cleanup.h"
#include "tools/web/executor/web.h"

/* Stands for whatever the broker connected to: curl wants to have an address (RFC 5737). */
#define CONNECT_TO "::192.0.2.1:"

static curl_socket_t take_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct fetch *fetch = context;

	(void)address;
	if (purpose != CURLSOCKTYPE_IPCXN || fetch->socket < 0)
		return CURL_SOCKET_BAD;
	return steal_fd(&fetch->socket);
}

static int already_connected(void *context, curl_socket_t socket, curlsocktype purpose)
{
	(void)context;
	(void)socket;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

/* The value of header `name` in `line`, trimmed; false if it is another header or does not fit. */
static bool header_value(const char *line, size_t length, const char *name, char *value, size_t size)
{
	size_t name_length = strlen(name), begin = name_length + 1, end = length;

	if (length <= name_length || line[name_length] != ':' || strncasecmp(line, name, name_length) != 0)
		return false;
	while (begin < end && isspace((unsigned char)line[begin]))
		begin++;
	while (end > begin && isspace((unsigned char)line[end - 1]))
		end--;
	if (end - begin >= size || memchr(line + begin, '\0', end - begin))
		return false;
	memcpy(value, line + begin, end - begin);
	value[end - begin] = '\0';
	return true;
}

static size_t take_header(char *line, size_t one, size_t length, void *context)
{
	struct fetch *fetch = context;
	char location[LIMIT_URL_BYTES];

	(void)one;
	fetch->header_bytes += length;
	if (fetch->header_bytes > LIMIT_WEB_HEADER_BYTES)
		return 0;
	if (fetch->headers_done) /* trailers: nothing is decided by what comes after the body */
		return length;
	if (length > 5 && strncmp(line, "HTTP/", 5) == 0) { /* also after an interim answer (1xx) */
		fetch->status = 0;
		fetch->type[0] = '\0';
		free(steal_pointer(fetch->location));
	} else if (header_value(line, length, "Location", location, sizeof location)) {
		if (!fetch->location && !(fetch->location = strdup(location))) /* the first, as browsers do */
			return 0;
	} else if (length <= 2 && line[0] == (length == 2 ? '\r' : '\n')) {
		curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &fetch->status);
		fetch->headers_done = fetch->status >= 200;
		if (transfer_redirects(fetch)) /* its body is nobody's business */
			return 0;
	} else {
		header_value(line, length, "Content-Type", fetch->type, sizeof fetch->type);
	}
	return length;
}

static size_t take_body(char *bytes, size_t one, size_t length, void *context)
{
	struct fetch *fetch = context;
	size_t room = LIMIT_WEB_BODY_BYTES - buffer_length(&fetch->body),
	       fits = length < room ? length : room;

	(void)one;
	if (fetch->web->body_bytes + fits > LIMIT_WEB_BODIES_BYTES) {
		fetch->too_much = true;
		return 0;
	}
	if (buffer_append(&fetch->body, bytes, fits) < 0)
		return 0;
	fetch->web->body_bytes += fits;
	fetch->too_large = fits < length;
	return fits == length || length == 0 ? length : 0;
}

bool transfer_redirects(const struct fetch *fetch)
{
	long status = fetch->status;

	return fetch->location &&
	       (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

/* curl asks what to verify the server by. Without certificates nothing can be: the transfer fails before its
 * handshake. */
static CURLcode give_certificates(CURL *easy, void *ssl_context, void *context)
{
	struct fetch *fetch = context;

	(void)easy;
	return certificates_use(&fetch->web->certificates, ssl_context) ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/* Sticky: the first option that curl refuses is the answer. */
static CURLcode set_options(struct fetch *fetch)
{
	CURL *easy = fetch->easy;
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                                   \
	do {                                                                                                 \
		if (code == CURLE_OK)                                                                        \
			code = curl_easy_setopt(easy, option, value);                                        \
	} while (0)
	SET(CURLOPT_URL, fetch->url.text);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_CONNECT_TO, fetch->connect_to);
	SET(CURLOPT_OPENSOCKETFUNCTION, take_socket);
	SET(CURLOPT_OPENSOCKETDATA, fetch);
	SET(CURLOPT_SOCKOPTFUNCTION, already_connected);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_TCP_NODELAY, 0L); /* the broker has set it */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USERAGENT, "sallyport/" SALLYPORT_VERSION);
	SET(CURLOPT_ACCEPT_ENCODING, ""); /* all that this libcurl can undo */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSL_CTX_FUNCTION, give_certificates);
	SET(CURLOPT_SSL_CTX_DATA, fetch);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long)LIMIT_WEB_IDLE_MS / 1000);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, fetch);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, fetch);
	SET(CURLOPT_ERRORBUFFER, fetch->error);
	SET(CURLOPT_PRIVATE, fetch);
#undef SET
	return code;
}

int transfer_begin(struct fetch *fetch)
{
	fetch->header_bytes = 0;
	fetch->status = 0;
	fetch->type[0] = fetch->error[0] = '\0';
	free(steal_pointer(fetch->location));
	fetch->headers_done = false;
	fetch->connect_to = curl_slist_append(NULL, CONNECT_TO);
	fetch->easy = curl_easy_init();
	if (!fetch->easy || !fetch->connect_to || set_options(fetch) != CURLE_OK ||
	    curl_multi_add_handle(fetch->web->multi, fetch->easy) != CURLM_OK) {
		transfer_end(fetch);
		return -ENOMEM;
	}
	return 0;
}

void transfer_end(struct fetch *fetch)
{
	if (fetch->easy) {
		curl_multi_remove_handle(fetch->web->multi, fetch->easy);
		curl_easy_cleanup(fetch->easy);
	}
	curl_slist_free_all(fetch->connect_to);
	fetch->easy = NULL;
	fetch->connect_to = NULL;
	close_fd(&fetch->socket);
}

void transfer_words(const struct fetch *fetch, CURLcode code, char *words, size_t size)
{
	const char *detail = fetch->error[0] ? fetch->error : curl_easy_strerror(code);

	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		snprintf(words, size, "its TLS certificate is not accepted: %s", detail);
		break;
	case CURLE_SSL_CACERT_BADFILE:
		snprintf(words, size,
			 "there are no certificates here to check it by (Debian: install ca-certificates)");
		break;
	case CURLE_SSL_CONNECT_ERROR:
		snprintf(words, size, "the TLS handshake failed: %s", detail);
		break;
	case CURLE_GOT_NOTHING:
		snprintf(words, size, "it closed the connection without an answer");
		break;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		snprintf(words, size, "the connection broke: %s", detail);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(words, size, "nothing came for %u s", LIMIT_WEB_IDLE_MS / 1000);
		break;
	case CURLE_BAD_CONTENT_ENCODING:
		snprintf(words, size, "its compressed body is broken: %s", detail);
		break;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		snprintf(words, size, "what it sent is not HTTP: %s", detail);
		break;
	default:
		if (fetch->header_bytes > LIMIT_WEB_HEADER_BYTES)
			snprintf(words, size, "its headers are larger than %u bytes", LIMIT_WEB_HEADER_BYTES);
		else
			snprintf(words, size, "%s", detail);
		break;
	}
}
