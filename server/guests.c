/* SPDX-License-Identifier: Apache-2.0 */
/* Callers over HTTP (guests.h). */
#include "server/guests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int guest_new(struct guest **guest, struct guests *guests, const struct access_row *row,
		     struct err *err)
{
	struct realm *realm = token_policies_find(guests->policies, guests->server, row->policy);
	struct guest *made;
	int result;

	if (!realm)
		return err_set(err, -EINVAL,
			       "the policy %s of %s was not there when the server started, and a sealed "
			       "server reads "
			       "none; restart it",
			       row->policy, row->name);
	made = calloc(1, sizeof *made);
	if (!made)
		return err_set(err, -ENOMEM, "out of memory");

	const struct policy *policy = &realm->settings->policy;

	result = client_init(&made->client, &realm->calls, realm->settings, (unsigned)policy->http_calls,
			     (unsigned)policy->http_streams, err);
	if (result < 0) {
		free(made);
		return result;
	}
	snprintf(made->name, sizeof made->name, "%s", row->name);
	made->caller = (struct http_caller){.name = made->name,
					    .mcp = made->client.caller.mcp,
					    .requests_per_1000_s = (uint64_t)policy->http_rate_thousandths,
					    .most_streams = (unsigned)policy->http_streams,
					    .most_sessions = (unsigned)policy->http_sessions};
	*guest = made;
	return 0;
}

static void guest_free(struct guest *guest)
{
	client_deinit(&guest->client);
	free(guest);
}

static bool same_policy(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}

/* The row that says the same; -1: there is none. */
static int find_row(const struct access *access, const struct access_row *row)
{
	for (size_t i = 0; i < access->count; i++)
		if (memcmp(access->rows[i].hash, row->hash, sizeof row->hash) == 0 &&
		    strcmp(access->rows[i].name, row->name) == 0 &&
		    same_policy(access->rows[i].policy, row->policy))
			return (int)i;
	return -1;
}

/* Guests for these tokens: those of `before`, who are there, and new ones. 0 or -errno; *list is the
 * caller's. */
static int invite(struct guests *guests, const struct access *before, const struct access *access,
		  struct guest ***list, struct err *err)
{
	struct guest **invited = calloc(access->count, sizeof *invited);
	size_t count = 0;
	int result = invited ? 0 : err_set(err, -ENOMEM, "out of memory");

	for (; result == 0 && count < access->count; count++) {
		int row = find_row(before, &access->rows[count]);

		if (row >= 0)
			invited[count] = guests->all[row];
		else
			result = guest_new(&invited[count], guests, &access->rows[count], err);
	}
	for (size_t i = 0; result < 0 && i < count; i++)
		if (invited[i] && find_row(before, &access->rows[i]) < 0)
			guest_free(invited[i]);
	if (result < 0)
		free(invited);
	else
		*list = invited;
	return result;
}

int guests_begin(struct guests *guests, struct server *server, const struct token_policies *policies,
		 const struct access *access, struct err *err)
{
	static const struct access none;
	int result;

	*guests = (struct guests){.server = server, .policies = policies};
	result = invite(guests, &none, access, &guests->all, err);
	if (result == 0)
		guests->count = access->count;
	return result;
}

int guests_change(struct guests *guests, struct http *http, struct access *access, struct access *fresh,
		  struct err *err)
{
	struct access before = *access;
	struct guest **list;
	int result = invite(guests, access, fresh, &list, err);

	if (result < 0)
		return result;
	for (size_t i = 0; i < guests->count; i++)
		if (find_row(fresh, &access->rows[i]) < 0) {
			http_dismiss(http, &guests->all[i]->caller);
			guest_free(guests->all[i]);
		}
	free(guests->all);
	guests->all = list;
	guests->count = fresh->count;
	*access = *fresh;
	*fresh = before;
	return 0;
}

void guests_end(struct guests *guests)
{
	for (size_t i = 0; i < guests->count; i++)
		guest_free(guests->all[i]);
	free(guests->all);
}
