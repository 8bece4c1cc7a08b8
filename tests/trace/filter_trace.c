/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares the allow-lists of our programs (sandbox/filter/) with what they do: runs a server, or
 * sandbox-run, and follows frontends, opener, files, search, web and broker, with their threads, from the
 * moment when their filter holds. At the end it appends to a file in FOLDER one line for each rule of each
 * program that it saw, with how often that rule decided, and what was given to the calls. tests/trace/run
 * adds up many such files.
 *
 * usage: filter-trace FOLDER PROGRAM [ARGUMENT]...
 *
 * The program stays what its starter takes it for: it keeps its pid and its parent, and whoever traces is a
 * process aside, in a session of its own, with none of its descriptors. Keepers and all below them are let go
 * at once, so commands run at full speed.
 *
 * Lines:   rule ROLE CALL CONDITIONS COUNT
 *          given ROLE CALL ARGUMENT VALUE|many COUNT     values of the low half, as far as there are few
 *          beside ROLE CALL COUNT                        what no rule names
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/filter/table.h"

#define RULES     512
#define CALLS     512 /* system calls by number: newer ones are beside every list anyway */
#define VALUES    24
#define PROCESSES 4096

/* Places in roles[]. */
enum { FRONTEND, HTTP, OPENER };

/* A program with an allow-list, and what was seen of it. */
struct role {
	const char *name;
	const char *program; /* of the file, or what the process calls itself; NULL: the first process */
	const struct filter_table *table;
	const struct table_rule *rules[RULES];
	size_t rule_count;
	unsigned long decided[RULES];
	unsigned long beside[CALLS];
	struct {
		uint32_t values[VALUES];
		unsigned long counts[VALUES];
		size_t count; /* VALUES: many */
	} given[CALLS][6];
	bool seen;
};

static struct role roles[] = {
	{.name = "frontend", .table = &filter_table_frontend},
	{.name = "http", .program = "sallyport-http", .table = &filter_table_http},
	{.name = "opener", .program = "sallyport-open", .table = &filter_table_opener},
	{.name = "files", .program = "sallyport-files", .table = &filter_table_files},
	{.name = "search", .program = "sallyport-search", .table = &filter_table_search},
	{.name = "web", .program = "sallyport-web", .table = &filter_table_web},
	{.name = "broker", .program = "sallyport-broker", .table = &filter_table_broker},
};

/* What is followed. */
struct process {
	pid_t pid;
	struct role *role; /* NULL: not one of them, or not yet */
	bool sealed;       /* its filter holds */
	bool loading;      /* in a call that may make it hold */
};

static struct process processes[PROCESSES];
static char *calls[CALLS]; /* names by number; NULL: none */

static void add_rules(struct role *role, const struct table_rule *rules)
{
	for (; rules->call && role->rule_count < RULES; rules++)
		role->rules[role->rule_count++] = rules;
}

static void prepare(struct role *role)
{
	for (const struct table_group *group = role->table->groups; group->rules; group++)
		add_rules(role, group->rules);
#ifdef SALLYPORT_SANITIZED
	add_rules(role, rules_sanitizers);
#endif
}

static struct process *find(pid_t pid)
{
	for (size_t i = 0; i < PROCESSES; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	return NULL;
}

/* A number in /proc/PID/status. */
static pid_t status_number(pid_t pid, const char *key)
{
	char path[64], line[256];
	long number = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (!strncmp(line, key, strlen(key)))
			number = strtol(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return (pid_t)number;
}

/* A thread is what its process is. A child of the frontend over HTTP may become the opener, which executes
 * nothing. */
static void inherit(struct process *process)
{
	pid_t leader = status_number(process->pid, "Tgid:");
	const struct process *from =
		find(leader == process->pid ? status_number(process->pid, "PPid:") : leader);

	if (!from || from == process || !from->role)
		return;
	if (leader != process->pid) {
		process->role = from->role;
		process->sealed = from->sealed;
	} else if (from->role == &roles[HTTP]) {
		process->role = &roles[OPENER];
	}
}

static struct process *find_or_add(pid_t pid)
{
	struct process *process = find(pid);

	if (!process && (process = find(0))) {
		*process = (struct process){.pid = pid};
		inherit(process);
	}
	return process;
}

static bool holds(const struct table_rule *rule, const uint64_t *arguments)
{
	for (size_t i = 0; i < TABLE_CONDITIONS && rule->when[i].test != TEST_NONE; i++) {
		const struct table_condition *when = &rule->when[i];
		bool equal = (arguments[when->argument] & when->mask) == when->value;

		if (equal != (when->test == TEST_EQUAL))
			return false;
	}
	return true;
}

static void note_arguments(struct role *role, uint64_t number, const uint64_t *arguments)
{
	for (size_t i = 0; i < 6; i++) {
		uint32_t value = (uint32_t)arguments[i];
		size_t at = 0;

		while (at < role->given[number][i].count && role->given[number][i].values[at] != value)
			at++;
		if (at == VALUES)
			continue;
		if (at == role->given[number][i].count)
			role->given[number][i].values[role->given[number][i].count++] = value;
		role->given[number][i].counts[at]++;
	}
}

/* A call under the filter: which rule decides it. */
static void note_call(struct role *role, uint64_t number, const uint64_t *arguments)
{
	const char *call = number < CALLS ? calls[number] : NULL;

	role->seen = true;
	if (number >= CALLS)
		return;
	note_arguments(role, number, arguments);
	for (size_t i = 0; call && i < role->rule_count; i++)
		if (!strcmp(role->rules[i]->call, call) && holds(role->rules[i], arguments)) {
			role->decided[i]++;
			return;
		}
	role->beside[number]++;
}

/* Another program: one of ours with a list, one that starts those, or one that is let go. */
static bool note_program(struct process *process)
{
	char link[64], path[4096];
	ssize_t length;
	const char *name;

	snprintf(link, sizeof link, "/proc/%d/exe", process->pid);
	length = readlink(link, path, sizeof path - 1);
	path[length < 0 ? 0 : length] = '\0';
	name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (process->role !=
	    &roles[FRONTEND]) /* the first process has its role before it executes anything */
		process->role = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (roles[i].program && !strcmp(name, roles[i].program))
			process->role = &roles[i];
	return process->role || !strcmp(name, "sallyport-spawner");
}

/* Its filter holds. */
static void note_seal(struct process *process)
{
	char path[64], name[32] = "";
	_cleanup_fd_ int fd = -1;

	snprintf(path, sizeof path, "/proc/%d/comm", process->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (process->role == &roles[OPENER] &&
	    (fd < 0 || read(fd, name, sizeof name - 1) < 0 ||
	     strncmp(name, roles[OPENER].program, strlen(roles[OPENER].program)) != 0)) {
		process->role = NULL; /* the spare */
		return;
	}
	process->sealed = true;
}

static void note_stop(struct process *process)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof info, &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		uint64_t arguments[6];

		for (size_t i = 0; i < ARRAY_SIZE(arguments); i++)
			arguments[i] = info.entry.args[i];
		process->loading =
			(info.entry.nr == SYS_seccomp && info.entry.args[0] == SECCOMP_SET_MODE_FILTER) ||
			(info.entry.nr == SYS_prctl && info.entry.args[0] == PR_SET_SECCOMP);
		if (process->sealed)
			note_call(process->role, info.entry.nr, arguments);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && process->loading && !info.exit.is_error) {
		note_seal(process);
	}
}

/* One stop of one process, and on it goes; or it is let go. */
static void handle(struct process *process, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status);
	int on = process->role ? PTRACE_SYSCALL : PTRACE_CONT;

