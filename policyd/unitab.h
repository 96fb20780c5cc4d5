/*
 * What the pattern dialects need to know of Unicode: general categories and
 * simple case folding, as generated tables.  policyd only; pure.
 */

#ifndef POLICYD_UNITAB_H
#define POLICYD_UNITAB_H

#include <stddef.h>
#include <stdint.h>

#include "policyd/nfa.h"

/*
 * Add the code points of a general category (one letter or two: "L", "Lu";
 * "Any" is all) to r.  1, or 0: there is none of that name.
 */
int unitab_category(const char *name, size_t len, struct nfa_ranges *r);

/* Add to r whatever differs from one of its members by case only; sorts r. */
void unitab_fold(struct nfa_ranges *r);

#endif
