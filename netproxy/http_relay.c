/*
 * Bodies up and responses down, each re-framed by our own reading.  Runs in
 * netproxy on bytes of strangers at both ends.  Must never pass on a byte that
 * belongs to another message, nor let a broken answer look whole.
 */

#include <string.h>

#include "netproxy/http_conn.h"
#include "netproxy/http_rewrite.h"

#define INTERIM_MAX 16 /* 1xx before an answer */

/* One run of data, as a chunk or bare.  false: no memory, and out is of no use. */
static bool
put_run(struct evbuffer *in, struct evbuffer *out, size_t run, bool chunked)
{
	char head[24];

	if (chunked && evbuffer_add(out, head, http_chunk_head(run, head)) ==
	    -1)
		return false;
	if (evbuffer_remove_buffer(in, out, run) != (int)run)
		return false;
	return !chunked || evbuffer_add(out, "\r\n", 2) == 0;
}

/*
 * Move a body until it ends, nothing more is there (MORE) or out is full (DATA).
 */
static enum http_body_rc
pump(struct http_body *b, struct evbuffer *in, struct evbuffer *out,
    bool chunked, bool *moved)
{
	size_t n, used, run, held = http_held_bytes();
	enum http_body_rc rc;
	const char *p;

	do {
		if (evbuffer_get_length(out) >= held)
			return HTTP_BODY_DATA;
		n = evbuffer_get_contiguous_space(in);
		if (n == 0)
			n = evbuffer_get_length(in);
		p = n > 0 ? (const char *)evbuffer_pullup(in, (ssize_t)n) : "";
		if (p == NULL)
			return HTTP_BODY_BAD;
		rc = http_body_next(b, p, n, &used, &run);
		*moved |= used > 0;
		evbuffer_drain(in, used - run);
		if (rc == HTTP_BODY_DATA && !put_run(in, out, run, chunked))
			return HTTP_BODY_BAD;
	} while (rc == HTTP_BODY_DATA ||
	    (rc == HTTP_BODY_MORE && evbuffer_get_length(in) > 0));
	if (rc == HTTP_BODY_END && chunked &&
	    evbuffer_add(out, "0\r\n\r\n", 5) == -1)
		return HTTP_BODY_BAD;
	return rc;
}

static bool
relay_request(struct http_conn *c)
{
	struct http_txn *t = c->txn;
	bool moved = false;

	if (t->req_done)
		return false;
	switch (pump(&t->req, c->down.in, c->up.out, t->req_chunked, &moved)) {
	case HTTP_BODY_END:
		t->req_done = true;
		return true;
	case HTTP_BODY_BAD:
		if (t->has_res)
			http_conn_break(c);
		else
			http_reply_error(c, 400, "malformed chunks", false);
		return true;
	case HTTP_BODY_MORE:
		if (c->down.eof)
			http_conn_break(c);
		break;
	case HTTP_BODY_DATA:
		break;
	}
	return moved;
}

static void
bad_response(struct http_conn *c)
{
	http_reply_error(c, 502, "the server's answer is malformed", false);
}

static void
take_interim(struct http_conn *c, const struct http_response *r)
{
	struct http_rewrite_how how = { .close = false };
	struct http_txn *t = c->txn;

	if (++t->interim > INTERIM_MAX)
		bad_response(c);
	else if (!t->old_client &&
	    http_rewrite_response(c->down.out, r, &how) == -1)
		http_conn_set(c, HTTP_CLOSED);
}

static void
take_switch(struct http_conn *c, const struct http_response *r)
{
	struct http_rewrite_how how = { .upgrade = true };

	if (!c->txn->upgrade || !r->fields.upgrade || !r->fields.websocket) {
		bad_response(c);
		return;
	}
	http_reply_record(c, 101);
	c->client.kind = "upgrade";
	if (http_rewrite_response(c->down.out, r, &how) == -1)
		http_conn_set(c, HTTP_CLOSED);
	else
		http_conn_tunnel(c);
}

/* The final head: how its body reaches the client follows from both. */
static void
take_final(struct http_conn *c, const struct http_response *r)
{
	struct http_rewrite_how how = { .close = false };
	struct http_txn *t = c->txn;
	bool unknown = r->framing == HTTP_CHUNKED ||
	    r->framing == HTTP_UNTIL_CLOSE;

	t->has_res = true;
	t->res_close = r->close;
	t->res_chunked = unknown && !t->old_client;
	if (unknown && t->old_client)
		t->close = true;
	http_body_init(&t->res, r->framing, r->length);
	t->close |= !t->req_done; /* the rest of it will not be read */
	how.chunked = t->res_chunked;
	how.close = t->close;
	http_reply_record(c, r->status);
	if (http_rewrite_response(c->down.out, r, &how) == -1)
		http_conn_set(c, HTTP_CLOSED);
}

static void
take_response(struct http_conn *c, const char *p, size_t len)
{
	struct http_response r;
	const char *why;

	c->txn->res_seen = 0;
	if (http_response_parse(&r, c->txn->is_head, p, len, &why) == -1)
		bad_response(c);
	else if (r.status == 101)
		take_switch(c, &r);
	else if (r.status < 200)
		take_interim(c, &r);
	else
		take_final(c, &r);
}

/* Heads until the final one.  false: wait for more. */
static bool
relay_head(struct http_conn *c)
{
	size_t len = evbuffer_get_length(c->up.in);
	struct evbuffer *in = c->up.in, *head;
	const char *p;
	long end;

	if (len == 0) {
		if (!c->up.eof)
			return false;
		http_serve_broken(c, "the server closed without an answer");
		return true;
	}
	len = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;
	p = (const char *)evbuffer_pullup(in, (ssize_t)len);
	end = p == NULL ? -1 : http_head_end(p, len, &c->txn->res_seen);
	if (end == 0 && !c->up.eof)
		return false;
	if (end <= 0) {
		bad_response(c);
		return true;
	}
	/* A tunnel takes all that is in the buffer: the head goes first. */
	head = evbuffer_new();
	if (head == NULL || evbuffer_remove_buffer(in, head, (size_t)end) !=
	    (int)end) {
		http_conn_set(c, HTTP_CLOSED);
	} else {
		p = (const char *)evbuffer_pullup(head, -1);
		take_response(c, p, (size_t)end);
	}
	if (head != NULL)
		evbuffer_free(head);
	return true;
}

static bool
relay_body(struct http_conn *c)
{
	struct http_txn *t = c->txn;
	bool moved = false;

	switch (pump(&t->res, c->up.in, c->down.out, t->res_chunked, &moved)) {
	case HTTP_BODY_END:
		http_serve_end(c);
		return true;
	case HTTP_BODY_BAD:
		http_conn_break(c);
		return true;
	case HTTP_BODY_MORE:
		if (!c->up.eof)
			break;
		if (c->up.failed || !http_body_eof(&t->res)) {
			http_conn_break(c);
			return true;
		}
		if (t->res_chunked &&
		    evbuffer_add(c->down.out, "0\r\n\r\n", 5) == -1)
			http_conn_break(c);
		else
			http_serve_end(c);
		return true;
	case HTTP_BODY_DATA:
		break;
	}
	return moved;
}

bool
http_relay_step(struct http_conn *c)
{
	bool moved = relay_request(c);

	if (c->state != HTTP_RELAY)
		return true;
	if (!c->txn->has_res)
		return relay_head(c) || moved;
	return relay_body(c) || moved;
}
