/* SPDX-License-Identifier: Apache-2.0 */
/* Results as records of text (sheet.h). */
#include "tools/files/search/sheet.h"

#include <string.h>

#include "protocol/limits.h"

struct record {
	uint32_t bytes, flags;
};

void sheet_init(struct sheet *sheet)
{
	*sheet = (struct sheet){.count = 0};
	/* whoever fills it stops before: this is what memory may come to, not what is usual */
	buffer_init(&sheet->records, LIMIT_RESULT_BYTES_MAX + 2 * LIMIT_SEARCH_HELD_BYTES);
}

void sheet_deinit(struct sheet *sheet)
{
	buffer_deinit(&sheet->records);
}

static void append(struct sheet *sheet, const void *bytes, size_t length)
{
	if (!sheet->failed && buffer_append(&sheet->records, bytes, length) < 0)
		sheet->failed = true;
}

void sheet_begin(struct sheet *sheet, uint32_t flags)
{
	struct record record = {.flags = flags};

	sheet->open = buffer_length(&sheet->records);
	append(sheet, &record, sizeof record);
	if (!sheet->failed)
		sheet->count++;
}

void sheet_put(struct sheet *sheet, const void *bytes, size_t length)
{
	struct record record;

	append(sheet, bytes, length);
	if (sheet->failed)
		return;
	memcpy(&record, buffer_data(&sheet->records) + sheet->open, sizeof record);
	record.bytes += (uint32_t)length;
	memcpy(buffer_data(&sheet->records) + sheet->open, &record, sizeof record);
}

void sheet_put_number(struct sheet *sheet, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	sheet_put(sheet, digits + at, sizeof digits - at);
}

size_t sheet_read(const struct sheet *sheet, size_t at, const char **text, size_t *length, uint32_t *flags)
{
	const char *bytes = buffer_data(&sheet->records) + at;
	struct record record;

	memcpy(&record, bytes, sizeof record);
	*text = bytes + sizeof record;
	*length = record.bytes;
	*flags = record.flags;
	return at + sizeof record + record.bytes;
}

void sheet_drop(struct sheet *sheet)
{
	const char *text;
	size_t length, end;
	uint32_t flags;

	end = sheet_read(sheet, 0, &text, &length, &flags);
	buffer_consume(&sheet->records, end);
	sheet->open -= end < sheet->open ? end : sheet->open;
	sheet->count--;
}

void sheet_move(struct sheet *to, struct sheet *from, size_t skip)
{
	while (skip-- > 0 && from->count > 0)
		sheet_drop(from);
	if (from->count > 0)
		append(to, buffer_data(&from->records), buffer_length(&from->records));
	to->failed |= from->failed;
	if (!to->failed)
		to->count += from->count;
	buffer_clear(&from->records, LIMIT_SEARCH_SHEET_BYTES);
	from->count = 0;
	from->open = 0;
	from->failed = false;
}
