/*
 * The frame of lint: compile, let each section look, say what was found in the
 * order of the file.  Runs in policyd's tool mode.
 *
 * Texts quote a stranger's bytes; no control character leaves this file.
 */

#include "policyd/lint.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/lint_int.h"

static const char *const kind_name[LK_MAX] = {
	[LK_UNREACHABLE] = "unreachable",
	[LK_PARTLY] = "partly-shadowed",
	[LK_CANNOT] = "cannot-match",
	[LK_WEAKENED] = "weakened",
	[LK_APPROVALS_OFF] = "approvals-off",
	[LK_OPENED] = "opened",
	[LK_NOT_ENFORCED] = "not-enforced",
	[LK_GLOB] = "glob-as-regex",
	[LK_EITHER] = "either",
	[LK_DOUBTFUL] = "doubtful",
	[LK_LANDLOCK] = "landlock",
	[LK_NOT_ANALYSED] = "not-analysed",
};

/* Takers named in one line; more are counted. */
#define TAKERS_MAX 6

void
lint_say(struct lint *l, const char *name, uint32_t line, enum lint_kind kind,
    const char *fmt, ...)
{
	struct lint_item *v = l->items;
	char text[2048], *p, *whole;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (l->nitems == l->cap_items) {
		v = reallocarray(v, l->cap_items + 64u, sizeof(*v));
		if (v == NULL) {
			l->failed = 1;
			return;
		}
		l->items = v;
		l->cap_items += 64;
	}
	if (asprintf(&whole, "%s:%u: %s: %s: %s", l->pol->file, line, name,
		kind_name[kind], text) == -1) {
		l->failed = 1;
		return;
	}
	for (p = whole; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	v[l->nitems].line = line;
	v[l->nitems].seq = l->nitems;
	v[l->nitems++].text = whole;
}

static int
item_cmp(const void *a, const void *b)
{
	const struct lint_item *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* ---- cases ---- */

struct lint_case *
lint_case_add(struct lint *l, struct lint_cases *cs, const struct prule *r,
    uint32_t rule, const char *what, const struct pstr *entry)
{
	struct lint_case *c;

	if (cs->n == cs->cap) {
		c = reallocarray(cs->v, cs->cap * 2 + 64u, sizeof(*c));
		if (c == NULL) {
			l->failed = 1;
			return NULL;
		}
		cs->v = c;
		cs->cap = cs->cap * 2 + 64;
	}
	c = &cs->v[cs->n++];
	memset(c, 0, sizeof(*c));
	c->r = r;
	c->rule = rule;
	c->what = what;
	for (c->parent = cs->n - 1; what != NULL && c->parent > 0 &&
	     (cs->v[c->parent].r != r || cs->v[c->parent].what != NULL);)
		c->parent--;
	c->text = entry != NULL ? entry->s : "";
	c->line = entry != NULL && entry->pos.line > 0 ? entry->pos.line :
							 r->pos.line;
	return c;
}

void
lint_see(struct lint *l, struct lint_case *c, uint32_t winner, uint64_t what)
{
	struct lint_taken *t;
	unsigned int i;

	c->possible = 1;
	c->asked |= what;
	if (winner == c->rule)
		c->decides = 1;
	if (c->decides)
		return;
	for (i = 0; i < c->ntaken; i++) {
		if (c->taken[i].by == winner) {
			c->taken[i].what |= what;
			return;
		}
	}
	if (c->ntaken == c->cap) {
		t = reallocarray(c->taken, c->cap + 8u, sizeof(*t));
		if (t == NULL) {
			l->failed = 1;
			return;
		}
		c->taken = t;
		c->cap += 8;
	}
	c->taken[c->ntaken].by = winner;
	c->taken[c->ntaken++].what = what;
}

void
lint_rule_text(const struct lint *l, uint32_t rule, char *buf, size_t size)
{
	struct image_rule r;

	image_rule_get(&l->im, rule, &r);
	if (r.line == 0)
		snprintf(buf, size, "%s (built in)", r.name);
	else
		snprintf(buf, size, "%s (line %u)", r.name, r.line);
}

static int
taken_cmp(const void *a, const void *b)
{
	const struct lint_taken *x = a, *y = b;

	return x->by < y->by ? -1 : x->by > y->by;
}

/* The bits of one taker, as words. */
static void
what_text(const struct lint_cases *cs, const struct lint_case *c, uint64_t what,
    char *buf, size_t size)
{
	unsigned int bit;

	buf[0] = '\0';
	if (cs->bit_name == NULL)
		return;
	if (what == c->asked) {
		strlcpy(buf, " takes any operation", size);
		return;
	}
	for (bit = 0; bit < 64; bit++) {
		if (!(what >> bit & 1))
			continue;
		strlcat(buf, buf[0] == '\0' ? " takes " : ", ", size);
		strlcat(buf, cs->bit_name(bit), size);
	}
}

static void
and_more(const struct lint_case *c, char *buf, size_t size)
{
	char more[32];

	if (c->ntaken <= TAKERS_MAX)
		return;
	snprintf(more, sizeof(more), " and %u more", c->ntaken - TAKERS_MAX);
	strlcat(buf, more, size);
}

/*
 * "A (line 3) takes read, list; B (line 9) takes delete"; where the bits have
 * no names, who takes which case is not told apart.
 */
static void
takers_text(struct lint *l, const struct lint_cases *cs, struct lint_case *c,
    char *buf, size_t size)
{
	char name[256], what[256];
	unsigned int i;

	buf[0] = '\0';
	if (c->ntaken > 1)
		qsort(c->taken, c->ntaken, sizeof(*c->taken), taken_cmp);
	for (i = 0; i < c->ntaken && i < TAKERS_MAX; i++) {
		lint_rule_text(l, c->taken[i].by, name, sizeof(name));
		what_text(cs, c, c->taken[i].what, what, sizeof(what));
		if (i > 0)
			strlcat(buf, cs->bit_name != NULL ? "; " : ", ", size);
		strlcat(buf, name, size);
		strlcat(buf, what, size);
	}
	and_more(c, buf, size);
	if (cs->bit_name == NULL)
		strlcat(buf,
		    c->ntaken == 1 ? " takes every case" : " take every case",
		    size);
}

static const char *
entry_text(const struct lint_case *c)
{
	return c->num[0] != '\0' ? c->num : c->text;
}

static void
report_case(struct lint *l, const struct lint_cases *cs, struct lint_case *c)
{
	const char *name = c->r->name.s;
	char takers[1024];

	if (!c->possible && c->what == NULL) {
		lint_say(l, name, c->line, LK_CANNOT, "%s",
		    c->why != NULL ? c->why : "none of its entries can match");
		return;
	}
	if (!c->possible) {
		if (c->why == NULL && !cs->v[c->parent].possible)
			return; /* said of the rule */
		lint_say(l, name, c->line, LK_CANNOT, "%s \"%s\"%s%s", c->what,
		    entry_text(c), c->why != NULL ? ": " : " can match nothing",
		    c->why != NULL ? c->why : "");
		return;
	}
	if (c->decides || (c->what != NULL && !cs->v[c->parent].decides))
		return;
	takers_text(l, cs, c, takers, sizeof(takers));
	if (c->what == NULL)
		lint_say(l, name, c->line, LK_UNREACHABLE, "never decides: %s",
		    takers);
	else
		lint_say(l, name, c->line, LK_PARTLY,
		    "%s \"%s\" never decides: %s", c->what, entry_text(c),
		    takers);
}

void
lint_report(struct lint *l, struct lint_cases *cs)
{
	uint32_t i;

	for (i = 0; i < cs->n; i++)
		report_case(l, cs, &cs->v[i]);
}

void
lint_cases_clear(struct lint_cases *cs)
{
	uint32_t i;

	for (i = 0; i < cs->n; i++)
		free(cs->v[i].taken);
	free(cs->v);
	memset(cs, 0, sizeof(*cs));
}

/* ---- patterns ---- */

int
lint_opens(enum decision d)
{
	return d == DEC_ALLOW || d == DEC_AUDIT || d == DEC_SOFT_DELETE ||
	    d == DEC_REDIRECT;
}

int
lint_glob(struct lint *l, struct nfa *nfa, uint32_t tag, enum glob_kind kind,
    unsigned int flags, const struct pstr *p)
{
	struct pieces pc;
	struct pat_err e;

	if (policy_expand_lenient(p, l->vars, &pc) != 0)
		return -1;
	return glob_add(nfa, tag, kind, flags, pc.v, pc.n, &e);
}

int
lint_args(struct lint *l, struct nfa *nfa, uint32_t tag, const struct pstr *p)
{
	struct pieces pc;
	struct pat_err e;

	if (comp_args_kind(&l->comp, p) == CP_PLAIN)
		return lint_glob(l, nfa, tag, GLOB_PLAIN, 0, p);
	if (policy_expand_lenient(p, l->vars, &pc) != 0)
		return -1;
	return regex_add(nfa, tag, 0, pc.v, pc.n, &e);
}

/* ---- rules that ask ---- */

static void
approve_rule(struct lint *l, const struct prule *r)
{
	if (r->decision != DEC_APPROVE ||
	    (l->conf != NULL && l->conf->approvals_enabled))
		return;
	if (l->conf != NULL && l->conf->approvals_when_disabled == CWD_ALLOW)
		lint_say(l, r->name.s, r->pos.line, LK_OPENED,
		    "allows: approvals are off and approvals.when_disabled "
		    "is allow");
	else
		lint_say(l, r->name.s, r->pos.line, LK_APPROVALS_OFF,
		    "denies: approvals are off, nobody is asked");
}

static void
approve_rules(struct lint *l)
{
	const struct policy *p = l->pol;
	unsigned int i;

	for (i = 0; i < p->nfile_rules; i++)
		approve_rule(l, &p->file_rules[i].r);
	for (i = 0; i < p->nnetwork_rules; i++)
		approve_rule(l, &p->network_rules[i].r);
	for (i = 0; i < p->ncommand_rules; i++)
		approve_rule(l, &p->command_rules[i].r);
	for (i = 0; i < p->nunix_rules; i++)
		approve_rule(l, &p->unix_rules[i].r);
	for (i = 0; i < p->nsignal_rules; i++)
		approve_rule(l, &p->signal_rules[i].r);
}

/* ---- entry ---- */

#define LINT_VARS_MAX 128

/* What ctx gives, and stand-ins that no policy is likely to name. */
static void
fill_vars(const struct lint_ctx *ctx, struct var *v, struct vars *vars)
{
	static const struct var standin[] = {
		{ "PROJECT_ROOT", "/srv/project" },
		{ "GIT_ROOT", "/srv/project" },
		{ "HOME", "/home/user" },
	};
	unsigned int i, k;

	vars->v = v;
	vars->n = 0;
	for (i = 0;
	     ctx->vars != NULL && i < ctx->vars->n && i < LINT_VARS_MAX - 3;
	     i++)
		v[vars->n++] = ctx->vars->v[i];
	for (i = 0; i < 3; i++) {
		for (k = 0; k < vars->n; k++) {
			if (strcmp(v[k].name, standin[i].name) == 0)
				break;
		}
		if (k == vars->n)
			v[vars->n++] = standin[i];
	}
}

static int
look(struct lint *l, FILE *out)
{
	uint32_t i;

	lint_files(l);
	lint_unix(l);
	lint_cmds(l);
	lint_net(l);
	lint_signals(l);
	lint_env(l);
	lint_redirects(l);
	lint_landlock(l);
	approve_rules(l);
	if (l->nitems > 0)
		qsort(l->items, l->nitems, sizeof(*l->items), item_cmp);
	for (i = 0; i < l->nitems; i++) {
		fprintf(out, "%s\n", l->items[i].text);
		free(l->items[i].text);
	}
	free(l->items);
	return l->failed ? -1 : (int)l->nitems;
}

int
lint_policy(const struct policy *pol, const struct lint_ctx *ctx, FILE *out)
{
	struct compile_opts o = { .policy = pol,
		.config = ctx->config,
		.no_bpf = 1 };
	struct lint l = { .pol = pol, .conf = ctx->config };
	struct var v[LINT_VARS_MAX];
	struct compiled c;
	struct vars vars;
	struct diag scratch;
	int found = -1;

	fill_vars(ctx, v, &vars);
	o.vars = l.vars = &vars;
	if (compile_image(&o, &c, ctx->d) == -1)
		return -1;
	diag_init(&scratch);
	l.comp.o = &o;
	l.comp.pol = pol;
	l.comp.conf = ctx->config;
	l.comp.d = &scratch;
	l.first_net = pol->nfile_rules;
	l.first_cmd = l.first_net + pol->nnetwork_rules;
	l.first_unix = l.first_cmd + pol->ncommand_rules;
	if (image_check(&l.im, c.bytes, c.size_bytes) == 0)
		found = look(&l, out);
	diag_clear(&scratch);
	compile_clear(&c);
	return found;
}
