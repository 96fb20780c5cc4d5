/*
 * The resolver of the sessions as they see it: who may ask what, who gets what
 * and what is learned by it, by UDP and TCP, and what many may cost.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "dnsloop.h"

/* ---- what is judged, and what comes of it ---- */

static void
name_allowed_forwarded_learned_cached(void **state)
{
	int c = client(1);

	ask(c, 0x1111, "WwW.a.test", DNS_A);
	assert_string_equal(get_asked(0), "www.a.test");
	answer_a(0, "www.a.test", "192.0.2.7");
	get(c);
	assert_memory_equal(got.b, "\x11\x11\x81\x80\0\1\0\1\0\0\0\1", 12);
	assert_memory_equal(got.b + 12, "\3WwW\1a\4test", 12);
	assert_string_equal(house_log(h.np, 1),
	    "dns www.a.test 1 allow allow-rest\n"
	    "learn www.a.test 192.0.2.7 300\n");

	house_log_clear(h.np);
	ask(c, 0x2222, "www.A.test", DNS_A);
	get(c);
	assert_int_equal(dns_get16(got.b), 0x2222);
	assert_memory_equal(got.b + 12, "\3www\1A\4test", 12);
	assert_int_equal(answers(), 1);
	assert_true(quiet(h.resolver[0]));
	assert_non_null(strstr(house_log(h.np, 1),
	    "dns www.a.test 1 allow allow-rest\nlearn www.a.test 192.0.2.7 "));
	close(c);
}

/* The cache is shared; the verdict and the facts are each session's. */
static void
name_in_cache_judged_for_each(void **state)
{
	int c = client(1), c2 = client(2);

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	answer_a(0, "a.test", "192.0.2.7");
	get(c);
	house_end(h.np, 2);
	ask(c2, 2, "a.test", DNS_A);
	get(c2);
	assert_int_equal(rcode(), DNS_REFUSED);
	assert_int_equal(answers(), 0);
	assert_null(strstr(house_log(h.np, 2), "learn"));
	close(c);
	close(c2);
}

static void
name_denied_nxdomain_names_rule(void **state)
{
	int c = client(1);

	ask(c, 1, "x.Denied.test", DNS_A);
	get(c);
	assert_int_equal(rcode(), DNS_NXDOMAIN);
	assert_true(got_text("denied by rule block-denied (test.yaml:7): "
			     "never x.denied.test"));
	assert_string_equal(house_log(h.np, 1),
	    "dns x.denied.test 1 deny block-denied\n");
	assert_true(quiet(h.resolver[0]));
	close(c);
}

static void
query_of_other_kinds_refused(void **state)
{
	static const struct {
		const char *name;
		unsigned int type;
		const char *log;
	} tab[] = {
		{ "a.test", 16, "dns a.test 16 deny builtin-dns\n" },
		{ "a.test", 255, "dns a.test 255 deny builtin-dns\n" },
		{ "a.test", 252, "dns a.test 252 deny builtin-dns\n" },
		{ "a.test", 10, "dns a.test 10 deny builtin-dns\n" },
		{ "2.0.0.10.in-addr.arpa", DNS_PTR,
		    "dns 2.0.0.10.in-addr.arpa 12 deny builtin-dns\n" },
		{ "a b.test", DNS_A, "dns a\\032b.test 1 deny unjudgeable\n" },
		{ "\xc3\xa4.test", DNS_A,
		    "dns \\195\\164.test 1 deny unjudgeable\n" },
	};
	int c = client(1);
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		house_log_clear(h.np);
		ask(c, 1, tab[i].name, tab[i].type);
		get(c);
		assert_int_equal(rcode(), DNS_REFUSED);
		assert_string_equal(house_log(h.np, 1), tab[i].log);
	}
	/* another class */
	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	query.b[12 + 8 + 3] = 3;
	send_query(c);
	get(c);
	assert_int_equal(rcode(), DNS_REFUSED);
	close(c);
}

