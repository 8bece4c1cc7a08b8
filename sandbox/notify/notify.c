/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's two sides: a nanny puts itself under the filter; the keeper hears and answers (notify.h).
 */
#include "sandbox/notify/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/notify/wire.h"
#include "sandbox/plan.h"
#include "sandbox/rule.h"

/* Linux 5.14, 5.19 and 6.6: headers may be older. */
#define FLAG_WAIT_KILLABLE 0x20u
#define ADDFD_SEND         0x2u
#define SET_FLAGS          SECCOMP_IOW(4, uint64_t)
#define SYNC_WAKE_UP       1ul

#define NOTIFY_RESET_ON_FORK 1 /* SCHED_FLAG_RESET_ON_FORK, which only the kernel's headers have */

/* ---- the nanny's side ---- */

static int send_up(int socket, uint16_t type, uint32_t value, uint64_t payload, int fd)
{
	struct frame_header header = {.type = type, .value = value};

	return frame_send(socket, &header, &payload, sizeof payload, &fd, fd >= 0, 0);
}

/* The keeper must be able to read us: only while we can be read, before there is a command. */
static int offer_memory(int socket)
{
	static const uint64_t token = NOTIFY_TOKEN;
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header answer;
	int result;

	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return -errno;
	result = send_up(socket, NOTIFY_MEMORY, 0, (uint64_t)(uintptr_t)&token, -1);
	if (result == 0)
		result = frame_receive(socket, &answer, &payload, NULL, 0);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return result;
}

int notify_enter(int socket, enum filter_name filter, bool probe)
{
	_cleanup_fd_ int listener = -1;
	int result = probe ? offer_memory(socket) : 0;

	if (result < 0)
		return result;
	listener = filter_listen(filter, FLAG_WAIT_KILLABLE);
	if (listener == -EINVAL) /* before Linux 5.19: a signal may then repeat a call */
		listener = filter_listen(filter, 0);
	result = listener < 0 ? listener : 0;
	send_up(socket, NOTIFY_LISTENER, (uint32_t)-result, 0, listener);
	return result;
}

/* ---- the keeper's side ---- */

/*
 * Callers wait for us, and we for the processor behind whoever computes. A short slice (Linux 6.12) lets the
 * scheduler take us first when we wake, and costs others nothing, since we work in short turns anyway. It is
 * not inherited. An older kernel takes no notice.
 */
