/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding and checking arguments by a tool's field table. Arguments come from a model: whatever is wrong
 * with them is told in one sentence that lets it try again (struct err), never as a protocol error.
 */
#include "protocol/schema.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "protocol/json.h"

static const char *const type_words[] = {
	[FIELD_STRING] = "a string",
	[FIELD_INTEGER] = "an integer",
	[FIELD_NUMBER] = "a number",
	[FIELD_BOOLEAN] = "true or false",
	[FIELD_STRINGS] = "an array of strings",
	[FIELD_INTEGERS] = "an array of integers",
	[FIELD_STRING_MAP] = "an object whose values are strings",
	[FIELD_OBJECTS] = "an array of objects",
	[FIELD_OBJECT] = "an object",
};

static int check_object(const struct field *fields, const cJSON *object, struct err *err);

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static bool has_type(const struct field *field, const cJSON *value)
{
	switch (field->type) {
	case FIELD_STRING:
		return cJSON_IsString(value);
	case FIELD_INTEGER:
		return cJSON_IsNumber(value) && isfinite(value->valuedouble) &&
		       value->valuedouble == trunc(value->valuedouble) &&
		       value->valuedouble >= -9223372036854775808.0 &&
		       value->valuedouble < 9223372036854775808.0;
	case FIELD_NUMBER:
		return cJSON_IsNumber(value) && isfinite(value->valuedouble);
	case FIELD_BOOLEAN:
		return cJSON_IsBool(value);
	case FIELD_STRINGS:
	case FIELD_INTEGERS:
	case FIELD_OBJECTS:
		return cJSON_IsArray(value);
	case FIELD_STRING_MAP:
	case FIELD_OBJECT:
		return cJSON_IsObject(value);
	}
	return false;
}

/* What was given, for the sentence: enough of it to be recognised. */
static int wrong_type(const struct field *field, const cJSON *value, struct err *err)
{
	const char *expected = type_words[field->type];

	if (cJSON_IsString(value))
		return err_set(err, -EINVAL, "argument \"%s\" must be %s, not the string \"%.40s\"",
			       field->name, expected, value->valuestring);
	if (cJSON_IsNumber(value))
		return err_set(err, -EINVAL, "argument \"%s\" must be %s, not the number %.15g", field->name,
			       expected, value->valuedouble);
	return err_set(err, -EINVAL, "argument \"%s\" must be %s, not %s", field->name, expected,
		       cJSON_IsBool(value)    ? cJSON_IsTrue(value) ? "true" : "false"
		       : cJSON_IsArray(value) ? "an array"
		       : cJSON_IsNull(value)  ? "null"
					      : "an object");
}

static int check_string(const struct field *field, const char *text, struct err *err)
{
	size_t length = strlen(text);
	const char *near;
	char list[256] = "";

	if (field->min || field->max) {
		if ((int64_t)length < field->min)
			return length == 0
				       ? err_set(err, -EINVAL, "argument \"%s\" must not be empty",
						 field->name)
				       : err_set(err, -EINVAL,
						 "argument \"%s\" has %zu bytes; at least %lld are needed",
						 field->name, length, (long long)field->min);
		if (field->max && (int64_t)length > field->max)
			return err_set(err, -EINVAL,
				       "argument \"%s\" has %zu bytes; at most %lld are accepted",
				       field->name, length, (long long)field->max);
	}
	if (!field->choices)
		return 0;
	for (const char *const *choice = field->choices; *choice; choice++) {
		if (strcmp(*choice, text) == 0)
			return 0;
		size_t used = strlen(list);

		if (used + strlen(*choice) + 5 < sizeof list) {
			strncat(list, used ? ", \"" : "\"", 4);
			strncat(list, *choice, sizeof list - strlen(list) - 2);
			strncat(list, "\"", 2);
		}
	}
	near = schema_nearest(text, field->choices);
	if (near)
		return err_set(err, -EINVAL,
			       "argument \"%s\" must be one of %s; did you mean \"%s\" by \"%.40s\"?",
			       field->name, list, near, text);
	return err_set(err, -EINVAL, "argument \"%s\" must be one of %s, not \"%.40s\"", field->name, list,
		       text);
}

static int check_integer(const struct field *field, int64_t value, struct err *err)
{
	if (!field->min && !field->max)
		return 0;
	if (value >= field->min && value <= field->max)
		return 0;
	if (field->max == INT64_MAX)
		return err_set(err, -EINVAL, "argument \"%s\" must be at least %lld, not %lld", field->name,
			       (long long)field->min, (long long)value);
	return err_set(err, -EINVAL, "argument \"%s\" must be from %lld to %lld, not %lld", field->name,
		       (long long)field->min, (long long)field->max, (long long)value);
}

/* A value of the right outer type: what is inside, and the bounds. */
static int check_value(const struct field *field, const cJSON *value, struct err *err)
{
	unsigned index = 0;
	const cJSON *item;
	int result;

	switch (field->type) {
	case FIELD_STRING:
		return check_string(field, value->valuestring, err);
	case FIELD_INTEGER:
		return check_integer(field, (int64_t)value->valuedouble, err);
	case FIELD_STRINGS:
		for (item = value->child; item; item = item->next, index++)
			if (!cJSON_IsString(item))
				return err_set(err, -EINVAL, "argument \"%s\": element %u is not a string",
					       field->name, index);
		return 0;
	case FIELD_STRING_MAP:
		for (item = value->child; item; item = item->next)
			if (!cJSON_IsString(item))
				return err_set(err, -EINVAL,
					       "argument \"%s\": the value of \"%.60s\" is not a string",
					       field->name, item->string);
		return 0;
	case FIELD_OBJECTS:
		for (item = value->child; item; item = item->next, index++) {
			result = cJSON_IsObject(item)
					 ? check_object(field->inner, item, err)
					 : err_set(err, -EINVAL, "this element is not an object");
			if (result < 0)
				return err_wrap(err, result, "argument \"%s\", element %u", field->name,
						index);
		}
		return 0;
	default:
		return 0;
	}
}

