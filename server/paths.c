/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical paths of what a person named. See paths.h. */
#include "server/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/path.h"

/* "~" and "~/x" below home; everything else as it is. */
static int expand_home(const char *text, const char *home, char **expanded, struct err *err)
{
	if (text[0] != '~' || (text[1] && text[1] != '/')) {
		*expanded = strdup(text);
		return *expanded ? 0 : err_set(err, -ENOMEM, "no memory");
	}
	if (!home)
		return err_set(err, -ENOENT, "%s: there is no home directory here", text);
	if (asprintf(expanded, "%s%s", strcmp(home, "/") == 0 ? "" : home, text + 1) < 0)
		return err_set(err, -ENOMEM, "no memory");
	if (!**expanded) { /* home is "/" and text "~" */
		free(*expanded);
		*expanded = strdup("/");
	}
	return *expanded ? 0 : err_set(err, -ENOMEM, "no memory");
}

static bool has_dots(const char *path)
{
	while (*path) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if ((length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
			return true;
		path += length;
	}
	return false;
}

/* The longest front part of `path` that exists, canonical, with the rest behind it. */
static int canonical_part(char *path, char **canonical)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
	for (char *slash = path + length; slash > path; slash--) {
		_cleanup_free_ char *front = NULL;

		if (*slash != '/')
			continue;
		*slash = '\0';
		front = realpath(path, NULL);
		*slash = '/';
		if (!front && errno == ENOENT)
			continue;
		if (!front)
			return -errno;
		return asprintf(canonical, "%s%s", strcmp(front, "/") == 0 ? "" : front, slash) < 0 ? -ENOMEM
												    : 0;
	}
	*canonical = strdup(path);
	return *canonical ? 0 : -ENOMEM;
}

int path_canonical(const char *text, const char *home, bool must_exist, char **canonical, struct err *err)
{
	_cleanup_free_ char *expanded = NULL;
	int result = expand_home(text, home, &expanded, err);

	if (result < 0)
		return result;
	*canonical = realpath(expanded, NULL);
	if (*canonical)
		return 0;
	result = -errno;
	if (result != -ENOENT || must_exist)
		return err_set(err, result, "%s: %s", text, strerror(-result));
	/* what does not exist cannot be resolved, and a ".." in it could mean anything later */
	if (has_dots(expanded) || expanded[0] != '/')
		return err_set(err, -EINVAL,
			       "%s does not exist, and such a path must be absolute without . and ..", text);
	result = canonical_part(expanded, canonical);
	return result < 0 ? err_set(err, result, "%s: %s", text, strerror(-result)) : 0;
}

/* ---- walking ---- */

struct walk {
	char at[PATH_MAX];   /* resolved so far, no slash at the end; "" is the root */
	char left[PATH_MAX]; /* still to go, without a slash in front */
	unsigned links;
};

/* Takes the next part of `left` into `at`. A ".." is taken from what was resolved, as the kernel does. */
static int walk_step(struct walk *walk)
{
	size_t length = strcspn(walk->left, "/"), have = strlen(walk->at);
	char part[NAME_MAX + 1];

	if (length > NAME_MAX || have + 1 + length >= sizeof walk->at)
		return -ENAMETOOLONG;
	memcpy(part, walk->left, length);
	part[length] = '\0';
	memmove(walk->left, walk->left + length, strlen(walk->left + length) + 1);
	length = strspn(walk->left, "/");
	memmove(walk->left, walk->left + length, strlen(walk->left + length) + 1);
	if (!*part || strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") == 0) {
		char *slash = strrchr(walk->at, '/');

		if (slash)
			*slash = '\0';
		return 0;
	}
	snprintf(walk->at + have, sizeof walk->at - have, "/%s", part);
	return 0;
}

/* If what was reached is a link, puts its target in front of what is left. */
static int walk_link(struct walk *walk)
{
	char target[PATH_MAX], left[PATH_MAX];
	ssize_t length = readlink(*walk->at ? walk->at : "/", target, sizeof target - 1);
	char *slash;

	if (length < 0)
		return errno == EINVAL ? 0 : -errno; /* not a link; or there is nothing */
	if (++walk->links > 40)
		return -ELOOP;
	target[length] = '\0';
	if (snprintf(left, sizeof left, "%s/%s", target, walk->left) >= (int)sizeof left)
		return -ENAMETOOLONG;
	slash = strrchr(walk->at, '/');
	if (target[0] == '/')
		walk->at[0] = '\0';
	else if (slash)
		*slash = '\0';
	snprintf(walk->left, sizeof walk->left, "%s", left + strspn(left, "/"));
	return 0;
}

int path_passes(const char *path, const char *root)
{
	struct walk walk = {.at = ""};
	int result;

	if (path[0] != '/') {
		if (!getcwd(walk.at, sizeof walk.at))
			return -errno;
		if (strcmp(walk.at, "/") == 0)
			walk.at[0] = '\0';
	}
	path += strspn(path, "/");
	if (strlen(path) >= sizeof walk.left)
		return -ENAMETOOLONG;
	snprintf(walk.left, sizeof walk.left, "%s", path);
	while (*walk.left) {
		result = walk_step(&walk);
		if (result < 0)
			return result;
		if (path_within(*walk.at ? walk.at : "/", root))
			return 1;
		result = walk_link(&walk);
		if (result == -ENOENT)
			return 0;
		if (result < 0)
			return result;
	}
	return 0;
}
