/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands may not do, under every layer else: a deny-list, since a command is any program there is. All
 * of it needs a privilege that commands have not got, is a way around another layer, or is kernel surface
 * that no ordinary program uses.
 */
#include "sandbox/filter/table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#define DENY(name)        REFUSE(name, EPERM)
#define DENY_LEGACY(name) REFUSE_LEGACY(name, EPERM)

/* Names that older headers of the build machine may lack. */
#define FLAG_NEWCGROUP 0x02000000
#define SEND_FASTOPEN  0x20000000
#define TYPE_BTRFS     0x94
#define TYPE_BCACHEFS  0xbc

static const struct table_rule mounts[] = {
	DENY("mount"),     DENY("umount2"),    DENY("pivot_root"),    DENY("chroot"),
	DENY("open_tree"), DENY("move_mount"), DENY("fsopen"),        DENY("fspick"),
	DENY("fsconfig"),  DENY("fsmount"),    DENY("mount_setattr"), {NULL},
};

/* clone3 hides its flags in memory; ENOSYS makes every C library fall back to clone, whose flags are seen. */
static const struct table_rule namespaces[] = {
	DENY("unshare"),
	DENY("setns"),
	REFUSE("clone3", ENOSYS),
	{.call = "clone",
	 .action = TABLE_REFUSE,
	 .error = EPERM,
	 .when = {HAS(0, CLONE_NEWNS | FLAG_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
				 CLONE_NEWPID | CLONE_NEWNET)}},
	{NULL},
};

const struct table_rule rules_other_processes[] = {
	/* not process_vm_readv: the keeper reads with it what its commands ask (notify.c refuses it to them)
	 */
	DENY("ptrace"),          DENY("process_vm_writev"), DENY("kcmp"), DENY("pidfd_getfd"),
	DENY("perf_event_open"), DENY("process_madvise"),   {NULL},
};

static const struct table_rule limits_of_others[] = {
	/* keeper and nannies have the same uid, and could be left without descriptors */
	{.call = "prlimit64", .action = TABLE_REFUSE, .error = EPERM, .when = {IS_NOT(0, 0)}},
	{NULL},
};

/* RLIMIT_CORE stays 1 (LIMIT_CORE_BYTES). Said to have worked, because gpg and others want no dump and end
 * where they cannot ask for none; there is none in any case. */
static const struct table_rule crash_handlers[] = {
	{.call = "prlimit64", .action = TABLE_PRETEND, .when = {IS(1, RLIMIT_CORE), HAS(2, LOW)}},
	{.call = "prlimit64", .action = TABLE_PRETEND, .when = {IS(1, RLIMIT_CORE), HAS(2, HIGH)}},
	{.call = "setrlimit", .action = TABLE_PRETEND, .when = {IS(0, RLIMIT_CORE)}},
	{NULL},
};

const struct table_rule rules_kernel_surface[] = {
	DENY("bpf"),
	DENY("userfaultfd"),
	DENY("io_uring_setup"),
	DENY("io_uring_enter"),
	DENY("io_uring_register"),
	DENY("keyctl"),
	DENY("add_key"),
	DENY("request_key"),
	DENY("fanotify_init"),
	DENY("fanotify_mark"),
	DENY("open_by_handle_at"),
	DENY("name_to_handle_at"),
	DENY("lookup_dcookie"),
	DENY_LEGACY("uselib"),
	DENY_LEGACY("modify_ldt"),
	DENY_LEGACY("iopl"),
	DENY_LEGACY("ioperm"),
	DENY("vhangup"),
	{NULL},
};

const struct table_rule rules_administration[] = {
	DENY("init_module"),   DENY("finit_module"),    DENY("delete_module"),
	DENY("kexec_load"),    DENY("kexec_file_load"), DENY("syslog"),
	DENY("acct"),          DENY("quotactl"),        DENY("quotactl_fd"),
	DENY("swapon"),        DENY("swapoff"),         DENY("reboot"),
	DENY("sethostname"),   DENY("setdomainname"),   DENY("settimeofday"),
	DENY("clock_settime"), DENY("clock_adjtime"),   DENY("adjtimex"),
	DENY("mbind"),         DENY("set_mempolicy"),   DENY("set_mempolicy_home_node"),
	DENY("migrate_pages"), DENY("move_pages"),      {NULL},
};

