/*
 * The hash chain over stored records.  Each record's hash covers the hash
 * before it, so that a changed, removed, added or exchanged row shows at its
 * place.  With a key the hash is HMAC-SHA-256 and cannot be made anew by who
 * can write the database; without one it is plain SHA-256 and tells accidents
 * only.  Pure; auditd.
 */

#ifndef AUDITD_CHAIN_H
#define AUDITD_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sha256.h"

struct chain {
	struct hmac_key key;
	bool keyed;
};

/* What a hash covers besides the one before it. */
struct chain_item {
	uint64_t id; /* row number, from 1, without gaps */
	uint32_t count; /* calls that the record stands for */
	uint64_t span_ns;
	uint32_t owner; /* uid of the session */
	const char *session; /* its id, borrowed */
	size_t session_len;
	const void *wire; /* the record as evrec_encode writes it, borrowed */
	size_t wire_len;
};

/* key of len bytes, copied; len 0: no key. */
void chain_init(struct chain *c, const void *key, size_t len);

/* out = hash of item after prev; prev of the first row is all zero. */
void chain_link(const struct chain *c, const uint8_t prev[SHA256_LEN],
    const struct chain_item *item, uint8_t out[SHA256_LEN]);

/*
 * A seal over a statement about the chain ("head" or "anchor", row id, its
 * hash), so that with a key neither end of the chain can be moved unseen.
 */
void chain_seal(const struct chain *c, const char *what, uint64_t id,
    const uint8_t hash[SHA256_LEN], uint8_t out[SHA256_LEN]);

#endif
