/*
 * Globs to automata, in three steps: symbols to tokens, braces to a list of
 * plain rows of tokens, each row to a fragment.  Runs in policyd.
 *
 * Trusts nothing in a pattern; must never recurse on it, and bounds what braces
 * may multiply to.
 */

#include "policyd/glob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/unitab.h"

#define ALTERNATIVES_MAX 4096u
#define ROW_TOKENS_MAX	 (1u << 20) /* of all rows that braces make */

enum tok_type {
	TOK_BYTE, /* u is the byte */
	TOK_CHAR, /* u is a code point whose case is ignored */
	TOK_STAR,
	TOK_STARSTAR,
	TOK_ANY, /* ? */
	TOK_CLASS, /* u is the index of the class */
	TOK_OPEN,
	TOK_COMMA,
	TOK_CLOSE
};

struct tok {
	enum tok_type type;
	uint32_t u;
	size_t at; /* symbol */
};

struct row {
	struct tok *v;
	size_t n;
};

struct parse {
	struct nfa *nfa;
	const struct pat *pat;
	struct pat_err *e;
	enum glob_kind kind;
	int nocase;
	int sep; /* -1: none */
	struct row all;
	struct nfa_ranges *classes;
	uint8_t *negated;
	uint32_t nclasses;
	size_t depth; /* open braces */
	size_t open_at[64]; /* where each stands */
	size_t row_tokens, alternatives;
};

/* ---- tokens ---- */

static void
add_tok(struct parse *p, enum tok_type type, uint32_t u, size_t at)
{
	struct tok *t = &p->all.v[p->all.n++];

	t->type = type;
	t->u = u;
	t->at = at;
}

/* One member character at *i, escapes undone; 0 or -1. */
static int
class_char(struct parse *p, size_t *i, uint32_t *cp)
{
	size_t len;

	if (pat_at(p->pat, *i) == '\\') {
		(*i)++;
		if (pat_at(p->pat, *i) == PAT_END)
			return pat_fail(p->pat, *i - 1, p->e,
			    "'\\' at the end of the pattern");
	}
	if ((len = pat_utf8(p->pat, *i, cp)) == 0)
		return pat_fail(p->pat, *i, p->e, "class is not valid UTF-8");
	*i += len;
	return 0;
}

static int
class_members(struct parse *p, size_t open, size_t *i, struct nfa_ranges *r)
{
	uint32_t lo = 0, hi;
	size_t at;

	while (pat_at(p->pat, *i) != ']') {
		at = *i;
		if (pat_at(p->pat, at) == PAT_END)
			return pat_fail(p->pat, open, p->e,
			    "'[' is never closed");
		if (class_char(p, i, &lo) == -1)
			return -1;
		hi = lo;
		if (pat_at(p->pat, *i) == '-' &&
		    pat_at(p->pat, *i + 1) != ']' &&
		    pat_at(p->pat, *i + 1) != PAT_END) {
			(*i)++;
			if (class_char(p, i, &hi) == -1)
				return -1;
		}
		if (hi < lo)
			return pat_fail(p->pat, at, p->e,
			    "range ends before it begins");
		nfa_ranges_add(r, lo, hi);
	}
	(*i)++;
	return 0;
}

static int
lex_class(struct parse *p, size_t *i)
{
	struct nfa_ranges *r = &p->classes[p->nclasses];
	size_t open = (*i)++;
	uint8_t *neg = &p->negated[p->nclasses];

	add_tok(p, TOK_CLASS, p->nclasses++, open);
	if (pat_at(p->pat, *i) == '^')
		return pat_fail(p->pat, *i, p->e,
		    "'[^' has two readings: write '[!' to negate, "
		    "'[\\^' for the character");
	if (pat_at(p->pat, *i) == '!') {
		*neg = 1;
		(*i)++;
	}
	if (pat_at(p->pat, *i) == ']')
		return pat_fail(p->pat, open, p->e,
		    "empty class; write '\\]' for a bracket in a class");
	if (class_members(p, open, i, r) == -1)
		return -1;
	if (p->nocase)
		unitab_fold(r);
	if (*neg && p->sep >= 0)
		nfa_ranges_add(r, (uint32_t)p->sep, (uint32_t)p->sep);
	nfa_ranges_sort(r);
	if (*neg)
		nfa_ranges_negate(r);
	return 0;
}

