/*
 * Answers by name and type until their TTL ends: one cache for all sessions,
 * since all ask the same resolvers; who may see an answer is judged before it
 * is looked up. Bounded by bytes, the least recently used go first.
 *
 * Runs in netproxy.  A look-up allocates nothing.  What strangers choose
 * (names) is hashed with a key that they do not know.
 */

#ifndef NETPROXY_DNS_CACHE_H
#define NETPROXY_DNS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "netproxy/dns_answer.h"

/* About 35,000 names of two addresses each. */
#define DNS_CACHE_BYTES (16u << 20)

struct dns_cache;

/* At most bytes of memory for entries, the table beside it.  NULL: errno. */
struct dns_cache *dns_cache_new(size_t bytes);
void dns_cache_free(struct dns_cache *c);
void dns_cache_flush(struct dns_cache *c);

/*
 * The answer of this name (lower case) and type, and in *age_s how old it is,
 * or NULL.  Borrowed until the cache is next called.
 */
const struct dns_answer *dns_cache_get(struct dns_cache *c,
    const struct dns_name *name, uint16_t type, uint64_t now_ms,
    uint32_t *age_s);

/* Keep a copy of a, unless its ttl_s is 0 or there is no memory. */
void dns_cache_put(struct dns_cache *c, const struct dns_name *name,
    uint16_t type, const struct dns_answer *a, uint64_t now_ms);

struct dns_cache_stats {
	uint64_t hits, misses, evicted;
	size_t entries, bytes;
};
void dns_cache_stats(const struct dns_cache *c, struct dns_cache_stats *s);

#endif
