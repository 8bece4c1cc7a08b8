/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_SPAWNER_WIRE_H
#define SALLYPORT_SANDBOX_SPAWNER_WIRE_H

/*
 * Frontend and spawner, over one SOCK_SEQPACKET socket. The spawner believes the frontend's numbers only as
 * far as its tables reach; the frontend treats the spawner's frames like anybody's.
 *
 * The socket is descriptor 3 of the spawner, the plan's memfd descriptor 4 (sandbox/spawner/spare.h).
 */

enum spawner_frame {
	/* frontend -> spawner */
	SPAWNER_START = 1, /* call: request id, value: enum spawner_kind, payload: u32 caller */
	SPAWNER_KILL = 2, /* value: instance. It and all in it die; SPAWNER_DIED follows when nothing of it is
			   * alive, whatever the profile */
	SPAWNER_SPARE = 3, /* the spare died: make a new one */
	SPAWNER_PROBE = 4, /* call: request id; try every layer in throwaway children */
	SPAWNER_FILE = 5,  /* call: request id; an empty file without a name, on a disk if there is one, for
			    * what  a command writes */

	/* spawner -> frontend */
	SPAWNER_STARTED = 16, /* call, value: instance, payload: u32 pid (as the spawner sees it), u32 enum
				 confinement, text why it is not more ("" when it is all), descriptors by kind
				 and, last, a pidfd of its first process: it tells of the death when no
				 spawner is left to */
	SPAWNER_FAILED = 17,  /* call, value: errno, payload: text layer, text step, text remedy (each shorter
				 than LIMIT_REMEDY_BYTES), u32 enum confinement: what was tried last */
	SPAWNER_DIED = 18,    /* nothing of it is alive. value: instance, payload: u32 kind, u32 wait status,
			       * u64 processes in its group that the kernel has killed for want of memory */
	SPAWNER_SPARED = 19,  /* descriptor: the new spare's socket */
	SPAWNER_PROBED = 20,  /* call, payload: u32 count, then for each layer: text layer, u32 state (enum
			       * probe_state),  u32 errno, text detail, text remedy; then text profile: the
			       * best  that works here ("" when none), whatever policy requires */
	SPAWNER_DENIALS = 21, /* descriptor: where the broker tells what it refuses to commands
			       * (sandbox/egress/wire.h, BROKER_DENIED); comes before the first sandbox that
			       * has a network is told as started, and again with each new broker */
	SPAWNER_FILED = 22,   /* call; descriptor: the file, open for reading and writing; or value: errno */
};

/* Of one layer, as SPAWNER_PROBED tells it. `detail` says what is there or what is missing and why, `remedy`
 * what a person can do about it on this very system; empty when there is nothing to mend. */
enum probe_state {
	PROBE_MISSING = 0, /* does not work here; errno says how it failed */
	PROBE_THERE = 1,   /* tried, and works */
	PROBE_PARTLY =
		2, /* works with less than newer kernels or a delegated group give; nothing is refused */
	PROBE_UNTRIED = 3, /* something before it is missing */
	PROBE_STATES
};

enum spawner_kind {
	SPAWNER_SANDBOX = 1, /* a caller's sandbox. Descriptors: the door (keeper/wire.h) and, where it has a
			      * group of cgroup v2, that one's memory.events */
	SPAWNER_FILES = 2,  /* Descriptors: ring memfd, a pipe that wakes the executor, eventfd that wakes the
			     * frontend, a socket whose end of file is the executor's death */
	SPAWNER_WEB = 3,    /* Descriptors: a SOCK_SEQPACKET socket of frames (tools/reply.h) */
	SPAWNER_SEARCH = 4, /* Descriptors as of SPAWNER_FILES */
	/* the broker is started by the spawner when the first web executor needs it, and is not the
	   frontend's business */
};

#endif
