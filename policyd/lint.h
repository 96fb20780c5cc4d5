/*
 * `policy lint`: what in a policy is without effect or other than it looks.
 *
 * Exact where it accuses: the patterns of a section divide all possible
 * questions into finitely many classes (by automata, nothing is sampled), and
 * one question of every class is put to the evaluator that the tracer runs.  A
 * rule that answers none of them can answer none at all.  Where a policy is
 * too large for that, lint says so and accuses nobody.
 *
 * policyd only; opens nothing; bounded by the bounds of dfabuild.
 */

#ifndef POLICYD_LINT_H
#define POLICYD_LINT_H

#include <stdio.h>

struct config;
struct diag;
struct policy;
struct vars;

struct lint_ctx {
	const struct config *config; /* NULL: every default */
	/*
	 * The session's variables.  PROJECT_ROOT, GIT_ROOT and HOME have
	 * stand-ins where this lacks them.  May be NULL.
	 */
	const struct vars *vars;
	struct diag *d; /* gets what the compiler says */
};

/*
 * Write "FILE:LINE: RULE: KIND: text" for every finding to out, by line.  The
 * number of findings, or -1: the policy does not compile (see d) or memory is
 * short.  Kinds:
 *   unreachable    the rule, or an entry of env_policy, never decides; the
 *                  text names the rules that take its cases
 *   partly-shadowed  one of its entries never decides
 *   cannot-match   the rule or an entry matches nothing that is ever asked
 *   weakened       an earlier rule lets through part of what this one refuses
 *   approvals-off  an approve rule that denies, as nobody is asked
 *   opened         an approve rule that allows (approvals.when_disabled)
 *   not-enforced   a refusal of metadata that is not judged
 *   glob-as-regex  an args pattern that is no regex is taken as a glob
 *   either         a deny by domains and cidrs is met by either
 *   doubtful       matches, but hardly what was meant
 *   landlock       the config asks for Landlock and it cannot restrict this
 *   not-analysed   too large to say
 */
int lint_policy(const struct policy *pol, const struct lint_ctx *ctx,
    FILE *out);

#endif
