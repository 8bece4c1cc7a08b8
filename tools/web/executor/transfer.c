/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One hop by libcurl. It is given a connected socket and an address it can read without asking anybody, so
 * that it never resolves and never opens a socket; no proxy, no netrc, no redirects of its own,
 * no connection used twice. Everything the server sends is bounded here: headers, and the body after
 * decompression.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "tools/web/executor/web.h"

/* Stands for whatever the broker connected to: curl wants to have an address (RFC 5737). */
#define CONNECT_TO "::192.0.2.1:"

static curl_socket_t take_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct load *load = context;

	(void)address;
	if (purpose != CURLSOCKTYPE_IPCXN || load->socket < 0)
		return CURL_SOCKET_BAD;
	return steal_fd(&load->socket);
}

static int already_connected(void *context, curl_socket_t socket, curlsocktype purpose)
{
	(void)context;
	(void)socket;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

/* What a HEAD is asked for. */
static int collect_header(struct load *load, const char *line, size_t length)
{
	if (length > 5 && strncmp(line, "HTTP/", 5) == 0) { /* what came before was an interim answer's */
		load->web->body_bytes -= buffer_length(&load->body);
		buffer_clear(&load->body, 0);
	}
	load->web->body_bytes += length;
	return buffer_append(&load->body, line, length);
}

static size_t take_header(char *line, size_t one, size_t length, void *context)
{
	struct load *load = context;

	(void)one;
	load->header_bytes += length;
	if (load->header_bytes > LIMIT_WEB_HEADER_BYTES)
		return 0;
	if (strcmp(load->method, "HEAD") == 0 && !load->headers_done &&
	    collect_header(load, line, length) < 0)
		return 0;
	/* after the body come trailers: nothing is decided by those */
	if (load->headers_done || length > 2 || line[0] != (length == 2 ? '\r' : '\n'))
		return length;
	curl_easy_getinfo(load->easy, CURLINFO_RESPONSE_CODE, &load->status);
	load->headers_done = load->status >= 200;
	if (!load->headers_done)
		return length;
	if (transfer_location(load)) /* its body is nobody's business */
		return 0;
	if (transfer_lengths_differ(load)) {
		load->stop = EPROTO;
		snprintf(load->broke, sizeof load->broke, "its headers give two different lengths");
		return 0;
	}
	transfer_read_headers(load);
	return load->kind == LOAD_DOWNLOAD && !download_follows(load) ? 0 : length;
}

static size_t take_body(char *bytes, size_t one, size_t length, void *context)
{
	struct load *load = context;
	size_t most = load->kind == LOAD_ROBOTS ? LIMIT_ROBOTS_BYTES : LIMIT_WEB_BODY_BYTES,
	       room = most - buffer_length(&load->body), fits = length < room ? length : room;

	(void)one;
	if (load->kind == LOAD_DOWNLOAD)
		return download_take(load, bytes, length);
	load->received += length;
	/* large ones do not keep small ones from coming: each has its share in any case */
	if (load->web->body_bytes + fits > LIMIT_WEB_BODIES_BYTES &&
	    buffer_length(&load->body) + fits > LIMIT_WEB_BODIES_BYTES / LIMIT_WEB_FETCHES) {
		load->too_much = true;
		return 0;
	}
	if (buffer_append(&load->body, bytes, fits) < 0)
		return 0;
	load->web->body_bytes += fits;
	load->too_large = fits < length;
	return fits == length || length == 0 ? length : 0;
}

/* curl asks what to verify the server by. Without certificates nothing can be: the transfer fails before its
 * handshake. */
static CURLcode give_certificates(CURL *easy, void *ssl_context, void *context)
{
	struct load *load = context;

	(void)easy;
	return certificates_use(&load->web->certificates, ssl_context) ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/* A line more; NULL, and the list freed, without memory (for the line either). */
static struct curl_slist *append(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = list && line ? curl_slist_append(list, line) : NULL;

	if (!longer)
		curl_slist_free_all(list);
	return longer;
}

static bool carries_body(const struct load *load)
{
	return load->carries && load->request.body_length && strcmp(load->method, "GET") != 0 &&
	       strcmp(load->method, "HEAD") != 0;
}

static CURLcode set_method(struct load *load)
{
	CURLcode code = CURLE_OK;
	bool has_body = carries_body(load);

	if (strcmp(load->method, "HEAD") == 0)
		return curl_easy_setopt(load->easy, CURLOPT_NOBODY, 1L);
	if (has_body || strcmp(load->method, "POST") == 0) {
		code = curl_easy_setopt(load->easy, CURLOPT_POSTFIELDSIZE_LARGE,
					(curl_off_t)(has_body ? load->request.body_length : 0));
		if (code == CURLE_OK)
			code = curl_easy_setopt(load->easy, CURLOPT_POSTFIELDS,
						has_body ? load->request.body : "");
	}
	if (code == CURLE_OK && strcmp(load->method, "GET") != 0)
		code = curl_easy_setopt(load->easy, CURLOPT_CUSTOMREQUEST, load->method);
	return code;
}

/* Sticky: the first option that curl refuses is the answer. */
static CURLcode set_options(struct load *load)
{
	const char *agent = load->web->plan->user_agent;
	CURL *easy = load->easy;
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                                   \
	do {                                                                                                 \
		if (code == CURLE_OK)                                                                        \
			code = curl_easy_setopt(easy, option, value);                                        \
	} while (0)
	SET(CURLOPT_URL, load->url.text);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_CONNECT_TO, load->connect_to);
	SET(CURLOPT_OPENSOCKETFUNCTION, take_socket);
	SET(CURLOPT_OPENSOCKETDATA, load);
	SET(CURLOPT_SOCKOPTFUNCTION, already_connected);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_TCP_NODELAY, 0L); /* the broker has set it */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USERAGENT, agent ? agent : "sallyport/" SALLYPORT_VERSION);
	/* all that this libcurl can undo; of a file the bytes as they are */
	SET(CURLOPT_ACCEPT_ENCODING, load->kind == LOAD_DOWNLOAD ? NULL : "");
	SET(CURLOPT_HTTPHEADER, load->header_lines);
	SET(CURLOPT_COOKIEFILE, ""); /* no file: cookies, but in memory */
	SET(CURLOPT_SHARE, load->cookies);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSL_CTX_FUNCTION, give_certificates);
	SET(CURLOPT_SSL_CTX_DATA, load);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, load);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, load);
	SET(CURLOPT_ERRORBUFFER, load->error);
	SET(CURLOPT_PRIVATE, load);
