/*
 * Patterns to automata, for the compiler: all patterns of one use in one
 * automaton, and where that grows past its bound, in halves.  Says where in the
 * file a pattern is wrong.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/compile_int.h"

/*
 * An automaton of many patterns may be larger than the sum of its halves; past
 * this many states halves are tried.  One pattern alone may be larger.
 */
#define GROUP_STATES_MAX 4000u

/* So many patterns are tried as one automaton at first. */
#define GROUP_PATTERNS_MAX 1024u

/*
 * States that may be explored for one policy, the vain ones too: a few seconds'
 * work.  The deployments need about 1500.
 */
#define STATES_BUDGET 200000u

struct cpat *
comp_pat_add(struct comp *c, struct cpats *ps)
{
	struct cpat *v;
	size_t cap;

	if (ps->n == ps->cap) {
		cap = ps->cap == 0 ? 64 : ps->cap * 2;
		v = reallocarray(ps->v, cap, sizeof(*v));
		if (v == NULL) {
			c->failed = 1;
			return NULL;
		}
		ps->v = v;
		ps->cap = cap;
	}
	v = &ps->v[ps->n++];
	memset(v, 0, sizeof(*v));
	return v;
}

void
comp_pat(struct comp *c, struct cpats *ps, const struct pstr *p,
    enum cpat_kind kind, uint32_t tag)
{
	struct cpat *v = comp_pat_add(c, ps);

	if (v == NULL)
		return;
	v->p = p;
	v->kind = kind;
	v->tag = tag;
}

void
comp_pats_clear(struct cpats *ps)
{
	free(ps->v);
	memset(ps, 0, sizeof(*ps));
}

int
comp_pat_holds(struct comp *c, const struct pstr *p, char ch)
{
	struct pieces pc;
	unsigned int i;

	if (policy_expand_lenient(p, c->o->vars, &pc) != 0)
		return memchr(p->s, ch, p->len) != NULL;
	for (i = 0; i < pc.n; i++)
		if (memchr(pc.v[i].s, ch, pc.v[i].len) != NULL)
			return 1;
	return 0;
}

static int
add_pieces(struct nfa *nfa, const struct cpat *cp, const struct pieces *pc,
    struct pat_err *e)
{
	switch (cp->kind) {
	case CP_PATH:
		return glob_add(nfa, cp->tag, GLOB_PATH, 0, pc->v, pc->n, e);
	case CP_PLAIN:
		return glob_add(nfa, cp->tag, GLOB_PLAIN, 0, pc->v, pc->n, e);
	case CP_PLAIN_NOCASE:
		return glob_add(nfa, cp->tag, GLOB_PLAIN, GLOB_NOCASE, pc->v,
		    pc->n, e);
	case CP_DOMAIN:
		return glob_add(nfa, cp->tag, GLOB_DOMAIN, 0, pc->v, pc->n, e);
	case CP_REGEX:
		return regex_add(nfa, cp->tag, 0, pc->v, pc->n, e);
	}
	return -1;
}

static void
report(struct comp *c, const struct cpat *cp, const struct pat_err *e)
{
	const char *file = c->pol->file;
	struct pos pos = { 0, 0 };

	if (cp->from_config) {
		file = c->conf->file;
		pos = cp->p->pos;
	} else if (cp->p != NULL) {
		pos = policy_place(c->pol, cp->p, e->off);
	}
	diag_add(c->d, DIAG_ERROR, file, pos.line, pos.column,
	    "pattern \"%s\": %s", cp->p != NULL ? cp->p->s : cp->lit, e->text);
}

/* Split cp into pieces; errors are reported by policy_expand. */
static int
expand(struct comp *c, const struct cpat *cp, struct pieces *pc)
{
	if (cp->p != NULL && !cp->from_config)
		return policy_expand(c->pol, cp->p, c->o->vars, pc, c->d);
	pc->n = 1;
	pc->v[0].s = cp->p != NULL ? cp->p->s : cp->lit;
	pc->v[0].len = cp->p != NULL ? cp->p->len : cp->lit_len;
	pc->v[0].off = 0;
	pc->v[0].literal = cp->p == NULL;
	return 0;
}

static void
add_pattern(struct comp *c, struct nfa *nfa, struct cpat *cp)
{
	struct pieces pc;
	struct pat_err e;

	if (cp->bad)
		return;
	e.text[0] = '\0';
	e.off = 0;
	if (expand(c, cp, &pc) == -1) {
		cp->bad = 1;
	} else if (add_pieces(nfa, cp, &pc, &e) == -1) {
		report(c, cp, &e);
		cp->bad = 1;
	}
}

/*
 * A glob written where a regex belongs: has a star or a question mark and
 * nothing that only a regex has.
 */
static int
looks_like_glob(const struct pstr *p)
{
	return strpbrk(p->s, "*?") != NULL &&
	    strpbrk(p->s, "()|\\^$+") == NULL;
}

static int
try_pattern(struct comp *c, const struct pstr *p, enum cpat_kind kind)
{
	struct cpat cp = { .p = p, .kind = kind };
	struct pieces pc;
	struct pat_err e;
	struct nfa *nfa;
	int rv;

	if (policy_expand_lenient(p, c->o->vars, &pc) != 0)
		return -1;
	nfa = nfa_new();
	if (nfa == NULL) {
		c->failed = 1;
		return -1;
	}
	rv = add_pieces(nfa, &cp, &pc, &e);
	nfa_free(nfa);
	return rv;
}

