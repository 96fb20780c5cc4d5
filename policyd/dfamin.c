/*
 * Minimisation by refining two partitions against each other (Hopcroft's
 * idea, in the form of Valmari and Lehtinen): blocks of states, and cords of
 * transitions that carry the same class into the same block.  A split of one
 * splits the other, until neither moves.  O(m log n) for m transitions.
 *
 * Runs in policyd.  Trusts its caller's table; must never recurse.
 */

#include "policyd/dfamin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Elements 0..n-1 in sets; the elements of a set stand together in elem, the
 * marked ones first.
 */
struct part {
	uint32_t *elem, *loc, *set; /* by element but elem: by location */
	uint32_t *first, *past, *marked; /* by set */
	uint32_t *touched;
	uint32_t ntouched, nsets, n;
};

static void
part_clear(struct part *p)
{
	free(p->elem);
	free(p->loc);
	free(p->set);
	free(p->first);
	free(p->past);
	free(p->marked);
	free(p->touched);
}

/*
 * Elements 0..n-1 with key[i] (NULL: all alike) below nkeys, one set for each
 * key that occurs.
 */
static int
part_init(struct part *p, uint32_t n, const uint32_t *key, uint32_t nkeys)
{
	uint32_t i, k, at, *cnt = calloc((size_t)nkeys + 1, sizeof(*cnt));

	memset(p, 0, sizeof(*p));
	p->n = n;
	p->elem = calloc((size_t)n + 1, sizeof(uint32_t));
	p->loc = calloc((size_t)n + 1, sizeof(uint32_t));
	p->set = calloc((size_t)n + 1, sizeof(uint32_t));
	p->first = calloc((size_t)n + 1, sizeof(uint32_t));
	p->past = calloc((size_t)n + 1, sizeof(uint32_t));
	p->marked = calloc((size_t)n + 1, sizeof(uint32_t));
	p->touched = calloc((size_t)n + 1, sizeof(uint32_t));
	if (cnt == NULL || p->elem == NULL || p->loc == NULL ||
	    p->set == NULL || p->first == NULL || p->past == NULL ||
	    p->marked == NULL || p->touched == NULL) {
		free(cnt);
		return -1;
	}
	for (i = 0; i < n; i++)
		cnt[key[i]]++;
	for (k = 0, at = 0; k < nkeys; k++) {
		if (cnt[k] == 0)
			continue;
		p->first[p->nsets] = p->past[p->nsets] = at;
		at += cnt[k];
		cnt[k] = p->nsets++;
	}
	for (i = 0; i < n; i++) {
		k = cnt[key[i]];
		p->set[i] = k;
		p->loc[i] = p->past[k];
		p->elem[p->past[k]++] = i;
	}
	free(cnt);
	return 0;
}

static void
part_mark(struct part *p, uint32_t e)
{
	uint32_t s = p->set[e], i = p->loc[e], j = p->first[s] + p->marked[s];

	if (i < j)
		return; /* is marked */
	p->elem[i] = p->elem[j];
	p->loc[p->elem[i]] = i;
	p->elem[j] = e;
	p->loc[e] = j;
	if (p->marked[s]++ == 0)
		p->touched[p->ntouched++] = s;
}

/* Each touched set falls in two; the smaller part gets the new number. */
static void
part_split(struct part *p)
{
	uint32_t s, j, i;

	while (p->ntouched > 0) {
		s = p->touched[--p->ntouched];
		j = p->first[s] + p->marked[s];
		if (j == p->past[s]) {
			p->marked[s] = 0;
			continue;
		}
		if (p->marked[s] <= p->past[s] - j) {
			p->first[p->nsets] = p->first[s];
			p->past[p->nsets] = p->first[s] = j;
		} else {
			p->past[p->nsets] = p->past[s];
			p->first[p->nsets] = p->past[s] = j;
		}
		for (i = p->first[p->nsets]; i < p->past[p->nsets]; i++)
			p->set[p->elem[i]] = p->nsets;
		p->marked[s] = p->marked[p->nsets++] = 0;
	}
}

/* Transitions by where they lead: into[head[s]..head[s+1]-1] enter s. */
static int
invert(const struct dfatab *t, uint32_t **head, uint32_t **into)
{
	uint32_t i, m = t->nstates * t->nclasses;
	uint32_t *h = calloc((size_t)t->nstates + 2, sizeof(*h));
	uint32_t *v = calloc((size_t)m + 1, sizeof(*v));

	*head = h;
	*into = v;
	if (h == NULL || v == NULL)
		return -1;
	for (i = 0; i < m; i++)
		h[t->next[i] + 2]++;
	for (i = 2; i < t->nstates + 2; i++)
		h[i] += h[i - 1];
	for (i = 0; i < m; i++)
		v[h[t->next[i] + 1]++] = i;
	return 0;
}

static void
refine(const struct dfatab *t, struct part *blocks, struct part *cords,
    const uint32_t *head, const uint32_t *into)
{
	uint32_t b = 1, c, i, j, s;

	for (c = 0; c < cords->nsets; c++) {
		for (i = cords->first[c]; i < cords->past[c]; i++)
			part_mark(blocks, cords->elem[i] / t->nclasses);
		part_split(blocks);
		for (; b < blocks->nsets; b++) {
			for (i = blocks->first[b]; i < blocks->past[b]; i++) {
				s = blocks->elem[i];
				for (j = head[s]; j < head[s + 1]; j++)
					part_mark(cords, into[j]);
			}
			part_split(cords);
		}
	}
}

