/* SPDX-License-Identifier: Apache-2.0 */
/* Windows over a command's output and their folding: exact counts, nothing cut inside a character or a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tools/command/output.h"

static void check_fold(const char *in, size_t length, const char *expected)
{
	struct buffer out;

	buffer_init(&out, 4096);
	assert_int_equal(output_fold(&out, in, length), 0);
	assert_int_equal(buffer_length(&out), strlen(expected));
	assert_memory_equal(buffer_data(&out) ? buffer_data(&out) : "", expected, strlen(expected));
	buffer_deinit(&out);
}

#define FOLD(in, expected) check_fold(in, sizeof(in) - 1, expected)

static void test_fold(void **state)
{
	FOLD("plain\n", "plain\n");
	FOLD("crlf\r\nnext\r\n", "crlf\nnext\n");
	FOLD(" 10%\r 50%\r100%\ndone", "100%\ndone");
	FOLD("kept although returned\r", "kept although returned");
	FOLD("\x1b[31mred\x1b[0m \x1b]0;title\x07text", "red text");
	FOLD("\x1b]8;;http://x\x1b\\link\x1b(Bx", "linkx");
	FOLD("cut \x1b[3", "cut ");
	FOLD("cut \x1b", "cut ");
	FOLD("ab\b\bc", "c");
	FOLD("a\n\bb", "a\nb");
	FOLD("\xc3\xa4\bo", "o");
	FOLD("a\0b\ac\x7f\td", "abc\td");
	FOLD("", "");
}

static char *written(const struct output_window *window, uint64_t *omitted, struct buffer *out)
{
	buffer_init(out, 1 << 20);
	assert_int_equal(output_window_write(window, false, out, omitted), 0);
	assert_int_equal(buffer_append(out, "", 1), 0);
	return buffer_data(out);
}

static void test_everything_fits(void **state)
{
	struct command_output output;
	struct buffer out;
	uint64_t omitted;

	command_output_init(&output, OUTPUT_BOTH, 100);
	command_output_add(&output, 0, "one\n", 4);
	assert_string_equal(written(command_output_merged(&output), &omitted, &out), "one\n");
	buffer_deinit(&out);
	command_output_add(&output, 1, "two\n", 4);
	command_output_add(&output, 0, "three\n", 6);
	assert_string_equal(written(command_output_merged(&output), &omitted, &out), "one\ntwo\nthree\n");
	assert_int_equal(omitted, 0);
	buffer_deinit(&out);
	assert_string_equal(written(&output.streams[1], &omitted, &out), "two\n");
	buffer_deinit(&out);
	command_output_deinit(&output);
}

/* Whatever is written in whatever pieces: shown + omitted = total, and head and tail are the true ends. */
static void test_counts(void **state)
{
	static char all[5000];
	static const enum output_keep keeps[] = {OUTPUT_HEAD, OUTPUT_TAIL, OUTPUT_BOTH};

	for (size_t i = 0; i < sizeof all; i++)
		all[i] = i % 50 == 49 ? '\n' : (char)('a' + i % 26);
	for (size_t keep = 0; keep < 3; keep++) {
		for (size_t piece = 1; piece < 700; piece += 37) {
			struct command_output output;
			struct buffer out;
			uint64_t omitted;
			char *marker, *text, number[32];

			command_output_init(&output, keeps[keep], 1000);
			for (size_t at = 0; at < sizeof all; at += piece)
				command_output_add(&output, 0, all + at,
						   piece < sizeof all - at ? piece : sizeof all - at);
			text = written(&output.streams[0], &omitted, &out);
			marker = strstr(text, "[…");
			assert_non_null(marker);
			snprintf(number, sizeof number, " %llu ", (unsigned long long)omitted);
			assert_non_null(strstr(marker, number));
			size_t head = (size_t)(marker - text);
			char *tail = strchr(marker, '\n') + 1;
			assert_int_equal(head + strlen(tail) + omitted, sizeof all);
			assert_memory_equal(text, all, head);
			assert_memory_equal(tail, all + sizeof all - strlen(tail), strlen(tail));
			assert_true(head == 0 || text[head - 1] == '\n');
			assert_true(keeps[keep] != OUTPUT_HEAD || *tail == '\0');
			assert_true(keeps[keep] != OUTPUT_TAIL || head == 0);
			buffer_deinit(&out);
			command_output_deinit(&output);
		}
	}
}

