/*
 * Requests: read a head, find out where it goes, reach that, and begin or refuse.
 * Runs in netproxy.  Each request of a connection is judged by itself; must never
 * send one over a connection that was judged for another host or port.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netproxy/http_conn.h"
#include "netproxy/http_rewrite.h"

static void begin_relay(struct http_conn *c);

/* RFC 9110 9.2.2 */
static bool
is_idempotent(const struct http_str *m)
{
	static const char *const tab[] = { "GET", "HEAD", "OPTIONS", "TRACE",
		"PUT", "DELETE", NULL };
	const char *const *t;

	for (t = tab; *t != NULL; t++)
		if (strlen(*t) == m->len && memcmp(*t, m->p, m->len) == 0)
			return true;
	return false;
}

/* http://host:port/path without the query, which may hold secrets */
static char *
make_url(const struct http_request *r)
{
	char host[HTTP_AUTHORITY_SIZE], *url;
	const char *q = memchr(r->path.p, '?', r->path.len);
	size_t len = q != NULL ? (size_t)(q - r->path.p) : r->path.len;

	http_host_text(&r->host, 80, host);
	if (asprintf(&url, "http://%s%s%.*s", host,
	    r->form == HTTP_FORM_ASTERISK || *r->path.p == '*' ? "/" : "",
	    (int)len, r->path.p) == -1)
		return NULL;
	return url;
}

static struct http_txn *
txn_new(const struct http_request *r)
{
	struct http_txn *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	memcpy(t->method, r->method.p, r->method.len);
	t->target = r->host;
	t->is_connect = r->form == HTTP_FORM_AUTHORITY;
	t->is_head = strcmp(t->method, "HEAD") == 0;
	t->idempotent = is_idempotent(&r->method);
	t->upgrade = r->upgrade;
	t->old_client = r->minor == 0;
	t->close = r->close;
	t->has_body = r->framing != HTTP_NO_BODY;
	t->req_done = !t->has_body;
	t->req_chunked = r->framing == HTTP_CHUNKED;
	http_body_init(&t->req, r->framing, r->length);
	t->head = evbuffer_new();
	t->url = t->is_connect ? strdup("") : make_url(r);
	return t;
}

/* An intercepted request goes to the port that was meant, and says so. */
static int
fix_intercepted(struct http_conn *c, struct http_request *r, const char **why)
{
	if (!r->has_host)
		http_host_of_address(&r->host,
		    (const struct sockaddr *)&c->dst);
	if (r->host.port == 0)
		r->host.port = c->dst_port;
	*why = "Host has another port than the connection";
	return r->host.port == c->dst_port ? 0 : 400;
}

/* The connection that there is, if it was made for the same host and port. */
static bool
may_reuse(const struct http_conn *c, const struct http_host *h)
{
	return c->up.fd != -1 && c->up_host.name[0] != '\0' &&
	    c->up_host.port == h->port && http_host_equal(&c->up_host, h);
}

/* Judged anew all the same: rules and names may have changed. */
static void
reuse(struct http_conn *c)
{
	struct http_txn *t = c->txn;
	struct np_verdict v;

	memset(&v, 0, sizeof(v));
	t->reused = true;
	if (np_judge_connect(c->client.session, t->target.literal ? NULL :
	    t->target.name, (struct sockaddr *)&c->client.peer, &v)) {
		http_verdict_set(&t->verdict, &v);
		if (np_event_room(c->client.session))
			begin_relay(c);
		else
			http_reply_no_room(c);
	} else {
		http_verdict_set(&t->verdict, &v);
		http_reply_denied(c, &t->verdict);
	}
}

static void
start(struct http_conn *c)
{
	struct http_txn *t = c->txn;

	snprintf(c->client.host, sizeof(c->client.host), "%s", t->target.name);
	if (t->is_connect)
		c->client.kind = "connect";
	if (!t->is_connect && !t->upgrade && may_reuse(c, &t->target)) {
		reuse(c);
	} else {
		http_conn_drop_up(c);
		http_serve_ask(c, &t->target);
	}
}

