/*
 * Connections of the proxy over time: every limit of it, what is held for who
 * does not read, and that nothing is done without a record.  The clock is ours
 * (clock_gettime below, which libevent calls too), so nothing here waits; servers
 * are the other ends of socket pairs.
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "netproxy/dns_server.h"
#include "netproxy/http_dial.h"
#include "netproxy/http_proxy.h"
#include "netproxy/http_tunnel.h"

#define SERVERS 64

/* What becomes of a connection, by the last number of the address. */
#define ADDR_ANSWERS 1
#define ADDR_HANGS   2
#define ADDR_REFUSES 3
#define ADDR_ANSWERS_TOO 4
#define ADDR_DENIED  9

int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t len);
int __wrap_socket(int domain, int type, int protocol);
int __real_socket(int domain, int type, int protocol);

struct np_session {
	LIST_HEAD(, np_client) clients;
};

struct dns_lookup {
	struct event *ev;
	char name[256];
	dns_resolved *cb;
	void *arg;
};

static struct event_base *base;
static struct np_session session;
static int64_t now_ms = 1000000;
static int servers[SERVERS];
static unsigned int nservers;
static char records[4096]; /* one a line */
static unsigned int no_fds; /* so many sockets cannot be had */
static unsigned int asked_for_fds;
static bool no_room; /* for events */

/* The time of everybody in this process. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	ts->tv_sec = (time_t)(now_ms / 1000);
	ts->tv_nsec = (long)(now_ms % 1000) * 1000000;
	return 0;
}

static unsigned char
last_of(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;

	return (unsigned char)(ntohl(in->sin_addr.s_addr) & 0xff);
}

static void
fill(int fd)
{
	char buf[4096] = "";

	while (send(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	while (send(fd, buf, 1, MSG_DONTWAIT) > 0)
		;
}

int
__wrap_socket(int domain, int type, int protocol)
{
	if (no_fds == 0)
		return __real_socket(domain, type, protocol);
	no_fds--;
	errno = EMFILE;
	return -1;
}

/* In the place of a connection: one end of a pair, the other is ours. */
int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	unsigned char last = last_of(sa);
	int pair[2];

	if (last == ADDR_REFUSES) {
		errno = ECONNREFUSED;
		return -1;
	}
	assert_true(nservers < SERVERS);
	assert_int_not_equal(last, ADDR_DENIED);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    pair), 0);
	assert_int_equal(dup2(pair[0], fd), fd);
	close(pair[0]);
	servers[nservers++] = pair[1];
	if (last != ADDR_HANGS)
		return 0;
	fill(fd);
	errno = EINPROGRESS;
	return -1;
}

/* ---- what netproxy.h says ---- */

struct event_base *
np_base(struct np *np)
{
	return base;
}

struct dns_server *
np_dns(struct np *np)
{
	return NULL;
}

struct np *
np_of(struct np_session *s)
{
	return NULL;
}

int
np_client_add(struct np_session *s, struct np_client *c)
{
	c->session = s;
	LIST_INSERT_HEAD(&s->clients, c, entry);
	return 0;
}

void
np_client_del(struct np_client *c)
{
	LIST_REMOVE(c, entry);
}

bool
np_event_room(struct np_session *s)
{
	return !no_room;
}

void
np_need_fds(struct np *np)
{
	asked_for_fds++;
}

static int
verdict(struct np_verdict *v, bool ok, const char *rule)
{
	memset(v, 0, sizeof(*v));
	v->allowed = ok;
	v->decision = ok ? DEC_ALLOW : DEC_DENY;
	v->name = rule;
	v->file = "f.yaml";
	return ok;
}

int
np_judge_dns(struct np_session *s, const char *name, uint16_t qtype,
    struct np_verdict *v)
{
	return verdict(v, name[0] != 'd', "name");
}

int
np_judge_connect(struct np_session *s, const char *name,
    const struct sockaddr *sa, struct np_verdict *v)
{
	static const char *const rule[16] = { [ADDR_ANSWERS] = "first",
		[ADDR_HANGS] = "hangs", [ADDR_REFUSES] = "refuses",
		[ADDR_ANSWERS_TOO] = "other", [ADDR_DENIED] = "denied" };
	unsigned char last = last_of(sa);

	return verdict(v, last != ADDR_DENIED, rule[last % 16]);
}

