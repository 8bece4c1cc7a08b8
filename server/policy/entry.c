/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of a policy's lists. Hosts are brought into their one spelling by the same function that reads the
 * host of a URL (sandbox/egress/host.h), so that an entry accepted here is one that the broker can meet.
 */
#include "server/policy/entry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool entry_path_valid(const char *text)
{
	return text[0] == '/' || (text[0] == '~' && (text[1] == '\0' || text[1] == '/'));
}

/* Up to five digits, 1 to 65535. */
static int read_port(const char *digits, uint16_t *port)
{
	unsigned value = 0;

	if (!*digits || strlen(digits) > 5)
		return -EINVAL;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(*digits - '0');
	}
	if (value < 1 || value > 65535)
		return -EINVAL;
	*port = (uint16_t)value;
	return 0;
}

/* Where the port's colon stands, or NULL: behind a bracket, or the only colon there is. */
static const char *find_port(const char *text)
{
	const char *bracket = strrchr(text, ']'), *colon = strrchr(text, ':');

	if (!colon || (bracket && colon < bracket))
		return NULL;
	if (bracket)
		return colon == bracket + 1 ? colon : NULL;
	return strchr(text, ':') == colon ? colon : NULL;
}

static int refuse(struct err *err, const char *text, const char *why)
{
	char shown[64];
	size_t i;

	for (i = 0; text[i] && i < sizeof shown - 4; i++)
		shown[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	snprintf(shown + i, sizeof shown - i, "%s", text[i] ? "..." : "");
	return err_set(err, -EINVAL, "\"%s\" %s", shown, why);
}

/* Mistakes that people make, told in their own words before the general one. */
static const char *known_mistake(const char *text)
{
	if (!*text)
		return "is empty; write a name such as example.org";
	if (strcmp(text, "*") == 0 || strncmp(text, "*:", 2) == 0)
		return "would name every host; leave the key out to reach all public addresses";
	if (strstr(text, "://"))
		return "is a URL; write only its host, such as example.org or example.org:8443";
	if (strchr(text, '/'))
		return "holds a slash; paths and address ranges are not known here, write hosts";
	if (strchr(strncmp(text, "*.", 2) == 0 ? text + 2 : text, '*'))
		return "has a * that does not stand as *. at the front";
	return NULL;
}

static bool is_address(const char *host)
{
	return strchr(host, ':') || strspn(host, "0123456789.") == strlen(host);
}

int entry_domain(const char *text, char host[ENTRY_HOST_BYTES], uint16_t *port, struct err *err)
{
	const char *mistake = known_mistake(text), *colon = find_port(text);
	bool wildcard = strncmp(text, "*.", 2) == 0;
	const char *name = wildcard ? text + 2 : text;
	size_t length = colon ? (size_t)(colon - name) : strlen(name);
	char wanted[HOST_TEXT_BYTES + 2], canonical[HOST_TEXT_BYTES];
	struct err why = {""};

	*port = 0;
	if (mistake)
		return refuse(err, text, mistake);
	if (colon && read_port(colon + 1, port) < 0)
		return refuse(err, text, "has a port that is not a number from 1 to 65535");
	if (length >= HOST_TEXT_BYTES)
		return refuse(err, text, "is longer than a host's name can be");
	/* an IPv6 address stands in brackets in a URL; in a policy it may go without when no port follows */
	if (!colon && name[0] != '[' && strchr(name, ':'))
		length = (size_t)snprintf(wanted, sizeof wanted, "[%s]", name);
	else
		snprintf(wanted, sizeof wanted, "%.*s", (int)length, name);
	for (const char *c = wanted; *c;
	     c++) /* letters that look alike are told apart by who writes a policy */
		if ((unsigned char)*c > '~')
			return refuse(err, text,
				      "is no host as it is compared: it has letters beyond ASCII; write its "
				      "xn-- form");
	if (host_normalise(wanted, length, canonical, &why) < 0) {
		char sentence[300];

		snprintf(sentence, sizeof sentence, "is no host: %.250s", why.text);
		return refuse(err, text, sentence);
	}
	if (wildcard && (is_address(canonical) || strcmp(canonical, "localhost") == 0))
		return refuse(err, text, "puts *. before something that has no names below it");
	snprintf(host, ENTRY_HOST_BYTES, "%s%s", wildcard ? "*." : "", canonical);
	return 0;
}
