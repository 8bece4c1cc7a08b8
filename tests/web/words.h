/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_WEB_WORDS_H
#define SALLYPORT_TESTS_WEB_WORDS_H

/* A network policy in words: [listed] [allow|deny|methods HOST PORT]... [robots] */

#include <stdlib.h>
#include <string.h>

#include "sandbox/plan.h"

static inline int words_read(struct plan *plan, char **words)
{
	plan->robots = false;
	for (; *words; words++) {
		if (strcmp(*words, "listed") == 0) {
			plan->network_listed = true;
		} else if (strcmp(*words, "robots") == 0) {
			plan->robots = true;
		} else if (strcmp(*words, "methods") == 0) {
			if (!words[1] || !words[2] ||
			    plan_add_methods(plan, words[1], (uint16_t)strtoul(words[2], NULL, 10), ~0u) < 0)
				return -1;
			words += 2;
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
