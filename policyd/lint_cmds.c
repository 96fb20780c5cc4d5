/*
 * Lint of command rules.  A question is a name, a depth and arguments.  The
 * names fall into classes by the entries they match; in each class and at each
 * depth a few rules compete, and their args_patterns divide the arguments.  One
 * command of each class is put to the evaluator.
 *
 * One text serves as the resolved path and as the path as given: with two, a
 * command only meets more rules, so a rule that decides for a pair decides for
 * one of its halves too.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/lint_int.h"

#define TAG_VALID	0u
#define ARGS_STATES_MAX 10000u
#define FAILURES_MAX	8 /* a division that fails costs up to a second */

/* An entry of `commands` or of `args_patterns`. */
struct entry {
	uint32_t rule, case_at;
};

/* The arguments as some rules divide them. */
struct division {
	uint32_t *rules; /* ascending; only rules with args_patterns */
	uint32_t n;
	int ok; /* 0: too large */
	struct dfabuild b;
};

struct cmds {
	struct lint *l;
	const struct pcmd_rule *rules;
	uint32_t nrules;
	uint32_t *case_at; /* of each rule */
	uint32_t *first_args; /* its first args entry */
	struct entry *names, *args;
	uint32_t nnames, nargs;
	struct lint_cases cases;
	struct dfabuild b; /* names */
	uint32_t *depths; /* one of each class */
	uint32_t ndepths;
	struct division *divs;
	uint32_t ndivs, failures;
	int spared; /* some rules could not be compared */
	uint8_t *outside; /* [nnames][nrules]: a name that rule has not */
	char **weak; /* [nrules]: what is let through, with an example */
};

/* ---- entries ---- */

static void
add_name(struct cmds *s, struct nfa *nfa, uint32_t rule, const struct pstr *p)
{
	struct lint *l = s->l;
	int path = comp_pat_holds(&l->comp, p, '/');

	if (lint_case_add(l, &s->cases, &s->rules[rule].r, l->first_cmd + rule,
		"command", p) == NULL)
		return;
	s->names[s->nnames].rule = rule;
	s->names[s->nnames++].case_at = s->cases.n - 1;
	if (lint_glob(l, nfa, s->nnames, path ? GLOB_PATH : GLOB_BASENAME,
		path ? 0 : GLOB_NOCASE, p) == -1)
		l->failed = 1;
	if (strchr(p->s, ' ') != NULL)
		lint_say(l, s->rules[rule].r.name.s, p->pos.line, LK_DOUBTFUL,
		    "command \"%s\" is one file name with a blank in it: "
		    "arguments belong in args_patterns",
		    p->s);
}

static void
add_args_case(struct cmds *s, uint32_t rule, const struct pstr *p)
{
	struct lint *l = s->l;

	if (lint_case_add(l, &s->cases, &s->rules[rule].r, l->first_cmd + rule,
		"args pattern", p) == NULL)
		return;
	s->args[s->nargs].rule = rule;
	s->args[s->nargs++].case_at = s->cases.n - 1;
	if (comp_args_kind(&l->comp, p) == CP_PLAIN)
		lint_say(l, s->rules[rule].r.name.s, p->pos.line, LK_GLOB,
		    "\"%s\" is no regular expression and is taken as a glob "
		    "on all arguments",
		    p->s);
}

