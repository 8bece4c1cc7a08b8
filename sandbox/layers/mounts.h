/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_LAYERS_MOUNTS_H
#define SALLYPORT_SANDBOX_LAYERS_MOUNTS_H

/* What mounts.c and view.c share. All return a descriptor or 0, or -errno with the failure noted. */

#include "sandbox/layers/layer.h"

/* A detached mount of a new file system. options: key and value, value NULL for a flag. */
int mount_new(struct layer_context *context, const char *type, const char *const options[][2], size_t count,
	      unsigned attributes);
int mount_tmpfs(struct layer_context *context, const char *mode, uint64_t bytes, uint64_t inodes,
		unsigned attributes);
/* A detached copy of the tree at `path` with MOUNT_ATTR_* set on all of it; "" means `directory` itself. */
int mount_clone(struct layer_context *context, int directory, const char *path, unsigned attributes);
/* The same for a workspace: hardened, and as root idmapped when it belongs to somebody else. */
int mount_workspace(struct layer_context *context, const char *path, unsigned attributes);

/* What a command sees of the system, where it exists; ends with NULL. */
extern const char *const system_directories[];

/* ---- view.c: the sandbox of commands; `root` is the new root, attached ---- */

int view_system(struct layer_context *context, int root);
/* An O_PATH descriptor of an absolute path below `root`, through no link of any kind; or -1 with errno. */
int view_open(int root, const char *path);
/* All directories of `path`, owned by whom we are to be. */
int view_make_directories(struct layer_context *context, int root, const char *path);
int view_attach(struct layer_context *context, int tree, int root, const char *path);
/* Covers `path` with something empty, if it is there. */
int view_hide(struct layer_context *context, int root, const char *path);

/* ---- view_kernel.c ---- */

int view_devices(struct layer_context *context, int root);
int view_processes(struct layer_context *context, int root);
/* The directories that programs expect and that hold nothing. */
int view_furnish(struct layer_context *context, int root);

/* ---- view_names.c ---- */

/* resolv.conf, hosts and nsswitch.conf for a sandbox whose names the broker answers. */
int view_names(struct layer_context *context, int root);
/* Shows a file of ours with `text` at `path`. What is not there, or leads to what is not there, is not
 * covered, and what the plan hides neither: 0. */
int view_cover(struct layer_context *context, int root, const char *path, const char *text);

/* ---- view_people.c ---- */

/* A line of passwd and group for who we are to be, where there is none. */
int view_people(struct layer_context *context, int root);

/* ---- protect.c ---- */

/* Makes the plan's protected paths and our own programs read-only wherever the view shows them writable. */
int protect_paths(struct layer_context *context, int root);

#endif
