/*
 * Landlock's rules for a session.  Landlock only ever allows, by hierarchies
 * and by files, so what comes out holds every path that the policy could
 * allow, and more: never less.  It is read off the file rules' automata: from
 * the directory where names begin to be free (a wildcard) everything below is
 * given; where names are spelled out, refusals that stand before them have
 * already been taken away, and each is a rule of its own.
 *
 * The one exception: a hierarchy's own top (P of a pattern for P and all
 * below) may be made, removed or renamed by the policy, and is not, as that
 * would open the directory it stands in.  Those calls are performed on behalf,
 * outside Landlock.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/dfa.h"
#include "common/landlock.h"
#include "policyd/compile_int.h"

#define B(op)	 (1u << FOP_##op)
#define L(right) ((uint32_t)LANDLOCK_##right)

#define NAME_LEN_MAX	255u
#define NAMES_MAX	256u /* of one directory; more count as a wildcard */
#define STEPS_MAX	(1u << 20) /* looks at a byte, for one operation */
#define NODES_MAX	((size_t)2 * IMAGE_LAND_MAX)
#define CLASS_FREE	16u /* bytes that are all the same: a wildcard */

/*
 * For the operations in own the kernel wants the right on the object, for those
 * in parent on the directory that the name stands in.  Devices are made by
 * nobody but may be moved.  Sockets are made by bind, which the unix socket
 * rules judge: MAKE_SOCK is left to them.
 */
static const struct {
	uint32_t right, own, parent;
} right_tab[] = {
	{ L(EXECUTE), B(READ), 0 },
	{ L(READ_FILE), B(READ), 0 },
	{ L(READ_DIR), B(LIST), 0 },
	{ L(WRITE_FILE), B(WRITE) | B(CREATE), 0 },
	{ L(TRUNCATE), B(TRUNCATE), 0 },
	{ L(IOCTL_DEV), B(READ) | B(WRITE) | B(CREATE), 0 },
	{ L(MAKE_REG), 0, B(CREATE) | B(LINK) | B(RENAME_TO) },
	{ L(MAKE_FIFO), 0, B(CREATE) | B(LINK) | B(RENAME_TO) },
	{ L(MAKE_SYM), 0, B(SYMLINK) | B(LINK) | B(RENAME_TO) },
	{ L(MAKE_DIR), 0, B(MKDIR) | B(RENAME_TO) },
	{ L(MAKE_CHAR), 0, B(LINK) | B(RENAME_TO) },
	{ L(MAKE_BLOCK), 0, B(LINK) | B(RENAME_TO) },
	{ L(REMOVE_FILE), 0, B(DELETE) | B(RENAME) },
	{ L(REMOVE_DIR), 0, B(RMDIR) | B(RENAME) },
	{ L(REFER), 0, B(LINK) | B(RENAME) | B(RENAME_TO) },
};
#define NRIGHTS (sizeof(right_tab) / sizeof(right_tab[0]))

/* What the lists of the config give. */
#define LISTED_READ    (L(READ_FILE) | L(READ_DIR) | L(IOCTL_DEV))
#define LISTED_EXECUTE (LISTED_READ | L(EXECUTE))
#define LISTED_WRITE \
	(LISTED_READ | L(WRITE_FILE) | L(TRUNCATE) | L(MAKE_REG) | \
	    L(MAKE_DIR) | L(MAKE_SYM) | L(MAKE_FIFO) | L(REMOVE_FILE) | \
	    L(REMOVE_DIR) | L(REFER))

/* One of the automata of the file rules. */
struct auto_ {
	const struct dfa_hdr *dfa;
	uint32_t answers; /* in FILE_ROWS */
	uint8_t *live;	  /* by state: may an allowed path come of it? */
	uint32_t *first;  /* by state: its place in from */
	uint32_t *from;	  /* the states that lead to it */
};

/* States of all automata after one text. */
struct tuple {
	uint32_t st[IMAGE_GROUPS_MAX];
};

/* A path and what is allowed of it, bits of enum file_op. */
struct node {
	char *path;
	uint32_t tree_ops, exact_ops;
	uint32_t tree, exact; /* rights */
};

