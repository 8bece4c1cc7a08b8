/* SPDX-License-Identifier: Apache-2.0 */
/* What looks at bytes: lines, characters, encodings; base64; and which hashes are remembered. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "tests/files/harness.h"
#include "tools/files/base64.h"
#include "tools/files/executor/hashes.h"
#include "tools/files/executor/scan.h"

static void test_lines(void **state)
{
	static uint8_t bytes[20000];
	uint32_t seed = 1;

	for (int round = 0; round < 300; round++) {
		size_t start = (size_t)round % 40, length, expected = 0;
		bool high = false, any = false;
		uint64_t found;

		seed = seed * 1664525 + 1013904223;
		length = (seed >> 8) % (round < 200 ? 200 : 19000);
		for (size_t i = 0; i < length; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[start + i] = (seed >> 24) % 5 == 0 ? '\n' : (uint8_t)('a' + (seed >> 16) % 26);
			if (round % 3 == 0 && i == length / 2)
				bytes[start + i] = 0xc3;
			expected += bytes[start + i] == '\n';
			any |= bytes[start + i] >= 0x80;
		}
		assert_int_equal(scan_lines(bytes + start, length, &high), expected);
		assert_int_equal(high, any);
		assert_int_equal(scan_to_line(bytes + start, length, expected + 1), 0);
		if (!expected)
			continue;
		size_t last = scan_to_line(bytes + start, length, expected);

		assert_int_equal(bytes[start + last - 1], '\n');
		assert_int_equal(scan_back_to_line(bytes + start, length, 1, &found), length - last);
		assert_int_equal(scan_back_to_line(bytes + start, length, expected + 1, &found), SIZE_MAX);
		assert_int_equal(found, expected);
	}
}

static size_t whole(const char *text)
{
	return scan_whole_characters((const uint8_t *)text, strlen(text));
}

static void test_characters(void **state)
{
	assert_int_equal(whole("abc"), 3);
	assert_int_equal(whole("ab\xc3"), 2);
	assert_int_equal(whole("ab\xc3\xa4"), 4);
	assert_int_equal(whole("a\xe2\x82"), 1);
	assert_int_equal(whole("a\xe2\x82\xac"), 4);
	assert_int_equal(whole("a\xf0\x9f\x98"), 1);
	assert_int_equal(whole("a\xf0\x9f\x98\x80"), 5);
	/* what can be no beginning stays */
	assert_int_equal(whole("a\xff"), 2);
	assert_int_equal(whole("a\xbf\xbf\xbf\xbf"), 5);
	assert_int_equal(whole("\xe2"), 1);
}

static const char *encoding(const char *text)
{
	return scan_encoding((const uint8_t *)text, strlen(text));
}

static void test_encodings(void **state)
{
	assert_null(encoding("plain"));
	assert_null(encoding("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"));
	assert_string_equal(encoding("caf\xe9"), "ISO-8859-1");
	assert_string_equal(encoding("\x93quoted\x94"), "windows-1252");
	assert_non_null(encoding("cut \xe2\x82"));
	/* overlong, a surrogate, above U+10FFFF: not UTF-8 */
	assert_non_null(encoding("\xc0\x80"));
	assert_non_null(encoding("\xe0\x80\x80"));
	assert_non_null(encoding("\xed\xa0\x80"));
	assert_non_null(encoding("\xf4\x90\x80\x80"));
	assert_string_equal(
		encoding("\xb0\xa1\xb0\xa2\xb0\xa3\xb0\xa4\xb0\xa5\xb0\xa6\xb0\xa7\xb0\xa8\xb0\xa9"),
		"a multi-byte East Asian encoding");
}

static void check_base64(const char *text, int result, const char *expected, size_t count)
{
	char to[64];
	size_t got;

	assert_int_equal(base64_decode(text, strlen(text), to, &got), result);
	assert_int_equal(got, count);
	if (result == 0)
		assert_memory_equal(to, expected, count);
}

static void test_base64(void **state)
{
	/* RFC 4648, section 10 */
	check_base64("", 0, "", 0);
	check_base64("Zg==", 0, "f", 1);
	check_base64("Zm8=", 0, "fo", 2);
	check_base64("Zm9v", 0, "foo", 3);
	check_base64("Zm9vYmFy", 0, "foobar", 6);
	check_base64("Zm9\nvYg", 0, "foob", 4);
	check_base64("-_-_", 0, "\xfb\xff\xbf", 3);
	check_base64("Zm9v!", -EINVAL, "", 4);
	check_base64("Z", -EINVAL, "", 1);
	check_base64("Zg=", -EINVAL, "", 3);
	check_base64("Zg==Zg==", -EINVAL, "", 4);
	check_base64("=", -EINVAL, "", 0);
}

