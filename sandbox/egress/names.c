/* SPDX-License-Identifier: Apache-2.0 */
/* Names and the addresses that stand for them (names.h): a ring by age, a hash by name. What is asked for
 * comes from hostile programs: nothing here takes longer for one name than for another but by chance. */
#include "sandbox/egress/names.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "sandbox/egress/listeners.h"

#define FIRST   (SYNTHETIC_OWN + 1)
#define COUNT   ((1u << (32 - SYNTHETIC_PREFIX_BITS)) - 3) /* neither network, interface nor broadcast */
#define BUCKETS 1024

struct name {
	char *host; /* NULL: unused */
	uint32_t serial;
	struct name *next; /* of the same bucket */
};

struct names {
	uint32_t serial, seed;
	struct name *buckets[BUCKETS];
	struct name ring[LIMIT_BROKER_NAMES];
};

_Static_assert(LIMIT_BROKER_NAMES < COUNT / 8, "an address is not given out again for a long time");

struct names *names_new(uint32_t begin)
{
	struct names *names = calloc(1, sizeof *names);

	if (names) {
		names->serial = begin % COUNT;
		names->seed = begin;
	}
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < LIMIT_BROKER_NAMES; i++)
		free(names->ring[i].host);
	free(names);
}

/* FNV-1a, begun with a number that nobody inside knows. */
static struct name **bucket(struct names *names, const char *host)
{
	uint32_t hash = 2166136261u ^ names->seed;

	for (; *host; host++)
		hash = (hash ^ (unsigned char)*host) * 16777619u;
	return &names->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static void forget(struct names *names, struct name *name)
{
	struct name **at = bucket(names, name->host);

	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	free(name->host);
	name->host = NULL;
}

uint32_t names_address(struct names *names, const char *host)
{
	struct name **chain = bucket(names, host), *name;
	char *copy;

	for (name = *chain; name; name = name->next)
		if (strcmp(name->host, host) == 0)
			return FIRST + name->serial;
	copy = strdup(host);
	if (!copy)
		return 0;
	name = &names->ring[names->serial % LIMIT_BROKER_NAMES];
	if (name->host)
		forget(names, name);
	*name = (struct name){.host = copy, .serial = names->serial, .next = *chain};
	*chain = name;
	names->serial = (names->serial + 1) % COUNT;
	return FIRST + name->serial;
}

const char *names_host(const struct names *names, uint32_t address)
{
	uint32_t serial = address - FIRST;
	const struct name *name = &names->ring[serial % LIMIT_BROKER_NAMES];

	return serial < COUNT && name->host && name->serial == serial ? name->host : NULL;
}
