/*
 * Threat feeds: text to names, names to sets.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/feed_parse.h"
#include "netproxy/feed_set.h"

struct got {
	char text[4096]; /* names, each with a blank behind it */
	size_t n;
	int stop_at, calls;
};

static int
take(const char *name, size_t len, void *arg)
{
	struct got *g = arg;

	if (g->n + len + 2 > sizeof(g->text))
		return -1;
	memcpy(g->text + g->n, name, len);
	g->n += len;
	g->text[g->n++] = ' ';
	g->text[g->n] = '\0';
	return ++g->calls == g->stop_at ? 7 : 0;
}

static struct feed_counts
parse_in(enum feed_format f, const char *text, size_t n, size_t step,
    struct got *g)
{
	static struct feed_parse p;
	size_t i;

	memset(g, 0, sizeof(*g));
	feed_parse_init(&p, f, take, g);
	for (i = 0; i < n; i += step)
		assert_int_equal(feed_parse_chunk(&p, text + i,
				     n - i < step ? n - i : step),
		    0);
	assert_int_equal(feed_parse_end(&p), 0);
	return p.counts;
}

static struct feed_counts
parse(enum feed_format f, const char *text, struct got *g)
{
	return parse_in(f, text, strlen(text), strlen(text) + 1, g);
}

/* The names of a one-line text; "" for none. */
static void
gives(enum feed_format f, const char *text, const char *names)
{
	struct got g;

	parse(f, text, &g);
	assert_string_equal(g.text, names);
}

static void
domains_entries_cleaned(void **state)
{
	(void)state;
	gives(FEED_DOMAINS, "evil.test\n", "evil.test ");
	gives(FEED_DOMAINS, "  EVIL.Test. \t# why", "evil.test ");
	gives(FEED_DOMAINS, "evil.test\r\nbad.test\r\n", "evil.test bad.test ");
	gives(FEED_DOMAINS,
	    "\xef\xbb\xbf"
	    "evil.test",
	    "evil.test ");
	gives(FEED_DOMAINS, "*.evil.test", "evil.test ");
	gives(FEED_DOMAINS, "_dmarc.x-y.xn--80ak6aa92e.test",
	    "_dmarc.x-y.xn--80ak6aa92e.test ");
	gives(FEED_DOMAINS, "# c\n! c\n\n \t\nevil.test#x\n", "evil.test ");
}

static void
domains_other_junk(void **state)
{
	static const char *const no[] = { "com", ".", "..", "a..test",
		".a.test", "a.test..", "*.", "*", "a.*.test", "*.*.a.test",
		"a b.test", "a.test b.test", "10.0.0.1", "1.2.3.4.5", "a.123",
		"||a.test^", "http://a.test/", "a.test/x", "a.test:80",
		"user@a.test", "b\xc3\xbc.test", "a\x01.test", "a.te st",
		"a\r.test", "::1", "fe80::1",
		("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 ".test") };
	struct feed_counts c;
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		c = parse(FEED_DOMAINS, no[i], &g);
		assert_string_equal(g.text, "");
		assert_int_equal(c.junk, 1);
		assert_int_equal(c.lines, 1);
		assert_int_equal(c.names, 0);
	}
	c = parse_in(FEED_DOMAINS, "a\0.test\nb.test", 14, 99, &g);
	assert_string_equal(g.text, "b.test ");
	assert_int_equal(c.junk, 1);
}

static void
hosts_entries_taken(void **state)
{
	struct feed_counts c;
	struct got g;

	(void)state;
	gives(FEED_HOSTFILE, "0.0.0.0 evil.test", "evil.test ");
	gives(FEED_HOSTFILE, "127.0.0.1\ta.test  b.test\tc.test # x",
	    "a.test b.test c.test ");
	gives(FEED_HOSTFILE, ":: a.test\n::1 b.test\n127.9.9.9 c.test\n",
	    "a.test b.test c.test ");
	c = parse(FEED_HOSTFILE,
	    "127.0.0.1 localhost localhost.localdomain\n"
	    "255.255.255.255 broadcasthost\nfe80::1%lo0 localhost\n"
	    "ff02::1 ip6-allnodes\n0.0.0.0 0.0.0.0\n0.0.0.0 a.test\n",
	    &g);
	assert_string_equal(g.text, "a.test ");
	assert_int_equal(c.junk, 0);
	assert_int_equal(c.ignored, 6);
	assert_int_equal(c.lines, 6);
}

static void
hosts_other_junk(void **state)
{
	static const char *const no[] = { "evil.test", "0.0.0.0", "127.0.0.1 ",
		"10.0.0.5 a.test", "192.0.2.1 a.test", "2001:db8::1 a.test",
		"0.0.0.0 a.test b\xc3\xbc.test", "0.0.0.0 com",
		"0.0.0.0 *.a.test", "0 a.test", "0x7f.1 a.test",
		"0.0.0.0.0 a.test" };
	struct feed_counts c;
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		c = parse(FEED_HOSTFILE, no[i], &g);
		assert_string_equal(g.text, "");
		assert_int_equal(c.junk, 1);
	}
}

