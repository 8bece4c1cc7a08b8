/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows by text what the kernel refuses to follow beneath a workspace: an absolute link into a workspace,
 * and a link beside which such a one stands. Nothing here decides what may be reached: the kernel is asked
 * again about every result.
 */
#include "tools/files/executor/links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"

/* A name in place->below: what stands before and behind it. */
struct component {
	char before[LIMIT_PATH_BYTES]; /* "." at the start */
	char name[256];
	size_t start, end;
};

/* The next component of place->below from `at` on; false at the end. */
static bool next_component(const struct place *place, size_t at, struct component *component)
{
	const char *start = place->below + at;

	start += strspn(start, "/");
	component->start = (size_t)(start - place->below);
	component->end = component->start + strcspn(start, "/");
	if (component->end == component->start || component->end - component->start >= sizeof component->name)
		return false;
	snprintf(component->before, sizeof component->before, "%.*s", (int)component->start, place->below);
	if (component->start == 0)
		memcpy(component->before, ".", 2);
	snprintf(component->name, sizeof component->name, "%.*s", (int)(component->end - component->start),
		 start);
	return true;
}

/* Reads the link `component` into `target`; its length, or -errno (-EINVAL: not a link). */
static int read_link(const struct place *place, const struct component *component, char *target, size_t size)
{
	_cleanup_fd_ int directory =
		reach_open_below(place->root->fd, component->before, O_PATH | O_DIRECTORY);
	ssize_t length;

	if (directory < 0)
		return directory;
	length = readlinkat(directory, component->name, target, size - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	return (int)length;
}

/* Does the way as far as this component leave the workspace? */
static bool leaves(const struct place *place, const struct component *component)
{
	char prefix[LIMIT_PATH_BYTES];

	snprintf(prefix, sizeof prefix, "%.*s", (int)component->end, place->below);
	_cleanup_fd_ int fd = reach_open_below(place->root->fd, prefix, O_PATH);

	return fd == -EXDEV;
}

/* place = what the link says, and what stood behind it. 0, or -errno with the refusal. */
static int replace(const struct reach *reach, struct place *place, const struct component *component,
		   const char *target, const char *operation, struct refusal *refusal)
{
	char whole[3 * LIMIT_PATH_BYTES];
	bool absolute = target[0] == '/';

	snprintf(whole, sizeof whole, "%.*s%s%s", absolute ? 0 : (int)component->start, place->below, target,
		 place->below + component->end);
	if (strlen(whole) >= sizeof place->below)
		return refuse_errno(refusal, ENAMETOOLONG, operation, place->below);
	if (absolute)
		return reach_find(reach, whole, operation, place, refusal);
	memcpy(place->below, whole, strlen(whole) + 1);
	return 0;
}

int links_follow(const struct reach *reach, struct place *place, const char *typed, const char *operation,
		 struct refusal *refusal)
{
	char target[LIMIT_PATH_BYTES], words[1024];
	struct component component;

	for (size_t at = 0; next_component(place, at, &component); at = component.end) {
		int result = read_link(place, &component, target, sizeof target);

		if (result < 0 || !leaves(place, &component))
			continue;
		result = replace(reach, place, &component, target, operation, refusal);
		if (result == 0 || !refusal->denied)
			return result;
		snprintf(words, sizeof words, "%.200s, which leads to %.200s", typed, target);
		return reach_deny_outside(reach, operation, words, refusal);
	}
	if (strcmp(typed, place->below) == 0)
		return reach_deny_outside(reach, operation, typed, refusal);
	snprintf(words, sizeof words, "%.200s, which leads to %.200s", typed, place->below);
	return reach_deny_outside(reach, operation, words, refusal);
}
