/*
 * SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) for the audit chain.  Pure:
 * no state of its own, no allocation.  Used by auditd and by tests; not for
 * secrets that a timing could tell.
 */

#ifndef COMMON_SHA256_H
#define COMMON_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN   32
#define SHA256_BLOCK 64

struct sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t buf[SHA256_BLOCK];
	size_t fill;
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *p, size_t len);
/* s is spent afterwards. */
void sha256_final(struct sha256 *s, uint8_t out[SHA256_LEN]);

/*
 * A key, hashed into the two halves of HMAC once; reusable for any number of
 * messages.
 */
struct hmac_key {
	struct sha256 inner, outer;
};
void hmac_key_init(struct hmac_key *k, const void *key, size_t len);
/*
 * out = HMAC(k, m0 || m1 || ...): begin copies k, the rest is sha256_update on
 * s.
 */
void hmac_begin(const struct hmac_key *k, struct sha256 *s);
void hmac_end(const struct hmac_key *k, struct sha256 *s,
    uint8_t out[SHA256_LEN]);

#endif
