/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds and reads the person's own ignore rules (excludes.h). They are trusted as far as their owner is: what
 * is read here is used for judging names alone, and is never shown.
 */
#include "tools/files/executor/excludes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/path.h"

/* Is it one that a command of ours may have written, or may not read? */
static bool is_theirs(const struct plan *plan, int fd)
{
	char link[32], path[LIMIT_PATH_BYTES];
	ssize_t length;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof path - 1);
	if (length <= 0)
		return true;
	path[length] = '\0';
	for (size_t i = 0; i < plan->workspace_count; i++)
		if (plan->workspaces[i].write && path_within(path, plan->workspaces[i].path))
			return true;
	for (size_t i = 0; i < plan->extra_count; i++)
		if (plan->extra[i].write && path_within(path, plan->extra[i].path))
			return true;
	for (size_t i = 0; i < plan->hide_count; i++)
		if (path_within(path, plan->hide[i]))
			return true;
	return false;
}

/* directory/below, to be freed, or NULL where it cannot be read or is not to be. */
static char *read_file(const struct plan *plan, const char *directory, const char *below, size_t *length)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int fd = -1;
	char path[LIMIT_PATH_BYTES];
	struct stat status;
	ssize_t got;

	if (snprintf(path, sizeof path, "%s/%s", directory, below) >= (int)sizeof path)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || is_theirs(plan, fd))
		return NULL;
	text = malloc(LIMIT_IGNORE_BYTES);
	if (!text)
		return NULL;
	for (*length = 0; *length < LIMIT_IGNORE_BYTES; *length += (size_t)got) {
		got = read(fd, text + *length, LIMIT_IGNORE_BYTES - *length);
		if (got <= 0)
			break;
	}
	/* of one that is longer a part would mean something else */
	return *length < LIMIT_IGNORE_BYTES ? steal_pointer(text) : NULL;
}

/* Where the rules are: in `value` what core.excludesFile says, if one of the places says it. */
static bool read_configured(const struct plan *plan, const char *config_home, char *value, size_t size)
{
	const char *const places[][2] = {
		{plan->home, ".gitconfig"}, {config_home, "git/config"}, {"/etc", "gitconfig"}};
	bool said = false;

	for (size_t i = 0; i < ARRAY_SIZE(places) && !said; i++) {
		size_t length;
		_cleanup_free_ char *text = read_file(plan, places[i][0], places[i][1], &length);

		said = text && excludes_configured(text, length, value, size);
	}
	return said;
}

/* Root reads for itself only: what others may make its files name, they may not be able to read. */
static bool may_read(const struct executor *executor)
{
	struct stat status;

	return executor->plan.home &&
	       (!executor->privileged || (stat(executor->plan.home, &status) == 0 && status.st_uid == 0));
}

int excludes_read(const struct executor *executor, struct ignore **everywhere)
{
	const struct plan *plan = &executor->plan;
	char config_home[LIMIT_PATH_BYTES], value[LIMIT_PATH_BYTES];
	_cleanup_free_ char *text = NULL;
	size_t length;

	*everywhere = NULL;
	if (!may_read(executor))
		return 0;
	if (plan->config_home)
		snprintf(config_home, sizeof config_home, "%s", plan->config_home);
	else if (snprintf(config_home, sizeof config_home, "%s/.config", plan->home) >=
		 (int)sizeof config_home)
		return 0;
	if (!read_configured(plan, config_home, value, sizeof value))
		text = read_file(plan, config_home, "git/ignore", &length);
	else if (strncmp(value, "~/", 2) == 0)
		text = read_file(plan, plan->home, value + 2, &length);
	else if (value[0] == '/')
		text = read_file(plan, "", value + 1, &length);
	return text ? ignore_everywhere(text, length, everywhere) : 0;
}
