/*
 * Reading a ClientHello (RFC 8446 4.1.2, RFC 5246 7.4.1.2, RFC 6066 3).  Runs in
 * netproxy on a stranger's bytes.  Must never accept two names, or a
 * message whose parts do not fill it exactly.
 */

#include <string.h>

#include "netproxy/hello_parse.h"

#define RECORD_HANDSHAKE 22
#define RECORD_MAX 16384
#define CLIENT_HELLO 1
#define EXT_SERVER_NAME 0
#define EXT_ECH 0xfe0d
#define EXTS_MAX 128

/* What is left to read of one vector. */
struct cursor {
	const uint8_t *p, *end;
};

static bool
take(struct cursor *c, size_t n, const uint8_t **p)
{
	if ((size_t)(c->end - c->p) < n)
		return false;
	*p = c->p;
	c->p += n;
	return true;
}

/* A number of n bytes. */
static bool
take_num(struct cursor *c, unsigned int n, size_t *v)
{
	const uint8_t *p;

	if (!take(c, n, &p))
		return false;
	for (*v = 0; n > 0; n--)
		*v = *v << 8 | *p++;
	return true;
}

/* A vector with a length of n bytes, of lo to hi bytes. */
static bool
take_vec(struct cursor *c, unsigned int n, size_t lo, size_t hi,
    struct cursor *v)
{
	size_t len;

	if (!take_num(c, n, &len) || len < lo || len > hi ||
	    !take(c, len, &v->p))
		return false;
	v->end = v->p + len;
	return true;
}

/*
 * One name of type host_name.  RFC 6066 allows a list of one name a type; no other
 * type exists.
 */
static bool
read_server_name(struct hello *h, struct cursor ext, const uint8_t *msg)
{
	struct cursor list, name;
	size_t type;

	h->sni_at = (size_t)(ext.p - msg);
	h->sni_bytes = (size_t)(ext.end - ext.p);
	if (!take_vec(&ext, 2, 1, 65535, &list) || ext.p != ext.end)
		return false;
	if (!take_num(&list, 1, &type) || type != 0 ||
	    !take_vec(&list, 2, 1, HTTP_NAME_MAX, &name) ||
	    list.p != list.end)
		return false;
	if (http_name_normalise(h->sni, (const char *)name.p,
	    (size_t)(name.end - name.p)) == -1)
		return false;
	h->has_sni = true;
	return true;
}

static bool
read_extensions(struct hello *h, struct cursor exts, const uint8_t *msg)
{
	size_t type, seen[EXTS_MAX], n = 0, i;
	struct cursor ext;

	while (exts.p < exts.end) {
		if (n == EXTS_MAX || !take_num(&exts, 2, &type) ||
		    !take_vec(&exts, 2, 0, 65535, &ext))
			return false;
		for (i = 0; i < n; i++)
			if (seen[i] == type)
				return false;
		seen[n++] = type;
		if (type == EXT_SERVER_NAME && !read_server_name(h, ext, msg))
			return false;
		if (type == EXT_ECH)
			h->ech = true;
	}
	return true;
}

/* The message without its four bytes of header. */
static bool
read_hello(struct hello *h, struct cursor c, const uint8_t *msg)
{
	const uint8_t *p;
	struct cursor v;

	/* legacy_version 3.x, random */
	if (!take(&c, 34, &p) || p[0] != 3)
		return false;
	/* session id, cipher suites, compression */
	if (!take_vec(&c, 1, 0, 32, &v) || !take_vec(&c, 2, 2, 65534, &v) ||
	    (v.end - v.p) % 2 != 0 || !take_vec(&c, 1, 1, 255, &v))
		return false;
	h->exts_at = (size_t)(c.p - msg);
	if (c.p == c.end)
		return true; /* no extensions: SSLv3 and TLS 1.0 */
	if (!take_vec(&c, 2, 0, 65535, &v) || c.p != c.end)
		return false;
	return read_extensions(h, v, msg);
}

static enum hello_rc
more(struct hello *h, size_t need)
{
	h->need = need;
	return HELLO_MORE;
}

/* Bytes that the message has, header included; 0: not yet known. */
static size_t
msg_size(const uint8_t *msg, size_t have)
{
	if (have < 4)
		return 0;
	return 4 + ((size_t)msg[1] << 16 | (size_t)msg[2] << 8 | msg[3]);
}

/* Add one record's fragment; it must not go past the end of the message. */
static enum hello_rc
add_fragment(struct hello *h, const uint8_t *p, size_t n, uint8_t *msg)
{
	size_t size;

	if (n > HELLO_MSG_MAX - h->msg_bytes)
		return HELLO_BAD;
	memcpy(msg + h->msg_bytes, p, n);
	h->msg_bytes += n;
	if (msg[0] != CLIENT_HELLO)
		return HELLO_BAD;
	size = msg_size(msg, h->msg_bytes);
	if (size > HELLO_MSG_MAX || (size != 0 && h->msg_bytes > size))
		return HELLO_BAD;
	return size != 0 && h->msg_bytes == size ? HELLO_OK : HELLO_MORE;
}

/* type, version 3.x, length 1 to 2^14 */
static bool
is_record_head(const uint8_t *p, size_t len)
{
	static const uint8_t least[5] = { RECORD_HANDSHAKE, 3, 0, 0, 0 };
	size_t n;

	if (len > 5)
		len = 5;
	if (memcmp(p, least, len < 2 ? len : 2) != 0 ||
	    (len > 2 && p[2] > 4))
		return false;
	if (len < 5)
		return true;
	n = (size_t)p[3] << 8 | p[4];
	return n > 0 && n <= RECORD_MAX;
}

enum hello_rc
hello_parse(struct hello *h, const uint8_t *p, size_t len,
    uint8_t msg[HELLO_MSG_MAX])
{
	enum hello_rc rc = HELLO_MORE;
	unsigned int records;
	size_t at = 0, n;
	struct cursor c;

	memset(h, 0, sizeof(*h));
	if (len > 0 && p[0] != RECORD_HANDSHAKE)
		return HELLO_OTHER;
	for (records = 0; rc == HELLO_MORE; records++) {
		if (records == HELLO_RECORDS_MAX ||
		    !is_record_head(p + at, len - at))
			return HELLO_BAD;
		if (len - at < 5)
			return more(h, at + 5);
		n = (size_t)p[at + 3] << 8 | p[at + 4];
		if (len - at - 5 < n)
			return more(h, at + 5 + n);
		rc = add_fragment(h, p + at + 5, n, msg);
		at += 5 + n;
	}
	if (rc != HELLO_OK)
		return rc;
	h->wire_bytes = at;
	c.p = msg + 4;
	c.end = msg + h->msg_bytes;
	return read_hello(h, c, msg) ? HELLO_OK : HELLO_BAD;
}
