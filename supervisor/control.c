/*
 * agentsh-control: main, the channel to the monitor, and the requests that wait for its
 * answers.
 *
 * Its own uid, an empty root.  Trusts the monitor; trusts no client: a client that
 * is slow, lies or leaves costs its own connection.  Must never answer from what it
 * remembers: who may do what is the monitor's to say, each time.
 */

#include "supervisor/control.h"

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <event2/util.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"

#define ACCEPT_PAUSE_MS 100L
#define METHODS                                                                \
	(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | \
	    EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS)

/* ---- questions ---- */

void
pending_free(struct pending *p)
{
	if (p->req != NULL)
		evhttp_connection_set_closecb(evhttp_request_get_connection(
						  p->req),
		    NULL, NULL);
	TAILQ_REMOVE(&p->control->pending, p, entry);
	p->control->pending_cnt--;
	json_decref(p->list);
	free(p);
}

static void
on_client_close(struct evhttp_connection *conn, void *arg)
{
	struct pending *p = arg;

	/* The answer will come and find nobody. */
	p->req = NULL;
}

static uid_t
uid_of(int fd)
{
	struct ucred uc = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(uc);

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &uc, &len);
	return uc.uid;
}

static struct pending *
pending_new(struct control *ct, struct evhttp_request *req, uid_t uid)
{
	struct pending *p;

	if (ct->pending_cnt + ct->streams_cnt >= CONTROL_PENDING_MAX ||
	    control_held(ct, uid) >= CONTROL_PER_UID ||
	    (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->control = ct;
	p->req = req;
	p->uid = uid;
	p->success = 200;
	if (++ct->id_next == 0)
		ct->id_next = 1;
	p->id = ct->id_next;
	TAILQ_INSERT_TAIL(&ct->pending, p, entry);
	ct->pending_cnt++;
	return p;
}

struct pending *
control_ask(struct control *ct, struct evhttp_request *req, enum msg_type type,
    const void *payload, const void *tail, size_t len)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(conn);
	int fd = bufferevent_getfd(bev);
	struct pending *p;

	if ((p = pending_new(ct, req, uid_of(fd))) == NULL) {
		http_error(req, 429, "too many requests at once");
		return NULL;
	}
	if (chan_send(&ct->child.chan, type, p->id, 0, payload, tail, len, &fd,
		1) == -1) {
		log_warn("cannot ask the monitor %s: %m", msg_name[type]);
		p->req = NULL;
		pending_free(p);
		http_error(req, 503, "the monitor does not listen");
		return NULL;
	}
	/*
	 * libevent gives up its process when a client goes on talking before it has its
	 * answer: do not listen until then.
	 */
	bufferevent_disable(bev, EV_READ);
	evhttp_connection_set_closecb(conn, on_client_close, p);
	return p;
}

/* ---- answers ---- */

static void
answer_error(struct pending *p, uint32_t error, const char *text)
{
	struct evhttp_request *req = p->req;

	pending_free(p);
	http_error(req, http_status_of(error), text);
}

static void
got_item(struct pending *p, struct msg *m)
{
	const struct msg_session_item *it = msg_payload(m);
	struct evhttp_request *req = p->req;
	const char *text = msg_str(m, 0);
	json_t *j;
	int status = p->success;

	if (it->error != 0) {
		answer_error(p, it->error, text != NULL ? text : "error");
		return;
	}
	if ((j = shape_session(m)) == NULL)
		return;
	if (p->list != NULL) {
		json_array_append_new(p->list, j);
		return;
	}
	pending_free(p);
	http_json(req, status, j);
}

static void
got_end(struct pending *p, struct msg *m)
{
	const struct msg_status *st = msg_payload(m);
	struct evhttp_request *req = p->req;
	json_t *list = p->list;
	int status = p->success;

	if (st->error != 0) {
		answer_error(p, st->error,
		    st->error == ENOENT ? "session not found" :
					  strerror((int)st->error));
		return;
	}
	p->list = NULL;
	pending_free(p);
	if (list != NULL)
		http_json(req, 200, list);
	else
		evhttp_send_reply(req, status, "No Content", NULL);
}

static void
got_reloaded(struct pending *p, struct msg *m)
{
	const struct msg_status *st = msg_payload(m);
	struct evhttp_request *req = p->req;
	const char *text = msg_str(m, 0);
	json_t *j;

	if (text == NULL)
		text = "";
	if (st->error != 0) {
		answer_error(p, st->error, text);
		return;
	}
	pending_free(p);
	j = json_object();
	json_object_set_new(j, "ok", json_true());
	json_object_set_new(j, "sessions_failed", json_integer(st->count));
	json_object_set_new(j, "diagnostics", json_string(text));
	http_json(req, 200, j);
}

static void
got_stream(struct pending *p, struct msg *m)
{
	const struct msg_status *st = msg_payload(m);
	const char *text = msg_str(m, 0);
	int fd = msg_take_fd(m, 0);

	if (st->error == 0 && fd != -1) {
		stream_serve(p, fd);
		return;
	}
	if (fd != -1)
		close(fd);
	answer_error(p, st->error, text != NULL ? text : "error");
}

/* clang-format off */
static const struct {
	enum msg_type type;
	void (*fn)(struct pending *p, struct msg *m);
} got_tab[] = {
	{ MSG_SESSION_ITEM,	got_item },
	{ MSG_SESSION_END,	got_end },
	{ MSG_RELOADED,		got_reloaded },
	{ MSG_EVENT_STREAM,	got_stream },
};
/* clang-format on */

static void
got_answer(struct control *ct, struct msg *m)
{
	struct pending *p;
	bool last = m->hdr.type != MSG_SESSION_ITEM;
	size_t i;

	TAILQ_FOREACH(p, &ct->pending, entry) {
		if (p->id == m->hdr.id)
			break;
	}
	if (p == NULL)
		return;
	if (p->req == NULL) {
		if (last || p->list == NULL)
			pending_free(p);
		return;
	}
	for (i = 0; i < sizeof(got_tab) / sizeof(got_tab[0]); i++) {
		if (got_tab[i].type == (enum msg_type)m->hdr.type) {
			got_tab[i].fn(p, m);
			return;
		}
	}
}

/* ---- listening ---- */

static void
on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	evconnlistener_enable(arg);
}

