/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_REQUEST_LOG_H
#define SALLYPORT_SERVER_REQUEST_LOG_H

#include "server/transport/http.h"

/* A line of the log about one request: who asked what, and how it was answered. Nothing of what a message
 * says but its method and its tool, and of neither what is not plain ASCII. */
void request_log(const struct http_record *record);

#endif
