/*
 * Lint of signal rules, of the environment's lists and of the redirects: small
 * sections whose rules can be compared with each other directly.
 */

#include <stdlib.h>
#include <string.h>

#include "common/landlock.h"
#include "policyd/lint_int.h"

/* ---- signals ---- */

/* Is every target of b a target of a? */
static int
covers(const struct psig_rule *a, const struct psig_rule *b)
{
	if (a->target == PST_NONE || a->target == PST_SESSION)
		return 1;
	if (a->target == PST_DESCENDANTS && b->target == PST_CHILDREN)
		return 1;
	if (a->target != b->target)
		return 0;
	if (a->target == PST_PROCESS)
		return strcmp(a->pattern.s, b->pattern.s) == 0 ||
		    strcmp(a->pattern.s, "*") == 0;
	if (a->target == PST_PID_RANGE)
		return a->pid_min <= b->pid_min && b->pid_max <= a->pid_max;
	return 1;
}

/* Earlier rules that between them take every signal of rule i, or "". */
static void
signal_takers(const struct lint *l, unsigned int i, char *buf, size_t size)
{
	const struct psig_rule *r = l->pol->signal_rules, *a;
	uint64_t left = r[i].mask;
	char name[256];
	unsigned int k;

	buf[0] = '\0';
	for (k = 0; k < i && left != 0; k++) {
		a = &r[k];
		if ((a->mask & left) == 0 || !covers(a, &r[i]))
			continue;
		left &= ~a->mask;
		snprintf(name, sizeof(name), "%s%s (line %u)",
		    buf[0] == '\0' ? "" : ", ", a->r.name.s, a->r.pos.line);
		strlcat(buf, name, size);
	}
	if (left != 0)
		buf[0] = '\0';
}

void
lint_signals(struct lint *l)
{
	const struct psig_rule *r;
	char takers[1024];
	unsigned int i;

	for (i = 0; i < l->pol->nsignal_rules; i++) {
		r = &l->pol->signal_rules[i];
		if (r->target == PST_EXTERNAL || r->target == PST_SYSTEM) {
			lint_say(l, r->r.name.s, r->r.pos.line, LK_CANNOT,
			    "target %s: a session signals its own processes "
			    "and no others, whatever the policy says",
			    psig_target_name[r->target]);
			continue;
		}
		if (r->mask == 0) {
			lint_say(l, r->r.name.s, r->r.pos.line, LK_CANNOT,
			    "it names no signal");
			continue;
		}
		signal_takers(l, i, takers, sizeof(takers));
		if (takers[0] != '\0')
			lint_say(l, r->r.name.s, r->r.pos.line, LK_UNREACHABLE,
			    "never decides: %s take%s every "
			    "case",
			    takers, strchr(takers, ',') ? "" : "s");
	}
}

/* ---- environment ---- */

/* Tags: 0 a name; 1.. the allow list; then the deny list. */
struct env {
	const struct plist *allow, *deny;
	struct dfabuild b;
};

/* The deny entry that is in the set, or NULL. */
static const struct pstr *
denier(const struct env *s, uint32_t set)
{
	unsigned int i;

	for (i = 0; i < s->deny->n; i++) {
		if (dfabuild_has(&s->b, set, 1 + s->allow->n + i))
			return &s->deny->v[i];
	}
	return NULL;
}

static void
check_allow(struct lint *l, const struct env *s, unsigned int i)
{
	const struct pstr *by = NULL, *p = &s->allow->v[i];
	uint32_t set;
	int possible = 0;

	for (set = 0; set < s->b.nsets; set++) {
		if (!dfabuild_has(&s->b, set, 0) ||
		    !dfabuild_has(&s->b, set, 1 + i))
			continue;
		possible = 1;
		if ((by = denier(s, set)) == NULL)
			return;
	}
	if (!possible)
		lint_say(l, "env_policy", p->pos.line, LK_CANNOT,
		    "allow \"%s\" is no variable's name", p->s);
	else
		lint_say(l, "env_policy", p->pos.line, LK_UNREACHABLE,
		    "allow \"%s\" lets nothing in: deny \"%s\" (line %u) wins",
		    p->s, by->s, by->pos.line);
}

