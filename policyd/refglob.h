/*
 * Globs by trying, for the reference evaluator: see reference.h.
 */

#ifndef POLICYD_REFGLOB_H
#define POLICYD_REFGLOB_H

#include "policyd/policy.h"

enum refglob_kind {
	RG_PATH,
	RG_PLAIN,
	RG_PLAIN_NOCASE,
	RG_DOMAIN
};

/*
 * Does the whole text match the pattern?  1 or 0; an impossible pattern matches
 * nothing.
 */
int refglob(enum refglob_kind kind, const struct pieces *pc, const char *text);

#endif
