/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_ATTRIBUTES_H
#define SALLYPORT_TOOLS_FILES_ATTRIBUTES_H

#include <stdbool.h>

/*
 * Extended attributes of a file that another takes the place of. Kept: user.* and the access control list
 * (system.posix_acl_access), without which it would not be the same file to its users; and, where the system
 * lets us, security labels (security.selinux, security.SMACK64). Not kept: security.capability, security.ima
 * and security.evm, which vouch for the old content (the kernel, too, drops them when a file is written), and
 * trusted.*, which only an administrator sees.
 *
 * `from` is open for reading, `to` in any way; the mode of `to` is set already, since a list changes it. 0,
 * or -errno with the attribute that could not be kept in `name` (256 bytes).
 */
int attributes_copy(int from, int to, char *name);

/* What becomes of an attribute when a file is made after another. */
enum attribute_fate {
	ATTRIBUTE_LEFT,   /* stays where it is */
	ATTRIBUTE_TRIED,  /* carried over if that goes; if not, *lost is set (never cleared) */
	ATTRIBUTE_NEEDED, /* carried over, or all fails */
};

/* Carries over what `fate` says. 0, or -errno with the attribute in `name` ("list": they cannot be listed).
 */
int attributes_carry(int from, int to, enum attribute_fate (*fate)(const char *name), bool *lost, char *name);

#endif
