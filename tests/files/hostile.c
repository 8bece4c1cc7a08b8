/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/files/hostile.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/clock.h"
#include "tests/files/requests.h"

/* As long as a test waits for an outcome that does not come by. */
#define PATIENCE_MS 60000

unsigned tries(void)
{
	const char *text = getenv("SALLYPORT_RACES");

	return text ? (unsigned)strtoul(text, NULL, 10) : 2000;
}

void make_places(struct harness *harness, const char *where)
{
	char name[64], target[64];

	snprintf(name, sizeof name, "ws/%sswap", where);
	make_directory(harness, name);
	snprintf(name, sizeof name, "ws/%sswap/file", where);
	make_text(harness, name, INSIDE);
	snprintf(name, sizeof name, "ws/%sother", where);
	snprintf(target, sizeof target, "%s../outside", where[0] ? "../" : "");
	make_link(harness, name, target);
}

/* Exchanges the two for ever. Where somebody removes them it goes on when they are back. */
static pid_t start_hostile(struct harness *harness, const char *where)
{
	char one[256], two[256];
	pid_t pid;

	snprintf(one, sizeof one, "%s/%sswap", harness->workspace, where);
	snprintf(two, sizeof two, "%s/%sother", harness->workspace, where);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			renameat2(AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE);
	}
	return pid;
}

static void begin(struct race *race, const char *where, bool search)
{
	*race = (struct race){.harness = harness_new()};
	race->harness->search = race->harness->threads = search;
	make_directory(race->harness, "outside");
	make_text(race->harness, "outside/file", SECRET);
	make_text(race->harness, "outside/name-outside", SECRET);
	if (where[0])
		make_directory(race->harness, "ws/deep");
	make_places(race->harness, where);
	harness_start(race->harness);
	race->hostile = start_hostile(race->harness, where);
	race->begun = clock_ms();
}

void race_begin(struct race *race, const char *where)
{
	begin(race, where, false);
}

void race_begin_search(struct race *race, const char *where)
{
	begin(race, where, true);
}

bool race_goes_on(struct race *race)
{
	bool both = race->done && race->refused;

	if (race->tried >= tries() && (both || clock_ms() - race->begun > PATIENCE_MS))
		return false;
	race->tried++;
	return true;
}

bool went_well(struct race *race, const struct answer *answer)
{
	bool well = answer->type == REPLY_RESULT;

	race->done += well;
	race->refused += !well;
	return well;
}

static void assert_outside(struct harness *harness)
{
	assert_content(harness, "outside/file", SECRET);
	assert_content(harness, "outside/name-outside", SECRET);
	assert_int_equal(entries(harness, "outside"), 2);
}

void race_calm(struct race *race)
{
	int status;

	if (race->hostile == 0)
		return;
	kill(race->hostile, SIGKILL);
	waitpid(race->hostile, &status, 0);
	race->hostile = 0;
}

void race_end(struct race *race)
{
	race_calm(race);
	assert_outside(race->harness);
	print_message("%u done, %u refused\n", race->done, race->refused);
	assert_true(race->done > 0);
	assert_true(race->refused > 0);
	harness_stop(race->harness);
}

bool contains(const struct buffer *buffer, const char *text)
{
	/* what never held anything has no bytes to point at */
	return buffer_length(buffer) &&
	       memmem(buffer_data(buffer), buffer_length(buffer), text, strlen(text)) != NULL;
}
