/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_POLICY_KEYS_H
#define SALLYPORT_SERVER_POLICY_KEYS_H

/*
 * The table of keys: the single source of reading and checking a policy, of its JSON Schema, of `policy show`
 * and of the table in docs/policy.md (a test compares). A new key is one line here and one member of struct
 * policy.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum policy_type {
	POLICY_IGNORED, /* a string for editors: accepted, has no meaning here */
	POLICY_BOOLEAN, /* bool */
	POLICY_INTEGER, /* int64_t */
	POLICY_DECIMAL, /* int64_t in thousandths; fractions are allowed */
	POLICY_WORD,    /* int64_t: which one of `words` */
	POLICY_TEXT,    /* char *: `min` to `max` bytes of printable ASCII; NULL: not given */
	POLICY_PATH,    /* char *: as one of POLICY_PATHS */
	POLICY_DOMAIN,  /* char *: as one of POLICY_DOMAINS */
	POLICY_WORDS,   /* struct policy_list: any of `words`, each once */
	POLICY_PATHS,   /* struct policy_list: absolute paths, or ~ and what is below it */
	POLICY_DOMAINS, /* struct policy_list: entries of sandbox/egress/rules.h */
	POLICY_OBJECTS, /* struct policy_objects: each a row of `members` */
};

struct policy_key {
	const char *name; /* "network.allowedDomains": at most one dot */
	enum policy_type type;
	size_t offset; /* in struct policy */
	/* POLICY_INTEGER, POLICY_DECIMAL (thousandths): preset 0 where min is more: none; POLICY_WORD: preset
	 * alone; POLICY_BOOLEAN: preset; POLICY_OBJECTS: max */
	int64_t min, max, preset;
	const char *description;  /* one sentence or two, for people, schema and documentation */
	const char *const *words; /* POLICY_WORD, POLICY_WORDS: ends with NULL */
	/* POLICY_OBJECTS: what one of them has, in the same form (offsets are those in it), and its size */
	const struct policy_key *members;
	size_t size;
	/* POLICY_OBJECTS: what is wrong with one whose members are right each: a sentence, or NULL */
	const char *(*judge)(const void *object);
	bool required; /* of a member */
};

/* Sorted by name; ends with a name of NULL. */
extern const struct policy_key policy_keys[];

/* The words before the dots, each once; ends with NULL. */
extern const char *const policy_sections[];

/* Whether a member of that type is a struct policy_list. */
#define POLICY_IS_LIST(type) ((type) >= POLICY_WORDS && (type) <= POLICY_DOMAINS)
/* Whether it is a char *. */
#define POLICY_IS_TEXT(type) ((type) >= POLICY_TEXT && (type) <= POLICY_DOMAIN)

/* Frees what is in an object of such a table, and sets it to its presets. */
void policy_values_init(const struct policy_key *keys, void *object);
void policy_values_deinit(const struct policy_key *keys, void *object);

#define POLICY_SECTION_BYTES 16
/* Splits "network.allowedDomains": copies "network" ("" for a key without a dot) and returns the last part.
 */
const char *policy_key_split(const struct policy_key *key, char section[POLICY_SECTION_BYTES]);

/* What one item of a list must look like, as a regular expression that JSON Schema shares with us. */
#define POLICY_PATH_PATTERN "^(/|~$|~/)"
#define POLICY_TEXT_PATTERN "^[ -~]*$"
#define POLICY_DOMAIN_PATTERN                                                                                \
	"^(\\*\\.)?[A-Za-z0-9_.-]+(:[0-9]{1,5})?$|^\\[?[0-9A-Fa-f:.]+(\\]:[0-9]{1,5}|\\])?$"

#endif
