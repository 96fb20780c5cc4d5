/*
 * The heads that leave: written anew from what was read, never copied.  Host,
 * framing and connection fields are ours; hop-by-hop and nominated fields stay
 * behind.  Pure but for memory in the evbuffer.
 */

#ifndef NETPROXY_HTTP_REWRITE_H
#define NETPROXY_HTTP_REWRITE_H

#include "netproxy/http_head.h"

struct evbuffer;

/* The request in origin-form with one Host, that of the target. 0, or -1: no memory. */
int http_rewrite_request(struct evbuffer *out, const struct http_request *r)
    __attribute__((warn_unused_result));

/*
 * The response as HTTP/1.1.  chunked: its body of unknown length is sent in
 * chunks; close: say that the connection ends after it.  0 or -1: no memory.
 */
struct http_rewrite_how {
	bool chunked, close;
	bool upgrade; /* a 101 that was asked for */
};
int http_rewrite_response(struct evbuffer *out, const struct http_response *r,
    const struct http_rewrite_how *how) __attribute__((warn_unused_result));

#endif
