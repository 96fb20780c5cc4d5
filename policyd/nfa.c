/*
 * Fragments of automata and the rows of symbols they are made from.  Runs in
 * policyd (and in agentshctl's confined copy of it).
 *
 * Trusts its callers to connect each fragment once, and nothing in a pattern.
 * Must never recurse, and never grow past the bounds in nfa.h.
 */

#include "policyd/nfa.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/policy.h"

#define PAT_SYMBOLS_MAX 65536u
#define CP_MAX		0x10ffffu

struct nfa *
nfa_new(void)
{
	return calloc(1, sizeof(struct nfa));
}

void
nfa_free(struct nfa *n)
{
	if (n == NULL)
		return;
	free(n->nodes);
	free(n->sets);
	free(n->starts);
	free(n);
}

unsigned int
nfa_count(const struct nfa *n)
{
	return n->nstarts;
}

/* Make room for one more of size bytes; 0 or -1. */
static int
grow(void **v, uint32_t used, uint32_t *cap, size_t size)
{
	uint32_t want = *cap == 0 ? 64 : *cap * 2;
	void *p;

	if (used < *cap)
		return 0;
	if ((p = reallocarray(*v, want, size)) == NULL)
		return -1;
	*v = p;
	*cap = want;
	return 0;
}

/* Node 0 exists whenever something failed, so that indices stay good. */
static uint32_t
node_new(struct nfa *n, uint32_t type, uint32_t out, uint32_t arg)
{
	void *v = n->nodes;

	if (n->failed != 0)
		return 0;
	if (n->nnodes >= NFA_NODES_MAX ||
	    n->nnodes - n->mark_nodes >= NFA_PATTERN_NODES_MAX) {
		n->failed = E2BIG;
		return 0;
	}
	if (grow(&v, n->nnodes, &n->nodes_cap, sizeof(*n->nodes)) == -1) {
		n->failed = ENOMEM;
		return 0;
	}
	n->nodes = v;
	n->nodes[n->nnodes].type = type;
	n->nodes[n->nnodes].out = out;
	n->nodes[n->nnodes].arg = arg;
	return n->nnodes++;
}

static uint32_t
set_intern(struct nfa *n, const struct nfa_set *s)
{
	void *v = n->sets;
	uint32_t i;

	for (i = n->nsets; i > 0; i--) {
		if (memcmp(&n->sets[i - 1], s, sizeof(*s)) == 0)
			return i - 1;
	}
	if (grow(&v, n->nsets, &n->sets_cap, sizeof(*n->sets)) == -1) {
		n->failed = ENOMEM;
		return 0;
	}
	n->sets = v;
	n->sets[n->nsets] = *s;
	return n->nsets++;
}

static void
patch(struct nfa *n, uint32_t from, uint32_t to)
{
	if (n->failed == 0)
		n->nodes[from].out = to;
}

void
nfa_begin(struct nfa *n)
{
	n->mark_nodes = n->nnodes;
	n->failed = 0;
}

void
nfa_abort(struct nfa *n)
{
	n->nnodes = n->mark_nodes;
	n->failed = 0;
}

int
nfa_end(struct nfa *n, struct nfa_frag f, uint32_t tag)
{
	void *v = n->starts;
	uint32_t m = node_new(n, NFA_MATCH, NFA_NONE, tag);

	patch(n, f.end, m);
	if (n->failed == 0 &&
	    grow(&v, n->nstarts, &n->starts_cap, sizeof(*n->starts)) == -1)
		n->failed = ENOMEM;
	if (n->failed != 0) {
		errno = n->failed;
		nfa_abort(n);
		return -1;
	}
	n->starts = v;
	n->starts[n->nstarts++] = f.in;
	return 0;
}

static struct nfa_frag
single(struct nfa *n, uint32_t type, uint32_t arg)
{
	struct nfa_frag f;

	f.first = f.in = f.end = node_new(n, type, NFA_NONE, arg);
	return f;
}

struct nfa_frag
nfa_empty(struct nfa *n)
{
	return single(n, NFA_EMPTY, 0);
}

struct nfa_frag
nfa_bytes(struct nfa *n, const struct nfa_set *s)
{
	return single(n, NFA_SET, set_intern(n, s));
}

struct nfa_frag
nfa_byte(struct nfa *n, uint8_t byte)
{
	struct nfa_set s = { { 0 } };

	nfa_set_add(&s, byte);
	return nfa_bytes(n, &s);
}

