/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_LAYERS_MOUNTS_H
#define SALLYPORT_SANDBOX_LAYERS_MOUNTS_H

/* What mounts.c and view.c share. All return a descriptor or 0, or -errno with the failure noted. */

#include "sandbox/layers/layer.h"

/* A detached mount of a new file system. options: key and value, value NULL for a flag. */
int mount_new(struct layer_context *context, const char *type, const char *const options[][2], size_t count,
	      unsigned attributes);
int mount_tmpfs(struct layer_context *context, const char *mode, uint64_t bytes, uint64_t inodes);
/* A detached copy of the tree at `path` with MOUNT_ATTR_* set on all of it; "" means `directory` itself. */
int mount_clone(struct layer_context *context, int directory, const char *path, unsigned attributes);
/* The same for a workspace: hardened, and as root idmapped when it belongs to somebody else. */
int mount_workspace(struct layer_context *context, const char *path, unsigned attributes);
int mount_set(struct layer_context *context, int mount, unsigned attributes, const char *what);

/* The sandbox of commands, into `root` (view.c). */
int view_system(struct layer_context *context, int root);

#endif
