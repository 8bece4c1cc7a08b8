/* SPDX-License-Identifier: Apache-2.0 */
/*
 * robots.txt of each origin (origins.h). The first load of an origin has it fetched, those that come
 * meanwhile wait for the same. What cannot be read is no permission (RFC 9309, section 2.3.1.4); what is not
 * there is.
 */
#include "tools/web/executor/origins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "tools/reply.h"
#include "tools/web/content/robots.h"
#include "tools/web/executor/web.h"

struct origin {
	struct origin *next;
	char *name;        /* "https://example.org:8443" */
	struct load *load; /* it is being asked */
	struct robots robots;
	bool unread; /* it could not be read, which is no permission */
	uint64_t until;
};

static void origin_free(struct origin *origin)
{
	robots_deinit(&origin->robots);
	free(origin->name);
	free(origin);
}

/* All but the path of a checked URL. */
static size_t origin_length(const struct url *url)
{
	return (size_t)(strchr(url->text + sizeof "https://" - 1, '/') - url->text);
}

static bool is_of(const struct origin *origin, const struct url *url)
{
	return strlen(origin->name) == origin_length(url) &&
	       strncmp(origin->name, url->text, origin_length(url)) == 0;
}

/* Moves it to the front. NULL: there is none. */
static struct origin *find(struct origins *origins, const struct url *url)
{
	for (struct origin **at = &origins->all; *at; at = &(*at)->next) {
		struct origin *origin = *at;

		if (!is_of(origin, url))
			continue;
		*at = origin->next;
		origin->next = origins->all;
		origins->all = origin;
		return origin;
	}
	return NULL;
}

static void drop_first(struct origins *origins)
{
	struct origin *origin = origins->all;

	origins->all = origin->next;
	origins->count--;
	origin_free(origin);
}

/* The one that was not used for longest, and is not being asked. */
static void make_room(struct origins *origins)
{
	struct origin **found = NULL;

	if (origins->count < LIMIT_WEB_ORIGINS)
		return;
	for (struct origin **at = &origins->all; *at; at = &(*at)->next)
		if (!(*at)->load)
			found = at;
	if (found) {
		struct origin *origin = *found;

		*found = origin->next;
		origins->count--;
		origin_free(origin);
	}
}

/* Has its robots.txt fetched. False: no memory. */
static bool ask(struct web *web, struct origin *origin, uint32_t caller)
{
	_cleanup_(request_deinit) struct request request = {
		.caller = caller, .method = strdup("GET"), .headers = strdup("")};
	struct err err;
	struct url url;
	char text[LIMIT_URL_BYTES + 16];

	snprintf(text, sizeof text, "%s/robots.txt", origin->name);
	request.url = strdup(text);
	if (!request.url || !request.method || !request.headers ||
	    url_check(&url, text, strlen(text), &err) < 0)
		return false;
	origin->load = load_new(web, LOAD_ROBOTS, &request, &url);
	return origin->load != NULL;
}

static struct origin *origin_new(struct web *web, struct load *load)
{
	struct origin *origin = calloc(1, sizeof *origin);

	if (!origin)
		return NULL;
	origin->name = strndup(load->url.text, origin_length(&load->url));
	if (!origin->name || !ask(web, origin, load->request.caller)) {
		origin_free(origin);
		return NULL;
	}
	make_room(&web->origins);
	origin->next = web->origins.all;
	web->origins.all = origin;
	web->origins.count++;
	return origin;
}

enum origin_answer origins_ask(struct load *load, char *why, size_t size)
{
	struct web *web = load->web;
	struct origin *origin = find(&web->origins, &load->url);
	const char *path = load->url.text + origin_length(&load->url);
	uint64_t now = clock_ms();
	const char *line = NULL;

	if (origin && !origin->load && now >= origin->until) {
		drop_first(&web->origins);
		origin = NULL;
	}
	if (!origin && !(origin = origin_new(web, load))) {
		load_failed(load, ENOMEM, "no memory to ask for robots.txt");
		return ORIGIN_FAILED;
	}
	if (origin->load)
		return ORIGIN_ASKED;
	if (robots_allows(&origin->robots, path, &line))
		return ORIGIN_ALLOWS;
	if (origin->unread)
		snprintf(why, size, "its robots.txt cannot be read, which counts as no (RFC 9309)");
	else
		snprintf(why, size, "its robots.txt says \"%.150s\"", line ? line : "Disallow: /");
	return ORIGIN_REFUSES;
}

const struct load *origins_load(const struct load *load)
{
	for (const struct origin *at = load->web->origins.all; at; at = at->next)
		if (is_of(at, &load->url))
			return at->load;
	return NULL;
}

/* What the answer means, and for how long. */
static void read_answer(struct origin *origin, const struct load *load)
{
	const char *lines = buffer_length(&load->body) ? buffer_data(&load->body) : "";

	switch (load->verdict ? ROBOTS_DISALLOW : robots_from_status(load->status)) {
	case ROBOTS_PARSE:
		origin->unread =
			robots_parse(&origin->robots, lines, buffer_length(&load->body), "sallyport") < 0;
		break;
	case ROBOTS_ALLOW:
		break;
	case ROBOTS_DISALLOW:
		origin->unread = true;
		break;
	}
	if (origin->unread)
		robots_forbid(&origin->robots);
	origin->until =
		(uint64_t)clock_ms() + (origin->unread ? LIMIT_WEB_ROBOTS_FAILED_MS : LIMIT_WEB_ROBOTS_MS);
	if (load->verdict && load->redirects == 0) /* who waits is told so now; who comes next asks anew */
		origin->until = 0;
}

void origins_answered(struct load *load)
{
	struct web *web = load->web;
	struct origin *origin = web->origins.all;

	while (origin && origin->load != load)
		origin = origin->next;
	if (!origin)
		return;
	origin->load = NULL;
	read_answer(origin, load);
	for (struct load *at = web->loads; at; at = at->next) {
		if (at->state != LOAD_ASKING || !is_of(origin, &at->url))
			continue;
		if (load->verdict == REPLY_DENIED && load->redirects == 0)
			hop_connect(at); /* and be refused by the same rule, in its own words */
		else if (load->verdict && load->redirects == 0)
			load_share_verdict(at, load); /* the page could not be had either */
		else
			hop_begin(at);
	}
}

void origins_deinit(struct origins *origins)
{
	while (origins->all)
		drop_first(origins);
}
