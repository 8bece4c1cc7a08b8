/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel gives, found by doing it: a throwaway sandbox is built with every layer by the same code
 * as any other. Versions and settings are never asked, since none of them says what a container or a security
 * module will refuse. If a layer fails, those behind it that can stand alone are tried in throwaway children.
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

/* In the order in which they are built (sandbox/build.c), with what each is, for people. */
static const struct {
	const char *name, *what;
} layers[] = {
	{"namespaces", "user, mount, pid, ipc, uts and network namespaces"},
	{"network", "a network of its own with nothing but loopback"},
	{"mounts", "a view of its own: system read-only, workspaces, /tmp, /dev, /proc"},
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
	return layer;
}

static int landlock_abi(void)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	return abi < 0 ? -errno : abi;
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

/* A layer behind the one that failed: tried alone if it can be. */
static void probe_alone(const char *name, const char *failed, struct probe_result *result)
{
	int code;

	result->state = PROBE_MISSING;
	if (!strcmp(name, "landlock")) {
		code = landlock_abi();
	} else if (!strcmp(name, "seccomp")) {
		code = try_seccomp();
	} else {
		result->state = PROBE_UNTRIED;
		snprintf(result->detail, sizeof result->detail, "not tried, since %s failed", failed);
		return;
	}
	result->code = code < 0 ? code : 0;
	if (code >= 0)
		result->state = PROBE_THERE;
	else
		result->remedy = report_remedy(name, "", code);
}

/* What is there may still be less than a newer kernel gives. */
static void describe(const struct spawner *spawner, const char *name, struct probe_result *result)
{
	if (!strcmp(name, "landlock")) {
		int abi = landlock_abi();

		snprintf(result->detail, sizeof result->detail, "ABI %d%s", abi,
			 abi < 6 ? ": signals and abstract sockets are kept in by the namespaces alone" : "");
		if (abi < 6)
			result->state = PROBE_PARTLY;
	} else if (!strcmp(name, "identity")) {
		snprintf(result->detail, sizeof result->detail, "commands act as uid %u, gid %u",
			 (unsigned)spawner->identity.uid, (unsigned)spawner->identity.gid);
	}
}

static void put_cgroup(struct buffer *payload)
{
	struct probe_result result = {.state = PROBE_PARTLY};

	snprintf(result.detail, sizeof result.detail,
		 "not used by this version: limits are per process and, for processes, per sandbox");
	put_layer(payload, "cgroup", &result);
}

void probe_report(struct spawner *spawner, uint32_t call, int code, const char *layer, const char *step,
		  const char *detail)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_PROBED, .call = call};
	const char *failed = layer ? family(layer) : NULL;
	bool behind = false;

	frame_put_u32(&payload, (uint32_t)ARRAY_SIZE(layers) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		struct probe_result result = {.state = PROBE_THERE};

		snprintf(result.detail, sizeof result.detail, "%s", layers[i].what);
		if (failed && !behind && !strcmp(layers[i].name, failed)) {
			behind = true;
			result.state = PROBE_MISSING;
			result.code = code;
			result.remedy = report_remedy(layer, step, code);
			snprintf(result.detail, sizeof result.detail, "%s%s%s: %s", step,
				 detail[0] ? " " : "", detail, err_name(code));
		} else if (behind) {
			probe_alone(layers[i].name, failed, &result);
		} else {
			describe(spawner, layers[i].name, &result);
		}
		put_layer(&payload, layers[i].name, &result);
	}
	put_cgroup(&payload);
	frame_put_text(&payload, failed ? "" : "full");
	frame_send(spawner->socket, &header, buffer_data(&payload), buffer_length(&payload), NULL, 0, 0);
}

void probe_start(struct spawner *spawner, uint32_t call)
{
	struct start_failure failure;
	int result = instance_add(spawner, call, EXECUTOR_SANDBOX, 0, true, &failure);

	if (result < 0)
		probe_report(spawner, call, result, failure.layer, failure.step, "");
}
