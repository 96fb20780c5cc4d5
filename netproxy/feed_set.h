/*
 * An exact set of names, for millions of them: the names one after another
 * in one blob, and a table of 32-bit offsets, open-addressed.  Pure but for
 * malloc and, for the key, getrandom.  Used by netproxy and by tests.
 *
 * Who chose the names may also choose them to collide, so the hash is keyed.
 */

#ifndef NETPROXY_FEED_SET_H
#define NETPROXY_FEED_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/siphash.h"

/*
 * 26 bits of a slot are an offset, 6 are of the hash; a name takes its length
 * and one byte.
 */
#define FEED_SET_BYTES_MAX (64u << 20)
#define FEED_SET_NAMES_MAX (8u << 20)

struct feed_set {
	struct siphash_key key;
	uint8_t *blob; /* owned: length byte, name, ... */
	size_t blob_bytes, blob_cap;
	uint32_t *slot; /* owned: 0 is free */
	uint32_t nslots, nnames;
	/* while it is built: names are added, then indexed, some at a time */
	uint32_t added;
	size_t from, to; /* of the blob: read so far, kept so far */
	bool done;
};

void feed_set_init(struct feed_set *s, const struct siphash_key *key);
void feed_set_clear(struct feed_set *s);

/*
 * Add a name as feed_name_clean makes it.  0, or -1 with errno ENOMEM or E2BIG,
 * and s is as it was.
 */
int feed_set_add(struct feed_set *s, const char *name, size_t len)
    __attribute__((warn_unused_result));

/*
 * Index at most max of the names added; doubles are dropped.  1 when all are
 * and s can be asked, 0 when there are more, -1 with errno.
 */
int feed_set_index(struct feed_set *s, uint32_t max)
    __attribute__((warn_unused_result));

/* Is the name itself in the set?  hash is siphash of it, by the set's key. */
bool feed_set_has(const struct feed_set *s, uint64_t hash, const char *name,
    size_t len);

/*
 * The i-th name and its length; *pos is 0 at first.  NULL past the last.
 * In the order in which they were added.
 */
const char *feed_set_next(const struct feed_set *s, size_t *pos, size_t *len);

/* All memory of s. */
size_t feed_set_memory(const struct feed_set *s);

#endif
