/*
 * Heads of HTTP/1.0 and 1.1 messages: one strict reading.  What two programs could read
 * in two ways is an error with a status and a reason, never a guess: two lengths, a length
 * and a coding, a coding that is not exactly "chunked", folded lines, a bare CR
 * or LF, NUL, a blank before a colon, two Hosts or another Host than the
 * target's, user information, a fragment.
 *
 * Everything points into the caller's bytes.  Pure: no allocation, no system call.
 */

#ifndef NETPROXY_HTTP_HEAD_H
#define NETPROXY_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netproxy/http_name.h"

#define HTTP_HEAD_MAX (64u << 10) /* bytes, with the empty line */
#define HTTP_FIELDS_MAX 200
#define HTTP_NOMINATED_MAX 16 /* names in all Connection fields */
#define HTTP_METHOD_MAX 32

struct http_str {
	const char *p;
	size_t len;
};

enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE, /* responses only */
};

enum http_form {
	HTTP_FORM_ORIGIN,    /* /path?query */
	HTTP_FORM_ABSOLUTE,  /* http://host/path */
	HTTP_FORM_AUTHORITY, /* CONNECT host:port */
	HTTP_FORM_ASTERISK,  /* OPTIONS * */
};

struct http_field {
	struct http_str name, value; /* value without blanks around it */
	bool drop;		     /* is not passed on as it stands */
};

/* The fields of one head, and what those that matter here say. */
struct http_fields {
	unsigned int n;
	struct http_field f[HTTP_FIELDS_MAX];
	unsigned int nnominated; /* by Connection: not passed on */
	struct http_str nominated[HTTP_NOMINATED_MAX];
	struct http_str host;
	bool has_host, has_length, chunked;
	bool close, keep_alive, upgrade;    /* words of Connection */
	bool websocket;			    /* Upgrade: websocket, alone */
	bool expect_continue;
	uint64_t length;
};

/* Who sent it to whom decides which forms of target are understood. */
enum http_side {
	HTTP_TO_PROXY,	/* absolute-form and CONNECT */
	HTTP_TO_ORIGIN, /* intercepted: origin-form, or absolute with the same Host */
};

struct http_request {
	struct http_str method;
	enum http_form form;
	unsigned int minor;    /* of HTTP/1.x */
	struct http_host host; /* of the target, else of Host; port 80 if none
				  was given to a proxy, 0 if none otherwise */
	bool has_host;	       /* false: intercepted HTTP/1.0 without Host */
	struct http_str path;  /* origin-form as it is sent on, at least "/" or "*" */
	bool add_slash;	       /* path begins with '?': "/" goes before it */
	enum http_framing framing;
	uint64_t length;
	bool close;   /* the connection ends with the answer */
	bool upgrade; /* to websocket, well-formed */
	struct http_fields fields;
};

struct http_response {
	unsigned int minor;
	unsigned int status;
	struct http_str reason;
	enum http_framing framing;
	uint64_t length;
	bool close; /* the server closes after it */
	struct http_fields fields;
};

/*
 * Where the head that begins at p ends.  *seen (0 at first) remembers how far
 * earlier calls with a shorter len looked.  Its length with the empty line; 0: not
 * yet; -1: it holds a bare CR, a bare LF or a NUL, begins with an empty line or is
 * longer than HTTP_HEAD_MAX.
 */
long http_head_end(const char *p, size_t len, size_t *seen)
    __attribute__((warn_unused_result));

/*
 * Read a whole head of exactly len bytes.  0, or the status (400, 417, 431, 501,
 * 505) with which to refuse it and the reason in *why (constant).
 */
int http_request_parse(struct http_request *r, enum http_side side,
    const char *p, size_t len, const char **why)
    __attribute__((warn_unused_result));

/*
 * The same for a response to a request whose method was HEAD (head true) or
 * another.  0 or -1 with *why.
 */
int http_response_parse(struct http_response *r, bool head, const char *p,
    size_t len, const char **why) __attribute__((warn_unused_result));

/* Fields between the first line and the empty one; as http_request_parse. */
int http_fields_parse(struct http_fields *f, const char *p, size_t len,
    const char **why) __attribute__((warn_unused_result));

/* Is this field not for the next hop? */
bool http_field_is_hop(const struct http_fields *f,
    const struct http_field *field);

/* Letters of ASCII in either case; s is NUL-terminated. */
bool http_str_is(const struct http_str *a, const char *s);

#endif
