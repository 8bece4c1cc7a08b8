/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group of one sandbox (cgroup.h). It is made before its first process is, which is born in it; its name
 * is unique among all spawners of a server, so that what a dead one left is never mistaken for it.
 */
#include "sandbox/spawner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

#define NAME_BYTES 32

static const char *name_of(uint32_t id, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "%d-%u", (int)getpid(), id);
	return name;
}

static int put(int group, const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	return cgroup_write(group, name, text);
}

/* Memory that one sandbox may use: the policy's, or three quarters of what there is, the rest being the
 * person's. */
static uint64_t memory_for(const struct cgroups *cgroups, const struct plan *plan)
{
	uint64_t there = cgroups->bound;
	struct sysinfo machine;

	if (sysinfo(&machine) == 0 && (uint64_t)machine.totalram * machine.mem_unit < there)
		there = (uint64_t)machine.totalram * machine.mem_unit;
	if (plan->memory_bytes)
		return plan->memory_bytes < there ? plan->memory_bytes : there;
	return there / 4 * 3;
}

/* Without swap: a bomb ends at its bound instead of keeping the machine's disk busy. */
static int bound_memory(int group, uint64_t bytes)
{
	int result = put(group, "memory.max", bytes);

	if (result == 0) {
		result = put(group, "memory.swap.max", 0);
		if (result == -ENOENT) /* a kernel without swap */
			result = 0;
	}
	return result;
}

static int bound_cpu(int group, const struct plan *plan)
{
	char text[64];

	snprintf(text, sizeof text, "%llu 100000", (unsigned long long)plan->cpu_thousandths * 100);
	return cgroup_write(group, "cpu.max", text);
}

static int create(struct cgroups *cgroups, uint32_t id, const struct plan *plan)
{
	char name[NAME_BYTES];
	int result = 0;

	if (cgroups->base < 0)
		return -ENOENT;
	if (mkdirat(cgroups->base, name_of(id, name), 0755) < 0)
		return errno == ENOENT ? -ESTALE : -errno; /* somebody has taken our group away */
	_cleanup_fd_ int group = openat(cgroups->base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (group < 0)
		return -errno;
	if (cgroups->memory)
		result = bound_memory(group, memory_for(cgroups, plan));
	if (result == 0 && cgroups->pids)
		result = put(group, "pids.max", plan->command_processes);
	if (result == 0 && cgroups->cpu && plan->cpu_thousandths)
		result = bound_cpu(group, plan);
	if (result < 0) {
		unlinkat(cgroups->base, name, AT_REMOVEDIR);
		return result;
	}
	return steal_fd(&group);
}

int cgroup_make(struct cgroups *cgroups, uint32_t id, const struct plan *plan, struct cgroup *group)
{
	int result;

	*group = (struct cgroup){.directory = -1, .events = -1};
	cgroups_open(cgroups);
	result = create(cgroups, id, plan);
	if (result == -ESTALE) {
		cgroups_close(cgroups);
		cgroups->tried = false;
		cgroups_open(cgroups);
		result = create(cgroups, id, plan);
	}
	group->memory = memory_for(cgroups, plan);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	group->directory = result;
	group->events =
		cgroups->memory ? openat(result, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	return 0;
}

int cgroup_enter(int group, pid_t pid)
{
	return put(group, "cgroup.procs", (uint64_t)pid);
}

void cgroup_kill(const struct cgroups *cgroups, uint32_t id)
{
	char name[NAME_BYTES], path[NAME_BYTES + 16];

	snprintf(path, sizeof path, "%s/cgroup.kill", name_of(id, name));
	if (cgroups->base >= 0)
		cgroup_write(cgroups->base, path, "1");
}

void cgroup_remove(struct cgroups *cgroups, uint32_t id)
{
	char name[NAME_BYTES];

	if (cgroups->base < 0)
		return;
	if (cgroups->leftover)
		cgroups_sweep(cgroups, false);
	if (unlinkat(cgroups->base, name_of(id, name), AT_REMOVEDIR) < 0 && errno == EBUSY)
		cgroups->leftover = true;
}

/*
 * rmdir refuses a group that has a process, so trying is asking. With `all` they are killed first: nobody is
 * left who would want what an earlier spawner started.
 */
void cgroups_sweep(struct cgroups *cgroups, bool all)
{
	DIR *list = cgroups->base < 0 ? NULL : fdopendir(fcntl(cgroups->base, F_DUPFD_CLOEXEC, 0));

	if (!list)
		return;
	rewinddir(list);
	cgroups->leftover = false;
	for (struct dirent *entry; (entry = readdir(list));) {
		char path[sizeof entry->d_name + 16];

		/* only names that we give: digits, a hyphen, digits */
		if (entry->d_type != DT_DIR || strspn(entry->d_name, "0123456789-") != strlen(entry->d_name))
			continue;
		snprintf(path, sizeof path, "%s/cgroup.kill", entry->d_name);
		if (all)
			cgroup_write(cgroups->base, path, "1");
		if (unlinkat(cgroups->base, entry->d_name, AT_REMOVEDIR) < 0 && errno == EBUSY)
			cgroups->leftover = true;
	}
	closedir(list);
}
