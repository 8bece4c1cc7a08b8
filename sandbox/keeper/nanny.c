/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A nanny: waits at the door for a command, runs it, sees to it that nothing of it is left, and waits again.
 * It lives among hostile processes of its own uid, so it holds no secret and no descriptor but the door and
 * the call's leash; whoever kills it ends its call and no other.
 *
 * Between a request and execve, and between the command's end and the report, stands as little as possible:
 * this is the path that every command pays (docs/performance.md).
 */
#include "sandbox/keeper/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/keeper/inside.h"
#include "sandbox/keeper/state.h"
#include "sandbox/keeper/terminal.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/notify/notify.h"

struct nanny_call {
	int leash;
	uint32_t number;
	pid_t pid;
	bool ended;                /* the command itself; others may be left */
	bool off;                  /* the frontend wants no more of it */
	struct terminal *terminal; /* NULL: it has none */
	struct state_input input;
	int status;
	uint64_t user_us, system_us, peak_kb;
	uint32_t leftovers; /* others than the command that had to be killed */
};

static uint64_t microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000u + (uint64_t)time->tv_usec;
}

/* Adds a dead process to the call's account. */
static void account(void *context, pid_t pid, int status, const void *resources)
{
	struct nanny_call *call = context;
	const struct rusage *usage = resources;

	if (pid == call->pid) {
		call->ended = true;
		call->status = status;
	} else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		call->leftovers++;
	}
	call->user_us += microseconds(&usage->ru_utime);
	call->system_us += microseconds(&usage->ru_stime);
	if ((uint64_t)usage->ru_maxrss > call->peak_kb)
		call->peak_kb = (uint64_t)usage->ru_maxrss;
}

static void reap_dead(struct nanny_call *call)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
		account(call, pid, status, &usage);
}

/* Kills what is left. If that cannot be done from here, the keeper does it, by killing everything there is.
 */
static void end_all(struct nanny_call *call)
{
	struct sweep sweep = {.reaped = account, .context = call};

	if (sweep_children(&sweep) < 0)
		_exit(1);
}

static void report_state(const struct nanny_call *call, struct buffer *payload)
{
	struct frame_header header = {.type = KEEPER_STATE, .call = call->number};
	struct state state;

	state_look(getpid(), &call->input, &state);
	buffer_clear(payload, SIZE_MAX);
	frame_put_u32(payload, state.waits);
	frame_put_u64(payload, state.cpu_us + call->user_us + call->system_us);
	frame_put_u64(payload, state.memory_bytes);
	frame_put_u32(payload, state.processes);
	frame_send(call->leash, &header, buffer_data(payload), buffer_length(payload), NULL, 0, MSG_DONTWAIT);
}

/* Never to group 0 or 1, which for kill() are our own and everybody; that of the command keeps its number
 * until the command was reaped. */
static void send_signal(const struct nanny_call *call, int number)
{
	pid_t group = call->terminal ? terminal_foreground(call->terminal) : 0;

	if (!call->ended && (group <= 1 || kill(-group, number) < 0))
		kill(-call->pid, number);
}

/* What the frontend wants. Whatever is no other order, the leash's end too, means that all must end. */
static void hear_order(struct nanny_call *call, struct buffer *payload)
{
	struct frame_header order;
	int result = frame_receive(call->leash, &order, payload, NULL, MSG_DONTWAIT);

	if (result == -EAGAIN)
		return;
	if (result == 0 && order.type == KEEPER_ASK_STATE)
		report_state(call, payload);
	else if (result == 0 && order.type == KEEPER_SIGNAL)
		send_signal(call, (int)order.value);
	else
		call->off = true;
}

/* What the keeper has refused to the command: all of it is there before the command ends. */
static void pass_on(const struct nanny *nanny, const struct nanny_call *call, struct buffer *payload)
{
	struct frame_header header;

	while (nanny->supervisor >= 0 &&
	       frame_receive(nanny->supervisor, &header, payload, NULL, MSG_DONTWAIT) == 0) {
		header.call = call->number;
		if (header.type == KEEPER_DENIED)
			frame_send(call->leash, &header, buffer_data(payload), buffer_length(payload), NULL,
				   0, MSG_DONTWAIT);
	}
}

