/*
 * libyaml's events to a tree.  The parser is driven event by event with a stack
 * of at most YTREE_DEPTH_MAX open collections, so no input makes it recurse, and
 * an alias is charged with the size of what it stands for before it is taken.
 */

#include "policyd/ytree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "policyd/arena.h"
#include "policyd/diag.h"
#include "policyd/scalar.h"

const char *const ytype_name[Y_MAX] = {
	[Y_SCALAR] = "a scalar",
	[Y_LIST] = "a list",
	[Y_MAP] = "a map",
};

/* A collection that is still open. */
struct frame {
	struct ynode *node;
	struct ynode **kids; /* malloc; of a map: key, value, key ... */
	size_t nkids;
	size_t cap;
	const char *anchor;
};

struct anchor {
	const char *name;
	struct ynode *node; /* NULL while it is open */
	struct anchor *next;
};

struct builder {
	struct ytree *t;
	struct arena *arena;
	const char *file;
	struct diag *d;
	struct frame stack[YTREE_DEPTH_MAX];
	unsigned int depth;
	uint32_t nodes;
	struct anchor *anchors;
	unsigned int nanchors;
};

#define ANCHORS_MAX 1000

static void __attribute__((format(printf, 3, 4)))
err(struct builder *b, struct pos at, const char *fmt, ...)
{
	char buf[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	diag_add(b->d, DIAG_ERROR, b->file, at.line, at.column, "%s", buf);
}

static int
no_memory(struct builder *b)
{
	diag_add(b->d, DIAG_ERROR, b->file, 0, 0,
	    "the file needs more memory than a file may have");
	return -1;
}

/* Source places ------------------------------------------------------- */

/* The length of a line break as YAML 1.1 has it, 0 where there is none. */
static size_t
break_len(const unsigned char *p, size_t left)
{
	if (p[0] == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (p[0] == '\n')
		return 1;
	if (left > 1 && p[0] == 0xc2 && p[1] == 0x85)
		return 2;
	if (left > 2 && p[0] == 0xe2 && p[1] == 0x80 &&
	    (p[2] == 0xa8 || p[2] == 0xa9))
		return 3;
	return 0;
}

static int
starts_char(const struct ysource *src, size_t i)
{
	return ((unsigned char)src->bytes[i] & 0xc0) != 0x80;
}

/* Without these a file of one long line would cost its square. */
static int
chars_index(struct ysource *src, struct arena *a)
{
	uint32_t *chars, n = 0;
	size_t i;

	chars = arena_array(a, src->size / YTREE_STEP + 1, sizeof(*chars));
	if (chars == NULL)
		return -1;
	for (i = 0; i < src->size; i++) {
		if (i % YTREE_STEP == 0)
			chars[i / YTREE_STEP] = n;
		n += (uint32_t)starts_char(src, i);
	}
	if (src->size % YTREE_STEP == 0)
		chars[src->size / YTREE_STEP] = n;
	src->chars = chars;
	return 0;
}

static size_t
chars_before(const struct ysource *src, size_t off)
{
	size_t i = off / YTREE_STEP * YTREE_STEP;
	size_t n = src->chars[off / YTREE_STEP];

	for (; i < off; i++)
		n += (size_t)starts_char(src, i);
	return n;
}

static int
lines_index(struct ysource *src, struct arena *a)
{
	const unsigned char *p = (const unsigned char *)src->bytes;
	uint32_t *lines, n = 1;
	size_t i, len;

	for (i = 0; i < src->size; i += len != 0 ? len : 1)
		n += (len = break_len(p + i, src->size - i)) != 0;
	if ((lines = arena_array(a, n, sizeof(*lines))) == NULL)
		return -1;
	n = 1;
	for (i = 0; i < src->size; i += len != 0 ? len : 1) {
		if ((len = break_len(p + i, src->size - i)) != 0)
			lines[n++] = (uint32_t)(i + len);
	}
	src->lines = lines;
	src->nlines = n;
	return chars_index(src, a);
}

struct pos
ytree_pos(const struct ysource *src, size_t off)
{
	uint32_t lo = 0, hi = src->nlines, mid;
	struct pos at = { 1, 1 };

	if (src->nlines == 0)
		return at;
	if (off > src->size)
		off = src->size;
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (src->lines[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	at.line = lo + 1;
	at.column += (uint32_t)(chars_before(src, off) -
	    chars_before(src, src->lines[lo]));
	return at;
}

/* libyaml counts characters from the file's start; we need bytes. */
static size_t
mark_offset(const struct ysource *src, const yaml_mark_t *m)
{
	size_t lo = 0, hi = src->size / YTREE_STEP + 1, mid, i, n;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (src->chars[mid] <= m->index)
			lo = mid;
		else
			hi = mid;
	}
	n = src->chars[lo];
	for (i = lo * YTREE_STEP; i < src->size; i++) {
		if (starts_char(src, i) && n++ == m->index)
			break;
	}
	return i;
}

/* A node's start mark is that of its anchor or tag: step over those. */
static size_t
skip_properties(const struct ysource *src, size_t i)
{
	const char *p = src->bytes;

	while (p[i] == '&' || p[i] == '!') {
		while (p[i] != '\0' && strchr(" \t\r\n", p[i]) == NULL)
			i++;
		for (;;) {
			while (p[i] != '\0' && strchr(" \t\r\n", p[i]) != NULL)
				i++;
			if (p[i] != '#')
				break;
			while (p[i] != '\0' && p[i] != '\n')
				i++;
		}
	}
	return i;
}

static unsigned int
hex_escape_digits(char c)
{
	return c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
}

static size_t
utf8_len(const char *hex, unsigned int digits)
{
	char buf[9] = "";
	unsigned long v;

	memcpy(buf, hex, digits);
	v = strtoul(buf, NULL, 16);
	return v < 0x80 ? 1 : v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
}

/* Content bytes that the source at i yields; *used source bytes, 0 = stop. */
static size_t
unit_at(const struct ysource *src, size_t i, char quote, size_t *used)
{
	const char *p = src->bytes + i;
	size_t left = src->size - i;
	unsigned int hex;

	*used = 1;
	if (left == 0 || break_len((const unsigned char *)p, left) != 0) {
		*used = 0;
		return 0;
	}
	if (quote == '\'' && p[0] == '\'') {
		*used = left > 1 && p[1] == '\'' ? 2 : 0;
		return 1;
	}
	if (quote != '"' || p[0] != '\\')
		return 1;
	if (left < 2)
		return *used = 0;
	*used = 2;
	if ((hex = hex_escape_digits(p[1])) != 0) {
		if (left < 2 + hex)
			return *used = 0;
		*used = 2 + hex;
		return utf8_len(p + 2, hex);
	}
	/* \N \_ are two bytes of UTF-8, \L \P three. */
	return p[1] == 'N' || p[1] == '_' ? 2 :
	    p[1] == 'L' || p[1] == 'P'	  ? 3 :
					    1;
}

size_t
ytree_offset(const struct ysource *src, const struct pstr *p, size_t off)
{
	size_t i = p->src, got = 0, used, n;

	if (p->quote == '|' || off > p->len || i > src->size)
		return p->src;
	while (got < off) {
		n = unit_at(src, i, p->quote, &used);
		if (used == 0)
			return p->src; /* folded over lines */
		got += n;
		if (got > off)
			break;
		i += used;
	}
	return i;
}

/* Input checks -------------------------------------------------------- */

/* Length of the UTF-8 character at p, 0 if it is none. */
static size_t
utf8_char(const unsigned char *p, size_t left)
{
	size_t n, i;

	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/*
 * libyaml would stop at these too, but it says neither where nor what.
 * Its readable characters are those of YAML 1.1.
 */
static int
check_bytes(struct builder *b)
{
	const struct ysource *src = &b->t->src;
	const unsigned char *p = (const unsigned char *)src->bytes;
	size_t i, n;

	for (i = 0; i < src->size; i += n) {
		n = utf8_char(p + i, src->size - i);
		if (n == 0) {
			err(b, ytree_pos(src, i),
			    "byte 0x%02x is not UTF-8 text", p[i]);
			return -1;
		}
		if (p[i] == 0) {
			err(b, ytree_pos(src, i), "a NUL byte in the file");
			return -1;
		}
		if ((p[i] < 0x20 && strchr("\t\n\r", p[i]) == NULL) ||
		    p[i] == 0x7f) {
			err(b, ytree_pos(src, i),
			    "control character 0x%02x in the file", p[i]);
			return -1;
		}
	}
	return 0;
}

/* Nodes --------------------------------------------------------------- */

static int
charge(struct builder *b, struct pos at, uint32_t n)
{
	if (n > YTREE_NODES_MAX - b->nodes) {
		err(b, at,
		    "more than %d nodes (aliases counted as what they "
		    "stand for)",
		    YTREE_NODES_MAX);
		return -1;
	}
	b->nodes += n;
	return 0;
}

static struct ynode *
node_new(struct builder *b, enum ytype type, const yaml_mark_t *m)
{
	const struct ysource *src = &b->t->src;
	size_t off = skip_properties(src, mark_offset(src, m));
	struct ynode *n;

	if (charge(b, ytree_pos(src, off), 1) == -1)
		return NULL;
	if ((n = arena_alloc(b->arena, sizeof(*n))) == NULL) {
		(void)no_memory(b);
		return NULL;
	}
	n->type = type;
	n->size = 1;
	n->height = 1;
	n->str.s = "";
	n->str.src = (uint32_t)off;
	n->str.pos = ytree_pos(src, off);
	return n;
}

/* Only the tags that say what the text says anyway. */
static int
check_tag(struct builder *b, const yaml_mark_t *m, const char *tag)
{
	static const char *const core[] = { "!", "tag:yaml.org,2002:str",
		"tag:yaml.org,2002:int", "tag:yaml.org,2002:bool",
		"tag:yaml.org,2002:float", "tag:yaml.org,2002:null",
		"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map",
		"tag:yaml.org,2002:merge" };
	size_t i;

	if (tag == NULL)
		return 0;
	for (i = 0; i < sizeof(core) / sizeof(core[0]); i++) {
		if (strcmp(tag, core[i]) == 0)
			return 0;
	}
	err(b, ytree_pos(&b->t->src, mark_offset(&b->t->src, m)),
	    "tag \"%s\" has no meaning here; leave it out", tag);
	return -1;
}

/* Remember an anchor; a second one of the name replaces the first. */
static int
anchor_add(struct builder *b, const char *name, struct ynode *n)
{
	struct anchor *a;

	if (b->nanchors++ >= ANCHORS_MAX) {
		err(b, n->str.pos, "more than %d anchors", ANCHORS_MAX);
		return -1;
	}
	if ((a = arena_alloc(b->arena, sizeof(*a))) == NULL)
		return no_memory(b);
	if ((a->name = arena_strndup(b->arena, name, strlen(name))) == NULL)
		return no_memory(b);
	a->node = n;
	a->next = b->anchors;
	b->anchors = a;
	return 0;
}

static struct ynode *
anchor_find(struct builder *b, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	struct pos at = ytree_pos(&b->t->src,
	    mark_offset(&b->t->src, &ev->start_mark));
	const struct anchor *a;
	unsigned int i;

	for (i = 0; i < b->depth; i++) {
		if (b->stack[i].anchor != NULL &&
		    strcmp(b->stack[i].anchor, name) == 0) {
			err(b, at, "alias \"*%s\" stands inside itself", name);
			return NULL;
		}
	}
	for (a = b->anchors; a != NULL; a = a->next) {
		if (strcmp(a->name, name) == 0)
			break;
	}
	if (a == NULL) {
		err(b, at, "alias \"*%s\" has no anchor \"&%s\" before it",
		    name, name);
		return NULL;
	}
	if (a->node->height + b->depth > YTREE_DEPTH_MAX) {
		err(b, at, "nested deeper than %d levels", YTREE_DEPTH_MAX);
		return NULL;
	}
	if (charge(b, at, a->node->size) == -1)
		return NULL;
	return a->node;
}

/* Put a finished node below the innermost open collection, or as the root. */
static int
attach(struct builder *b, struct ynode *n)
{
	struct frame *f;
	struct ynode **kids;

	if (b->depth == 0) {
		b->t->root = n;
		return 0;
	}
	f = &b->stack[b->depth - 1];
	if (f->nkids == f->cap) {
		f->cap = f->cap == 0 ? 8 : f->cap * 2;
		kids = reallocarray(f->kids, f->cap, sizeof(*kids));
		if (kids == NULL)
			return no_memory(b);
		f->kids = kids;
	}
	f->kids[f->nkids++] = n;
	return 0;
}

static int
on_scalar(struct builder *b, const yaml_event_t *ev)
{
	const char *anchor = (const char *)ev->data.scalar.anchor;
	const char *tag = (const char *)ev->data.scalar.tag;
	struct ynode *n = node_new(b, Y_SCALAR, &ev->start_mark);

	if (n == NULL || check_tag(b, &ev->start_mark, tag) == -1)
		return -1;
	n->str.len = ev->data.scalar.length;
	n->str.s = arena_strndup(b->arena, (const char *)ev->data.scalar.value,
	    n->str.len);
	if (n->str.s == NULL)
		return no_memory(b);
	/* "\0" in double quotes: no string of ours can hold it. */
	if (strlen(n->str.s) != n->str.len) {
		err(b, n->str.pos, "a NUL character in a value");
		return -1;
	}
	switch (ev->data.scalar.style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		n->str.quote = ev->data.scalar.style ==
			YAML_SINGLE_QUOTED_SCALAR_STYLE ?
		    '\'' :
		    '"';
		n->str.src++;
		n->str.pos.column++;
		break;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		n->str.quote = '|';
		break;
	case YAML_ANY_SCALAR_STYLE:
	case YAML_PLAIN_SCALAR_STYLE:
		n->null = scalar_is_null(n->str.s) != 0;
		break;
	}
	if (anchor != NULL && anchor_add(b, anchor, n) == -1)
		return -1;
	return attach(b, n);
}

static int
on_open(struct builder *b, const yaml_event_t *ev)
{
	int map = ev->type == YAML_MAPPING_START_EVENT;
	const char *tag = (const char *)(map ? ev->data.mapping_start.tag :
					       ev->data.sequence_start.tag);
	const char *anchor = (const char *)(map ?
		ev->data.mapping_start.anchor :
		ev->data.sequence_start.anchor);
	struct ynode *n = node_new(b, map ? Y_MAP : Y_LIST, &ev->start_mark);
	struct frame *f;

	if (n == NULL || check_tag(b, &ev->start_mark, tag) == -1)
		return -1;
	/* The innermost scalar is a level too. */
	if (b->depth + 1 >= YTREE_DEPTH_MAX) {
		err(b, n->str.pos, "nested deeper than %d levels",
		    YTREE_DEPTH_MAX);
		return -1;
	}
	f = &b->stack[b->depth];
	memset(f, 0, sizeof(*f));
	f->node = n;
	if (anchor != NULL) {
		f->anchor = arena_strndup(b->arena, anchor, strlen(anchor));
		if (f->anchor == NULL)
			return no_memory(b);
	}
	b->depth++;
	return 0;
}

/* Maps: merge keys and duplicates ------------------------------------- */

static int
is_merge(const struct ynode *key)
{
	return key->str.quote == 0 && strcmp(key->str.s, "<<") == 0;
}

static int
pair_cmp(const void *a, const void *b)
{
	const struct ypair *p = a, *q = b;
	int c = strcmp(p->key->str.s, q->key->str.s);

	if (c != 0)
		return c;
	return p->rank < q->rank ? -1 : p->rank > q->rank;
}

static int
rank_cmp(const void *a, const void *b)
{
	const struct ypair *p = a, *q = b;

	return p->rank < q->rank ? -1 : p->rank > q->rank;
}

/*
 * Count what the merge value v would add; -1 when it is neither a map nor a list of
 * maps.
 */
static int64_t
merge_count(struct builder *b, const struct ynode *v)
{
	int64_t n = 0;
	uint32_t i;

	if (v->type == Y_MAP)
		return v->n;
	for (i = 0; v->type == Y_LIST && i < v->n; i++) {
		if (v->items[i]->type != Y_MAP)
			break;
		n += v->items[i]->n;
	}
	if (v->type == Y_LIST && i == v->n)
		return n;
	err(b, v->str.pos, "\"<<\" merges a map or a list of maps");
	return -1;
}

static uint32_t
merge_into(struct ypair *out, uint32_t at, const struct ynode *v)
{
	const struct ynode *m;
	uint32_t i, j, maps = v->type == Y_MAP ? 1 : v->n;

	for (i = 0; i < maps; i++) {
		m = v->type == Y_MAP ? v : v->items[i];
		for (j = 0; j < m->n; j++, at++) {
			out[at] = m->pairs[j];
			out[at].rank = at;
		}
	}
	return at;
}

/*
 * Drop keys that an earlier rank has; among the first `own` ranks that is a duplicate
 * and an error.  Leaves the rest in rank order.
 */
static uint32_t
pairs_unique(struct builder *b, struct ypair *v, uint32_t n, uint32_t own)
{
	uint32_t i, out = 0;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), pair_cmp);
	for (i = 0; i < n; i++) {
		if (out == 0 ||
		    strcmp(v[out - 1].key->str.s, v[i].key->str.s) != 0) {
			v[out++] = v[i];
			continue;
		}
		if (v[i].rank < own)
			err(b, v[i].key->str.pos,
			    "key \"%s\" is set twice, first on line %u",
			    v[i].key->str.s, v[out - 1].key->str.pos.line);
	}
	qsort(v, out, sizeof(*v), rank_cmp);
	return out;
}

static int
map_close(struct builder *b, struct frame *f)
{
	struct ynode *n = f->node, *key;
	uint32_t own = 0, merged;
	int64_t extra = 0, c;
	size_t i;

	for (i = 0; i + 1 < f->nkids; i += 2) {
		key = f->kids[i];
		if (key->type != Y_SCALAR) {
			err(b, key->str.pos, "a key must be a word, not %s",
			    ytype_name[key->type]);
			return -1;
		}
		if (!is_merge(key))
			continue;
		if ((c = merge_count(b, f->kids[i + 1])) == -1)
			return -1;
		extra += c;
	}
	n->pairs = arena_array(b->arena, f->nkids / 2 + (size_t)extra,
	    sizeof(*n->pairs));
	if (n->pairs == NULL)
		return no_memory(b);
	for (i = 0; i + 1 < f->nkids; i += 2) {
		if (is_merge(f->kids[i]))
			continue;
		n->pairs[own] = (struct ypair) { f->kids[i], f->kids[i + 1],
			own };
		own++;
	}
	merged = own;
	for (i = 0; i + 1 < f->nkids; i += 2) {
		if (is_merge(f->kids[i]))
			merged = merge_into(n->pairs, merged, f->kids[i + 1]);
	}
	n->n = pairs_unique(b, n->pairs, merged, own);
	return 0;
}

static int
list_close(struct builder *b, struct frame *f)
{
	struct ynode *n = f->node;

	n->items = arena_array(b->arena, f->nkids, sizeof(struct ynode *));
	if (n->items == NULL)
		return no_memory(b);
	if (f->nkids != 0)
		memcpy(n->items, f->kids, f->nkids * sizeof(struct ynode *));
	n->n = (uint32_t)f->nkids;
	return 0;
}

/* What the children come to; charge() holds the sum below YTREE_NODES_MAX. */
static void
measure(struct ynode *n, struct ynode *const *kids, size_t nkids)
{
	size_t i;

	for (i = 0; i < nkids; i++) {
		n->size += kids[i]->size;
		if (kids[i]->height >= n->height)
			n->height = (uint16_t)(kids[i]->height + 1);
	}
}

static int
on_close(struct builder *b)
{
	struct frame *f;
	int rv;

	if (b->depth == 0)
		return -1;
	f = &b->stack[b->depth - 1];
	rv = f->node->type == Y_MAP ? map_close(b, f) : list_close(b, f);
	measure(f->node, f->kids, f->nkids);
	free(f->kids);
	f->kids = NULL;
	b->depth--;
	if (rv == -1)
		return -1;
	if (f->anchor != NULL && anchor_add(b, f->anchor, f->node) == -1)
		return -1;
	return attach(b, f->node);
}

/* Driving the parser -------------------------------------------------- */

static int
on_alias(struct builder *b, const yaml_event_t *ev)
{
	struct ynode *n;

	if ((n = anchor_find(b, ev)) == NULL)
		return -1;
	return attach(b, n);
}

/* 1: go on, 0: the document has ended, -1: error in d. */
static int
on_event(struct builder *b, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return on_alias(b, ev) == -1 ? -1 : 1;
	case YAML_SCALAR_EVENT:
		return on_scalar(b, ev) == -1 ? -1 : 1;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_open(b, ev) == -1 ? -1 : 1;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(b) == -1 ? -1 : 1;
	case YAML_DOCUMENT_END_EVENT:
	case YAML_STREAM_END_EVENT:
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_START_EVENT:
		return 1;
	}
	return -1;
}

/* The YAML itself is broken: libyaml says what, at a mark or an offset. */
static void
syntax_error(struct builder *b, const yaml_parser_t *yp)
{
	const struct ysource *src = &b->t->src;
	struct pos at;

	if (yp->error == YAML_MEMORY_ERROR) {
		(void)no_memory(b);
		return;
	}
	if (yp->error == YAML_READER_ERROR)
		at = ytree_pos(src, yp->problem_offset);
	else
		at = ytree_pos(src, mark_offset(src, &yp->problem_mark));
	if (yp->error == YAML_SCANNER_ERROR &&
	    src->bytes[mark_offset(src, &yp->problem_mark)] == '\t')
		err(b, at, "a tab cannot indent YAML; use spaces");
	else if (yp->context != NULL)
		err(b, at, "not YAML: %s %s (from line %zu)",
		    yp->problem != NULL ? yp->problem : "error", yp->context,
		    yp->context_mark.line + 1);
	else
		err(b, at, "not YAML: %s",
		    yp->problem != NULL ? yp->problem : "error");
}

/* Is there another document?  Only the first is read, as ever. */
static void
warn_rest(struct builder *b, yaml_parser_t *yp)
{
	const struct ysource *src = &b->t->src;
	yaml_event_t ev;
	struct pos at;

	if (!yaml_parser_parse(yp, &ev)) {
		at = ytree_pos(src, mark_offset(src, &yp->problem_mark));
		diag_add(b->d, DIAG_WARNING, b->file, at.line, at.column,
		    "only the first document of a file is read");
		return;
	}
	if (ev.type == YAML_DOCUMENT_START_EVENT) {
		at = ytree_pos(src, mark_offset(src, &ev.start_mark));
		diag_add(b->d, DIAG_WARNING, b->file, at.line, at.column,
		    "only the first document of a file is read");
	}
	yaml_event_delete(&ev);
}

static int
drive(struct builder *b, yaml_parser_t *yp)
{
	yaml_event_t ev;
	int more;

	do {
		if (!yaml_parser_parse(yp, &ev)) {
			syntax_error(b, yp);
			return -1;
		}
		more = on_event(b, &ev);
		if (ev.type == YAML_DOCUMENT_END_EVENT)
			warn_rest(b, yp);
		yaml_event_delete(&ev);
	} while (more == 1);
	return more;
}

/* Take a copy: libyaml's marks, our columns and explain all read it. */
static int
source_init(struct builder *b, const void *bytes, size_t size)
{
	struct ysource *src = &b->t->src;
	const char *p = bytes;

	if (size > YTREE_BYTES_MAX) {
		diag_add(b->d, DIAG_ERROR, b->file, 0, 0,
		    "larger than %d bytes", YTREE_BYTES_MAX);
		return -1;
	}
	if (size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		size -= 3;
	}
	src->size = size;
	if ((src->bytes = arena_strndup(b->arena, p, size)) == NULL ||
	    lines_index(src, b->arena) == -1)
		return no_memory(b);
	return check_bytes(b);
}

static int
empty_root(struct builder *b)
{
	yaml_mark_t m = { 0, 0, 0 };

	if (b->t->root != NULL)
		return 0;
	if ((b->t->root = node_new(b, Y_SCALAR, &m)) == NULL)
		return -1;
	b->t->root->null = 1;
	return 0;
}

int
ytree_parse(struct ytree *t, struct arena *a, const char *file,
    const void *bytes, size_t size_bytes, struct diag *d)
{
	struct builder b = { .t = t, .arena = a, .file = file, .d = d };
	unsigned int errors = d->errors, i;
	yaml_parser_t yp;
	int rv;

	memset(t, 0, sizeof(*t));
	if (source_init(&b, bytes, size_bytes) == -1)
		return -1;
	if (!yaml_parser_initialize(&yp))
		return no_memory(&b);
	yaml_parser_set_encoding(&yp, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&yp, (const unsigned char *)t->src.bytes,
	    t->src.size);
	rv = drive(&b, &yp);
	yaml_parser_delete(&yp);
	for (i = 0; i < b.depth; i++)
		free(b.stack[i].kids);
	if (rv == -1 || d->errors != errors)
		return -1;
	return empty_root(&b);
}

const struct ynode *
ytree_get(const struct ynode *n, const char *key)
{
	uint32_t i;

	if (n == NULL || n->type != Y_MAP)
		return NULL;
	for (i = 0; i < n->n; i++) {
		if (strcmp(n->pairs[i].key->str.s, key) == 0)
			return n->pairs[i].value;
	}
	return NULL;
}
