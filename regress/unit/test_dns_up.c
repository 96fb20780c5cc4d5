/*
 * The resolver of the sessions as the machine's own resolvers see it: what is
 * asked of whom, what an answer must be to be believed, what becomes of a
 * question that nobody answers.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/log.h"
#include "dnsloop.h"

/* ---- what is believed ---- */

static void
question_of_many_asked_once(void **state)
{
	int c[3] = { client(1), client(2), client(3) };
	static const char *const name[3] = { "a.test", "A.test", "a.TEST" };
	unsigned int i;

	for (i = 0; i < 3; i++)
		ask(c[i], 10 + i, name[i], DNS_A);
	get_asked(0);
	assert_true(quiet(h.resolver[0]));
	answer_a(0, "a.test", "192.0.2.7");
	for (i = 0; i < 3; i++) {
		get(c[i]);
		assert_int_equal(dns_get16(got.b), 10 + i);
		assert_memory_equal(got.b + 13, name[i], 1);
		assert_memory_equal(got.b + 15, name[i] + 2, 4);
		assert_non_null(strstr(house_log(h.np, i + 1),
		    "learn a.test 192.0.2.7 300"));
		close(c[i]);
	}
}

static void
answer_to_another_question_not_believed(void **state)
{
	int c = client(1), liar;

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	/* another id */
	answer_begin(0, 1);
	pkt_rr_a(&answer, "a.test", 300, "192.0.2.66");
	answer.b[0] ^= 1;
	answer_send(0);
	/* another name, another type, no question at all */
	answer_begin(0, 1);
	answer.b[13] ^= 3;
	pkt_rr_a(&answer, "a.test", 300, "192.0.2.66");
	answer_send(0);
	answer_begin(0, 1);
	answer.b[12 + 8 + 1] = DNS_AAAA;
	pkt_rr_a(&answer, "a.test", 300, "192.0.2.66");
	answer_send(0);
	pkt_head(&answer, dns_get16(asked.b), 0x8180, 0, 1, 0, 0);
	pkt_rr_a(&answer, "a.test", 300, "192.0.2.66");
	answer_send(0);
	/* the right one from another port, and from another address */
	answer_begin(0, 1);
	pkt_rr_a(&answer, "a.test", 300, "192.0.2.66");
	answer_send(1);
	liar = bound(SOCK_DGRAM, 0x7f000002u, port_of(h.resolver[0]));
	if (liar != -1) {
		(void)sendto(liar, answer.b, answer.len, 0,
		    (struct sockaddr *)&resolver_peer, sizeof(resolver_peer));
		close(liar);
	}
	assert_true(quiet(c));
	answer_a(0, "a.test", "192.0.2.7");
	get(c);
	assert_int_equal(answers(), 1);
	assert_string_equal(house_log(h.np, 1),
	    "dns a.test 1 allow allow-rest\n"
	    "learn a.test 192.0.2.7 300\n");
	close(c);
}

/* No two questions have the same port and id; ids are no sequence. */
static void
questions_come_from_random_ports(void **state)
{
	in_port_t port[32];
	char name[32];
	int c = client(1);
	unsigned int i, k, same = 0, next = 0, id, last = 0;

	for (i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		ask(c, 1, name, DNS_A);
		get_asked(0);
		port[i] = resolver_peer.sin_port;
		for (k = 0; k < i; k++)
			same += port[k] == port[i];
		id = dns_get16(asked.b);
		next += id == ((last + 1) & 0xffff);
		last = id;
	}
	assert_int_equal(same, 0); /* all are open at once */
	assert_true(next < 3);
	close(c);
}

static void
port_that_is_guessed_at_left(void **state)
{
	int c = client(1), s, i;

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	for (i = 0; i < (int)DNS_UP_STRAYS; i++) {
		answer_begin(0, 1);
		dns_put16(answer.b, dns_get16(answer.b) + 1u + (unsigned)i);
		pkt_rr_a(&answer, "a.test", 300, "192.0.2.66");
		answer_send(0);
		event_base_loop(h.base, EVLOOP_NONBLOCK);
	}
	assert_true(pump(h.listener));
	s = accept(h.listener, NULL, NULL);
	assert_int_not_equal(s, -1);
	/* what now arrives at the port is nobody's */
	answer_a(0, "a.test", "192.0.2.66");
	assert_true(quiet(c));
	close(s);
	close(c);
}

