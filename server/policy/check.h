/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_POLICY_CHECK_H
#define SALLYPORT_SERVER_POLICY_CHECK_H

/* Between check.c, which walks a policy's text, and values.c, which takes one value. */

#include <cjson/cJSON.h>

#include "server/policy/keys.h"
#include "server/policy/policy.h"

#define CHECK_DEPTH 8 /* section, key, index, member, index, NULL, and some */

struct check {
	struct policy *policy;
	const char *text, *name;
	size_t length;
	struct buffer *problems; /* may be NULL */
	unsigned count;
	struct err *err;             /* the first problem */
	int result;                  /* -ENOMEM as soon as that happened */
	char within[64];             /* the object of a list that is looked at: "network.inject[0]: " */
	const char *at[CHECK_DEPTH]; /* path of the value that is looked at, as json_locate wants it */
};

enum place { AT_KEY, AT_VALUE };

/* A mistake at the key or the value that check->at names. */
__attribute__((format(printf, 3, 4))) void check_problem(struct check *check, enum place place,
							 const char *format, ...);
/* What a person wrote goes to a terminal: no control characters, not endless. */
const char *check_shown(const char *text, char out[72]);
const char *check_type_of(const cJSON *value);

/* Takes a value into its member of `object`; check->at names it, and is `depth` long. */
void check_value(struct check *check, const struct policy_key *key, const cJSON *value, size_t depth,
		 void *object);

#endif
