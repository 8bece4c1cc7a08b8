/* SPDX-License-Identifier: Apache-2.0 */
/* Ignore files of a directory and of those above it: found, read, and asked in git's order. */
#include "tools/files/executor/ignore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/reach.h"

struct ignore {
	atomic_uint holders;
	struct ignore *above;
	size_t base;
	bool repository; /* .gitignore files above do not count here */
	struct ignore_rules *git, *own, *exclude;
	struct ignore_rules *everywhere; /* of the chain's first, which all others borrow; or NULL */
};

int ignore_everywhere(const char *text, size_t length, struct ignore **out)
{
	struct ignore *ignore = calloc(1, sizeof *ignore);

	if (ignore)
		ignore->everywhere = ignore_parse(text, length);
	if (!ignore || !ignore->everywhere) {
		free(ignore);
		return -ENOMEM;
	}
	atomic_init(&ignore->holders, 1);
	*out = ignore;
	return 0;
}

/* The rules in a file below `directory`; *rules stays NULL where there is none to read. 0 or -ENOMEM. */
static int read_rules(int directory, const char *name, struct ignore_rules **rules)
{
	_cleanup_fd_ int fd =
		reach_open_below(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room;
	struct stat status;
	ssize_t got = 1;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
		return 0;
	room = status.st_size < LIMIT_IGNORE_BYTES ? (size_t)status.st_size : LIMIT_IGNORE_BYTES;
	text = malloc(room);
	if (!text)
		return -ENOMEM;
	while (length < room && (got = read(fd, text + length, room - length)) > 0)
		length += (size_t)got;
	if (status.st_size > LIMIT_IGNORE_BYTES) { /* half a line is another rule */
		const char *end = memrchr(text, '\n', length);

		length = end ? (size_t)(end - text) : 0;
	}
	*rules = ignore_parse(text, length);
	return *rules ? 0 : -ENOMEM;
}

int ignore_enter(struct ignore *above, int directory, size_t base, unsigned has, struct ignore **out)
{
	struct ignore *ignore;
	int result = 0;

	if (!has) {
		*out = ignore_hold(above);
		return 0;
	}
	ignore = calloc(1, sizeof *ignore);
	if (!ignore)
		return -ENOMEM;
	atomic_init(&ignore->holders, 1);
	ignore->above = ignore_hold(above);
	ignore->everywhere = above ? above->everywhere : NULL;
	ignore->base = base;
	ignore->repository = has & IGNORE_REPOSITORY;
	if (has & IGNORE_GIT)
		result = read_rules(directory, ".gitignore", &ignore->git);
	if (result == 0 && (has & IGNORE_OWN))
		result = read_rules(directory, ".ignore", &ignore->own);
	if (result == 0 && ignore->repository)
		result = read_rules(directory, ".git/info/exclude", &ignore->exclude);
	if (result < 0) {
		ignore_release(ignore);
		return result;
	}
	*out = ignore;
	return 0;
}

struct ignore *ignore_hold(struct ignore *ignore)
{
	if (ignore)
		atomic_fetch_add_explicit(&ignore->holders, 1, memory_order_relaxed);
	return ignore;
}

void ignore_release(struct ignore *ignore)
{
	/* a loop, since a chain is as deep as the tree */
	while (ignore && atomic_fetch_sub_explicit(&ignore->holders, 1, memory_order_acq_rel) == 1) {
		struct ignore *above = ignore->above;

		ignore_rules_free(ignore->git);
		ignore_rules_free(ignore->own);
		ignore_rules_free(ignore->exclude);
		if (!above)
			ignore_rules_free(ignore->everywhere);
		free(ignore);
		ignore = above;
	}
}

/* Adds the rules of a directory that nobody has listed to *ignore. 0 or -ENOMEM. */
static int add_rules(int directory, size_t base, struct ignore **ignore)
{
	struct stat status;
	bool repository = fstatat(directory, ".git", &status, AT_SYMLINK_NOFOLLOW) == 0;
	struct ignore *above = *ignore;
	int result = ignore_enter(above, directory, base,
				  IGNORE_GIT | IGNORE_OWN | (repository ? IGNORE_REPOSITORY : 0), ignore);

	if (result == 0)
		ignore_release(above);
	return result;
}

int ignore_above(struct ignore *everywhere, int root, const char *below, char *path, struct ignore **ignore)
{
	_cleanup_fd_ int directory = reach_open_below(root, ".", O_PATH | O_DIRECTORY);
	size_t length = 0;
	int result = 0;

	*ignore = ignore_hold(everywhere);
	while (directory >= 0 && *(below += strspn(below, "/")) && result == 0) {
		size_t size = strcspn(below, "/");
		int next;

		if (size == 1 && below[0] == '.') {
			below += size;
			continue;
		}
		if ((size == 2 && below[0] == '.' && below[1] == '.') || length + size + 2 > LIMIT_PATH_BYTES)
			break;
		result = add_rules(directory, length, ignore);
		memcpy(path + length, below, size);
		path[length + size] = '\0';
		next = reach_open_below(directory, path + length, O_PATH | O_DIRECTORY | O_NOFOLLOW);
		close_fd(&directory);
		directory = next;
		length += size;
		path[length++] = '/';
		path[length] = '\0';
		below += size;
	}
	if (result == 0 && directory >= 0 && !*below)
		return (int)length;
	ignore_release(*ignore);
	*ignore = ignore_hold(result == 0 ? everywhere : NULL);
	path[0] = '\0';
	return result;
}

static enum ignore_verdict judge(const struct ignore_rules *rules, size_t base, const char *path,
				 size_t length, const char *name, bool directory)
{
	if (!rules)
		return IGNORE_SILENT;
	return ignore_judge(rules, path + base, length - base, name, directory);
}

bool ignore_names(const struct ignore *ignore, const char *path, size_t length, const char *name,
		  bool directory)
{
	enum ignore_verdict verdict = IGNORE_SILENT;
	size_t repository = 0; /* where it begins, as far as is known */

	for (const struct ignore *at = ignore; at && verdict == IGNORE_SILENT; at = at->above)
		verdict = judge(at->own, at->base, path, length, name, directory);
	for (const struct ignore *at = ignore; at && verdict == IGNORE_SILENT; at = at->above) {
		verdict = judge(at->git, at->base, path, length, name, directory);
		if (!at->repository)
			continue;
		repository = at->base;
		if (verdict == IGNORE_SILENT)
			verdict = judge(at->exclude, at->base, path, length, name, directory);
		break;
	}
	if (verdict == IGNORE_SILENT && ignore)
		verdict = judge(ignore->everywhere, repository, path, length, name, directory);
	return verdict == IGNORE_OUT;
}
