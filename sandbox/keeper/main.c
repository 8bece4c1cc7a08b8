/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-keeper: pid 1 of a caller's sandbox. It puts itself under every layer, keeps nannies waiting at
 * the door, and ends when the frontend or the spawner does; its end is that of everything in the sandbox.
 *
 * Orphans of a nanny that died fall to it, and it kills every child that is not a nanny of its own.
 *
 * Without a PID namespace it is a subreaper, so that they fall to it all the same, and its end is nobody
 * else's: it kills all it has before it goes. If it is killed itself, nannies and commands die by the
 * kernel's hand, and what has left them falls to the spawner, which is a subreaper too (spawner/orphans.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/layers/ask.h"
#include "sandbox/executor.h"
#include "sandbox/keeper/parts.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/layers/layer.h"
#include "sandbox/profile.h"
#include "sandbox/spawner/setup.h"

int keeper_watch(const struct keeper *keeper, int fd, uint32_t events, enum watched what, size_t slot)
{
	struct epoll_event event = {.events = events, .data.u64 = (uint64_t)slot << 32 | what};

	return epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* ---- waiting ---- */

/* The listener of a nanny that has begun; one that cannot is of no use. */
static void hear_nanny(struct keeper *keeper, size_t slot)
{
	struct notify_client *client = &keeper->notify.clients[slot];
	const char *step;
	int result = notify_receive(&keeper->notify, slot, &step);

	if (result == 0)
		return;
	epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, client->socket, NULL);
	if (result < 0 || keeper_watch(keeper, client->listener, EPOLLIN, WATCH_CALLS, slot) < 0)
		kill(keeper->nannies[slot], SIGKILL);
}

static void hear_calls(struct keeper *keeper, size_t slot, uint32_t events)
{
	if (keeper->notify.clients[slot].listener < 0)
		return;
	if (events & EPOLLIN)
		notify_serve(&keeper->notify, slot);
	else /* nobody is left that could ask */
		close_fd(&keeper->notify.clients[slot].listener);
}

static void hear_signals(struct keeper *keeper)
{
	struct signalfd_siginfo heard[4];

	while (read(keeper->signals, heard, sizeof heard) == sizeof heard)
		;
	nannies_bury(keeper);
}

/* False when the sandbox is to end. */
static bool hear(struct keeper *keeper, const struct epoll_event *event)
{
	size_t slot = event->data.u64 >> 32;
	eventfd_t ignored;

	switch ((enum watched)(event->data.u64 & UINT32_MAX)) {
	case WATCH_END: /* hang-ups: nothing else was asked for */
		return false;
	case WATCH_KICK:
		eventfd_read(keeper->nanny.kick, &ignored);
		keeper->deaths = 0;
		break;
	case WATCH_SIGNALS:
		hear_signals(keeper);
		break;
	case WATCH_NANNY:
		if (keeper->nannies[slot]) /* else it was buried in this very round */
			hear_nanny(keeper, slot);
		break;
	case WATCH_CALLS:
		hear_calls(keeper, slot, event->events);
		break;
	case WATCH_BROKER:
		notify_hear_broker(&keeper->notify);
		break;
	}
	return true;
}

/* Calls that would have blocked are tried again in time, also while others never stop asking. */
static int retry(struct keeper *keeper)
{
	int64_t then = keeper->retried;

	if (!keeper->notify.later_count)
		return -1;
	keeper->retried = clock_ms();
	if (keeper->retried - then >= LIMIT_NOTIFY_RETRY_MS)
		notify_retry(&keeper->notify);
	else
		keeper->retried = then;
	return LIMIT_NOTIFY_RETRY_MS;
}

/* Runs until the sandbox is to end. Each that asks gets one answer a round, and the dead are seen to in each.
 */
