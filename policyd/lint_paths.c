/*
 * Lint of file rules and unix socket rules.  All patterns of a section and one
 * for "a canonical path" in one automaton: each of its sets is a class of paths
 * that the section cannot tell apart, and one path of each class is put to the
 * evaluator for every operation.
 */

#include <stdlib.h>
#include <string.h>

#include "policyd/lint_int.h"

#define METADATA  (1u << FOP_STAT | 1u << FOP_READLINK)
#define TAG_VALID 0u

/* One rule of either section. */
struct prow {
	const struct prule *r;
	const struct plist *paths;
	uint32_t ops; /* questions it covers */
	uint32_t case_at; /* of the rule; its patterns and words follow */
	uint32_t first; /* its first pattern */
	int restricts; /* deny or approve, and no catch-all */
	int denies_meta; /* decides a stat that it denies */
};

/* One pattern. */
struct ppat {
	uint32_t row;
	uint32_t case_at;
};

/* One operation word that was written. */
struct pword_case {
	uint32_t row, ops, case_at;
};

/* An example of what a rule meant to refuse and an earlier one lets through. */
struct weak {
	uint32_t row, by;
	unsigned int op;
	char *path;
};

struct section {
	struct lint *l;
	const char *what; /* "file_rules" */
	uint32_t base; /* number of the first rule */
	unsigned int nops;
	const char *const *op_name;
	const char *valid;
	void (*ask)(const struct image *im, unsigned int op, const char *path,
	    size_t len, struct verdict *v);
	struct prow *rows;
	uint32_t nrows;
	struct ppat *pats;
	uint32_t npats, cap_pats;
	struct pword_case *words;
	uint32_t nwords, cap_words;
	struct lint_cases cases;
	struct nfa *nfa;
	struct dfabuild b;
	uint8_t *outside; /* [npats][nrows]: matches where row does not */
	struct weak *weaks;
	uint32_t nweaks, cap_weaks;
	uint32_t splits; /* tags that only divide */
};

/* What sections have in common with their lists. */
#define PUSH(sec, vec, count, room)                                           \
	section_room((sec), (void **)&(sec)->vec, (sec)->count, &(sec)->room, \
	    sizeof(*(sec)->vec))

static int
section_room(struct section *s, void **v, uint32_t n, uint32_t *cap,
    size_t size)
{
	void *p;

	if (n < *cap)
		return 0;
	if ((p = reallocarray(*v, *cap * 2 + 64u, size)) == NULL) {
		s->l->failed = 1;
		return -1;
	}
	*v = p;
	*cap = *cap * 2 + 64;
	return 0;
}

/* ---- reasons ---- */

static const char *
path_why(const char *s)
{
	size_t n = strlen(s);

	if (n == 0)
		return "the pattern is empty";
	if (s[0] == '~')
		return "'~' is no variable: write ${HOME}";
	if (n > 1 && s[n - 1] == '/')
		return "no canonical path ends in '/'";
	if (strstr(s, "/../") != NULL || strstr(s, "/./") != NULL ||
	    (n > 2 && strcmp(s + n - 3, "/..") == 0) ||
	    (n > 1 && strcmp(s + n - 2, "/.") == 0))
		return "no canonical path holds '.' or '..'";
	if (s[0] != '/' && s[0] != '*')
		return "paths are absolute: it must begin with '/'";
	if (s[0] == '*' && s[1] != '*')
		return "'*' does not cross '/': write **/ before it";
	return "no canonical path matches it";
}

/* ---- building ---- */

static void
add_patterns(struct section *s, uint32_t row)
{
	struct prow *r = &s->rows[row];
	const struct pstr *p;
	struct lint_case *c;
	unsigned int i;

	r->first = s->npats;
	for (i = 0; i < r->paths->n; i++) {
		p = &r->paths->v[i];
		c = lint_case_add(s->l, &s->cases, r->r, s->base + row,
		    "pattern", p);
		if (c == NULL || PUSH(s, pats, npats, cap_pats) == -1)
			return;
		c->why = path_why(p->s);
		s->pats[s->npats].row = row;
		s->pats[s->npats++].case_at = s->cases.n - 1;
		if (lint_glob(s->l, s->nfa, s->npats, GLOB_PATH, 0, p) == -1)
			s->l->failed = 1;
	}
}

