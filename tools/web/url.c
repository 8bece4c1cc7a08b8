/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a URL once, strictly (url.h). RFC 3986 says what the parts are; where browsers and libraries read
 * the same bytes differently (backslashes, user names, control characters), the URL is refused.
 */
#include "tools/web/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void trim(const char **text, size_t *length)
{
	while (*length > 0 && is_space(**text)) {
		(*text)++;
		(*length)--;
	}
	while (*length > 0 && is_space((*text)[*length - 1]))
		(*length)--;
}

static int read_scheme(struct url *url, const char **at, const char *end, struct err *err)
{
	size_t length = (size_t)(end - *at), name = 0;

	while (name < length && (isalnum((unsigned char)(*at)[name]) || strchr("+-.", (*at)[name])))
		name++;
	if (name == 0 || name == length || (*at)[name] != ':' || !isalpha((unsigned char)**at))
		return err_set(err, -EINVAL, "the URL must begin with http:// or https://");
	url->https = name == 5 && strncasecmp(*at, "https", 5) == 0;
	if (!url->https && !(name == 4 && strncasecmp(*at, "http", 4) == 0))
		return err_set(err, -EINVAL, "only http and https URLs are fetched, not \"%.*s\"",
			       name < 32 ? (int)name : 32, *at);
	if (length < name + 3 || strncmp(*at + name, "://", 3) != 0)
		return err_set(err, -EINVAL, "the URL lacks \"//\" and a host after its scheme");
	*at += name + 3;
	return 0;
}

static int read_port(struct url *url, const char *text, size_t length, struct err *err)
{
	unsigned long port = 0;

	url->port = url->https ? 443 : 80;
	if (length == 0) /* "host:" is the default port: RFC 3986 section 3.2.3 */
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (!isdigit((unsigned char)text[i]) || port > 65535)
			return err_set(err, -EINVAL, "the port must be a number from 1 to 65535");
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (port == 0 || port > 65535)
		return err_set(err, -EINVAL, "the port must be a number from 1 to 65535");
	url->port = (uint16_t)port;
	return 0;
}

static int read_authority(struct url *url, const char *text, size_t length, struct err *err)
{
	size_t host = length;
	int result;

	if (memchr(text, '@', length))
		return err_set(err, -EINVAL, "user names and passwords in a URL are not accepted");
	if (length > 0 && text[0] == '[') {
		const char *close = memchr(text, ']', length);

		if (!close)
			return err_set(err, -EINVAL, "the bracket around the IPv6 address is not closed");
		host = (size_t)(close - text) + 1;
		if (host < length && text[host] != ':')
			return err_set(err, -EINVAL, "only a port may follow the IPv6 address");
	} else {
		const char *colon = memchr(text, ':', length);

		if (colon && memchr(colon + 1, ':', length - (size_t)(colon + 1 - text)))
			return err_set(
				err, -EINVAL,
				"the host has more than one colon: an IPv6 address stands in brackets, and "
				"the port is one number");
		if (colon)
			host = (size_t)(colon - text);
	}
	result = host_normalise(text, host, url->host, err);
	if (result < 0)
		return result;
	return read_port(url, text + host + 1, host < length ? length - host - 1 : 0, err);
}

/* RFC 3986 section 5.2.4, in place on the path, which begins with '/' and ends before the query. */
static void remove_dot_segments(char *path)
{
	size_t length = strcspn(path, "?"), written = 0;

	for (size_t at = 0; at < length;) {
		size_t segment = 1; /* with the slash in front of it */

		while (at + segment < length && path[at + segment] != '/')
			segment++;
		bool one = segment == 2 && path[at + 1] == '.';
		bool two = segment == 3 && path[at + 1] == '.' && path[at + 2] == '.';

		while (two && written > 0 && path[--written] != '/')
			;
		if (!one && !two) {
			memmove(path + written, path + at, segment);
			written += segment;
		} else if (at + segment == length) {
			path[written++] = '/'; /* "a/.." and "a/." are directories */
		}
		at += segment;
	}
	memmove(path + written, path + length, strlen(path + length) + 1);
}

/* Path and query: what RFC 3986 section 2 does not allow to stand as it is gets percent-encoded. */
static int write_target(struct url *url, size_t used, const char *text, size_t length, struct err *err)
{
	static const char plain[] = "-._~:/?[]@!$&'()*+,;=%";
	size_t path = used;

	if (length == 0 || text[0] != '/')
		url->text[used++] = '/';
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (used + 4 > sizeof url->text)
			return err_set(err, -EINVAL, "the URL is longer than %u bytes", LIMIT_URL_BYTES);
		if (isalnum(c) || (c && strchr(plain, c)))
			url->text[used++] = (char)c;
		else
			used += (size_t)snprintf(url->text + used, 4, "%%%02X", c);
	}
	url->text[used] = '\0';
	remove_dot_segments(url->text + path);
	return 0;
}

int url_check(struct url *url, const char *text, size_t length, struct err *err)
{
	const char *at, *end, *fragment;
	size_t authority, used;
	int result;

	trim(&text, &length);
	if (length >= LIMIT_URL_BYTES - 8) /* room for what normalising adds: a port, a slash */
		return err_set(err, -EINVAL, "the URL is longer than %u bytes", LIMIT_URL_BYTES - 8);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return err_set(err, -EINVAL, "the URL has a control character at byte %zu", i);
	if (memchr(text, '\\', length))
		return err_set(err, -EINVAL,
			       "the URL has a backslash, which programs read differently: "
			       "write / or %%5C");
	at = text;
	end = text + length;
	result = read_scheme(url, &at, end, err);
	if (result < 0)
		return result;
	for (authority = 0; at + authority < end && !strchr("/?#", at[authority]);)
		authority++;
	result = read_authority(url, at, authority, err);
	if (result < 0)
		return result;
	at += authority;
	fragment = at < end ? memchr(at, '#', (size_t)(end - at)) : NULL;
	used = (size_t)snprintf(url->text, sizeof url->text, strchr(url->host, ':') ? "%s://[%s]" : "%s://%s",
				url->https ? "https" : "http", url->host);
	if (url->port != (url->https ? 443 : 80))
		used += (size_t)snprintf(url->text + used, sizeof url->text - used, ":%u", url->port);
	return write_target(url, used, at, (size_t)((fragment ? fragment : end) - at), err);
}

static bool has_scheme(const char *text)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");

	return isalpha((unsigned char)text[0]) && text[length] == ':';
}

int url_resolve(struct url *url, const struct url *base, const char *reference, struct err *err)
{
	char joined[2 * LIMIT_URL_BYTES];
	size_t length = strlen(reference), origin, keep;
	const char *path = strchr(base->text + sizeof "https://" - 1, '/');

	trim(&reference, &length);
	if (length >= LIMIT_URL_BYTES)
		return err_set(err, -EINVAL, "the URL is longer than %u bytes", LIMIT_URL_BYTES);
	if (has_scheme(reference))
		return url_check(url, reference, length, err);
	origin = (size_t)(path - base->text); /* a checked URL has a path */
	if (strncmp(reference, "//", 2) == 0)
		keep = strcspn(base->text, "/");
	else if (reference[0] == '/')
		keep = origin;
	else if (reference[0] == '?')
		keep = origin + strcspn(path, "?");
	else if (length == 0 || reference[0] == '#')
		keep = strlen(base->text);
	else
		for (keep = origin + strcspn(path, "?"); base->text[keep - 1] != '/';)
			keep--;
	snprintf(joined, sizeof joined, "%.*s%.*s", (int)keep, base->text, (int)length, reference);
	return url_check(url, joined, strlen(joined), err);
}
