/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages as they stand in the world, written for the test, and the Markdown that each is to become: NAME.html
 * beside NAME.md in pages/ (and NAME.txt where `format: text` is looked at too). Each file is a case. usage:
 * test-pages FOLDER [NAME]   With NAME: prints what that page becomes, to be read and then kept as expected.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/page/page.h"

#define PAGE_URL "https://example.org/docs/page.html"

static bool read_file(const char *folder, const char *name, const char *ending, struct buffer *to)
{
	char path[4096];
	FILE *file;
	size_t got;

	snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
	file = fopen(path, "re");
	if (!file)
		return false;
	do {
		if (buffer_reserve(to, 65536) < 0)
			abort();
		got = fread(to->bytes + to->end, 1, 65536, file);
		to->end += got;
	} while (got);
	fclose(file);
	return true;
}

static void convert(const struct buffer *html, enum page_format format, struct buffer *text)
{
	const struct page_options options = {
		.url = PAGE_URL, .format = format, .memory = LIMIT_WEB_TEXT_BYTES};
	struct page_facts facts;

	if (page_convert(text, &facts, &options, buffer_data(html), buffer_length(html)) < 0 || facts.cut)
		abort();
}

static size_t line_length(const char *at, const char *end)
{
	const char *line = memchr(at, '\n', (size_t)(end - at));

	return (size_t)((line ? line : end) - at);
}

static void print_lines(char sign, unsigned line, const char *at, const char *end)
{
	for (unsigned i = 0; i < 4 && at < end; i++, at += line_length(at, end) + 1) {
		printf("  %4u %c|", line + i, sign);
		fwrite(at, 1, line_length(at, end), stdout);
		putchar('\n');
	}
}

/* The lines from the first difference on. */
static void print_difference(const struct buffer *expected, const struct buffer *text)
{
	const char *one = buffer_data(expected), *one_end = one + buffer_length(expected);
	const char *other = buffer_data(text), *other_end = other + buffer_length(text);
	unsigned line = 1;

	while (one < one_end && other < other_end) {
		size_t length = line_length(one, one_end);

		if (line_length(other, other_end) != length || memcmp(one, other, length) != 0)
			break;
		one += length + 1;
		other += length + 1;
		line++;
	}
	print_lines('-', line, one, one_end);
	print_lines('+', line, other, other_end);
}

/* 1: as expected; 0: otherwise; -1: nothing is expected of it. */
static int check(const char *folder, const char *name, const char *ending, enum page_format format)
{
	_cleanup_(buffer_deinit) struct buffer html = {.max = LIMIT_WEB_BODY_BYTES},
					       text = {.max = LIMIT_WEB_TEXT_BYTES},
					       expected = {.max = LIMIT_WEB_TEXT_BYTES};

	if (!read_file(folder, name, ".html", &html) || !read_file(folder, name, ending, &expected))
		return -1;
	convert(&html, format, &text);
	if (buffer_length(&text) == buffer_length(&expected) && buffer_length(&text) &&
	    memcmp(buffer_data(&text), buffer_data(&expected), buffer_length(&text)) == 0)
		return 1;
	printf("FAILED %s%s\n", name, ending);
	print_difference(&expected, &text);
	return 0;
}

static int print_page(const char *folder, const char *name)
{
	_cleanup_(buffer_deinit) struct buffer html = {.max = LIMIT_WEB_BODY_BYTES},
					       text = {.max = LIMIT_WEB_TEXT_BYTES};

	if (!read_file(folder, name, ".html", &html))
		return 1;
	convert(&html, PAGE_MARKDOWN, &text);
	fwrite(buffer_data(&text), 1, buffer_length(&text), stdout);
	return 0;
}

int main(int count, char **words)
{
	struct dirent **found;
	int names, passed = 0, failed = 0;

	if (count < 2)
		return 2;
	if (count > 2)
		return print_page(words[1], words[2]);
	names = scandir(words[1], &found, NULL, alphasort);
	for (int i = 0; i < names; i++) {
		char *name = found[i]->d_name, *ending = strrchr(name, '.');

		if (ending && strcmp(ending, ".html") == 0) {
			int markdown, text;

			*ending = '\0';
			markdown = check(words[1], name, ".md", PAGE_MARKDOWN);
			text = check(words[1], name, ".txt", PAGE_TEXT);
			if (markdown < 0)
				printf("FAILED %s: there is no %s.md\n", name, name);
			passed += (markdown > 0) + (text > 0);
			failed += (markdown <= 0) + (text == 0);
		}
		free(found[i]);
	}
	if (names >= 0)
		free(found);
	printf("%d pages passed, %d failed\n", passed, failed);
	return failed || !passed;
}