/* The head is in place at p: from here on it is what we made of it. */
static void
take_head(struct http_conn *c, const char *p, size_t len)
{
	struct http_request r;
	const char *why = "malformed";
	int rc;

	rc = http_request_parse(&r, c->intercepted ? HTTP_TO_ORIGIN :
	    HTTP_TO_PROXY, p, len, &why);
	if (rc == 0 && c->intercepted)
		rc = fix_intercepted(c, &r, &why);
	if (rc != 0) {
		http_reply_error(c, (unsigned int)rc, why, false);
		return;
	}
	c->txn = txn_new(&r);
	if (c->txn == NULL || c->txn->head == NULL || c->txn->url == NULL ||
	    (!c->txn->is_connect &&
	    http_rewrite_request(c->txn->head, &r) == -1)) {
		http_conn_set(c, HTTP_CLOSED);
		return;
	}
	evbuffer_drain(c->down.in, len);
	start(c);
}

bool
http_serve_head(struct http_conn *c)
{
	size_t len = evbuffer_get_length(c->down.in);
	const char *p;
	long end;

	/* Nothing was asked of the server, so nothing it says is an answer. */
	if (c->up.fd != -1 && (c->up.eof || evbuffer_get_length(c->up.in) > 0))
		http_conn_drop_up(c);
	if (evbuffer_get_length(c->down.out) >= http_held_bytes())
		return false;
	if (len == 0) {
		if (c->down.eof && evbuffer_get_length(c->down.out) == 0)
			http_conn_set(c, HTTP_CLOSED);
		return false;
	}
	if (!c->in_head) {
		c->in_head = true;
		http_conn_timer(c, HTTP_FIRST_S);
	}
	len = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;
	p = (const char *)evbuffer_pullup(c->down.in, (ssize_t)len);
	end = p == NULL ? -1 : http_head_end(p, len, &c->head_seen);
	if (end == 0) {
		if (c->down.eof)
			http_conn_set(c, HTTP_CLOSED);
		return false;
	}
	c->in_head = false;
	c->head_seen = 0;
	if (!np_event_room(c->client.session))
		http_reply_no_room(c);
	else if (end < 0)
		http_reply_error(c, len == HTTP_HEAD_MAX ? 431 : 400,
		    "a bare CR, LF or NUL, an empty line, or a head too long",
		    false);
	else
		take_head(c, p, (size_t)end);
	return true;
}

static void
begin_relay(struct http_conn *c)
{
	struct http_txn *t = c->txn;
	size_t len = evbuffer_get_length(t->head);
	const unsigned char *p;

	if (t->reused && !t->retried && t->idempotent && !t->has_body) {
		/* Kept: the server may just have closed. */
		p = evbuffer_pullup(t->head, -1);
		if (p == NULL || evbuffer_add(c->up.out, p, len) == -1) {
			http_conn_set(c, HTTP_CLOSED);
			return;
		}
	} else if (evbuffer_add_buffer(c->up.out, t->head) == -1) {
		http_conn_set(c, HTTP_CLOSED);
		return;
	}
	t->sent = true;
	http_conn_set(c, HTTP_RELAY);
	http_conn_stall_timer(c);
}

/* A tunnel is open: to be changed first, or not. */
static void
begin_tunnel(struct http_conn *c, const struct http_dialled *d)
{
	static const char yes[] = "HTTP/1.1 200 Connection Established\r\n\r\n";

	if (!c->tls)
		evbuffer_add(c->down.out, yes, sizeof(yes) - 1);
	if (!d->redirected || !d->redirect.rewrite_sni) {
		http_conn_tunnel(c);
		return;
	}
	c->sni = strdup(d->redirect.sni);
	c->hello_need = 0;
	http_conn_txn_free(c);
	http_conn_set(c, c->sni != NULL ? HTTP_HELLO : HTTP_CLOSED);
	http_conn_timer(c, HTTP_FIRST_S);
}

