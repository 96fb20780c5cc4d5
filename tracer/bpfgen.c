/*
 * The filter compiler: see bpfgen.h.
 *
 * Code is emitted backwards, last instruction first, so that every jump's target already
 * stands where it will stay.  A place in the program is a label: the number of instructions
 * from it to the end.  Classic BPF jumps forwards only and at most 255 instructions when it
 * tests something; where a target is farther, a copy of it (a RET) or a plain jump is put
 * in between.
 *
 * Trusts the table; test_bpfgen.c runs its programs against systab_decide.
 */

#include "tracer/bpfgen.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define FAR	255
#define NRANGES (SYSTAB_NR_END + 2)
#define NTESTS	32
#define LOW(i)	(offsetof(struct seccomp_data, args) + 8ul * (i))
#define HIGH(i) (LOW(i) + 4u)
#define NO_ARG	0xffu
#define CHAIN	3 /* values tested one after the other at the leaf of a tree */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "the halves of an argument");

struct gen {
	const struct bpfgen_opts *o;
	struct sock_filter *out; /* filled from its end */
	unsigned int max;
	unsigned int cnt;
	bool full;
};

/* A piece of code that can be entered from its start, or after its load of arg. */
struct piece {
	unsigned int start;
	unsigned int loaded;
	uint8_t arg; /* NO_ARG: only from its start */
};

/* Consecutive numbers with one fate. */
struct range {
	uint32_t first;
	uint32_t weight;
	const struct systab_test *tests; /* NULL: ret says it all */
	uint32_t ret;
	unsigned int code;
};

static unsigned int
emit(struct gen *g, unsigned int code, uint32_t k, unsigned int jt,
    unsigned int jf)
{
	if (g->cnt == g->max) {
		g->full = true;
		return g->cnt;
	}
	g->cnt++;
	g->out[g->max - g->cnt] = (struct sock_filter) { .code = (uint16_t)code,
		.jt = (uint8_t)jt,
		.jf = (uint8_t)jf,
		.k = k };
	return g->cnt;
}

/* A label no more than room instructions away that leads where to does. */
static unsigned int
near(struct gen *g, unsigned int to, unsigned int room)
{
	const struct sock_filter *f = &g->out[g->max - to];

	if (g->full || g->cnt - to <= room)
		return to;
	if (f->code == (BPF_RET | BPF_K))
		return emit(g, f->code, f->k, 0, 0);
	return emit(g, BPF_JMP | BPF_JA, g->cnt - to, 0, 0);
}

/* Compare A with k and go to yes or no. */
static unsigned int
jump(struct gen *g, unsigned int op, uint32_t k, unsigned int yes,
    unsigned int no)
{
	/* What near puts in for one moves the other one farther away. */
	yes = near(g, yes, FAR - 1);
	no = near(g, no, FAR);
	if (g->full)
		return g->cnt;
	return emit(g, BPF_JMP | op | BPF_K, k, g->cnt - yes, g->cnt - no);
}