bool
np_redirect_dns(struct np_session *s, const char *name, struct in6_addr *to,
    struct np_verdict *v)
{
	static const unsigned char a[16] = { [10] = 0xff, [11] = 0xff,
		[12] = 10, [15] = ADDR_ANSWERS };

	if (strcmp(name, "moved.test") != 0)
		return false;
	memcpy(to, a, sizeof(*to));
	return verdict(v, true, "moved") != 0;
}

bool
np_redirect_connect(struct np_session *s, const char *host, uint16_t port,
    struct np_redirect *r, struct np_verdict *v)
{
	return false;
}

static void
__attribute__((format(printf, 1, 2)))
record(const char *fmt, ...)
{
	size_t at = strlen(records);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(records + at, sizeof(records) - at, fmt, ap);
	va_end(ap);
}

void
np_event_connect(struct np_session *s, const char *host, uint16_t port,
    const struct sockaddr *sa, const struct np_verdict *v)
{
	record("connect %s:%u %s\n", host, port, v->name);
}

void
np_event_http(struct np_session *s, const char *method, const char *url,
    uint16_t port, int status, const struct np_verdict *v)
{
	record("%s %s %d %s\n", *method != '\0' ? method : "-",
	    *url != '\0' ? url : "-", status, v->name);
}

void
np_event_redirect(struct np_session *s, bool dns, const char *from,
    const char *to, const struct np_verdict *v)
{
	record("%s %s %s %s\n", dns ? "dns" : "moved", from, to, v->name);
}

static const struct {
	const char *name;
	unsigned char last[4];
} name_tab[] = {
	{ "a.test", { ADDR_ANSWERS } },
	{ "d.test", { ADDR_ANSWERS } },
	{ "hang.test", { ADDR_HANGS } },
	{ "hangs-first.test", { ADDR_HANGS, ADDR_ANSWERS_TOO } },
	{ "half-denied.test", { ADDR_DENIED, ADDR_ANSWERS } },
	{ "rebound.test", { ADDR_DENIED } },
	{ "refuses-first.test", { ADDR_REFUSES, ADDR_ANSWERS_TOO } },
};

static void
on_lookup(evutil_socket_t fd, short what, void *arg)
{
	struct sockaddr_storage ss[4];
	struct dns_lookup *l = arg;
	unsigned int i, n = 0;

	memset(ss, 0, sizeof(ss));
	for (i = 0; i < sizeof(name_tab) / sizeof(name_tab[0]); i++) {
		if (strcmp(name_tab[i].name, l->name) != 0)
			continue;
		for (; n < 4 && name_tab[i].last[n] != 0; n++) {
			ss[n].ss_family = AF_INET;
			((struct sockaddr_in *)&ss[n])->sin_addr.s_addr =
			    htonl(0x0a000000 | name_tab[i].last[n]);
		}
	}
	l->cb(ss, n, n == 0 ? 3 : 0, l->arg);
	dns_resolve_cancel(l);
}

void
dns_resolve_cancel(struct dns_lookup *l)
{
	event_free(l->ev);
	free(l);
}

/* "silent.test" is never answered. */
struct dns_lookup *
dns_resolve(struct dns_server *d, struct np_session *s, const char *name,
    int family, dns_resolved *cb, void *arg)
{
	struct dns_lookup *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->cb = cb;
	l->arg = arg;
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->ev = evtimer_new(base, on_lookup, l);
	if (strcmp(name, "silent.test") != 0)
		event_active(l->ev, EV_TIMEOUT, 0);
	return l;
}

/* ---- a test's hands ---- */

static void
turn(void)
{
	int i;

	for (i = 0; i < 8; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
pass(int64_t ms)
{
	now_ms += ms;
	turn();
}

static int
setup(void **state)
{
	signal(SIGPIPE, SIG_IGN); /* as netproxy does */
	base = event_base_new();
	nservers = 0;
	records[0] = '\0';
	asked_for_fds = no_fds = 0;
	no_room = false;
	LIST_INIT(&session.clients);
	return base == NULL;
}

static void
end_session(void)
{
	struct np_client *c;

	while ((c = LIST_FIRST(&session.clients)) != NULL)
		c->end(c);
}

/* Whatever a test did, nothing is left of it. */
static int
teardown(void **state)
{
	end_session();
	turn();
	while (nservers > 0)
		close(servers[--nservers]);
	if (event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) != 0)
		return 1;
	event_base_free(base);
	return 0;
}

static int
client_to(uint16_t meant)
{
	struct sockaddr_in dst = { .sin_family = AF_INET,
		.sin_port = htons(meant),
		.sin_addr.s_addr = htonl(0x0a000001) };
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    pair), 0);
	if (meant == 0)
		http_proxy_accept(NULL, &session, pair[0]);
	else
		intercept_accept(NULL, &session, pair[0],
		    (struct sockaddr *)&dst);
	turn();
	return pair[1];
}

