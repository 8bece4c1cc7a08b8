/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_SPAWNER_CGROUP_H
#define SALLYPORT_SANDBOX_SPAWNER_CGROUP_H

/*
 * Bounds on what all of a sandbox uses together, where the spawner may make groups of cgroup v2: in its own
 * group when nobody but our processes is in it (a systemd scope with Delegate=yes, a container with a
 * cgroupfs of its own), or as root at the top of the hierarchy. Where it may not, sandboxes are made without.
 *
 *	OUR GROUP/sallyport.PID          of the server whose frontend is PID
 *	OUR GROUP/sallyport.PID/server   where our own processes go if they stood in OUR GROUP, which must be
 *	                                 empty before it may hand controllers down (the kernel's rule)
 *	OUR GROUP/sallyport.PID/S-N      of the sandbox that is instance N of spawner S
 *
 * All of a sandbox is in one group, its keeper and nannies too: they are the smallest in it, so the kernel
 * takes them last, and when even that must be, what nothing else would free is freed with the sandbox. What
 * stays without a process (files in /tmp) is bounded below the group's memory (plan_fit_memory), so that a
 * full /tmp leaves room for the command that empties it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/plan.h"

struct cgroups {
	bool tried;
	pid_t frontend;         /* whose group it is */
	int parent, base;       /* OUR GROUP and this server's group in it; -1: none */
	bool top;               /* OUR GROUP is the hierarchy's top, where our own processes may stay */
	uint64_t bound;         /* bytes of memory that OUR GROUP itself may use; UINT64_MAX: all */
	bool memory, pids, cpu; /* controllers that bind in it */
	char handed[32];        /* those that were not handed down before we came: taken back at the end */
	bool leftover;          /* a group could not be removed yet */
	char why[200];          /* what there is, or why there is none, for people */
};

#define CGROUPS_NONE ((struct cgroups){.parent = -1, .base = -1, .bound = UINT64_MAX})

/* ---- cgroup_text.c: what the kernel's files say ---- */

/* The group of v2 from the text of /proc/self/cgroup, or the one that it lies in if it is a server's own
 * ("OUR GROUP/sallyport.PID/server"). 0, -ENOENT (there is none to be reached), -ENAMETOOLONG. */
int cgroup_own_path(const char *text, char *path, size_t size);
/* Where that group is seen, from the text of /proc/self/mountinfo. 0, -ENOENT or -ENAMETOOLONG. */
int cgroup_find_mount(const char *text, const char *own, char *path, size_t size);
/* A bound as the kernel writes it: a number, or "max" (UINT64_MAX). 0 or -EINVAL. */
int cgroup_read_bound(const char *text, uint64_t *bound);
bool cgroup_has_word(const char *text, const char *word);
/* A file of a group, whole or its first `size` - 1 bytes. 0 or -errno. */
int cgroup_read(int directory, const char *name, char *text, size_t size);
int cgroup_write(int directory, const char *name, const char *text);

/* ---- cgroup_base.c: this server's group ---- */

/* Once, before the first sandbox: makes this server's group if it may, and removes what dead servers left. */
void cgroups_open(struct cgroups *cgroups);
/* The frontend does not wait long for our end: where a group is to be given back, this process sees to it all
 * the same, but not for ever. */
void cgroups_outlive(const struct cgroups *cgroups);
/* After the last sandbox: leaves OUR GROUP as it was found, so that the next server finds it so. */
void cgroups_close(struct cgroups *cgroups);

/* ---- cgroup.c: the group of one sandbox ---- */

struct cgroup {
	int directory;   /* -1: there is none */
	int events;      /* its memory.events, for the frontend; -1: there is none */
	uint64_t memory; /* bytes that the sandbox may use; without a group, what is bounded singly fits in
			    them */
};

/*
 * A group for sandbox `id` with the plan's limits, where groups can be had. 0, also where they cannot; -errno
 * where they can and this one could not be made: nothing runs without, then. The caller closes
 * both.
 */
int cgroup_make(struct cgroups *cgroups, uint32_t id, const struct plan *plan, struct cgroup *group);
/* Moves a process there; 0 or -errno. */
int cgroup_enter(int group, pid_t pid);
/* Kills all that is in it (Linux 5.14; nothing before). */
void cgroup_kill(const struct cgroups *cgroups, uint32_t id);
/* Removes it, and those that could not be removed before: what is dying in one keeps it. */
void cgroup_remove(struct cgroups *cgroups, uint32_t id);
/* Removes all groups of sandboxes that are dead or that an earlier spawner left. */
void cgroups_sweep(struct cgroups *cgroups, bool all);

#endif
