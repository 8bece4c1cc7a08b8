/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages as the web executor converts them. Used by what compares pages and by the bench of their quality.
 *
 * page-convert FILE URL markdown|text|whole: one page; whole: Markdown of all of it, not of its main content.
 *
 * page-convert -: many. Lines FILE<TAB>URL<TAB>FORMAT<TAB>OUTPUT on standard input; for each, the
 * milliseconds it took and its title on standard output.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "tools/web/page/page.h"

#define BYTES ((size_t)1 << 30)

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int read_file(struct buffer *to, const char *path)
{
	FILE *file = fopen(path, "rbe");
	size_t got;

	if (!file) {
		perror(path);
		return -1;
	}
	do {
		if (buffer_reserve(to, 65536) < 0)
			break;
		got = fread(to->bytes + to->end, 1, 65536, file);
		to->end += got;
	} while (got);
	return fclose(file);
}

static int convert(const char *path, const char *url, const char *format, FILE *to, bool many)
{
	_cleanup_(buffer_deinit) struct buffer html = {.max = BYTES}, text = {.max = BYTES};
	struct page_options options = {.memory = BYTES,
				       .url = url,
				       .format = strcmp(format, "text") == 0 ? PAGE_TEXT : PAGE_MARKDOWN,
				       .whole = strcmp(format, "whole") == 0};
	struct page_facts facts;
	double began;

	if (read_file(&html, path) < 0)
		return 1;
	began = milliseconds();
	if (page_convert(&text, &facts, &options, buffer_data(&html), buffer_length(&html)) < 0)
		return 1;
	if (many)
		printf("%.3f\t%s\n", milliseconds() - began, facts.title);
	if (buffer_length(&text) == 0)
		return 0;
	return fwrite(buffer_data(&text), 1, buffer_length(&text), to) == buffer_length(&text) ? 0 : 1;
}

static int convert_line(char *line)
{
	char *words[4];
	FILE *to;
	int result;

	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		words[i] = strsep(&line, "\t");
		if (!words[i])
			return 2;
	}
	to = fopen(words[3], "wbe");
	if (!to) {
		perror(words[3]);
		return 1;
	}
	result = convert(words[0], words[1], words[2], to, true);
	return fclose(to) == 0 ? result : 1;
}

int main(int count, char **words)
{
	char line[8192];
	int result = 0;

	if (count == 4)
		return convert(words[1], words[2], words[3], stdout, false);
	if (count != 2 || strcmp(words[1], "-") != 0) {
		fprintf(stderr, "usage: page-convert FILE URL markdown|text|whole, or page-convert -\n");
		return 2;
	}
	while (result == 0 && fgets(line, sizeof line, stdin))
		result = convert_line(line);
	return result;
}
