/*
 * SipHash-1-3 (Aumasson, Bernstein): the hash for tables of what strangers
 * choose, under a key that they do not know.  Pure but for the key.
 */

#ifndef COMMON_SIPHASH_H
#define COMMON_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k[2];
};

/* A key that nobody knows.  0, or -1 with errno. */
int siphash_key_make(struct siphash_key *key)
    __attribute__((warn_unused_result));

/* The hash of len bytes.  Any thread. */
uint64_t siphash(const struct siphash_key *key, const void *p, size_t len);

#endif