static void
case_mixed_is_wanted_back(void **state)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz.test";
	int c = client(1);
	size_t i, upper = 0;

	dns_up_mix_case(h.d->up, true);
	ask(c, 1, name, DNS_A);
	assert_string_equal(get_asked(0), name);
	for (i = 13; i < 13 + 26; i++)
		upper += asked.b[i] >= 'A' && asked.b[i] <= 'Z';
	assert_true(upper > 0 && upper < 26); /* else one in 2^25 */
	answer_begin(0, 1);
	answer.b[13] ^= 0x20;
	pkt_rr_a(&answer, name, 300, "192.0.2.66");
	answer_send(0);
	assert_true(quiet(c));
	answer_a(0, name, "192.0.2.7");
	get(c);
	assert_int_equal(answers(), 1);
	assert_memory_equal(got.b + 13, name, 26);
	close(c);
}

/* ---- resolvers that are no help ---- */

static void
answer_truncated_asked_by_tcp(void **state)
{
	int c = client(1), s, i;

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	answer_begin(0, 0);
	answer.b[2] |= 2;
	answer_send(0);
	s = stream_accept();
	answer_begin(0, 100);
	for (i = 0; i < 100; i++)
		pkt_rr_a(&answer, "a.test", 300, "192.0.2.7");
	stream_send(s, &answer);
	get(c);
	/* DNS_ANSWER_ADDRS of them */
	assert_int_equal(answers(), 64);
	close(s);
	close(c);
}

static void
resolver_closing_its_stream_asked_again(void **state)
{
	int c = client(1), s;

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	answer_begin(0, 0);
	answer.b[2] |= 2;
	answer_send(0);
	s = stream_accept();
	assert_int_equal(send(s, "\0", 1, 0), 1);
	close(s);
	get_asked(0);
	answer_a(0, "a.test", "192.0.2.7");
	get(c);
	assert_int_equal(answers(), 1);
	close(c);
}

static void
resolver_silent_next_asked(void **state)
{
	int c = client(1);

	h.conf.nservers = 2;
	h.conf.timeout_ms = 500;
	h.conf.attempts = 100;
	dns_server_configure(h.d, &h.conf);
	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	/* on a slow machine an answer may come too late for its question */
	do {
		assert_string_equal(get_asked(1), "a.test");
		answer_a(1, "a.test", "192.0.2.7");
	} while (quiet(c));
	get(c);
	assert_int_equal(answers(), 1);
	close(c);
}

/* One name that no answer comes for says nothing of who answers others. */
static void
resolver_slow_for_one_name_asked_first_for_others(void **state)
{
	struct dns_up_stats st;
	unsigned int ms;
	int c = client(1);
	bool first = false;

	h.conf.nservers = 2;
	h.conf.attempts = 1;
	/* on a slow machine the answer may come after the other's deadline */
	for (ms = 200; !first && ms < 8000; ms *= 2) {
		h.conf.timeout_ms = ms;
		dns_server_configure(h.d, &h.conf);
		ask(c, 1, "lame.test", DNS_A);
		assert_string_equal(get_asked(0), "lame.test");
		ask(c, 2, "b.test", DNS_A);
		assert_string_equal(get_asked(0), "b.test");
		answer_a(0, "b.test", "192.0.2.7");
		assert_string_equal(get_asked(1), "lame.test");
		answer_a(1, "lame.test", "192.0.2.7");
		ask(c, 3, "c.test", DNS_A);
		first = !quiet(h.resolver[0]);
		/* all that is on its way ends, so that the next turn is like it */
		do {
			event_base_loop(h.base, EVLOOP_NONBLOCK);
			dns_up_stats(h.d->up, &st);
		} while (st.flights > 0);
		while (!quiet(h.resolver[0]))
			get_asked(0);
		while (!quiet(h.resolver[1]))
			get_asked(1);
		while (!quiet(c))
			get(c);
	}
	assert_true(first);
	close(c);
}

