#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every byte and pair of bytes in every character set, decoded by us and by Python's codecs, and what a page declares.

usage: test_charsets.py DECODE. The tables come from the build machine's iconv(); FINGERPRINTS were taken when each outcome had been
compared with the index files of the WHATWG Encoding standard (commit of May 2026) and was equal to them, so that a C library whose
converters differ is noticed. DIFFERENCES says in how many pairs Python's codecs are not the standard's.
"""

import hashlib
import subprocess
import unittest

from harness import PROGRAMS, main

SINGLE = ["ibm866", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-10",
          "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "koi8-r", "koi8-u", "macintosh", "windows-874", "windows-1250",
          "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258",
          "x-mac-cyrillic"]
PYTHON = {"ibm866": "cp866", "windows-874": "cp874", "macintosh": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "shift_jis": "cp932",
          "euc-kr": "cp949", "big5": "big5hkscs"}
FINGERPRINTS = {
    "ibm866": "743f699e9d8e629d",
    "iso-8859-2": "532edb15ebf3b20d",
    "iso-8859-3": "addacea71463a378",
    "iso-8859-4": "e626e3ba9f09a0de",
    "iso-8859-5": "d7d53aa65fb021ad",
    "iso-8859-6": "5fde0584b0660826",
    "iso-8859-7": "e033aac233af1dca",
    "iso-8859-8": "aea7cba07ea1cc80",
    "iso-8859-10": "69dd7eccec52ac7a",
    "iso-8859-13": "97f8f49fc9c4aeb0",
    "iso-8859-14": "22dfe79969b47a4a",
    "iso-8859-15": "8e15a0f04c006cbf",
    "iso-8859-16": "190b40ad429bc815",
    "koi8-r": "ab097761abc89888",
    "koi8-u": "6893bfa3ddf22a54",
    "macintosh": "9bcfcf37deef34f3",
    "windows-874": "7166955a2079e81b",
    "windows-1250": "d15762a6bad9ebcf",
    "windows-1251": "80e9fc763c05aac1",
    "windows-1252": "d538fb25e5bce1ca",
    "windows-1253": "cef9ea98e4354ba0",
    "windows-1254": "2aa8d9d94546b8cc",
    "windows-1255": "b5c97b562844f9a3",
    "windows-1256": "a01678264068176e",
    "windows-1257": "12e6d8fac6384836",
    "windows-1258": "4166d1a6d5c3bdf8",
    "x-mac-cyrillic": "800a1ab2440a7763",
    "big5": "94d390cad7e99669",
    "euc-kr": "c03cf83112afaa9e",
    "gb18030": "0910bcbfe939e2a4",
    "shift_jis": "c5e7f725205a852a",
    "euc-jp": "c794ed1abb7346e2",
    "gb18030, four bytes": "953b39fbe3af35da",
    "euc-jp, three bytes": "816cdd19b564072a",
}
# What Python decodes otherwise. Its CP932 takes 0xA0 and 0xFD to 0xFF as characters, its GB 18030 is the one of 2000, its EUC-JP has
# JIS X 0208's own dashes and signs where the web has Microsoft's, its KOI8-U lacks the Belarusian letter.
DIFFERENCES = {
    "koi8-u": 2,
    "big5": 11,
    "gb18030": 20,
    "shift_jis": 1036,
    "euc-jp": 6,
    "gb18030, four bytes": 1,
    "euc-jp, three bytes": 1,
}


def decode(label, data):
    done = subprocess.run([PROGRAMS["decode"], label], input=data, capture_output=True, check=True)
    name, replaced = done.stderr.decode().split()
    text = done.stdout.decode()
    assert text.count("\ufffd") >= int(replaced)
    return name, text, int(replaced)


def sniff(kind, content_type, data):
    done = subprocess.run([PROGRAMS["decode"], "--sniff", kind, content_type], input=data, capture_output=True, check=True)
    return done.stdout.decode().strip()


def lines(label, keys):
    """Each key decoded by itself: a line's end is ASCII everywhere and ends every broken character."""
    text = decode(label, b"\n".join(keys))[1].split("\n")
    assert len(text) == len(keys)
    return text


