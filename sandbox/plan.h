/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_PLAN_H
#define SALLYPORT_SANDBOX_PLAN_H

/*
 * The plan: what the sandboxes of this server are to look like, decided by the frontend from command line and
 * policy before it reads a byte from the host, and never changed afterwards. It travels to the spawner and on
 * to keeper and executors as one sealed memfd of frame fields; a receiver checks it like any other frame.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "sandbox/confinement.h"

struct plan_path {
	char *path; /* absolute, canonical */
	bool write;
};

struct plan_rule {     /* one entry of network.allowedDomains / deniedDomains */
	char *host;    /* "example.org", "*.example.org", an address in canonical text, "localhost" */
	uint16_t port; /* 0: any of the defaults (80, 443) */
};

/* Methods of fetch_url: a set of bits 1 << PLAN_METHOD_*. */
enum plan_method {
	PLAN_METHOD_GET,
	PLAN_METHOD_HEAD,
	PLAN_METHOD_POST,
	PLAN_METHOD_PUT,
	PLAN_METHOD_PATCH,
	PLAN_METHOD_DELETE,
	PLAN_METHOD_OPTIONS
};
#define PLAN_METHODS (PLAN_METHOD_OPTIONS + 1)

struct plan_methods { /* one entry of network.methods */
	struct plan_rule rule;
	uint32_t methods;
};

struct plan_inject { /* one entry of network.inject, without the secret: that is in no plan (injects.h) */
	struct plan_rule rule;
	char *header;
	bool plaintext; /* also over http */
};

struct plan {
	struct plan_path *workspaces; /* first: where relative paths start */
	size_t workspace_count;
	struct plan_path
		*extra; /* filesystem.allowWrite and readable places beyond the system's (PATH directories) */
	size_t extra_count;
	char **protect; /* relative to each workspace or absolute: readable, never writable */
	size_t protect_count;
	char **hide; /* filesystem.denyRead: absolute, invisible */
	size_t hide_count;
	char *home;          /* HOME of commands: an empty writable directory at that path inside */
	char *config_home;   /* XDG_CONFIG_HOME of the person; NULL: not set */
	char *search_path;   /* PATH of commands */
	bool network_listed; /* network.allowedDomains was given, even if empty */
	struct plan_rule *allowed;
	size_t allowed_count;
	struct plan_rule *denied;
	size_t denied_count;
	struct plan_methods *methods;
	size_t method_count;
	struct plan_inject *injects;
	size_t inject_count;
	char *user_agent;            /* of fetch_url and download_file */
	bool robots;                 /* fetch_url obeys robots.txt */
	uint32_t command_processes;  /* RLIMIT_NPROC-like bound inside a sandbox */
	uint32_t command_files;      /* RLIMIT_NOFILE */
	uint64_t command_file_bytes; /* RLIMIT_FSIZE */
	uint64_t command_data_bytes; /* RLIMIT_DATA */
	uint64_t temporary_bytes;    /* size of a sandbox's /tmp, home and /dev/shm, each */
	uint64_t temporary_files;    /* inodes of it */
	uint64_t memory_bytes;       /* of all of a sandbox together; 0: three quarters of what there is */
	uint32_t cpu_thousandths;    /* of a processor's time, the same; 0: no bound */
	uint64_t network_bytes;      /* of its commands in LIMIT_NETWORK_MS, both ways */
	uint32_t command_count;      /* of a caller, that have an id: running, and ended but kept */
	uint32_t commands_at_once;   /* running, of a caller */
	uint32_t command_ms;         /* after which one is killed */
	uint32_t command_kept_ms;    /* after its end or last read: then its output is forgotten */
	uint64_t output_bytes;       /* of one command, that are kept */
	uint64_t download_bytes;     /* most of one download_file */
	uint32_t terminal_rows, terminal_columns;
	uint32_t sandbox_maximum; /* at once, of all callers */
	uint32_t sandbox_idle_ms; /* without a call, then sandboxes and executors end */
	bool sandbox_per_call;    /* sandbox.lifetime is "call": each call gets one of its own */
	uint64_t result_bytes;    /* --result-limit: bulk text of one answer */
	char *scratch;            /* where sandboxes without mounts get their own /tmp and home; NULL: /tmp */
	enum confinement require_profile; /* below it every call is refused */
	char **require_layers;            /* without one of these too: names of confinement_layers */
	size_t require_layer_count;
	char policy_sha256[65];
};

void plan_init(struct plan *plan); /* defaults of a server without a policy; no workspaces */
void plan_deinit(struct plan *plan);

/* Adders copy. 0 or -ENOMEM. */
int plan_add_path(struct plan_path **list, size_t *count, const char *path, bool write);
int plan_add_text(char ***list, size_t *count, const char *text);
int plan_add_rule(struct plan_rule **list, size_t *count, const char *host, uint16_t port);
int plan_add_methods(struct plan *plan, const char *host, uint16_t port, uint32_t methods);
int plan_add_inject(struct plan *plan, const char *host, uint16_t port, const char *header, bool plaintext);

/*
 * Makes what is bounded singly fit into the memory that a sandbox may use: /tmp, home and /dev/shm, bytes and
 * inodes, take three quarters at most, so that what no process's end frees never fills it. Without a group
 * one process's memory is bounded by memory_bytes too.
 */
void plan_fit_memory(struct plan *plan, uint64_t memory, bool grouped);

int plan_encode(const struct plan *plan, struct buffer *payload);
int plan_decode(struct plan *plan, const void *payload, size_t length, struct err *err);
/* As a sealed memfd and back. plan_open returns the descriptor or -errno. */
int plan_open(const struct plan *plan, struct err *err);
int plan_read(struct plan *plan, int memfd, struct err *err);

#endif
