/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema (2020-12) out of field tables, and the search for the name somebody meant. Every byte is paid
 * for in every conversation, so nothing is written that decoding says better: neither defaults (who leaves an
 * argument out gets them) nor "additionalProperties" (an unknown one is refused with the name that was meant)
 * nor "nullable" (null is absence).
 */
#include <ctype.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/schema.h"

static void write_object(struct json_writer *writer, const struct field *fields, bool input);

static void write_type(struct json_writer *writer, const struct field *field, bool input)
{
	static const char *const types[] = {
		[FIELD_STRING] = "string",     [FIELD_INTEGER] = "integer", [FIELD_NUMBER] = "number",
		[FIELD_BOOLEAN] = "boolean",   [FIELD_STRINGS] = "array",   [FIELD_INTEGERS] = "array",
		[FIELD_STRING_MAP] = "object", [FIELD_OBJECTS] = "array",   [FIELD_OBJECT] = "object",
	};

	json_key_text(writer, "type", types[field->type]);
	switch (field->type) {
	case FIELD_STRING:
		if (!field->choices)
			break;
		json_key(writer, "enum");
		json_array(writer);
		for (const char *const *choice = field->choices; *choice; choice++)
			json_text(writer, *choice);
		json_array_end(writer);
		break;
	case FIELD_STRINGS:
	case FIELD_INTEGERS:
	case FIELD_STRING_MAP:
		json_key(writer, field->type == FIELD_STRING_MAP ? "additionalProperties" : "items");
		json_object(writer);
		json_key_text(writer, "type", field->type == FIELD_INTEGERS ? "integer" : "string");
		json_object_end(writer);
		break;
	case FIELD_OBJECTS:
		json_key(writer, "items");
		json_object(writer);
		write_object(writer, field->inner, input);
		json_object_end(writer);
		break;
	default:
		break;
	}
}

static void write_field(struct json_writer *writer, const struct field *field, bool input)
{
	json_key(writer, field->name);
	json_object(writer);
	if (field->type == FIELD_OBJECT)
		write_object(writer, field->inner, input);
	else
		write_type(writer, field, input);
	if (field->description)
		json_key_text(writer, "description", field->description);
	json_object_end(writer);
}

/* The members of an object schema, into an object that is open. */
static void write_object(struct json_writer *writer, const struct field *fields, bool input)
{
	bool required = false;

	json_key_text(writer, "type", "object");
	if (!fields) /* its members are told elsewhere, or not worth their bytes */
		return;
	json_key(writer, "properties");
	json_object(writer);
	for (const struct field *field = fields; field->name; field++) {
		write_field(writer, field, input);
		required |= field->flags & FIELD_REQUIRED;
	}
	json_object_end(writer);
	if (!required)
		return;
	json_key(writer, "required");
	json_array(writer);
	for (const struct field *field = fields; field->name; field++)
		if (field->flags & FIELD_REQUIRED)
			json_text(writer, field->name);
	json_array_end(writer);
}

int schema_write(struct buffer *out, const struct field *fields, bool input)
{
	struct json_writer writer;

	json_writer_init(&writer, out);
	json_object(&writer);
	write_object(&writer, fields, input);
	json_object_end(&writer);
	return writer.result;
}

/* ---- the name somebody meant ---- */

#define WORD_BYTES 48 /* longer words are nobody's typing errors */

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Edits between two words without regard to case; two neighbours swapped count as one (optimal string
 * alignment). */
static unsigned distance(const char *one, size_t one_length, const char *other, size_t other_length)
{
	unsigned rows[3][WORD_BYTES + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= other_length; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= one_length; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= other_length; j++) {
			int a = tolower((unsigned char)one[i - 1]), b = tolower((unsigned char)other[j - 1]);

			row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b));
			if (i > 1 && j > 1 && a == tolower((unsigned char)other[j - 2]) &&
			    b == tolower((unsigned char)one[i - 2]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *free_row = before;

		before = above;
		above = row;
		row = free_row;
	}
	return above[other_length];
}

const char *schema_nearest(const char *word, const char *const *candidates)
{
	size_t length = strlen(word);
	unsigned near = (unsigned)(length / 4 + 1),
		 best = near + 1; /* about a quarter of the word may be wrong */
	const char *nearest = NULL;

	if (length < 2 || length > WORD_BYTES)
		return NULL;
	for (; *candidates; candidates++) {
		size_t other = strlen(*candidates);
		unsigned edits;

		if (other > WORD_BYTES)
			continue;
		edits = distance(word, length, *candidates, other);
		/* "file_path" for "path", "max" for "max_bytes" */
		if (edits > near && length > 2 && other > 2 &&
		    (strcasestr(word, *candidates) || strcasestr(*candidates, word)))
			edits = near;
		if (edits < best) {
			best = edits;
			nearest = *candidates;
		}
	}
	return nearest;
}
