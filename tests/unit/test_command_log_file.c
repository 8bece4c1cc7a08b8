/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a command whose file fails, in each way it can: as exact, and it never fails itself. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/log_model.h"

static void limit_file_size(rlim_t size)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Full before it should be, also in the middle of a write: what is in it stays, memory goes on. */
static void test_full_disk(void **state)
{
	for (uint64_t seed = 0; seed < 16; seed++) {
		struct command_log log;
		uint64_t next, size;
		unsigned gaps;

		begin(&log, seed);
		size = random_below(MODEL_MOST / 2);
		command_log_give_file(&log, memfd_create("log", MFD_CLOEXEC), MODEL_MOST);
		limit_file_size(size);
		run(&log, 1); /* of the middle */
		limit_file_size(RLIM_INFINITY);
		assert_false(log.writing);
		assert_true(log.file.count <= size / BLOCK);
		assert_true(log.file.count + log.memory.places / 2 >= size / BLOCK);
		assert_true(read_all(&log, MODEL_MOST, &gaps) == 0 || log.file.count == 0);
		assert_int_equal(gaps, 1);
		read_some(&log, 0, MODEL_MOST, &next); /* up to what is gone, and no cut is better */
		assert_int_equal(command_log_cut(&log, 0, MODEL_MOST, true), got.length);
		read_some(&log, must_have(log.memory.places - 1), MODEL_MOST, &next);
		assert_int_equal(next, model.total);
		command_log_deinit(&log);
	}
}

/* What is written over and fails is neither what it was nor what it should be. */
static void test_fails_on_second_lap(void **state)
{
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct command_log log;
		unsigned gaps;

		begin(&log, seed);
		command_log_give_file(&log, memfd_create("log", MFD_CLOEXEC), 29 * BLOCK);
		while (model.total < 60 * BLOCK)
			add_something(&log);
		limit_file_size(random_below(29 * BLOCK));
		run(&log, 2);
		limit_file_size(RLIM_INFINITY);
		assert_false(log.writing);
		assert_true(log.file.count > 0 && log.file.count < 29);
		read_all(&log, MODEL_MOST, &gaps);
		assert_int_equal(gaps, 2);
		command_log_deinit(&log);
	}
}

/* Neither written nor read: as without one, and reading does not fail. */
static void run_without_access(int access)
{
	struct command_log log;
	_cleanup_fd_ int fd = memfd_create("log", MFD_CLOEXEC);
	uint64_t sure;
	char path[64];
	unsigned gaps;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	begin(&log, 5);
	command_log_give_file(&log, open(path, access | O_CLOEXEC), MODEL_MOST);
	while (model.total < 60 * BLOCK)
		add_something(&log);
	assert_int_equal(log.file.count > 0, access == O_WRONLY);
	sure = must_have(access == O_WRONLY ? log.memory.places / 2 : log.memory.places - 1);
	assert_true(read_all(&log, MODEL_MOST, &gaps) <= sure);
	assert_int_equal(gaps, 1);
	assert_int_equal(log.file.count, 0);
	run(&log, 1);
	assert_true(read_all(&log, MODEL_MOST, &gaps) <= must_have(log.memory.places - 1));
	command_log_deinit(&log);
}

static void test_no_access(void **state)
{
	run_without_access(O_RDONLY);
	run_without_access(O_WRONLY);
}

/* Reads all of a log whose file lies: whatever comes, it is bounded, adds up and ends. */
static void read_lies(struct command_log *log)
{
	uint64_t cursor = 0;

	while (cursor < model.total) {
		uint64_t next, lost;

		got.length = 0;
		assert_int_equal(command_log_read(log, cursor, MODEL_MOST, take, NULL, &next, &lost), 0);
		assert_int_equal(cursor + lost + got.length, next);
		assert_true(next > cursor && next <= model.total);
		cursor = next;
	}
}

static void test_file_that_lies(void **state)
{
	unsigned given_up = 0;

	for (uint64_t seed = 0; seed < 300; seed++) {
		struct command_log log;
		int fd = memfd_create("log", MFD_CLOEXEC);

		begin(&log, seed);
		command_log_give_file(&log, fd, MODEL_MOST);
		while (model.total < 30 * BLOCK)
			add_something(&log);
		for (int i = 0; i < 8; i++) {
			uint64_t lie = random_below(3) ? random_below(1u << 31) << random_below(33) : 0;
			uint64_t place = random_below(log.file.count) * BLOCK;

			place += random_below(3) ? random_below(24) : random_below(BLOCK - 8);
			assert_int_equal(pwrite(fd, &lie, 1 + random_below(sizeof lie), (off_t)place) > 0,
					 true);
		}
		if (seed % 10 == 0)
			assert_int_equal(ftruncate(fd, (off_t)(BLOCK + seed)), 0);
		read_lies(&log);
		given_up += log.fd < 0;
		command_log_deinit(&log);
	}
	assert_true(given_up > 100);
}

/* Blocks whose header agrees with records that lead out of them. */
static void test_records_too_long(void **state)
{
	static const struct {
		uint32_t length;
		uint16_t used, record;
	} lies[] = {{32767, BLOCK - 16, 32767},
		    {32767, 65535, 32767},
		    {16367, BLOCK - 16, 16367},
		    {100, 90, 100}};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct command_log log;
		int fd = memfd_create("log", MFD_CLOEXEC);
		uint64_t next, lost;

		begin(&log, i);
		command_log_give_file(&log, fd, MODEL_MOST);
		add(&log, 0, 30 * BLOCK);
		assert_int_equal(pwrite(fd, &lies[i].length, 4, 8), 4);
		assert_int_equal(pwrite(fd, &lies[i].used, 2, 12), 2);
		assert_int_equal(pwrite(fd, (uint16_t[]){(uint16_t)(lies[i].record << 1)}, 2, 16), 2);
		got.length = 0;
		assert_int_equal(command_log_read(&log, 0, 100000, take, NULL, &next, &lost), 0);
		assert_true(lost > 0);
		assert_int_equal(log.fd, -1);
		command_log_deinit(&log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_disk), cmocka_unit_test(test_fails_on_second_lap),
		cmocka_unit_test(test_no_access), cmocka_unit_test(test_file_that_lies),
		cmocka_unit_test(test_records_too_long)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
