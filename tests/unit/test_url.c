/* SPDX-License-Identifier: Apache-2.0 */
/* Every spelling of a host ends in the one spelling, or is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/url.h"

static const struct {
	const char *given, *text; /* NULL: refused */
} cases[] = {
	/* names */
	{"http://example.org", "http://example.org/"},
	{"https://example.org/", "https://example.org/"},
	{"HTTPS://EXAMPLE.ORG/A", "https://example.org/A"},
	{"http://example.org.", "http://example.org/"},
	{"http://example.org..", NULL},
	{"http://.example.org", NULL},
	{"http://ex..ample.org", NULL},
	{"http://.", NULL},
	{"http://", NULL},
	{"http:///path", NULL},
	{"http:example.org", NULL},
	{"http:/example.org", NULL},
	{"//example.org/", NULL},
	{"example.org", NULL},
	{"", NULL},
	{"   ", NULL},
	{"  http://example.org/  \n", "http://example.org/"},
	{"http://my_host.example.org/", "http://my_host.example.org/"},
	{"http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"},
	{"http://localhost:3000", "http://localhost:3000/"},
	{"http://LOCALHOST./", "http://localhost/"},
	/* ports */
	{"http://example.org:80/", "http://example.org/"},
	{"https://example.org:443/", "https://example.org/"},
	{"https://example.org:80/", "https://example.org:80/"},
	{"http://example.org:/", "http://example.org/"},
	{"http://example.org:0/", NULL},
	{"http://example.org:65535/", "http://example.org:65535/"},
	{"http://example.org:65536/", NULL},
	{"http://example.org:4294967376/", NULL},
	{"http://example.org:0000000000080/", "http://example.org/"},
	{"http://example.org:+80/", NULL},
	{"http://example.org:80:80/", NULL},
	{"http://example.org: 80/", NULL},
	/* IPv4 in every coat */
	{"http://127.0.0.1/", "http://127.0.0.1/"},
	{"http://127.0.0.1./", "http://127.0.0.1/"},
	{"http://127.0.0.1../", NULL},
	{"http://2130706433/", "http://127.0.0.1/"},
	{"http://017700000001/", "http://127.0.0.1/"},
	{"http://0x7f000001/", "http://127.0.0.1/"},
	{"http://0X7F000001/", "http://127.0.0.1/"},
	{"http://0x7f.0.0.1/", "http://127.0.0.1/"},
	{"http://0177.0.0.1/", "http://127.0.0.1/"},
	{"http://0x7f.1/", "http://127.0.0.1/"},
	{"http://127.1/", "http://127.0.0.1/"},
	{"http://127.0.1/", "http://127.0.0.1/"},
	{"http://127.65535/", "http://127.0.255.255/"},
	{"http://00000000177.0.0.01/", "http://127.0.0.1/"},
	{"http://0/", "http://0.0.0.0/"},
	{"http://0x/", "http://0.0.0.0/"},
	{"http://0x0/", "http://0.0.0.0/"},
	{"http://1/", "http://0.0.0.1/"},
	{"http://4294967295/", "http://255.255.255.255/"},
	{"http://4294967296/", NULL},
	{"http://99999999999999999999999999/", NULL},
	{"http://256.0.0.1/", NULL},
	{"http://1.256.1/", NULL},
	{"http://127.16777216/", NULL},
	{"http://1.2.3.4.5/", NULL},
	{"http://1..2/", NULL},
	{"http://08.0.0.1/", NULL},
	{"http://0x7g.0.0.1/", NULL},
	{"http://foo.1/", NULL},
	{"http://foo.0x1/", NULL},
	{"http://foo.0xz/", "http://foo.0xz/"},
	{"http://1.2.3.4.example.org/", "http://1.2.3.4.example.org/"},
	{"http://127.0.0.1.nip.io/", "http://127.0.0.1.nip.io/"},
	{"http://169.254.169.254/latest", "http://169.254.169.254/latest"},
	{"http://0xa9fea9fe/", "http://169.254.169.254/"},
	{"http://0251.0376.0251.0376/", "http://169.254.169.254/"},
	/* IPv6 */
	{"http://[::1]/", "http://[::1]/"},
	{"http://[::1]:8080/", "http://[::1]:8080/"},
	{"http://[0:0:0:0:0:0:0:1]/", "http://[::1]/"},
	{"http://[0000:0000:0000:0000:0000:0000:0000:0001]/", "http://[::1]/"},
	{"http://[::FFFF:127.0.0.1]/", "http://[::ffff:127.0.0.1]/"},
	{"http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]/"},
	{"http://[::127.0.0.1]/", "http://[::127.0.0.1]/"},
	{"http://[fe80::1%25eth0]/", NULL},
	{"http://[fe80::1%eth0]/", NULL},
	{"http://[::1", NULL},
	{"http://::1]/", NULL},
	{"http://::1/", NULL},
	{"http://[]/", NULL},
	{"http://[::1]x/", NULL},
	{"http://[::1].example.org/", NULL},
	{"http://[127.0.0.1]/", NULL},
	{"http://[v1.x]/", NULL},
	{"http://[::1]]/", NULL},
	/* user names, tricks with separators */
	{"http://user@example.org/", NULL},
	{"http://user:pass@example.org/", NULL},
	{"http://example.org@127.0.0.1/", NULL},
	{"http://127.0.0.1:80@example.org/", NULL},
	{"http://example.org:80@127.0.0.1/", NULL},
	{"http://@example.org/", NULL},
	{"http://example.org\\@127.0.0.1/", NULL},
	{"http:\\\\example.org", NULL},
	{"http://example.org\\.evil.example/", NULL},
	{"http://example.org#@127.0.0.1/", "http://example.org/"},
	{"http://example.org?@127.0.0.1/", "http://example.org/?@127.0.0.1/"},
	{"http://example.org/@127.0.0.1/", "http://example.org/@127.0.0.1/"},
	{"http://example.org;127.0.0.1/", NULL},
	{"http://example.org,127.0.0.1/", NULL},
	/* encoding, white space, outside ASCII */
	{"http://%31%32%37.0.0.1/", NULL},
	{"http://127.0.0.1%2f@example.org/", NULL},
	{"http://example%2eorg/", NULL},
	{"http://exam ple.org/", NULL},
	{"http://exam\tple.org/", NULL},
	{"http://example.org\n/", NULL},
	{"http://example.org\r\nHost: x/", NULL},
	{"http://example.org/\r\nX: y", NULL},
	{"http://127\xe3\x80\x82"
	 "0.0.1/",
	 NULL},
	{"http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/", NULL},
	{"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", NULL},
	/* names beyond ASCII */
	{"http://b\xc3\xbc"
	 "cher.example/",
	 "http://xn--bcher-kva.example/"},
	{"http://B\xc3\x9c"
	 "CHER.Example./",
	 "http://xn--bcher-kva.example/"},
	{"http://stra\xc3\x9f"
	 "e.example/",
	 "http://xn--strae-oqa.example/"},
	{"http://\xe4\xbe\x8b\xe5\xad\x90.example/", "http://xn--fsqu00a.example/"},
	{"http://\xd0\x9f\xd0\xa0\xd0\x98\xd0\x9c\xd0\x95\xd0\xa0.example/", "http://xn--e1afmkfd.example/"},
	{"http://a.\xed\x95\x9c\xea\xb8\x80.example:81/", "http://a.xn--bj0bj06e.example:81/"},
	{"http://bu\xcc\x88" /* a loose accent: another spelling of the same */
	 "cher.example/",
	 NULL},
	{"http://xn--b\xc3\xbc"
	 "cher.example/",
	 NULL},
	{"http://ab--\xc3\xbc.example/", NULL},
	{"http://\xc3\xbc%41.example/", NULL},
	{"http://\xc3\xbc@example.org/", NULL},
	{"http://\xc3.example/", NULL},
	{"http://\xe2\x84\xaa.example/", NULL}, /* the Kelvin sign */
	{"http://\xf0\x9d\x9f\x8f.0.0.1/", NULL},
	{"http://127.0.0\xef\xbc\x8e" /* a full stop of another width */
	 "1/",
	 NULL},
	{"http://[\xc3\xbc]/", NULL},
	{"http://\xc3\xbc.127.0.0.1/", NULL},
	{"http://example\xc2\xad.org/", NULL},
	{"http://example.org\xff/", NULL},
	/* other schemes */
	{"file:///etc/passwd", NULL},
	{"ftp://example.org/", NULL},
	{"gopher://127.0.0.1:6379/_", NULL},
	{"data:text/plain,x", NULL},
	{"javascript:alert(1)", NULL},
	{"unix:///run/x", NULL},
	{"ws://example.org/", NULL},
	{"httpx://example.org/", NULL},
	{"://example.org/", NULL},
	/* path and query */
	{"http://example.org/a b?c d", "http://example.org/a%20b?c%20d"},
	{"http://example.org/\xc3\xbc", "http://example.org/%C3%BC"},
	{"http://example.org/%41%00", "http://example.org/%41%00"},
	{"http://example.org/a\"<>^`{|}", "http://example.org/a%22%3C%3E%5E%60%7B%7C%7D"},
	{"http://example.org?q=1", "http://example.org/?q=1"},
	{"http://example.org/a#b", "http://example.org/a"},
	{"http://example.org/../x/./y", "http://example.org/x/y"},
	{"http://example.org/a/b/..", "http://example.org/a/"},
	{"http://example.org/a/b/.", "http://example.org/a/b/"},
	{"http://example.org/a/b/../../../..", "http://example.org/"},
	{"http://example.org/a//../b", "http://example.org/a/b"},
	{"http://example.org/a?../b/./c", "http://example.org/a?../b/./c"},
	{"http://example.org/...", "http://example.org/..."},
	{"http://example.org/..a/.b", "http://example.org/..a/.b"},
};