static int
client(void)
{
	return client_to(0);
}

static void
say(int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
	turn();
}

/* All that has come, "" if nothing; then *end if it has ended. */
static const char *
hear(int fd, bool *end)
{
	static char buf[1 << 20];
	size_t at = 0;
	ssize_t n;

	*end = false;
	while ((n = recv(fd, buf + at, sizeof(buf) - 1 - at, 0)) > 0)
		at += (size_t)n;
	*end = n == 0 || (n == -1 && errno != EAGAIN);
	buf[at] = '\0';
	return buf;
}

static bool
is_over(int fd)
{
	bool end;

	(void)hear(fd, &end);
	return end;
}

static bool
heard(int fd, const char *what)
{
	bool end;

	return strstr(hear(fd, &end), what) != NULL;
}

static int
last_server(void)
{
	assert_true(nservers > 0);
	return servers[nservers - 1];
}

#define GET(host) "GET http://" host "/x HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define OK	  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* A client that asked host and has the answer: kept alive. */
static int
answered_client(void)
{
	int fd = client();

	say(fd, GET("a.test"));
	assert_true(heard(last_server(), "GET /x"));
	say(last_server(), OK);
	assert_true(heard(fd, "200 OK"));
	return fd;
}

/* ---- limits of time: those of http_proxy.h, to the second ---- */

static void
silent_client_after_30_s_closed(void **state)
{
	int fd = client();

	pass(HTTP_FIRST_S * 1000 - 1);
	assert_false(is_over(fd));
	pass(2);
	assert_true(is_over(fd));
	assert_true(LIST_EMPTY(&session.clients));
	close(fd);
}

static void
intercepted_silence_after_30_s_closed(void **state)
{
	int fd = client_to(443);

	say(fd, "\x16\x03\x01");
	pass(HTTP_FIRST_S * 1000 - 1);
	assert_false(is_over(fd));
	pass(2);
	assert_true(is_over(fd));
	close(fd);
}

/* Slowloris: bytes that come do not put it off. */
static void
head_unfinished_after_30_s_408(void **state)
{
	int fd = client(), i;

	say(fd, "GET http://a.test/ HT");
	for (i = 0; i < HTTP_FIRST_S - 1; i++) {
		pass(1000);
		say(fd, "x");
		assert_false(is_over(fd));
	}
	pass(1001);
	assert_true(heard(fd, "HTTP/1.1 408 "));
	assert_string_equal(records, "- - 408 unjudgeable\n");
	pass(HTTP_LINGER_S * 1000 + 1);
	assert_true(is_over(fd));
	assert_true(LIST_EMPTY(&session.clients));
	close(fd);
}

static void
between_requests_after_75_s_closed(void **state)
{
	int fd = answered_client();

	pass(HTTP_BETWEEN_S * 1000 - 1);
	assert_false(is_over(fd));
	pass(2);
	assert_true(is_over(fd));
	assert_true(is_over(last_server()));
	close(fd);
}

/* Each answer begins the time anew. */
static void
request_before_75_s_served(void **state)
{
	int fd = answered_client();

	pass(HTTP_BETWEEN_S * 1000 - 1);
	say(fd, GET("a.test"));
	say(last_server(), OK);
	assert_true(heard(fd, "200 OK"));
	assert_int_equal(nservers, 1);
	pass(HTTP_BETWEEN_S * 1000 - 1);
	assert_false(is_over(fd));
	pass(2);
	assert_true(is_over(fd));
	close(fd);
}

