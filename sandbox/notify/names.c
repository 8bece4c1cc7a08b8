/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that make, change and remove names (notify.h). Where nothing is refused the kernel's own call decides
 * everything else, errors included, since the last component is handed to it as it came. Where something is
 * refused it is as on a read-only mount: EEXIST and ENOENT come first, so that `mkdir -p` and `rm -f` see
 * what they expect.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/notify/place.h"

#define _cleanup_place_ _cleanup_(place_deinit)

static long result_of(long result)
{
	return result < 0 ? -errno : result;
}

static bool is_there(const struct place *place)
{
	struct stat status;

	return fstatat(place->parent, place->name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_directory(const struct place *place)
{
	struct stat status;

	return fstatat(place->parent, place->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static enum rules_verdict judge(const struct notify_call *call, const struct place *place,
				const struct rules_path **rule)
{
	return rules_judge(&call->notify->rules, place->text, rule);
}

/* A name that must not be made. */
static long refuse_new(const struct notify_call *call, const struct place *place,
		       const struct rules_path *rule)
{
	if (is_there(place))
		return -EEXIST;
	notify_denied(call, "write", place->text, rule);
	return -EROFS;
}

/* One that must stay. */
static long refuse_old(const struct notify_call *call, const struct place *place,
		       const struct rules_path *rule)
{
	if (!is_there(place))
		return -ENOENT;
	notify_denied(call, "write", place->text, rule);
	return -EROFS;
}

/* Path and directory in two arguments, where a name is to be made. */
static long find_new(const struct notify_call *call, size_t argument, struct place *place)
{
	char path[PATH_MAX];
	int result = target_path(call, call->arguments[argument + 1], path);

	place_init(place);
	if (result == 0)
		result = place_find(call, (int)call->arguments[argument], path, place);
	return result;
}

long call_mkdir(struct notify_call *call)
{
	_cleanup_place_ struct place place;
	const struct rules_path *rule;
	long result = find_new(call, 0, &place);

	if (result == 0)
		result = target_umask(call);
	if (result == 0)
		result = target_valid(call);
	if (result != 0)
		return result;
	if (judge(call, &place, &rule) > RULES_ABOVE)
		return refuse_new(call, &place, rule);
	return result_of(mkdirat(place.parent, place.name, (mode_t)call->arguments[2]));
}

long call_mknod(struct notify_call *call)
{
	_cleanup_place_ struct place place;
	const struct rules_path *rule;
	mode_t type = (mode_t)call->arguments[2] & S_IFMT;
	long result;

	place_init(&place);
	/* devices do not come here: the filter refuses them */
	if (type && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
		return type == S_IFDIR ? -EPERM : -EINVAL;
	result = find_new(call, 0, &place);
	if (result == 0)
		result = target_umask(call);
	if (result == 0)
		result = target_valid(call);
	if (result != 0)
		return result;
	if (judge(call, &place, &rule) != RULES_FREE)
		return refuse_new(call, &place, rule);
	return result_of(syscall(SYS_mknodat, place.parent, place.name,
				 (unsigned)(uint16_t)call->arguments[2], (unsigned)call->arguments[3]));
}

long call_symlink(struct notify_call *call)
{
	_cleanup_place_ struct place place;
	const struct rules_path *rule;
	char target[PATH_MAX];
	long result;

	place_init(&place);
	result = target_path(call, call->arguments[0], target);
	if (result == 0)
		result = find_new(call, 1, &place);
	if (result == 0)
		result = target_valid(call);
	if (result != 0)
		return result;
	if (judge(call, &place, &rule) != RULES_FREE)
		return refuse_new(call, &place, rule);
	return result_of(symlinkat(target, place.parent, place.name));
}

long call_unlink(struct notify_call *call)
{
	_cleanup_place_ struct place place;
	const struct rules_path *rule;
	int flags = (int)call->arguments[2];
	enum rules_verdict verdict;
	long result;

	place_init(&place);
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	result = find_new(call, 0, &place);
	if (result == 0)
		result = target_valid(call);
	if (result != 0)
		return result;
	verdict = judge(call, &place, &rule);
	/* a file on the way stands for what it names; a directory is not removed by unlink, nor if it holds
	 * something */
	if (verdict > RULES_ABOVE || (verdict == RULES_ABOVE && !is_directory(&place)))
		return refuse_old(call, &place, rule);
	return result_of(unlinkat(place.parent, place.name, flags));
}

/* What a link is made of. Its own descriptor, since the name may be another's in a moment. */
static int open_source(const struct notify_call *call, const struct place *place, bool follow)
{
	int fd = follow ? place_object(call, place)
			: openat(place->parent, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd == -1 ? -errno : fd;
}

/* By the descriptor: a second name of what is protected would be a way to write it. Directories have none. */
static enum rules_verdict judge_source(const struct notify_call *call, int source, char text[PATH_MAX],
				       const struct rules_path **rule)
{
	struct stat status;

	if (fstat(source, &status) == 0 && S_ISDIR(status.st_mode))
		return RULES_FREE;
	return place_text(call, source, text) < 0 ? RULES_PROTECTED
						  : rules_judge(&call->notify->rules, text, rule);
}

static long link_source(const struct notify_call *call, int source, const struct place *to)
{
	const struct rules_path *rule = NULL;
	char text[PATH_MAX], path[32];

	if (judge(call, to, &rule) != RULES_FREE)
		return refuse_new(call, to, rule);
	if (judge_source(call, source, text, &rule) != RULES_FREE) {
		if (is_there(to))
			return -EEXIST;
		if (rule)
			notify_denied(call, "write", text, rule);
		return -EXDEV; /* as from a mount of its own, so that programs copy instead */
	}
	snprintf(path, sizeof path, "%d", source);
	return result_of(linkat(call->notify->descriptors, path, to->parent, to->name, AT_SYMLINK_FOLLOW));
}

long call_link(struct notify_call *call)
{
	_cleanup_place_ struct place from, to;
	int flags = (int)call->arguments[4];
	_cleanup_fd_ int source = -1;
	long result;

	place_init(&from);
	place_init(&to);
	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	/* AT_EMPTY_PATH needs a capability; without it "" is no path */
	result = find_new(call, 0, &from);
	if (result == 0)
		result = source = open_source(call, &from, flags & AT_SYMLINK_FOLLOW);
	if (result >= 0)
		result = find_new(call, 2, &to);
	if (result == 0)
		result = target_valid(call);
	return result != 0 ? result : link_source(call, source, &to);
}

/* Names on the way to a protected path stay, and none is put in their place. */
static long refuse_rename(const struct notify_call *call, const struct place *from, const struct place *to,
			  unsigned flags)
{
	const struct rules_path *rule = NULL;
	const struct place *where = from;
	enum rules_verdict verdict = judge(call, from, &rule);

	if (verdict == RULES_FREE) {
		where = to;
		verdict = judge(call, to, &rule);
	}
	if (verdict == RULES_FREE)
		return 0;
	if (!is_there(from))
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && is_there(to))
		return -EEXIST;
	notify_denied(call, "write", where->text, rule);
	return verdict == RULES_ABOVE ? -EBUSY : -EROFS; /* as a mount point, and as a read-only mount */
}

long call_rename(struct notify_call *call)
{
	_cleanup_place_ struct place from, to;
	unsigned flags = (unsigned)call->arguments[4];
	struct stat status;
	long result;

	place_init(&from);
	place_init(&to);
	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) ||
	    ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))))
		return -EINVAL;
	result = find_new(call, 0, &from);
	/* a directory that may not be searched is noticed before the new name is looked at */
	if (result == 0 && fstatat(from.parent, ".", &status, 0) < 0)
		result = -errno;
	if (result == 0)
		result = find_new(call, 2, &to);
	if (result == 0)
		result = target_valid(call);
	if (result == 0)
		result = refuse_rename(call, &from, &to, flags);
	if (result != 0)
		return result;
	return result_of(syscall(SYS_renameat2, from.parent, from.name, to.parent, to.name, flags));
}

/* Only that it happens matters here: from now on it is asked of the caller, which costs. */
long call_umask(struct notify_call *call)
{
	call->client->umask_changed = true;
	return NOTIFY_GO_ON;
}
