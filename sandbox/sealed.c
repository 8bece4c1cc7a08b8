/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed memfds (sealed.h). A reader checks the seals first: then nobody can change what it reads. */
#include "sandbox/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

int sealed_open(const char *name, const void *bytes, size_t length, struct err *err)
{
	_cleanup_fd_ int memfd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (memfd < 0)
		return err_set(err, -errno, "shared memory: memfd_create: %s", err_name(errno));
	for (size_t done = 0; done < length;) {
		ssize_t wrote = write(memfd, (const char *)bytes + done, length - done);

		if (wrote < 0)
			return err_set(err, -errno, "shared memory: write: %s", err_name(errno));
		done += (size_t)wrote;
	}
	if (fcntl(memfd, F_ADD_SEALS, SEALS) < 0)
		return err_set(err, -errno, "shared memory: sealing: %s", err_name(errno));
	return steal_fd(&memfd);
}

int sealed_read(int memfd, size_t most, char **bytes, size_t *length, struct err *err)
{
	_cleanup_free_ char *read = NULL;
	struct stat status;
	size_t size, done = 0;

	if ((fcntl(memfd, F_GET_SEALS) & SEALS) != SEALS || fstat(memfd, &status) < 0)
		return err_set(err, -EPROTO, "it is not a sealed memfd");
	if (status.st_size <= 0 || (uint64_t)status.st_size > most)
		return err_set(err, -EPROTO, "it has an impossible size");
	size = (size_t)status.st_size;
	read = malloc(size + 1);
	if (!read)
		return err_set(err, -ENOMEM, "no memory for it");
	while (done < size) { /* pread: the description, and so its offset, is shared with others */
		ssize_t got = pread(memfd, read + done, size - done, (off_t)done);

		if (got <= 0)
			return err_set(err, got < 0 ? -errno : -EPROTO, "it cannot be read");
		done += (size_t)got;
	}
	read[size] = '\0';
	*length = size;
	*bytes = steal_pointer(read);
	return 0;
}
