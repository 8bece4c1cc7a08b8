/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox-run: one command in a sandbox of its own, without the server; for tests and for looking around.
 *
 *   sandbox-run [--workspace DIR]... [--read-only-workspace DIR]... [--protect PATH]... [--hide PATH]...
 *               [--extra PATH]... [--extra-write PATH]... [--home DIR] [--processes N]
 *               [--temporary-bytes N] [--temporary-files N] [--memory N] [--cpu-thousandths N] [--bench N]
 * [--show] [--then LINE]
 *               [--builds N] [--tty ROWSxCOLUMNS] [--orders FD]
 *               -- argv... | -c LINE
 *
 * The command's output is ours; the outcome is one line on stderr. --bench runs it N times in the same
 * sandbox and prints microseconds. --builds makes N sandboxes one after the other instead, and prints what
 * each took as `key value`. --show prints the keeper's pid first, on stderr. --then runs another line
 * in the same sandbox afterwards, with an outcome line of its own. With --tty the command has a terminal.
 * --orders: "TYPE VALUE" (sandbox/keeper/wire.h) from that descriptor goes to the nanny while a command runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <spawn.h>

#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "tests/escape/client.h"

struct options {
	struct plan plan;
	char *const *argv;
	bool shell, show;
	const char *then;
	int bench, builds, orders;
	unsigned rows, columns;
};

static void usage(void)
{
	fputs("usage: sandbox-run [options] -- argv... | -c LINE (see tests/escape/sandbox_run.c)\n", stderr);
	exit(2);
}

static void parse(struct options *options, int argc, char **argv)
{
	struct plan *plan = &options->plan;

	plan_init(plan);
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(name, "--")) {
			options->argv = argv + i + 1;
			return;
		} else if (!strcmp(name, "-c")) {
			options->argv = argv + i + 1;
			options->shell = true;
			return;
		} else if (!strcmp(name, "--show")) {
			options->show = true;
			continue;
		} else if (!strcmp(name, "--workspace"))
			plan_add_path(&plan->workspaces, &plan->workspace_count, value, true);
		else if (!strcmp(name, "--read-only-workspace"))
			plan_add_path(&plan->workspaces, &plan->workspace_count, value, false);
		else if (!strcmp(name, "--extra"))
			plan_add_path(&plan->extra, &plan->extra_count, value, false);
		else if (!strcmp(name, "--extra-write"))
			plan_add_path(&plan->extra, &plan->extra_count, value, true);
		else if (!strcmp(name, "--protect"))
			plan_add_text(&plan->protect, &plan->protect_count, value);
		else if (!strcmp(name, "--hide"))
			plan_add_text(&plan->hide, &plan->hide_count, value);
		else if (!strcmp(name, "--home"))
			plan->home = strdup(value);
		else if (!strcmp(name, "--processes"))
			plan->command_processes = (uint32_t)strtoul(value, NULL, 10);
		else if (!strcmp(name, "--temporary-bytes"))
			plan->temporary_bytes = strtoull(value, NULL, 10);
		else if (!strcmp(name, "--temporary-files"))
			plan->temporary_files = strtoull(value, NULL, 10);
		else if (!strcmp(name, "--require-profile"))
			plan->require_profile = (enum confinement)strtoul(value, NULL, 10);
		else if (!strcmp(name, "--memory"))
			plan->memory_bytes = strtoull(value, NULL, 10);
		else if (!strcmp(name, "--cpu-thousandths"))
			plan->cpu_thousandths = (uint32_t)strtoul(value, NULL, 10);
		else if (!strcmp(name, "--then"))
			options->then = value;
		else if (!strcmp(name, "--bench"))
			options->bench = (int)strtol(value, NULL, 10);
		else if (!strcmp(name, "--tty"))
			sscanf(value, "%ux%u", &options->rows, &options->columns);
		else if (!strcmp(name, "--orders"))
			options->orders = (int)strtol(value, NULL, 10);
		else if (!strcmp(name, "--builds"))
			options->builds = (int)strtol(value, NULL, 10);
		else
			usage();
		i++;
	}
	usage();
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static void print_times(const char *name, double *times, int count)
{
	qsort(times, (size_t)count, sizeof *times, by_value);
	printf("%-28s min %.0f  p50 %.0f  p99 %.0f us\n", name, times[0], times[count / 2],
	       times[count * 99 / 100]);
}

/* The same program without us. In us. */
static double spawn_one(const struct options *options, char *const *envp)
{
	double start = now_us();
	pid_t pid;
	int status;

	signal(SIGCHLD, SIG_DFL);
	if (posix_spawn(&pid, options->argv[0], NULL, NULL, options->argv, envp) ||
	    waitpid(pid, &status, 0) < 0)
		exit(3);
	return now_us() - start;
}

/* Interleaved with posix_spawn of the same program, so that both see the same machine. */
static void bench(struct client *client, int door, const struct options *options, char *const *envp)
{
	double *ours = calloc((size_t)options->bench, sizeof *ours),
	       *floor = calloc((size_t)options->bench, sizeof *floor);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const char *cwd = options->plan.workspaces[0].path;

	for (int i = 0; i < options->bench; i++) {
		struct client_outcome outcome;
		double start = now_us();

		client_wait(client,
			    client_command(client, door, cwd, options->argv, envp, options->shell, -1, null,
					   null),
			    &outcome);
		ours[i] = now_us() - start;
		if (outcome.type != KEEPER_ENDED || outcome.status)
			exit(3);
		floor[i] = spawn_one(options, envp);
	}
	print_times("in the sandbox", ours, options->bench);
	print_times("posix_spawn, unconfined", floor, options->bench);
	free(ours);
	free(floor);
}

