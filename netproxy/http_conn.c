/*
 * Connections of clients and servers: sockets, buffers, timers, states.  Runs in
 * netproxy.  Trusts nothing that comes from either side; must never hold more
 * than http_held_bytes() or a head, and one read, of any of them.
 */

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netproxy/http_conn.h"

#define READ_SMALL 4096u /* while waiting for heads */
#define READ_BIG 65536u
#define LINGER_BYTES (4u << 20)

const char *const http_state_name[HTTP_STATE_MAX] = {
	[HTTP_GREETING] = "greeting",
	[HTTP_HEAD] = "head",
	[HTTP_DIALLING] = "dialling",
	[HTTP_RELAY] = "relay",
	[HTTP_HELLO] = "hello",
	[HTTP_TUNNEL] = "tunnel",
	[HTTP_LINGER] = "linger",
	[HTTP_CLOSED] = "closed",
};

#define TO(s) (1u << HTTP_##s)
static const unsigned int next_tab[HTTP_STATE_MAX] = {
	[HTTP_GREETING] = TO(HEAD) | TO(DIALLING) | TO(LINGER) | TO(CLOSED),
	[HTTP_HEAD] = TO(DIALLING) | TO(RELAY) | TO(LINGER) | TO(CLOSED),
	[HTTP_DIALLING] = TO(HEAD) | TO(RELAY) | TO(HELLO) | TO(TUNNEL) |
	    TO(LINGER) | TO(CLOSED),
	[HTTP_RELAY] = TO(HEAD) | TO(DIALLING) | TO(TUNNEL) | TO(LINGER) |
	    TO(CLOSED),
	[HTTP_HELLO] = TO(TUNNEL) | TO(LINGER) | TO(CLOSED),
	[HTTP_TUNNEL] = TO(CLOSED),
	[HTTP_LINGER] = TO(CLOSED),
};

static void on_read(evutil_socket_t fd, short what, void *arg);
static void on_write(evutil_socket_t fd, short what, void *arg);

void
http_conn_set(struct http_conn *c, enum http_state to)
{
	if (c->state == to)
		return;
	/* A change that is not in the table is a bug of ours: end it. */
	if (next_tab[c->state] & 1u << to)
		c->state = to;
	else
		c->state = HTTP_CLOSED;
}

void
http_conn_timer(struct http_conn *c, unsigned int seconds)
{
	struct timeval tv = { seconds, 0 };

	evtimer_add(&c->timer, &tv);
}

void
http_conn_stall_timer(struct http_conn *c)
{
	c->moved_ms = http_now_ms();
	http_conn_timer(c, HTTP_STALL_S);
}

static unsigned int nconns;

size_t
http_held_bytes(void)
{
	size_t share = HTTP_HELD_ALL / (nconns > 0 ? nconns : 1);

	return share > HTTP_HELD_BYTES ? HTTP_HELD_BYTES :
	    share < HTTP_HELD_LEAST ? HTTP_HELD_LEAST : share;
}

/* Read no more than may be held. */
static size_t
read_bytes(const struct http_conn *c)
{
	size_t held;

	if (c->state != HTTP_RELAY)
		return READ_SMALL;
	held = http_held_bytes();
	return held < READ_BIG ? held : READ_BIG;
}

/* ---- one side ---- */

static int
end_open(struct http_conn *c, struct http_end *e, int fd)
{
	e->in = evbuffer_new();
	e->out = evbuffer_new();
	e->fd = fd;
	e->eof = e->failed = e->reading = e->writing = false;
	event_assign(&e->rd, np_base(c->np), fd, EV_READ | EV_PERSIST, on_read,
	    c);
	event_assign(&e->wr, np_base(c->np), fd, EV_WRITE | EV_PERSIST,
	    on_write, c);
	return e->in != NULL && e->out != NULL ? 0 : -1;
}

static void
end_close(struct http_end *e)
{
	if (e->fd == -1)
		return;
	event_del(&e->rd);
	event_del(&e->wr);
	close(e->fd);
	e->fd = -1;
	if (e->in != NULL)
		evbuffer_free(e->in);
	if (e->out != NULL)
		evbuffer_free(e->out);
	e->in = e->out = NULL;
	e->eof = e->failed = e->reading = e->writing = false;
}

static void
want(struct event *ev, bool *is, bool now)
{
	if (*is == now)
		return;
	*is = now;
	if (now)
		event_add(ev, NULL);
	else
		event_del(ev);
}

