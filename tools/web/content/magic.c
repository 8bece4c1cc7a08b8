/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes are that are no text: by their first bytes, for PDF and ZIP also by what lies further in. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/content/content.h"

#define AS_BYTES(text) text, sizeof(text) - 1
#define ZIP_ENTRIES    64  /* looked at for what the archive is */
#define PDF_NODES      256 /* of the tree of pages, looked at for the largest */

static const struct {
	size_t offset;
	const char *bytes;
	size_t length;
	const char *type;
} magics[] = {
	{0, AS_BYTES("%PDF-"), "application/pdf"},
	{0, AS_BYTES("\x89PNG\r\n\032\n"), "image/png"},
	{0, AS_BYTES("\xff\xd8\xff"), "image/jpeg"},
	{0, AS_BYTES("GIF87a"), "image/gif"},
	{0, AS_BYTES("GIF89a"), "image/gif"},
	{8, AS_BYTES("WEBPVP"), "image/webp"},
	{0, AS_BYTES("II*\0"), "image/tiff"},
	{0, AS_BYTES("MM\0*"), "image/tiff"},
	{0, AS_BYTES("\0\0\001\0"), "image/vnd.microsoft.icon"},
	{4, AS_BYTES("ftypavif"), "image/avif"},
	{4, AS_BYTES("ftyphei"), "image/heic"},
	{0, AS_BYTES("8BPS"), "image/vnd.adobe.photoshop"},
	{0, AS_BYTES("%!PS-Adobe-"), "application/postscript"},
	{0, AS_BYTES("PK\003\004"), "application/zip"},
	{0, AS_BYTES("PK\005\006"), "application/zip"},
	{0, AS_BYTES("\037\213\010"), "application/gzip"},
	{0, AS_BYTES("BZh"), "application/x-bzip2"},
	{0,
	 AS_BYTES("\xfd"
		  "7zXZ\0"),
	 "application/x-xz"},
	{0, AS_BYTES("\x28\xb5\x2f\xfd"), "application/zstd"},
	{0, AS_BYTES("7z\xbc\xaf\x27\034"), "application/x-7z-compressed"},
	{0, AS_BYTES("Rar!\032\007"), "application/vnd.rar"},
	{257, AS_BYTES("ustar"), "application/x-tar"},
	{0, AS_BYTES("!<arch>\n"), "application/x-archive"},
	{0, AS_BYTES("\xed\xab\xee\xdb"), "application/x-rpm"},
	{0, AS_BYTES("\xd0\xcf\021\xe0\xa1\xb1\032\xe1"), "application/x-ole-storage"},
	{0, AS_BYTES("SQLite format 3\0"), "application/vnd.sqlite3"},
	{0, AS_BYTES("PAR1"), "application/vnd.apache.parquet"},
	{0, AS_BYTES("\0asm"), "application/wasm"},
	{0,
	 AS_BYTES("\x7f"
		  "ELF"),
	 "application/x-executable"},
	{0, AS_BYTES("MZ"), "application/vnd.microsoft.portable-executable"},
	{0, AS_BYTES("\xca\xfe\xba\xbe"), "application/java-vm"},
	{0, AS_BYTES("\xcf\xfa\xed\xfe"), "application/x-mach-binary"},
	{0, AS_BYTES("wOFF"), "font/woff"},
	{0, AS_BYTES("wOF2"), "font/woff2"},
	{0, AS_BYTES("OTTO"), "font/otf"},
	{0, AS_BYTES("\0\001\0\0\0"), "font/ttf"},
	{0, AS_BYTES("OggS\0"), "application/ogg"},
	{0, AS_BYTES("fLaC"), "audio/flac"},
	{0, AS_BYTES("ID3"), "audio/mpeg"},
	{0, AS_BYTES("\xff\xfb"), "audio/mpeg"},
	{8, AS_BYTES("WAVEfmt "), "audio/wav"},
	{0, AS_BYTES("MThd\0\0\0\006"), "audio/midi"},
	{8, AS_BYTES("AVI LIST"), "video/x-msvideo"},
	{4, AS_BYTES("ftypM4A"), "audio/mp4"},
	{4, AS_BYTES("ftypqt"), "video/quicktime"},
	{4, AS_BYTES("ftyp"), "video/mp4"},
	{0, AS_BYTES("\032\x45\xdf\xa3"), "video/webm"},
	{0, AS_BYTES("FLV\001"), "video/x-flv"},
};