/* It does answer: that its TCP is no help is no reason to leave it. */
static void
resolver_without_tcp_asked_first_for_others(void **state)
{
	int c = client(1), s;

	h.conf.nservers = 2;
	dns_server_configure(h.d, &h.conf);
	ask(c, 1, "large.test", DNS_A);
	get_asked(0);
	answer_begin(0, 0);
	answer.b[2] |= 2;
	answer_send(0);
	s = stream_accept();
	close(s);
	assert_string_equal(get_asked(1), "large.test");
	ask(c, 2, "c.test", DNS_A);
	assert_string_equal(get_asked(0), "c.test");
	ask(c, 3, "large2.test", DNS_A);
	get_asked(0);
	answer_begin(0, 0);
	answer.b[2] |= 2;
	answer_send(0);
	s = stream_accept();
	answer_begin(DNS_SERVFAIL, 0);
	stream_send(s, &answer);
	assert_string_equal(get_asked(1), "large2.test");
	ask(c, 4, "d.test", DNS_A);
	assert_string_equal(get_asked(0), "d.test");
	close(s);
	close(c);
}

/* Whoever asks for what is always too large leaves streams to others. */
static void
streams_of_one_session_bounded(void **state)
{
	int c = client(1), c2 = client(2), s, held[DNS_UP_STREAMS];
	unsigned int i, n = 0;
	char name[32];

	for (i = 0; i < 80; i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		ask(c, i, name, DNS_A);
		do {
			get_asked(0);
			answer_begin(0, 0);
			answer.b[2] |= 2;
			answer_send(0);
		} while (!quiet(h.resolver[0]));
		while ((s = accept(h.listener, NULL, NULL)) != -1)
			held[n++] = s;
	}
	assert_int_equal(n, DNS_UP_STREAMS_EACH);
	ask(c2, 1, "large.test", DNS_A);
	get_asked(0);
	answer_begin(0, 0);
	answer.b[2] |= 2;
	answer_send(0);
	s = stream_accept();
	answer_begin(0, 1);
	pkt_rr_a(&answer, "large.test", 300, "192.0.2.7");
	stream_send(s, &answer);
	get(c2);
	assert_int_equal(answers(), 1);
	while (n > 0)
		close(held[--n]);
	close(s);
	close(c);
	close(c2);
}

static char said[1024];

static void
keep_line(int level, const char *text, void *arg)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s\n", text);
}

/* Once, of the first resolver. */
static bool
was_said(const char *what)
{
	char text[128];

	snprintf(text, sizeof(text), "resolver 127.0.0.1 port %u %s",
	    ntohs(port_of(h.resolver[0])), what);
	return strstr(said, text) != NULL &&
	    strstr(strstr(said, text) + 1, text) == NULL;
}

/* Whoever looks why no name is found reads it in the log, once. */
static void
resolver_silent_said(void **state)
{
	int c = client(1), i;

	said[0] = '\0';
	log_set_sink(keep_line, NULL);
	h.conf.timeout_ms = 100;
	dns_server_configure(h.d, &h.conf);
	for (i = 0; i < 3; i++) {
		ask(c, (unsigned int)i, "a.test", DNS_A);
		get(c);
		assert_int_equal(rcode(), DNS_SERVFAIL);
	}
	assert_true(was_said("is silent"));
	/* on a slow machine the answer may come too late, and again */
	do {
		while (!quiet(h.resolver[0]))
			get_asked(0);
		ask(c, 9, "b.test", DNS_A);
		get_asked(0);
		answer_a(0, "b.test", "192.0.2.7");
		get(c);
	} while (rcode() != DNS_NOERROR);
	assert_true(was_said("answers again"));
	log_set_sink(NULL, NULL);
	close(c);
}

