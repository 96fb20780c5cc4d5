/*
 * A feed on disk: two slots, of which the newest sound one counts.  A slot is
 * a header and the names, each with LF; a checksum over each tells a torn
 * write.  The monitor opened the files; here are only descriptors.  netproxy
 * and tests.
 */

#ifndef NETPROXY_FEED_CACHE_H
#define NETPROXY_FEED_CACHE_H

#include <stdint.h>

#include "common/sha256.h"
#include "netproxy/feed_http.h"
#include "netproxy/feed_set.h"

/* What is known of a set besides its names. */
struct feed_meta {
	uint64_t seq; /* of writes; the larger is the newer */
	uint64_t fetched_ns; /* CLOCK_REALTIME */
	uint64_t names;
	uint8_t source[SHA256_LEN]; /* of where it came from and its format */
	char etag[FEED_ETAG_MAX];
	char date[FEED_DATE_MAX];
};

/*
 * Only what the slot's header says, as far as that is sound: its names may not
 * be.  0, or -1 with errno: ENODATA empty, EBADMSG not sound, ESTALE of another
 * source.
 */
int feed_cache_peek(int fd, const uint8_t source[SHA256_LEN],
    struct feed_meta *meta) __attribute__((warn_unused_result));

/*
 * Read the slot behind fd, which stays the caller's, into set, which is
 * initialised and empty and is indexed afterwards, and into meta.  0, or -1
 * with errno as feed_cache_peek.
 * Reads as many bytes as the slot has: for the start, not for the loop.
 */
int feed_cache_read(int fd, const uint8_t source[SHA256_LEN],
    struct feed_meta *meta, struct feed_set *set)
    __attribute__((warn_unused_result));

/* Writing, some at a time.  set must live and stay until it is done. */
struct feed_cache_write {
	int fd; /* borrowed */
	const struct feed_set *set;
	struct feed_meta meta;
	struct sha256 sum;
	uint64_t body_bytes;
	size_t pos; /* in the set */
};

/*
 * Empty the slot and begin.  Then step until it answers 1 (the slot counts) or
 * -1 with errno (it does not); each step writes at most 256 KiB.
 */
int feed_cache_begin(struct feed_cache_write *w, int fd,
    const struct feed_meta *meta, const struct feed_set *set)
    __attribute__((warn_unused_result));
int feed_cache_step(struct feed_cache_write *w)
    __attribute__((warn_unused_result));

#endif