static void
query_malformed_formerr_and_nothing_else(void **state)
{
	int c = client(1);

	pkt_head(&query, 7, 0x0100, 2, 0, 0, 0);
	send_query(c);
	get(c);
	assert_int_equal(rcode(), DNS_FORMERR);
	assert_int_equal(got.len, DNS_HEADER_BYTES);
	query.len = 5;
	send_query(c);
	pkt_head(&query, 7, 0x8180, 1, 0, 0, 0); /* a response */
	pkt_question(&query, "a.test", DNS_A);
	send_query(c);
	query.len = 3000;
	send_query(c);
	assert_true(quiet(c));
	assert_string_equal(house_log(h.np, 1), "");
	close(c);
}

static void
query_of_stranger_ignored(void **state)
{
	int c = bound(SOCK_DGRAM, 0x7f000063u, 0);

	ask(c, 1, "a.test", DNS_A);
	assert_true(quiet(c));
	assert_true(quiet(h.resolver[0]));
	close(c);
}

static void
query_without_room_for_its_record_fails(void **state)
{
	int c = client(1);

	house_audit_full(h.np, 1);
	ask(c, 1, "a.test", DNS_A);
	get(c);
	assert_int_equal(rcode(), DNS_SERVFAIL);
	assert_string_equal(house_log(h.np, 1), "");
	assert_true(quiet(h.resolver[0]));
	close(c);
}

static void
name_redirected_answered_here(void **state)
{
	int c = client(1);

	ask(c, 1, "Redirected.test", DNS_A);
	get(c);
	assert_int_equal(rcode(), DNS_NOERROR);
	assert_int_equal(answers(), 1);
	assert_true(memmem(got.b, got.len, "\306\063\144\011", 4) != NULL);
	assert_string_equal(house_log(h.np, 1),
	    "redirect redirected.test 198.51.100.9 send-away\n"
	    "learn redirected.test 198.51.100.9 60\n");
	ask(c, 1, "redirected.test", DNS_AAAA);
	get(c);
	assert_int_equal(rcode(), DNS_NOERROR);
	assert_int_equal(answers(), 0);
	ask(c, 1, "redirected.test", DNS_HTTPS);
	get(c);
	assert_int_equal(rcode(), DNS_NOERROR);
	assert_int_equal(answers(), 0);
	ask(c, 1, "redirected6.test", DNS_AAAA);
	get(c);
	assert_int_equal(answers(), 1);
	assert_true(quiet(h.resolver[0]));
	close(c);
}

static void
name_localhost_never_leaves(void **state)
{
	int c = client(1);

	ask(c, 1, "a.LOCALHOST", DNS_A);
	get(c);
	assert_int_equal(answers(), 1);
	ask(c, 1, "localhost", DNS_AAAA);
	get(c);
	assert_int_equal(answers(), 1);
	assert_string_equal(house_log(h.np, 1),
	    "dns a.localhost 1 allow allow-rest\n"
	    "learn a.localhost 127.0.0.1 60\n"
	    "dns localhost 28 allow allow-rest\n"
	    "learn localhost ::1 60\n");
	assert_true(quiet(h.resolver[0]));
	close(c);
}

static void
chain_learned_under_the_name_asked(void **state)
{
	int c = client(1);

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	answer_begin(0, 3);
	pkt_rr_name(&answer, "a.test", DNS_CNAME, 5, "x.denied.test");
	pkt_rr_a(&answer, "x.denied.test", 300, "10.1.2.3");
	pkt_rr_a(&answer, "other.test", 300, "192.0.2.66");
	answer_send(0);
	get(c);
	assert_int_equal(answers(), 2);
	assert_string_equal(house_log(h.np, 1),
	    "dns a.test 1 allow allow-rest\n"
	    "learn a.test 10.1.2.3 5\n");
	close(c);
}

/* A client that checks who answers hears it from whom it asked. */
static void
answer_comes_from_the_address_asked(void **state)
{
	struct sockaddr_in to;
	int c = client(1);
	unsigned int n;

	pkt_query(&query, 1, "x.denied.test", DNS_A);
	for (n = 50; n < 53; n++) {
		to = loop_addr(n, h.port);
		assert_int_not_equal(sendto(c, query.b, query.len, 0,
					 (struct sockaddr *)&to, sizeof(to)),
		    -1);
		get(c);
		assert_memory_equal(&got_from.sin_addr, &to.sin_addr, 4);
		assert_int_equal(got_from.sin_port, h.port);
	}
	/* and after it had to wait */
	pkt_query(&query, 1, "a.test", DNS_A);
	to = loop_addr(77, h.port);
	assert_int_not_equal(sendto(c, query.b, query.len, 0,
				 (struct sockaddr *)&to, sizeof(to)),
	    -1);
	get_asked(0);
	answer_a(0, "a.test", "192.0.2.7");
	get(c);
	assert_memory_equal(&got_from.sin_addr, &to.sin_addr, 4);
	close(c);
}

