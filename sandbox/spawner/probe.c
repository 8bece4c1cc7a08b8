/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel gives, found by doing it: a throwaway sandbox is built with every layer by the same code
 * as any other. Versions and settings are never asked, since none of them says what a container or a security
 * module will refuse. If a layer fails that the next lower profile does without, that profile is tried in
 * turn. Of those that could not be shown so, what can stand alone is tried in throwaway children.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/filter/filter.h"
#include "sandbox/layers/layer.h"

/* What each of confinement_layers is, for people. */
static const struct {
	const char *name, *what;
} layers[] = {
	{"namespaces", "user, mount, pid, ipc, uts and network namespaces"},
	{"network", "a network of its own with nothing but loopback"},
	{"mounts", "a view of its own: system read-only, workspaces, /tmp, /dev, /proc"},
	{"private", "a directory instead of /tmp and home, removed at the end; its size is not bounded"},
	{"identity", "an unprivileged kernel uid, no capability"},
	{"descriptors", "no descriptor but the command's own"},
	{"resources", "limits on processes, files, sizes, memory"},
	{"privileges", "no_new_privs, not dumpable"},
	{"landlock", "what may be written, said a second time"},
	{"seccomp", "system calls that commands have no use for"},
};

/* Layers that come with another in the order of building. */
static const char *family(const char *layer)
{
	if (!strcmp(layer, "start") || !strcmp(layer, "plan"))
		return "namespaces";
	if (!strcmp(layer, "parent") || !strcmp(layer, "session"))
		return "namespaces";
	if (!strcmp(layer, "supervisor")) /* a filter that asks the keeper */
		return "seccomp";
	return layer;
}

/* In a child, which it kills for nothing else: 0 or -errno. */
static int try_seccomp(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(-filter_apply(FILTER_COMMAND));
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ENOSYS;
}

/* `private` stands for the view where there is none. */
static bool is_shown(const char *name, enum confinement best)
{
	return strcmp(name, "private") != 0 || best > CONFINEMENT_FULL;
}

static bool is_behind(const char *name, const char *failed)
{
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		if (!strcmp(layers[i].name, name))
			return false;
		if (!strcmp(layers[i].name, failed))
			return true;
	}
	return false;
}

struct probe_result {
	enum probe_state state;
	int code;
	char detail[256];
	const char *remedy;
};

static void put_layer(struct buffer *payload, const char *name, const struct probe_result *result)
{
	frame_put_text(payload, name);
	frame_put_u32(payload, result->state);
	frame_put_u32(payload, (uint32_t)-result->code);
	frame_put_text(payload, result->detail);
	frame_put_text(payload, result->remedy ? result->remedy : "");
}

/* Could not be shown by building it: tried alone if it can be. */
static void probe_alone(const char *name, const char *failed, struct probe_result *result)
{
	struct failure failure = {.code = 0};

	if (!strcmp(name, "landlock")) {
		failure.code = landlock_abi();
	} else if (!strcmp(name, "seccomp")) {
		failure.code = try_seccomp();
	} else {
		result->state = PROBE_UNTRIED;
		snprintf(result->detail, sizeof result->detail, "not tried, since %s failed", failed);
		return;
	}
	result->state = failure.code < 0 ? PROBE_MISSING : PROBE_THERE;
	if (failure.code < 0) {
		failure_set(&failure, failure.code, name, "", "");
		result->code = failure.code;
		result->remedy = report_remedy(&failure);
	}
}

static void describe_landlock(enum confinement confinement, struct probe_result *result)
{
	int abi = landlock_abi();
	bool old = abi < LANDLOCK_ABI_SIGNALS;

	if (confinement == CONFINEMENT_FULL) {
		snprintf(result->detail, sizeof result->detail, "ABI %d%s", abi,
			 old ? ": signals and abstract sockets are kept in by the namespaces alone" : "");
		if (old)
			result->state = PROBE_PARTLY;
		return;
	}
	/* without mounts it stands alone, and there is much that it does not know */
	snprintf(result->detail, sizeof result->detail,
		 "ABI %d: what may be read and written; not the existence of files outside%s%s", abi,
		 profile_has(confinement, "supervisor") ? "" : ", their modes and times, nor protected paths",
		 !old                                   ? ""
		 : confinement == CONFINEMENT_CONTAINER ? "; signals are judged by the supervisor"
							: "; nor signals to others of the same uid");
	result->state = PROBE_PARTLY;
}

static void describe_identity(const struct spawner *spawner, enum confinement confinement,
			      struct probe_result *result)
{
	struct identity identity;

	identity_decide(&identity, &spawner->plan, confinement);
	snprintf(result->detail, sizeof result->detail, "commands act as uid %u, gid %u%s",
		 (unsigned)identity.uid, (unsigned)identity.gid,
		 identity.uid ? ""
			      : ", without a capability: nothing of the kernel's can be written, but root's "
				"files in the system's directories can be read");
	if (identity.uid)
		return;
	result->state = PROBE_PARTLY;
	result->remedy = "better: start the container as an ordinary user who owns the workspace (--user "
			 "1000:1000, runAsUser); limits on processes do not bind root";
}

