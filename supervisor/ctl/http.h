/*
 * A small strict HTTP/1.1 client over the control socket: one connection, one
 * request at a time, bodies by Content-Length, chunked or until the end of the
 * connection; lines of an endless stream for `events tail`.  Used by agentsh
 * and agentshctl only; blocks.
 */

#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 16384 /* bytes of a status line and its fields */
#define HTTP_BODY_MAX (64u << 20) /* 5000 events of 13 KiB */

enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE,
};

struct http_head {
	int status;
	char reason[64];
	char type[64]; /* of the content, "" if not said */
	enum http_framing framing;
	uint64_t length; /* HTTP_LENGTH */
};

/*
 * Parse a head of len bytes, from the status line to the empty line.  0, or -1
 * for anything that has two readings: a repeated or malformed length, a length
 * beside chunked, an unknown coding, a folded field, a bare CR.  Pure.
 */
int http_head_parse(struct http_head *h, const char *p, size_t len);

struct http {
	int fd; /* owned; -1 when closed */
	size_t off, len;
	struct http_head head;
	uint64_t left; /* of the body or of the present chunk */
	bool ended; /* the body has been read */
	bool broken; /* nothing more can be asked on this connection */
	char buf[HTTP_HEAD_MAX];
};

/*
 * Connect to the unix socket at path; no answer for timeout_ms (0: wait for
 * ever) ends a read with EAGAIN.  0 or -1 with errno.  h must be closed in
 * either case.
 */
int http_open(struct http *h, const char *path, int timeout_ms);
/* Speak over a connected descriptor, which h owns from now. */
void http_attach(struct http *h, int fd);
void http_close(struct http *h);

/*
 * Send a request and read the head of its answer into h->head.  body may be
 * NULL; fields are more header lines, each ending in CRLF, or "".  0, or -1
 * with errno (EPROTO: the answer is no HTTP).
 */
int http_ask(struct http *h, const char *method, const char *target,
    const char *fields, const char *body, size_t len);

/* Up to size bytes of the body: their number, 0 at its end, -1 with errno. */
ssize_t http_read(struct http *h, char *buf, size_t size);

/*
 * The whole body, NUL-terminated, owned by the caller; its length in *len.
 * NULL with errno (EFBIG beyond HTTP_BODY_MAX).
 */
char *http_body(struct http *h, size_t *len);

#endif
