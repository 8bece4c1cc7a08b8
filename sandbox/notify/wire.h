/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_NOTIFY_WIRE_H
#define SALLYPORT_SANDBOX_NOTIFY_WIRE_H

/*
 * Between a nanny and its keeper, on a SOCK_SEQPACKET socket of their own. What the keeper refused to a
 * command goes down as KEEPER_DENIED (keeper/wire.h), and the nanny passes it on as it is.
 */

enum notify_frame {
	/* nanny -> keeper. Payload: u64 */
	NOTIFY_MEMORY = 1,   /* the address of NOTIFY_TOKEN: can you read it? Answered by the same type */
	NOTIFY_LISTENER = 2, /* value: 0 and one descriptor, the filter's listener; or errno. Payload: 0 */
};

#define NOTIFY_TOKEN 0x73616c6c79706f72ull

/* Of a denial as the frontend takes it (tools/denial.h). */
#define NOTIFY_TARGET_BYTES  512
#define NOTIFY_RULE_BYTES    128
#define NOTIFY_RECEIVE_BYTES 512 /* what the kernel writes of a call: 80 today */

#endif
