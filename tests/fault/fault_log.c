/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation failure over the log of a command: it never fails, keeps what has room, counts the rest, and is
 * exact in both.
 */
#include "tests/fault/allocator.h"
#include "tests/support/log_model.h"

/* Reads again and again while no memory is left: that needs none. Returns the first byte that is left. */
static uint64_t read_without_memory(struct command_log *log)
{
	unsigned gaps;
	uint64_t first;

	fault_arm(1, true);
	first = read_all(log, 50000, &gaps);
	assert_false(fault_happened());
	assert_true(gaps <= 1);
	return first;
}

/* Returns whether an allocation failed; if none did, all have had their turn. */
static bool fill(unsigned at, bool lasting, bool with_file)
{
	struct command_log log;
	uint64_t first;
	bool failed;

	begin(&log, at);
	if (with_file)
		command_log_give_file(&log, memfd_create("log", MFD_CLOEXEC), MODEL_MOST);
	fault_arm(at, lasting);
	while (model.total < 60 * BLOCK)
		add(&log, (int)random_below(2), random_below(LIMIT_PIPE_READ_BYTES));
	fault_disarm();
	failed = fault_happened();
	assert_true(!failed || at == 1 || command_log_wants_file(&log) == !with_file);
	first = read_without_memory(&log);
	if (at == 1 && lasting) { /* there never was any */
		assert_null(log.blocks);
		assert_int_equal(first, model.total);
	} else if (with_file) {
		assert_true(first <= LIMIT_PIPE_READ_BYTES); /* what came while there was none */
		assert_int_equal(first > 0, at == 1);
	} else {
		assert_true(first <= must_have(log.memory.places - 1));
	}
	/* the kernel relents: it goes on with what it has, or begins */
	fault_disarm();
	for (int i = 0; i < 20; i++)
		add(&log, i & 1, BLOCK);
	first = read_without_memory(&log);
	fault_disarm();
	assert_true(first <= must_have(log.memory.places - 1));
	command_log_deinit(&log);
	return failed;
}

static void test_each(void **state)
{
	for (int lasting = 0; lasting < 2; lasting++)
		for (int with_file = 0; with_file < 2; with_file++) {
			unsigned at = 1;

			while (fill(at, lasting, with_file))
				at++;
			assert_int_equal(at, 6); /* of 16 blocks, doubling from 1 */
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
