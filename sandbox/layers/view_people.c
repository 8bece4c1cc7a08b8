/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a command is, by name. Started by root in a workspace of root's it acts as a number that no system
 * gives to anybody, and programs that ask for their own name (ssh, git, a prompt) fail over that. So a copy
 * of the machine's list, with one line more, lies over it.
 */
#include "sandbox/layers/mounts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/buffer.h"
#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/layers/calls.h"

/* Reads what everybody may read and is short enough to be copied. 1: there is none such. */
static int read_list(int root, const char *path, struct buffer *list)
{
	_cleanup_fd_ int file = call_openat2(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK,
					     RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	struct stat status;
	char bytes[4096];
	ssize_t got;

	if (file < 0 || fstat(file, &status) < 0 || !S_ISREG(status.st_mode) || !(status.st_mode & S_IROTH))
		return 1;
	while ((got = read(file, bytes, sizeof bytes)) > 0) {
		int result = buffer_append(list, bytes, (size_t)got);

		if (result < 0)
			return result == -EMSGSIZE ? 1 : result;
	}
	return got < 0 ? 1 : 0;
}

/* Whether a line's third field is this number. `list` ends in NUL. */
static bool lists_number(const char *list, uint32_t number)
{
	char wanted[16];

	snprintf(wanted, sizeof wanted, "%" PRIu32, number);
	while (*list) {
		size_t line = strcspn(list, "\n"), at = 0;

		for (int colons = 0; at < line && colons < 2; at++)
			colons += list[at] == ':';
		if (line - at > strlen(wanted) && strncmp(list + at, wanted, strlen(wanted)) == 0 &&
		    list[at + strlen(wanted)] == ':')
			return true;
		list += line + (list[line] == '\n');
	}
	return false;
}

/* Shows `path` with `line` besides, unless it knows `number` already. */
static int add_line(struct layer_context *context, int root, const char *path, uint32_t number,
		    const char *line)
{
	_cleanup_(buffer_deinit) struct buffer list = {.max = LIMIT_PEOPLE_BYTES};
	int result = read_list(root, path, &list);

	if (result == 0)
		result = buffer_append(&list, "", 1);
	if (result == 0 && lists_number(buffer_data(&list), number))
		return 0;
	if (result == 0) {
		list.end--;
		if (buffer_length(&list) && buffer_data(&list)[buffer_length(&list) - 1] != '\n')
			result = buffer_append(&list, "\n", 1);
	}
	if (result == 0)
		result = buffer_append(&list, line, strlen(line) + 1);
	if (result > 0 || result == -EMSGSIZE)
		return 0; /* a list that cannot be added to stays as it is: nothing depends on it */
	if (result < 0) {
		errno = -result;
		return layer_failed(&context->failure, "copy", path);
	}
	return view_cover(context, root, path, buffer_data(&list));
}

int view_people(struct layer_context *context, int root)
{
	const struct executor *executor = context->executor;
	char user[LIMIT_PATH_BYTES + 128], group[64];
	int result;
	const char *home = executor->plan.home ? executor->plan.home : "/";

	/* a home with a colon cannot stand in such a line */
	snprintf(user, sizeof user, "sallyport:x:%" PRIu32 ":%" PRIu32 "::%s:/bin/sh\n", executor->uid,
		 executor->gid, strpbrk(home, ":\n") ? "/" : home);
	snprintf(group, sizeof group, "sallyport:x:%" PRIu32 ":\n", executor->gid);
	result = add_line(context, root, "/etc/passwd", executor->uid, user);
	return result < 0 ? result : add_line(context, root, "/etc/group", executor->gid, group);
}