/* One endless line of two-byte characters: no cut inside one. */
static void test_characters_stay_whole(void **state)
{
	for (size_t most = 5; most < 40; most++) {
		struct command_output output;
		struct buffer out;
		uint64_t omitted;
		char *text;

		command_output_init(&output, OUTPUT_BOTH, most);
		for (int i = 0; i < 100; i++)
			command_output_add(&output, 0, "\xc3\xa4", 2);
		text = written(&output.streams[0], &omitted, &out);
		for (char *at = text; *at && *at != '\n' && *at != '['; at += 2)
			assert_memory_equal(at, "\xc3\xa4", 2);
		for (char *at = strchr(text, ']') + 2; *at; at += 2)
			assert_memory_equal(at, "\xc3\xa4", 2);
		assert_int_equal(omitted % 2, 0);
		buffer_deinit(&out);
		command_output_deinit(&output);
	}
}

static void test_newest_line(void **state)
{
	struct command_output output;
	struct buffer out;

	command_output_init(&output, OUTPUT_BOTH, 64);
	buffer_init(&out, 1024);
	assert_int_equal(output_newest_line(command_output_merged(&output), &out), 0);
	assert_int_equal(buffer_length(&out), 0);
	for (int i = 0; i < 40; i++) {
		char line[32];
		command_output_add(&output, 0, line, (size_t)snprintf(line, sizeof line, "line %d\n", i));
		buffer_clear(&out, SIZE_MAX);
		assert_int_equal(output_newest_line(command_output_merged(&output), &out), 0);
		line[strlen(line) - 1] = '\0';
		assert_int_equal(buffer_length(&out), strlen(" · ") + strlen(line));
		assert_memory_equal(buffer_data(&out) + strlen(" · "), line, strlen(line));
	}
	buffer_deinit(&out);
	command_output_deinit(&output);
}

/* A head that folding leaves nothing of: the line about what is missing must not look before it. */
static void test_nothing_visible(void **state)
{
	struct command_output output;
	struct buffer out;
	uint64_t omitted;

	command_output_init(&output, OUTPUT_HEAD, 4);
	command_output_add(&output, 0, "\r\r\r\r\r\r", 6);
	assert_string_equal(written(&output.streams[0], &omitted, &out), "[… 2 bytes left out …]\n");
	assert_int_equal(omitted, 2);
	buffer_deinit(&out);
	command_output_deinit(&output);
}

/* A flood of progress pushes out nothing that can be seen, however it comes in pieces. */
static void test_lines_written_over(void **state)
{
	static const char *const turns[] = {"\r%d%%", "%d%%\r", "\x1b[2K\r\x1b[32m%d%%\x1b[0m", "\r%060d"};

	for (size_t piece = 1; piece < 100; piece += 7) {
		for (size_t turn = 0; turn < 4; turn++) {
			struct command_output output;
			struct buffer all, out;
			uint64_t omitted;

			buffer_init(&all, 1 << 20);
			buffer_append_text(&all, "first\n");
			for (int part = 0; part < 3; part++) {
				for (int i = 0; i < 1000; i++)
					buffer_printf(&all, turns[turn], i);
				buffer_printf(&all, "\rpart %d\r\n", part);
			}
			command_output_init(&output, OUTPUT_BOTH, 180);
			for (size_t at = 0; at < buffer_length(&all); at += piece)
				command_output_add(
					&output, 0, buffer_data(&all) + at,
					piece < buffer_length(&all) - at ? piece : buffer_length(&all) - at);
			assert_string_equal(written(&output.streams[0], &omitted, &out),
					    "first\npart 0\npart 1\npart 2\n");
			assert_int_equal(omitted, 0);
			assert_false(command_output_omits(&output));
			buffer_deinit(&out);
			buffer_deinit(&all);
			command_output_deinit(&output);
		}
	}
}

/* Generated text: what windows with room for everything keep reads as all of it does; what those without room
 * keep is of it, and its count is exact. */
