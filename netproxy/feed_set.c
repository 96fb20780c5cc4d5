/*
 * Sets of names, see feed_set.h.  Runs in netproxy; the names are a stranger's,
 * cleaned by feed_parse.c.  Must never take time that grows with more than
 * their number.
 */

#include "netproxy/feed_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 253u
#define OFF_BITS     26u
#define OFF_MASK     ((1u << OFF_BITS) - 1)

void
feed_set_init(struct feed_set *s, const struct siphash_key *key)
{
	memset(s, 0, sizeof(*s));
	s->key = *key;
}

void
feed_set_clear(struct feed_set *s)
{
	struct siphash_key key = s->key;

	free(s->blob);
	free(s->slot);
	feed_set_init(s, &key);
}

static int
grow(struct feed_set *s, size_t need)
{
	size_t cap = s->blob_cap + s->blob_cap / 2 + 4096;
	uint8_t *p;

	if (cap < need)
		cap = need;
	if (cap > FEED_SET_BYTES_MAX)
		cap = FEED_SET_BYTES_MAX;
	if ((p = realloc(s->blob, cap)) == NULL)
		return -1;
	s->blob = p;
	s->blob_cap = cap;
	return 0;
}

int
feed_set_add(struct feed_set *s, const char *name, size_t len)
{
	size_t need = s->blob_bytes + 1 + len;

	if (len == 0 || len > NAME_MAX_LEN || s->slot != NULL || s->done) {
		errno = EINVAL;
		return -1;
	}
	if (need > FEED_SET_BYTES_MAX || s->added == FEED_SET_NAMES_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (need > s->blob_cap && grow(s, need) == -1)
		return -1;
	s->blob[s->blob_bytes] = (uint8_t)len;
	memcpy(s->blob + s->blob_bytes + 1, name, len);
	s->blob_bytes = need;
	s->added++;
	return 0;
}

/* The first slot to look at: high bits, scaled; the tag is of the low ones. */
static inline uint32_t
home(const struct feed_set *s, uint64_t hash)
{
	return (uint32_t)(((hash >> 32) * s->nslots) >> 32);
}

static inline uint32_t
tag_of(uint64_t hash)
{
	return (uint32_t)hash << OFF_BITS;
}

/* The slot that holds the name, or the free one where it would be. */
static uint32_t
find(const struct feed_set *s, uint64_t hash, const char *name, size_t len)
{
	uint32_t i = home(s, hash), v, tag = tag_of(hash);
	const uint8_t *e;

	for (; (v = s->slot[i]) != 0; i = i + 1 == s->nslots ? 0 : i + 1) {
		if ((v & ~OFF_MASK) != tag)
			continue;
		e = s->blob + (v & OFF_MASK) - 1;
		if (*e == len && memcmp(e + 1, name, len) == 0)
			break;
	}
	return i;
}

/*
 * Slots for half as many names again: one probe in three of a miss ends at
 * once, and the longest runs stay short.
 */
static int
start(struct feed_set *s)
{
	s->nslots = s->added + s->added / 2 + 8;
	s->slot = calloc(s->nslots, sizeof(*s->slot));
	return s->slot == NULL ? -1 : 0;
}

/* Give back what was too much.  Both may have been asked for in vain. */
static void
finish(struct feed_set *s)
{
	uint8_t *p;

	s->blob_bytes = s->to;
	if (s->to > 0 && (p = realloc(s->blob, s->to)) != NULL) {
		s->blob = p;
		s->blob_cap = s->to;
	}
	s->done = true;
}

int
feed_set_index(struct feed_set *s, uint32_t max)
{
	const char *name;
	uint64_t hash;
	uint32_t i;
	size_t len;

	if (s->done)
		return 1;
	if (s->slot == NULL && start(s) == -1)
		return -1;
	for (; max > 0 && s->from < s->blob_bytes; max--) {
		len = s->blob[s->from];
		name = (const char *)s->blob + s->from + 1;
		s->from += 1 + len;
		hash = siphash(&s->key, name, len);
		i = find(s, hash, name, len);
		if (s->slot[i] != 0)
			continue;
		memmove(s->blob + s->to, name - 1, 1 + len);
		/* Offsets count from 1; the last name is longer than that. */
		s->slot[i] = tag_of(hash) | ((uint32_t)s->to + 1);
		s->to += 1 + len;
		s->nnames++;
	}
	if (s->from < s->blob_bytes)
		return 0;
	finish(s);
	return 1;
}

bool
feed_set_has(const struct feed_set *s, uint64_t hash, const char *name,
    size_t len)
{
	return s->nnames > 0 && s->slot[find(s, hash, name, len)] != 0;
}

const char *
feed_set_next(const struct feed_set *s, size_t *pos, size_t *len)
{
	const uint8_t *e;

	if (*pos >= s->blob_bytes)
		return NULL;
	e = s->blob + *pos;
	*len = *e;
	*pos += 1 + *len;
	return (const char *)e + 1;
}

size_t
feed_set_memory(const struct feed_set *s)
{
	return s->blob_cap + (size_t)s->nslots * sizeof(*s->slot);
}
