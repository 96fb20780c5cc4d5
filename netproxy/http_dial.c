/*
 * Judge, resolve, judge, connect: see http_dial.h.  Runs in netproxy.  Trusts
 * the judge and our resolver; must never dial an address whose verdict is not its own.
 *
 * With connect_redirects the host that was asked for is judged first, by its name
 * and by such addresses as it has, and then the target in the same way.
 */

#include <arpa/inet.h>

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netproxy/dns_server.h"
#include "netproxy/http_dial.h"

#define DNS_TYPE_A 1
#define RCODE_NXDOMAIN 3
#define NO_FD_MS 100 /* until a socket is tried for again */

struct attempt {
	int fd; /* -1: free */
	unsigned int addr;
	struct event ev;
	struct http_dial *d;
};

struct http_dial {
	struct np_session *s;
	struct event_base *base;
	http_dial_done *done;
	void *arg;
	struct dns_lookup *lookup;
	struct http_host host; /* being judged and resolved now */
	struct sockaddr_storage meant;
	bool has_meant, second; /* second: the redirect's target */
	struct event tick;	/* the next address, or the end */
	uint64_t until_ms;
	unsigned int naddrs, next;
	struct sockaddr_storage addrs[HTTP_DIAL_ADDRS];
	struct attempt at[HTTP_DIAL_AT_ONCE];
	struct http_dialled res;
};

static void on_tick(evutil_socket_t fd, short what, void *arg);
static void judge_host(struct http_dial *d);

uint64_t
http_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

void
http_verdict_set(struct http_verdict *to, const struct np_verdict *v)
{
	to->v = *v;
	snprintf(to->name, sizeof(to->name), "%s",
	    v->name != NULL ? v->name : "");
	snprintf(to->file, sizeof(to->file), "%s",
	    v->file != NULL ? v->file : "");
	to->v.name = to->name;
	to->v.file = to->file;
}

static void
clear_attempt(struct attempt *a)
{
	if (a->fd == -1)
		return;
	event_del(&a->ev);
	close(a->fd);
	a->fd = -1;
}

void
http_dial_cancel(struct http_dial *d)
{
	unsigned int i;

	if (d == NULL)
		return;
	if (d->lookup != NULL)
		dns_resolve_cancel(d->lookup);
	for (i = 0; i < HTTP_DIAL_AT_ONCE; i++)
		clear_attempt(&d->at[i]);
	event_del(&d->tick);
	free(d);
}

void
http_dial_so_far(const struct http_dial *d, struct http_verdict *v,
    struct sockaddr_storage *peer)
{
	http_verdict_set(v, &d->res.verdict.v);
	*peer = d->res.peer;
}

/* From the loop only. */
static void
finish(struct http_dial *d, enum http_dial_rc rc)
{
	struct http_dialled res = d->res;
	http_dial_done *done = d->done;
	void *arg = d->arg;

	res.rc = rc;
	/* done points at no verdict of ours. */
	http_verdict_set(&res.verdict, &d->res.verdict.v);
	http_dial_cancel(d);
	done(&res, arg);
}

static void
tick_in(struct http_dial *d, long ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(&d->tick, &tv);
}

/* Found out inside a call of somebody else: tell it from the loop. */
static void
finish_later(struct http_dial *d, enum http_dial_rc rc)
{
	d->res.rc = rc;
	tick_in(d, 0);
}

static void
set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET)
		((struct sockaddr_in *)ss)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
}

/* A v4-mapped address as the IPv4 address that it is. */
static void
from_in6(struct sockaddr_storage *ss, const struct in6_addr *a)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (IN6_IS_ADDR_V4MAPPED(a)) {
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, &a->s6_addr[12], 4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = *a;
	}
}

static void
normalise(struct sockaddr_storage *ss, const struct sockaddr *sa)
{
	struct in6_addr a;

	if (sa->sa_family == AF_INET6) {
		memcpy(&a, &((const struct sockaddr_in6 *)sa)->sin6_addr,
		    sizeof(a));
		from_in6(ss, &a);
	} else {
		memset(ss, 0, sizeof(*ss));
		memcpy(ss, sa, sizeof(struct sockaddr_in));
		memset(((struct sockaddr_in *)ss)->sin_zero, 0, 8);
	}
}

