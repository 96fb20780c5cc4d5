/*
 * Deterministic automata that live in the policy image: built by policyd
 * (policyd/dfabuild.h), run in place by every process that holds an image.
 * Position independent, fixed width, no pointer inside; nothing here
 * allocates, makes a system call or keeps state.
 *
 * Trust: the bytes may come from anyone.  dfa_check() decides; whatever it
 * accepts is safe to run on any input, at one table look-up a byte.
 *
 * An automaton matches the whole text.  "Unanchored" is a property of how it
 * was built, not of how it is run.
 */

#ifndef COMMON_DFA_H
#define COMMON_DFA_H

#include <stddef.h>
#include <stdint.h>

#define DFA_MAGIC 0x31414644u /* "DFA1" */

/*
 * Layout, all offsets from the header's first byte, all in host order:
 *   header
 *   uint8_t class[256]                   byte -> class, below nclasses
 *   uint32_t accept[nstates]             0 = none, else 1..naccept
 *   uint16_t or uint32_t next[nclasses][nstates]
 * The table is class-major so that the state alone is on the critical path
 * of a step.  States 0..nsettled-1 lead only to themselves: once in one of
 * them the answer cannot change and the run stops.
 */
struct dfa_hdr {
	uint32_t magic;
	uint32_t size_bytes; /* of the whole, a multiple of 8 */
	uint32_t nstates; /* at least 1 */
	uint32_t nsettled; /* at most nstates */
	uint32_t start;
	uint32_t naccept; /* the largest accept id that occurs or may occur */
	uint16_t nclasses; /* 1..256 */
	uint8_t width; /* bytes of a state id in next: 2 or 4 */
	uint8_t pad[5]; /* zero */
};

/*
 * Is there a sound automaton at bytes (aligned to 8), of at most avail bytes?
 * 1 and *used = its size_bytes, or 0.  The caller compares naccept with the
 * table that its ids index.
 */
int dfa_check(const void *bytes, size_t avail, size_t *used);

/* Accept id of the whole text s of len bytes; 0 = it does not match. */
uint32_t dfa_run(const struct dfa_hdr *d, const char *s, size_t len)
    __attribute__((nonnull(1)));

/*
 * The same in pieces: st = dfa_start(d); st = dfa_step(d, st, piece, len) for
 * each piece; dfa_accept(d, st).  st must come from dfa_start or dfa_step of
 * the same automaton.
 */
static inline uint32_t
dfa_start(const struct dfa_hdr *d)
{
	return d->start;
}

uint32_t dfa_step(const struct dfa_hdr *d, uint32_t st, const char *s,
    size_t len);
uint32_t dfa_accept(const struct dfa_hdr *d, uint32_t st);

/* Bytes of one class are all the same to the automaton. */
static inline uint8_t
dfa_class(const struct dfa_hdr *d, uint8_t byte)
{
	return ((const uint8_t *)(d + 1))[byte];
}

/* Can no further byte change the answer? */
static inline int
dfa_settled(const struct dfa_hdr *d, uint32_t st)
{
	return st < d->nsettled;
}

#endif
