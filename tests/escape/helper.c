/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape-helper: what attacks need a C program for.
 *
 *   victim FILE          a process of the person's: FILE open, its secret in memory; ends with its stdin
 *   leaderless FILE      a process whose first thread has ended, holding a lock on FILE
 *   exit-signal FILE     a child that tells its parent nothing when it ends, holding a lock on FILE
 *   shared-parent FILE   a sibling of this process (CLONE_PARENT), holding a lock on FILE
 *
 * Under a name that begins as our programs' do it is one that was put in their place: it makes the file
 * `pwned` where it is started.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int victim(const char *path)
{
	static char memory[4096];
	char byte;
	int fd = open(path, O_RDONLY);

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* nothing where there is no Yama */
	if (fd < 0 || read(fd, memory, sizeof memory - 1) <= 0 || lseek(fd, 0, SEEK_SET) < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return memory[0] == '\0';
}

/* A lock is the one sign of life that is seen through every namespace. */
static int lock(const char *path)
{
	int fd = open(path, O_RDWR);

	return fd < 0 || flock(fd, LOCK_EX) < 0;
}

static void *stay(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static int leaderless(const char *path)
{
	pthread_t thread;

	if (fork() != 0)
		return 0;
	setsid();
	if (lock(path) || pthread_create(&thread, NULL, stay, NULL))
		return 1;
	syscall(SYS_exit, 0);
	return 0;
}

static int cloned(const char *path, unsigned long flags)
{
	if (lock(path))
		return 1;
	if (syscall(SYS_clone, flags, 0L, 0L, 0L, 0L) == 0)
		stay(NULL);
	return 0;
}

int main(int argc, char **argv)
{
	if (!strncmp(basename(argv[0]), "sallyport", 9))
		return creat("pwned", 0666) < 0;
	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "victim"))
		return victim(argv[2]);
	if (!strcmp(argv[1], "leaderless"))
		return leaderless(argv[2]);
	if (!strcmp(argv[1], "exit-signal"))
		return cloned(argv[2], 0);
	if (!strcmp(argv[1], "shared-parent"))
		return cloned(argv[2], CLONE_PARENT | SIGCHLD);
	return 2;
}
