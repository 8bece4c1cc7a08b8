/* SPDX-License-Identifier: Apache-2.0 */
/* The order of those who write. */
#include "tools/files/executor/turns.h"

#include "protocol/cleanup.h"

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) /* FNV-1a */
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
	return hash;
}

uint64_t turn_key(uint64_t device, uint64_t inode, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	hash = mix(hash, &device, sizeof device);
	hash = mix(hash, &inode, sizeof inode);
	for (; *name; name++)
		hash = mix(hash, name, 1);
	return hash == TURN_ALONE ? 1 : hash;
}

int turns_take(struct turns *turns, uint64_t key)
{
	for (size_t i = 0; i < ARRAY_SIZE(turns->taken); i++)
		if (turns->taken[i].ticket == 0) {
			turns->taken[i] = (struct turn){.ticket = ++turns->last, .key = key};
			return (int)i;
		}
	return -1;
}

bool turns_ready(const struct turns *turns, int turn)
{
	const struct turn *own = &turns->taken[turn];

	for (size_t i = 0; i < ARRAY_SIZE(turns->taken); i++) {
		const struct turn *other = &turns->taken[i];

		if (other->ticket && other->ticket < own->ticket &&
		    (other->key == own->key || other->key == TURN_ALONE || own->key == TURN_ALONE))
			return false;
	}
	return true;
}

void turns_give(struct turns *turns, int turn)
{
	if (turn < 0)
		return;
	turns->taken[turn].ticket = 0;
	turns->moved = true;
}
