/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_JSON_H
#define SALLYPORT_PROTOCOL_JSON_H

/*
 * JSON in and out. In: one strict pass of our own over the bytes (RFC 8259 grammar, UTF-8, no lone surrogate,
 * no NUL, no duplicate key, depth, number of values) that leaves a cJSON tree behind, since cJSON's own
 * parser takes 1.8 to 3.3 ms for a string of 1 MB where this takes 0.2 to 0.7. Trees are read and freed
 * with cJSON; keys with cJSON_GetObjectItemCaseSensitive, because keys have a case. Out: a writer into a
 * struct buffer; cJSON prints nothing.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"

struct json_span {
	size_t start, length; /* in the text; length 0: absent */
};

/*
 * Parses `length` bytes. Returns 0 with *tree (owned by the caller: cJSON_Delete); otherwise the reason with
 * line and column is in err:
 *   -EINVAL  not JSON
 *   -EILSEQ  JSON that is refused: ill-formed UTF-8, a lone surrogate, an escaped NUL, a duplicate key
 *   -E2BIG   a bound exceeded: depth, values, the length of a number
 *   -ENOMEM
 * `id`, if not NULL, receives the raw text of the top-level object's "id" member, since cJSON keeps numbers
 * as doubles only; length 0 if there is none.
 */
int json_parse(const char *text, size_t length, cJSON **tree, struct json_span *id, struct err *err);

/* The same without a tree: what json_parse accepts, this accepts, and duplicate keys too. */
int json_check(const char *text, size_t length, struct json_span *id, struct err *err);

/*
 * The raw "id" of a top-level object in a text that json_parse refused with -EILSEQ or -E2BIG, so that
 * whoever sent it can be told. Looks at brackets and quotes only and copes with anything; length 0 if none
 * was found or if it is not a plain string or number.
 */
struct json_span json_find_id(const char *text, size_t length);

/*
 * Where a value stands: `path` is a list of keys ("network", "allowedDomains", "3" for an array's element),
 * NULL-terminated. The span covers the raw value text. `key` receives the span of the last key (with quotes),
 * may be NULL. 0 or -ENOENT. The text must have passed json_check.
 */
int json_locate(const char *text, size_t length, const char *const *path, struct json_span *value,
		struct json_span *key);
/*
 * Walks the elements of an array, raw, without a tree. *offset is 0 at first and is kept by the caller.
 * Returns 1 with *element, 0 after the last one. The text must be an array that passed json_check.
 */
int json_next_element(const char *text, size_t length, size_t *offset, struct json_span *element);
/* Line and column, both from 1 and counted in characters, of a byte offset. */
void json_position(const char *text, size_t offset, unsigned *line, unsigned *column);

void json_free(cJSON **tree); /* for _cleanup_ */

/* ---- escaping ---- */

/*
 * Appends `length` bytes as the inside of a JSON string (no quotes). Bytes that are not UTF-8 become U+FFFD,
 * one for each maximal ill-formed part (Unicode 3.9, "U+FFFD Substitution of Maximal Subparts"); *replaced,
 * if not NULL, is increased by the number of replacements. Every source byte is loaded once, so the source
 * may be shared memory that somebody else writes. 0, -ENOMEM, -EMSGSIZE.
 */
int json_escape(struct buffer *out, const void *bytes, size_t length, uint64_t *replaced);

/* ---- writer: commas and nesting are its business; errors are sticky in `result` ---- */

struct json_writer {
	struct buffer *out;
	int result; /* 0, or the first -errno */
	bool comma; /* the next value needs one in front */
};

void json_writer_init(struct json_writer *writer, struct buffer *out);
void json_object(struct json_writer *writer);
void json_object_end(struct json_writer *writer);
void json_array(struct json_writer *writer);
void json_array_end(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key); /* a plain ASCII key of our own */
void json_text(struct json_writer *writer, const char *text);
void json_bytes(struct json_writer *writer, const void *bytes, size_t length);
void json_int(struct json_writer *writer, int64_t value);
void json_uint(struct json_writer *writer, uint64_t value);
void json_number(struct json_writer *writer, double value); /* null unless finite */
void json_bool(struct json_writer *writer, bool value);
void json_null(struct json_writer *writer);
void json_raw(struct json_writer *writer, const char *json, size_t length);     /* one ready value */
void json_base64(struct json_writer *writer, const void *bytes, size_t length); /* a string */
/* key and value in one */
void json_key_text(struct json_writer *writer, const char *key, const char *text);
void json_key_int(struct json_writer *writer, const char *key, int64_t value);
void json_key_bool(struct json_writer *writer, const char *key, bool value);

#endif
