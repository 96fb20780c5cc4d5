/*
 * A complete automaton as a plain table, and its minimisation.  Between
 * dfabuild.c, which makes the table from an nfa, and the packed form of
 * common/dfa.h.  policyd only; pure.
 */

#ifndef POLICYD_DFAMIN_H
#define POLICYD_DFAMIN_H

#include <stdint.h>

struct dfatab {
	uint32_t *next; /* [nstates][nclasses] */
	uint32_t *accept; /* [nstates] */
	uint32_t nstates;
	uint32_t start;
	unsigned int nclasses;
	uint8_t class[256];
};

/*
 * Merge the states that no text tells apart, renumber: states that lead only to
 * themselves first (*nsettled of them), then by breadth from start; and merge
 * the classes that no state tells apart.  0, or -1 with ENOMEM and t of no
 * further use but to be freed by its owner.
 */
int dfamin_run(struct dfatab *t, uint32_t *nsettled);

#endif
