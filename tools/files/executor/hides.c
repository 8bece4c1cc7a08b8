/* SPDX-License-Identifier: Apache-2.0 */
/* Hidden names by identity; the same judgement as judge.c's for one name after another. */
#include "tools/files/executor/hides.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"

static void identify(int root, const char *below, struct stat *status)
{
	_cleanup_fd_ int fd = reach_open_below(root, below, O_PATH);

	if (fd < 0 || fstat(fd, status) < 0)
		*status = (struct stat){0};
}

int hides_init(struct hides *hides, const struct reach *reach)
{
	*hides = (struct hides){.items = calloc(reach->rule_count + 1, sizeof *hides->items)};
	if (!hides->items)
		return -ENOMEM;
	for (size_t i = 0; i < reach->rule_count; i++) {
		const struct reach_rule *rule = &reach->rules[i];
		const char *slash = strrchr(rule->below, '/');
		struct hide *hide = &hides->items[hides->count];
		char above[LIMIT_PATH_BYTES] = ".";

		if (!rule->hide || reach->roots[rule->root].fd < 0 || strlen(rule->below) >= sizeof above)
			continue;
		if (slash)
			snprintf(above, sizeof above, "%.*s", (int)(slash - rule->below), rule->below);
		hide->name = slash ? slash + 1 : rule->below;
		identify(reach->roots[rule->root].fd, above, &hide->above);
		identify(reach->roots[rule->root].fd, rule->below, &hide->self);
		hides->count++;
	}
	return 0;
}

void hides_deinit(struct hides *hides)
{
	free(hides->items);
	*hides = (struct hides){0};
}

static bool same(const struct stat *left, const struct stat *right)
{
	return left->st_nlink && left->st_ino == right->st_ino && left->st_dev == right->st_dev;
}

bool hides_name(const struct hides *hides, const struct stat *directory, const char *name)
{
	/* letters' case does not matter, since for some file systems it does not */
	for (size_t i = 0; i < hides->count; i++)
		if (strcasecmp(hides->items[i].name, name) == 0 && same(&hides->items[i].above, directory))
			return true;
	return false;
}

bool hides_directory(const struct hides *hides, const struct stat *directory)
{
	for (size_t i = 0; i < hides->count; i++)
		if (same(&hides->items[i].self, directory))
			return true;
	return false;
}
