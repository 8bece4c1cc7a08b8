/* SPDX-License-Identifier: Apache-2.0 */
/* Which call goes to which handler (notify.h), and how older forms of a call become the newest. */
#include "sandbox/notify/notify.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "protocol/cleanup.h"

#define HERE ((uint64_t)(unsigned)AT_FDCWD)
#define NONE 6 /* no argument has this number */

static const struct {
	int number;
	notify_handler handler;
	/* arguments that the newest form has and this one lacks, in their order */
	struct {
		uint8_t position;
		uint64_t value;
	} fixed[3];
} table[] = {
	{SYS_openat, call_open, {{NONE}}},
	{SYS_truncate, call_truncate, {{NONE}}},
	{SYS_mkdirat, call_mkdir, {{NONE}}},
	{SYS_mknodat, call_mknod, {{NONE}}},
	{SYS_symlinkat, call_symlink, {{NONE}}},
	{SYS_linkat, call_link, {{NONE}}},
	{SYS_unlinkat, call_unlink, {{NONE}}},
	{SYS_renameat2, call_rename, {{NONE}}},
	{SYS_umask, call_umask, {{NONE}}},
	{SYS_kill, call_kill, {{NONE}}},
	{SYS_tgkill, call_tgkill, {{NONE}}},
	{SYS_tkill, call_tkill, {{NONE}}},
	{SYS_rt_sigqueueinfo, call_sigqueue, {{NONE}}},
	{SYS_rt_tgsigqueueinfo, call_sigqueue, {{NONE}}},
	{SYS_pidfd_send_signal, call_pidfd_send_signal, {{NONE}}},
	{SYS_fchmodat, call_chmod, {{NONE}}},
	{SYS_fchmod, call_fchmod, {{NONE}}},
	{SYS_fchownat, call_chown, {{NONE}}},
	{SYS_fchown, call_fchown, {{NONE}}},
	{SYS_utimensat, call_utimensat, {{NONE}}},
	{SYS_setxattr, call_setxattr, {{5, 0}, {NONE}}},
	{SYS_lsetxattr, call_setxattr, {{5, AT_SYMLINK_NOFOLLOW}, {NONE}}},
	{SYS_fsetxattr, call_setxattr, {{5, NOTIFY_BY_DESCRIPTOR}, {NONE}}},
	{SYS_removexattr, call_removexattr, {{2, 0}, {NONE}}},
	{SYS_lremovexattr, call_removexattr, {{2, AT_SYMLINK_NOFOLLOW}, {NONE}}},
	{SYS_fremovexattr, call_removexattr, {{2, NOTIFY_BY_DESCRIPTOR}, {NONE}}},
	{SYS_socket, call_socket, {{NONE}}},
	{SYS_connect, call_connect, {{NONE}}},
	{SYS_bind, call_bind, {{NONE}}},
#ifdef SYS_renameat
	{SYS_renameat, call_rename, {{4, 0}, {NONE}}},
#endif
#ifdef SYS_open /* and with it the others that newer architectures dropped */
	{SYS_open, call_open, {{0, HERE}, {NONE}}},
	{SYS_creat, call_open, {{0, HERE}, {2, O_CREAT | O_WRONLY | O_TRUNC}, {NONE}}},
	{SYS_mkdir, call_mkdir, {{0, HERE}, {NONE}}},
	{SYS_mknod, call_mknod, {{0, HERE}, {NONE}}},
	{SYS_symlink, call_symlink, {{1, HERE}, {NONE}}},
	{SYS_link, call_link, {{0, HERE}, {2, HERE}, {4, 0}}},
	{SYS_rename, call_rename, {{0, HERE}, {2, HERE}, {4, 0}}},
	{SYS_unlink, call_unlink, {{0, HERE}, {2, 0}, {NONE}}},
	{SYS_rmdir, call_unlink, {{0, HERE}, {2, AT_REMOVEDIR}, {NONE}}},
	{SYS_chmod, call_chmod, {{0, HERE}, {NONE}}},
	{SYS_chown, call_chown, {{0, HERE}, {4, 0}, {NONE}}},
	{SYS_lchown, call_chown, {{0, HERE}, {4, AT_SYMLINK_NOFOLLOW}, {NONE}}},
	{SYS_futimesat, call_utimes, {{NONE}}},
	{SYS_utimes, call_utimes, {{0, HERE}, {NONE}}},
	{SYS_utime, call_utime, {{0, HERE}, {NONE}}},
#endif
};

notify_handler notify_find(int number, const uint64_t raw[6], uint64_t arguments[6])
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t from = 0, fixed = 0;

		if (table[i].number != number)
			continue;
		for (size_t to = 0; to < 6; to++) {
			bool added =
				fixed < ARRAY_SIZE(table[i].fixed) && table[i].fixed[fixed].position == to;

			arguments[to] = added ? table[i].fixed[fixed++].value : raw[from++];
		}
		return table[i].handler;
	}
	return NULL;
}
