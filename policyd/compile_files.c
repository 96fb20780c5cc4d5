/*
 * File rules and unix socket rules for the compiler: which questions each
 * rule's words cover, where the rules that nobody wrote stand, and which rule
 * comes first for every set of patterns and every operation.
 */

#include <stdlib.h>
#include <string.h>

#include "policyd/compile_int.h"

#define F(op) (1u << FOP_##op)
#define FOP_ALL ((1u << FOP_MAX) - 1)

/*
 * SEMANTICS.md, Files, read by column: what a word covers.  "mknod" covers
 * nothing: devices are never made, and a FIFO or socket is asked as create.
 */
static const struct {
	uint32_t word;
	uint32_t ops;
} cover_tab[] = {
	{ FW_READ, F(READ) | F(LIST) | F(READLINK) },
	{ FW_OPEN, F(READ) | F(LIST) },
	{ FW_LIST, F(LIST) },
	{ FW_STAT, F(STAT) | F(READLINK) },
	{ FW_ACCESS, F(STAT) },
	{ FW_READLINK, F(READLINK) },
	{ FW_WRITE, F(WRITE) | F(TRUNCATE) | F(CREATE) | F(SYMLINK) | F(LINK) |
	    F(UTIME) | F(XATTR) },
	{ FW_TRUNCATE, F(TRUNCATE) },
	{ FW_CREATE, F(CREATE) | F(SYMLINK) | F(LINK) | F(RENAME_TO) },
	{ FW_SYMLINK, F(SYMLINK) },
	{ FW_LINK, F(LINK) },
	{ FW_MKDIR, F(MKDIR) },
	{ FW_CHMOD, F(CHMOD) | F(CHOWN) | F(UTIME) | F(XATTR) },
	{ FW_CHOWN, F(CHOWN) },
	{ FW_UTIME, F(UTIME) },
	{ FW_XATTR, F(XATTR) },
	{ FW_RENAME, F(RENAME) | F(RENAME_TO) },
	{ FW_DELETE, F(DELETE) | F(RMDIR) },
	{ FW_RMDIR, F(RMDIR) },
};

#define METADATA (F(STAT) | F(READLINK))
#define FD_OPS (F(READ) | F(WRITE) | F(TRUNCATE) | F(STAT) | F(LIST) | \
    F(READLINK))
#define DEV_OPS (F(READ) | F(WRITE) | F(CREATE) | F(TRUNCATE) | F(STAT) | \
    F(READLINK))
#define LD_OPS (F(READ) | F(STAT))
#define SELF_OPS (F(READ) | F(STAT) | F(LIST) | F(READLINK))

/* What programs need to start, SEMANTICS.md, Files. */
static const struct {
	const char *pattern;
	uint32_t ops;
} runtime_tab[] = {
	{ "/dev/{null,zero,full,random,urandom,tty,ptmx,stdin,stdout,stderr}",
	    DEV_OPS },
	{ "/dev/fd/**", FD_OPS },
	{ "/dev/pts/**", FD_OPS },
	{ "/etc/ld.so.{cache,preload}", LD_OPS },
	{ "/proc/self/**", SELF_OPS },
	{ "/proc/thread-self/**", SELF_OPS },
};
#define RUNTIME_MAX (sizeof(runtime_tab) / sizeof(runtime_tab[0]))

const char *
comp_runtime_path(size_t i)
{
	return i < RUNTIME_MAX ? runtime_tab[i].pattern : NULL;
}

/* One place in the order of evaluation. */
struct place {
	uint32_t ops; /* questions it answers */
	struct image_file_row out;
};

struct order {
	struct place *v;
	uint32_t n, cap;
	struct cpats pats; /* tag: place */
	struct pstr runtime[RUNTIME_MAX];
};

uint32_t
comp_word_ops(uint32_t words)
{
	uint32_t ops = 0;
	size_t i;

	if (words == FW_ALL)
		return FOP_ALL;
	for (i = 0; i < sizeof(cover_tab) / sizeof(cover_tab[0]); i++)
		if (words & cover_tab[i].word)
			ops |= cover_tab[i].ops;
	return ops;
}

/* The outcomes of one rule: metadata is only explained unless it is judged. */
static void
fill_out(struct comp *c, uint32_t rule, enum decision dec,
    struct image_file_row *out)
{
	uint32_t meta, other;
	unsigned int op;

	other = comp_outcome(c, rule, dec, LAYER_TRACER);
	meta = c->settings.metadata ? other :
	    comp_outcome(c, rule, dec, LAYER_NONE);
	for (op = 0; op < FOP_MAX; op++)
		out->v[op] = (uint16_t)((METADATA >> op & 1) ? meta : other);
}

