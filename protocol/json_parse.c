/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one pass over a JSON text: grammar, bounds, and, if wanted, a cJSON tree. No recursion: what is open
 * stands in an array of LIMIT_JSON_DEPTH.
 *
 * Trees are laid out so that one allocation a value is enough: a node's key and its string stand behind it in
 * the same block, marked for cJSON_Delete as not its own (cJSON_StringIsConst, cJSON_IsReference). That leans
 * on cJSON's default hooks (malloc, free); nobody here calls cJSON_InitHooks.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/json_check.h"
#include "protocol/limits.h"

#define PAIRWISE_KEYS 8 /* up to here comparing each key with each is cheaper than sorting */

struct level {
	bool object;
	size_t start; /* of its text */
	unsigned count;
	cJSON *node, *last; /* building: the container and its newest child */
};

struct parse {
	struct json_reader reader;
	bool build;
	cJSON *root;
	struct json_span *id;
	bool in_id; /* the value being read is the top-level "id" */
	bool keyed;
	struct json_string key; /* of the value that comes next, when keyed */
	struct level levels[LIMIT_JSON_DEPTH];
};

void json_free(cJSON **tree)
{
	cJSON_Delete(*tree);
	*tree = NULL;
}

/* ---- nodes ---- */

static size_t put_string(const char *text, const struct json_string *string, char *to)
{
	size_t length = string->length;

	if (string->escaped)
		length = json_unescape(text, string, to);
	else
		memcpy(to, text + string->start, length);
	to[length] = '\0';
	return length + 1;
}

/* A node of the kind, with its key and value, hung into the tree. */
static int add(struct parse *parse, int type, const struct json_string *value, cJSON **made)
{
	struct json_reader *reader = &parse->reader;
	size_t key = parse->keyed ? parse->key.length + 1 : 0;
	cJSON *node;

	node = malloc(sizeof *node + key + (value ? value->length + 1 : 0));
	if (!node)
		return -ENOMEM;
	*node = (cJSON){.type = type};
	if (parse->keyed) {
		node->string = (char *)(node + 1);
		node->type |= cJSON_StringIsConst;
		key = put_string(reader->text, &parse->key, node->string);
	}
	if (value) {
		node->valuestring = (char *)(node + 1) + key;
		node->type |= cJSON_IsReference;
		put_string(reader->text, value, node->valuestring);
	}
	if (reader->depth == 0) {
		parse->root = node;
		node->prev = NULL;
	} else {
		struct level *level = &parse->levels[reader->depth - 1];

		if (level->last) {
			level->last->next = node;
			node->prev = level->last;
		} else {
			level->node->child = node;
		}
		level->last = node;
		level->node->child->prev = node; /* cJSON: the first child's prev is the last child */
	}
	*made = node;
	return 0;
}

static void set_number(const char *text, const struct json_number *number, cJSON *node)
{
	char copy[LIMIT_JSON_NUMBER_BYTES + 1];
	double value;

	if (number->integer && number->length <= 15) {
		const char *at = text + number->start, *end = at + number->length;
		bool negative = *at == '-';
		int64_t sum = 0;

		for (at += negative; at < end; at++)
			sum = sum * 10 + (*at - '0');
		value = (double)sum;
		if (negative)
			value = -value;
	} else {
		memcpy(copy, text + number->start, number->length);
		copy[number->length] = '\0';
		value = strtod(copy, NULL);
	}
	node->valuedouble = value;
	node->valueint = value >= INT_MAX ? INT_MAX : value <= (double)INT_MIN ? INT_MIN : (int)value;
}

/* ---- duplicate keys ---- */

static int compare_keys(const void *one, const void *other)
{
	return strcmp((*(cJSON *const *)one)->string, (*(cJSON *const *)other)->string);
}

