/*
 * SipHash-1-3, see dns_hash.h.  Runs in netproxy.
 */

#include "netproxy/dns_hash.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static inline uint64_t
rotl(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static inline void
sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
}

void
dns_hash_init(struct dns_hash_key *key)
{
	arc4random_buf(key, sizeof(*key));
}

uint64_t
dns_hash(const struct dns_hash_key *key, const void *p, size_t len)
{
	uint64_t v[4] = { key->k[0] ^ 0x736f6d6570736575u,
		key->k[1] ^ 0x646f72616e646f6du,
		key->k[0] ^ 0x6c7967656e657261u,
		key->k[1] ^ 0x7465646279746573u };
	const uint8_t *b = p;
	uint64_t m, last = (uint64_t)len << 56;
	size_t left;

	for (left = len; left >= 8; left -= 8, b += 8) {
		memcpy(&m, b, 8);
		sip_word(v, le64toh(m));
	}
	m = 0;
	memcpy(&m, b, left);
	sip_word(v, last | le64toh(m));
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