static bool
is_later(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void
end_read(struct http_conn *c, struct http_end *e)
{
	struct evbuffer_iovec v;
	ssize_t n;

	if (evbuffer_reserve_space(e->in, (ssize_t)read_bytes(c), &v, 1) != 1) {
		e->failed = true;
		return;
	}
	n = recv(e->fd, v.iov_base, v.iov_len, 0);
	v.iov_len = n > 0 ? (size_t)n : 0;
	evbuffer_commit_space(e->in, &v, 1);
	if (n > 0)
		c->moved_ms = http_now_ms();
	else if (n == 0)
		e->eof = true;
	else if (!is_later())
		e->failed = e->eof = true;
	if (e == &c->down)
		c->client.up_bytes += v.iov_len;
	else
		c->client.down_bytes += v.iov_len;
}

/* true: something went. */
static bool
end_flush(struct http_conn *c, struct http_end *e)
{
	int n;

	if (e->fd == -1 || evbuffer_get_length(e->out) == 0)
		return false;
	n = evbuffer_write(e->out, e->fd);
	if (n > 0) {
		c->moved_ms = http_now_ms();
		return true;
	}
	if (n == -1 && !is_later()) {
		e->failed = true;
		evbuffer_drain(e->out, evbuffer_get_length(e->out));
		return true;
	}
	return false;
}

/* ---- the whole ---- */

void
http_conn_txn_free(struct http_conn *c)
{
	struct http_txn *t = c->txn;

	if (t == NULL)
		return;
	if (t->head != NULL)
		evbuffer_free(t->head);
	free(t->url);
	free(t);
	c->txn = NULL;
}

static void
conn_free(struct http_conn *c)
{
	nconns--;
	http_serve_abandoned(c);
	http_dial_cancel(c->dial);
	http_tunnel_free(c->tunnel);
	http_conn_txn_free(c);
	event_del(&c->timer);
	end_close(&c->up);
	end_close(&c->down);
	np_client_del(&c->client);
	free(c->sni);
	free(c);
}

/* The session has ended. */
static void
on_session_end(struct np_client *client)
{
	struct http_conn *c = (struct http_conn *)(void *)client;

	if (c->running)
		http_conn_set(c, HTTP_CLOSED);
	else
		conn_free(c);
}

/* What was sent is not all that there was: let nobody take it for that. */
void
http_conn_break(struct http_conn *c)
{
	struct linger now = { 1, 0 };

	setsockopt(c->down.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	http_conn_set(c, HTTP_CLOSED);
}

void
http_conn_drop_up(struct http_conn *c)
{
	end_close(&c->up);
	memset(&c->up_host, 0, sizeof(c->up_host));
}

int
http_conn_set_up(struct http_conn *c, int fd)
{
	if (end_open(c, &c->up, fd) == 0)
		return 0;
	end_close(&c->up);
	return -1;
}

void
http_conn_linger(struct http_conn *c)
{
	if (c->state == HTTP_CLOSED || c->state == HTTP_LINGER)
		return;
	http_dial_cancel(c->dial);
	c->dial = NULL;
	http_conn_drop_up(c);
	http_conn_txn_free(c);
	evbuffer_drain(c->down.in, evbuffer_get_length(c->down.in));
	http_conn_set(c, HTTP_LINGER);
	http_conn_stall_timer(c);
}

/*
 * The answer is out: no more from us, and read on for a while, lest a reset
 * overtake it.
 */
static bool
linger_step(struct http_conn *c)
{
	size_t n = evbuffer_get_length(c->down.in);

	evbuffer_drain(c->down.in, n);
	c->ignored_bytes += n;
	if (c->down.failed || c->ignored_bytes > LINGER_BYTES) {
		http_conn_set(c, HTTP_CLOSED);
		return false;
	}
	if (evbuffer_get_length(c->down.out) > 0)
		return false;
	if (c->down.eof) {
		http_conn_set(c, HTTP_CLOSED);
		return false;
	}
	if (c->said)
		return false;
	c->said = true;
	shutdown(c->down.fd, SHUT_WR);
	http_conn_timer(c, HTTP_LINGER_S);
	return false;
}

static void
on_tunnel_done(void *arg)
{
	struct http_conn *c = arg;

	http_conn_set(c, HTTP_CLOSED);
	http_conn_run(c);
}

void
http_conn_tunnel(struct http_conn *c)
{
	struct http_tunnel_ask ask = { .client = c->down.fd,
		.server = c->up.fd, .to_client = c->down.out,
		.to_server = c->up.out, .up_bytes = &c->client.up_bytes,
		.down_bytes = &c->client.down_bytes,
		.done = on_tunnel_done, .arg = c };

	want(&c->down.rd, &c->down.reading, false);
	want(&c->down.wr, &c->down.writing, false);
	want(&c->up.rd, &c->up.reading, false);
	want(&c->up.wr, &c->up.writing, false);
	evtimer_del(&c->timer);
	/* What both have sent already. */
	evbuffer_add_buffer(c->up.out, c->down.in);
	evbuffer_add_buffer(c->down.out, c->up.in);
	http_conn_txn_free(c);
	c->tunnel = http_tunnel_start(np_base(c->np), &ask);
	http_conn_set(c, c->tunnel != NULL ? HTTP_TUNNEL : HTTP_CLOSED);
}

static bool
wait_step(struct http_conn *c)
{
	return false;
}

static bool (*const step_tab[HTTP_STATE_MAX])(struct http_conn *c) = {
	[HTTP_GREETING] = http_intercept_greeting,
	[HTTP_HEAD] = http_serve_head,
	[HTTP_DIALLING] = wait_step,
	[HTTP_RELAY] = http_relay_step,
	[HTTP_HELLO] = http_intercept_hello,
	[HTTP_TUNNEL] = wait_step,
	[HTTP_LINGER] = linger_step,
	[HTTP_CLOSED] = wait_step,
};

static void
want_all(struct http_conn *c)
{
	bool relay = c->state == HTTP_RELAY;
	size_t held = http_held_bytes();

	if (c->state == HTTP_TUNNEL)
		return;
	want(&c->down.rd, &c->down.reading, !c->down.eof &&
	    evbuffer_get_length(c->down.in) < HTTP_HEAD_MAX &&
	    !(relay && evbuffer_get_length(c->up.out) >= held));
	want(&c->down.wr, &c->down.writing,
	    evbuffer_get_length(c->down.out) > 0);
	if (c->up.fd == -1)
		return;
	want(&c->up.rd, &c->up.reading, !c->up.eof &&
	    evbuffer_get_length(c->up.in) < HTTP_HEAD_MAX &&
	    evbuffer_get_length(c->down.out) < held);
	want(&c->up.wr, &c->up.writing, evbuffer_get_length(c->up.out) > 0);
}

/* A client that is gone needs no answer. */
static void
check_client(struct http_conn *c)
{
	if (c->down.failed && c->state != HTTP_TUNNEL)
		http_conn_set(c, HTTP_CLOSED);
}

void
http_conn_run(struct http_conn *c)
{
	bool more;

	if (c->running) {
		c->again = true;
		return;
	}
	c->running = true;
	do {
		c->again = false;
		check_client(c);
		more = step_tab[c->state](c);
		if (c->state != HTTP_TUNNEL && c->state != HTTP_CLOSED) {
			more |= end_flush(c, &c->up);
			more |= end_flush(c, &c->down);
		}
	} while (c->state != HTTP_CLOSED && (more || c->again));
	c->running = false;
	if (c->state == HTTP_CLOSED)
		conn_free(c);
	else
		want_all(c);
}

/* ---- the loop's callbacks ---- */

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;

	end_read(c, fd == c->up.fd ? &c->up : &c->down);
	http_conn_run(c);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	http_conn_run(arg);
}

/* How long nothing may move; 0: that is not what the timer is for. */
static unsigned int
quiet_s(const struct http_conn *c)
{
	if (c->state == HTTP_RELAY || (c->state == HTTP_LINGER && !c->said))
		return HTTP_STALL_S;
	if (c->state != HTTP_HEAD || c->in_head)
		return 0;
	/* Who has not read the last answer yet is not between two requests. */
	return evbuffer_get_length(c->down.out) > 0 ? HTTP_STALL_S :
						      HTTP_BETWEEN_S;
}

/* Something moved since the timer was set: it is due later.  Else false. */
static bool
put_off(struct http_conn *c)
{
	uint64_t quiet = http_now_ms() - c->moved_ms, left,
		 most = quiet_s(c) * UINT64_C(1000);
	struct timeval tv;

	/* Never moved: a client that has not begun. */
	if (quiet >= most || c->moved_ms == 0)
		return false;
	left = most - quiet;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
	evtimer_add(&c->timer, &tv);
	return true;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;

	if (put_off(c))
		return;
	if (c->state == HTTP_HEAD && c->in_head)
		http_reply_error(c, 408, "the request took too long", false);
	else if (c->state == HTTP_RELAY && !c->txn->has_res)
		http_reply_error(c, 504, "the server took too long", false);
	else
		http_conn_set(c, HTTP_CLOSED);
	http_conn_run(c);
}

static struct http_conn *
conn_new(struct np *np, struct np_session *s, int fd)
{
	static const char full[] = "HTTP/1.1 503 Service Unavailable\r\n"
	    "Content-Length: 0\r\nConnection: close\r\n\r\n";
	struct http_conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->np = np;
	c->up.fd = -1;
	c->client.end = on_session_end;
	c->client.kind = "http";
	if (np_client_add(s, &c->client) == -1) {
		(void)!send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL);
		close(fd);
		free(c);
		return NULL;
	}
	nconns++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	evtimer_assign(&c->timer, np_base(np), on_timer, c);
	if (end_open(c, &c->down, fd) == -1) {
		conn_free(c);
		return NULL;
	}
	http_conn_timer(c, HTTP_FIRST_S);
	return c;
}

void
http_proxy_accept(struct np *np, struct np_session *s, int fd)
{
	struct http_conn *c = conn_new(np, s, fd);

	if (c == NULL)
		return;
	c->state = HTTP_HEAD;
	http_conn_run(c);
}

void
intercept_accept(struct np *np, struct np_session *s, int fd,
    const struct sockaddr *dst)
{
	struct http_conn *c = conn_new(np, s, fd);

	if (c == NULL)
		return;
	c->state = HTTP_GREETING;
	c->intercepted = true;
	memcpy(&c->dst, dst, dst->sa_family == AF_INET6 ?
	    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	c->dst_port = ntohs(dst->sa_family == AF_INET6 ?
	    ((struct sockaddr_in6 *)&c->dst)->sin6_port :
	    ((struct sockaddr_in *)&c->dst)->sin_port);
	c->client.peer = c->dst;
	http_conn_run(c);
}
