/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_READ_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_READ_H

/* A body as it is read: tools/web/content with tools/web/page for its HTML. Pure, as they are. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/web/content/content.h"

struct body {
	const char *type; /* Content-Type, "" if there was none */
	const char *url;  /* where it came from */
	const char *bytes;
	size_t length;
	bool cut; /* it goes on, but not here */
};

/* `format`: enum web_format. `content->text` is initialised here, and the caller's to deinit. 0, -ENOMEM or
 * -EMSGSIZE. */
int read_body(struct content *content, uint32_t format, const struct body *body);

/* Characters: what is not a continuation byte of UTF-8 begins one. */
uint64_t text_characters(const char *text, size_t length);
/* The byte at which character `count` begins; `length` if there are fewer. */
size_t text_offset(const char *text, size_t length, uint64_t count);

#endif
