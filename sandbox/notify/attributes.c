/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that change a file's mode, owner, times or extended attributes (notify.h). They need no open file,
 * only its name or any descriptor of it, and to be its owner; Landlock knows none of them, and no mount is
 * left over a protected file that the person has replaced. So the object is found and judged (subject.h),
 * and the kernel is asked to change that very object.
 *
 * All of a call's memory is read before the object is looked for, in the kernel's order.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/notify/subject.h"

#define _cleanup_subject_ _cleanup_(subject_deinit)

#define NANOSECONDS 1000L /* in a microsecond */
#define SECOND      1000000L

static long result_of(long result)
{
	return result < 0 ? -errno : result;
}

/* `found`: what finding it said. 0 when the subject may be changed now. */
static long may_change(const struct notify_call *call, const struct subject *subject, int found)
{
	long result = found < 0 ? found : target_valid(call);

	return result ? result : subject_judge(call, subject);
}

/* ---- mode ---- */

static long change_mode(const struct notify_call *call, const struct subject *subject, int found, mode_t mode)
{
	char path[SUBJECT_PATH_BYTES];
	long result = may_change(call, subject, found);

	if (result != 0)
		return result;
	subject_path(subject, path);
	return result_of(syscall(SYS_fchmodat, AT_FDCWD, path, mode));
}

long call_chmod(struct notify_call *call)
{
	_cleanup_subject_ struct subject subject;
	int found;

	subject_init(&subject);
	found = subject_find(call, (int)call->arguments[0], call->arguments[1], 0, &subject);
	return change_mode(call, &subject, found, (mode_t)call->arguments[2]);
}

long call_fchmod(struct notify_call *call)
{
	_cleanup_subject_ struct subject subject;
	int found;

	subject_init(&subject);
	found = subject_open(call, (int)call->arguments[0], &subject);
	return change_mode(call, &subject, found, (mode_t)call->arguments[1]);
}

/* ---- owner ---- */

static long change_owner(const struct notify_call *call, const struct subject *subject, int found,
			 uint64_t uid, uint64_t gid)
{
	long result = may_change(call, subject, found);

	return result ? result
		      : result_of(fchownat(subject->object, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH));
}

long call_chown(struct notify_call *call)
{
	_cleanup_subject_ struct subject subject;
	int flags = (int)call->arguments[4], found;

	subject_init(&subject);
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	found = subject_find(call, (int)call->arguments[0], call->arguments[1], flags, &subject);
	return change_owner(call, &subject, found, call->arguments[2], call->arguments[3]);
}

long call_fchown(struct notify_call *call)
{
	_cleanup_subject_ struct subject subject;
	int found;

	subject_init(&subject);
	found = subject_open(call, (int)call->arguments[0], &subject);
	return change_owner(call, &subject, found, call->arguments[1], call->arguments[2]);
}

/* ---- times ---- */

/* `times` NULL: now. No path, but a descriptor: of that file. */
static long change_times(const struct notify_call *call, const struct timespec *times, int flags)
{
	_cleanup_subject_ struct subject subject;
	int directory = (int)call->arguments[0], found;
	long result;

	subject_init(&subject);
	if (times && times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
		return 0; /* not even the path is looked at */
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!call->arguments[1] && directory != AT_FDCWD)
		found = flags ? -EINVAL : subject_open(call, directory, &subject);
	else
		found = subject_find(call, directory, call->arguments[1], flags, &subject);
	result = may_change(call, &subject, found);
	return result ? result : result_of(utimensat(subject.object, "", times, AT_EMPTY_PATH));
}

long call_utimensat(struct notify_call *call)
{
	struct timespec times[2];
	int result = call->arguments[2] ? target_bytes(call, call->arguments[2], times, sizeof times) : 0;

	if (result < 0)
		return result;
	return change_times(call, call->arguments[2] ? times : NULL, (int)call->arguments[3]);
}

