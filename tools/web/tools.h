/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_TOOLS_H
#define SALLYPORT_TOOLS_WEB_TOOLS_H

/* The web tools, each in its own file, for the table. */

#include "tools/tool.h"

extern const struct tool download_file_tool;
extern const struct tool fetch_url_tool;

#endif
