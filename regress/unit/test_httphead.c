/*
 * One reading of names, request heads and response heads: tables of what is taken
 * and as what, and of what is refused with which status.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "netproxy/http_head.h"
#include "netproxy/http_rewrite.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static const struct {
	const char *text, *name; /* name NULL: refused */
	uint16_t port;
	bool literal;
} host_tab[] = {
	{ "a.test", "a.test", 0, false },
	{ "A.TeSt:80", "a.test", 80, false },
	{ "a.test.", "a.test", 0, false },
	{ "a.test.:8080", "a.test", 8080, false },
	{ "a_b.x-y.test", "a_b.x-y.test", 0, false },
	{ "xn--bcher-kva.test", "xn--bcher-kva.test", 0, false },
	{ "localhost", "localhost", 0, false },
	{ "1.2.3.4:65535", "1.2.3.4", 65535, true },
	{ "255.255.255.255", "255.255.255.255", 0, true },
	{ "[::1]:443", "::1", 443, true },
	{ "[2001:DB8:0:0::1]", "2001:db8::1", 0, true },
	{ "[::ffff:1.2.3.4]", "1.2.3.4", 0, true },
	{ "1.2.3.4.test", "1.2.3.4.test", 0, false },
	{ "0x7f.a1.test", "0x7f.a1.test", 0, false },
	/* numbers that some inet_aton takes for an address */
	{ "0x7f.1", NULL, 0, false },
	{ "2130706433", NULL, 0, false },
	{ "127.1", NULL, 0, false },
	{ "127.0.1", NULL, 0, false },
	{ "0177.0.0.1", NULL, 0, false },
	{ "127.0.0.01", NULL, 0, false },
	{ "0x7f000001", NULL, 0, false },
	{ "a.test.0x1", NULL, 0, false },
	{ "a.test.1", NULL, 0, false },
	{ "a.0x", NULL, 0, false },
	{ "127.0.0.1.", NULL, 0, false },
	{ "1.2.3.4.5", NULL, 0, false },
	{ "256.1.1.1", NULL, 0, false },
	{ "1.2.3.999", NULL, 0, false },
	{ "1..2.3", NULL, 0, false },
	/* not surely one host */
	{ "", NULL, 0, false },
	{ ".", NULL, 0, false },
	{ "..", NULL, 0, false },
	{ ".a.test", NULL, 0, false },
	{ "a..test", NULL, 0, false },
	{ "a.test..", NULL, 0, false },
	{ "a.test:", NULL, 0, false },
	{ "a.test:0", NULL, 0, false },
	{ "a.test:00080", NULL, 0, false },
	{ "a.test:080", NULL, 0, false },
	{ "a.test:65536", NULL, 0, false },
	{ "a.test:100000", NULL, 0, false },
	{ "a.test:4294967376", NULL, 0, false },
	{ "a.test:+80", NULL, 0, false },
	{ "a.test:-80", NULL, 0, false },
	{ "a.test: 80", NULL, 0, false },
	{ "a.test:80:80", NULL, 0, false },
	{ "a.test:8o", NULL, 0, false },
	{ ":80", NULL, 0, false },
	{ "u@a.test", NULL, 0, false },
	{ "u:p@a.test:80", NULL, 0, false },
	{ "%61.test", NULL, 0, false },
	{ "a%2etest", NULL, 0, false },
	{ "a.test%00.evil.test", NULL, 0, false },
	{ "b\xc3\xbc" "cher.test", NULL, 0, false },
	{ "a.test/", NULL, 0, false },
	{ "a.test\\evil.test", NULL, 0, false },
	{ "a.test,b.test", NULL, 0, false },
	{ "a test", NULL, 0, false },
	{ "a\ttest", NULL, 0, false },
	{ "*.test", NULL, 0, false },
	{ "[::1", NULL, 0, false },
	{ "::1", NULL, 0, false },
	{ "[::1]80", NULL, 0, false },
	{ "[::1]:", NULL, 0, false },
	{ "[]", NULL, 0, false },
	{ "[fe80::1%eth0]", NULL, 0, false },
	{ "[fe80::1%25eth0]", NULL, 0, false },
	{ "[v1.a]", NULL, 0, false },
	{ "[1.2.3.4]", NULL, 0, false },
	{ "[::1.2.3]", NULL, 0, false },
	{ "[a.test]", NULL, 0, false },
};

