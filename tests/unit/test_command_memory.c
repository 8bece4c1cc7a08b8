/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that had no memory left: what the kernel counts, and what is said of it. */
#include <sys/mman.h>

#include "protocol/cleanup.h"
#include "tests/support/nanny.h"

/* The kernel's count, as it writes it. */
static void count_killed(unsigned killed)
{
	char text[128];
	int length = snprintf(text, sizeof text, "low 0\nhigh 0\nmax 7\noom 2\noom_kill %u\n", killed);

	assert_int_equal(pwrite(frontend.events, text, (size_t)length, 0), length);
}

/* Out of memory is what the kernel has counted while the command ran, and what the command shows of it. */
static void test_out_of_memory(void **state)
{
	static const struct {
		uint32_t wait_status;
		unsigned before, after;
		uint64_t peak;
		const char *data, *text;
	} cases[] = {
		{9, 0, 1, 1, "\"status\":\"out_of_memory\",\"signal\":\"SIGKILL\"",
		 "[out of memory · SIGKILL · "},
		{9, 3, 5, 1, "\"status\":\"out_of_memory\"", "the kernel ended 2 processes]"},
		{137 << 8, 0, 1, 1, "\"status\":\"out_of_memory\",\"exit_code\":137", "ended 1 process]"},
		/* others were killed: it is told, and the status stays the command's own */
		{0, 0, 1, 1, "\"status\":\"exited\",\"exit_code\":0", "the kernel ended 1 process]"},
		{2 << 8, 0, 1, 1, "\"status\":\"exited\",\"exit_code\":2", "the kernel ended 1 process]"},
		/* long before, or not at all */
		{9, 4, 4, 1, "\"status\":\"signaled\"", "[SIGKILL · "},
		{137 << 8, 4, 4, 1, "\"status\":\"exited\"", "[exit 137 · "},
		/* the bound of one process */
		{1 << 8, 0, 0, 900000, "\"status\":\"out_of_memory\",\"exit_code\":1",
		 "came to 0.9 MB of the 1.0 MB"},
		{6, 0, 0, 900000, "\"status\":\"out_of_memory\",\"signal\":\"SIGABRT\"",
		 "[out of memory · SIGABRT"},
		{1 << 8, 0, 0, 800000, "\"status\":\"exited\"", "[exit 1 · "},
		{0, 0, 0, 999999, "\"status\":\"exited\"", "[exit 0 · "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nanny nanny;

		begin_with(memfd_create("events", MFD_CLOEXEC));
		frontend.plan.command_data_bytes = 1000000;
		count_killed(cases[i].before);
		frontend_say(&frontend, RUN("1", ""));
		nanny = take();
		count_killed(cases[i].after);
		report_peak(&nanny, cases[i].wait_status, cases[i].peak);
		frontend_turn(&frontend);
		assert_int_equal(frontend_count(&frontend, cases[i].data), 1);
		assert_int_equal(frontend_count(&frontend, cases[i].text), 1);
		frame_descriptors_close(&nanny.fds);
		end();
	}
}

/* The kernel took the nanny, or the whole sandbox: there is no report, and yet it is known why. */
static void test_out_of_memory_unreported(void **state)
{
	for (int whole = 0; whole < 2; whole++) {
		char killed[16] = {[8] = 7};
		struct nanny nanny;

		begin_with(memfd_create("events", MFD_CLOEXEC));
		count_killed(2);
		frontend_say(&frontend, RUN("1", ""));
		nanny = take();
		if (whole) {
			assert_int_equal(ftruncate(frontend.events, 0),
					 0); /* as good as a group that is gone */
			frontend_frame(frontend.spawner, SPAWNER_DIED, 0, frontend.instances, killed, 16, -1);
		} else {
			count_killed(7);
			frontend_frame(door, KEEPER_SWEPT, nanny.call, 0, NULL, 0, -1);
		}
		frame_descriptors_close(&nanny.fds);
		frontend_turn(&frontend);
		assert_int_equal(
			frontend_count(&frontend, "\"status\":\"out_of_memory\",\"signal\":\"SIGKILL\""), 1);
		assert_int_equal(frontend_count(&frontend, "ended 5 processes, and "), 1);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_out_of_memory_unreported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
