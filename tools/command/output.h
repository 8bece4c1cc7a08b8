/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_COMMAND_OUTPUT_H
#define SALLYPORT_TOOLS_COMMAND_OUTPUT_H

/*
 * What is kept of a command's output: of each stream, and of both in the order in which they came, the first
 * bytes, the last bytes, or both, with an exact count of what is missing between. Memory is bounded by what
 * is kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

enum output_keep { OUTPUT_HEAD, OUTPUT_TAIL, OUTPUT_BOTH };

/* Where in an escape sequence (ECMA-48) text is. */
enum output_escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CONTROL, ESCAPE_STRING, ESCAPE_OTHER };

struct output_window {
	struct buffer head;
	struct buffer tail; /* a ring */
	size_t head_most, tail_most;
	size_t tail_start, tail_length; /* what of the ring is in use */
	uint64_t total;                 /* bytes that came, but for lines that were written over */
	uint64_t line;                  /* of them, those of the present line */
	bool returned;                  /* a carriage return came, and nothing that prints since */
	enum output_escape escape;      /* since then */
};

struct command_output {
	struct output_window streams[2]; /* stdout, stderr */
	struct output_window
		merged; /* only once both have said something; until then the one that has is it */
	bool mixed;
	enum output_keep keep;
	size_t most;
};

void command_output_init(struct command_output *output, enum output_keep keep, size_t most);
void command_output_deinit(struct command_output *output);
/* `stream` is 0 for stdout, 1 for stderr. What finds no memory is counted as left out. */
void command_output_add(struct command_output *output, int stream, const void *bytes, size_t length);
/* Both, in the order they came. */
const struct output_window *command_output_merged(const struct command_output *output);

/* Whether something has found no room. */
bool output_window_omits(const struct output_window *window);
/* The same of any stream. */
bool command_output_omits(const struct command_output *output);

/*
 * Appends what a window kept, readable: cut at line ends where there are lines, else between characters, and
 * folded (output_fold); where bytes are missing stands a line that says how many. While more may come
 * (`open`) what has only begun at its end (output_begun) is left for later. Returns 0 or -errno; *omitted is
 * exact.
 */
int output_window_write(const struct output_window *window, bool open, struct buffer *out, uint64_t *omitted);

/* Whether what a window kept is no text: a NUL is in it, as git tells them apart. */
bool output_window_is_binary(const struct output_window *window);

/* Instead of a binary one: appends a line that says how long it is and how it begins. 0 or -errno. */
int output_window_name(const struct output_window *window, const char *stream, struct buffer *out);

/* Appends text as a terminal would leave it: carriage returns, backspaces and escape sequences (ECMA-48) take
 * effect or disappear, other control characters but tab and newline too. */
int output_fold(struct buffer *out, const char *text, size_t length);

/* Where text is behind this byte. */
enum output_escape output_escape(enum output_escape within, unsigned char byte);

#define OUTPUT_BEGUN_MOST 64 /* longer ones are titles of windows and the like, and are not waited for */
/* How many bytes at the end are a character of UTF-8, or an escape sequence, that has only begun. */
size_t output_begun(const char *text, size_t length);

/* Appends " · " and the newest line that came, folded and cut; nothing if there is none. */
int output_newest_line(const struct output_window *window, struct buffer *out);

#endif
