/* SPDX-License-Identifier: Apache-2.0 */
/*
 * without: runs a program on a kernel that has less, as far as a filter can show it.
 *
 *   without WHAT:ERRNO... -- argv...
 *
 * WHAT: namespaces (making, entering and mounting, as containers refuse them), landlock, seccomp. ERRNO is
 * the number that each answers.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"

#define NAMESPACES                                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |        \
	 CLONE_NEWNET)
#define MOST 64

/* The numbers of Landlock's calls are the same everywhere. */
static const int namespaces[] = {SYS_unshare,
				 SYS_setns,
				 SYS_mount,
				 SYS_umount2,
				 SYS_pivot_root,
				 428 /* open_tree */,
				 429 /* move_mount */,
				 430 /* fsopen */,
				 442 /* mount_setattr */,
				 -1};
static const int landlock[] = {444, 445, 446, -1};
static const int seccomp[] = {SYS_seccomp, -1};

static const struct {
	const char *name;
	const int *calls;
} things[] = {{"landlock", landlock}, {"namespaces", namespaces}, {"seccomp", seccomp}};

static struct sock_filter code[MOST];
static unsigned short length;

static void put(unsigned short operation, unsigned value, unsigned char yes, unsigned char no)
{
	code[length++] = (struct sock_filter){operation, yes, no, value};
}

static void refuse(int call, unsigned error)
{
	put(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1);
	put(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0, 0);
}

/* clone with new namespaces; clone3 hides its flags, and container filters answer ENOSYS. */
static void refuse_clone(unsigned error)
{
	refuse(SYS_clone3, ENOSYS);
	put(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
	/* s390 alone has the flags elsewhere */
	put(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]), 0, 0);
	put(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1);
	put(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0, 0);
	put(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static int add(const char *text)
{
	const char *colon = strchr(text, ':');

	for (size_t i = 0; colon && i < ARRAY_SIZE(things); i++) {
		unsigned error = (unsigned)strtoul(colon + 1, NULL, 10);

		if (strncmp(things[i].name, text, (size_t)(colon - text)) != 0)
			continue;
		for (const int *call = things[i].calls; *call >= 0; call++)
			refuse(*call, error);
		if (things[i].calls == namespaces)
			refuse_clone(error);
		return 0;
	}
	return -EINVAL;
}

int main(int argc, char **argv)
{
	int at = 1;

	put(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (; at < argc && strcmp(argv[at], "--") != 0; at++)
		if (length > MOST / 2 || add(argv[at]) < 0)
			break;
	put(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	if (at + 1 >= argc || strcmp(argv[at], "--") != 0) {
		fputs("usage: without WHAT:ERRNO... -- argv...\n", stderr);
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){.len = length, .filter = code}) <
		    0) {
		perror("without: prctl");
		return 2;
	}
	execvp(argv[at + 1], argv + at + 1);
	perror(argv[at + 1]);
	return 127;
}
