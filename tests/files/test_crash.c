/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor is killed between each two of its system calls of an operation, in turn. Whoever looks
 * then finds each file as it was or as it was to be, and never anything else; and when the next executor has
 * started, all of them as they were or all as they were to be, with nothing left lying about. Where that
 * cannot be, the operation's case says what can.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tests/files/crash_cases.h"
#include "tests/files/old_system.h"
#include "tests/files/requests.h"
#include "tests/files/small_disk.h"

#define MOST_STOPS                                                                                           \
	20000 /* of one operation: far more than any has, so a test that goes round in circles ends */

/* Below the workspace, and on another file system (`disk`). */
static const char *const names[] = {"ws/one",          "ws/two",       "ws/gone",       "ws/new",
				    "ws/made/up/deep", "ws/old",       "ws/renamed",    "ws/tree/a",
				    "ws/tree/b/c",     "ws/copy/a",    "ws/copy/b/c",   "disk/one",
				    "disk/moved",      "disk/moved/a", "disk/moved/b/c"};

/* ---- what stands there ---- */

static int no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Everything below a directory as text: paths, modes, contents. */
static void snapshot(const char *directory, const char *below, struct buffer *out)
{
	struct dirent **entries;
	char path[4096], name[2048];
	int count;

	snprintf(path, sizeof path, "%s/%s", directory, below);
	count = scandir(path, &entries, no_dots, alphasort);
	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		struct stat status;

		snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "", entries[i]->d_name);
		free(entries[i]);
		snprintf(path, sizeof path, "%s/%s", directory, name);
		assert_int_equal(lstat(path, &status), 0);
		buffer_printf(out, "%s %o %u\n", name, status.st_mode,
			      (unsigned)status.st_nlink * S_ISREG(status.st_mode));
		if (S_ISDIR(status.st_mode)) {
			snapshot(directory, name, out);
			continue;
		}
		FILE *file = fopen(path, "r");
		char line[256];

		assert_non_null(file);
		while (fgets(line, sizeof line, file))
			buffer_printf(out, "\t%s", line);
		fclose(file);
	}
	free(entries);
}

static char *look(struct harness *harness)
{
	struct buffer out;

	buffer_init(&out, 1u << 20);
	snapshot(harness->directory, "", &out);
	assert_int_equal(buffer_append(&out, "", 1), 0);
	return buffer_data(&out);
}

static bool is_content(const char *have, const char *wanted)
{
	return have && wanted ? strcmp(have, wanted) == 0 : !have && !wanted;
}

/* ---- killing ---- */

/* The executor waits for a request, and from now on stops for us. */
static void attach(const struct harness *harness)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, harness->pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, harness->pid, 0, 0), 0);
	assert_int_equal(waitpid(harness->pid, &status, 0), harness->pid);
	assert_true(WIFSTOPPED(status));
}

/*
 * Lets it go on to its next system call's begin or end, `stops` times, or until it has answered. Returns how
 * often it stopped.
 */
static unsigned run(struct harness *harness, unsigned stops)
{
	unsigned count = 0;
	int status, signal = 0;

	while (count < stops) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, harness->pid, 0, signal), 0);
		assert_int_equal(waitpid(harness->pid, &status, 0), harness->pid);
		if (!WIFSTOPPED(status))
			fail_msg("the executor ended by itself: %x", (unsigned)status);
		harness_drain(harness);
		if (harness->answers[0].finals)
			break;
		signal = WSTOPSIG(status) == (SIGTRAP | 0x80) || status >> 16 ? 0 : WSTOPSIG(status);
		count += WSTOPSIG(status) == (SIGTRAP | 0x80);
	}
	return count;
}

/* The lines about the other file system: those before the workspace's. */
static size_t elsewhere(const char *state)
{
	return (size_t)(strstr(state, "ws ") - state);
}

static bool is_state(const struct crash_case *which, const char *found, const char *before, const char *after)
{
	if (strcmp(found, before) == 0 || (after && strcmp(found, after) == 0))
		return true;
	if (which->middle == BOTH)
		return after && elsewhere(found) == elsewhere(after) &&
		       strncmp(found, after, elsewhere(after)) == 0 && !strstr(found, ".sallyport-");
	return which->middle == PIECES && !strstr(found, ".sallyport-");
}

static void take_all(struct harness *harness, char *contents[ARRAY_SIZE(names)])
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct stat status;

		contents[i] = stat(inside(harness, names[i]), &status) == 0 && S_ISREG(status.st_mode)
				      ? take_file(harness, names[i], NULL)
				      : NULL;
	}
}