static void
add_rule(struct cmds *s, struct nfa *nfa, uint32_t rule)
{
	const struct pcmd_rule *r = &s->rules[rule];
	static const struct pstr any = { .s = "*", .len = 1 };
	struct lint_case *c;
	unsigned int i;

	s->case_at[rule] = s->cases.n;
	c = lint_case_add(s->l, &s->cases, &r->r, s->l->first_cmd + rule, NULL,
	    NULL);
	if (c == NULL)
		return;
	c->why = r->min_depth > r->max_depth ?
	    "no depth is in its context" :
	    "no command and arguments match it";
	if (r->any_command)
		add_name(s, nfa, rule, &any);
	for (i = 0; i < r->commands.n; i++)
		add_name(s, nfa, rule, &r->commands.v[i]);
	s->first_args[rule] = s->nargs;
	for (i = 0; i < r->args_patterns.n; i++)
		add_args_case(s, rule, &r->args_patterns.v[i]);
}

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Where some rule's depths begin or end, a class of depths begins. */
static void
find_depths(struct cmds *s)
{
	uint32_t i, k = 0, *d = s->depths;

	d[s->ndepths++] = 0;
	for (i = 0; i < s->nrules; i++) {
		d[s->ndepths++] = s->rules[i].min_depth;
		if (s->rules[i].max_depth != PCMD_DEPTH_MAX)
			d[s->ndepths++] = s->rules[i].max_depth + 1;
	}
	qsort(d, s->ndepths, sizeof(*d), u32_cmp);
	for (i = 0; i < s->ndepths; i++) {
		if (i == 0 || d[i] != d[k - 1])
			d[k++] = d[i];
	}
	s->ndepths = k;
}

static void
count(const struct cmds *s, uint32_t *names, uint32_t *args)
{
	uint32_t i;

	*names = *args = 0;
	for (i = 0; i < s->nrules; i++) {
		*names += s->rules[i].commands.n + 1;
		*args += s->rules[i].args_patterns.n;
	}
}

static int
build_names(struct cmds *s, struct nfa *nfa)
{
	static const char valid[] = "(?s)[^\\x00]*[^/\\x00]";
	struct pat_err e;
	uint32_t i;

	if (regex_add_str(nfa, TAG_VALID, REGEX_WHOLE, valid, &e) == -1)
		s->l->failed = 1;
	for (i = 0; i < s->nrules && !s->l->failed; i++)
		add_rule(s, nfa, i);
	find_depths(s);
	if (s->l->failed)
		return -1;
	if (dfabuild_run(&s->b, nfa, LINT_STATES_MAX) == 0)
		return 0;
	lint_say(s->l, "command_rules", s->rules[0].r.pos.line, LK_NOT_ANALYSED,
	    "the commands are too many to be compared with each other");
	return -1;
}

/* ---- arguments ---- */

static void
division_build(struct cmds *s, struct division *d)
{
	struct nfa *nfa = nfa_new();
	const struct plist *p;
	struct pat_err e;
	uint32_t i, k;

	if (nfa == NULL) {
		s->l->failed = 1;
		return;
	}
	if (regex_add_str(nfa, TAG_VALID, REGEX_WHOLE, "[^\\x00]*", &e) == -1)
		s->l->failed = 1;
	for (i = 0; i < d->n; i++) {
		p = &s->rules[d->rules[i]].args_patterns;
		for (k = 0; k < p->n; k++) {
			if (lint_args(s->l, nfa,
				s->first_args[d->rules[i]] + k + 1,
				&p->v[k]) == -1)
				s->l->failed = 1;
		}
	}
	d->ok = dfabuild_run(&d->b, nfa, ARGS_STATES_MAX) == 0;
	s->failures += !d->ok;
	if (!d->ok && errno != E2BIG)
		s->l->failed = 1;
	nfa_free(nfa);
}

/* The division by those of rules[0..n-1] that have args_patterns. */
static const struct division *
division_get(struct cmds *s, const uint32_t *rules, uint32_t n)
{
	struct division *d;
	uint32_t i, k = 0, *v = calloc(n + 1u, sizeof(*v));

	for (i = 0; v != NULL && i < n; i++) {
		if (s->rules[rules[i]].args_patterns.n > 0)
			v[k++] = rules[i];
	}
	for (i = 0; v != NULL && i < s->ndivs; i++) {
		if (s->divs[i].n == k &&
		    (k == 0 ||
			memcmp(s->divs[i].rules, v, k * sizeof(*v)) == 0)) {
			free(v);
			return &s->divs[i];
		}
	}
	d = reallocarray(s->divs, s->ndivs + 1u, sizeof(*d));
	if (v == NULL || d == NULL) {
		free(v);
		s->l->failed = 1;
		return NULL;
	}
	s->divs = d;
	d = &s->divs[s->ndivs++];
	memset(d, 0, sizeof(*d));
	d->rules = v;
	d->n = k;
	if (s->failures < FAILURES_MAX || k <= 1)
		division_build(s, d);
	return s->l->failed ? NULL : d;
}

