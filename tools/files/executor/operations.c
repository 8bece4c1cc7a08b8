/* SPDX-License-Identifier: Apache-2.0 */
/* What sallyport-files can be asked: one operation a file. */
#include <stddef.h>

#include "tools/files/executor/job.h"

/* clang-format off */
const struct operation *const files_operations[] = {
	&read_operation,
	&several_operation,
	&write_operation,
	&edit_operation,
	&patch_operation,
	&list_operation,
	&info_operation,
	&explain_operation,
	&complete_operation,
	&make_operation,
	&move_operation,
	&copy_operation,
	&delete_operation,
	&receive_operation,
	NULL,
};
/* clang-format on */