/* How many of n bytes, sent by steps, do not go. */
static size_t
send_through(int from, size_t n)
{
	static const char buf[16384];
	unsigned int idle = 0;
	ssize_t sent;

	while (n > 0 && idle < 8) {
		sent = send(from, buf, n < sizeof(buf) ? n : sizeof(buf),
		    MSG_NOSIGNAL);
		idle = sent > 0 ? 0 : idle + 1;
		n -= sent > 0 ? (size_t)sent : 0;
		turn();
	}
	return n;
}

/* What has been answered may be read later than the next request may come. */
static void
unread_answer_after_75_s_still_there(void **state)
{
	int fd = client(), i;
	size_t got = 0;
	ssize_t n;
	char buf[4096];

	say(fd, GET("a.test"));
	say(last_server(), "HTTP/1.1 200 OK\r\nContent-Length: 320000\r\n\r\n");
	assert_int_equal(send_through(last_server(), 320000), 0);
	for (i = 0; i < 60; i++) {
		pass(HTTP_BETWEEN_S * 1000 - 1);
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
			got += (size_t)n;
			if (got % 65536 < sizeof(buf))
				break;
		}
		turn();
	}
	assert_true(got > 320000);
	pass(2);
	assert_true(is_over(fd));
	close(fd);
}

static void
unread_answer_after_300_s_closed(void **state)
{
	int fd = client();

	say(fd, GET("a.test"));
	say(last_server(), "HTTP/1.1 200 OK\r\nContent-Length: 320000\r\n\r\n");
	assert_int_equal(send_through(last_server(), 320000), 0);
	pass(HTTP_BETWEEN_S * 1000 + 1);
	pass((HTTP_STALL_S - HTTP_BETWEEN_S) * 1000 - 2);
	assert_false(LIST_EMPTY(&session.clients));
	pass(2);
	assert_true(LIST_EMPTY(&session.clients));
	close(fd);
}

static void
server_silent_for_300_s_504(void **state)
{
	int fd = client();

	say(fd, GET("a.test"));
	pass(HTTP_STALL_S * 1000 - 1);
	assert_false(is_over(fd));
	pass(2);
	assert_true(heard(fd, "HTTP/1.1 504 "));
	assert_true(is_over(last_server()));
	assert_string_equal(records, "GET http://a.test/x 504 first\n");
	pass(HTTP_LINGER_S * 1000 + 1);
	assert_true(is_over(fd));
	close(fd);
}

static void
answer_that_moves_goes_on(void **state)
{
	int fd = client(), i;

	say(fd, GET("a.test"));
	say(last_server(), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
	for (i = 0; i < 10; i++) {
		pass(HTTP_STALL_S * 1000 - 1);
		say(last_server(), "x");
		assert_true(heard(fd, "x"));
	}
	pass(HTTP_STALL_S * 1000 - 1);
	assert_false(is_over(fd));
	pass(2);
	assert_true(is_over(fd));
	close(fd);
}

static void
lingering_after_5_s_closed(void **state)
{
	int fd = client();

	say(fd, "GET / HTTP/1.1\r\n\r\n");
	assert_true(heard(fd, "HTTP/1.1 400 "));
	pass(HTTP_LINGER_S * 1000 - 1);
	assert_false(LIST_EMPTY(&session.clients));
	pass(2);
	assert_true(LIST_EMPTY(&session.clients));
	close(fd);
}

static int
tunnel(const char *host)
{
	char text[256];
	int fd = client();

	snprintf(text, sizeof(text), "CONNECT %s:443 HTTP/1.1\r\nHost: %s\r\n"
	    "\r\n", host, host);
	say(fd, text);
	return fd;
}

static void
idle_tunnel_after_7200_s_closed(void **state)
{
	int fd = tunnel("a.test");
	unsigned int i;

	assert_true(heard(fd, " 200 "));
	say(fd, "x");
	for (i = 0; i < HTTP_TUNNEL_IDLE_S / 60; i++)
		pass(60000);
	assert_false(is_over(fd));
	pass(60000);
	pass(60000);
	assert_true(is_over(fd));
	assert_true(is_over(last_server()));
	close(fd);
}

static void
half_closed_tunnel_after_600_s_closed(void **state)
{
	int fd = tunnel("a.test");
	unsigned int i;

	assert_true(heard(fd, " 200 "));
	shutdown(fd, SHUT_WR);
	turn();
	assert_true(is_over(last_server()));
	for (i = 1; i < HTTP_TUNNEL_HALF_S / 60; i++)
		pass(60000);
	assert_false(is_over(fd));
	pass(60000);
	pass(60000);
	assert_true(is_over(fd));
	close(fd);
}

static void
dial_unanswered_after_30_s_504(void **state)
{
	int fd = tunnel("hang.test");

	pass(HTTP_DIAL_TOTAL_S * 1000 - 10);
	assert_false(heard(fd, "HTTP"));
	pass(20);
	assert_true(heard(fd, "HTTP/1.1 504 "));
	assert_string_equal(records, "connect hang.test:443 hangs\n");
	close(fd);
}

static void
lookup_unanswered_after_30_s_504(void **state)
{
	int fd = tunnel("silent.test");

	pass(HTTP_DIAL_TOTAL_S * 1000 - 10);
	assert_false(heard(fd, "HTTP"));
	pass(20);
	assert_true(heard(fd, "HTTP/1.1 504 "));
	close(fd);
}

static void
silent_address_after_250_ms_next_tried(void **state)
{
	int fd = tunnel("hangs-first.test");

	pass(HTTP_DIAL_NEXT_MS - 10);
	assert_int_equal(nservers, 1);
	pass(20);
	assert_int_equal(nservers, 2);
	assert_true(heard(fd, " 200 "));
	close(fd);
}

/* ---- what is held ---- */

/* A client that asks on and on, and never reads, is not read either. */
static void
unread_answers_bound_what_is_read(void **state)
{
	static const char ask[] = GET("d.test") GET("d.test") GET("d.test");
	int fd = client();
	size_t sent = 0;
	ssize_t n;
	unsigned int idle = 0;

	while (idle < 4 && sent < 64u << 20) {
		n = send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			idle = 0;
			continue;
		}
		turn();
		idle++;
	}
	assert_true(sent < 4u << 20);
	pass(HTTP_BETWEEN_S * 1000 + 1);
	close(fd);
}

