/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers: the maximum holds whatever the order of appending and consuming, and a failure changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "protocol/buffer.h"
#include "protocol/cleanup.h"

static void test_maximum(void **state)
{
	static const size_t maxima[] = {0, 1, 8, 511, 512, 513, 1000, 4096, 5000};

	for (size_t i = 0; i < sizeof maxima / sizeof *maxima; i++) {
		_cleanup_(buffer_deinit) struct buffer buffer;

		buffer_init(&buffer, maxima[i]);
		for (size_t k = 0; k < maxima[i]; k++)
			assert_int_equal(buffer_append(&buffer, "x", 1), 0);
		assert_int_equal(buffer_append(&buffer, "y", 1), -EMSGSIZE);
		assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
		assert_int_equal(buffer_length(&buffer), maxima[i]);
		assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), -EMSGSIZE);
		assert_true(buffer.size <= maxima[i]);
		if (maxima[i])
			assert_int_equal(buffer_data(&buffer)[maxima[i] - 1], 'x');
	}
}

/* Against a model: a stream of numbered bytes goes in and comes out in order, within the maximum. */
static void test_stream(void **state)
{
	_cleanup_(buffer_deinit) struct buffer buffer;
	uint32_t random = 7;
	uint8_t in = 0, out = 0;
	bool refused = false;

	buffer_init(&buffer, 3000);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[900];
		size_t length;

		random = random * 1664525u + 1013904223u;
		length = (random >> 8) % sizeof bytes;
		if (random >> 31) {
			size_t before = buffer_length(&buffer);

			for (size_t i = 0; i < length; i++)
				bytes[i] = (uint8_t)(in + i);
			int result = buffer_append(&buffer, bytes, length);

			if (before + length > 3000) {
				assert_int_equal(result, -EMSGSIZE);
				assert_int_equal(buffer_length(&buffer), before);
				refused = true;
				continue;
			}
			assert_int_equal(result, 0);
			in = (uint8_t)(in + length);
		} else {
			size_t there = buffer_length(&buffer), taken = length < there ? length : there;

			for (size_t i = 0; i < taken; i++)
				assert_int_equal((uint8_t)buffer_data(&buffer)[i], out++);
			buffer_consume(&buffer, length);
			assert_int_equal(buffer_length(&buffer), there - taken);
		}
		assert_true(buffer.size <= 3000);
	}
	assert_true(refused);
}

static void test_text(void **state)
{
	_cleanup_(buffer_deinit) struct buffer buffer;

	buffer_init(&buffer, 2000);
	assert_int_equal(buffer_append_text(&buffer, "a"), 0);
	assert_int_equal(buffer_printf(&buffer, "%d-%s", 42, "b"), 0);
	assert_int_equal(buffer_length(&buffer), 5);
	assert_memory_equal(buffer_data(&buffer), "a42-b", 5);
	assert_int_equal(buffer_printf(&buffer, "%*d", 3000, 1), -EMSGSIZE);
	assert_int_equal(buffer_length(&buffer), 5);
}

static void test_clear(void **state)
{
	_cleanup_(buffer_deinit) struct buffer buffer;

	buffer_init(&buffer, 1 << 20);
	assert_int_equal(buffer_reserve(&buffer, 100000), 0);
	buffer.end = 10;
	buffer_clear(&buffer, 1 << 20);
	assert_int_equal(buffer_length(&buffer), 0);
	assert_true(buffer.size >= 100000);
	buffer_clear(&buffer, 1000);
	assert_int_equal(buffer.size, 0);
	assert_int_equal(buffer_append(&buffer, "x", 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
