/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a command against a model that keeps everything: what is handed over is what came, with its
 * streams and in order, what is lost is counted to the byte, and no more is lost than must be; with and
 * without a file, through many laps. And where a reader stops.
 */
#include "tests/support/log_model.h"

/* ---- by hand ---- */

static void test_small(void **state)
{
	struct command_log log;
	uint64_t next, lost;

	begin(&log, 1);
	assert_false(command_log_wants_file(&log));
	assert_int_equal(read_some(&log, 0, 100, &next), 0);
	assert_int_equal(got.length, 0);
	add(&log, 0, 0);
	assert_null(log.blocks); /* nothing until the first byte */
	add(&log, 0, 5);
	add(&log, 0, 7);
	add(&log, 1, 3);
	add(&log, 0, 1);
	assert_int_equal(log.memory.places, 1);
	for (uint64_t since = 0; since <= 16; since++)
		for (size_t most = 0; most < 20; most++) {
			assert_int_equal(read_some(&log, since, most, &next), 0);
			assert_int_equal(got.length, most < 16 - since ? most : 16 - since);
		}
	assert_int_equal(command_log_read(&log, 17, 1, take, NULL, &next, &lost), -EINVAL);
	assert_int_equal(command_log_read(&log, UINT64_MAX, 1, take, NULL, &next, &lost), -EINVAL);
	assert_false(command_log_wants_file(&log));
	command_log_deinit(&log);
	assert_null(log.blocks);
}

static int stop_at_second(void *context, int stream, const char *bytes, size_t length)
{
	return ++*(unsigned *)context == 2 ? -ENOBUFS : 0;
}

static void test_taker_fails(void **state)
{
	struct command_log log;
	uint64_t next, lost;
	unsigned taken = 0;

	begin(&log, 2);
	alternate(&log, 10);
	assert_int_equal(command_log_read(&log, 3, 10, stop_at_second, &taken, &next, &lost), -ENOBUFS);
	assert_int_equal(taken, 2);
	command_log_deinit(&log);
}

/* Who stops reading when it asks for a file loses nothing, however the output is cut. */
static void test_asks_in_time(void **state)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct command_log log;
		unsigned gaps;

		begin(&log, seed);
		while (!command_log_wants_file(&log)) {
			if (seed % 2)
				add(&log, (int)random_below(2), 1 + random_below(LIMIT_PIPE_READ_BYTES));
			else if (seed % 4)
				add(&log, (int)(model.total / LIMIT_PIPE_READ_BYTES % 2),
				    LIMIT_PIPE_READ_BYTES);
			else
				alternate(&log, random_below(9000));
		}
		assert_int_equal(read_all(&log, 100000, &gaps), 0);
		assert_int_equal(gaps, 0);
		assert_true(log.memory.count >= log.memory.places - 1); /* nor did it ask early */
		command_log_give_file(&log, -1, 0);
		assert_false(command_log_wants_file(&log));
		command_log_deinit(&log);
	}
}

/* ---- against the model ---- */

/* A file that is a circle of `places`, 0: none; given after some output. */
static void run_model(uint64_t seed, uint64_t places)
{
	struct command_log log;
	unsigned gaps;
	uint64_t first;

	begin(&log, seed);
	while (random_below(8))
		add_something(&log);
	first = read_all(&log, MODEL_MOST, &gaps); /* lost for want of a file */
	command_log_give_file(&log, places ? memfd_create("log", MFD_CLOEXEC) : -1,
			      places * BLOCK + random_below(BLOCK));
	run(&log, 1);
	assert_true(log.memory.places * BLOCK == LIMIT_COMMAND_LOG_BYTES && log.file.places == places);
	/* with a file, half of memory goes there at once; without, one block goes; then one is filled */
	uint64_t sure = places ? places + log.memory.places / 2 : log.memory.places - 1;

	if (must_have(sure) > first)
		first = must_have(sure);
	assert_true(read_all(&log, MODEL_MOST, &gaps) <= first);
	command_log_deinit(&log);
}