static void work_in_short_turns(void)
{
	const struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attributes = {
		.size = sizeof attributes, .flags = NOTIFY_RESET_ON_FORK, .runtime = LIMIT_NOTIFY_SLICE_NS};

	syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/* Is there anything that could be written, or read and must not? */
static bool is_needed(const struct notify *notify, const struct plan *plan)
{
	bool writable = false;

	for (size_t i = 0; i < plan->workspace_count; i++)
		writable = writable || plan->workspaces[i].write;
	for (size_t i = 0; i < plan->extra_count; i++)
		writable = writable || plan->extra[i].write;
	return notify->rules.count > 0 && (writable || notify->rules.hides);
}

static int make_rules(struct notify *notify, const struct notify_duty *duty)
{
	int result = rules_make(&notify->rules, duty->plan);

	if (duty->hidden)
		rules_know(&notify->rules, duty->plan, duty->hidden);
	if (result == 0 && duty->bounds)
		result = rules_bound(&notify->rules, duty->plan, duty->private);
	notify->needed =
		duty->signals || duty->bounds || notify->broker >= 0 || is_needed(notify, duty->plan);
	return result;
}

/* Four and four filters, in the order of enum filter_name. */
static enum filter_name filter_for(bool hides, bool signals, bool connects)
{
	return (enum filter_name)(FILTER_NOTIFY + (hides ? FILTER_NOTIFY_ALL - FILTER_NOTIFY : 0) +
				  (signals ? FILTER_NOTIFY_SIGNALS - FILTER_NOTIFY : 0) +
				  (connects ? FILTER_NOTIFY_CONNECT - FILTER_NOTIFY : 0));
}

int notify_init(struct notify *notify, const struct notify_duty *duty, const struct nursery *nursery)
{
	*notify = (struct notify){.root = -1,
				  .proc = -1,
				  .descriptors = -1,
				  .filter = FILTER_NANNY,
				  .broker = duty->broker > 0 ? duty->broker : -1};
	for (size_t i = 0; i < LIMIT_NANNIES; i++)
		notify->clients[i] = (struct notify_client){.listener = -1, .socket = -1};
	if (duty->plan && make_rules(notify, duty) < 0)
		return -ENOMEM;
	if (!notify->needed)
		return 0;
	notify->filter = filter_for(notify->rules.hides, duty->signals, notify->broker >= 0);
	notify->nursery = nursery;
	notify->umask = LIMIT_COMMAND_UMASK;
	notify->later = calloc(LIMIT_NOTIFY_WAITING, sizeof *notify->later);
	if (!notify->later)
		return -ENOMEM;
	work_in_short_turns();
	notify->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	notify->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	notify->descriptors = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return notify->root < 0 || notify->proc < 0 || notify->descriptors < 0 ? -errno : 0;
}

void notify_close(struct notify *notify)
{
	close_fd(&notify->root);
	close_fd(&notify->proc);
	close_fd(&notify->descriptors);
	close_fd(&notify->broker);
	for (size_t i = 0; i < LIMIT_NANNIES; i++)
		notify_drop(notify, i);
}

void notify_add(struct notify *notify, size_t index, pid_t nanny, int socket)
{
	notify->clients[index] =
		(struct notify_client){.listener = -1,
				       .socket = socket,
				       .nanny = nanny,
				       .served = notify->nursery ? notify->nursery->served[index] : 0};
}

/* Reads what a nanny offers, as we shall read commands. */
static int try_memory(const struct notify_client *client, uint64_t address)
{
	uint64_t token = 0;
	struct iovec here = {&token, sizeof token}, there = {(void *)(uintptr_t)address, sizeof token};
	struct frame_header answer = {.type = NOTIFY_MEMORY};

	if (process_vm_readv(client->nanny, &here, 1, &there, 1, 0) < 0)
		return -errno;
	if (token != NOTIFY_TOKEN)
		return -EPROTO;
	return frame_send(client->socket, &answer, NULL, 0, NULL, 0, MSG_DONTWAIT);
}

int notify_receive(struct notify *notify, size_t index, const char **step)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	_cleanup_(frame_descriptors_close) struct frame_descriptors descriptors;
	struct notify_client *client = &notify->clients[index];
	struct frame_header header;
	struct frame_reader reader;
	int result;

	frame_descriptors_init(&descriptors);
	*step = "receive";
	result = frame_receive(client->socket, &header, &payload, &descriptors, 0);
	if (result < 0)
		return result;
	frame_read(&reader, buffer_data(&payload), buffer_length(&payload));
	uint64_t address = frame_get_u64(&reader);

	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (header.type == NOTIFY_MEMORY) {
		*step = "process_vm_readv";
		return try_memory(client, address);
	}
	*step = "to listen to a filter";
	if (header.type != NOTIFY_LISTENER || header.value)
		return header.type != NOTIFY_LISTENER ? -EPROTO : -(int)header.value;
	client->listener = frame_descriptors_take(&descriptors, 0);
	if (client->listener < 0)
		return -EPROTO;
	ioctl(client->listener, SET_FLAGS,
	      SYNC_WAKE_UP); /* where it is known: the caller waits for us anyway */
	return 1;
}

static void forget_waiting(struct notify *notify, const struct notify_client *client)
{
	for (size_t i = notify->later_count; i-- > 0;)
		if (notify->later[i].call.client == client) {
			close_fd(&notify->later[i].call.kept);
			notify->later[i] = notify->later[--notify->later_count];
		}
}

void notify_drop(struct notify *notify, size_t index)
{
	struct notify_client *client = &notify->clients[index];

	forget_waiting(notify, client);
	close_fd(&client->listener);
	close_fd(&client->socket);
}

/* ---- answers ---- */

