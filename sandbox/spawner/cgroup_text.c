/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's files say of groups (cgroup.h), and reading and writing them. */
#include "sandbox/spawner/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"

/* Cuts "/sallyport.PID/server" off the end. */
static void leave_server(char *path)
{
	static const char last[] = "/server", prefix[] = "/sallyport.";
	size_t length = strlen(path);

	if (length < strlen(last) || strcmp(path + length - strlen(last), last) != 0)
		return;
	size_t at = length - strlen(last);
	while (at > 0 && isdigit((unsigned char)path[at - 1]))
		at--;
	if (at + strlen(last) == length || at < strlen(prefix) ||
	    strncmp(path + at - strlen(prefix), prefix, strlen(prefix)) != 0)
		return;
	at -= strlen(prefix);
	path[at == 0 ? 1 : at] = '\0';
}

/* cgroups(7): one line a hierarchy, "ID:CONTROLLERS:PATH"; that of v2 is "0::PATH". */
int cgroup_own_path(const char *text, char *path, size_t size)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		int length = (int)strcspn(line + 3, "\n");

		/* outside the cgroup namespace it is "/../..", and a group that is gone says so */
		if (!strncmp(line + 3, "/..", 3) || memmem(line + 3, (size_t)length, " (deleted)", 10))
			return -ENOENT;
		if (snprintf(path, size, "%.*s", length, line + 3) >= (int)size)
			return -ENAMETOOLONG;
		leave_server(path);
		return 0;
	}
	return -ENOENT;
}

/* Field `number` from 0, separated by single blanks; its length in *length. */
static const char *field_of(const char *line, size_t end, int number, size_t *length)
{
	const char *at = line;

	for (; number > 0; number--) {
		at = memchr(at, ' ', end - (size_t)(at - line));
		if (!at)
			return NULL;
		at++;
	}
	const char *blank = memchr(at, ' ', end - (size_t)(at - line));

	*length = blank ? (size_t)(blank - at) : end - (size_t)(at - line);
	return at;
}

/* proc(5), mountinfo: "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS] - TYPE SOURCE OPTIONS". */
int cgroup_find_mount(const char *text, const char *own, char *path, size_t size)
{
	for (const char *line = text; *line;) {
		size_t end = strcspn(line, "\n"), root_length = 0, point_length = 0;
		const char *type = memmem(line, end, " - cgroup2 ", 11);
		const char *root = field_of(line, end, 3, &root_length);
		const char *point = field_of(line, end, 4, &point_length);

		if (type && root && point && point < type && point[0] == '/' && root[0] == '/' &&
		    !memchr(point, '\\', point_length)) {
			if (root_length == 1)
				root_length = 0;
			/* what is mounted may be a part of the hierarchy that we are not in */
			if (!strncmp(own, root, root_length) &&
			    (own[root_length] == '/' || own[root_length] == '\0')) {
				const char *rest = own + root_length;
				int used = snprintf(path, size, "%.*s%s", (int)point_length, point,
						    strcmp(rest, "/") != 0 ? rest : "");

				return used < (int)size ? 0 : -ENAMETOOLONG;
			}
		}
		line += end + (line[end] == '\n');
	}
	return -ENOENT;
}

int cgroup_read_bound(const char *text, uint64_t *bound)
{
	if (!strcmp(text, "max\n"))
		*bound = UINT64_MAX;
	else if (isdigit((unsigned char)text[0]))
		*bound = strtoull(text, NULL, 10);
	else
		return -EINVAL;
	return 0;
}

bool cgroup_has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; *at;) {
		size_t part = strcspn(at, " \n");

		if (part == length && !strncmp(at, word, length))
			return true;
		at += part + (at[part] != '\0');
	}
	return false;
}

int cgroup_read(int directory, const char *name, char *text, size_t size)
{
	_cleanup_fd_ int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t used = 0;

	if (file < 0)
		return -errno;
	while (used < size - 1) {
		ssize_t got = read(file, text + used, size - 1 - used);

		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	text[used] = '\0';
	return 0;
}

int cgroup_write(int directory, const char *name, const char *text)
{
	_cleanup_fd_ int file = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (file < 0)
		return -errno;
	return write(file, text, strlen(text)) < 0 ? -errno : 0;
}
