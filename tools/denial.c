/* SPDX-License-Identifier: Apache-2.0 */
/* Denials in words and as JSON (denial.h). What stands in them may come from an executor or from among
 * hostile processes: every text is bounded and escaped, and none breaks out of its line. */
#include "tools/denial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/json.h"
#include "protocol/limits.h"
#include "sandbox/rule.h"

int denial_decode(struct denial *denial, const void *payload, size_t length)
{
	struct frame_reader reader;

	*denial = (struct denial){0};
	frame_read(&reader, payload, length);
	frame_get_text(&reader, denial->layer, sizeof denial->layer);
	frame_get_text(&reader, denial->operation, sizeof denial->operation);
	frame_get_text(&reader, denial->target, sizeof denial->target);
	frame_get_text(&reader, denial->rule, sizeof denial->rule);
	frame_get_text(&reader, denial->remedy, sizeof denial->remedy);
	frame_get_text(&reader, denial->allowed, sizeof denial->allowed);
	return frame_done(&reader);
}

int denial_decode_command(struct denial *denial, const void *payload, size_t length)
{
	char target[LIMIT_PATH_BYTES];
	const struct rule_words *words;
	struct frame_reader reader;

	*denial = (struct denial){.layer = "sandbox"};
	frame_read(&reader, payload, length);
	frame_get_text(&reader, denial->operation, sizeof denial->operation);
	frame_get_text(&reader, target, sizeof target);
	frame_get_text(&reader, denial->rule, sizeof denial->rule);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	words = rule_words(denial->rule);
	snprintf(denial->target, sizeof denial->target, "%.*s", (int)sizeof denial->target - 1, target);
	snprintf(denial->allowed, sizeof denial->allowed, "%s", words->allowed);
	snprintf(denial->remedy, sizeof denial->remedy, "%s", words->remedy);
	return 0;
}

size_t denial_text(const struct denial *denial, char text[DENIAL_TEXT_BYTES])
{
	bool sentence = denial->sentence[0];

	snprintf(text, DENIAL_TEXT_BYTES, "Denied: %s%s%s (%s). Allowed: %s.%s%s",
		 sentence ? denial->sentence : denial->operation, sentence ? "" : " ",
		 sentence ? "" : denial->target, denial->rule, denial->allowed, denial->remedy[0] ? " " : "",
		 denial->remedy);
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return strlen(text);
}

int denial_write_meta(const struct denial *denial, const char *policy_sha256, struct buffer *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out);
	json_key(&writer, "sallyport.dev/denial");
	json_object(&writer);
	json_key_text(&writer, "layer", denial->layer);
	json_key_text(&writer, "operation", denial->operation);
	json_key_text(&writer, "target", denial->target);
	json_key_text(&writer, "rule", denial->rule);
	json_key_text(&writer, "remedy", denial->remedy);
	json_key_text(&writer, "policySha256", policy_sha256);
	json_object_end(&writer);
	return writer.result;
}