/* ---- asking ---- */

/* What is asked now. */
struct ask {
	uint32_t set; /* of names */
	const char *name;
	size_t name_len;
	uint32_t depth;
	const uint32_t *rules; /* that compete, ascending */
	uint32_t n;
};

static void
see_names(struct cmds *s, const struct ask *q, uint32_t rule, uint32_t winner)
{
	const struct dfabuild_set *t = &s->b.sets[q->set];
	const struct entry *e;
	uint32_t i;

	lint_see(s->l, &s->cases.v[s->case_at[rule]], winner, 1);
	for (i = 0; i < t->n; i++) {
		if (t->tags[i] == TAG_VALID)
			continue;
		e = &s->names[t->tags[i] - 1];
		if (e->rule == rule)
			lint_see(s->l, &s->cases.v[e->case_at], winner, 1);
	}
}

/* Rule meets the arguments of set args of d, by which of its patterns? */
static int
see_args(struct cmds *s, const struct division *d, uint32_t args, uint32_t rule,
    uint32_t winner)
{
	const struct entry *e;
	uint32_t i;
	int met = s->rules[rule].args_patterns.n == 0;

	for (i = 0; i < s->rules[rule].args_patterns.n; i++) {
		e = &s->args[s->first_args[rule] + i];
		if (!dfabuild_has(&d->b, args, s->first_args[rule] + i + 1))
			continue;
		met = 1;
		lint_see(s->l, &s->cases.v[e->case_at], winner, 1);
	}
	return met;
}

/* Too large to say: whatever competes here is not accused. */
static void
spare(struct cmds *s, const struct ask *q)
{
	uint32_t i, k;

	for (i = 0; i < q->n; i++) {
		for (k = s->case_at[q->rules[i]]; k < s->cases.n &&
		     s->cases.v[k].r == &s->rules[q->rules[i]].r;
		     k++)
			s->cases.v[k].possible = s->cases.v[k].decides = 1;
	}
}

/* Which entries name commands that which rules do not. */
static void
note_outside(struct cmds *s)
{
	const struct dfabuild_set *t;
	uint8_t *in = calloc(s->nrules + 1u, 1), *out;
	uint32_t set, i, rule;

	s->outside = calloc((size_t)s->nnames * s->nrules + 1, 1);
	s->weak = calloc(s->nrules + 1u, sizeof(*s->weak));
	if (in == NULL || s->outside == NULL || s->weak == NULL)
		s->l->failed = 1;
	for (set = 0; set < s->b.nsets && !s->l->failed; set++) {
		t = &s->b.sets[set];
		if (!dfabuild_has(&s->b, set, TAG_VALID))
			continue;
		memset(in, 0, s->nrules);
		for (i = 1; i < t->n; i++)
			in[s->names[t->tags[i] - 1].rule] = 1;
		for (i = 1; i < t->n; i++) {
			out = s->outside + (size_t)(t->tags[i] - 1) * s->nrules;
			for (rule = 0; rule < s->nrules; rule++)
				out[rule] |= !in[rule];
		}
	}
	free(in);
}

/* Rule `by` lets the question through by an entry wider than rule's. */
static int
reaches_outside(const struct cmds *s, const struct ask *q, uint32_t by,
    uint32_t rule)
{
	const struct dfabuild_set *t = &s->b.sets[q->set];
	uint32_t i, at;

	for (i = 1; i < t->n; i++) {
		at = t->tags[i] - 1;
		if (s->names[at].rule == by &&
		    s->outside[(size_t)at * s->nrules + rule])
			return 1;
	}
	return 0;
}

