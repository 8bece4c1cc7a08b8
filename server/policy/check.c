/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy's text against the table of keys. The whole text is checked and every mistake told with its place,
 * so that a person mends a file once and not ten times; nothing of a text with a mistake is used.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/json.h"
#include "protocol/limits.h"
#include "protocol/schema.h"
#include "server/policy/entry.h"
#include "server/policy/keys.h"
#include "server/policy/policy.h"

struct check {
	struct policy *policy;
	const char *text, *name;
	size_t length;
	struct buffer *problems; /* may be NULL */
	unsigned count;
	struct err *err;   /* the first problem */
	int result;        /* -ENOMEM as soon as that happened */
	const char *at[4]; /* path of the value that is looked at, as json_locate wants it */
};

/* What a person wrote goes to a terminal: no control characters, not endless. */
static const char *shown(const char *text, char out[72])
{
	size_t i;

	for (i = 0; text[i] && i < 60; i++)
		out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	snprintf(out + i, 72 - i, "%s", text[i] ? "..." : "");
	return out;
}

static void tell(struct check *check, unsigned line, unsigned column, const char *sentence)
{
	if (check->count++ == 0)
		err_set(check->err, 0, "%s:%u:%u: %s", check->name, line, column, sentence);
	if (check->problems && check->count <= LIMIT_POLICY_PROBLEMS &&
	    buffer_printf(check->problems, "%s:%u:%u: %s\n", check->name, line, column, sentence) < 0)
		check->result = -ENOMEM;
}

enum place { AT_KEY, AT_VALUE };

