/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands may not do where there are no namespaces, besides what command.c says: other processes of the
 * machine have the same uid and can be named, and there is no network of their own. What Landlock decides
 * (files; signals from ABI 6 on) is not repeated.
 */
#include "sandbox/filter/table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define SOCKET_IOCTLS (SIOCGIFCONF & 0xff00) /* all of their kind */

/* include/linux/ioprio.h, which no C library has */
#define IOPRIO_PROCESS 1
#define IOPRIO_GROUP   2

/*
 * Of two that are connected to each other. Not datagrams (nor raw ones, which are the same): those can be
 * sent to any other by its path, and before ABI 6 of Landlock by its abstract name, connected or not.
 */
static const struct table_rule pairs[] = {
	{.call = "socketpair", .when = {IS(0, AF_UNIX), MASKED(1, 0xf, SOCK_STREAM)}},
	{.call = "socketpair", .when = {IS(0, AF_UNIX), MASKED(1, 0xf, SOCK_SEQPACKET)}},
	REFUSE("socketpair", EACCES),
	{NULL},
};

/* Nobody can be connected to: pathname and abstract unix sockets are the machine's, and there is no network.
 */
static const struct table_rule no_sockets[] = {
	REFUSE("socket", EACCES),
	REFUSE("bind", EACCES),
	REFUSE("connect", EACCES),
	REFUSE("listen", EACCES),
	{NULL},
};

/*
 * Where the broker connects for commands (sandbox/notify/connect.c): what the keeper may, so that its
 * commands can ask for it (notify.c has what they are not allowed, or only by asking). All of TCP that can be
 * made reaches nobody.
 *
 * Options of IP are said to have been set: some would send something (joining a group of multicast), none
 * matters on the way to the broker, and what stands for UDP knows none. The ioctls of sockets tell of the
 * machine's interfaces and addresses.
 */
#define MAY_MAKE(family, type, protocol)                                                                     \
	{                                                                                                    \
		.call = "socket", .when = { IS(0, family), MASKED(1, 0xf, type), IS(2, protocol) }           \
	}