static void
note_weak(struct cmds *s, const struct ask *q, uint32_t rule, uint32_t winner,
    const char *args)
{
	const struct prule *r = &s->rules[rule].r;
	uint32_t by = winner - s->l->first_cmd;
	char name[256];

	if (by >= rule || s->weak[rule] != NULL ||
	    (r->decision != DEC_DENY && r->decision != DEC_APPROVE) ||
	    !lint_opens(s->rules[by].r.decision) ||
	    !reaches_outside(s, q, by, rule))
		return;
	lint_rule_text(s->l, winner, name, sizeof(name));
	if (asprintf(&s->weak[rule],
		"%s lets through part of what it would %s: %s%s%s", name,
		decision_name[r->decision], q->name, args[0] != '\0' ? " " : "",
		args) == -1) {
		s->weak[rule] = NULL;
		s->l->failed = 1;
	}
}

/* What never decides is said to be unreachable and no more. */
static void
say_weak(struct cmds *s)
{
	const struct prule *r;
	uint32_t i;

	for (i = 0; i < s->nrules; i++) {
		r = &s->rules[i].r;
		if (s->weak[i] != NULL && s->cases.v[s->case_at[i]].decides)
			lint_say(s->l, r->name.s, r->pos.line, LK_WEAKENED,
			    "%s", s->weak[i]);
	}
}

static void
ask_args(struct cmds *s, const struct ask *q, const struct division *d,
    uint32_t args)
{
	struct image_cmd c = { .path = q->name,
		.path_len = q->name_len,
		.given = q->name,
		.given_len = q->name_len,
		.depth = q->depth };
	char text[LINT_TEXT_MAX];
	struct verdict v;
	ssize_t len = dfabuild_witness(&d->b, args, text, sizeof(text));
	uint32_t i;

	if (len == -1) {
		spare(s, q);
		return;
	}
	c.args = text;
	c.args_len = (size_t)len;
	image_command(&s->l->im, &c, &v);
	for (i = 0; i < q->n; i++) {
		if (!see_args(s, d, args, q->rules[i], v.rule))
			continue;
		see_names(s, q, q->rules[i], v.rule);
		note_weak(s, q, q->rules[i], v.rule, text);
	}
}

/* Rule stands behind one that takes everything. */
static void
see_behind(struct cmds *s, const struct ask *q, uint32_t rule, uint32_t winner)
{
	uint32_t i;

	see_names(s, q, rule, winner);
	for (i = 0; i < s->rules[rule].args_patterns.n; i++)
		lint_see(s->l,
		    &s->cases.v[s->args[s->first_args[rule] + i].case_at],
		    winner, 1);
}

/* Every class of arguments; the first n rules of q compete. */
static int
ask_division(struct cmds *s, struct ask *q, uint32_t n)
{
	const struct division *d = division_get(s, q->rules, n);
	uint32_t i, all = q->n;

	if (d == NULL || !d->ok)
		return -1;
	q->n = n;
	for (i = 0; i < d->b.nsets && !s->l->failed; i++) {
		if (dfabuild_has(&d->b, i, TAG_VALID))
			ask_args(s, q, d, i);
	}
	q->n = all;
	return 0;
}

/*
 * The rules after the first without args_patterns decide nothing here.  Where
 * nothing stands before that one it takes all; where their patterns too would
 * make the division too large, they are told only whom they stand behind.
 */
static void
ask_depth(struct cmds *s, struct ask *q)
{
	uint32_t i, n = 0, all = q->n, head;

	while (n < all && s->rules[q->rules[n]].args_patterns.n > 0)
		n++;
	head = n < all ? n + 1 : all;
	if (n > 0 && ask_division(s, q, all) == 0)
		return;
	for (i = head; i < all; i++)
		see_behind(s, q, q->rules[i], s->l->first_cmd + q->rules[n]);
	if (ask_division(s, q, head) == -1 && !s->l->failed) {
		q->n = head;
		spare(s, q);
		s->spared = 1;
	}
}

