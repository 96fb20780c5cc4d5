/*
 * ClientHellos: names found in every fragmentation, malformed ones refused at every
 * cut, and a rewritten one read back.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/hello_parse.h"
#include "netproxy/hello_rewrite.h"

static uint8_t msg[HELLO_MSG_MAX];

/* A hello being written. */
struct out {
	uint8_t b[70000];
	size_t n;
};

static void
num(struct out *o, unsigned int n, size_t v)
{
	while (n-- > 0)
		o->b[o->n++] = (uint8_t)(v >> (8 * n));
}

static void
fill_num(struct out *o, size_t at, unsigned int n)
{
	size_t v = o->n - at - n, i;

	for (i = 0; i < n; i++)
		o->b[at + i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static void
sni_ext(struct out *o, const char *name)
{
	size_t len = strlen(name);

	num(o, 2, 0);
	num(o, 2, len + 5);
	num(o, 2, len + 3);
	num(o, 1, 0);
	num(o, 2, len);
	memcpy(o->b + o->n, name, len);
	o->n += len;
}

/* The handshake message; extensions by ext(), or none at all. */
static void
make(struct out *o, void (*ext)(struct out *))
{
	size_t at;

	o->n = 0;
	num(o, 1, 1);
	num(o, 3, 0);
	num(o, 2, 0x0303);
	memset(o->b + o->n, 7, 32);
	o->n += 32;
	num(o, 1, 0);
	num(o, 2, 4);
	num(o, 2, 0x0a0a);
	num(o, 2, 0x1301);
	num(o, 1, 1);
	num(o, 1, 0);
	at = o->n;
	if (ext != NULL) {
		num(o, 2, 0);
		ext(o);
		fill_num(o, at, 2);
	}
	fill_num(o, 1, 3);
}

/* In records of at most step bytes. */
static size_t
wrap(const struct out *o, size_t step, uint8_t *wire)
{
	size_t at, n, used = 0;

	for (at = 0; at < o->n; at += n) {
		n = o->n - at < step ? o->n - at : step;
		wire[used] = 22;
		wire[used + 1] = 3;
		wire[used + 2] = 1;
		wire[used + 3] = (uint8_t)(n >> 8);
		wire[used + 4] = (uint8_t)n;
		memcpy(wire + used + 5, o->b + at, n);
		used += 5 + n;
	}
	return used;
}

static void
ext_plain(struct out *o)
{
	num(o, 2, 0x1a1a); /* GREASE */
	num(o, 2, 0);
	sni_ext(o, "WWW.Example.test");
	num(o, 2, 0x002b);
	num(o, 2, 3);
	num(o, 3, 0x020304);
}

static void
ext_ech(struct out *o)
{
	sni_ext(o, "public.test");
	num(o, 2, 0xfe0d);
	num(o, 2, 1);
	num(o, 1, 0);
}

static void
ext_no_name(struct out *o)
{
	num(o, 2, 0x002b);
	num(o, 2, 3);
	num(o, 3, 0x020304);
}

static void
ext_two_fields(struct out *o)
{
	sni_ext(o, "a.test");
	sni_ext(o, "b.test");
}

static void
ext_two_names(struct out *o)
{
	num(o, 2, 0);
	num(o, 2, 2 + 2 * 9);
	num(o, 2, 2 * 9);
	num(o, 3, 0);
	o->b[o->n++] = 6;
	memcpy(o->b + o->n, "a.test", 6);
	o->n += 6;
	/* the list says one byte too few, or the second is no name */
	o->n -= 1;
	num(o, 3, 0);
	o->b[o->n++] = 6;
	memcpy(o->b + o->n, "b.test", 6);
	o->n += 6;
}

static void
ext_other_type(struct out *o)
{
	num(o, 2, 0);
	num(o, 2, 6);
	num(o, 2, 4);
	num(o, 1, 1);
	num(o, 2, 1);
	num(o, 1, 'a');
}

static void
ext_empty_name(struct out *o)
{
	sni_ext(o, "");
}

static void
ext_address(struct out *o)
{
	sni_ext(o, "127.0.0.1");
}

static void
ext_odd_name(struct out *o)
{
	sni_ext(o, "a.test/b");
}

static void
ext_nul_name(struct out *o)
{
	sni_ext(o, "a.test.evil.test");
	o->b[o->n - 10] = '\0';
}

static void
ext_repeated(struct out *o)
{
	ext_no_name(o);
	ext_no_name(o);
}

static void
ext_big(struct out *o)
{
	sni_ext(o, "big.test");
	num(o, 2, 0x0033);
	num(o, 2, 20000);
	memset(o->b + o->n, 0, 20000);
	o->n += 20000;
}

static void
name_any_records_found(void **state)
{
	static uint8_t wire[HELLO_WIRE_MAX];
	static struct out o;
	struct hello h;
	size_t step, n;

	(void)state;
	make(&o, ext_plain);
	for (step = 2; step <= o.n; step++) {
		if (o.n / step >= HELLO_RECORDS_MAX)
			continue;
		n = wrap(&o, step, wire);
		assert_int_equal(hello_parse(&h, wire, n, msg), HELLO_OK);
		assert_string_equal(h.sni, "www.example.test");
		assert_false(h.ech);
		assert_int_equal(h.wire_bytes, n);
	}
}

/* Every prefix wants more, and says truly how much. */
static void
name_any_prefix_more(void **state)
{
	static uint8_t wire[HELLO_WIRE_MAX];
	static struct out o;
	struct hello h;
	size_t n, i;

	(void)state;
	make(&o, ext_plain);
	n = wrap(&o, 20, wire);
	for (i = 0; i < n; i++) {
		assert_int_equal(hello_parse(&h, wire, i, msg), HELLO_MORE);
		assert_in_range(h.need, i + 1, n);
	}
}

static void
hello_kinds_told_apart(void **state)
{
	static const struct {
		void (*ext)(struct out *);
		enum hello_rc rc;
		const char *sni;
		bool ech;
	} tab[] = {
		{ NULL, HELLO_OK, "", false },
		{ ext_no_name, HELLO_OK, "", false },
		{ ext_ech, HELLO_OK, "public.test", true },
		{ ext_big, HELLO_OK, "big.test", false },
		{ ext_two_fields, HELLO_BAD, "", false },
		{ ext_two_names, HELLO_BAD, "", false },
		{ ext_other_type, HELLO_BAD, "", false },
		{ ext_empty_name, HELLO_BAD, "", false },
		{ ext_address, HELLO_BAD, "", false },
		{ ext_odd_name, HELLO_BAD, "", false },
		{ ext_nul_name, HELLO_BAD, "", false },
		{ ext_repeated, HELLO_BAD, "", false },
	};
	static uint8_t wire[HELLO_WIRE_MAX];
	static struct out o;
	struct hello h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		make(&o, tab[i].ext);
		assert_int_equal(hello_parse(&h, wire, wrap(&o, 16384, wire),
		    msg), tab[i].rc);
		if (tab[i].rc != HELLO_OK)
			continue;
		assert_string_equal(h.sni, tab[i].sni);
		assert_int_equal(h.has_sni, tab[i].sni[0] != '\0');
		assert_int_equal(h.ech, tab[i].ech);
	}
}

/* One byte of length more or less anywhere is refused or waited for. */
static void
hello_lengths_off_refused(void **state)
{
	static uint8_t wire[HELLO_WIRE_MAX];
	static const size_t at[] = { 3, 38, 40, 45, 48, 52, 56, 58, 59,
		61 };
	static struct out o;
	struct hello h;
	size_t i, n;
	int d;

	(void)state;
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		for (d = -1; d <= 1; d += 2) {
			make(&o, ext_plain);
			o.b[at[i]] = (uint8_t)(o.b[at[i]] + d);
			n = wrap(&o, 16384, wire);
			assert_int_not_equal(hello_parse(&h, wire, n, msg),
			    HELLO_OK);
		}
	}
}