/*
 * Out of descriptors: a moment later some have come back.  The listener is evhttp's:
 * arg is evhttp's own and nothing of ours.
 */
static void
on_accept_error(struct evconnlistener *l, void *arg)
{
	struct timeval tv = { 0, ACCEPT_PAUSE_MS * 1000 };

	log_warn("cannot accept: %m");
	evconnlistener_disable(l);
	if (event_base_once(evconnlistener_get_base(l), -1, EV_TIMEOUT,
		on_accept_again, l, &tv) == -1)
		evconnlistener_enable(l);
}

static void
got_listen(struct control *ct, struct msg *m)
{
	struct evhttp_bound_socket *b;
	int fd = msg_take_fd(m, 0);

	(void)evutil_make_socket_nonblocking(fd);
	if ((b = evhttp_accept_socket_with_handle(ct->http, fd)) == NULL) {
		log_error("cannot serve the control socket");
		event_base_loopbreak(ct->base);
		return;
	}
	evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(b),
	    on_accept_error);
	log_info("serving the control socket");
}

static void
on_channel(evutil_socket_t fd, short what, void *arg)
{
	struct control *ct = arg;
	struct msg m;
	int rc;

	rc = chan_recv(&ct->child.chan, &m);
	if (rc == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (rc != 1 || m.hdr.type == MSG_STOP) {
		if (rc == -1)
			log_error("monitor: %m");
		event_base_loopbreak(ct->base);
		return;
	}
	if (m.hdr.type == MSG_LISTEN)
		got_listen(ct, &m);
	else
		got_answer(ct, &m);
	msg_close_fds(&m);
}

/* libevent's own complaints are ours; what it calls fatal ends this process only. */
static void
on_event_log(int severity, const char *text)
{
	if (severity >= EVENT_LOG_ERR)
		log_error("libevent: %s", text);
	else
		log_debug("libevent: %s", text);
}

static int
setup(struct control *ct)
{
	size_t seed = 1;

	/* Else jansson would look for a device that our root does not have. */
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -1;
	json_object_seed(seed | 1);
	event_set_log_callback(on_event_log);
	if ((ct->base = event_base_new()) == NULL ||
	    (ct->http = evhttp_new(ct->base)) == NULL)
		return -1;
	evhttp_set_allowed_methods(ct->http, METHODS);
	evhttp_set_max_body_size(ct->http, CONTROL_BODY_MAX);
	evhttp_set_max_headers_size(ct->http, CONTROL_HEADER_MAX);
	evhttp_set_timeout(ct->http, CONTROL_TIMEOUT_S);
	evhttp_set_default_content_type(ct->http, NULL);
	evhttp_set_gencb(ct->http, http_route, ct);
	ct->channel = event_new(ct->base, ct->child.chan.fd,
	    EV_READ | EV_PERSIST, on_channel, ct);
	if (ct->channel == NULL || event_add(ct->channel, NULL) == -1)
		return -1;
	return 0;
}

int
main(void)
{
	static struct control ct;

	(void)signal(SIGPIPE, SIG_IGN);
	TAILQ_INIT(&ct.pending);
	TAILQ_INIT(&ct.streams);
	if (child_start(&ct.child, PROC_CONTROL) == -1)
		return 1;
	if (setup(&ct) == -1) {
		log_error("cannot set up libevent");
		return 1;
	}
	event_base_dispatch(ct.base);
	return 0;
}