static uint32_t
add_place(struct comp *c, struct order *o, uint32_t rule, enum decision dec,
    uint32_t ops)
{
	struct place *v;
	uint32_t cap;

	if (o->n == o->cap) {
		cap = o->cap == 0 ? 64 : o->cap * 2;
		v = reallocarray(o->v, cap, sizeof(*v));
		if (v == NULL) {
			c->failed = 1;
			return 0;
		}
		o->v = v;
		o->cap = cap;
	}
	o->v[o->n].ops = ops;
	fill_out(c, rule, dec, &o->v[o->n].out);
	return o->n++;
}

static void
add_runtime(struct comp *c, struct order *o)
{
	uint32_t rule = RULE_BUILTIN + BR_IMPLICIT_RUNTIME, at;
	size_t i;

	for (i = 0; i < RUNTIME_MAX; i++) {
		o->runtime[i].s = runtime_tab[i].pattern;
		o->runtime[i].len = strlen(runtime_tab[i].pattern);
		at = add_place(c, o, rule, DEC_ALLOW, runtime_tab[i].ops);
		comp_pat(c, &o->pats, &o->runtime[i], CP_PATH, at);
	}
}

/*
 * The literal text that a pattern begins with, up to its first *?[{, in buf;
 * its length.  Longer than any path is cut: no such directory can be asked for.
 */
static size_t
literal_prefix(const struct pieces *pc, char *buf, size_t size)
{
	const struct piece *p;
	size_t i, n = 0;

	for (p = pc->v; p < pc->v + pc->n; p++) {
		for (i = 0; i < p->len && n < size; i++) {
			if (!p->literal && strchr("*?[{", p->s[i]) != NULL)
				return n;
			if (!p->literal && p->s[i] == '\\' && i + 1 < p->len)
				i++;
			if (p->s[i] == '/' && n > 0 && buf[n - 1] == '/')
				continue;
			buf[n++] = p->s[i];
		}
	}
	return n;
}

static void
add_ancestor(struct comp *c, struct order *o, uint32_t at, const char *s,
    size_t len)
{
	struct cpat *cp;
	char *copy;
	size_t i;

	for (i = o->pats.n; i-- > 0 && o->pats.v[i].lit != NULL;)
		if (o->pats.v[i].lit_len == len &&
		    memcmp(o->pats.v[i].lit, s, len) == 0)
			return;
	copy = strndup(s, len);
	cp = copy == NULL ? NULL : comp_pat_add(c, &o->pats);
	if (cp == NULL) {
		free(copy);
		c->failed = 1;
		return;
	}
	cp->lit = copy;
	cp->lit_len = len;
	cp->kind = CP_PATH;
	cp->tag = at;
}

static void
add_ancestors(struct comp *c, struct order *o, uint32_t at,
    const struct pstr *p)
{
	char buf[4096];
	struct pieces pc;
	size_t i, n;

	if (policy_expand_lenient(p, c->o->vars, &pc) != 0)
		return;
	n = literal_prefix(&pc, buf, sizeof(buf));
	if (n == 0 || buf[0] != '/')
		return;
	for (i = 0; i < n && !c->failed; i++)
		if (buf[i] == '/')
			add_ancestor(c, o, at, buf, i == 0 ? 1 : i);
}

static int
opens_path(enum decision d)
{
	return d == DEC_ALLOW || d == DEC_AUDIT || d == DEC_SOFT_DELETE ||
	    d == DEC_APPROVE;
}

static void
add_traverse(struct comp *c, struct order *o)
{
	const struct pfile_rule *r;
	unsigned int i, k;
	uint32_t at;

	at = add_place(c, o, RULE_BUILTIN + BR_IMPLICIT_TRAVERSE, DEC_ALLOW,
	    METADATA);
	for (i = 0; i < c->pol->nfile_rules; i++) {
		r = &c->pol->file_rules[i];
		if (!opens_path(r->r.decision))
			continue;
		for (k = 0; k < r->paths.n; k++)
			add_ancestors(c, o, at, &r->paths.v[k]);
	}
}

int
comp_is_catch_all(const struct pfile_rule *r)
{
	unsigned int i;

	for (i = 0; i < r->paths.n; i++)
		if (strcmp(r->paths.v[i].s, "**") != 0 &&
		    strcmp(r->paths.v[i].s, "/**") != 0 &&
		    strcmp(r->paths.v[i].s, "*") != 0)
			return 0;
	return r->paths.n > 0;
}

static void
add_rule(struct comp *c, struct order *o, const struct pfile_rule *r)
{
	uint32_t rule = comp_rule(c, &r->r), at;
	unsigned int i;

	at = add_place(c, o, rule, r->r.decision, comp_word_ops(r->words));
	for (i = 0; i < r->paths.n; i++)
		comp_pat(c, &o->pats, &r->paths.v[i], CP_PATH, at);
}

