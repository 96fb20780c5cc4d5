/*
 * Bytes both ways between two sockets, unread: what CONNECT, an upgrade and a TLS hello
 * end in.  Half-closes are passed on; each way holds a bounded number of bytes.
 * Runs in netproxy's loop; never blocks.
 */

#ifndef NETPROXY_HTTP_TUNNEL_H
#define NETPROXY_HTTP_TUNNEL_H

#include <stdint.h>

struct evbuffer;
struct event_base;
struct http_tunnel;

#define HTTP_TUNNEL_READ (256u << 10) /* bytes in one read, and held one way */
#define HTTP_TUNNEL_IDLE_S 7200	      /* as long as TCP's own keep-alive */
#define HTTP_TUNNEL_HALF_S 600 /* one side has ended, or takes nothing */

struct http_tunnel_ask {
	int client, server; /* non-blocking; stay the caller's, who closes them
			       after http_tunnel_free */
	struct evbuffer *to_client, *to_server; /* goes first; emptied */
	uint64_t *up_bytes, *down_bytes; /* counted up; borrowed */
	void (*done)(void *arg); /* it has ended; free it there */
	void *arg;
};

/* NULL: no memory.  done may be called from the loop only. */
struct http_tunnel *http_tunnel_start(struct event_base *base,
    const struct http_tunnel_ask *ask);
void http_tunnel_free(struct http_tunnel *t);

#endif
