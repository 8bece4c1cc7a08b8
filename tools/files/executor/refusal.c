/* SPDX-License-Identifier: Apache-2.0 */
/* Failures and denials in words. Paths come from the model or from directories: they are cut, never trusted.
 */
#include "tools/files/executor/refusal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/error.h"
#include "protocol/frame.h"
#include "sandbox/rule.h"
#include "tools/files/quote.h"

static const struct {
	int error;
	const char *words;
} meanings[] = {
	{EACCES, "its permissions, or those of a directory on the way, do not allow it"},
	{EAGAIN, "directories on the way kept being moved meanwhile; try again"},
	{EBUSY, "it is in use as a mount point"},
	{EDQUOT, "the disk quota is used up; delete something first"},
	{EFBIG, "the file would become larger than the file system or a limit allows"},
	{EINVAL, "the file system does not support this, or the name is not one it accepts"},
	{EIO, "the disk reported an error"},
	{EISDIR, "it is a directory"},
	{ELOOP, "too many links, or a link that leads to itself"},
	{EMFILE, "too many files are open at once; try again with fewer calls in flight"},
	{ENAMETOOLONG, "the path is too long, or one of its names is longer than 255 bytes"},
	{ENFILE, "the system has too many files open; try again later"},
	{ENOENT, "it does not exist"},
	{ENOMEM, "not enough memory; try again with fewer or smaller calls in flight"},
	{ENOSPC, "no space left on the disk; delete something first"},
	{ENOTDIR, "something on the way is not a directory"},
	{EPERM, "the file is marked immutable, or belongs to somebody else"},
	{EROFS, "the file system is read-only"},
	{ESTALE, "the network file system lost it; try again"},
	{ETXTBSY, "it is a program that is running"},
};

int refuse(struct refusal *refusal, int error, const char *format, ...)
{
	va_list arguments;

	refusal->told = true;
	refusal->denied = false;
	refusal->error = error;
	va_start(arguments, format);
	vsnprintf(refusal->text, sizeof refusal->text, format, arguments);
	va_end(arguments);
	return error ? -error : -EIO;
}

/* A path for people. One that was typed may be quoted already. */
static const char *show(const char *path, char room[QUOTE_BYTES])
{
	char typed[LIMIT_PATH_BYTES];

	return quote_read(path, typed) != path ? path : quote_show(path, room);
}

int refuse_errno(struct refusal *refusal, int error, const char *verb, const char *path)
{
	char room[QUOTE_BYTES];

	path = show(path, room);
	if (error < 0)
		error = -error;
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].error == error)
			return refuse(refusal, error, "cannot %s `%.600s`: %s (%s)", verb, path,
				      meanings[i].words, err_name(error));
	return refuse(refusal, error, "cannot %s `%.600s`: %s (%s)", verb, path, strerror(error),
		      err_name(error));
}

int refuse_denied(struct refusal *refusal, const char *operation, const char *target, const char *rule,
		  const char *allowed)
{
	const struct rule_words *words = rule_words(rule);
	char room[QUOTE_BYTES];

	refusal->told = true;
	refusal->denied = true;
	refusal->error = EPERM;
	snprintf(refusal->operation, sizeof refusal->operation, "%s", operation);
	snprintf(refusal->target, sizeof refusal->target, "%s", show(target, room));
	snprintf(refusal->rule, sizeof refusal->rule, "%s", rule);
	snprintf(refusal->allowed, sizeof refusal->allowed, "%s", allowed ? allowed : words->allowed);
	snprintf(refusal->remedy, sizeof refusal->remedy, "%s", words->remedy);
	return -EPERM;
}

int refusal_write(const struct refusal *refusal, struct buffer *payload)
{
	int result;

	if (!refusal->denied)
		return frame_put_text(payload, refusal->text);
	if ((result = frame_put_text(payload, "files")) < 0 ||
	    (result = frame_put_text(payload, refusal->operation)) < 0 ||
	    (result = frame_put_text(payload, refusal->target)) < 0 ||
	    (result = frame_put_text(payload, refusal->rule)) < 0 ||
	    (result = frame_put_text(payload, refusal->remedy)) < 0 ||
	    (result = frame_put_text(payload, refusal->allowed)) < 0)
		return result;
	return 0;
}