static void
add_row(struct section *s, uint32_t row)
{
	struct prow *r = &s->rows[row];
	struct lint_case *c;

	r->case_at = s->cases.n;
	c = lint_case_add(s->l, &s->cases, r->r, s->base + row, NULL, NULL);
	if (c == NULL)
		return;
	if (r->paths->n == 0)
		c->why = "it has no paths";
	else if (r->ops == 0)
		c->why = "nothing asks for its operations";
	else
		c->why = "none of its patterns can match";
	add_patterns(s, row);
}

/* Paths that rules nobody wrote name: they divide, and are not reported. */
static void
add_split(struct section *s, const char *pattern, size_t len, int literal)
{
	struct piece v = { .s = pattern,
		.len = len,
		.literal = (uint8_t)literal };
	struct pat_err e;

	if (glob_add(s->nfa, s->npats + 1 + s->splits, GLOB_PATH, 0, &v, 1,
		&e) == 0)
		s->splits++;
}

/* Every directory above the literal beginning of a pattern. */
static void
add_ancestor_splits(struct section *s, const struct pstr *p)
{
	struct pieces pc;
	char buf[4096];
	size_t n = 0, i, k;

	if (policy_expand_lenient(p, s->l->vars, &pc) != 0)
		return;
	for (i = 0; i < pc.n; i++) {
		for (k = 0; k < pc.v[i].len && n < sizeof(buf) - 1; k++) {
			if (!pc.v[i].literal &&
			    strchr("*?[{", pc.v[i].s[k]) != NULL)
				goto cut;
			buf[n++] = pc.v[i].s[k];
		}
	}
cut:
	for (i = 0; i < n; i++) {
		if (buf[i] == '/')
			add_split(s, buf, i == 0 ? 1 : i, 1);
	}
}

static void
add_file_splits(struct section *s)
{
	const char *p;
	uint32_t i;
	unsigned int k;

	for (i = 0; (p = comp_runtime_path(i)) != NULL; i++)
		add_split(s, p, strlen(p), 0);
	for (i = 0; i < s->nrows; i++) {
		for (k = 0; k < s->rows[i].paths->n; k++)
			add_ancestor_splits(s, &s->rows[i].paths->v[k]);
	}
}

static int
section_build(struct section *s)
{
	struct pat_err e;
	uint32_t i;

	if (regex_add_str(s->nfa, TAG_VALID, REGEX_WHOLE, s->valid, &e) == -1)
		s->l->failed = 1;
	for (i = 0; i < s->nrows && !s->l->failed; i++)
		add_row(s, i);
	if (s->base == 0)
		add_file_splits(s);
	if (s->l->failed)
		return -1;
	if (dfabuild_run(&s->b, s->nfa, LINT_STATES_MAX) == -1) {
		lint_say(s->l, s->what,
		    s->nrows > 0 ? s->rows[0].r->pos.line : 0, LK_NOT_ANALYSED,
		    "the patterns are too many to be compared with each other");
		return -1;
	}
	s->outside = calloc((size_t)s->npats * s->nrows + 1, 1);
	if (s->outside == NULL)
		s->l->failed = 1;
	return s->l->failed ? -1 : 0;
}

/* ---- asking ---- */

/* The rows of a set, ascending, in hit; how many. */
static uint32_t
rows_of_set(const struct section *s, uint32_t set, uint32_t *hit)
{
	const struct dfabuild_set *t = &s->b.sets[set];
	uint32_t i, row, n = 0;

	for (i = 0; i < t->n; i++) {
		if (t->tags[i] == TAG_VALID || t->tags[i] > s->npats)
			continue;
		row = s->pats[t->tags[i] - 1].row;
		if (n == 0 || hit[n - 1] != row)
			hit[n++] = row;
	}
	return n;
}

