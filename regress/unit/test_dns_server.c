/*
 * The resolver of the sessions between clients and resolvers of the test's own,
 * all on loopback and in this process: who may ask what, who gets what, and
 * what an answer must be to be believed.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "dnshelp.h"
#include "netproxy/dns_int.h"

#define PATIENCE_S 60 /* a machine may be slow; no test waits for it to end */

struct house {
	struct event_base *base;
	struct np *np;
	struct dns_server *d;
	in_port_t port; /* of the server, network order */
	int resolver[2]; /* UDP; the second is used where a test says so */
	int listener; /* TCP, of resolver[0] */
	struct dns_conf conf;
};

static struct house h;
static struct pkt query, asked, answer, got;
static struct sockaddr_in resolver_peer, got_from;

static struct sockaddr_in
loop_addr(unsigned int n, in_port_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = port };

	sin.sin_addr.s_addr = htonl(0x7f000000u + n);
	return sin;
}

static int
bound(int type, uint32_t addr, in_port_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = port };
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(addr);
	assert_int_not_equal(fd, -1);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static in_port_t
port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return sin.sin_port;
}

/* Turn the loop until fd can be read; false: it cannot, and nothing goes on. */
static bool
pump(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	time_t until = time(NULL) + PATIENCE_S;

	do {
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		if (poll(&p, 1, 1) == 1)
			return true;
	} while (time(NULL) < until);
	return false;
}

/* Some turns, for what must not happen. */
static bool
quiet(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int i;

	for (i = 0; i < 20; i++) {
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		if (poll(&p, 1, 1) == 1)
			return false;
	}
	return true;
}

static int
setup(void **state)
{
	int fd, on = 1;

	h.base = event_base_new();
	h.np = house_new(h.base);
	h.d = dns_server_new(h.np);
	assert_non_null(h.d);
	fd = bound(SOCK_DGRAM, INADDR_ANY, 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on,
			     sizeof(on)),
	    0);
	h.port = port_of(fd);
	assert_int_equal(dns_server_udp(h.d, fd), 0);
	/* one port for both, which somebody may have */
	do {
		h.resolver[0] = bound(SOCK_DGRAM, INADDR_LOOPBACK, 0);
		h.listener = bound(SOCK_STREAM, INADDR_LOOPBACK,
		    port_of(h.resolver[0]));
		if (h.listener == -1)
			close(h.resolver[0]);
	} while (h.listener == -1);
	assert_int_equal(listen(h.listener, 16), 0);
	h.resolver[1] = bound(SOCK_DGRAM, INADDR_LOOPBACK, 0);
	dns_conf_init(&h.conf);
	h.conf.timeout_ms = PATIENCE_S * 1000;
	h.conf.nservers = 1;
	for (fd = 0; fd < 2; fd++) {
		struct sockaddr_in sin = loop_addr(1, port_of(h.resolver[fd]));

		memcpy(&h.conf.server[fd], &sin, sizeof(sin));
	}
	dns_server_configure(h.d, &h.conf);
	return 0;
}

static int
teardown(void **state)
{
	dns_server_free(h.d);
	assert_int_equal(house_held(h.np), 0);
	house_free(h.np);
	event_base_free(h.base);
	close(h.resolver[0]);
	close(h.resolver[1]);
	close(h.listener);
	return 0;
}

/* ---- clients ---- */

static int
client(unsigned int n)
{
	int fd = bound(SOCK_DGRAM, 0x7f000000u + n, 0);

	assert_int_not_equal(fd, -1);
	return fd;
}

static void
send_query(int fd)
{
	struct sockaddr_in to = loop_addr(1, h.port);

	assert_int_equal(sendto(fd, query.b, query.len, 0,
			     (struct sockaddr *)&to, sizeof(to)),
	    (ssize_t)query.len);
}

static void
ask(int fd, unsigned int id, const char *name, unsigned int type)
{
	pkt_query(&query, id, name, type);
	send_query(fd);
}

static void
get(int fd)
{
	socklen_t len = sizeof(got_from);
	ssize_t n;

	assert_true(pump(fd));
	n = recvfrom(fd, got.b, sizeof(got.b), 0, (struct sockaddr *)&got_from,
	    &len);
	assert_true(n >= DNS_HEADER_BYTES);
	got.len = (size_t)n;
}

static unsigned int
rcode(void)
{
	return got.b[3] & 0x0f;
}

static unsigned int
answers(void)
{
	return dns_get16(got.b + 6);
}

static bool
got_text(const char *text)
{
	return memmem(got.b, got.len, text, strlen(text)) != NULL;
}

/* ---- resolvers ---- */

/* The next question that arrives at resolver r, in asked; what it asks. */
static const char *
get_asked(unsigned int r)
{
	static char text[DNS_TEXT_MAX];
	socklen_t len = sizeof(resolver_peer);
	struct dns_query q;
	ssize_t n;

	assert_true(pump(h.resolver[r]));
	n = recvfrom(h.resolver[r], asked.b, sizeof(asked.b), 0,
	    (struct sockaddr *)&resolver_peer, &len);
	assert_true(n > 0);
	asked.len = (size_t)n;
	assert_int_equal(dns_query_parse(&q, asked.b, asked.len), 0);
	dns_name_text(&q.name, text);
	return text;
}

/* An answer to what was asked, without records yet. */
static void
answer_begin(unsigned int rcode_sent, unsigned int an)
{
	struct dns_query q;

	assert_int_equal(dns_query_parse(&q, asked.b, asked.len), 0);
	pkt_head(&answer, q.id, 0x8180 | rcode_sent, 1, an, 0, 0);
	pkt_raw(&answer, asked.b + 12, (size_t)q.name.len + 4);
}