/* Devices only: FIFOs and files made with mknod are as good as any. */
const struct table_rule rules_devices[] = {
	{.call = "mknod",
	 .action = TABLE_REFUSE,
	 .error = EPERM,
	 .legacy = true,
	 .when = {MASKED(1, S_IFMT, S_IFCHR)}},
	{.call = "mknod",
	 .action = TABLE_REFUSE,
	 .error = EPERM,
	 .legacy = true,
	 .when = {MASKED(1, S_IFMT, S_IFBLK)}},
	{.call = "mknodat", .action = TABLE_REFUSE, .error = EPERM, .when = {MASKED(2, S_IFMT, S_IFCHR)}},
	{.call = "mknodat", .action = TABLE_REFUSE, .error = EPERM, .when = {MASKED(2, S_IFMT, S_IFBLK)}},
	{NULL},
};

/*
 * Files that run as their owner: made in a workspace of root's they would be root's to everybody on the
 * machine who can reach them. openat2 hides its mode in memory, and is refused where commands are (notify.c).
 */
#define AS_OWNER (S_ISUID | S_ISGID)
#define CREATING (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))

static const struct table_rule set_uid_files[] = {
	{.call = "chmod", .action = TABLE_REFUSE, .error = EPERM, .legacy = true, .when = {HAS(1, AS_OWNER)}},
	{.call = "fchmod", .action = TABLE_REFUSE, .error = EPERM, .when = {HAS(1, AS_OWNER)}},
	{.call = "fchmodat", .action = TABLE_REFUSE, .error = EPERM, .when = {HAS(2, AS_OWNER)}},
	{.call = "creat", .action = TABLE_REFUSE, .error = EPERM, .legacy = true, .when = {HAS(1, AS_OWNER)}},
	{.call = "open",
	 .action = TABLE_REFUSE,
	 .error = EPERM,
	 .legacy = true,
	 .when = {HAS(1, CREATING), HAS(2, AS_OWNER)}},
	{.call = "openat",
	 .action = TABLE_REFUSE,
	 .error = EPERM,
	 .when = {HAS(2, CREATING), HAS(3, AS_OWNER)}},
	{.call = "mknod", .action = TABLE_REFUSE, .error = EPERM, .legacy = true, .when = {HAS(1, AS_OWNER)}},
	{.call = "mknodat", .action = TABLE_REFUSE, .error = EPERM, .when = {HAS(2, AS_OWNER)}},
	{NULL},
};

/*
 * Typing into the terminal that started us; under a mask, since the kernel ignores the high half
 * (CVE-2019-10063). And line disciplines: each is another driver, loaded on demand.
 */
static const struct table_rule terminals[] = {
	{.call = "ioctl", .action = TABLE_REFUSE, .error = EPERM, .when = {IS(1, TIOCSTI)}},
	{.call = "ioctl", .action = TABLE_REFUSE, .error = EPERM, .when = {IS(1, TIOCLINUX)}},
	{.call = "ioctl", .action = TABLE_REFUSE, .error = EPERM, .when = {IS(1, TIOCSETD)}},
	{NULL},
};

/* Whoever opens or truncates a file with a lease waits for its holder, 45 seconds by default: a command would
 * hold up the person, in the workspace and in what PATH names. File systems without leases say the same. */
static const struct table_rule leases[] = {
	{.call = "fcntl", .action = TABLE_REFUSE, .error = EINVAL, .when = {IS(1, F_SETLEASE)}},
	{NULL},
};

/*
 * btrfs and bcachefs make snapshots for whoever owns a subvolume: copies without the mounts that hide and
 * protect, and before Linux 6.7 of all that lies beside a workspace too. What else has the type of btrfs are
 * reflinks; file systems without either answer ENOTTY.
 */
static const struct table_rule snapshots[] = {
	{.call = "ioctl", .when = {IS(1, FICLONE)}},
	{.call = "ioctl", .when = {IS(1, FICLONERANGE)}},
	{.call = "ioctl", .when = {IS(1, FIDEDUPERANGE)}},
	{.call = "ioctl",
	 .action = TABLE_REFUSE,
	 .error = ENOTTY,
	 .when = {MASKED(1, 0xff00, TYPE_BTRFS << 8)}},
	{.call = "ioctl",
	 .action = TABLE_REFUSE,
	 .error = ENOTTY,
	 .when = {MASKED(1, 0xff00, TYPE_BCACHEFS << 8)}},
	{NULL},
};