static int unknown_argument(const struct field *fields, const char *name, struct err *err)
{
	const char *names[64];
	char list[300] = "";
	const char *near;
	size_t count = 0;

	for (const struct field *field = fields; field->name && count < 63; field++)
		names[count++] = field->name;
	names[count] = NULL;
	near = schema_nearest(name, names);
	if (near)
		return err_set(err, -EINVAL, "unknown argument \"%.60s\"; did you mean \"%s\"?", name, near);
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(list);

		if (used + strlen(names[i]) + 3 > sizeof list)
			break;
		strncat(list, used ? ", " : "", 3);
		strncat(list, names[i], sizeof list - strlen(list) - 1);
	}
	if (count == 0)
		return err_set(err, -EINVAL, "unknown argument \"%.60s\"; there are no arguments", name);
	return err_set(err, -EINVAL, "unknown argument \"%.60s\"; there are: %s", name, list);
}

static int missing_argument(const struct field *field, struct err *err)
{
	return err_set(err, -EINVAL, "argument \"%s\" is missing; it must be %s", field->name,
		       type_words[field->type]);
}

/* An object of FIELD_OBJECTS: known keys, right types, what is required; nothing is decoded. */
static int check_object(const struct field *fields, const cJSON *object, struct err *err)
{
	int result;

	for (const cJSON *item = object->child; item; item = item->next) {
		const struct field *field = find_field(fields, item->string);

		if (!field)
			return unknown_argument(fields, item->string, err);
		if (cJSON_IsNull(item) && !(field->flags & FIELD_REQUIRED))
			continue;
		if (!has_type(field, item))
			return wrong_type(field, item, err);
		result = check_value(field, item, err);
		if (result < 0)
			return result;
	}
	for (const struct field *field = fields; field->name; field++)
		if ((field->flags & FIELD_REQUIRED) && !schema_given(object, field->name))
			return missing_argument(field, err);
	return 0;
}

/*
 * Models send "10" for 10 and "[..]" for an array. A string that is JSON of the wanted type is that value
 * (tools.md); the tree then belongs to *scratch. Returns the value, or NULL.
 */
static const cJSON *unwrap(const struct field *field, const cJSON *value, cJSON **scratch)
{
	cJSON *parsed;

	if (field->type == FIELD_STRING || !cJSON_IsString(value) ||
	    json_parse(value->valuestring, strlen(value->valuestring), &parsed, NULL, NULL) < 0)
		return NULL;
	if (!has_type(field, parsed) || (!*scratch && !(*scratch = cJSON_CreateArray()))) {
		cJSON_Delete(parsed);
		return NULL;
	}
	cJSON_AddItemToArray(*scratch, parsed);
	return parsed;
}

static void store(const struct field *field, const cJSON *value, void *values)
{
	char *at = (char *)values + field->offset;

	switch (field->type) {
	case FIELD_STRING:
		*(const char **)at = value ? value->valuestring : NULL;
		break;
	case FIELD_INTEGER:
		*(int64_t *)at = value ? (int64_t)value->valuedouble : field->preset;
		break;
	case FIELD_NUMBER:
		*(double *)at = value ? value->valuedouble : 0;
		break;
	case FIELD_BOOLEAN:
		*(bool *)at = value ? cJSON_IsTrue(value) : field->preset != 0;
		break;
	case FIELD_STRINGS:
		*(struct field_strings *)at = (struct field_strings){value, 0};
		for (const cJSON *item = value ? value->child : NULL; item; item = item->next)
			((struct field_strings *)at)->count++;
		break;
	case FIELD_INTEGERS:
	case FIELD_STRING_MAP:
	case FIELD_OBJECTS:
	case FIELD_OBJECT:
		*(const cJSON **)at = value;
		break;
	}
}

static int decode_field(const struct field *field, const cJSON *value, void *values, cJSON **scratch,
			struct err *err)
{
	int result;

	if (!has_type(field, value)) {
		const cJSON *unwrapped = unwrap(field, value, scratch);

		if (!unwrapped)
			return wrong_type(field, value, err);
		value = unwrapped;
	}
	result = check_value(field, value, err);
	if (result == 0)
		store(field, value, values);
	return result;
}

int schema_decode(const struct field *fields, const cJSON *arguments, void *values, cJSON **scratch,
		  struct err *err)
{
	uint64_t seen = 0; /* by position; the tests hold tables to 64 fields */
	int result;

	for (const struct field *field = fields; field->name; field++)
		store(field, NULL, values);
	for (const cJSON *item = arguments ? arguments->child : NULL; item; item = item->next) {
		const struct field *field = find_field(fields, item->string);

		if (!field)
			return unknown_argument(fields, item->string, err);
		if (cJSON_IsNull(item)) /* an optional argument that is null is absent (hosts.md, 15) */
			continue;
		result = decode_field(field, item, values, scratch, err);
		if (result < 0)
			return result;
		seen |= 1ull << (unsigned)(field - fields);
	}
	for (const struct field *field = fields; field->name; field++)
		if ((field->flags & FIELD_REQUIRED) && !(seen >> (unsigned)(field - fields) & 1))
			return missing_argument(field, err);
	return 0;
}

bool schema_given(const cJSON *arguments, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(arguments, name);

	return item && !cJSON_IsNull(item);
}