static void test_hashes(void **state)
{
	static struct hashes hashes;
	uint8_t one[32] = {1}, two[32] = {2};
	struct timespec now;
	struct stat file = {.st_ino = 7, .st_dev = 1, .st_size = 10, .st_nlink = 1}, other = file;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	file.st_mtim = file.st_ctim = now;
	assert_false(hashes_settled(&file));
	file.st_mtim.tv_sec -= 100;
	assert_false(hashes_settled(&file)); /* it was changed now, whatever its modification time says */
	file.st_ctim.tv_sec -= 100;
	assert_true(hashes_settled(&file));
	file.st_mtim.tv_sec += 1000;
	assert_false(hashes_settled(&file));

	assert_null(hashes_find(&hashes, &file));
	hashes_keep(&hashes, &file, one);
	assert_memory_equal(hashes_find(&hashes, &file), one, 32);
	other = file;
	other.st_mtim.tv_nsec ^= 1;
	assert_null(hashes_find(&hashes, &other));
	other = file;
	other.st_ctim.tv_nsec ^= 1;
	assert_null(hashes_find(&hashes, &other));
	other = file;
	other.st_size++;
	assert_null(hashes_find(&hashes, &other));
	other = file;
	other.st_dev++;
	assert_null(hashes_find(&hashes, &other));
	other.st_ino += HASHES_SLOTS; /* the same slot */
	hashes_keep(&hashes, &other, two);
	assert_null(hashes_find(&hashes, &file));
	assert_memory_equal(hashes_find(&hashes, &other), two, 32);
}

static void assert_kind(const uint8_t *bytes, size_t length, enum scan_class class, const char *name)
{
	struct scan_kind kind = scan_kind(bytes, length);

	assert_int_equal(kind.class, class);
	assert_string_equal(kind.name, name);
}

/* What a file is, by its first bytes and never by its name. */
static void test_kinds(void **state)
{
	static const struct {
		const char *head;
		size_t length;
		enum scan_class class;
		const char *name;
	} kinds[] = {
		{"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16, SCAN_MEDIA, "image/png"},
		{"\x89PNG\r\n\x1a\n\0\0\0\0", 12, SCAN_BINARY, "binary data"}, /* hosts refuse what is none */
		{"\0\0\0\x20"
		 "ftypM4A ",
		 12, SCAN_MEDIA, "audio/mp4"},
		{"\0\0\0\x20"
		 "ftypisom",
		 12, SCAN_BINARY, "MPEG-4 video or audio"},
		{"\0\0\0\x20"
		 "ftypavif",
		 12, SCAN_BINARY, "an AVIF image"},
		{"\0\0\0\x20"
		 "ftypheic",
		 12, SCAN_BINARY, "a HEIF image"},
		{"OggS\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x1e\x80theora", 35, SCAN_BINARY,
		 "Ogg video"},
		{"BM\0\0", 4, SCAN_BINARY, "a BMP image"},
		{"II*\0", 4, SCAN_BINARY, "a TIFF image"},
		{"RIFF\4\0\0\0AVI LIST", 16, SCAN_BINARY, "binary data"},
		{"\xff\xfb\x90\0\0\0", 6, SCAN_BINARY, "binary data"}, /* one frame's head is none */
	};
	static uint8_t frames[3000];

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		assert_kind((const uint8_t *)kinds[i].head, kinds[i].length, kinds[i].class, kinds[i].name);
	/* 128 kbit/s at 44,100 Hz: 417 bytes a frame, padded 418 */
	memcpy(frames, "\xff\xfb\x90\x64", 4);
	memcpy(frames + 417, "\xff\xfb\x92\x64", 4);
	assert_kind(frames, sizeof frames, SCAN_MEDIA, "audio/mpeg");
	memcpy(frames, "\xff\xfb\x92\x64", 4);
	assert_kind(frames, sizeof frames, SCAN_BINARY, "binary data");
	/* version 2, 64 kbit/s at 22,050 Hz: 208 bytes */
	memset(frames, 0, sizeof frames);
	memcpy(frames, "\xff\xf3\x80\0", 4);
	memcpy(frames + 208, "\xff\xf3\x80\0", 4);
	assert_kind(frames, sizeof frames, SCAN_MEDIA, "audio/mpeg");
	/* text that begins like a format is text */
	assert_int_equal(scan_kind((const uint8_t *)"BM is no image", 14).class, SCAN_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),      cmocka_unit_test(test_lines),
		cmocka_unit_test(test_characters), cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_base64),     cmocka_unit_test(test_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
