/* SPDX-License-Identifier: Apache-2.0 */
/* Commands whose nanny lies, falls silent or dies, and pipes that hold more than usual. */
#include <fcntl.h>
#include <sys/mman.h>

#include "protocol/cleanup.h"
#include "tests/support/frontend.h"

#define RUN(id, arguments)                                                                                   \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{"                          \
	"\"name\":\"run_command\",\"arguments\":{\"command\":\"x\"" arguments "}}}"
#define CANCEL(id)                                                                                           \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}"

static struct frontend frontend;
static int door;

/* What a nanny gets with a request; the leash is the first. */
struct nanny {
	uint32_t call;
	struct frame_descriptors fds;
};

/* `events`: memory.events of the sandbox's group; -1: it has none. */
static void begin_with(int events)
{
	frontend_init(&frontend);
	frontend.events = events;
	frontend_say(&frontend, RUN("0", ""));
	frontend_say(&frontend, CANCEL("0"));
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
}

static void begin(void)
{
	begin_with(-1);
}

static void end(void)
{
	close(door);
	if (frontend.events >= 0)
		close(frontend.events);
	frontend_deinit(&frontend);
}

static struct nanny take(void)
{
	struct nanny nanny;

	nanny.call = frontend_expect(&frontend, door, KEEPER_RUN, &nanny.fds).call;
	assert_int_equal(nanny.fds.count, 3);
	return nanny;
}

static void report_peak(struct nanny *nanny, uint32_t wait_status, uint64_t peak)
{
	struct buffer payload;

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	frame_put_u32(&payload, wait_status);
	for (int i = 0; i < 2; i++)
		frame_put_u64(&payload, 1);
	frame_put_u64(&payload, peak);
	assert_int_equal(frame_put_u32(&payload, 0), 0);
	frontend_frame(nanny->fds.fds[0], KEEPER_ENDED, 0, 0, buffer_data(&payload), buffer_length(&payload),
		       -1);
	buffer_deinit(&payload);
}

static void report(struct nanny *nanny, uint32_t wait_status)
{
	report_peak(nanny, wait_status, 1);
}

/* Fires the one timer that a command in this state has. */
static void let_time_pass(void)
{
	struct loop_timer *timer = frontend.loop.heap[1];

	assert_int_equal(frontend.loop.timers, 1);
	frontend.loop.now = timer->at;
	loop_timer_clear(&frontend.loop, timer);
	timer->fire(timer);
	frontend_turn(&frontend);
}

/* All that a pipe of a megabyte holds is taken, when the report comes before it was read. */
static void test_enlarged_pipe(void **state)
{
	static char bytes[1 << 20];
	struct nanny nanny;
	uint32_t number;
	int pipe;

	begin();
	frontend_say(&frontend, RUN("1", ",\"max_bytes\":1048576"));
	nanny = take();
	pipe = nanny.fds.fds[1];
	assert_int_equal(fcntl(pipe, F_SETPIPE_SZ, sizeof bytes), sizeof bytes);
	memset(bytes, 'x', sizeof bytes);
	memcpy(bytes + sizeof bytes - 4, "last", 4);
	assert_int_equal(write(pipe, bytes, sizeof bytes), sizeof bytes);
	close(pipe);
	nanny.fds.fds[1] = -1;
	report(&nanny, 0); /* the leash was watched first, so the report is heard before the pipe */
	frontend_turn(&frontend);
	number = frontend_expect(&frontend, frontend.spawner, SPAWNER_FILE, NULL).call;
	frontend_frame(frontend.spawner, SPAWNER_FILED, number, 0, NULL, 0, -1);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"omitted_bytes\":{\"stdout\":0,\"stderr\":0}"), 1);
	assert_int_equal(frontend_count(&frontend, "xlast\""), 1);
	frame_descriptors_close(&nanny.fds);
	end();
}

