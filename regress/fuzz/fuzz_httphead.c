/*
 * Request heads, response heads and chunked bodies, any bytes.  The first byte
 * picks which.  What is taken has no control bytes but in its line ends; what is
 * written anew from it reads the same at the next hop; and how the bytes are cut
 * changes nothing.
 */

#include <event2/buffer.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "netproxy/http_body.h"
#include "netproxy/http_head.h"
#include "netproxy/http_rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_request r, r2;
static struct http_response a, a2;

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

/* The end of the head, whole and byte by byte. */
static size_t
end_of(const char *p, size_t len)
{
	size_t seen = 0, slow = 0, n;
	long end = http_head_end(p, len, &seen), e = 0;

	for (n = 1; n <= len && e == 0; n++)
		e = http_head_end(p, n, &slow);
	must(e == end);
	return end > 0 ? (size_t)end : 0;
}

static void
lines_are_clean(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] == '\r')
			must(p[i + 1] == '\n');
		else if (p[i] == '\n')
			must(i > 0 && p[i - 1] == '\r');
		else
			must(p[i] == '\t' || (unsigned char)p[i] >= ' ');
	}
	/* nothing folded */
	for (i = 1; i < len; i++)
		must(p[i - 1] != '\n' || (p[i] != ' ' && p[i] != '\t'));
}

static unsigned int
count(const struct http_fields *f, const char *name)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n; i++)
		n += http_str_is(&f->f[i].name, name);
	return n;
}

static void
same_str(const struct http_str *x, const struct http_str *y)
{
	must(x->len == y->len && memcmp(x->p, y->p, x->len) == 0);
}

static void
request(enum http_side side, const char *p, size_t len)
{
	struct evbuffer *b;
	const char *why = NULL, *q;
	size_t n, path;
	int rc = http_request_parse(&r, side, p, len, &why);

	if (rc != 0) {
		must(rc >= 400 && rc <= 505 && why != NULL);
		return;
	}
	lines_are_clean(p, len);
	must(count(&r.fields, "host") <= 1);
	must(count(&r.fields, "content-length") +
	    count(&r.fields, "transfer-encoding") <= 1);
	if (r.form == HTTP_FORM_AUTHORITY)
		return;
	b = evbuffer_new();
	must(b != NULL && http_rewrite_request(b, &r) == 0);
	n = evbuffer_get_length(b);
	q = (const char *)evbuffer_pullup(b, -1);
	if (n <= HTTP_HEAD_MAX)
		must(end_of(q, n) == n);
	if (r.has_host) {
		must(http_request_parse(&r2, HTTP_TO_ORIGIN, q, n, &why) == 0);
		same_str(&r.method, &r2.method);
		path = r.add_slash ? 1 : 0;
		must(r2.path.len == r.path.len + path);
		must(memcmp(r2.path.p + path, r.path.p, r.path.len) == 0);
		must(http_host_equal(&r.host, &r2.host));
		must((r.host.port == 0 ? 80 : r.host.port) ==
		    (r2.host.port == 0 ? 80 : r2.host.port));
		must(r.framing == r2.framing && r.length == r2.length);
		must(count(&r2.fields, "host") == 1);
		must(count(&r2.fields, "te") == 0);
		must(count(&r2.fields, "proxy-authorization") == 0);
		must(r.upgrade == r2.upgrade);
	}
	evbuffer_free(b);
}

static void
response(bool head, const char *p, size_t len)
{
	struct http_rewrite_how how = { .close = false };
	struct evbuffer *b;
	const char *why = NULL, *q;
	size_t n;

	if (http_response_parse(&a, head, p, len, &why) == -1) {
		must(why != NULL);
		return;
	}
	lines_are_clean(p, len);
	b = evbuffer_new();
	must(b != NULL);
	how.chunked = a.framing == HTTP_CHUNKED;
	how.close = a.framing == HTTP_UNTIL_CLOSE;
	must(http_rewrite_response(b, &a, &how) == 0);
	n = evbuffer_get_length(b);
	q = (const char *)evbuffer_pullup(b, -1);
	must(http_response_parse(&a2, head, q, n, &why) == 0);
	must(a.status == a2.status && a.framing == a2.framing);
	if (a.framing == HTTP_LENGTH)
		must(a.length == a2.length);
	evbuffer_free(b);
}

/* The data of a body that comes in pieces of step bytes. */
static size_t
body_of(const char *p, size_t len, size_t step, char *out,
    enum http_body_rc *rc)
{
	struct http_body b;
	size_t at = 0, n = 0, used, run, part;

	http_body_init(&b, HTTP_CHUNKED, 0);
	*rc = HTTP_BODY_MORE;
	while (at < len) {
		part = len - at < step ? len - at : step;
		*rc = http_body_next(&b, p + at, part, &used, &run);
		must(used <= part && run <= used);
		if (*rc == HTTP_BODY_DATA) {
			must(run > 0);
			memcpy(out + n, p + at + used - run, run);
			n += run;
		}
		at += used;
		if (*rc == HTTP_BODY_BAD || *rc == HTTP_BODY_END)
			break;
	}
	must(http_body_eof(&b) == (*rc == HTTP_BODY_END));
	return n;
}

static void
body(size_t step, const char *p, size_t len)
{
	char *x = malloc(len + 1), *y = malloc(len + 1);
	enum http_body_rc rc1, rc2;
	size_t n;

	must(x != NULL && y != NULL);
	n = body_of(p, len, len, x, &rc1);
	must(n == body_of(p, len, step, y, &rc2));
	must(memcmp(x, y, n) == 0);
	must((rc1 == HTTP_BODY_BAD) == (rc2 == HTTP_BODY_BAD));
	must((rc1 == HTTP_BODY_END) == (rc2 == HTTP_BODY_END));
	free(x);
	free(y);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *p;
	size_t end;

	if (size < 2)
		return 0;
	/* At the very end of its storage. */
	p = malloc(size - 1);
	must(p != NULL);
	memcpy(p, data + 1, size - 1);
	if (data[0] % 8 < 4) {
		body(data[0] / 8 + 1, p, size - 1);
	} else if ((end = end_of(p, size - 1)) > 0) {
		if (data[0] % 8 < 6)
			request(data[0] % 2 ? HTTP_TO_PROXY : HTTP_TO_ORIGIN, p,
			    end);
		else
			response(data[0] % 2, p, end);
	}
	free(p);
	return 0;
}