/* The rules that name a command of the set and take its depth. */
static uint32_t
competitors(const struct cmds *s, const struct ask *q, uint32_t *rules)
{
	const struct dfabuild_set *t = &s->b.sets[q->set];
	uint32_t i, rule, n = 0;

	for (i = 0; i < t->n; i++) {
		if (t->tags[i] == TAG_VALID)
			continue;
		rule = s->names[t->tags[i] - 1].rule;
		if (q->depth < s->rules[rule].min_depth ||
		    q->depth > s->rules[rule].max_depth)
			continue;
		if (n == 0 || rules[n - 1] != rule)
			rules[n++] = rule;
	}
	return n;
}

static void
ask_name(struct cmds *s, uint32_t set, uint32_t *rules)
{
	char name[LINT_TEXT_MAX];
	struct ask q = { .set = set, .name = name, .rules = rules };
	ssize_t len = dfabuild_witness(&s->b, set, name, sizeof(name));
	uint32_t i;

	if (len == 0)
		return; /* no command is called nothing */
	q.name_len = len == -1 ? 0 : (size_t)len;
	for (i = 0; i < s->ndepths && !s->l->failed; i++) {
		q.depth = s->depths[i];
		q.n = competitors(s, &q, rules);
		if (q.n > 0 && len == -1)
			spare(s, &q);
		else if (q.n > 0)
			ask_depth(s, &q);
	}
}

/* ---- entry ---- */

static void
cmds_clear(struct cmds *s)
{
	uint32_t i;

	for (i = 0; i < s->ndivs; i++) {
		free(s->divs[i].rules);
		dfabuild_clear(&s->divs[i].b);
	}
	free(s->divs);
	free(s->case_at);
	free(s->first_args);
	free(s->names);
	free(s->args);
	free(s->depths);
	for (i = 0; s->weak != NULL && i < s->nrules; i++)
		free(s->weak[i]);
	free(s->outside);
	free(s->weak);
	lint_cases_clear(&s->cases);
	dfabuild_clear(&s->b);
}

static int
cmds_init(struct cmds *s)
{
	uint32_t names, args;

	count(s, &names, &args);
	s->case_at = calloc(s->nrules + 1u, sizeof(*s->case_at));
	s->first_args = calloc(s->nrules + 1u, sizeof(*s->first_args));
	s->names = calloc(names + 1u, sizeof(*s->names));
	s->args = calloc(args + 1u, sizeof(*s->args));
	s->depths = calloc(s->nrules * 2u + 1, sizeof(*s->depths));
	if (s->case_at == NULL || s->first_args == NULL || s->names == NULL ||
	    s->args == NULL || s->depths == NULL) {
		s->l->failed = 1;
		return -1;
	}
	return 0;
}

void
lint_cmds(struct lint *l)
{
	struct cmds s = { .l = l,
		.rules = l->pol->command_rules,
		.nrules = l->pol->ncommand_rules };
	struct nfa *nfa = nfa_new();
	uint32_t i, *rules = calloc(s.nrules + 1u, sizeof(*rules));

	if (nfa == NULL || rules == NULL)
		l->failed = 1;
	if (l->failed || s.nrules == 0 || cmds_init(&s) == -1 ||
	    build_names(&s, nfa) == -1)
		goto out;
	note_outside(&s);
	for (i = 0; i < s.b.nsets && !l->failed; i++) {
		if (dfabuild_has(&s.b, i, TAG_VALID))
			ask_name(&s, i, rules);
	}
	if (l->failed)
		goto out;
	say_weak(&s);
	lint_report(l, &s.cases);
	if (s.spared)
		lint_say(l, "command_rules", s.rules[0].r.pos.line,
		    LK_NOT_ANALYSED,
		    "some args_patterns are too many to be compared with "
		    "each other");
out:
	nfa_free(nfa);
	free(rules);
	cmds_clear(&s);
}