/* One sandbox, which is gone again when this returns; what it took from the request to the door in us, or -1.
 */
static double build_one(struct client *client)
{
	struct frame_header header = {.type = SPAWNER_KILL};
	struct frame_descriptors descriptors;
	double start = now_us(), took;
	uint32_t pid;

	if (client_executor(client, SPAWNER_SANDBOX, &header.value, &pid, &descriptors))
		return -1;
	took = now_us() - start;
	frame_send(client->spawner, &header, NULL, 0, NULL, 0, 0);
	do
		if (!client_receive(client, &header, NULL, 10))
			return -1;
	while (header.type != SPAWNER_DIED);
	frame_descriptors_close(&descriptors);
	return took;
}

/* The kernel takes a dead sandbox's network namespace down afterwards, under a lock that making one needs. */
static void run_between(const struct options *options, char *const *envp, int between)
{
	for (int i = 0; i < between; i++)
		spawn_one(options, envp);
}

/* Of each spawner the second, for which none is built ahead: the first also starts the spawner. */
static double build_whole(const struct options *options, char *const *envp, int between)
{
	struct client client;
	double took;

	client_start(&client, &options->plan);
	took = build_one(&client);
	run_between(options, envp, between);
	if (took >= 0)
		took = build_one(&client);
	client_stop(&client);
	return took;
}

/* Of one spawner all from the third on. */
static double build_next(struct client *client, const struct options *options, char *const *envp, int between)
{
	run_between(options, envp, between);
	return build_one(client);
}

/* With `client` the next ones of its spawner, without it whole ones. */
static int bench_builds(struct client *client, const struct options *options, char *const *envp, int between,
			const char *prefix)
{
	int count = options->builds;
	double *took = calloc((size_t)count, sizeof *took);

	for (int i = client ? -2 : 0; i < count; i++) {
		double one = client ? build_next(client, options, envp, between)
				    : build_whole(options, envp, between);

		if (one < 0)
			return 3;
		if (i >= 0)
			took[i] = one;
	}
	qsort(took, (size_t)count, sizeof *took, by_value);
	printf("%sp50_us %.0f\n%sbest_us %.0f\n", prefix, took[count / 2], prefix, took[0]);
	free(took);
	return 0;
}

static struct client_outcome run(struct client *client, int door, const struct plan *plan, char *const *argv,
				 char *const *envp, bool shell)
{
	struct client_outcome outcome;

	client_wait(client,
		    client_command(client, door, plan->workspaces[0].path, argv, envp, shell, STDIN_FILENO,
				   STDOUT_FILENO, STDERR_FILENO),
		    &outcome);
	if (outcome.type == KEEPER_FAILED)
		fprintf(stderr, "failed step=%s target=%s errno=%s\n", outcome.step, outcome.target,
			err_name((int)outcome.value));
	else if (outcome.type == KEEPER_ENDED)
		fprintf(stderr, "ended %s=%d leftovers=%u user_us=%llu system_us=%llu peak=%llu\n",
			WIFSIGNALED(outcome.status) ? "signal" : "exit",
			WIFSIGNALED(outcome.status) ? WTERMSIG(outcome.status) : WEXITSTATUS(outcome.status),
			outcome.leftovers, (unsigned long long)outcome.user_us,
			(unsigned long long)outcome.system_us, (unsigned long long)outcome.peak_bytes);
	else
		fputs("lost\n", stderr);
	return outcome;
}

int main(int argc, char **argv)
{
	char *const envp[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin", (char *)"LANG=C.UTF-8",
			      (char *)"TMPDIR=/tmp", NULL};
	struct options options = {.orders = -1};
	struct frame_descriptors descriptors;
	struct client_outcome outcome;
	struct client client;
	uint32_t instance, pid;

	parse(&options, argc, argv);
	if (!options.plan.workspace_count)
		usage();
	if (options.builds && bench_builds(NULL, &options, envp, 25, "whole_"))
		return 3;
	client_start(&client, &options.plan);
	client.rows = options.rows;
	client.columns = options.columns;
	client.orders = options.orders;
	if (options.builds)
		return bench_builds(&client, &options, envp, 25, "") ||
		       bench_builds(&client, &options, envp, 0, "next_");
	int failure = client_executor(&client, SPAWNER_SANDBOX, &instance, &pid, &descriptors);

	if (failure) {
		client_stop(&client);
		return 3;
	}
	int door = frame_descriptors_take(&descriptors, 0);

	if (options.show)
		fprintf(stderr, "keeper %u\n", pid);
	if (options.bench) {
		bench(&client, door, &options, envp);
		return 0;
	}
	outcome = run(&client, door, &options.plan, options.argv, envp, options.shell);
	if (options.then) {
		char *const argv_then[] = {(char *)options.then, NULL};

		/* a nanny that is being killed may still take a request, which is lost with it */
		for (int tries = 0; tries < 10; tries++) {
			outcome = run(&client, door, &options.plan, argv_then, envp, true);
			if (outcome.type)
				break;
		}
	}
	client_stop(&client);
	plan_deinit(&options.plan);
	return outcome.type == KEEPER_ENDED ? 0 : 1;
}
