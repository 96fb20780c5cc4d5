/*
 * RE2's dialect of regular expressions, parsed with an explicit stack straight
 * into fragments.  Runs in policyd.
 *
 * Trusts nothing in a pattern; must never recurse on it.  A pattern that is not
 * regular, or that asks for more nodes than nfa.h allows, is an error with its
 * place, never an approximation.
 */

#include "policyd/regex.h"

#include <errno.h>
#include <string.h>

#include "policyd/unitab.h"

#define DEPTH_MAX  250
#define REPEAT_MAX 1000
#define CP_MAX	   0x10ffffu
#define CP_BAD	   0xfffdu /* what a stray byte counts as */
#define NELEM(a)   (sizeof(a) / sizeof((a)[0]))

#define F_NOCASE   0x1u
#define F_DOTALL   0x2u
#define F_MULTI	   0x4u

/* An open group: its alternatives so far, and the one being read. */
struct frame {
	struct nfa_frag alt, cat;
	int have_alt, have_cat;
	unsigned int flags; /* to go back to */
	size_t at; /* symbol of its '(' */
};

struct parse {
	struct nfa *nfa;
	const struct pat *pat;
	struct pat_err *e;
	size_t i; /* next symbol */
	unsigned int flags;
	unsigned int depth;
	int quoting; /* inside \Q..\E */
	struct frame f[DEPTH_MAX];
};

static int
peek(const struct parse *p, size_t ahead)
{
	return pat_at(p->pat, p->i + ahead);
}

/* ---- classes ---- */

struct named {
	const char *name;
	struct nfa_range r[4];
	unsigned int n;
};

