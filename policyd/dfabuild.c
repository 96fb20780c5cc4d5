/*
 * Subset construction: nfa.h in, dfa.h out, by way of dfamin.h.  Runs in
 * policyd.
 *
 * A state is a sorted list of NFA elements.  An element is a node and, where
 * the patterns tell stray bytes from characters, a hypothesis: a byte was taken
 * as stray though it may begin a character, which the next bytes must not
 * complete.  Empty-width assertions stay in the list unresolved until the next
 * byte is known; the list then also carries what the previous byte was.
 *
 * Trusts nfa's indices.  Bounded in states, in memory and in work, whatever the
 * patterns are; must never recurse on them.
 */

#include "policyd/dfabuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/dfamin.h"

#define ELEMS_MAX  (16u << 20) /* of all states: 64 MiB */
#define WORK_MAX   (100u << 20) /* element visits: about a second */
#define STATE_WORK 5000u /* and for each state that is allowed, this */

/* What the byte before or after a place is, for assertions. */
enum ctx {
	CTX_EDGE, /* begin or end of the text */
	CTX_NL,
	CTX_WORD,
	CTX_OTHER,
	CTX_MAX
};

/*
 * Hypotheses: what must come now for the byte taken as stray to have begun a
 * character after all.
 */
enum hyp {
	HYP_NONE,
	HYP_1, /* one more 80..BF */
	HYP_2,
	HYP_3,
	HYP_E0, /* A0..BF, one more */
	HYP_ED, /* 80..9F, one more */
	HYP_F0, /* 90..BF, two more */
	HYP_F4, /* 80..8F, two more */
	HYP_MAX
};
#define HYP_DEAD HYP_MAX
#define HYP_BITS 3

/* clang-format off */
static const struct {
	uint8_t lo, hi, then;
} hyp_tab[HYP_MAX] = {
	[HYP_1] =  { 0x80, 0xbf, HYP_DEAD },
	[HYP_2] =  { 0x80, 0xbf, HYP_1 },
	[HYP_3] =  { 0x80, 0xbf, HYP_2 },
	[HYP_E0] = { 0xa0, 0xbf, HYP_1 },
	[HYP_ED] = { 0x80, 0x9f, HYP_1 },
	[HYP_F0] = { 0x90, 0xbf, HYP_2 },
	[HYP_F4] = { 0x80, 0x8f, HYP_2 },
};

/* The hypothesis that a stray byte opens; also how UTF-8 divides the bytes. */
static const struct {
	uint8_t lo, hi, opens;
} lead_tab[] = {
	{ 0x00, 0x7f, HYP_NONE },
	{ 0x80, 0x8f, HYP_NONE },
	{ 0x90, 0x9f, HYP_NONE },
	{ 0xa0, 0xbf, HYP_NONE },
	{ 0xc0, 0xc1, HYP_NONE },
	{ 0xc2, 0xdf, HYP_1 },
	{ 0xe0, 0xe0, HYP_E0 },
	{ 0xe1, 0xec, HYP_2 },
	{ 0xed, 0xed, HYP_ED },
	{ 0xee, 0xef, HYP_2 },
	{ 0xf0, 0xf0, HYP_F0 },
	{ 0xf1, 0xf3, HYP_3 },
	{ 0xf4, 0xf4, HYP_F4 },
	{ 0xf5, 0xff, HYP_NONE },
};
/* clang-format on */
#define NLEADS	 (sizeof(lead_tab) / sizeof(lead_tab[0]))

/* Lists of numbers, each held once. */
struct list {
	uint32_t off, n, note;
};

struct lists {
	uint32_t *mem;
	uint32_t used, cap;
	struct list *v;
	uint32_t n, vcap;
	uint32_t *hash; /* index + 1 */
	uint32_t hmask;
};

struct vec {
	uint32_t *v;
	uint32_t n, cap;
};