/* A directory whose names are still to be looked at. */
struct dir {
	char *path; /* "" is the root */
	struct tuple at; /* after its slash */
	int itself; /* it is itself allowed */
};

struct level {
	struct tuple at;
	unsigned int class, byte; /* to be tried next */
};

struct land {
	struct comp *c;
	struct auto_ v[IMAGE_GROUPS_MAX];
	uint32_t n;
	uint8_t class[256]; /* of all automata together */
	unsigned int nclasses, bytes[256];
	uint8_t rep[256]; /* one byte of each class */
	unsigned int op;
	uint32_t steps;
	struct level level[NAME_LEN_MAX + 1];
	struct node *node;
	size_t nnodes, cap_nodes;
	struct dir *dir;
	size_t ndirs, cap_dirs;
	int failed;
};

/* ---- automata ---- */

static int
place_allows(const struct land *l, unsigned int op, uint32_t place)
{
	const struct image_file_row *out = comp_at(l->c, IS_FILE_OUT, place);
	const struct image_outcome *o = out == NULL ? NULL :
	    comp_at(l->c, IS_OUTCOMES, out->v[op]);

	/* An approve rule is a refusal as long as nobody can be asked. */
	return o != NULL && o->allowed;
}

static uint32_t
place_of(const struct land *l, uint32_t i, uint32_t st, unsigned int op)
{
	const struct image_file_row *row = comp_at(l->c, IS_FILE_ROWS,
	    l->v[i].answers + dfa_accept(l->v[i].dfa, st));

	return row == NULL ? 0 : row->v[op];
}

/* Is the path that led to t allowed? */
static int
allows(const struct land *l, const struct tuple *t, unsigned int op)
{
	uint32_t best = (uint32_t)l->c->sec[IS_FILE_OUT].n - 1, at, i;

	for (i = 0; i < l->n; i++) {
		at = place_of(l, i, t->st[i], op);
		if (at < best)
			best = at;
	}
	return place_allows(l, op, best);
}

static void
step(const struct land *l, const struct tuple *from, uint8_t byte,
    struct tuple *to)
{
	const char ch = (char)byte;
	uint32_t i;

	for (i = 0; i < l->n; i++)
		to->st[i] = dfa_step(l->v[i].dfa, from->st[i], &ch, 1);
}

static void
walk_text(const struct land *l, const char *s, struct tuple *t)
{
	uint32_t i;

	for (i = 0; i < l->n; i++)
		t->st[i] = dfa_step(l->v[i].dfa, dfa_start(l->v[i].dfa), s,
		    strlen(s));
}

/* One automaton that may still allow is enough, whatever others refuse. */
static int
is_live(const struct land *l, const struct tuple *t)
{
	uint32_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].live[t->st[i]])
			return 1;
	return l->n == 0;
}

/* Who leads to whom, each pair once for a run of classes. */
static int
reverse_edges(const struct land *l, struct auto_ *a)
{
	uint32_t n = a->dfa->nstates, s, to, last, total = 0;
	unsigned int k, pass;
	char ch;

	a->first = calloc(n + 2, sizeof(*a->first));
	a->live = calloc(n, 1);
	if (a->first == NULL || a->live == NULL)
		return -1;
	for (pass = 0; pass < 2; pass++) {
		for (s = 0; s < n; s++) {
			last = s; /* loops are of no use */
			for (k = 0; k < l->nclasses; k++) {
				ch = (char)l->rep[k];
				to = dfa_step(a->dfa, s, &ch, 1);
				if (to == last || to == s)
					continue;
				last = to;
				if (pass == 0)
					a->first[to + 2]++;
				else
					a->from[a->first[to + 1]++] = s;
			}
		}
		if (pass == 1)
			break;
		for (s = 0; s < n + 2; s++)
			a->first[s] = total += a->first[s];
		a->from = calloc(total + 1u, sizeof(*a->from));
		if (a->from == NULL)
			return -1;
	}
	return 0;
}

