/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_PATCH_H
#define SALLYPORT_TOOLS_FILES_PATCH_H

/*
 * A patch as text, and what it says: files, hunks, lines. Two forms, told apart by their first lines: unified
 * diffs (of git, with what its headers can say, and of diff), and `*** Begin Patch`, as Codex's apply_patch
 * has it. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/error.h"

enum patch_action { PATCH_UPDATE, PATCH_ADD, PATCH_DELETE };

struct patch_line {
	const char *text; /* in the patch, without the mark before it and the line end behind it */
	uint32_t length;
	char kind;    /* ' ', '-', '+' */
	bool unended; /* "\ No newline at end of file": no line end in the file, either */
};

/* Lines that go together. Old lines are those of ' ' and '-'; new ones those of ' ' and '+'. */
struct patch_hunk {
	size_t first, count; /* in patch->lines */
	uint32_t line;       /* of the patch, from 1: for words */
	uint64_t old_line;   /* from 1, where it is to be found; 0: it does not say (or before the first) */
	bool numbered;       /* old_line is meant */
	bool at_end;         /* its old lines are the last of the file */
	const char *anchor;  /* a line before it, of `anchor_length` bytes, or NULL */
	uint32_t anchor_length;
};

struct patch_file {
	enum patch_action action;
	/* owned; the same unless it is renamed or copied. As they are shown and may be typed (quote.h) */
	char *old_path, *new_path;
	bool rename, copy;     /* the old one goes; it stays */
	bool mode, executable; /* `mode`: the new file is a program, or is none */
	bool original; /* renamed or copied from what the file was before the whole patch, as git means it */
	bool whole;    /* deleted without looking at its content */
	uint32_t line; /* of the patch */
	size_t first, count; /* in patch->hunks */
};

struct patch {
	struct patch_file *files;
	struct patch_hunk *hunks;
	struct patch_line *lines;
	size_t file_count, hunk_count, line_count;
	size_t file_room, hunk_room, line_room; /* allocated */
};

/*
 * Reads a patch. It borrows `text`, and what `patch` holds points into that. 0; -EINVAL with the line and
 * what is wrong there; -EMSGSIZE with what there is too much of; -ENOMEM. Release it in any case.
 */
int patch_parse(struct patch *patch, const char *text, size_t length, struct err *err);
void patch_release(struct patch *patch);

/* ---- between patch.c and the two forms ---- */

struct patch_source {
	const char *at, *end;
	uint32_t line; /* of `at`, from 1 */
};

/* The next line without its end (LF or CRLF; `*exact` also with the CR), or NULL at the end. */
const char *patch_next(struct patch_source *source, uint32_t *length, uint32_t *exact);
/* The same, and stays. */
const char *patch_peek(const struct patch_source *source, uint32_t *length);

/* One more of each, zeroed, or NULL with the error said. They move when more are added. */
struct patch_file *patch_add_file(struct patch *patch, const struct patch_source *source, struct err *err);
struct patch_hunk *patch_add_hunk(struct patch *patch, const struct patch_source *source, struct err *err);
int patch_add_line(struct patch *patch, char kind, const char *text, uint32_t length, struct err *err);

/* A copy of a path, unquoted if it is quoted (quote.h). NULL: no path. */
char *patch_path(const char *text, size_t length);

/* The header of one file of a unified diff, up to its first hunk: adds the file. 0, or as patch_parse. */
int patch_take_header(struct patch *patch, struct patch_source *source, struct err *err);

int patch_parse_unified(struct patch *patch, struct patch_source *source, struct err *err);
int patch_parse_codex(struct patch *patch, struct patch_source *source, struct err *err);

#endif
