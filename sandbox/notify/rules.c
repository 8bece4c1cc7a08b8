/* SPDX-License-Identifier: Apache-2.0 */
/* Protected paths by the kernel's own spelling of where a call leads (rules.h). */
#include "sandbox/notify/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "protocol/cleanup.h"
#include "protocol/path.h"
#include "sandbox/executor.h"
#include "sandbox/plan.h"
#include "sandbox/rule.h"

#define CASEFOLD 0x40000000 /* FS_CASEFOLD_FL, Linux 5.2 */

/* ---- making them ---- */

/* `below` the first bytes of `base`. */
static int add(struct rules *rules, const char *base, size_t length, const char *below, const char *text,
	       bool hidden)
{
	_cleanup_free_ char *path = NULL, *copy = strdup(text);
	struct rules_path *grown = reallocarray(rules->list, rules->count + 1, sizeof *grown);

	if (grown)
		rules->list = grown;
	while (*below == '/')
		below++;
	if (!grown || !copy || asprintf(&path, "%.*s%s%s", (int)length, base, *below ? "/" : "", below) < 0)
		return -ENOMEM;
	grown = &rules->list[rules->count++];
	*grown = (struct rules_path){.length = strlen(path), .fixed = length, .hidden = hidden};
	grown->path = steal_pointer(path);
	grown->text = steal_pointer(copy);
	rules->hides = rules->hides || hidden;
	return 0;
}

/* The place of the view that holds `path`: its length; 0: none does. */
static size_t find_place(const struct plan *plan, const char *path, bool writable)
{
	for (size_t i = 0; i < plan->workspace_count; i++)
		if ((plan->workspaces[i].write || !writable) && path_within(path, plan->workspaces[i].path))
			return strlen(plan->workspaces[i].path);
	for (size_t i = 0; i < plan->extra_count; i++)
		if ((plan->extra[i].write || !writable) && path_within(path, plan->extra[i].path))
			return strlen(plan->extra[i].path);
	return 0;
}

/* Is it anywhere in the view? What is not shown needs no hiding. */
static bool is_shown(const struct plan *plan, const char *path)
{
	static const char *const system[] = {"/usr", "/etc",   "/opt",   "/bin",   "/sbin",
					     "/lib", "/lib32", "/lib64", "/libx32"};

	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		if (path_within(path, system[i]))
			return true;
	return find_place(plan, path, false) > 0;
}

/* Absolute: only what lies in a place, whose own spelling is as the plan has it. */
static int add_absolute(struct rules *rules, const struct plan *plan, const char *path, bool hidden)
{
	size_t length = find_place(plan, path, false);

	return add(rules, path, length, path + length, path, hidden);
}

static int add_protected(struct rules *rules, const struct plan *plan, const char *text)
{
	int result = 0;

	if (text[0] == '/')
		return find_place(plan, text, true) ? add_absolute(rules, plan, text, false) : 0;
	for (size_t i = 0; i < plan->workspace_count && result == 0; i++)
		if (plan->workspaces[i].write)
			result = add(rules, plan->workspaces[i].path, strlen(plan->workspaces[i].path), text,
				     text, false);
	return result;
}

static bool holds_writable(const struct plan_path *list, size_t count, const char *top)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].write && path_within(list[i].path, top))
			return true;
	return false;
}

/*
 * A workspace that is only read, in a place that is written: neither it nor what leads there may be moved.
 * One that holds a writable place again is left to the mounts, since there is no exception from a rule.
 */
static int add_read_only(struct rules *rules, const struct plan *plan, const struct plan_path *workspace)
{
	size_t length = workspace->write ? 0 : find_place(plan, workspace->path, true);

	if (!length || holds_writable(plan->workspaces, plan->workspace_count, workspace->path) ||
	    holds_writable(plan->extra, plan->extra_count, workspace->path))
		return 0;
	return add(rules, workspace->path, length, workspace->path + length, RULE_READ_ONLY, false);
}

int rules_make(struct rules *rules, const struct plan *plan)
{
	int result = 0;

	*rules = (struct rules){.list = NULL};
	for (size_t i = 0; i < plan->protect_count && result == 0; i++)
		result = add_protected(rules, plan, plan->protect[i]);
	for (size_t i = 0; i < plan->workspace_count && result == 0; i++)
		result = add_read_only(rules, plan, &plan->workspaces[i]);
	for (size_t i = 0; i < plan->hide_count && result == 0; i++)
		if (plan->hide[i][0] == '/' && is_shown(plan, plan->hide[i]))
			result = add_absolute(rules, plan, plan->hide[i], true);
	return result;
}