/* Says where: the key's second occurrence, found by walking the object's text again. */
static int refuse_duplicate(struct parse *parse, const struct level *level, const cJSON *second)
{
	const char *text = parse->reader.text;
	unsigned index = 0, line, column;

	for (const cJSON *before = level->node->child; before != second; before = before->next)
		index++;
	json_position(text, level->start + json_member_offset(text + level->start, index), &line, &column);
	return err_set(parse->reader.err, -EILSEQ, "line %u, column %u: duplicate key \"%.80s\"", line,
		       column, second->string);
}

static int refuse_duplicates(struct parse *parse, const struct level *level)
{
	_cleanup_free_ cJSON **sorted = NULL;
	size_t count = 0;

	if (level->count <= PAIRWISE_KEYS) {
		for (cJSON *one = level->node->child; one; one = one->next)
			for (cJSON *other = one->next; other; other = other->next)
				if (one->string[0] == other->string[0] &&
				    strcmp(one->string, other->string) == 0)
					return refuse_duplicate(parse, level, other);
		return 0;
	}
	sorted = malloc(level->count * sizeof(cJSON *));
	if (!sorted)
		return -ENOMEM;
	for (cJSON *one = level->node->child; one; one = one->next)
		sorted[count++] = one;
	qsort(sorted, count, sizeof(cJSON *), compare_keys);
	for (size_t i = 1; i < count; i++)
		if (strcmp(sorted[i - 1]->string, sorted[i]->string) == 0)
			return refuse_duplicate(parse, level, sorted[i]);
	return 0;
}

/* ---- the pass ---- */

static int open_level(struct parse *parse, bool object)
{
	struct json_reader *reader = &parse->reader;
	cJSON *node = NULL;
	int result;

	if (reader->depth == LIMIT_JSON_DEPTH)
		return json_fault(reader, -E2BIG, "nested too deeply");
	if (parse->build) {
		result = add(parse, object ? cJSON_Object : cJSON_Array, NULL, &node);
		if (result < 0)
			return result;
	}
	parse->levels[reader->depth++] = (struct level){.object = object, .start = reader->at, .node = node};
	reader->at++;
	return 0;
}

static int read_scalar(struct parse *parse, char first)
{
	struct json_reader *reader = &parse->reader;
	struct json_string string = {0};
	struct json_number number = {0};
	int result, type;
	cJSON *node;

	switch (first) {
	case '"':
		type = cJSON_String;
		result = json_read_string(reader, &string);
		break;
	case 't':
		type = cJSON_True;
		result = json_read_word(reader, "true");
		break;
	case 'f':
		type = cJSON_False;
		result = json_read_word(reader, "false");
		break;
	case 'n':
		type = cJSON_NULL;
		result = json_read_word(reader, "null");
		break;
	default:
		if (first != '-' && (first < '0' || first > '9'))
			return json_fault(reader, -EINVAL, "a value was expected");
		type = cJSON_Number;
		result = json_read_number(reader, &number);
	}
	if (result < 0 || !parse->build)
		return result;
	result = add(parse, type, type == cJSON_String ? &string : NULL, &node);
	if (result == 0 && type == cJSON_Number)
		set_number(reader->text, &number, node);
	if (type == cJSON_True && result == 0)
		node->valueint = 1; /* as cJSON's own parser does */
	return result;
}

static bool key_is_id(const struct parse *parse)
{
	char decoded[12];

	if (!parse->key.escaped)
		return parse->key.length == 2 && memcmp(parse->reader.text + parse->key.start, "id", 2) == 0;
	return parse->key.length <= sizeof decoded &&
	       json_unescape(parse->reader.text, &parse->key, decoded) == 2 && memcmp(decoded, "id", 2) == 0;
}

