/*
 * One client connection of the proxy, shared by the files that serve it:
 *
 *	http_conn.c	 sockets, buffers, timers, states, the loop's callbacks
 *	http_serve.c	 a request: read, dial, refuse; its end
 *	http_relay.c	 request bodies up, responses down
 *	http_reply.c	 answers of our own
 *	http_intercept.c what was not meant for a proxy, and hellos
 *
 * A step function does what can be done now and says whether it did anything.  Only
 * http_conn_run frees a connection, at its end, when the state is CLOSED.
 */

#ifndef NETPROXY_HTTP_CONN_H
#define NETPROXY_HTTP_CONN_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "netproxy/http_body.h"
#include "netproxy/http_dial.h"
#include "netproxy/http_head.h"
#include "netproxy/http_proxy.h"
#include "netproxy/http_tunnel.h"

enum http_state {
	HTTP_GREETING, /* intercepted: what does it speak? */
	HTTP_HEAD,     /* between requests, or in a head */
	HTTP_DIALLING,
	HTTP_RELAY,
	HTTP_HELLO, /* a tunnel whose first bytes are a hello to change */
	HTTP_TUNNEL,
	HTTP_LINGER, /* the last answer is said */
	HTTP_CLOSED,
	HTTP_STATE_MAX
};

extern const char *const http_state_name[HTTP_STATE_MAX];

/* One socket and what goes in and out of it. */
struct http_end {
	int fd; /* -1: none */
	struct event rd, wr;
	bool reading, writing; /* the events are added */
	bool eof, failed;
	struct evbuffer *in, *out;
};

/* The request that is being served. */
struct http_txn {
	char method[HTTP_METHOD_MAX + 1];
	struct http_host target; /* as named, with the port */
	char *url;		 /* without a query; "" for CONNECT */
	struct evbuffer *head;	 /* rewritten: until an answer has begun */
	struct http_body req, res;
	struct http_verdict verdict;
	bool is_head, is_connect, upgrade, old_client, close, idempotent;
	bool sent;	 /* the head is in the server's buffer */
	bool recorded;
	bool req_done;	 /* the body has been read to its end */
	bool has_body, req_chunked, res_chunked;
	bool has_res, res_done; /* the final head has been passed on; all has */
	bool res_close;	 /* the server's connection ends with it */
	bool reused, retried;
	unsigned int interim; /* 1xx so far */
	size_t res_seen;      /* of the response's head */
};

struct http_conn {
	struct np_client client; /* its session is ours */
	struct np *np;
	enum http_state state;
	struct http_end down, up; /* client, server */
	struct event timer;
	bool running, again; /* in http_conn_run; something came meanwhile */
	uint64_t moved_ms;   /* when a byte came or went last */
	bool in_head;	     /* a head has begun */
	bool said;	     /* HTTP_LINGER: our end is closed */
	size_t ignored_bytes; /* and what came after that */
	bool intercepted, tls;
	struct sockaddr_storage dst; /* intercepted: what was meant */
	uint16_t dst_port;
	size_t head_seen, hello_need;
	struct http_txn *txn;
	struct http_dial *dial;
	struct http_tunnel *tunnel;
	struct http_host up_host; /* what up was judged and dialled for; name ""
				     if it serves one request only */
	struct http_host tls_host; /* of a hello */
	char *sni;		  /* HTTP_HELLO: the name to put in */
};

/* ---- http_conn.c ---- */

void http_conn_set(struct http_conn *c, enum http_state to);
/* Do all that can be done now; c may be gone afterwards. */
void http_conn_run(struct http_conn *c);
void http_conn_timer(struct http_conn *c, unsigned int seconds);
/* As the timer of a message that stalls: a byte has just moved. */
void http_conn_stall_timer(struct http_conn *c);
/* Give the server's side up. */
void http_conn_drop_up(struct http_conn *c);
/* fd becomes the server's side.  0, or -1 and fd is closed. */
int http_conn_set_up(struct http_conn *c, int fd)
    __attribute__((warn_unused_result));
/* No more requests: say what is to be said, then end. */
void http_conn_linger(struct http_conn *c);
/* End with a reset: an answer broke off. */
void http_conn_break(struct http_conn *c);
/* Both sides from now on, what is buffered first. */
void http_conn_tunnel(struct http_conn *c);
void http_conn_txn_free(struct http_conn *c);

/* ---- http_serve.c ---- */

bool http_serve_head(struct http_conn *c);
/* The answer is complete, or an error stood for it. */
void http_serve_end(struct http_conn *c);
/* The connection ends: record what was begun and has no record yet. */
void http_serve_abandoned(struct http_conn *c);
/* Dial host; the answer comes to http_serve.c. */
void http_serve_ask(struct http_conn *c, const struct http_host *host);
/* Give it to a fresh connection, if that is safe; else answer 502. */
void http_serve_broken(struct http_conn *c, const char *why);

/* ---- http_relay.c ---- */

bool http_relay_step(struct http_conn *c);

/* ---- http_reply.c ---- */

/*
 * Answer status with why as the body and record it.  The connection goes on when
 * may_stay and nothing unread is in the way, else it lingers.
 */
void http_reply_error(struct http_conn *c, unsigned int status,
    const char *why, bool may_stay);
/* 403 that names the rule. */
void http_reply_denied(struct http_conn *c, const struct http_verdict *v);
/* What a failed dial is answered. */
void http_reply_dial(struct http_conn *c, const struct http_dialled *d);
/* 503 without a record, for which there is no room; the connection ends. */
void http_reply_no_room(struct http_conn *c);
/* The record of the request in hand, which ends with status. */
void http_reply_record(struct http_conn *c, unsigned int status);
/* The record of what had no one reading. */
void http_reply_unreadable(struct http_conn *c, unsigned int status);

/* ---- http_intercept.c ---- */

bool http_intercept_greeting(struct http_conn *c);
bool http_intercept_hello(struct http_conn *c);
/* The hello's host may not or cannot be reached: an alert, and the end. */
void http_intercept_refuse(struct http_conn *c, unsigned int alert);

#endif
