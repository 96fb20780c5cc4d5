/*
 * The DNS codec: names and queries, well-formed and not, and what is written.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "dnshelp.h"
#include "netproxy/dns_msg.h"

static struct pkt pk;
static struct dns_query q;

static int
parse(void)
{
	return dns_query_parse(&q, pk.b, pk.len);
}

static const char *
text(void)
{
	static char t[DNS_TEXT_MAX];

	dns_name_text(&q.name, t);
	return t;
}

static void
query_plain_read(void **state)
{
	pkt_query(&pk, 0x1234, "WWW.Example.test", DNS_A);
	assert_int_equal(parse(), 0);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.type, DNS_A);
	assert_int_equal(q.udp_bytes, 1232);
	assert_true(q.edns && q.plain && q.rd && !q.cd);
	assert_string_equal(text(), "www.example.test");
	assert_memory_equal(q.name.wire, "\3WWW\7Example\4test", 18);
}

static void
query_without_edns_gets_512(void **state)
{
	pkt_head(&pk, 1, 0x0010, 1, 0, 0, 0);
	pkt_question(&pk, "a.test", DNS_AAAA);
	assert_int_equal(parse(), 0);
	assert_false(q.edns);
	assert_true(q.cd && !q.rd);
	assert_int_equal(q.udp_bytes, 512);
}

static void
query_udp_size_bounded(void **state)
{
	static const struct {
		unsigned int said, got;
	} tab[] = { { 0, 512 }, { 511, 512 }, { 512, 512 }, { 1400, 1400 },
		{ 4096, 4096 }, { 65535, 4096 } };
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		pkt_head(&pk, 1, 0, 1, 0, 0, 1);
		pkt_question(&pk, "a.test", DNS_A);
		pkt_opt(&pk, tab[i].said);
		assert_int_equal(parse(), 0);
		assert_int_equal(q.udp_bytes, tab[i].got);
	}
}

/* Headers that are no query of ours. */
static void
query_header_judged(void **state)
{
	static const struct {
		unsigned int flags, qd, an, ns, ar;
		int want;
	} tab[] = {
		{ 0x8100, 1, 0, 0, 0, DNS_DROP }, /* a response */
		{ 0x2900, 1, 0, 0, 0, DNS_NOTIMP }, /* update */
		{ 0x1100, 1, 0, 0, 0, DNS_NOTIMP },
		{ 0x0300, 1, 0, 0, 0, DNS_FORMERR }, /* truncated */
		{ 0x0100, 0, 0, 0, 0, DNS_FORMERR },
		{ 0x0100, 2, 0, 0, 0, DNS_FORMERR },
		{ 0x0100, 1, 1, 0, 0, DNS_FORMERR },
		{ 0x0100, 1, 0, 1, 0, DNS_FORMERR },
		{ 0x0100, 1, 0, 0, 2, DNS_FORMERR },
		{ 0x0100, 1, 0, 0, 1, DNS_FORMERR }, /* and there is none */
		{ 0x0120, 1, 0, 0, 0, 0 }, /* AD: says nothing */
	};
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		pkt_head(&pk, 1, tab[i].flags, tab[i].qd, tab[i].an, tab[i].ns,
		    tab[i].ar);
		pkt_question(&pk, "a.test", DNS_A);
		assert_int_equal(parse(), tab[i].want);
	}
}

static void
query_every_prefix_refused(void **state)
{
	size_t n;

	pkt_query(&pk, 1, "www.example.test", DNS_A);
	for (n = 0; n < pk.len; n++)
		assert_int_equal(dns_query_parse(&q, pk.b, n),
		    n < DNS_HEADER_BYTES ? DNS_DROP : DNS_FORMERR);
	pkt_raw(&pk, "", 1);
	assert_int_equal(parse(), DNS_FORMERR);
}

