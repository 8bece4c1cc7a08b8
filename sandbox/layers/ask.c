/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody is there to ask (ask.h). Commands may change or remove what is theirs of this; it protects nothing.
 * The umask that every executor has (layer_session) takes nothing of these modes. */
#include "sandbox/layers/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"

#define ANSWER                                                                                               \
	"A command without a terminal cannot be answered: begin it with tty and answer by write_input, "

static const char *const scripts[][2] = {
	{"ask",
	 "#!/bin/sh\n"
	 "echo \"[sallyport: it asked: $*\" >&2\n"
	 "echo \"" ANSWER "or give what it asks for by its arguments, its environment or a file.]\" >&2\n"
	 "exit 1\n"},
	{"edit",
	 "#!/bin/sh\n"
	 "echo \"[sallyport: it wanted an editor for: $*\" >&2\n"
	 "echo \"" ANSWER "or give the text by an argument (git commit -m), or EDITOR=true to keep it as "
	 "it is.]\" >&2\n"
	 "exit 1\n"},
};

const struct ask_variable ask_variables[] = {
	{"GIT_ASKPASS=", "/ask"},
	{"SSH_ASKPASS=", "/ask"},
	{"SUDO_ASKPASS=", "/ask"},
	{"EDITOR=", "/edit"},
	{"SSH_ASKPASS_REQUIRE=force", NULL},
	{NULL},
};

static int write_script(int directory, const char *name, const char *text)
{
	_cleanup_fd_ int file =
		openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0555);
	size_t length = strlen(text);

	if (file < 0)
		return -errno;
	return write(file, text, length) == (ssize_t)length ? 0 : -EIO;
}

int ask_make(int parent, const char **step)
{
	int result = 0;

	*step = "mkdir";
	if (mkdirat(parent, ASK_DIRECTORY, 0755) < 0)
		return -errno;
	_cleanup_fd_ int directory =
		openat(parent, ASK_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*step = "open";
	if (directory < 0)
		return -errno;
	*step = "write";
	for (size_t i = 0; i < ARRAY_SIZE(scripts) && result == 0; i++)
		result = write_script(directory, scripts[i][0], scripts[i][1]);
	return result;
}
