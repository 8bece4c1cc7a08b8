/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a test makes and looks at behind the executor's back, and what its answers say. */
#include "tests/files/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

static void path_of(const struct harness *harness, const char *path, char *to, size_t size)
{
	snprintf(to, size, "%s/%s", harness->directory, path);
}

void make_file(struct harness *harness, const char *path, const void *content, size_t length)
{
	char name[4096];
	int fd;

	path_of(harness, path, name, sizeof name);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, length), length);
	close(fd);
}

void make_text(struct harness *harness, const char *path, const char *text)
{
	make_file(harness, path, text, strlen(text));
}

void make_directory(struct harness *harness, const char *path)
{
	char name[4096];

	path_of(harness, path, name, sizeof name);
	assert_int_equal(mkdir(name, 0755), 0);
}

void make_link(struct harness *harness, const char *path, const char *target)
{
	char name[4096];

	path_of(harness, path, name, sizeof name);
	assert_int_equal(symlink(target, name), 0);
}

char *take_file(struct harness *harness, const char *path, size_t *length)
{
	char name[4096], *content;
	struct stat status;
	int fd;

	path_of(harness, path, name, sizeof name);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &status), 0);
	content = malloc((size_t)status.st_size + 1);
	assert_non_null(content);
	assert_int_equal(read(fd, content, (size_t)status.st_size), status.st_size);
	content[status.st_size] = '\0';
	if (length)
		*length = (size_t)status.st_size;
	close(fd);
	return content;
}

/* ---- refusals ---- */

const char *answer_text(const struct answer *answer, unsigned index)
{
	static char text[2048];
	struct frame_reader reader;

	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	for (unsigned i = 0; i <= index; i++)
		frame_get_text(&reader, text, sizeof text);
	return reader.failed ? "(no text)" : text;
}

void assert_failure(const struct answer *answer, const char *part)
{
	if (answer->type != REPLY_FAILURE || !strstr(answer_text(answer, 0), part))
		fail_msg("expected a failure with \"%s\", got type %u: %s", part, answer->type,
			 answer_text(answer, 0));
}

void assert_denied(const struct answer *answer, const char *rule)
{
	if (answer->type != REPLY_DENIED || strcmp(answer_text(answer, 3), rule) != 0)
		fail_msg("expected a denial by \"%s\", got type %u: %s", rule, answer->type,
			 answer_text(answer, answer->type == REPLY_DENIED ? 3 : 0));
}