/* States from which some path is allowed for the operation. */
static int
mark_live(struct land *l, struct auto_ *a, uint32_t i)
{
	uint32_t n = a->dfa->nstates, s, k, top = 0;
	uint32_t *stack = calloc(n, sizeof(*stack));

	if (stack == NULL)
		return -1;
	memset(a->live, 0, n);
	for (s = 0; s < n; s++)
		if (place_allows(l, l->op, place_of(l, i, s, l->op))) {
			a->live[s] = 1;
			stack[top++] = s;
		}
	while (top > 0) {
		s = stack[--top];
		for (k = a->first[s]; k < a->first[s + 1]; k++)
			if (!a->live[a->from[k]]) {
				a->live[a->from[k]] = 1;
				stack[top++] = a->from[k];
			}
	}
	free(stack);
	return 0;
}

/*
 * Classes of bytes that no automaton tells apart.  NUL is in no path; the slash
 * is its own.
 */
static void
join_classes(struct land *l)
{
	unsigned int b, k;
	uint32_t i;

	for (b = 1; b < 256; b++) {
		for (k = 0; k < l->nclasses; k++) {
			if ((b == '/') != (l->rep[k] == '/'))
				continue;
			for (i = 0; i < l->n; i++)
				if (dfa_class(l->v[i].dfa, (uint8_t)b) !=
				    dfa_class(l->v[i].dfa, l->rep[k]))
					break;
			if (i == l->n)
				break;
		}
		if (k == l->nclasses)
			l->rep[l->nclasses++] = (uint8_t)b;
		l->class[b] = (uint8_t)k;
		l->bytes[k]++;
	}
}

static int
take_automata(struct land *l)
{
	const struct image_use *u = &l->c->meta.use[IU_FILE];
	const struct image_group *g;
	const struct image_blob *b;
	uint32_t i;

	for (i = 0; i < u->n; i++) {
		g = comp_at(l->c, IS_GROUPS, u->group + i);
		b = g == NULL ? NULL : comp_at(l->c, IS_DFAS, g->dfa);
		if (b == NULL)
			return -1;
		l->v[i].dfa = comp_at(l->c, IS_POOL,
		    b->off / sizeof(uint64_t));
		l->v[i].answers = g->answers;
	}
	l->n = u->n;
	join_classes(l);
	for (i = 0; i < l->n; i++)
		if (reverse_edges(l, &l->v[i]) == -1)
			return -1;
	return 0;
}

/* ---- what is allowed where ---- */

/* A process's own directory has many names: it stands for all of /proc. */
static const char *
proc_of(const char *path)
{
	static const char *const own[] = { "/proc/self", "/proc/thread-self" };
	size_t i, n;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		n = strlen(own[i]);
		if (strncmp(path, own[i], n) == 0 &&
		    (path[n] == '\0' || path[n] == '/'))
			return "/proc";
	}
	return NULL;
}

static struct node *
node_get(struct land *l, const char *path)
{
	struct node *v;
	size_t i;

	for (i = 0; i < l->nnodes; i++)
		if (strcmp(l->node[i].path, path) == 0)
			return &l->node[i];
	if (l->nnodes == l->cap_nodes) {
		l->cap_nodes = l->cap_nodes == 0 ? 64 : l->cap_nodes * 2;
		v = reallocarray(l->node, l->cap_nodes, sizeof(*v));
		if (v == NULL) {
			l->failed = 1;
			return NULL;
		}
		l->node = v;
	}
	v = &l->node[l->nnodes];
	memset(v, 0, sizeof(*v));
	if ((v->path = strdup(path)) == NULL) {
		l->failed = 1;
		return NULL;
	}
	l->nnodes++;
	return v;
}

static void
allow_path(struct land *l, const char *path, int tree)
{
	const char *proc = proc_of(path);
	struct node *v;

	if (path[0] == '\0')
		path = "/";
	if ((v = node_get(l, proc != NULL ? proc : path)) == NULL)
		return;
	if (tree || proc != NULL)
		v->tree_ops |= 1u << l->op;
	else
		v->exact_ops |= 1u << l->op;
}

static void
push_dir(struct land *l, const char *path, const struct tuple *at, int itself)
{
	struct dir *v;

	if (l->ndirs == l->cap_dirs) {
		l->cap_dirs = l->cap_dirs == 0 ? 64 : l->cap_dirs * 2;
		v = reallocarray(l->dir, l->cap_dirs, sizeof(*v));
		if (v == NULL) {
			l->failed = 1;
			return;
		}
		l->dir = v;
	}
	v = &l->dir[l->ndirs];
	v->at = *at;
	v->itself = itself;
	if ((v->path = strdup(path)) == NULL)
		l->failed = 1;
	else
		l->ndirs++;
}

