/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a command, without any server around it: posix_spawn of /bin/true with pipes on its output,
 * read to their ends, wait. Prints the median in microseconds.
 *
 * usage: floor-spawn COUNT
 */

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void spawn_once(void)
{
	char name[] = "true", *argv[] = {name, NULL};
	posix_spawn_file_actions_t actions;
	int output[2], error[2], status;
	char piece[512];
	pid_t pid;

	if (pipe2(output, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0)
		abort();
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output[1], 1);
	posix_spawn_file_actions_adddup2(&actions, error[1], 2);
	if (posix_spawn(&pid, "/bin/true", &actions, NULL, argv, environ) != 0)
		abort();
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);
	close(error[1]);
	while (read(output[0], piece, sizeof(piece)) > 0)
		;
	while (read(error[0], piece, sizeof(piece)) > 0)
		;
	close(output[0]);
	close(error[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		abort();
}

int main(int argc, char **argv)
{
	size_t count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	uint64_t *took = calloc(count ? count : 1, sizeof(*took));

	if (!took || count == 0)
		return 2;
	for (size_t i = 0; i < count; i++) {
		uint64_t begin = now_ns();

		spawn_once();
		took[i] = now_ns() - begin;
	}
	qsort(took, count, sizeof(*took), compare);
	printf("p50_us %.2f\np99_us %.2f\n", (double)took[count / 2] / 1e3,
	       (double)took[count * 99 / 100] / 1e3);
	free(took);
	return 0;
}