static void
answer_too_large_for_udp_truncated(void **state)
{
	int c = client(1), i;

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	answer_begin(0, 60);
	for (i = 0; i < 60; i++)
		pkt_rr_a(&answer, "a.test", 300, "192.0.2.7");
	answer_send(0);
	get(c);
	assert_int_equal(answers(), 60);
	house_log_clear(h.np);
	pkt_head(&query, 1, 0x0100, 1, 0, 0, 0);
	pkt_question(&query, "a.test", DNS_A);
	send_query(c);
	get(c);
	assert_true(got.b[2] & 2);
	assert_int_equal(answers(), 0);
	/* what was not given was not learned */
	assert_null(strstr(house_log(h.np, 1), "learn"));
	close(c);
}

/* ---- bounds ---- */

static void
session_ended_hears_nothing_more(void **state)
{
	int c = client(1);

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	house_end(h.np, 1);
	house_log_clear(h.np);
	answer_a(0, "a.test", "192.0.2.7");
	assert_true(quiet(c));
	assert_string_equal(house_log(h.np, 1), "");
	assert_int_equal(house_held(h.np), 0);
	close(c);
}

/* n queries of session s, none of them answered, each name its own. */
static void
flood(int c, unsigned int n)
{
	struct sockaddr_in keep = resolver_peer;
	struct dns_server_stats st;
	uint64_t queries = h.d->stats.queries + n;
	static unsigned int k;
	char name[64];

	for (; n > 0; n--, k++) {
		snprintf(name, sizeof(name), "n%u.flood.test", k);
		ask(c, k & 0xffff, name, DNS_A);
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		while (recv(h.resolver[0], asked.b, sizeof(asked.b),
			   MSG_DONTWAIT) > 0)
			;
	}
	do {
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		dns_server_stats(h.d, &st);
	} while (st.queries < queries);
	resolver_peer = keep;
}

static unsigned int
count(const char *in, const char *what)
{
	unsigned int n = 0;

	for (; (in = strstr(in, what)) != NULL; in++)
		n++;
	return n;
}

/* More than ten thousand wait; what is beyond is refused, and others are served. */
static void
flood_beyond_its_share_refused(void **state)
{
	struct dns_server_stats st;
	int c = client(1), c2 = client(2);
	unsigned int i;

	ask(c, 7, "first.test", DNS_A);
	assert_string_equal(get_asked(0), "first.test");
	answer_begin(0, 1);
	pkt_rr_a(&answer, "first.test", 300, "192.0.2.7");
	got = answer;
	house_log_clear(h.np);
	flood(c, DNS_PENDING_SESSION - 1 + 100);
	answer = got;
	dns_server_stats(h.d, &st);
	assert_int_equal(st.pending, DNS_PENDING_SESSION);
	assert_int_equal(st.crowded, 100);
	assert_int_equal(st.evicted, 0);
	assert_true(DNS_PENDING_SESSION >= 10000);
	for (i = 0; i < 100; i++) {
		get(c);
		assert_int_equal(rcode(), DNS_SERVFAIL);
		assert_true(got_text("too many queries are waiting"));
	}
	assert_int_equal(count(house_log(h.np, 1), " allow "),
	    DNS_PENDING_SESSION - 1);
	assert_int_equal(count(house_log(h.np, 1), "deny builtin-dns-limit"),
	    100);
	/* what waited before is answered, and is in the cache for all */
	answer_send(0);
	get(c);
	assert_int_equal(dns_get16(got.b), 7);
	assert_int_equal(answers(), 1);
	flood(c, 1);
	ask(c, 8, "first.test", DNS_A);
	get(c);
	assert_int_equal(dns_get16(got.b), 8);
	assert_int_equal(answers(), 1);
	ask(c, 9, "localhost", DNS_A);
	get(c);
	assert_int_equal(answers(), 1);
	/* another's waits as ever */
	ask(c2, 10, "other.test", DNS_A);
	assert_string_equal(get_asked(0), "other.test");
	answer_a(0, "other.test", "192.0.2.8");
	get(c2);
	assert_int_equal(answers(), 1);
	close(c);
	close(c2);
}