struct build {
	const struct nfa *n;
	unsigned int max_states;
	unsigned int hyp_shift; /* HYP_BITS, or 0 when nothing is stray */
	int has_assert;
	unsigned int ncls;
	uint8_t class[256];
	uint8_t rep[256]; /* a byte of each class */
	uint8_t cls_ctx[256]; /* enum ctx of each class */
	uint8_t opens[256]; /* by byte: enum hyp */
	struct nfa_set *by_cls; /* each nfa set, as classes */
	struct nfa_set lead_cls[NLEADS];
	struct lists states, tags;
	struct dfatab t;
	uint32_t next_cap; /* states there is room for in t */
	uint32_t *stamp; /* by element */
	uint32_t *set_stamp;
	uint32_t now, set_now;
	struct vec stack, out, full, found, sorted;
	uint64_t work, work_max;
	int err;
};

/* Room for n numbers in all. */
static int
vec_room(struct build *b, struct vec *v, uint32_t n)
{
	uint32_t want = v->cap == 0 ? 256 : v->cap, *p;

	if (n <= v->cap)
		return 0;
	while (want < n)
		want *= 2;
	if ((p = reallocarray(v->v, want, sizeof(*p))) == NULL) {
		b->err = ENOMEM;
		return -1;
	}
	v->v = p;
	v->cap = want;
	return 0;
}

static void
vec_push(struct build *b, struct vec *v, uint32_t x)
{
	if (v->n == v->cap && vec_room(b, v, v->n + 1) == -1)
		return;
	v->v[v->n++] = x;
}

/* One pass of a radix sort: from v to w by the byte at shift. */
static void
radix_pass(const uint32_t *v, uint32_t *w, uint32_t n, unsigned int shift)
{
	uint32_t at[257] = { 0 }, i;

	for (i = 0; i < n; i++)
		at[(v[i] >> shift & 0xff) + 1]++;
	for (i = 1; i < 257; i++)
		at[i] += at[i - 1];
	for (i = 0; i < n; i++)
		w[at[v[i] >> shift & 0xff]++] = v[i];
}

/* Lists of some patterns are long, and sorting them is half of the work. */
static void
vec_sort_long(struct build *b, struct vec *v)
{
	struct vec *w = &b->sorted;
	uint32_t *p, top = 0, i;
	unsigned int shift;

	for (i = 0; i < v->n; i++)
		top |= v->v[i];
	if (vec_room(b, w, v->n) == -1)
		return;
	for (shift = 0; shift < 32 && top >> shift != 0; shift += 8) {
		radix_pass(v->v, w->v, v->n, shift);
		p = v->v;
		v->v = w->v;
		w->v = p;
		i = v->cap;
		v->cap = w->cap;
		w->cap = i;
	}
}

static void
vec_sort(struct build *b, struct vec *v)
{
	uint32_t i, j, x;

	if (v->n > 48) {
		vec_sort_long(b, v);
		return;
	}
	for (i = 1; i < v->n; i++) {
		x = v->v[i];
		for (j = i; j > 0 && v->v[j - 1] > x; j--)
			v->v[j] = v->v[j - 1];
		v->v[j] = x;
	}
}

/* ---- lists ---- */

static uint32_t
list_hash(const uint32_t *v, uint32_t n, uint32_t note)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ note;
	uint32_t i;

	for (i = 0; i < n; i++)
		h = (h ^ v[i]) * 0xff51afd7ed558ccdu;
	return (uint32_t)(h >> 32);
}

static int
lists_rehash(struct lists *l)
{
	uint32_t i, h, mask = l->hmask == 0 ? 1023 : l->hmask * 2 + 1;
	uint32_t *hash = calloc((size_t)mask + 1, sizeof(*hash));

	if (hash == NULL)
		return -1;
	for (i = 0; i < l->n; i++) {
		h = list_hash(l->mem + l->v[i].off, l->v[i].n, l->v[i].note);
		while (hash[h & mask] != 0)
			h++;
		hash[h & mask] = i + 1;
	}
	free(l->hash);
	l->hash = hash;
	l->hmask = mask;
	return 0;
}