static socklen_t
size_of(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET ? sizeof(struct sockaddr_in) :
	    sizeof(struct sockaddr_in6);
}

static bool
same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		    ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
	    &((const struct sockaddr_in6 *)b)->sin6_addr,
	    sizeof(struct in6_addr)) == 0;
}

static int
judge_address(struct http_dial *d, const struct sockaddr_storage *sa,
    struct np_verdict *v)
{
	memset(v, 0, sizeof(*v));
	return np_judge_connect(d->s, d->host.literal ? NULL : d->host.name,
	    (const struct sockaddr *)sa, v);
}

/* ---- connecting ---- */

static struct attempt *
free_attempt(struct http_dial *d)
{
	unsigned int i;

	for (i = 0; i < HTTP_DIAL_AT_ONCE; i++)
		if (d->at[i].fd == -1)
			return &d->at[i];
	return NULL;
}

static bool
is_trying(const struct http_dial *d)
{
	unsigned int i;

	for (i = 0; i < HTTP_DIAL_AT_ONCE; i++)
		if (d->at[i].fd != -1)
			return true;
	return false;
}

/* The verdict is that of this address, and of now. */
static void
connected(struct http_dial *d, struct attempt *a)
{
	struct np_verdict v;

	d->res.peer = d->addrs[a->addr];
	if (!judge_address(d, &d->res.peer, &v)) {
		http_verdict_set(&d->res.verdict, &v);
		finish(d, HTTP_DIAL_DENIED);
		return;
	}
	http_verdict_set(&d->res.verdict, &v);
	d->res.fd = a->fd;
	event_del(&a->ev);
	a->fd = -1;
	finish(d, HTTP_DIAL_OK);
}

static void
on_attempt(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct http_dial *d = a->d;
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		err = errno;
	if (err == 0) {
		connected(d, a);
		return;
	}
	d->res.err = err;
	clear_attempt(a);
	tick_in(d, 0);
}

/* 0: under way; -1: this address cannot be had. */
static int
try_address(struct http_dial *d, struct attempt *a, unsigned int i)
{
	const struct sockaddr_storage *ss = &d->addrs[i];
	int one = 1, fd;

	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    IPPROTO_TCP);
	if (fd == -1)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)ss, size_of(ss)) == -1 &&
	    errno != EINPROGRESS) {
		one = errno;
		close(fd);
		errno = one;
		return -1;
	}
	a->fd = fd;
	a->addr = i;
	a->d = d;
	event_assign(&a->ev, d->base, fd, EV_WRITE, on_attempt, a);
	event_add(&a->ev, NULL);
	return 0;
}

/* Milliseconds until the whole dial is given up. */
static long
left_ms(const struct http_dial *d)
{
	uint64_t now = http_now_ms();

	return now < d->until_ms ? (long)(d->until_ms - now) : 0;
}

/* Of ours or of the machine. */
static bool
is_short_of_fds(int err)
{
	return err == EMFILE || err == ENFILE;
}

