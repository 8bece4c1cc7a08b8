/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told about the rules (rule.h). Constants only; the name looked up may come from anybody. */
#include "sandbox/rule.h"

#include <stdio.h>
#include <string.h>

static const struct rule_words table[] = {
	{RULE_HIDDEN, "the rest of what is shown",
	 "Only a person can change this, by filesystem.denyRead of the server's policy."},
	{RULE_PROTECTED, "reading it, and writing elsewhere",
	 "Only a person can change this, by the server's policy; tell them what should stand there."},
	{RULE_READ_ONLY, "reading it", "Write into another workspace."},
	{RULE_SYSTEM, "reading it, and writing into workspaces and /tmp",
	 "Install into a workspace instead (a prefix, a virtual environment)."},
	{RULE_VIEW, "workspaces, the system's directories and /tmp",
	 "A person can add a workspace when starting the server (--workspace DIR)."},
	{RULE_WORKSPACE, "paths in workspaces",
	 "A person can add a workspace when starting the server (--workspace DIR)."},
	{NULL, "what explain_access lists", "A person can change this by the server's policy."},
};

void rule_spell(char *name, size_t size, bool hidden, const char *text)
{
	if (strcmp(text, RULE_READ_ONLY) == 0)
		snprintf(name, size, "%s", text);
	else
		snprintf(name, size, "%s:%s", hidden ? RULE_HIDDEN : RULE_PROTECTED, text);
}

const struct rule_words *rule_words(const char *rule)
{
	size_t length = strcspn(rule, ":");
	const struct rule_words *row = table;

	while (row->rule && (strlen(row->rule) != length || strncmp(row->rule, rule, length) != 0))
		row++;
	return row;
}
