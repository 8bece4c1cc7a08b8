/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of text a file holds, its way to UTF-8 and back, documents while they are edited, and what
 * differs in words. */
#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tests/files/harness.h"
#include "tools/files/executor/document.h"
#include "tools/files/executor/resemble.h"
#include "tools/files/executor/text.h"

#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static uint32_t seed = 1;

static uint32_t next(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static void test_kinds(void **state)
{
	static const struct {
		const uint8_t *bytes;
		size_t length;
		enum text_encoding encoding;
		uint8_t mark;
		enum text_ends ends;
		uint64_t lines;
		bool last_ends;
	} kinds[] = {
		{BYTES(""), TEXT_UTF8, 0, TEXT_NO_ENDS, 0, false},
		{BYTES("\xef\xbb\xbf"), TEXT_UTF8, 3, TEXT_NO_ENDS, 0, false},
		{BYTES("a"), TEXT_UTF8, 0, TEXT_NO_ENDS, 1, false},
		{BYTES("a\n"), TEXT_UTF8, 0, TEXT_LF, 1, true},
		{BYTES("a\nb"), TEXT_UTF8, 0, TEXT_LF, 2, false},
		{BYTES("a\r\nb\r\n"), TEXT_UTF8, 0, TEXT_CRLF, 2, true},
		{BYTES("a\rb\r"), TEXT_UTF8, 0, TEXT_CR, 2, true},
		{BYTES("a\rb"), TEXT_UTF8, 0, TEXT_CR, 2, false},
		{BYTES("a\r\nb\nc\rd"), TEXT_UTF8, 0, TEXT_MIXED, 3, false},
		{BYTES("a\nb\rc\n"), TEXT_UTF8, 0, TEXT_LF, 2, true},
		{BYTES("\xef\xbb\xbf\xc3\xa4\r\n"), TEXT_UTF8, 3, TEXT_CRLF, 1, true},
		{BYTES("\xff\xfe"
		       "a\0\r\0\n\0"),
		 TEXT_UTF16LE, 2, TEXT_CRLF, 1, true},
		{BYTES("\xfe\xff\0a\0\n\0b"), TEXT_UTF16BE, 2, TEXT_LF, 2, false},
		{BYTES("\xff\xfe\0\0"), TEXT_LATIN1, 0, TEXT_NO_ENDS, 1, false}, /* UTF-32: not ours */
		{BYTES("caf\xe9\n"), TEXT_LATIN1, 0, TEXT_LF, 1, true},
		{BYTES("\x93x\xe9\x94\n"), TEXT_WINDOWS_1252, 0, TEXT_LF, 1, true},
		{BYTES("\x95\x5c\x81\x41"), TEXT_OTHER, 0, TEXT_NO_ENDS, 1, false}, /* Shift-JIS */
		{BYTES("\xc3\xa4 \xc3\xb6 \xc3\xbc \xff \xc3"), TEXT_UTF8, 0, TEXT_NO_ENDS, 1,
		 false}, /* damaged */
		{BYTES("\xc3\xa4\xe2\x82"), TEXT_WINDOWS_1252, 0, TEXT_NO_ENDS, 1, false},
	};
	struct text text;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		text_recognise(&text, kinds[i].bytes, kinds[i].length);
		if (text.encoding != kinds[i].encoding || text.mark != kinds[i].mark ||
		    text.ends != kinds[i].ends || text.lines != kinds[i].lines ||
		    text.last_ends != kinds[i].last_ends)
			fail_msg("sample %zu: %s, mark %u, ends %s, %lu lines, last ends %d", i,
				 text_encoding_name(&text), text.mark, text_ends_name(&text),
				 (unsigned long)text.lines, text.last_ends);
	}
}

/* Bytes of which many are line ends, marks and parts of characters. */
static size_t make_bytes(uint8_t *bytes, size_t most)
{
	static const char *const pieces[] = {"\r\n",
					     "\n",
					     "\r",
					     "a",
					     "b",
					     "\xc3\xa4",
					     "\xe9",
					     "\x93",
					     "\xff",
					     "\xef\xbb\xbf",
					     "\xf0\x9f\x98\x80",
					     "\x81"};
	static const char *const marks[] = {"", "", "\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"};
	const char *piece = marks[next() % ARRAY_SIZE(marks)];
	bool wide = piece[0] == '\xff' || piece[0] == '\xfe';
	size_t length = strlen(piece), want = next() % most;

	memcpy(bytes, piece, length);
	while (length < want) {
		piece = pieces[next() % ARRAY_SIZE(pieces)];
		for (; *piece && length < want; piece++) {
			bytes[length++] = (uint8_t)*piece;
			if (wide && length < want)
				bytes[length++] = next() % 8 ? 0 : (uint8_t)(0xd0 + next() % 16);
		}
	}
	return length;
}