static void
check_deny(struct lint *l, const struct env *s, unsigned int i)
{
	const struct pstr *p = &s->deny->v[i];
	uint32_t set;

	for (set = 0; set < s->b.nsets; set++) {
		if (dfabuild_has(&s->b, set, 0) &&
		    dfabuild_has(&s->b, set, 1 + s->allow->n + i))
			return;
	}
	lint_say(l, "env_policy", p->pos.line, LK_CANNOT,
	    "deny \"%s\" is no variable's name", p->s);
}

static void
check_env(struct lint *l, struct env *s)
{
	struct nfa *nfa = nfa_new();
	struct pat_err e;
	unsigned int i;

	if (nfa == NULL ||
	    regex_add_str(nfa, 0, REGEX_WHOLE, "[^=\\x00]+", &e) == -1)
		l->failed = 1;
	for (i = 0; !l->failed && i < s->allow->n; i++) {
		if (lint_glob(l, nfa, 1 + i, GLOB_PLAIN, 0, &s->allow->v[i]) ==
		    -1)
			l->failed = 1;
	}
	for (i = 0; !l->failed && i < s->deny->n; i++) {
		if (lint_glob(l, nfa, 1 + s->allow->n + i, GLOB_PLAIN, 0,
			&s->deny->v[i]) == -1)
			l->failed = 1;
	}
	if (!l->failed && dfabuild_run(&s->b, nfa, LINT_STATES_MAX) == 0) {
		for (i = 0; i < s->allow->n; i++)
			check_allow(l, s, i);
		for (i = 0; i < s->deny->n; i++)
			check_deny(l, s, i);
	} else if (!l->failed)
		lint_say(l, "env_policy", s->allow->pos.line, LK_NOT_ANALYSED,
		    "the lists are too long to be compared");
	dfabuild_clear(&s->b);
	nfa_free(nfa);
}

void
lint_env(struct lint *l)
{
	struct env s = { .allow = &l->pol->env.allow,
		.deny = &l->pol->env.deny };

	if (!l->failed && s.allow->n + s.deny->n > 0)
		check_env(l, &s);
}

/* ---- redirects ---- */

struct redirects {
	const char *section;
	const char *valid; /* what is ever asked */
	unsigned int n;
	const struct prule *(*rule)(const struct policy *pol, unsigned int i);
	const struct pstr *(*match)(const struct policy *pol, unsigned int i);
};

static const struct prule *
dns_rule(const struct policy *pol, unsigned int i)
{
	return &pol->dns_redirects[i].r;
}

static const struct pstr *
dns_match(const struct policy *pol, unsigned int i)
{
	return &pol->dns_redirects[i].match;
}

static const struct prule *
conn_rule(const struct policy *pol, unsigned int i)
{
	return &pol->connect_redirects[i].r;
}

static const struct pstr *
conn_match(const struct policy *pol, unsigned int i)
{
	return &pol->connect_redirects[i].match;
}

/* Rule i against those before it, by the sets of the built automaton. */
static void
check_redirect(struct lint *l, const struct redirects *s,
    const struct dfabuild *b, unsigned int i)
{
	const struct prule *r = s->rule(l->pol, i), *before;
	uint32_t set, by = 0; /* tags: a rule's index + 1 */

	for (set = 0; set < b->nsets; set++) {
		if (!dfabuild_has(b, set, 0) || !dfabuild_has(b, set, i + 1))
			continue;
		/* tags ascend: after 0 stands the first rule that matches */
		by = b->sets[set].tags[1];
		if (by == i + 1)
			return;
	}
	if (by == 0) {
		lint_say(l, r->name.s, r->pos.line, LK_CANNOT,
		    "match \"%s\" matches nothing that is asked",
		    s->match(l->pol, i)->s);
		return;
	}
	before = s->rule(l->pol, by - 1);
	lint_say(l, r->name.s, r->pos.line, LK_UNREACHABLE,
	    "never decides: %s (line %u) and those before it take every case",
	    before->name.s, before->pos.line);
}

