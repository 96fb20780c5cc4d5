/*
 * What resolvers answer, honest and not: what is kept of it, for how long, and
 * what of it the client gets.  With the cache and resolv.conf.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnshelp.h"
#include "netproxy/dns_answer.h"
#include "netproxy/dns_cache.h"
#include "netproxy/dns_conf.h"

static struct pkt pk, made;
static struct dns_answer_buf buf;

static struct dns_name
name_of(const char *text)
{
	struct dns_name n;

	assert_int_equal(dns_name_from_text(&n, text, strlen(text)), 0);
	return n;
}

static void
begin(unsigned int rcode, unsigned int type, unsigned int an, unsigned int ns,
    unsigned int ar)
{
	pkt_head(&pk, 1, 0x8180 | rcode, 1, an, ns, ar);
	pkt_question(&pk, "a.test", type);
}

static enum dns_response
take(uint16_t type)
{
	struct dns_name n = name_of("a.test");

	return dns_response_read(&buf, pk.b, pk.len, &n, type);
}

/* The reply that a client which asked as A.tEST gets. */
static size_t
reply(uint16_t type, uint32_t age_s)
{
	struct dns_query q;
	bool given;

	pkt_query(&made, 9, "A.tEST", type);
	assert_int_equal(dns_query_parse(&q, made.b, made.len), 0);
	made.len = dns_reply_answer(made.b, 4096, &q, &buf.a, age_s, &given);
	assert_true(given);
	return made.len;
}

static const char *
addr(unsigned int i)
{
	static char text[INET6_ADDRSTRLEN];

	assert_true(i < buf.a.naddrs);
	return inet_ntop(AF_INET6, &buf.a.addrs[i], text, sizeof(text));
}

static void
answer_addresses_learned(void **state)
{
	begin(0, DNS_A, 2, 0, 1);
	pkt_rr_a(&pk, "a.test", 300, "192.0.2.1");
	pkt_rr_a(&pk, "A.TEST", 200, "10.0.0.1");
	pkt_opt(&pk, 1232);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.answers, 2);
	assert_int_equal(buf.a.naddrs, 2);
	assert_int_equal(buf.a.ttl_s, 200);
	assert_string_equal(addr(0), "::ffff:192.0.2.1");
	assert_string_equal(addr(1), "::ffff:10.0.0.1");
	reply(DNS_A, 50);
	assert_memory_equal(made.b + 12, "\1A\4tEST\0\0\1\0\1", 12);
	assert_memory_equal(made.b + 24,
	    "\xc0\x0c\0\1\0\1\0\0\0\372\0\4\300\0\2\1"
	    "\xc0\x0c\0\1\0\1\0\0\0\226\0\4\12\0\0\1",
	    32);
}

/* The chain is kept in order; what does not hang on it is not. */
static void
answer_chain_followed(void **state)
{
	begin(0, DNS_A, 6, 1, 1);
	pkt_rr_a(&pk, "other.test", 9, "192.0.2.66");
	pkt_rr_name(&pk, "a.test", DNS_CNAME, 100, "b.cdn.test");
	pkt_rr_a(&pk, "a.test", 9, "192.0.2.67");
	pkt_rr_name(&pk, "B.CDN.test", DNS_CNAME, 50, "c.a.test");
	pkt_rr(&pk, "c.a.test", 46, 9, "sig", 3);
	pkt_rr_a(&pk, "c.a.test", 70, "192.0.2.1");
	pkt_rr_name(&pk, "test", 2, 9, "ns.test");
	pkt_rr_a(&pk, "ns.test", 9, "192.0.2.68");
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.answers, 3);
	assert_int_equal(buf.a.naddrs, 1);
	assert_int_equal(buf.a.ttl_s, 50);
	assert_string_equal(addr(0), "::ffff:192.0.2.1");
	reply(DNS_A, 0);
	/* b.cdn + pointer to test, c + pointer to a.test, the address */
	assert_memory_equal(made.b + 24,
	    "\xc0\x0c\0\5\0\1\0\0\0\144\0\10\1b\3cdn\xc0\x0e"
	    "\xc0\x24\0\5\0\1\0\0\0\62\0\4\1c\xc0\x0c"
	    "\xc0\x38\0\1\0\1\0\0\0\106\0\4\300\0\2\1",
	    52);
}