static int
lists_room(struct lists *l, uint32_t n)
{
	uint32_t want;
	void *p;

	while (l->cap - l->used < n) {
		want = l->cap == 0 ? 4096 : l->cap * 2;
		if ((p = reallocarray(l->mem, want, sizeof(*l->mem))) == NULL)
			return -1;
		l->mem = p;
		l->cap = want;
	}
	if (l->n == l->vcap) {
		want = l->vcap == 0 ? 256 : l->vcap * 2;
		if ((p = reallocarray(l->v, want, sizeof(*l->v))) == NULL)
			return -1;
		l->v = p;
		l->vcap = want;
	}
	if (l->hash == NULL || l->n >= l->hmask / 2)
		return lists_rehash(l);
	return 0;
}

/* The number of list v, which gets one if it is new; b->err on failure. */
static uint32_t
lists_intern(struct build *b, struct lists *l, const struct vec *v,
    uint32_t note)
{
	uint32_t i, h = list_hash(v->v, v->n, note);

	if (v->n > ELEMS_MAX - l->used) {
		b->err = E2BIG;
		return 0;
	}
	if (lists_room(l, v->n) == -1) {
		b->err = ENOMEM;
		return 0;
	}
	for (; (i = l->hash[h & l->hmask]) != 0; h++) {
		i--;
		if (l->v[i].n == v->n && l->v[i].note == note &&
		    (v->n == 0 ||
			memcmp(l->mem + l->v[i].off, v->v,
			    v->n * sizeof(*v->v)) == 0))
			return i;
	}
	l->hash[h & l->hmask] = l->n + 1;
	l->v[l->n].off = l->used;
	l->v[l->n].n = v->n;
	l->v[l->n].note = note;
	if (v->n > 0)
		memcpy(l->mem + l->used, v->v, v->n * sizeof(*v->v));
	l->used += v->n;
	return l->n++;
}

static void
lists_clear(struct lists *l)
{
	free(l->mem);
	free(l->v);
	free(l->hash);
}

/* ---- byte classes ---- */

