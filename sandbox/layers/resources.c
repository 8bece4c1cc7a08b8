/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits. None is ever raised above the hard limit that we were started with: there may be no
 * CAP_SYS_RESOURCE, and a limit that somebody set on us binds what we start too. RLIMIT_NPROC counts within
 * the user namespace, so it binds one sandbox; it never binds kernel uid 0, which no executor is.
 */
#include "sandbox/layers/layer.h"

#include <sys/resource.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

/* A sanitizer's shadow is terabytes of private memory, which no limit of ours would leave room for. */
#if defined(__SANITIZE_ADDRESS__)
#define DATA_LIMIT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DATA_LIMIT 0
#endif
#endif
#ifndef DATA_LIMIT
#define DATA_LIMIT 1
#endif

static int limit(struct layer_context *context, int resource, const char *name, uint64_t value)
{
	struct rlimit present;

	if (getrlimit(resource, &present) < 0)
		return layer_failed(&context->failure, "getrlimit", name);
	if (value > present.rlim_max)
		value = present.rlim_max;
	if (setrlimit(resource, &(struct rlimit){.rlim_cur = value, .rlim_max = value}) < 0)
		return layer_failed(&context->failure, "setrlimit", name);
	return 0;
}

/*
 * Who may not send descriptors is decided by a count of all that are on their way, of all processes of this
 * uid, and the sender's own limit (spawner/spare.c). So commands have less than those of ours that send some:
 * frontend and spawner, which have the hard limit, and broker.
 */
static uint64_t files_limit(const struct layer_context *context)
{
	uint64_t value = context->profile->files, ahead = LIMIT_FILES_AHEAD;
	uint64_t commands = context->executor->plan.command_files;
	struct rlimit present;

	if (context->executor->profile == EXECUTOR_BROKER && value < commands + ahead)
		return commands + ahead;
	if (!context->profile->command_limits)
		return value;
	if (getrlimit(RLIMIT_NOFILE, &present) == 0 && present.rlim_max > 2 * ahead &&
	    commands > present.rlim_max - ahead)
		commands = present.rlim_max - ahead;
	return commands + LIMIT_KEEPER_FILES; /* which its nannies take away again */
}

int layer_resources(struct layer_context *context)
{
	const struct plan *plan = &context->executor->plan;
	/*
	 * Not here: RLIMIT_AS, which breaks WebAssembly; RLIMIT_CPU, since a call's time is bounded;
	 * RLIMIT_STACK, which programs raise for themselves; RLIMIT_RTTIME, without real time; RLIMIT_RSS and
	 * RLIMIT_LOCKS, which the kernel ignores.
	 */
	const struct {
		int resource;
		const char *name;
		uint64_t value;
		bool commands_only;
	} limits[] = {
		{RLIMIT_CORE, "RLIMIT_CORE", LIMIT_CORE_BYTES, false},
		{RLIMIT_RTPRIO, "RLIMIT_RTPRIO", 0, false}, /* one such loop takes a processor from all */
		{RLIMIT_NICE, "RLIMIT_NICE", 0, false},     /* nobody gets ahead of the server */
		/* memory that is never given back, or is the kernel's own: counted in the user namespace */
		{RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", LIMIT_COMMAND_LOCKED_BYTES, false},
		{RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", LIMIT_COMMAND_QUEUE_BYTES, false},
		{RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING", LIMIT_COMMAND_SIGNALS, false},
		{RLIMIT_NOFILE, "RLIMIT_NOFILE", files_limit(context), false},
		{RLIMIT_NPROC, "RLIMIT_NPROC", plan->command_processes, true},
		{RLIMIT_FSIZE, "RLIMIT_FSIZE", plan->command_file_bytes, true},
#ifndef SALLYPORT_SANITIZED /* whose shadow memory counts: terabytes that are never touched */
		{RLIMIT_DATA, "RLIMIT_DATA", plan->command_data_bytes, true},
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if ((limits[i].commands_only && !context->profile->command_limits) ||
		    (limits[i].resource == RLIMIT_DATA && !DATA_LIMIT))
			continue;
		int result = limit(context, limits[i].resource, limits[i].name, limits[i].value);

		if (result < 0)
			return result;
	}
	return 0;
}