static int
lex_brace(struct parse *p, int c, size_t *i)
{
	if (c == '{') {
		if (p->depth == sizeof(p->open_at) / sizeof(p->open_at[0]))
			return pat_fail(p->pat, *i, p->e,
			    "braces are nested too deeply");
		p->open_at[p->depth++] = *i;
		add_tok(p, TOK_OPEN, 0, (*i)++);
	} else if (p->depth == 0) {
		add_tok(p, TOK_BYTE, (uint32_t)c, (*i)++);
	} else if (c == '}') {
		p->depth--;
		add_tok(p, TOK_CLOSE, 0, (*i)++);
	} else
		add_tok(p, TOK_COMMA, 0, (*i)++);
	return 0;
}

/* A character that stands for itself, from symbol *i on. */
static void
lex_self(struct parse *p, size_t *i)
{
	uint32_t cp;
	size_t len = p->nocase ? pat_utf8(p->pat, *i, &cp) : 0;

	if (len == 0) {
		add_tok(p, TOK_BYTE, p->pat->sym[*i] & 0xff, *i);
		(*i)++;
		return;
	}
	/* the separator stays a byte, so that it is seen as one */
	add_tok(p, (int)cp == p->sep ? TOK_BYTE : TOK_CHAR, cp, *i);
	*i += len;
}

static int
lex_one(struct parse *p, size_t *i)
{
	int c = pat_at(p->pat, *i);
	size_t at = *i;

	switch (c) {
	case '*':
		while (pat_at(p->pat, *i) == '*')
			(*i)++;
		add_tok(p, *i - at > 1 ? TOK_STARSTAR : TOK_STAR, 0, at);
		return 0;
	case '?':
		add_tok(p, TOK_ANY, 0, (*i)++);
		return 0;
	case '[':
		return lex_class(p, i);
	case '{':
	case '}':
	case ',':
		return lex_brace(p, c, i);
	case '\\':
		(*i)++;
		if (pat_at(p->pat, *i) == PAT_END)
			return pat_fail(p->pat, at, p->e,
			    "'\\' at the end of the pattern");
		lex_self(p, i);
		return 0;
	default:
		lex_self(p, i);
		return 0;
	}
}

static int
lex(struct parse *p)
{
	size_t i = 0;

	while (i < p->pat->n) {
		if (lex_one(p, &i) == -1)
			return -1;
	}
	if (p->depth > 0)
		return pat_fail(p->pat, p->open_at[p->depth - 1], p->e,
		    "'{' is never closed");
	return 0;
}

/* ---- rows to fragments ---- */

static struct nfa_frag
any_bytes(struct parse *p, int cross)
{
	struct nfa_set s;

	memset(&s, 0xff, sizeof(s));
	if (!cross && p->sep >= 0)
		s.w[p->sep >> 6] &= ~((uint64_t)1 << (p->sep & 63));
	return nfa_bytes(p->nfa, &s);
}

static struct nfa_frag
any_char(struct parse *p)
{
	struct nfa_ranges r = { 0 };
	struct nfa_frag f;

	if (p->sep >= 0)
		nfa_ranges_add(&r, (uint32_t)p->sep, (uint32_t)p->sep);
	nfa_ranges_negate(&r);
	f = nfa_class(p->nfa, &r, 1);
	nfa_ranges_clear(&r);
	return f;
}

static struct nfa_frag
folded_char(struct parse *p, uint32_t cp)
{
	struct nfa_ranges r = { 0 };
	struct nfa_frag f;

	nfa_ranges_add(&r, cp, cp);
	unitab_fold(&r);
	f = nfa_class(p->nfa, &r, 0);
	nfa_ranges_clear(&r);
	return f;
}

static int
is_sep(const struct parse *p, const struct row *r, size_t i)
{
	return i < r->n && r->v[i].type == TOK_BYTE && p->sep >= 0 &&
	    r->v[i].u == (uint32_t)p->sep;
}

/* A slash and two stars that are a component: nothing, or any levels. */
static int
is_levels(const struct parse *p, const struct row *r, size_t i)
{
	return p->kind == GLOB_PATH && is_sep(p, r, i) && i + 1 < r->n &&
	    r->v[i + 1].type == TOK_STARSTAR &&
	    (i + 2 == r->n || is_sep(p, r, i + 2));
}