static enum ctx
byte_ctx(unsigned int c)
{
	if (c == '\n')
		return CTX_NL;
	if (c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z'))
		return CTX_WORD;
	return CTX_OTHER;
}

/* Split every class by whether its bytes are in s. */
static void
split_classes(struct build *b, const struct nfa_set *s)
{
	int16_t to[512];
	unsigned int c, key, n = 0;

	memset(to, 0xff, sizeof(to));
	for (c = 0; c < 256; c++) {
		key = b->class[c] * 2u + (unsigned int)nfa_set_has(s, c);
		if (to[key] < 0)
			to[key] = (int16_t)n++;
		b->class[c] = (uint8_t)to[key];
	}
	b->ncls = n;
}

static struct nfa_set
lead_set(size_t i)
{
	struct nfa_set s = { { 0 } };
	unsigned int c;

	for (c = lead_tab[i].lo; c <= lead_tab[i].hi; c++)
		nfa_set_add(&s, c);
	return s;
}

static struct nfa_set
ctx_set(enum ctx x)
{
	struct nfa_set s = { { 0 } };
	unsigned int c;

	for (c = 0; c < 256; c++) {
		if (byte_ctx(c) == x)
			nfa_set_add(&s, c);
	}
	return s;
}

static struct nfa_set
set_by_class(const struct build *b, const struct nfa_set *s)
{
	struct nfa_set out = { { 0 } };
	unsigned int c;

	for (c = 0; c < b->ncls; c++) {
		if (nfa_set_has(s, b->rep[c]))
			nfa_set_add(&out, c);
	}
	return out;
}

static void
find_classes(struct build *b)
{
	struct nfa_set s;
	unsigned int c;
	size_t i;

	b->ncls = 1;
	for (i = 0; i < b->n->nsets; i++)
		split_classes(b, &b->n->sets[i]);
	for (i = 0; b->hyp_shift != 0 && i < NLEADS; i++) {
		s = lead_set(i);
		split_classes(b, &s);
	}
	for (i = CTX_NL; b->has_assert && i < CTX_MAX; i++) {
		s = ctx_set((enum ctx)i);
		split_classes(b, &s);
	}
	for (c = 256; c-- > 0;)
		b->rep[b->class[c]] = (uint8_t)c;
	for (c = 0; c < b->ncls; c++)
		b->cls_ctx[c] = (uint8_t)byte_ctx(b->rep[c]);
	for (i = 0; i < NLEADS; i++) {
		for (c = lead_tab[i].lo; c <= lead_tab[i].hi; c++)
			b->opens[c] = lead_tab[i].opens;
		s = lead_set(i);
		b->lead_cls[i] = set_by_class(b, &s);
	}
}

static int
build_init(struct build *b, const struct nfa *n, unsigned int max_states)
{
	uint32_t i;

	memset(b, 0, sizeof(*b));
	b->n = n;
	b->max_states = max_states;
	b->work_max = n->nnodes + (uint64_t)max_states * STATE_WORK;
	for (i = 0; i < n->nnodes; i++) {
		if (n->nodes[i].type == NFA_STRAY)
			b->hyp_shift = HYP_BITS;
		if (n->nodes[i].type == NFA_ASSERT)
			b->has_assert = 1;
	}
	find_classes(b);
	b->stamp = calloc(((size_t)n->nnodes << b->hyp_shift) + 1,
	    sizeof(*b->stamp));
	b->set_stamp = calloc((size_t)n->nsets + 1, sizeof(*b->set_stamp));
	b->by_cls = calloc((size_t)n->nsets + 1, sizeof(*b->by_cls));
	if (b->stamp == NULL || b->set_stamp == NULL || b->by_cls == NULL) {
		b->err = ENOMEM;
		return -1;
	}
	for (i = 0; i < n->nsets; i++)
		b->by_cls[i] = set_by_class(b, &n->sets[i]);
	return 0;
}

static void
build_clear(struct build *b)
{
	free(b->by_cls);
	free(b->stamp);
	free(b->set_stamp);
	free(b->stack.v);
	free(b->out.v);
	free(b->full.v);
	free(b->found.v);
	free(b->sorted.v);
	free(b->t.next);
	free(b->t.accept);
	lists_clear(&b->states);
	lists_clear(&b->tags);
}

/* ---- closures ---- */

static void
push(struct build *b, uint32_t node, uint32_t hyp)
{
	uint32_t e = (node << b->hyp_shift) | hyp;

	if (node == NFA_NONE || b->stamp[e] == b->now)
		return;
	b->stamp[e] = b->now;
	vec_push(b, &b->stack, e);
}

static int
holds(enum nfa_at at, enum ctx prev, enum ctx next)
{
	switch (at) {
	case NFA_AT_BEGIN:
		return prev == CTX_EDGE;
	case NFA_AT_END:
		return next == CTX_EDGE;
	case NFA_AT_LINE_BEGIN:
		return prev == CTX_EDGE || prev == CTX_NL;
	case NFA_AT_LINE_END:
		return next == CTX_EDGE || next == CTX_NL;
	case NFA_AT_WORD:
		return (prev == CTX_WORD) != (next == CTX_WORD);
	case NFA_AT_NO_WORD:
		return (prev == CTX_WORD) == (next == CTX_WORD);
	}
	return 0;
}

/*
 * Follow what takes no byte from everything on the stack into out; assertions
 * too, where next is known (not CTX_MAX), else they stay.
 */
static void
follow(struct build *b, struct vec *out, enum ctx prev, enum ctx next)
{
	const struct nfa_node *x;
	uint32_t e, hyp;

	while (b->stack.n > 0 && b->err == 0) {
		e = b->stack.v[--b->stack.n];
		hyp = e & ((1u << b->hyp_shift) - 1);
		x = &b->n->nodes[e >> b->hyp_shift];
		b->work++;
		if (x->type == NFA_EMPTY || x->type == NFA_SPLIT)
			push(b, x->out, hyp);
		if (x->type == NFA_SPLIT)
			push(b, x->arg, hyp);
		if (x->type == NFA_ASSERT && next != CTX_MAX &&
		    holds((enum nfa_at)x->arg, prev, next))
			push(b, x->out, hyp);
		if (x->type == NFA_SET || x->type == NFA_STRAY ||
		    x->type == NFA_MATCH ||
		    (x->type == NFA_ASSERT && next == CTX_MAX))
			vec_push(b, out, e);
	}
	if (b->work > WORK_MAX || b->work > b->work_max)
		b->err = E2BIG;
}

/* The number of the state made of b->out, reached over a byte of ctx prev. */
static uint32_t
state_of(struct build *b, enum ctx prev)
{
	uint32_t i, note = 0;

	for (i = 0; b->has_assert && i < b->out.n && note == 0; i++) {
		if (b->n->nodes[b->out.v[i] >> b->hyp_shift].type == NFA_ASSERT)
			note = 1u + (uint32_t)prev;
	}
	vec_sort(b, &b->out);
	return lists_intern(b, &b->states, &b->out, note);
}

static uint32_t
hyp_after(const struct build *b, uint32_t type, uint32_t hyp, unsigned int c)
{
	if (type == NFA_STRAY && b->opens[c] != HYP_NONE)
		return b->opens[c];
	if (hyp == HYP_NONE || c < hyp_tab[hyp].lo || c > hyp_tab[hyp].hi)
		return HYP_NONE;
	return hyp_tab[hyp].then;
}

/* The state after class c from the resolved elements in b->full. */
static uint32_t
step(struct build *b, unsigned int c)
{
	const struct nfa_node *x;
	uint32_t i, hyp;

	b->out.n = 0;
	b->now++;
	for (i = 0; i < b->full.n; i++) {
		x = &b->n->nodes[b->full.v[i] >> b->hyp_shift];
		if ((x->type != NFA_SET && x->type != NFA_STRAY) ||
		    !nfa_set_has(&b->by_cls[x->arg], c))
			continue;
		hyp = b->full.v[i] & ((1u << b->hyp_shift) - 1);
		if (b->hyp_shift != 0)
			hyp = hyp_after(b, x->type, hyp, b->rep[c]);
		if (hyp != HYP_DEAD)
			push(b, x->out, hyp);
	}
	b->work += b->full.n;
	follow(b, &b->out, CTX_MAX, CTX_MAX);
	return state_of(b, (enum ctx)b->cls_ctx[c]);
}

/* ---- which classes a state need not tell apart ---- */

struct blocks {
	uint16_t of[256]; /* by class */
	unsigned int n;
};

static void
blocks_split(struct build *b, struct blocks *k, const struct nfa_set *s)
{
	int16_t to[512];
	unsigned int c, key, n = 0;

	memset(to, 0xff, (size_t)k->n * 2 * sizeof(to[0]));
	for (c = 0; c < b->ncls; c++) {
		key = k->of[c] * 2u + (unsigned int)nfa_set_has(s, c);
		if (to[key] < 0)
			to[key] = (int16_t)n++;
		k->of[c] = (uint16_t)to[key];
	}
	k->n = n;
}

static void
blocks_find(struct build *b, struct blocks *k)
{
	const struct nfa_node *x;
	uint32_t i, hyp;
	int strays = 0;

	memset(k, 0, sizeof(*k));
	k->n = 1;
	b->set_now++;
	for (i = 0; i < b->full.n; i++) {
		x = &b->n->nodes[b->full.v[i] >> b->hyp_shift];
		hyp = b->full.v[i] & ((1u << b->hyp_shift) - 1);
		if (x->type != NFA_SET && x->type != NFA_STRAY)
			continue;
		strays |= x->type == NFA_STRAY || hyp != HYP_NONE;
		if (b->set_stamp[x->arg] == b->set_now)
			continue;
		b->set_stamp[x->arg] = b->set_now;
		blocks_split(b, k, &b->by_cls[x->arg]);
	}
	for (i = 0; strays && i < NLEADS; i++)
		blocks_split(b, k, &b->lead_cls[i]);
}

/* ---- the construction ---- */

static int
room_for_state(struct build *b)
{
	uint32_t want;
	void *p;

	if (b->t.nstates >= b->max_states) {
		b->err = E2BIG;
		return -1;
	}
	if (b->t.nstates < b->next_cap)
		return 0;
	want = b->next_cap == 0 ? 256 : b->next_cap * 2;
	p = reallocarray(b->t.next, (size_t)want * b->ncls, sizeof(*b->t.next));
	if (p != NULL) {
		b->t.next = p;
		p = reallocarray(b->t.accept, want, sizeof(*b->t.accept));
	}
	if (p == NULL) {
		b->err = ENOMEM;
		return -1;
	}
	b->t.accept = p;
	b->next_cap = want;
	return 0;
}

/* The elements of state s with assertions resolved before next, in b->full. */
static void
resolve(struct build *b, uint32_t s, enum ctx next)
{
	const struct list *l = &b->states.v[s];
	uint32_t i;

	b->full.n = 0;
	if (l->note == 0) {
		for (i = 0; i < l->n; i++)
			vec_push(b, &b->full, b->states.mem[l->off + i]);
		return;
	}
	b->now++;
	for (i = 0; i < l->n; i++)
		push(b, b->states.mem[l->off + i] >> b->hyp_shift,
		    b->states.mem[l->off + i] & ((1u << b->hyp_shift) - 1));
	follow(b, &b->full, (enum ctx)(l->note - 1), next);
}

/* What is accepted when the text ends with b->full. */
static uint32_t
accept_of(struct build *b)
{
	const struct nfa_node *x;
	uint32_t i, k;

	b->found.n = 0;
	for (i = 0; i < b->full.n; i++) {
		x = &b->n->nodes[b->full.v[i] >> b->hyp_shift];
		if (x->type == NFA_MATCH)
			vec_push(b, &b->found, x->arg);
	}
	vec_sort(b, &b->found);
	for (i = k = 0; i < b->found.n; i++) {
		if (i == 0 || b->found.v[i] != b->found.v[k - 1])
			b->found.v[k++] = b->found.v[i];
	}
	b->found.n = k;
	return lists_intern(b, &b->tags, &b->found, 0);
}

/* The transitions of s over the classes of context x (CTX_MAX: all). */
static void
expand_over(struct build *b, uint32_t s, enum ctx x)
{
	struct blocks k;
	uint32_t to[256];
	unsigned int c;

	blocks_find(b, &k);
	if (b->has_assert) {
		/* the context of a byte is part of where it leads */
		struct nfa_set nl = ctx_set(CTX_NL), word = ctx_set(CTX_WORD);

		nl = set_by_class(b, &nl);
		word = set_by_class(b, &word);
		blocks_split(b, &k, &nl);
		blocks_split(b, &k, &word);
	}
	memset(to, 0xff, sizeof(to));
	for (c = 0; c < b->ncls && b->err == 0; c++) {
		if (x != CTX_MAX && b->cls_ctx[c] != x)
			continue;
		if (to[k.of[c]] == UINT32_MAX)
			to[k.of[c]] = step(b, c);
		b->t.next[(size_t)s * b->ncls + c] = to[k.of[c]];
	}
}

static void
expand(struct build *b, uint32_t s)
{
	unsigned int x;

	if (room_for_state(b) == -1)
		return;
	b->t.nstates++;
	resolve(b, s, CTX_EDGE);
	b->t.accept[s] = accept_of(b);
	if (b->states.v[s].note == 0) {
		expand_over(b, s, CTX_MAX);
		return;
	}
	for (x = CTX_NL; x < CTX_MAX; x++) {
		resolve(b, s, (enum ctx)x);
		expand_over(b, s, (enum ctx)x);
	}
}

static int
construct(struct build *b)
{
	uint32_t i;

	lists_intern(b, &b->tags, &b->found, 0); /* the empty set is 0 */
	b->now++;
	for (i = 0; i < b->n->nstarts; i++)
		push(b, b->n->starts[i], HYP_NONE);
	follow(b, &b->out, CTX_MAX, CTX_MAX);
	state_of(b, CTX_EDGE);
	for (i = 0; i < b->states.n && b->err == 0; i++)
		expand(b, i);
	b->t.start = 0;
	b->t.nclasses = b->ncls;
	memcpy(b->t.class, b->class, sizeof(b->class));
	return b->err == 0 ? 0 : -1;
}

/* ---- packing ---- */

static struct dfa_hdr *
pack(const struct dfatab *t, uint32_t settled, uint32_t naccept)
{
	unsigned int c, width = t->nstates <= 65536 ? 2 : 4;
	size_t i = 0, cells = (size_t)t->nstates * t->nclasses;
	size_t size = (sizeof(struct dfa_hdr) + 256 + (size_t)t->nstates * 4 +
			  cells * width + 7) &
	    ~(size_t)7;
	struct dfa_hdr *d = calloc(1, size);
	uint8_t *class = (uint8_t *)(d + 1);
	uint32_t *accept = (uint32_t *)(void *)(class + 256), s;
	uint32_t *next32 = accept + t->nstates;
	uint16_t *next16 = (uint16_t *)next32;

	if (d == NULL || size > UINT32_MAX) {
		free(d);
		return NULL;
	}
	d->magic = DFA_MAGIC;
	d->size_bytes = (uint32_t)size;
	d->nstates = t->nstates;
	d->nsettled = settled;
	d->start = t->start;
	d->naccept = naccept;
	d->nclasses = (uint16_t)t->nclasses;
	d->width = (uint8_t)width;
	memcpy(class, t->class, 256);
	memcpy(accept, t->accept, t->nstates * sizeof(*accept));
	for (c = 0; c < t->nclasses; c++) {
		for (s = 0; s < t->nstates; s++, i++) {
			if (width == 2)
				next16[i] =
				    (uint16_t)
					t->next[(size_t)s * t->nclasses + c];
			else
				next32[i] =
				    t->next[(size_t)s * t->nclasses + c];
		}
	}
	return d;
}

/* The tag sets, each with its number as it stands in the automaton. */
static int
take_sets(struct dfabuild *out, struct build *b)
{
	const struct lists *l = &b->tags;
	uint32_t i;

	out->sets = calloc(l->n, sizeof(*out->sets));
	if (out->sets == NULL)
		return -1;
	for (i = 0; i < l->n; i++) {
		if (l->v[i].n > 0)
			out->sets[i].tags = l->mem + l->v[i].off;
		out->sets[i].n = l->v[i].n;
	}
	out->nsets = l->n;
	out->tags = b->tags.mem;
	b->tags.mem = NULL;
	return 0;
}

/* ---- witnesses ---- */

/* Bytes in the order in which a reader would like to see them. */
static void
nice_bytes(uint8_t order[256])
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				    "/.-_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "=:,+@%~#!^()[]{}<>?*|&;$'\"`\\ ";
	uint8_t seen[256] = { 0 };
	unsigned int i, n = 0;

	for (i = 0; first[i] != '\0'; i++) {
		order[n++] = (uint8_t)first[i];
		seen[(uint8_t)first[i]] = 1;
	}
	for (i = 1; i <= 256; i++) {
		if (!seen[i & 255])
			order[n++] = (uint8_t)i;
	}
}

