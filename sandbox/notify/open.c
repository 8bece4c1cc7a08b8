/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening (notify.h). The name is looked at first, without following it; links are followed here, one by one,
 * so that each place is judged. What is opened in the end is opened by its name in a directory that was
 * judged, and never through a link, or by a descriptor of the very object.
 *
 * Nothing here may wait for anybody: everything is opened O_NONBLOCK, and what would have blocked the caller
 * (a FIFO without another end, a lease that somebody must give up) is tried again later.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/facts.h"
#include "sandbox/notify/place.h"

#define FOLLOW     1L                         /* the place is a link: go on where it leads */
#define TEMPORARY  (O_TMPFILE & ~O_DIRECTORY) /* the bit that tells it from opening a directory */
#define CHANGEABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME) /* by F_SETFL */
#define OURS       (O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define TTY        makedev(5, 0)
#define MASTERS    makedev(5, 2) /* /dev/ptmx */

struct opening {
	struct notify_call *call;
	int flags;
	mode_t mode;
};

/* Masters, and the slaves of UNIX 98: majors 136 to 143. */
static bool is_terminal(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && (status->st_rdev == MASTERS ||
					    (major(status->st_rdev) >= 136 && major(status->st_rdev) <= 143));
}

/*
 * Without mounts our own Landlock rules are wider than the caller's by /proc and by terminals, which are the
 * machine's there (layers/landlock.c): what it could not open itself we do not open for it.
 */
static bool is_ours_alone(const struct opening *opening, const struct stat *status, const char *text)
{
	return opening->call->notify->rules.bounded && (facts_forbid(text) || is_terminal(status));
}

/* /dev/tty; without mounts also the same by its own name, as /dev/stdout and its like lead there. */
static bool is_own_terminal(const struct opening *opening, const struct stat *status)
{
	return S_ISCHR(status->st_mode) &&
	       (status->st_rdev == TTY || (opening->call->notify->rules.bounded && is_terminal(status) &&
					   status->st_rdev == target_terminal_number(opening->call)));
}

static bool writes(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_TRUNC | TEMPORARY));
}

/* 0 when the rules have nothing against it. */
static long judge(const struct opening *opening, const char *text, bool directory)
{
	const struct rules_path *rule = NULL;
	enum rules_verdict verdict = rules_judge(&opening->call->notify->rules, text, &rule);

	if (verdict == RULES_HIDDEN) {
		notify_denied(opening->call, "read", text, rule);
		return -EACCES;
	}
	if (verdict == RULES_FREE || directory || !writes(opening->flags))
		return 0;
	notify_denied(opening->call, "write", text, rule);
	return -EROFS;
}

/* A file with several names may be a protected one by another of them. */
static long judge_names(const struct opening *opening, const struct stat *status, const char *text)
{
	const struct rules_path *rule;

	if (!S_ISREG(status->st_mode) || status->st_nlink < 2)
		return 0;
	rule = rules_same_file(&opening->call->notify->rules, status->st_dev, status->st_ino);
	if (!rule || (!rule->hidden && !writes(opening->flags)))
		return 0;
	notify_denied(opening->call, rule->hidden ? "read" : "write", text, rule);
	return rule->hidden ? -EACCES : -EROFS;
}

/* ---- what would block ---- */

/*
 * The reading end of a FIFO is open at once with O_NONBLOCK; the caller is to have it when there is a writer,
 * which tee() knows without taking anything: nothing there is 0, and EAGAIN with a writer.
 */
