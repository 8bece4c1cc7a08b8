/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs: a first line of pattern, the rest a path. Whatever it is, an answer comes, in time; what matches is
 * below every directory on its way, and a pattern without anything special matches
 * itself alone.
 */
#include <string.h>

#include "protocol/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tools/files/executor/glob.h"

static void check_find(const char *pattern, char *path)
{
	const char *problem = NULL;
	struct glob *glob = NULL;
	char *slash = strrchr(path, '/');
	int result = glob_new(&glob, pattern, &problem);

	FUZZ_CHECK(result == 0 || (problem && !glob));
	if (result < 0)
		return;
	if (glob_matches(glob, path, slash ? slash + 1 : path, true))
		while ((slash = strrchr(path, '/'))) {
			*slash = '\0';
			FUZZ_CHECK(glob_leads_below(glob, path));
		}
	glob_free(glob);
}

static void check_git(const char *pattern, const char *path)
{
	struct buffer program;

	buffer_init(&program, 64 * LIMIT_GLOB_BYTES);
	if (glob_compile(&program, pattern, strlen(pattern), GLOB_GIT, NULL) == 0) {
		enum glob_match match = glob_run((const uint8_t *)buffer_data(&program), path);

		FUZZ_CHECK(match == GLOB_NO || match == GLOB_BELOW || match == GLOB_YES);
		if (!strpbrk(pattern, "*?[\\")) /* words alone match themselves */
			FUZZ_CHECK((match == GLOB_YES) == (strcmp(pattern, path) == 0));
	}
	buffer_deinit(&program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *pattern = malloc(size + 1), *path;

	if (!pattern || size > LIMIT_PATH_BYTES) {
		free(pattern);
		return 0;
	}
	memcpy(pattern, data, size);
	pattern[size] = '\0';
	path = strchr(pattern, '\n');
	if (path) {
		*path++ = '\0';
		check_git(pattern, path);
		check_find(pattern, path);
	}
	free(pattern);
	return 0;
}
