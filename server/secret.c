/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold secrets (secret.h). */
#include "server/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

int secret_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

/* The size goes to *room with what reading asks for, so that the buffer does not grow: memory that a secret
 * has moved out of is not overwritten. */
static int judge(int fd, const char *path, bool secret, size_t *room, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	*room = LIMIT_SECRET_FILE_BYTES;
	if (status.st_size < (off_t)(LIMIT_SECRET_FILE_BYTES - LIMIT_SECRET_READ_BYTES))
		*room = (size_t)status.st_size + LIMIT_SECRET_READ_BYTES;
	if (S_ISREG(status.st_mode) && !(status.st_mode & (S_IWGRP | S_IWOTH | (secret ? S_IROTH : 0))))
		return 0;
	return secret ? err_set(err, -EPERM,
				"%s: secrets must be in a file that others cannot read and only its owner "
				"can write (chmod 600)",
				path)
		      : err_set(err, -EPERM,
				"%s: this must be a file that only its owner can write (chmod 644)", path);
}

int secret_read(struct buffer *text, int fd, const char *path, bool secret, struct err *err)
{
	size_t room = 0;
	ssize_t got = 1;
	int result;

	buffer_init(text, LIMIT_SECRET_FILE_BYTES);
	if (fd < 0)
		return err_set(err, fd, "%s: %s", path, strerror(-fd));
	result = judge(fd, path, secret, &room, err);
	if (result < 0)
		return result;
	result = buffer_reserve(text, room);
	while (result == 0 && got > 0) {
		result = buffer_reserve(text, LIMIT_SECRET_READ_BYTES);
		got = result < 0 ? 0 : read(fd, text->bytes + text->end, LIMIT_SECRET_READ_BYTES);
		if (got > 0)
			text->end += (size_t)got;
	}
	if (got < 0)
		result = -errno;
	if (result == 0)
		result = buffer_append(text, "", 1);
	if (result < 0)
		secret_forget(text);
	return result == -EMSGSIZE ? err_set(err, result, "%s: it is too large to be read", path)
	       : result < 0        ? err_set(err, result, "%s: %s", path, strerror(-result))
				   : 0;
}

void secret_forget(struct buffer *text)
{
	if (text->bytes)
		explicit_bzero(text->bytes, text->size);
	buffer_deinit(text);
}
