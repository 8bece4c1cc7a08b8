/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's request, decoded in place: every text in the frame is followed by at least the four bytes of
 * another field, so once all fields are read its NUL fits there. Comes from the frontend, whom this process
 * has no reason to doubt and checks all the same.
 */
#include "sandbox/layers/ask.h"
#include "sandbox/keeper/keeper.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/keeper/wire.h"

#define SHELL_WORDS 2 /* "bash" "-c": room for them stands before every argument vector */

static char *get_text(struct frame_reader *reader)
{
	size_t length;
	const char *bytes = frame_get_bytes(reader, &length);

	if (bytes && memchr(bytes, '\0', length))
		reader->failed = true;
	return (char *)bytes;
}

/* The length of a text stands before it, and its NUL replaces what was read of the field behind it. */
static void terminate(char *text)
{
	uint32_t length;

	memcpy(&length, text - sizeof length, sizeof length);
	text[le32toh(length)] = '\0';
}

/* Reads a counted list to place `at` of the vector and puts NULL behind it; returns how many, or -errno. */
static int get_list(struct request *request, struct frame_reader *reader, size_t at)
{
	uint32_t count = frame_get_u32(reader);
	size_t needed = at + count + 1 + ASK_VARIABLES + 1; /* the list, perhaps defaults, NULL */

	if (reader->failed || count > LIMIT_COMMAND_ARGUMENTS)
		return -EPROTO;
	if (needed > request->vector_size) {
		char **vector = reallocarray(request->vector, needed, sizeof *vector);

		if (!vector)
			return -ENOMEM;
		request->vector = vector;
		request->vector_size = needed;
	}
	for (uint32_t i = 0; i < count; i++)
		request->vector[at + i] = get_text(reader);
	request->vector[at + count] = NULL;
	return reader->failed ? -EPROTO : (int)count;
}

static bool has_variable(char *const *envp, const char *variable)
{
	size_t length = strcspn(variable, "=") + 1;

	for (; *envp; envp++)
		if (!strncmp(*envp, variable, length))
			return true;
	return false;
}

static void add_defaults(char **envp, int count, const char *const *defaults, bool terminal)
{
	for (int i = 0; defaults[i] && (i == 0 || !terminal); i++)
		if (!has_variable(envp, defaults[i])) {
			envp[count++] = (char *)defaults[i];
			envp[count] = NULL;
		}
}

void request_replace(struct request *request, const char *whole, const char *by)
{
	for (char **variable = request->envp; *variable; variable++)
		if (!strcmp(*variable, whole))
			*variable = (char *)by;
}

/* What a terminal's size may be: the kernel has 16 bits for each. */
static uint16_t get_side(struct frame_reader *reader)
{
	uint32_t side = frame_get_u32(reader);

	if (side < 1 || side > LIMIT_TERMINAL_SIDE)
		reader->failed = true;
	return (uint16_t)side;
}

int request_decode(struct request *request, uint32_t flags, struct buffer *payload, const char *shell,
		   const char *const *defaults)
{
	struct frame_reader reader;
	char *cwd;
	int argc, envc;

	frame_read(&reader, buffer_data(payload), buffer_length(payload));
	cwd = get_text(&reader);
	argc = get_list(request, &reader, SHELL_WORDS);
	envc = argc < 0 ? argc : get_list(request, &reader, SHELL_WORDS + (size_t)argc + 1);
	if (envc < 0)
		return envc;
	request->shell = frame_get_u32(&reader) != 0;
	request->rows = flags & KEEPER_TTY ? get_side(&reader) : 0;
	request->columns = flags & KEEPER_TTY ? get_side(&reader) : 0;
	if (frame_done(&reader) < 0 || argc < 1 || (request->shell && argc != 1))
		return -EPROTO;

	/* from the last to the first: a text's NUL falls on the length of the one behind it */
	for (int i = envc; i-- > 0;)
		terminate(request->vector[SHELL_WORDS + argc + 1 + i]);
	for (int i = argc; i-- > 0;)
		terminate(request->vector[SHELL_WORDS + i]);
	terminate(cwd);
	request->cwd = cwd;
	request->argv = request->vector + (request->shell ? 0 : SHELL_WORDS);
	request->envp = request->vector + SHELL_WORDS + argc + 1;
	request->vector[0] = (char *)shell;
	request->vector[1] = (char *)"-c";
	add_defaults(request->envp, envc, defaults, flags & KEEPER_TTY);
	return 0;
}