/* block[s] for every state; the number of blocks, or 0 (ENOMEM). */
static uint32_t
partition(const struct dfatab *t, uint32_t *block)
{
	struct part blocks = { 0 }, cords = { 0 };
	uint32_t i, m = t->nstates * t->nclasses, n = 0, top = 0;
	uint32_t *head = NULL, *into = NULL;
	uint32_t *label = calloc((size_t)m + 1, sizeof(*label));

	for (i = 0; i < t->nstates; i++)
		top = t->accept[i] > top ? t->accept[i] : top;
	if (label == NULL || t->nclasses == 0)
		goto out;
	for (i = 0; i < m; i++)
		label[i] = i % t->nclasses;
	if (invert(t, &head, &into) == -1 ||
	    part_init(&blocks, t->nstates, t->accept, top + 1) == -1 ||
	    part_init(&cords, m, label, t->nclasses) == -1)
		goto out;
	refine(t, &blocks, &cords, head, into);
	memcpy(block, blocks.set, t->nstates * sizeof(*block));
	n = blocks.nsets;
out:
	part_clear(&blocks);
	part_clear(&cords);
	free(head);
	free(into);
	free(label);
	return n;
}

/* Replace t's states by blocks. */
static int
collapse(struct dfatab *t, const uint32_t *block, uint32_t n)
{
	uint32_t s, b, *next, *accept;
	unsigned int c;

	next = calloc((size_t)n * t->nclasses, sizeof(*next));
	accept = calloc(n, sizeof(*accept));
	if (next == NULL || accept == NULL) {
		free(next);
		free(accept);
		return -1;
	}
	for (s = 0; s < t->nstates; s++) {
		b = block[s];
		accept[b] = t->accept[s];
		for (c = 0; c < t->nclasses; c++)
			next[b * t->nclasses + c] =
			    block[t->next[s * t->nclasses + c]];
	}
	free(t->next);
	free(t->accept);
	t->next = next;
	t->accept = accept;
	t->start = block[t->start];
	t->nstates = n;
	return 0;
}

static int
is_settled(const struct dfatab *t, uint32_t s)
{
	unsigned int c;

	for (c = 0; c < t->nclasses; c++) {
		if (t->next[s * t->nclasses + c] != s)
			return 0;
	}
	return 1;
}

/*
 * number[s]: the settled states in front, then by breadth from the start, so
 * that states that follow each other lie near each other.
 */
static uint32_t
number_states(const struct dfatab *t, uint32_t *number, uint32_t *queue)
{
	uint32_t s, settled = 0, id, qh, qt, to;
	unsigned int c;

	memset(number, 0xff, t->nstates * sizeof(*number));
	for (s = 0; s < t->nstates; s++) {
		if (is_settled(t, s))
			number[s] = settled++;
	}
	id = settled;
	qh = qt = 0;
	queue[qt++] = t->start;
	if (number[t->start] == UINT32_MAX)
		number[t->start] = id++;
	while (qh < qt) {
		s = queue[qh++];
		for (c = 0; c < t->nclasses; c++) {
			to = t->next[s * t->nclasses + c];
			if (number[to] != UINT32_MAX)
				continue;
			number[to] = id++;
			queue[qt++] = to;
		}
	}
	return settled;
}

static uint64_t
column_hash(const struct dfatab *t, unsigned int c)
{
	uint64_t h = 0xcbf29ce484222325u;
	uint32_t s;

	for (s = 0; s < t->nstates; s++)
		h = (h ^ t->next[s * t->nclasses + c]) * 0x100000001b3u;
	return h;
}

static int
column_same(const struct dfatab *t, unsigned int a, unsigned int b)
{
	uint32_t s;

	for (s = 0; s < t->nstates; s++) {
		if (t->next[s * t->nclasses + a] !=
		    t->next[s * t->nclasses + b])
			return 0;
	}
	return 1;
}

static void
merge_classes(struct dfatab *t)
{
	uint64_t hash[256];
	uint8_t to[256], keep[256];
	unsigned int c, k, n = 0, i;
	uint32_t s;

	for (c = 0; c < t->nclasses; c++) {
		hash[c] = column_hash(t, c);
		for (k = 0; k < n; k++) {
			if (hash[keep[k]] == hash[c] &&
			    column_same(t, keep[k], c))
				break;
		}
		if (k == n)
			keep[n++] = (uint8_t)c;
		to[c] = (uint8_t)k;
	}
	for (s = 0; s < t->nstates; s++) {
		for (k = 0; k < n; k++)
			t->next[s * n + k] = t->next[s * t->nclasses + keep[k]];
	}
	for (i = 0; i < 256; i++)
		t->class[i] = to[t->class[i]];
	t->nclasses = n;
}

int
dfamin_run(struct dfatab *t, uint32_t *nsettled)
{
	uint32_t n, *block, *queue;
	int ret = -1;

	block = calloc((size_t)t->nstates + 1, sizeof(*block));
	queue = calloc((size_t)t->nstates + 1, sizeof(*queue));
	if (block == NULL || queue == NULL || (n = partition(t, block)) == 0 ||
	    collapse(t, block, n) == -1)
		goto out;
	merge_classes(t);
	*nsettled = number_states(t, block, queue);
	ret = collapse(t, block, n);
out:
	free(block);
	free(queue);
	if (ret == -1)
		errno = ENOMEM;
	return ret;
}
