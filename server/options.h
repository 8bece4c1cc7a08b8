/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_OPTIONS_H
#define SALLYPORT_SERVER_OPTIONS_H

/*
 * The command line. One table of options (options.c) and one of subcommands (main.c) give parsing, checking
 * and every --help. Only the form of a value is checked here; whether a workspace exists is config.h's
 * business.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/error.h"
#include "protocol/limits.h"

/* Exit codes, the same for every subcommand. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,      /* the command line, or what it names: a workspace, a policy */
	EXIT_UNCONFINED = 3, /* the confinement that the policy wants is not to be had here */
};

/* Which options a subcommand takes. */
#define OPTION_WORKSPACE     0x01
#define OPTION_POLICY        0x02
#define OPTION_ANSWER_WITHIN 0x04
#define OPTION_RESULT_LIMIT  0x08
#define OPTION_JSON          0x10
#define OPTION_LISTEN        0x20
#define OPTION_TOKEN_FILE    0x40
#define OPTION_HOST          0x80
#define OPTION_ORIGIN        0x100
#define OPTION_SESSION_KEY   0x200
#define OPTION_TLS_CERT      0x400
#define OPTION_TLS_KEY       0x800
#define OPTION_ALLOW_UID     0x1000
#define OPTION_INSTANCE      0x2000
#define OPTION_REQUEST_TIME  0x10000
#define OPTION_METRICS_FILE  0x20000
#define OPTION_LOG_FORMAT    0x40000
#define OPTION_LOG_REQUESTS  0x80000
/* What decides the sandbox: taken by everything that runs or foretells a call. */
#define OPTIONS_SERVER (OPTION_WORKSPACE | OPTION_POLICY | OPTION_ANSWER_WITHIN | OPTION_RESULT_LIMIT)

#define OPTIONS_HTTP                                                                                         \
	(OPTIONS_SERVER | OPTION_LISTEN | OPTION_TOKEN_FILE | OPTION_HOST | OPTION_ORIGIN |                  \
	 OPTION_SESSION_KEY | OPTION_TLS_CERT | OPTION_TLS_KEY | OPTION_ALLOW_UID | OPTION_INSTANCE |        \
	 OPTION_REQUEST_TIME | OPTION_METRICS_FILE | OPTION_LOG_FORMAT | OPTION_LOG_REQUESTS)

#define OPTIONS_OPERANDS 3
#define OPTIONS_NAMES    16 /* of hosts, of origins, and of users */

struct options {
	const char *workspaces[LIMIT_WORKSPACES]; /* as written, with :ro or :rw if that was there */
	size_t workspace_count;
	const char *policy;                     /* file, or NULL */
	uint32_t answer_within_ms;              /* 0: not given */
	uint32_t request_ms;                    /* 0: not given */
	uint64_t result_bytes;                  /* 0: not given */
	const char *listen;                     /* as written, or NULL */
	const char *session_key;                /* file, or NULL */
	const char *token_file;                 /* or NULL */
	const char *tls_cert, *tls_key;         /* files; both or none */
	const char *users[OPTIONS_NAMES + 1];   /* numbers or names, ended by NULL */
	const char *instance;                   /* or NULL */
	const char *metrics_file;               /* or NULL */
	const char *hosts[OPTIONS_NAMES + 1];   /* ended by NULL */
	const char *origins[OPTIONS_NAMES + 1]; /* ended by NULL */
	bool json;
	bool log_json, log_requests;
	bool help;
	bool workspace_optional; /* set by a subcommand: without --workspace an unfit current directory is
				    none */
	char **argv;             /* the subcommand's last word and all behind it, ended by NULL */
	const char *operands[OPTIONS_OPERANDS]; /* NULL where there is none */
	size_t operand_count;
};

struct subcommand {
	const char *name;     /* one word or two: "policy show" */
	const char *operands; /* for the usage line: "TOOL ['{...}']", or "" */
	const char *summary;  /* one line */
	const char *detail;   /* a paragraph */
	const char *example;  /* one line or several, each beginning with "sallyport " */
	unsigned options;     /* OPTION_* */
	size_t operands_min, operands_max;
	int (*run)(const struct options *options); /* returns an exit code */
};

/* Sorted by name; ends with a name of NULL. In main.c; a test checks the order. */
extern const struct subcommand subcommands[];

/*
 * Finds the subcommand that argv[1] (and argv[2]) name; *used receives how many words that took. NULL with a
 * sentence when there is none.
 */
const struct subcommand *options_subcommand(const struct subcommand *table, int argc, char **argv, int *used,
					    struct err *err);

/*
 * Parses what follows the subcommand, whose last word is argv[-1]. Strings are borrowed from argv. Returns 0
 * or -EINVAL with a sentence. With --help anywhere nothing else is checked.
 */
int options_parse(struct options *options, const struct subcommand *subcommand, int argc, char **argv,
		  struct err *err);

/* The whole --help of a subcommand, and of the program. */
void options_help(FILE *out, const struct subcommand *subcommand, bool colour);
void options_overview(FILE *out, const struct subcommand *table, bool colour);

#endif
