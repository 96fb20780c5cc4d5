/*
 * Admission of an image's bytes.  Runs wherever an image is opened, before
 * anything else looks at it; the bytes may be anything.  What passes is safe to
 * evaluate on any input: every offset, index and automaton that the evaluator
 * follows without looking has been bounded here.
 */

#include <string.h>

#include "common/image_get.h"

static const uint32_t elem_bytes[IS_MAX] = {
#define X(name, type) [IS_##name] = sizeof(type),
	IMAGE_SECTIONS(X)
#undef X
};

/* Sections with exactly one, or at least one, element. */
static const struct {
	enum image_section sec;
	uint32_t min, max;
} count_tab[] = {
	{ IS_STRINGS, 1, IMAGE_SIZE_MAX },
	{ IS_SETTINGS, 1, 1 },
	{ IS_META, 1, 1 },
	{ IS_RULES, 0, IMAGE_RULES_MAX },
	{ IS_FILE_OUT, 1, IMAGE_RULES_MAX },
	{ IS_UNIX_OUT, 1, IMAGE_RULES_MAX },
	{ IS_ENVS, 1, IMAGE_RULES_MAX },
	{ IS_BPF, 0, IMAGE_BPF_MAX },
	{ IS_LAND, 0, IMAGE_LAND_MAX },
	{ IS_BLOCKED, 0, IMAGE_BLOCKED_WORDS },
};

/* first..first+n-1 of a table of total. */
static int
range_ok(uint64_t first, uint64_t n, uint64_t total)
{
	return first <= total && n <= total - first;
}

static int
sections_ok(const struct image *im)
{
	const struct image_sec *s;
	size_t i;

	for (i = 0; i < IS_MAX; i++) {
		s = &im->hdr->sec[i];
		if (s->off % IMAGE_ALIGN != 0 || s->off < sizeof(*im->hdr) ||
		    !range_ok(s->off, (uint64_t)s->n * elem_bytes[i],
		    im->size_bytes))
			return 0;
	}
	for (i = 0; i < sizeof(count_tab) / sizeof(count_tab[0]); i++) {
		s = &im->hdr->sec[count_tab[i].sec];
		if (s->n < count_tab[i].min || s->n > count_tab[i].max)
			return 0;
	}
	return image_sec_STRINGS(im)[image_count(im, IS_STRINGS) - 1] == '\0';
}

static int
string_ok(const struct image *im, uint32_t off)
{
	return off < image_count(im, IS_STRINGS);
}

static int
outcome_ok(const struct image *im, uint32_t i)
{
	return i < image_count(im, IS_OUTCOMES);
}

static int
meta_ok(const struct image *im)
{
	const struct image_meta *m = image_sec_META(im);
	size_t i;

	for (i = 0; i < BR_MAX; i++)
		if (!outcome_ok(im, m->default_rule[i]))
			return 0;
	return string_ok(im, m->project_root) && string_ok(im, m->home) &&
	    string_ok(im, m->policy_name) && string_ok(im, m->policy_file);
}

static int
rules_ok(const struct image *im)
{
	const struct image_rule_rec *r = image_sec_RULES(im);
	uint32_t i;

	for (i = 0; i < image_count(im, IS_RULES); i++)
		if (!string_ok(im, r[i].name) || !string_ok(im, r[i].file) ||
		    !string_ok(im, r[i].message) ||
		    r[i].env >= image_count(im, IS_ENVS))
			return 0;
	return 1;
}

static int
rule_number_ok(const struct image *im, uint32_t rule)
{
	if (rule & RULE_BUILTIN)
		return (rule & ~RULE_BUILTIN) < BR_MAX;
	return rule < image_count(im, IS_RULES);
}

static int
outcomes_ok(const struct image *im)
{
	const struct image_outcome *o = image_sec_OUTCOMES(im);
	uint32_t i;

	for (i = 0; i < image_count(im, IS_OUTCOMES); i++)
		if (o[i].decision >= DEC_MAX || o[i].allowed > 1 ||
		    o[i].layer >= LAYER_MAX || o[i].always > 1 ||
		    !rule_number_ok(im, o[i].rule))
			return 0;
	return 1;
}

static int
dfas_ok(const struct image *im)
{
	const struct image_blob *b = image_sec_DFAS(im);
	uint64_t pool = (uint64_t)image_count(im, IS_POOL) * sizeof(uint64_t);
	size_t used;
	uint32_t i;

	for (i = 0; i < image_count(im, IS_DFAS); i++)
		if (b[i].off % IMAGE_ALIGN != 0 ||
		    !range_ok(b[i].off, b[i].len, pool) ||
		    !dfa_check(image_dfa(im, i), b[i].len, &used))
			return 0;
	return 1;
}