/* Names in the question, after a header for one. */
static int
parse_name(const char *bytes, size_t len)
{
	pkt_head(&pk, 1, 0x0100, 1, 0, 0, 0);
	pkt_raw(&pk, bytes, len);
	pkt16(&pk, DNS_A);
	pkt16(&pk, DNS_CLASS_IN);
	return parse();
}
#define PARSE_NAME(s) parse_name(s, sizeof(s) - 1)

static void
query_name_pointers_refused(void **state)
{
	assert_int_equal(PARSE_NAME("\xc0\x0c"), DNS_FORMERR);
	assert_int_equal(PARSE_NAME("\xc0\x00"), DNS_FORMERR);
	assert_int_equal(PARSE_NAME("\1a\xc0\x0c"), DNS_FORMERR);
	assert_int_equal(PARSE_NAME("\1a\xc0\x20"), DNS_FORMERR);
	/* the label kinds that never came to be */
	assert_int_equal(PARSE_NAME("\x41"
				    "a\0"),
	    DNS_FORMERR);
	assert_int_equal(PARSE_NAME("\x81"
				    "a\0"),
	    DNS_FORMERR);
	assert_int_equal(q.name.len, 0);
}

/* n labels of len octets each, and the root. */
static size_t
labels(char *out, size_t n, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++) {
		out[i * (len + 1)] = (char)len;
		memset(out + i * (len + 1) + 1, 'a', len);
	}
	out[n * (len + 1)] = '\0';
	return n * (len + 1) + 1;
}

static void
query_name_lengths_bounded(void **state)
{
	char name[400];
	size_t n;

	n = labels(name, 127, 1); /* 255 octets */
	assert_int_equal(parse_name(name, n), 0);
	assert_int_equal(q.name.len, 255);
	assert_int_equal(strlen(text()), 253);
	n = labels(name, 128, 1);
	assert_int_equal(parse_name(name, n), DNS_FORMERR);
	n = labels(name, 3, 63); /* 193 */
	assert_int_equal(parse_name(name, n), 0);
	n = labels(name, 4, 63); /* 257 */
	assert_int_equal(parse_name(name, n), DNS_FORMERR);
	n = labels(name, 1, 64);
	assert_int_equal(parse_name(name, n), DNS_FORMERR);
}

static void
query_name_of_odd_octets_not_plain(void **state)
{
	static const struct {
		const char *wire;
		size_t len;
		const char *text;
		bool plain;
	} tab[] = {
#define ROW(w, t, p) { w, sizeof(w) - 1, t, p }
		ROW("\0", "", true),
		ROW("\1a\4test\0", "a.test", true),
		ROW("\10xn--p1ai\4TEST\0", "xn--p1ai.test", true),
		ROW("\4_srv\1a\0", "_srv.a", true),
		ROW("\3a.b\4test\0", "a\\046b.test", false),
		ROW("\3a\0b\4test\0", "a\\000b.test", false),
		ROW("\2\303\244\4test\0", "\\195\\164.test", false),
		ROW("\2a \4test\0", "a\\032.test", false),
		ROW("\2a\\\4test\0", "a\\092.test", false),
		ROW("\1*\4test\0", "\\042.test", false),
		ROW("\2a\n\4test\0", "a\\010.test", false),
	};
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_int_equal(parse_name(tab[i].wire, tab[i].len), 0);
		assert_string_equal(text(), tab[i].text);
		assert_int_equal(q.plain, tab[i].plain);
	}
}

static int
parse_opt_bytes(const char *bytes, size_t len)
{
	pkt_head(&pk, 1, 0x0100, 1, 0, 0, 1);
	pkt_question(&pk, "a.test", DNS_A);
	pkt_raw(&pk, bytes, len);
	return parse();
}
#define PARSE_OPT(s) parse_opt_bytes(s, sizeof(s) - 1)