static size_t
fill_through(int from)
{
	static const char buf[65536];
	unsigned int idle = 0;
	size_t sent = 0;
	ssize_t n;

	while (idle < 4) {
		n = send(from, buf, sizeof(buf), MSG_NOSIGNAL);
		idle = n > 0 ? 0 : idle + 1;
		sent += n > 0 ? (size_t)n : 0;
		turn();
	}
	return sent;
}

static void
unread_bodies_and_tunnels_are_bounded(void **state)
{
	int fd = client(), tun = tunnel("a.test");

	assert_true(fill_through(tun) < 4 * HTTP_TUNNEL_READ);
	assert_true(fill_through(last_server()) < 4 * HTTP_TUNNEL_READ);
	say(fd, GET("a.test"));
	say(last_server(), "HTTP/1.1 200 OK\r\n\r\n");
	assert_true(fill_through(last_server()) < 4 * HTTP_HELD_BYTES);
	close(fd);
	close(tun);
}

/* ---- records ---- */

static void
request_left_before_its_answer_is_recorded(void **state)
{
	int fd = client();

	say(fd, GET("a.test"));
	assert_true(heard(last_server(), "GET /x"));
	end_session();
	assert_string_equal(records, "GET http://a.test/x 0 first\n");
	close(fd);
}

static void
body_left_before_its_end_is_recorded(void **state)
{
	int fd = client();

	say(fd, "POST http://a.test/x HTTP/1.1\r\nHost: a.test\r\n"
	    "Content-Length: 10\r\n\r\nsecre");
	assert_true(heard(last_server(), "secre"));
	shutdown(fd, SHUT_WR);
	turn();
	assert_true(is_over(fd));
	assert_string_equal(records, "POST http://a.test/x 0 first\n");
	close(fd);
}

/* The name has gone to a resolver, and so has what it may carry. */
static void
lookup_left_before_its_answer_is_recorded(void **state)
{
	int fd = client(), tun = tunnel("silent.test");

	say(fd, GET("silent.test"));
	end_session();
	assert_non_null(strstr(records, "GET http://silent.test/x 0 name\n"));
	assert_non_null(strstr(records, "connect silent.test:443 name\n"));
	close(fd);
	close(tun);
}

static void
answered_request_is_recorded_once(void **state)
{
	int fd = answered_client();

	say(fd, GET("d.test"));
	assert_true(heard(fd, "403"));
	close(fd);
	turn();
	assert_string_equal(records, "GET http://a.test/x 200 first\n"
	    "GET http://d.test/x 403 name\n");
}