#undef SET
	return code == CURLE_OK ? set_method(load) : code;
}

/* What policy adds for this very hop, beside what anybody may know. */
static struct curl_slist *append_injected(struct load *load, struct curl_slist *list)
{
	struct inject inject;
	size_t at = 0;

	while (injects_next(load->web->injects, &at, load->url.https, load->url.host, load->url.port,
			    &inject)) {
		size_t size = strlen(inject.header) + strlen(inject.value) + 3;
		char *line = malloc(size);

		load->secret = true;
		if (line)
			snprintf(line, size, "%s: %s", inject.header, inject.value);
		list = append(list, line);
		if (line)
			explicit_bzero(line, size);
		free(line);
	}
	return list;
}

/* The model's headers, as far as they go with this hop, and ours. NULL: no memory. */
static struct curl_slist *make_headers(struct load *load)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* curl's own, which only costs time */
	const char *line = load->carries ? load->request.headers : "";
	struct load *kept = load->kind == LOAD_PAGE ? keep_find(load->web, &load->request) : NULL;
	bool accepts = load->kind != LOAD_PAGE;
	char text[LIMIT_WEB_VALIDATOR_BYTES + 32];

	while (*line) {
		_cleanup_free_ char *one = strndup(line, strcspn(line, "\n"));

		if (carries_body(load) || strncasecmp(line, "Content-", 8) != 0) /* that is about a body */
			list = append(list, one);
		accepts = accepts || strncasecmp(line, "Accept:", 7) == 0;
		line += strcspn(line, "\n") + 1;
	}
	list = append_injected(load, list);
	if (!accepts)
		list = append(list, "Accept: text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, "
				    "application/json;q=0.9, text/plain;q=0.8, */*;q=0.5");
	if (load->kind == LOAD_DOWNLOAD)
		list = download_headers(load, list);
	if (kept && strcmp(kept->url.text, load->url.text) == 0) {
		load->conditional = kept->freshness.etag[0] || kept->freshness.last_modified[0];
		if (kept->freshness.etag[0]) {
			snprintf(text, sizeof text, "If-None-Match: %s", kept->freshness.etag);
			list = append(list, text);
		}
		if (kept->freshness.last_modified[0]) {
			snprintf(text, sizeof text, "If-Modified-Since: %s", kept->freshness.last_modified);
			list = append(list, text);
		}
	}
	return list;
}