static void
query_options_read_to_the_last(void **state)
{
	/* a cookie and a client subnet: well-formed, not looked at */
	assert_int_equal(PARSE_OPT("\0\0\51\4\320\0\0\0\0\0\24"
				   "\0\12\0\10abcdefgh\0\10\0\4\0\1\0\0"),
	    0);
	assert_int_equal(PARSE_OPT("\0\0\51\4\320\0\0\0\0\0\2\0\12"),
	    DNS_FORMERR);
	assert_int_equal(PARSE_OPT("\0\0\51\4\320\0\0\0\0\0\4\0\12\0\1"),
	    DNS_FORMERR);
	assert_int_equal(PARSE_OPT("\0\0\51\4\320\0\0\0\0\0\4"), DNS_FORMERR);
	/* not at the root; another type */
	assert_int_equal(PARSE_OPT("\1a\0\0\51\4\320\0\0\0\0\0\0"),
	    DNS_FORMERR);
	assert_int_equal(PARSE_OPT("\0\0\52\4\320\0\0\0\0\0\0"), DNS_FORMERR);
	/* version 1 */
	assert_int_equal(PARSE_OPT("\0\0\51\4\320\0\1\0\0\0\0"), DNS_BADVERS);
}

static void
reply_error_names_the_rule(void **state)
{
	uint8_t out[512];
	size_t n, end;

	pkt_query(&pk, 0x4321, "WwW.test", DNS_A);
	assert_int_equal(parse(), 0);
	n = dns_reply_error(out, sizeof(out), &q, DNS_NXDOMAIN, DNS_EDE_BLOCKED,
	    "denied by rule x");
	end = dns_question_end(&q.name);
	/* id, response, RD, RA, NXDOMAIN, one question, one OPT */
	assert_memory_equal(out, "\x43\x21\x81\x83\0\1\0\0\0\0\0\1", 12);
	assert_memory_equal(out + 12, "\3WwW\4test\0\0\1\0\1", 14);
	assert_memory_equal(out + end, "\0\0\51\4\320\0\0\0\0\0\26", 11);
	assert_memory_equal(out + end + 11, "\0\17\0\22\0\17denied by rule x",
	    22);
	assert_int_equal(n, end + 11 + 22);
}

static void
reply_badvers_has_its_high_bits(void **state)
{
	uint8_t out[512];
	size_t end;

	assert_int_equal(PARSE_OPT("\0\0\51\4\320\0\1\0\0\0\0"), DNS_BADVERS);
	dns_reply_error(out, sizeof(out), &q, DNS_BADVERS, DNS_EDE_NONE, NULL);
	end = dns_question_end(&q.name);
	assert_int_equal(out[3] & 0x0f, 0);
	assert_int_equal(out[end + 5], 1);
}

