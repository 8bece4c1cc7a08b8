/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search_files: what is inside files. Bulk: the text is streamed by the search executor straight into the
 * answer; what is left to do here is the last lines, which say what is missing and how to get it, and the
 * facts.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *pattern, *path, *glob, *mode;
	int64_t context, limit, offset;
	bool literal, ignore_case, multiline, ignored;
};

static const char *const modes[] = {"content", "files", "count", NULL};

_Static_assert(ARRAY_SIZE(modes) == FILES_SEARCH_MODES + 1, "a word for each mode");

static const struct field input[] = {
	{.name = "pattern",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, pattern),
	 .min = 1,
	 .max = LIMIT_SEARCH_PATTERN_BYTES},
	{.name = "literal", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, literal)},
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, path),
	 .min = 1,
	 .max = LIMIT_PATH_BYTES - 1},
	{.name = "glob",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, glob),
	 .min = 1,
	 .max = LIMIT_SEARCH_GLOB_BYTES},
	{.name = "ignore_case", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, ignore_case)},
	{.name = "multiline", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, multiline)},
	{.name = "context",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, context),
	 .min = 0,
	 .max = LIMIT_SEARCH_CONTEXT},
	{.name = "mode", .type = FIELD_STRING, .offset = offsetof(struct arguments, mode), .choices = modes},
	{.name = "ignored",
	 .type = FIELD_BOOLEAN,
	 .offset = offsetof(struct arguments, ignored),
	 .description = "Also hidden and .gitignored"},
	{.name = "limit",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, limit),
	 .min = 1,
	 .max = LIMIT_SEARCH_RESULTS_MAX,
	 .preset = LIMIT_SEARCH_RESULTS},
	{.name = "offset",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, offset),
	 .min = 0,
	 .max = INT32_MAX},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	uint32_t mode = 0;
	uint32_t flags = (arguments->literal ? FILES_SEARCH_LITERAL : 0) |
			 (arguments->ignore_case ? FILES_SEARCH_IGNORE_CASE : 0) |
			 (arguments->multiline ? FILES_SEARCH_MULTILINE : 0) |
			 (arguments->ignored ? FILES_SEARCH_IGNORED : 0);
	int result;

	while (arguments->mode && strcmp(arguments->mode, modes[mode]) != 0)
		mode++; /* one of them: the schema has seen to it */
	if ((result = frame_put_text(payload, arguments->pattern)) < 0 ||
	    (result = frame_put_text(payload, arguments->path ? arguments->path : ".")) < 0 ||
	    (result = frame_put_text(payload, arguments->glob ? arguments->glob : "")) < 0 ||
	    (result = frame_put_u32(payload, flags)) < 0 || (result = frame_put_u32(payload, mode)) < 0 ||
	    (result = frame_put_u32(payload, (uint32_t)arguments->context)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->limit)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->offset)) < 0 ||
	    (result = frame_put_u64(payload, context->result_bytes)) < 0 ||
	    (result = frame_put_u64(payload, tool_answer_by(context))) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

/* RESULT of FILES_SEARCH (wire.h). */
struct facts {
	uint32_t flags;
	uint64_t shown, next, files, binary, unreadable, pieces, holes, overruns, hidden, ignored;
};

static int decode(struct facts *facts, const void *payload, size_t length)
{
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	facts->flags = frame_get_u32(&reader);
	facts->shown = frame_get_u64(&reader);
	facts->next = frame_get_u64(&reader);
	facts->files = frame_get_u64(&reader);
	facts->binary = frame_get_u64(&reader);
	facts->unreadable = frame_get_u64(&reader);
	facts->pieces = frame_get_u64(&reader);
	facts->holes = frame_get_u64(&reader);
	facts->overruns = frame_get_u64(&reader);
	facts->hidden = frame_get_u64(&reader);
	facts->ignored = frame_get_u64(&reader);
	return (facts->flags & ~FILES_SEARCH_RESULTS) ? -EPROTO : frame_done(&reader);
}

/* What was not looked at, or not as a whole: none of it is shown by a text that is just shorter. */
static int write_left_out(struct tool_result *result, const struct facts *facts)
{
	const struct {
		uint64_t count;
		const char *what;
	} parts[] = {
		{facts->binary, "binary files were left out"},
		{facts->unreadable, "could not be read"},
		{facts->hidden, "hidden names and their content were left out (ignored: true)"},
		{facts->ignored, "ignored names and their content were left out (ignored: true)"},
		{facts->pieces,
		 "pieces of texts too long to be looked at whole; ^, $ and long matches may fail there"},
		{facts->holes, "files have holes, which were passed over"},
		{facts->overruns, "lines took too many steps for this pattern and were left out"},
	};
	/* what is ordinary is told when nothing was found, for it may be why */
	bool all = facts->shown == 0 && facts->next == 0;
	int code = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts) && code == 0; i++)
		if (parts[i].count && (all || i >= 4))
			code = result_textf(result, "[%" PRIu64 " %s]\n", parts[i].count, parts[i].what);
	return code;
}

static int write_notes(struct tool_result *result, const struct facts *facts)
{
	double seconds = result->context->answer_within_ms / 1000.0;
	int code = 0;

	if (facts->flags & FILES_SEARCH_ENDED)
		code = result_textf(result,
				    "[Given up: the pattern takes too many steps on too many lines. Make its "
				    "repetitions exclude each other, or search for a literal part of it.]\n");
	else if (facts->flags & FILES_SEARCH_LATE)
		code = result_textf(
			result,
			"[Not done within %.1f s: %" PRIu64
			" files looked through so far, and the search goes on. The same call with "
			"offset: %" PRIu64 " gets the rest.]\n",
			seconds, facts->files, facts->next);
	else if (!(facts->flags & FILES_SEARCH_DONE))
		code = result_textf(result, "[Cut: there is more. Continue with offset: %" PRIu64 ".]\n",
				    facts->next);
	else if (facts->shown == 0)
		code = result_textf(result, "[No %smatch in %" PRIu64 " files.]\n",
				    facts->next ? "further " : "", facts->files);
	return code == 0 ? write_left_out(result, facts) : code;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct facts facts;
	int code = decode(&facts, payload, length);

	if (code == 0)
		code = write_notes(result, &facts);
	if (code == 0)
		code = result_meta_int(result, "results", (int64_t)facts.shown);
	if (code == 0)
		code = result_meta_int(result, "filesSearched", (int64_t)facts.files);
	if (code == 0 && facts.binary)
		code = result_meta_int(result, "binaryFiles", (int64_t)facts.binary);
	if (code == 0 && !(facts.flags & FILES_SEARCH_DONE))
		code = result_meta_int(result, "nextOffset", (int64_t)facts.next);
	return code;
}

const struct tool search_files_tool = {
	.name = "search_files",
	.title = "Search in files",
	.description = "Lines that match a PCRE2 pattern, as grep -n shows them. Binary, hidden and ignored "
		       "files are left out.",
	.route = TOOL_SEARCH,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.operation = FILES_SEARCH,
	.input = input,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
