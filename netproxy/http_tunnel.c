/*
 * Tunnels.  Runs in netproxy; reads no byte of what it carries.  Must never
 * hold more than HTTP_TUNNEL_READ bytes one way, nor read while it holds any.
 */

#include <sys/socket.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "netproxy/http_proxy.h"
#include "netproxy/http_tunnel.h"

struct way {
	struct http_tunnel *t;
	int from, to;
	struct event rd, wr;
	bool eof, shut;
	char *held; /* what to did not take yet */
	size_t at, len;
	uint64_t *bytes;
};

struct http_tunnel {
	struct way up, down;
	struct event idle;
	void (*done)(void *arg);
	void *arg;
	uint64_t seen; /* bytes at the last tick */
	unsigned int quiet; /* ticks without any */
};

#define TICK_S 60

/* One buffer for all: nothing is left in it between two callbacks. */
static char scratch[HTTP_TUNNEL_READ];

static bool
is_later(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Pass on the end of the stream once nothing is held. */
static void
pass_end(struct way *w)
{
	if (!w->eof || w->shut || w->held != NULL)
		return;
	shutdown(w->to, SHUT_WR);
	w->shut = true;
}

/* false: the tunnel has ended. */
static bool
settle(struct http_tunnel *t, struct way *w, bool ok)
{
	pass_end(w);
	if (ok && !(t->up.shut && t->down.shut))
		return true;
	t->done(t->arg);
	return false;
}

/* Keep what the other side does not take now. */
static bool
hold(struct way *w, const char *p, size_t len)
{
	w->held = malloc(len);
	if (w->held == NULL)
		return false;
	memcpy(w->held, p, len);
	w->at = 0;
	w->len = len;
	event_del(&w->rd);
	event_add(&w->wr, NULL);
	return true;
}

static bool
pass(struct way *w, const char *p, size_t len)
{
	ssize_t n = send(w->to, p, len, MSG_NOSIGNAL);

	if (n == -1 && !is_later())
		return false;
	if (n < 0)
		n = 0;
	*w->bytes += (uint64_t)n;
	return (size_t)n == len || hold(w, p + n, len - (size_t)n);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct way *w = arg;
	size_t most;
	ssize_t n;
	bool ok = true;

	most = http_held_bytes();
	n = recv(w->from, scratch, most < sizeof(scratch) ? most :
	    sizeof(scratch), 0);
	if (n > 0) {
		ok = pass(w, scratch, (size_t)n);
	} else if (n == 0) {
		w->eof = true;
		event_del(&w->rd);
	} else
		ok = is_later();
	(void)settle(w->t, w, ok);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct way *w = arg;
	ssize_t n;
	bool ok = true;

	n = send(w->to, w->held + w->at, w->len - w->at, MSG_NOSIGNAL);
	if (n > 0) {
		w->at += (size_t)n;
		*w->bytes += (uint64_t)n;
	} else
		ok = n == 0 || is_later();
	if (w->at == w->len) {
		free(w->held);
		w->held = NULL;
		event_del(&w->wr);
		if (!w->eof)
			event_add(&w->rd, NULL);
	}
	(void)settle(w->t, w, ok);
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct http_tunnel *t = arg;
	uint64_t now = *t->up.bytes + *t->down.bytes;
	bool half = t->up.eof || t->down.eof || t->up.held != NULL ||
	    t->down.held != NULL;
	unsigned int most = half ? HTTP_TUNNEL_HALF_S : HTTP_TUNNEL_IDLE_S;

	t->quiet = now == t->seen ? t->quiet + 1 : 0;
	t->seen = now;
	if (t->quiet >= most / TICK_S)
		t->done(t->arg);
}

static int
start_way(struct http_tunnel *t, struct way *w, struct event_base *base,
    struct evbuffer *first)
{
	size_t len = first != NULL ? evbuffer_get_length(first) : 0;

	w->t = t;
	event_assign(&w->rd, base, w->from, EV_READ | EV_PERSIST, on_read, w);
	event_assign(&w->wr, base, w->to, EV_WRITE | EV_PERSIST, on_write, w);
	if (len == 0)
		return event_add(&w->rd, NULL);
	w->held = malloc(len);
	if (w->held == NULL)
		return -1;
	w->len = len;
	evbuffer_remove(first, w->held, len);
	return event_add(&w->wr, NULL);
}

static void
clear_way(struct way *w)
{
	if (w->t == NULL)
		return;
	event_del(&w->rd);
	event_del(&w->wr);
	free(w->held);
}

void
http_tunnel_free(struct http_tunnel *t)
{
	if (t == NULL)
		return;
	clear_way(&t->up);
	clear_way(&t->down);
	event_del(&t->idle);
	free(t);
}

struct http_tunnel *
http_tunnel_start(struct event_base *base, const struct http_tunnel_ask *ask)
{
	struct timeval tick = { TICK_S, 0 };
	struct http_tunnel *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->done = ask->done;
	t->arg = ask->arg;
	t->up.from = t->down.to = ask->client;
	t->up.to = t->down.from = ask->server;
	t->up.bytes = ask->up_bytes;
	t->down.bytes = ask->down_bytes;
	event_assign(&t->idle, base, -1, EV_PERSIST, on_idle, t);
	if (event_add(&t->idle, &tick) == -1 ||
	    start_way(t, &t->up, base, ask->to_server) == -1 ||
	    start_way(t, &t->down, base, ask->to_client) == -1) {
		http_tunnel_free(t);
		return NULL;
	}
	return t;
}