static void
reply_error_fits_whatever_is_said(void **state)
{
	char name[300], why[1000];
	uint8_t out[512];
	size_t n;

	memset(why, 'x', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	n = labels(name, 127, 1);
	pkt_head(&pk, 1, 0x0100, 1, 0, 0, 1);
	pkt_raw(&pk, name, n);
	pkt16(&pk, DNS_A);
	pkt16(&pk, DNS_CLASS_IN);
	pkt_opt(&pk, 512);
	assert_int_equal(parse(), 0);
	n = dns_reply_error(out, sizeof(out), &q, DNS_NXDOMAIN, DNS_EDE_BLOCKED,
	    why);
	assert_true(n <= 512 && n > 400);
}

static void
reply_address_of_the_other_family_empty(void **state)
{
	struct in6_addr a;
	uint8_t out[512];
	bool given;
	size_t n, end;

	inet_pton(AF_INET6, "::ffff:192.0.2.1", &a);
	pkt_query(&pk, 1, "a.test", DNS_A);
	assert_int_equal(parse(), 0);
	end = dns_question_end(&q.name);
	n = dns_reply_address(out, sizeof(out), &q, &a, 60, &given);
	assert_true(given);
	assert_int_equal(n, end + 16 + 11);
	assert_memory_equal(out + end,
	    "\xc0\x0c\0\1\0\1\0\0\0\74\0\4\300\0\2\1", 16);
	q.type = DNS_AAAA;
	n = dns_reply_address(out, sizeof(out), &q, &a, 60, &given);
	assert_false(given);
	assert_int_equal(n, end + 11);
	assert_int_equal(dns_get16(out + 6), 0);
	assert_int_equal(out[3] & 0x0f, DNS_NOERROR);
	q.type = DNS_HTTPS;
	dns_reply_address(out, sizeof(out), &q, &a, 60, &given);
	assert_false(given);
}

static void
name_from_text_reads_hosts_only(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a..b", ".a", "a b",
		"a/b", "a\\046b", "\303\244.test", "a.test..", "*.test", NULL };
	struct dns_name n;
	char long_text[300];
	size_t i;

	assert_int_equal(dns_name_from_text(&n, "A.Test.", 7), 0);
	assert_int_equal(n.len, 8);
	assert_memory_equal(n.wire, "\1a\4test", 8);
	for (i = 0; bad[i] != NULL; i++)
		assert_int_equal(dns_name_from_text(&n, bad[i], strlen(bad[i])),
		    -1);
	for (i = 0; i < sizeof(long_text); i++)
		long_text[i] = i % 2 ? '.' : 'a';
	assert_int_equal(dns_name_from_text(&n, long_text, 253), 0);
	assert_int_equal(n.len, 255);
	assert_int_equal(dns_name_from_text(&n, long_text, 255), -1);
	memset(long_text, 'a', 64);
	assert_int_equal(dns_name_from_text(&n, long_text, 63), 0);
	assert_int_equal(dns_name_from_text(&n, long_text, 64), -1);
}

static void
name_read_pointers_only_backwards(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, at;
		int want;
		size_t after;
	} tab[] = {
#define AT(b, at, want, after) { b, sizeof(b) - 1, at, want, after }
#define H		       "............"
		AT(H "\1a\0\1b\xc0\x0c", 15, 0, 19),
		AT(H "\1a\0\xc0\x0c", 15, 0, 17),
		AT(H "\xc0\x0c", 12, -1, 0), /* itself */
		AT(H "\xc0\x0e\1a\0", 12, -1, 0), /* forward */
		AT(H "\1a\xc0\x0c", 12, -1, 0), /* a loop with a label */
		AT(H "\1a\xc0\x10\xc0\x0c", 16, -1, 0), /* two of them */
		AT(H "\xc0\x00", 12, -1, 0), /* into the header */
		AT(H "\1a\xc0", 12, -1, 0),
		AT(H "\1", 12, -1, 0),
		AT(H "", 12, -1, 0),
		AT(H "\5ab", 12, -1, 0),
	};
	struct dns_name n;
	size_t i, at;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		at = tab[i].at;
		assert_int_equal(dns_name_read(&n, (const void *)tab[i].bytes,
				     tab[i].len, &at, true),
		    tab[i].want);
		if (tab[i].want == 0)
			assert_int_equal(at, tab[i].after);
	}
}

/* Each pointer backwards, the sum of the labels too long. */
static void
name_read_compressed_bounded(void **state)
{
	struct dns_name n;
	size_t i, at, last = 12;
	char label[21];

	pkt_head(&pk, 1, 0, 0, 0, 0, 0);
	memset(label, 'b', sizeof(label));
	label[0] = 20;
	pkt_raw(&pk, label, 21);
	pkt_raw(&pk, "", 1);
	for (i = 1; i < 20; i++) {
		at = pk.len;
		pkt_raw(&pk, label, 21);
		pkt16(&pk, (unsigned int)(0xc000 | last));
		last = at;
		at = last;
		/* i + 1 labels of 21 octets, and the root's */
		assert_int_equal(dns_name_read(&n, pk.b, pk.len, &at, true),
		    (i + 1) * 21 + 1 <= 255 ? 0 : -1);
	}
}

