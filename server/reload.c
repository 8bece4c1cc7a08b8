/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP (reload.h). The files are the person's, the opener is ours. */
#include "server/reload.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "server/log.h"
#include "server/opener.h"

/* ---- the signal ---- */

static bool has_hung_up(int terminal)
{
	struct pollfd state = {.fd = terminal};

	return terminal >= 0 && poll(&state, 1, 0) == 1 && (state.revents & POLLHUP);
}

static void fail(struct reload *reload, const char *why)
{
	log_line("nothing was reloaded: %s", why);
	reload->host.done(reload->host.context);
}

static void signalled(struct loop_source *source, uint32_t events)
{
	struct reload *reload = (struct reload *)((char *)source - offsetof(struct reload, signals));
	struct signalfd_siginfo told;
	int result;

	if (read(source->fd, &told, sizeof told) != sizeof told)
		return;
	if (has_hung_up(reload->terminal)) {
		reload->host.end(reload->host.context);
		return;
	}
	reload->host.begin(reload->host.context);
	result = reload->opener.fd < 0 ? -ENOTCONN : opener_ask(reload->opener.fd);
	if (result == -ENOTCONN)
		fail(reload,
		     "no files were named (--token-file, --tls-cert), or nobody is left to open them");
	else if (result < 0)
		fail(reload, "what was asked before is not done yet");
}

/* ---- the files ---- */

static void opened(struct loop_source *source, uint32_t events)
{
	struct reload *reload = (struct reload *)((char *)source - offsetof(struct reload, opener));
	struct secrets fresh = {0};
	struct err err = {""};
	int files[SECRETS_FILES], result = opener_take(source->fd, files);

	if (result == -EAGAIN)
		return;
	if (result < 0) {
		log_line("tokens and certificates cannot be reloaded any more: the process that opens them "
			 "has ended; restart the server to change them");
		loop_close(reload->loop, source);
		return;
	}
	result = secrets_read(&fresh, reload->paths, files, &err);
	if (result == 0)
		result = reload->host.apply(reload->host.context, &fresh, &err);
	if (result < 0) {
		fail(reload, err.text);
	} else {
		log_line("reloaded:%s%s%s", reload->paths[SECRETS_TOKENS] ? " tokens" : "",
			 reload->paths[SECRETS_SESSION_KEY] ? " session-key" : "",
			 reload->paths[SECRETS_CERTIFICATE] ? " certificate" : "");
		if (fresh.note[0])
			log_line("%s", fresh.note);
		reload->host.done(reload->host.context);
	}
	secrets_deinit(&fresh);
}

/* ---- beginning and end ---- */

int reload_prepare(struct reload *reload, const struct options *options, int *opener, struct err *err)
{
	bool heeded = signal(SIGHUP, SIG_IGN) != SIG_IGN; /* no nohup(1) */

	*reload = (struct reload){.signals.fd = -1, .opener.fd = -1, .terminal = -1};
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (heeded && isatty(fd))
			reload->terminal = fd;
	*opener = -1;
	secrets_paths(reload->paths, options);
	for (size_t i = 0; i < SECRETS_FILES && *opener < 0; i++)
		if (reload->paths[i]) {
			*opener = opener_start(reload->paths, err);
			if (*opener < 0)
				return *opener;
		}
	return 0;
}

int reload_init(struct reload *reload, struct loop *loop, const struct reload_host *host, int opener,
		struct err *err)
{
	sigset_t signals;
	int result = 0, fd;

	reload->loop = loop;
	reload->host = *host;
	reload->signals.ready = signalled;
	reload->opener.ready = opened;
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL); /* blocked, it is queued though it is ignored */
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, "signalfd: %s", err_name(errno));
	result = loop_watch(loop, &reload->signals, fd, EPOLLIN);
	if (result == 0 && opener >= 0)
		result = loop_watch(loop, &reload->opener, opener, EPOLLIN);
	return result < 0 ? err_set(err, result, "SIGHUP cannot be watched: %s", err_name(result)) : 0;
}

void reload_deinit(struct reload *reload)
{
	loop_close(reload->loop, &reload->signals);
	if (reload->opener.fd >= 0)
		loop_close(reload->loop, &reload->opener);
}