static void
resolvers_all_silent_servfail(void **state)
{
	struct dns_up_stats st;
	int c = client(1), c2 = client(2);

	h.conf.nservers = 2;
	h.conf.timeout_ms = 10;
	dns_server_configure(h.d, &h.conf);
	ask(c, 1, "a.test", DNS_A);
	ask(c2, 2, "a.test", DNS_A);
	get(c);
	assert_int_equal(rcode(), DNS_SERVFAIL);
	assert_true(got_text("no resolver of this machine answered"));
	get(c2);
	assert_int_equal(rcode(), DNS_SERVFAIL);
	dns_up_stats(h.d->up, &st);
	assert_int_equal(st.sent, 4);
	assert_int_equal(st.flights, 0);
	assert_int_equal(st.sockets, 0);
	close(c);
	close(c2);
}

static void
resolvers_absent_servfail_at_once(void **state)
{
	struct dns_conf none;
	int c = client(1);

	dns_conf_init(&none);
	dns_server_configure(h.d, &none);
	ask(c, 1, "a.test", DNS_A);
	get(c);
	assert_int_equal(rcode(), DNS_SERVFAIL);
	close(c);
}

static void
resolver_port_closed_servfail_soon(void **state)
{
	int c = client(1);

	close(h.resolver[0]);
	ask(c, 1, "a.test", DNS_A); /* the timeout is a minute */
	get(c);
	assert_int_equal(rcode(), DNS_SERVFAIL);
	h.resolver[0] = bound(SOCK_DGRAM, INADDR_LOOPBACK, 0);
	close(c);
}

static void
resolver_failing_next_asked(void **state)
{
	int c = client(1);

	h.conf.nservers = 2;
	dns_server_configure(h.d, &h.conf);
	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	answer_begin(DNS_SERVFAIL, 0);
	answer_send(0);
	get_asked(1);
	answer_begin(DNS_NXDOMAIN, 0);
	answer_send(1);
	get(c);
	assert_int_equal(rcode(), DNS_NXDOMAIN);
	close(c);
}

static void
resolver_hating_edns_asked_without(void **state)
{
	struct dns_query q;
	int c = client(1);

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	answer_begin(DNS_FORMERR, 0);
	answer_send(0);
	get_asked(0);
	assert_int_equal(dns_query_parse(&q, asked.b, asked.len), 0);
	assert_false(q.edns);
	answer_a(0, "a.test", "192.0.2.7");
	get(c);
	assert_int_equal(answers(), 1);
	close(c);
}

static void
resolvers_asked_in_rotation(void **state)
{
	int c = client(1);

	h.conf.nservers = 2;
	h.conf.rotate = true;
	dns_server_configure(h.d, &h.conf);
	ask(c, 1, "a.test", DNS_A);
	ask(c, 2, "b.test", DNS_A);
	assert_string_equal(get_asked(0), "a.test");
	assert_string_equal(get_asked(1), "b.test");
	assert_true(quiet(h.resolver[0]) && quiet(h.resolver[1]));
	close(c);
}

static void
resolver_on_ipv6_asked(void **state)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(sin6);
	int c = client(1), fd;

	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)) == -1)
		skip(); /* no IPv6 here */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin6, &len), 0);
	memcpy(&h.conf.server[0], &sin6, sizeof(sin6));
	dns_server_configure(h.d, &h.conf);
	ask(c, 1, "a.test", DNS_A);
	assert_true(pump(fd));
	asked.len = (size_t)recvfrom(fd, asked.b, sizeof(asked.b), 0,
	    (struct sockaddr *)&sin6, &len);
	answer_begin(0, 1);
	pkt_rr_a(&answer, "a.test", 300, "192.0.2.7");
	assert_int_equal(sendto(fd, answer.b, answer.len, 0,
			     (struct sockaddr *)&sin6, len),
	    (ssize_t)answer.len);
	get(c);
	assert_int_equal(answers(), 1);
	close(fd);
	close(c);
}

