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
	MAGIC(0, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", SCAN_MEDIA,
	      "image/png"), /* its first chunk is always this */
	MAGIC(0, "\xff\xd8\xff", SCAN_MEDIA, "image/jpeg"),
	MAGIC(0, "GIF87a", SCAN_MEDIA, "image/gif"),
	MAGIC(0, "GIF89a", SCAN_MEDIA, "image/gif"),
	MAGIC(8, "WEBP", SCAN_MEDIA, "image/webp"), /* RIFF, size, form */
	MAGIC(8, "WAVE", SCAN_MEDIA, "audio/wav"),
	MAGIC(0, "ID3", SCAN_MEDIA, "audio/mpeg"),
	MAGIC(0, "fLaC", SCAN_MEDIA, "audio/flac"),
	/* MPEG-4 that is only heard; what is seen is none that we show */
	MAGIC(4, "ftypM4A ", SCAN_MEDIA, "audio/mp4"),
	MAGIC(4, "ftypM4B ", SCAN_MEDIA, "audio/mp4"),
	/* Ogg: the first page's packet says what is inside; video is none that we show */
	MAGIC(28, "\x01vorbis", SCAN_MEDIA, "audio/ogg"),
	MAGIC(28, "OpusHead", SCAN_MEDIA, "audio/ogg"),
	MAGIC(28, "Speex   ", SCAN_MEDIA, "audio/ogg"),
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
	/* images that models do not take */
	MAGIC(4, "ftypavi", SCAN_BINARY, "an AVIF image"),
	MAGIC(4, "ftyphei", SCAN_BINARY, "a HEIF image"),
	MAGIC(4, "ftypmif1", SCAN_BINARY, "a HEIF image"),
	MAGIC(0, "BM", SCAN_BINARY, "a BMP image"),
	MAGIC(0, "II*\0", SCAN_BINARY, "a TIFF image"),
	MAGIC(0, "MM\0*", SCAN_BINARY, "a TIFF image"),
	MAGIC(0, "\0\0\1\0", SCAN_BINARY, "a Windows icon"),
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

/* The length of the MPEG audio frame (layer III) that begins here, or 0 (ISO/IEC 11172-3, 13818-3). */
static size_t mpeg_frame(const uint8_t *bytes, size_t length)
{
	static const uint16_t rates[2][15] = {
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}, /* version 1 */
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},     /* 2 and 2.5 */
	};
	static const uint16_t frequencies[3] = {44100, 48000, 32000};
	unsigned version, rate, frequency;
	uint8_t head[4];

	if (length < sizeof head)
		return 0;
	memcpy(head, bytes, sizeof head);
	version = head[1] >> 3 & 3; /* 3: 1, 2: 2, 0: 2.5 */
	rate = head[2] >> 4;
	frequency = head[2] >> 2 & 3;
	if (head[0] != 0xff || (head[1] & 0xe6) != 0xe2 || version == 1 || rate == 0 || rate == 15 ||
	    frequency == 3)
		return 0;
	return (version == 3 ? 144u : 72u) * rates[version != 3][rate] * 1000u /
		       (frequencies[frequency] >> (version == 3   ? 0
						   : version == 2 ? 1
								  : 2)) +
	       (head[2] >> 1 & 1);
}

/* Two frames in a row: two bytes that look like one are in many files. */
static bool is_mpeg_audio(const uint8_t *bytes, size_t length)
{
	size_t first = mpeg_frame(bytes, length);

	return first && first < length && mpeg_frame(bytes + first, length - first);
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
	if (is_mpeg_audio(bytes, length))
		return (struct scan_kind){SCAN_MEDIA, "audio/mpeg"};
	return (struct scan_kind){SCAN_BINARY, "binary data"};
}