/* What each is called. In the order in which they are looked for: whole types, then prefixes. */
static const struct {
	const char *type, *words;
} names[] = {
	{"application/pdf", "A PDF document"},
	{"application/postscript", "A PostScript document"},
	{"application/zip", "A ZIP archive"},
	{"application/gzip", "A gzip-compressed file"},
	{"application/x-bzip2", "A bzip2-compressed file"},
	{"application/x-xz", "An xz-compressed file"},
	{"application/zstd", "A Zstandard-compressed file"},
	{"application/x-7z-compressed", "A 7-Zip archive"},
	{"application/vnd.rar", "A RAR archive"},
	{"application/x-tar", "A tar archive"},
	{"application/x-archive", "An ar archive (a library or a Debian package)"},
	{"application/x-rpm", "An RPM package"},
	{"application/x-ole-storage", "A document of an older Microsoft Office"},
	{"application/msword", "A Word document of the older format"},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "A Word document"},
	{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "An Excel workbook"},
	{"application/vnd.openxmlformats-officedocument.presentationml.presentation",
	 "A PowerPoint presentation"},
	{"application/vnd.oasis.opendocument.text", "An OpenDocument text"},
	{"application/vnd.oasis.opendocument.spreadsheet", "An OpenDocument spreadsheet"},
	{"application/vnd.oasis.opendocument.presentation", "An OpenDocument presentation"},
	{"application/epub+zip", "An EPUB book"},
	{"application/java-archive", "A Java archive"},
	{"application/vnd.android.package-archive", "An Android package"},
	{"application/vnd.sqlite3", "A SQLite database"},
	{"application/vnd.apache.parquet", "A Parquet file"},
	{"application/wasm", "A WebAssembly module"},
	{"application/x-executable", "An ELF executable or library"},
	{"application/vnd.microsoft.portable-executable", "A Windows executable"},
	{"application/java-vm", "A Java class or macOS universal binary"},
	{"application/x-mach-binary", "A macOS executable"},
	{"application/ogg", "An Ogg audio or video file"},
	{"image/", "An image that is not shown here"},
	{"audio/", "An audio file"},
	{"video/", "A video"},
	{"font/", "A font"},
};

static uint32_t read_le(const char *at, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = bytes; i-- > 0;)
		value = value << 8 | (unsigned char)at[i];
	return value;
}

static bool begins(const char *name, size_t length, const char *with)
{
	return length >= strlen(with) && memcmp(name, with, strlen(with)) == 0;
}

