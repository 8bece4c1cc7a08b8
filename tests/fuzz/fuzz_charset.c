/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character sets. The first byte chooses one, the rest is in it: what comes out is UTF-8, no longer than it
 * can be, and counts its replacements. The same bytes are sniffed, as each kind of text.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "tests/fuzz/fuzz.h"
#include "tools/web/content/charset.h"

static const char *const labels[] = {"utf-8",       "utf-16le",     "utf-16be",    "x-user-defined",
				     "replacement", "windows-1252", "windows-874", "iso-8859-6",
				     "gbk",         "gb18030",      "big5",        "euc-jp",
				     "iso-2022-jp", "shift_jis",    "euc-kr"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buffer_deinit) struct buffer text = {.max = 4 * size + 16}, again = {.max = 4 * size + 16};
	const char *label = labels[size ? data[0] % ARRAY_SIZE(labels) : 0], *bytes = (const char *)data + 1;
	const struct charset *charset = charset_find(label, strlen(label));
	size_t characters = 0, mark;
	uint64_t replaced, none;

	if (size == 0)
		return 0;
	size--;
	FUZZ_CHECK(charset && charset_decode(charset, &text, bytes, size, &replaced) == 0);
	FUZZ_CHECK(buffer_length(&text) <= 3 * size && replaced <= size);
	for (const char *at = text.bytes, *end = at + text.end; at < end; characters++)
		charset_next(&at, end);
	FUZZ_CHECK(characters <= size);
	charset = charset_find("utf-8", 5);
	FUZZ_CHECK(charset_decode(charset, &again, text.bytes, text.end, &none) == 0);
	FUZZ_CHECK(none == 0 && again.end == text.end &&
		   (!text.end || memcmp(again.bytes, text.bytes, text.end) == 0));
	for (enum sniff sniff = SNIFF_TEXT; sniff <= SNIFF_XML; sniff++) {
		FUZZ_CHECK(charset_sniff(sniff, "text/html; x=\"", bytes, size, &mark));
		FUZZ_CHECK(mark <= size);
	}
	return 0;
}