	if (event == PTRACE_EVENT_EXEC) {
		if (!note_program(process)) {
			ptrace(PTRACE_DETACH, process->pid, 0, 0);
			process->pid = 0;
			return;
		}
		on = process->role ? PTRACE_SYSCALL : PTRACE_CONT;
	} else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
		on = PTRACE_LISTEN; /* stopped by a signal, and stays so */
	} else if (!event && signal == (SIGTRAP | 0x80)) {
		note_stop(process);
	} else if (!event) {
		ptrace(on, process->pid, 0, signal);
		return;
	}
	ptrace(on, process->pid, 0, 0);
}

static void print_condition(FILE *file, const struct table_condition *when)
{
	fprintf(file, "[%u]", when->argument);
	if (when->mask != LOW)
		fprintf(file, "&%#llx", (unsigned long long)when->mask);
	fprintf(file, "%s%#llx", when->test == TEST_EQUAL ? "==" : "!=", (unsigned long long)when->value);
}

static void print_role(FILE *file, const struct role *role)
{
	for (size_t i = 0; i < role->rule_count; i++) {
		const struct table_rule *rule = role->rules[i];

		fprintf(file, "rule %s %s ", role->name, rule->call);
		fputs(rule->action == TABLE_ALLOW ? "allow" : "refuse", file);
		for (size_t j = 0; j < TABLE_CONDITIONS && rule->when[j].test != TEST_NONE; j++)
			print_condition(file, &rule->when[j]);
		fprintf(file, " %lu\n", role->decided[i]);
	}
	for (int number = 0; number < CALLS; number++) {
		const char *call = calls[number];

		if (role->beside[number])
			fprintf(file, "beside %s %s %lu\n", role->name, call ? call : "?",
				role->beside[number]);
		for (int i = 0; i < 6; i++)
			for (size_t at = 0; at < role->given[number][i].count; at++)
				fprintf(file, "given %s %s %d %#x %lu\n", role->name, call ? call : "?", i,
					role->given[number][i].values[at], role->given[number][i].counts[at]);
	}
}

static int print_all(const char *folder)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%d.XXXXXX", folder, getpid());
	int fd = mkostemp(path, O_CLOEXEC);

	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (roles[i].seen)
			print_role(file, &roles[i]);
	return fclose(file) != 0;
}

/* Aside: follows `first` and what it starts until nothing of it is left. */
static int trace(const char *folder, pid_t first, int told)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		prepare(&roles[i]);
	for (int number = 0; number < CALLS; number++)
		calls[number] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	if (setsid() < 0 || ptrace(PTRACE_SEIZE, first, 0, options) < 0)
		return 1;
	processes[0] = (struct process){.pid = first, .role = &roles[0]};
	close_range(3, (unsigned)told - 1, 0);
	close_range((unsigned)told + 1, ~0u, 0);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	close(told); /* end of file: it is being followed */
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		struct process *process;

		if (pid < 0 && errno != EINTR)
			return print_all(folder);
		process = pid > 0 ? find_or_add(pid) : NULL;
		if (process && WIFSTOPPED(status))
			handle(process, status);
		else if (process)
			process->pid = 0;
	}
}

int main(int argc, char **argv)
{
	_cleanup_fd_ int told = -1;
	int pipe_[2], status;
	pid_t self = getpid(), pid;
	char byte;

	if (argc < 3 || pipe2(pipe_, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return 125;
	if (pid == 0) {
		/* twice, so that the program has no child that it did not start */
		_exit(fork() ? 0 : trace(argv[1], self, pipe_[1]));
	}
	told = pipe_[0];
	close(pipe_[1]);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	if (waitpid(pid, &status, 0) < 0 || read(told, &byte, 1) < 0)
		return 125;
	execv(argv[2], argv + 2);
	return 126;
}
