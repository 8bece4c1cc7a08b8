/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_NOTIFY_NOTIFY_H
#define SALLYPORT_SANDBOX_NOTIFY_NOTIFY_H

/*
 * The supervisor of a sandbox's system calls. A filter cannot read paths, so FILTER_NOTIFY (filter/notify.c)
 * stops a call that makes, replaces or removes a name, opens for writing, or changes what is said of a file,
 * and the kernel tells the keeper.
 * The keeper reads the arguments once, resolves the path to descriptors, judges what it holds (rules.h) and
 * *performs the call itself*: it has the command's uid, mounts and Landlock rules, so it cannot do more than
 * the command could. A descriptor that results is put into the caller by the kernel (ADDFD). "Go on" is
 * answered only where plain numbers decide, since whatever lies in memory may be another a moment later.
 *
 * Where commands have no network of their own, connecting goes the same way (connect.c), only that it is the
 * broker who judges and connects (egress/wire.h).
 *
 * Where it is: each nanny, before its first command, puts itself under the filter and hands the listener over
 * (notify_enter); its commands inherit the filter. The keeper watches listener and socket of each
 * (notify_add, notify_receive, notify_serve) and is under FILTER_COMMAND alone.
 *
 * A new call to watch is one row in filter/notify.c, one in calls.c, and a handler:
 *
 *	long handler(struct notify_call *call)
 *
 * Arguments stand in call->arguments, in the form of the newest call of their kind (mkdir has become
 *mkdirat). It reads memory and descriptors of the caller by target_*(), asks target_valid() when it has read
 *all and before it acts, and returns what the call is to return: a number, -errno, or a NOTIFY_* answer. It
 *must not block: others wait. What would block returns NOTIFY_LATER and is called again, from the beginning.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/limits.h"
#include "sandbox/filter/filter.h"
#include "sandbox/notify/rules.h"

#define NOTIFY_ANSWERED (-5000L) /* the caller has its answer already, or is gone */
#define NOTIFY_LATER    (-5001L) /* it would block: try again in a while */
#define NOTIFY_GO_ON    (-5002L) /* let the kernel do it: only where no memory decides */

/* How the file of an attribute is named, in the last argument: as AT_SYMLINK_NOFOLLOW has it, or so. */
#define NOTIFY_BY_DESCRIPTOR (1u << 31)

/* One listener: a nanny and its commands. */
struct notify_client {
	int listener, socket; /* -1: none */
	pid_t nanny;
	uint32_t served;    /* requests that the nanny had served when we last looked */
	bool umask_changed; /* somebody in the present request has changed it */
	unsigned denials;   /* told in it */
};

struct notify_later;
struct nursery; /* keeper/keeper.h */

struct notify {
	struct rules rules;
	int root, proc, descriptors;   /* "/", "/proc", "/proc/self/fd", as O_PATH */
	mode_t umask;                  /* of this process now */
	enum filter_name filter;       /* for nannies */
	bool needed;                   /* false: there is nothing to judge, no filter, no listener */
	const struct nursery *nursery; /* what nannies tell of themselves */
	struct notify_client clients[LIMIT_NANNIES];
	struct notify_later *later; /* calls that would have blocked */
	size_t later_count;
	/* where the broker connects for commands (connect.c) */
	int broker;                              /* channel to it (egress/wire.h); -1: it does not */
	uint32_t asked;                          /* the number of the last question */
	ino_t connected[LIMIT_NOTIFY_CONNECTED]; /* sockets that commands got: a ring */
	size_t connected_next;
};

struct notify_call {
	struct notify *notify;
	struct notify_client *client;
	uint64_t id;
	pid_t thread; /* that calls, in our PID namespace */
	uint64_t arguments[6];
	int kept; /* a descriptor that a call which is tried again keeps; -1: none. Owned by the framework */
	uint32_t asked;   /* what the broker was asked for it; 0: nothing */
	int64_t deadline; /* of its answer, CLOCK_MONOTONIC ms */
	bool answered;    /* with `error`, or with a socket in `kept` */
	int error;
};

/* A call that would have blocked; tried again by its handler. */
struct notify_later {
	struct notify_call call;
	long (*handler)(struct notify_call *call);
};

struct plan;

/* What is to be judged. */
struct notify_duty {
	const struct plan *plan; /* NULL: nothing */
	bool signals;            /* these as well, since nothing else keeps them in */
	bool bounds;             /* what lies outside is not kept as it is by mounts */
	const char *private;     /* holds the sandbox's own /tmp and home; NULL: mounts do */
	int broker; /* where to ask for connections as well, which is taken; 0 or less: there is none */
	const struct executor_file *hidden; /* that mounts lie over (executor.h), or NULL */
};

/* For the keeper, under its own layers. 0 or -errno. */
int notify_init(struct notify *notify, const struct notify_duty *duty, const struct nursery *nursery);
/* In a child, which has no business with what is open here. */
void notify_close(struct notify *notify);

/* ---- the nanny's side ---- */

/*
 * Puts the calling process under the filter and sends the listener up. With `probe` it first lets the keeper
 * try to read its memory. 0 or -errno, which was told to the keeper as well.
 */
int notify_enter(int socket, enum filter_name filter, bool probe);

/* ---- the keeper's side; `index` is the nanny's slot ---- */