static void spellings(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct url url;
		struct err err = {0};
		int result = url_check(&url, cases[i].given, strlen(cases[i].given), &err);

		if (!cases[i].text) {
			if (result == 0)
				fail_msg("%s: accepted as %s", cases[i].given, url.text);
			assert_int_equal(result, -EINVAL);
			assert_true(err.text[0] != '\0');
		} else if (result < 0) {
			fail_msg("%s: refused: %s", cases[i].given, err.text);
		} else {
			assert_string_equal(url.text, cases[i].text);
			/* the one spelling is its own spelling */
			struct url again;

			assert_int_equal(url_check(&again, url.text, strlen(url.text), &err), 0);
			assert_string_equal(again.text, url.text);
			assert_string_equal(again.host, url.host);
			assert_int_equal(again.port, url.port);
		}
	}
}

static void nul_inside(void **state)
{
	static const char text[] = "http://example.org\0.evil.example/", path[] = "http://example.org/\0x";
	struct url url;

	assert_int_equal(url_check(&url, text, sizeof text - 1, NULL), -EINVAL);
	assert_int_equal(url_check(&url, path, sizeof path - 1, NULL), -EINVAL);
}

static void lengths(void **state)
{
	char text[LIMIT_URL_BYTES + 100];
	struct url url;

	memset(text, 'a', sizeof text);
	memcpy(text, "http://example.org/", 19);
	assert_int_equal(url_check(&url, text, 8000, NULL), 0);
	assert_int_equal(strlen(url.text), 8000);
	assert_int_equal(url_check(&url, text, LIMIT_URL_BYTES, NULL), -EINVAL);
	memset(text + 19, ' ', 4000); /* grows threefold */
	text[4019] = 'x';
	assert_int_equal(url_check(&url, text, 4020, NULL), -EINVAL);
	memcpy(text, "http://", 7);
	memset(text + 7, 'a', 63);
	text[70] = '/';
	assert_int_equal(url_check(&url, text, 71, NULL), 0);
	text[70] = 'a';
	text[71] = '/';
	assert_int_equal(url_check(&url, text, 72, NULL), -EINVAL);
	for (size_t i = 7; i < 7 + 300; i++)
		text[i] = i % 2 ? 'a' : '.';
	assert_int_equal(url_check(&url, text, 7 + 253, NULL), 0);
	assert_int_equal(url_check(&url, text, 7 + 255, NULL), -EINVAL);
}

