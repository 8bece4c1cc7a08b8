/* SPDX-License-Identifier: Apache-2.0 */
/* Errors for people: outermost clause first, never longer than the room, never half a character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "protocol/error.h"

static void test_set_and_wrap(void **state)
{
	struct err err;

	assert_int_equal(err_set(&err, -EACCES, "open %s: %s", "a.txt", err_name(EACCES)), -EACCES);
	assert_string_equal(err.text, "open a.txt: EACCES");
	assert_int_equal(err_wrap(&err, -EACCES, "workspace %d", 1), -EACCES);
	assert_string_equal(err.text, "workspace 1: open a.txt: EACCES");
	assert_int_equal(err_set(NULL, -EIO, "nobody asks"), -EIO);
	assert_int_equal(err_wrap(NULL, 7, "nobody asks"), 7);
}

static void test_names(void **state)
{
	assert_string_equal(err_name(ENOENT), "ENOENT");
	assert_string_equal(err_name(-ENOENT), "ENOENT");
	assert_string_equal(err_name(99999), "E?");
}

/* Whatever the cut falls on, what is left is whole characters. */
static void test_cut(void **state)
{
	static const char *const characters[] = {"x", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"};

	for (size_t kind = 0; kind < 4; kind++) {
		size_t width = strlen(characters[kind]);

		for (size_t shift = 0; shift < 8; shift++) {
			char text[700] = "";
			struct err err, wrapped;

			memset(text, '-', shift);
			for (size_t at = shift; at + width < sizeof text; at += width)
				memcpy(text + at, characters[kind], width + 1);
			err_set(&err, 0, "%s", text);
			assert_true(strlen(err.text) < sizeof err.text);
			assert_true(strlen(err.text) + width >= sizeof err.text);
			assert_int_equal((strlen(err.text) - shift) % width, 0);
			wrapped = err;
			err_wrap(&wrapped, 0, "outer");
			assert_int_equal((strlen(wrapped.text) - shift - strlen("outer: ")) % width, 0);
			assert_memory_equal(wrapped.text, "outer: ", 7);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_and_wrap),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