/* What is recorded is what was said of the address that was reached. */
static void
second_address_is_recorded_under_its_rule(void **state)
{
	int fd = client();

	say(fd, GET("refuses-first.test"));
	say(last_server(), OK);
	assert_true(heard(fd, "200 OK"));
	assert_string_equal(records, "GET http://refuses-first.test/x 200 other\n");
	close(fd);
}

static void
redirected_name_is_recorded(void **state)
{
	int fd = client();

	say(fd, GET("moved.test"));
	say(last_server(), OK);
	assert_string_equal(records, "dns moved.test 10.0.0.1 moved\n"
	    "GET http://moved.test/x 200 first\n");
	close(fd);
}

/* Nothing is done that could not be recorded, nor is that recorded. */
static void
without_room_for_a_record_503(void **state)
{
	int fd = answered_client(), denied = client(), bad = client(),
	    tun = client();

	records[0] = '\0';
	no_room = true;
	say(fd, GET("a.test"));
	assert_true(heard(fd, "HTTP/1.1 503 "));
	assert_false(heard(last_server(), "GET"));
	say(denied, GET("d.test"));
	assert_true(heard(denied, "HTTP/1.1 503 "));
	say(bad, "GET / HTTP/1.1\r\n\r\n");
	assert_true(heard(bad, "HTTP/1.1 503 "));
	say(tun, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n");
	assert_true(heard(tun, "HTTP/1.1 503 "));
	assert_int_equal(nservers, 1);
	assert_string_equal(records, "");
	close(fd);
	close(denied);
	close(bad);
	close(tun);
}

/* ---- who is reached ---- */

static void
denied_address_of_several_is_passed_over(void **state)
{
	int fd = tunnel("half-denied.test");

	assert_true(heard(fd, " 200 "));
	assert_int_equal(nservers, 1);
	close(fd);
	fd = tunnel("rebound.test");
	assert_true(heard(fd, " 403 "));
	assert_int_equal(nservers, 1);
	close(fd);
}

/* What follows a CONNECT that was refused is nobody's. */
static void
bytes_after_refused_connect_go_nowhere(void **state)
{
	int fd = client();

	say(fd, "CONNECT d.test:443 HTTP/1.1\r\nHost: d.test\r\n\r\n"
	    GET("a.test"));
	assert_true(heard(fd, " 403 "));
	say(fd, GET("a.test"));
	assert_int_equal(nservers, 0);
	assert_string_equal(records, "connect d.test:443 name\n");
	close(fd);
}

/* ---- descriptors ---- */

static void
dial_without_descriptors_waits_for_some(void **state)
{
	int fd;

	no_fds = 3;
	fd = tunnel("a.test");
	assert_false(heard(fd, "HTTP"));
	assert_true(asked_for_fds > 0);
	pass(1000);
	pass(1000);
	pass(1000);
	assert_true(heard(fd, " 200 "));
	close(fd);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(silent_client_after_30_s_closed),
		T(intercepted_silence_after_30_s_closed),
		T(head_unfinished_after_30_s_408),
		T(between_requests_after_75_s_closed),
		T(request_before_75_s_served),
		T(unread_answer_after_75_s_still_there),
		T(unread_answer_after_300_s_closed),
		T(server_silent_for_300_s_504),
		T(answer_that_moves_goes_on),
		T(lingering_after_5_s_closed),
		T(idle_tunnel_after_7200_s_closed),
		T(half_closed_tunnel_after_600_s_closed),
		T(dial_unanswered_after_30_s_504),
		T(lookup_unanswered_after_30_s_504),
		T(silent_address_after_250_ms_next_tried),
		T(unread_answers_bound_what_is_read),
		T(unread_bodies_and_tunnels_are_bounded),
		T(request_left_before_its_answer_is_recorded),
		T(body_left_before_its_end_is_recorded),
		T(lookup_left_before_its_answer_is_recorded),
		T(answered_request_is_recorded_once),
		T(second_address_is_recorded_under_its_rule),
		T(redirected_name_is_recorded),
		T(without_room_for_a_record_503),
		T(denied_address_of_several_is_passed_over),
		T(bytes_after_refused_connect_go_nowhere),
		T(dial_without_descriptors_waits_for_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