static void
answer_chain_loop_fails(void **state)
{
	int i;

	begin(0, DNS_A, 20, 0, 0);
	for (i = 0; i < 20; i++)
		pkt_rr_name(&pk, i % 2 ? "b.test" : "a.test", DNS_CNAME, 9,
		    i % 2 ? "a.test" : "b.test");
	assert_int_equal(take(DNS_A), DNS_RESPONSE_FAILED);
}

static void
answer_cname_asked_not_followed(void **state)
{
	begin(0, DNS_CNAME, 2, 0, 0);
	pkt_rr_name(&pk, "a.test", DNS_CNAME, 100, "b.test");
	pkt_rr_a(&pk, "b.test", 100, "192.0.2.1");
	assert_int_equal(take(DNS_CNAME), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.answers, 1);
	assert_int_equal(buf.a.naddrs, 0);
}

static void
answer_other_type_or_class_left_out(void **state)
{
	begin(0, DNS_AAAA, 2, 0, 0);
	pkt_rr_a(&pk, "a.test", 9, "192.0.2.1");
	pkt_rr_a(&pk, "a.test", 9, "2001:db8::1");
	pk.b[pk.len - 16 - 7] = 3; /* class CH */
	assert_int_equal(take(DNS_AAAA), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.answers, 0);
	assert_int_equal(buf.a.naddrs, 0);
	assert_int_equal(buf.a.ttl_s, 0);
}

static void
answer_mapped_is_v4(void **state)
{
	begin(0, DNS_AAAA, 1, 0, 0);
	pkt_rr_a(&pk, "a.test", 9, "::ffff:192.0.2.1");
	assert_int_equal(take(DNS_AAAA), DNS_RESPONSE_OK);
	assert_string_equal(addr(0), "::ffff:192.0.2.1");
}

static void
answer_negative_for_as_long_as_soa_says(void **state)
{
	begin(DNS_NXDOMAIN, DNS_A, 0, 1, 0);
	pkt_soa(&pk, "test", 900, 60);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.rcode, DNS_NXDOMAIN);
	assert_int_equal(buf.a.ttl_s, 60);
	assert_int_equal(buf.a.authorities, 1);
	reply(DNS_A, 0);
	assert_int_equal(made.b[3] & 0x0f, DNS_NXDOMAIN);
	assert_int_equal(dns_get32(made.b + 24 + 2 + 4), 60);

	begin(DNS_NXDOMAIN, DNS_A, 0, 1, 0);
	pkt_soa(&pk, "test", 1000000, 1000000);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.ttl_s, DNS_NEGATIVE_MAX_S);

	/* of another zone: it says nothing */
	begin(DNS_NXDOMAIN, DNS_A, 0, 1, 0);
	pkt_soa(&pk, "other.test", 900, 60);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.authorities, 0);
	assert_int_equal(buf.a.ttl_s, 0);
}

static void
answer_ttl_bounded(void **state)
{
	begin(0, DNS_A, 1, 0, 0);
	pkt_rr_a(&pk, "a.test", 0x7fffffff, "192.0.2.1");
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.ttl_s, DNS_TTL_MAX_S);
	begin(0, DNS_A, 1, 0, 0);
	pkt_rr_a(&pk, "a.test", 0x80000001, "192.0.2.1");
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.ttl_s, 0);
}