static void keep(struct keeper *keeper)
{
	struct epoll_event events[LIMIT_NANNIES];

	/* nannies that cannot live, or are not let, would be forked for ever: the frontend asks for a new
	 * sandbox */
	while (keeper->deaths < LIMIT_NANNY_DEATHS) {
		nannies_keep_one_waiting(keeper);
		int count = epoll_wait(keeper->epoll, events, ARRAY_SIZE(events), retry(keeper));

		for (int i = 0; i < count; i++)
			if (!hear(keeper, &events[i]))
				return;
	}
}

/* PATH of commands that bring none: what the plan shows of the person's own. */
static char *search_path(const struct plan *plan)
{
	char *path;

	return asprintf(&path, "PATH=%s",
			plan->search_path ? plan->search_path : "/usr/local/bin:/usr/bin:/bin") < 0
		       ? NULL
		       : path;
}

/* "NAME=" "value" "/below" for the environment; NULL without memory. */
static const char *variable(const char *name, const char *value, const char *below)
{
	char *text;

	return asprintf(&text, "%s%s%s", name, value, below) < 0 ? NULL : text;
}

/* Where there is no view the scripts are in the home that stands for it; where there is not even that, none
 * are. */
static int name_defaults(struct nanny *nanny, const struct executor *executor)
{
	const uint64_t layers = profile_find(EXECUTOR_SANDBOX, executor->confinement)->layers;
	const char *directory = "/" ASK_DIRECTORY;
	char place[LIMIT_PATH_BYTES];

	nanny->defaults[0] = search_path(&executor->plan);
	if (!nanny->defaults[0])
		return -ENOMEM;
	if (!(layers & (LAYER_MOUNTS | LAYER_PRIVATE)))
		return 0;
	if (layers & LAYER_PRIVATE) {
		const char *step;
		int result;

		snprintf(place, sizeof place, "%s/home", executor->private);
		_cleanup_fd_ int home = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);

		result = home < 0 ? -errno : ask_make(home, &step);
		if (result < 0)
			return result;
		snprintf(place, sizeof place, "%s/home/" ASK_DIRECTORY, executor->private);
		directory = place;
	}
	for (size_t i = 0; i < ASK_VARIABLES && ask_variables[i].name; i++) {
		const struct ask_variable *at = &ask_variables[i];

		nanny->defaults[1 + i] = at->script ? variable(at->name, directory, at->script) : at->name;
		if (!nanny->defaults[1 + i])
			return -ENOMEM;
	}
	return 0;
}

/* What stands for the namespaces that are not there. */
static int prepare_unnamespaced(struct keeper *keeper, struct executor *executor)
{
	const struct profile *profile = profile_find(EXECUTOR_SANDBOX, executor->confinement);
	struct nanny *nanny = &keeper->nanny;

	/* stopped by somebody, it is to wake, hear of the spawner's end from its socket, and sweep */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGCONT) < 0)
		return -errno;
	nanny->keeper = getpid();
	nanny->ruleset = executor->command_ruleset;
	executor->command_ruleset = -1; /* the nannies' from here */
	if (!(profile->layers & LAYER_PRIVATE))
		return 0;
	nanny->replaced[0] = "TMPDIR=/tmp";
	nanny->replacing[0] = variable("TMPDIR=", executor->private, "/tmp");
	if (executor->plan.home) {
		nanny->replaced[1] = variable("HOME=", executor->plan.home, "");
		nanny->replacing[1] = variable("HOME=", executor->private, "/home");
	}
	return nanny->replacing[0] && (!executor->plan.home || (nanny->replaced[1] && nanny->replacing[1]))
		       ? 0
		       : -ENOMEM;
}

/* stdin of commands that have none. The one that the spawner gave was opened outside: /dev/stdin would be
 * refused. */
static int open_null(void)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null < 0 || dup2(null, STDIN_FILENO) < 0 ? -errno : 0;
}

