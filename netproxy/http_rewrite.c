/*
 * Heads for the next hop.  Runs in netproxy.  Trusts the structures, which came
 * from the strict reading; must never write a line that came from elsewhere.
 */

#include <event2/buffer.h>
#include <inttypes.h>
#include <string.h>

#include "netproxy/http_rewrite.h"

static int
put(struct evbuffer *out, const struct http_str *s)
{
	return evbuffer_add(out, s->p, s->len);
}

static int
put_text(struct evbuffer *out, const char *s)
{
	return evbuffer_add(out, s, strlen(s));
}

static int
put_fields(struct evbuffer *out, const struct http_fields *f)
{
	const struct http_field *field;
	unsigned int i;
	int bad = 0;

	for (i = 0; i < f->n; i++) {
		field = &f->f[i];
		if (http_field_is_hop(f, field))
			continue;
		bad |= put(out, &field->name) | put_text(out, ": ") |
		    put(out, &field->value) | put_text(out, "\r\n");
	}
	return bad;
}

static int
put_request_line(struct evbuffer *out, const struct http_request *r)
{
	return put(out, &r->method) | put_text(out, r->add_slash ? " /" : " ") |
	    put(out, &r->path) | put_text(out, " HTTP/1.1\r\n");
}

static int
put_host(struct evbuffer *out, const struct http_request *r)
{
	char host[HTTP_AUTHORITY_SIZE] = "";

	if (r->has_host)
		http_host_text(&r->host, 80, host);
	return evbuffer_add_printf(out, "Host: %s\r\n", host) < 0 ? -1 : 0;
}

static int
put_length(struct evbuffer *out, uint64_t length)
{
	return evbuffer_add_printf(out, "Content-Length: %" PRIu64 "\r\n",
	    length) < 0 ? -1 : 0;
}

int
http_rewrite_request(struct evbuffer *out, const struct http_request *r)
{
	int bad = put_request_line(out, r) | put_host(out, r) |
	    put_fields(out, &r->fields);

	if (r->framing == HTTP_CHUNKED)
		bad |= put_text(out, "Transfer-Encoding: chunked\r\n");
	else if (r->fields.has_length)
		bad |= put_length(out, r->length);
	if (r->fields.expect_continue && r->framing != HTTP_NO_BODY &&
	    r->minor > 0)
		bad |= put_text(out, "Expect: 100-continue\r\n");
	if (r->upgrade)
		bad |= put_text(out,
		    "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	return bad | put_text(out, "\r\n") ? -1 : 0;
}

int
http_rewrite_response(struct evbuffer *out, const struct http_response *r,
    const struct http_rewrite_how *how)
{
	int bad = evbuffer_add_printf(out, "HTTP/1.1 %03u ", r->status) < 0 ?
	    -1 : 0;

	bad |= put(out, &r->reason) | put_text(out, "\r\n") |
	    put_fields(out, &r->fields);
	if (how->chunked)
		bad |= put_text(out, "Transfer-Encoding: chunked\r\n");
	else if (r->fields.has_length && r->status >= 200 && r->status != 204)
		bad |= put_length(out, r->length);
	if (how->upgrade)
		bad |= put_text(out,
		    "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	else if (how->close && r->status >= 200)
		bad |= put_text(out, "Connection: close\r\n");
	return bad | put_text(out, "\r\n") ? -1 : 0;
}