/* RFC 3986 sections 5.4.1 and 5.4.2, with our spelling of the outcome. */
static void references(void **state)
{
	static const struct {
		const char *reference, *text;
	} table[] = {
		{"g:h", NULL},
		{"g", "http://a/b/c/g"},
		{"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"},
		{"/g", "http://a/g"},
		{"//g", "http://g/"},
		{"?y", "http://a/b/c/d;p?y"},
		{"g?y", "http://a/b/c/g?y"},
		{"#s", "http://a/b/c/d;p?q"},
		{"g#s", "http://a/b/c/g"},
		{"g?y#s", "http://a/b/c/g?y"},
		{";x", "http://a/b/c/;x"},
		{"g;x?y#s", "http://a/b/c/g;x?y"},
		{"", "http://a/b/c/d;p?q"},
		{".", "http://a/b/c/"},
		{"./", "http://a/b/c/"},
		{"..", "http://a/b/"},
		{"../", "http://a/b/"},
		{"../g", "http://a/b/g"},
		{"../..", "http://a/"},
		{"../../g", "http://a/g"},
		{"../../../g", "http://a/g"},
		{"/./g", "http://a/g"},
		{"/../g", "http://a/g"},
		{"g.", "http://a/b/c/g."},
		{"..g", "http://a/b/c/..g"},
		{"./../g", "http://a/b/g"},
		{"g/./h", "http://a/b/c/g/h"},
		{"g/../h", "http://a/b/c/h"},
		{"g;x=1/../y", "http://a/b/c/y"},
		{"g?y/../x", "http://a/b/c/g?y/../x"},
		{"http:g", NULL},
		{"https://B/", "https://b/"},
		{"///x", NULL},
		{"/\\x", NULL},
		{"//u@x/", NULL},
		{" /g \r\n", "http://a/g"},
	};
	struct url base, url;

	assert_int_equal(url_check(&base, "http://a/b/c/d;p?q", 18, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int result = url_resolve(&url, &base, table[i].reference, NULL);

		if (!table[i].text != (result < 0))
			fail_msg("%s: %s", table[i].reference, result < 0 ? "refused" : url.text);
		if (result == 0)
			assert_string_equal(url.text, table[i].text);
	}
	assert_int_equal(url_check(&base, "http://a?q", 10, NULL), 0);
	assert_int_equal(url_resolve(&url, &base, "g", NULL), 0);
	assert_string_equal(url.text, "http://a/g");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),
		cmocka_unit_test(nul_inside),
		cmocka_unit_test(lengths),
		cmocka_unit_test(references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
