/*
 * A set of tagged patterns as one non-deterministic automaton over bytes: what
 * glob.c and regex.c write and dfabuild.c reads.  policyd only.
 *
 * The patterns come from a stranger's YAML: every pattern is bounded in nodes,
 * and the whole is too.  Nothing here recurses on input.
 */

#ifndef POLICYD_NFA_H
#define POLICYD_NFA_H

#include <stddef.h>
#include <stdint.h>

struct nfa;

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

#endif