static int read_key(struct parse *parse)
{
	struct json_reader *reader = &parse->reader;
	int result;

	json_skip_space(reader);
	if (reader->at == reader->length || reader->text[reader->at] != '"')
		return json_fault(reader, -EINVAL, "a key in quotes was expected");
	result = json_read_string(reader, &parse->key);
	if (result < 0)
		return result;
	json_skip_space(reader);
	if (reader->at == reader->length || reader->text[reader->at] != ':')
		return json_fault(reader, -EINVAL, "':' was expected after a key");
	reader->at++;
	parse->keyed = true;
	if (reader->depth == 1)
		parse->in_id = parse->id && key_is_id(parse);
	return 0;
}

/* A value ended: closes what ends with it. Returns 1 when another value follows (its key has been read), 0 at
 * the very end. */
static int after_value(struct parse *parse)
{
	struct json_reader *reader = &parse->reader;

	for (;;) {
		if (reader->depth == 1 && parse->in_id) {
			parse->id->length = reader->at - parse->id->start;
			parse->in_id = false;
		}
		json_skip_space(reader);
		if (reader->depth == 0)
			return reader->at == reader->length
				       ? 0
				       : json_fault(reader, -EINVAL,
						    "something stands behind the end of the value");
		struct level *level = &parse->levels[reader->depth - 1];
		char byte = reader->at < reader->length ? reader->text[reader->at] : '\0';

		level->count++;
		if (byte == ',') {
			reader->at++;
			parse->keyed = false;
			int result = level->object ? read_key(parse) : 0;

			return result < 0 ? result : 1;
		}
		if (byte != (level->object ? '}' : ']'))
			return json_fault(reader, -EINVAL,
					  level->object ? "',' or '}' was expected"
							: "',' or ']' was expected");
		reader->at++;
		if (parse->build && level->object) {
			int result = refuse_duplicates(parse, level);

			if (result < 0)
				return result;
		}
		reader->depth--;
	}
}

/* A container begins. Returns 1 when a value follows in it (its key has been read), 0 when it was empty. */
static int begin_container(struct parse *parse, bool object)
{
	struct json_reader *reader = &parse->reader;
	int result = open_level(parse, object);

	if (result < 0)
		return result;
	parse->keyed = false;
	json_skip_space(reader);
	if (reader->at < reader->length && reader->text[reader->at] == (object ? '}' : ']')) {
		reader->at++;
		reader->depth--;
		return 0;
	}
	result = object ? read_key(parse) : 0;
	return result < 0 ? result : 1;
}

static int pass(struct parse *parse)
{
	struct json_reader *reader = &parse->reader;
	int result;

	do {
		json_skip_space(reader);
		char first = reader->at < reader->length ? reader->text[reader->at] : '\0';

		if (parse->in_id && reader->depth == 1)
			parse->id->start = reader->at;
		if (++reader->values > LIMIT_JSON_VALUES)
			result = json_fault(reader, -E2BIG, "too many values in one message");
		else
			result = first == '{' || first == '[' ? begin_container(parse, first == '{')
							      : read_scalar(parse, first);
		if (result == 0)
			result = after_value(parse);
	} while (result > 0);
	return result;
}

static int run(struct parse *parse, const char *text, size_t length, struct json_span *id, struct err *err)
{
	parse->reader = (struct json_reader){.text = text, .length = length, .err = err};
	parse->id = id;
	parse->in_id = parse->keyed = false;
	parse->root = NULL;
	if (id)
		*id = (struct json_span){0};
	int result = pass(parse);

	if (result < 0 && id)
		*id = (struct json_span){0};
	if (result == -ENOMEM)
		err_set(err, -ENOMEM, "out of memory");
	return result;
}

int json_check(const char *text, size_t length, struct json_span *id, struct err *err)
{
	struct parse parse;

	parse.build = false;
	return run(&parse, text, length, id, err);
}

int json_parse(const char *text, size_t length, cJSON **tree, struct json_span *id, struct err *err)
{
	struct parse parse;
	int result;

	parse.build = true;
	result = run(&parse, text, length, id, err);
	if (result < 0)
		cJSON_Delete(parse.root);
	else
		*tree = parse.root;
	return result;
}
