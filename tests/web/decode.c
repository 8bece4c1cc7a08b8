/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode LABEL: standard input in that character set as UTF-8. decode --sniff text|html|xml CONTENT-TYPE: the
 * name of what the input is written in. For test_charsets.py.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/content/charset.h"

int main(int argc, char **argv)
{
	_cleanup_(buffer_deinit) struct buffer in = {.max = 64u << 20}, out = {.max = 256u << 20};
	const struct charset *charset;
	uint64_t replaced;
	size_t got, mark;

	do {
		if (buffer_reserve(&in, 65536) < 0)
			return 1;
		got = fread(in.bytes + in.end, 1, 65536, stdin);
		in.end += got;
	} while (got > 0);
	if (argc == 4 && strcmp(argv[1], "--sniff") == 0) {
		enum sniff sniff = argv[2][0] == 'h'   ? SNIFF_HTML
				   : argv[2][0] == 'x' ? SNIFF_XML
						       : SNIFF_TEXT;

		puts(charset_name(
			charset_sniff(sniff, argv[3], buffer_data(&in), buffer_length(&in), &mark)));
		return 0;
	}
	charset = argc == 2 ? charset_find(argv[1], strlen(argv[1])) : NULL;
	if (!charset || charset_decode(charset, &out, buffer_data(&in), buffer_length(&in), &replaced) < 0)
		return 1;
	fwrite(buffer_data(&out), 1, buffer_length(&out), stdout);
	fprintf(stderr, "%s %llu\n", charset_name(charset), (unsigned long long)replaced);
	return 0;
}
