/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_TOOLS_H
#define SALLYPORT_TOOLS_FILES_TOOLS_H

/* The file tools, each in its own file, for the table. */

#include "tools/tool.h"

extern const struct tool list_directory_tool;
extern const struct tool read_file_tool;
extern const struct tool write_file_tool;

#endif