int transfer_begin(struct load *load)
{
	load->header_bytes = 0;
	load->status = 0;
	load->expected = load->received = 0;
	load->type[0] = load->error[0] = '\0';
	load->headers_done = load->too_large = load->paused = load->conditional = false;
	load->connect_to = curl_slist_append(NULL, CONNECT_TO);
	load->header_lines = make_headers(load);
	load->easy = curl_easy_init();
	if (!load->cookies && (load->cookies = curl_share_init()))
		curl_share_setopt(load->cookies, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
	if (!load->easy || !load->cookies || !load->connect_to || !load->header_lines ||
	    set_options(load) != CURLE_OK ||
	    curl_multi_add_handle(load->web->multi, load->easy) != CURLM_OK) {
		transfer_end(load);
		return -ENOMEM;
	}
	load->added = true;
	return 0;
}

void transfer_end(struct load *load)
{
	if (load->added)
		curl_multi_remove_handle(load->web->multi, load->easy);
	curl_easy_cleanup(load->easy);
	load->easy = NULL;
	load->added = false;
	curl_slist_free_all(load->connect_to);
	curl_slist_free_all(load->header_lines);
	load->connect_to = load->header_lines = NULL;
	close_fd(&load->socket);
	if (load->state == LOAD_CONNECTING || load->state == LOAD_TRANSFERRING) {
		load->web->connected -= load->weight;
		load->state = LOAD_WAITING; /* whoever calls says what it is now */
	}
}

/* Alerts are told by OpenSSL's names for them, and this one deserves a sentence. */
static bool is_old_tls(const char *detail)
{
	return strstr(detail, "protocol version") || strstr(detail, "unsupported protocol");
}

void transfer_words(const struct load *load, CURLcode code, char *words, size_t size)
{
	const char *detail = load->error[0] ? load->error : curl_easy_strerror(code);

	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		snprintf(words, size, "its TLS certificate is not accepted: %s", detail);
		break;
	case CURLE_SSL_CACERT_BADFILE:
		snprintf(words, size,
			 "there are no certificates here to check it by (Debian: install ca-certificates)");
		break;
	case CURLE_SSL_CONNECT_ERROR:
		snprintf(words, size, "the TLS handshake failed: %s%s",
			 is_old_tls(detail)
				 ? "it speaks only what is older than TLS 1.2, which is not accepted: "
				 : "",
			 detail);
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
		if (load->header_bytes > LIMIT_WEB_HEADER_BYTES)
			snprintf(words, size, "its headers are larger than %u bytes", LIMIT_WEB_HEADER_BYTES);
		else
			snprintf(words, size, "%s", detail);
		break;
	}
}