static void test_memory_only(void **state)
{
	for (uint64_t seed = 0; seed < 8; seed++)
		run_model(seed, 0);
}

static void test_small_files(void **state)
{
	static const uint64_t places[] = {1, 2, 7, 8, 9, 40, 101};

	for (uint64_t seed = 0; seed < 2 * ARRAY_SIZE(places); seed++)
		run_model(seed, places[seed % ARRAY_SIZE(places)]);
}

/* With a file for all of it, and when it is given as soon as it is asked for, nothing is lost. */
static void test_large_file(void **state)
{
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct command_log log;
		unsigned gaps;

		begin(&log, seed);
		while (!command_log_wants_file(&log))
			add(&log, (int)random_below(2), random_below(LIMIT_PIPE_READ_BYTES));
		command_log_give_file(&log, memfd_create("log", MFD_CLOEXEC), UINT64_C(1) << 50);
		run(&log, 0);
		assert_int_equal(read_all(&log, MODEL_MOST, &gaps), 0);
		assert_int_equal(gaps, 0);
		assert_true(log.file.count > 20);
		command_log_deinit(&log);
	}
}

/* Half of memory at a time, so that a lot of output takes few writes. */
static void test_writes_are_large(void **state)
{
	struct command_log log;
	uint64_t before = 0;
	unsigned writes = 0;
	int fd = memfd_create("log", MFD_CLOEXEC);

	begin(&log, 7);
	command_log_give_file(&log, fd, MODEL_MOST);
	while (model.total + BLOCK < MODEL_MOST) {
		add(&log, 0, 1 + random_below(BLOCK / 2));
		if (log.file.count != before) {
			assert_int_equal(log.file.count - before, log.memory.places / 2);
			before = log.file.count;
			writes++;
		}
	}
	assert_true(writes > 10);
	command_log_deinit(&log);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* it was given away */
}

