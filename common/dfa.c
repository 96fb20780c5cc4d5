/*
 * Check and run the automata of a policy image; the layout is in dfa.h.  Runs
 * in every process that maps an image.
 *
 * Trusts nothing but its arguments' types: dfa_check() is total, the others
 * may only be given what it accepted.  Must never allocate, make a system call
 * or loop longer than its text.
 */

#include "common/dfa.h"

#include <string.h>

#define NSTATES_MAX (1u << 24)

static const uint8_t *
class_map(const struct dfa_hdr *d)
{
	return (const uint8_t *)(d + 1);
}

static const uint32_t *
accept_tab(const struct dfa_hdr *d)
{
	return (const uint32_t *)(const void *)(class_map(d) + 256);
}

static const void *
next_tab(const struct dfa_hdr *d)
{
	return accept_tab(d) + d->nstates;
}

static uint64_t
used_bytes(const struct dfa_hdr *d)
{
	return sizeof(*d) + 256 + (uint64_t)d->nstates * sizeof(uint32_t) +
	    (uint64_t)d->nstates * d->nclasses * d->width;
}

/* Fields that bound the tables; after this the tables may be read. */
static int
header_ok(const struct dfa_hdr *d, size_t avail)
{
	static const uint8_t zero[sizeof(d->pad)];

	if (d->magic != DFA_MAGIC || memcmp(d->pad, zero, sizeof(zero)) != 0)
		return 0;
	if (d->width != 2 && d->width != 4)
		return 0;
	if (d->nclasses < 1 || d->nclasses > 256)
		return 0;
	if (d->nstates < 1 || d->nstates > NSTATES_MAX ||
	    (d->width == 2 && d->nstates > 65536))
		return 0;
	if (d->start >= d->nstates || d->nsettled > d->nstates)
		return 0;
	return d->size_bytes <= avail &&
	    d->size_bytes == ((used_bytes(d) + 7) & ~(uint64_t)7);
}

static int
maps_ok(const struct dfa_hdr *d)
{
	const uint8_t *class = class_map(d);
	const uint32_t *accept = accept_tab(d);
	uint32_t i, top = 0;

	for (i = 0; i < 256; i++) {
		if (class[i] > top)
			top = class[i];
	}
	if (top >= d->nclasses)
		return 0;
	for (i = 0, top = 0; i < d->nstates; i++) {
		if (accept[i] > top)
			top = accept[i];
	}
	return top <= d->naccept;
}

static int
next16_ok(const struct dfa_hdr *d)
{
	const uint16_t *next = next_tab(d);
	size_t i, n = (size_t)d->nstates * d->nclasses;
	uint32_t c, s;
	uint16_t top = 0;

	for (i = 0; i < n; i++)
		top = next[i] > top ? next[i] : top;
	if (top >= d->nstates)
		return 0;
	for (c = 0; c < d->nclasses; c++) {
		for (s = 0; s < d->nsettled; s++) {
			if (next[(size_t)c * d->nstates + s] != s)
				return 0;
		}
	}
	return 1;
}

static int
next32_ok(const struct dfa_hdr *d)
{
	const uint32_t *next = next_tab(d);
	size_t i, n = (size_t)d->nstates * d->nclasses;
	uint32_t c, s, top = 0;

	for (i = 0; i < n; i++)
		top = next[i] > top ? next[i] : top;
	if (top >= d->nstates)
		return 0;
	for (c = 0; c < d->nclasses; c++) {
		for (s = 0; s < d->nsettled; s++) {
			if (next[(size_t)c * d->nstates + s] != s)
				return 0;
		}
	}
	return 1;
}

int
dfa_check(const void *bytes, size_t avail, size_t *used)
{
	const struct dfa_hdr *d = bytes;

	if (((uintptr_t)bytes & 7) != 0 || avail < sizeof(*d) ||
	    !header_ok(d, avail) || !maps_ok(d))
		return 0;
	if (!(d->width == 2 ? next16_ok(d) : next32_ok(d)))
		return 0;
	*used = d->size_bytes;
	return 1;
}

static uint32_t
step16(const struct dfa_hdr *d, uint32_t st, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len, *class = class_map(d);
	const uint16_t *next = next_tab(d);
	size_t n = d->nstates;
	uint32_t settled = d->nsettled;

	while (p < end && st >= settled)
		st = next[class[*p++] * n + st];
	return st;
}

static uint32_t
step32(const struct dfa_hdr *d, uint32_t st, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len, *class = class_map(d);
	const uint32_t *next = next_tab(d);
	size_t n = d->nstates;
	uint32_t settled = d->nsettled;

	while (p < end && st >= settled)
		st = next[class[*p++] * n + st];
	return st;
}

uint32_t
dfa_step(const struct dfa_hdr *d, uint32_t st, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	if (len == 0)
		return st; /* s may be NULL */
	return d->width == 2 ? step16(d, st, p, len) : step32(d, st, p, len);
}

uint32_t
dfa_accept(const struct dfa_hdr *d, uint32_t st)
{
	return accept_tab(d)[st];
}

uint32_t
dfa_run(const struct dfa_hdr *d, const char *s, size_t len)
{
	return dfa_accept(d, dfa_step(d, d->start, s, len));
}
