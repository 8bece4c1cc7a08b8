/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_RULE_H
#define SALLYPORT_SANDBOX_RULE_H

/*
 * The rules about paths by name, and what people are told about each. Whoever refuses (files executor,
 * keeper) or foretells (explain_access) names the rule as "NAME" or "NAME:DETAIL", where the detail is the
 * entry of the policy that decided: "protected:.git/hooks". The words are the same wherever it is refused.
 */

#include <stdbool.h>
#include <stddef.h>

#define RULE_WORKSPACE "workspace"           /* file tools: it lies in no workspace, or in one */
#define RULE_READ_ONLY "read-only workspace" /* named with :ro */
#define RULE_PROTECTED "protected"           /* built in, or filesystem.denyWrite */
#define RULE_HIDDEN    "hidden"              /* filesystem.denyRead */
#define RULE_VIEW      "view"                /* commands: not among what the sandbox shows */
#define RULE_SYSTEM    "system"              /* commands: shown for reading only */
#define RULE_WRITABLE  "filesystem.allowWrite"
#define RULE_PRIVATE   "private"         /* commands: the sandbox's own /tmp, home, /dev/shm */
#define RULE_FILE      "the file itself" /* no rule of ours: it is not there, or its permissions decide */

struct rule_words {
	const char *rule;    /* without detail */
	const char *allowed; /* what would be allowed instead, for "Allowed: ..." */
	const char *remedy;  /* a sentence: who can change it, and how */
};

/* "hidden:TEXT" or "protected:TEXT"; RULE_READ_ONLY, which has no entry of the policy, stands by itself. */
void rule_spell(char *name, size_t size, bool hidden, const char *text);

/* Of "NAME" or "NAME:DETAIL". Never NULL: a name that is not known gets words that fit any. */
const struct rule_words *rule_words(const char *rule);

#endif
