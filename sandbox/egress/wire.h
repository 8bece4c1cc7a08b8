/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_WIRE_H
#define SALLYPORT_SANDBOX_EGRESS_WIRE_H

/*
 * The egress broker's channels, SOCK_SEQPACKET sockets of frames (protocol/frame.h).
 *
 * The program's own channels are the spawner's (sandbox/executor.h, EXECUTOR_BROKER), where end of file ends
 * it, and the frontend's, where it only tells. A client is a web executor; the broker's end of its socket
 * came with BROKER_CLIENT. A client that sends anything malformed loses its socket; nothing a client does
 * touches another. The same holds for keepers, each of which loses its sandbox's network.
 */

enum broker_frame {
	/* spawner -> broker */
	BROKER_CLIENT = 1,  /* descriptor: the broker's end of a socket pair whose other end a client has */
	BROKER_NETWORK = 4, /* call: the sandbox's number. descriptors: sockets that listen inside it
			     * (listeners.h), in as many frames as it takes. Of a sandbox without a network of
			     * its own: a socket that listens for it on the machine's loopback, and the
			     * channel of its keeper */
	BROKER_NETWORK_END = 5, /* call: its number. All that was for it ends */

	/* client -> broker */
	BROKER_CONNECT = 2, /* call: the client's number for it. payload: text host in its one spelling
			     * (sandbox/egress/host.h), u32 port, u32 milliseconds it may take */
	BROKER_ABANDON = 3, /* call: the answer is no longer wanted. It may still come */

	/* keeper -> broker: for commands without a network of their own */
	BROKER_REACH = 6, /* call: the keeper's number for it. payload: text address, u32 port: a command
			   * wants to be connected there. Answered by BROKER_REACHED, in order */
	BROKER_ASK = 7, /* descriptor: a SOCK_SEQPACKET socket on which DNS questions come, each a message */

	/* broker -> keeper */
	BROKER_REACHED = 19, /* call; value: 0 and one descriptor, a TCP socket that is being connected,
			      * non-blocking; or errno */
	BROKER_BEGAN = 20,   /* first: nothing that was asked before will be answered */

	/* broker -> client: exactly one for each BROKER_CONNECT, unless abandoned */
	BROKER_CONNECTED = 16, /* call; payload: text address; descriptor: a connected TCP socket,
				  non-blocking */
	BROKER_REFUSED = 17,   /* call; payload: text rule, text reason, text remedy, text reach
				  (rules.h) */
	BROKER_FAILED = 18,    /* call; value: errno; payload: text sentence of what failed where */

	/*
	 * broker -> frontend, on a socket that the broker only writes to: something was refused to a command.
	 * Sent before the command hears of it, so whoever reads of the command's end finds this waiting.
	 */
	BROKER_DENIED = 32, /* call: the sandbox's number (SPAWNER_STARTED's instance). Payload as of
			     * REPLY_DENIED (tools/reply.h): text layer, operation ("resolve", "connect"),
			     * target, rule, remedy, allowed */
};

#endif
