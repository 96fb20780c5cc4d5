/*
 * Where bodies end: chunked framing in every split, lengths, and the end of a stream.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/http_body.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* Feed at most step bytes at once; data to out; what is left after the end in *rest. */
static enum http_body_rc
feed(struct http_body *b, const char *p, size_t len, size_t step, char *out,
    size_t *rest)
{
	enum http_body_rc rc = HTTP_BODY_MORE;
	size_t at = 0, used, run, n, o = 0;

	while (at < len) {
		n = len - at < step ? len - at : step;
		rc = http_body_next(b, p + at, n, &used, &run);
		assert_true(used <= n && run <= used);
		if (rc == HTTP_BODY_DATA) {
			memcpy(out + o, p + at + used - run, run);
			o += run;
		}
		at += used;
		if (rc == HTTP_BODY_BAD || rc == HTTP_BODY_END)
			break;
	}
	out[o] = '\0';
	*rest = len - at;
	return rc;
}

static const struct {
	const char *wire, *data; /* data NULL: malformed */
	size_t rest;
	enum http_body_rc rc;
} chunk_tab[] = {
	{ "0\r\n\r\n", "", 0, HTTP_BODY_END },
	{ "5\r\nhello\r\n0\r\n\r\n", "hello", 0, HTTP_BODY_END },
	{ "5\r\nhello\r\n0\r\n\r\nGET /", "hello", 5, HTTP_BODY_END },
	{ "00005\r\nhello\r\n000\r\n\r\n", "hello", 0, HTTP_BODY_END },
	{ "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0, HTTP_BODY_END },
	{ "5;a=b;c=\"d;\"\r\nhello\r\n0;x\r\n\r\n", "hello", 0,
	    HTTP_BODY_END },
	{ "2\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\nY:\r\n\r\n", "hello", 0,
	    HTTP_BODY_END },
	{ "5\r\nhel", "hel", 0, HTTP_BODY_DATA },
	{ "0\r\n", "", 0, HTTP_BODY_MORE },
	{ "5\nhello\n0\n\n", NULL, 0, HTTP_BODY_BAD },
	{ "5\r\nhello\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "5\rXhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "5\r\nhelloo\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "5\r\nhell\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ " 5\r\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "5 \r\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "5 ;a\r\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "5;a\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "5;a\x01\r\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "5;a\rb\r\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "0x5\r\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "+5\r\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "-1\r\nhello\r\n0\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "\r\nhello", NULL, 0, HTTP_BODY_BAD },
	{ ";a\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "g\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "0000000000000005\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "10000000000000005\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "0\r\n\n", NULL, 0, HTTP_BODY_BAD },
	{ "0\r\nX : 1\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "0\r\nX: 1\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "0\r\n X: 1\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "0\r\nX: 1\r\n y\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "0\r\nGET / HTTP/1.1\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
	{ "0\r\nX\r\n\r\n", NULL, 0, HTTP_BODY_BAD },
};

static void
chunks_any_split_the_same(void **state)
{
	enum http_body_rc rc;
	struct http_body b;
	char out[128];
	size_t i, step, rest;

	(void)state;
	for (i = 0; i < COUNT(chunk_tab); i++) {
		for (step = 1; step < 64; step++) {
			http_body_init(&b, HTTP_CHUNKED, 0);
			rc = feed(&b, chunk_tab[i].wire,
			    strlen(chunk_tab[i].wire), step, out, &rest);
			if (rc != chunk_tab[i].rc)
				fail_msg("%d for %s", rc, chunk_tab[i].wire);
			if (chunk_tab[i].data == NULL)
				continue;
			assert_string_equal(out, chunk_tab[i].data);
			assert_int_equal(rest, chunk_tab[i].rest);
			assert_int_equal(http_body_eof(&b),
			    rc == HTTP_BODY_END);
		}
	}
}

static void
chunks_long_extras_refused(void **state)
{
	static char wire[HTTP_TRAILER_MAX + 64];
	struct http_body b;
	size_t used, run;

	(void)state;
	memset(wire, 'a', sizeof(wire));
	memcpy(wire, "1;", 2);
	http_body_init(&b, HTTP_CHUNKED, 0);
	assert_int_equal(http_body_next(&b, wire, 2 + HTTP_CHUNK_EXT_MAX, &used,
	    &run), HTTP_BODY_MORE);
	assert_int_equal(http_body_next(&b, "a", 1, &used, &run),
	    HTTP_BODY_BAD);
	memcpy(wire, "0\r\nX:", 5);
	http_body_init(&b, HTTP_CHUNKED, 0);
	assert_int_equal(http_body_next(&b, wire, sizeof(wire), &used, &run),
	    HTTP_BODY_BAD);
}

static void
chunks_many_extensions_refused(void **state)
{
	enum http_body_rc rc = HTTP_BODY_MORE;
	char line[600], out[16];
	struct http_body b;
	size_t rest;
	int i;

	(void)state;
	memset(line, 'e', sizeof(line));
	memcpy(line, "1;", 2);
	memcpy(line + 500, "\r\nx\r\n", 5);
	http_body_init(&b, HTTP_CHUNKED, 0);
	for (i = 0; i < 40 && rc != HTTP_BODY_BAD; i++)
		rc = feed(&b, line, 505, 505, out, &rest);
	assert_int_equal(rc, HTTP_BODY_BAD);
	assert_true(i > HTTP_CHUNK_EXTS_MAX / 600);
}

static void
length_exact_taken(void **state)
{
	struct http_body b;
	size_t rest;
	char out[16];

	(void)state;
	http_body_init(&b, HTTP_LENGTH, 5);
	assert_int_equal(feed(&b, "hel", 3, 2, out, &rest), HTTP_BODY_DATA);
	assert_false(http_body_eof(&b));
	assert_int_equal(feed(&b, "loGET", 5, 64, out, &rest), HTTP_BODY_END);
	assert_string_equal(out, "lo");
	assert_int_equal(rest, 3);
	assert_true(http_body_eof(&b));
}

static void
none_nothing_taken(void **state)
{
	struct http_body b;
	size_t used, run;

	(void)state;
	http_body_init(&b, HTTP_NO_BODY, 7);
	assert_int_equal(http_body_next(&b, "GET", 3, &used, &run),
	    HTTP_BODY_END);
	assert_int_equal(used, 0);
}

static void
close_all_taken(void **state)
{
	struct http_body b;
	size_t rest;
	char out[16];

	(void)state;
	http_body_init(&b, HTTP_UNTIL_CLOSE, 0);
	assert_int_equal(feed(&b, "hello", 5, 2, out, &rest), HTTP_BODY_DATA);
	assert_string_equal(out, "hello");
	assert_true(http_body_eof(&b));
}

static void
chunk_head_written(void **state)
{
	char out[24];

	(void)state;
	assert_int_equal(http_chunk_head(0, out), 3);
	assert_string_equal(out, "0\r\n");
	http_chunk_head(UINT64_MAX, out);
	assert_string_equal(out, "ffffffffffffffff\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_any_split_the_same),
		cmocka_unit_test(chunks_long_extras_refused),
		cmocka_unit_test(chunks_many_extensions_refused),
		cmocka_unit_test(length_exact_taken),
		cmocka_unit_test(none_nothing_taken),
		cmocka_unit_test(close_all_taken),
		cmocka_unit_test(chunk_head_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
