/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_TOOLS_H
#define SALLYPORT_TOOLS_FILES_TOOLS_H

/* The file tools, each in its own file, for the table. */

#include "tools/tool.h"

/* The field of a path that must be given, of `struct arguments`. */
#define PATH_FIELD(member)                                                                                   \
	{                                                                                                    \
		.name = #member, .type = FIELD_STRING, .flags = FIELD_REQUIRED,                              \
		.offset = offsetof(struct arguments, member), .min = 1, .max = LIMIT_PATH_BYTES - 1          \
	}

/* Is the argument expected_sha256, if it is there, a hash as people write it? 0, or -EINVAL with a sentence.
 */
int expected_sha256_check(const char *text, struct err *err);

extern const struct tool apply_patch_tool;
extern const struct tool complete_path_tool; /* in no table: what completion/complete asks */
extern const struct tool copy_file_tool;
extern const struct tool create_directory_tool;
extern const struct tool delete_file_tool;
extern const struct tool edit_file_tool;
extern const struct tool find_files_tool;
extern const struct tool get_file_info_tool;
extern const struct tool list_directory_tool;
extern const struct tool move_file_tool;
extern const struct tool read_file_tool;
extern const struct tool read_files_tool;
extern const struct tool search_files_tool;
extern const struct tool write_file_tool;

#endif
