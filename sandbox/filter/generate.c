/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter-generate ARCHITECTURE [sanitized]: writes the filters for that architecture as C, to standard
 * output. Runs on the build machine, at build time.
 *
 * libseccomp gives the numbers of the calls; the code is laid out here, as a search tree over them with a few
 * calls a leaf. libseccomp's own generator cannot say "none of these values" (personality), "answer ENOSYS
 * above the newest", nor "the first rule that holds". For a call that is always allowed the kernel remembers
 * that (Linux 5.11) and runs no filter; but to learn it, it tries every number there is when the filter is
 * loaded, which through a list costs more than all else of a small program's start.
 *
 * What a table says of legacy calls is checked: a rule whose call the architecture lacks is an error unless
 * it is marked, and so is a mark that is wrong. A typing error cannot become a hole.
 */
#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/filter/table.h"

#define X32_BIT 0x40000000u
#define LEAF    4 /* calls of a leaf, looked at one after the other */

struct architecture {
	const char *name; /* as Meson spells it */
	uint32_t token;   /* libseccomp's, which is the kernel's AUDIT_ARCH */
	bool legacy;      /* has the calls that newer ones dropped */
	bool x32;
};

static const struct architecture architectures[] = {
	{"x86_64", SCMP_ARCH_X86_64, true, true},
	{"aarch64", SCMP_ARCH_AARCH64, false, false},
};

struct call {
	int number;
	size_t first; /* of its rules */
};

struct generator {
	const struct architecture *architecture;
	const struct filter_table *table;
	struct sock_filter code[BPF_MAXINSNS];
	size_t length;
	const struct table_rule *rules[1024]; /* all of the table, in order */
	size_t rule_count;
	struct call calls[1024]; /* sorted by number */
	size_t call_count;
};

static _Noreturn void fail(const struct generator *generator, const char *call, const char *what)
{
	fprintf(stderr, "filter-generate: %s: %s: %s\n", generator->table->name, call, what);
	exit(1);
}

static void emit(struct generator *generator, uint16_t code, uint8_t yes, uint8_t no, uint32_t value)
{
	if (generator->length == BPF_MAXINSNS)
		fail(generator, "", "the filter is longer than the kernel takes");
	generator->code[generator->length++] = (struct sock_filter){code, yes, no, value};
}

