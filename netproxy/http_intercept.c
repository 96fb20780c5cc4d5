/*
 * Connections that were not meant for a proxy: what they speak is told from their
 * first byte, and the host from a TLS hello or, in http_serve.c, from Host.  What is
 * neither is refused: a server may overlook bytes that would hide a request from us.
 * Runs in netproxy on a stranger's bytes.
 */

#include <stdio.h>
#include <string.h>

#include "netproxy/hello_parse.h"
#include "netproxy/hello_rewrite.h"
#include "netproxy/http_conn.h"

#define RECORD_HANDSHAKE 22
#define ALERT_DECODE 50

void
http_intercept_refuse(struct http_conn *c, unsigned int alert)
{
	unsigned char record[] = { 21, 3, 1, 0, 2, 2, (unsigned char)alert };

	evbuffer_add(c->down.out, record, sizeof(record));
	http_conn_linger(c);
}

/* The hello at the head of what the client sent; msg as in hello_parse. */
static enum hello_rc
read_hello(struct http_conn *c, struct hello *h, uint8_t msg[HELLO_MSG_MAX],
    uint16_t *version)
{
	size_t len = evbuffer_get_length(c->down.in);
	const uint8_t *p;
	enum hello_rc rc;

	if (len < c->hello_need || len == 0)
		return HELLO_MORE;
	len = len < HELLO_WIRE_MAX ? len : HELLO_WIRE_MAX;
	p = evbuffer_pullup(c->down.in, (ssize_t)len);
	if (p == NULL)
		return HELLO_BAD;
	rc = hello_parse(h, p, len, msg);
	if (rc == HELLO_MORE && h->need > HELLO_WIRE_MAX)
		rc = HELLO_BAD;
	c->hello_need = h->need;
	if (rc == HELLO_OK)
		*version = (uint16_t)(p[1] << 8 | p[2]);
	return rc;
}

/* The name that the hello asks for, else the address that was meant. */
static void
host_of(const struct http_conn *c, const struct hello *h, struct http_host *to)
{
	http_host_of_address(to, (const struct sockaddr *)&c->dst);
	if (!h->has_sni)
		return;
	to->literal = false;
	memcpy(to->name, h->sni, sizeof(to->name));
}

static bool
greet_tls(struct http_conn *c)
{
	uint8_t msg[HELLO_MSG_MAX];
	uint16_t version;
	struct hello h;

	switch (read_hello(c, &h, msg, &version)) {
	case HELLO_MORE:
		if (c->down.eof)
			http_conn_set(c, HTTP_CLOSED);
		return false;
	case HELLO_OK:
		break;
	case HELLO_OTHER:
	case HELLO_BAD:
		http_reply_unreadable(c, 0);
		http_intercept_refuse(c, ALERT_DECODE);
		return true;
	}
	c->tls = true;
	c->client.kind = "tls";
	host_of(c, &h, &c->tls_host);
	snprintf(c->client.host, sizeof(c->client.host), "%s",
	    c->tls_host.name);
	http_serve_ask(c, &c->tls_host);
	return true;
}

bool
http_intercept_greeting(struct http_conn *c)
{
	unsigned char first;

	if (evbuffer_copyout(c->down.in, &first, 1) != 1) {
		if (c->down.eof)
			http_conn_set(c, HTTP_CLOSED);
		return false;
	}
	if (first == RECORD_HANDSHAKE)
		return greet_tls(c);
	if ((first | 0x20) >= 'a' && (first | 0x20) <= 'z') {
		http_conn_set(c, HTTP_HEAD);
		return true;
	}
	http_reply_unreadable(c, 0);
	http_conn_set(c, HTTP_CLOSED);
	return true;
}

/* A redirect wants another name in the hello: without one, nothing goes. */
bool
http_intercept_hello(struct http_conn *c)
{
	uint8_t msg[HELLO_MSG_MAX], out[HELLO_OUT_MAX];
	uint16_t version;
	enum hello_rc rc;
	struct hello h;
	size_t n = 0;

	rc = read_hello(c, &h, msg, &version);
	if (rc == HELLO_MORE) {
		if (c->down.eof)
			http_conn_set(c, HTTP_CLOSED);
		return false;
	}
	if (rc == HELLO_OK)
		n = hello_rewrite(&h, msg, version, c->sni, out);
	if (n == 0) {
		http_intercept_refuse(c, ALERT_DECODE);
		return true;
	}
	evbuffer_drain(c->down.in, h.wire_bytes);
	evbuffer_add(c->up.out, out, n);
	http_conn_tunnel(c);
	return true;
}
