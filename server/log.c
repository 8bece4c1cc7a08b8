/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: one write each, so that lines of several processes do not mix. A pipe that poll() calls writable
 * has room for PIPE_BUF bytes, more than a line, so the write does not wait.
 */
#include "server/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool as_json; /* set once, at the start */

void log_set_json(bool json)
{
	as_json = json;
}

static void write_line(const char *line, size_t length)
{
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
		return;
	if (write(STDERR_FILENO, line, length) < 0)
		return; /* there is nobody to tell */
}

/* ---- facts ---- */

static void add(struct log_fields *fields, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All of it or nothing; room for the end stays free. */
static void add(struct log_fields *fields, const char *format, ...)
{
	size_t room = sizeof fields->line - sizeof "}\n" - fields->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(fields->line + fields->length, room, format, arguments);
	va_end(arguments);
	if (length > 0 && (size_t)length < room)
		fields->length += (size_t)length;
}

void log_fields_begin(struct log_fields *fields)
{
	char text[32];
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
	fields->length = 0;
	add(fields, as_json ? "{\"time\":\"%s.%03ldZ\"" : "sallyport: time=%s.%03ldZ", text,
	    now.tv_nsec / 1000000);
}

void log_fields_text(struct log_fields *fields, const char *name, const char *value)
{
	add(fields, as_json ? ",\"%s\":\"%s\"" : " %s=%s", name, value);
}

void log_fields_number(struct log_fields *fields, const char *name, const char *value)
{
	add(fields, as_json ? ",\"%s\":%s" : " %s=%s", name, value);
}

void log_fields_end(struct log_fields *fields)
{
	if (as_json)
		fields->line[fields->length++] = '}';
	fields->line[fields->length++] = '\n';
	write_line(fields->line, fields->length);
}

/* ---- sentences ---- */

/* What JSON does not take as it is becomes something that it does. */
static void write_json(char *text)
{
	struct log_fields fields;

	text[strnlen(text, sizeof fields.line - 64)] = '\0'; /* beside it stand the time and two names */
	for (char *at = text; *at; at++)
		if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ' || (unsigned char)*at > 0x7e)
			*at = *at == '"' ? '\'' : *at == '\\' ? '/' : '?';
	log_fields_begin(&fields);
	log_fields_text(&fields, "message", text);
	log_fields_end(&fields);
}

void log_line(const char *format, ...)
{
	char line[1024] = "sallyport: ";
	const size_t prefix = sizeof "sallyport: " - 1;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line + prefix, sizeof line - prefix - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if (as_json) {
		write_json(line + prefix);
		return;
	}
	if ((size_t)length > sizeof line - prefix - 2)
		length = (int)(sizeof line - prefix - 2);
	line[prefix + (size_t)length] = '\n';
	write_line(line, prefix + (size_t)length + 1);
}

void log_text(const char *text)
{
	log_line("%s", text);
}
