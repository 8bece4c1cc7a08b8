/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_ERROR_H
#define SALLYPORT_PROTOCOL_ERROR_H

/*
 * Two channels for errors, everywhere in this tree:
 *
 *  - the return value is for code: 0 is success, a negative errno is forwarded upwards untouched, a positive
 * value is an outcome that the function's header documents and its caller handles;
 *  - struct err is for people: one sentence that says what, where, why and what to do. Each layer may put one
 * clause in front ("policy.json: network.allowedDomains: ..."), so the outermost comes first.
 *
 * A struct err lives on the stack of whoever wants the text. Every function that takes one accepts NULL.
 */

#include <stddef.h>

struct err {
	char text[512]; /* NUL-terminated, cut on a character boundary; empty until something failed */
};

/* Replaces the text and returns `code`, so that `return err_set(err, -EINVAL, "...")` is the whole error
 * path. */
int err_set(struct err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "CLAUSE: " in front of the present text and returns `code`. */
int err_wrap(struct err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The symbolic name of an errno ("EACCES"), or "E?" for one without; never NULL. `number` may be negative. */
const char *err_name(int number);

#endif