/* What is there may still be less than a newer kernel gives. */
static void describe(const struct spawner *spawner, enum confinement confinement, const char *name,
		     struct probe_result *result)
{
	if (!strcmp(name, "landlock"))
		describe_landlock(confinement, result);
	else if (!strcmp(name, "identity"))
		describe_identity(spawner, confinement, result);
	else if (!strcmp(name, "seccomp") && confinement != CONFINEMENT_FULL)
		snprintf(result->detail, sizeof result->detail,
			 "system calls that commands have no use for, and all sockets");
}

/* Every controller there is to be had: all three bind. */
static void put_cgroup(struct spawner *spawner, struct buffer *payload)
{
	struct probe_result result = {.state = PROBE_PARTLY};
	static const char *const answer[] = {"no", "yes"};
	const struct cgroups *cgroups = &spawner->cgroups;

	cgroups_open(&spawner->cgroups);

	if (cgroups->base >= 0 && cgroups->memory && cgroups->pids && cgroups->cpu)
		result.state = PROBE_THERE;
	else
		result.remedy = report_group_remedy(cgroups);
	if (cgroups->base < 0)
		snprintf(result.detail, sizeof result.detail,
			 "%s: memory and processor time are bounded for each process, not for a sandbox",
			 cgroups->why);
	else
		snprintf(result.detail, sizeof result.detail,
			 "%s; of all of a sandbox they bound: memory %s, processes %s, processor time %s",
			 cgroups->why, answer[cgroups->memory], answer[cgroups->pids], answer[cgroups->cpu]);
	put_layer(payload, "cgroup", &result);
}

/* The row of layer `i`; `best` is the profile that stood, or the last that was tried. */
static void put_row(const struct spawner *spawner, struct buffer *payload, size_t i, enum confinement best)
{
	const struct probe *probe = &spawner->probe;
	const char *name = layers[i].name, *failed = NULL;
	bool stands = !probe->failures[best].code;
	struct probe_result result = {.state = PROBE_THERE};

	snprintf(result.detail, sizeof result.detail, "%s", layers[i].what);
	for (enum confinement at = CONFINEMENT_FULL; at <= best; at++) {
		const struct failure *failure = &probe->failures[at];

		if (!failure->code)
			continue;
		failed = family(failure->layer);
		if (strcmp(name, failed) != 0)
			continue;
		result = (struct probe_result){
			.state = PROBE_MISSING, .code = failure->code, .remedy = report_remedy(failure)};
		snprintf(result.detail, sizeof result.detail, "%s%s%s: %s", failure->step,
			 failure->detail[0] ? " " : "", failure->detail, err_name(failure->code));
		put_layer(payload, name, &result);
		return;
	}
	if (!profile_has(best, name) || (failed && !stands && is_behind(name, failed)))
		probe_alone(name, failed ? family(probe->failures[CONFINEMENT_FULL].layer) : "", &result);
	else
		describe(spawner, best, name, &result);
	put_layer(payload, name, &result);
}

static void report(struct spawner *spawner, enum confinement best)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_PROBED, .call = spawner->probe.call};
	uint32_t count = 1; /* cgroup */

	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		count += is_shown(layers[i].name, best);
	frame_put_u32(&payload, count);
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		if (is_shown(layers[i].name, best))
			put_row(spawner, &payload, i, best);
	put_cgroup(spawner, &payload);
	frame_put_text(&payload, spawner->probe.failures[best].code ? "" : confinement_name(best));
	frame_send(spawner->socket, &header, buffer_data(&payload), buffer_length(&payload), NULL, 0, 0);
}

/* Starts the next throwaway sandbox; one that cannot be cloned has failed. */
static void try_next(struct spawner *spawner)
{
	struct instance_order order = {
		.profile = EXECUTOR_SANDBOX, .confinement = spawner->probe.trying, .purpose = INSTANCE_PROBE};
	struct start_failure where;
	struct failure failure;
	int result = instance_add(spawner, &order, &where);

	if (result == 0)
		return;
	failure_set(&failure, result, where.layer, where.step, "");
	probe_tried(spawner, &failure);
}

void probe_tried(struct spawner *spawner, const struct failure *failure)
{
	struct probe *probe = &spawner->probe;
	enum confinement tried = probe->trying;

	probe->failures[tried] = failure ? *failure : (struct failure){.code = 0};
	if (failure && choice_would_help(tried, failure)) {
		probe->trying++;
		try_next(spawner);
		return;
	}
	report(spawner, tried);
}

void probe_start(struct spawner *spawner, uint32_t call)
{
	spawner->probe = (struct probe){.call = call, .trying = CONFINEMENT_FULL};
	try_next(spawner);
}