/* clang-format off */
static const struct named perl_tab[] = {
	{ "d", { { '0', '9' } }, 1 },
	{ "s", { { '\t', '\n' }, { '\f', '\r' }, { ' ', ' ' } }, 3 },
	{ "w", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
};

static const struct named posix_tab[] = {
	{ "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } }, 3 },
	{ "alpha", { { 'A', 'Z' }, { 'a', 'z' } }, 2 },
	{ "ascii", { { 0, 0x7f } }, 1 },
	{ "blank", { { '\t', '\t' }, { ' ', ' ' } }, 2 },
	{ "cntrl", { { 0, 0x1f }, { 0x7f, 0x7f } }, 2 },
	{ "digit", { { '0', '9' } }, 1 },
	{ "graph", { { '!', '~' } }, 1 },
	{ "lower", { { 'a', 'z' } }, 1 },
	{ "print", { { ' ', '~' } }, 1 },
	{ "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } },
	    4 },
	{ "space", { { '\t', '\r' }, { ' ', ' ' } }, 2 },
	{ "upper", { { 'A', 'Z' } }, 1 },
	{ "word", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } },
	    4 },
	{ "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } }, 3 },
};
/* clang-format on */

/* Add one's members to r: folded where case is ignored, then negated. */
static void
add_group(const struct parse *p, struct nfa_ranges *r, struct nfa_ranges *one,
    int negate)
{
	uint32_t i;

	if (p->flags & F_NOCASE)
		unitab_fold(one);
	nfa_ranges_sort(one);
	if (negate)
		nfa_ranges_negate(one);
	for (i = 0; i < one->n; i++)
		nfa_ranges_add(r, one->v[i].lo, one->v[i].hi);
	r->failed |= one->failed;
	nfa_ranges_clear(one);
}

static void
add_named(const struct parse *p, struct nfa_ranges *r, const struct named *n,
    int negate)
{
	struct nfa_ranges one = { 0 };
	unsigned int i;

	for (i = 0; i < n->n; i++)
		nfa_ranges_add(&one, n->r[i].lo, n->r[i].hi);
	add_group(p, r, &one, negate);
}

/* \d and its kin at p->i: 1 and taken, or 0. */
static int
perl_class(struct parse *p, struct nfa_ranges *r)
{
	int c = peek(p, 1);
	size_t i;

	for (i = 0; peek(p, 0) == '\\' && i < NELEM(perl_tab); i++) {
		if (c != perl_tab[i].name[0] &&
		    c != perl_tab[i].name[0] - 'a' + 'A')
			continue;
		add_named(p, r, &perl_tab[i], c != perl_tab[i].name[0]);
		p->i += 2;
		return 1;
	}
	return 0;
}

/* \pN \p{Lu} \P{^Lu} at p->i: 1 and taken, 0, or -1. */
static int
unicode_class(struct parse *p, struct nfa_ranges *r)
{
	struct nfa_ranges one = { 0 };
	size_t at = p->i, len = 0;
	int c, negate = peek(p, 1) == 'P';
	char name[32];

	if (peek(p, 0) != '\\' || (peek(p, 1) != 'p' && peek(p, 1) != 'P'))
		return 0;
	p->i += 2;
	if (peek(p, 0) == '{') {
		if (peek(p, 1) == '^') {
			negate = !negate;
			p->i++;
		}
		while ((c = pat_at(p->pat, ++p->i)) != '}') {
			if (c < 0x20 || c > 0x7e || len == sizeof(name))
				return pat_fail(p->pat, at, p->e,
				    "'\\p{' without a short name and '}'");
			name[len++] = (char)c;
		}
	} else if (peek(p, 0) >= 'A' && peek(p, 0) <= 'Z')
		name[len++] = (char)peek(p, 0);
	p->i++;
	if (!unitab_category(name, len, &one))
		return pat_fail(p->pat, at, p->e,
		    "not a general category: "
		    "\\p takes L, Lu, N, Nd, P and the like, no scripts");
	add_group(p, r, &one, negate);
	return 1;
}

/* [:alpha:] inside a class at p->i: 1 and taken, 0, or -1. */
static int
posix_class(struct parse *p, struct nfa_ranges *r)
{
	size_t at = p->i, len = 0, i;
	int c, negate;
	char name[16];

	if (peek(p, 0) != '[' || peek(p, 1) != ':')
		return 0;
	negate = peek(p, 2) == '^';
	for (i = at + 2 + (size_t)negate;; i++) {
		c = pat_at(p->pat, i);
		if (c < 'a' || c > 'z' || len == sizeof(name) - 1)
			break;
		name[len++] = (char)c;
	}
	if (c != ':' || pat_at(p->pat, i + 1) != ']')
		return 0; /* a '[' and a ':' that stand for themselves */
	name[len] = '\0';
	for (p->i = i + 2, i = 0; i < NELEM(posix_tab); i++) {
		if (strcmp(posix_tab[i].name, name) == 0) {
			add_named(p, r, &posix_tab[i], negate);
			return 1;
		}
	}
	return pat_fail(p->pat, at, p->e, "there is no class [:%s:]", name);
}

/* ---- single characters ---- */

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* After "\x". */
static int
hex_escape(struct parse *p, size_t at, uint32_t *cp)
{
	int braces = peek(p, 0) == '{', d;
	unsigned int n = 0;

	p->i += (size_t)braces;
	for (*cp = 0; (d = hex_digit(peek(p, 0))) >= 0; p->i++, n++) {
		if (!braces && n == 2)
			break;
		*cp = *cp * 16 + (uint32_t)d;
		if (*cp > CP_MAX)
			return pat_fail(p->pat, at, p->e,
			    "there is no character above \\x{10FFFF}");
	}
	if (braces ? (n == 0 || peek(p, 0) != '}') : n != 2)
		return pat_fail(p->pat, at, p->e,
		    "'\\x' needs two hexadecimal digits or {digits}");
	p->i += (size_t)braces;
	return 0;
}

/* After "\" and before an octal digit. */
static int
octal_escape(struct parse *p, size_t at, uint32_t *cp)
{
	int c = peek(p, 0), next = peek(p, 1);
	unsigned int n;

	if (c > '7' || (c != '0' && (next < '0' || next > '7')))
		return pat_fail(p->pat, at, p->e,
		    "back-references are not regular and not supported");
	for (*cp = 0, n = 0; n < 3; n++, p->i++) {
		c = peek(p, 0);
		if (c < '0' || c > '7')
			break;
		*cp = *cp * 8 + (uint32_t)(c - '0');
	}
	return 0;
}

/* "\" at p->i begins an escape for one character. */
static int
char_escape(struct parse *p, uint32_t *cp)
{
	static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
	size_t at = p->i++;
	const char *k;
	int c = peek(p, 0);

	if (c == PAT_END)
		return pat_fail(p->pat, at, p->e,
		    "'\\' at the end of the pattern");
	if (c >= '0' && c <= '9')
		return octal_escape(p, at, cp);
	p->i++;
	if (c == 'x')
		return hex_escape(p, at, cp);
	if (c > 0 && c < 0x80 && (k = strchr(names, c)) != NULL) {
		*cp = (uint8_t)values[k - names];
		return 0;
	}
	if (c == 'C')
		return pat_fail(p->pat, at, p->e,
		    "'\\C' matches half characters and is not supported");
	if (c == 'k' || c == 'g')
		return pat_fail(p->pat, at, p->e,
		    "back-references are not regular and not supported");
	if (c >= 0x80 || c <= 0 || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z'))
		return pat_fail(p->pat, at, p->e, "unknown escape '\\%c'",
		    c > ' ' && c < 0x7f ? c : '?');
	*cp = (uint32_t)c;
	return 0;
}

/* One character, escaped or not, as itself. */
static int
one_char(struct parse *p, uint32_t *cp)
{
	size_t len;

	if (peek(p, 0) == '\\' && !p->quoting)
		return char_escape(p, cp);
	if ((len = pat_utf8(p->pat, p->i, cp)) == 0)
		return pat_fail(p->pat, p->i, p->e,
		    "pattern is not valid UTF-8");
	p->i += len;
	return 0;
}

static struct nfa_frag
char_frag(struct parse *p, uint32_t cp)
{
	struct nfa_ranges r = { 0 };
	struct nfa_frag f;

	nfa_ranges_add(&r, cp, cp);
	if (p->flags & F_NOCASE)
		unitab_fold(&r);
	f = nfa_class(p->nfa, &r, cp == CP_BAD);
	nfa_ranges_clear(&r);
	return f;
}

static int
has_bad(const struct nfa_ranges *r)
{
	uint32_t i;

	for (i = 0; i < r->n; i++) {
		if (r->v[i].lo <= CP_BAD && CP_BAD <= r->v[i].hi)
			return 1;
	}
	return 0;
}

/* ---- bracket expressions ---- */

static int
class_range(struct parse *p, struct nfa_ranges *r)
{
	struct nfa_ranges one = { 0 };
	size_t at = p->i;
	uint32_t lo = 0, hi;

	if (one_char(p, &lo) == -1)
		return -1;
	hi = lo;
	if (peek(p, 0) == '-' && peek(p, 1) != ']' && peek(p, 1) != PAT_END) {
		p->i++;
		if (one_char(p, &hi) == -1)
			return -1;
	}
	if (hi < lo)
		return pat_fail(p->pat, at, p->e,
		    "range ends before it begins");
	nfa_ranges_add(&one, lo, hi);
	add_group(p, r, &one, 0);
	return 0;
}

static int
class_items(struct parse *p, size_t open, struct nfa_ranges *r)
{
	int first = 1, got;

	for (; first || peek(p, 0) != ']'; first = 0) {
		if (peek(p, 0) == PAT_END)
			return pat_fail(p->pat, open, p->e,
			    "'[' is never closed");
		if ((got = posix_class(p, r)) == 0 &&
		    (got = unicode_class(p, r)) == 0 &&
		    (got = perl_class(p, r)) == 0)
			got = class_range(p, r);
		if (got == -1)
			return -1;
	}
	p->i++;
	return 0;
}

static int
bracket(struct parse *p, struct nfa_frag *f)
{
	struct nfa_ranges r = { 0 };
	size_t open = p->i++;
	int negate = peek(p, 0) == '^';

	p->i += (size_t)negate;
	if (class_items(p, open, &r) == -1) {
		nfa_ranges_clear(&r);
		return -1;
	}
	nfa_ranges_sort(&r);
	if (negate)
		nfa_ranges_negate(&r);
	*f = nfa_class(p->nfa, &r, has_bad(&r));
	nfa_ranges_clear(&r);
	return 0;
}

/* ---- atoms ---- */

static struct nfa_frag
dot(struct parse *p)
{
	struct nfa_ranges r = { 0 };
	struct nfa_frag f;

	if (!(p->flags & F_DOTALL))
		nfa_ranges_add(&r, '\n', '\n');
	nfa_ranges_negate(&r);
	f = nfa_class(p->nfa, &r, 1);
	nfa_ranges_clear(&r);
	return f;
}

/* ^ $ \A \z \b \B at p->i: 1 and taken, or 0. */
static int
assertion(struct parse *p, struct nfa_frag *f)
{
	/* clang-format off */
	static const struct {
		char c, escaped;
		uint8_t at, at_multi;
	} tab[] = {
		{ '^', 0, NFA_AT_BEGIN, NFA_AT_LINE_BEGIN },
		{ '$', 0, NFA_AT_END, NFA_AT_LINE_END },
		{ 'A', 1, NFA_AT_BEGIN, NFA_AT_BEGIN },
		{ 'z', 1, NFA_AT_END, NFA_AT_END },
		{ 'b', 1, NFA_AT_WORD, NFA_AT_WORD },
		{ 'B', 1, NFA_AT_NO_WORD, NFA_AT_NO_WORD },
	};
	/* clang-format on */
	int esc = peek(p, 0) == '\\', c = peek(p, (size_t)esc);
	size_t i;

	for (i = 0; i < NELEM(tab); i++) {
		if (tab[i].escaped != esc || tab[i].c != c)
			continue;
		*f = nfa_assert(p->nfa,
		    (enum nfa_at)(
			p->flags & F_MULTI ? tab[i].at_multi : tab[i].at));
		p->i += 1 + (size_t)esc;
		return 1;
	}
	return 0;
}

/* \d \pN .. outside brackets: 1 and taken, 0, or -1. */
static int
escaped_class(struct parse *p, struct nfa_frag *f)
{
	struct nfa_ranges r = { 0 };
	int got;

	if ((got = perl_class(p, &r)) == 0)
		got = unicode_class(p, &r);
	if (got == 1) {
		nfa_ranges_sort(&r);
		*f = nfa_class(p->nfa, &r, has_bad(&r));
	}
	nfa_ranges_clear(&r);
	return got;
}

/* A run of literal symbols, as one atom; bytes that are no UTF-8 as bytes. */
static struct nfa_frag
literal_run(struct parse *p)
{
	struct nfa_frag f = nfa_empty(p->nfa), one;
	uint32_t cp;
	size_t len;

	while (peek(p, 0) != PAT_END && (peek(p, 0) & PAT_LITERAL)) {
		len = pat_utf8(p->pat, p->i, &cp);
		one = len > 0 ? char_frag(p, cp) :
				nfa_byte(p->nfa, (uint8_t)(peek(p, 0) & 0xff));
		f = nfa_cat(p->nfa, f, one);
		p->i += len > 0 ? len : 1;
	}
	return f;
}

static int
atom(struct parse *p, struct nfa_frag *f)
{
	int c = peek(p, 0), got;
	uint32_t cp;

	if (c & PAT_LITERAL) {
		*f = literal_run(p);
		return 0;
	}
	if (!p->quoting) {
		if (c == '.') {
			p->i++;
			*f = dot(p);
			return 0;
		}
		if (c == '[')
			return bracket(p, f);
		if (assertion(p, f))
			return 0;
		if ((got = escaped_class(p, f)) != 0)
			return got == -1 ? -1 : 0;
	}
	if (one_char(p, &cp) == -1)
		return -1;
	*f = char_frag(p, cp);
	return 0;
}

/* ---- repetition ---- */

/* "{n}", "{n,}" or "{n,m}" at symbol i: its length, or 0 if it is none. */
static size_t
braces(const struct parse *p, size_t i, int *min, int *max)
{
	size_t from = i++;
	int *v = min, c;

	*min = *max = -1;
	for (;; i++) {
		c = pat_at(p->pat, i);
		if (c >= '0' && c <= '9') {
			*v = *v < 0 ? 0 : *v;
			*v = *v > REPEAT_MAX ? *v : *v * 10 + (c - '0');
		} else if (c == ',' && v == min && *min >= 0)
			v = max;
		else
			break;
	}
	if (c != '}' || *min < 0)
		return 0;
	if (v == min)
		*max = *min;
	return i + 1 - from;
}

/* A repetition operator at p->i: its length and bounds (max -1: no end). */
static size_t
operator_at(const struct parse *p, int *min, int *max)
{
	switch (peek(p, 0)) {
	case '*':
		*min = 0;
		*max = -1;
		return 1;
	case '+':
		*min = 1;
		*max = -1;
		return 1;
	case '?':
		*min = 0;
		*max = 1;
		return 1;
	case '{':
		return braces(p, p->i, min, max);
	default:
		return 0;
	}
}

static int
repeat(struct parse *p, struct nfa_frag *f)
{
	size_t at = p->i, len;
	int min, max;

	if (p->quoting || (len = operator_at(p, &min, &max)) == 0)
		return 0;
	if (min > REPEAT_MAX || max > REPEAT_MAX)
		return pat_fail(p->pat, at, p->e,
		    "a repetition is at most %d times", REPEAT_MAX);
	if (max >= 0 && min > max)
		return pat_fail(p->pat, at, p->e,
		    "repetition with the larger bound first");
	p->i += len;
	if (peek(p, 0) == '?')
		p->i++; /* lazy: the same texts match */
	*f = nfa_repeat(p->nfa, *f, min, max);
	if (p->nfa->failed == E2BIG)
		return pat_fail(p->pat, at, p->e,
		    "repetition makes the pattern too large");
	at = p->i;
	if (operator_at(p, &min, &max) == 0)
		return 0;
	return pat_fail(p->pat, at, p->e,
	    peek(p, 0) == '+' ?
		"possessive repetition is not supported" :
		"repetition of a repetition: put the inner one in (?:..)");
}

/* ---- groups ---- */

static void
append(struct parse *p, struct nfa_frag f)
{
	struct frame *t = &p->f[p->depth];

	t->cat = t->have_cat ? nfa_cat(p->nfa, t->cat, f) : f;
	t->have_cat = 1;
}

/* The alternative being read joins those before it. */
static void
end_alternative(struct parse *p)
{
	struct frame *t = &p->f[p->depth];

	if (!t->have_cat)
		t->cat = nfa_empty(p->nfa);
	t->alt = t->have_alt ? nfa_alt(p->nfa, t->alt, t->cat) : t->cat;
	t->have_alt = 1;
	t->have_cat = 0;
}

static int
open_group(struct parse *p, size_t at, unsigned int flags)
{
	struct frame *t;

	if (p->depth + 1 == DEPTH_MAX)
		return pat_fail(p->pat, at, p->e,
		    "groups are nested too deeply");
	t = &p->f[++p->depth];
	memset(t, 0, sizeof(*t));
	t->flags = p->flags;
	t->at = at;
	p->flags = flags;
	return 0;
}

static int
close_group(struct parse *p, struct nfa_frag *f)
{
	if (p->depth == 0)
		return pat_fail(p->pat, p->i, p->e, "')' without '('");
	end_alternative(p);
	*f = p->f[p->depth].alt;
	p->flags = p->f[p->depth--].flags;
	p->i++;
	return 0;
}

/* "(?P<name>" or "(?<name>" with p->i at the name. */
static int
group_name(struct parse *p, size_t at)
{
	size_t from = p->i;
	int c;

	for (; (c = peek(p, 0)) != '>'; p->i++) {
		if (c != '_' && !(c >= '0' && c <= '9') &&
		    !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z'))
			break;
	}
	if (c != '>' || p->i == from)
		return pat_fail(p->pat, at, p->e,
		    "group name is empty or not a word");
	p->i++;
	return open_group(p, at, p->flags);
}

/* The letters after "(?", up to ':' or ')'. */
static int
group_flags(struct parse *p, size_t at)
{
	static const char letters[] = "ismU";
	static const unsigned int bits[] = { F_NOCASE, F_DOTALL, F_MULTI, 0 };
	unsigned int flags = p->flags;
	int off = 0, some = 1, c;
	const char *k;

	for (;; p->i++) {
		c = peek(p, 0);
		if (c == '-' && !off) {
			off = 1;
			some = 0;
			continue;
		}
		k = c > 0 && c < 0x80 ? strchr(letters, c) : NULL;
		if (k == NULL)
			break;
		some = 1;
		if (off)
			flags &= ~bits[k - letters];
		else
			flags |= bits[k - letters];
	}
	if ((c != ':' && c != ')') || !some)
		return pat_fail(p->pat, at, p->e, "unknown group '(?%c'",
		    c > ' ' && c < 0x7f ? c : ' ');
	p->i++;
	if (c == ':')
		return open_group(p, at, flags);
	p->flags = flags;
	return 0;
}

/* "(" at p->i. */
static int
group(struct parse *p)
{
	size_t at = p->i++;
	int c, d;

	if (peek(p, 0) != '?')
		return open_group(p, at, p->flags);
	p->i++;
	c = peek(p, 0);
	d = peek(p, 1);
	if (c == '=' || c == '!' || (c == '<' && (d == '=' || d == '!')))
		return pat_fail(p->pat, at, p->e,
		    "look-around is not regular and not supported");
	if (c == '>')
		return pat_fail(p->pat, at, p->e,
		    "atomic groups are not supported");
	if (c == 'P' && (d == '=' || d == '>'))
		return pat_fail(p->pat, at, p->e,
		    "back-references are not regular and not supported");
	if (c == 'P' && d == '<')
		p->i++;
	if (c == '<' || (c == 'P' && d == '<')) {
		p->i++;
		return group_name(p, at);
	}
	return group_flags(p, at);
}

/* ---- the whole ---- */

static int
is_operator(int c)
{
	return c == '*' || c == '+' || c == '?';
}

/* \Q and \E at p->i: 1 and taken, or 0. */
static int
quote_mark(struct parse *p)
{
	if (peek(p, 0) != '\\')
		return 0;
	if (peek(p, 1) != (p->quoting ? 'E' : 'Q') && peek(p, 1) != 'E')
		return 0;
	p->quoting = peek(p, 1) == 'Q';
	p->i += 2;
	return 1;
}

/* One step; the repetition that follows an atom or a group belongs to it. */
static int
step(struct parse *p)
{
	struct nfa_frag f = { 0, 0, 0 };
	int c = peek(p, 0), min, max;

	if (quote_mark(p))
		return 0;
	if (!p->quoting && c == '(')
		return group(p);
	if (!p->quoting && c == '|') {
		end_alternative(p);
		p->i++;
		return 0;
	}
	if (!p->quoting &&
	    (is_operator(c) || (c == '{' && operator_at(p, &min, &max) != 0)))
		return pat_fail(p->pat, p->i, p->e,
		    "nothing stands before '%c' to repeat", c);
	if (!p->quoting && c == ')') {
		if (close_group(p, &f) == -1)
			return -1;
	} else if (atom(p, &f) == -1)
		return -1;
	/* the \E that ends a quotation lets its last character repeat */
	if (p->quoting && peek(p, 0) == '\\' && peek(p, 1) == 'E')
		quote_mark(p);
	if (repeat(p, &f) == -1)
		return -1;
	append(p, f);
	return 0;
}

static struct nfa_frag
any_bytes(struct nfa *n)
{
	struct nfa_set all;

	memset(&all, 0xff, sizeof(all));
	return nfa_star(n, nfa_bytes(n, &all));
}

/* Anything before, by whole characters; anything after. */
static struct nfa_frag
unanchored(struct parse *p, struct nfa_frag f)
{
	struct nfa_frag before;

	p->flags |= F_DOTALL;
	before = nfa_star(p->nfa, dot(p));
	return nfa_cat(p->nfa, nfa_cat(p->nfa, before, f), any_bytes(p->nfa));
}

static int
parse(struct parse *p)
{
	while (p->i < p->pat->n) {
		if (step(p) == -1)
			return -1;
	}
	if (p->depth > 0)
		return pat_fail(p->pat, p->f[p->depth].at, p->e,
		    "'(' is never closed");
	end_alternative(p);
	return 0;
}

int
regex_add(struct nfa *nfa, uint32_t tag, unsigned int flags,
    const struct piece *v, unsigned int n, struct pat_err *e)
{
	struct parse p = { .nfa = nfa, .e = e };
	struct nfa_frag f;
	struct pat pat;
	int ret = -1;

	if (pat_init(&pat, v, n, e) == -1)
		return -1;
	p.pat = &pat;
	p.flags = flags & REGEX_NOCASE ? F_NOCASE : 0;
	nfa_begin(nfa);
	if (parse(&p) == -1) {
		nfa_abort(nfa);
		goto out;
	}
	f = p.f[0].alt;
	if (!(flags & REGEX_WHOLE))
		f = unanchored(&p, f);
	if (nfa_end(nfa, f, tag) == -1) {
		pat_fail(&pat, 0, e,
		    errno == E2BIG ? "pattern is too large" : "out of memory");
		goto out;
	}
	ret = 0;
out:
	pat_clear(&pat);
	return ret;
}

int
regex_add_str(struct nfa *nfa, uint32_t tag, unsigned int flags,
    const char *pattern, struct pat_err *e)
{
	struct piece v = { .s = pattern, .len = strlen(pattern) };

	return regex_add(nfa, tag, flags, &v, 1, e);
}
