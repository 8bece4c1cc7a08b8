/* SPDX-License-Identifier: Apache-2.0 */
/* Needles (needle.h), in the compiler's own vectors: SSE2 on x86-64, NEON on arm64. */
#include "tools/files/search/needle.h"

#include <string.h>

typedef uint8_t lanes __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

#define STEP 32

/* Bytes of source text and prose, the most frequent first; what is not here is rarer than all of it. */
static const char frequent[] = " etaionsr\nlcdupmfhg_,.b(y)=-v\t\"/"
			       "x;*k'0:1w>23<S#CETAz{RIj}NLPD[O]4M85q6FB79&U|\\!V+HGX$W@YKQ%J?~Z^`";

static unsigned rarity(uint8_t byte, bool folded)
{
	const char *at = byte ? strchr(frequent, byte) : NULL;
	unsigned rank = at ? (unsigned)(at - frequent) : sizeof frequent;

	/* a letter in both cases is as frequent as its small one, at least */
	return folded && rank > 40 ? 40 : rank;
}

static bool is_letter(uint8_t byte)
{
	return (uint8_t)((byte | 0x20) - 'a') < 26;
}

void needle_init(struct needle *needle, const uint8_t *bytes, size_t length, bool fold)
{
	unsigned best = 0, next = 0;

	*needle = (struct needle){.length = (uint8_t)(length < NEEDLE_BYTES ? length : NEEDLE_BYTES)};
	for (uint8_t i = 0; i < needle->length; i++) {
		bool folded = fold && is_letter(bytes[i]);
		unsigned rare = rarity(folded ? bytes[i] | 0x20 : bytes[i], folded) + 1;

		needle->masks[i] = folded ? 0x20 : 0;
		needle->bytes[i] = bytes[i] | needle->masks[i];
		if (rare > best) {
			next = best;
			needle->second = needle->first;
			best = rare;
			needle->first = i;
		} else if (rare > next) {
			next = rare;
			needle->second = i;
		}
	}
	if (needle->length == 1)
		needle->second = needle->first;
}

unsigned needle_rarity(const struct needle *needle)
{
	unsigned first = rarity(needle->bytes[needle->first], needle->masks[needle->first]);
	unsigned second = rarity(needle->bytes[needle->second], needle->masks[needle->second]);

	if (needle->length == 1)
		return first;
	return 60 + first + second + 8u * needle->length;
}

static bool stands_at(const struct needle *needle, const uint8_t *at)
{
	for (size_t i = 0; i < needle->length; i++)
		if ((at[i] | needle->masks[i]) != needle->bytes[i])
			return false;
	return true;
}

static inline lanes load(const uint8_t *at)
{
	lanes value;

	memcpy(&value, at, sizeof value);
	return value;
}

static inline lanes spread(uint8_t byte)
{
	return (lanes){0} + byte;
}

/* The first of 16 places from `at` where `hits` is set and the whole needle stands, or NULL. */
static const uint8_t *look(const struct needle *needle, const uint8_t *at, lanes hits)
{
	uint8_t places[sizeof hits];

	memcpy(places, &hits, sizeof hits);
	for (size_t i = 0; i < sizeof places; i++)
		if (places[i] && stands_at(needle, at + i))
			return at + i;
	return NULL;
}

const uint8_t *needle_find(const struct needle *needle, const uint8_t *at, const uint8_t *end)
{
	const size_t first = needle->first, second = needle->second;
	const lanes first_byte = spread(needle->bytes[first]), first_mask = spread(needle->masks[first]);
	const lanes second_byte = spread(needle->bytes[second]), second_mask = spread(needle->masks[second]);

	for (; (size_t)(end - at) >= STEP + (size_t)needle->length; at += STEP) {
		lanes low = (lanes)((load(at + first) | first_mask) == first_byte) &
			    (lanes)((load(at + second) | second_mask) == second_byte);
		lanes high = (lanes)((load(at + 16 + first) | first_mask) == first_byte) &
			     (lanes)((load(at + 16 + second) | second_mask) == second_byte);
		halves any = (halves)(low | high);

		if (__builtin_expect(any[0] | any[1], 0)) {
			const uint8_t *found = look(needle, at, low);

			if (!found)
				found = look(needle, at + 16, high);
			if (found)
				return found;
		}
	}
	for (; (size_t)(end - at) >= needle->length; at++)
		if (stands_at(needle, at))
			return at;
	return NULL;
}
