/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KEEPER_LOOK: would it pass? Asked in the place of a command, where every layer is on, by doing all of it
 * that changes nothing: what is there is opened for what is asked and closed again, and where a file would be
 * made its directory is asked whether one may be. So it is the kernel that foretells.
 *
 * Runs between vfork and _exit, in the nanny's memory: nothing is allocated.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/wire.h"

enum { LOOK_READ, LOOK_WRITE, LOOK_EXECUTE }; /* KEEPER_LOOKS */

#define LINKS 40 /* as many as the kernel follows */

struct look {
	const char *path;
	uint32_t operation, mode;
	char resolved[LIMIT_PATH_BYTES];
};

static int done(int fd)
{
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Where a descriptor leads, in the view; what stands in look->resolved is kept if that cannot be told. */
static void resolve(struct look *look, int fd, const char *name)
{
	char link[64], directory[LIMIT_PATH_BYTES];
	ssize_t length;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, directory, sizeof directory - 1);
	if (length <= 0)
		return;
	directory[length] = '\0';
	if (directory[1] == '\0' && *name)
		directory[0] = '\0'; /* the root, and something in it */
	if (strlen(directory) + strlen(name) + 2 <= sizeof look->resolved)
		snprintf(look->resolved, sizeof look->resolved, "%s%s%s", directory, *name ? "/" : "", name);
}

/* May something be made in a directory? An unnamed file is asked for too: Landlock has no say in access(2).
 */
static int look_inside(const char *directory)
{
	int fd;

	if (faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0)
		return errno;
	fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 && errno != EACCES && errno != EPERM && errno != EROFS)
		return 0; /* this file system knows no unnamed files */
	return done(fd);
}

static int look_at_existing(struct look *look, const char *path)
{
	static const int modes[] = {[LOOK_READ] = R_OK, [LOOK_WRITE] = W_OK, [LOOK_EXECUTE] = X_OK};

	if (look->operation == LOOK_WRITE && S_ISDIR(look->mode))
		return look_inside(path);
	if (look->operation == LOOK_WRITE && S_ISREG(look->mode))
		return done(open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
	if (look->operation == LOOK_READ && (S_ISREG(look->mode) || S_ISDIR(look->mode)))
		return done(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
	/* opening a device or a pipe may do something by itself */
	return faccessat(AT_FDCWD, path, modes[look->operation], AT_EACCESS) < 0 ? errno : 0;
}

/* Nothing is there: whether it could be made. A link at the end is followed, as open(2) does. */
static int look_at_absent(struct look *look)
{
	char path[LIMIT_PATH_BYTES], target[LIMIT_PATH_BYTES], directory[LIMIT_PATH_BYTES];

	snprintf(path, sizeof path, "%s", look->path);
	for (int links = 0; links < LINKS; links++) {
		const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
		ssize_t length = readlink(path, target, sizeof target - 1);

		snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) + 1 : 1,
			 slash ? path : ".");
		if (length < 0) {
			int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

			if (fd < 0)
				return errno;
			resolve(look, fd, name);
			close(fd);
			return *name ? look_inside(directory) : ENOENT;
		}
		target[length] = '\0';
		if (target[0] == '/')
			directory[0] = '\0';
		if (snprintf(path, sizeof path, "%s%s%s", directory, slash || !directory[0] ? "" : "/",
			     target) >= (int)sizeof path)
			return ENAMETOOLONG;
	}
	return ELOOP;
}

static int look_at(struct look *look)
{
	struct stat status;
	int fd = open(look->path, O_PATH | O_CLOEXEC), result;

	if (fd < 0)
		return errno == ENOENT && look->operation == LOOK_WRITE ? look_at_absent(look) : errno;
	resolve(look, fd, "");
	result = fstat(fd, &status) < 0 ? errno : 0;
	close(fd);
	if (result)
		return result;
	look->mode = status.st_mode;
	return look_at_existing(look, look->path);
}

/* A program's name is looked for as a command's would be. */
static int look_along_path(struct look *look, const char *search)
{
	const char *name = look->path;
	char path[LIMIT_PATH_BYTES];
	int result = ENOENT;

	while (*search) {
		size_t length = strcspn(search, ":");

		if (length > 0 &&
		    snprintf(path, sizeof path, "%.*s/%s", (int)length, search, name) < (int)sizeof path) {
			look->path = path;
			int found = look_at(look);

			if (found == 0)
				return 0;
			if (found != ENOENT && found != ENOTDIR)
				result = found;
		}
		search += length + (search[length] == ':');
	}
	look->path = name;
	return result;
}

int look_answer(const struct request *request, const char *search)
{
	struct look look = {.path = request->argv[1]};
	const char *letter = strchr(KEEPER_LOOKS, request->argv[0][0]);
	uint32_t head[3];
	struct iovec parts[] = {{head, sizeof head}, {look.resolved, 0}};

	if (!look.path || !letter || !*letter)
		return EINVAL;
	look.operation = (uint32_t)(letter - KEEPER_LOOKS);
	snprintf(look.resolved, sizeof look.resolved, "%s", look.path);
	head[0] = htole32((uint32_t)(look.operation == LOOK_EXECUTE && !strchr(look.path, '/')
					     ? look_along_path(&look, search)
					     : look_at(&look)));
	head[1] = htole32(look.operation);
	head[2] = htole32(look.mode);
	parts[1].iov_len = strlen(look.resolved);
	return writev(STDOUT_FILENO, parts, 2) < 0 ? errno : 0;
}