static struct nfa_frag
row_token(struct parse *p, const struct row *r, size_t *i)
{
	const struct tok *t = &r->v[*i];
	struct nfa_frag f;

	if (is_levels(p, r, *i)) {
		f = nfa_byte(p->nfa, (uint8_t)p->sep);
		f = nfa_cat(p->nfa, f, nfa_star(p->nfa, any_bytes(p, 1)));
		*i += 2;
		return nfa_opt(p->nfa, f);
	}
	(*i)++;
	switch (t->type) {
	case TOK_STAR:
		if (p->kind == GLOB_DOMAIN && *i == 1 && is_sep(p, r, 1))
			return nfa_plus(p->nfa, any_bytes(p, 1));
		return nfa_star(p->nfa,
		    any_bytes(p, r->n == 1 && p->kind != GLOB_BASENAME));
	case TOK_STARSTAR:
		return nfa_star(p->nfa, any_bytes(p, p->kind != GLOB_BASENAME));
	case TOK_ANY:
		return any_char(p);
	case TOK_CLASS:
		return nfa_class(p->nfa, &p->classes[t->u], p->negated[t->u]);
	case TOK_CHAR:
		return folded_char(p, t->u);
	case TOK_BYTE:
	case TOK_OPEN:
	case TOK_COMMA:
	case TOK_CLOSE:
		break;
	}
	return nfa_byte(p->nfa, (uint8_t)t->u);
}

static int
is_star(const struct tok *t)
{
	return t->type == TOK_STAR || t->type == TOK_STARSTAR;
}

/* What braces brought together: stars meet stars, slashes slashes. */
static void
tidy_row(const struct parse *p, struct row *r)
{
	size_t i, k = 0;

	for (i = 0; i < r->n; i++) {
		if (k > 0 && is_star(&r->v[k - 1]) && is_star(&r->v[i]))
			r->v[k - 1].type = TOK_STARSTAR;
		else if (k == 0 || p->kind != GLOB_PATH ||
		    !is_sep(p, r, k - 1) || !is_sep(p, r, i))
			r->v[k++] = r->v[i];
	}
	r->n = k;
	if (p->kind == GLOB_DOMAIN && r->n > 1 && is_sep(p, r, r->n - 1))
		r->n--;
}

static struct nfa_frag
compile_row(struct parse *p, struct row *r)
{
	struct nfa_frag f = nfa_empty(p->nfa);
	size_t i = 0;

	tidy_row(p, r);
	if (p->kind == GLOB_BASENAME) {
		f = nfa_star(p->nfa, any_bytes(p, 1));
		f = nfa_cat(p->nfa, f, nfa_byte(p->nfa, '/'));
		f = nfa_opt(p->nfa, f);
	}
	while (i < r->n)
		f = nfa_cat(p->nfa, f, row_token(p, r, &i));
	return f;
}

/* ---- braces ---- */

/* The rows that wait to be expanded; the next is on top. */
struct rows {
	struct row *v;
	size_t n, cap;
};

static int
rows_push(struct rows *s, const struct row *r)
{
	struct row *v;

	if (s->n == s->cap) {
		v = reallocarray(s->v, s->cap * 2 + 16, sizeof(*v));
		if (v == NULL)
			return -1;
		s->v = v;
		s->cap = s->cap * 2 + 16;
	}
	s->v[s->n++] = *r;
	return 0;
}

static size_t
find_open(const struct row *r)
{
	size_t i;

	for (i = 0; i < r->n && r->v[i].type != TOK_OPEN; i++)
		continue;
	return i;
}

/* r without the group open..close but with its tokens from..to-1. */
static int
push_choice(struct parse *p, struct rows *s, const struct row *r, size_t open,
    size_t close, size_t from, size_t to)
{
	struct row out = { NULL, r->n - (close + 1 - open) + (to - from) };

	p->row_tokens += out.n;
	if (p->row_tokens > ROW_TOKENS_MAX ||
	    ++p->alternatives > ALTERNATIVES_MAX)
		return pat_fail(p->pat, r->v[open].at, p->e,
		    "braces multiply to too many alternatives");
	if ((out.v = calloc(out.n + 1, sizeof(*out.v))) == NULL ||
	    rows_push(s, &out) == -1) {
		free(out.v);
		return pat_fail(p->pat, 0, p->e, "out of memory");
	}
	memcpy(out.v, r->v, open * sizeof(*out.v));
	memcpy(out.v + open, r->v + from, (to - from) * sizeof(*out.v));
	memcpy(out.v + open + to - from, r->v + close + 1,
	    (r->n - close - 1) * sizeof(*out.v));
	return 0;
}

