/*
 * Event streams: from auditd's end of a socketpair to a client, as they are or, for a
 * tail, a server-sent event for each line.  Runs in control.  A client that does not read
 * holds back its own stream only: the next piece is read when the last has been written.
 */

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/control.h"

#define PIECE	       65536
#define LINE_MAX_BYTES (256u << 10)

struct stream {
	TAILQ_ENTRY(stream) entry;
	struct control *control;
	uid_t uid;
	struct evhttp_request *req;
	struct evhttp_connection *conn;
	enum control_shape shape;
	int fd; /* owned */
	struct event *in; /* data from auditd */
	struct event *hup; /* the client left */
	struct evbuffer *line; /* what is not yet a whole line */
	bool started; /* the head has been sent */
};

static void
stream_free(struct stream *st)
{
	TAILQ_REMOVE(&st->control->streams, st, entry);
	st->control->streams_cnt--;
	if (st->in != NULL)
		event_free(st->in);
	if (st->hup != NULL)
		event_free(st->hup);
	if (st->line != NULL)
		evbuffer_free(st->line);
	close(st->fd);
	free(st);
}

/* The connection goes, by evhttp's doing. */
static void
on_conn_close(struct evhttp_connection *conn, void *arg)
{
	stream_free(arg);
}

static void
stream_end(struct stream *st)
{
	struct evhttp_request *req = st->req;

	evhttp_connection_set_closecb(st->conn, NULL, NULL);
	stream_free(st);
	evhttp_send_reply_end(req);
}

/* evhttp does not look for a client that leaves while it is answered: we do. */
static void
on_client_gone(evutil_socket_t fd, short what, void *arg)
{
	struct stream *st = arg;
	struct evhttp_connection *conn = st->conn;

	evhttp_connection_set_closecb(conn, NULL, NULL);
	stream_free(st);
	evhttp_connection_free(conn);
}

static void
start(struct stream *st)
{
	struct evkeyvalq *h = evhttp_request_get_output_headers(st->req);
	bool sse = st->shape == SHAPE_EVENTS;

	evhttp_add_header(h, "Content-Type",
	    sse ? "text/event-stream" : "application/json");
	if (sse)
		evhttp_add_header(h, "Cache-Control", "no-cache");
	evhttp_send_reply_start(st->req, 200, "OK");
	st->started = true;
}

/* Whole lines of what has come, as events; what is no line yet stays. */
static void
take_events(struct stream *st, struct evbuffer *out)
{
	char *line;
	size_t len;

	while (
	    (line = evbuffer_readln(st->line, &len, EVBUFFER_EOL_LF)) != NULL) {
		evbuffer_add_printf(out, "data: ");
		evbuffer_add(out, line, len);
		evbuffer_add_printf(out, "\n\n");
		free(line);
	}
}

static void
on_written(struct evhttp_connection *conn, void *arg)
{
	struct stream *st = arg;

	event_add(st->in, NULL);
}

/* Nothing came at all: auditd died with the question. */
static void
stream_fail(struct stream *st)
{
	struct evhttp_request *req = st->req;

	evhttp_connection_set_closecb(st->conn, NULL, NULL);
	stream_free(st);
	http_error(req, 503, "auditd is being started: try again");
}

static void
send_piece(struct stream *st, struct evbuffer *out, bool end)
{
	size_t len = evbuffer_get_length(out);

	if (end && len == 0 && !st->started) {
		stream_fail(st);
		return;
	}
	if (!st->started)
		start(st);
	if (end) {
		if (len > 0)
			evhttp_send_reply_chunk(st->req, out);
		stream_end(st);
	} else if (len > 0) {
		event_del(st->in);
		evhttp_send_reply_chunk_with_cb(st->req, out, on_written, st);
	}
}

static void
on_data(evutil_socket_t fd, short what, void *arg)
{
	struct stream *st = arg;
	struct evbuffer *out;
	int n;

	n = evbuffer_read(st->line, fd, PIECE);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if ((out = evbuffer_new()) == NULL)
		return;
	if (st->shape == SHAPE_EVENTS)
		take_events(st, out);
	else
		evbuffer_add_buffer(out, st->line);
	send_piece(st, out,
	    n <= 0 || evbuffer_get_length(st->line) > LINE_MAX_BYTES);
	evbuffer_free(out);
}

static void
send_hello(struct stream *st)
{
	struct evbuffer *out = evbuffer_new();

	if (out == NULL)
		return;
	evbuffer_add_printf(out, "event: ready\ndata: {}\n\n");
	start(st);
	evhttp_send_reply_chunk(st->req, out);
	evbuffer_free(out);
}

static struct stream *
stream_new(struct pending *p, int fd)
{
	struct stream *st = calloc(1, sizeof(*st));
	evutil_socket_t client;

	if (st == NULL)
		return NULL;
	st->control = p->control;
	st->uid = p->uid;
	st->req = p->req;
	st->conn = evhttp_request_get_connection(p->req);
	st->shape = p->shape;
	st->fd = fd;
	TAILQ_INSERT_TAIL(&p->control->streams, st, entry);
	p->control->streams_cnt++;
	client = bufferevent_getfd(evhttp_connection_get_bufferevent(st->conn));
	st->line = evbuffer_new();
	st->in = event_new(p->control->base, fd, EV_READ | EV_PERSIST, on_data,
	    st);
	st->hup = event_new(p->control->base, client, EV_CLOSED, on_client_gone,
	    st);
	if (st->line != NULL && st->in != NULL && st->hup != NULL &&
	    event_add(st->in, NULL) == 0 && event_add(st->hup, NULL) == 0)
		return st;
	st->fd = -1;
	stream_free(st);
	return NULL;
}

void
stream_serve(struct pending *p, int fd)
{
	struct stream *st;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	if ((st = stream_new(p, fd)) == NULL) {
		close(fd);
		http_error(p->req, 503, "out of memory");
		pending_free(p);
		return;
	}
	pending_free(p);
	evhttp_connection_set_closecb(st->conn, on_conn_close, st);
	if (st->shape == SHAPE_EVENTS)
		send_hello(st);
}

unsigned int
control_held(const struct control *ct, uid_t uid)
{
	const struct pending *p;
	const struct stream *st;
	unsigned int n = 0;

	TAILQ_FOREACH(p, &ct->pending, entry)
		n += p->uid == uid;
	TAILQ_FOREACH(st, &ct->streams, entry)
		n += st->uid == uid;
	return n;
}
