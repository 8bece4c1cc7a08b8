/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_OPTIONS_TABLE_H
#define SALLYPORT_SERVER_OPTIONS_TABLE_H

/* The table of options, shared by the parser (options.c) and the help (help.c). */

#include "server/options.h"

struct option_row {
	unsigned option;   /* OPTION_* */
	const char *name;  /* "--workspace" */
	const char *value; /* what follows it, for people; NULL: a switch */
	const char *help;
	int (*set)(struct options *options, const char *value, struct err *err);
};

/* Ends with a name of NULL. */
extern const struct option_row option_table[];

#endif