/* The house is full: the oldest of who has most goes, and is told of. */
static void
flood_of_several_costs_the_greatest(void **state)
{
	struct dns_server_stats st;
	int c[4] = { client(1), client(2), client(3), client(4) };
	unsigned int i;

	flood(c[0], 1);
	flood(c[1], DNS_PENDING - 1 - DNS_PENDING_SESSION);
	flood(c[2], DNS_PENDING_SESSION);
	dns_server_stats(h.d, &st);
	assert_int_equal(st.pending, DNS_PENDING);
	assert_int_equal(st.evicted, 0);
	ask(c[3], 4, "other.test", DNS_A);
	assert_string_equal(get_asked(0), "other.test");
	for (i = 0; i < 4; i++)
		assert_int_equal(count(house_log(h.np, i + 1),
				     "deny builtin-dns-limit"),
		    i == 2);
	get(c[2]);
	assert_int_equal(rcode(), DNS_SERVFAIL);
	answer_a(0, "other.test", "192.0.2.8");
	get(c[3]);
	assert_int_equal(answers(), 1);
	for (i = 0; i < 4; i++)
		close(c[i]);
}

/* ---- TCP ---- */

static void
stream_pipelined_answered_as_they_come(void **state)
{
	int s = stream_client(1);

	pkt_query(&query, 1, "a.test", DNS_A);
	stream_send(s, &query);
	pkt_query(&query, 2, "x.denied.test", DNS_A);
	stream_send(s, &query);
	stream_get(s);
	assert_int_equal(dns_get16(got.b), 2);
	assert_int_equal(rcode(), DNS_NXDOMAIN);
	get_asked(0);
	answer_a(0, "a.test", "192.0.2.7");
	stream_get(s);
	assert_int_equal(dns_get16(got.b), 1);
	assert_int_equal(answers(), 1);
	assert_non_null(
	    strstr(house_log(h.np, 1), "learn a.test 192.0.2.7 300"));
	close(s);
	assert_true(quiet(h.resolver[0]));
	assert_int_equal(h.d->stats.streams, 0);
}

static void
stream_octet_by_octet_answered(void **state)
{
	int s = stream_client(1);
	uint8_t head[2];
	size_t i;

	pkt_query(&query, 1, "x.denied.test", DNS_A);
	dns_put16(head, (unsigned int)query.len);
	for (i = 0; i < query.len + 2; i++) {
		assert_int_equal(send(s, i < 2 ? head + i : query.b + i - 2, 1,
				     0),
		    1);
		event_base_loop(h.base, EVLOOP_NONBLOCK);
	}
	stream_get(s);
	assert_int_equal(rcode(), DNS_NXDOMAIN);
	close(s);
}

static void
stream_half_closed_gets_its_answers(void **state)
{
	int s = stream_client(1);
	char c;

	pkt_query(&query, 1, "a.test", DNS_A);
	stream_send(s, &query);
	shutdown(s, SHUT_WR);
	get_asked(0);
	assert_true(quiet(s));
	answer_a(0, "a.test", "192.0.2.7");
	stream_get(s);
	assert_int_equal(answers(), 1);
	assert_true(pump(s));
	assert_int_equal(recv(s, &c, 1, 0), 0);
	close(s);
}

static void
stream_closed_forgets_what_waits(void **state)
{
	int s = stream_client(1);

	pkt_query(&query, 1, "a.test", DNS_A);
	stream_send(s, &query);
	get_asked(0);
	close(s);
	/* half closed it might be: it is seen when it is written to */
	answer_a(0, "a.test", "192.0.2.7");
	assert_true(quiet(h.resolver[0]));
	assert_int_equal(h.d->stats.pending, 0);
	assert_int_equal(h.d->stats.streams, 0);
}