static void
answer_rcodes_sorted(void **state)
{
	static const enum dns_response want[16] = {
		[DNS_NOERROR] = DNS_RESPONSE_OK,
		[DNS_FORMERR] = DNS_RESPONSE_FORMAT,
		[DNS_SERVFAIL] = DNS_RESPONSE_FAILED,
		[DNS_NXDOMAIN] = DNS_RESPONSE_OK,
		[DNS_NOTIMP] = DNS_RESPONSE_FORMAT,
		[DNS_REFUSED] = DNS_RESPONSE_FAILED,
		[6] = DNS_RESPONSE_FAILED,
		[7] = DNS_RESPONSE_FAILED,
		[8] = DNS_RESPONSE_FAILED,
		[9] = DNS_RESPONSE_FAILED,
		[10] = DNS_RESPONSE_FAILED,
		[11] = DNS_RESPONSE_FAILED,
		[12] = DNS_RESPONSE_FAILED,
		[13] = DNS_RESPONSE_FAILED,
		[14] = DNS_RESPONSE_FAILED,
		[15] = DNS_RESPONSE_FAILED,
	};
	unsigned int i;

	for (i = 0; i < 16; i++) {
		begin(i, DNS_A, 0, 0, 0);
		assert_int_equal(take(DNS_A), want[i]);
	}
	/* the high bits of BADVERS */
	begin(0, DNS_A, 0, 0, 1);
	pkt_opt(&pk, 1232);
	pk.b[pk.len - 6] = 1;
	assert_int_equal(take(DNS_A), DNS_RESPONSE_FAILED);
	begin(0, DNS_A, 1, 0, 0);
	pk.b[2] |= 2; /* TC, and a count that is not kept */
	assert_int_equal(take(DNS_A), DNS_RESPONSE_TRUNCATED);
}

static void
answer_malformed_fails(void **state)
{
	size_t n, whole;

	begin(0, DNS_A, 2, 1, 1);
	pkt_rr_name(&pk, "a.test", DNS_CNAME, 9, "b.test");
	pkt_rr_a(&pk, "b.test", 9, "192.0.2.1");
	pkt_rr_name(&pk, "test", 2, 9, "ns.test");
	pkt_opt(&pk, 1232);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	whole = pk.len;
	for (n = 0; n < whole; n++) {
		pk.len = n;
		assert_int_equal(take(DNS_A), DNS_RESPONSE_FAILED);
	}
	pk.len = whole;
	/* what follows the last record is not looked at */
	pkt_raw(&pk, "rubbish", 7);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);

	begin(0, DNS_A, 1, 0, 0);
	pkt_rr(&pk, "a.test", DNS_A, 9, "12345", 5);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_FAILED);
	begin(0, DNS_A, 1, 0, 0);
	pkt_rr(&pk, "a.test", DNS_CNAME, 9, "\1b\0x", 4);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_FAILED);
	begin(0, DNS_A, 1, 0, 0);
	pkt_rr(&pk, "a.test", DNS_CNAME, 9, "\1b\xff\xff", 4);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_FAILED);
	/* there, and not there */
	begin(DNS_NXDOMAIN, DNS_A, 1, 0, 0);
	pkt_rr_a(&pk, "a.test", 9, "192.0.2.1");
	assert_int_equal(take(DNS_A), DNS_RESPONSE_FAILED);
}

static void
answer_many_addresses_given_as_learned(void **state)
{
	char text[32];
	int i;

	begin(0, DNS_A, 200, 0, 0);
	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		pkt_rr_a(&pk, "a.test", 9, text);
	}
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.naddrs, DNS_ANSWER_ADDRS);
	assert_int_equal(buf.a.answers, DNS_ANSWER_ADDRS);
}

static void
answer_that_does_not_fit_is_truncated(void **state)
{
	struct dns_query q;
	uint8_t out[4096];
	bool given;
	size_t n;
	int i;

	begin(0, DNS_A, 60, 0, 0);
	for (i = 0; i < 60; i++)
		pkt_rr_a(&pk, "a.test", 9, "192.0.2.1");
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
	pkt_query(&made, 9, "a.test", DNS_A);
	assert_int_equal(dns_query_parse(&q, made.b, made.len), 0);
	n = dns_reply_answer(out, 512, &q, &buf.a, 0, &given);
	assert_false(given);
	assert_true(out[2] & 2);
	assert_int_equal(dns_get16(out + 6), 0);
	assert_int_equal(n, 24 + 11);
	/* to the octet: OPT included */
	n = 24 + 60 * 16 + 11;
	assert_int_equal(dns_reply_answer(out, n, &q, &buf.a, 0, &given), n);
	assert_true(given);
	dns_reply_answer(out, n - 1, &q, &buf.a, 0, &given);
	assert_false(given);
}