static int
dfa_index_ok(const struct image *im, uint32_t i)
{
	return i < image_count(im, IS_DFAS);
}

/* The answers of group g, each of words elements, lie in a table of total. */
static int
group_ok(const struct image *im, uint32_t g, uint32_t words, uint32_t total)
{
	const struct image_group *p;
	uint64_t ids;

	if (g >= image_count(im, IS_GROUPS))
		return 0;
	p = &image_sec_GROUPS(im)[g];
	if (!dfa_index_ok(im, p->dfa))
		return 0;
	ids = (uint64_t)image_dfa(im, p->dfa)->naccept + 1;
	return words <= total && range_ok(p->answers, ids * words, total);
}

static int
uses_ok(const struct image *im)
{
	const struct image_meta *m = image_sec_META(im);
	const uint32_t sets = image_count(im, IS_SETS);
	const struct {
		uint32_t words, total;
	} tab[IU_MAX] = {
		[IU_FILE] = { 1, image_count(im, IS_FILE_ROWS) },
		[IU_UNIX] = { 1, image_count(im, IS_UNIX_ROWS) },
		[IU_BASE] = { m->cmd_words, sets },
		[IU_PATH] = { m->cmd_words, sets },
		[IU_DOMAIN] = { m->net_words, sets },
		[IU_PRIVATE] = { 1, sets },
	};
	uint32_t i, u;

	for (u = 0; u < IU_MAX; u++) {
		if (m->use[u].n > IMAGE_GROUPS_MAX || !range_ok(m->use[u].group,
		    m->use[u].n, image_count(im, IS_GROUPS)))
			return 0;
		for (i = 0; i < m->use[u].n; i++)
			if (!group_ok(im, m->use[u].group + i, tab[u].words,
			    tab[u].total))
				return 0;
	}
	return 1;
}

static int
rows_ok(const uint16_t *v, size_t n, uint32_t limit)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i] >= limit)
			return 0;
	return 1;
}

static int
tables_ok(const struct image *im)
{
	uint32_t outcomes = image_count(im, IS_OUTCOMES);
	uint32_t files = image_count(im, IS_FILE_OUT);
	uint32_t units = image_count(im, IS_UNIX_OUT);

	return rows_ok(image_sec_FILE_ROWS(im)->v,
	    (size_t)image_count(im, IS_FILE_ROWS) * FOP_MAX, files) &&
	    rows_ok(image_sec_FILE_OUT(im)->v, (size_t)files * FOP_MAX,
	    outcomes) &&
	    rows_ok(image_sec_UNIX_ROWS(im)->v,
	    (size_t)image_count(im, IS_UNIX_ROWS) * NOP_MAX, units) &&
	    rows_ok(image_sec_UNIX_OUT(im)->v, (size_t)units * NOP_MAX,
	    outcomes);
}

static int
cmds_ok(const struct image *im)
{
	const struct image_cmd_rec *c = image_sec_CMDS(im);
	const uint32_t *args = image_sec_ARGS(im);
	uint32_t i, n = image_count(im, IS_CMDS);

	if (n > IMAGE_RULES_MAX ||
	    image_sec_META(im)->cmd_words != (n + 63) / 64)
		return 0;
	for (i = 0; i < n; i++)
		if (!outcome_ok(im, c[i].outcome) || !range_ok(c[i].args,
		    c[i].nargs, image_count(im, IS_ARGS)))
			return 0;
	for (i = 0; i < image_count(im, IS_ARGS); i++)
		if (!dfa_index_ok(im, args[i]))
			return 0;
	return 1;
}

/* No set of command rules names a rule past the last. */
static int
cmd_sets_ok(const struct image *im, enum image_use_id use)
{
	const struct image_meta *m = image_sec_META(im);
	const struct image_group *g = image_sec_GROUPS(im) + m->use[use].group;
	const uint64_t *sets = image_sec_SETS(im);
	uint32_t n = image_count(im, IS_CMDS), words = m->cmd_words;
	uint64_t id, beyond;
	uint32_t i;

	if (n % 64 == 0)
		return 1;
	beyond = ~(uint64_t)0 << (n % 64);
	for (i = 0; i < m->use[use].n; i++)
		for (id = 0; id <= image_dfa(im, g[i].dfa)->naccept; id++)
			if (sets[g[i].answers + id * words + words - 1] &
			    beyond)
				return 0;
	return 1;
}

