/*
 * Asking the machine's resolvers, see dns_up.h.  A question on its way is a
 * flight: it has a deadline, and is on a socket or on a stream.  Flights whose
 * tries are used up end at their deadline, so that nobody is told from inside
 * of his own call.
 *
 * Trusts nothing that arrives: see dns_response_is_to.  Must never let one
 * resolver's silence hold up a question to another.
 */

#include "netproxy/dns_up.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "common/log.h"
#include "common/siphash.h"

#define BUCKETS	     8192u /* a power of two */
#define DATAGRAM_MAX 4096
#define READS_MAX    32 /* of one socket before the others' turn */
#define SAY_MS	     60000u /* of one resolver, once in so long */

TAILQ_HEAD(wait_queue, dns_wait);
LIST_HEAD(flight_list, dns_flight);
TAILQ_HEAD(flight_queue, dns_flight);

struct usock;

struct dns_flight {
	LIST_ENTRY(dns_flight) bucket;
	LIST_ENTRY(dns_flight) onsock; /* or on a stream */
	TAILQ_ENTRY(dns_flight) due;
	struct dns_up *up;
	struct wait_queue waits;
	struct usock *sock; /* one of these, or neither */
	struct bufferevent *bev;
	const void *who; /* asked first */
	uint64_t due_ms, sent_ms;
	unsigned int server, first, tries;
	uint16_t id, type;
	bool edns, ending;
	struct dns_name name; /* lower case */
	struct dns_name sent; /* as it was spelled */
};

struct usock {
	struct dns_up *up;
	struct event ev;
	int fd;
	unsigned int server, index; /* its place in the server's array */
	unsigned int strays;
	bool retired; /* takes no more questions */
	bool busy; /* being read from */
	struct flight_list flights;
};

struct server {
	struct sockaddr_storage sa;
	socklen_t sa_len;
	char zone[IF_NAMESIZE]; /* of a link-local address, or "" */
	uint64_t heard_ms, rest_until_ms, said_ms;
	bool silent; /* and that was said */
	struct usock *socks[DNS_UP_SOCKETS];
	unsigned int nsocks;
};

struct dns_up {
	struct event_base *base;
	dns_up_store *store;
	void *arg;
	struct event timer;
	struct flight_list bucket[BUCKETS];
	struct flight_queue due; /* in the order of due_ms */
	struct server server[DNS_SERVERS_MAX];
	unsigned int nservers, next_server;
	unsigned int timeout_ms, attempts, socks_max, nstreams;
	struct flight_list streams;
	bool rotate, mix_case;
	struct siphash_key key;
	struct dns_up_stats stats;
	struct dns_answer_buf answer;
	uint8_t datagram[DATAGRAM_MAX];
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- deadlines ---- */

static void
arm(struct dns_up *up)
{
	struct dns_flight *f = TAILQ_FIRST(&up->due);
	uint64_t now = now_ms(), ms;
	struct timeval tv;

	if (f == NULL)
		return;
	ms = f->due_ms > now ? f->due_ms - now : 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(&up->timer, &tv);
}

/* All deadlines are equally far, but for those that have come. */
static void
set_due(struct dns_flight *f, unsigned int ms)
{
	struct dns_up *up = f->up;

	TAILQ_REMOVE(&up->due, f, due);
	f->due_ms = now_ms() + ms;
	if (ms == 0)
		TAILQ_INSERT_HEAD(&up->due, f, due);
	else
		TAILQ_INSERT_TAIL(&up->due, f, due);
	if (TAILQ_FIRST(&up->due) == f)
		arm(up);
}

/* ---- sockets ---- */

static void on_datagram(int fd, short what, void *arg);

static void
usock_retire(struct usock *s)
{
	struct server *srv = &s->up->server[s->server];

	if (s->retired)
		return;
	s->retired = true;
	srv->socks[s->index] = srv->socks[--srv->nsocks];
	srv->socks[s->index]->index = s->index;
}

static void
usock_release(struct usock *s)
{
	if (s->busy || !LIST_EMPTY(&s->flights))
		return;
	usock_retire(s);
	event_del(&s->ev);
	close(s->fd);
	s->up->stats.sockets--;
	free(s);
}

/* Interfaces come and go: a zone's number is the one that it has now. */
static const struct sockaddr *
address_of(struct server *srv)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)(void *)&srv->sa;

	if (srv->zone[0] != '\0')
		sin6->sin6_scope_id = if_nametoindex(srv->zone);
	return (const struct sockaddr *)&srv->sa;
}

