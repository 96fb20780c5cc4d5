/*
 * SHA-256 and HMAC-SHA-256, from the standards' text.  Where an x86 CPU has the
 * SHA extensions they are used; sha256_blocks_c is the reference that the tests
 * hold the other against.  Runs in auditd.
 */

#include "common/sha256.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const uint32_t K[64] = { 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
	0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
	0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138,
	0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
	0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f,
	0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2 };

static uint32_t
ror(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t
be32_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static void
be32_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void
schedule(uint32_t w[64], const uint8_t *p)
{
	uint32_t s0, s1;
	int i;

	for (i = 0; i < 16; i++)
		w[i] = be32_get(p + (size_t)i * 4);
	for (i = 16; i < 64; i++) {
		s0 = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3;
		s1 = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10;
		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
}

/* v[0..7] are a..h of the standard. */
static void
rounds(uint32_t v[8], const uint32_t w[64])
{
	uint32_t t1, t2, ch, maj;
	int i;

	for (i = 0; i < 64; i++) {
		ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
		maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
		t1 = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) +
		    ch + K[i] + w[i];
		t2 = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) + maj;
		v[7] = v[6];
		v[6] = v[5];
		v[5] = v[4];
		v[4] = v[3] + t1;
		v[3] = v[2];
		v[2] = v[1];
		v[1] = v[0];
		v[0] = t1 + t2;
	}
}

static void
sha256_blocks_c(uint32_t h[8], const uint8_t *p, size_t n)
{
	uint32_t w[64], v[8];
	int i;

	for (; n > 0; n--, p += SHA256_BLOCK) {
		schedule(w, p);
		memcpy(v, h, sizeof(v));
		rounds(v, w);
		for (i = 0; i < 8; i++)
			h[i] += v[i];
	}
}

#if defined(__x86_64__)
/*
 * The instructions keep the state as ABEF and CDGH and do four rounds with two
 * of them; message words four at a time.
 */
__attribute__((target("sha,sse4.1,ssse3"))) static void
sha256_blocks_ni(uint32_t h[8], const uint8_t *p, size_t n)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL,
	    0x0405060700010203LL);
	__m128i abef, cdgh, save0, save1, t, k, m[4] = { 0 };
	int i;

	t = _mm_shuffle_epi32(_mm_loadu_si128(
				  (const __m128i *)(const void *)&h[0]),
	    0xb1);
	cdgh = _mm_shuffle_epi32(_mm_loadu_si128(
				     (const __m128i *)(const void *)&h[4]),
	    0x1b);
	abef = _mm_alignr_epi8(t, cdgh, 8);
	cdgh = _mm_blend_epi16(cdgh, t, 0xf0);
	for (; n > 0; n--, p += SHA256_BLOCK) {
		save0 = abef;
		save1 = cdgh;
		for (i = 0; i < 4; i++)
			m[i] = _mm_shuffle_epi8(
			    _mm_loadu_si128((const __m128i *)(const void *)(p +
				(size_t)i * 16)),
			    swap);
		for (i = 0; i < 16; i++) {
			k = _mm_add_epi32(m[i & 3],
			    _mm_loadu_si128((const __m128i *)(const void
				    *)&K[(size_t)i * 4]));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
			abef = _mm_sha256rnds2_epu32(abef, cdgh,
			    _mm_shuffle_epi32(k, 0x0e));
			/* words 16 + 4i ... from the four groups before them */
			t = _mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]);
			t = _mm_add_epi32(t,
			    _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
			m[i & 3] = _mm_sha256msg2_epu32(t, m[(i + 3) & 3]);
		}
		abef = _mm_add_epi32(abef, save0);
		cdgh = _mm_add_epi32(cdgh, save1);
	}
	t = _mm_shuffle_epi32(abef, 0x1b);
	cdgh = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)(void *)&h[0],
	    _mm_blend_epi16(t, cdgh, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)&h[4], _mm_alignr_epi8(cdgh, t, 8));
}

