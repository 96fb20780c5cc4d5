/*
 * Moving a directory moves everything below it.  Only its two names are judged
 * as such; here all the names that could lie below are compared, at once: the
 * automata run over every suffix there is, from the old name and from the new
 * one side by side.  Runs in the tracer when a rename is judged, on a path of a
 * stranger.
 *
 * Must never allocate, or say yes because a search was too long.
 */

#include <string.h>

#include "common/image_get.h"

#define GROUPS_MAX 8	  /* automata that file rules are spread over */
#define PAIRS_MAX  16384  /* places looked at */
#define HASH_SIZE  65536u /* a power of two, above PAIRS_MAX */

/* Where the automata stand after a suffix: old name first, then new. */
struct place {
	uint32_t st[2 * GROUPS_MAX];
};

struct search {
	const struct image *im;
	const struct dfa_hdr *dfa[GROUPS_MAX];
	const struct image_group *group;
	uint32_t groups, cnt;
	uint32_t bytes_cnt;
	char byte[256]; /* one of each kind that the automata tell apart */
	struct place place[PAIRS_MAX];
	uint16_t slot[HASH_SIZE]; /* place + 1 */
};
_Static_assert(sizeof(struct search) <= IMAGE_MOVE_BYTES, "work");
_Static_assert(PAIRS_MAX < UINT16_MAX, "a slot");

static void
outcome(const struct search *s, const uint32_t *st, unsigned int op,
    struct verdict *v)
{
	const struct image_file_row *rows = image_sec_FILE_ROWS(s->im);
	uint32_t i, at, best = image_count(s->im, IS_FILE_OUT) - 1;

	for (i = 0; i < s->groups; i++) {
		at = rows[s->group[i].answers + dfa_accept(s->dfa[i], st[i])]
		    .v[op];
		if (at < best)
			best = at;
	}
	image_outcome(s->im, image_sec_FILE_OUT(s->im)[best].v[op], v);
}

/*
 * Would a thing here lose a refusal that also keeps it from being renamed, or
 * come to be where none may be made?  v is the rule that it would escape.
 */
static bool
escapes(const struct search *s, const struct place *p, struct verdict *v)
{
	const uint32_t *from = p->st, *to = p->st + s->groups;
	struct verdict old, new;
	unsigned int op;

	outcome(s, to, FOP_RENAME_TO, v);
	outcome(s, from, FOP_RENAME_TO, &old);
	if (!v->allowed && old.allowed)
		return true;
	outcome(s, from, FOP_RENAME, v);
	if (v->allowed)
		return false;
	for (op = 0; op < FOP_MAX; op++) {
		outcome(s, from, op, &old);
		outcome(s, to, op, &new);
		if (!old.allowed && new.allowed)
			return true;
	}
	return false;
}

/* Alike on both sides: whatever follows is, too. */
static bool
is_alike(const struct search *s, const struct place *p)
{
	return memcmp(p->st, p->st + s->groups,
	    s->groups * sizeof(p->st[0])) == 0;
}

/* Note a place that was not seen before.  false: no room. */
static bool
add(struct search *s, const struct place *p)
{
	size_t bytes = (size_t)2 * s->groups * sizeof(p->st[0]);
	uint32_t h = 2166136261u, i;

	if (is_alike(s, p))
		return true;
	for (i = 0; i < 2 * s->groups; i++)
		h = (h ^ p->st[i]) * 16777619u;
	h ^= h >> 15;
	for (i = h % HASH_SIZE; s->slot[i] != 0; i = (i + 1) % HASH_SIZE)
		if (memcmp(s->place[s->slot[i] - 1].st, p->st, bytes) == 0)
			return true;
	if (s->cnt == PAIRS_MAX)
		return false;
	s->place[s->cnt++] = *p;
	s->slot[i] = (uint16_t)s->cnt;
	return true;
}

/* One byte of each kind. */
static void
find_bytes(struct search *s)
{
	unsigned int b, k;
	uint32_t g;

	s->bytes_cnt = 0;
	for (b = 1; b < 256; b++) {
		for (k = 0; k < s->bytes_cnt; k++) {
			for (g = 0; g < s->groups; g++)
				if (dfa_class(s->dfa[g], (uint8_t)b) !=
				    dfa_class(s->dfa[g], (uint8_t)s->byte[k]))
					break;
			if (g == s->groups)
				break;
		}
		if (k == s->bytes_cnt)
			s->byte[s->bytes_cnt++] = (char)b;
	}
}

static bool
begin(struct search *s, const char *from, size_t from_len, const char *to,
    size_t to_len)
{
	const struct image_use *u = &image_sec_META(s->im)->use[IU_FILE];
	struct place p = { 0 };
	uint32_t i;

	s->group = image_sec_GROUPS(s->im) + u->group;
	s->groups = u->n;
	s->cnt = 0;
	if (u->n > GROUPS_MAX)
		return false;
	for (i = 0; i < u->n; i++) {
		const struct dfa_hdr *d = image_dfa(s->im, s->group[i].dfa);
		uint32_t *a = &p.st[i], *b = &p.st[u->n + i];

		s->dfa[i] = d;
		*a = dfa_step(d, dfa_step(d, dfa_start(d), from, from_len),
		    "/", 1);
		*b = dfa_step(d, dfa_step(d, dfa_start(d), to, to_len), "/", 1);
	}
	if (is_alike(s, &p))
		return true;
	memset(s->slot, 0, sizeof(s->slot));
	find_bytes(s);
	return add(s, &p);
}

bool
image_move(const struct image *im, const char *from, size_t from_len,
    const char *to, size_t to_len, void *work, struct verdict *v)
{
	struct search *s = work;
	struct place p = { 0 };
	uint32_t at, b, i;

	s->im = im;
	image_builtin(im, BR_UNJUDGEABLE, v);
	if (!begin(s, from, from_len, to, to_len))
		return false;
	for (at = 0; at < s->cnt; at++) {
		for (b = 0; b < s->bytes_cnt; b++) {
			for (i = 0; i < 2 * s->groups; i++)
				p.st[i] = dfa_step(s->dfa[i % s->groups],
				    s->place[at].st[i], &s->byte[b], 1);
			if (!is_alike(s, &p) && escapes(s, &p, v))
				return false;
			if (!add(s, &p)) {
				image_builtin(im, BR_UNJUDGEABLE, v);
				return false;
			}
		}
	}
	return true;
}
