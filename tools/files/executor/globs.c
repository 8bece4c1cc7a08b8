/* SPDX-License-Identifier: Apache-2.0 */
/* Globs of tools: braces written out, each alternative a program (glob.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/glob.h"

struct alternative {
	size_t program; /* where it begins in glob->programs */
	bool whole;     /* matches paths; else names */
	bool directory; /* only directories */
};

struct glob {
	struct buffer programs;
	struct alternative alternatives[LIMIT_GLOB_ALTERNATIVES];
	size_t count;
	bool hidden, git; /* names something that begins with a dot; .git */
};

/* The length of what begins at `at`, as one letter of a pattern: an escaped one and a set count whole. */
static size_t letter(const char *at)
{
	const char *end;

	if (at[0] == '\\' && at[1])
		return 2;
	if (at[0] != '[')
		return 1;
	end = at + 1 + (at[1] == '!' || at[1] == '^');
	if (*end == ']')
		end++;
	while (*end && *end != ']')
		end += *end == '\\' && end[1] ? 2 : 1;
	return *end ? (size_t)(end + 1 - at) : 1;
}

static void look_for_hidden(struct glob *glob, const char *pattern)
{
	for (const char *at = pattern; at; at = (at = strchr(at, '/')) ? at + 1 : NULL) {
		size_t length = strcspn(at, "/");

		glob->hidden |= at[0] == '.' || (at[0] == '\\' && at[1] == '.');
		glob->git |= length == 4 && memcmp(at, ".git", 4) == 0;
	}
}

/* Adds a pattern without braces. */
static int add(struct glob *glob, const char *pattern, const char **problem)
{
	struct alternative *alternative = &glob->alternatives[glob->count];
	size_t length;

	*alternative = (struct alternative){.program = glob->programs.end};
	if (pattern[0] == '/') {
		*problem = "it is relative to `path`, so no `/` can stand in front";
		return -EINVAL;
	}
	while (pattern[0] == '.' && pattern[1] == '/') {
		alternative->whole = true;
		pattern += 2;
	}
	if (strncmp(pattern, "../", 3) == 0 || strcmp(pattern, "..") == 0 || strstr(pattern, "/../")) {
		*problem = "it cannot lead up; give the directory to begin in as `path`";
		return -EINVAL;
	}
	look_for_hidden(glob, pattern);
	length = strlen(pattern);
	while (length > 1 && pattern[length - 1] == '/' && pattern[length - 2] != '\\') {
		alternative->directory = true;
		length--;
	}
	alternative->whole |= memchr(pattern, '/', length) != NULL;
	glob->count++;
	return glob_compile(&glob->programs, pattern, length, GLOB_FIND, problem);
}

/* The brace that closes the one at `open`, or NULL; commas between its alternatives are counted. */
static const char *find_closing(const char *open)
{
	size_t depth = 0;

	for (const char *at = open; *at; at += letter(at)) {
		depth += *at == '{';
		depth -= *at == '}';
		if (depth == 0)
			return at;
	}
	return NULL;
}

/* Where the alternative that begins at `at` ends: at a comma of its own level or at `close`. */
static const char *find_end(const char *at, const char *close)
{
	size_t depth = 0;

	for (; at < close && (depth > 0 || *at != ','); at += letter(at)) {
		depth += *at == '{';
		depth -= *at == '}';
	}
	return at;
}

/* Writes the first braces out and goes on with each of the results: as deep as braces stand in `pattern`. */
static int expand(struct glob *glob, const char *pattern, const char **problem)
{
	const char *open = pattern, *close, *end;
	size_t size = strlen(pattern) + 1;
	int result = 0;

	while (*open && *open != '{')
		open += letter(open);
	if (glob->count == LIMIT_GLOB_ALTERNATIVES) {
		*problem = "its braces stand for too many alternatives";
		return -EINVAL;
	}
	if (!*open)
		return add(glob, pattern, problem);
	close = find_closing(open);
	if (!close) {
		*problem = "`{` is never closed; `\\{` means the character";
		return -EINVAL;
	}
	_cleanup_free_ char *written = malloc(size);
	if (!written)
		return -ENOMEM;
	memcpy(written, pattern, (size_t)(open - pattern));
	for (const char *at = open + 1; at <= close && result == 0; at = end + 1) {
		char *to = written + (open - pattern);

		end = find_end(at, close);
		memcpy(to, at, (size_t)(end - at));
		memcpy(to + (end - at), close + 1, strlen(close)); /* with its NUL */
		result = expand(glob, written, problem);
	}
	return result;
}

int glob_new(struct glob **out, const char *pattern, const char **problem)
{
	struct glob *glob = calloc(1, sizeof *glob);
	int result;

	*problem = "it is too long";
	if (!glob)
		return -ENOMEM;
	buffer_init(&glob->programs, LIMIT_GLOB_PROGRAM_BYTES);
	result = strlen(pattern) > LIMIT_GLOB_BYTES ? -EINVAL : expand(glob, pattern, problem);
	if (result < 0) {
		glob_free(glob);
		return result == -EMSGSIZE ? -EINVAL : result;
	}
	*out = glob;
	return 0;
}

void glob_free(struct glob *glob)
{
	if (!glob)
		return;
	buffer_deinit(&glob->programs);
	free(glob);
}

static const uint8_t *program_of(const struct glob *glob, size_t index)
{
	return (const uint8_t *)glob->programs.bytes + glob->alternatives[index].program;
}

bool glob_matches(const struct glob *glob, const char *path, const char *name, bool directory)
{
	for (size_t i = 0; i < glob->count; i++) {
		const struct alternative *alternative = &glob->alternatives[i];

		if ((directory || !alternative->directory) &&
		    glob_run(program_of(glob, i), alternative->whole ? path : name) == GLOB_YES)
			return true;
	}
	return false;
}

bool glob_leads_below(const struct glob *glob, const char *path)
{
	char below[LIMIT_PATH_BYTES + 1];
	size_t length = strlen(path);

	if (length >= LIMIT_PATH_BYTES)
		return true;
	memcpy(below, path, length);
	memcpy(below + length, "/", 2);
	for (size_t i = 0; i < glob->count; i++)
		if (!glob->alternatives[i].whole || glob_run(program_of(glob, i), below) != GLOB_NO)
			return true;
	return false;
}

bool glob_names_hidden(const struct glob *glob)
{
	return glob->hidden;
}

bool glob_names_git(const struct glob *glob)
{
	return glob->git;
}
