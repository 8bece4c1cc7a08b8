/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_FILES_HOSTILE_H
#define SALLYPORT_TESTS_FILES_HOSTILE_H

/*
 * A hostile process in the workspace that exchanges a directory with a link out of it, as fast as it can,
 * while a test tries an operation on a path through it:
 *
 *	race_begin(&race, "");
 *	while (race_goes_on(&race)) {
 *		... went_well(&race, harness_read(race.harness, "swap/file", ...))
 *	}
 *	race_end(&race);
 */

#include "tests/files/harness.h"

#define SECRET "this lies outside of the workspace"
#define INSIDE "inside"

struct race {
	struct harness *harness;
	pid_t hostile;
	unsigned tried;         /* of them this is the one under way: 1, 2, ... */
	unsigned done, refused; /* tries that went well, and that did not */
	int64_t begun;          /* milliseconds, monotonic */
};

/* How many tries each operation gets at least: SALLYPORT_RACES, or 2,000. */
unsigned tries(void);

/* ws/WHEREswap, a directory with `file`, and ws/WHEREother, a link to the directory outside, which has `file`
 * too and `name-outside`. `where` is "" or "deep/". */
void make_places(struct harness *harness, const char *where);

/* A started files executor, or with `search` a search executor, the places, and the hostile process. */
void race_begin(struct race *race, const char *where);
void race_begin_search(struct race *race, const char *where);

/* Whether there is to be another try: until there were tries() and both a good end and a refusal were seen.
 * Where the machine is so busy that one of the two does not come by, this waits for it for a minute. */
bool race_goes_on(struct race *race);

/* Counts the answer; whether it is a result. */
bool went_well(struct race *race, const struct answer *answer);

/* Ends the hostile process, if it has not ended; race_end does it too. */
void race_calm(struct race *race);
/* Asserts that nothing outside changed and that both outcomes were seen, or there was no race. */
void race_end(struct race *race);

bool contains(const struct buffer *buffer, const char *text);

#endif
