/* SPDX-License-Identifier: Apache-2.0 */
/* What a session says unasked while nobody listens: the last of it is kept, in whole events. */
#include "server/transport/http_sessions.h"
#include "tests/support/mcp_say.h"

static void test_nobody_listens(void **state)
{
	struct test_host *host = *state;
	struct session session = {.peer = host->peer};
	struct mcp_delivery delivery = {0};
	struct buffer message;
	char text[200];

	initialize(host, "2025-11-25");
	stream_init(&session.unasked, NULL, &session, 0);
	stream_begin(&session.unasked); /* somebody has listened, and left */
	buffer_init(&message, sizeof text);
	for (unsigned i = 1; i <= 5000; i++) {
		const char *bytes;
		size_t length;

		snprintf(text, sizeof text,
			 "{\"jsonrpc\":\"2.0\",\"method\":\"test\",\"params\":{\"number\":%u}}\n", i);
		buffer_clear(&message, SIZE_MAX);
		assert_int_equal(buffer_append_text(&message, text), 0);
		assert_int_equal(stream_take(&session.unasked, &delivery, &message), 0);
		bytes = buffer_data(&session.unasked.bytes);
		length = buffer_length(&session.unasked.bytes);
		assert_true(length <= 2 * LIMIT_HTTP_KEPT_BYTES);
		assert_memory_equal(bytes, "id: 0-", 6);
		assert_memory_equal(bytes + length - 2, "\n\n", 2);
	}
	assert_non_null(memmem(buffer_data(&session.unasked.bytes), buffer_length(&session.unasked.bytes),
			       "id: 0-5000\n", 11));
	assert_null(memmem(buffer_data(&session.unasked.bytes), buffer_length(&session.unasked.bytes),
			   "id: 0-1\n", 8));
	assert_int_equal(session.unasked.sent, 0);
	buffer_deinit(&message);
	stream_deinit(&session.unasked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {SAY_TEST(test_nobody_listens)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