/* A ZIP archive by the names in its local headers. */
static const char *zip_type(const char *bytes, size_t length)
{
	static const struct {
		const char *name, *type;
	} members[] = {
		{"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
		{"AndroidManifest.xml", "application/vnd.android.package-archive"},
		{"META-INF/MANIFEST.MF", "application/java-archive"},
	};
	static const char *const mimetypes[] = {"application/epub+zip",
						"application/vnd.oasis.opendocument.text",
						"application/vnd.oasis.opendocument.spreadsheet",
						"application/vnd.oasis.opendocument.presentation"};
	size_t at = 0;

	for (unsigned entry = 0; entry < ZIP_ENTRIES && length - at >= 30; entry++) {
		size_t name = read_le(bytes + at + 26, 2), extra = read_le(bytes + at + 28, 2);
		uint32_t size = read_le(bytes + at + 18, 4);
		const char *text = bytes + at + 30;
		const char *next;

		if (memcmp(bytes + at, "PK\003\004", 4) != 0 || length - at - 30 < name + extra)
			break;
		if (name == 8 && memcmp(text, "mimetype", 8) == 0)
			for (size_t i = 0; i < ARRAY_SIZE(mimetypes); i++)
				if (begins(text + name + extra, length - at - 30 - name - extra,
					   mimetypes[i]))
					return mimetypes[i];
		for (size_t i = 0; i < ARRAY_SIZE(members); i++)
			if (begins(text, name, members[i].name))
				return members[i].type;
		at += 30 + name + extra;
		if (size > length - at)
			break;
		at += size; /* 0 when it is told behind the data: the next header is looked for */
		next = memmem(bytes + at, length - at, "PK\003\004", 4);
		if (!next)
			break;
		at = (size_t)(next - bytes);
	}
	return "application/zip";
}

const char *content_magic(const char *bytes, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (length >= magics[i].offset + magics[i].length &&
		    memcmp(bytes + magics[i].offset, magics[i].bytes, magics[i].length) == 0) {
			if (strcmp(magics[i].type, "application/zip") == 0)
				return zip_type(bytes, length);
			return magics[i].type;
		}
	return NULL;
}

/* ---- PDF ---- */

/* The number behind `key`, within `window` bytes of `at`; 0 if there is none. */
static unsigned long number_behind(const char *at, size_t window, const char *key)
{
	const char *found = memmem(at, window, key, strlen(key));
	unsigned long number = 0;
	size_t left;

	if (!found)
		return 0;
	found += strlen(key);
	for (left = window - (size_t)(found - at); left > 0 && isspace((unsigned char)*found); left--)
		found++;
	for (; left > 0 && isdigit((unsigned char)*found) && number < 10000000; left--)
		number = number * 10 + (unsigned)(*found++ - '0');
	return number;
}

/* The pages: what a linearized file says at its beginning, else the largest node of its tree of pages. */
static unsigned long pdf_pages(const char *bytes, size_t length)
{
	size_t head = length < 1024 ? length : 1024;
	const char *at = memmem(bytes, head, "/Linearized", 11), *end = bytes + length;
	unsigned long pages = at ? number_behind(at, (size_t)(bytes + head - at), "/N ") : 0;

	for (unsigned looked = 0; looked < PDF_NODES && (looked || !pages); looked++) {
		size_t before, window;
		unsigned long count;

		at = memmem(looked ? at + 6 : bytes, (size_t)(end - (looked ? at + 6 : bytes)), "/Pages", 6);
		if (!at)
			break;
		before = at - bytes < 200 ? (size_t)(at - bytes) : 200;
		window = (size_t)(end - at) < 200 ? (size_t)(end - at) : 200;
		count = number_behind(at - before, before + window, "/Count ");
		pages = count > pages ? count : pages;
	}
	return pages;
}

/* "/Title (words)" where they are plain ASCII. */
static void pdf_title(const char *bytes, size_t length, char *title, size_t size)
{
	const char *at = memmem(bytes, length, "/Title", 6), *end = bytes + length;
	size_t used = 0;

	title[0] = '\0';
	if (!at)
		return;
	for (at += 6; at < end && isspace((unsigned char)*at);)
		at++;
	if (at == end || *at++ != '(')
		return;
	for (; at < end && *at != ')' && used + 1 < size; at++) {
		if (*at == '\\' && end - at > 1)
			at++;
		if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
			return;
		title[used++] = *at;
	}
	title[used] = '\0';
}

static int describe_pdf(struct buffer *text, const char *bytes, size_t length)
{
	unsigned long pages = pdf_pages(bytes, length);
	char title[200];
	int result = 0;

	pdf_title(bytes, length, title, sizeof title);
	if (length >= 8 && isdigit((unsigned char)bytes[5]) && bytes[6] == '.')
		result = buffer_printf(text, " (version %c.%c", bytes[5],
				       bytes[7] >= '0' && bytes[7] <= '9' ? bytes[7] : '0');
	else
		result = buffer_append_text(text, " (");
	if (result == 0 && pages)
		result = buffer_printf(text, ", %lu page%s", pages, pages == 1 ? "" : "s");
	if (result == 0 && title[0])
		result = buffer_printf(text, ", titled \"%s\"", title);
	return result == 0 ? buffer_append_text(text, ")") : result;
}

int content_describe(struct buffer *text, const char *media_type, const char *bytes, size_t length, bool cut)
{
	const char *words = NULL;
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !words; i++) {
		size_t name = strlen(names[i].type);

		if (names[i].type[name - 1] == '/' ? strncmp(media_type, names[i].type, name) == 0
						   : strcmp(media_type, names[i].type) == 0)
			words = names[i].words;
	}
	result = buffer_append_text(text, words ? words : "Binary data");
	if (result == 0 && strcmp(media_type, "application/pdf") == 0)
		result = describe_pdf(text, bytes, length);
	else if (result == 0 && media_type[0])
		result = buffer_printf(text, " (%s)", media_type);
	if (result == 0)
		result = buffer_printf(text, ", %s%zu bytes. download_file saves it into a workspace.",
				       cut ? "more than " : "", length);
	return result;
}