static void
lines_overlong_junk(void **state)
{
	static char text[3 * FEED_LINE_MAX];
	struct feed_counts c;
	struct got g;
	size_t n = 0;

	(void)state;
	memset(text, 'a', FEED_LINE_MAX + 1);
	n = FEED_LINE_MAX + 1;
	memcpy(text + n, "\nb.test\n", 8);
	c = parse_in(FEED_DOMAINS, text, n + 8, 1000, &g);
	assert_string_equal(g.text, "b.test ");
	assert_int_equal(c.junk, 1);
	c = parse_in(FEED_DOMAINS, text, n, 1000, &g);
	assert_int_equal(c.junk, 1);
	/* A line of just the limit is read. */
	memset(text, ' ', FEED_LINE_MAX);
	memcpy(text + FEED_LINE_MAX - 6, "c.test\n", 7);
	parse_in(FEED_DOMAINS, text, FEED_LINE_MAX + 1, 999, &g);
	assert_string_equal(g.text, "c.test ");
}

static void
chunks_any_size_same(void **state)
{
	static const char text[] =
	    "# top\r\n0.0.0.0 a.test b.test\r\n"
	    "junk\n127.0.0.1 localhost\n0.0.0.0 c.d.test #x\n0.0.0.0 e.test";
	struct feed_counts a, b;
	struct got whole, part;
	size_t step;

	(void)state;
	a = parse(FEED_HOSTFILE, text, &whole);
	assert_string_equal(whole.text, "a.test b.test c.d.test e.test ");
	for (step = 1; step < sizeof(text); step++) {
		b = parse_in(FEED_HOSTFILE, text, sizeof(text) - 1, step,
		    &part);
		assert_string_equal(part.text, whole.text);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void
parse_callback_stops(void **state)
{
	static struct feed_parse p;
	struct got g = { .stop_at = 2 };

	(void)state;
	feed_parse_init(&p, FEED_DOMAINS, take, &g);
	assert_int_equal(feed_parse_chunk(&p, "a.test\nb.test\nc.test\n", 21),
	    7);
	assert_string_equal(g.text, "a.test b.test ");
}

static void
implausible_said(void **state)
{
	struct feed_counts c = { .lines = 100 };

	(void)state;
	assert_null(feed_implausible(&c, 100, 0));
	assert_null(feed_implausible(&c, 100, 1000));
	assert_non_null(feed_implausible(&c, 99, 1000));
	assert_non_null(feed_implausible(&c, 0, 0));
	c.junk = 50;
	assert_null(feed_implausible(&c, 50, 0));
	c.junk = 51;
	assert_non_null(feed_implausible(&c, 49, 0));
	c.junk = 0;
	c.html = true;
	assert_non_null(feed_implausible(&c, 100, 0));
}

static void
html_seen(void **state)
{
	struct feed_counts c;
	struct got g;

	(void)state;
	c = parse(FEED_DOMAINS, "\n\n  <!DOCTYPE html>\n<p>a.test\na.test\n",
	    &g);
	assert_true(c.html);
	c = parse(FEED_DOMAINS, "a.test\n<p>\n", &g);
	assert_false(c.html);
}

/* ---- sets ---- */

static void
set_of(struct feed_set *s, const char *const *names, size_t n, uint32_t step)
{
	struct siphash_key k;
	size_t i;
	int rv;

	assert_int_equal(siphash_key_make(&k), 0);
	feed_set_init(s, &k);
	for (i = 0; i < n; i++)
		assert_int_equal(feed_set_add(s, names[i], strlen(names[i])),
		    0);
	while ((rv = feed_set_index(s, step)) == 0)
		;
	assert_int_equal(rv, 1);
}

static bool
has(const struct feed_set *s, const char *name)
{
	size_t n = strlen(name);

	return feed_set_has(s, siphash(&s->key, name, n), name, n);
}

static void
hash_reference_vectors(void **state)
{
	/* SipHash-1-3, key 00..0f, of "", 00, 00 01, ..., as published with it. */
	static const uint64_t want[] = { UINT64_C(0xabac0158050fc4dc),
		UINT64_C(0xc9f49bf37d57ca93), UINT64_C(0x82cb9b024dc7d44d),
		UINT64_C(0x8bf80ab8e7ddf7fb), UINT64_C(0xcf75576088d38328),
		UINT64_C(0xdef9d52f49533b67), UINT64_C(0xc50d2b50c59f22a7),
		UINT64_C(0xd3927d989bb11140), UINT64_C(0x369095118d299a8e),
		UINT64_C(0x25a48eb36c063de4) };
	struct siphash_key k;
	char in[16];
	size_t i;

	(void)state;
	for (i = 0; i < 16; i++)
		in[i] = (char)i;
	memcpy(&k, in, sizeof(k));
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(siphash(&k, in, i), want[i]);
}

static void
set_members_found(void **state)
{
	static const char *const names[] = { "a.test", "b.test", "a.test",
		"c.d.test", "b.test", "e.test" };
	struct feed_set s;
	const char *p;
	size_t pos = 0, len, n = 0;
	uint32_t step;

	(void)state;
	for (step = 1; step < 8; step++) {
		set_of(&s, names, 6, step);
		assert_int_equal(s.nnames, 4);
		assert_true(has(&s, "a.test"));
		assert_true(has(&s, "b.test"));
		assert_true(has(&s, "c.d.test"));
		assert_true(has(&s, "e.test"));
		assert_false(has(&s, "d.test"));
		assert_false(has(&s, "c.d.tes"));
		assert_false(has(&s, "x.c.d.test"));
		feed_set_clear(&s);
	}
	set_of(&s, names, 6, 100);
	while ((p = feed_set_next(&s, &pos, &len)) != NULL)
		n += len + (p[0] == 'z');
	assert_int_equal(n, 6 + 6 + 8 + 6);
	feed_set_clear(&s);
}

static void
set_empty_has_nothing(void **state)
{
	struct feed_set s;

	(void)state;
	set_of(&s, NULL, 0, 1);
	assert_int_equal(s.nnames, 0);
	assert_false(has(&s, "a.test"));
	feed_set_clear(&s);
	assert_false(has(&s, "a.test"));
}

static void
set_bad_add_refused(void **state)
{
	struct feed_set s;

	(void)state;
	set_of(&s, NULL, 0, 1);
	assert_int_equal(feed_set_add(&s, "a.test", 6), -1);
	feed_set_clear(&s);
	assert_int_equal(feed_set_add(&s, "", 0), -1);
	assert_int_equal(feed_set_add(&s, "a", 254), -1);
	feed_set_clear(&s);
}

#define MANY 200000u

/* Against the names themselves: all that were added, none that were not. */
static void
set_many_exact(void **state)
{
	struct feed_set s;
	struct siphash_key k;
	char name[64];
	uint32_t i;
	int n;

	(void)state;
	assert_int_equal(siphash_key_make(&k), 0);
	feed_set_init(&s, &k);
	for (i = 0; i < MANY; i++) {
		n = snprintf(name, sizeof(name), "h%u.zone%u.test", i, i % 97);
		assert_int_equal(feed_set_add(&s, name, (size_t)n), 0);
	}
	while (feed_set_index(&s, 1000) == 0)
		;
	assert_int_equal(s.nnames, MANY);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "h%u.zone%u.test", i, i % 97);
		assert_true(has(&s, name));
		snprintf(name, sizeof(name), "h%u.zone%u.test", i,
		    (i + 1) % 97);
		assert_false(has(&s, name));
	}
	assert_true(feed_set_memory(&s) / MANY < 40);
	feed_set_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_entries_cleaned),
		cmocka_unit_test(domains_other_junk),
		cmocka_unit_test(hosts_entries_taken),
		cmocka_unit_test(hosts_other_junk),
		cmocka_unit_test(lines_overlong_junk),
		cmocka_unit_test(chunks_any_size_same),
		cmocka_unit_test(parse_callback_stops),
		cmocka_unit_test(implausible_said),
		cmocka_unit_test(html_seen),
		cmocka_unit_test(hash_reference_vectors),
		cmocka_unit_test(set_members_found),
		cmocka_unit_test(set_empty_has_nothing),
		cmocka_unit_test(set_bad_add_refused),
		cmocka_unit_test(set_many_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
