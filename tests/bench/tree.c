/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory and CPU of a process and its descendants, out of /proc. Descendants are found by their parents' ids,
 * since /proc/PID/task/TID/children is not in every kernel.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tests/bench/peer.h"

struct process {
	pid_t pid, parent;
	bool ours;
};

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static pid_t parent_of(pid_t pid)
{
	_cleanup_(cleanup_file) FILE *file = NULL;
	char path[64], line[1024];
	const char *after;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file) || !(after = strrchr(line, ')')))
		return 0;
	return sscanf(after + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static size_t processes_list(struct process **list)
{
	_cleanup_(cleanup_dir) DIR *dir = opendir("/proc");
	size_t count = 0, size = 0;
	struct dirent *entry;

	if (!dir)
		die("/proc: %s", strerror(errno));
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (count == size) {
			size = size ? size * 2 : 256;
			*list = realloc(*list, size * sizeof(**list));
			if (!*list)
				die("out of memory");
		}
		(*list)[count].pid = (pid_t)strtol(entry->d_name, NULL, 10);
		(*list)[count].parent = parent_of((*list)[count].pid);
		(*list)[count++].ours = false;
	}
	return count;
}

static void mark_descendants(struct process *list, size_t count, pid_t root)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < count; i++) {
			if (list[i].ours)
				continue;
			list[i].ours = list[i].pid == root;
			for (size_t j = 0; j < count && !list[i].ours; j++)
				list[i].ours = list[j].ours && list[j].pid == list[i].parent;
			more |= list[i].ours;
		}
	}
}

static uint64_t pss_of(pid_t pid)
{
	_cleanup_(cleanup_file) FILE *file = NULL;
	char path[64], line[256];
	unsigned long kb;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	if (!file)
		die("%s: %s (memory of processes that are not dumpable is readable for root only)", path,
		    strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %lu", &kb) == 1)
			return kb;
	die("%s: no Pss line", path);
}

/* Time on the CPU of every thread, in nanoseconds. */
static uint64_t cpu_of(pid_t pid)
{
	_cleanup_(cleanup_dir) DIR *dir = NULL;
	struct dirent *entry;
	uint64_t sum = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		_cleanup_(cleanup_file) FILE *file = NULL;
		unsigned long long ns = 0;
		char name[360];

		snprintf(name, sizeof(name), "%s/%s/schedstat", path, entry->d_name);
		file = fopen(name, "re");
		if (file && fscanf(file, "%llu", &ns) == 1)
			sum += ns;
	}
	return sum;
}

struct tree tree_read(pid_t root, int pss)
{
	_cleanup_free_ struct process *list = NULL;
	size_t count = processes_list(&list);
	struct tree tree = {0};

	mark_descendants(list, count, root);
	for (size_t i = 0; i < count; i++) {
		if (!list[i].ours)
			continue;
		tree.processes++;
		tree.cpu_ns += cpu_of(list[i].pid);
		if (pss)
			tree.pss_kb += pss_of(list[i].pid);
	}
	return tree;
}