/* Until the command has ended or is to be killed. SIGCHLD is blocked but in ppoll. */
static void watch(const struct nanny *nanny, struct nanny_call *call, struct buffer *payload)
{
	struct pollfd watched[2 + TERMINAL_POLLED] = {{.fd = call->leash, .events = POLLIN},
						      {.fd = nanny->supervisor, .events = POLLIN}};
	sigset_t none;

	sigemptyset(&none);
	while (!call->ended && !call->off) {
		if (call->terminal)
			terminal_poll(call->terminal, watched + 2);
		if (ppoll(watched, call->terminal ? 2 + TERMINAL_POLLED : 2, NULL, &none) > 0) {
			if (watched[1].revents & POLLIN)
				pass_on(nanny, call, payload);
			if (watched[0].revents)
				hear_order(call, payload);
			if (call->terminal)
				terminal_relay(call->terminal, watched + 2);
		}
		reap_dead(call);
	}
}

/* All that was written to the terminal goes to the frontend before the report does; but who has given the
 * call up is not waited for. */
static void end_terminal(struct nanny_call *call, struct buffer *payload)
{
	struct pollfd watched[2] = {{.fd = call->leash, .events = POLLIN}, {.events = POLLOUT}};

	while (terminal_drain(call->terminal) && !call->off) {
		watched[1].fd = call->terminal->output;
		if (poll(watched, ARRAY_SIZE(watched), -1) > 0 && watched[0].revents)
			hear_order(call, payload);
	}
	terminal_close(call->terminal);
}

static void report_end(const struct nanny_call *call, struct buffer *payload)
{
	struct frame_header header = {.type = KEEPER_ENDED, .call = call->number};

	buffer_clear(payload, SIZE_MAX);
	frame_put_u32(payload, (uint32_t)call->status);
	frame_put_u64(payload, call->user_us);
	frame_put_u64(payload, call->system_us);
	frame_put_u64(payload, call->peak_kb * 1024);
	frame_put_u32(payload, call->leftovers);
	frame_send(call->leash, &header, buffer_data(payload), buffer_length(payload), NULL, 0, MSG_DONTWAIT);
}

static void report_failure(const struct nanny_call *call, const char *step, const char *target, int code)
{
	struct frame_header header = {.type = KEEPER_FAILED, .call = call->number, .value = (uint32_t)code};
	/* one of its own: the target still stands in the request's */
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};

	if (frame_put_text(&payload, step) == 0 && frame_put_text(&payload, target) == 0)
		frame_send(call->leash, &header, buffer_data(&payload), buffer_length(&payload), NULL, 0,
			   MSG_DONTWAIT);
}

/* Checks a request and reads it. */
static int read_request(const struct nanny *nanny, const struct frame_header *header, struct buffer *payload,
			const struct frame_descriptors *descriptors, struct request *request)
{
	uint32_t flags = header->value;
	int result = -EPROTO;

	if (header->type == KEEPER_RUN && !(flags & ~KEEPER_FLAGS) &&
	    !(flags & KEEPER_TTY && flags & KEEPER_LOOK) &&
	    descriptors->count == (flags & KEEPER_STDIN ? 4 : 3))
		result = request_decode(request, flags, payload, nanny->shell, nanny->defaults);
	if (result < 0)
		return result;
	for (size_t i = 0; i < ARRAY_SIZE(nanny->replaced) && nanny->replaced[i]; i++)
		request_replace(request, nanny->replaced[i], nanny->replacing[i]);
	return 0;
}

/* Opens the call's terminal, which the command then gets in the place of pipes. Told when it fails. */
static int begin_terminal(struct nanny_call *call, const struct request *request, struct launch *launch)
{
	const char *target;
	int result = terminal_open(call->terminal, request, &target);

	if (result < 0) {
		report_failure(call, "terminal", target, -result);
		return result;
	}
	launch->terminal = true;
	launch->input = launch->output = launch->errors = call->terminal->slave;
	state_note(&call->input, KEEPER_WAITS_TERMINAL, call->terminal->slave, -1);
	return 0;
}

/* The command runs, or not. Its terminal keeps the pipes; otherwise nobody would ever see their end. */
static void part_with_pipes(struct nanny_call *call, struct frame_descriptors *descriptors, bool runs)
{
	if (call->terminal && runs)
		terminal_start(call->terminal, frame_descriptors_take(descriptors, 3),
			       frame_descriptors_take(descriptors, 1));
	else if (call->terminal)
		terminal_close(call->terminal);
	for (int i = 1; i < 4; i++)
		close_fd(&descriptors->fds[i]);
}

