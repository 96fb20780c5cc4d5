/*
 * Between the lint*.c files: what may decide (a rule, or one of its entries),
 * who took it, and what is to be said in the end.
 */

#ifndef POLICYD_LINT_INT_H
#define POLICYD_LINT_INT_H

#include "common/image.h"
#include "policyd/compile_int.h"
#include "policyd/dfabuild.h"
#include "policyd/lint.h"

/* Larger than what the image may hold: lint has time. */
#define LINT_STATES_MAX 100000u
#define LINT_TEXT_MAX	8192 /* of a witness */

enum lint_kind {
	LK_UNREACHABLE,
	LK_PARTLY,
	LK_CANNOT,
	LK_WEAKENED,
	LK_APPROVALS_OFF,
	LK_OPENED,
	LK_NOT_ENFORCED,
	LK_GLOB,
	LK_EITHER,
	LK_DOUBTFUL,
	LK_LANDLOCK,
	LK_NOT_ANALYSED,
	LK_MAX
};

/* Some other rule's number and which of our questions it answers. */
struct lint_taken {
	uint32_t by;
	uint64_t what; /* bits with the section's meaning */
};

/* A rule as a whole (what NULL), or one entry of it. */
struct lint_case {
	const struct prule *r;
	uint32_t rule; /* its number in the image */
	const char *what; /* "pattern", "domain" ...; NULL: the rule */
	const char *text; /* the entry as written */
	char num[8]; /* instead, where it is a number */
	uint32_t line;
	const char *why; /* a reason why it cannot match, or NULL */
	uint32_t parent; /* the rule's case; of a rule, itself */
	uint64_t asked; /* all questions that met it */
	uint8_t possible; /* some question meets it */
	uint8_t decides; /* and is answered by its rule */
	struct lint_taken *taken;
	unsigned int ntaken, cap;
};

struct lint_cases {
	struct lint_case *v;
	uint32_t n, cap;
	const char *(*bit_name)(unsigned int bit); /* NULL: bits have none */
};

struct lint_item {
	uint32_t line, seq;
	char *text;
};

struct lint {
	const struct policy *pol;
	const struct config *conf; /* may be NULL */
	const struct vars *vars;
	struct comp comp; /* for the compiler's helpers only */
	struct image im;
	uint32_t first_net, first_cmd, first_unix; /* file rules: 0 */
	struct lint_item *items;
	uint32_t nitems, cap_items;
	int failed; /* out of memory */
};

/* A finding about the rule called name at line of the policy. */
void lint_say(struct lint *l, const char *name, uint32_t line,
    enum lint_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* A new case, or NULL (l->failed); its index is cs->n - 1. */
struct lint_case *lint_case_add(struct lint *l, struct lint_cases *cs,
    const struct prule *r, uint32_t rule, const char *what,
    const struct pstr *entry);
/* A question of kind `what` meets the case and rule `winner` answers it. */
void lint_see(struct lint *l, struct lint_case *c, uint32_t winner,
    uint64_t what);
/* Say what never decides or never matches. */
void lint_report(struct lint *l, struct lint_cases *cs);
void lint_cases_clear(struct lint_cases *cs);

/* Name and line of any rule number, for texts. */
void lint_rule_text(const struct lint *l, uint32_t rule, char *buf,
    size_t size);

/* Does the decision let the call through? */
int lint_opens(enum decision d);

/* Add the pattern p, variables expanded, with tag to nfa; 0 or -1. */
int lint_glob(struct lint *l, struct nfa *nfa, uint32_t tag,
    enum glob_kind kind, unsigned int flags, const struct pstr *p);
/* Add an args pattern as the compiler reads it. */
int lint_args(struct lint *l, struct nfa *nfa, uint32_t tag,
    const struct pstr *p);

void lint_files(struct lint *l); /* lint_paths.c */
void lint_unix(struct lint *l); /* lint_paths.c */
void lint_cmds(struct lint *l); /* lint_cmds.c */
void lint_net(struct lint *l); /* lint_net.c */
void lint_signals(struct lint *l); /* lint_rest.c */
void lint_env(struct lint *l); /* lint_rest.c */
void lint_redirects(struct lint *l); /* lint_rest.c */
void lint_landlock(struct lint *l); /* lint_rest.c */

#endif
