/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys written out: as the effective policy, and as JSON Schema. */
#include <stdio.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/limits.h"
#include "server/policy/keys.h"
#include "server/policy/policy.h"
#include "server/pretty.h"

/* Thousandths as a decimal, without the noise of floating point. */
static void write_decimal(struct json_writer *writer, int64_t thousandths)
{
	char text[32];
	int length = snprintf(text, sizeof text, "%lld", (long long)(thousandths / 1000));

	if (thousandths % 1000)
		length += snprintf(text + length, sizeof text - (size_t)length, ".%03d",
				   (int)(thousandths % 1000));
	json_raw(writer, text, (size_t)length);
}

static void write_list(struct json_writer *writer, const struct policy_list *list)
{
	json_array(writer);
	for (size_t i = 0; i < list->count; i++)
		json_text(writer, list->items[i]);
	json_array_end(writer);
}

/* Domains not given mean something else than an empty list, and a number without a preset that was not given
 * has none: both are left out. Paths not given are an empty list. */
static bool shown(const struct policy_key *key, const void *member)
{
	return key->type != POLICY_IGNORED && !(POLICY_IS_TEXT(key->type) && !*(char *const *)member) &&
	       !(key->type == POLICY_DOMAINS && !((const struct policy_list *)member)->given) &&
	       !((key->type == POLICY_DECIMAL || key->type == POLICY_INTEGER) && key->min > 0 &&
		 *(const int64_t *)member == 0);
}

static void write_members(struct json_writer *writer, const struct policy_key *keys, const void *object);

static void write_objects(struct json_writer *writer, const struct policy_key *key,
			  const struct policy_objects *objects)
{
	json_array(writer);
	for (size_t i = 0; i < objects->count; i++) {
		json_object(writer);
		write_members(writer, key->members, (const char *)objects->items + i * key->size);
		json_object_end(writer);
	}
	json_array_end(writer);
}

static void write_value(struct json_writer *writer, const struct policy_key *key, const void *member)
{
	switch (key->type) {
	case POLICY_IGNORED:
		break;
	case POLICY_BOOLEAN:
		json_bool(writer, *(const bool *)member);
		break;
	case POLICY_INTEGER:
		json_int(writer, *(const int64_t *)member);
		break;
	case POLICY_DECIMAL:
		write_decimal(writer, *(const int64_t *)member);
		break;
	case POLICY_WORD:
		json_text(writer, key->words[*(const int64_t *)member]);
		break;
	case POLICY_TEXT:
	case POLICY_PATH:
	case POLICY_DOMAIN:
		json_text(writer, *(char *const *)member);
		break;
	case POLICY_WORDS:
	case POLICY_PATHS:
	case POLICY_DOMAINS:
		write_list(writer, member);
		break;
	case POLICY_OBJECTS:
		write_objects(writer, key, member);
		break;
	}
}

/* Of an object in a list. */
static void write_members(struct json_writer *writer, const struct policy_key *keys, const void *object)
{
	for (const struct policy_key *key = keys; key->name; key++) {
		const void *member = (const char *)object + key->offset;

		if (!shown(key, member))
			continue;
		json_key(writer, key->name);
		write_value(writer, key, member);
	}
}

static void schema_of_words(struct json_writer *writer, const struct policy_key *key)
{
	json_key(writer, "enum");
	json_array(writer);
	for (size_t i = 0; key->words[i]; i++)
		json_text(writer, key->words[i]);
	json_array_end(writer);
}

static void schema_of_item(struct json_writer *writer, const struct policy_key *key)
{
	json_key(writer, "items");
	json_object(writer);
	json_key_text(writer, "type", "string");
	if (key->type == POLICY_WORDS) {
		schema_of_words(writer, key);
		json_object_end(writer);
		json_key_int(writer, "maxItems", LIMIT_POLICY_ENTRIES);
		return;
	}
	json_key_text(writer, "pattern",
		      key->type == POLICY_PATHS ? POLICY_PATH_PATTERN : POLICY_DOMAIN_PATTERN);
	json_key_int(writer, "maxLength", LIMIT_PATH_BYTES - 1);
	json_object_end(writer);
	json_key_int(writer, "maxItems", LIMIT_POLICY_ENTRIES);
}

static void schema_of_number(struct json_writer *writer, const struct policy_key *key)
{
	void (*number)(struct json_writer *, int64_t) =
		key->type == POLICY_DECIMAL ? write_decimal : json_int;

	json_key(writer, "minimum");
	number(writer, key->min);
	json_key(writer, "maximum");
	number(writer, key->max);
	if (key->preset) {
		json_key(writer, "default");
		number(writer, key->preset);
	}
}

static void schema_of_key(struct json_writer *writer, const struct policy_key *key);

static void schema_of_object(struct json_writer *writer, const struct policy_key *key)
{
	json_key(writer, "items");
	json_object(writer);
	json_key_text(writer, "type", "object");
	json_key_bool(writer, "additionalProperties", false);
	json_key(writer, "required");
	json_array(writer);
	for (const struct policy_key *member = key->members; member->name; member++)
		if (member->required)
			json_text(writer, member->name);
	json_array_end(writer);
	json_key(writer, "properties");
	json_object(writer);
	for (const struct policy_key *member = key->members; member->name; member++) {
		json_key(writer, member->name);
		schema_of_key(writer, member);
	}
	json_object_end(writer);
	json_object_end(writer);
	json_key_int(writer, "maxItems", key->max);
}

