/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_KEEPER_WIRE_H
#define SALLYPORT_SANDBOX_KEEPER_WIRE_H

/*
 * Frontend and sandbox. The spawner gives the frontend the *door* of a sandbox: one end of a SOCK_SEQPACKET
 * socket on whose other end all idle nannies of that sandbox wait (each takes one request; the keeper sees to
 * it that one is always waiting). A request brings a socket of its own, the *leash*: the nanny answers there,
 * the frontend commands there, and closing it kills the call. Output does not pass through us: the frontend
 * made the pipes and reads them itself.
 *
 * Nannies live among hostile processes of the same uid. Nothing a nanny says is believed beyond the fate of
 * its own call.
 */

#define KEEPER_COMMAND_DESCRIPTORS 4 /* leash, stdin (or the same as none: see flags), stdout, stderr */

enum keeper_frame {
	/* frontend -> a nanny, on the door. Descriptors: leash, stdout, stderr, and stdin with KEEPER_STDIN
	 */
	KEEPER_RUN = 1, /* value: KEEPER_* flags. Payload: text cwd (absolute), u32 argc, text each, u32 envc,
			 * text each ("A=b"; PATH is added if it is not among them), u32 shell: 1: argv is one
			 * shell line to run with bash -c, or sh -c where there is no bash; with KEEPER_TTY
			 * also u32 rows, u32 columns (1 to LIMIT_TERMINAL_SIDE) */
	/*
	 * frontend -> a nanny, on the door: connects to the sandbox's own loopback, where commands listen,
	 * and relays. Descriptors: leash, a Unix stream socket. Payload: u32 port, u32 place
	 * (rules_inside_place()). KEEPER_CONNECTED or KEEPER_FAILED follows; then bytes go both ways, and the
	 * end of each way is passed on, until both have ended, one of them breaks, or the leash closes. No
	 * frame follows.
	 */
	KEEPER_CONNECT = 5,

	/* frontend -> nanny, on the leash. Everything else that comes there, its end too, kills as well. */
	KEEPER_KILL = 2,      /* kill all of the call with SIGKILL; KEEPER_ENDED follows */
	KEEPER_ASK_STATE = 3, /* KEEPER_STATE follows, unless the call ends first or the leash is full */
	KEEPER_SIGNAL = 4,    /* value: signal, to the terminal's foreground process group; where there is
			       * none, to the group that the command itself began in */

	/* nanny -> frontend, on the leash */
	KEEPER_ENDED = 17,  /* nothing of the call is alive. Payload: u32 wait status of the command, u64 user
			     * µs, u64 system µs,  u64 peak memory bytes (largest process), u32 number of
			     * leftover processes that were killed */
	KEEPER_DENIED = 19, /* a rule refused something to the command; any number, also before KEEPER_FAILED.
			     * Payload: text operation ("write", "execute", ..), text target (absolute path),
			     * text rule (sandbox/rule.h) */
	KEEPER_STATE = 21,  /* payload: u32 KEEPER_WAITS_*, u64 processor time µs so far (that of the living
			     * in steps of 10 ms), u64 resident memory bytes (what they share counts for each),
			     * u32 living processes */
	KEEPER_CONNECTED = 22, /* no payload */
	KEEPER_FAILED = 18, /* the command never started. value: errno, payload: text step ("execve", "chdir",
			       ...), text target */

	/* keeper -> frontend, on the door */
	KEEPER_SWEPT =
		20, /* a nanny died, and nothing of what it ran is alive. call: the request's that it
		     * served; 0: it waited at the door (or had not looked at a request that it took) */
};

#define KEEPER_STDIN 0x1 /* a fourth descriptor is the command's stdin; otherwise /dev/null */
/*
 * The command has a terminal, which the nanny keeps the other end of: what comes on stdin is typed there, and
 * what is written to it goes to stdout; stderr stays unused. The end of stdin (or none) is the terminal's
 * character for that, typed once.
 */
#define KEEPER_TTY 0x2
/*
 * Nothing is run, but where a command would be it is tried what the kernel would say. argv: one letter of
 * KEEPER_LOOKS (read, write, execute) and a path, or a program's name to be executed. On stdout comes u32
 * errno (0: it would pass), u32 index of the letter, u32 the mode of what is there (0: nothing), and without
 * a NUL where it really leads. The exit status is an errno: 0 if it could be asked.
 */
#define KEEPER_LOOK  0x4
#define KEEPER_LOOKS "rwx"
#define KEEPER_FLAGS (KEEPER_STDIN | KEEPER_TTY | KEEPER_LOOK) /* all that are known; others are refused */

/*
 * What some process of the call is blocked in at this moment: a read, or a wait (poll, select, epoll) that
 * input would end, perhaps beside other things. The kernel's word about each thread; who cannot be looked at
 * (not dumpable, Yama's ptrace_scope 2 and 3) does not count.
 */
#define KEEPER_WAITS_NOT      0 /* or not known */
#define KEEPER_WAITS_TERMINAL 1
#define KEEPER_WAITS_PIPE     2 /* the pipe that is the command's stdin */
#define KEEPER_WAITS_IN_VAIN  3 /* its stdout or stderr, which some programs take for a terminal (vim) */

#endif
