/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of calls, and their text (metrics.h). */
#include "server/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "protocol/cleanup.h"
#include "server/realm.h"
#include "server/sandboxes.h"

/* Upper bounds: reading a file takes 0.02 ms, a build a minute. */
static const struct {
	uint64_t nanoseconds;
	const char *text;
} bounds[METRICS_BUCKETS] = {
	{100000, "0.0001"},  {500000, "0.0005"},  {1000000, "0.001"},  {5000000, "0.005"}, {10000000, "0.01"},
	{50000000, "0.05"},  {100000000, "0.1"},  {500000000, "0.5"},  {1000000000, "1"},  {5000000000, "5"},
	{10000000000, "10"}, {30000000000, "30"}, {60000000000, "60"},
};

static const char *const outcomes[TOOL_OUTCOMES] = {
	[TOOL_UNANSWERED] = "cancelled",
	[TOOL_SUCCEEDED] = "success",
	[TOOL_FAILED] = "error",
	[TOOL_DENIED] = "denied",
};

void metrics_call(struct metrics *metrics, const struct tool *tool, enum tool_outcome outcome,
		  uint64_t nanoseconds)
{
	size_t index = 0, bucket = 0;

	while (index < LIMIT_TOOLS && tool_table[index] && tool_table[index] != tool)
		index++;
	while (bucket < METRICS_BUCKETS && nanoseconds > bounds[bucket].nanoseconds)
		bucket++;
	if (index < LIMIT_TOOLS && !tool_table[index])
		index = LIMIT_TOOLS;
	metrics->tools[index].outcomes[outcome]++;
	metrics->tools[index].buckets[bucket]++;
	metrics->tools[index].nanoseconds += nanoseconds;
}

/* ---- this process ---- */

void metrics_process_init(struct metrics_process *process)
{
	process->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	process->started = time(NULL);
}

void metrics_process_deinit(struct metrics_process *process)
{
	close_fd(&process->statm);
}

