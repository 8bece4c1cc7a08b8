/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_NOTIFY_H
#define SALLYPORT_SERVER_NOTIFY_H

/* Telling the service manager how we are (sd_notify(3)): datagrams to the Unix socket that $NOTIFY_SOCKET
 * names. Nobody is told where there is no such socket, and what cannot be sent is dropped. */

/* Connects to it; before the seal. The variable goes from the environment: those whom we start have nothing
 * to tell. -1: there is nobody. */
int notify_open(void);
/* We serve; `status`, or NULL, is for people. */
void notify_ready(int socket, const char *status);
/* What was read at the start is read again; notify_ready() follows. */
void notify_reloading(int socket);
void notify_stopping(int socket);

#endif
