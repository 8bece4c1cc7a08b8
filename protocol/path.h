/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_PATH_H
#define SALLYPORT_PROTOCOL_PATH_H

#include <stdbool.h>
#include <string.h>

/* True when `path` is `root` or lies below it. Both absolute and canonical; `root` may end with slashes. */
static inline bool path_within(const char *path, const char *root)
{
	size_t length = strlen(root);

	while (length > 0 && root[length - 1] == '/')
		length--;
	return strncmp(path, root, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

#endif
