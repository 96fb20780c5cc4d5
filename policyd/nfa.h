/*
 * A set of tagged patterns as one non-deterministic automaton over bytes: what
 * glob.c and regex.c write and dfabuild.c reads.  policyd only; pure.
 *
 * The patterns come from a stranger's YAML: every pattern is bounded in nodes,
 * and the whole is too.  Nothing here recurses on input.
 *
 * The middle part is for those three files: fragments are put together without
 * checking for memory or bounds at each step; the first failure sticks, makes
 * every later step a no-op, and comes out of nfa_end().
 */

#ifndef POLICYD_NFA_H
#define POLICYD_NFA_H

#include <stddef.h>
#include <stdint.h>

struct nfa;
struct piece;

/* Why a pattern was refused.  off: bytes into the pattern as written. */
struct pat_err {
	char text[160];
	size_t off;
};

/* A new, empty set of patterns, or NULL (ENOMEM); the caller frees it. */
struct nfa *nfa_new(void);
void nfa_free(struct nfa *n);

/* How many patterns were added. */
unsigned int nfa_count(const struct nfa *n);

/* ---- for glob.c, regex.c and dfabuild.c ---- */

#define NFA_PATTERN_NODES_MAX 50000u
#define NFA_NODES_MAX	      1000000u
#define NFA_NONE	      UINT32_MAX

enum nfa_type {
	NFA_EMPTY, /* goes on to out */
	NFA_SPLIT, /* goes on to out and to arg */
	NFA_SET, /* takes a byte of set arg */
	NFA_STRAY, /* the same for a byte that begins no UTF-8 character */
	NFA_ASSERT, /* goes on to out where arg (NFA_AT_*) holds */
	NFA_MATCH /* the text may end here; arg is the tag */
};

enum nfa_at {
	NFA_AT_BEGIN, /* of the text */
	NFA_AT_END,
	NFA_AT_LINE_BEGIN,
	NFA_AT_LINE_END,
	NFA_AT_WORD,
	NFA_AT_NO_WORD
};

struct nfa_node {
	uint32_t type;
	uint32_t out;
	uint32_t arg;
};

struct nfa_set {
	uint64_t w[4];
};

struct nfa {
	struct nfa_node *nodes;
	uint32_t nnodes, nodes_cap;
	struct nfa_set *sets;
	uint32_t nsets, sets_cap;
	uint32_t *starts; /* of each pattern */
	uint32_t nstarts, starts_cap;
	uint32_t mark_nodes; /* nnodes when the pattern began */
	int failed; /* errno of the first failure in a pattern */
};

/*
 * A part of a pattern: entered at in, left by the out of end, which is not yet
 * connected.  Its nodes are first and everything after it, so only the latest
 * fragment may be repeated.
 */
struct nfa_frag {
	uint32_t first, in, end;
};

/* Code points, ascending and disjoint once nfa_ranges_sort has run. */
struct nfa_range {
	uint32_t lo, hi;
};

struct nfa_ranges {
	struct nfa_range *v;
	uint32_t n, cap;
	int failed;
};

static inline int
nfa_set_has(const struct nfa_set *s, unsigned int byte)
{
	return (int)(s->w[byte >> 6] >> (byte & 63)) & 1;
}

static inline void
nfa_set_add(struct nfa_set *s, unsigned int byte)
{
	s->w[byte >> 6] |= (uint64_t)1 << (byte & 63);
}

/* Begin a pattern; take it back; end it: 0, or -1 with errno, taken back. */
void nfa_begin(struct nfa *n);
void nfa_abort(struct nfa *n);
int nfa_end(struct nfa *n, struct nfa_frag f, uint32_t tag);

struct nfa_frag nfa_empty(struct nfa *n);
struct nfa_frag nfa_byte(struct nfa *n, uint8_t byte);
struct nfa_frag nfa_bytes(struct nfa *n, const struct nfa_set *s);
struct nfa_frag nfa_assert(struct nfa *n, enum nfa_at at);
/* One character of r (sorted); stray: also a byte that is part of none. */
struct nfa_frag nfa_class(struct nfa *n, const struct nfa_ranges *r, int stray);
struct nfa_frag nfa_cat(struct nfa *n, struct nfa_frag a, struct nfa_frag b);
struct nfa_frag nfa_alt(struct nfa *n, struct nfa_frag a, struct nfa_frag b);
struct nfa_frag nfa_star(struct nfa *n, struct nfa_frag a);
struct nfa_frag nfa_plus(struct nfa *n, struct nfa_frag a);
struct nfa_frag nfa_opt(struct nfa *n, struct nfa_frag a);
/* a must be the latest fragment; max < 0: without end. */
struct nfa_frag nfa_repeat(struct nfa *n, struct nfa_frag a, int min, int max);

void nfa_ranges_add(struct nfa_ranges *r, uint32_t lo, uint32_t hi);
void nfa_ranges_sort(struct nfa_ranges *r);
void nfa_ranges_negate(struct nfa_ranges *r); /* r sorted, and stays so */
void nfa_ranges_clear(struct nfa_ranges *r);

/*
 * A pattern's pieces as one row of symbols: a byte of pattern text, or
 * PAT_LITERAL + a byte that stands for itself.
 */
#define PAT_LITERAL 0x100
#define PAT_END	    (-1)

struct pat {
	uint16_t *sym;
	uint32_t *off; /* of each symbol, in the pattern as written */
	size_t n;
};

/* 0, or -1 with e (too long, no memory).  The caller clears p. */
int pat_init(struct pat *p, const struct piece *v, unsigned int n,
    struct pat_err *e);
void pat_clear(struct pat *p);
/* Symbol i, or PAT_END past the last. */
int pat_at(const struct pat *p, size_t i);
/* Fill e with the place of symbol i; returns -1. */
int pat_fail(const struct pat *p, size_t i, struct pat_err *e, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
/*
 * The UTF-8 character at symbol i: its length in symbols, *cp set; 0 when there
 * is none, or when it would be half literal and half not.
 */
size_t pat_utf8(const struct pat *p, size_t i, uint32_t *cp);

#endif
