/*
 * SipHash-1-3, see siphash.h.  Linked by whoever has a table of names.
 */

#include "common/siphash.h"

#include <sys/random.h>

#include <endian.h>
#include <string.h>

int
siphash_key_make(struct siphash_key *key)
{
	return getrandom(key, sizeof(*key), 0) == (ssize_t)sizeof(*key) ? 0 :
									  -1;
}

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

uint64_t
siphash(const struct siphash_key *key, const void *p, size_t len)
{
	uint64_t v[4] = { key->k[0] ^ UINT64_C(0x736f6d6570736575),
		key->k[1] ^ UINT64_C(0x646f72616e646f6d),
		key->k[0] ^ UINT64_C(0x6c7967656e657261),
		key->k[1] ^ UINT64_C(0x7465646279746573) };
	const uint8_t *b = p;
	uint64_t m, last = (uint64_t)len << 56;
	size_t i;

	for (; len >= 8; b += 8, len -= 8) {
		memcpy(&m, b, 8);
		sip_word(v, le64toh(m));
	}
	for (i = 0; i < len; i++)
		last |= (uint64_t)b[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
