/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_CONFINEMENT_H
#define SALLYPORT_SANDBOX_CONFINEMENT_H

/*
 * How much confinement there is: what users call the profile (sandbox.requireProfile, doctor). A higher
 * number is less. The spawner finds out by trying which one this kernel gives, and never goes below the one
 * that the policy requires; what each has stands in sandbox/profile.c.
 */
enum confinement {
	CONFINEMENT_FULL = 1,  /* namespaces, a view of its own, and all that follows */
	CONFINEMENT_CONTAINER, /* where namespaces are refused: Landlock and seccomp do their work */
	CONFINEMENT_MINIMAL,   /* only if the policy names it */
};

#define CONFINEMENT_COUNT (CONFINEMENT_MINIMAL + 1)

#define CONFINEMENT_WHY_BYTES 1024

/* What was found: the least that anything runs or ran with. */
struct confinement_found {
	enum confinement profile;        /* 0: nothing has been built yet */
	char why[CONFINEMENT_WHY_BYTES]; /* it is not more, in words; "" when there is no more to be had */
};

/* "full", "container", "minimal"; "none" for a number that is none of them. */
const char *confinement_name(enum confinement confinement);

/*
 * Names of the layers in the order in which they are built, as doctor shows them and sandbox.requireLayers
 * names them; ends with NULL.
 */
extern const char *const confinement_layers[];

#endif