/* An interface with an address that is valid on its link alone, if there is one. */
static bool
find_link_local(struct sockaddr_in6 *sin6, char zone[IF_NAMESIZE])
{
	struct ifaddrs *all, *i;
	bool found = false;

	if (getifaddrs(&all) == -1)
		return false;
	for (i = all; i != NULL && !found; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET6)
			continue;
		memcpy(sin6, i->ifa_addr, sizeof(*sin6));
		found = IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr);
		snprintf(zone, IF_NAMESIZE, "%s", i->ifa_name);
	}
	freeifaddrs(all);
	return found;
}

/* As "nameserver fe80::53%eth0" has it; run/resolver.sh sees that it can be tried. */
static void
resolver_link_local_asked_by_its_interface(void **state)
{
	struct sockaddr_in6 sin6, peer;
	socklen_t len = sizeof(sin6);
	int c = client(1), fd;

	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || !find_link_local(&sin6, h.conf.zone[0]) ||
	    bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)) == -1)
		skip();
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin6, &len), 0);
	sin6.sin6_scope_id = 0;
	memcpy(&h.conf.server[0], &sin6, sizeof(sin6));
	h.conf.server[1] = h.conf.server[0];
	strcpy(h.conf.zone[1], h.conf.zone[0]);
	/* of an interface that has not come yet: the next is asked at once */
	strcpy(h.conf.zone[0], "no-such-if0");
	h.conf.nservers = 2;
	dns_server_configure(h.d, &h.conf);
	ask(c, 1, "a.test", DNS_A);
	assert_true(pump(fd));
	len = sizeof(peer);
	asked.len = (size_t)recvfrom(fd, asked.b, sizeof(asked.b), 0,
	    (struct sockaddr *)&peer, &len);
	answer_begin(0, 1);
	pkt_rr_a(&answer, "a.test", 300, "192.0.2.7");
	assert_int_equal(sendto(fd, answer.b, answer.len, 0,
			     (struct sockaddr *)&peer, len),
	    (ssize_t)answer.len);
	get(c);
	assert_int_equal(answers(), 1);
	close(fd);
	close(c);
}

static void
resolvers_changed_asked_anew(void **state)
{
	int c = client(1);

	ask(c, 1, "a.test", DNS_A);
	get_asked(0);
	h.conf.server[0] = h.conf.server[1];
	dns_server_configure(h.d, &h.conf);
	get_asked(1);
	answer_a(1, "a.test", "192.0.2.7");
	get(c);
	assert_int_equal(answers(), 1);
	close(c);
}

static void
answer_of_rubbish_servfail(void **state)
{
	int c = client(1), i;

	ask(c, 1, "a.test", DNS_A);
	for (i = 0; i < 2; i++) {
		get_asked(0);
		answer_begin(0, 1);
		pkt_raw(&answer, "\xc0\xff\0\1", 4);
		answer_send(0);
	}
	get(c);
	assert_int_equal(rcode(), DNS_SERVFAIL);
	close(c);
}

/* ---- dns_resolve ---- */

struct resolved {
	unsigned int called, n;
	int rcode;
	struct sockaddr_storage ss[32];
};

static void
on_resolved(const struct sockaddr_storage *ss, unsigned int n, int code,
    void *arg)
{
	struct resolved *r = arg;

	r->called++;
	r->n = n;
	r->rcode = code;
	memcpy(r->ss, ss, n * sizeof(*ss));
}

static void
turn_until(const unsigned int *called)
{
	time_t until = time(NULL) + PATIENCE_S;

	while (*called == 0 && time(NULL) < until)
		event_base_loop(h.base, EVLOOP_NONBLOCK);
	assert_int_equal(*called, 1);
}

