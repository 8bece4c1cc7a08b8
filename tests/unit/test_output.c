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
	assert_int_equal(output_window_write(window, out, omitted), 0);
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
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