/* Takes over `socket` (-1: nothing is supervised). */
void notify_add(struct notify *notify, size_t index, pid_t nanny, int socket);
/* A frame from the nanny's socket, waiting for it: 1 with its listener, 0 when something else comes first,
 * -errno with *step named when it has none. */
int notify_receive(struct notify *notify, size_t index, const char **step);
/* The nanny is gone, or never came: calls of what it left answer ENOSYS from now on. */
void notify_drop(struct notify *notify, size_t index);
/* One call that waits at this listener. */
void notify_serve(struct notify *notify, size_t index);
/* Those that would have blocked, once more; for every LIMIT_NOTIFY_RETRY_MS while notify->later_count. */
void notify_retry(struct notify *notify);

/* What the broker says; -1 in notify->broker afterwards: it is gone. */
void notify_hear_broker(struct notify *notify);

/* ---- for handlers: the caller (target.c). Each returns -errno on failure ---- */

/* A text of at most PATH_MAX with its NUL. -EFAULT, -ENAMETOOLONG as the kernel has it; 0. */
int target_text(const struct notify_call *call, uint64_t address, char *text);
/* The same, and "" is -ENOENT. */
int target_path(const struct notify_call *call, uint64_t address, char *text);
/* All of `size` bytes, or -EFAULT. */
int target_bytes(const struct notify_call *call, uint64_t address, void *bytes, size_t size);
/* What its descriptor stands for (AT_FDCWD: its working directory), as O_PATH. */
int target_directory(const struct notify_call *call, int directory);
/* The same, whatever it is. */
int target_object(const struct notify_call *call, int descriptor);
/* The flags with which it was opened (O_PATH among them). */
int target_flags(const struct notify_call *call, int descriptor);
int target_process(const struct notify_call *call); /* the number of its process */
/* The kernel's name of the protocol of a socket ("TCP", "TCPv6", "UNIX-STREAM", ...), and its inode. */
int target_socket(const struct notify_call *call, int fd, char *protocol, size_t size, ino_t *inode);
/* The number behind `name` ("\nName:") in a file of /proc: -ENOENT, -ESRCH: nobody is there, -ENODATA: it
 * says no such thing. */
long target_number(const struct notify *notify, const char *path, const char *name, int base);
/* The same in the status of a process. */
long target_status(const struct notify *notify, pid_t process, const char *name, int base);
/* st_rdev of the caller's controlling terminal; 0: none. */
dev_t target_terminal_number(const struct notify_call *call);
/* Opens the caller's controlling terminal anew. */
int target_terminal(const struct notify_call *call, int flags);
/* This process takes over the caller's umask. */
int target_umask(const struct notify_call *call);
/* Is it still that caller? What was read before counts only if so. 0, or NOTIFY_ANSWERED. */
long target_valid(const struct notify_call *call);

/* Tells the command's result that `rule` refused `operation` ("write", "read"). */
void notify_denied(const struct notify_call *call, const char *operation, const char *path,
		   const struct rules_path *rule);
/* Answers now, for a handler that has more to do and returns NOTIFY_ANSWERED. */
void notify_answer(const struct notify_call *call, long result);
/* Gives `fd` to the caller as the result, and closes it. `flags`: of open. */
long notify_give(const struct notify_call *call, int fd, int flags);
/* Puts `fd`, which stays ours, in the place of the caller's descriptor `number`. 0, NOTIFY_ANSWERED or
 * -errno.
 */
long notify_replace(const struct notify_call *call, int fd, int number, int flags);

/* ---- the broker (broker.c) ---- */

/* Asks for a connection; *number is what the answer will be for. 0 or -errno (-EAGAIN: it does not read). */
int notify_ask_reach(struct notify *notify, const char *address, uint16_t port, uint32_t *number);
/* Hands over a copy of `line`, on which questions will come. The same. */
int notify_ask_names(struct notify *notify, int line);

/* ---- handlers (names.c, open.c, attributes.c, signals.c, connect.c) ---- */

long call_mkdir(struct notify_call *call);
long call_mknod(struct notify_call *call);
long call_symlink(struct notify_call *call);
long call_link(struct notify_call *call);
long call_rename(struct notify_call *call);
long call_unlink(struct notify_call *call);
long call_umask(struct notify_call *call);
long call_open(struct notify_call *call);
long call_truncate(struct notify_call *call);
long call_kill(struct notify_call *call);
long call_tgkill(struct notify_call *call);
long call_tkill(struct notify_call *call);
long call_sigqueue(struct notify_call *call);
long call_pidfd_send_signal(struct notify_call *call);
long call_chmod(struct notify_call *call);
long call_fchmod(struct notify_call *call);
long call_chown(struct notify_call *call);
long call_fchown(struct notify_call *call);
long call_utimensat(struct notify_call *call);
long call_utimes(struct notify_call *call);
long call_utime(struct notify_call *call);
long call_setxattr(struct notify_call *call);
long call_removexattr(struct notify_call *call);
long call_socket(struct notify_call *call);
long call_connect(struct notify_call *call);
long call_bind(struct notify_call *call);

/* ---- calls.c ---- */

typedef long (*notify_handler)(struct notify_call *call);

/* The handler of system call `number` and its arguments in the newest form; NULL: there is none. */
notify_handler notify_find(int number, const uint64_t raw[6], uint64_t arguments[6]);

#endif
