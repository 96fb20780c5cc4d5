/*
 * Judging a command: its basenames and paths each give the set of rules that
 * name it; those are tried in order, by depth and then by the automata of their
 * args_patterns.  Runs in the tracer; trusts the image (checked) and nothing of
 * what a workload calls itself.
 */

#include <string.h>

#include "common/image_get.h"

void
image_look(const struct image *im, enum image_use_id use, uint32_t words,
    const char *s, size_t len, struct image_looks *l)
{
	const struct image_use *u = &image_sec_META(im)->use[use];
	const struct image_group *g = image_sec_GROUPS(im) + u->group;
	const uint64_t *sets = image_sec_SETS(im);
	uint32_t i, id;

	for (i = 0; i < u->n; i++) {
		id = dfa_run(image_dfa(im, g[i].dfa), s, len);
		l->row[l->n++] = sets + g[i].answers + (size_t)id * words;
	}
}

/* What stands after the last slash. */
static const char *
base_of(const char *s, size_t len, size_t *base_len)
{
	const char *slash = len > 0 ? memrchr(s, '/', len) : NULL;

	if (slash == NULL) {
		*base_len = len;
		return s;
	}
	*base_len = len - (size_t)(slash + 1 - s);
	return slash + 1;
}

static void
look_name(const struct image *im, uint32_t words, const char *s, size_t len,
    struct image_looks *l)
{
	const char *base;
	size_t n;

	if (len == 0)
		return;
	base = base_of(s, len, &n);
	image_look(im, IU_BASE, words, base, n, l);
	image_look(im, IU_PATH, words, s, len, l);
}

static int
args_match(const struct image *im, const struct image_cmd_rec *r,
    const struct image_cmd *c)
{
	const uint32_t *args = image_sec_ARGS(im) + r->args;
	uint32_t i;

	for (i = 0; i < r->nargs; i++)
		if (dfa_run(image_dfa(im, args[i]), c->args, c->args_len) != 0)
			return 1;
	return r->nargs == 0;
}

static int
rule_matches(const struct image *im, const struct image_cmd_rec *r,
    const struct image_cmd *c)
{
	return c->depth >= r->min_depth && c->depth <= r->max_depth &&
	    args_match(im, r, c);
}

void
image_command(const struct image *im, const struct image_cmd *c,
    struct verdict *v)
{
	const struct image_cmd_rec *cmds = image_sec_CMDS(im);
	uint32_t w, i, words = image_sec_META(im)->cmd_words;
	struct image_looks l;
	uint64_t bits;

	l.n = 0;
	look_name(im, words, c->path, c->path_len, &l);
	if (c->path_len == 0 || c->given_len != c->path_len ||
	    memcmp(c->given, c->path, c->path_len) != 0)
		look_name(im, words, c->given, c->given_len, &l);
	for (w = 0; w < words; w++) {
		bits = image_looks_word(&l, w);
		for (; bits != 0; bits &= bits - 1) {
			i = w * 64 + (uint32_t)__builtin_ctzll(bits);
			if (rule_matches(im, &cmds[i], c)) {
				image_outcome(im, cmds[i].outcome, v);
				return;
			}
		}
	}
	image_builtin(im, BR_DEFAULT_DENY_COMMANDS, v);
}
