/* SPDX-License-Identifier: Apache-2.0 */
/* What has ended and stays for a while: for later pages, for a call that is repeated, and while it is fresh.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/executor/web.h"

size_t load_bytes(const struct load *load)
{
	size_t bytes = sizeof *load + load->body.size;

	for (size_t i = 0; i < WEB_FORMATS; i++)
		bytes += load->views[i].text ? load->views[i].length : 0;
	return bytes;
}

/* The text is there, so a large body has done what it was for. */
static void drop_body(struct load *load)
{
	load->web->body_bytes -= buffer_length(&load->body);
	buffer_clear(&load->body, 0);
}

static bool has_view(const struct load *load)
{
	for (size_t i = 0; i < WEB_FORMATS; i++)
		if (load->views[i].text)
			return true;
	return false;
}

static bool is_over(const struct load *load, uint64_t now)
{
	return load->kind != LOAD_PAGE || load->ended == 0 || (load->verdict && load->claimed) ||
	       now - load->ended >= LIMIT_WEB_KEPT_MS;
}

static void remove_load(struct load **at)
{
	struct load *load = *at;

	*at = load->next;
	load_free(load);
}

/* The one that was not used for longest. */
static struct load **oldest(struct web *web)
{
	struct load **found = NULL;

	for (struct load **at = &web->loads; *at; at = &(*at)->next)
		if ((*at)->state == LOAD_ENDED && (*at)->listeners == 0 && !(*at)->job &&
		    (!found || (*at)->used < (*found)->used))
			found = at;
	return found;
}

void keep_sweep(struct web *web, uint64_t now)
{
	size_t count = 0, bytes = 0;

	for (struct load **at = &web->loads; *at;) {
		struct load *load = *at;

		if (load->state != LOAD_ENDED || load->listeners || load->job) {
			at = &load->next;
			continue;
		}
		if (is_over(load, now)) {
			remove_load(at);
			continue;
		}
		if (buffer_length(&load->body) > LIMIT_WEB_KEPT_BODY_BYTES && has_view(load))
			drop_body(load);
		count++;
		bytes += load_bytes(load);
		at = &load->next;
	}
	while (count > LIMIT_WEB_KEPT || (bytes > LIMIT_WEB_KEPT_BYTES && count > 1)) {
		struct load **at = oldest(web);

		bytes -= load_bytes(*at);
		count--;
		remove_load(at);
	}
}

void keep_adopt(struct load *load, struct load *kept)
{
	struct freshness fresh = load->freshness;

	load->web->body_bytes -= buffer_length(&load->body);
	buffer_deinit(&load->body);
	load->body = kept->body;
	load->size = kept->size;
	buffer_init(&kept->body, LIMIT_WEB_BODY_BYTES);
	for (size_t i = 0; i < WEB_FORMATS; i++) {
		load->views[i] = kept->views[i];
		kept->views[i] = (struct view){0};
	}
	load->status = kept->status;
	memcpy(load->type, kept->type, sizeof load->type);
	load->freshness = kept->freshness; /* what a 304 does not repeat still holds */
	load->freshness.until = fresh.until;
	if (fresh.etag[0])
		memcpy(load->freshness.etag, fresh.etag, sizeof fresh.etag);
	kept->ended = 0;
}