static void
answer_send(unsigned int r)
{
	assert_int_equal(sendto(h.resolver[r], answer.b, answer.len, 0,
			     (struct sockaddr *)&resolver_peer,
			     sizeof(resolver_peer)),
	    (ssize_t)answer.len);
}

static void
answer_a(unsigned int r, const char *name, const char *addr)
{
	answer_begin(0, 1);
	pkt_rr_a(&answer, name, 300, addr);
	answer_send(r);
}

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

/* Take the connection that comes, and what is asked on it. */
static int
stream_accept(void)
{
	uint8_t head[2];
	size_t n = 0;
	ssize_t r;
	int s;

	assert_true(pump(h.listener));
	s = accept(h.listener, NULL, NULL);
	assert_int_not_equal(s, -1);
	assert_true(pump(s));
	assert_int_equal(recv(s, head, 2, MSG_WAITALL), 2);
	asked.len = dns_get16(head);
	while (n < asked.len) {
		assert_true(pump(s));
		r = recv(s, asked.b + n, asked.len - n, 0);
		assert_true(r > 0);
		n += (size_t)r;
	}
	return s;
}

static void
stream_send(int s, const struct pkt *p)
{
	uint8_t head[2];

	dns_put16(head, (unsigned int)p->len);
	assert_int_equal(send(s, head, 2, 0), 2);
	assert_int_equal(send(s, p->b, p->len, 0), (ssize_t)p->len);
}

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

/* Ten thousand and more wait: the oldest of who has most go, others are served. */
static void
flood_costs_its_sender(void **state)
{
	struct dns_server_stats st;
	struct dns_query q;
	int c = client(1), c2 = client(2), i, size = 8 << 20;
	char name[64];

	(void)setsockopt(h.resolver[0], SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof(size));
	ask(c2, 7, "quiet.test", DNS_A);
	assert_string_equal(get_asked(0), "quiet.test");
	answer_begin(0, 1);
	pkt_rr_a(&answer, "quiet.test", 300, "192.0.2.7");
	got = answer;
	for (i = 0; i < 10500; i++) {
		struct sockaddr_in keep = resolver_peer;

		snprintf(name, sizeof(name), "n%d.flood.test", i);
		ask(c, (unsigned int)i, name, DNS_A);
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		while (recv(h.resolver[0], asked.b, sizeof(asked.b),
			   MSG_DONTWAIT) > 0)
			;
		resolver_peer = keep;
	}
	do {
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		dns_server_stats(h.d, &st);
	} while (st.queries < 10501);
	assert_int_equal(st.pending, DNS_PENDING_SESSION + 1);
	assert_int_equal(st.evicted, 10500 - DNS_PENDING_SESSION);
	answer = got;
	/* the oldest first, in order */
	for (i = 0; i < 100; i++) {
		get(c);
		assert_int_equal(rcode(), DNS_SERVFAIL);
		assert_int_equal(dns_query_parse(&q, got.b, 3), DNS_DROP);
		assert_int_equal(dns_get16(got.b), i);
	}
	answer_send(0);
	get(c2);
	assert_int_equal(dns_get16(got.b), 7);
	assert_int_equal(answers(), 1);
	close(c);
	close(c2);
}

/* ---- TCP ---- */

static int
stream_client(unsigned int n)
{
	int sv[2], size = 16384;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     sv),
	    0);
	(void)setsockopt(sv[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	dns_server_stream(h.d, house_session(h.np, n), sv[1]);
	return sv[0];
}

static void
stream_get(int s)
{
	uint8_t head[2];
	size_t n = 0;
	ssize_t r;

	assert_true(pump(s));
	assert_int_equal(recv(s, head, 2, 0), 2);
	got.len = dns_get16(head);
	while (n < got.len) {
		assert_true(pump(s));
		r = recv(s, got.b + n, got.len - n, 0);
		assert_true(r > 0);
		n += (size_t)r;
	}
}

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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		T(question_of_many_asked_once),
		T(answer_to_another_question_not_believed),
		T(questions_come_from_random_ports),
		T(port_that_is_guessed_at_left),
		T(case_mixed_is_wanted_back),
		T(answer_truncated_asked_by_tcp),
		T(resolver_closing_its_stream_asked_again),
		T(resolver_silent_next_asked),
		T(resolvers_all_silent_servfail),
		T(resolvers_absent_servfail_at_once),
		T(resolver_port_closed_servfail_soon),
		T(resolver_failing_next_asked),
		T(resolver_hating_edns_asked_without),
		T(resolvers_asked_in_rotation),
		T(resolver_on_ipv6_asked),
		T(resolvers_changed_asked_anew),
		T(answer_of_rubbish_servfail),
		T(session_ended_hears_nothing_more),
		T(flood_costs_its_sender),
		T(stream_pipelined_answered_as_they_come),
		T(stream_octet_by_octet_answered),
		T(stream_half_closed_gets_its_answers),
		T(stream_closed_forgets_what_waits),
		T(stream_with_much_waiting_not_read),
		T(stream_not_reading_not_served),
		T(stream_of_too_many_closed),
		T(resolve_gives_both_families),
		T(resolve_says_why_there_is_none),
		T(resolve_cancelled_never_called),
	};

	signal(SIGPIPE, SIG_IGN); /* as netproxy does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