static void
stream_other_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum hello_rc rc;
	} tab[] = {
		{ "GET / HTTP/1.1\r\n", 16, HELLO_OTHER },
		{ "\x80\x2e\x01\x03\x01", 5, HELLO_OTHER }, /* SSLv2 */
		{ "\x15\x03\x01\x00\x02\x02\x28", 7, HELLO_OTHER },
		{ "\x16\xfe\xfd\x00\x00", 5, HELLO_BAD }, /* DTLS */
		{ "\x16\x02\x00\x00\x05", 5, HELLO_BAD },
		{ "\x16\x03\x05\x00\x05", 5, HELLO_BAD },
		{ "\x16\x03\x01\x00\x00", 5, HELLO_BAD }, /* empty record */
		{ "\x16\x03\x01\x40\x01", 5, HELLO_BAD }, /* too long */
		{ "\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9, HELLO_BAD },
		{ "\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9, HELLO_BAD },
		{ "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, HELLO_BAD },
		/* another message in the same record */
		{ "\x16\x03\x01\x00\x09\x01\x00\x00\x00\x02\0\0\0\0", 14,
		    HELLO_BAD },
	};
	struct hello h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++)
		assert_int_equal(hello_parse(&h, (const uint8_t *)tab[i].bytes,
		    tab[i].len, msg), tab[i].rc);
}

static void
records_too_many_refused(void **state)
{
	static uint8_t wire[HELLO_WIRE_MAX];
	static struct out o;
	struct hello h;

	(void)state;
	make(&o, ext_plain);
	assert_int_equal(hello_parse(&h, wire, wrap(&o, 1, wire), msg),
	    HELLO_BAD);
}

static void
rewrite_any_name_read_back(void **state)
{
	static const char *const names[] = { "a.test",
		"a-much-longer-name-than-before.of.some.example.test" };
	static uint8_t wire[HELLO_WIRE_MAX], out[HELLO_OUT_MAX];
	void (*const exts[])(struct out *) = { ext_plain, ext_ech, ext_big };
	static struct out o;
	struct hello h, h2;
	size_t i, j, n;

	(void)state;
	for (i = 0; i < 3; i++) {
		for (j = 0; j < 2; j++) {
			make(&o, exts[i]);
			n = wrap(&o, 16384, wire);
			assert_int_equal(hello_parse(&h, wire, n, msg),
			    HELLO_OK);
			n = hello_rewrite(&h, msg, 0x0301, names[j], out);
			assert_true(n > 0);
			assert_int_equal(hello_parse(&h2, out, n, msg),
			    HELLO_OK);
			assert_string_equal(h2.sni, names[j]);
			assert_int_equal(h2.wire_bytes, n);
			assert_int_equal(h2.msg_bytes - h2.sni_bytes,
			    h.msg_bytes - h.sni_bytes);
		}
	}
}

static void
rewrite_no_name_refused(void **state)
{
	static uint8_t wire[HELLO_WIRE_MAX], out[HELLO_OUT_MAX];
	static struct out o;
	struct hello h;

	(void)state;
	make(&o, ext_no_name);
	assert_int_equal(hello_parse(&h, wire, wrap(&o, 16384, wire), msg),
	    HELLO_OK);
	assert_int_equal(hello_rewrite(&h, msg, 0x0301, "a.test", out), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_any_records_found),
		cmocka_unit_test(name_any_prefix_more),
		cmocka_unit_test(hello_kinds_told_apart),
		cmocka_unit_test(hello_lengths_off_refused),
		cmocka_unit_test(stream_other_refused),
		cmocka_unit_test(records_too_many_refused),
		cmocka_unit_test(rewrite_any_name_read_back),
		cmocka_unit_test(rewrite_no_name_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
