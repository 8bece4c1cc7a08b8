/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_COMMAND_KEYS_H
#define SALLYPORT_TOOLS_COMMAND_KEYS_H

/* Keys by name, for write_input: what a terminal of TERM xterm sends for them (terminfo(5), xterm's "Control
 * Sequences"). */

#include "protocol/buffer.h"

/*
 * Appends what `name` sends: "ctrl-c" (any of the 33 control characters), "alt-x", "enter", "tab", "escape",
 * "space", "backspace", "delete", "insert", "up", "down", "left", "right", "home", "end", "pageup",
 * "pagedown", "f1" to "f12", whatever the case; or one character, itself. 0, -ENOMEM, or -EINVAL: there is no
 * such key.
 */
int keys_append(const char *name, struct buffer *to);

#endif