/* One byte of each class of d, nice ones first; how many. */
static unsigned int
nice_classes(const struct dfa_hdr *d, uint8_t byte[256])
{
	const uint8_t *class = (const uint8_t *)(d + 1);
	uint8_t order[256], seen[256] = { 0 };
	unsigned int i, n = 0;

	nice_bytes(order);
	for (i = 0; i < 256; i++) {
		if (seen[class[order[i]]])
			continue;
		seen[class[order[i]]] = 1;
		byte[n++] = order[i];
	}
	return n;
}

/* Breadth first over the whole automaton. */
static void
walk(struct dfabuild *b, uint32_t *queue, uint8_t *seen)
{
	uint32_t qh = 0, qt = 0, s, to, id;
	unsigned int k, n;
	uint8_t byte[256];
	char c;

	n = nice_classes(b->dfa, byte);
	queue[qt++] = dfa_start(b->dfa);
	seen[queue[0]] = 1;
	b->steps[queue[0]].from = UINT32_MAX;
	while (qh < qt) {
		s = queue[qh++];
		id = dfa_accept(b->dfa, s);
		if (b->nearest[id] == UINT32_MAX)
			b->nearest[id] = s;
		for (k = 0; k < n; k++) {
			c = (char)byte[k];
			to = dfa_step(b->dfa, s, &c, 1);
			if (seen[to])
				continue;
			seen[to] = 1;
			b->steps[to].from = s;
			b->steps[to].byte = byte[k];
			queue[qt++] = to;
		}
	}
}