/*
 * Families, types and protocols are allowed, never denied one by one: unix, internet (TCP, UDP, ping), and
 * the netlink of routes (getifaddrs). Others are drivers, loaded on demand (SCTP, SMC, L2TP), and MPTCP and
 * fast open are ways around Landlock's rules for TCP. What a TCP connection can be made to carry (TCP_ULP) is
 * a driver too, and answers as if it were not there.
 */
#define INTERNET(type, protocol)                                                                             \
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, type), IS(2, protocol)}},                 \
	{                                                                                                    \
		.call = "socket", .when = { IS(0, AF_INET6), MASKED(1, 0xf, type), IS(2, protocol) }         \
	}

const struct table_rule rules_sockets[] = {
	{.call = "socket", .when = {IS(0, AF_UNIX)}},
	INTERNET(SOCK_STREAM, 0),
	INTERNET(SOCK_STREAM, IPPROTO_TCP),
	INTERNET(SOCK_DGRAM, 0),
	INTERNET(SOCK_DGRAM, IPPROTO_UDP),
	INTERNET(SOCK_DGRAM, IPPROTO_ICMP),
	INTERNET(SOCK_DGRAM, IPPROTO_ICMPV6),
	{.call = "socket", .when = {IS(0, AF_NETLINK), IS(2, 0)}},
	/* raw sockets need a capability: the same answer as without one */
	{.call = "socket",
	 .action = TABLE_REFUSE,
	 .error = EPERM,
	 .when = {MASKED(1, 0xf, SOCK_RAW), IS_NOT(0, AF_NETLINK)}},
	{.call = "socket", .action = TABLE_REFUSE, .error = EPERM, .when = {MASKED(1, 0xf, SOCK_PACKET)}},
	{.call = "socket", .action = TABLE_REFUSE, .error = EPROTONOSUPPORT, .when = {IS(0, AF_INET)}},
	{.call = "socket", .action = TABLE_REFUSE, .error = EPROTONOSUPPORT, .when = {IS(0, AF_INET6)}},
	{.call = "socket", .action = TABLE_REFUSE, .error = EAFNOSUPPORT},
	{.call = "setsockopt",
	 .action = TABLE_REFUSE,
	 .error = ENOENT,
	 .when = {IS(1, IPPROTO_TCP), IS(2, TCP_ULP)}},
	{.call = "socketpair", .when = {IS(0, AF_UNIX)}},
	{.call = "socketpair", .action = TABLE_REFUSE, .error = EAFNOSUPPORT},
	{.call = "sendto", .action = TABLE_REFUSE, .error = EOPNOTSUPP, .when = {HAS(3, SEND_FASTOPEN)}},
	{.call = "sendmsg", .action = TABLE_REFUSE, .error = EOPNOTSUPP, .when = {HAS(2, SEND_FASTOPEN)}},
	{.call = "sendmmsg", .action = TABLE_REFUSE, .error = EOPNOTSUPP, .when = {HAS(3, SEND_FASTOPEN)}},
	{NULL},
};

/* Only what uname26 and 32-bit emulation ask for, and the question which one it is. */
static const struct table_rule personalities[] = {
	{.call = "personality", .when = {IS(0, 0)}},
	{.call = "personality", .when = {IS(0, 0x8)}},
	{.call = "personality", .when = {IS(0, 0x20000)}},
	{.call = "personality", .when = {IS(0, 0x20008)}},
	{.call = "personality", .when = {IS(0, 0xffffffff)}},
	DENY("personality"),
	{NULL},
};

static const struct table_group groups[] = {
	{"the view of the file system", mounts},
	{"namespaces", namespaces},
	{"other processes' memory and descriptors", rules_other_processes},
	{"other processes' limits", limits_of_others},
	{"crash handlers of the machine", crash_handlers},
	{"kernel surface that ordinary programs do not use", rules_kernel_surface},
	{"administration of the machine", rules_administration},
	{"devices", rules_devices},
	{"files that run as their owner", set_uid_files},
	{"terminals", terminals},
	{"leases", leases},
	{"snapshots", snapshots},
	{"sockets", rules_sockets},
	{"personalities", personalities},
	{NULL},
};

const struct filter_table filter_table_command = {
	.name = "command", .otherwise = TABLE_ALLOW, .newest = "set_mempolicy_home_node", .groups = groups};