static void
name_reverse_reads_one_spelling(void **state)
{
	static const struct {
		const char *name, *addr;
	} tab[] = {
		{ "4.3.2.1.in-addr.arpa", "::ffff:1.2.3.4" },
		{ "4.3.2.1.IN-ADDR.Arpa", "::ffff:1.2.3.4" },
		{ "04.3.2.1.in-addr.arpa", NULL },
		{ "256.3.2.1.in-addr.arpa", NULL },
		{ "3.2.1.in-addr.arpa", NULL },
		{ "5.4.3.2.1.in-addr.arpa", NULL },
		{ "a.3.2.1.in-addr.arpa", NULL },
		{ "in-addr.arpa", NULL },
		{ "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0."
		  "1.2.3.4.ip6.arpa",
		    "4321:0:1:2:3:4:567:89ab" },
		{ "a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0."
		  "1.2.3.4.ip6.arpa",
		    NULL },
		{ "ip6.arpa", NULL },
		{ "a.test", NULL },
	};
	struct in6_addr got, want;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		pkt_query(&pk, 1, tab[i].name, DNS_PTR);
		assert_int_equal(parse(), 0);
		assert_int_equal(dns_name_reverse(&q.name, &got),
		    tab[i].addr != NULL);
		if (tab[i].addr == NULL)
			continue;
		inet_pton(AF_INET6, tab[i].addr, &want);
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static void
name_localhost_by_labels(void **state)
{
	static const struct {
		const char *name;
		bool want;
	} tab[] = { { "localhost", true }, { "a.LocalHost", true },
		{ "xlocalhost", false }, { "localhost.test", false },
		{ "test", false } };
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		pkt_query(&pk, 1, tab[i].name, DNS_A);
		assert_int_equal(parse(), 0);
		assert_int_equal(dns_name_localhost(&q.name), tab[i].want);
	}
}

static void
query_write_is_read(void **state)
{
	struct dns_name n;
	uint8_t out[DNS_QUERY_BYTES];

	assert_int_equal(dns_name_from_text(&n, "a.test", 6), 0);
	pk.len = dns_query_write(out, sizeof(out), 7, &n, DNS_AAAA, true);
	assert_int_equal(dns_query_parse(&q, out, pk.len), 0);
	assert_true(q.edns && q.rd);
	assert_int_equal(q.id, 7);
	assert_int_equal(q.type, DNS_AAAA);
	assert_int_equal(q.udp_bytes, DNS_UDP_OURS);
	pk.len = dns_query_write(out, sizeof(out), 7, &n, DNS_AAAA, false);
	assert_int_equal(dns_query_parse(&q, out, pk.len), 0);
	assert_false(q.edns);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(query_plain_read),
		cmocka_unit_test(query_without_edns_gets_512),
		cmocka_unit_test(query_udp_size_bounded),
		cmocka_unit_test(query_header_judged),
		cmocka_unit_test(query_every_prefix_refused),
		cmocka_unit_test(query_name_pointers_refused),
		cmocka_unit_test(query_name_lengths_bounded),
		cmocka_unit_test(query_name_of_odd_octets_not_plain),
		cmocka_unit_test(query_options_read_to_the_last),
		cmocka_unit_test(reply_error_names_the_rule),
		cmocka_unit_test(reply_badvers_has_its_high_bits),
		cmocka_unit_test(reply_error_fits_whatever_is_said),
		cmocka_unit_test(reply_address_of_the_other_family_empty),
		cmocka_unit_test(name_from_text_reads_hosts_only),
		cmocka_unit_test(name_read_pointers_only_backwards),
		cmocka_unit_test(name_read_compressed_bounded),
		cmocka_unit_test(name_reverse_reads_one_spelling),
		cmocka_unit_test(name_localhost_by_labels),
		cmocka_unit_test(query_write_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