struct nfa_frag
nfa_assert(struct nfa *n, enum nfa_at at)
{
	return single(n, NFA_ASSERT, at);
}

struct nfa_frag
nfa_cat(struct nfa *n, struct nfa_frag a, struct nfa_frag b)
{
	patch(n, a.end, b.in);
	a.end = b.end;
	return a;
}

struct nfa_frag
nfa_alt(struct nfa *n, struct nfa_frag a, struct nfa_frag b)
{
	uint32_t split = node_new(n, NFA_SPLIT, a.in, b.in);
	uint32_t join = node_new(n, NFA_EMPTY, NFA_NONE, 0);

	patch(n, a.end, join);
	patch(n, b.end, join);
	a.in = split;
	a.end = join;
	return a;
}

struct nfa_frag
nfa_star(struct nfa *n, struct nfa_frag a)
{
	uint32_t join = node_new(n, NFA_EMPTY, NFA_NONE, 0);
	uint32_t split = node_new(n, NFA_SPLIT, a.in, join);

	patch(n, a.end, split);
	a.in = split;
	a.end = join;
	return a;
}

struct nfa_frag
nfa_plus(struct nfa *n, struct nfa_frag a)
{
	uint32_t in = a.in;

	a = nfa_star(n, a);
	a.in = in;
	return a;
}

struct nfa_frag
nfa_opt(struct nfa *n, struct nfa_frag a)
{
	uint32_t join = node_new(n, NFA_EMPTY, NFA_NONE, 0);
	uint32_t split = node_new(n, NFA_SPLIT, a.in, join);

	patch(n, a.end, join);
	a.in = split;
	a.end = join;
	return a;
}

/* A fresh copy of the nodes from..to-1, which are a with its end open. */
static struct nfa_frag
copy(struct nfa *n, struct nfa_frag a, uint32_t from, uint32_t to)
{
	uint32_t i, delta = n->nnodes - from;
	struct nfa_node x;

	for (i = from; i < to && n->failed == 0; i++) {
		x = n->nodes[i];
		if (i == a.end)
			x.out = NFA_NONE;
		if (x.out != NFA_NONE)
			x.out += delta;
		if (x.type == NFA_SPLIT)
			x.arg += delta;
		node_new(n, x.type, x.out, x.arg);
	}
	a.first = from + delta;
	a.in += delta;
	a.end += delta;
	return a;
}

/* x{min,max} with max > min: each x beyond min may be where it ends. */
static struct nfa_frag
tail(struct nfa *n, struct nfa_frag all, int have, struct nfa_frag orig,
    uint32_t to, int times)
{
	uint32_t split, join = node_new(n, NFA_EMPTY, NFA_NONE, 0);
	struct nfa_frag f;
	int i;

	for (i = 0; i < times && n->failed == 0; i++) {
		f = have ? copy(n, orig, orig.first, to) : orig;
		split = node_new(n, NFA_SPLIT, f.in, join);
		if (have)
			patch(n, all.end, split);
		else
			all.in = split;
		all.end = f.end;
		have = 1;
	}
	patch(n, all.end, join);
	all.end = join;
	return all;
}

struct nfa_frag
nfa_repeat(struct nfa *n, struct nfa_frag a, int min, int max)
{
	uint32_t to = n->nnodes;
	struct nfa_frag f, all = a;
	int i;

	if (max == 0) {
		all = nfa_empty(n); /* the nodes of a stay, unreachable */
		all.first = a.first;
		return all;
	}
	if (max < 0 && min == 0)
		return nfa_star(n, a);
	for (i = 0; i < min && n->failed == 0; i++) {
		f = i > 0 ? copy(n, a, a.first, to) : a;
		if (max < 0 && i == min - 1)
			f = nfa_plus(n, f);
		all = i > 0 ? nfa_cat(n, all, f) : f;
	}
	if (max > min)
		all = tail(n, all, min > 0, a, to, max - min);
	all.first = a.first;
	return all;
}

void
nfa_ranges_add(struct nfa_ranges *r, uint32_t lo, uint32_t hi)
{
	void *v = r->v;

	if (r->failed || grow(&v, r->n, &r->cap, sizeof(*r->v)) == -1) {
		r->failed = 1;
		return;
	}
	r->v = v;
	r->v[r->n].lo = lo;
	r->v[r->n++].hi = hi;
}