void rules_know(struct rules *rules, const struct plan *plan, const struct executor_file *hidden)
{
	for (size_t i = 0; i < plan->hide_count; i++)
		for (size_t j = 0; j < rules->count; j++)
			if (rules->list[j].hidden && !strcmp(rules->list[j].path, plan->hide[i])) {
				rules->list[j].device = hidden[i].device;
				rules->list[j].inode = hidden[i].inode;
			}
}

static int add_place(struct rules *rules, const char *path, const char *below)
{
	_cleanup_free_ char *place = NULL;

	if (asprintf(&place, "%s%s", path, below) < 0)
		return -ENOMEM;
	return plan_add_text(&rules->places, &rules->place_count, place);
}

static int add_writable(struct rules *rules, const struct plan_path *list, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		if (list[i].write)
			result = add_place(rules, list[i].path, "");
	return result;
}

int rules_bound(struct rules *rules, const struct plan *plan, const char *private)
{
	int result = add_writable(rules, plan->workspaces, plan->workspace_count);

	rules->bounded = true;
	if (result == 0)
		result = add_writable(rules, plan->extra, plan->extra_count);
	if (result == 0 && private)
		result = add_place(rules, private, "/tmp");
	if (result == 0 && private)
		result = add_place(rules, private, "/home");
	return result;
}

void rules_deinit(struct rules *rules)
{
	for (size_t i = 0; i < rules->place_count; i++)
		free(rules->places[i]);
	free(rules->places);
	for (size_t i = 0; i < rules->count; i++) {
		free(rules->list[i].path);
		free(rules->list[i].text);
	}
	free(rules->list);
	*rules = (struct rules){.list = NULL};
}

/* ---- judging ---- */

static bool same_text(const char *path, const struct rules_path *rule, size_t length, bool fold)
{
	size_t fixed = !fold || rule->fixed > length ? length : rule->fixed;

	return !memcmp(path, rule->path, fixed) &&
	       !strncasecmp(path + fixed, rule->path + fixed, length - fixed);
}

/* How `path` stands to the rule's. */
static enum rules_verdict compare(const char *path, size_t length, const struct rules_path *rule, bool fold)
{
	if (!same_text(path, rule, length < rule->length ? length : rule->length, fold))
		return RULES_FREE;
	if (length >= rule->length && (path[rule->length] == '/' || path[rule->length] == '\0'))
		return rule->hidden ? RULES_HIDDEN : RULES_PROTECTED;
	if (length < rule->length && rule->path[length] == '/')
		return RULES_ABOVE;
	return RULES_FREE;
}

static enum rules_verdict judge(const struct rules *rules, const char *path, bool fold,
				const struct rules_path **rule)
{
	enum rules_verdict found = RULES_FREE;
	size_t length = strlen(path);

	for (size_t i = 0; i < rules->count; i++) {
		enum rules_verdict verdict = compare(path, length, &rules->list[i], fold);

		if (verdict <= found)
			continue;
		found = verdict;
		if (rule)
			*rule = &rules->list[i];
	}
	return found;
}

/* Does the directory of `path` take "head" for "HEAD"? In doubt it does. */
static bool folds(const char *path)
{
	/* those that take no notice of case whenever they are mounted so; others say it by directory */
	static const uint32_t types[] = {0x4d44 /* vfat */,      0x2011bab0 /* exfat */,
					 0x7366746e /* ntfs3 */, 0x5346544e /* ntfs */,
					 0xff534d42 /* cifs */,  0xfe534d42 /* smb */,
					 0x482b /* hfs+ */,      0x4244 /* hfs */,
					 0x65735546 /* fuse */,  0x01021997 /* 9p */};
	_cleanup_free_ char *directory = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
	_cleanup_fd_ int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct statfs fs;
	int flags = 0;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((uint32_t)fs.f_type == types[i])
			return true;
	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & CASEFOLD);
}

enum rules_verdict rules_judge(const struct rules *rules, const char *path, const struct rules_path **rule)
{
	enum rules_verdict verdict = judge(rules, path, false, rule);

	if (verdict == RULES_FREE && judge(rules, path, true, NULL) != RULES_FREE && folds(path))
		verdict = judge(rules, path, true, rule);
	return verdict;
}

bool rules_may_change(const struct rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->place_count; i++)
		if (path_within(path, rules->places[i]))
			return true;
	return !rules->bounded;
}

const struct rules_path *rules_same_file(const struct rules *rules, dev_t device, ino_t inode)
{
	struct stat status;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rules_path *rule = &rules->list[i];

		if (rule->inode == inode && rule->device == device && inode)
			return rule;
		if (lstat(rule->path, &status) == 0 && status.st_dev == device && status.st_ino == inode &&
		    !S_ISDIR(status.st_mode))
			return rule;
	}
	return NULL;
}
