/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: walk-files WORKSPACE PATH [hidden] [ignored] [git]
 * Prints what a walk tells, each path with a NUL behind it: for scripts that compare it with others' lists.
 * With a HOME, whose own ignore rules count; and XDG_CONFIG_HOME.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/excludes.h"
#include "tools/files/executor/walk.h"

static unsigned flag_of(const char *word)
{
	return strcmp(word, "hidden") == 0    ? WALK_HIDDEN
	       : strcmp(word, "ignored") == 0 ? WALK_IGNORED
					      : WALK_GIT;
}

int main(int count, char **words)
{
	struct executor executor = {0};
	struct plan *plan = &executor.plan;
	const char *home = getenv("HOME"), *config_home = getenv("XDG_CONFIG_HOME");
	struct ignore *everywhere;
	struct reach reach;
	struct place place;
	struct refusal refusal;
	struct walk_entry entry;
	struct walk *walk;
	unsigned flags = 0;
	int fd, root, step;

	if (count < 3)
		return 2;
	for (int i = 3; i < count; i++)
		flags |= flag_of(words[i]);
	plan_init(plan);
	plan_add_path(&plan->workspaces, &plan->workspace_count, words[1], true);
	plan->home = home ? strdup(home) : NULL;
	plan->config_home = config_home ? strdup(config_home) : NULL;
	root = open(words[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (excludes_read(&executor, &everywhere) < 0 || reach_init(&reach, plan, &root) < 0)
		return 2;
	reach.everywhere = everywhere;
	if (reach_find(&reach, words[2], "list", &place, &refusal) < 0)
		return 2;
	fd = reach_open(&reach, &place, O_RDONLY | O_DIRECTORY, "list", &refusal);
	if (fd < 0 || walk_new(&walk, &reach, &place, fd, flags) < 0)
		return 2;
	while ((step = walk_next(walk, &entry)) > 0)
		if (step == WALK_ENTRY)
			fwrite(entry.path, 1, entry.length + 1, stdout);
	walk_free(walk);
	reach_deinit(&reach);
	plan_deinit(plan);
	return step < 0 || fflush(stdout) != 0;
}
