/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_POLICY_KEYS_H
#define SALLYPORT_SERVER_POLICY_KEYS_H

/*
 * The table of keys: the single source of reading and checking a policy, of its JSON Schema, of `policy show`
 * and of the table in docs/policy.md (a test compares). A new key is one line here and one member of struct
 * policy.
 */

#include <stddef.h>
#include <stdint.h>

enum policy_type {
	POLICY_IGNORED, /* a string for editors: accepted, has no meaning here */
	POLICY_BOOLEAN, /* bool */
	POLICY_INTEGER, /* int64_t */
	POLICY_DECIMAL, /* int64_t in thousandths; fractions are allowed */
	POLICY_WORD,    /* int64_t: which one of `words` */
	POLICY_WORDS,   /* struct policy_list: any of `words`, each once */
	POLICY_PATHS,   /* struct policy_list: absolute paths, or ~ and what is below it */
	POLICY_DOMAINS, /* struct policy_list: entries of sandbox/egress/rules.h */
};

struct policy_key {
	const char *name; /* "network.allowedDomains": at most one dot */
	enum policy_type type;
	size_t offset; /* in struct policy */
	/* POLICY_INTEGER, POLICY_DECIMAL (thousandths): preset 0 where min is more: none; POLICY_WORD: preset
	 * alone */
	int64_t min, max, preset;
	const char *description;  /* one sentence or two, for people, schema and documentation */
	const char *const *words; /* POLICY_WORD, POLICY_WORDS: ends with NULL */
};

/* Sorted by name; ends with a name of NULL. */
extern const struct policy_key policy_keys[];

/* The words before the dots, each once; ends with NULL. */
extern const char *const policy_sections[];

/* Whether a member of that type is a struct policy_list. */
#define POLICY_IS_LIST(type) ((type) >= POLICY_WORDS)

#define POLICY_SECTION_BYTES 16
/* Splits "network.allowedDomains": copies "network" ("" for a key without a dot) and returns the last part.
 */
const char *policy_key_split(const struct policy_key *key, char section[POLICY_SECTION_BYTES]);

/* What one item of a list must look like, as a regular expression that JSON Schema shares with us. */
#define POLICY_PATH_PATTERN "^(/|~$|~/)"
#define POLICY_DOMAIN_PATTERN                                                                                \
	"^(\\*\\.)?[A-Za-z0-9_.-]+(:[0-9]{1,5})?$|^\\[?[0-9A-Fa-f:.]+(\\]:[0-9]{1,5}|\\])?$"

#endif
