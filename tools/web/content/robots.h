/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_ROBOTS_H
#define SALLYPORT_TOOLS_WEB_CONTENT_ROBOTS_H

/* robots.txt as RFC 9309 has it. Pure: fetching, redirects and caching are the caller's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

struct robots_rule {
	bool allow;
	uint32_t pattern, length; /* in `text`: percent-encoding normalised */
	uint32_t line;            /* in `text`, NUL-terminated: as it is shown */
};

/* The rules that hold for one agent. Zeroed: everything is allowed. */
struct robots {
	struct robots_rule *rules;
	size_t count, size;
	struct buffer text;
	bool disallows_all;      /* robots_forbid() */
	uint32_t crawl_delay_ms; /* not in the RFC, for information; 0: none given */
};

enum robots_verdict {
	ROBOTS_PARSE,    /* 2xx: what was fetched decides */
	ROBOTS_ALLOW,    /* 4xx, and more redirects than are followed: there are no rules */
	ROBOTS_DISALLOW, /* 5xx or unreachable: nothing may be fetched for now */
};

/* What the status of the last answer means, section 2.3.1. 0: nothing came. */
enum robots_verdict robots_from_status(long status);

/*
 * Reads a robots.txt (its first LIMIT_ROBOTS_BYTES) for the agent with this product token ("sallyport"):
 * the groups that name it, merged, or else those for "*". 0 or -ENOMEM; then `robots` is empty.
 */
int robots_parse(struct robots *robots, const char *bytes, size_t length, const char *product);
/* Nothing may be fetched, as with ROBOTS_DISALLOW. */
void robots_forbid(struct robots *robots);
void robots_deinit(struct robots *robots);

/*
 * May `path` (with its query, as url_check() writes it) be fetched? The longest rule that matches decides, of
 * equally long ones Allow. `line` gets the rule that decided, such as "Disallow: /private" (it lives as long
 * as `robots`), or NULL where none did. Linear in the path for each rule.
 */
bool robots_allows(const struct robots *robots, const char *path, const char **line);

#endif