static void
https_hints_stripped(void **state)
{
	static const char in[] = "\0\1\0" /* priority 1, target . */
				 "\0\1\0\3\2h2" /* alpn */
				 "\0\4\0\4\12\0\0\1" /* ipv4hint */
				 "\0\5\0\2xy" /* ech */
				 "\0\6\0\20"
				 "0123456789abcdef";
	static const char out[] = "\0\1\0\0\1\0\3\2h2\0\5\0\2xy";

	begin(0, DNS_HTTPS, 1, 0, 0);
	pkt_rr(&pk, "a.test", DNS_HTTPS, 9, in, sizeof(in) - 1);
	assert_int_equal(take(DNS_HTTPS), DNS_RESPONSE_OK);
	assert_int_equal(buf.a.answers, 1);
	assert_int_equal(buf.a.naddrs, 0);
	reply(DNS_HTTPS, 0);
	assert_int_equal(dns_get16(made.b + 24 + 10), sizeof(out) - 1);
	assert_memory_equal(made.b + 24 + 12, out, sizeof(out) - 1);
}

static void
https_odd_parameters_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		enum dns_response want;
		unsigned int answers;
	} tab[] = {
#define DATA(s, want, n) { s, sizeof(s) - 1, want, n }
		DATA("\0\0\1b\0", DNS_RESPONSE_OK, 1), /* an alias */
		DATA("\0\1\0\0\3\0\2\1\273", DNS_RESPONSE_OK, 1),
		/* hints are mandatory: nothing is left to be understood */
		DATA("\0\1\0\0\0\0\2\0\4\0\4\0\4\1\2\3\4", DNS_RESPONSE_OK, 0),
		DATA("\0\1\0\0\3\0\2\1\273\0\1\0\0", DNS_RESPONSE_FAILED, 0),
		DATA("\0\1\0\0\3\0\0\0\3\0\0", DNS_RESPONSE_FAILED, 0),
		DATA("\0\1\0\0\3\0\3\1\273", DNS_RESPONSE_FAILED, 0),
		DATA("\0\1\0\0\3\0", DNS_RESPONSE_FAILED, 0),
		DATA("\0\1\xc0\x0c", DNS_RESPONSE_FAILED, 0),
		DATA("\0\1", DNS_RESPONSE_FAILED, 0),
		DATA("\0\1\5ab", DNS_RESPONSE_FAILED, 0),
	};
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		begin(0, DNS_HTTPS, 1, 0, 0);
		pkt_rr(&pk, "a.test", DNS_HTTPS, 9, tab[i].data, tab[i].len);
		assert_int_equal(take(DNS_HTTPS), tab[i].want);
		if (tab[i].want == DNS_RESPONSE_OK)
			assert_int_equal(buf.a.answers, tab[i].answers);
	}
}

static void
response_is_to_its_question_only(void **state)
{
	struct dns_name n = name_of("a.test"), mixed = n;
	static const struct {
		unsigned int id, flags, qd;
		const char *name;
		unsigned int type;
		bool want;
	} tab[] = {
		{ 5, 0x8180, 1, "a.test", DNS_A, true },
		{ 5, 0x8180, 1, "A.test", DNS_A, true },
		{ 6, 0x8180, 1, "a.test", DNS_A, false },
		{ 5, 0x0180, 1, "a.test", DNS_A, false },
		{ 5, 0x9180, 1, "a.test", DNS_A, false },
		{ 5, 0x8180, 0, "a.test", DNS_A, false },
		{ 5, 0x8180, 2, "a.test", DNS_A, false },
		{ 5, 0x8180, 1, "b.test", DNS_A, false },
		{ 5, 0x8180, 1, "a.test.test", DNS_A, false },
		{ 5, 0x8180, 1, "a.test", DNS_AAAA, false },
	};
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		pkt_head(&pk, tab[i].id, tab[i].flags, tab[i].qd, 0, 0, 0);
		pkt_question(&pk, tab[i].name, tab[i].type);
		assert_int_equal(dns_response_is_to(pk.b, pk.len, 5, &n, DNS_A,
				     false),
		    tab[i].want);
	}
	mixed.wire[1] = 'A';
	pkt_head(&pk, 5, 0x8180, 1, 0, 0, 0);
	pkt_question(&pk, "A.test", DNS_A);
	assert_true(dns_response_is_to(pk.b, pk.len, 5, &mixed, DNS_A, true));
	assert_false(dns_response_is_to(pk.b, pk.len, 5, &n, DNS_A, true));
	/* the question's name as a pointer is another reading */
	pkt_head(&pk, 5, 0x8180, 1, 0, 0, 0);
	pkt_raw(&pk, "\xc0\x0c\0\1\0\1", 6);
	assert_false(dns_response_is_to(pk.b, pk.len, 5, &n, DNS_A, false));
}