/* A file for less than a block is none, and belongs to the log all the same. */
static void test_too_small_file(void **state)
{
	struct command_log log;
	int fd = memfd_create("log", MFD_CLOEXEC);

	begin(&log, 3);
	command_log_give_file(&log, fd, BLOCK - 1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	run(&log, 1);
	command_log_deinit(&log);
}

static void test_alternating_millions(void **state)
{
	struct command_log log;
	uint64_t next, lost, total = 10000000;

	begin(&log, 4);
	command_log_give_file(&log, memfd_create("log", MFD_CLOEXEC), 4 * BLOCK);
	for (uint64_t i = 0; i < total; i++)
		command_log_add(&log, i & 1, "xy" + (i & 1), 1);
	assert_int_equal(command_log_total(&log), total);
	got.length = 0;
	assert_int_equal(command_log_read(&log, 0, MODEL_MOST, take, NULL, &next, &lost), 0);
	assert_int_equal(next, total);
	assert_int_equal(lost + got.length, total);
	assert_true(got.length > 11 * (BLOCK - 24) / 3);
	for (size_t i = 0; i < got.length; i++)
		if (got.streams[i] != (char)((lost + i) & 1) || got.bytes[i] != "xy"[(lost + i) & 1])
			fail_msg("byte %zu behind %llu", i, (unsigned long long)lost);
	command_log_deinit(&log);
}

/* ---- cuts ---- */

static void check_cut(const char *text, size_t most, bool ended, size_t expected)
{
	struct command_log log;

	command_log_init(&log);
	command_log_add(&log, 1, "!!!", 3);
	command_log_add(&log, 0, text, strlen(text));
	assert_int_equal(command_log_cut(&log, 3, most, ended), expected);
	command_log_deinit(&log);
}

static void test_cut(void **state)
{
	check_cut("one\ntwo\nthree", 100, false, 13);
	check_cut("one\ntwo\nthree", 13, false, 13);
	check_cut("one\ntwo\nthree", 12, false, 8);
	check_cut("one\ntwo\nthree", 8, false, 8);
	check_cut("one\ntwo\nthree", 7, false, 4);
	check_cut("a\nlonger", 7, false, 7); /* too little would be left */
	check_cut("\xc3\xa4\xc3\xa4\xc3\xa4", 5, false, 4);
	check_cut("\xe2\x82\xac\xe2\x82\xac", 5, false, 3);
	check_cut("\xe2\x82\xac\xe2\x82\xac", 4, false, 3);
	check_cut("\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 7, false, 4);
	check_cut("\xf0\x9f\x98\x80", 3, false, 3); /* it goes on, come what may */
	check_cut("ab\x80\x80\x80\x80 no text", 6, false, 6);
	check_cut("ab\xc3\xa4", 3, true, 2);
	check_cut("\xc3\xa4\xc3\xa4\xc3\xa4", 4, false, 4);
	check_cut("\xe2\x82\xac\xe2\x82\xac", 3, false, 3);
	/* at the end: what has begun may be completed while the command runs */
	check_cut("ab\xe2\x82", 100, false, 2);
	check_cut("ab\xe2\x82", 100, true, 4);
	check_cut("\xe2", 100, false, 0);
	check_cut("\xe2", 100, true, 1);
	check_cut("", 100, false, 0);
	check_cut("abc", 0, false, 0);
}

/* A character in two pieces is one; with the other stream between it is not. */
static void test_cut_pieces(void **state)
{
	struct command_log log;

	command_log_init(&log);
	command_log_add(&log, 0, "abc", 3);
	for (unsigned i = 0; i < 2 * BLOCK; i++)
		command_log_add(&log, 0, "\xf0\x9f\x98\x80", 4); /* over the edges of blocks */
	for (size_t most = BLOCK - 30; most < BLOCK; most++)
		assert_int_equal(command_log_cut(&log, 0, most, false), most - (most + 1) % 4);
	assert_int_equal(command_log_cut(&log, command_log_total(&log) + 1, 1, false), 0);
	command_log_add(&log, 0, "\xe2", 1);
	command_log_add(&log, 1, "\x82", 1);
	assert_int_equal(command_log_cut(&log, 3, SIZE_MAX, false), 8 * BLOCK + 2);
	command_log_deinit(&log);
}

/* How an owner pages through text, in bytes that end well, and misses none. */
static void test_pages(void **state)
{
	static const char line[] = "t\xc3\xa4st \xe2\x82\xac \xf0\x9f\x98\x80\n";
	struct command_log log;
	uint64_t cursor = 0, next, lost;
	size_t lines = 0;

	begin(&log, 6);
	command_log_give_file(&log, memfd_create("log", MFD_CLOEXEC), MODEL_MOST);
	for (; lines < 100000; lines++)
		command_log_add(&log, 0, line, strlen(line));
	while (cursor < command_log_total(&log)) {
		size_t length = command_log_cut(&log, cursor, 8000, false);

		got.length = 0;
		assert_int_equal(command_log_read(&log, cursor, length, take, NULL, &next, &lost), 0);
		assert_true(got.length > 7900 || next == command_log_total(&log));
		assert_int_equal(got.bytes[got.length - 1], '\n');
		assert_int_equal(lost, 0);
		cursor = next;
		lines -= got.length / strlen(line);
	}
	assert_int_equal(lines, 0);
	command_log_deinit(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_small),
					   cmocka_unit_test(test_taker_fails),
					   cmocka_unit_test(test_asks_in_time),
					   cmocka_unit_test(test_memory_only),
					   cmocka_unit_test(test_small_files),
					   cmocka_unit_test(test_large_file),
					   cmocka_unit_test(test_writes_are_large),
					   cmocka_unit_test(test_too_small_file),
					   cmocka_unit_test(test_alternating_millions),
					   cmocka_unit_test(test_cut),
					   cmocka_unit_test(test_cut_pieces),
					   cmocka_unit_test(test_pages)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