static int
socket_to(struct server *srv)
{
	int fd = socket(srv->sa.ss_family,
	    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	/* the kernel binds to a random port, and drops what others send */
	if (connect(fd, address_of(srv), srv->sa_len) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct usock *
usock_new(struct dns_up *up, unsigned int server)
{
	struct server *srv = &up->server[server];
	struct usock *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->fd = socket_to(srv)) == -1) {
		free(s);
		return NULL;
	}
	s->up = up;
	s->server = server;
	LIST_INIT(&s->flights);
	if (event_assign(&s->ev, up->base, s->fd, EV_READ | EV_PERSIST,
		on_datagram, s) == -1 ||
	    event_add(&s->ev, NULL) == -1) {
		close(s->fd);
		free(s);
		return NULL;
	}
	s->index = srv->nsocks;
	srv->socks[srv->nsocks++] = s;
	up->stats.sockets++;
	return s;
}

static struct usock *
usock_get(struct dns_up *up, unsigned int server)
{
	struct server *srv = &up->server[server];
	struct usock *s = NULL;

	if (srv->nsocks < up->socks_max)
		s = usock_new(up, server);
	if (s == NULL && srv->nsocks > 0)
		s = srv->socks[arc4random_uniform(srv->nsocks)];
	return s;
}

/* ---- flights ---- */

static struct flight_list *
bucket_of(struct dns_up *up, const struct dns_name *name, uint16_t type)
{
	return &up->bucket[(siphash(&up->key, name->wire, name->len) + type) %
	    BUCKETS];
}

static struct dns_flight *
flight_find(struct dns_up *up, const struct dns_name *name, uint16_t type)
{
	struct dns_flight *f;

	LIST_FOREACH(f, bucket_of(up, name, type), bucket)
		if (f->type == type && f->name.len == name->len &&
		    memcmp(f->name.wire, name->wire, name->len) == 0)
			return f;
	return NULL;
}

static struct dns_flight *
flight_new(struct dns_up *up, const struct dns_name *name, uint16_t type,
    const void *who)
{
	struct dns_flight *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->up = up;
	f->name = *name;
	f->type = type;
	f->who = who;
	f->edns = true;
	if (up->rotate)
		f->first = up->next_server++ % up->nservers;
	TAILQ_INIT(&f->waits);
	LIST_INSERT_HEAD(bucket_of(up, name, type), f, bucket);
	TAILQ_INSERT_TAIL(&up->due, f, due);
	up->stats.flights++;
	return f;
}

/* Off its socket or stream: what still arrives there is not for it. */
static void
flight_detach(struct dns_flight *f)
{
	struct usock *s = f->sock;

	if (f->bev != NULL) {
		bufferevent_free(f->bev);
		f->bev = NULL;
		LIST_REMOVE(f, onsock);
		f->up->nstreams--;
	}
	if (s != NULL) {
		f->sock = NULL;
		LIST_REMOVE(f, onsock);
		usock_release(s);
	}
}

static void
flight_unlink(struct dns_flight *f)
{
	flight_detach(f);
	LIST_REMOVE(f, bucket);
	TAILQ_REMOVE(&f->up->due, f, due);
	f->up->stats.flights--;
	f->ending = true;
}

static void
flight_end(struct dns_flight *f, const struct dns_answer *a)
{
	struct dns_up *up = f->up;
	struct dns_wait *w;

	flight_unlink(f);
	if (a != NULL)
		up->store(up->arg, &f->name, f->type, a);
	else
		up->stats.failed++;
	while ((w = TAILQ_FIRST(&f->waits)) != NULL) {
		TAILQ_REMOVE(&f->waits, w, entry);
		w->flight = NULL;
		w->done(w, a);
	}
	free(f);
}

static bool
id_taken(const struct usock *s, uint16_t id)
{
	struct dns_flight *f;

	LIST_FOREACH(f, &s->flights, onsock)
		if (f->id == id)
			return true;
	return false;
}

static void
spell(struct dns_flight *f)
{
	size_t i;
	uint32_t bits = 0;

	f->sent = f->name;
	for (i = 0; f->up->mix_case && i < f->sent.len; i++) {
		if (i % 32 == 0)
			bits = arc4random();
		if (f->sent.wire[i] >= 'a' && f->sent.wire[i] <= 'z' &&
		    (bits >> i % 32 & 1))
			f->sent.wire[i] -= 32;
	}
}

static size_t
flight_write(struct dns_flight *f, uint8_t out[DNS_QUERY_BYTES])
{
	spell(f);
	return dns_query_write(out, DNS_QUERY_BYTES, f->id, &f->sent, f->type,
	    f->edns);
}

static bool
send_all(int fd, const uint8_t *p, size_t n)
{
	if (send(fd, p, n, MSG_DONTWAIT) == (ssize_t)n)
		return true;
	/* an earlier datagram's error; full buffers are a lost datagram */
	if (errno == ECONNREFUSED)
		return send(fd, p, n, MSG_DONTWAIT) == (ssize_t)n;
	return errno == EAGAIN || errno == ENOBUFS;
}

static bool
flight_send(struct dns_flight *f)
{
	struct usock *s = usock_get(f->up, f->server);
	uint8_t out[DNS_QUERY_BYTES];
	size_t n;

	if (s == NULL)
		return false;
	do {
		f->id = (uint16_t)arc4random();
	} while (id_taken(s, f->id));
	f->sock = s;
	LIST_INSERT_HEAD(&s->flights, f, onsock);
	n = flight_write(f, out);
	f->sent_ms = now_ms();
	f->up->stats.sent++;
	if (send_all(s->fd, out, n))
		return true;
	flight_detach(f);
	return false;
}

/* The next in turn that is not at rest, or the next in turn. */
static unsigned int
pick_server(const struct dns_flight *f)
{
	const struct dns_up *up = f->up;
	uint64_t now = now_ms();
	unsigned int i, n, turn = (f->first + f->tries) % up->nservers;

	for (i = 0; i < up->nservers; i++) {
		n = (turn + i) % up->nservers;
		if (up->server[n].rest_until_ms <= now)
			return n;
	}
	return turn;
}

static bool
tries_left(const struct dns_flight *f)
{
	return f->tries < f->up->attempts * f->up->nservers;
}

/* Ask the next resolver that can be asked. */
static void
flight_go(struct dns_flight *f)
{
	flight_detach(f);
	while (tries_left(f)) {
		f->server = pick_server(f);
		f->tries++;
		if (flight_send(f)) {
			set_due(f, f->up->timeout_ms);
			return;
		}
	}
	set_due(f, 0);
}

/* "192.0.2.1", "fe80::1%eth0"; with the port where it is another than 53. */
static void
server_text(const struct server *srv, char *buf, size_t size)
{
	const struct sockaddr_in6 *in6 = (const void *)&srv->sa;
	const struct sockaddr_in *in = (const void *)&srv->sa;
	bool v6 = srv->sa.ss_family == AF_INET6;
	unsigned int port = ntohs(v6 ? in6->sin6_port : in->sin_port);
	char addr[INET6_ADDRSTRLEN] = "?", at[16] = "";

	if (v6)
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, addr, sizeof(addr));
	else
		(void)inet_ntop(AF_INET, &in->sin_addr, addr, sizeof(addr));
	if (port != 53)
		snprintf(at, sizeof(at), " port %u", port);
	snprintf(buf, size, "%s%s%s%s", addr, srv->zone[0] != '\0' ? "%" : "",
	    srv->zone, at);
}

