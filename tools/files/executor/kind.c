/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of file begins like this. A NUL among the first bytes is what tells binary from text (as git does
 * it): text that merely begins like a format ("GIF89a is ...") stays text.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/scan.h"

struct magic {
	size_t offset;
	const char *bytes;
	size_t length;
	enum scan_class class;
	const char *name;
};

#define MAGIC(offset, bytes, class, name)                                                                    \
	{                                                                                                    \
		offset, bytes, sizeof(bytes) - 1, class, name                                                \
	}

static const struct magic magics[] = {
	MAGIC(0, "\x89PNG\r\n\x1a\n", SCAN_MEDIA, "image/png"),
	MAGIC(0, "\xff\xd8\xff", SCAN_MEDIA, "image/jpeg"),
	MAGIC(0, "GIF87a", SCAN_MEDIA, "image/gif"),
	MAGIC(0, "GIF89a", SCAN_MEDIA, "image/gif"),
	MAGIC(8, "WEBP", SCAN_MEDIA, "image/webp"), /* RIFF, size, form */
	MAGIC(8, "WAVE", SCAN_MEDIA, "audio/wav"),
	MAGIC(0, "ID3", SCAN_MEDIA, "audio/mpeg"),
	MAGIC(0, "\xff\xfb", SCAN_MEDIA, "audio/mpeg"),
	MAGIC(0, "\xff\xf3", SCAN_MEDIA, "audio/mpeg"),
	MAGIC(0, "\xff\xf2", SCAN_MEDIA, "audio/mpeg"),
	MAGIC(0, "fLaC", SCAN_MEDIA, "audio/flac"),
	/* Ogg: the first page's packet says what is inside; video is none that we show */
	MAGIC(28, "\x01vorbis", SCAN_MEDIA, "audio/ogg"),
	MAGIC(28, "OpusHead", SCAN_MEDIA, "audio/ogg"),
	MAGIC(28,
	      "\x7f"
	      "FLAC",
	      SCAN_MEDIA, "audio/ogg"),
	MAGIC(0, "\xff\xfe", SCAN_BINARY, "UTF-16 text (iconv -f UTF-16 -t UTF-8 converts it)"),
	MAGIC(0, "\xfe\xff", SCAN_BINARY, "UTF-16 text (iconv -f UTF-16 -t UTF-8 converts it)"),
	MAGIC(0,
	      "\x7f"
	      "ELF",
	      SCAN_BINARY, "an ELF program or library"),
	MAGIC(0, "PK\x03\x04", SCAN_BINARY, "a ZIP archive (or a format made of one: docx, jar, whl)"),
	MAGIC(0, "\x1f\x8b", SCAN_BINARY, "gzip-compressed data"),
	MAGIC(0, "\x28\xb5\x2f\xfd", SCAN_BINARY, "zstd-compressed data"),
	MAGIC(0,
	      "\xfd"
	      "7zXZ",
	      SCAN_BINARY, "xz-compressed data"),
	MAGIC(0, "BZh", SCAN_BINARY, "bzip2-compressed data"),
	MAGIC(0, "%PDF-", SCAN_BINARY, "a PDF document"),
	MAGIC(0, "SQLite format 3", SCAN_BINARY, "an SQLite database"),
	MAGIC(0, "\xca\xfe\xba\xbe", SCAN_BINARY, "a Java class or a Mach-O binary"),
	MAGIC(0, "\0asm", SCAN_BINARY, "a WebAssembly module"),
	MAGIC(0, "!<arch>\n", SCAN_BINARY, "a static library or package archive"),
	MAGIC(0, "MZ", SCAN_BINARY, "a Windows program"),
	MAGIC(0, "DIRC", SCAN_BINARY, "a git index"),
	MAGIC(0, "OggS", SCAN_BINARY, "Ogg video"),
	MAGIC(4, "ftyp", SCAN_BINARY, "MPEG-4 video or audio"),
	MAGIC(0, "\x1a\x45\xdf\xa3", SCAN_BINARY, "Matroska or WebM video"),
	MAGIC(257, "ustar", SCAN_BINARY, "a tar archive"),
};

/* RIFF forms and Ogg packets count only inside their containers. */
static bool contained(const struct magic *magic, const uint8_t *bytes)
{
	if (magic->offset == 8)
		return memcmp(bytes, "RIFF", 4) == 0;
	if (magic->offset == 28)
		return memcmp(bytes, "OggS", 4) == 0;
	return true;
}

struct scan_kind scan_kind(const uint8_t *bytes, size_t length)
{
	if (length == 0 || !memchr(bytes, '\0', length))
		return (struct scan_kind){SCAN_TEXT, NULL};
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *magic = &magics[i];

		if (length >= magic->offset + magic->length &&
		    memcmp(bytes + magic->offset, magic->bytes, magic->length) == 0 &&
		    contained(magic, bytes))
			return (struct scan_kind){magic->class, magic->name};
	}
	return (struct scan_kind){SCAN_BINARY, "binary data"};
}
