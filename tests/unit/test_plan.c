/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: what is written is what is read, and nothing else is read as a plan. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/plan.h"

static void fill(struct plan *plan)
{
	plan_init(plan);
	assert_int_equal(plan_add_path(&plan->workspaces, &plan->workspace_count, "/home/me/project", true),
			 0);
	assert_int_equal(plan_add_path(&plan->workspaces, &plan->workspace_count, "/fixed", false), 0);
	assert_int_equal(plan_add_path(&plan->extra, &plan->extra_count, "/home/me/bin", false), 0);
	assert_int_equal(plan_add_text(&plan->protect, &plan->protect_count, ".git/hooks"), 0);
	assert_int_equal(plan_add_text(&plan->hide, &plan->hide_count, "/etc/ssh"), 0);
	assert_int_equal(plan_add_rule(&plan->allowed, &plan->allowed_count, "*.example.org", 8443), 0);
	assert_int_equal(plan_add_rule(&plan->denied, &plan->denied_count, "evil.example.org", 0), 0);
	plan->home = strdup("/home/me");
	plan->config_home = strdup("/home/me/config");
	plan->network_listed = true;
	plan->temporary_bytes = 12345678901ull;
	plan->memory_bytes = 98765432109ull;
	plan->cpu_thousandths = 1250;
	snprintf(plan->policy_sha256, sizeof plan->policy_sha256, "%064d", 7);
}

static void test_round_trip(void **state)
{
	_cleanup_(plan_deinit) struct plan plan, read;
	struct err err = {""};

	fill(&plan);
	plan_init(&read);
	_cleanup_fd_ int memfd = plan_open(&plan, &err);
	assert_true(memfd >= 0);
	for (int times = 0; times < 2; times++) { /* the offset of the shared description does not matter */
		plan_deinit(&read);
		assert_int_equal(plan_read(&read, memfd, &err), 0);
	}
	assert_int_equal(read.workspace_count, 2);
	assert_string_equal(read.workspaces[0].path, "/home/me/project");
	assert_true(read.workspaces[0].write && !read.workspaces[1].write);
	assert_string_equal(read.extra[0].path, "/home/me/bin");
	assert_string_equal(read.protect[0], ".git/hooks");
	assert_string_equal(read.hide[0], "/etc/ssh");
	assert_string_equal(read.allowed[0].host, "*.example.org");
	assert_int_equal(read.allowed[0].port, 8443);
	assert_string_equal(read.denied[0].host, "evil.example.org");
	assert_string_equal(read.home, "/home/me");
	assert_string_equal(read.config_home, "/home/me/config");
	assert_null(read.search_path);
	assert_true(read.network_listed);
	assert_true(read.temporary_bytes == 12345678901ull);
	assert_true(read.memory_bytes == 98765432109ull);
	assert_int_equal(read.cpu_thousandths, 1250);
	assert_string_equal(read.policy_sha256, plan.policy_sha256);
}

/* What no process's end frees stays below what all may use, and is never raised. */
static void test_fit_memory(void **state)
{
	const uint64_t memory = UINT64_C(96) << 20;
	_cleanup_(plan_deinit) struct plan plan;

	plan_init(&plan);
	plan_fit_memory(&plan, memory, true);
	assert_true(plan.temporary_bytes == memory / 6);
	assert_true(plan.temporary_files == memory / 16384);
	assert_true(3 * (plan.temporary_bytes + 1024 * plan.temporary_files) < memory / 4 * 3);
	assert_true(plan.command_data_bytes == LIMIT_COMMAND_DATA_BYTES); /* the group sees to the sum */
	plan_fit_memory(&plan, UINT64_MAX, false);
	assert_true(plan.temporary_bytes == memory / 6);
	assert_true(plan.command_data_bytes == LIMIT_COMMAND_DATA_BYTES); /* nothing was asked for */
	plan.memory_bytes = memory;
	plan_fit_memory(&plan, memory, false);
	assert_true(plan.command_data_bytes == memory);
}

static void test_cannot_be_changed(void **state)
{
	_cleanup_(plan_deinit) struct plan plan;

	fill(&plan);
	_cleanup_fd_ int memfd = plan_open(&plan, NULL);
	assert_int_equal(pwrite(memfd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(memfd, 0), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0), MAP_FAILED);
}

static void test_what_is_no_plan(void **state)
{
	_cleanup_(plan_deinit) struct plan plan, read;
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_PLAN_BYTES};
	_cleanup_fd_ int open_memfd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	fill(&plan);
	plan_init(&read);
	assert_int_equal(plan_encode(&plan, &payload), 0);
	/* not sealed, however right its content */
	assert_true(write(open_memfd, buffer_data(&payload), buffer_length(&payload)) > 0);
	assert_int_equal(plan_read(&read, open_memfd, NULL), -EPROTO);
	/* cut anywhere, or longer than it says */
	for (size_t length = 0; length < buffer_length(&payload); length++)
		assert_int_equal(plan_decode(&read, buffer_data(&payload), length, NULL), -EPROTO);
	assert_int_equal(buffer_append(&payload, "", 1), 0);
	assert_int_equal(plan_decode(&read, buffer_data(&payload), buffer_length(&payload), NULL), -EPROTO);
	/* every byte changed: refused or read, never a crash */
	payload.end--;
	for (size_t i = 0; i < buffer_length(&payload); i++) {
		_cleanup_(plan_deinit) struct plan changed;

		plan_init(&changed);
		buffer_data(&payload)[i] ^= 0xff;
		plan_decode(&changed, buffer_data(&payload), buffer_length(&payload), NULL);
		buffer_data(&payload)[i] ^= 0xff;
	}
}

static void test_relative_paths_are_refused(void **state)
{
	_cleanup_(plan_deinit) struct plan plan, read;
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_PLAN_BYTES};

	plan_init(&plan);
	plan_init(&read);
	assert_int_equal(plan_add_path(&plan.workspaces, &plan.workspace_count, "work", true), 0);
	assert_int_equal(plan_encode(&plan, &payload), 0);
	assert_int_equal(plan_decode(&read, buffer_data(&payload), buffer_length(&payload), NULL), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_fit_memory),
		cmocka_unit_test(test_cannot_be_changed), cmocka_unit_test(test_what_is_no_plan),
		cmocka_unit_test(test_relative_paths_are_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
