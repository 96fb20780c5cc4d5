/*
 * `policy explain OPERATION SUBJECT`: which rule answers, where it stands,
 * which layer enforces it, and why each rule before it did not.  The answer is
 * the image's; the reasons are read from the policy as it was written.
 */

#ifndef POLICYD_EXPLAIN_H
#define POLICYD_EXPLAIN_H

#include <stdio.h>

#include "policyd/registries.h"

struct config;
struct image;
struct policy;
struct vars;

struct explain_opts {
	const struct policy *policy;
	const struct config *config; /* may be NULL */
	const struct vars *vars;
	const struct image *image; /* compiled from these */
	struct registries_opts registries; /* those the policy was expanded by */
	int json;
	FILE *out;
};

/*
 * args: OPERATION SUBJECT..., or DOMAIN OPERATION SUBJECT...; the subject's
 * words are joined by one blank.  0, or 2 with a line on standard error.
 */
int explain_run(const struct explain_opts *o, char **args, int nargs);

#endif
