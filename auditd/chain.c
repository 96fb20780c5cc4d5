/*
 * The hash chain.  Numbers enter as little-endian 64 bits and the session's id
 * with its length before it, so that no two different items have the same
 * bytes. Runs in auditd; trusts its caller for lengths only.
 */

#include "auditd/chain.h"

#include <string.h>

void
chain_init(struct chain *c, const void *key, size_t len)
{
	memset(c, 0, sizeof(*c));
	c->keyed = len != 0;
	if (c->keyed)
		hmac_key_init(&c->key, key, len);
}

static void
begin(const struct chain *c, struct sha256 *s)
{
	if (c->keyed)
		hmac_begin(&c->key, s);
	else
		sha256_init(s);
}

static void
end(const struct chain *c, struct sha256 *s, uint8_t out[SHA256_LEN])
{
	if (c->keyed)
		hmac_end(&c->key, s, out);
	else
		sha256_final(s, out);
}

static uint8_t *
le64_put(uint8_t *p, uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	return p + 8;
}

void
chain_link(const struct chain *c, const uint8_t prev[SHA256_LEN],
    const struct chain_item *item, uint8_t out[SHA256_LEN])
{
	uint8_t head[SHA256_LEN + 5 * 8], *p = head + SHA256_LEN;
	struct sha256 s;

	memcpy(head, prev, SHA256_LEN);
	p = le64_put(p, item->id);
	p = le64_put(p, item->count);
	p = le64_put(p, item->span_ns);
	p = le64_put(p, item->owner);
	le64_put(p, item->session_len);
	begin(c, &s);
	sha256_update(&s, head, sizeof(head));
	sha256_update(&s, item->session, item->session_len);
	sha256_update(&s, item->wire, item->wire_len);
	end(c, &s, out);
}

void
chain_seal(const struct chain *c, const char *what, uint64_t id,
    const uint8_t hash[SHA256_LEN], uint8_t out[SHA256_LEN])
{
	uint8_t num[8];
	struct sha256 s;

	le64_put(num, id);
	begin(c, &s);
	sha256_update(&s, what, strlen(what) + 1);
	sha256_update(&s, num, sizeof(num));
	sha256_update(&s, hash, SHA256_LEN);
	end(c, &s, out);
}
