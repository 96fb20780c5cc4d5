/*
 * The words of policy files and the expansion of variables in patterns.  A
 * variable's value never becomes pattern text: it is handed on as a literal
 * piece, so that a workspace called "a*b" matches itself only.
 */

#include "policyd/policy.h"

#include <string.h>

#include "policyd/arena.h"
#include "policyd/diag.h"
#include "policyd/ytree.h"

const struct pword file_word_tab[] = {
	{ "read", FW_READ },
	{ "open", FW_OPEN },
	{ "list", FW_LIST },
	{ "stat", FW_STAT },
	{ "access", FW_ACCESS },
	{ "readlink", FW_READLINK },
	{ "write", FW_WRITE },
	{ "truncate", FW_TRUNCATE },
	{ "create", FW_CREATE },
	{ "symlink", FW_SYMLINK },
	{ "link", FW_LINK },
	{ "mknod", FW_MKNOD },
	{ "mkdir", FW_MKDIR },
	{ "chmod", FW_CHMOD },
	{ "chown", FW_CHOWN },
	{ "utime", FW_UTIME },
	{ "xattr", FW_XATTR },
	{ "rename", FW_RENAME },
	{ "delete", FW_DELETE },
	{ "rmdir", FW_RMDIR },
	{ "*", FW_ALL },
	{ NULL, 0 },
};

const char *const psig_target_name[PST_MAX] = {
	[PST_NONE] = "",
	[PST_SELF] = "self",
	[PST_CHILDREN] = "children",
	[PST_DESCENDANTS] = "descendants",
	[PST_SIBLINGS] = "siblings",
	[PST_SESSION] = "session",
	[PST_PARENT] = "parent",
	[PST_EXTERNAL] = "external",
	[PST_SYSTEM] = "system",
	[PST_USER] = "user",
	[PST_PROCESS] = "process",
	[PST_PID_RANGE] = "pid_range",
};

void
policy_free(struct policy *pol)
{
	if (pol != NULL)
		arena_free(pol->arena); /* pol itself lies in it */
}

struct pos
policy_place(const struct policy *pol, const struct pstr *p, size_t off)
{
	return ytree_pos(pol->src, ytree_offset(pol->src, p, off));
}

/* One ${NAME} or ${NAME:-default} found in a pattern. */
struct ref {
	const char *name;
	size_t name_len;
	const char *def; /* NULL = none */
	size_t def_len;
	size_t len; /* of the whole reference */
};

static int
name_char(char c, int first)
{
	return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (!first && c >= '0' && c <= '9');
}

/* 1 when a reference starts at s. */
static int
ref_read(const char *s, struct ref *r)
{
	const char *p = s, *end;

	if (p[0] != '$' || p[1] != '{' || !name_char(p[2], 1))
		return 0;
	for (p += 2; name_char(*p, 0); p++)
		;
	r->name = s + 2;
	r->name_len = (size_t)(p - r->name);
	r->def = NULL;
	r->def_len = 0;
	if (p[0] == ':' && p[1] == '-') {
		if ((end = strchr(p, '}')) == NULL)
			return 0;
		r->def = p + 2;
		r->def_len = (size_t)(end - r->def);
		p = end;
	}
	if (*p != '}')
		return 0;
	r->len = (size_t)(p + 1 - s);
	return 1;
}

static const char *
vars_find(const struct vars *vars, const struct ref *r)
{
	unsigned int i;

	for (i = 0; vars != NULL && i < vars->n; i++) {
		if (strlen(vars->v[i].name) == r->name_len &&
		    memcmp(vars->v[i].name, r->name, r->name_len) == 0)
			return vars->v[i].value;
	}
	return NULL;
}

static int
piece_add(struct pieces *out, const char *s, size_t len, size_t off,
    int literal)
{
	struct piece *pc;

	if (len == 0)
		return 0;
	if (out->n == PIECES_MAX)
		return -1;
	pc = &out->v[out->n++];
	pc->s = s;
	pc->len = len;
	pc->off = off;
	pc->literal = literal != 0;
	return 0;
}

/*
 * Split p.  Stops at the first name that has no value and answers 1 with
 * *bad its reference and *at its offset; when bad is NULL such text stays.
 */
static int
split(const struct pstr *p, const struct vars *vars, struct pieces *out,
    struct ref *bad, size_t *at)
{
	const char *val;
	size_t i = 0, from = 0;
	struct ref r;

	out->n = 0;
	while (i < p->len) {
		if (!ref_read(p->s + i, &r)) {
			i++;
			continue;
		}
		val = vars_find(vars, &r);
		if (val == NULL && r.def == NULL) {
			if (bad != NULL) {
				*bad = r;
				*at = i;
				return 1;
			}
			i += r.len;
			continue;
		}
		if (piece_add(out, p->s + from, i - from, from, 0) == -1 ||
		    piece_add(out, val != NULL ? val : r.def,
			val != NULL ? strlen(val) : r.def_len, i, 1) == -1)
			return -1;
		i += r.len;
		from = i;
	}
	return piece_add(out, p->s + from, p->len - from, from, 0);
}

int
policy_expand_lenient(const struct pstr *p, const struct vars *vars,
    struct pieces *out)
{
	return split(p, vars, out, NULL, NULL);
}

static const char *
var_next(const void *list, size_t i)
{
	const struct vars *vars = list;

	return vars != NULL && i < vars->n ? vars->v[i].name : NULL;
}

static void
undefined(const struct policy *pol, const struct pstr *p,
    const struct vars *vars, const struct ref *r, size_t at, struct diag *d)
{
	struct pos pos = policy_place(pol, p, at);
	char name[64];
	const char *near;
	size_t n = r->name_len < sizeof(name) ? r->name_len : sizeof(name) - 1;

	memcpy(name, r->name, n);
	name[n] = '\0';
	near = diag_nearest(name, var_next, vars);
	diag_add(d, DIAG_ERROR, pol->file, pos.line, pos.column,
	    "variable \"%s\" has no value%s%s%s", name,
	    near != NULL ? "; was \"" : "", near != NULL ? near : "",
	    near != NULL ? "\" meant?" : "");
}

int
policy_expand(const struct policy *pol, const struct pstr *p,
    const struct vars *vars, struct pieces *out, struct diag *d)
{
	struct ref bad;
	size_t at;
	int rv = split(p, vars, out, &bad, &at);

	if (rv == 1)
		undefined(pol, p, vars, &bad, at, d);
	else if (rv == -1)
		diag_add(d, DIAG_ERROR, pol->file, p->pos.line, p->pos.column,
		    "more than %d variables in one pattern", PIECES_MAX / 2);
	return rv == 0 ? 0 : -1;
}
