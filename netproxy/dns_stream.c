/*
 * Queries by TCP: as many as a client likes on one connection, answered as
 * their answers come (RFC 7766).  What is not read, what comes too slowly, and
 * who has too much waiting costs that connection only.
 *
 * Runs in netproxy.  Trusts no length: a message is at most 64 KiB and waits in
 * the connection's own buffer.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "netproxy/dns_int.h"

#define DRAINED_BYTES (DNS_STREAM_OUT_BYTES / 4)
#define IN_BYTES      (2 + 65535) /* one message */

struct dns_stream {
	struct np_client client; /* first: the client is the stream */
	LIST_ENTRY(dns_stream) entry;
	struct dns_server *server;
	struct bufferevent *bev;
	struct dns_pend_list pends;
	unsigned int npends;
	struct event again; /* more of what was said is to be served */
	uint64_t since_ms; /* of an incomplete message; 0: none */
	bool eof; /* the client sends no more */
};

static void
stream_free(struct dns_stream *st)
{
	struct dns_pend *p, *next;

	LIST_FOREACH_SAFE(p, &st->pends, of_stream, next)
		dns_pend_free(p);
	LIST_REMOVE(st, entry);
	event_del(&st->again);
	st->server->stats.streams--;
	bufferevent_free(st->bev);
	np_client_del(&st->client);
	free(st);
}

static void
on_client_end(struct np_client *c)
{
	stream_free((struct dns_stream *)c);
}

static size_t
unsent(const struct dns_stream *st)
{
	return evbuffer_get_length(bufferevent_get_output(st->bev));
}

/* May more of its queries be answered? */
static bool
is_open(const struct dns_stream *st)
{
	return st->npends < DNS_STREAM_PENDING &&
	    unsent(st) < DNS_STREAM_OUT_BYTES;
}

static void
serve_message(struct dns_stream *st, const uint8_t *bytes, size_t len)
{
	struct dns_from from = { .stream = st, .fd = -1 };
	uint8_t *out = st->server->reply;
	size_t n;

	st->client.up_bytes += len;
	n = dns_serve(st->server, st->client.session, &from, dns_now_ms(),
	    bytes, len, out, DNS_REPLY_BYTES);
	if (n > 0)
		dns_stream_reply(st, out, n);
}

/* One whole message, if there is one. */
static bool
take_message(struct dns_stream *st)
{
	struct evbuffer *in = bufferevent_get_input(st->bev);
	const uint8_t *p;
	uint8_t head[2];
	size_t n;

	if (evbuffer_copyout(in, head, sizeof(head)) != sizeof(head))
		return false;
	n = dns_get16(head);
	if (evbuffer_get_length(in) < n + 2 ||
	    (p = evbuffer_pullup(in, (ssize_t)n + 2)) == NULL)
		return false;
	serve_message(st, p + 2, n);
	evbuffer_drain(in, n + 2);
	return true;
}

/* One turn's messages; false: it is gone. */
static bool
stream_run(struct dns_stream *st)
{
	static const struct timeval now = { 0, 0 };
	unsigned int n = 0;
	bool open;

	while ((open = is_open(st)) && n < DNS_STREAM_TURN &&
	    take_message(st)) {
		st->since_ms = 0;
		n++;
	}
	if (n == DNS_STREAM_TURN && evtimer_add(&st->again, &now) == 0)
		return true;
	if (st->eof && st->npends == 0 && unsent(st) == 0) {
		stream_free(st);
		return false;
	}
	if (open && !st->eof)
		bufferevent_enable(st->bev, EV_READ);
	else
		bufferevent_disable(st->bev, EV_READ);
	return true;
}

/* A message must be complete in time, however it dribbles. */
static bool
is_late(struct dns_stream *st)
{
	uint64_t now = dns_now_ms();

	if (!is_open(st) ||
	    evbuffer_get_length(bufferevent_get_input(st->bev)) == 0)
		st->since_ms = 0;
	else if (st->since_ms == 0)
		st->since_ms = now;
	return st->since_ms != 0 &&
	    now - st->since_ms > DNS_STREAM_IDLE_S * UINT64_C(1000);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct dns_stream *st = arg;

	if (stream_run(st) && is_late(st))
		stream_free(st);
}

/* What was unsent has become little. */
static void
on_write(struct bufferevent *bev, void *arg)
{
	(void)stream_run(arg);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)stream_run(arg);
}

static bool
is_busy(const struct dns_stream *st)
{
	return st->npends > 0 || unsent(st) > 0 ||
	    evtimer_pending(&st->again, NULL);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct dns_stream *st = arg;

	if ((what & BEV_EVENT_EOF) && is_busy(st)) {
		st->eof = true;
		bufferevent_disable(bev, EV_READ);
		return;
	}
	/* silent, but it waits for us */
	if ((what & BEV_EVENT_TIMEOUT) && (what & BEV_EVENT_READING) &&
	    st->npends > 0) {
		bufferevent_enable(bev, EV_READ);
		return;
	}
	stream_free(st);
}

void
dns_stream_reply(struct dns_stream *st, const uint8_t *bytes, size_t len)
{
	uint8_t head[2];

	dns_put16(head, (unsigned int)len);
	st->client.down_bytes += len;
	/* without memory for it the client asks again */
	(void)bufferevent_write(st->bev, head, sizeof(head));
	(void)bufferevent_write(st->bev, bytes, len);
}

void
dns_stream_pend(struct dns_stream *st, struct dns_pend *p)
{
	LIST_INSERT_HEAD(&st->pends, p, of_stream);
	st->npends++;
}

void
dns_stream_unpend(struct dns_stream *st, struct dns_pend *p)
{
	LIST_REMOVE(p, of_stream);
	st->npends--;
}

void
dns_server_stream(struct dns_server *d, struct np_session *s, int fd)
{
	const struct timeval idle = { .tv_sec = DNS_STREAM_IDLE_S };
	struct dns_stream *st = calloc(1, sizeof(*st));

	if (st == NULL ||
	    (st->bev = bufferevent_socket_new(d->base, fd,
		 BEV_OPT_CLOSE_ON_FREE)) == NULL) {
		free(st);
		close(fd);
		return;
	}
	evtimer_assign(&st->again, d->base, on_again, st);
	st->server = d;
	st->client.end = on_client_end;
	st->client.kind = "dns";
	LIST_INIT(&st->pends);
	if (np_client_add(s, &st->client) == -1) {
		bufferevent_free(st->bev);
		free(st);
		return;
	}
	LIST_INSERT_HEAD(&d->streams, st, entry);
	d->stats.streams++;
	bufferevent_setcb(st->bev, on_read, on_write, on_event, st);
	bufferevent_setwatermark(st->bev, EV_READ, 0, IN_BYTES);
	bufferevent_setwatermark(st->bev, EV_WRITE, DRAINED_BYTES, 0);
	bufferevent_set_timeouts(st->bev, &idle, &idle);
	bufferevent_enable(st->bev, EV_READ | EV_WRITE);
}

void
dns_stream_free_all(struct dns_server *d)
{
	struct dns_stream *st, *next;

	LIST_FOREACH_SAFE(st, &d->streams, entry, next)
		stream_free(st);
}
