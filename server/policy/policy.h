/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_POLICY_POLICY_H
#define SALLYPORT_SERVER_POLICY_POLICY_H

/*
 * The policy: a JSON document that a person wrote, or the defaults compiled in. It is read once, before the
 * first byte from the host, checked against one table of keys (keys.h), and never changed afterwards. What is
 * decided here is turned into the sandboxes' plan by compile.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"

struct policy_list {
	char **items; /* owned, and each of them */
	size_t count;
	bool given; /* an empty list that was given is not the same as none (network.allowedDomains) */
};

struct policy_objects {
	void *items; /* owned: `count` objects of the key's size */
	size_t count;
};

struct policy_methods { /* one of network.methods */
	char *domain;
	struct policy_list methods;
};

struct policy_inject { /* one of network.inject: exactly one of file and environment is given */
	char *domain, *header, *prefix, *file, *environment;
	bool plaintext;
};

enum policy_lifetime { POLICY_LIFETIME_SERVER, POLICY_LIFETIME_CALL };

struct policy {
	char sha256[65]; /* of the file's bytes; of policy_show()'s text for the defaults */
	bool allow_git_config;
	bool http_open;                                        /* no token is needed */
	struct policy_list allow_write, deny_read, deny_write; /* paths as written: absolute or below ~ */
	struct policy_list allowed_domains, denied_domains;    /* as written; each has passed rules.h */
	struct policy_list require_layers;
	struct policy_objects methods, injects; /* struct policy_methods, struct policy_inject */
	char *user_agent;                       /* NULL: the program's own name */
	bool robots;
	int64_t require_profile;  /* enum confinement, less CONFINEMENT_FULL */
	int64_t answer_within_ms; /* 0: not given, the host's name decides */
	int64_t result_bytes;
	int64_t processes, files, file_bytes, data_bytes, temporary_bytes, temporary_files;
	int64_t network_bytes;
	int64_t command_count, commands_at_once, command_ms, command_kept_ms, output_bytes;
	int64_t download_bytes;
	int64_t terminal_rows, terminal_columns;
	int64_t memory_bytes, cpu_thousandths; /* 0: not given */
	int64_t http_body_bytes, http_calls, http_rate_thousandths, http_sessions, http_streams;
	int64_t sandbox_idle_ms, sandbox_maximum;
	int64_t sandbox_lifetime; /* POLICY_LIFETIME_* */
};

void policy_init(struct policy *policy); /* the defaults, without a hash */
void policy_deinit(struct policy *policy);

/* The defaults with their hash: that of their text as policy_show() writes it. */
void policy_default(struct policy *policy);

/*
 * Reads and checks a policy. `policy` was initialised; on failure it holds defaults. Returns 0, -EINVAL for
 * mistakes in the text, another -errno when the file cannot be used (not a regular file, too large, ...).
 *
 * err names the first mistake ("policy.json:3:5: unknown key ..."). `problems`, if not NULL, receives all of
 * them, a line each, at most LIMIT_POLICY_PROBLEMS.
 */
int policy_read(struct policy *policy, const char *path, struct buffer *problems, struct err *err);
/* The same for text that is already in memory; `name` stands for the file in messages. */
int policy_parse(struct policy *policy, const char *text, size_t length, const char *name,
		 struct buffer *problems, struct err *err);

/* The effective policy, defaults included, as a policy document (what it prints, policy_parse accepts). A key
 * without a fixed default that was not given is left out. 0, -ENOMEM, -EMSGSIZE. */
int policy_show(const struct policy *policy, struct buffer *out);

/* The JSON Schema (2020-12) of a policy document. 0, -ENOMEM, -EMSGSIZE. */
int policy_schema(struct buffer *out);

#endif
