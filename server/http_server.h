/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_HTTP_SERVER_H
#define SALLYPORT_SERVER_HTTP_SERVER_H

/* The frontend over HTTP: a server whose callers are those that the tokens name, each with its own sandbox.
 */

#include "protocol/error.h"
#include "server/options.h"
#include "server/settings.h"

/* Listens, says where on standard error, and serves until SIGTERM or SIGINT. Returns an exit code as
 * session_run() does. Must be called with one thread. */
int http_server_run(struct settings *settings, const struct options *options, struct err *err);

#endif