void notify_answer(const struct notify_call *call, long result)
{
	struct seccomp_notif_resp response = {.id = call->id};

	if (result == NOTIFY_ANSWERED)
		return;
	if (result == NOTIFY_GO_ON)
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (result < 0)
		response.error = (int)result;
	else
		response.val = result;
	/* ENOENT: killed meanwhile */
	ioctl(call->client->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

long notify_give(const struct notify_call *call, int fd, int flags)
{
	struct seccomp_notif_addfd add = {.id = call->id,
					  .flags = ADDFD_SEND,
					  .srcfd = (uint32_t)fd,
					  .newfd_flags = (uint32_t)(flags & O_CLOEXEC)};
	int result = ioctl(call->client->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	if (result < 0 && errno == EINVAL) { /* Linux 5.13 takes two calls for it */
		add.flags = 0;
		result = ioctl(call->client->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
		if (result >= 0)
			notify_answer(call, result);
	}
	result = result < 0 ? -errno : 0;
	close(fd);
	/* gone, or interrupted; or it has no room for another descriptor, which it is to hear */
	return result == 0 || result == -ENOENT || result == -EINPROGRESS ? NOTIFY_ANSWERED : result;
}

long notify_replace(const struct notify_call *call, int fd, int number, int flags)
{
	struct seccomp_notif_addfd add = {.id = call->id,
					  .flags = SECCOMP_ADDFD_FLAG_SETFD,
					  .srcfd = (uint32_t)fd,
					  .newfd = (uint32_t)number,
					  .newfd_flags = (uint32_t)(flags & O_CLOEXEC)};

	if (ioctl(call->client->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0)
		return 0;
	return errno == ENOENT || errno == EINPROGRESS ? NOTIFY_ANSWERED : -errno;
}

void notify_denied(const struct notify_call *call, const char *operation, const char *path,
		   const struct rules_path *rule)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = KEEPER_DENIED};
	char target[NOTIFY_TARGET_BYTES], name[NOTIFY_RULE_BYTES];

	if (++call->client->denials > LIMIT_NOTIFY_DENIALS)
		return;
	snprintf(target, sizeof target, "%s", path);
	rule_spell(name, sizeof name, rule->hidden, rule->text);
	if (frame_put_text(&payload, operation) == 0 && frame_put_text(&payload, target) == 0 &&
	    frame_put_text(&payload, name) == 0)
		frame_send(call->client->socket, &header, buffer_data(&payload), buffer_length(&payload),
			   NULL, 0, MSG_DONTWAIT);
}

/* ---- calls ---- */

static void keep_for_later(struct notify *notify, const struct notify_call *call, notify_handler handler)
{
	if (notify->later_count < LIMIT_NOTIFY_WAITING) {
		notify->later[notify->later_count++] = (struct notify_later){*call, handler};
		return;
	}
	cleanup_fd(&(int){call->kept});
	notify_answer(call, -EAGAIN);
}

/* A nanny that has taken another request since has seen the end of all that the last one ran. */
static void notice_request(struct notify *notify, struct notify_client *client)
{
	uint32_t served = notify->nursery->served[client - notify->clients];

	if (served == client->served)
		return;
	client->served = served;
	client->umask_changed = false;
	client->denials = 0;
}

void notify_serve(struct notify *notify, size_t index)
{
	union {
		struct seccomp_notif notification;
		char room[NOTIFY_RECEIVE_BYTES]; /* newer kernels write more */
	} heard;
	struct notify_client *client = &notify->clients[index];
	struct notify_call call = {.notify = notify, .client = client, .kept = -1};
	notify_handler handler;
	long result;

	memset(&heard, 0, sizeof heard);
	if (ioctl(client->listener, SECCOMP_IOCTL_NOTIF_RECV, &heard) < 0)
		return; /* killed before we looked */
	notice_request(notify, client);
	call.id = heard.notification.id;
	call.thread = (pid_t)heard.notification.pid;
	/* our own program, whose memory nobody else can read or write */
	if (call.thread == client->nanny || notify->nursery->looking[index]) {
		notify_answer(&call, NOTIFY_GO_ON);
		return;
	}
	handler = notify_find(heard.notification.data.nr, (const uint64_t *)heard.notification.data.args,
			      call.arguments);
	result = handler ? handler(&call) : -ENOSYS;
	if (result == NOTIFY_LATER)
		keep_for_later(notify, &call, handler);
	else
		notify_answer(&call, result);
}

/* One try each; true when one has its answer. */
static bool retry_all(struct notify *notify)
{
	bool answered = false;

	for (size_t i = notify->later_count; i-- > 0;) {
		struct notify_later *later = &notify->later[i];
		long result = target_valid(&later->call);

		if (result == 0)
			result = later->handler(&later->call);
		if (result == NOTIFY_LATER)
			continue;
		notify_answer(&later->call, result);
		close_fd(&later->call.kept);
		*later = notify->later[--notify->later_count];
		answered = true;
	}
	return answered;
}

void notify_retry(struct notify *notify)
{
	/* what lets one go on lets others: those who write to a FIFO are to be there before the first has
	 * left */
	while (retry_all(notify))
		;
}