static void
add_all(struct comp *c, struct order *o)
{
	const struct policy *pol = c->pol;
	int implicit = c->conf != NULL ? c->conf->baseline : 1;
	unsigned int i;

	for (i = 0; i < pol->nfile_rules && !c->failed; i++) {
		if (implicit && comp_is_catch_all(&pol->file_rules[i])) {
			add_runtime(c, o);
			add_traverse(c, o);
			implicit = 0;
		}
		add_rule(c, o, &pol->file_rules[i]);
	}
	if (implicit) {
		add_runtime(c, o);
		add_traverse(c, o);
	}
}

/* For every accept id and operation, the first place that lists it. */
static void
file_rows(struct comp *c, const struct dfabuild *b, uint32_t *answers,
    void *arg)
{
	const struct order *o = arg;
	struct image_file_row *row;
	unsigned int i, t, op;
	uint32_t at;

	*answers = comp_add(c, IS_FILE_ROWS, NULL, b->nsets);
	for (i = 0; i < b->nsets && !c->failed; i++) {
		row = comp_at(c, IS_FILE_ROWS, *answers + i);
		for (op = 0; op < FOP_MAX; op++)
			row->v[op] = (uint16_t)o->n;
		for (t = b->sets[i].n; t-- > 0;) {
			at = b->sets[i].tags[t];
			for (op = 0; op < FOP_MAX; op++)
				if (o->v[at].ops >> op & 1)
					row->v[op] = (uint16_t)at;
		}
	}
}

/* What a question that no place answers gets. */
static void
file_default(struct comp *c, struct image_file_row *out)
{
	struct image_file_row reads;
	unsigned int op;

	fill_out(c, RULE_BUILTIN + BR_DEFAULT_DENY_FILES, DEC_DENY, out);
	fill_out(c, RULE_BUILTIN + BR_DEFAULT_ALLOW_READS, DEC_ALLOW, &reads);
	for (op = 0; op < FOP_MAX; op++)
		if (SELF_OPS >> op & 1)
			out->v[op] = reads.v[op];
}

static void
order_clear(struct order *o)
{
	union {
		const char *c;
		char *p;
	} lit;
	size_t i;

	for (i = 0; i < o->pats.n; i++) {
		lit.c = o->pats.v[i].lit;
		free(lit.p);
	}
	comp_pats_clear(&o->pats);
	free(o->v);
}

void
comp_files(struct comp *c)
{
	struct image_file_row out;
	struct order o;
	uint32_t i;

	memset(&o, 0, sizeof(o));
	add_all(c, &o);
	c->meta.use[IU_FILE] = comp_groups(c, &o.pats, file_rows, &o);
	for (i = 0; i < o.n && !c->failed; i++)
		comp_add(c, IS_FILE_OUT, &o.v[i].out, 1);
	file_default(c, &out);
	comp_add(c, IS_FILE_OUT, &out, 1);
	order_clear(&o);
}

static void
unix_rows(struct comp *c, const struct dfabuild *b, uint32_t *answers,
    void *unused)
{
	const struct policy *pol = c->pol;
	struct image_unix_row *row;
	unsigned int i, t, op;
	uint32_t at;

	*answers = comp_add(c, IS_UNIX_ROWS, NULL, b->nsets);
	for (i = 0; i < b->nsets && !c->failed; i++) {
		row = comp_at(c, IS_UNIX_ROWS, *answers + i);
		for (op = 0; op < NOP_MAX; op++)
			row->v[op] = (uint16_t)pol->nunix_rules;
		for (t = b->sets[i].n; t-- > 0;) {
			at = b->sets[i].tags[t];
			for (op = 0; op < NOP_MAX; op++)
				if (pol->unix_rules[at].ops >> op & 1)
					row->v[op] = (uint16_t)at;
		}
	}
}

static void
unix_out(struct comp *c, uint32_t outcome)
{
	struct image_unix_row row;
	unsigned int op;

	for (op = 0; op < NOP_MAX; op++)
		row.v[op] = (uint16_t)outcome;
	comp_add(c, IS_UNIX_OUT, &row, 1);
}

void
comp_unix(struct comp *c)
{
	const struct policy *pol = c->pol;
	const struct punix_rule *r;
	struct cpats ps = { NULL, 0, 0 };
	unsigned int i, k;

	for (i = 0; i < pol->nunix_rules && !c->failed; i++) {
		r = &pol->unix_rules[i];
		unix_out(c, comp_outcome(c, comp_rule(c, &r->r),
		    r->r.decision, LAYER_TRACER));
		for (k = 0; k < r->paths.n; k++)
			comp_pat(c, &ps, &r->paths.v[k], CP_PATH, i);
	}
	unix_out(c, c->meta.default_rule[BR_DEFAULT_DENY_UNIX]);
	c->meta.use[IU_UNIX] = comp_groups(c, &ps, unix_rows, NULL);
	c->settings.has_unix_rules = pol->nunix_rules > 0;
	comp_pats_clear(&ps);
}