static void
stream_with_much_waiting_not_read(void **state)
{
	int s = stream_client(1), i, n = 0;
	char name[32];

	answer.len = 0;
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		pkt_query(&query, (unsigned int)i, name, DNS_A);
		pkt16(&answer, (unsigned int)query.len);
		pkt_raw(&answer, query.b, query.len);
	}
	assert_int_equal(send(s, answer.b, answer.len, 0), (ssize_t)answer.len);
	while (!quiet(h.resolver[0])) {
		get_asked(0);
		n++;
	}
	assert_int_equal(n, DNS_STREAM_PENDING);
	/* the last answer lets one more in */
	answer_a(0, "n63.test", "192.0.2.7");
	stream_get(s);
	get_asked(0);
	close(s);
}

/* However much one connection says at once, others have their turn. */
static void
stream_saying_much_waits_its_turn(void **state)
{
	struct dns_server_stats st;
	int s = stream_client(1), i;

	pkt_query(&query, 1, "x.denied.test", DNS_A);
	answer.len = 0;
	for (i = 0; i < 300; i++) {
		pkt16(&answer, (unsigned int)query.len);
		pkt_raw(&answer, query.b, query.len);
	}
	assert_int_equal(send(s, answer.b, answer.len, 0), (ssize_t)answer.len);
	/* and it will say no more, which must not cost it its answers */
	shutdown(s, SHUT_WR);
	for (i = 1; i < 5; i++) {
		event_base_loop(h.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		dns_server_stats(h.d, &st);
		assert_true(
		    st.queries <= 2u * (unsigned int)i * DNS_STREAM_TURN);
	}
	for (i = 0; i < 300; i++) {
		stream_get(s);
		assert_int_equal(rcode(), DNS_NXDOMAIN);
	}
	assert_true(pump(s));
	assert_int_equal(recv(s, got.b, 1, 0), 0);
	close(s);
}

static void
stream_not_reading_not_served(void **state)
{
	struct dns_server_stats st;
	int s = stream_client(1), size = 4096, i;
	uint8_t head[2];
	ssize_t n;

	(void)setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	pkt_query(&query, 1, "x.denied.test", DNS_A);
	dns_put16(head, (unsigned int)query.len);
	memmove(query.b + 2, query.b, query.len);
	memcpy(query.b, head, 2);
	query.len += 2;
	for (i = 0; i < 200000; i++) {
		n = send(s, query.b, query.len, 0);
		if (n != (ssize_t)query.len) {
			assert_true(quiet(h.resolver[0]));
			if (n >= 0 || errno != EAGAIN ||
			    send(s, query.b, query.len, 0) == -1)
				break;
		}
	}
	assert_true(i < 200000);
	dns_server_stats(h.d, &st);
	/* what its buffers hold, not what it could have sent */
	assert_true(st.queries < 5000);
	close(s);
}

static void
stream_of_too_many_closed(void **state)
{
	int s, s2;
	char c;

	house_clients_max(h.np, 1);
	s = stream_client(1);
	s2 = stream_client(1);
	assert_true(pump(s2));
	assert_int_equal(recv(s2, &c, 1, 0), 0);
	house_end(h.np, 1);
	assert_true(pump(s));
	assert_int_equal(recv(s, &c, 1, 0), 0);
	close(s);
	close(s2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(name_allowed_forwarded_learned_cached),
		T(name_in_cache_judged_for_each),
		T(name_denied_nxdomain_names_rule),
		T(query_of_other_kinds_refused),
		T(query_malformed_formerr_and_nothing_else),
		T(query_of_stranger_ignored),
		T(query_without_room_for_its_record_fails),
		T(name_redirected_answered_here),
		T(name_localhost_never_leaves),
		T(chain_learned_under_the_name_asked),
		T(answer_comes_from_the_address_asked),
		T(answer_too_large_for_udp_truncated),
		T(session_ended_hears_nothing_more),
		T(flood_beyond_its_share_refused),
		T(flood_of_several_costs_the_greatest),
		T(stream_pipelined_answered_as_they_come),
		T(stream_octet_by_octet_answered),
		T(stream_half_closed_gets_its_answers),
		T(stream_closed_forgets_what_waits),
		T(stream_with_much_waiting_not_read),
		T(stream_saying_much_waits_its_turn),
		T(stream_not_reading_not_served),
		T(stream_of_too_many_closed),
	};

	signal(SIGPIPE, SIG_IGN); /* as netproxy does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
