/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_TIME_TEXT_H
#define SALLYPORT_TOOLS_FILES_TIME_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Seconds since 1970 as 2026-01-31T12:00:00Z; what no calendar holds as the bare number. 32 bytes are enough.
 */
void time_text_write(char *text, size_t size, int64_t time);

#endif
