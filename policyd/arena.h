/*
 * Memory that dies together: what is made of one YAML file belongs to one arena
 * and is freed at once.  An arena has a ceiling, so that a hostile file makes an
 * error and not a dead policyd.  Used by policyd and its tests; no locks.
 */

#ifndef POLICYD_ARENA_H
#define POLICYD_ARENA_H

#include <stddef.h>

struct arena;

/* A new arena that gives out at most max_bytes.  NULL with errno ENOMEM. */
struct arena *arena_new(size_t max_bytes);
void arena_free(struct arena *a);

/*
 * size zeroed bytes, aligned for any object; size 0 gives a valid pointer.
 * NULL with errno ENOMEM past the ceiling or when malloc fails.
 */
void *arena_alloc(struct arena *a, size_t size);

/* The same for n elements of size each; overflow is ENOMEM. */
void *arena_array(struct arena *a, size_t n, size_t size);

/* A terminated copy of len bytes. */
char *arena_strndup(struct arena *a, const char *s, size_t len);

#endif