static void
check_redirects(struct lint *l, const struct redirects *s)
{
	struct nfa *nfa = nfa_new();
	struct dfabuild b = { 0 };
	struct pieces pc;
	struct pat_err e;
	unsigned int i;

	if (nfa == NULL ||
	    regex_add_str(nfa, 0, REGEX_WHOLE, s->valid, &e) == -1)
		l->failed = 1;
	for (i = 0; i < s->n && !l->failed; i++) {
		if (policy_expand_lenient(s->match(l->pol, i), l->vars, &pc) ==
			0 &&
		    regex_add(nfa, i + 1, 0, pc.v, pc.n, &e) == 0)
			continue;
		goto out; /* not compiled yet: the compiler's to refuse */
	}
	if (l->failed || dfabuild_run(&b, nfa, LINT_STATES_MAX) == -1)
		goto out;
	for (i = 0; i < s->n; i++)
		check_redirect(l, s, &b, i);
out:
	dfabuild_clear(&b);
	nfa_free(nfa);
}

void
lint_redirects(struct lint *l)
{
	struct redirects dns = { "dns_redirects", "[a-z0-9_.-]+",
		l->pol->ndns_redirects, dns_rule, dns_match };
	struct redirects conn = { "connect_redirects",
		"[^\\x00-\\x20]+:[0-9]{1,5}", l->pol->nconnect_redirects,
		conn_rule, conn_match };

	if (dns.n > 0 && !l->failed)
		check_redirects(l, &dns);
	if (conn.n > 0 && !l->failed)
		check_redirects(l, &conn);
}

/* ---- Landlock ---- */

/* Is there a wildcard before the pattern's second slash? */
static int
begins_wild(struct lint *l, const struct pstr *p)
{
	unsigned int i, slashes = 0;
	struct pieces pc;
	size_t k;

	if (policy_expand_lenient(p, l->vars, &pc) != 0)
		return 0;
	for (i = 0; i < pc.n; i++)
		for (k = 0; k < pc.v[i].len; k++) {
			if (!pc.v[i].literal &&
			    strchr("*?[", pc.v[i].s[k]) != NULL)
				return 1;
			if (pc.v[i].s[k] == '/' && ++slashes == 2)
				return 0;
		}
	return 0;
}

/* The rule, and its pattern, that opens some of rights everywhere, or NULL. */
static const struct pfile_rule *
opener(struct lint *l, const struct pstr **pattern)
{
	const struct pfile_rule *r;
	unsigned int i, k;

	for (i = 0; i < l->pol->nfile_rules; i++) {
		r = &l->pol->file_rules[i];
		if (!lint_opens(r->r.decision))
			continue;
		for (k = 0; k < r->paths.n; k++) {
			*pattern = &r->paths.v[k];
			if (begins_wild(l, *pattern))
				return r;
		}
	}
	return NULL;
}

/* The configuration asks for what Landlock cannot give under this policy. */
void
lint_landlock(struct lint *l)
{
	const struct pstr *pattern;
	const struct pfile_rule *r;
	struct image_land root;
	char text[256] = "";
	unsigned int b;

	if (!image_land_get(&l->im, 0, &root) || strcmp(root.path, "/") != 0)
		return;
	for (b = 0; b < LANDLOCK_RIGHTS; b++)
		if (((root.tree & ~(uint32_t)LANDLOCK_MAKE_SOCK) >> b & 1) != 0) {
			strlcat(text, text[0] != '\0' ? ", " : "",
			    sizeof(text));
			strlcat(text, landlock_right_name(b), sizeof(text));
		}
	if (text[0] == '\0')
		return;
	if ((r = opener(l, &pattern)) != NULL)
		lint_say(l, r->r.name.s, pattern->pos.line, LK_LANDLOCK,
		    "pattern \"%.128s\" begins with a wildcard: Landlock "
		    "cannot restrict %s", pattern->s, text);
	else
		lint_say(l, "file_rules", 0, LK_LANDLOCK,
		    "what no rule answers, or a rule on /, is allowed: "
		    "Landlock cannot restrict %s", text);
}
