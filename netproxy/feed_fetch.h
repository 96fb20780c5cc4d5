/*
 * One fetch of one feed over HTTP or HTTPS, in libevent's loop: resolve,
 * connect, ask, follow redirects, parse what comes.  netproxy only.
 */

#ifndef NETPROXY_FEED_FETCH_H
#define NETPROXY_FEED_FETCH_H

#include <sys/socket.h>

#include <openssl/ssl.h>

#include "netproxy/feed_http.h"
#include "netproxy/feed_parse.h"
#include "netproxy/feed_set.h"

struct event_base;

#define FEED_BODY_MAX	  (64u << 20)
#define FEED_REDIRECTS	  5
#define FEED_IDLE_SECONDS 30 /* without a byte */
#define FEED_ALL_SECONDS  300 /* redirects and all */

/*
 * How names are resolved: start answers a handle (NULL: failed) and calls fn
 * once, later, unless cancel comes first.  n 0: no address.
 */
typedef void feed_resolved_fn(const struct sockaddr_storage *ss, unsigned int n,
    void *arg);
struct feed_resolver {
	void *(*start)(void *ctx, const char *host, feed_resolved_fn *fn,
	    void *arg);
	void (*cancel)(void *handle);
	void *ctx;
};

struct feed_fetch_ask {
	struct event_base *base;
	const struct feed_resolver *resolver;
	SSL_CTX *tls; /* NULL: https cannot be had */
	const char *url;
	enum feed_format format;
	const char *etag; /* of the set there is; "" if none */
	const char *date;
	uint64_t body_max; /* 0: FEED_BODY_MAX */
};

struct feed_fetched {
	const char *why; /* "" for 200 and 304, else what went wrong */
	bool not_modified; /* 304: what there is stays */
	const char *etag; /* of a 200 */
	const char *date;
	const struct feed_counts *counts;
};

struct feed_fetch;
/*
 * The outcome; everything in it lives until the call returns, f too.  The names
 * of a 200 have been added to the set given at the start, not indexed.
 */
typedef void feed_fetched_fn(const struct feed_fetched *r, void *arg);

/*
 * Begin.  set is initialised and empty, and stays in place until fn or cancel.
 * fn is never called from inside.  NULL with errno: nothing has begun.
 */
struct feed_fetch *feed_fetch_start(const struct feed_fetch_ask *ask,
    struct feed_set *set, feed_fetched_fn *fn, void *arg);
void feed_fetch_cancel(struct feed_fetch *f);

/*
 * Certificates of CAs from the PEM file behind fd (which stays the caller's) for
 * checking servers.  NULL and *why (constant text).
 */
SSL_CTX *feed_tls_new(int fd, const char **why);

#endif