static void
host_table_one_reading(void **state)
{
	struct http_host h;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < COUNT(host_tab); i++) {
		rc = http_host_parse(&h, host_tab[i].text,
		    strlen(host_tab[i].text));
		if (rc != (host_tab[i].name == NULL ? -1 : 0))
			fail_msg("%s: %d %s", host_tab[i].text, rc, h.name);
		if (rc == -1)
			continue;
		assert_string_equal(h.name, host_tab[i].name);
		assert_int_equal(h.port, host_tab[i].port);
		assert_int_equal(h.literal, host_tab[i].literal);
	}
}

static void
host_length_bounded(void **state)
{
	char name[300];
	struct http_host h;

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_int_equal(http_host_parse(&h, name, 63), 0);
	assert_int_equal(http_host_parse(&h, name, 64), -1);
	name[63] = name[127] = name[191] = '.';
	assert_int_equal(http_host_parse(&h, name, 253), 0);
	assert_int_equal(http_host_parse(&h, name, 254), -1);
	name[253] = '.';
	assert_int_equal(http_host_parse(&h, name, 254), 0);
	assert_int_equal(http_host_parse(&h, "a.test\0b", 8), -1);
}

static void
host_text_written_back(void **state)
{
	char text[HTTP_AUTHORITY_SIZE];
	struct http_host h;

	(void)state;
	assert_int_equal(http_host_parse(&h, "[::1]:80", 8), 0);
	http_host_text(&h, 80, text);
	assert_string_equal(text, "[::1]");
	http_host_text(&h, 0, text);
	assert_string_equal(text, "[::1]:80");
	assert_int_equal(http_host_parse(&h, "A.test.:81", 10), 0);
	http_host_text(&h, 80, text);
	assert_string_equal(text, "a.test:81");
}

#define P HTTP_TO_PROXY
#define O HTTP_TO_ORIGIN
#define H "Host: a.test\r\n"
#define POST "POST http://a.test/ HTTP/1.1\r\n" H