/* Which patterns reach outside which rules: for "weakened". */
static void
note_outside(struct section *s, uint32_t set)
{
	const struct dfabuild_set *t = &s->b.sets[set];
	uint8_t *in = calloc(s->nrows + 1u, 1), *out;
	uint32_t i, row;

	if (in == NULL) {
		s->l->failed = 1;
		return;
	}
	for (i = 0; i < t->n; i++) {
		if (t->tags[i] != TAG_VALID && t->tags[i] <= s->npats)
			in[s->pats[t->tags[i] - 1].row] = 1;
	}
	for (i = 0; i < t->n; i++) {
		if (t->tags[i] == TAG_VALID || t->tags[i] > s->npats)
			continue;
		out = s->outside + (size_t)(t->tags[i] - 1) * s->nrows;
		for (row = 0; row < s->nrows; row++)
			out[row] |= !in[row];
	}
	free(in);
}

/* Does what row by matches in this set reach outside row? */
static int
reaches_outside(const struct section *s, uint32_t by, uint32_t row,
    uint32_t set)
{
	uint32_t k, pat;

	for (k = 0; k < s->rows[by].paths->n; k++) {
		pat = s->rows[by].first + k;
		if (dfabuild_has(&s->b, set, pat + 1) &&
		    s->outside[(size_t)pat * s->nrows + row])
			return 1;
	}
	return 0;
}

static void
note_weak(struct section *s, uint32_t row, uint32_t by, unsigned int op,
    const char *path)
{
	struct weak *w;
	uint32_t i;

	for (i = 0; i < s->nweaks; i++) {
		w = &s->weaks[i];
		if (w->row != row || w->by != by)
			continue;
		if (strlen(path) < strlen(w->path)) {
			free(w->path);
			w->path = strdup(path);
			w->op = op;
			s->l->failed |= w->path == NULL;
		}
		return;
	}
	if (PUSH(s, weaks, nweaks, cap_weaks) == -1)
		return;
	w = &s->weaks[s->nweaks];
	w->row = row;
	w->by = by;
	w->op = op;
	if ((w->path = strdup(path)) == NULL)
		s->l->failed = 1;
	else
		s->nweaks++;
}

/* The question (path, op) meets row; winner answers it. */
static void
see_row(struct section *s, uint32_t set, uint32_t row, unsigned int op,
    uint32_t winner, const char *path)
{
	struct prow *r = &s->rows[row];
	uint64_t what = (uint64_t)1 << op;
	uint32_t k, by = winner - s->base;

	lint_see(s->l, &s->cases.v[r->case_at], winner, what);
	for (k = 0; k < r->paths->n; k++) {
		if (dfabuild_has(&s->b, set, r->first + k + 1))
			lint_see(s->l,
			    &s->cases.v[s->pats[r->first + k].case_at], winner,
			    what);
	}
	for (k = 0; k < s->nwords; k++) {
		if (s->words[k].row == row && (s->words[k].ops >> op & 1))
			lint_see(s->l, &s->cases.v[s->words[k].case_at], winner,
			    what);
	}
	if (winner == s->base + row && s->base == 0 &&
	    r->r->decision == DEC_DENY && (METADATA >> op & 1))
		r->denies_meta = 1;
	if (r->restricts && winner != s->base + row && by < row &&
	    lint_opens(s->rows[by].r->decision) &&
	    reaches_outside(s, by, row, set))
		note_weak(s, row, by, op, path);
}

/* No text of the set fits in a buffer: whatever it holds is not accused. */
static void
spare(struct section *s, uint32_t set)
{
	const struct dfabuild_set *t = &s->b.sets[set];
	struct prow *r;
	uint32_t i, k;

	for (i = 0; i < t->n; i++) {
		if (t->tags[i] == TAG_VALID || t->tags[i] > s->npats)
			continue;
		r = &s->rows[s->pats[t->tags[i] - 1].row];
		for (k = r->case_at; k < s->cases.n && s->cases.v[k].r == r->r;
		     k++)
			s->cases.v[k].possible = s->cases.v[k].decides = 1;
	}
}

