/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_WEB_WORDS_H
#define SALLYPORT_TESTS_WEB_WORDS_H

/* A network policy in words: [listed] [allow|deny HOST PORT]... [robots] */

#include <stdlib.h>
#include <string.h>

#include "sandbox/plan.h"

static inline int words_read(struct plan *plan, char **words)
{
	plan->obey_robots = false;
	for (; *words; words++) {
		if (strcmp(*words, "listed") == 0) {
			plan->network_listed = true;
		} else if (strcmp(*words, "robots") == 0) {
			plan->obey_robots = true;
		} else {
			bool allow = strcmp(*words, "allow") == 0;

			if (!words[1] || !words[2] ||
			    plan_add_rule(allow ? &plan->allowed : &plan->denied,
					  allow ? &plan->allowed_count : &plan->denied_count, words[1],
					  (uint16_t)strtoul(words[2], NULL, 10)) < 0)
				return -1;
			words += 2;
		}
	}
	return 0;
}

#endif