static void
resolve_gives_both_families(void **state)
{
	struct resolved r = { 0 }, again = { 0 };
	int i;

	assert_non_null(dns_resolve(h.d, house_session(h.np, 1), "A.test",
	    AF_UNSPEC, on_resolved, &r));
	assert_int_equal(r.called, 0);
	for (i = 0; i < 2; i++) {
		get_asked(0);
		if (asked.b[12 + 8 + 1] == DNS_A)
			answer_a(0, "a.test", "192.0.2.7");
		else
			answer_a(0, "a.test", "2001:db8::7");
	}
	turn_until(&r.called);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.rcode, DNS_NOERROR);
	assert_int_equal(r.ss[0].ss_family, AF_INET);
	assert_int_equal(r.ss[1].ss_family, AF_INET6);
	/* neither judged nor learned */
	assert_string_equal(house_log(h.np, 1), "");
	/* from the cache: from the loop all the same */
	assert_non_null(dns_resolve(h.d, house_session(h.np, 1), "a.test",
	    AF_INET6, on_resolved, &again));
	assert_int_equal(again.called, 0);
	turn_until(&again.called);
	assert_int_equal(again.n, 1);
	assert_int_equal(h.d->stats.lookups, 0);
}

static void
resolve_says_why_there_is_none(void **state)
{
	struct resolved r[4] = { { 0 } };
	struct np_session *s = house_session(h.np, 1);

	assert_non_null(
	    dns_resolve(h.d, s, "no.test", AF_INET, on_resolved, &r[0]));
	get_asked(0);
	answer_begin(DNS_NXDOMAIN, 0);
	answer_send(0);
	turn_until(&r[0].called);
	assert_int_equal(r[0].rcode, DNS_NXDOMAIN);
	assert_non_null(
	    dns_resolve(h.d, s, "a b", AF_INET, on_resolved, &r[1]));
	turn_until(&r[1].called);
	assert_int_equal(r[1].rcode, DNS_FORMERR);
	assert_non_null(
	    dns_resolve(h.d, s, "LOCALHOST", AF_UNSPEC, on_resolved, &r[2]));
	turn_until(&r[2].called);
	assert_int_equal(r[2].n, 2);
	h.conf.nservers = 0;
	dns_server_configure(h.d, &h.conf);
	assert_non_null(
	    dns_resolve(h.d, s, "a.test", AF_UNSPEC, on_resolved, &r[3]));
	turn_until(&r[3].called);
	assert_int_equal(r[3].rcode, DNS_SERVFAIL);
}

static void
resolve_cancelled_never_called(void **state)
{
	struct resolved r = { 0 };
	struct np_session *s = house_session(h.np, 1);
	struct dns_lookup *l;

	l = dns_resolve(h.d, s, "a.test", AF_UNSPEC, on_resolved, &r);
	get_asked(0);
	dns_resolve_cancel(l);
	l = dns_resolve(h.d, s, "localhost", AF_UNSPEC, on_resolved, &r);
	dns_resolve_cancel(l);
	answer_a(0, "a.test", "192.0.2.7");
	assert_true(quiet(h.resolver[1]));
	assert_int_equal(r.called, 0);
	/* and one that is still waiting when the house goes down */
	assert_non_null(
	    dns_resolve(h.d, s, "b.test", AF_INET, on_resolved, &r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(question_of_many_asked_once),
		T(answer_to_another_question_not_believed),
		T(questions_come_from_random_ports),
		T(port_that_is_guessed_at_left),
		T(case_mixed_is_wanted_back),
		T(answer_truncated_asked_by_tcp),
		T(resolver_closing_its_stream_asked_again),
		T(resolver_silent_next_asked),
		T(resolver_slow_for_one_name_asked_first_for_others),
		T(resolver_without_tcp_asked_first_for_others),
		T(streams_of_one_session_bounded),
		T(resolver_silent_said),
		T(resolvers_all_silent_servfail),
		T(resolvers_absent_servfail_at_once),
		T(resolver_port_closed_servfail_soon),
		T(resolver_failing_next_asked),
		T(resolver_hating_edns_asked_without),
		T(resolvers_asked_in_rotation),
		T(resolver_on_ipv6_asked),
		T(resolver_link_local_asked_by_its_interface),
		T(resolvers_changed_asked_anew),
		T(answer_of_rubbish_servfail),
		T(resolve_gives_both_families),
		T(resolve_says_why_there_is_none),
		T(resolve_cancelled_never_called),
	};

	signal(SIGPIPE, SIG_IGN); /* as netproxy does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