static void
ask_set(struct section *s, uint32_t set, uint32_t *hit)
{
	char path[LINT_TEXT_MAX];
	struct verdict v;
	uint32_t i, n = rows_of_set(s, set, hit);
	unsigned int op;
	ssize_t len;

	if (n == 0)
		return;
	len = dfabuild_witness(&s->b, set, path, sizeof(path));
	if (len == -1) {
		spare(s, set);
		return;
	}
	for (op = 0; op < s->nops; op++) {
		s->ask(&s->l->im, op, path, (size_t)len, &v);
		for (i = 0; i < n; i++) {
			if (s->rows[hit[i]].ops >> op & 1)
				see_row(s, set, hit[i], op, v.rule, path);
		}
	}
}

static void
ask_all(struct section *s)
{
	uint32_t set, *hit = calloc(s->nrows + 1u, sizeof(*hit));

	if (hit == NULL) {
		s->l->failed = 1;
		return;
	}
	for (set = 0; set < s->b.nsets; set++) {
		if (dfabuild_has(&s->b, set, TAG_VALID))
			note_outside(s, set);
	}
	for (set = 0; set < s->b.nsets && !s->l->failed; set++) {
		if (dfabuild_has(&s->b, set, TAG_VALID))
			ask_set(s, set, hit);
	}
	free(hit);
}

/* ---- saying ---- */

static int
weak_cmp(const void *a, const void *b)
{
	const struct weak *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return x->by < y->by ? -1 : x->by > y->by;
}

/* One line for the n examples of one rule. */
static void
say_weak_row(struct section *s, const struct weak *w, uint32_t n)
{
	const struct prule *r = s->rows[w->row].r;
	char by[256], all[1024] = "";
	uint32_t i;

	for (i = 0; i < n; i++) {
		lint_rule_text(s->l, s->base + w[i].by, by, sizeof(by));
		strlcat(all, i > 0 ? ", " : "", sizeof(all));
		strlcat(all, by, sizeof(all));
	}
	lint_say(s->l, r->name.s, r->pos.line, LK_WEAKENED,
	    "%s let%s through part of what it would %s: %s %s", all,
	    n > 1 ? "" : "s", decision_name[r->decision], s->op_name[w->op],
	    w->path);
}

static void
say_weak(struct section *s)
{
	const struct weak *w = s->weaks;
	uint32_t i, n;

	if (s->nweaks > 0)
		qsort(s->weaks, s->nweaks, sizeof(*s->weaks), weak_cmp);
	for (i = 0; i < s->nweaks; i += n) {
		for (n = 1; i + n < s->nweaks && w[i + n].row == w[i].row;)
			n++;
		/* what never decides is said to be unreachable */
		if (s->cases.v[s->rows[w[i].row].case_at].decides)
			say_weak_row(s, &w[i], n);
	}
}

static void
section_clear(struct section *s)
{
	uint32_t i;

	for (i = 0; i < s->nweaks; i++)
		free(s->weaks[i].path);
	free(s->weaks);
	free(s->words);
	free(s->pats);
	free(s->rows);
	free(s->outside);
	dfabuild_clear(&s->b);
	nfa_free(s->nfa);
}

static int
section_init(struct section *s, struct lint *l, uint32_t nrows)
{
	s->l = l;
	s->nrows = nrows;
	s->nfa = nfa_new();
	s->rows = calloc(nrows + 1u, sizeof(*s->rows));
	if (s->nfa != NULL && s->rows != NULL)
		return 0;
	l->failed = 1;
	return -1;
}

/* ---- files ---- */

/* Components that are neither empty nor "." nor "..". */
#define VALID_PATH \
	"/|(?:/(?:(?:[^/.\\x00]|\\.[^/.\\x00]|\\.\\.[^/\\x00])[^/\\x00]*))+"

static const char *
file_bit_name(unsigned int bit)
{
	return bit < FOP_MAX ? file_op_name[bit] : "?";
}

static void
ask_file(const struct image *im, unsigned int op, const char *path, size_t len,
    struct verdict *v)
{
	image_file(im, (enum file_op)op, path, len, v);
}

static uint32_t
word_value(const char *name)
{
	const struct pword *w;

	for (w = file_word_tab; w->name != NULL; w++) {
		if (strcmp(w->name, name) == 0)
			return w->value;
	}
	return 0;
}

