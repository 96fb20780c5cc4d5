/*
 * Globs by trying: the rules of SEMANTICS.md, Files and Network, a line each.
 * Runs in tests and in policyd's explain; slow by design.
 */

#include "policyd/refglob.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LIT 0x100 /* this byte stands for itself */

struct glob {
	enum refglob_kind kind;
	int sep; /* -1: none */
	uint64_t budget;
};

static int matches(struct glob *g, const uint16_t *p, const char *t,
    const uint16_t *begin);

/* How many bytes one character of t has. */
static size_t
char_len(const char *t)
{
	const unsigned char *u = (const unsigned char *)t;
	size_t n, i;

	n = u[0] < 0xc2 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 :
	    u[0] < 0xf5 ? 4 : 1;
	for (i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 1;
	if (n == 3 && ((u[0] == 0xe0 && u[1] < 0xa0) ||
	    (u[0] == 0xed && u[1] >= 0xa0)))
		return 1;
	if (n == 4 && ((u[0] == 0xf0 && u[1] < 0x90) ||
	    (u[0] == 0xf4 && u[1] >= 0x90)))
		return 1;
	return n;
}

static uint32_t
char_at(const char *t, size_t len)
{
	const unsigned char *u = (const unsigned char *)t;
	uint32_t c = len == 1 ? u[0] : u[0] & (0xffu >> (len + 1));
	size_t i;

	if (len == 1 && c >= 0x80)
		return 0x110000 + c; /* part of no character */
	for (i = 1; i < len; i++)
		c = c << 6 | (u[i] & 0x3f);
	return c;
}

static int
same(const struct glob *g, int a, int b)
{
	if (g->kind == RG_PLAIN_NOCASE || g->kind == RG_DOMAIN)
		return tolower(a) == tolower(b);
	return a == b;
}

/* The character of a class at p; its symbols in *used. */
static uint32_t
class_char(const uint16_t *p, size_t *used)
{
	char buf[5] = { 0 };
	size_t i, esc = p[0] == '\\' ? 1 : 0;

	for (i = 0; i < 4 && p[esc + i] != 0; i++)
		buf[i] = (char)(p[esc + i] & 0xff);
	i = char_len(buf);
	*used = esc + i;
	return char_at(buf, i);
}

/* Is c in the class that begins after '['?  *end is what follows its ']'. */
static int
in_class(const uint16_t *p, uint32_t c, const uint16_t **end, int *negated)
{
	uint32_t lo, hi;
	size_t used;
	int in = 0;

	*negated = *p == '!';
	p += *negated;
	while (*p != ']' && *p != 0) {
		lo = hi = class_char(p, &used);
		p += used;
		if (p[0] == '-' && p[1] != ']' && p[1] != 0) {
			hi = class_char(p + 1, &used);
			p += 1 + used;
		}
		in |= c >= lo && c <= hi;
	}
	*end = *p == ']' ? p + 1 : p;
	return in;
}

static int
match_class(struct glob *g, const uint16_t *p, const char *t,
    const uint16_t *begin)
{
	const uint16_t *end;
	size_t n = char_len(t);
	int negated, in;

	if (*t == '\0')
		return 0;
	in = in_class(p + 1, char_at(t, n), &end, &negated);
	if (negated && g->sep != -1 && *t == g->sep)
		return 0;
	return in != negated && matches(g, end, t + n, begin);
}

/* A run of two stars or more that is a component of its own, from p. */
static int
is_component(const struct glob *g, const uint16_t *p, const uint16_t *begin)
{
	if (g->kind != RG_PATH || p[0] != '*' || p[1] != '*' ||
	    !(p == begin || (p[-1] & 0xff) == '/'))
		return 0;
	while (*p == '*')
		p++;
	return *p == 0 || (*p & 0xff) == '/';
}

/* "/" and "**" and then rest: any number of levels, from none. */
static int
match_levels(struct glob *g, const uint16_t *rest, const char *t,
    const uint16_t *begin)
{
	if (*rest == 0)
		return *t == '\0' || *t == '/';
	if (matches(g, rest, t, begin)) /* none */
		return 1;
	if (*t != '/')
		return 0;
	for (t++; *t != '\0'; t++)
		if (*t == '/' && matches(g, rest, t, begin))
			return 1;
	return 0;
}

static int
match_stars(struct glob *g, const uint16_t *p, const char *t,
    const uint16_t *begin)
{
	const uint16_t *rest = p;
	int deep;

	while (*rest == '*')
		rest++;
	deep = rest - p > 1 || g->sep == -1;
	for (;; t++) {
		if (matches(g, rest, t, begin))
			return 1;
		if (*t == '\0' || (!deep && *t == g->sep))
			return 0;
	}
}

static const uint16_t *
after_stars(const uint16_t *p)
{
	while (*p == '*')
		p++;
	return p;
}

static int
match_special(struct glob *g, const uint16_t *p, const char *t,
    const uint16_t *begin)
{
	size_t n;

	switch (*p) {
	case '*':
		if (p == begin && is_component(g, p, begin) &&
		    *after_stars(p) != 0) {
			/* the top too: as if a slash stood before it */
			p = after_stars(p);
			t += strcspn(t, "/");
			return match_levels(g, p, t, begin);
		}
		return match_stars(g, p, t, begin);
	case '?':
		n = char_len(t);
		return *t != '\0' && (g->sep == -1 || *t != g->sep) &&
		    matches(g, p + 1, t + n, begin);
	case '[':
		return match_class(g, p, t, begin);
	case '\\':
		return p[1] != 0 && *t != '\0' &&
		    same(g, p[1] & 0xff, (unsigned char)*t) &&
		    matches(g, p + 2, t + 1, begin);
	default:
		return -1;
	}
}

static int
matches(struct glob *g, const uint16_t *p, const char *t,
    const uint16_t *begin)
{
	int rv;

	if (g->budget == 0)
		return 0;
	g->budget--;
	if (*p == 0)
		return *t == '\0';
	rv = match_special(g, p, t, begin);
	if (rv != -1)
		return rv;
	if ((*p & 0xff) == '/' && g->kind == RG_PATH &&
	    is_component(g, p + 1, begin))
		return match_levels(g, after_stars(p + 1), t, begin);
	return *t != '\0' && same(g, *p & 0xff, (unsigned char)*t) &&
	    matches(g, p + 1, t + 1, begin);
}

/* ---- alternatives ---- */

/* Past one escaped, classed or plain symbol. */
static const uint16_t *
skip_symbol(const uint16_t *p)
{
	if (*p == '\\' && p[1] != 0)
		return p + 2;
	if (*p != '[')
		return p + 1;
	p++;
	p += *p == '!';
	while (*p != ']' && *p != 0)
		p += *p == '\\' && p[1] != 0 ? 2 : 1;
	return *p == ']' ? p + 1 : p;
}

/* The ',' or '}' that ends the alternative at p. */
static const uint16_t *
alternative_end(const uint16_t *p)
{
	int depth = 0;

	while (*p != 0) {
		if (depth == 0 && (*p == ',' || *p == '}'))
			return p;
		depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
		p = skip_symbol(p);
	}
	return p;
}

static size_t
length(const uint16_t *p)
{
	size_t n = 0;

	while (p[n] != 0)
		n++;
	return n;
}

static int
match_whole(struct glob *g, const uint16_t *p, const char *t)
{
	/* A lone star is any path and any name. */
	if (p[0] == '*' && p[1] == 0)
		return 1;
	/* "*." at the start of a name is any depth, one label at least. */
	if (g->kind == RG_DOMAIN && p[0] == '*' && p[1] == '.') {
		while (*t != '\0' && *++t != '\0')
			if (*t == '.' && matches(g, p + 1, t, p))
				return 1;
		return 0;
	}
	return matches(g, p, t, p);
}

static int
expand(struct glob *g, const uint16_t *p, const char *t)
{
	const uint16_t *open = p, *close, *a, *e;
	uint16_t *q;
	size_t n;
	int rv = 0;

	while (*open != 0 && *open != '{')
		open = skip_symbol(open);
	if (*open == 0)
		return match_whole(g, p, t);
	for (close = alternative_end(open + 1); *close == ',';)
		close = alternative_end(close + 1);
	if (*close == 0)
		return 0;
	for (a = open + 1; rv == 0; a = e + 1) {
		e = alternative_end(a);
		n = (size_t)(open - p);
		q = calloc(length(p) + 1, sizeof(*q));
		if (q == NULL)
			return 0;
		memcpy(q, p, n * sizeof(*q));
		memcpy(q + n, a, (size_t)(e - a) * sizeof(*q));
		n += (size_t)(e - a);
		memcpy(q + n, close + 1, length(close + 1) * sizeof(*q));
		rv = expand(g, q, t);
		free(q);
		if (e == close)
			break;
	}
	return rv;
}

/* The pattern as symbols: a literal byte that could be special is marked. */
static uint16_t *
symbols(const struct glob *g, const struct pieces *pc)
{
	size_t n = 0, i, k, total = 1;
	uint16_t *p;

	for (i = 0; i < pc->n; i++)
		total += pc->v[i].len;
	p = calloc(total, sizeof(*p));
	if (p == NULL)
		return NULL;
	for (i = 0; i < pc->n; i++) {
		for (k = 0; k < pc->v[i].len; k++) {
			p[n] = (unsigned char)pc->v[i].s[k];
			if (pc->v[i].literal)
				p[n] |= LIT;
			/* repeated slashes of a path are one */
			if (g->kind == RG_PATH && (p[n] & 0xff) == '/' &&
			    n > 0 && (p[n - 1] & 0xff) == '/')
				continue;
			n++;
		}
	}
	if (g->kind == RG_DOMAIN && n > 1 && (p[n - 1] & 0xff) == '.')
		n--;
	p[n] = 0;
	return p;
}

int
refglob(enum refglob_kind kind, const struct pieces *pc, const char *text)
{
	struct glob g = { kind, -1, 50000000 };
	uint16_t *p;
	int rv;

	if (kind == RG_PATH)
		g.sep = '/';
	else if (kind == RG_DOMAIN)
		g.sep = '.';
	p = symbols(&g, pc);
	if (p == NULL)
		return 0;
	rv = expand(&g, p, text);
	free(p);
	return rv;
}
