/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes, carried from an old file to the new one. */
#include "tools/files/executor/attributes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

#define ACCESS_LIST "system.posix_acl_access"

/* Names, each ended by NUL. Their bytes, or -errno; none where the file system has no attributes. */
static ssize_t list(int fd, char **names)
{
	ssize_t length = flistxattr(fd, NULL, 0);

	*names = NULL;
	if (length <= 0)
		return length < 0 && errno != EOPNOTSUPP ? -errno : 0;
	*names = malloc(LIMIT_ATTRIBUTE_BYTES);
	if (!*names)
		return -ENOMEM;
	length = flistxattr(fd, *names, LIMIT_ATTRIBUTE_BYTES);
	return length < 0 ? -errno : length;
}

static int copy(int from, int to, const char *name, void *value)
{
	ssize_t length = fgetxattr(from, name, value, LIMIT_ATTRIBUTE_BYTES);

	if (length < 0)
		return errno == ENODATA ? 0 : -errno; /* it went meanwhile */
	return fsetxattr(to, name, value, (size_t)length, 0) < 0 ? -errno : 0;
}

int attributes_carry(int from, int to, enum attribute_fate (*fate)(const char *name), bool *lost, char *name)
{
	_cleanup_free_ char *names = NULL, *value = NULL;
	ssize_t length = list(from, &names);

	snprintf(name, 256, "list");
	if (length <= 0)
		return (int)length;
	value = malloc(LIMIT_ATTRIBUTE_BYTES);
	if (!value)
		return -ENOMEM;
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
		enum attribute_fate wanted = fate(names + at);
		int result = wanted == ATTRIBUTE_LEFT ? 0 : copy(from, to, names + at, value);

		if (result < 0 && wanted == ATTRIBUTE_NEEDED) {
			snprintf(name, 256, "%s", names + at);
			return result;
		}
		*lost |= result < 0;
	}
	return 0;
}

static enum attribute_fate fate_of_replaced(const char *name)
{
	if (strncmp(name, "user.", 5) == 0 || strcmp(name, ACCESS_LIST) == 0)
		return ATTRIBUTE_NEEDED;
	return strcmp(name, "security.selinux") == 0 || strcmp(name, "security.SMACK64") == 0
		       ? ATTRIBUTE_TRIED
		       : ATTRIBUTE_LEFT;
}

int attributes_copy(int from, int to, char *name)
{
	bool lost = false; /* a label that the system keeps to itself */

	if (fgetxattr(from, ACCESS_LIST, NULL, 0) < 0)
		fremovexattr(to, ACCESS_LIST); /* the directory may have given the new file one */
	return attributes_carry(from, to, fate_of_replaced, &lost, name);
}
