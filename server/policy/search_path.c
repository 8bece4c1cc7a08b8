/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PATH of commands. The person's own PATH says which tools they use, so what it names is readable inside; it
 * may also name places that were never meant to be shown (".", a home, a directory above the workspace), and
 * those are left out. What tools are known to need beside their bin directory is shown too (show_around); for
 * what is not known a workspace with :ro can name it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/path.h"
#include "server/paths.h"
#include "server/policy/compile.h"

/* Shown by every sandbox: programs, libraries, configuration. */
static const char *const shown_places[] = {"/bin",   "/etc",    "/lib",  "/lib32",
					   "/lib64", "/libx32", "/sbin", "/usr"};
/* What a server started by a desktop often lacks (its PATH is whatever the session manager left). */
static const char *const usual[] = {"/usr/local/bin", "/usr/bin", "/bin"};

struct search {
	struct plan *plan;
	const char *home;
	char *taken[LIMIT_SEARCH_PATH_ENTRIES];
	size_t count;
};

bool policy_shows(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(shown_places); i++)
		if (path_within(path, shown_places[i]))
			return true;
	return path_within(path, "/opt");
}

static bool shown_anyway(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(shown_places); i++)
		if (path_within(path, shown_places[i]))
			return true;
	for (size_t i = 0; i < plan->workspace_count; i++)
		if (path_within(path, plan->workspaces[i].path))
			return true;
	/* a second, read-only mount inside a directory that may be written would take that away */
	for (size_t i = 0; i < plan->extra_count; i++)
		if (path_within(path, plan->extra[i].path))
			return true;
	return false;
}

/* To show it would show more than tools. */
static bool too_wide(const struct search *search, const char *path)
{
	if (search->home && path_within(search->home, path))
		return true;
	for (size_t i = 0; i < search->plan->workspace_count; i++)
		if (path_within(search->plan->workspaces[i].path, path))
			return true;
	return strcmp(path, "/") == 0 || path_within(path, "/proc") || path_within(path, "/sys") ||
	       path_within(path, "/dev");
}

/* Shows `directory` for reading, unless it is not there or would show too much. */
static int show(struct search *search, const char *directory)
{
	_cleanup_free_ char *path = realpath(directory, NULL);
	struct stat status;

	if (!path || stat(path, &status) < 0 || !S_ISDIR(status.st_mode) ||
	    shown_anyway(search->plan, path) || too_wide(search, path))
		return 0;
	return plan_add_path(&search->plan->extra, &search->plan->extra_count, path, false);
}

/*
 * Programs below a home seldom stand alone: what they load lies beside them. `path` is a directory of PATH.
 *   .../shims          pyenv, rbenv, nodenv, asdf: scripts that look for the rest above them
 *   .../.cargo/bin     links to rustup, whose toolchains are in ~/.rustup; ~/.cargo itself holds credentials
 *   PREFIX/bin         with PREFIX/lib beside it (nvm, conda, SDKMAN, a virtual environment); not ~/.local,
 * which holds keyrings
 */
static int show_around(struct search *search, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char place[PATH_MAX];
	struct stat status;
	int parent = (int)(name - path - 1);

	if (strcmp(name, "shims") == 0)
		snprintf(place, sizeof place, "%.*s", parent, path);
	else if (parent > 7 && strcmp(name, "bin") == 0 && strncmp(path + parent - 7, "/.cargo", 7) == 0)
		snprintf(place, sizeof place, "%.*s/.rustup", parent - 7, path);
	else if (strcmp(name, "bin") == 0 && !(parent > 7 && strncmp(path + parent - 7, "/.local", 7) == 0) &&
		 snprintf(place, sizeof place, "%.*s/lib", parent, path) > 0 && stat(place, &status) == 0)
		snprintf(place, sizeof place, "%.*s", parent, path);
	else
		return 0;
	return show(search, place);
}

static int take(struct search *search, const char *directory)
{
	_cleanup_free_ char *path = directory[0] == '/' ? realpath(directory, NULL) : NULL;
	struct stat status;

	if (!path || stat(path, &status) < 0 || !S_ISDIR(status.st_mode) || strchr(path, ':'))
		return 0;
	for (size_t i = 0; i < search->count; i++)
		if (strcmp(search->taken[i], path) == 0)
			return 0;
	if (search->count == ARRAY_SIZE(search->taken))
		return 0;
	if (!shown_anyway(search->plan, path)) {
		if (too_wide(search, path))
			return 0;
		if (plan_add_path(&search->plan->extra, &search->plan->extra_count, path, false) < 0)
			return -ENOMEM;
		if (show_around(search, path) < 0)
			return -ENOMEM;
	}
	search->taken[search->count++] = steal_pointer(path);
	return 0;
}

static int take_all(struct search *search, const char *list)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy;
	int result = copy ? 0 : -ENOMEM;

	for (char *part; result == 0 && (part = strsep(&rest, ":"));)
		result = take(search, part);
	return result;
}

static int join(const struct search *search, char **joined)
{
	size_t length = 1, at = 0;

	for (size_t i = 0; i < search->count; i++)
		length += strlen(search->taken[i]) + 1;
	*joined = malloc(length);
	if (!*joined)
		return -ENOMEM;
	for (size_t i = 0; i < search->count; i++) {
		size_t part = strlen(search->taken[i]);

		if (i)
			(*joined)[at++] = ':';
		memcpy(*joined + at, search->taken[i], part);
		at += part;
	}
	(*joined)[at] = '\0';
	return 0;
}

int policy_search_path(const char *list, const char *home, struct plan *plan)
{
	struct search search = {.plan = plan, .home = home};
	int result = list ? take_all(&search, list) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(usual) && result == 0; i++)
		result = take(&search, usual[i]);
	if (result == 0) {
		free(plan->search_path);
		result = join(&search, &plan->search_path);
	}
	for (size_t i = 0; i < search.count; i++)
		free(search.taken[i]);
	return result;
}