static int prepare(struct keeper *keeper, struct executor *executor)
{
	int result = open_null();
	sigset_t blocked;

	if (result < 0)
		return result;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGUSR1);
	keeper->signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&blocked, SIGXFSZ); /* a caller's file would be too long: it is to hear of it, not we */
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	keeper->epoll = epoll_create1(EPOLL_CLOEXEC);
	keeper->nanny.door = EXECUTOR_CHANNEL;
	keeper->nanny.kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = name_defaults(&keeper->nanny, executor);
	if (result < 0)
		return result;
	keeper->nanny.shell = access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
	keeper->nanny.nursery =
		mmap(NULL, sizeof(struct nursery), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (keeper->nanny.kick < 0 || keeper->nanny.nursery == MAP_FAILED || keeper->signals < 0 ||
	    keeper->epoll < 0 || fcntl(EXECUTOR_CHANNEL, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(SETUP_SOCKET, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	keeper->nanny.files = executor->plan.command_files;
	result = keeper->namespaced ? 0 : prepare_unnamespaced(keeper, executor);
	if (result == 0)
		result = keeper_watch(keeper, SETUP_SOCKET, 0, WATCH_END, 0);
	if (result == 0)
		result = keeper_watch(keeper, keeper->nanny.door, 0, WATCH_END, 0);
	if (result == 0)
		result = keeper_watch(keeper, keeper->nanny.kick, EPOLLIN, WATCH_KICK, 0);
	if (result == 0)
		result = keeper_watch(keeper, keeper->signals, EPOLLIN, WATCH_SIGNALS, 0);
	return result;
}

/* The first nanny: if the kernel does not let us hear and read it, there is no sandbox. */
static int add_first(struct keeper *keeper, const char **step)
{
	struct notify_client *client = &keeper->notify.clients[0];
	int result;

	*step = "fork";
	keeper->nanny.probe = true;
	result = nannies_add(keeper, 0);
	keeper->nanny.probe = false;
	while (result == 0 && client->socket >= 0)
		result = notify_receive(&keeper->notify, 0, step);
	if (result < 0 || client->socket < 0)
		return result;
	epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, client->socket, NULL);
	return keeper_watch(keeper, client->listener, EPOLLIN, WATCH_CALLS, 0);
}

/* Under all layers, and before the spawner hears of it. */
static int stand(struct executor *executor, void *context, const char **step)
{
	const struct profile *profile = profile_find(EXECUTOR_SANDBOX, executor->confinement);
	struct notify_duty duty = {.plan = profile->layers & LAYER_SUPERVISOR ? &executor->plan : NULL,
				   .bounds = !(profile->layers & LAYER_MOUNTS),
				   .private = executor->private,
				   .hidden = executor->hidden};
	struct keeper *keeper = context;
	int result;

	duty.broker = executor->reach;
	duty.signals = profile->layers & LAYER_SIGNALS && landlock_abi() < LANDLOCK_ABI_SIGNALS;
	*step = "prepare";
	keeper->namespaced = profile->namespaces & CLONE_NEWPID;
	result = prepare(keeper, executor);
	if (result == 0)
		result = notify_init(&keeper->notify, &duty, keeper->nanny.nursery);
	executor->reach = -1; /* the supervisor's */
	if (result == 0 && keeper->notify.broker >= 0)
		result = keeper_watch(keeper, keeper->notify.broker, EPOLLIN, WATCH_BROKER, 0);
	keeper->nanny.filter = keeper->notify.filter;
	return result < 0 ? result : add_first(keeper, step);
}

int main(void)
{
	struct keeper keeper = {.nanny = {.ruleset = -1, .supervisor = -1}};
	struct executor executor;
	struct err err = {""};
	int result = executor_receive(EXECUTOR_SANDBOX, &executor, &err);

	prctl(PR_SET_NAME, "sallyport-keeper");
	executor.last = stand;
	executor.context = &keeper;
	if (result < 0 || executor_enter(&executor, &err) < 0) {
		if (!executor.confinement) /* started by hand: nobody else would say so */
			fprintf(stderr, "sallyport-keeper: %s\n", err.text);
		return 1;
	}
	executor_deinit(&executor);
	keep(&keeper);
	if (!keeper.namespaced)
		nannies_end(&keeper);
	return 0;
}