static void test_as_all_of_it(void **state)
{
	static const char *const words[] = {"a",          "bc",     "\t",       "\n",   "\n",
					    "\r",         "\r",     "\r\n",     "\b",   "\x1b[2K",
					    "\x1b]0;t\a", "\x1b(B", "\xc3\xa4", "\x07", "0123456789"};
	unsigned dice = 5;

	for (int round = 0; round < 20000; round++) {
		struct command_output whole, small;
		struct buffer all, expected, out;
		uint64_t omitted;
		size_t piece, kept;

		buffer_init(&all, 4096);
		buffer_init(&expected, 4096);
		for (int i = 0; i < 40; i++) {
			dice = dice * 1103515245 + 12345;
			buffer_append_text(&all, words[(dice >> 16) % (sizeof words / sizeof *words)]);
		}
		piece = 1 + (dice >> 20) % 9;
		command_output_init(&whole, (enum output_keep)(round % 3), 4096);
		command_output_init(&small, (enum output_keep)(round % 3), 1 + (dice >> 18) % 60);
		for (size_t at = 0; at < buffer_length(&all); at += piece) {
			size_t length = buffer_length(&all) - at;

			length = length < piece ? length : piece;
			command_output_add(&whole, 0, buffer_data(&all) + at, length);
			command_output_add(&small, 0, buffer_data(&all) + at, length);
		}
		assert_int_equal(output_fold(&expected, buffer_data(&all), buffer_length(&all)), 0);
		assert_int_equal(buffer_append(&expected, "", 1), 0);
		assert_string_equal(written(&whole.streams[0], &omitted, &out), buffer_data(&expected));
		assert_int_equal(omitted, 0);
		buffer_deinit(&out);
		kept = buffer_length(&small.streams[0].head) + small.streams[0].tail_length;
		assert_true(kept <= small.most && kept <= small.streams[0].total);
		assert_int_equal(small.streams[0].total, whole.streams[0].total);
		if (!command_output_omits(&small)) {
			assert_string_equal(written(&small.streams[0], &omitted, &out),
					    buffer_data(&expected));
			buffer_deinit(&out);
		}
		buffer_deinit(&expected);
		buffer_deinit(&all);
		command_output_deinit(&whole);
		command_output_deinit(&small);
	}
}

/* While more may come, what has only begun is left for later. */
static void test_begun(void **state)
{
	static const struct {
		const char *text;
		size_t begun;
	} list[] = {{"", 0},
		    {"a", 0},
		    {"a\xc3", 1},
		    {"a\xe6\xbc", 2},
		    {"\xf0\x9f\x98", 3},
		    {"\xc3\xa4", 0},
		    {"\xf0\x9f\x98\x80", 0},
		    {"\x98\x80", 0},
		    {"\x1b", 1},
		    {"red\x1b[3", 3},
		    {"\x1b[31m", 0},
		    {"\x1b(", 2},
		    {"\x1b(B", 0},
		    {"\x1b]0;ti", 6},
		    {"\x1b]0;t\a", 0},
		    {"\x1b]0;t\x1b\\", 0}};

	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		struct command_output output;
		struct buffer out, shown;
		uint64_t omitted;
		size_t length = strlen(list[i].text);

		assert_int_equal(output_begun(list[i].text, length), list[i].begun);
		command_output_init(&output, OUTPUT_BOTH, 100);
		command_output_add(&output, 0, list[i].text, length);
		buffer_init(&out, 100);
		buffer_init(&shown, 100);
		assert_int_equal(output_window_write(&output.streams[0], true, &out, &omitted), 0);
		assert_int_equal(output_fold(&shown, list[i].text, length - list[i].begun), 0);
		assert_int_equal(buffer_length(&out), buffer_length(&shown));
		buffer_deinit(&out);
		buffer_deinit(&shown);
		command_output_deinit(&output);
	}
}

/* A window that cannot grow (its maximum stands for memory that is not to be had) still counts what came. */
static void test_without_memory(void **state)
{
	struct command_output output;
	struct buffer out;
	uint64_t omitted;

	command_output_init(&output, OUTPUT_BOTH, 20);
	output.streams[0].head.max = 0;
	output.streams[0].tail.max = 3;
	output.merged.head.max = 0;
	output.merged.tail.max = 0;
	command_output_add(&output, 0, "abc", 3); /* the head has no memory */
	command_output_add(&output, 0, "def", 3); /* nor has the tail for more */
	command_output_add(&output, 0, "g", 1);
	command_output_add(&output, 1, "error\n", 6); /* mixed: the copy has none at all */
	assert_string_equal(written(&output.streams[0], &omitted, &out), "[… 4 bytes left out …]\nefg");
	assert_int_equal(omitted, 4);
	buffer_deinit(&out);
	assert_string_equal(written(&output.streams[1], &omitted, &out), "error\n");
	assert_int_equal(omitted, 0);
	buffer_deinit(&out);
	assert_string_equal(written(&output.merged, &omitted, &out), "[… 13 bytes left out …]\n");
	assert_int_equal(omitted, 13);
	buffer_deinit(&out);
	command_output_deinit(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fold),           cmocka_unit_test(test_everything_fits),
		cmocka_unit_test(test_counts),         cmocka_unit_test(test_characters_stay_whole),
		cmocka_unit_test(test_newest_line),    cmocka_unit_test(test_nothing_visible),
		cmocka_unit_test(test_without_memory), cmocka_unit_test(test_lines_written_over),
		cmocka_unit_test(test_as_all_of_it),   cmocka_unit_test(test_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