static unsigned int
load(struct gen *g, uint32_t offset)
{
	return emit(g, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

/* A place that returns k: one that is near, else a new one. */
static unsigned int
ret(struct gen *g, uint32_t k)
{
	for (unsigned int l = g->cnt; l > 0 && g->cnt - l < FAR / 2; l--) {
		const struct sock_filter *f = &g->out[g->max - l];

		if (f->code == (BPF_RET | BPF_K) && f->k == k)
			return l;
	}
	return emit(g, BPF_RET | BPF_K, k, 0, 0);
}

static uint32_t
ret_of(const struct bpfgen_opts *o, unsigned int act, unsigned int err)
{
	if (act == SYSTAB_ACT_REFUSE && o->tab.silent_refuse)
		act = SYSTAB_ACT_ERRNO;
	switch ((enum systab_act)act) {
	case SYSTAB_ACT_PASS:
		return SECCOMP_RET_ALLOW;
	case SYSTAB_ACT_ERRNO:
		return SECCOMP_RET_ERRNO | err;
	case SYSTAB_ACT_REFUSE:
	case SYSTAB_ACT_ASK:
		return o->ask_ret != 0 ? o->ask_ret : SECCOMP_RET_USER_NOTIF;
	case SYSTAB_ACT_KILL:
	case SYSTAB_ACT_MAX:
		break;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* Where p is entered when A holds the low half of arg. */
static unsigned int
enter(const struct piece *p, unsigned int arg)
{
	return p->arg == arg ? p->loaded : p->start;
}

/* One comparison: to yes when it holds, else to no. */
static struct piece
compare(struct gen *g, const struct systab_cmpr *c, const struct piece *yes,
    const struct piece *no)
{
	struct piece p = { .arg = c->arg };
	bool masked = c->cmp == SYSTAB_C_EQ && c->mask != UINT32_MAX;
	unsigned int kept = masked ? NO_ARG : c->arg;
	unsigned int high;

	switch ((enum systab_cmp)c->cmp) {
	case SYSTAB_C_ANY:
		p.loaded = jump(g, BPF_JSET, c->mask, enter(yes, kept),
		    enter(no, kept));
		break;
	case SYSTAB_C_NULL:
		jump(g, BPF_JEQ, 0, yes->start, no->start);
		high = load(g, HIGH(c->arg));
		p.loaded = jump(g, BPF_JEQ, 0, high, no->start);
		break;
	case SYSTAB_C_EQ:
	case SYSTAB_C_END:
		p.loaded = jump(g, BPF_JEQ, c->value, enter(yes, kept),
		    enter(no, kept));
		if (masked)
			p.loaded = emit(g, BPF_ALU | BPF_AND | BPF_K, c->mask,
			    0, 0);
		break;
	}
	p.start = load(g, LOW(c->arg));
	return p;
}

static struct piece
piece_ret(struct gen *g, const struct systab_test *t)
{
	unsigned int l = ret(g, ret_of(g->o, t->act, t->err));

	return (struct piece) { l, l, NO_ARG };
}

static unsigned int
comparisons(const struct systab_test *t)
{
	unsigned int n;

	for (n = 0; n < SYSTAB_NCMP && t->c[n].cmp != SYSTAB_C_END; n++)
		;
	return n;
}

/* One test: its action when all comparisons hold, else on to next. */
static struct piece
test_code(struct gen *g, const struct systab_test *t, const struct piece *next)
{
	struct piece p = piece_ret(g, t);

	for (unsigned int i = comparisons(t); i > 0; i--)
		p = compare(g, &t->c[i - 1], &p, next);
	return p;
}

/* A test that only compares a whole number: many of these make a tree. */
static bool
is_value(const struct systab_test *t)
{
	return comparisons(t) == 1 && t->c[0].cmp == SYSTAB_C_EQ &&
	    t->c[0].mask == UINT32_MAX;
}

/* A tree over n tests of values, sorted; A is loaded. */
static unsigned int
value_tree(struct gen *g, const struct systab_test *const *t, unsigned int n,
    unsigned int none)
{
	unsigned int right, left;

	if (n > CHAIN) {
		right = value_tree(g, t + n / 2, n - n / 2, none);
		left = value_tree(g, t, n / 2, none);
		return jump(g, BPF_JGE, t[n / 2]->c[0].value, right, left);
	}
	left = none;
	for (unsigned int i = n; i > 0; i--)
		left = jump(g, BPF_JEQ, t[i - 1]->c[0].value,
		    piece_ret(g, t[i - 1]).start, left);
	return left;
}

static void
sort_values(const struct systab_test **t, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int j = i;
		     j > 0 && t[j]->c[0].value < t[j - 1]->c[0].value; j--) {
			const struct systab_test *swap = t[j];

			t[j] = t[j - 1];
			t[j - 1] = swap;
		}
}

/* The run of value tests on one argument that ends with t[last]: its length. */
static unsigned int
run_length(const struct systab_test *const *t, unsigned int last)
{
	unsigned int n = 0;

	while (n <= last && is_value(t[last - n]) &&
	    t[last - n]->c[0].arg == t[last]->c[0].arg)
		n++;
	return n;
}

/* The code of an ARG row: its tests in force, from the last to the first. */
static unsigned int
tests_code(struct gen *g, const struct systab_test *t)
{
	const struct systab_test *in[NTESTS];
	unsigned int n = 0, run, arg;
	struct piece p;

	for (; !t->last; t++) {
		if (n == NTESTS) {
			g->full = true;
			return g->cnt;
		}
		if (systab_in_force(&g->o->tab, t->cond))
			in[n++] = t;
	}
	p = piece_ret(g, t);
	while (n > 0) {
		run = run_length(in, n - 1);
		if (run <= 1) {
			p = test_code(g, in[--n], &p);
			continue;
		}
		n -= run;
		arg = in[n]->c[0].arg;
		sort_values(in + n, run);
		p.loaded = value_tree(g, in + n, run, enter(&p, arg));
		p.start = load(g, LOW(arg));
		p.arg = arg;
	}
	return p.start;
}

/* How near the root a call belongs: not how often it is made but how often the filter runs for it. */
static unsigned int
weight(const struct systab_answer *a)
{
	if (a->row == NULL)
		return 1;
	if (a->row->class == SYSTAB_ARG)
		return 16;
	if (a->act != SYSTAB_ACT_ASK)
		return 1;
	return a->ask == ASK_OPEN ? 32 : 8;
}

static void
range_of(const struct bpfgen_opts *o, uint32_t nr, struct range *r)
{
	struct systab_answer a;
	struct seccomp_data sd = { .nr = (int)nr,
		.arch = systab_audit_arch[o->tab.arch] };

	systab_decide(&o->tab, &sd, &a);
	*r = (struct range) { .first = nr, .weight = weight(&a) };
	if (a.row != NULL && a.row->class == SYSTAB_ARG &&
	    !systab_blocked(&o->tab, a.row))
		r->tests = a.row->tests;
	else
		r->ret = ret_of(o, a.act, a.err);
}

/* All numbers, in order, as ranges: those in the table one by one, then the rest. */
static unsigned int
ranges(const struct bpfgen_opts *o, struct range *r)
{
	static const uint32_t ends[] = { SYSTAB_X32_BIT, 0x80000000u };
	struct range next;
	unsigned int n = 0;
	uint32_t nr;

	for (unsigned int i = 0; i < SYSTAB_NR_END + 2; i++) {
		nr = i < SYSTAB_NR_END ? i : ends[i - SYSTAB_NR_END];
		range_of(o, nr, &next);
		if (n > 0 && r[n - 1].tests == next.tests &&
		    r[n - 1].ret == next.ret)
			r[n - 1].weight += next.weight;
		else
			r[n++] = next;
	}
	return n;
}

/* Where n ranges are best parted: equal weight on both sides. */
static unsigned int
parting(const struct range *r, unsigned int n)
{
	uint32_t total = 0, left = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		total += r[i].weight;
	for (i = 0; i < n - 1; i++) {
		if (2 * left + r[i].weight > total)
			break;
		left += r[i].weight;
	}
	return i == 0 ? 1 : i;
}

static unsigned int
number_tree(struct gen *g, const struct range *r, unsigned int n)
{
	unsigned int at;
	unsigned int right, left;

	if (n == 1)
		return r->tests != NULL ? r->code : ret(g, r->ret);
	at = parting(r, n);
	right = number_tree(g, r + at, n - at);
	left = number_tree(g, r, at);
	return jump(g, BPF_JGE, r[at].first, right, left);
}

static void
program(struct gen *g, struct range *r, unsigned int n)
{
	unsigned int tree;

	for (unsigned int i = n; i > 0; i--)
		if (r[i - 1].tests != NULL)
			r[i - 1].code = tests_code(g, r[i - 1].tests);
	number_tree(g, r, n);
	tree = load(g, offsetof(struct seccomp_data, nr));
	jump(g, BPF_JEQ, systab_audit_arch[g->o->tab.arch], tree,
	    ret(g, SECCOMP_RET_KILL_PROCESS));
	load(g, offsetof(struct seccomp_data, arch));
}

int
bpfgen_build(const struct bpfgen_opts *o, struct sock_filter *out,
    unsigned int max, unsigned int *n)
{
	struct gen g = { .o = o, .out = out, .max = max };
	struct range r[NRANGES] = { 0 };

	if (o->tab.arch >= SYSTAB_ARCH_MAX) {
		errno = EINVAL;
		return -1;
	}
	program(&g, r, ranges(o, r));
	if (g.full) {
		errno = ENOSPC;
		return -1;
	}
	memmove(out, out + max - g.cnt, g.cnt * sizeof(*out));
	*n = g.cnt;
	return 0;
}
