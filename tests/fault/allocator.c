/* SPDX-License-Identifier: Apache-2.0 */
/* See allocator.h. The sanitizer's own interception lies below: what is refused here never reaches it. */
#include "tests/fault/allocator.h"

#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);

static bool armed, stays, happened;
static unsigned fail_at, count;

void fault_arm(unsigned at, bool lasting)
{
	armed = true;
	stays = lasting;
	happened = false;
	fail_at = at;
	count = 0;
}

unsigned fault_disarm(void)
{
	armed = false;
	return count;
}

bool fault_happened(void)
{
	return happened;
}

static bool refuse(void)
{
	if (!armed)
		return false;
	count++;
	if (fail_at == 0 || count < fail_at || (count > fail_at && !stays))
		return false;
	happened = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t members, size_t size)
{
	return refuse() ? NULL : __real_calloc(members, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
	return refuse() ? NULL : __real_realloc(pointer, size);
}

char *__wrap_strdup(const char *text)
{
	return __wrap_strndup(text, strlen(text));
}

char *__wrap_strndup(const char *text, size_t length)
{
	size_t size = strnlen(text, length);
	char *copy = __wrap_malloc(size + 1);

	if (copy) {
		memcpy(copy, text, size);
		copy[size] = '\0';
	}
	return copy;
}