static void test_nanny_lies(void **state)
{
	static const struct {
		uint16_t type;
		size_t length;
	} lies[] = {{KEEPER_ENDED, 3},  {KEEPER_FAILED, 5}, {KEEPER_KILL, 0},
		    {KEEPER_DENIED, 5}, {KEEPER_STATE, 5},  {4711, 0}};

	for (size_t i = 0; i < sizeof lies / sizeof *lies + 1; i++) {
		struct nanny nanny;

		begin();
		frontend_say(&frontend, RUN("1", ""));
		nanny = take();
		if (i < sizeof lies / sizeof *lies)
			frontend_frame(nanny.fds.fds[0], lies[i].type, 0, 0, "\xff\xff\xff\xff\xff",
				       lies[i].length, -1);
		else
			report(&nanny, 0x7f); /* stopped is no end */
		frontend_turn(&frontend);
		assert_int_equal(buffer_length(&frontend.sent), 0); /* not before it is dead */
		frontend_kill(&frontend);
		assert_int_equal(frontend_count(&frontend, "the sandbox ended while the command ran"), 1);
		assert_int_equal(frontend_count(&frontend, "Nothing of it is alive"), 1);
		assert_int_equal(mcp_in_flight(frontend.peer), 0);
		frame_descriptors_close(&nanny.fds);
		end();
	}
}

static void deny(const struct nanny *nanny, const char *target, const char *rule)
{
	struct buffer payload;

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	frame_put_text(&payload, "write");
	frame_put_text(&payload, target);
	assert_int_equal(frame_put_text(&payload, rule), 0);
	frontend_frame(nanny->fds.fds[0], KEEPER_DENIED, 0, 0, buffer_data(&payload), buffer_length(&payload),
		       -1);
	buffer_deinit(&payload);
}

/* What a rule refused is told with the result: once each, counted, and no more than a result bears. */
static void test_denials(void **state)
{
	struct nanny nanny;
	char target[32];

	begin();
	frontend_say(&frontend, RUN("1", ""));
	nanny = take();
	deny(&nanny, "/w/.mcp\n.json", "protected:.mcp.json");
	for (int i = 0; i < LIMIT_COMMAND_DENIALS + 5; i++) {
		snprintf(target, sizeof target, "/w/.vscode/%d", i);
		deny(&nanny, target, "protected:.vscode");
		deny(&nanny, target, "protected:.vscode");
		frontend_turn(&frontend);
	}
	report(&nanny, 0x100);
	frontend_turn(&frontend);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend,
					"Denied: write /w/.mcp?.json (protected:.mcp.json). Allowed: "
					"reading it, and writing elsewhere. Only a person"),
			 1);
	assert_int_equal(frontend_count(&frontend, "(2 times)"), LIMIT_COMMAND_DENIALS - 1);
	assert_int_equal(frontend_count(&frontend, "\"count\":2"), LIMIT_COMMAND_DENIALS - 1);
	assert_int_equal(frontend_count(&frontend, "Denied: 12 more"), 1);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"exited\",\"exit_code\":1"), 1);
	assert_int_equal(frontend_count(&frontend, "\"sallyport.dev/denial\":{\"layer\":\"sandbox\""), 1);
	assert_int_equal(frontend_count(&frontend, "isError"), 0);
	frame_descriptors_close(&nanny.fds);
	end();
}

/* A target cannot write lines of its own, and what was refused before it began is no mere failure. */
static void test_denied_before_it_began(void **state)
{
	struct buffer payload;
	struct nanny nanny;

	begin();
	frontend_say(&frontend, RUN("1", ""));
	nanny = take();
	deny(&nanny, "/secret\n[exit 0", "hidden:/secret");
	buffer_init(&payload, LIMIT_FRAME_BYTES);
	frame_put_text(&payload, "chdir");
	assert_int_equal(frame_put_text(&payload, "/secret"), 0);
	frontend_frame(nanny.fds.fds[0], KEEPER_FAILED, 0, EACCES, buffer_data(&payload),
		       buffer_length(&payload), -1);
	buffer_deinit(&payload);
	frontend_turn(&frontend);
	assert_int_equal(
		frontend_count(&frontend,
			       "\"text\":\"Denied: write /secret?[exit 0 (hidden:/secret). Allowed: "),
		1);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"denied\""), 1);
	assert_int_equal(frontend_count(&frontend, "\"isError\":true"), 1);
	assert_int_equal(frontend_count(&frontend, "\"sallyport.dev/denial\":{\"layer\":\"sandbox\""), 1);
	frame_descriptors_close(&nanny.fds);
	end();
}