PAIRS = [bytes([lead, trail]) for lead in range(0x80, 256) for trail in range(256) if trail != 10]
FOUR = [bytes([0x81 + at // 12600, 0x30 + at // 1260 % 10, 0x81 + at // 10 % 126, 0x30 + at % 10])
        for at in [*range(0, 39430), *range(188990, 1237590, 7), 126 * 12600 - 1]]
KEYS = {label: [bytes([c]) for c in range(128, 256)] for label in SINGLE}
KEYS |= {label: PAIRS for label in ("big5", "euc-kr", "gb18030", "shift_jis", "euc-jp")}
KEYS["gb18030, four bytes"] = FOUR
KEYS["euc-jp, three bytes"] = [bytes([0x8f, lead, trail]) for lead in range(0xa1, 255) for trail in range(0xa1, 255)]


def fingerprint(name):
    return hashlib.sha256("\n".join(lines(name.split(",")[0], KEYS[name])).encode()).hexdigest()[:16]


def differences(name):
    label = name.split(",")[0]
    codec, found = PYTHON.get(label, label), 0
    for key, ours in zip(KEYS[name], lines(label, KEYS[name])):
        try:
            found += key.decode(codec) != ours
        except UnicodeDecodeError:
            pass
    return found


class Tables(unittest.TestCase):
    def test_as_the_standard_has_them(self):
        for name in KEYS:
            with self.subTest(name):
                self.assertEqual(fingerprint(name), FINGERPRINTS[name])

    def test_beside_python(self):
        for name in KEYS:
            with self.subTest(name):
                self.assertEqual(differences(name), DIFFERENCES.get(name, 0))

    def test_all_labels_of_a_set_mean_it(self):
        for label, name in (("Latin1", "windows-1252"), ("US-ASCII", "windows-1252"), (" utf8\n", "UTF-8"), ("GB2312", "GBK"),
                            ("x-sjis", "Shift_JIS"), ("ks_c_5601-1987", "EUC-KR"), ("Logical", "ISO-8859-8-I"), ("unicode", "UTF-16LE"),
                            ("hz-gb-2312", "replacement"), ("tis-620", "windows-874"), ("sun_eu_greek", "ISO-8859-7")):
            self.assertEqual(decode(label, b"")[0], name)
        for label in ("", "utf", "utf-8 utf8", "utf-7", "x"):
            self.assertNotEqual(subprocess.run([PROGRAMS["decode"], label], input=b"", capture_output=True, check=False).returncode, 0)


class IllFormed(unittest.TestCase):
    CASES = [
        # Unicode's table 3-8, and truncation
        ("utf-8", b"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82A", "\ufffd" * 8 + "A"),
        ("utf-8", b"\xed\xa0\x80\xed\xbf\xbf\xed\xafA", "\ufffd" * 8 + "A"),
        ("utf-8", b"\xf4\x91\x92\x93\xffA\x80\xbfB", "\ufffd" * 5 + "A\ufffd\ufffdB"),
        ("utf-8", b"\xe1\x80\xe2\xf0\x91\x92\xf1\xbfA", "\ufffd" * 4 + "A"),
        ("utf-8", b"a\xe2\x82", "a\ufffd"),
        ("utf-16le", b"a\0\xac\x20\x34\xd8\x1e\xdd", "a\u20ac\U0001d11e"),
        ("utf-16be", b"\0a\x20\xac\xd8\x34", "a\u20ac\ufffd"),
        ("utf-16le", b"\x1e\xdda\0b", "\ufffda\ufffd"),
        # markup behind a broken lead byte stays markup
        ("shift_jis", b"\x81<b>\x83e\xa0\xfd\x80\xb1\x81", "\ufffd<b>\u30c6\ufffd\ufffd\x80\uff71\ufffd"),
        ("euc-jp", b"\xa4<b>\xa4\xa2\x8e\xb1\x8f\xb0\xa1\x8f\xb0<\xa4", "\ufffd<b>\u3042\uff71\u4e02\ufffd<\ufffd"),
        ("gbk", b"\x80\xb5\xc4\x81<b>\xff\xb5", "\u20ac\u7684\ufffd<b>\ufffd\ufffd"),
        ("gb18030", b"\x90\x30\x81\x30\x84\x31\xa4\x37\x81\x30<\x81\x30\x81", "\U00010000\ufffd\ufffd0<\ufffd"),
        ("gb18030", b"\xe3\x32\x9a\x35\xe3\x32\x9a\x36", "\U0010ffff\ufffd"),
        ("big5", b"\xaa\xba\x88\x62\x88\xa5\x81<b>\xaa", "\u7684\u00ca\u0304\u00ea\u030c\ufffd<b>\ufffd"),
        ("euc-kr", b"\xc7\xd1\xb1\xdb\xc7<b>\xc7", "\ud55c\uae00\ufffd<b>\ufffd"),
        ("iso-2022-jp", b"a\x1b$B$\"$$\x1b(B<b>\x1b(J\\~\x1b(I1\x1b(Bz", "a\u3042\u3044<b>\u00a5\u203e\uff71z"),
        ("iso-2022-jp", b"\x1b$B$\x1b(Ba\x0e\x1b$\x1b$B\x1b(Bb\x80", "\ufffda\ufffd\ufffd$\ufffdb\ufffd"),
        ("iso-2022-kr", b"<script>", "\ufffd"),
        ("x-user-defined", b"a\x80\xff", "a\uf780\uf7ff"),
        ("windows-1253", b"\xaa\x81", "\ufffd\x81"),
    ]

    def test_cases(self):
        for label, data, wanted in self.CASES:
            with self.subTest(label, data=data):
                self.assertEqual(decode(label, data)[1], wanted)

    def test_never_more_than_one_a_byte(self):
        data = bytes(range(256)) * 64 + bytes(range(255, -1, -1)) * 64
        for label in [*SINGLE, "utf-8", "utf-16le", "gb18030", "big5", "euc-jp", "euc-kr", "shift_jis", "iso-2022-jp", "x-user-defined"]:
            self.assertLessEqual(len(decode(label, data)[1]), len(data))


RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. В начале было слово, и люди говорили о погоде."
CHINESE = "我们在这里说的是一个简单的故事，他来到中国的时候，人们都不知道他是谁。后来大家就明白了。"
TRADITIONAL = "我們在這裡說的是一個簡單的故事，他來到中國的時候，人們都不知道他是誰。後來大家就明白了。"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았다."
GERMAN = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich, während Größe und Übermut für Ärger sorgen."
FRENCH = "Dès Noël où un zéphyr haï me vêt de glaçons würmiens je dîne d’exquis rôtis de bœuf au kir à l’aÿ d’âge mûr."


class Declared(unittest.TestCase):
    CASES = [
        # the mark, then the header, then the page
        ("html", "text/html; charset=latin1", b"\xef\xbb\xbf<meta charset=big5>", "UTF-8"),
        ("text", "text/plain; charset=utf-8", b"\xff\xfea\0", "UTF-16LE"),
        ("text", "text/plain; charset=utf-8", b"\xfe\xff\0a", "UTF-16BE"),
        ("html", "text/html; charset=gbk", b"<meta charset=big5>", "GBK"),
        ("html", "text/html; Charset = \"Shift_JIS\" ; x=y", b"", "Shift_JIS"),
        ("html", "text/html; x=charset=gbk", b"<meta charset=big5>", "Big5"),
        ("html", "text/html; charset=nonsense", b"<meta charset=big5>", "Big5"),
        ("html", "text/html; charset=utf-16", b"x", "UTF-16LE"),
        # forms of <meta>
        ("html", "text/html", b"<META\tCHARSET='big5'>", "Big5"),
        ("html", "text/html", b"<meta charset = big5 >", "Big5"),
        ("html", "text/html", b"<meta/charset=big5>", "Big5"),
        ("html", "text/html", b"<meta charset=\" big5 \">", "Big5"),
        ("html", "text/html", b"<meta http-equiv=content-type content='text/html; charset=gbk'>", "GBK"),
        ("html", "text/html", b"<meta content='text/html;charset=\"gbk\"' http-equiv=Content-Type>", "GBK"),
        ("html", "text/html", b"<meta content='text/html; charset=gbk'>", "UTF-8"),
        ("html", "text/html", b"<meta http-equiv=refresh content='charset=gbk'>", "UTF-8"),
        ("html", "text/html", b"<meta name=x charset=gbk charset=big5>", "GBK"),
        ("html", "text/html", b"<metal charset=gbk>", "UTF-8"),
        ("html", "text/html", b"<!-- <meta charset=gbk> --><meta charset=big5>", "Big5"),
        ("html", "text/html", b"<!--><meta charset=gbk>-->", "GBK"),
        ("html", "text/html", b"<p title='<meta charset=gbk>'><meta charset=big5>", "Big5"),
        ("html", "text/html", b"</p title='<meta charset=gbk>'><? <meta charset=gbk ?><meta charset=big5>", "Big5"),
        ("html", "text/html", b"<meta charset=utf-16le>", "UTF-8"),
        ("html", "text/html", b"<meta charset=x-user-defined>", "windows-1252"),
        ("html", "text/html", b"<meta charset=none><meta charset=gbk>", "GBK"),
        ("html", "text/html", b" " * 1000 + b"<meta charset=gbk>" + b" " * 1000, "GBK"),
        ("html", "text/html", b" " * 1010 + b"<meta charset=gbk>", "UTF-8"),
        ("text", "text/plain", b"<meta charset=gbk>", "UTF-8"),
        ("html", "text/html", b"<p \0 x><meta \0charset=gbk charset\0=gbk charset=big5>", "Big5"),
        ("html", "text/html", b"<meta", "UTF-8"),
        ("html", "text/html", b"<meta charset=\"gbk", "GBK"),
        # XML
        ("xml", "text/xml", b"<?xml version='1.0' encoding='koi8-r'?>", "KOI8-R"),
        ("xml", "text/xml", b"<?xml version=\"1.0\" encoding = \"EUC-JP\" ?>", "EUC-JP"),
        ("html", "text/html", b"<?xml version='1.0' encoding='koi8-r'?><html>", "KOI8-R"),
        ("xml", "text/xml", b" <?xml version='1.0' encoding='koi8-r'?>", "UTF-8"),
        ("xml", "text/xml", "<?xml version='1.0' encoding='utf-16'?>".encode("utf-16le"), "UTF-16LE"),
        # nothing
        ("text", "", b"", "UTF-8"),
        ("text", "", "a\u20ac".encode(), "UTF-8"),
        ("text", "", "a\u20ac\u20ac".encode()[:-1], "UTF-8"),
        ("text", "", b"caf\xe9", "windows-1252"),
        ("text", "", "plain words".encode("utf-16le"), "UTF-16LE"),
        ("text", "", "plain words".encode("utf-16be"), "UTF-16BE"),
        ("text", "", RUSSIAN.encode("cp1251"), "windows-1251"),
        ("text", "", RUSSIAN.encode("koi8-r"), "KOI8-R"),
        ("text", "", CHINESE.encode("gbk"), "gb18030"),
        ("text", "", TRADITIONAL.encode("big5"), "Big5"),
        ("text", "", JAPANESE.encode("shift_jis"), "Shift_JIS"),
        ("text", "", JAPANESE.encode("euc-jp"), "EUC-JP"),
        ("text", "", JAPANESE.encode("iso-2022-jp"), "ISO-2022-JP"),
        ("text", "", KOREAN.encode("euc-kr"), "EUC-KR"),
        ("text", "", GERMAN.encode("cp1252"), "windows-1252"),
        ("text", "", FRENCH.encode("cp1252", "replace"), "windows-1252"),
    ]

    def test_cases(self):
        for kind, header, data, wanted in self.CASES:
            with self.subTest(header, data=data[:60]):
                self.assertEqual(sniff(kind, header, data), wanted)

    def test_short_texts_and_pages(self):
        """A guess from a title's worth of letters, and between markup."""
        for text, codec, wanted in ((RUSSIAN, "cp1251", "windows-1251"), (CHINESE, "gbk", "gb18030"), (TRADITIONAL, "big5", "Big5"),
                                    (JAPANESE, "shift_jis", "Shift_JIS"), (JAPANESE, "euc-jp", "EUC-JP"), (KOREAN, "euc-kr", "EUC-KR"),
                                    (GERMAN, "cp1252", "windows-1252")):
            for sample in (text[:24], f"<html><head><title>{text[:30]}</title></head><body><p>{text}</p></body></html>" * 40):
                with self.subTest(codec, length=len(sample)):
                    self.assertEqual(sniff("text", "", sample.encode(codec)), wanted)


if __name__ == "__main__":
    main(["decode"])
