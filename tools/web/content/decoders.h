/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_DECODERS_H
#define SALLYPORT_TOOLS_WEB_CONTENT_DECODERS_H

/* The decoders behind charset.c. Each takes the whole input: a body is in memory before it is read. */

#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

struct sink {
	struct buffer *text;
	uint64_t replaced;
	int result; /* the first error; afterwards nothing is written */
};

void sink_put(struct sink *sink, uint32_t code);
void sink_error(struct sink *sink); /* U+FFFD, counted */
/* Takes the run of ASCII at bytes[at] over as it is; returns where it ends. */
size_t sink_ascii(struct sink *sink, const uint8_t *bytes, size_t at, size_t length);

typedef void decoder(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table);

decoder decode_utf8, decode_utf16, decode_single, decode_user_defined, decode_replacement; /* decode.c */
decoder decode_big5, decode_euc_kr, decode_gb18030;                                        /* decode_cjk.c */
decoder decode_euc_jp, decode_iso_2022_jp, decode_shift_jis; /* decode_japanese.c */

#endif
