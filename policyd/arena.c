/*
 * A bump allocator in chunks, with a ceiling.  Runs in policyd on sizes that a
 * stranger's file chooses: every sum is checked, nothing here is fatal.
 */

#include "policyd/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 65536

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct chunk *head;
	size_t left;
};

struct arena *
arena_new(size_t max_bytes)
{
	struct arena *a;

	if ((a = calloc(1, sizeof(*a))) != NULL)
		a->left = max_bytes;
	return a;
}

void
arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (a == NULL)
		return;
	for (c = a->head; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static struct chunk *
chunk_add(struct arena *a, size_t need)
{
	struct chunk *c;
	size_t size = need > CHUNK_BYTES ? need : CHUNK_BYTES;

	if ((c = calloc(1, sizeof(*c) + size)) == NULL)
		return NULL;
	c->size = size;
	c->next = a->head;
	a->head = c;
	return c;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	const size_t mask = alignof(max_align_t) - 1;
	struct chunk *c = a->head;
	void *p;

	if (size == 0)
		size = 1;
	if (size > a->left || size > SIZE_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	size = (size + mask) & ~mask;
	a->left -= size < a->left ? size : a->left;
	if (c == NULL || c->size - c->used < size) {
		if ((c = chunk_add(a, size)) == NULL)
			return NULL;
	}
	p = c->data + c->used;
	c->used += size;
	return p;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return arena_alloc(a, n * size);
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p;

	if ((p = arena_alloc(a, len + 1)) == NULL)
		return NULL;
	if (len != 0)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}
