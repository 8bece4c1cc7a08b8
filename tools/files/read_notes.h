/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_READ_NOTES_H
#define SALLYPORT_TOOLS_FILES_READ_NOTES_H

#include "tools/tool.h"

/* What read_file says behind the text of one file, for those who show several. `payload` is the RESULT of
 * FILES_READ (wire.h). 0 or -errno: -EPROTO when it is malformed. */
int read_notes_write(struct tool_result *result, const void *payload, size_t length);

#endif