/* The name spelled so far leads to t: it, or something below it. */
static void
found_name(struct land *l, const struct dir *d, const char *name,
    const struct tuple *t)
{
	char path[LANDLOCK_PATH_MAX];
	struct tuple under;
	int itself = allows(l, t, l->op);

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", d->path, name) >=
	    sizeof(path))
		return; /* no canonical path is so */
	step(l, t, '/', &under);
	if (is_live(l, &under))
		push_dir(l, path, &under, itself);
	else if (itself)
		allow_path(l, path, 0);
}

/* The next live byte of a level, its state in *t, or -1; *wild: too many. */
static int
next_byte(struct land *l, struct level *v, struct tuple *t, int *wild)
{
	unsigned int b, k;

	for (b = v->byte; b < 256; b++) {
		k = l->class[b];
		if (b == '/' || (l->steps++ > STEPS_MAX && (*wild = 1)))
			continue;
		if (l->rep[k] != b && l->bytes[k] > CLASS_FREE)
			continue; /* seen dead */
		step(l, &v->at, (uint8_t)b, t);
		if (!is_live(l, t))
			continue;
		if (l->bytes[k] > CLASS_FREE)
			*wild = 1;
		v->byte = b + 1;
		return (int)b;
	}
	return -1;
}

/*
 * Spell the names of d that lead to something allowed.  0, or -1 when they
 * cannot be counted, with nothing found.
 */
static int
spell(struct land *l, const struct dir *d, int (*found)(struct land *,
    const struct dir *, const char *, const struct tuple *))
{
	char name[NAME_LEN_MAX + 1];
	unsigned int depth = 0, names = 0;
	struct tuple t;
	int b, wild = 0;

	l->level[0].at = d->at;
	l->level[0].byte = 1;
	for (;;) {
		b = next_byte(l, &l->level[depth], &t, &wild);
		if (wild)
			return -1;
		if (b == -1) {
			if (depth-- == 0)
				return 0;
			continue;
		}
		name[depth] = (char)b;
		name[depth + 1] = '\0';
		if (found(l, d, name, &t) && ++names > NAMES_MAX)
			return -1;
		if (depth + 1 == NAME_LEN_MAX)
			return -1;
		depth++;
		l->level[depth].at = t;
		l->level[depth].byte = 1;
	}
}

static int
count_name(struct land *l, const struct dir *d, const char *name,
    const struct tuple *t)
{
	struct tuple under;

	step(l, t, '/', &under);
	return allows(l, t, l->op) || is_live(l, &under);
}

static int
take_name(struct land *l, const struct dir *d, const char *name,
    const struct tuple *t)
{
	if (count_name(l, d, name, t))
		found_name(l, d, name, t);
	return 0;
}

static void
look_into(struct land *l, const struct dir *d)
{
	if (l->nnodes > NODES_MAX || spell(l, d, count_name) == -1) {
		allow_path(l, d->path, 1);
		return;
	}
	if (d->itself)
		allow_path(l, d->path, 0);
	if (spell(l, d, take_name) == -1)
		allow_path(l, d->path, 1);
}

static void
one_op(struct land *l, unsigned int op)
{
	struct tuple root;
	struct dir d;
	uint32_t i;

	l->op = op;
	l->steps = 0;
	for (i = 0; i < l->n; i++)
		if (mark_live(l, &l->v[i], i) == -1)
			l->failed = 1;
	if (l->failed)
		return;
	walk_text(l, "/", &root);
	if (l->n == 0) {
		if (allows(l, &root, op))
			allow_path(l, "", 1);
		return;
	}
	if (is_live(l, &root))
		push_dir(l, "", &root, allows(l, &root, op));
	while (l->ndirs > 0 && !l->failed) {
		d = l->dir[--l->ndirs];
		look_into(l, &d);
		free(d.path);
	}
}

/* ---- operations to rights ---- */

static void
give(struct land *l, const char *path, uint32_t tree)
{
	struct node *v = node_get(l, path);

	if (v != NULL)
		v->tree |= tree;
}