static void serve(struct nanny *nanny, const struct frame_header *header, struct buffer *payload,
		  struct frame_descriptors *descriptors, struct request *request)
{
	struct terminal terminal;
	struct nanny_call call = {.leash = descriptors->fds[0],
				  .number = header->call,
				  .terminal = header->value & KEEPER_TTY ? &terminal : NULL};
	struct launch launch = {.ruleset = nanny->ruleset,
				.look = header->value & KEEPER_LOOK,
				.output = descriptors->fds[1],
				.errors = descriptors->fds[2],
				.input = descriptors->fds[3]};
	int result = read_request(nanny, header, payload, descriptors, request);

	if (result < 0) {
		report_failure(&call, "request", "", -result);
		return;
	}
	if (call.terminal && begin_terminal(&call, request, &launch) < 0)
		return;
	if (!call.terminal && launch.input >= 0)
		state_note(&call.input, KEEPER_WAITS_PIPE, launch.input, -1);
	else if (!call.terminal)
		state_note(&call.input, KEEPER_WAITS_IN_VAIN, launch.output, launch.errors);
	/* the keeper cannot read our memory, and need not judge us */
	nanny->nursery->looking[nanny->slot] = launch.look;
	call.pid = launch_command(request, &launch);
	nanny->nursery->looking[nanny->slot] = 0;
	part_with_pipes(&call, descriptors, call.pid >= 0 && !launch.step);
	if (call.pid < 0) {
		report_failure(&call, "fork", "", -call.pid);
		return;
	}
	if (launch.step) {
		end_all(&call);
		report_failure(&call, launch.step, launch.target, launch.error);
		return;
	}
	watch(nanny, &call, payload);
	end_all(&call);
	if (call.terminal)
		end_terminal(&call, payload);
	pass_on(nanny, &call, payload);
	report_end(&call, payload);
}

/* Takes our place at the door, or gives it up when there are enough without us. */
static void leave_door(struct nanny *nanny, uint32_t call)
{
	struct nursery *nursery = nanny->nursery;
	size_t left = 0;

	nursery->call[nanny->slot] = call;
	nursery->served[nanny->slot]++;
	nursery->waiting[nanny->slot] = 0;
	for (size_t i = 0; i < LIMIT_NANNIES; i++)
		left += nursery->waiting[i];
	if (left == 0)
		eventfd_write(nanny->kick, 1);
}

static void return_to_door(struct nanny *nanny)
{
	struct nursery *nursery = nanny->nursery;
	size_t others = 0;

	for (size_t i = 0; i < LIMIT_NANNIES; i++)
		others += nursery->waiting[i];
	if (others >= LIMIT_NANNIES_IDLE)
		_exit(0);
	nursery->waiting[nanny->slot] = 1;
}

static void interrupt(int number)
{
	(void)number; /* only there so that ppoll returns */
}

/*
 * What commands have and the keeper has not. It is inherited, as all else. The limit comes last: one that is
 * as low as the commands' own could be reached by them, and then nothing be sent (layers/resources.c).
 */
static int confine(const struct nanny *nanny)
{
	struct rlimit files;
	int result;

	umask(LIMIT_COMMAND_UMASK); /* the keeper takes over that of callers */
	result = nanny->supervisor < 0 ? filter_apply(nanny->filter)
				       : notify_enter(nanny->supervisor, nanny->filter, nanny->probe);
	if (result < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
		return result < 0 ? result : -errno;
	if (files.rlim_max > 2 * LIMIT_KEEPER_FILES)
		files.rlim_max -= LIMIT_KEEPER_FILES;
	if (files.rlim_max > nanny->files)
		files.rlim_max = nanny->files;
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) < 0 ? -errno : 0;
}

_Noreturn void nanny_run(struct nanny *nanny)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct request request = {.vector = NULL};
	struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};

	prctl(PR_SET_NAME, "sallyport-nanny");
	sigaction(SIGCHLD, &action, NULL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		_exit(1);
	/* without a PID namespace nothing else ends a nanny whose keeper was killed */
	if (nanny->keeper && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != nanny->keeper))
		_exit(1);
	if (confine(nanny) < 0)
		_exit(1);
	for (;;) {
		struct frame_descriptors descriptors;
		struct frame_header header;
		int result = frame_receive(nanny->door, &header, &payload, &descriptors, 0);

		/* the frontend is gone; or there is no memory, or somebody has meddled: a new nanny has
		 * neither */
		if (result < 0)
			_exit(result == -ENOTCONN ? 0 : 1);
		leave_door(nanny, header.call);
		if (header.type == KEEPER_CONNECT)
			inside_serve(&header, &payload, &descriptors);
		else
			serve(nanny, &header, &payload, &descriptors, &request);
		return_to_door(nanny);
		frame_descriptors_close(&descriptors);
	}
}