static const struct table_rule mediated_sockets[] = {
	MAY_MAKE(AF_UNIX, SOCK_STREAM, 0),
	MAY_MAKE(AF_INET, SOCK_STREAM, 0),
	MAY_MAKE(AF_INET, SOCK_STREAM, IPPROTO_TCP),
	MAY_MAKE(AF_INET6, SOCK_STREAM, 0),
	MAY_MAKE(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	MAY_MAKE(AF_INET, SOCK_DGRAM, 0),
	MAY_MAKE(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	MAY_MAKE(AF_INET6, SOCK_DGRAM, 0),
	MAY_MAKE(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	REFUSE("socket", EACCES),
	REFUSE("listen", EACCES),
	{.call = "setsockopt", .action = TABLE_PRETEND, .when = {IS(1, IPPROTO_IP)}},
	{.call = "setsockopt", .action = TABLE_PRETEND, .when = {IS(1, IPPROTO_IPV6)}},
	{.call = "ioctl",
	 .action = TABLE_REFUSE,
	 .error = EACCES,
	 .when = {MASKED(1, 0xff00, SOCKET_IOCTLS)}},
	{NULL},
};

/* Of this process only: the keeper, the server and strangers could be starved by their numbers. */
static const struct table_rule scheduling[] = {
	{.call = "sched_setaffinity", .action = TABLE_REFUSE, .error = EPERM, .when = {IS_NOT(0, 0)}},
	{.call = "sched_setparam", .action = TABLE_REFUSE, .error = EPERM, .when = {IS_NOT(0, 0)}},
	{.call = "sched_setscheduler", .action = TABLE_REFUSE, .error = EPERM, .when = {IS_NOT(0, 0)}},
	{.call = "sched_setattr", .action = TABLE_REFUSE, .error = EPERM, .when = {IS_NOT(0, 0)}},
	{.call = "setpriority", .when = {IS(0, PRIO_PROCESS), IS(1, 0)}},
	{.call = "setpriority", .when = {IS(0, PRIO_PGRP), IS(1, 0)}},
	REFUSE("setpriority", EPERM),
	{.call = "ioprio_set", .when = {IS(0, IOPRIO_PROCESS), IS(1, 0)}},
	{.call = "ioprio_set", .when = {IS(0, IOPRIO_GROUP), IS(1, 0)}},
	REFUSE("ioprio_set", EPERM),
	REFUSE("process_mrelease", EPERM),
	{NULL},
};

/* Shared by all of a uid, by number or name, and no file: ENOSYS is what a kernel without them answers. */
static const struct table_rule shared_memory[] = {
	REFUSE("shmget", ENOSYS),    REFUSE("shmat", ENOSYS),
	REFUSE("shmctl", ENOSYS),    REFUSE("semget", ENOSYS),
	REFUSE("semop", ENOSYS),     REFUSE("semtimedop", ENOSYS),
	REFUSE("semctl", ENOSYS),    REFUSE("msgget", ENOSYS),
	REFUSE("msgsnd", ENOSYS),    REFUSE("msgrcv", ENOSYS),
	REFUSE("msgctl", ENOSYS),    REFUSE("mq_open", ENOSYS),
	REFUSE("mq_unlink", ENOSYS), {NULL},
};

/*
 * Flags, versions, encryption and verity of a file need its owner and any open file, also one for reading:
 * where no mount makes what lies outside read-only, they are only asked for. Programs know file systems that
 * have none of them.
 */
#define TYPE_FILE  'f'
#define TYPE_EXTRA 'X'

static const struct table_rule flags_of_files[] = {
	{.call = "ioctl", .when = {IS(1, FS_IOC_GETFLAGS)}},
	{.call = "ioctl", .when = {IS(1, FS_IOC_FIEMAP)}},
	{.call = "ioctl",
	 .action = TABLE_REFUSE,
	 .error = ENOTTY,
	 .when = {MASKED(1, 0xff00, TYPE_FILE << 8)}},
	{.call = "ioctl", .when = {IS(1, FS_IOC_FSGETXATTR)}},
	{.call = "ioctl",
	 .action = TABLE_REFUSE,
	 .error = ENOTTY,
	 .when = {MASKED(1, 0xff00, TYPE_EXTRA << 8)}},
	{.call = "ioctl", .action = TABLE_REFUSE, .error = ENOTTY, .when = {IS(1, FS_IOC_SETVERSION)}},
	{NULL},
};

/*
 * Landlock judges opening. Watching is not opening: whoever may read a directory would hear the names of what
 * is made in it, another caller's /tmp too. And attributes have a content that is read without opening; of an
 * open file they can be. Answered as by a kernel without the one, and a file system without the other.
 */
static const struct table_rule reading_unopened[] = {
	REFUSE_LEGACY("inotify_init", ENOSYS), REFUSE("inotify_init1", ENOSYS),
	REFUSE("lgetxattr", EOPNOTSUPP),       REFUSE("listxattr", EOPNOTSUPP),
	REFUSE("llistxattr", EOPNOTSUPP),      {NULL},
};

/* Not there where the keeper connects, which asks a socket for its protocol so: notify.c refuses it to
 * commands. */
static const struct table_rule attributes_by_name[] = {
	REFUSE("getxattr", EOPNOTSUPP),
	{NULL},
};

static const struct table_group without_mounts[] = {
	{"sockets of nobody else's", pairs},
	{"other processes' share of the processors", scheduling},
	{"memory and messages by name", shared_memory},
	{"flags of files", flags_of_files},
	{"what is read without opening", reading_unopened},
	{NULL},
};

static const struct filter_table without = {
	.otherwise = TABLE_ALLOW, .groups = without_mounts, .base = &filter_table_command};

static const struct table_group container[] = {
	{"nobody to talk to", no_sockets},
	{"attributes by name", attributes_by_name},
	{NULL},
};

const struct filter_table filter_table_container = {.name = "container",
						    .otherwise = TABLE_ALLOW,
						    .newest = "set_mempolicy_home_node",
						    .groups = container,
						    .base = &without};

static const struct table_group container_network[] = {
	{"sockets that the broker connects", mediated_sockets},
	{NULL},
};

const struct filter_table filter_table_container_network = {.name = "container_network",
							    .otherwise = TABLE_ALLOW,
							    .newest = "set_mempolicy_home_node",
							    .groups = container_network,
							    .base = &without};

/* ---- what an older Landlock does not know ---- */

/*
 * ABI 3 knows truncation. Before, a file that is open for writing passed Landlock when it was opened; what is
 * left is by name, and O_TRUNC without the right to write.
 */
#define UNWRITTEN(call_, argument)                                                                           \
	{                                                                                                    \
		.call = call_, .action = TABLE_REFUSE, .error = EACCES, .when = {                            \
			HAS(argument, O_TRUNC),                                                              \
			MASKED(argument, O_ACCMODE, O_RDONLY)                                                \
		}                                                                                            \
	}
#define NEITHER(call_, argument)                                                                             \
	{                                                                                                    \
		.call = call_, .action = TABLE_REFUSE, .error = EACCES, .when = {                            \
			HAS(argument, O_TRUNC),                                                              \
			MASKED(argument, O_ACCMODE, O_ACCMODE)                                               \
		}                                                                                            \
	}

static const struct table_rule truncation[] = {
	REFUSE("truncate", EACCES),
	UNWRITTEN("openat", 2),
	NEITHER("openat", 2),
	{.call = "open",
	 .action = TABLE_REFUSE,
	 .error = EACCES,
	 .legacy = true,
	 .when = {HAS(1, O_TRUNC), MASKED(1, O_ACCMODE, O_RDONLY)}},
	{.call = "open",
	 .action = TABLE_REFUSE,
	 .error = EACCES,
	 .legacy = true,
	 .when = {HAS(1, O_TRUNC), MASKED(1, O_ACCMODE, O_ACCMODE)}},
	{NULL},
};

static const struct table_group gap_truncate[] = {{"truncation by name", truncation}, {NULL}};

const struct filter_table filter_table_gap_truncate = {
	.name = "gap_truncate", .otherwise = TABLE_ALLOW, .groups = gap_truncate};

/* ABI 6 knows signals, also those that a descriptor sends when it becomes ready: any, to anybody of the uid.
 * Those by number are the keeper's to judge (notify.c).
 */
static const struct table_rule signals_by_descriptor[] = {
	{.call = "fcntl", .action = TABLE_REFUSE, .error = EPERM, .when = {IS(1, F_SETOWN)}},
	{.call = "fcntl", .action = TABLE_REFUSE, .error = EPERM, .when = {IS(1, F_SETOWN_EX)}},
	{.call = "fcntl", .action = TABLE_REFUSE, .error = EPERM, .when = {IS(1, F_SETSIG)}},
	{.call = "ioctl", .action = TABLE_REFUSE, .error = EPERM, .when = {IS(1, FIOSETOWN)}},
	{.call = "ioctl", .action = TABLE_REFUSE, .error = EPERM, .when = {IS(1, SIOCSPGRP)}},
	{NULL},
};

static const struct table_group gap_signals[] = {{"signals by descriptor", signals_by_descriptor}, {NULL}};

const struct filter_table filter_table_gap_signals = {
	.name = "gap_signals", .otherwise = TABLE_ALLOW, .groups = gap_signals};