static void
give_parent(struct land *l, const char *path, uint32_t tree)
{
	char buf[LANDLOCK_PATH_MAX];
	char *slash;

	strlcpy(buf, path, sizeof(buf));
	slash = strrchr(buf, '/');
	slash[slash == buf ? 1 : 0] = '\0';
	give(l, buf, tree);
}

/* The rights of node i; more nodes may come of it. */
static void
rights_of(struct land *l, size_t i)
{
	uint32_t tree = 0, exact = 0, parent = 0, t, e;
	size_t k;

	t = l->node[i].tree_ops;
	e = l->node[i].exact_ops & ~t;
	for (k = 0; k < NRIGHTS; k++) {
		if (t & (right_tab[k].own | right_tab[k].parent))
			tree |= right_tab[k].right;
		if (e & right_tab[k].own)
			exact |= right_tab[k].right;
		if (e & right_tab[k].parent)
			parent |= right_tab[k].right;
	}
	/* A directory that may be listed lends that to those below it. */
	tree |= exact & ~LANDLOCK_OF_FILES;
	l->node[i].tree |= tree;
	l->node[i].exact |= exact & LANDLOCK_OF_FILES;
	if (parent != 0)
		give_parent(l, l->node[i].path, parent);
}

/* ---- the config's lists ---- */

/* An entry with its variables, or -1: the loader has admitted its form. */
static int
list_path(const struct comp *c, const struct pstr *p, char *buf, size_t size)
{
	struct pieces pc;
	size_t n = 0;
	unsigned int i;

	if (policy_expand_lenient(p, c->o->vars, &pc) != 0)
		return -1;
	for (i = 0; i < pc.n; i++) {
		if (pc.v[i].len >= size - n)
			return -1;
		memcpy(buf + n, pc.v[i].s, pc.v[i].len);
		n += pc.v[i].len;
	}
	while (n > 1 && buf[n - 1] == '/')
		n--;
	buf[n] = '\0';
	return buf[0] == '/' ? 0 : -1;
}

static void
add_list(struct land *l, const struct plist *list, uint32_t rights)
{
	char path[LANDLOCK_PATH_MAX];
	unsigned int i;

	for (i = 0; i < list->n; i++)
		if (list_path(l->c, &list->v[i], path, sizeof(path)) == 0)
			give(l, path, rights);
}