static void emit_load(struct generator *generator, size_t offset)
{
	emit(generator, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void emit_end(struct generator *generator, enum table_action action, int error)
{
	uint32_t value = action == TABLE_ALLOW     ? SECCOMP_RET_ALLOW
			 : action == TABLE_KILL    ? SECCOMP_RET_KILL_PROCESS
			 : action == TABLE_NOTIFY  ? SECCOMP_RET_USER_NOTIF
			 : action == TABLE_PRETEND ? SECCOMP_RET_ERRNO
						   : SECCOMP_RET_ERRNO | (uint32_t)(error ? error : EPERM);

	emit(generator, BPF_RET | BPF_K, 0, 0, value);
}

/* The number of a call, or -1 when this architecture lacks it, as the table must have said. */
static int resolve(const struct generator *generator, const struct table_rule *rule)
{
	int number = seccomp_syscall_resolve_name_arch(generator->architecture->token, rule->call);

	if (number == __NR_SCMP_ERROR)
		fail(generator, rule->call, "there is no such call");
	if (number < 0 && !rule->legacy)
		fail(generator, rule->call,
		     "this architecture has no such call, and the table does not say so");
	if (number >= 0 && rule->legacy && !generator->architecture->legacy)
		fail(generator, rule->call, "is marked as legacy and is not");
	return number < 0 ? -1 : number;
}

static void collect(struct generator *generator, const struct table_rule *rules)
{
	for (; rules->call; rules++) {
		if (generator->rule_count == sizeof generator->rules / sizeof generator->rules[0])
			fail(generator, rules->call, "too many rules");
		generator->rules[generator->rule_count++] = rules;
	}
}

/* Other architectures' entry points end the process: their numbers mean something else. */
static void emit_prelude(struct generator *generator)
{
	emit_load(generator, offsetof(struct seccomp_data, arch));
	emit(generator, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, generator->architecture->token);
	emit_end(generator, TABLE_KILL, 0);
	emit_load(generator, offsetof(struct seccomp_data, nr));
	if (generator->architecture->x32) {
		emit(generator, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
		emit_end(generator, TABLE_KILL, 0);
	}
	if (generator->table->newest) {
		const struct table_rule newest = {.call = generator->table->newest};

		emit(generator, BPF_JMP | BPF_JGT | BPF_K, 0, 1, (uint32_t)resolve(generator, &newest));
		emit_end(generator, TABLE_REFUSE, ENOSYS);
	}
}

/* One rule: its conditions, each of which skips to the next rule, and its end. True if it had conditions. */
static bool emit_rule(struct generator *generator, const struct table_rule *rule)
{
	size_t skips[TABLE_CONDITIONS], count = 0;

	for (; count < TABLE_CONDITIONS && rule->when[count].test != TEST_NONE; count++) {
		const struct table_condition *when = &rule->when[count];
		bool equal = when->test == TEST_EQUAL;

		unsigned high = when->mask > UINT32_MAX ? 32 : 0; /* BPF loads and compares 32 bits */
		uint32_t mask = (uint32_t)(when->mask >> high), value = (uint32_t)(when->value >> high);

		if (when->argument > 5 || (uint64_t)mask << high != when->mask ||
		    (uint64_t)value << high != when->value)
			fail(generator, rule->call, "a condition tests one half of one of six arguments");
		emit_load(generator, offsetof(struct seccomp_data, args) + 8 * when->argument +
					     high / 8); /* little-endian */
		if (mask != UINT32_MAX)
			emit(generator, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
		skips[count] = generator->length;
		emit(generator, BPF_JMP | BPF_JEQ | BPF_K, equal ? 0 : 1, equal ? 1 : 0, value);
	}
	emit_end(generator, rule->action, rule->error);
	for (size_t i = 0; i < count; i++) {
		struct sock_filter *skip = &generator->code[skips[i]];
		size_t distance = generator->length - skips[i] - 1;

		if (distance > UINT8_MAX)
			fail(generator, rule->call, "too many conditions");
		*(skip->jf ? &skip->jf : &skip->jt) = (uint8_t)distance;
	}
	return count > 0;
}

/* All rules of one call; goes on behind them when it is another. */
static void emit_call(struct generator *generator, int number, size_t first)
{
	const char *call = generator->rules[first]->call;
	size_t start = generator->length;
	bool open = true;

	emit(generator, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (uint32_t)number);
	for (size_t i = first; i < generator->rule_count; i++) {
		if (strcmp(generator->rules[i]->call, call))
			continue;
		/* a rule behind an unconditional one would never be asked; across groups that is meant */
		if (open)
			open = emit_rule(generator, generator->rules[i]);
	}
	if (open)
		emit_end(generator, generator->table->otherwise, 0);
	if (generator->length - start - 1 > UINT8_MAX)
		fail(generator, call, "too many rules");
	generator->code[start].jf = (uint8_t)(generator->length - start - 1);
}

static bool always_allowed(const struct generator *generator, const struct call *call)
{
	const struct table_rule *rule = generator->rules[call->first];

	return rule->action == TABLE_ALLOW && rule->when[0].test == TEST_NONE;
}

/* A few calls: those with conditions one by one, those that are simply allowed share one end. */
static void emit_leaf(struct generator *generator, const struct call *calls, size_t count)
{
	size_t allowed = 0;

	for (size_t i = 0; i < count; i++) {
		if (always_allowed(generator, &calls[i]))
			allowed++;
		else
			emit_call(generator, calls[i].number, calls[i].first);
	}
	for (size_t i = 0, left = allowed; i < count; i++) {
		if (!always_allowed(generator, &calls[i]))
			continue;
		left--;
		emit(generator, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)left, left == 0,
		     (uint32_t)calls[i].number);
	}
	if (allowed)
		emit_end(generator, TABLE_ALLOW, 0);
	emit_end(generator, generator->table->otherwise, 0);
}

static void emit_tree(struct generator *generator, const struct call *calls, size_t count)
{
	size_t half = count / 2, jump;

	if (count <= LEAF) {
		emit_leaf(generator, calls, count);
		return;
	}
	/* a conditional jump reaches 255 instructions, the plain one behind it any number */
	emit(generator, BPF_JMP | BPF_JGE | BPF_K, 0, 1, (uint32_t)calls[half].number);
	jump = generator->length;
	emit(generator, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_tree(generator, calls, half);
	generator->code[jump].k = (uint32_t)(generator->length - jump - 1);
	emit_tree(generator, calls + half, count - half);
}

static int compare_calls(const void *a, const void *b)
{
	const struct call *first = a, *second = b;

	return (first->number > second->number) - (first->number < second->number);
}

static bool seen_before(const struct generator *generator, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(generator->rules[i]->call, generator->rules[index]->call))
			return true;
	return false;
}

static void generate(struct generator *generator, bool sanitized)
{
	for (const struct filter_table *table = generator->table; table; table = table->base)
		for (const struct table_group *group = table->groups; group->rules; group++)
			collect(generator, group->rules);
	if (sanitized && generator->table->ours)
		collect(generator, rules_sanitizers);
	emit_prelude(generator);
	for (size_t i = 0; i < generator->rule_count; i++) {
		int number = resolve(generator, generator->rules[i]);

		if (number >= 0 && !seen_before(generator, i))
			generator->calls[generator->call_count++] = (struct call){number, i};
	}
	qsort(generator->calls, generator->call_count, sizeof generator->calls[0], compare_calls);
	emit_tree(generator, generator->calls, generator->call_count);
}

static void print(const struct generator *generator)
{
	printf("static const struct sock_filter %s_code[] = {\n", generator->table->name);
	for (size_t i = 0; i < generator->length; i++) {
		const struct sock_filter *code = &generator->code[i];

		printf("\t{0x%02x, %u, %u, 0x%08x},\n", code->code, code->jt, code->jf, code->k);
	}
	printf("};\n\n");
}

int main(int argc, char **argv)
{
	/* in the order of enum filter_name */
	static const struct filter_table *const tables[] = {&filter_table_command,
							    &filter_table_frontend,
							    &filter_table_http,
							    &filter_table_opener,
							    &filter_table_files,
							    &filter_table_search,
							    &filter_table_web,
							    &filter_table_broker,
							    &filter_table_spawner,
							    &filter_table_container,
							    &filter_table_container_network,
							    &filter_table_gap_truncate,
							    &filter_table_gap_signals,
							    &filter_table_nanny,
							    &filter_table_notify,
							    &filter_table_notify_all,
							    &filter_table_notify_signals,
							    &filter_table_notify_all_signals,
							    &filter_table_notify_connect,
							    &filter_table_notify_all_connect,
							    &filter_table_notify_signals_connect,
							    &filter_table_notify_all_signals_connect};
	static struct generator generators[sizeof tables / sizeof tables[0]];
	const struct architecture *architecture = NULL;
	bool sanitized = argc > 2 && !strcmp(argv[2], "sanitized");

	for (size_t i = 0; argc > 1 && i < sizeof architectures / sizeof architectures[0]; i++)
		if (!strcmp(architectures[i].name, argv[1]))
			architecture = &architectures[i];
	if (!architecture) {
		fprintf(stderr,
			"filter-generate: no filters for %s: add the architecture here and to the tests\n",
			argc > 1 ? argv[1] : "no architecture");
		return 1;
	}
	printf("/* Made by filter-generate for %s from sandbox/filter/; not to be edited. */\n"
	       "#include \"sandbox/filter/filter.h\"\n\n",
	       architecture->name);
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		generators[i] = (struct generator){.architecture = architecture, .table = tables[i]};
		generate(&generators[i], sanitized);
		print(&generators[i]);
	}
	printf("const struct filter_program filter_programs[FILTER_COUNT] = {\n");
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		printf("\t{%s_code, %zu},\n", tables[i]->name, generators[i].length);
	printf("};\n");
	return fflush(stdout) || ferror(stdout);
}
