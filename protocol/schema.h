/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_SCHEMA_H
#define SALLYPORT_PROTOCOL_SCHEMA_H

/*
 * Field tables. One table a tool is the single source of its JSON Schema, of decoding and checking its
 * arguments, and of its row in the README. Flat on purpose: types, enums, descriptions (hosts.md, 16); bounds
 * are checked, not advertised, unless they help a model.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"

enum field_type {
	FIELD_STRING,     /* const char * */
	FIELD_INTEGER,    /* int64_t */
	FIELD_NUMBER,     /* double; results only */
	FIELD_BOOLEAN,    /* bool */
	FIELD_STRINGS,    /* struct field_strings: array of strings */
	FIELD_INTEGERS,   /* array of integers; results only */
	FIELD_STRING_MAP, /* const cJSON *: object whose values are strings; NULL when absent */
	FIELD_OBJECTS, /* const cJSON *: array of objects described by `inner`, checked; NULL when absent */
	FIELD_OBJECT,  /* const cJSON *; results only: object described by `inner` */
};

struct field_strings {
	const cJSON *array; /* NULL when absent; every element is a string */
	size_t count;
};

#define FIELD_REQUIRED 0x1

struct field {
	const char *name;
	enum field_type type;
	unsigned flags;
	size_t offset;    /* of the member that receives the value; decoding only */
	int64_t min, max; /* FIELD_INTEGER: inclusive, max INT64_MAX: none; FIELD_STRING: bytes, max 0: none;
			     both 0: no bound of its own */
	int64_t preset;   /* FIELD_INTEGER, FIELD_BOOLEAN: value when absent */
	const char *const *choices; /* FIELD_STRING: NULL-terminated, or NULL */
	const struct field *inner;  /* FIELD_OBJECTS, FIELD_OBJECT, ended by a name of NULL; NULL, in results
				       only: not told */
	const char *description;    /* NULL: the name says it all */
};
/* A table of fields ends with one whose name is NULL, and has at most 63 before that. */

/* Appends the JSON Schema (an object schema, additionalProperties false for input) of the table. `input` also
 * decides what is left out to keep tools/list small. */
int schema_write(struct buffer *out, const struct field *fields, bool input);

/*
 * Decodes `arguments` (an object, or NULL for none) into `values`, a struct whose layout the table's offsets
 * give; it is set whole: absent fields get their preset, NULL or 0. Strings and trees are borrowed from
 * `arguments`. A string that is valid JSON of the wanted type is taken as that value (tools.md); what that
 * had to parse is put into *scratch (may be several, as an array; free with cJSON_Delete after use). null for
 * an optional field is absence. Returns 0 or -EINVAL with a sentence for the model: the argument, what was
 * expected, and the nearest name.
 */
int schema_decode(const struct field *fields, const cJSON *arguments, void *values, cJSON **scratch,
		  struct err *err);

/* Of a field that schema_decode set: was it given (and not null)? */
bool schema_given(const cJSON *arguments, const char *name);

/* The candidate nearest to `word` by edit distance, or NULL if none is near. `candidates` is NULL-terminated.
 */
const char *schema_nearest(const char *word, const char *const *candidates);

#endif