static void
try_next(struct http_dial *d)
{
	struct attempt *a = free_attempt(d);
	long left = left_ms(d);
	bool later = false;

	while (a != NULL && d->next < d->naddrs && left > 0 && !later) {
		if (try_address(d, a, d->next++) == 0)
			break;
		d->res.err = errno;
		later = is_short_of_fds(errno) && !is_trying(d);
	}
	if (left == 0) {
		finish(d, HTTP_DIAL_TIMEOUT);
	} else if (later) {
		np_need_fds(np_of(d->s));
		d->next--;
		tick_in(d, left < NO_FD_MS ? left : NO_FD_MS);
	} else if (!is_trying(d)) {
		finish(d, d->res.err == ETIMEDOUT ? HTTP_DIAL_TIMEOUT :
		    HTTP_DIAL_UNREACHABLE);
	} else {
		tick_in(d, d->next < d->naddrs && left > HTTP_DIAL_NEXT_MS ?
		    HTTP_DIAL_NEXT_MS : left);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http_dial *d = arg;

	if (d->res.rc != HTTP_DIAL_OK)
		finish(d, d->res.rc);
	else if (d->naddrs == 0) /* the resolver has not answered in time */
		finish(d, HTTP_DIAL_NO_ANSWER);
	else
		try_next(d);
}

/* ---- judging ---- */

/* The addresses that may be reached, and the first refusal or consent. */
static void
judge_addresses(struct http_dial *d, const struct sockaddr_storage *ss,
    unsigned int n)
{
	struct sockaddr_storage sa;
	struct np_verdict v;
	unsigned int i;
	bool first = true;

	d->naddrs = 0;
	for (i = 0; i < n && d->naddrs < HTTP_DIAL_ADDRS; i++) {
		normalise(&sa, (const struct sockaddr *)&ss[i]);
		set_port(&sa, d->host.port);
		if (judge_address(d, &sa, &v)) {
			if (d->naddrs == 0) {
				http_verdict_set(&d->res.verdict, &v);
				d->res.peer = sa;
			}
			d->addrs[d->naddrs++] = sa;
		} else if (first && d->naddrs == 0) {
			http_verdict_set(&d->res.verdict, &v);
			d->res.peer = sa;
		}
		first = false;
	}
}

/* Intercepted, and the host has the address that was meant: that one alone. */
static void
keep_meant(struct http_dial *d)
{
	unsigned int i;

	if (!d->has_meant || d->second)
		return;
	for (i = 0; i < d->naddrs; i++) {
		if (!same_address(&d->addrs[i], &d->meant))
			continue;
		d->addrs[0] = d->addrs[i];
		d->naddrs = 1;
		return;
	}
}

/* IPv6 and IPv4 by turns, the first as it came. */
static void
interleave(struct http_dial *d)
{
	struct sockaddr_storage out[HTTP_DIAL_ADDRS];
	unsigned int used = 0, i, n = 0;
	int family = AF_INET6;

	while (n < d->naddrs) {
		for (i = 0; i < d->naddrs; i++)
			if (!(used & 1u << i) && d->addrs[i].ss_family == family)
				break;
		if (i < d->naddrs) {
			used |= 1u << i;
			out[n++] = d->addrs[i];
		}
		family = family == AF_INET ? AF_INET6 : AF_INET;
	}
	memcpy(d->addrs, out, n * sizeof(out[0]));
}

static void
write_host(const char *host, uint16_t port, char out[HTTP_AUTHORITY_SIZE])
{
	snprintf(out, HTTP_AUTHORITY_SIZE,
	    strchr(host, ':') != NULL ? "[%.253s]:%u" : "%.253s:%u", host,
	    port);
}

/* The host that was asked for may be: is it somebody else? */
static bool
take_redirect(struct http_dial *d)
{
	struct np_redirect *r = &d->res.redirect;
	char from[HTTP_AUTHORITY_SIZE], to[HTTP_AUTHORITY_SIZE];
	struct np_verdict v;

	if (d->second)
		return false;
	memset(&v, 0, sizeof(v));
	memset(r, 0, sizeof(*r));
	if (!np_redirect_connect(d->s, d->host.name, d->host.port, r, &v))
		return false;
	d->res.redirected = true;
	write_host(d->host.name, d->host.port, from);
	write_host(r->host, r->port, to);
	if (!r->silent)
		np_event_redirect(d->s, false, from, to, &v);
	return true;
}

/* Judge and reach the redirect's target instead. */
static void
follow_redirect(struct http_dial *d)
{
	const struct np_redirect *r = &d->res.redirect;
	char text[HTTP_AUTHORITY_SIZE];

	d->second = true;
	d->naddrs = 0;
	d->res.peer.ss_family = 0;
	write_host(r->host, r->port, text);
	if (http_host_parse(&d->host, text, strlen(text)) == -1)
		finish_later(d, HTTP_DIAL_NO_NAME);
	else
		judge_host(d);
}

/* All that the name gave is known. */
static void
resolved(struct http_dial *d, const struct sockaddr_storage *ss,
    unsigned int n, enum http_dial_rc none)
{
	judge_addresses(d, ss, n);
	if (n > 0 && d->naddrs == 0) {
		finish_later(d, HTTP_DIAL_DENIED);
	} else if ((n > 0 || none == HTTP_DIAL_NO_NAME) && take_redirect(d)) {
		follow_redirect(d);
	} else if (n == 0) {
		finish_later(d, none);
	} else if (!np_event_room(d->s)) {
		finish_later(d, HTTP_DIAL_NO_ROOM);
	} else {
		keep_meant(d);
		interleave(d);
		d->next = 0;
		tick_in(d, 0);
	}
}

static void
on_resolved(const struct sockaddr_storage *ss, unsigned int n, int rcode,
    void *arg)
{
	struct http_dial *d = arg;

	d->lookup = NULL;
	resolved(d, ss, n, n == 0 && rcode != 0 && rcode != RCODE_NXDOMAIN ?
	    HTTP_DIAL_NO_ANSWER : HTTP_DIAL_NO_NAME);
}

static void
resolve(struct http_dial *d)
{
	d->lookup = dns_resolve(np_dns(np_of(d->s)), d->s, d->host.name,
	    AF_UNSPEC, on_resolved, d);
	if (d->lookup == NULL)
		finish_later(d, HTTP_DIAL_BUSY);
	else
		tick_in(d, HTTP_DIAL_TOTAL_S * 1000L);
}

static void
text_of(const struct in6_addr *a, char text[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		(void)inet_ntop(AF_INET, &a->s6_addr[12], text,
		    INET6_ADDRSTRLEN);
	else
		(void)inet_ntop(AF_INET6, a, text, INET6_ADDRSTRLEN);
}

/* Names are judged before anybody is asked for them. */
static void
judge_host(struct http_dial *d)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct sockaddr_storage ss;
	struct in6_addr to;
	struct np_verdict v;

	memset(&v, 0, sizeof(v));
	if (d->host.literal) {
		from_in6(&ss, &d->host.addr);
		resolved(d, &ss, 1, HTTP_DIAL_NO_NAME);
	} else if (np_redirect_dns(d->s, d->host.name, &to, &v)) {
		from_in6(&ss, &to);
		text_of(&to, text);
		np_event_redirect(d->s, true, d->host.name, text, &v);
		resolved(d, &ss, 1, HTTP_DIAL_NO_NAME);
	} else if (!np_judge_dns(d->s, d->host.name, DNS_TYPE_A, &v)) {
		http_verdict_set(&d->res.verdict, &v);
		finish_later(d, HTTP_DIAL_DENIED);
	} else {
		http_verdict_set(&d->res.verdict, &v);
		resolve(d);
	}
}

struct http_dial *
http_dial_start(struct np_session *s, const struct http_dial_ask *ask,
    http_dial_done *done, void *arg)
{
	struct http_dial *d = calloc(1, sizeof(*d));
	struct np_verdict none;
	unsigned int i;

	if (d == NULL)
		return NULL;
	memset(&none, 0, sizeof(none));
	http_verdict_set(&d->res.verdict, &none);
	d->s = s;
	d->base = np_base(np_of(s));
	d->done = done;
	d->arg = arg;
	d->host = ask->host;
	d->res.fd = -1;
	for (i = 0; i < HTTP_DIAL_AT_ONCE; i++)
		d->at[i].fd = -1;
	if (ask->meant != NULL) {
		normalise(&d->meant, ask->meant);
		d->has_meant = true;
	}
	evtimer_assign(&d->tick, d->base, on_tick, d);
	d->until_ms = http_now_ms() + HTTP_DIAL_TOTAL_S * UINT64_C(1000);
	judge_host(d);
	return d;
}