/* Tunnels have one record, when they are judged. */
static void
record_tunnel(struct http_conn *c, const struct sockaddr_storage *peer,
    const struct np_verdict *v)
{
	const struct http_host *h = c->tls ? &c->tls_host : &c->txn->target;

	np_event_connect(c->client.session, h->name, h->port,
	    peer->ss_family != 0 ? (const struct sockaddr *)peer : NULL, v);
}

/*
 * A resolver may have been asked, a server dialled, a request sent: all of it
 * can carry what nobody should learn of.
 */
void
http_serve_abandoned(struct http_conn *c)
{
	struct sockaddr_storage peer;
	struct http_txn *t = c->txn;
	struct http_verdict v;

	if (c->dial == NULL) {
		if (t != NULL && t->sent && !t->recorded)
			http_reply_record(c, 0);
		return;
	}
	http_dial_so_far(c->dial, &v, &peer);
	if (c->tls || t->is_connect) {
		record_tunnel(c, &peer, &v.v);
		return;
	}
	http_verdict_set(&t->verdict, &v.v);
	http_reply_record(c, 0);
}

static void
on_dialled(const struct http_dialled *d, void *arg)
{
	struct http_conn *c = arg;
	struct http_txn *t = c->txn;
	bool tunnel = c->tls || t->is_connect;

	c->dial = NULL;
	if (t != NULL)
		http_verdict_set(&t->verdict, &d->verdict.v);
	if (tunnel && d->rc != HTTP_DIAL_NO_ROOM)
		record_tunnel(c, &d->peer, &d->verdict.v);
	if (d->rc != HTTP_DIAL_OK) {
		http_reply_dial(c, d);
	} else if (http_conn_set_up(c, d->fd) == -1) {
		http_conn_set(c, HTTP_CLOSED);
	} else {
		c->client.peer = d->peer;
		if (d->redirected)
			snprintf(c->client.host, sizeof(c->client.host), "%s",
			    d->redirect.host);
		if (t != NULL && !d->redirected)
			c->up_host = t->target;
		if (tunnel)
			begin_tunnel(c, d);
		else
			begin_relay(c);
	}
	http_conn_run(c);
}

void
http_serve_ask(struct http_conn *c, const struct http_host *host)
{
	struct http_dial_ask ask = { .host = *host };

	if (c->intercepted)
		ask.meant = (const struct sockaddr *)&c->dst;
	evtimer_del(&c->timer);
	http_conn_set(c, HTTP_DIALLING);
	c->dial = http_dial_start(c->client.session, &ask, on_dialled, c);
	if (c->dial == NULL)
		http_conn_set(c, HTTP_CLOSED);
}

void
http_serve_broken(struct http_conn *c, const char *why)
{
	struct http_txn *t = c->txn;

	if (t->reused && !t->retried && t->idempotent && !t->has_body &&
	    t->interim == 0 && evbuffer_get_length(c->up.in) == 0) {
		t->retried = true;
		http_conn_drop_up(c);
		http_serve_ask(c, &t->target);
	} else
		http_reply_error(c, 502, why, false);
}

void
http_serve_end(struct http_conn *c)
{
	struct http_txn *t = c->txn;

	if (t->res_close || !t->req_done || c->up.eof ||
	    evbuffer_get_length(c->up.in) > 0 ||
	    evbuffer_get_length(c->up.out) > 0)
		http_conn_drop_up(c);
	if (t->close || !t->req_done) {
		http_conn_linger(c);
		return;
	}
	http_conn_txn_free(c);
	http_conn_set(c, HTTP_HEAD);
	c->in_head = false;
	c->head_seen = 0;
	http_conn_timer(c, HTTP_BETWEEN_S);
}
