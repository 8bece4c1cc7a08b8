/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The echo floor: what any stdio server must cost. It reads lines and answers each that carries an id with a
 * constant. It knows no MCP and parses nothing; whatever is there is answered by one write.
 *
 * usage: floor-echo [BYTES]   answers of about BYTES bytes (default 64)
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"text\":\""
#define TAIL "\"}}\n"

static bool write_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(1, bytes, length);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
	return true;
}

static char *constant_line(size_t bytes, size_t *length)
{
	size_t head = strlen(HEAD), tail = strlen(TAIL);
	size_t text = bytes > head + tail ? bytes - head - tail : 0;
	char *line = malloc(head + text + tail);

	if (!line)
		return NULL;
	memcpy(line, HEAD, head);
	memset(line + head, 'x', text);
	memcpy(line + head + text, TAIL, tail);
	*length = head + text + tail;
	return line;
}

int main(int argc, char **argv)
{
	static char input[64 << 10];
	size_t length;
	char *line = constant_line(argc > 1 ? strtoul(argv[1], NULL, 10) : 64, &length);
	bool has_id = false;

	if (!line)
		return 1;
	for (;;) {
		ssize_t n = read(0, input, sizeof(input));
		const char *at = input, *end = input + n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		while (at < end) {
			const char *newline = memchr(at, '\n', (size_t)(end - at));
			const char *stop = newline ? newline : end;

			/* Requests begin with their id; only the first piece of a long line is looked at. */
			if (!has_id)
				has_id = memmem(at, (size_t)(stop - at), "\"id\":", 5) != NULL;
			if (newline && has_id && !write_all(line, length))
				return 1;
			if (newline)
				has_id = false;
			at = stop + (newline ? 1 : 0);
		}
	}
	free(line);
	return 0;
}