/*
 * CPUID leaf 7, EBX bit 29: the SHA extensions; leaf 1 has SSE4.1 wherever they
 * are.
 */
static int
have_sha_ni(void)
{
	static int have = -1; /* 0 or 1 once known; the same in every thread */
	unsigned int a = 7, b, c = 0, d;

	if (have == -1) {
		if (!__builtin_cpu_supports("sse4.1")) {
			have = 0;
			return have;
		}
		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		have = b >> 29 & 1;
	}
	return have;
}
#endif

static void
blocks(uint32_t h[8], const uint8_t *p, size_t n)
{
#if defined(__x86_64__)
	if (have_sha_ni()) {
		sha256_blocks_ni(h, p, n);
		return;
	}
#endif
	sha256_blocks_c(h, p, n);
}

void
sha256_init(struct sha256 *s)
{
	static const uint32_t h0[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372,
		0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(s->h, h0, sizeof(h0));
	s->bytes = 0;
	s->fill = 0;
}

void
sha256_update(struct sha256 *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t n;

	s->bytes += len;
	if (s->fill != 0) {
		n = SHA256_BLOCK - s->fill < len ? SHA256_BLOCK - s->fill : len;
		memcpy(s->buf + s->fill, p, n);
		s->fill += n;
		p += n;
		len -= n;
		if (s->fill < SHA256_BLOCK)
			return;
		blocks(s->h, s->buf, 1);
		s->fill = 0;
	}
	n = len / SHA256_BLOCK;
	if (n != 0)
		blocks(s->h, p, n);
	p += n * SHA256_BLOCK;
	len -= n * SHA256_BLOCK;
	if (len != 0)
		memcpy(s->buf, p, len);
	s->fill = len;
}

void
sha256_final(struct sha256 *s, uint8_t out[SHA256_LEN])
{
	uint64_t bits = s->bytes * 8;
	int i;

	s->buf[s->fill++] = 0x80;
	if (s->fill > SHA256_BLOCK - 8) {
		memset(s->buf + s->fill, 0, SHA256_BLOCK - s->fill);
		blocks(s->h, s->buf, 1);
		s->fill = 0;
	}
	memset(s->buf + s->fill, 0, SHA256_BLOCK - 8 - s->fill);
	be32_put(s->buf + 56, (uint32_t)(bits >> 32));
	be32_put(s->buf + 60, (uint32_t)bits);
	blocks(s->h, s->buf, 1);
	for (i = 0; i < 8; i++)
		be32_put(out + (size_t)i * 4, s->h[i]);
}

void
hmac_key_init(struct hmac_key *k, const void *key, size_t len)
{
	uint8_t pad[SHA256_BLOCK] = { 0 }, both[SHA256_BLOCK];
	struct sha256 s;
	size_t i;

	if (len > SHA256_BLOCK) {
		sha256_init(&s);
		sha256_update(&s, key, len);
		sha256_final(&s, pad);
	} else if (len != 0)
		memcpy(pad, key, len);
	for (i = 0; i < SHA256_BLOCK; i++)
		both[i] = pad[i] ^ 0x36;
	sha256_init(&k->inner);
	sha256_update(&k->inner, both, sizeof(both));
	for (i = 0; i < SHA256_BLOCK; i++)
		both[i] = pad[i] ^ 0x5c;
	sha256_init(&k->outer);
	sha256_update(&k->outer, both, sizeof(both));
	explicit_bzero(pad, sizeof(pad));
	explicit_bzero(both, sizeof(both));
}

void
hmac_begin(const struct hmac_key *k, struct sha256 *s)
{
	*s = k->inner;
}

void
hmac_end(const struct hmac_key *k, struct sha256 *s, uint8_t out[SHA256_LEN])
{
	uint8_t in[SHA256_LEN];
	struct sha256 o = k->outer;

	sha256_final(s, in);
	sha256_update(&o, in, sizeof(in));
	sha256_final(&o, out);
}