/* However the bytes come in pieces, what is recognised is the same; and a document gives back what it took.
 */
static void test_pieces_and_documents(void **state)
{
	static uint8_t bytes[9000];

	for (int round = 0; round < 3000; round++) {
		size_t length = make_bytes(bytes, round % 50 ? 60 : sizeof bytes), at = 0, saved_length;
		struct text whole, text;
		struct text_scan scan;
		struct document document;
		_cleanup_free_ uint8_t *saved = NULL;

		text_recognise(&whole, bytes, length);
		text_scan_begin(&scan);
		while (at < length) {
			size_t part = 1 + next() % (round % 3 ? 7 : 5000);

			part = part < length - at ? part : length - at;
			text_scan_add(&scan, bytes + at, part);
			at += part;
		}
		text_scan_end(&scan, &text);
		assert_memory_equal(&text.lines, &whole.lines, sizeof text - offsetof(struct text, lines));
		assert_true(text.encoding == whole.encoding && text.ends == whole.ends &&
			    text.mark == whole.mark && text.last_ends == whole.last_ends);
		assert_int_equal(document_open(&document, &whole, bytes, length), 0);
		assert_int_equal(document_save(&document, &saved, &saved_length), 0);
		assert_int_equal(saved_length, length);
		assert_memory_equal(saved, bytes, length);
		document_close(&document);
	}
}

static void check_both_ways(enum text_encoding encoding, const char *utf8, const uint8_t *bytes,
			    size_t length)
{
	struct text text = {.encoding = encoding, .ends = TEXT_CRLF};
	_cleanup_(buffer_deinit) struct buffer there, back;
	uint32_t misfit;

	buffer_init(&there, 1000);
	buffer_init(&back, 1000);
	assert_int_equal(text_encode(&text, utf8, strlen(utf8), &there, &misfit), 0);
	assert_int_equal(buffer_length(&there), length);
	assert_memory_equal(buffer_data(&there), bytes, length);
	assert_int_equal(text_show(&text, bytes, length, &back), 0);
	assert_int_equal(buffer_length(&back), strlen(utf8));
	assert_memory_equal(buffer_data(&back), utf8, strlen(utf8));
}

static void test_both_ways(void **state)
{
	struct text text = {.encoding = TEXT_LATIN1};
	_cleanup_(buffer_deinit) struct buffer out;
	uint32_t misfit;

	check_both_ways(TEXT_UTF8, "a\xc3\xa4\xf0\x9f\x98\x80\n", BYTES("a\xc3\xa4\xf0\x9f\x98\x80\n"));
	check_both_ways(TEXT_LATIN1, "a\xc3\xa4\n", BYTES("a\xe4\n"));
	check_both_ways(TEXT_WINDOWS_1252, "\xe2\x82\xac\xc3\xa4\xe2\x80\x9c", BYTES("\x80\xe4\x93"));
	check_both_ways(TEXT_UTF16LE, "a\xc3\xa4\xf0\x9f\x98\x80\n", BYTES("a\0\xe4\0\x3d\xd8\x00\xde\n\0"));
	check_both_ways(TEXT_UTF16BE, "a\xc3\xa4\xf0\x9f\x98\x80\n", BYTES("\0a\0\xe4\xd8\x3d\xde\x00\0\n"));
	check_both_ways(TEXT_OTHER, "abc\n", BYTES("abc\n"));
	buffer_init(&out, 100);
	assert_int_equal(text_encode(&text, "a\xe2\x82\xac", 4, &out, &misfit), -EILSEQ);
	assert_int_equal(misfit, 0x20ac);
	text.encoding = TEXT_OTHER;
	assert_int_equal(text_encode(&text, "\xc3\xa4", 2, &out, &misfit), -EILSEQ);
	/* what is no character is shown as none, byte by byte or unit by unit */
	buffer_clear(&out, 100);
	assert_int_equal(text_show(&text, BYTES("a\xe4"), &out), 0);
	assert_memory_equal(buffer_data(&out), "a\xef\xbf\xbd", 4);
	buffer_clear(&out, 100);
	text.encoding = TEXT_UTF16LE;
	assert_int_equal(text_show(&text, BYTES("\x00\xdc\x00\xd8\n\0x"), &out), 0);
	assert_int_equal(buffer_length(&out), 10);
	assert_memory_equal(buffer_data(&out), "\xef\xbf\xbd\xef\xbf\xbd\n\xef\xbf\xbd", 10);
	/* line ends that a model sends: LF, whatever they were */
	buffer_clear(&out, 100);
	text = (struct text){.encoding = TEXT_UTF8, .ends = TEXT_CR};
	assert_int_equal(text_encode(&text, "a\r\nb\rc\n", 7, &out, &misfit), 0);
	assert_int_equal(buffer_length(&out), 6);
	assert_memory_equal(buffer_data(&out), "a\nb\nc\n", 6);
}