static int
below(const char *top, const char *path)
{
	size_t n = strlen(top);

	return n == 1 || (strncmp(path, top, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/'));
}

/* Rules at and below a denied path go; one above it cannot be given a hole. */
static void
deny_path(struct land *l, const struct pstr *p, const char *path)
{
	char text[256] = "";
	uint32_t open = 0;
	unsigned int b;
	size_t i;

	for (i = 0; i < l->nnodes; i++) {
		if (below(path, l->node[i].path))
			l->node[i].tree = l->node[i].exact = 0;
		else if (below(l->node[i].path, path))
			open |= l->node[i].tree;
	}
	open &= ~L(MAKE_SOCK);
	for (b = 0; b < LANDLOCK_RIGHTS; b++)
		if (open >> b & 1) {
			strlcat(text, text[0] != '\0' ? ", " : "",
			    sizeof(text));
			strlcat(text, landlock_right_name(b), sizeof(text));
		}
	if (open != 0)
		diag_add(l->c->d, DIAG_WARNING, l->c->conf->file, p->pos.line,
		    p->pos.column, "\"landlock.deny_paths\": a directory above "
		    "\"%.256s\" is open, and Landlock knows no holes: it "
		    "refuses it no %s; use a file rule", path, text);
}

static void
config_lists(struct land *l)
{
	const struct config *conf = l->c->conf;
	const struct plist *deny = &conf->landlock_deny;
	char path[LANDLOCK_PATH_MAX];
	unsigned int i;

	add_list(l, &conf->landlock_execute, LISTED_EXECUTE);
	add_list(l, &conf->landlock_read, LISTED_READ);
	add_list(l, &conf->landlock_write, LISTED_WRITE);
	for (i = 0; i < deny->n; i++)
		if (list_path(l->c, &deny->v[i], path, sizeof(path)) == 0)
			deny_path(l, &deny->v[i], path);
}

/* ---- the section ---- */

/* Which components of the path may the session make itself? */
static uint64_t
may_make(struct land *l, const char *path)
{
	static const unsigned int ops[] = { FOP_MKDIR, FOP_RENAME_TO,
		FOP_CREATE, FOP_LINK };
	char buf[LANDLOCK_PATH_MAX];
	unsigned int at = 0, k;
	uint64_t bits = 0;
	struct tuple t;
	size_t i, n = strlen(path);

	for (i = 1; i <= n && at < 64; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(buf, path, i);
		buf[i] = '\0';
		walk_text(l, buf, &t);
		/* Files only where the path ends. */
		for (k = 0; k < (i == n ? 4u : 2u); k++)
			if (allows(l, &t, ops[k]))
				bits |= UINT64_C(1) << at;
		at++;
	}
	return bits;
}

static int
node_cmp(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path,
	    ((const struct node *)b)->path);
}

/* What a hierarchy above gives already needs no saying. */
static void
drop_covered(struct land *l)
{
	uint32_t given;
	size_t i, k;

	for (i = 0; i < l->nnodes; i++) {
		given = 0;
		for (k = 0; k < i; k++)
			if (below(l->node[k].path, l->node[i].path))
				given |= l->node[k].tree;
		l->node[i].tree &= ~given;
		l->node[i].exact &= ~(given | l->node[i].tree);
	}
}

/* Too many rules: the rights of most are given everywhere. */
static void
bound(struct land *l)
{
	uint32_t rights = 0;
	size_t i, n = 0;

	for (i = 0; i < l->nnodes; i++)
		n += (l->node[i].tree | l->node[i].exact) != 0;
	if (n <= IMAGE_LAND_MAX)
		return;
	for (i = 0; i < l->nnodes; i++)
		rights |= l->node[i].tree | l->node[i].exact;
	l->nnodes = 1; /* sorted: the root */
	l->node[0].tree = rights;
	diag_add(l->c->d, DIAG_WARNING, l->c->pol->file, 0, 0, "Landlock: "
	    "more than %u rules: what the policy allows anywhere is not "
	    "refused by it anywhere", IMAGE_LAND_MAX);
}

static void
write_rules(struct land *l)
{
	struct image_land_rec rec;
	size_t i, n = l->nnodes;

	qsort(l->node, l->nnodes, sizeof(*l->node), node_cmp);
	drop_covered(l);
	bound(l);
	for (i = 0; i < l->nnodes && !l->failed; i++) {
		if (i > 0 && (l->node[i].tree | l->node[i].exact) == 0)
			continue;
		memset(&rec, 0, sizeof(rec));
		rec.path = comp_string(l->c, l->node[i].path);
		rec.tree = l->node[i].tree;
		rec.exact = l->node[i].exact;
		rec.may_make = may_make(l, l->node[i].path);
		comp_add(l->c, IS_LAND, &rec, 1);
	}
	l->nnodes = n;
}

static void
land_clear(struct land *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->v[i].live);
		free(l->v[i].first);
		free(l->v[i].from);
	}
	for (i = 0; i < l->nnodes; i++)
		free(l->node[i].path);
	for (i = 0; i < l->ndirs; i++)
		free(l->dir[i].path);
	free(l->node);
	free(l->dir);
	free(l);
}

void
comp_landlock(struct comp *c)
{
	struct land *l;
	uint32_t all = 0;
	size_t i, n;

	if (!c->settings.landlock || c->failed)
		return;
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		c->failed = 1;
		return;
	}
	l->c = c;
	if (take_automata(l) == -1)
		l->failed = 1;
	for (i = 0; i < NRIGHTS; i++)
		all |= right_tab[i].own | right_tab[i].parent;
	for (i = 0; i < FOP_MAX && !l->failed; i++)
		if (all >> i & 1)
			one_op(l, (unsigned int)i);
	give(l, "/", L(MAKE_SOCK));
	for (i = 0, n = l->nnodes; i < n && !l->failed; i++)
		rights_of(l, i);
	if (!l->failed) {
		config_lists(l);
		write_rules(l);
	}
	c->failed |= l->failed;
	land_clear(l);
}