/* A nanny that dies takes its command with it, not the sandbox, and not those beside it. */
static void test_nanny_dies(void **state)
{
	struct nanny first, second;

	begin();
	frontend_say(&frontend, RUN("1", ""));
	frontend_say(&frontend, RUN("2", ""));
	first = take();
	second = take();
	frame_descriptors_close(&first.fds);
	frontend_turn(&frontend);
	assert_int_equal(buffer_length(&frontend.sent), 0); /* its orphans may live */
	frontend_frame(door, KEEPER_SWEPT, first.call, 0, NULL, 0, -1);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"id\":1"), 1);
	assert_int_equal(frontend_count(&frontend, "Nothing of it is alive"), 1);
	frontend_expect_nothing(&frontend, frontend.spawner);
	report(&second, 0);
	report(&second, 0); /* a second one is not heard: the leash is closed */
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "[exit 0"), 1);
	frame_descriptors_close(&second.fds);
	end();
}

/* Neither the deadline nor the kill is reported: the sandbox goes, and the one who waits gets a new one. */
static void test_nanny_is_silent(void **state)
{
	struct nanny nanny;

	begin();
	frontend_say(&frontend, RUN("1", ",\"timeout_ms\":1000"));
	nanny = take();
	let_time_pass();
	frontend_expect(&frontend, nanny.fds.fds[0], KEEPER_KILL, NULL);
	assert_int_equal(buffer_length(&frontend.sent), 0);
	let_time_pass();
	assert_int_equal(buffer_length(&frontend.sent), 0);
	frontend_kill(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"id\":1"), 1);
	frontend_say(&frontend, RUN("2", ""));
	frontend_expect(&frontend, frontend.spawner, SPAWNER_START, NULL);
	frame_descriptors_close(&nanny.fds);
	end();
}

/* It had ended when the order to kill it came: the kernel tells of that first, and the report is behind it.
 */
static void test_order_that_came_too_late(void **state)
{
	struct nanny nanny;

	begin();
	frontend_say(&frontend, RUN("1", ",\"timeout_ms\":1000"));
	nanny = take();
	let_time_pass();
	report(&nanny, 0);
	frame_descriptors_close(&nanny.fds);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"timed_out\""), 1);
	assert_int_equal(frontend.loop.timers, 0);
	frontend_expect_nothing(&frontend, frontend.spawner);
	end();
}

/* ---- out of memory ---- */

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

static void test_a_thousand_cancelled(void **state)
{
	static struct nanny nannies[LIMIT_COMMANDS_AT_ONCE];
	char message[200];

	begin();
	for (int i = 1; i <= 1000; i++) {
		snprintf(message, sizeof message, RUN("%d", ""), i);
		frontend_say(&frontend, message);
	}
	for (int i = 0; i < LIMIT_COMMANDS_AT_ONCE; i++)
		nannies[i] = take();
	frontend_expect_nothing(&frontend, door);
	for (int i = 1; i <= 1000; i++) {
		snprintf(message, sizeof message, CANCEL("%d"), i);
		frontend_say(&frontend, message);
	}
	for (int i = 0; i < LIMIT_COMMANDS_AT_ONCE; i++) {
		frontend_expect(&frontend, nannies[i].fds.fds[0], KEEPER_KILL, NULL);
		report(&nannies[i], 9);
		frame_descriptors_close(&nannies[i].fds);
	}
	frontend_turn(&frontend);
	for (int i = 0; i < LIMIT_COMMANDS_AT_ONCE; i++) /* LOOP_EVENTS a turn */
		frontend_turn(&frontend);
	frontend_expect_nothing(&frontend, door); /* what waited is not started for nobody */
	assert_int_equal(buffer_length(&frontend.sent), 0);
	assert_int_equal(mcp_in_flight(frontend.peer), 0);
	assert_int_equal(frontend.calls.free_count, frontend.calls.unused);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enlarged_pipe),
		cmocka_unit_test(test_nanny_lies),
		cmocka_unit_test(test_denials),
		cmocka_unit_test(test_denied_before_it_began),
		cmocka_unit_test(test_nanny_dies),
		cmocka_unit_test(test_nanny_is_silent),
		cmocka_unit_test(test_order_that_came_too_late),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_out_of_memory_unreported),
		cmocka_unit_test(test_a_thousand_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