static void
server_silent(struct server *srv)
{
	uint64_t now = now_ms();
	char text[96];

	srv->rest_until_ms = now + DNS_UP_REST_MS;
	if (srv->silent || (srv->said_ms != 0 && now - srv->said_ms < SAY_MS))
		return;
	srv->silent = true;
	srv->said_ms = now;
	server_text(srv, text, sizeof(text));
	log_warn("resolver %s is silent: others are asked first", text);
}

static void
server_heard(struct dns_up *up, unsigned int server)
{
	struct server *srv = &up->server[server];
	char text[96];

	srv->heard_ms = now_ms();
	srv->rest_until_ms = 0;
	if (!srv->silent)
		return;
	srv->silent = false;
	server_text(srv, text, sizeof(text));
	log_info("resolver %s answers again", text);
}

/*
 * Its resolver was no help.  To others neither, unless it has answered anything
 * since: who asks for a name that nobody answers for must not cost everybody
 * the resolver that they are to ask first.
 */
static void
flight_failed(struct dns_flight *f)
{
	struct server *srv = &f->up->server[f->server];

	if (srv->heard_ms < f->sent_ms)
		server_silent(srv);
	flight_go(f);
}

static void
on_timer(int fd, short what, void *arg)
{
	struct dns_up *up = arg;
	struct dns_flight *f;
	uint64_t now = now_ms();

	while ((f = TAILQ_FIRST(&up->due)) != NULL && f->due_ms <= now) {
		up->stats.timeouts++;
		if (tries_left(f))
			flight_failed(f);
		else
			flight_end(f, NULL);
	}
	arm(up);
}

