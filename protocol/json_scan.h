/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_JSON_SCAN_H
#define SALLYPORT_PROTOCOL_JSON_SCAN_H

/*
 * What reading and writing JSON strings share: looking at eight bytes at once, and judging one UTF-8
 * sequence. Everything is decided from registers, never by looking at memory twice, since the source may be
 * shared memory that somebody else writes meanwhile.
 */

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JSON_EVERY_BYTE(value) (0x0101010101010101ull * (value))

/* The value is loaded here and nowhere else: the compiler may not read the memory again instead. */
static inline uint64_t json_load8(const void *at)
{
	uint64_t word;

	memcpy(&word, at, 8);
	__asm__("" : "+r"(word));
	return le64toh(word);
}

/* Up to four bytes, the first one lowest; those past the end read as zero, which continues no sequence. */
static inline uint32_t json_load4(const uint8_t *at, size_t available)
{
	uint32_t word = 0;

	if (available >= 4) {
		memcpy(&word, at, 4);
		__asm__("" : "+r"(word));
		return le32toh(word);
	}
	for (size_t i = 0; i < available; i++)
		word |= (uint32_t)((const volatile uint8_t *)at)[i] << (8 * i);
	return word;
}

/*
 * The high bit of each byte that cannot stand in a string as it is: controls, '"', '\\', and what is not
 * ASCII. A borrow may mark bytes above a marked one too, so only the lowest mark is exact, and only it is
 * used.
 */
static inline uint64_t json_special(uint64_t word)
{
	uint64_t quote = word ^ JSON_EVERY_BYTE('"'), backslash = word ^ JSON_EVERY_BYTE('\\');

	return ((word - JSON_EVERY_BYTE(0x20)) | (quote - JSON_EVERY_BYTE(1)) |
		(backslash - JSON_EVERY_BYTE(1)) | word) &
	       JSON_EVERY_BYTE(0x80);
}

/* Which byte, 0 to 7, the lowest mark of a mask that is not zero belongs to. */
static inline unsigned json_first(uint64_t mask)
{
	return (unsigned)__builtin_ctzll(mask) / 8;
}

/*
 * Judges the sequence that begins with the lowest byte of `bytes`, which is not ASCII: its length 2 to 4, or
 * minus the length of the maximal ill-formed subpart (Unicode 3.9, table 3-7 and "U+FFFD Substitution of
 * Maximal Subparts").
 */
static inline int json_utf8(uint32_t bytes)
{
	uint8_t lead = (uint8_t)bytes, second = (uint8_t)(bytes >> 8);
	uint8_t low = 0x80, high = 0xbf;

	if (lead < 0xc2 || lead > 0xf4)
		return -1;
	if (lead < 0xe0)
		return (second & 0xc0) == 0x80 ? 2 : -1;
	if (lead == 0xe0)
		low = 0xa0; /* below: overlong */
	else if (lead == 0xed)
		high = 0x9f; /* above: surrogates */
	else if (lead == 0xf0)
		low = 0x90; /* below: overlong */
	else if (lead == 0xf4)
		high = 0x8f; /* above: past U+10FFFF */
	if (second < low || second > high)
		return -1;
	if ((bytes & 0xc00000) != 0x800000)
		return -2;
	if (lead < 0xf0)
		return 3;
	return (bytes & 0xc0000000) == 0x80000000 ? 4 : -3;
}

/*
 * How many of eight bytes are sequences above ASCII that can be told to be well-formed at one look: four of
 * two bytes, or one or two of three. 0: look at them one by one (it does not mean that they are wrong).
 */
static inline unsigned json_utf8_run(uint64_t word)
{
	unsigned first = word & 0x200f, second = (word >> 24) & 0x200f;

	if ((word & 0xc0c0f0) == 0x8080e0) {
		if (first == 0 || first == 0x200d) /* E0 80..9F: overlong; ED A0..BF: surrogates */
			return 0;
		return (word >> 24 & 0xc0c0f0) == 0x8080e0 && second != 0 && second != 0x200d ? 6 : 3;
	}
	/* C0 and C1 would be overlong: the bits of each lead but the lowest must not all be zero */
	if ((word & 0xc0e0c0e0c0e0c0e0ull) == 0x80c080c080c080c0ull &&
	    (((word & 0x001e001e001e001eull) + 0x7fff7fff7fff7fffull) & 0x8000800080008000ull) ==
		    0x8000800080008000ull)
		return 8;
	return 0;
}

#endif
