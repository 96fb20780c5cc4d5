/*
 * Counting the names that a session asks for, see dns_limit.h: two tables of
 * hashes, one of names and one of parents, that grow together and are emptied
 * every hour.
 */

#include "netproxy/dns_limit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 64u /* slots; a power of two, at most half of them used */

/* The last n labels of name, or NULL where it has no more than n. */
static const char *
tail(const char *name, size_t len, unsigned int n)
{
	const char *p = name + len;

	while (p > name) {
		if (p[-1] == '.' && --n == 0)
			return p;
		p--;
	}
	return NULL;
}

static const char *
over_long(const char *name, size_t len)
{
	size_t i, n = 0;

	if (len > DNS_LIMIT_NAME)
		return "the name is too long";
	for (i = 0; i < len; i++) {
		n = name[i] == '.' ? 0 : n + 1;
		if (n > DNS_LIMIT_LABEL)
			return "a label of the name is too long";
	}
	return NULL;
}

/* co.uk, com.au, and any domain as short, which somebody may own. */
static bool
may_be_suffix(const char *two, size_t len)
{
	const char *dot = memchr(two, '.', len);

	return dot - two <= 3 && two + len - dot == 3;
}

static uint64_t
hash(const struct dns_limit *l, const char *p, size_t len)
{
	uint64_t h = siphash(&l->key, p, len);

	return h != 0 ? h : 1;
}

static uint64_t *
name_slot(const struct dns_limit *l, uint64_t h)
{
	size_t i = h & (l->size - 1);

	while (l->name[i] != 0 && l->name[i] != h)
		i = (i + 1) & (l->size - 1);
	return &l->name[i];
}

static struct dns_limit_slot *
parent_slot(const struct dns_limit *l, uint64_t h)
{
	size_t i = h & (l->size - 1);

	while (l->parent[i].hash != 0 && l->parent[i].hash != h)
		i = (i + 1) & (l->size - 1);
	return &l->parent[i];
}

/* Both tables at twice the size, or at the first. */
static bool
grow(struct dns_limit *l)
{
	const struct dns_limit old = *l;
	uint32_t i, size = l->size > 0 ? l->size * 2 : SIZE_MIN;
	struct dns_limit_slot *parent = calloc(size, sizeof(*parent));
	uint64_t *name = calloc(size, sizeof(*name));

	if (name == NULL || parent == NULL) {
		free(name);
		free(parent);
		return false;
	}
	l->size = size;
	l->name = name;
	l->parent = parent;
	for (i = 0; i < old.size; i++) {
		if (old.name[i] != 0)
			*name_slot(l, old.name[i]) = old.name[i];
		if (old.parent[i].hash != 0)
			*parent_slot(l, old.parent[i].hash) = old.parent[i];
	}
	free(old.name);
	free(old.parent);
	return true;
}

/* A name and the two parents that it may bring must find room. */
static bool
has_room(struct dns_limit *l)
{
	return (l->names < l->size / 2 && l->parents + 1 < l->size / 2) ||
	    grow(l);
}

void
dns_limit_clear(struct dns_limit *l)
{
	free(l->name);
	free(l->parent);
	memset(l, 0, sizeof(*l));
}

static bool
begin(struct dns_limit *l, uint64_t now_ms)
{
	dns_limit_clear(l);
	l->since_ms = now_ms;
	return siphash_key_make(&l->key) == 0 && grow(l);
}

static struct dns_limit_slot *
parent_get(struct dns_limit *l, const char *p, size_t len)
{
	struct dns_limit_slot *s;
	uint64_t h = hash(l, p, len);

	s = parent_slot(l, h);
	if (s->hash == 0) {
		s->hash = h;
		s->count = 0;
		l->parents++;
	}
	return s;
}

/*
 * One name more below its parents.  A parent is made only with a name that is
 * counted, so that refused names take no room.
 */
static const char *
count(struct dns_limit *l, const char *name, size_t len)
{
	static const char why[] = "too many different names below one parent";
	const char *end = name + len, *two = tail(name, len, 2), *three;
	struct dns_limit_slot *outer, *inner;
	bool suffix;

	if (two == NULL)
		return NULL; /* itself what is registered */
	suffix = may_be_suffix(two, (size_t)(end - two));
	three = suffix ? tail(name, len, 3) : NULL;
	outer = parent_get(l, two, (size_t)(end - two));
	if (outer->count >= (suffix ? DNS_LIMIT_SUFFIX : DNS_LIMIT_PARENT))
		return why;
	if (three != NULL) {
		inner = parent_get(l, three, (size_t)(end - three));
		if (inner->count >= DNS_LIMIT_PARENT)
			return why;
		inner->count++;
	}
	outer->count++;
	return NULL;
}

const char *
dns_limit_check(struct dns_limit *l, const char *name, size_t len,
    uint64_t now_ms)
{
	const char *why = over_long(name, len);
	uint64_t h;

	if (why != NULL)
		return why;
	if ((l->size == 0 || now_ms - l->since_ms >= DNS_LIMIT_WINDOW_MS) &&
	    !begin(l, now_ms))
		return "no memory to count names";
	h = hash(l, name, len);
	if (*name_slot(l, h) == h)
		return NULL;
	if (l->names >= DNS_LIMIT_SESSION)
		return "too many different names";
	if (!has_room(l))
		return "no memory to count names";
	if ((why = count(l, name, len)) != NULL)
		return why;
	*name_slot(l, h) = h;
	l->names++;
	return NULL;
}
