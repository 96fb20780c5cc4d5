/*
 * The cache of answers, see dns_cache.h: a hash table of chains, each entry one
 * piece of memory, and a list in the order of use.
 */

#include "netproxy/dns_cache.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "common/siphash.h"

#define BUCKETS 32768u /* a power of two; 256 KiB */

struct entry {
	LIST_ENTRY(entry) bucket;
	TAILQ_ENTRY(entry) used; /* the most recent first */
	uint64_t hash;
	uint64_t since_ms, until_ms;
	size_t bytes;
	struct dns_answer a; /* its arrays lie behind */
	struct dns_name name;
	uint16_t type;
};

LIST_HEAD(entry_list, entry);
TAILQ_HEAD(entry_queue, entry);

struct dns_cache {
	struct entry_list bucket[BUCKETS];
	struct entry_queue used;
	struct siphash_key key;
	size_t max_bytes;
	struct dns_cache_stats stats;
};

static void
drop(struct dns_cache *c, struct entry *e)
{
	LIST_REMOVE(e, bucket);
	TAILQ_REMOVE(&c->used, e, used);
	c->stats.bytes -= e->bytes;
	c->stats.entries--;
	free(e);
}

struct dns_cache *
dns_cache_new(size_t bytes)
{
	struct dns_cache *c = calloc(1, sizeof(*c));

	if (c == NULL || siphash_key_make(&c->key) == -1) {
		free(c);
		return NULL;
	}
	TAILQ_INIT(&c->used);
	c->max_bytes = bytes;
	return c;
}

void
dns_cache_flush(struct dns_cache *c)
{
	struct entry *e, *next;

	TAILQ_FOREACH_SAFE(e, &c->used, used, next)
		drop(c, e);
}

void
dns_cache_free(struct dns_cache *c)
{
	if (c == NULL)
		return;
	dns_cache_flush(c);
	free(c);
}

static uint64_t
hash_of(const struct dns_cache *c, const struct dns_name *name, uint16_t type)
{
	return siphash(&c->key, name->wire, name->len) ^
	    type * 0x9e3779b97f4a7c15u;
}

static struct entry *
find(struct dns_cache *c, const struct dns_name *name, uint16_t type,
    uint64_t hash)
{
	struct entry *e;

	LIST_FOREACH(e, &c->bucket[hash % BUCKETS], bucket)
		if (e->hash == hash && e->type == type &&
		    e->name.len == name->len &&
		    memcmp(e->name.wire, name->wire, name->len) == 0)
			return e;
	return NULL;
}

const struct dns_answer *
dns_cache_get(struct dns_cache *c, const struct dns_name *name, uint16_t type,
    uint64_t now_ms, uint32_t *age_s)
{
	struct entry *e = find(c, name, type, hash_of(c, name, type));

	if (e != NULL && now_ms >= e->until_ms) {
		drop(c, e);
		e = NULL;
	}
	if (e == NULL) {
		c->stats.misses++;
		return NULL;
	}
	if (e != TAILQ_FIRST(&c->used)) {
		TAILQ_REMOVE(&c->used, e, used);
		TAILQ_INSERT_HEAD(&c->used, e, used);
	}
	c->stats.hits++;
	*age_s = (uint32_t)((now_ms - e->since_ms) / 1000);
	return &e->a;
}

/* One piece: the entry, its addresses, the places of its TTLs, its records. */
static struct entry *
entry_new(const struct dns_answer *a)
{
	size_t addrs = a->naddrs * sizeof(*a->addrs);
	size_t ttls = a->nttls * sizeof(*a->ttl_at);
	size_t bytes = sizeof(struct entry) + addrs + ttls + a->len;
	struct entry *e = malloc(bytes);
	uint8_t *p;

	if (e == NULL)
		return NULL;
	p = (uint8_t *)(e + 1);
	e->bytes = bytes;
	e->a = *a;
	e->a.addrs = memcpy(p, a->addrs, addrs);
	e->a.ttl_at = memcpy(p + addrs, a->ttl_at, ttls);
	e->a.bytes = memcpy(p + addrs + ttls, a->bytes, a->len);
	return e;
}

static void
make_room(struct dns_cache *c)
{
	struct entry *e, *before;

	TAILQ_FOREACH_REVERSE_SAFE(e, &c->used, entry_queue, used, before)
	{
		if (c->stats.bytes <= c->max_bytes)
			break;
		drop(c, e);
		c->stats.evicted++;
	}
}

void
dns_cache_put(struct dns_cache *c, const struct dns_name *name, uint16_t type,
    const struct dns_answer *a, uint64_t now_ms)
{
	uint64_t hash = hash_of(c, name, type);
	struct entry *e = find(c, name, type, hash);

	if (e != NULL)
		drop(c, e);
	if (a->ttl_s == 0 || (e = entry_new(a)) == NULL)
		return;
	e->hash = hash;
	e->name = *name;
	e->type = type;
	e->since_ms = now_ms;
	e->until_ms = now_ms + (uint64_t)a->ttl_s * 1000;
	LIST_INSERT_HEAD(&c->bucket[hash % BUCKETS], e, bucket);
	TAILQ_INSERT_HEAD(&c->used, e, used);
	c->stats.bytes += e->bytes;
	c->stats.entries++;
	make_room(c);
}

void
dns_cache_stats(const struct dns_cache *c, struct dns_cache_stats *s)
{
	*s = c->stats;
}
