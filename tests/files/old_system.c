/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of systems that can less, by seccomp. */
#include "tests/files/old_system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"

#define LOAD(field)     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ANSWER(error)   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define PASS            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void install(struct sock_filter *filter, unsigned short length)
{
	struct sock_fprog program = {.len = length, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("seccomp");
		_exit(9);
	}
}

void old_system_kernel(void)
{
	struct sock_filter filter[] = {
		LOAD(nr), IF(SYS_linkat, 3), LOAD(args[4]), IF(AT_EMPTY_PATH, 1), ANSWER(ENOENT), PASS,
	};

	install(filter, ARRAY_SIZE(filter));
}

void old_system_no_links(void)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		IF(SYS_linkat, 1),
		ANSWER(EPERM),
		PASS,
	};

	install(filter, ARRAY_SIZE(filter));
}

void old_system_quota(void)
{
	struct sock_filter filter[] = {
		LOAD(nr),       IF(SYS_copy_file_range, 1),
		ANSWER(EDQUOT), IF(SYS_write, 3),
		LOAD(args[2]),  BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 4096, 0, 1),
		ANSWER(EDQUOT), PASS,
	};

	install(filter, ARRAY_SIZE(filter));
}