/* Push one row for each alternative of r's first group. */
static int
split_group(struct parse *p, struct rows *s, const struct row *r, size_t open)
{
	size_t i, close, from, depth = 0;

	for (close = open;; close++) {
		if (r->v[close].type == TOK_OPEN)
			depth++;
		if (r->v[close].type == TOK_CLOSE && --depth == 0)
			break;
	}
	for (i = from = open + 1; i <= close; i++) {
		if (r->v[i].type == TOK_OPEN)
			depth++;
		else if (r->v[i].type == TOK_CLOSE && i < close)
			depth--;
		else if (i == close ||
		    (r->v[i].type == TOK_COMMA && depth == 0)) {
			if (push_choice(p, s, r, open, close, from, i) == -1)
				return -1;
			from = i + 1;
		}
	}
	return 0;
}

static int
expand(struct parse *p, struct nfa_frag *f)
{
	struct rows s = { NULL, 0, 0 };
	struct row r = p->all;
	struct nfa_frag one;
	size_t open;
	int ret = 0, have = 0;

	for (;;) {
		if ((open = find_open(&r)) < r.n)
			ret = split_group(p, &s, &r, open);
		else {
			one = compile_row(p, &r);
			*f = have ? nfa_alt(p->nfa, *f, one) : one;
			have = 1;
		}
		if (r.v != p->all.v)
			free(r.v);
		if (ret == -1 || s.n == 0)
			break;
		r = s.v[--s.n];
	}
	while (s.n > 0)
		free(s.v[--s.n].v);
	free(s.v);
	return ret;
}

/* ---- entry ---- */

static int
parse_init(struct parse *p, const struct pat *pat)
{
	static const int sep[] = { [GLOB_PATH] = '/',
		[GLOB_PLAIN] = -1,
		[GLOB_DOMAIN] = '.',
		[GLOB_BASENAME] = '/' };

	p->pat = pat;
	p->sep = sep[p->kind];
	if (p->kind == GLOB_DOMAIN)
		p->nocase = 1;
	p->all.v = calloc(pat->n + 1, sizeof(*p->all.v));
	p->classes = calloc(pat->n + 1, sizeof(*p->classes));
	p->negated = calloc(pat->n + 1, 1);
	if (p->all.v == NULL || p->classes == NULL || p->negated == NULL)
		return pat_fail(pat, 0, p->e, "out of memory");
	return 0;
}

static void
parse_clear(struct parse *p)
{
	uint32_t i;

	for (i = 0; i < p->nclasses; i++)
		nfa_ranges_clear(&p->classes[i]);
	free(p->classes);
	free(p->negated);
	free(p->all.v);
}

static int
add_pat(struct parse *p, const struct pat *pat, uint32_t tag)
{
	struct nfa_frag f = { 0, 0, 0 };

	if (parse_init(p, pat) == -1 || lex(p) == -1)
		return -1;
	nfa_begin(p->nfa);
	if (expand(p, &f) == -1) {
		nfa_abort(p->nfa);
		return -1;
	}
	if (nfa_end(p->nfa, f, tag) == -1)
		return pat_fail(pat, 0, p->e,
		    errno == E2BIG ? "pattern is too large" : "out of memory");
	return 0;
}

int
glob_add(struct nfa *nfa, uint32_t tag, enum glob_kind kind, unsigned int flags,
    const struct piece *v, unsigned int n, struct pat_err *e)
{
	struct parse p = { .nfa = nfa, .e = e, .kind = kind };
	struct pat pat;
	int ret;

	p.nocase = (flags & GLOB_NOCASE) != 0;
	if (pat_init(&pat, v, n, e) == -1)
		return -1;
	ret = add_pat(&p, &pat, tag);
	parse_clear(&p);
	pat_clear(&pat);
	return ret;
}

int
glob_add_str(struct nfa *nfa, uint32_t tag, enum glob_kind kind,
    unsigned int flags, const char *pattern, struct pat_err *e)
{
	struct piece v = { .s = pattern, .len = strlen(pattern) };

	return glob_add(nfa, tag, kind, flags, &v, 1, e);
}