/* ---- the cache ---- */

static void
fill(const char *a, uint32_t ttl)
{
	begin(0, DNS_A, 1, 0, 0);
	pkt_rr_a(&pk, "a.test", ttl, a);
	assert_int_equal(take(DNS_A), DNS_RESPONSE_OK);
}

static void
cache_counts_down_and_forgets(void **state)
{
	struct dns_cache *c = dns_cache_new(1 << 20);
	struct dns_name n = name_of("a.test"), other = name_of("b.test");
	const struct dns_answer *a;
	uint32_t age;

	fill("192.0.2.1", 10);
	dns_cache_put(c, &n, DNS_A, &buf.a, 1000);
	memset(&buf, 0xff, sizeof(buf)); /* it is a copy */
	assert_null(dns_cache_get(c, &n, DNS_AAAA, 1000, &age));
	assert_null(dns_cache_get(c, &other, DNS_A, 1000, &age));
	a = dns_cache_get(c, &n, DNS_A, 4999, &age);
	assert_non_null(a);
	assert_int_equal(age, 3);
	assert_int_equal(a->naddrs, 1);
	assert_non_null(dns_cache_get(c, &n, DNS_A, 10999, &age));
	assert_int_equal(age, 9);
	assert_null(dns_cache_get(c, &n, DNS_A, 11000, &age));
	dns_cache_free(c);
}

static void
cache_keeps_nothing_of_ttl_0(void **state)
{
	struct dns_cache *c = dns_cache_new(1 << 20);
	struct dns_name n = name_of("a.test");
	uint32_t age;

	fill("192.0.2.1", 10);
	dns_cache_put(c, &n, DNS_A, &buf.a, 0);
	fill("192.0.2.2", 0);
	dns_cache_put(c, &n, DNS_A, &buf.a, 0);
	assert_null(dns_cache_get(c, &n, DNS_A, 0, &age));
	dns_cache_free(c);
}

static void
cache_bounded_oldest_use_goes(void **state)
{
	struct dns_cache *c = dns_cache_new(64 << 10);
	struct dns_cache_stats st;
	struct dns_name n, first = name_of("n0.test");
	char text[32];
	uint32_t age;
	int i;

	fill("192.0.2.1", 10);
	for (i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "n%d.test", i);
		n = name_of(text);
		dns_cache_put(c, &n, DNS_A, &buf.a, 0);
		assert_non_null(dns_cache_get(c, &first, DNS_A, 0, &age));
	}
	dns_cache_stats(c, &st);
	assert_true(st.bytes <= 64 << 10);
	assert_true(st.entries > 50);
	assert_int_equal(st.entries + st.evicted, 10000);
	n = name_of("n1.test");
	assert_null(dns_cache_get(c, &n, DNS_A, 0, &age));
	dns_cache_flush(c);
	dns_cache_stats(c, &st);
	assert_int_equal(st.entries, 0);
	assert_int_equal(st.bytes, 0);
	dns_cache_free(c);
}

/* ---- resolv.conf ---- */

static struct dns_conf
conf_of(const char *text)
{
	struct dns_conf c;

	dns_conf_read(&c, text, strlen(text));
	return c;
}

