/* SPDX-License-Identifier: Apache-2.0 */
/* A page (standard input) as Markdown, or with "text" as text, on standard output; title, times and bounds on
 * standard error. By hand, and for what compares pages in numbers. usage: page-write [markdown|text [URL]] */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "tools/web/page/page.h"

#define INPUT_BYTES ((size_t)1 << 30)

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int count, char **words)
{
	_cleanup_(buffer_deinit) struct buffer html = {.max = INPUT_BYTES}, text = {.max = INPUT_BYTES};
	struct page_options options = {.memory = INPUT_BYTES,
				       .url = count > 2 ? words[2] : "https://example.org/"};
	struct page_facts facts;
	struct rusage before, after;
	double began;
	size_t got;

	if (count > 1 && strcmp(words[1], "text") == 0)
		options.format = PAGE_TEXT;
	do {
		if (buffer_reserve(&html, 65536) < 0)
			return 1;
		got = fread(html.bytes + html.end, 1, 65536, stdin);
		html.end += got;
	} while (got);
	getrusage(RUSAGE_SELF, &before);
	began = milliseconds();
	if (page_convert(&text, &facts, &options, buffer_data(&html), buffer_length(&html)) < 0)
		return 1;
	fprintf(stderr, "%s\n%.2f ms, %zu bytes of %zu, cut %d, ", facts.title, milliseconds() - began,
		buffer_length(&text), buffer_length(&html), facts.cut);
	getrusage(RUSAGE_SELF, &after);
	fprintf(stderr, "memory %ld KB, before %ld KB\n", after.ru_maxrss, before.ru_maxrss);
	fwrite(buffer_data(&text), 1, buffer_length(&text), stdout);
	return 0;
}
