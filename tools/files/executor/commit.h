/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_COMMIT_H
#define SALLYPORT_TOOLS_FILES_COMMIT_H

/* The last phases of a write (job.h, enum write_phase). Each returns 0 when its phase is over, COMMIT_WAITS
 * while the disk works, or -errno with the refusal. */

#include "tools/files/executor/job.h"

#define COMMIT_WAITS 1

int commit_content(struct files *files, struct write_job *write, struct refusal *refusal);
int commit_name(struct files *files, struct write_job *write, struct refusal *refusal);
int commit_directory(struct files *files, struct write_job *write, struct refusal *refusal);

#endif
