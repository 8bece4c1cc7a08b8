/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on top of FILTER_COMMAND for nannies and their commands, and not for the keeper: what a command
 * asks of the keeper (sandbox/notify/), and the two calls that the keeper itself needs for that. A filter
 * cannot read paths, so every call that makes, replaces or removes a name, opens for writing or changes mode,
 * owner, times or attributes is stopped and performed by the keeper. Opening to read is left alone: it is the
 * most frequent of all. Only where the policy hides something that is shown otherwise it is asked as well.
 *
 * Refusals win, here and in FILTER_COMMAND, over asking.
 */
#include "sandbox/filter/table.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "protocol/limits.h"

/* O_TMPFILE without the bit of O_DIRECTORY, which reading uses as well. */
#define WRITES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

/* openat2 hides flags and mode in memory: as a kernel without it would answer. */
static const struct table_rule keepers[] = {
	REFUSE("openat2", ENOSYS),
	REFUSE("process_vm_readv", EPERM),
	{NULL},
};

/* The keeper must be able to read its callers, and acts for them: it does not know of rules that they have
 * laid upon themselves. */
static const struct table_rule asking[] = {
	{.call = "prctl", .action = TABLE_PRETEND, .when = {IS(0, PR_SET_DUMPABLE), IS(1, 0)}},
	REFUSE("landlock_create_ruleset", EOPNOTSUPP),
	{NULL},
};

static const struct table_rule opening[] = {
	/* O_PATH ignores all of them */
	{.call = "open", .legacy = true, .when = {HAS(1, O_PATH)}},
	{.call = "open", .action = TABLE_NOTIFY, .legacy = true, .when = {HAS(1, WRITES)}},
	{.call = "openat", .when = {HAS(2, O_PATH)}},
	{.call = "openat", .action = TABLE_NOTIFY, .when = {HAS(2, WRITES)}},
	NOTIFY_LEGACY("creat"),
	NOTIFY("truncate"),
	{NULL},
};

static const struct table_rule reading[] = {
	{.call = "open", .legacy = true, .when = {HAS(1, O_PATH)}},
	NOTIFY_LEGACY("open"),
	{.call = "openat", .when = {HAS(2, O_PATH)}},
	NOTIFY("openat"),
	NOTIFY_LEGACY("creat"),
	NOTIFY("truncate"),
	{NULL},
};

static const struct table_rule naming[] = {
	NOTIFY_LEGACY("mkdir"),
	NOTIFY("mkdirat"),
	NOTIFY_LEGACY("mknod"),
	NOTIFY("mknodat"),
	NOTIFY_LEGACY("symlink"),
	NOTIFY("symlinkat"),
	NOTIFY_LEGACY("link"),
	NOTIFY("linkat"),
	NOTIFY_LEGACY("rename"),
	NOTIFY("renameat"),
	NOTIFY("renameat2"),
	NOTIFY_LEGACY("unlink"),
	NOTIFY("unlinkat"),
	NOTIFY_LEGACY("rmdir"),
	/* makes no name, but decides about modes: the keeper must know whether it is as it was */
	{.call = "umask", .action = TABLE_NOTIFY, .when = {IS_NOT(0, LIMIT_COMMAND_UMASK)}},
	{NULL},
};

/* Whose number it is no filter can tell. 0 is a command's own group, which is of its own session. */
static const struct table_rule signalling[] = {
	{.call = "kill", .when = {IS(0, 0)}},
	NOTIFY("kill"),
	NOTIFY("tkill"),
	NOTIFY("tgkill"),
	NOTIFY("rt_sigqueueinfo"),
	NOTIFY("rt_tgsigqueueinfo"),
	NOTIFY("pidfd_send_signal"),
	{NULL},
};

