/*
 * As much of HTTP/1.1 as fetching a feed needs: URLs, one GET, one response.
 * Pure; no allocation.  Used by netproxy's feed_fetch.c and by tests.
 *
 * A server that says one thing two ways (two lengths, a length and chunks, a
 * folded or misshapen field) is not understood: the fetch fails and the last
 * good set stays.
 */

#ifndef NETPROXY_FEED_HTTP_H
#define NETPROXY_FEED_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_URL_MAX  1024 /* with the NUL */
#define FEED_ETAG_MAX 256
#define FEED_DATE_MAX 64
#define FEED_HEAD_MAX 16384 /* status line and fields, trailers too */
#define FEED_EARLY_MAX 8 /* answers of 1xx before the one that counts */

struct feed_url {
	bool tls;
	bool literal; /* host is an address */
	uint16_t port;
	char host[256]; /* lower case, no brackets */
	char target[FEED_URL_MAX]; /* path and query, begins with '/' */
};

/*
 * An http or https URL: no userinfo, no fragment, printable ASCII only.  0 or
 * -1.
 */
int feed_url_parse(const char *s, struct feed_url *u);

/* A Location field against the URL it answered: absolute or "/path".  0, -1. */
int feed_url_resolve(const struct feed_url *from, const char *location,
    struct feed_url *to);

/*
 * The request; etag and date may be "".  Its length, or 0 when size does not
 * do.
 */
size_t feed_http_request(const struct feed_url *u, const char *etag,
    const char *date, char *buf, size_t size);

/* Take n bytes of the body.  Non-zero ends the reading. */
typedef int feed_body_fn(const char *bytes, size_t n, void *arg);

enum feed_http_state {
	FH_HEAD, /* status line and fields */
	FH_LENGTH, /* left bytes of body */
	FH_EOF, /* body until the connection ends */
	FH_SIZE, /* the line before a chunk */
	FH_CHUNK, /* left bytes of a chunk */
	FH_CRLF, /* the line end behind it */
	FH_TRAILER, /* fields behind the last chunk */
	FH_DONE,
	FH_BAD, /* why says what */
	FH_STATE_MAX
};

struct feed_http {
	enum feed_http_state state;
	const char *why; /* constant text; "" until FH_BAD */
	int status; /* 0 until known */
	unsigned int early; /* answers before it */
	bool html; /* Content-Type says so */
	bool chunked, coded;
	bool has_length;
	uint64_t left;
	uint64_t body_bytes, body_max;
	feed_body_fn *fn; /* called for a 200 only */
	void *arg;
	char etag[FEED_ETAG_MAX]; /* "" if none */
	char date[FEED_DATE_MAX]; /* Last-Modified */
	char location[FEED_URL_MAX];
	size_t fill, head_bytes;
	char line[4096];
};

void feed_http_init(struct feed_http *h, uint64_t body_max, feed_body_fn *fn,
    void *arg);
/* The next n bytes.  0, or -1 in FH_BAD; what follows FH_DONE is ignored. */
int feed_http_chunk(struct feed_http *h, const char *bytes, size_t n);
/* The connection has ended.  0 when that was the end, else -1 in FH_BAD. */
int feed_http_end(struct feed_http *h);

#endif