static int
find_steps(struct dfabuild *b)
{
	uint32_t n = b->dfa->nstates;
	uint32_t *queue = calloc(n, sizeof(*queue));
	uint8_t *seen = calloc(n, 1);
	int ret = -1;

	b->steps = calloc(n, sizeof(*b->steps));
	b->nearest = calloc(b->nsets, sizeof(*b->nearest));
	if (queue != NULL && seen != NULL && b->steps != NULL &&
	    b->nearest != NULL) {
		memset(b->nearest, 0xff, b->nsets * sizeof(*b->nearest));
		walk(b, queue, seen);
		ret = 0;
	}
	free(queue);
	free(seen);
	return ret;
}

ssize_t
dfabuild_witness(const struct dfabuild *b, uint32_t i, char *buf, size_t size)
{
	uint32_t s, end = i < b->nsets ? b->nearest[i] : UINT32_MAX;
	size_t len = 0, k;

	if (end == UINT32_MAX)
		return -1;
	for (s = end; b->steps[s].from != UINT32_MAX; s = b->steps[s].from)
		len++;
	if (len >= size)
		return -1;
	buf[len] = '\0';
	for (s = end, k = len; k-- > 0; s = b->steps[s].from)
		buf[k] = (char)b->steps[s].byte;
	return (ssize_t)len;
}

/* ---- entry ---- */

int
dfabuild_run(struct dfabuild *out, const struct nfa *nfa,
    unsigned int max_states)
{
	struct build b;
	uint32_t settled = 0;

	memset(out, 0, sizeof(*out));
	if (build_init(&b, nfa, max_states) == 0 && construct(&b) == 0) {
		b.err = ENOMEM;
		if (dfamin_run(&b.t, &settled) == 0 &&
		    (out->dfa = pack(&b.t, settled, b.tags.n - 1)) != NULL &&
		    take_sets(out, &b) == 0 && find_steps(out) == 0)
			b.err = 0;
	}
	build_clear(&b);
	if (b.err != 0) {
		dfabuild_clear(out);
		errno = b.err;
		return -1;
	}
	return 0;
}

void
dfabuild_clear(struct dfabuild *b)
{
	free(b->dfa);
	free(b->sets);
	free(b->tags);
	free(b->steps);
	free(b->nearest);
	memset(b, 0, sizeof(*b));
}

int
dfabuild_has(const struct dfabuild *b, uint32_t i, uint32_t tag)
{
	const struct dfabuild_set *s = &b->sets[i];
	unsigned int lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->tags[mid] == tag)
			return 1;
		if (s->tags[mid] < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}