static bool has_writer(int fifo)
{
	int pipes[2];
	ssize_t got;

	/* one that came and went has left its mark */
	if (poll(&(struct pollfd){.fd = fifo, .events = POLLIN}, 1, 0) > 0 ||
	    pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return true;
	got = tee(fifo, pipes[1], 1, SPLICE_F_NONBLOCK);
	close(pipes[0]);
	close(pipes[1]);
	return got != 0;
}

static long finish(const struct opening *opening, int fd, mode_t type)
{
	struct notify_call *call = opening->call;
	int error = errno;
	bool waits = !(opening->flags & O_NONBLOCK);

	if (fd < 0 && waits && (error == EWOULDBLOCK || (error == ENXIO && S_ISFIFO(type))))
		return NOTIFY_LATER;
	if (fd < 0 && error == ELOOP && !(opening->flags & O_NOFOLLOW))
		return FOLLOW; /* a link has taken the name in between: look again */
	if (fd < 0)
		return -error;
	if (waits && S_ISFIFO(type) && (opening->flags & O_ACCMODE) == O_RDONLY && !has_writer(fd)) {
		call->kept = fd; /* a writer must find us */
		return NOTIFY_LATER;
	}
	if (waits)
		fcntl(fd, F_SETFL, opening->flags & CHANGEABLE);
	return notify_give(call, fd, opening->flags);
}

/* ---- what is opened ---- */

static long open_terminal(const struct opening *opening)
{
	int fd = target_terminal(opening->call, (opening->flags & ~(O_CREAT | O_NOFOLLOW)) | O_NONBLOCK);

	if (fd < 0)
		return fd;
	long result = target_valid(opening->call);

	if (result == 0)
		return finish(opening, fd, S_IFCHR);
	close(fd);
	return result;
}

/* By a descriptor of the object itself; its place was judged. */
static long open_object(const struct opening *opening, int object)
{
	char number[16], text[PATH_MAX];
	struct stat status;
	long result = place_text(opening->call, object, text);

	if (result < 0 || fstat(object, &status) < 0)
		return result < 0 ? result : -errno;
	if (S_ISDIR(status.st_mode) && (opening->flags & O_CREAT))
		return -EISDIR;
	if (is_own_terminal(opening, &status))
		return open_terminal(opening);
	if (is_ours_alone(opening, &status, text))
		return -EACCES;
	result = judge(opening, text, S_ISDIR(status.st_mode));
	if (result == 0)
		result = judge_names(opening, &status, text);
	if (result == 0)
		result = target_valid(opening->call);
	if (result != 0)
		return result;
	snprintf(number, sizeof number, "%d", object);
	return finish(opening,
		      openat(opening->call->notify->descriptors, number,
			     (opening->flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | OURS),
		      status.st_mode);
}

/* A nameless file in a directory. */
static long open_temporary(const struct opening *opening, const struct place *place)
{
	_cleanup_fd_ int directory =
		opening->flags & O_NOFOLLOW
			? openat(place->parent, place->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
			: place_object(opening->call, place);
	char text[PATH_MAX];
	long result;

	if (directory < 0)
		return opening->flags & O_NOFOLLOW ? -errno : directory;
	result = place_text(opening->call, directory, text);
	if (result == 0)
		result = judge(opening, text,
			       rules_judge(&opening->call->notify->rules, text, NULL) < RULES_PROTECTED);
	if (result == 0)
		result = target_valid(opening->call);
	if (result != 0)
		return result;
	return finish(opening, openat(directory, ".", opening->flags | OURS, opening->mode), 0);
}

/* Opens the name itself, which was judged. */
static long open_name(const struct opening *opening, const struct place *place, int more, mode_t type)
{
	long result = target_valid(opening->call);

	return result ? result
		      : finish(opening,
			       (int)syscall(SYS_openat, place->parent, place->name,
					    opening->flags | OURS | more, (unsigned)opening->mode),
			       type);
}

/* Where nothing stands. */
static long open_new(const struct opening *opening, const struct place *place)
{
	const struct rules_path *rule;

	if (!(opening->flags & O_CREAT))
		return -ENOENT;
	if (rules_judge(&opening->call->notify->rules, place->text, &rule) != RULES_FREE) {
		notify_denied(opening->call, "write", place->text, rule);
		return -EROFS;
	}
	return open_name(opening, place, O_NOFOLLOW, 0);
}

static long open_link(const struct opening *opening, struct place *place)
{
	char target[PATH_MAX];
	ssize_t length;

	if ((opening->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (opening->flags & O_NOFOLLOW)
		return opening->flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
	if (place->proc) {
		_cleanup_fd_ int object = place_object(opening->call, place);

		return object < 0 ? object : open_object(opening, object);
	}
	length = readlinkat(place->parent, place->name, target, sizeof target);
	if (length <= 0 || length == sizeof target)
		return length < 0 ? -errno : length == 0 ? -ENOENT : -ENAMETOOLONG;
	target[length] = '\0';
	length = place_find_from(opening->call, place->parent, target, place);
	return length < 0 ? length : FOLLOW;
}

/* Another process's memory is closed to commands, and our being its ancestor must not open it. */
static bool is_memory(const struct opening *opening, const struct place *place)
{
	char own[PATH_MAX];
	int process;

	if (!place->proc || strcmp(place->name, "mem") != 0)
		return false;
	process = target_process(opening->call);
	snprintf(own, sizeof own, "/proc/%d/", process);
	return process < 0 || strncmp(place->text, own, strlen(own)) != 0;
}

static long open_there(const struct opening *opening, const struct place *place, const struct stat *status)
{
	long result = 0;

	if (is_own_terminal(opening, status))
		return open_terminal(opening);
	if (is_memory(opening, place) || is_ours_alone(opening, status, place->text))
		return -EACCES;
	/* with O_CREAT and nothing else it is read */
	if (writes(opening->flags) || opening->call->notify->rules.hides) {
		result = judge(opening, place->text, S_ISDIR(status->st_mode));
		if (result == 0)
			result = judge_names(opening, status, place->text);
	}
	return result ? result : open_name(opening, place, O_NOFOLLOW, status->st_mode);
}

/* FOLLOW: `place` is another now. */
static long open_place(const struct opening *opening, struct place *place)
{
	struct stat status;

	if (opening->flags & TEMPORARY)
		return open_temporary(opening, place);
	/* a directory: not to be made nor written, and the kernel says so */
	if (!place->plain && (writes(opening->flags) || (opening->flags & O_CREAT)))
		return open_name(opening, place, 0, S_IFDIR);
	if (!place->plain) {
		_cleanup_fd_ int object = place_object(opening->call, place);

		return object < 0 ? object : open_object(opening, object);
	}
	if (fstatat(place->parent, place->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? open_new(opening, place) : -errno;
	if (S_ISLNK(status.st_mode))
		return open_link(opening, place);
	if ((opening->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	return open_there(opening, place, &status);
}

long call_open(struct notify_call *call)
{
	_cleanup_(place_deinit) struct place place;
	struct opening opening = {call, (int)call->arguments[2], (mode_t)call->arguments[3]};
	char path[PATH_MAX];
	long result;

	place_init(&place);
	if (call->kept >= 0)
		return finish(&opening, steal_fd(&call->kept), S_IFIFO);
	/* some sets of flags are none, and that comes first: the kernel says it of no path as well */
	if ((opening.flags & (TEMPORARY | O_DIRECTORY)) &&
	    syscall(SYS_openat, -1, "", opening.flags, (unsigned)opening.mode) < 0 && errno == EINVAL)
		return -EINVAL;
	result = target_path(call, call->arguments[1], path);
	if (result == 0)
		result = place_find(call, (int)call->arguments[0], path, &place);
	if (result == 0 && (opening.flags & (O_CREAT | TEMPORARY)))
		result = target_umask(call);
	if (result < 0)
		return result;
	for (int links = 0; links <= LIMIT_NOTIFY_LINKS; links++) {
		result = open_place(&opening, &place);
		if (result != FOLLOW)
			return result;
	}
	return -ELOOP;
}

/* ---- truncate: as opening to write ---- */

static long truncate_object(struct notify_call *call, int object, off_t length)
{
	struct opening opening = {call, O_WRONLY, 0};
	_cleanup_fd_ int file = -1;
	char text[PATH_MAX], number[16];
	struct stat status;
	long result = place_text(call, object, text);

	if (result < 0 || fstat(object, &status) < 0)
		return result < 0 ? result : -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	result = judge(&opening, text, false);
	if (result == 0)
		result = judge_names(&opening, &status, text);
	if (result == 0)
		result = target_valid(call);
	if (result != 0)
		return result;
	snprintf(number, sizeof number, "%d", object);
	file = openat(call->notify->descriptors, number, O_WRONLY | OURS);
	if (file < 0)
		return errno == EWOULDBLOCK ? NOTIFY_LATER : -errno;
	return ftruncate(file, length) < 0 ? -errno : 0;
}

long call_truncate(struct notify_call *call)
{
	_cleanup_(place_deinit) struct place place;
	_cleanup_fd_ int object = -1;
	char path[PATH_MAX];
	long result;

	place_init(&place);
	if ((int64_t)call->arguments[1] < 0)
		return -EINVAL;
	result = target_path(call, call->arguments[0], path);
	if (result == 0)
		result = place_find(call, AT_FDCWD, path, &place);
	if (result < 0)
		return result;
	object = place_object(call, &place);
	return object < 0 ? object : truncate_object(call, object, (off_t)call->arguments[1]);
}