/* A mistake at the key or the value that check->at names. */
__attribute__((format(printf, 3, 4))) static void problem(struct check *check, enum place place,
							  const char *format, ...)
{
	struct json_span value = {0}, key = {0};
	unsigned line = 1, column = 1;
	char sentence[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	if (json_locate(check->text, check->length, check->at, &value, &key) == 0)
		json_position(check->text, place == AT_KEY && key.length ? key.start : value.start, &line,
			      &column);
	tell(check, line, column, sentence);
}

/* The key a person may have meant: first among whole names, then among last parts ("alowedDomains"). */
static const char *nearest_key(const char *name)
{
	const char *whole[64], *last[64];
	const char *found, *dot = strrchr(name, '.');
	char section[POLICY_SECTION_BYTES];
	size_t count = 0;

	for (const struct policy_key *key = policy_keys; key->name && count < 63; key++, count++) {
		whole[count] = key->name;
		last[count] = policy_key_split(key, section);
	}
	whole[count] = last[count] = NULL;
	found = schema_nearest(name, whole);
	if (!found && !dot)
		found = schema_nearest(name, policy_sections);
	if (found)
		return found;
	found = schema_nearest(dot ? dot + 1 : name, last);
	for (size_t i = 0; found && i < count; i++)
		if (last[i] == found)
			return whole[i];
	return NULL;
}

static const struct policy_key *find_key(const char *section, const char *name)
{
	char own[POLICY_SECTION_BYTES];

	for (const struct policy_key *key = policy_keys; key->name; key++)
		if (strcmp(policy_key_split(key, own), name) == 0 && strcmp(own, section) == 0)
			return key;
	return NULL;
}

static bool is_section(const char *name)
{
	for (const char *const *section = policy_sections; *section; section++)
		if (strcmp(*section, name) == 0)
			return true;
	return false;
}

static const char *type_of(const cJSON *value)
{
	return cJSON_IsString(value)   ? "a string"
	       : cJSON_IsNumber(value) ? "a number"
	       : cJSON_IsBool(value)   ? "a boolean"
	       : cJSON_IsArray(value)  ? "an array"
	       : cJSON_IsObject(value) ? "an object"
				       : "null";
}

static void check_integer(struct check *check, const struct policy_key *key, const cJSON *value)
{
	double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
	bool decimal = key->type == POLICY_DECIMAL;
	/* decimals are bounded as they are written, so that JSON Schema and this agree to the last digit */
	double min = decimal ? (double)key->min / 1000 : (double)key->min;
	double max = decimal ? (double)key->max / 1000 : (double)key->max;

	if (!cJSON_IsNumber(value))
		problem(check, AT_VALUE, "%s must be %s, not %s", key->name,
			decimal ? "a number" : "an integer", type_of(value));
	else if (!(number >= min && number <= max))
		problem(check, AT_VALUE, "%s must be from %.16g to %.16g", key->name, min, max);
	else if (!decimal && number != (double)(int64_t)number) /* in range: the conversion is defined */
		problem(check, AT_VALUE, "%s must be an integer", key->name);
	else
		*(int64_t *)((char *)check->policy + key->offset) =
			(int64_t)(decimal ? number * 1000 + 0.5 : number);
}

/* The place of `text` in a list of words, or -1. */
static int find_word(const char *const *words, const char *text)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

static void check_word(struct check *check, const struct policy_key *key, const cJSON *value)
{
	char listed[200] = "", text[72];
	size_t used = 0;
	int found = cJSON_IsString(value) ? find_word(key->words, value->valuestring) : -1;

	if (found >= 0 && key->type == POLICY_WORD)
		*(int64_t *)((char *)check->policy + key->offset) = found;
	if (found >= 0)
		return;
	for (size_t i = 0; key->words[i] && used < sizeof listed; i++)
		used += (size_t)snprintf(listed + used, sizeof listed - used, "%s%s", i ? ", " : "",
					 key->words[i]);
	if (cJSON_IsString(value))
		problem(check, AT_VALUE, "%s: \"%s\" is none of %s", key->name,
			shown(value->valuestring, text), listed);
	else
		problem(check, AT_VALUE, "%s must %s one of %s, not %s", key->name,
			key->type == POLICY_WORD ? "be" : "hold", listed, type_of(value));
}

static void check_item(struct check *check, const struct policy_key *key, const cJSON *item)
{
	char text[72], host[ENTRY_HOST_BYTES];
	struct err why = {""};
	uint16_t port;

	if (key->type == POLICY_WORDS) {
		check_word(check, key, item);
		return;
	}
	if (!cJSON_IsString(item)) {
		problem(check, AT_VALUE, "%s must hold strings, not %s", key->name, type_of(item));
		return;
	}
	if (strlen(item->valuestring) >= LIMIT_PATH_BYTES)
		problem(check, AT_VALUE, "%s: an entry is longer than %d bytes", key->name,
			LIMIT_PATH_BYTES - 1);
	else if (key->type == POLICY_PATHS && !entry_path_valid(item->valuestring))
		problem(check, AT_VALUE, "%s: \"%s\" must be an absolute path, or begin with ~/", key->name,
			shown(item->valuestring, text));
	else if (key->type == POLICY_DOMAINS && entry_domain(item->valuestring, host, &port, &why) < 0)
		problem(check, AT_VALUE, "%s: %s", key->name, why.text);
}

static void check_list(struct check *check, const struct policy_key *key, const cJSON *value, size_t depth)
{
	struct policy_list *list = (struct policy_list *)((char *)check->policy + key->offset);
	int size = cJSON_GetArraySize(value), index = 0;
	char number[12];
	const cJSON *item;

	if (!cJSON_IsArray(value)) {
		problem(check, AT_VALUE, "%s must be an array of strings, not %s", key->name, type_of(value));
		return;
	}
	if (size > LIMIT_POLICY_ENTRIES) {
		problem(check, AT_VALUE, "%s has %d entries; at most %d are taken", key->name, size,
			LIMIT_POLICY_ENTRIES);
		return;
	}
	list->given = true;
	list->items = size ? calloc((size_t)size, sizeof *list->items) : NULL;
	if (size && !list->items) {
		check->result = -ENOMEM;
		return;
	}
	cJSON_ArrayForEach(item, value)
	{
		snprintf(number, sizeof number, "%d", index++);
		check->at[depth] = number;
		check_item(check, key, item);
		if (!cJSON_IsString(item))
			continue;
		list->items[list->count] = strdup(item->valuestring);
		if (!list->items[list->count]) {
			check->result = -ENOMEM;
			break;
		}
		list->count++;
	}
	check->at[depth] = NULL;
}

static void check_value(struct check *check, const struct policy_key *key, const cJSON *value, size_t depth)
{
	switch (key->type) {
	case POLICY_IGNORED:
		if (!cJSON_IsString(value))
			problem(check, AT_VALUE, "%s must be a string, not %s", key->name, type_of(value));
		return;
	case POLICY_BOOLEAN:
		if (!cJSON_IsBool(value))
			problem(check, AT_VALUE, "%s must be true or false, not %s", key->name,
				type_of(value));
		else
			*(bool *)((char *)check->policy + key->offset) = cJSON_IsTrue(value);
		return;
	case POLICY_INTEGER:
	case POLICY_DECIMAL:
		check_integer(check, key, value);
		return;
	case POLICY_WORD:
		check_word(check, key, value);
		return;
	case POLICY_WORDS:
	case POLICY_PATHS:
	case POLICY_DOMAINS:
		check_list(check, key, value, depth);
		return;
	}
}

static void unknown_key(struct check *check, const char *section, const char *name)
{
	char full[160], text[72];
	const char *nearest;

	snprintf(full, sizeof full, "%s%s%.100s", section, *section ? "." : "", name);
	nearest = nearest_key(full);
	if (nearest)
		problem(check, AT_KEY, "unknown key %s; did you mean %s?", shown(full, text), nearest);
	else
		problem(check, AT_KEY, "unknown key %s; `sallyport policy schema` lists all",
			shown(full, text));
}

static void check_object(struct check *check, const char *section, const cJSON *object)
{
	size_t depth = *section ? 1 : 0;
	const cJSON *member;

	cJSON_ArrayForEach(member, object)
	{
		const char *name = member->string;
		const struct policy_key *key = find_key(section, name);

		check->at[depth] = name;
		if (key)
			check_value(check, key, member, depth + 1);
		else if (*section || !is_section(name))
			unknown_key(check, section, name);
		else if (!cJSON_IsObject(member))
			problem(check, AT_VALUE, "%s must be an object, not %s", name, type_of(member));
		else
			check_object(check, name, member);
		check->at[depth] = NULL;
		if (check->result < 0)
			return;
	}
}

/* The parser's message begins with the place where it stopped; a person's editor wants FILE:LINE:COLUMN. */
static int not_json(struct check *check, int code, const struct err *why)
{
	unsigned line = 1, column = 1;
	int used = 0;

	if (code == -ENOMEM)
		return err_set(check->err, code, "%s: no memory", check->name);
	if (sscanf(why->text, "line %u, column %u: %n", &line, &column, &used) != 2)
		used = 0;
	tell(check, line, column, why->text + used);
	return -EINVAL;
}

int policy_parse(struct policy *policy, const char *text, size_t length, const char *name,
		 struct buffer *problems, struct err *err)
{
	_cleanup_(json_free) cJSON *tree = NULL;
	struct err why = {""};
	struct check check = {.policy = policy,
			      .text = text,
			      .length = length,
			      .name = name,
			      .problems = problems,
			      .err = err};
	int result = json_parse(text, length, &tree, NULL, &why);

	if (result < 0)
		return not_json(&check, result, &why);
	if (!cJSON_IsObject(tree))
		problem(&check, AT_VALUE, "a policy is a JSON object, not %s", type_of(tree));
	else
		check_object(&check, "", tree);
	if (check.result < 0)
		err_set(err, check.result, "%s: no memory", name);
	else if (check.count)
		check.result = -EINVAL;
	if (check.result < 0)
		policy_deinit(policy);
	return check.result;
}
