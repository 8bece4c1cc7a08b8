/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_FILTER_TABLE_H
#define SALLYPORT_SANDBOX_FILTER_TABLE_H

/*
 * seccomp filters as tables: what a program may do, by the names of system calls, to be read by people. The
 * generator (generate.c) turns them into BPF for the target architecture at build time; no program links
 * libseccomp. Native code: the tables never reach a program themselves.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum table_action {
	TABLE_ALLOW,
	TABLE_REFUSE,  /* with `error` */
	TABLE_PRETEND, /* nothing happens, and the caller hears 0 */
	TABLE_KILL,    /* the process */
	TABLE_NOTIFY,  /* the keeper performs it (sandbox/notify/) */
};

enum table_test {
	TEST_NONE,
	TEST_EQUAL,    /* (argument & mask) == value */
	TEST_NOT_EQUAL /* (argument & mask) != value */
};

/* Arguments are compared in the width that the kernel reads them: a mask without high half ignores it. One
 * condition tests one half; an argument of 64 bits takes two. */
struct table_condition {
	enum table_test test;
	unsigned argument;
	uint64_t mask, value;
};

#define TABLE_CONDITIONS 6

struct table_rule {
	const char *call;
	enum table_action action;
	int error;
	struct table_condition when[TABLE_CONDITIONS]; /* all must hold; none: always */
	bool legacy; /* only older architectures have it (x86-64 does, arm64 does not) */
};

/* Rules for one purpose. The first rule of a call that holds decides, across groups in their order. */
struct table_group {
	const char *purpose;
	const struct table_rule *rules; /* ends with a call of NULL */
};

struct filter_table {
	const char *name;            /* as in enum filter_name, in lower case */
	enum table_action otherwise; /* for every call without a rule that holds; REFUSE means EPERM */
	const char *newest; /* NULL, or: calls with higher numbers answer ENOSYS, as a kernel without them
			       would */
	bool ours;          /* a program of ours: gets the sanitizers' group in sanitized builds */
	const struct table_group *groups; /* ends with rules of NULL */
	const struct filter_table *base;  /* whose groups follow behind, or NULL */
};

extern const struct filter_table filter_table_command, filter_table_frontend, filter_table_http,
	filter_table_opener, filter_table_files, filter_table_search, filter_table_web, filter_table_broker,
	filter_table_spawner, filter_table_container, filter_table_container_network,
	filter_table_gap_truncate, filter_table_gap_signals, filter_table_nanny, filter_table_notify,
	filter_table_notify_all, filter_table_notify_signals, filter_table_notify_all_signals,
	filter_table_notify_connect, filter_table_notify_all_connect, filter_table_notify_signals_connect,
	filter_table_notify_all_signals_connect;

/* What several programs of ours do (common.c). */
extern const struct table_rule rules_memory[], rules_end[], rules_clock[], rules_polling[], rules_epoll[],
	rules_facts[], rules_rings[], rules_in_vain[];
/* What neither commands nor whoever builds their sandboxes needs (command.c). */
extern const struct table_rule rules_other_processes[], rules_kernel_surface[], rules_administration[],
	rules_devices[], rules_sockets[];
/* What address and undefined behaviour sanitizers need besides; only in sanitized builds. */
extern const struct table_rule rules_sanitizers[];

/* ---- shorthands of the tables ---- */

#define ALLOW(name)                                                                                          \
	{                                                                                                    \
		.call = name, .action = TABLE_ALLOW                                                          \
	}
#define ALLOW_LEGACY(name)                                                                                   \
	{                                                                                                    \
		.call = name, .action = TABLE_ALLOW, .legacy = true                                          \
	}
#define REFUSE(name, errno_)                                                                                 \
	{                                                                                                    \
		.call = name, .action = TABLE_REFUSE, .error = errno_                                        \
	}
#define PRETEND(name)                                                                                        \
	{                                                                                                    \
		.call = name, .action = TABLE_PRETEND                                                        \
	}
#define NOTIFY(name)                                                                                         \
	{                                                                                                    \
		.call = name, .action = TABLE_NOTIFY                                                         \
	}
#define NOTIFY_LEGACY(name)                                                                                  \
	{                                                                                                    \
		.call = name, .action = TABLE_NOTIFY, .legacy = true                                         \
	}
#define REFUSE_LEGACY(name, errno_)                                                                          \
	{                                                                                                    \
		.call = name, .action = TABLE_REFUSE, .error = errno_, .legacy = true                        \
	}

/* The kernel reads int and unsigned arguments from the low half of the register and ignores the rest. */
#define LOW  0xffffffffull
#define HIGH (LOW << 32)
#define IS(argument_, value_)                                                                                \
	{                                                                                                    \
		TEST_EQUAL, argument_, LOW, (uint32_t)(value_)                                               \
	}
#define IS_NOT(argument_, value_)                                                                            \
	{                                                                                                    \
		TEST_NOT_EQUAL, argument_, LOW, (uint32_t)(value_)                                           \
	}
#define HAS(argument_, bits)                                                                                 \
	{                                                                                                    \
		TEST_NOT_EQUAL, argument_, bits, 0                                                           \
	}
#define LACKS(argument_, bits)                                                                               \
	{                                                                                                    \
		TEST_EQUAL, argument_, bits, 0                                                               \
	}
#define MASKED(argument_, mask_, value_)                                                                     \
	{                                                                                                    \
		TEST_EQUAL, argument_, mask_, value_                                                         \
	}

#endif