static void schema_of_text(struct json_writer *writer, const struct policy_key *key)
{
	json_key_text(writer, "pattern",
		      key->type == POLICY_PATH     ? POLICY_PATH_PATTERN
		      : key->type == POLICY_DOMAIN ? POLICY_DOMAIN_PATTERN
						   : POLICY_TEXT_PATTERN);
	if (key->type == POLICY_TEXT)
		json_key_int(writer, "minLength", key->min);
	json_key_int(writer, "maxLength", key->type == POLICY_TEXT ? key->max : LIMIT_PATH_BYTES - 1);
}

static void schema_of_key(struct json_writer *writer, const struct policy_key *key)
{
	static const char *const types[] = {
		[POLICY_IGNORED] = "string", [POLICY_BOOLEAN] = "boolean", [POLICY_INTEGER] = "integer",
		[POLICY_DECIMAL] = "number", [POLICY_WORD] = "string",     [POLICY_WORDS] = "array",
		[POLICY_PATHS] = "array",    [POLICY_DOMAINS] = "array",   [POLICY_OBJECTS] = "array",
		[POLICY_TEXT] = "string",    [POLICY_PATH] = "string",     [POLICY_DOMAIN] = "string",
	};

	json_object(writer);
	json_key_text(writer, "description", key->description);
	json_key_text(writer, "type", types[key->type]);
	if (key->type == POLICY_BOOLEAN)
		json_key_bool(writer, "default", key->preset != 0);
	if (key->type == POLICY_INTEGER || key->type == POLICY_DECIMAL)
		schema_of_number(writer, key);
	if (key->type == POLICY_WORD) {
		schema_of_words(writer, key);
		json_key_text(writer, "default", key->words[key->preset]);
	}
	if (POLICY_IS_LIST(key->type))
		schema_of_item(writer, key);
	if (POLICY_IS_TEXT(key->type))
		schema_of_text(writer, key);
	if (key->type == POLICY_OBJECTS)
		schema_of_object(writer, key);
	json_object_end(writer);
}

static void begin_schema_section(struct json_writer *writer)
{
	json_object(writer);
	json_key_text(writer, "type", "object");
	json_key_bool(writer, "additionalProperties", false);
	json_key(writer, "properties");
	json_object(writer);
}

/* Walks the sorted table; keys of one section stand together, so a section opens and closes once. */
static void write_schema(struct json_writer *writer)
{
	char section[POLICY_SECTION_BYTES], open[POLICY_SECTION_BYTES] = "";

	for (const struct policy_key *key = policy_keys; key->name; key++) {
		const char *name = policy_key_split(key, section);

		if (strcmp(section, open) != 0 && open[0]) {
			json_object_end(writer);
			json_object_end(writer);
		}
		if (strcmp(section, open) != 0 && section[0]) {
			json_key(writer, section);
			begin_schema_section(writer);
		}
		memcpy(open, section, sizeof open);
		json_key(writer, name);
		schema_of_key(writer, key);
	}
	if (open[0]) {
		json_object_end(writer);
		json_object_end(writer);
	}
}

int policy_schema(struct buffer *out)
{
	struct json_writer writer;
	struct buffer compact;
	int result;

	buffer_init(&compact, LIMIT_POLICY_BYTES);
	json_writer_init(&writer, &compact);
	json_object(&writer);
	json_key_text(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_key_text(&writer, "title", "Sallyport policy");
	json_key_text(&writer, "type", "object");
	json_key_bool(&writer, "additionalProperties", false);
	json_key(&writer, "properties");
	json_object(&writer);
	write_schema(&writer);
	json_object_end(&writer);
	json_object_end(&writer);
	result = writer.result;
	if (result == 0)
		result = pretty_json(out, buffer_data(&compact), buffer_length(&compact));
	buffer_deinit(&compact);
	return result;
}

static void write_policy(struct json_writer *writer, const struct policy *policy)
{
	char section[POLICY_SECTION_BYTES], open[POLICY_SECTION_BYTES] = "";

	json_object(writer);
	for (const struct policy_key *key = policy_keys; key->name; key++) {
		const void *member = (const char *)policy + key->offset;
		const char *name = policy_key_split(key, section);

		if (!shown(key, member))
			continue;
		if (strcmp(section, open) != 0 && open[0])
			json_object_end(writer);
		if (strcmp(section, open) != 0 && section[0]) {
			json_key(writer, section);
			json_object(writer);
		}
		memcpy(open, section, sizeof open);
		json_key(writer, name);
		write_value(writer, key, member);
	}
	if (open[0])
		json_object_end(writer);
	json_object_end(writer);
}

int policy_show(const struct policy *policy, struct buffer *out)
{
	struct json_writer writer;
	struct buffer compact;
	int result;

	/* a policy of the largest size, written with every character escaped */
	buffer_init(&compact, 8 * LIMIT_POLICY_BYTES);
	json_writer_init(&writer, &compact);
	write_policy(&writer, policy);
	result = writer.result;
	if (result == 0)
		result = pretty_json(out, buffer_data(&compact), buffer_length(&compact));
	buffer_deinit(&compact);
	return result;
}