static const struct {
	const char *head;
	enum http_side side;
	int status; /* 0: taken */
	enum http_framing framing;
	uint64_t length;
} request_tab[] = {
	{ "GET http://a.test/ HTTP/1.1\r\n" H "\r\n", P, 0, HTTP_NO_BODY, 0 },
	{ "GET http://a.test HTTP/1.1\r\n" H "\r\n", P, 0, HTTP_NO_BODY, 0 },
	{ "GET http://a.test?q HTTP/1.1\r\n" H "\r\n", P, 0, HTTP_NO_BODY, 0 },
	{ "GET http://A.TEST:80/ HTTP/1.1\r\n" H "\r\n", P, 0, HTTP_NO_BODY,
	    0 },
	{ "GET HTTP://a.test/ HTTP/1.1\r\nhOST:a.test:80\t \r\n\r\n", P, 0,
	    HTTP_NO_BODY, 0 },
	{ "GET http://a.test/ HTTP/1.0\r\n\r\n", P, 0, HTTP_NO_BODY, 0 },
	{ "OPTIONS http://a.test HTTP/1.1\r\n" H "\r\n", P, 0, HTTP_NO_BODY,
	    0 },
	{ "X-Y!~ http://a.test/ HTTP/1.1\r\n" H "\r\n", P, 0, HTTP_NO_BODY, 0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", P, 0,
	    HTTP_NO_BODY, 0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\n" H "\r\n", P, 0, HTTP_NO_BODY, 0 },
	{ "CONNECT a.test:443 HTTP/1.0\r\n\r\n", P, 0, HTTP_NO_BODY, 0 },
	{ "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", P, 0,
	    HTTP_NO_BODY, 0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", P,
	    0, HTTP_NO_BODY, 0 },
	{ "GET / HTTP/1.1\r\n" H "\r\n", O, 0, HTTP_NO_BODY, 0 },
	{ "GET / HTTP/1.0\r\n\r\n", O, 0, HTTP_NO_BODY, 0 },
	{ "OPTIONS * HTTP/1.1\r\n" H "\r\n", O, 0, HTTP_NO_BODY, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\n" H "\r\n", O, 0, HTTP_NO_BODY, 0 },
	{ POST "Content-Length: 0\r\n\r\n", P, 0, HTTP_NO_BODY, 0 },
	{ POST "Content-Length: 5\r\n\r\n", P, 0, HTTP_LENGTH, 5 },
	{ POST "Content-Length:5\t\r\n\r\n", P, 0, HTTP_LENGTH, 5 },
	{ POST "Content-Length: 999999999999999999\r\n\r\n", P, 0, HTTP_LENGTH,
	    999999999999999999 },
	{ POST "Transfer-Encoding: Chunked\r\n\r\n", P, 0, HTTP_CHUNKED, 0 },
	{ POST "Empty:\r\nX: \xc3\xa9\t\"\\\r\n\r\n", P, 0, HTTP_NO_BODY, 0 },
	/* first lines */
	{ "GET / HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET * HTTP/1.1\r\n" H "\r\n", O, 400, 0, 0 },
	{ "GET a.test HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET //a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET https://a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET ftp://a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET file:///etc/passwd HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http:/a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http:///a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http:a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/#f HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test#f HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://u@a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://u:p@a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://b.test@a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test\\@b.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://2130706433/ HTTP/1.1\r\nHost: 2130706433\r\n\r\n", P,
	    400, 0, 0 },
	{ "GET http://a.test/\x01 HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/\xc3\xa9 HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/\tx HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET  http://a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/  HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ x HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET\thttp://a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ " GET http://a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.1 \r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ http/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.10\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/01.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.2\r\n" H "\r\n", P, 505, 0, 0 },
	{ "GET http://a.test/ HTTP/0.9\r\n" H "\r\n", P, 505, 0, 0 },
	{ "PRI * HTTP/2.0\r\n\r\n", P, 505, 0, 0 },
	{ "G(T http://a.test/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG http://a.test/ HTTP/1.1\r\n" H
	    "\r\n", P, 400, 0, 0 },
	/* CONNECT */
	{ "CONNECT a.test HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "CONNECT a.test:0 HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "CONNECT http://a.test:443 HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "CONNECT a.test:443/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "CONNECT u@a.test:443 HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n", P, 400, 0,
	    0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:80\r\n\r\n", P, 400, 0,
	    0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\n\r\n", P, 400, 0, 0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n", P,
	    400, 0, 0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	    "\r\n", P, 400, 0, 0 },
	{ "connect a.test:443 HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "CONNECT a.test:443 HTTP/1.1\r\n" H "\r\n", O, 400, 0, 0 },
	{ "CONNECT 0x7f.1:443 HTTP/1.1\r\nHost: 0x7f.1:443\r\n\r\n", P, 400, 0,
	    0 },
	/* Host */
	{ "GET http://a.test/ HTTP/1.1\r\n\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\nHost:\r\n\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\nHost: a.test:81\r\n\r\n", P, 400, 0,
	    0 },
	{ "GET http://a.test:81/ HTTP/1.1\r\n" H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\n" H H "\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\n" H "Host: b.test\r\n\r\n", P, 400, 0,
	    0 },
	{ "GET http://a.test/ HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", P, 400,
	    0, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\nHost: a.test/\r\n\r\n", P, 400, 0,
	    0 },
	{ "GET http://a.test/ HTTP/1.1\r\nHost: u@a.test\r\n\r\n", P, 400, 0,
	    0 },
	{ "GET http://a.test/ HTTP/1.0\r\nHost: b.test\r\n\r\n", P, 400, 0, 0 },
	{ "GET http://127.0.0.1/ HTTP/1.1\r\nHost: a.test\r\n\r\n", P, 400, 0,
	    0 },
	{ "GET / HTTP/1.1\r\n\r\n", O, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n", O, 400, 0, 0 },
	/* framing */
	{ POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 5, 5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length:\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: +5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: -5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 0x5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 05\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 5 5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 5a\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 5.0\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 9999999999999999999\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length : 5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length\t: 5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content_Length: 5\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer_Encoding: chunked\r\n\r\n", P, 400, 0, 0 },
	{ POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", P,
	    400, 0, 0 },
	{ POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", P,
	    400, 0, 0 },
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding: identity\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding: xchunked\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding: chunked, identity\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding: gzip, chunked\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding: chunked,\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding: \"chunked\"\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding:\r\n\r\n", P, 400, 0, 0 },
	{ POST "Transfer-Encoding : chunked\r\n\r\n", P, 400, 0, 0 },
	{ "POST http://a.test/ HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n"
	    "\r\n", P, 400, 0, 0 },
	{ "TRACE http://a.test/ HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n", P,
	    400, 0, 0 },
	{ POST "Connection: Content-Length\r\nContent-Length: 5\r\n\r\n", P,
	    400, 0, 0 },
	{ POST "Connection: close, Host\r\n\r\n", P, 400, 0, 0 },
	{ POST "Connection: transfer-encoding\r\n\r\n", P, 400, 0, 0 },
	{ POST "Connection: a b\r\n\r\n", P, 400, 0, 0 },
	{ POST "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n\r\n", P, 400,
	    0, 0 },
	/* lines */
	{ POST "X: 1\r\n folded\r\n\r\n", P, 400, 0, 0 },
	{ POST "X: 1\r\n\tfolded\r\n\r\n", P, 400, 0, 0 },
	{ "GET http://a.test/ HTTP/1.1\r\n X: 1\r\n" H "\r\n", P, 400, 0, 0 },
	{ POST "X\r\n\r\n", P, 400, 0, 0 },
	{ POST ": x\r\n\r\n", P, 400, 0, 0 },
	{ POST "X Y: 1\r\n\r\n", P, 400, 0, 0 },
	{ POST "X\xc3\xa9: 1\r\n\r\n", P, 400, 0, 0 },
	{ POST "X: a\x01\r\n\r\n", P, 400, 0, 0 },
	{ POST "X: a\x7f\r\n\r\n", P, 400, 0, 0 },
	{ POST "X: a\x1b[0m\r\n\r\n", P, 400, 0, 0 },
	{ POST "Expect: 200-ok\r\n\r\n", P, 417, 0, 0 },
};

static void
request_table_one_reading(void **state)
{
	static struct http_request r;
	const char *head, *why = "";
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < COUNT(request_tab); i++) {
		head = request_tab[i].head;
		rc = http_request_parse(&r, request_tab[i].side, head,
		    strlen(head), &why);
		if (rc != request_tab[i].status)
			fail_msg("%d (%s) for\n%s", rc, why, head);
		if (rc != 0)
			continue;
		assert_int_equal(r.framing, request_tab[i].framing);
		assert_int_equal(r.length, request_tab[i].length);
	}
}

static const struct {
	const char *bytes;
	size_t len;
	long end;
} end_tab[] = {
	{ "", 0, 0 },
	{ "GET / HTTP/1.1\r\n\r", 17, 0 },
	{ "GET / HTTP/1.1\r\n\r\n", 18, 18 },
	{ "GET / HTTP/1.1\r\n\r\nmore\n", 23, 18 },
	{ "GET / HTTP/1.1\n\n", 16, -1 },
	{ "GET / HTTP/1.1\r\nX: 1\n\r\n", 23, -1 },
	{ "GET / HTTP/1.1\r\nX: \r1\r\n\r\n", 25, -1 },
	{ "GET / HTTP/1.1\r\r\n\r\n", 19, -1 },
	{ "GET / HTTP/1.1\r\nX: \0\r\n\r\n", 25, -1 },
	{ "\r\nGET / HTTP/1.1\r\n\r\n", 20, -1 },
	{ "\nGET / HTTP/1.1\r\n\r\n", 19, -1 },
};

static void
head_end_any_split_the_same(void **state)
{
	size_t i, n, seen;
	long end;

	(void)state;
	for (i = 0; i < COUNT(end_tab); i++) {
		seen = 0;
		assert_int_equal(http_head_end(end_tab[i].bytes,
		    end_tab[i].len, &seen), end_tab[i].end);
		for (n = seen = 0, end = 0; n <= end_tab[i].len && end == 0;
		    n++)
			end = http_head_end(end_tab[i].bytes, n, &seen);
		assert_int_equal(end, end_tab[i].end);
	}
}

static void
head_end_too_long_refused(void **state)
{
	static char big[HTTP_HEAD_MAX + 1];
	size_t seen = 0;

	(void)state;
	memset(big, 'a', sizeof(big));
	assert_int_equal(http_head_end(big, HTTP_HEAD_MAX - 1, &seen), 0);
	assert_int_equal(http_head_end(big, HTTP_HEAD_MAX, &seen), -1);
}

static void
fields_too_many_refused(void **state)
{
	static struct http_request r;
	static char head[4096];
	const char *why;
	size_t n;
	int i;

	(void)state;
	n = (size_t)snprintf(head, sizeof(head), POST);
	for (i = 1; i < HTTP_FIELDS_MAX; i++)
		n += (size_t)snprintf(head + n, sizeof(head) - n, "a:b\r\n");
	snprintf(head + n, sizeof(head) - n, "\r\n");
	assert_int_equal(http_request_parse(&r, P, head, n + 2, &why), 0);
	snprintf(head + n, sizeof(head) - n, "a:b\r\n\r\n");
	assert_int_equal(http_request_parse(&r, P, head, n + 7, &why), 431);
}

static const struct {
	const char *head, *out;
} rewrite_tab[] = {
	{ "GET http://A.test.:80?q=1 HTTP/1.0\r\nProxy-Authorization: x\r\n"
	    "proxy-connection: keep-alive\r\nTE: gzip\r\nKeep-Alive: 5\r\n"
	    "X-A:  b \r\nUpgrade: h2c\r\nConnection: upgrade, X-Secret\r\n"
	    "X-SECRET: s\r\nHTTP2-Settings: z\r\nTrailer: q\r\n\r\n",
	    "GET /?q=1 HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\n\r\n" },
	{ "POST http://a.test:81/p HTTP/1.1\r\nHost: a.test:81\r\n"
	    "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n",
	    "POST /p HTTP/1.1\r\nHost: a.test:81\r\n"
	    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n" },
	{ "PUT http://[::1]/ HTTP/1.1\r\ncontent-length: 0\r\nHost: [0::1]\r\n"
	    "\r\n",
	    "PUT / HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 0\r\n\r\n" },
	{ "OPTIONS http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n",
	    "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n" },
	{ "GET http://a.test/ws HTTP/1.1\r\nHost: a.test\r\n"
	    "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
	    "Sec-WebSocket-Key: k\r\n\r\n",
	    "GET /ws HTTP/1.1\r\nHost: a.test\r\nSec-WebSocket-Key: k\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" },
};

static void
rewrite_request_ours_only(void **state)
{
	static struct http_request r;
	struct evbuffer *b = evbuffer_new();
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rewrite_tab); i++) {
		assert_int_equal(http_request_parse(&r, P, rewrite_tab[i].head,
		    strlen(rewrite_tab[i].head), &why), 0);
		assert_int_equal(http_rewrite_request(b, &r), 0);
		assert_int_equal(evbuffer_add(b, "", 1), 0);
		assert_string_equal((char *)evbuffer_pullup(b, -1),
		    rewrite_tab[i].out);
		evbuffer_drain(b, evbuffer_get_length(b));
	}
	evbuffer_free(b);
}

static const struct {
	const char *head;
	bool to_head;
	int rc;
	enum http_framing framing;
	uint64_t length;
	bool close;
} response_tab[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, 0, HTTP_LENGTH,
	    3, false },
	{ "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, 0, HTTP_NO_BODY,
	    0, false },
	{ "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", false, 0,
	    HTTP_CHUNKED, 0, false },
	{ "HTTP/1.1 200 OK\r\n\r\n", false, 0, HTTP_UNTIL_CLOSE, 0, true },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", false, 0, HTTP_LENGTH,
	    3, true },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n"
	    "\r\n", false, 0, HTTP_LENGTH, 3, false },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
	    false, 0, HTTP_LENGTH, 3, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, 0, HTTP_NO_BODY,
	    3, false },
	{ "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", false, 0,
	    HTTP_NO_BODY, 3, false },
	{ "HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", false, 0,
	    HTTP_NO_BODY, 0, false },
	{ "HTTP/1.1 100 Go\r\n\r\n", false, 0, HTTP_NO_BODY, 0, false },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
	    false, -1, 0, 0, false },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", false, -1, 0, 0, false },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", false,
	    -1, 0, 0, false },
	{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, -1, 0,
	    0, false },
	{ "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", false, -1, 0, 0, false },
	{ "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", false, -1, 0, 0, false },
	{ "HTTP/1.1 20 OK\r\n\r\n", false, -1, 0, 0, false },
	{ "HTTP/1.1 2000 OK\r\n\r\n", false, -1, 0, 0, false },
	{ "HTTP/1.1 099 OK\r\n\r\n", false, -1, 0, 0, false },
	{ "HTTP/1.1  200 OK\r\n\r\n", false, -1, 0, 0, false },
	{ "HTTP/2 200\r\n\r\n", false, -1, 0, 0, false },
	{ "HTTP/1.1 200 \x01\r\n\r\n", false, -1, 0, 0, false },
	{ "ICY 200 OK 123\r\n\r\n", false, -1, 0, 0, false },
};

static void
response_table_one_reading(void **state)
{
	static struct http_response r;
	const char *head, *why = "";
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < COUNT(response_tab); i++) {
		head = response_tab[i].head;
		rc = http_response_parse(&r, response_tab[i].to_head, head,
		    strlen(head), &why);
		if (rc != response_tab[i].rc)
			fail_msg("%d (%s) for\n%s", rc, why, head);
		if (rc == -1)
			continue;
		assert_int_equal(r.framing, response_tab[i].framing);
		assert_int_equal(r.length, response_tab[i].length);
		assert_int_equal(r.close, response_tab[i].close);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_table_one_reading),
		cmocka_unit_test(host_length_bounded),
		cmocka_unit_test(host_text_written_back),
		cmocka_unit_test(request_table_one_reading),
		cmocka_unit_test(head_end_any_split_the_same),
		cmocka_unit_test(head_end_too_long_refused),
		cmocka_unit_test(fields_too_many_refused),
		cmocka_unit_test(rewrite_request_ours_only),
		cmocka_unit_test(response_table_one_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
