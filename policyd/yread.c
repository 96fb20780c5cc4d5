/*
 * Typed values from tree nodes.  A complaint says what the key takes and what it
 * got, because "type error" helps nobody.
 */

#include "policyd/yread.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policyd/arena.h"
#include "policyd/diag.h"
#include "policyd/scalar.h"

void
yread_error(const struct yread *y, struct pos at, const char *fmt, ...)
{
	char buf[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	diag_add(y->d, DIAG_ERROR, y->file, at.line, at.column, "%s", buf);
}

void
yread_warn(const struct yread *y, struct pos at, const char *fmt, ...)
{
	char buf[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	diag_add(y->d, DIAG_WARNING, y->file, at.line, at.column, "%s", buf);
}

static int
not_scalar(const struct yread *y, const char *key, const struct ynode *n,
    const char *want)
{
	if (n->type == Y_SCALAR)
		return 0;
	yread_error(y, n->str.pos, "\"%s\" takes %s, not %s", key, want,
	    ytype_name[n->type]);
	return -1;
}

/* ${NAME} of the config's variables; what is not one stays as it is. */
static int
expand(const struct yread *y, struct pstr *p)
{
	struct pieces pc;
	size_t len = 0, i;
	char *s;

	if (y->vars == NULL || strstr(p->s, "${") == NULL)
		return 0;
	if (policy_expand_lenient(p, y->vars, &pc) == -1) {
		yread_error(y, p->pos, "more than %d variables in one value",
		    PIECES_MAX / 2);
		return -1;
	}
	for (i = 0; i < pc.n; i++)
		len += pc.v[i].len;
	if ((s = arena_alloc(y->arena, len + 1)) == NULL)
		return -1;
	p->s = s;
	p->len = len;
	for (i = 0; i < pc.n; i++) {
		memcpy(s, pc.v[i].s, pc.v[i].len);
		s += pc.v[i].len;
	}
	return 0;
}

int
yread_str(const struct yread *y, const char *key, const struct ynode *n,
    struct pstr *out)
{
	if (not_scalar(y, key, n, "text") == -1)
		return -1;
	*out = n->str;
	if (n->null) {
		out->s = "";
		out->len = 0;
	}
	return expand(y, out);
}

int
yread_list(const struct yread *y, const char *key, const struct ynode *n,
    struct plist *out)
{
	struct ynode *it;
	uint32_t i;
	int rv = 0;

	out->pos = n->str.pos;
	out->n = 0;
	if (yread_is_null(n))
		return 0;
	if (n->type != Y_LIST) {
		yread_error(y, n->str.pos,
		    n->type == Y_SCALAR ? "\"%s\" takes a list: [%.64s]" :
					  "\"%s\" takes a list, not a map%.0s",
		    key, n->str.s);
		return -1;
	}
	if ((out->v = arena_array(y->arena, n->n, sizeof(*out->v))) == NULL) {
		yread_error(y, n->str.pos, "out of memory");
		return -1;
	}
	for (i = 0; i < n->n; i++) {
		it = n->items[i];
		if (yread_is_null(it)) {
			yread_error(y, it->str.pos, "an empty entry in \"%s\"",
			    key);
			rv = -1;
		} else if (it->type != Y_SCALAR) {
			yread_error(y, it->str.pos,
			    "an entry of \"%s\" is text, not %s", key,
			    ytype_name[it->type]);
			rv = -1;
		} else if (yread_str(y, key, it, &out->v[out->n]) == 0)
			out->n++;
		else
			rv = -1;
	}
	return rv;
}

int
yread_map(const struct yread *y, const char *key, const struct ynode *n,
    struct pmap *out)
{
	uint32_t i;
	int rv = 0;

	out->pos = n->str.pos;
	out->n = 0;
	if (yread_is_null(n))
		return 0;
	if (n->type != Y_MAP) {
		yread_error(y, n->str.pos,
		    "\"%s\" takes a map of NAME: value, not %s", key,
		    ytype_name[n->type]);
		return -1;
	}
	if ((out->v = arena_array(y->arena, n->n, sizeof(*out->v))) == NULL) {
		yread_error(y, n->str.pos, "out of memory");
		return -1;
	}
	for (i = 0; i < n->n; i++) {
		out->v[out->n].key = n->pairs[i].key->str;
		if (yread_str(y, n->pairs[i].key->str.s, n->pairs[i].value,
			&out->v[out->n].value) == 0)
			out->n++;
		else
			rv = -1;
	}
	return rv;
}

int
yread_int(const struct yread *y, const char *key, const struct ynode *n,
    int64_t min, int64_t max, struct pnum *out)
{
	int64_t v;

	if (not_scalar(y, key, n, "an integer") == -1)
		return -1;
	out->pos = n->str.pos;
	if (n->null)
		return 0;
	if (n->str.quote != 0 || scalar_int(n->str.s, &v) == -1) {
		yread_error(y, n->str.pos,
		    n->str.quote != 0 && scalar_int(n->str.s, &v) == 0 ?
			"\"%s\" takes an integer: write %.64s without quotes" :
			"\"%s\" takes an integer, not \"%.64s\"",
		    key, n->str.s);
		return -1;
	}
	if (v < min && min == 0) {
		yread_error(y, n->str.pos,
		    "\"%s\" is %lld; it must not be "
		    "negative",
		    key, (long long)v);
		return -1;
	}
	if (v < min || v > max) {
		yread_error(y, n->str.pos,
		    "\"%s\" is %lld; it must be within %lld and %lld", key,
		    (long long)v, (long long)min, (long long)max);
		return -1;
	}
	out->v = (uint64_t)v;
	out->set = 1;
	return 0;
}

int
yread_bool(const struct yread *y, const char *key, const struct ynode *n,
    struct pnum *out)
{
	int v;

	if (not_scalar(y, key, n, "true or false") == -1)
		return -1;
	out->pos = n->str.pos;
	if (n->null)
		return 0;
	if (n->str.quote != 0 || scalar_bool(n->str.s, &v) == -1) {
		yread_error(y, n->str.pos,
		    "\"%s\" takes true or false%s, not \"%.64s\"", key,
		    n->str.quote != 0 ? " without quotes" : "", n->str.s);
		return -1;
	}
	out->v = (uint64_t)v;
	out->set = 1;
	return 0;
}

/* A bare number lacks its unit: say so rather than guess. */
static int
bare_number(const char *s)
{
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

int
yread_duration(const struct yread *y, const char *key, const struct ynode *n,
    struct pnum *out)
{
	struct pstr s;

	if (not_scalar(y, key, n, "a duration like 30s or 1h30m") == -1 ||
	    yread_str(y, key, n, &s) == -1)
		return -1;
	out->pos = s.pos;
	if (s.len == 0)
		return 0;
	if (scalar_duration(s.s, &out->v) == -1) {
		yread_error(y, s.pos,
		    bare_number(s.s) ?
			"\"%s\": %.64s has no unit; was \"%.64ss\" meant? "
			"(ns us ms s m h d)" :
			"\"%s\": \"%.64s\" is no duration like 30s or 1h30m "
			"(ns us ms s m h d)%.0s",
		    key, s.s, s.s);
		return -1;
	}
	out->set = 1;
	return 0;
}

int
yread_size(const struct yread *y, const char *key, const struct ynode *n,
    struct pnum *out)
{
	struct pstr s;

	if (not_scalar(y, key, n, "a size like 10MB") == -1 ||
	    yread_str(y, key, n, &s) == -1)
		return -1;
	out->pos = s.pos;
	if (s.len == 0)
		return 0;
	if (scalar_size(s.s, &out->v) == -1) {
		yread_error(y, s.pos,
		    "\"%s\": \"%.64s\" is no size like 10MB "
		    "(KB MB GB, KiB MiB GiB)",
		    key, s.s);
		return -1;
	}
	out->set = 1;
	return 0;
}

static const char *
pword_next(const void *list, size_t i)
{
	return ((const struct pword *)list)[i].name;
}

void
yread_bad_word(const struct yread *y, const char *what, const struct pstr *p,
    const struct pword *tab)
{
	const char *near;
	char all[DIAG_TEXT_MAX / 2] = "";
	size_t used = 0;
	int n;

	if (!diag_room(y->d, DIAG_ERROR)) {
		yread_error(y, p->pos, "unknown %s", what);
		return;
	}
	if ((near = diag_nearest(p->s, pword_next, tab)) != NULL) {
		yread_error(y, p->pos,
		    "unknown %s \"%.64s\"; was \"%s\" "
		    "meant?",
		    what, p->s, near);
		return;
	}
	for (; tab->name != NULL && used < sizeof(all) - 1; tab++) {
		n = snprintf(all + used, sizeof(all) - used, "%s%s",
		    used == 0 ? "" : ", ", tab->name);
		if (n < 0)
			break;
		used += (size_t)n;
	}
	yread_error(y, p->pos, "unknown %s \"%.64s\"; it is one of: %s", what,
	    p->s, all);
}

const struct pword *
yread_word(const struct yread *y, const char *what, const struct pstr *p,
    const struct pword *tab)
{
	const struct pword *w;

	for (w = tab; w->name != NULL; w++) {
		if (strcasecmp(w->name, p->s) == 0)
			return w;
	}
	yread_bad_word(y, what, p, tab);
	return NULL;
}