/* ---- streams ---- */

static void
on_stream_event(struct bufferevent *bev, short what, void *arg)
{
	if (!(what & BEV_EVENT_CONNECTED))
		flight_failed(arg);
}

static void
on_stream_read(struct bufferevent *bev, void *arg)
{
	struct dns_flight *f = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct dns_up *up = f->up;
	const uint8_t *p;
	uint8_t head[2];
	size_t n;

	if (evbuffer_copyout(in, head, sizeof(head)) != sizeof(head))
		return;
	n = dns_get16(head);
	if (evbuffer_get_length(in) < n + 2)
		return;
	server_heard(up, f->server);
	p = evbuffer_pullup(in, (ssize_t)n + 2);
	if (p != NULL &&
	    dns_response_is_to(p + 2, n, f->id, &f->sent, f->type, false) &&
	    dns_response_read(&up->answer, p + 2, n, &f->name, f->type) ==
		DNS_RESPONSE_OK)
		flight_end(f, &up->answer.a);
	else
		flight_failed(f);
}

static bool
may_stream(const struct dns_flight *f)
{
	const struct dns_flight *other;
	unsigned int n = 0;

	LIST_FOREACH(other, &f->up->streams, onsock)
		n += other->who == f->who;
	return n < DNS_UP_STREAMS_EACH && f->up->nstreams < DNS_UP_STREAMS;
}

/* The same question to the same resolver by TCP. */
static void
flight_stream(struct dns_flight *f)
{
	struct dns_up *up = f->up;
	struct server *srv = &up->server[f->server];
	uint8_t out[2 + DNS_QUERY_BYTES];
	size_t n;

	flight_detach(f);
	if (!may_stream(f) ||
	    (f->bev = bufferevent_socket_new(up->base, -1,
		 BEV_OPT_CLOSE_ON_FREE)) == NULL) {
		flight_go(f);
		return;
	}
	LIST_INSERT_HEAD(&up->streams, f, onsock);
	up->nstreams++;
	up->stats.streams++;
	f->id = (uint16_t)arc4random();
	n = flight_write(f, out + 2);
	dns_put16(out, (unsigned int)n);
	set_due(f, up->timeout_ms);
	bufferevent_setcb(f->bev, on_stream_read, NULL, on_stream_event, f);
	if (bufferevent_write(f->bev, out, n + 2) == -1 ||
	    bufferevent_enable(f->bev, EV_READ | EV_WRITE) == -1) {
		flight_go(f);
		return;
	}
	/* on failure on_stream_event will be called, or the deadline comes */
	(void)bufferevent_socket_connect(f->bev, address_of(srv),
	    (int)srv->sa_len);
}

/* ---- datagrams ---- */

static struct dns_flight *
flight_of(struct usock *s, const uint8_t *p, size_t n)
{
	struct dns_flight *f;

	LIST_FOREACH(f, &s->flights, onsock)
		if (dns_response_is_to(p, n, f->id, &f->sent, f->type,
			s->up->mix_case))
			return f;
	return NULL;
}

static void
flight_answered(struct dns_flight *f, const uint8_t *p, size_t n, bool cut)
{
	struct dns_up *up = f->up;
	enum dns_response r = DNS_RESPONSE_TRUNCATED;

	if (!cut)
		r = dns_response_read(&up->answer, p, n, &f->name, f->type);
	switch (r) {
	case DNS_RESPONSE_OK:
		flight_end(f, &up->answer.a);
		break;
	case DNS_RESPONSE_TRUNCATED:
		flight_stream(f);
		break;
	case DNS_RESPONSE_FORMAT:
		/* the same one again, without EDNS */
		if (f->edns)
			f->tries--;
		f->edns = false;
		flight_go(f);
		break;
	case DNS_RESPONSE_FAILED:
		flight_go(f); /* it answers, of other names perhaps better */
		break;
	}
}

/* What is on this socket goes on elsewhere. */
static void
usock_abandon(struct usock *s, void (*how)(struct dns_flight *f))
{
	struct dns_flight *f;

	usock_retire(s);
	while ((f = LIST_FIRST(&s->flights)) != NULL)
		how(f);
}

static void
usock_stray(struct usock *s)
{
	s->up->stats.strays++;
	if (++s->strays == DNS_UP_STRAYS)
		usock_abandon(s, flight_stream);
}

