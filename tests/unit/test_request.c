/* SPDX-License-Identifier: Apache-2.0 */
/* A command's request as the nanny reads it: in place, every text ended where it ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/wire.h"

static const char *const defaults[] = {"PATH=/p", "EDITOR=/e", NULL};

static void put(struct buffer *payload, const char *cwd, const char *const *argv, const char *const *envp,
		uint32_t shell)
{
	uint32_t argc = 0, envc = 0;

	buffer_clear(payload, SIZE_MAX);
	while (argv[argc])
		argc++;
	while (envp[envc])
		envc++;
	frame_put_text(payload, cwd);
	frame_put_u32(payload, argc);
	for (uint32_t i = 0; i < argc; i++)
		frame_put_text(payload, argv[i]);
	frame_put_u32(payload, envc);
	for (uint32_t i = 0; i < envc; i++)
		frame_put_text(payload, envp[i]);
	frame_put_u32(payload, shell);
}

static void expect(char *const *list, const char *const *expected)
{
	size_t i = 0;

	for (; expected[i]; i++)
		assert_string_equal(list[i], expected[i]);
	assert_null(list[i]);
}

static void test_argv_and_shell(void **state)
{
	static const char *const argv[] = {"cc", "", "-o", "x y", NULL}, *const line[] = {"echo $A; true",
											  NULL};
	static const char *const envp[] = {"A=b", "LONG=123456789012345678901234567890", "EMPTY=", NULL},
				 *const none[] = {NULL};
	static const char *const with_defaults[] = {
		"A=b", "LONG=123456789012345678901234567890", "EMPTY=", "PATH=/p", "EDITOR=/e", NULL};
	static const char *const defaults_alone[] = {"PATH=/p", "EDITOR=/e", NULL}, *const own[] = {
											    "PATH=/own",
											    "EDITOR=", NULL};
	static const char *const shell[] = {"/bin/bash", "-c", "echo $A; true", NULL};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct request request = {.vector = NULL};

	for (int times = 0; times < 2; times++) { /* the vector is kept from call to call */
		put(&payload, "/work", argv, envp, 0);
		assert_int_equal(request_decode(&request, 0, &payload, "/bin/bash", defaults), 0);
		assert_string_equal(request.cwd, "/work");
		expect(request.argv, argv);
		expect(request.envp, with_defaults);
		put(&payload, "/w", line, envp, 1);
		assert_int_equal(request_decode(&request, 0, &payload, "/bin/bash", defaults), 0);
		expect(request.argv, shell);
		expect(request.envp, with_defaults);
		put(&payload, "/w", line, none, 1);
		assert_int_equal(request_decode(&request, 0, &payload, "/bin/bash", defaults), 0);
		expect(request.argv, shell);
		expect(request.envp, defaults_alone);
		put(&payload, "/w", line, own, 1);
		assert_int_equal(request_decode(&request, 0, &payload, "/bin/bash", defaults), 0);
		expect(request.envp, own);
	}
	free(request.vector);
}

static void test_malformed(void **state)
{
	static const char *const argv[] = {"a", "b", NULL}, *const none[] = {NULL};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct request request = {.vector = NULL};

	put(&payload, "/", none, none, 0);
	assert_int_equal(request_decode(&request, 0, &payload, "sh", defaults), -EPROTO);
	put(&payload, "/", argv, none, 1); /* a shell line is one */
	assert_int_equal(request_decode(&request, 0, &payload, "sh", defaults), -EPROTO);
	put(&payload, "/", argv, none, 0);
	for (size_t length = buffer_length(&payload); length-- > 0;) {
		put(&payload, "/", argv, none, 0);
		payload.end = length;
		assert_int_equal(request_decode(&request, 0, &payload, "sh", defaults), -EPROTO);
	}
	put(&payload, "/", argv, none, 0);
	payload.bytes[4] = '\0'; /* a NUL inside a text */
	assert_int_equal(request_decode(&request, 0, &payload, "sh", defaults), -EPROTO);
	buffer_clear(&payload, SIZE_MAX);
	frame_put_text(&payload, "/");
	frame_put_u32(&payload, UINT32_MAX);
	assert_int_equal(request_decode(&request, 0, &payload, "sh", defaults), -EPROTO);
	free(request.vector);
}

static void test_terminal(void **state)
{
	static const char *const argv[] = {"a", NULL}, *const none[] = {NULL};
	static const uint32_t wrong[][2] = {{0, 80}, {24, 0}, {LIMIT_TERMINAL_SIDE + 1, 80}, {24, 1u << 16}};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct request request = {.vector = NULL};

	put(&payload, "/", argv, none, 0);
	assert_int_equal(request_decode(&request, KEEPER_TTY, &payload, "sh", defaults), -EPROTO);
	frame_put_u32(&payload, 24);
	frame_put_u32(&payload, LIMIT_TERMINAL_SIDE);
	assert_int_equal(request_decode(&request, KEEPER_TTY, &payload, "sh", defaults), 0);
	assert_int_equal(request.rows, 24);
	assert_int_equal(request.columns, LIMIT_TERMINAL_SIDE);
	put(&payload, "/", argv, none, 0);
	frame_put_u32(&payload, 24);
	frame_put_u32(&payload, 80); /* no terminal has this size */
	assert_int_equal(request_decode(&request, 0, &payload, "sh", defaults), -EPROTO);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		put(&payload, "/", argv, none, 0);
		frame_put_u32(&payload, wrong[i][0]);
		frame_put_u32(&payload, wrong[i][1]);
		assert_int_equal(request_decode(&request, KEEPER_TTY, &payload, "sh", defaults), -EPROTO);
	}
	free(request.vector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_argv_and_shell),
					   cmocka_unit_test(test_malformed), cmocka_unit_test(test_terminal)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
