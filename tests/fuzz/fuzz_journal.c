/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a journal that anybody may have written: records hold together, and reading it ends. */
#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tests/fuzz/fuzz.h"
#include "tools/files/executor/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* memory of its own, so that reading past its end is seen */
	_cleanup_free_ uint8_t *content = malloc(size + 1);
	struct journal_reader reader;
	struct journal_record record;
	size_t count = 0;
	int result;

	FUZZ_CHECK(content);
	if (size)
		memcpy(content, data, size);
	if (!journal_read(&reader, content, size))
		return 0;
	while ((result = journal_next(&reader, &record)) > 0) {
		FUZZ_CHECK(record.kind >= JOURNAL_TEMPORARY && record.kind < JOURNAL_KINDS);
		FUZZ_CHECK(record.kind > JOURNAL_CHANGE || record.path[0] == '/');
		FUZZ_CHECK(!record.backup[0] || temporary_is(record.backup));
		FUZZ_CHECK(++count * 8 <= size); /* a length and a kind each */
	}
	FUZZ_CHECK(result == 0 || result == -EPROTO);
	return 0;
}
