/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_LOG_H
#define SALLYPORT_SERVER_LOG_H

/* Lines to stderr, by main and the event loop only: libraries never log, and stdout belongs to the protocol.
 * A host that does not read our stderr must not stop us, so a line that does not fit is dropped. */

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_text(const char *text);

#endif
