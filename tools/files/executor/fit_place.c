/* SPDX-License-Identifier: Apache-2.0 */
/* Where a hunk fits: at its line, behind its anchor, or at the only place there is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/limits.h"
#include "tools/files/executor/fit_lines.h"

const char *fit_hunk_name(const struct fit *fit, const struct patch_hunk *hunk, size_t number, char *to,
			  size_t size)
{
	snprintf(to, size, "hunk %zu of `%.300s` (line %u of the patch)", number, fit->path, hunk->line);
	return to;
}

/* The line that `@@ TEXT` names, as it is or but for blanks around it, at or behind the cursor. */
static bool find_anchor(struct fit *fit, const struct patch_hunk *hunk, size_t *found)
{
	const char *wanted = hunk->anchor;
	size_t length = hunk->anchor_length;

	for (int loose = 0; loose < 2; loose++)
		for (size_t i = fit->cursor; i < fit->have.count; i++) {
			const struct fit_line *line = &fit->have.lines[i];
			const char *at = (const char *)fit->have.bytes + line->at;
			size_t left = line->length;

			while (loose && left > 0 && (*at == ' ' || *at == '\t')) {
				at++;
				left--;
			}
			while (loose && left > 0 && (at[left - 1] == ' ' || at[left - 1] == '\t'))
				left--;
			while (loose && length > 0 && (*wanted == ' ' || *wanted == '\t')) {
				wanted++;
				length--;
			}
			while (loose && length > 0 &&
			       (wanted[length - 1] == ' ' || wanted[length - 1] == '\t'))
				length--;
			if (left == length && length > 0 && memcmp(at, wanted, length) == 0) {
				*found = i;
				return true;
			}
		}
	return false;
}

/* The only place from `from` on (with `any`: the first). 0, or a refusal. */
static int find_place(struct fit *fit, const struct patch_hunk *hunk, size_t number, size_t from, bool any,
		      size_t *place, struct refusal *refusal)
{
	char name[400], places[160] = "";
	size_t found = 0, used = 0;

	for (size_t at = from; at + fit->old.count <= fit->have.count; at++) {
		if (++fit->compared > LIMIT_PATCH_COMPARED)
			return refuse(
				refusal, EFBIG,
				"%s: too many hunks to be looked for in a file of %zu lines; give their line "
				"numbers, or patch it in parts",
				fit_hunk_name(fit, hunk, number, name, sizeof name), fit->have.count);
		if (!fit_here(fit, at))
			continue;
		if (found++ == 0)
			*place = at;
		if (any)
			return 0;
		if (used < sizeof places - 24)
			used += (size_t)snprintf(places + used, sizeof places - used, "%s%zu",
						 used ? ", " : "", at + 1);
	}
	if (found == 1)
		return 0;
	if (found == 0)
		return fit_near(fit, hunk, number, refusal);
	return refuse(refusal, ESTALE, "%s fits in %zu places, at lines %s%s; %s",
		      fit_hunk_name(fit, hunk, number, name, sizeof name), found, places,
		      used < sizeof places - 24 ? "" : ", ..",
		      hunk->numbered ? "give the line that is right, or more lines of context"
				     : "give more lines of context, or `@@ LINE` with a line before it");
}

static int place_numbered(struct fit *fit, const struct patch_hunk *hunk, size_t number, int64_t delta,
			  size_t *place, struct refusal *refusal)
{
	int64_t wanted = (int64_t)hunk->old_line - 1 + delta;
	char name[400];

	if (wanted >= (int64_t)fit->cursor && wanted <= (int64_t)fit->have.count &&
	    fit_here(fit, (size_t)wanted)) {
		*place = (size_t)wanted;
		return 0;
	}
	if (fit->old.count > 0)
		return find_place(fit, hunk, number, fit->cursor, false, place, refusal);
	return refuse(refusal, ESTALE, "%s adds lines at line %llu, but the file has %zu lines",
		      fit_hunk_name(fit, hunk, number, name, sizeof name), (unsigned long long)hunk->old_line,
		      fit->have.count);
}

static int place_anchored(struct fit *fit, const struct patch_hunk *hunk, size_t number, size_t *place,
			  struct refusal *refusal)
{
	size_t from = fit->cursor;
	char name[400];

	if (hunk->anchor) {
		if (!find_anchor(fit, hunk, &from))
			return refuse(refusal, ESTALE,
				      "%s: there is no line `%.*s` behind line %zu of the file",
				      fit_hunk_name(fit, hunk, number, name, sizeof name),
				      hunk->anchor_length < 200 ? (int)hunk->anchor_length : 200,
				      hunk->anchor, fit->cursor);
		from++;
	}
	*place = hunk->anchor ? from : fit->have.count;
	if (fit->old.count == 0)
		return 0;
	if (hunk->at_end) {
		*place = fit->have.count - fit->old.count;
		return fit->old.count <= fit->have.count && *place >= from && fit_here(fit, *place)
			       ? 0
			       : fit_near(fit, hunk, number, refusal);
	}
	return find_place(fit, hunk, number, from, hunk->anchor != NULL, place, refusal);
}

int fit_place(struct fit *fit, const struct patch_hunk *hunk, size_t number, int64_t delta, size_t *place,
	      struct refusal *refusal)
{
	return hunk->numbered ? place_numbered(fit, hunk, number, delta, place, refusal)
			      : place_anchored(fit, hunk, number, place, refusal);
}
