/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: the check and the parser agree, cJSON's own parser makes the same tree of what we accept, places that
 * are found lie inside, and escaping any bytes gives a string that we accept ourselves.
 */
#include <errno.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/limits.h"
#include "protocol/schema.h"
#include "tests/fuzz/fuzz.h"

/* Infinity is not equal to itself for cJSON_Compare. */
static int has_infinity(const cJSON *tree)
{
	for (; tree; tree = tree->next)
		if ((cJSON_IsNumber(tree) && tree->valuedouble - tree->valuedouble != 0) ||
		    (!cJSON_IsString(tree) && has_infinity(tree->child)))
			return 1;
	return 0;
}

static void try_tree(const char *text, size_t size, cJSON *tree, const struct json_span *id)
{
	cJSON *other = cJSON_ParseWithLength(text, size), *copy;
	const char *path[4] = {NULL};
	struct json_span value, key;

	FUZZ_CHECK(other);
	FUZZ_CHECK(has_infinity(tree) || cJSON_Compare(tree, other, 1));
	cJSON_Delete(other);
	if (id->length)
		FUZZ_CHECK(id->start + id->length <= size &&
			   json_check(text + id->start, id->length, NULL, NULL) == 0);
	FUZZ_CHECK((id->length != 0) ==
		   (cJSON_IsObject(tree) && cJSON_GetObjectItemCaseSensitive(tree, "id") != NULL));
	for (const cJSON *item = cJSON_IsObject(tree) ? tree->child : NULL; item; item = item->next) {
		path[0] = item->string;
		if (json_locate(text, size, path, &value, &key) == 0) {
			FUZZ_CHECK(value.start + value.length <= size && key.start < value.start);
			FUZZ_CHECK(json_parse(text + value.start, value.length, &copy, NULL, NULL) == 0);
			FUZZ_CHECK(has_infinity(copy) || cJSON_Compare(copy, item, 1));
			cJSON_Delete(copy);
		} else {
			FUZZ_CHECK(strlen(item->string) >
				   80); /* escaped beyond what any key of ours could be */
		}
	}
}

static void try_elements(const char *text, size_t size, const cJSON *tree)
{
	const cJSON *item = cJSON_IsArray(tree) ? tree->child : NULL;
	struct json_span element;
	size_t offset = 0;

	if (!cJSON_IsArray(tree))
		return;
	while (json_next_element(text, size, &offset, &element)) {
		cJSON *copy;

		FUZZ_CHECK(item && element.start + element.length <= size);
		FUZZ_CHECK(json_parse(text + element.start, element.length, &copy, NULL, NULL) == 0);
		FUZZ_CHECK(has_infinity(copy) || cJSON_Compare(copy, item, 1));
		cJSON_Delete(copy);
		item = item->next;
	}
	FUZZ_CHECK(!item);
}

static void try_escape(const uint8_t *data, size_t size)
{
	struct json_writer writer;
	struct buffer out;
	uint64_t replaced = 0;
	int result;

	buffer_init(&out, size * 8 + 128); /* the worst text, and base64 beside it */
	json_writer_init(&writer, &out);
	json_array(&writer);
	json_bytes(&writer, data, size);
	json_base64(&writer, data, size);
	json_array_end(&writer);
	FUZZ_CHECK(writer.result == 0);
	result = json_check(buffer_data(&out), buffer_length(&out), NULL, NULL);
	FUZZ_CHECK(result == 0 ||
		   (result == -EILSEQ && memchr(data, 0, size))); /* NUL is written, and never read */
	buffer_clear(&out, SIZE_MAX);
	FUZZ_CHECK(json_escape(&out, data, size, &replaced) == 0);
	FUZZ_CHECK(replaced <= size);
	buffer_deinit(&out);
}

static void try_schema(const cJSON *tree)
{
	struct values {
		const char *text;
		int64_t number;
		bool flag;
		struct field_strings list;
		const cJSON *map, *objects;
	} values;
	static const char *const choices[] = {"one", "two", NULL};
	static const struct field inner[] = {{"a", FIELD_STRING, FIELD_REQUIRED}, {NULL}};
	static const struct field fields[] = {
		{"a", FIELD_STRING, 0, offsetof(struct values, text), .choices = choices},
		{"b", FIELD_INTEGER, 0, offsetof(struct values, number), .min = -5, .max = 5},
		{"c", FIELD_BOOLEAN, 0, offsetof(struct values, flag)},
		{"d", FIELD_STRINGS, 0, offsetof(struct values, list)},
		{"id", FIELD_STRING_MAP, 0, offsetof(struct values, map)},
		{"f", FIELD_OBJECTS, 0, offsetof(struct values, objects), .inner = inner},
		{NULL},
	};
	cJSON *scratch = NULL;
	struct err err = {0};
	int result = schema_decode(fields, tree, &values, &scratch, &err);

	FUZZ_CHECK(result == 0 || (result == -EINVAL && err.text[0]));
	cJSON_Delete(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct json_span id, found = json_find_id(text, size);
	struct err err = {0};
	cJSON *tree = NULL;
	int checked = json_check(text, size, NULL, NULL), result = json_parse(text, size, &tree, &id, &err);

	FUZZ_CHECK(found.start + found.length <= size);
	FUZZ_CHECK(result == checked || result == -EILSEQ); /* a duplicate may stand before another fault */
	FUZZ_CHECK((result < 0) == (tree == NULL) && (result < 0) == (err.text[0] != '\0'));
	if (tree) {
		try_tree(text, size, tree, &id);
		try_elements(text, size, tree);
		if (cJSON_IsObject(tree))
			try_schema(tree);
		cJSON_Delete(tree);
	}
	try_escape(data, size);
	return 0;
}
