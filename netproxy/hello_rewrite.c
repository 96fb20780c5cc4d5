/*
 * Putting another name into a ClientHello.  Runs in netproxy, for a redirect
 * whose policy asks for it; trusts the offsets that hello_parse left.
 */

#include <string.h>

#include "netproxy/hello_rewrite.h"

#define RECORD_MAX 16384

static void
put_num(uint8_t *p, unsigned int n, size_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static size_t
get_num(const uint8_t *p, unsigned int n)
{
	size_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* list length, type, name length, name */
static size_t
put_server_name(uint8_t *p, const char *name)
{
	size_t len = strlen(name);

	put_num(p, 2, len + 3);
	p[2] = 0;
	put_num(p + 3, 2, len);
	memcpy(p + 5, name, len);
	return len + 5;
}

/* The whole message with the new extension in the old one's place. */
static size_t
put_message(uint8_t *to, const struct hello *h, const uint8_t *msg,
    const char *name)
{
	size_t old_end = h->sni_at + h->sni_bytes, n, size, exts;

	memcpy(to, msg, h->sni_at);
	n = put_server_name(to + h->sni_at, name);
	memcpy(to + h->sni_at + n, msg + old_end, h->msg_bytes - old_end);
	size = h->msg_bytes - h->sni_bytes + n;
	exts = get_num(msg + h->exts_at, 2) - h->sni_bytes + n;
	put_num(to + h->sni_at - 2, 2, n);
	put_num(to + h->exts_at, 2, exts);
	put_num(to + 1, 3, size - 4);
	return exts > 65535 ? 0 : size;
}

size_t
hello_rewrite(const struct hello *h, const uint8_t *msg,
    uint16_t record_version, const char *name, uint8_t out[HELLO_OUT_MAX])
{
	uint8_t whole[HELLO_MSG_MAX + HTTP_NAME_MAX + 8];
	size_t size, at = 0, used = 0, n;

	if (!h->has_sni || strlen(name) > HTTP_NAME_MAX)
		return 0;
	size = put_message(whole, h, msg, name);
	while (at < size) {
		n = size - at < RECORD_MAX ? size - at : RECORD_MAX;
		out[used] = 22;
		put_num(out + used + 1, 2, record_version);
		put_num(out + used + 3, 2, n);
		memcpy(out + used + 5, whole + at, n);
		used += 5 + n;
		at += n;
	}
	return used;
}