/* One datagram; false: there is no more. */
static bool
usock_read(struct usock *s)
{
	uint8_t *p = s->up->datagram;
	struct dns_flight *f;
	ssize_t n = recv(s->fd, p, DATAGRAM_MAX, MSG_DONTWAIT | MSG_TRUNC);

	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			usock_abandon(s, flight_failed);
		return false;
	}
	f = flight_of(s, p, n > DATAGRAM_MAX ? DATAGRAM_MAX : (size_t)n);
	if (f == NULL) {
		usock_stray(s);
	} else {
		server_heard(s->up, s->server);
		flight_answered(f, p, (size_t)n, n > DATAGRAM_MAX);
	}
	return !LIST_EMPTY(&s->flights);
}

static void
on_datagram(int fd, short what, void *arg)
{
	struct usock *s = arg;
	unsigned int i;

	s->busy = true;
	for (i = 0; i < READS_MAX && usock_read(s); i++)
		;
	s->busy = false;
	usock_release(s);
}

/* ---- what others call ---- */

struct dns_up *
dns_up_new(struct event_base *base, dns_up_store *store, void *arg)
{
	struct dns_up *up = calloc(1, sizeof(*up));

	if (up == NULL || siphash_key_make(&up->key) == -1) {
		free(up);
		return NULL;
	}
	up->base = base;
	up->store = store;
	up->arg = arg;
	TAILQ_INIT(&up->due);
	evtimer_assign(&up->timer, base, on_timer, up);
	return up;
}

void
dns_up_free(struct dns_up *up)
{
	struct dns_flight *f, *next;
	struct dns_wait *w;

	if (up == NULL)
		return;
	TAILQ_FOREACH_SAFE(f, &up->due, due, next) {
		flight_unlink(f);
		TAILQ_FOREACH(w, &f->waits, entry)
			w->flight = NULL;
		free(f);
	}
	evtimer_del(&up->timer);
	free(up);
}

static socklen_t
sa_len(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					   sizeof(struct sockaddr_in);
}

void
dns_up_configure(struct dns_up *up, const struct dns_conf *conf)
{
	struct dns_flight *f;
	struct flight_queue old = TAILQ_HEAD_INITIALIZER(old);
	unsigned int i;

	TAILQ_FOREACH(f, &up->due, due) /* the sockets go with the last */
		flight_detach(f);
	up->nservers = conf->nservers;
	up->timeout_ms = conf->timeout_ms > 0 ? conf->timeout_ms :
						DNS_TIMEOUT_MS;
	up->attempts = conf->attempts > 0 ? conf->attempts : DNS_ATTEMPTS;
	up->rotate = conf->rotate;
	for (i = 0; i < conf->nservers; i++) {
		up->server[i].sa = conf->server[i];
		up->server[i].sa_len = sa_len(&conf->server[i]);
		memcpy(up->server[i].zone, conf->zone[i],
		    sizeof(up->server[i].zone));
		up->server[i].heard_ms = up->server[i].rest_until_ms = 0;
		up->server[i].said_ms = 0;
		up->server[i].silent = false;
	}
	if (conf->nservers > 0)
		up->socks_max = DNS_UP_SOCKETS / conf->nservers;
	TAILQ_CONCAT(&old, &up->due, due);
	while ((f = TAILQ_FIRST(&old)) != NULL) {
		TAILQ_REMOVE(&old, f, due);
		TAILQ_INSERT_TAIL(&up->due, f, due);
		f->tries = f->first = 0;
		flight_go(f);
	}
}

void
dns_up_mix_case(struct dns_up *up, bool on)
{
	up->mix_case = on;
}

int
dns_up_ask(struct dns_up *up, const struct dns_name *name, uint16_t type,
    struct dns_wait *w)
{
	struct dns_flight *f;

	w->flight = NULL;
	if (up->nservers == 0)
		return -1;
	f = flight_find(up, name, type);
	if (f != NULL) {
		up->stats.joined++;
	} else {
		if (up->stats.flights >= DNS_UP_QUESTIONS ||
		    (f = flight_new(up, name, type, w->who)) == NULL)
			return -1;
		up->stats.asked++;
		flight_go(f);
	}
	w->flight = f;
	TAILQ_INSERT_TAIL(&f->waits, w, entry);
	return 0;
}

void
dns_up_cancel(struct dns_wait *w)
{
	struct dns_flight *f = w->flight;

	if (f == NULL)
		return;
	TAILQ_REMOVE(&f->waits, w, entry);
	w->flight = NULL;
	if (f->ending || !TAILQ_EMPTY(&f->waits))
		return;
	flight_unlink(f);
	free(f);
}

void
dns_up_stats(const struct dns_up *up, struct dns_up_stats *s)
{
	*s = up->stats;
}
