/*
 * Where a body ends, byte by byte: by length, by chunks, at the end of the stream.
 * What comes out is data alone; chunk extensions and trailers are checked, bounded and
 * dropped, so that nothing is ever passed on that was not read here.  Pure.
 */

#ifndef NETPROXY_HTTP_BODY_H
#define NETPROXY_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "netproxy/http_head.h"

/* Bytes of one body beside its data and the chunk sizes: extensions, trailers. */
#define HTTP_CHUNK_EXT_MAX 1024	   /* in one chunk line */
#define HTTP_CHUNK_EXTS_MAX 16384  /* in all of a body */
#define HTTP_TRAILER_MAX 8192

enum http_body_rc {
	HTTP_BODY_MORE, /* all of it taken, more is needed */
	HTTP_BODY_DATA, /* a run of data */
	HTTP_BODY_END,	/* the body is complete; nothing after it was taken */
	HTTP_BODY_BAD,	/* malformed: give up the connection */
};

enum http_chunk_state {
	HTTP_CHUNK_SIZE,  /* before the first digit */
	HTTP_CHUNK_DIGIT, /* after one */
	HTTP_CHUNK_EXT,
	HTTP_CHUNK_SIZE_LF,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_CR,
	HTTP_CHUNK_DATA_LF,
	HTTP_CHUNK_TRAILER, /* at the start of a line */
	HTTP_CHUNK_NAME,
	HTTP_CHUNK_VALUE,
	HTTP_CHUNK_VALUE_LF,
	HTTP_CHUNK_END_LF,
	HTTP_CHUNK_STATE_MAX
};

struct http_body {
	enum http_framing framing;
	enum http_chunk_state state;
	uint64_t left;	     /* of the length or the chunk */
	unsigned int digits; /* of the chunk's size */
	unsigned int ext, exts, trailer; /* bytes so far */
	int ended;
};

void http_body_init(struct http_body *b, enum http_framing framing,
    uint64_t length);

/*
 * Take from the len bytes at p.  *used: how many were taken; on HTTP_BODY_DATA
 * the last *run of them are data.  Call again until MORE, END or BAD.
 */
enum http_body_rc http_body_next(struct http_body *b, const char *p, size_t len,
    size_t *used, size_t *run) __attribute__((warn_unused_result));

/* The stream has ended: is the body complete? */
int http_body_eof(const struct http_body *b);

/* "1f\r\n" before n bytes of data; always fits; its length. */
size_t http_chunk_head(uint64_t n, char out[24]);

#endif
