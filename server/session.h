/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SESSION_H
#define SALLYPORT_SERVER_SESSION_H

/*
 * One stdio session: the frontend from its first process to its last byte. Forks the spare, seals itself,
 * serves until the host closes standard input, SIGTERM or SIGINT, and ends everything it started.
 */

#include "protocol/error.h"
#include "server/settings.h"

/*
 * Serves on the two descriptors. Returns an exit code (options.h): EXIT_OK, EXIT_FAILED with the reason in
 * err, or EXIT_UNCONFINED when a call was refused because a layer is not to be had. Must be called with one
 * thread, before anything was read from `input`. The process is sealed afterwards and can do little but exit.
 */
int session_run(struct settings *settings, int input, int output, struct err *err);

#endif
