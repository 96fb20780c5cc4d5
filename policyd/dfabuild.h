/*
 * From an nfa of tagged patterns to one minimal dfa: subset construction over
 * byte classes, then minimisation.  Every accepting state names the set of tags
 * that match there, so one run of the automaton answers for all patterns.
 *
 * The sets are also the algebra that lint needs: the texts fall into classes by
 * which patterns they match, and a class exists if and only if its set does.
 * A is covered by B and C when no set holds A without B or C.
 *
 * policyd only; pure; bounded by max_states, whatever the patterns.
 */

#ifndef POLICYD_DFABUILD_H
#define POLICYD_DFABUILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/dfa.h"
#include "policyd/nfa.h"

#define DFABUILD_STATES_MAX 20000u

struct dfabuild_set {
	const uint32_t *tags; /* ascending, each once */
	unsigned int n;
};

/* How a state is first reached from the start, by breadth. */
struct dfabuild_step {
	uint32_t from; /* UINT32_MAX: it is the start */
	uint8_t byte;
};

struct dfabuild {
	struct dfa_hdr *dfa; /* size_bytes in the header; passes dfa_check */
	struct dfabuild_set *sets; /* by accept id; sets[0] is empty */
	unsigned int nsets; /* 1 + dfa->naccept */
	uint32_t *tags; /* what the sets point into */
	struct dfabuild_step *steps; /* by state */
	uint32_t *nearest; /* by accept id: a state; UINT32_MAX: none */
};

/*
 * Build b from nfa (which stays the caller's and may hold no pattern at
 * all).  0, or -1 with errno E2BIG (more than max_states before or after
 * minimisation: the caller splits its patterns into groups) or ENOMEM, b
 * then being empty.  The caller clears b.  sets[i].n > 0 for i > 0, every id
 * from 1 on is reached by some text.
 */
int dfabuild_run(struct dfabuild *b, const struct nfa *nfa,
    unsigned int max_states);
void dfabuild_clear(struct dfabuild *b);

/* Does set i hold tag? */
int dfabuild_has(const struct dfabuild *b, uint32_t i, uint32_t tag);

/*
 * One of the shortest texts whose accept id is i (0: that nothing matches), in
 * buf, NUL-terminated, printable characters preferred.  Its length, or -1:
 * there is none or it does not fit.
 */
ssize_t dfabuild_witness(const struct dfabuild *b, uint32_t i, char *buf,
    size_t size);

#endif