enum cpat_kind
comp_args_kind(struct comp *c, const struct pstr *p)
{
	if (!looks_like_glob(p) || try_pattern(c, p, CP_REGEX) == 0 ||
	    try_pattern(c, p, CP_PLAIN) == -1)
		return CP_REGEX;
	diag_add(c->d, DIAG_WARNING, c->pol->file, p->pos.line, p->pos.column,
	    "\"%s\" is no regular expression; it is taken as a glob on all "
	    "arguments", p->s);
	return CP_PLAIN;
}

/* Charge explored states to the policy; -1 when it has had its share. */
static int
charge(struct comp *c, uint32_t states)
{
	if (states <= STATES_BUDGET - c->states) {
		c->states += states;
		return 0;
	}
	if (c->states < STATES_BUDGET)
		diag_add(c->d, DIAG_ERROR, c->pol->file, 0, 0,
		    "the patterns are too many or too complex: they need "
		    "more than %u states of automata", STATES_BUDGET);
	c->states = STATES_BUDGET;
	c->failed = 1;
	return -1;
}

/* Build patterns lo..hi-1.  0, -1 with errno. */
static int
build(struct comp *c, struct cpats *ps, size_t lo, size_t hi,
    struct dfabuild *b)
{
	uint32_t max = hi - lo == 1 ? DFABUILD_STATES_MAX : GROUP_STATES_MAX;
	struct nfa *nfa = nfa_new();
	size_t i;
	int rv, save;

	if (nfa == NULL)
		return -1;
	for (i = lo; i < hi; i++)
		add_pattern(c, nfa, &ps->v[i]);
	rv = dfabuild_run(b, nfa, max);
	save = errno;
	nfa_free(nfa);
	if (charge(c, rv == 0 ? b->dfa->nstates : max) == -1 && rv == 0) {
		dfabuild_clear(b);
		rv = -1;
	}
	errno = save;
	return rv;
}

static void
too_large(struct comp *c, struct cpat *cp)
{
	struct pat_err e;

	if (cp->bad)
		return;
	memset(&e, 0, sizeof(e));
	strlcpy(e.text, "needs an automaton of too many states; make it simpler",
	    sizeof(e.text));
	report(c, cp, &e);
	cp->bad = 1;
}

static void
add_group(struct comp *c, const struct dfabuild *b, comp_answers *fn,
    void *arg, struct image_use *u)
{
	struct image_group g;

	g.dfa = comp_dfa(c, b->dfa);
	fn(c, b, &g.answers, arg);
	comp_add(c, IS_GROUPS, &g, 1);
	u->n++;
}

/*
 * The ranges still to be built are kept on a stack: halves of halves, so it is
 * never deeper than the bits of a size.  What is left of the patterns lies at
 * its bottom.
 */
struct range {
	size_t lo, hi;
};

struct image_use
comp_groups(struct comp *c, struct cpats *ps, comp_answers *fn, void *arg)
{
	struct image_use u = { (uint32_t)c->sec[IS_GROUPS].n, 0 };
	struct range stack[72], r;
	struct dfabuild b;
	unsigned int n = 0;
	size_t mid;

	if (ps->n > 0)
		stack[n++] = (struct range) { 0, ps->n };
	while (n > 0 && !c->failed) {
		r = stack[--n];
		if (r.hi - r.lo > GROUP_PATTERNS_MAX) {
			mid = r.lo + GROUP_PATTERNS_MAX;
			stack[n++] = (struct range) { mid, r.hi };
			r.hi = mid;
		}
		memset(&b, 0, sizeof(b));
		if (build(c, ps, r.lo, r.hi, &b) == 0) {
			add_group(c, &b, fn, arg, &u);
			dfabuild_clear(&b);
		} else if (errno != E2BIG) {
			c->failed = 1;
		} else if (r.hi - r.lo == 1) {
			too_large(c, &ps->v[r.lo]);
		} else {
			mid = r.lo + (r.hi - r.lo) / 2;
			stack[n++] = (struct range) { mid, r.hi };
			stack[n++] = (struct range) { r.lo, mid };
		}
	}
	if (!c->failed && u.n > IMAGE_GROUPS_MAX) {
		diag_add(c->d, DIAG_ERROR, c->pol->file, 0, 0,
		    "the patterns need more than %u automata", IMAGE_GROUPS_MAX);
		c->failed = 1;
	}
	return u;
}

void
comp_answer_sets(struct comp *c, const struct dfabuild *b, uint32_t *answers,
    void *words)
{
	const size_t w = *(const uint32_t *)words;
	uint64_t *row;
	unsigned int i, t;

	*answers = comp_add(c, IS_SETS, NULL, b->nsets * w);
	for (i = 0; i < b->nsets && !c->failed; i++) {
		row = comp_at(c, IS_SETS, *answers + i * w);
		for (t = 0; t < b->sets[i].n; t++)
			row[b->sets[i].tags[t] / 64] |=
			    (uint64_t)1 << (b->sets[i].tags[t] % 64);
	}
}
