/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_LOG_H
#define SALLYPORT_SERVER_LOG_H

/* Lines to stderr, by main and the event loop only: libraries never log, and stdout belongs to the protocol.
 * A host that does not read our stderr must not stop us, so a line that does not fit is dropped. */

#include <stdbool.h>
#include <stddef.h>

/* From here on every line is a JSON object, with its time. */
void log_set_json(bool json);

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_text(const char *text);

/* A line of facts: NAME=VALUE words, or members of the object. It begins with the time. Values are plain
 * ASCII without spaces, quotes and backslashes; what does not fit is left out. */
struct log_fields {
	char line[1024];
	size_t length;
};

void log_fields_begin(struct log_fields *fields);
void log_fields_text(struct log_fields *fields, const char *name, const char *value);
void log_fields_number(struct log_fields *fields, const char *name, const char *value);
void log_fields_end(struct log_fields *fields);

#endif