static int
range_cmp(const void *a, const void *b)
{
	const struct nfa_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void
nfa_ranges_sort(struct nfa_ranges *r)
{
	uint32_t i, k = 0;

	if (r->n == 0)
		return;
	qsort(r->v, r->n, sizeof(*r->v), range_cmp);
	for (i = 1; i < r->n; i++) {
		if (r->v[i].lo > r->v[k].hi + 1)
			r->v[++k] = r->v[i];
		else if (r->v[i].hi > r->v[k].hi)
			r->v[k].hi = r->v[i].hi;
	}
	r->n = k + 1;
}

void
nfa_ranges_negate(struct nfa_ranges *r)
{
	struct nfa_ranges out = { 0 };
	uint32_t i, next = 0;

	for (i = 0; i < r->n; i++) {
		if (r->v[i].lo > next)
			nfa_ranges_add(&out, next, r->v[i].lo - 1);
		next = r->v[i].hi + 1;
	}
	if (next <= CP_MAX)
		nfa_ranges_add(&out, next, CP_MAX);
	out.failed |= r->failed;
	free(r->v);
	*r = out;
}

void
nfa_ranges_clear(struct nfa_ranges *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}

/* ---- characters as bytes ---- */

/* A class on its way to bytes: alternatives so far. */
struct encoder {
	struct nfa *n;
	struct nfa_frag all;
	int have;
};

static struct nfa_set
span(unsigned int lo, unsigned int hi)
{
	struct nfa_set s = { { 0 } };

	for (; lo <= hi; lo++)
		nfa_set_add(&s, lo);
	return s;
}

static void
offer(struct encoder *e, struct nfa_frag f)
{
	e->all = e->have ? nfa_alt(e->n, e->all, f) : f;
	e->have = 1;
}

static unsigned int
encode(uint32_t cp, uint8_t out[4])
{
	static const uint8_t lead[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	unsigned int i,
	    len = cp < 0x80 ? 1 :
	    cp < 0x800	    ? 2 :
	    cp < 0x10000    ? 3 :
			      4;

	for (i = len; i > 1; i--) {
		out[i - 1] = 0x80 | (cp & 0x3f);
		cp >>= 6;
	}
	out[0] = (uint8_t)(lead[len] | cp);
	return len;
}

/* lo..hi have one length, and below each differing byte the full span. */
static void
offer_box(struct encoder *e, uint32_t lo, uint32_t hi)
{
	uint8_t a[4] = { 0 }, b[4] = { 0 };
	unsigned int i, len = encode(lo, a);
	struct nfa_frag f = { 0, 0, 0 }, g;
	struct nfa_set s;

	encode(hi, b);
	for (i = 0; i < len; i++) {
		s = span(a[i], b[i]);
		g = nfa_bytes(e->n, &s);
		f = i == 0 ? g : nfa_cat(e->n, f, g);
	}
	offer(e, f);
}

/*
 * The largest end of a box from lo on, within hi: where a byte differs, every
 * byte below it must run over all its values.
 */
static uint32_t
box_end(uint32_t lo, uint32_t hi)
{
	uint32_t mask = 0x3f;

	while (mask <= 0x3ffff) {
		if ((lo & ~mask) == (hi & ~mask) ||
		    ((lo & mask) == 0 && (hi & mask) == mask)) {
			mask = mask << 6 | 0x3f;
			continue;
		}
		hi = (lo & mask) != 0 ? (lo | mask) : (hi & ~mask) - 1;
		mask = 0x3f;
	}
	return hi;
}

static void
offer_length(struct encoder *e, uint32_t lo, uint32_t hi)
{
	uint32_t end;

	for (; lo <= hi; lo = end + 1) {
		end = box_end(lo, hi);
		offer_box(e, lo, end);
	}
}

static void
offer_clip(struct encoder *e, struct nfa_range r, uint32_t lo, uint32_t hi)
{
	if (r.lo < lo)
		r.lo = lo;
	if (r.hi > hi)
		r.hi = hi;
	if (r.lo <= r.hi)
		offer_length(e, r.lo, r.hi);
}

static void
offer_ascii(struct encoder *e, const struct nfa_ranges *r)
{
	struct nfa_set s = { { 0 } };
	uint32_t i, c;
	int any = 0;

	for (i = 0; i < r->n && r->v[i].lo < 0x80; i++) {
		for (c = r->v[i].lo; c <= r->v[i].hi && c < 0x80; c++)
			nfa_set_add(&s, c);
		any = 1;
	}
	if (any)
		offer(e, nfa_bytes(e->n, &s));
}

struct nfa_frag
nfa_class(struct nfa *n, const struct nfa_ranges *r, int stray)
{
	struct encoder e = { .n = n };
	struct nfa_set s;
	uint32_t i;

	if (r->failed)
		n->failed = ENOMEM;
	offer_ascii(&e, r);
	for (i = 0; i < r->n && n->failed == 0; i++) {
		offer_clip(&e, r->v[i], 0x80, 0x7ff);
		offer_clip(&e, r->v[i], 0x800, 0xd7ff);
		offer_clip(&e, r->v[i], 0xe000, 0xffff);
		offer_clip(&e, r->v[i], 0x10000, CP_MAX);
	}
	if (stray) {
		s = span(0x80, 0xff);
		offer(&e, single(n, NFA_STRAY, set_intern(n, &s)));
	}
	if (!e.have) {
		memset(&s, 0, sizeof(s));
		offer(&e, nfa_bytes(n, &s)); /* matches nothing */
	}
	return e.all;
}

/* ---- rows of symbols ---- */

int
pat_init(struct pat *p, const struct piece *v, unsigned int n,
    struct pat_err *e)
{
	size_t total = 0, k = 0, j;
	unsigned int i;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < n; i++) {
		if (v[i].len > PAT_SYMBOLS_MAX - total) {
			e->off = v[i].off;
			snprintf(e->text, sizeof(e->text),
			    "pattern is longer than %u bytes", PAT_SYMBOLS_MAX);
			return -1;
		}
		total += v[i].len;
	}
	p->sym = calloc(total + 1, sizeof(*p->sym));
	p->off = calloc(total + 1, sizeof(*p->off));
	if (p->sym == NULL || p->off == NULL) {
		pat_clear(p);
		e->off = 0;
		snprintf(e->text, sizeof(e->text), "out of memory");
		return -1;
	}
	for (i = 0; i < n; i++) {
		for (j = 0; j < v[i].len; j++, k++) {
			p->sym[k] = (uint8_t)v[i].s[j] |
			    (v[i].literal ? PAT_LITERAL : 0);
			p->off[k] = (uint32_t)(v[i].off +
			    (v[i].literal ? 0 : j));
		}
		p->off[k] = (uint32_t)(v[i].off +
		    (v[i].literal ? 0 : v[i].len));
	}
	p->n = total;
	return 0;
}

void
pat_clear(struct pat *p)
{
	free(p->sym);
	free(p->off);
	memset(p, 0, sizeof(*p));
}

int
pat_at(const struct pat *p, size_t i)
{
	return i < p->n ? p->sym[i] : PAT_END;
}

int
pat_fail(const struct pat *p, size_t i, struct pat_err *e, const char *fmt, ...)
{
	va_list ap;

	e->off = p->off[i < p->n ? i : p->n];
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

/* Continuation bytes after lead byte c, and the bounds of the first. */
static unsigned int
utf8_lead(unsigned int c, unsigned int *lo, unsigned int *hi)
{
	*lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 1;
	if (c >= 0xe0 && c <= 0xef)
		return 2;
	return c >= 0xf0 && c <= 0xf4 ? 3 : 0;
}

size_t
pat_utf8(const struct pat *p, size_t i, uint32_t *cp)
{
	unsigned int c, lo, hi, need, k;
	int lit;

	if (i >= p->n)
		return 0;
	c = p->sym[i] & 0xff;
	lit = p->sym[i] & PAT_LITERAL;
	*cp = c;
	if (c < 0x80)
		return 1;
	if ((need = utf8_lead(c, &lo, &hi)) == 0 || p->n - i <= need)
		return 0;
	*cp = c & (0x3fu >> need);
	for (k = 1; k <= need; k++, lo = 0x80, hi = 0xbf) {
		c = p->sym[i + k] & 0xff;
		if ((p->sym[i + k] & PAT_LITERAL) != lit || c < lo || c > hi)
			return 0;
		*cp = *cp << 6 | (c & 0x3f);
	}
	return need + 1;
}
