/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_PROFILE_H
#define SALLYPORT_SANDBOX_PROFILE_H

/*
 * Profiles as data: for each kind of executor, and for each confinement that it can be built with, which
 * program it is, which namespaces it gets and what each layer makes of it. sandbox/build.c applies whatever
 * the row says.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/executor.h"
#include "sandbox/filter/filter.h"

enum profile_view {
	VIEW_NOTHING,    /* an empty root that cannot be written */
	VIEW_WORKSPACES, /* the workspaces as /0, /1, ... and nothing else */
	VIEW_SYSTEM      /* what a command needs (sandbox/layers/mounts.c) */
};

/* The layers that not every row has; all others are in each. sandbox/build.c holds the order. */
enum profile_layer {
	LAYER_NETWORK = 1 << 0,    /* lo in a network namespace of its own */
	LAYER_MOUNTS = 1 << 1,     /* a view of its own */
	LAYER_NAMESPACES = 1 << 2, /* started by root: the user namespace, entered last */
	LAYER_WORKSPACES = 1 << 3, /* where nothing is mounted: the workspaces, opened where they are */
	LAYER_PRIVATE = 1 << 4,    /* where nothing is mounted: a /tmp and a home made by the spawner */
	LAYER_SUPERVISOR = 1 << 6, /* the keeper judges and performs what makes names (sandbox/notify/) */
	LAYER_GAPS = 1 << 5,       /* where nothing is mounted: filters for what an old Landlock lacks */
	LAYER_SIGNALS = 1 << 7,    /* the same of signals, which the supervisor judges */
	LAYER_REACH =
		1 << 8, /* no network of their own: the broker connects for commands, by the supervisor */
};

struct profile {
	enum executor_profile executor;
	enum confinement confinement;
	const char *name;    /* for people and for SPAWNER_FAILED */
	const char *program; /* beside this one (program_open) */
	unsigned layers;     /* LAYER_* that it has */
	unsigned namespaces; /* CLONE_NEW* besides the user namespace; 0: not even that one */
	enum profile_view view;
	enum filter_name filter;
	bool read_only;       /* workspaces that the policy lets others write are not written here */
	bool workspace_owner; /* as root: acts as the owner of the first workspace, not as a stranger */
	bool keep_stderr;     /* 2 stays the host's stderr; otherwise /dev/null */
	bool keep_setup;      /* the setup socket stays open, as a lifeline */
	bool command_limits;  /* rlimits from the plan, not those of our own programs */
	size_t channels;      /* descriptors from EXECUTOR_CHANNEL on */
	unsigned files;       /* RLIMIT_NOFILE, of our own programs */
};

/* NULL for numbers that are none. */
const struct profile *profile_find(enum executor_profile executor, enum confinement confinement);
/* Whether commands have this layer (a name of confinement_layers) under that confinement. */
bool profile_has(enum confinement confinement, const char *layer);

#endif
