/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files and folders named on the command line, as a plain test. Each input is also
 * cut and changed in a few fixed ways, so that a corpus of good inputs tries bad ones too.
 */
#include <dirent.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES (1 << 20)

static unsigned inputs;

/* In memory that ends where the input ends, so that the sanitizer sees a step past it. */
static void run(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);

	FUZZ_CHECK(copy);
	memcpy(copy, bytes, length);
	LLVMFuzzerTestOneInput(copy, length);
	free(copy);
}

static void run_file(const char *path)
{
	static uint8_t bytes[INPUT_BYTES];
	FILE *file = fopen(path, "rb");
	size_t length;

	FUZZ_CHECK(file);
	length = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	run(bytes, length);
	inputs++;
	for (size_t at = 0; at < length && at < 2000; at += 1 + at / 16) {
		uint8_t before = bytes[at];
		static const uint8_t changes[] = {0x00, 0xff, '"', '\\', '{', '9'};

		run(bytes, at);
		bytes[at] = changes[at % sizeof changes];
		run(bytes, length);
		bytes[at] = before ^ 0x80;
		run(bytes, length);
		bytes[at] = before;
	}
}

static void run_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char name[4096];

	if (!folder) {
		run_file(path);
		return;
	}
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		run_file(name);
	}
	closedir(folder);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_folder(argv[i]);
	printf("%u inputs\n", inputs);
	return inputs ? 0 : 1; /* an empty corpus tests nothing */
}