/* Each by itself, before anybody has cleaned up: as it was, or as the text of all says that it will be. */
static void check_each(const struct crash_case *which, struct harness *harness, char *old[ARRAY_SIZE(names)],
		       const char *after, bool links, unsigned stops)
{
	char *found[ARRAY_SIZE(names)];

	take_all(harness, found);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *now = found[i], *new, *content;
		char line[512];
		bool as_new;

		snprintf(line, sizeof line, "%s ", names[i]);
		new = after ? strstr(after, line) : NULL;
		content = new ? strstr(new, "\n\t") : NULL;
		as_new = !now ? !new : content &&strncmp(content + 2, now, strcspn(now, "\n") + 1) == 0;
		if (!is_content(now, old[i]) && !as_new && (links || now))
			fail_msg("%s, killed after %u: `%s` holds \"%s\"", which->name, stops, names[i],
				 now ? now : "(nothing)");
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		free(found[i]);
		free(old[i]);
	}
}

/* Sends the request and kills the executor after `stops`, or when it has answered. How many there were. */
static unsigned perform(const struct crash_case *which, struct harness *harness, unsigned stops)
{
	struct buffer payload;
	uint16_t type;
	unsigned count;

	harness_start(harness);
	which->pack(harness, &payload, &type);
	harness_answer(harness, 0);
	harness_send(harness, type, 0, &payload);
	buffer_deinit(&payload);
	if (which->then)
		which->then(harness);
	attach(harness);
	harness_wake(harness);
	count = run(harness, stops);
	assert_true(count < MOST_STOPS);
	if (harness->answers[0].finals && harness->answers[0].type != REPLY_RESULT)
		fail_msg("%s: %s", which->name,
			 answer_text(&harness->answers[0], harness->answers[0].type == REPLY_DENIED ? 3 : 0));
	harness_kill(harness);
	return count;
}

/* One try. Returns how many stops there were. */
static unsigned try(const struct crash_case *which, void (*prepare)(void), bool links, unsigned stops,
		    char **before, char **after)
{
	struct harness *harness = harness_new();
	char *old[ARRAY_SIZE(names)], *found;
	unsigned count;
	bool answered;

	harness->prepare = prepare;
	crash_set_up(harness);
	take_all(harness, old);
	found = look(harness);
	if (!*before)
		*before = found;
	else
		free(found);
	count = perform(which, harness, stops);
	answered = harness->answers[0].finals > 0;
	if (answered && !*after)
		*after = look(harness);
	check_each(which, harness, old, *after, links, stops);
	/* and all together, once the next has started */
	harness_start(harness);
	found = look(harness);
	if (!is_state(which, found, *before, *after))
		fail_msg("%s, killed after %u stops, then recovered:\n%s\nbefore:\n%s\nafter:\n%s",
			 which->name, stops, found, *before, *after);
	assert_true(!answered || strcmp(found, *after) == 0);
	free(found);
	small_disk_unmount(inside(harness, "disk"));
	harness_stop(harness);
	return count;
}

static void kill_everywhere(const struct crash_case *which, void (*prepare)(void), bool links)
{
	char *before = NULL, *after = NULL;
	/* first to the end: what is wanted, and in how many steps (some more or less, as the disk is fast) */
	unsigned all = try(which, prepare, links, MOST_STOPS, &before, &after);

	assert_string_not_equal(before, after);
	assert_true(all > 10);
	/* what a system call's end leaves is what the next one's begin finds: every second stop */
	for (unsigned stops = 0; stops <= all + 1; stops += 2)
		try(which, prepare, links, stops, &before, &after);
	print_message("%s: killed in %u places\n", which->name, all / 2 + 1);
	free(before);
	free(after);
}

static void test_killed(void **state)
{
	for (size_t i = 0; crash_cases[i].name; i++)
		kill_everywhere(&crash_cases[i], NULL, true);
}

static void test_killed_on_old_kernel(void **state)
{
	for (size_t i = 0; crash_cases[i].name; i++)
		if (crash_cases[i].links)
			kill_everywhere(&crash_cases[i], old_system_kernel, true);
}

static void test_killed_without_links(void **state)
{
	for (size_t i = 0; crash_cases[i].name; i++)
		if (crash_cases[i].links)
			kill_everywhere(&crash_cases[i], old_system_no_links, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_killed_on_old_kernel),
		cmocka_unit_test(test_killed_without_links),
	};

	if (!small_disk_begin())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