static int
nets_ok(const struct image *im)
{
	const struct image_net_rec *r = image_sec_NETS(im);
	const struct image_cidr *c = image_sec_CIDRS(im);
	uint32_t i, n = image_count(im, IS_NETS);

	if (n > IMAGE_RULES_MAX ||
	    image_sec_META(im)->net_words != (n + 63) / 64)
		return 0;
	for (i = 0; i < n; i++)
		if (!outcome_ok(im, r[i].outcome) ||
		    !range_ok(r[i].ports, r[i].nports,
		    image_count(im, IS_PORTS)) ||
		    !range_ok(r[i].cidrs, r[i].ncidrs,
		    image_count(im, IS_CIDRS)))
			return 0;
	for (i = 0; i < image_count(im, IS_CIDRS); i++)
		if (c[i].prefix > 128)
			return 0;
	return 1;
}

static int
redirs_ok(const struct image *im)
{
	const struct image_redir_rec *r = image_sec_REDIRS(im);
	uint32_t i, n = image_count(im, IS_REDIRS);

	if (n > IMAGE_RULES_MAX)
		return 0;
	for (i = 0; i < n; i++)
		if (!outcome_ok(im, r[i].outcome) || !range_ok(r[i].args,
		    r[i].nargs, image_count(im, IS_ARGS)) ||
		    !string_ok(im, r[i].host) || !string_ok(im, r[i].sni) ||
		    r[i].port > UINT16_MAX)
			return 0;
	return 1;
}

static int
sigs_ok(const struct image *im)
{
	const struct image_sig_rec *r = image_sec_SIGS(im);
	uint32_t i;

	for (i = 0; i < image_count(im, IS_SIGS); i++)
		if (!outcome_ok(im, r[i].outcome) || r[i].redirect > 64 ||
		    (r[i].comm_dfa != IMAGE_NONE &&
		    !dfa_index_ok(im, r[i].comm_dfa)))
			return 0;
	return 1;
}

static int
envs_ok(const struct image *im)
{
	const struct image_env_rec *e = image_sec_ENVS(im);
	const uint32_t *inject = image_sec_INJECT(im);
	uint32_t i;

	for (i = 0; i < image_count(im, IS_ENVS); i++)
		if (e[i].group != IMAGE_NONE && !group_ok(im, e[i].group, 1,
		    image_count(im, IS_SETS)))
			return 0;
	for (i = 0; i < image_count(im, IS_INJECT); i++)
		if (!string_ok(im, inject[i]))
			return 0;
	return 1;
}

/* Paths are absolute, and shorter than any that can be opened. */
static int
land_ok(const struct image *im)
{
	const struct image_land_rec *r = image_sec_LAND(im);
	const char *s;
	uint32_t i;

	for (i = 0; i < image_count(im, IS_LAND); i++) {
		if (!string_ok(im, r[i].path) || r[i].pad != 0 ||
		    ((r[i].tree | r[i].exact) & ~LANDLOCK_ALL) != 0 ||
		    (r[i].exact & ~LANDLOCK_OF_FILES) != 0)
			return 0;
		s = image_string(im, r[i].path);
		if (s[0] != '/' || strlen(s) >= LANDLOCK_PATH_MAX)
			return 0;
	}
	return 1;
}

static int
blocked_ok(const struct image *im)
{
	uint32_t n = image_count(im, IS_BLOCKED);

	return n == 0 || n == IMAGE_BLOCKED_WORDS;
}

/* In the order in which each relies on those before it. */
static int (*const check_tab[])(const struct image *) = {
	sections_ok, outcomes_ok, meta_ok, rules_ok, dfas_ok, uses_ok,
	tables_ok, cmds_ok, nets_ok, redirs_ok, sigs_ok, envs_ok,
	land_ok, blocked_ok,
};

int
image_check(struct image *im, const void *bytes, size_t size_bytes)
{
	const struct image_hdr *h = bytes;
	size_t i;

	memset(im, 0, sizeof(*im));
	if (bytes == NULL || (uintptr_t)bytes % IMAGE_ALIGN != 0 ||
	    size_bytes < sizeof(*h) || size_bytes > IMAGE_SIZE_MAX ||
	    memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic)) != 0 ||
	    h->version != IMAGE_VERSION || h->size_bytes != size_bytes)
		return -1;
	im->hdr = h;
	im->base = bytes;
	im->size_bytes = size_bytes;
	for (i = 0; i < sizeof(check_tab) / sizeof(check_tab[0]); i++)
		if (!check_tab[i](im))
			goto bad;
	if (cmd_sets_ok(im, IU_BASE) && cmd_sets_ok(im, IU_PATH))
		return 0;
 bad:
	memset(im, 0, sizeof(*im));
	return -1;
}
