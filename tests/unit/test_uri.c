/* SPDX-License-Identifier: Apache-2.0 */
/* Paths in file URIs: what is read, what is refused, and that what is written reads back as what it was. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "tools/files/uri.h"

static void test_read(void **state)
{
	static const char *const refused[] = {"",          "x",           "//x?y",   "/x#y", "/%",
					      "/%4",       "/%zz",        "/%7\x18", "/%00", "other/x",
					      "localhost", "localhostx/", "%2fx"};
	char path[LIMIT_PATH_BYTES], longest[LIMIT_PATH_BYTES + 1];

	assert_int_equal(uri_read("/a b%20%C3%bc%25", path), 0);
	assert_string_equal(path, "/a b \xc3\xbc%");
	assert_int_equal(uri_read("localhost/a", path), 0);
	assert_string_equal(path, "/a");
	assert_int_equal(uri_read_path("localhost/a", path), -EINVAL);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_int_equal(uri_read(refused[i], path), -EINVAL);
	memset(longest, '/', sizeof longest);
	longest[LIMIT_PATH_BYTES] = '\0';
	assert_int_equal(uri_read(longest, path), -EINVAL);
	longest[LIMIT_PATH_BYTES - 1] = '\0';
	assert_int_equal(uri_read(longest, path), 0);
}

static void test_write(void **state)
{
	static const struct {
		const char *path, *written;
	} cases[] = {
		{"/plain/a-b_c.~!$&'()*+,;=:@[]", "/plain/a-b_c.~!$&'()*+,;=:@[]"},
		{"/with space \xc3\xbc", "/with space \xc3\xbc"},
		{"/100%", "/100%25"},
		{"/a?b#c", "/a%3Fb%23c"},
		{"/new\nline\x7f", "/new%0Aline%7F"},
		{"/\xff\xc3", "/%FF%C3"},
		{"", ""},
	};
	char path[LIMIT_PATH_BYTES];
	struct buffer buffer;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buffer_init(&buffer, 1000);
		assert_int_equal(uri_append_path(&buffer, cases[i].path), 0);
		assert_int_equal(buffer_append(&buffer, "", 1), 0);
		assert_string_equal(buffer_data(&buffer), cases[i].written);
		if (*cases[i].path) {
			assert_int_equal(uri_read_path(buffer_data(&buffer), path), 0);
			assert_string_equal(path, cases[i].path);
		}
		buffer_deinit(&buffer);
	}
	buffer_init(&buffer, 4);
	assert_int_equal(uri_append_path(&buffer, "/%%"), -EMSGSIZE);
	buffer_deinit(&buffer);
}

static void test_directory(void **state)
{
	assert_int_equal(uri_directory(""), 0);
	assert_int_equal(uri_directory("abc"), 0);
	assert_int_equal(uri_directory("/"), 1);
	assert_int_equal(uri_directory("/a/bc"), 3);
	assert_int_equal(uri_directory("/a%2Fbc"), 5);
	assert_int_equal(uri_directory("/a%2fb/c%2"), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