static void
conf_servers_and_options_read(void **state)
{
	struct dns_conf c = conf_of(
	    "# a comment\n"
	    "; nameserver 192.0.2.9\n"
	    "search example.test\n"
	    "nameserver 192.0.2.1\n"
	    "nameserver\t2001:db8::1  \r\n"
	    "nameserver fe80::1%2\n"
	    "nameserver fe80::53%enp0s31f6.4094\n"
	    "nameserver fe80::1\n"
	    "options ndots:5 timeout:3 attempts:1 rotate");
	struct sockaddr_in6 sin6;

	assert_int_equal(c.nservers, 5);
	assert_int_equal(c.server[0].ss_family, AF_INET);
	assert_int_equal(c.server[1].ss_family, AF_INET6);
	memcpy(&sin6, &c.server[2], sizeof(sin6));
	assert_int_equal(sin6.sin6_scope_id, 2);
	assert_string_equal(c.zone[2], "");
	memcpy(&sin6, &c.server[3], sizeof(sin6));
	assert_int_equal(sin6.sin6_scope_id, 0);
	assert_string_equal(c.zone[3], "enp0s31f6.4094");
	assert_string_equal(c.zone[4], "");
	memcpy(&sin6, &c.server[2], sizeof(sin6));
	assert_int_equal(ntohs(sin6.sin6_port), 53);
	assert_int_equal(c.timeout_ms, 3000);
	assert_int_equal(c.attempts, 1);
	assert_true(c.rotate);
}

/* resolv.conf(5): where no server is named it is this machine's own. */
static void
assert_local(const struct dns_conf *c)
{
	const struct sockaddr_in *in = (const void *)&c->server[0];

	assert_int_equal(c->nservers, 1);
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(ntohs(in->sin_port), 53);
}

static void
conf_oddities_passed_over(void **state)
{
	struct dns_conf c = conf_of(
	    "nameserver\nnameserver x\n"
	    "nameserver 1.2.3\nnameserver fe80::1%\n"
	    "nameserver fe80::1%interface0123456\n"
	    "nameserver 2001:db8::1%eth0\nnameserver 192.0.2.1%eth0\n"
	    "nameserverx 192.0.2.1\n"
	    "options timeout:0 attempts:x timeout:\n"
	    "options timeout:99999999999 attempts:77\n");
	char big[4096];

	assert_local(&c);
	assert_int_equal(c.timeout_ms, DNS_TIMEOUT_MAX_S * 1000);
	assert_int_equal(c.attempts, DNS_ATTEMPTS_MAX);
	c = conf_of("");
	assert_local(&c);
	assert_int_equal(c.timeout_ms, DNS_TIMEOUT_MS);
	memset(big, 'n', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	c = conf_of(big);
	assert_local(&c);
}

static void
conf_servers_bounded(void **state)
{
	struct sockaddr_storage ss[2];
	char text[1024] = "";
	int i;

	for (i = 0; i < 20; i++)
		strcat(text, "nameserver 192.0.2.1\n");
	assert_int_equal(conf_of(text).nservers, DNS_SERVERS_MAX);
	assert_int_equal(dns_resolv_conf(text, strlen(text), ss, 2), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_addresses_learned),
		cmocka_unit_test(answer_chain_followed),
		cmocka_unit_test(answer_chain_loop_fails),
		cmocka_unit_test(answer_cname_asked_not_followed),
		cmocka_unit_test(answer_other_type_or_class_left_out),
		cmocka_unit_test(answer_mapped_is_v4),
		cmocka_unit_test(answer_negative_for_as_long_as_soa_says),
		cmocka_unit_test(answer_ttl_bounded),
		cmocka_unit_test(answer_rcodes_sorted),
		cmocka_unit_test(answer_malformed_fails),
		cmocka_unit_test(answer_many_addresses_given_as_learned),
		cmocka_unit_test(answer_that_does_not_fit_is_truncated),
		cmocka_unit_test(https_hints_stripped),
		cmocka_unit_test(https_odd_parameters_refused),
		cmocka_unit_test(response_is_to_its_question_only),
		cmocka_unit_test(cache_counts_down_and_forgets),
		cmocka_unit_test(cache_keeps_nothing_of_ttl_0),
		cmocka_unit_test(cache_bounded_oldest_use_goes),
		cmocka_unit_test(conf_servers_and_options_read),
		cmocka_unit_test(conf_oddities_passed_over),
		cmocka_unit_test(conf_servers_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