/* Resident bytes; 0 where /proc is not there. */
static uint64_t read_resident(const struct metrics_process *process)
{
	char text[128];
	ssize_t got = process->statm < 0 ? -1 : pread(process->statm, text, sizeof text - 1, 0);
	unsigned long long size, resident;

	text[got < 0 ? 0 : got] = '\0';
	if (sscanf(text, "%llu %llu", &size, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- the text ---- */

int metrics_line(struct buffer *out, const char *format, ...)
{
	char line[256];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof line)
		return -EMSGSIZE;
	return buffer_append(out, line, (size_t)length);
}

int metrics_head(struct buffer *out, const char *name, const char *type, const char *help)
{
	return metrics_line(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

int metrics_single(struct buffer *out, const char *name, const char *type, const char *help, uint64_t value)
{
	int result = metrics_head(out, name, type, help);

	return result < 0 ? result : metrics_line(out, "%s %llu\n", name, (unsigned long long)value);
}

static const char *name_of(size_t index)
{
	return index < LIMIT_TOOLS ? tool_table[index]->name : "other";
}

/* The next row that has a name: tools, and then what is no tool of the table. */
static size_t next_row(size_t index)
{
	return ++index < LIMIT_TOOLS && !tool_table[index] ? LIMIT_TOOLS : index;
}

static int write_outcomes(const struct metrics *metrics, struct buffer *out)
{
	int result = metrics_head(out, "sallyport_calls_total", "counter", "Calls that have ended, by how.");

	for (size_t i = 0; i <= LIMIT_TOOLS && result == 0; i = next_row(i))
		for (size_t j = 0; j < TOOL_OUTCOMES && result == 0; j++)
			result = metrics_line(out, "sallyport_calls_total{tool=\"%s\",outcome=\"%s\"} %llu\n",
					      name_of(i), outcomes[j],
					      (unsigned long long)metrics->tools[i].outcomes[j]);
	if (result == 0)
		result = metrics_line(out, "sallyport_calls_total{tool=\"unknown\",outcome=\"error\"} %llu\n",
				      (unsigned long long)metrics->unknown);
	return result;
}

#define DURATION "sallyport_call_duration_seconds"

static int write_histogram(const struct metrics_row *row, const char *tool, struct buffer *out)
{
	uint64_t count = 0;
	int result = 0;

	for (size_t i = 0; i <= METRICS_BUCKETS && result == 0; i++) {
		count += row->buckets[i];
		result = metrics_line(out, DURATION "_bucket{tool=\"%s\",le=\"%s\"} %llu\n", tool,
				      i < METRICS_BUCKETS ? bounds[i].text : "+Inf",
				      (unsigned long long)count);
	}
	if (result == 0)
		result = metrics_line(
			out, DURATION "_sum{tool=\"%s\"} %llu.%09llu\n" DURATION "_count{tool=\"%s\"} %llu\n",
			tool, (unsigned long long)(row->nanoseconds / 1000000000),
			(unsigned long long)(row->nanoseconds % 1000000000), tool, (unsigned long long)count);
	return result;
}

static int write_durations(const struct metrics *metrics, struct buffer *out)
{
	int result = metrics_head(out, DURATION, "histogram",
				  "From a call's arrival to its answer, or to its cancellation.");

	for (size_t i = 0; i <= LIMIT_TOOLS && result == 0; i = next_row(i))
		result = write_histogram(&metrics->tools[i], name_of(i), out);
	return result;
}

static unsigned count_calls(const struct calls *calls)
{
	unsigned count = 0;

	for (unsigned slot = 0; slot < calls->unused; slot++)
		count += calls->slots[slot] && calls->slots[slot]->mcp;
	return count;
}

static int write_process(const struct metrics_process *process, struct buffer *out)
{
	uint64_t resident = read_resident(process);
	int result = metrics_single(out, "process_start_time_seconds", "gauge", "Unix time of the start.",
				    (uint64_t)process->started);

	if (result == 0 && resident)
		result = metrics_single(out, "process_resident_memory_bytes", "gauge",
					"Memory of the frontend; executors and commands have their own.",
					resident);
	if (result == 0)
		result = metrics_head(out, "sallyport_build_info", "gauge", "What runs here.");
	return result < 0 ? result
			  : metrics_line(out, "sallyport_build_info{version=\"%s\"} 1\n", SALLYPORT_VERSION);
}

/* All that they hold is counters. */
static void add(struct metrics *total, const struct metrics *more)
{
	uint64_t *to = (uint64_t *)total;
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < sizeof *total / sizeof *to; i++)
		to[i] += from[i];
}

int metrics_write(const struct realm *realm, const struct metrics_process *process, struct buffer *out)
{
	struct sandboxes_numbers numbers = {0};
	struct metrics total = {0};
	uint64_t in_flight = 0;
	int result;

	for (; realm; realm = realm->next) {
		struct sandboxes_numbers more = sandboxes_numbers(realm->calls.sandboxes);

		add(&total, &realm->calls.metrics);
		in_flight += count_calls(&realm->calls);
		numbers.commands += more.commands;
		numbers.sandboxes += more.sandboxes;
		numbers.denials += more.denials;
	}
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} singles[] = {
		{"sallyport_calls_in_flight", "gauge", "Calls that wait for their answer.", in_flight},
		{"sallyport_commands_running", "gauge", "Commands, also in the background.",
		 numbers.commands},
		{"sallyport_sandboxes", "gauge", "Sandboxes of callers.", numbers.sandboxes},
		{"sallyport_denials_total", "counter",
		 "What rules refused: calls, and what commands tried that is known of.",
		 total.denials + numbers.denials},
	};
	result = write_outcomes(&total, out);
	if (result == 0)
		result = write_durations(&total, out);
	for (size_t i = 0; i < ARRAY_SIZE(singles) && result == 0; i++)
		result = metrics_single(out, singles[i].name, singles[i].type, singles[i].help,
					singles[i].value);
	return result < 0 ? result : write_process(process, out);
}