/* The words that were written one by one, as entries of their own. */
static void
add_words(struct section *s, uint32_t row, const struct pfile_rule *r)
{
	struct lint_case *c;
	unsigned int i;
	uint32_t value;

	for (i = 0; i < r->operations.n; i++) {
		value = word_value(r->operations.v[i].s);
		if (value == 0 || value == FW_ALL)
			continue;
		c = lint_case_add(s->l, &s->cases, &r->r, s->base + row,
		    "operation", &r->operations.v[i]);
		if (c == NULL || PUSH(s, words, nwords, cap_words) == -1)
			return;
		c->why = value == FW_MKNOD ?
		    "devices are never made, and "
		    "a FIFO or socket is asked as create" :
		    NULL;
		s->words[s->nwords].row = row;
		s->words[s->nwords].ops = comp_word_ops(value);
		s->words[s->nwords++].case_at = s->cases.n - 1;
	}
}

static void
say_metadata(struct section *s)
{
	const struct prule *r;
	uint32_t i;

	if (s->l->conf != NULL && s->l->conf->metadata)
		return;
	for (i = 0; i < s->nrows; i++) {
		r = s->rows[i].r;
		if (s->rows[i].denies_meta)
			lint_say(s->l, r->name.s, r->pos.line, LK_NOT_ENFORCED,
			    "stat, access and readlink are "
			    "not judged while file_monitor.metadata is off");
	}
}

void
lint_files(struct lint *l)
{
	static const char *const *const names = file_op_name;
	struct section s = { .what = "file_rules",
		.nops = FOP_MAX,
		.op_name = names,
		.valid = VALID_PATH,
		.ask = ask_file };
	const struct pfile_rule *r;
	uint32_t i;

	s.cases.bit_name = file_bit_name;
	if (l->failed || section_init(&s, l, l->pol->nfile_rules) == -1)
		goto out;
	for (i = 0; i < s.nrows; i++) {
		r = &l->pol->file_rules[i];
		s.rows[i].r = &r->r;
		s.rows[i].paths = &r->paths;
		s.rows[i].ops = comp_word_ops(r->words);
		s.rows[i].restricts = !comp_is_catch_all(r) &&
		    (r->r.decision == DEC_DENY || r->r.decision == DEC_APPROVE);
	}
	if (section_build(&s) == -1)
		goto out;
	for (i = 0; i < s.nrows; i++)
		add_words(&s, i, &l->pol->file_rules[i]);
	ask_all(&s);
	say_weak(&s);
	say_metadata(&s);
	lint_report(l, &s.cases);
out:
	lint_cases_clear(&s.cases);
	section_clear(&s);
}

/* ---- unix sockets ---- */

static void
ask_unix(const struct image *im, unsigned int op, const char *path, size_t len,
    struct verdict *v)
{
	image_unix(im, (enum net_op)op, path, len, v);
}

static const char *
unix_bit_name(unsigned int bit)
{
	return bit < NOP_MAX ? net_op_name[bit] : "?";
}

void
lint_unix(struct lint *l)
{
	struct section s = { .what = "unix_socket_rules",
		.nops = NOP_MAX,
		.op_name = net_op_name,
		.valid = VALID_PATH "|@(?s:.)*",
		.ask = ask_unix,
		.base = l->first_unix };
	const struct punix_rule *r;
	uint32_t i;

	s.cases.bit_name = unix_bit_name;
	if (l->failed || l->pol->nunix_rules == 0 ||
	    section_init(&s, l, l->pol->nunix_rules) == -1)
		goto out;
	for (i = 0; i < s.nrows; i++) {
		r = &l->pol->unix_rules[i];
		s.rows[i].r = &r->r;
		s.rows[i].paths = &r->paths;
		s.rows[i].ops = r->ops;
		s.rows[i].restricts = r->r.decision == DEC_DENY ||
		    r->r.decision == DEC_APPROVE;
	}
	if (section_build(&s) == -1)
		goto out;
	ask_all(&s);
	say_weak(&s);
	lint_report(l, &s.cases);
out:
	lint_cases_clear(&s.cases);
	section_clear(&s);
}
