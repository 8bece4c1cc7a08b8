/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a policy against its key (check.h). A value with a mistake is told, and what becomes of the
 * policy is of no interest any more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/schema.h"
#include "server/policy/check.h"
#include "server/policy/entry.h"

static void check_integer(struct check *check, const struct policy_key *key, const cJSON *value, void *object)
{
	double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
	bool decimal = key->type == POLICY_DECIMAL;
	/* decimals are bounded as they are written, so that JSON Schema and this agree to the last digit */
	double min = decimal ? (double)key->min / 1000 : (double)key->min;
	double max = decimal ? (double)key->max / 1000 : (double)key->max;

	if (!cJSON_IsNumber(value))
		check_problem(check, AT_VALUE, "%s must be %s, not %s", key->name,
			      decimal ? "a number" : "an integer", check_type_of(value));
	else if (!(number >= min && number <= max))
		check_problem(check, AT_VALUE, "%s must be from %.16g to %.16g", key->name, min, max);
	else if (!decimal && number != (double)(int64_t)number) /* in range: the conversion is defined */
		check_problem(check, AT_VALUE, "%s must be an integer", key->name);
	else
		*(int64_t *)((char *)object + key->offset) =
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

/* `object` only of a POLICY_WORD. */
static void check_word(struct check *check, const struct policy_key *key, const cJSON *value, void *object)
{
	char listed[200] = "", text[72];
	size_t used = 0;
	int found = cJSON_IsString(value) ? find_word(key->words, value->valuestring) : -1;

	if (found >= 0 && key->type == POLICY_WORD)
		*(int64_t *)((char *)object + key->offset) = found;
	if (found >= 0)
		return;
	for (size_t i = 0; key->words[i] && used < sizeof listed; i++)
		used += (size_t)snprintf(listed + used, sizeof listed - used, "%s%s", i ? ", " : "",
					 key->words[i]);
	if (cJSON_IsString(value))
		check_problem(check, AT_VALUE, "%s: \"%s\" is none of %s", key->name,
			      check_shown(value->valuestring, text), listed);
	else
		check_problem(check, AT_VALUE, "%s must %s one of %s, not %s", key->name,
			      key->type == POLICY_WORD ? "be" : "hold", listed, check_type_of(value));
}

/* One path or host, of a list or by itself. */
static void check_place(struct check *check, const struct policy_key *key, const char *value)
{
	bool path = key->type == POLICY_PATHS || key->type == POLICY_PATH;
	char text[72], host[ENTRY_HOST_BYTES];
	struct err why = {""};
	uint16_t port;

	if (strlen(value) >= LIMIT_PATH_BYTES)
		check_problem(check, AT_VALUE, "%s: an entry is longer than %d bytes", key->name,
			      LIMIT_PATH_BYTES - 1);
	else if (path && !entry_path_valid(value))
		check_problem(check, AT_VALUE, "%s: \"%s\" must be an absolute path, or begin with ~/",
			      key->name, check_shown(value, text));
	else if (!path && entry_domain(value, host, &port, &why) < 0)
		check_problem(check, AT_VALUE, "%s: %s", key->name, why.text);
}

static void check_item(struct check *check, const struct policy_key *key, const cJSON *item)
{
	if (key->type == POLICY_WORDS)
		check_word(check, key, item, NULL);
	else if (!cJSON_IsString(item))
		check_problem(check, AT_VALUE, "%s must hold strings, not %s", key->name,
			      check_type_of(item));
	else
		check_place(check, key, item->valuestring);
}

static void check_text(struct check *check, const struct policy_key *key, const cJSON *value, void *object)
{
	char **member = (char **)((char *)object + key->offset);
	const char *text = value->valuestring;

	if (!cJSON_IsString(value)) {
		check_problem(check, AT_VALUE, "%s must be a string, not %s", key->name,
			      check_type_of(value));
		return;
	}
	if (key->type != POLICY_TEXT)
		check_place(check, key, text);
	else if (strlen(text) < (size_t)key->min || strlen(text) > (size_t)key->max)
		check_problem(check, AT_VALUE, "%s must have from %d to %d characters", key->name,
			      (int)key->min, (int)key->max);
	for (const char *at = text; key->type == POLICY_TEXT && *at; at++) {
		if (*at >= ' ' && *at <= '~')
			continue;
		check_problem(check, AT_VALUE, "%s may hold printable ASCII characters only", key->name);
		break;
	}
	*member = strdup(text);
	if (!*member)
		check->result = -ENOMEM;
}

static void check_list(struct check *check, const struct policy_key *key, const cJSON *value, size_t depth,
		       void *object)
{
	struct policy_list *list = (struct policy_list *)((char *)object + key->offset);
	int size = cJSON_GetArraySize(value), index = 0;
	char number[12];
	const cJSON *item;

	if (!cJSON_IsArray(value)) {
		check_problem(check, AT_VALUE, "%s must be an array of strings, not %s", key->name,
			      check_type_of(value));
		return;
	}
	if (size > LIMIT_POLICY_ENTRIES) {
		check_problem(check, AT_VALUE, "%s has %d entries; at most %d are taken", key->name, size,
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

/* ---- objects in a list ---- */

static const struct policy_key *find_member(const struct policy_key *key, const char *name)
{
	for (const struct policy_key *member = key->members; member->name; member++)
		if (strcmp(member->name, name) == 0)
			return member;
	return NULL;
}

static void unknown_member(struct check *check, const struct policy_key *key, const char *name)
{
	const char *names[16] = {NULL}, *nearest;
	char text[72];

	for (size_t i = 0; i < ARRAY_SIZE(names) - 1 && key->members[i].name; i++)
		names[i] = key->members[i].name;
	nearest = schema_nearest(name, names);
	check_problem(check, AT_KEY, "unknown key %s%s%s%s", check_shown(name, text),
		      nearest ? "; did you mean " : "; `sallyport policy schema` lists all",
		      nearest ? nearest : "", nearest ? "?" : "");
}

static void check_members(struct check *check, const struct policy_key *key, const cJSON *value, size_t depth,
			  void *object)
{
	const unsigned before = check->count;
	const cJSON *member;

	if (!cJSON_IsObject(value)) {
		check_problem(check, AT_VALUE, "must be an object, not %s", check_type_of(value));
		return;
	}
	for (const struct policy_key *at = key->members; at->name; at++)
		if (at->required && !cJSON_GetObjectItemCaseSensitive(value, at->name))
			check_problem(check, AT_VALUE, "%s is missing", at->name);
	cJSON_ArrayForEach(member, value)
	{
		const struct policy_key *found = find_member(key, member->string);

		check->at[depth] = member->string;
		if (found)
			check_value(check, found, member, depth + 1, object);
		else
			unknown_member(check, key, member->string);
		check->at[depth] = NULL;
	}
	if (key->judge && check->count == before && key->judge(object))
		check_problem(check, AT_VALUE, "%s", key->judge(object));
}

static void check_objects(struct check *check, const struct policy_key *key, const cJSON *value, size_t depth,
			  void *object)
{
	struct policy_objects *objects = (struct policy_objects *)((char *)object + key->offset);
	int size = cJSON_GetArraySize(value);
	char number[12];
	const cJSON *item;

	if (!cJSON_IsArray(value)) {
		check_problem(check, AT_VALUE, "%s must be an array of objects, not %s", key->name,
			      check_type_of(value));
		return;
	}
	if (size > key->max) {
		check_problem(check, AT_VALUE, "%s has %d entries; at most %d are taken", key->name, size,
			      (int)key->max);
		return;
	}
	objects->items = size ? calloc((size_t)size, key->size) : NULL;
	if (size && !objects->items) {
		check->result = -ENOMEM;
		return;
	}
	cJSON_ArrayForEach(item, value)
	{
		void *at = (char *)objects->items + objects->count * key->size;

		snprintf(number, sizeof number, "%zu", objects->count++);
		snprintf(check->within, sizeof check->within, "%s[%s]: ", key->name, number);
		policy_values_init(key->members, at);
		check->at[depth] = number;
		check_members(check, key, item, depth + 1, at);
		check->at[depth] = NULL;
		check->within[0] = '\0';
		if (check->result < 0)
			return;
	}
}

void check_value(struct check *check, const struct policy_key *key, const cJSON *value, size_t depth,
		 void *object)
{
	switch (key->type) {
	case POLICY_IGNORED:
		if (!cJSON_IsString(value))
			check_problem(check, AT_VALUE, "%s must be a string, not %s", key->name,
				      check_type_of(value));
		return;
	case POLICY_BOOLEAN:
		if (!cJSON_IsBool(value))
			check_problem(check, AT_VALUE, "%s must be true or false, not %s", key->name,
				      check_type_of(value));
		else
			*(bool *)((char *)object + key->offset) = cJSON_IsTrue(value);
		return;
	case POLICY_INTEGER:
	case POLICY_DECIMAL:
		check_integer(check, key, value, object);
		return;
	case POLICY_WORD:
		check_word(check, key, value, object);
		return;
	case POLICY_TEXT:
	case POLICY_PATH:
	case POLICY_DOMAIN:
		check_text(check, key, value, object);
		return;
	case POLICY_WORDS:
	case POLICY_PATHS:
	case POLICY_DOMAINS:
		check_list(check, key, value, depth, object);
		return;
	case POLICY_OBJECTS:
		check_objects(check, key, value, depth, object);
		return;
	}
}
