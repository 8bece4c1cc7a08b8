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
#include "server/policy/check.h"

const char *check_shown(const char *text, char out[72])
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

void check_problem(struct check *check, enum place place, const char *format, ...)
{
	struct json_span value = {0}, key = {0};
	unsigned line = 1, column = 1;
	char sentence[400];
	va_list arguments;

	snprintf(sentence, sizeof sentence, "%s", check->within);
	va_start(arguments, format);
	vsnprintf(sentence + strlen(sentence), sizeof sentence - strlen(sentence), format, arguments);
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

const char *check_type_of(const cJSON *value)
{
	return cJSON_IsString(value)   ? "a string"
	       : cJSON_IsNumber(value) ? "a number"
	       : cJSON_IsBool(value)   ? "a boolean"
	       : cJSON_IsArray(value)  ? "an array"
	       : cJSON_IsObject(value) ? "an object"
				       : "null";
}

static void unknown_key(struct check *check, const char *section, const char *name)
{
	char full[160], text[72];
	const char *nearest;

	snprintf(full, sizeof full, "%s%s%.100s", section, *section ? "." : "", name);
	nearest = nearest_key(full);
	if (nearest)
		check_problem(check, AT_KEY, "unknown key %s; did you mean %s?", check_shown(full, text),
			      nearest);
	else
		check_problem(check, AT_KEY, "unknown key %s; `sallyport policy schema` lists all",
			      check_shown(full, text));
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
			check_value(check, key, member, depth + 1, check->policy);
		else if (*section || !is_section(name))
			unknown_key(check, section, name);
		else if (!cJSON_IsObject(member))
			check_problem(check, AT_VALUE, "%s must be an object, not %s", name,
				      check_type_of(member));
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
		check_problem(&check, AT_VALUE, "a policy is a JSON object, not %s", check_type_of(tree));
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