/* Nothing is opened for these, and Landlock does not know them. */
static const struct table_rule attributes[] = {
	NOTIFY_LEGACY("chmod"),     NOTIFY("fchmod"),        NOTIFY("fchmodat"),
	NOTIFY_LEGACY("chown"),     NOTIFY_LEGACY("lchown"), NOTIFY("fchown"),
	NOTIFY("fchownat"),         NOTIFY_LEGACY("utime"),  NOTIFY_LEGACY("utimes"),
	NOTIFY_LEGACY("futimesat"), NOTIFY("utimensat"),     NOTIFY("setxattr"),
	NOTIFY("lsetxattr"),        NOTIFY("fsetxattr"),     NOTIFY("removexattr"),
	NOTIFY("lremovexattr"),     NOTIFY("fremovexattr"),  {NULL},
};

/*
 * Where the broker connects for commands. UDP must not be theirs: sendmsg takes an address that no filter
 * sees, and goes there whatever the socket is connected to. So the keeper gives them something else for it.
 */
static const struct table_rule asking_to_connect[] = {
	REFUSE("getxattr",
	       EOPNOTSUPP), /* what container.c says of it; the keeper needs it for this very group */
	{.call = "socket", .action = TABLE_REFUSE, .error = EACCES, .when = {IS(0, AF_UNIX)}},
	{.call = "socket", .action = TABLE_NOTIFY, .when = {MASKED(1, 0xf, SOCK_DGRAM)}},
	NOTIFY("connect"),
	NOTIFY("bind"),
	{NULL},
};

static const struct table_group nanny[] = {
	{"what the keeper has and commands have not", keepers},
	{NULL},
};

static const struct table_group notify[] = {
	{"what the keeper has and commands have not", keepers},
	{"what would keep the keeper from acting for its callers", asking},
	{"files opened to be written", opening},
	{"names made, changed and removed", naming},
	{"modes, owners, times and attributes", attributes},
	{NULL},
};

static const struct table_group notify_all[] = {
	{"what the keeper has and commands have not", keepers},
	{"what would keep the keeper from acting for its callers", asking},
	{"files opened", reading},
	{"names made, changed and removed", naming},
	{"modes, owners, times and attributes", attributes},
	{NULL},
};

static const struct table_group signals[] = {
	{"signals by number", signalling},
	{NULL},
};

static const struct table_group connections[] = {
	{"connections", asking_to_connect},
	{NULL},
};

const struct filter_table filter_table_nanny = {.name = "nanny", .otherwise = TABLE_ALLOW, .groups = nanny};
const struct filter_table filter_table_notify = {
	.name = "notify", .otherwise = TABLE_ALLOW, .groups = notify};
const struct filter_table filter_table_notify_all = {
	.name = "notify_all", .otherwise = TABLE_ALLOW, .groups = notify_all};
const struct filter_table filter_table_notify_signals = {
	.name = "notify_signals", .otherwise = TABLE_ALLOW, .groups = signals, .base = &filter_table_notify};
const struct filter_table filter_table_notify_all_signals = {.name = "notify_all_signals",
							     .otherwise = TABLE_ALLOW,
							     .groups = signals,
							     .base = &filter_table_notify_all};
const struct filter_table filter_table_notify_connect = {.name = "notify_connect",
							 .otherwise = TABLE_ALLOW,
							 .groups = connections,
							 .base = &filter_table_notify};
const struct filter_table filter_table_notify_all_connect = {.name = "notify_all_connect",
							     .otherwise = TABLE_ALLOW,
							     .groups = connections,
							     .base = &filter_table_notify_all};
const struct filter_table filter_table_notify_signals_connect = {.name = "notify_signals_connect",
								 .otherwise = TABLE_ALLOW,
								 .groups = connections,
								 .base = &filter_table_notify_signals};
const struct filter_table filter_table_notify_all_signals_connect = {
	.name = "notify_all_signals_connect",
	.otherwise = TABLE_ALLOW,
	.groups = connections,
	.base = &filter_table_notify_all_signals};
