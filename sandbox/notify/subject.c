/* SPDX-License-Identifier: Apache-2.0 */
/* Files of which a caller wants to change something else than what is in them (subject.h). */
#include "sandbox/notify/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/notify/place.h"

#define DELETED " (deleted)" /* what the kernel adds to the path of what has no name any more */

void subject_init(struct subject *subject)
{
	subject->object = -1;
	subject->text[0] = '\0';
}

void subject_deinit(struct subject *subject)
{
	close_fd(&subject->object);
}

void subject_path(const struct subject *subject, char path[SUBJECT_PATH_BYTES])
{
	snprintf(path, SUBJECT_PATH_BYTES, "/proc/self/fd/%d", subject->object);
}

/* Takes over `object`, which is a descriptor or -errno. */
static int take(const struct notify_call *call, int object, struct subject *subject)
{
	if (object < 0)
		return object;
	close_fd(&subject->object);
	subject->object = object;
	return place_text_above(call, object, subject->text);
}

static bool is_link(int object)
{
	struct stat status;

	return fstat(object, &status) == 0 && S_ISLNK(status.st_mode);
}

/* The object of a name. Most names are no links, and then the text of the place is the text of the object. */
static int find_object(const struct notify_call *call, const struct place *place, bool follow,
		       struct subject *subject)
{
	_cleanup_fd_ int object = -1;

	if (!place->plain)
		return take(call, place_object(call, place), subject);
	object = openat(place->parent, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (object < 0)
		return -errno;
	if (is_link(object) ? follow : place->proc)
		return take(call, place_object(call, place), subject);
	subject->object = steal_fd(&object);
	snprintf(subject->text, sizeof subject->text, "%s", place->text);
	return 0;
}

int subject_find(const struct notify_call *call, int directory, uint64_t path, int flags,
		 struct subject *subject)
{
	_cleanup_(place_deinit) struct place place;
	char text[PATH_MAX];
	int result = target_text(call, path, text);

	place_init(&place);
	if (result == 0 && !text[0])
		return flags & AT_EMPTY_PATH ? take(call, target_object(call, directory), subject) : -ENOENT;
	if (result == 0)
		result = place_find(call, directory, text, &place);
	return result < 0 ? result : find_object(call, &place, !(flags & AT_SYMLINK_NOFOLLOW), subject);
}

int subject_open(const struct notify_call *call, int fd, struct subject *subject)
{
	int flags = fd < 0 ? -EBADF : target_flags(call, fd);

	if (flags < 0 || (flags & O_PATH))
		return flags < 0 ? flags : -EBADF;
	return take(call, target_object(call, fd), subject);
}

/* ---- judging ---- */

/* Pipes, sockets and memory files lie nowhere: whoever has them may do with them as they like. */
static bool is_nowhere(const struct subject *subject, const struct stat *status)
{
	return subject->text[0] != '/' ||
	       (status->st_nlink == 0 && !strncmp(subject->text, "/memfd:", strlen("/memfd:")));
}

/* The path without what the kernel says behind that of a removed file: some file systems have it said of
 * files that are there. */
static void strip_deleted(const char *text, char stripped[2 * PATH_MAX])
{
	size_t length = strlen(text), tail = strlen(DELETED);

	snprintf(stripped, 2 * PATH_MAX, "%s", text);
	if (length > tail && !strcmp(text + length - tail, DELETED))
		stripped[length - tail] = '\0';
}

static enum rules_verdict judge_text(const struct rules *rules, const struct subject *subject,
				     const struct rules_path **rule)
{
	enum rules_verdict verdict = rules_judge(rules, subject->text, rule);
	char stripped[2 * PATH_MAX];

	if (verdict != RULES_FREE)
		return verdict;
	strip_deleted(subject->text, stripped);
	return strcmp(stripped, subject->text) != 0 ? rules_judge(rules, stripped, rule) : verdict;
}

long subject_judge(const struct notify_call *call, const struct subject *subject)
{
	const struct rules *rules = &call->notify->rules;
	const struct rules_path *rule = NULL;
	enum rules_verdict verdict;
	struct stat status;

	if (fstat(subject->object, &status) < 0)
		return -errno;
	if (is_nowhere(subject, &status))
		return 0;
	verdict = judge_text(rules, subject, &rule);
	/* a directory on the way stays where it is, and is the caller's otherwise */
	if (verdict == RULES_ABOVE && S_ISDIR(status.st_mode))
		verdict = RULES_FREE;
	if (verdict == RULES_FREE && S_ISREG(status.st_mode) && status.st_nlink > 1) {
		rule = rules_same_file(rules, status.st_dev, status.st_ino);
		if (rule)
			verdict = rule->hidden ? RULES_HIDDEN : RULES_PROTECTED;
	}
	if (verdict != RULES_FREE) {
		notify_denied(call, "write", subject->text, rule);
		return verdict == RULES_HIDDEN ? -EACCES : -EROFS;
	}
	return rules_may_change(rules, subject->text) ? 0 : -EACCES;
}