static void check_find(const char *bytes, size_t length, const char *part, size_t part_length, size_t from,
		       size_t expected)
{
	const struct document_part wanted = {(const uint8_t *)part, part_length};
	struct document document;
	struct text text;
	size_t whole = from, at;
	bool found;

	text_recognise(&text, (const uint8_t *)bytes, length);
	assert_int_equal(document_open(&document, &text, (const uint8_t *)bytes, length), 0);
	found = document_find(&document, &wanted, from, SIZE_MAX / 2, &whole);
	assert_int_equal(found ? whole : SIZE_MAX, expected);
	/* in slices of any size it is the same */
	for (size_t most = 1; most < 5; most++) {
		for (at = from; !(found = document_find(&document, &wanted, at, most, &whole));) {
			assert_true(whole > at);
			at = whole;
			if (at >= document.length)
				break;
		}
		assert_int_equal(found ? whole : SIZE_MAX, expected);
	}
	document_close(&document);
}

static void test_find(void **state)
{
	check_find("abcabc", 6, "bc", 2, 0, 1);
	check_find("abcabc", 6, "bc", 2, 2, 4);
	check_find("abcabc", 6, "bc", 2, 5, SIZE_MAX);
	check_find("abcabc", 6, "abcabcd", 7, 0, SIZE_MAX);
	check_find("a\r\nb", 4, "a\nb", 3, 0, 0);
	/* across units: "\x62\x00" in the middle of two others */
	check_find("\xff\xfe\x00\x62\x00\x00\x62\x00", 8, "\x62\x00", 2, 0, 4);
	/* a byte that may be the second half of a character is none */
	check_find("\x95\x5c\x81\x41 \\", 6, "\\", 1, 0, 5);
	check_find("\x95\x5c\x81\x41 (\x81(", 8, "(", 1, 6, 7);
}

static void check_words(const char *file, const char *wanted, const char *expected)
{
	char words[300];

	resemble_line(file, strlen(file), wanted, strlen(wanted), false, "`old`", words, sizeof words);
	assert_string_equal(words, expected);
}

static void test_words(void **state)
{
	char words[20];

	check_words("same", "same", "");
	check_words("\tx", "  x", "indentation: 1 tab in the file, 2 spaces in `old`");
	check_words("x ", "x", "trailing spaces: 1 space in the file, none in `old`");
	check_words("x\r", "x", "line end: 1 CR before it in the file, none in `old`");
	check_words("a\tb", "a  b", "spacing: 1 tab in the file, 2 spaces in `old`");
	check_words("aB \xe2\x80\x93 \xe2\x80\x98", "Ab - '",
		    "letter case: a in the file, A in `old`; dashes: \xe2\x80\x93 (U+2013) in the file, - in "
		    "`old`; "
		    "quotes: \xe2\x80\x98 (U+2018) in the file, ' in `old`");
	check_words("ab", "abc", "the line ends where `old` goes on with `c`");
	check_words("abc", "ab", "the line goes on with `c` where `old` ends it");
	check_words("abXd", "abYd", "the file has `Xd` where `old` has `Yd`");
	/* cut where the room ends */
	resemble_line("\tx", 2, " x", 2, false, "`old`", words, sizeof words);
	assert_string_equal(words, "indentation: 1 tab ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),     cmocka_unit_test(test_pieces_and_documents),
		cmocka_unit_test(test_both_ways), cmocka_unit_test(test_find),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