/* futimesat: in microseconds. */
long call_utimes(struct notify_call *call)
{
	struct timeval given[2];
	struct timespec times[2];
	int result;

	if (!call->arguments[2])
		return change_times(call, NULL, 0);
	result = target_bytes(call, call->arguments[2], given, sizeof given);
	for (size_t i = 0; i < ARRAY_SIZE(given) && result == 0; i++) {
		if (given[i].tv_usec < 0 || given[i].tv_usec >= SECOND)
			return -EINVAL;
		times[i] = (struct timespec){given[i].tv_sec, given[i].tv_usec * NANOSECONDS};
	}
	return result < 0 ? result : change_times(call, times, 0);
}

/* In seconds. */
long call_utime(struct notify_call *call)
{
	int64_t given[2];
	int result;

	if (!call->arguments[2])
		return change_times(call, NULL, 0);
	result = target_bytes(call, call->arguments[2], given, sizeof given);
	if (result < 0)
		return result;
	return change_times(call, (const struct timespec[]){{given[0], 0}, {given[1], 0}}, 0);
}

/* ---- extended attributes: (path, name, value, size, flags, how) and (path, name, how) ---- */

static int find_attributed(const struct notify_call *call, uint64_t how, struct subject *subject)
{
	if (how == NOTIFY_BY_DESCRIPTOR)
		return subject_open(call, (int)call->arguments[0], subject);
	return subject_find(call, AT_FDCWD, call->arguments[0], (int)how, subject);
}

static int read_name(const struct notify_call *call, char name[PATH_MAX])
{
	int result = target_text(call, call->arguments[1], name);

	if (result == -ENAMETOOLONG || (result == 0 && (!name[0] || strlen(name) > XATTR_NAME_MAX)))
		return -ERANGE;
	return result;
}

/*
 * A link itself: no call takes it by a descriptor (before setxattrat, Linux 6.13), and by name it may be
 * another in a moment. But links have no attributes that anybody without a capability could set, so it is
 * known what the kernel would say. 0: it is no link.
 */
static long answer_link(const struct subject *subject, const char *name)
{
	static const char *const privileged[] = {"user.", "trusted.", "security."};
	struct statvfs fs;
	struct stat status;

	if (fstat(subject->object, &status) < 0 || fstatvfs(subject->object, &fs) < 0)
		return -errno;
	if (!S_ISLNK(status.st_mode))
		return 0;
	if (fs.f_flag & ST_RDONLY)
		return -EROFS;
	for (size_t i = 0; i < ARRAY_SIZE(privileged); i++)
		if (!strncmp(name, privileged[i], strlen(privileged[i])))
			return -EPERM;
	return -EOPNOTSUPP;
}

long call_setxattr(struct notify_call *call)
{
	_cleanup_subject_ struct subject subject;
	_cleanup_free_ void *value = NULL;
	size_t size = call->arguments[3];
	int flags = (int)call->arguments[4];
	char name[PATH_MAX], path[SUBJECT_PATH_BYTES];
	long result;

	subject_init(&subject);
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	result = read_name(call, name);
	if (result == 0 && size > XATTR_SIZE_MAX)
		result = -E2BIG;
	if (result == 0 && size) {
		value = malloc(size);
		result = value ? target_bytes(call, call->arguments[2], value, size) : -ENOMEM;
	}
	if (result == 0)
		result = may_change(call, &subject, find_attributed(call, call->arguments[5], &subject));
	if (result == 0)
		result = answer_link(&subject, name);
	if (result != 0)
		return result;
	subject_path(&subject, path);
	return result_of(setxattr(path, name, value, size, flags));
}

long call_removexattr(struct notify_call *call)
{
	_cleanup_subject_ struct subject subject;
	char name[PATH_MAX], path[SUBJECT_PATH_BYTES];
	long result;

	subject_init(&subject);
	result = read_name(call, name);
	if (result == 0)
		result = may_change(call, &subject, find_attributed(call, call->arguments[2], &subject));
	if (result == 0)
		result = answer_link(&subject, name);
	if (result != 0)
		return result;
	subject_path(&subject, path);
	return result_of(removexattr(path, name));
}
