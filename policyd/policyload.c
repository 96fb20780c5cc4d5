/*
 * A policy file's tree to struct policy, by tables: each map of the file has one, a row per key.
 * A key that no row names, a word that no table has, a value of another
 * type is an error with its place and what was meant; all of a file's errors
 * are told in one go.  Patterns are not looked into: that is the compiler's.
 */

#include "policyd/policyload.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policyd/arena.h"
#include "policyd/diag.h"
#include "policyd/policytab.h"
#include "policyd/scalar.h"
#include "policyd/yread.h"
#include "policyd/ytree.h"

/* Names that people write, from other versions and other tools. */
static const struct {
	const char *wrong;
	const char *meant;
} hint_tab[] = {
	{ "action", "decision" },
	{ "args", "args_patterns" },
	{ "args_match", "args_patterns" },
	{ "cmds", "commands" },
	{ "effect", "decision" },
	{ "env_rules", "env_policy" },
	{ "hosts", "domains" },
	{ "limits", "resource_limits" },
	{ "ops", "operations" },
	{ "reason", "message" },
	{ "rules", "file_rules" },
	{ "unix_rules", "unix_socket_rules" },
};

/* Keys of the original's later versions: the same error, with the reason. */
static const char *const later_tab[] = { "metadata", "providers",
	"http_services", "db_services", "database_rules",
	"database_connection_rules", "policies", "redirect_to_unix" };

static const char *
pkey_next(const void *list, size_t i)
{
	return ((const struct pkey *)list)[i].name;
}

static const struct pkey *
pkey_find(const struct pkey *tab, const char *name)
{
	for (; tab->name != NULL; tab++) {
		if (strcmp(tab->name, name) == 0)
			return tab;
	}
	return NULL;
}

static const char *
hint(const struct pkey *tab, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(hint_tab) / sizeof(hint_tab[0]); i++) {
		if (strcmp(hint_tab[i].wrong, name) == 0 &&
		    pkey_find(tab, hint_tab[i].meant) != NULL)
			return hint_tab[i].meant;
	}
	return diag_nearest(name, pkey_next, tab);
}

static void
unknown_key(const struct yread *y, const struct pkey *tab, const char *what,
    const struct ynode *key)
{
	const char *near;
	size_t i;

	if (!diag_room(y->d, DIAG_ERROR)) {
		yread_error(y, key->str.pos, "unknown key");
		return;
	}
	for (i = 0; i < sizeof(later_tab) / sizeof(later_tab[0]); i++) {
		if (strcmp(later_tab[i], key->str.s) == 0) {
			yread_error(y, key->str.pos,
			    "key \"%s\" belongs to a later policy format and "
			    "is not known here",
			    key->str.s);
			return;
		}
	}
	near = hint(tab, key->str.s);
	yread_error(y, key->str.pos, "unknown key \"%.64s\" in %s%s%s%s",
	    key->str.s, what, near != NULL ? "; was \"" : "",
	    near != NULL ? near : "", near != NULL ? "\" meant?" : "");
}

void
policytab_map(const struct yread *y, const struct pkey *tab, const char *what,
    const struct ynode *n, void *base)
{
	const struct pkey *k;
	uint32_t i;

	if (yread_is_null(n))
		return;
	if (n->type != Y_MAP) {
		yread_error(y, n->str.pos, "%s is a map of keys, not %s", what,
		    ytype_name[n->type]);
		return;
	}
	for (i = 0; i < n->n; i++) {
		if ((k = pkey_find(tab, n->pairs[i].key->str.s)) == NULL)
			unknown_key(y, tab, what, n->pairs[i].key);
		else
			policytab_value(y, k, n->pairs[i].value, base);
	}
}

/* Scratch for values that are only checked. */
union scratch {
	struct pstr str;
	struct plist list;
	struct pmap map;
	struct pnum num;
};

static void
check_words(const struct yread *y, const struct pkey *k, const struct plist *l)
{
	unsigned int i;

	for (i = 0; k->words != NULL && i < l->n; i++)
		(void)yread_word(y, k->name, &l->v[i], k->words);
}

static void
list_of(const struct yread *y, const struct pkey *k, const struct ynode *n)
{
	uint32_t i;

	if (yread_is_null(n))
		return;
	if (n->type != Y_LIST) {
		yread_error(y, n->str.pos, "\"%s\" takes a list, not %s",
		    k->name, ytype_name[n->type]);
		return;
	}
	for (i = 0; i < n->n; i++)
		policytab_map(y, k->sub, k->what, n->items[i], NULL);
}

static void
map_of(const struct yread *y, const struct pkey *k, const struct ynode *n)
{
	uint32_t i;

	if (yread_is_null(n))
		return;
	if (n->type != Y_MAP) {
		yread_error(y, n->str.pos,
		    "\"%s\" takes a map of names, not %s", k->name,
		    ytype_name[n->type]);
		return;
	}
	for (i = 0; i < n->n; i++)
		policytab_map(y, k->sub, k->what, n->pairs[i].value, NULL);
}

/* The depth of the tree bounds this recursion, through the tables and back. */
void
policytab_value(const struct yread *y, const struct pkey *k,
    const struct ynode *n, void *base)
{
	union scratch tmp;
	void *p = base == NULL || k->off == NOSTORE ? NULL :
						      (char *)base + k->off;

	memset(&tmp, 0, sizeof(tmp));
	switch (k->kind) {
	case PK_STR:
		(void)yread_str(y, k->name, n, p != NULL ? p : &tmp.str);
		break;
	case PK_WORD:
		if (yread_str(y, k->name, n, &tmp.str) == -1)
			break;
		if (tmp.str.len != 0)
			(void)yread_word(y, k->name, &tmp.str, k->words);
		if (p != NULL)
			*(struct pstr *)p = tmp.str;
		break;
	case PK_LIST:
		if (yread_list(y, k->name, n, &tmp.list) == 0)
			check_words(y, k, &tmp.list);
		if (p != NULL)
			*(struct plist *)p = tmp.list;
		break;
	case PK_MAP:
		(void)yread_map(y, k->name, n, p != NULL ? p : &tmp.map);
		break;
	case PK_INT:
		(void)yread_int(y, k->name, n, 0, INT64_MAX,
		    p != NULL ? p : &tmp.num);
		break;
	case PK_BOOL:
		(void)yread_bool(y, k->name, n, p != NULL ? p : &tmp.num);
		break;
	case PK_DURATION:
		(void)yread_duration(y, k->name, n, p != NULL ? p : &tmp.num);
		break;
	case PK_SUB:
		policytab_map(y, k->sub, k->what, n, p);
		break;
	case PK_LIST_OF:
		list_of(y, k, n);
		break;
	case PK_MAP_OF:
		map_of(y, k, n);
		break;
	case PK_FN:
		k->fn(y, k, n, p);
		break;
	case PK_ANY:
	case PK_MAX:
		break;
	}
}

/* Addresses and signals ------------------------------------------------ */

static void
mask_host_bits(struct in6_addr *a, unsigned int prefix)
{
	unsigned int i;

	for (i = 0; i < 128; i++) {
		if (i >= prefix)
			a->s6_addr[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
	}
}

int
policyload_cidr(const char *s, struct pcidr *c)
{
	char buf[64];
	const char *slash = strchr(s, '/');
	size_t len = slash != NULL ? (size_t)(slash - s) : strlen(s);
	struct in_addr v4;
	int64_t bits = -1, max;

	if (len >= sizeof(buf))
		return -1;
	memcpy(buf, s, len);
	buf[len] = '\0';
	memset(&c->addr, 0, sizeof(c->addr));
	if (inet_pton(AF_INET, buf, &v4) == 1) {
		max = 32;
		c->addr.s6_addr[10] = c->addr.s6_addr[11] = 0xff;
		memcpy(&c->addr.s6_addr[12], &v4, 4);
	} else if (inet_pton(AF_INET6, buf, &c->addr) == 1)
		max = 128;
	else
		return -1;
	if (slash == NULL)
		bits = max;
	else if (slash[1] < '0' || slash[1] > '9' || strlen(slash) > 4 ||
	    slash[1 + strspn(slash + 1, "0123456789")] != '\0')
		return -1;
	else
		bits = strtol(slash + 1, NULL, 10);
	if (bits > max)
		return -1;
	c->prefix = (uint8_t)(bits + (max == 32 ? 96 : 0));
	mask_host_bits(&c->addr, c->prefix);
	return 0;
}

static const struct {
	const char *name;
	uint64_t mask;
} sig_group_tab[] = {
#define S(n) (UINT64_C(1) << ((n)-1))
	{ "@fatal", S(SIGKILL) | S(SIGTERM) | S(SIGQUIT) | S(SIGABRT) },
	{ "@job",
	    S(SIGSTOP) | S(SIGCONT) | S(SIGTSTP) | S(SIGTTIN) | S(SIGTTOU) },
	{ "@reload", S(SIGHUP) | S(SIGUSR1) | S(SIGUSR2) },
	{ "@ignore", S(SIGCHLD) | S(SIGURG) | S(SIGWINCH) },
	{ "@all", 0x7fffffff },
	{ "IO", S(SIGIO) },
	{ "CLD", S(SIGCHLD) },
	{ "IOT", S(SIGABRT) },
};

uint64_t
policyload_signal(const char *s)
{
	const char *abbrev;
	int64_t num;
	size_t i;
	int sig;

	if (scalar_int(s, &num) == 0)
		return num >= 1 && num <= 64 ? S(num) : 0;
	if (strncasecmp(s, "SIG", 3) == 0)
		s += 3;
	for (i = 0; i < sizeof(sig_group_tab) / sizeof(sig_group_tab[0]); i++) {
		if (strcasecmp(s, sig_group_tab[i].name) == 0)
			return sig_group_tab[i].mask;
	}
	for (sig = 1; sig < 32; sig++) {
		abbrev = sigabbrev_np(sig);
		if (abbrev != NULL && strcasecmp(s, abbrev) == 0)
			return S(sig);
	}
	return 0;
}

/* Rules --------------------------------------------------------------- */

static const struct pword decision_tab[] = {
	{ "allow", DEC_ALLOW },
	{ "audit", DEC_AUDIT },
	{ "deny", DEC_DENY },
	{ "approve", DEC_APPROVE },
	{ "redirect", DEC_REDIRECT },
	{ "soft_delete", DEC_SOFT_DELETE },
	{ "absorb", DEC_ABSORB },
	{ NULL, 0 },
};

/* The rows of decision_tab that a section knows. */
static void
decisions_of(uint32_t allowed, struct pword *out)
{
	const struct pword *w;

	for (w = decision_tab; w->name != NULL; w++) {
		if (allowed & (1u << w->value))
			*out++ = *w;
	}
	out->name = NULL;
}

/* decision: is read by hand, because each section knows other words. */
static enum decision
read_decision(const struct yread *y, const struct prule_kind *rk,
    const char *key, const struct ynode *n, struct pos *at)
{
	struct pword tab[DEC_MAX + 1];
	const struct pword *w;
	struct pstr s;

	if (yread_str(y, key, n, &s) == -1)
		return DEC_DENY;
	if (at != NULL)
		*at = s.pos;
	for (w = decision_tab; w->name != NULL; w++) {
		if (strcasecmp(w->name, s.s) == 0 &&
		    (rk->decisions & (1u << w->value)) == 0) {
			yread_error(y, s.pos,
			    "decision \"%s\" has no meaning in %s%s%s", w->name,
			    rk->what,
			    w->value == DEC_REDIRECT && rk->redirects ?
				"; see " :
				"",
			    w->value == DEC_REDIRECT && rk->redirects ?
				rk->redirects :
				"");
			return DEC_DENY;
		}
	}
	decisions_of(rk->decisions, tab);
	w = yread_word(y, "decision", &s, tab);
	return w != NULL ? (enum decision)w->value : DEC_DENY;
}

void
policytab_fallback(const struct yread *y, const struct pkey *k,
    const struct ynode *n, void *p)
{
	if (p != NULL && !yread_is_null(n))
		*(enum decision *)p = read_decision(y,
		    &rule_kind_tab[PR_SIGNAL], k->name, n, NULL);
}

static void
default_name(const struct yread *y, const struct prule_kind *rk, uint32_t i,
    struct prule *r)
{
	char buf[64];
	int n = snprintf(buf, sizeof(buf), "%s-%u", rk->section, i + 1);
	char *s = arena_strndup(y->arena, buf, (size_t)n);

	r->name.s = s != NULL ? s : rk->section;
	r->name.len = strlen(r->name.s);
	r->name.pos = r->pos;
}

static void
load_rule(const struct yread *y, const struct prule_kind *rk,
    const struct ynode *n, uint32_t i, void *rule)
{
	struct prule *r = rule;
	const struct ynode *dec;

	policytab_init_strings(rk->keys, rule);
	if (n->type != Y_MAP) {
		yread_error(y, n->str.pos, "%s is a map of keys, not %s",
		    rk->what,
		    yread_is_null(n) ? "nothing" : ytype_name[n->type]);
		return;
	}
	r->file = y->file;
	r->pos = n->n != 0 ? n->pairs[0].key->str.pos : n->str.pos;
	r->decision = DEC_DENY;
	if (rk->prepare != NULL)
		rk->prepare(rule);
	policytab_map(y, rk->keys, rk->what, n, rule);
	dec = ytree_get(n, "decision");
	if (rk->decisions == 1u << DEC_REDIRECT)
		r->decision = DEC_REDIRECT;
	else if (dec != NULL && !yread_is_null(dec))
		r->decision = read_decision(y, rk, "decision", dec,
		    &r->decision_pos);
	else
		yread_error(y, r->pos, "%s%s%.64s%s has no decision", rk->what,
		    r->name.len != 0 ? " (" : "", r->name.s,
		    r->name.len != 0 ? ")" : "");
	if (r->name.len == 0 && rk->need_name)
		yread_error(y, r->pos, "%s needs a name", rk->what);
	if (r->name.len == 0)
		default_name(y, rk, i, r);
	if (rk->check != NULL)
		rk->check(y, n, rule);
}

/* Rules of one section.  Answers the array and its length, or NULL. */
void *
policytab_rules(const struct yread *y, const struct prule_kind *rk,
    const struct ynode *n, unsigned int *count)
{
	char *v;
	uint32_t i;

	*count = 0;
	if (yread_is_null(n))
		return NULL;
	if (n->type != Y_LIST) {
		yread_error(y, n->str.pos,
		    "\"%s\" takes a list of rules, not %s", rk->section,
		    ytype_name[n->type]);
		return NULL;
	}
	if ((v = arena_array(y->arena, n->n, rk->size)) == NULL) {
		yread_error(y, n->str.pos, "out of memory");
		return NULL;
	}
	for (i = 0; i < n->n; i++)
		load_rule(y, rk, n->items[i], i, v + (size_t)i * rk->size);
	*count = n->n;
	return v;
}

int
policyload_name_ok(const char *s)
{
	size_t n = strspn(s,
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n != 0 && n <= 64 && s[n] == '\0';
}

/* The whole file ------------------------------------------------------ */

static void
check_top(const struct yread *y, const struct policy *pol)
{
	struct pos at = pol->tree->n != 0 ? pol->tree->pairs[0].key->str.pos :
					    pol->tree->str.pos;

	if (!pol->version.set && pol->version.pos.line == 0)
		yread_error(y, at,
		    "the policy has no \"version\": write "
		    "version: 1");
	else if (pol->version.set && pol->version.v == 0)
		yread_error(y, pol->version.pos,
		    "\"version\" must be greater than 0");
	if (pol->name.len == 0)
		yread_error(y, pol->name.pos.line != 0 ? pol->name.pos : at,
		    "the policy has no \"name\"");
}

static void
warn_unbuilt(const struct yread *y, const struct policy *pol)
{
	static const struct {
		const char *key;
		const char *why;
	} tab[] = {
		{ "registry_rules", "has no effect on Linux" },
		{ "mcp_rules", "is checked but not built yet; no effect" },
		{ "process_contexts",
		    "is checked but not built yet; no effect" },
		{ "process_identities",
		    "is checked but not built yet; no effect" },
		{ "package_rules", "is checked but not built yet; no effect" },
	};
	const struct ynode *n;
	uint32_t i;
	size_t j;

	for (i = 0; i < pol->tree->n; i++) {
		n = pol->tree->pairs[i].key;
		for (j = 0; j < sizeof(tab) / sizeof(tab[0]); j++) {
			if (strcmp(n->str.s, tab[j].key) == 0)
				yread_warn(y, n->str.pos, "\"%s\" %s",
				    tab[j].key, tab[j].why);
		}
	}
	if (pol->limits.net_bandwidth_mbps.v != 0)
		yread_warn(y, pol->limits.net_bandwidth_mbps.pos,
		    "\"net_bandwidth_mbps\" is not built yet; no effect");
	if (pol->audit.include_file_content.v != 0)
		yread_warn(y, pol->audit.include_file_content.pos,
		    "\"include_file_content\" is not built yet; no effect");
}

static int
load(struct policy *pol, struct ytree *t, const void *bytes, size_t size,
    struct diag *d)
{
	struct yread y = { .arena = pol->arena, .file = pol->file, .d = d };

	if (ytree_parse(t, pol->arena, pol->file, bytes, size, d) == -1)
		return -1;
	pol->src = &t->src;
	pol->tree = t->root;
	if (t->root->type != Y_MAP) {
		yread_error(&y, t->root->str.pos,
		    yread_is_null(t->root) ? "the file holds no policy" :
					     "a policy is a map of keys");
		return -1;
	}
	policytab_init_strings(policy_keys, pol);
	policytab_map(&y, policy_keys, "a policy", t->root, pol);
	check_top(&y, pol);
	warn_unbuilt(&y, pol);
	return 0;
}

struct policy *
policy_load(const char *file, const void *bytes, size_t size_bytes,
    struct diag *d)
{
	unsigned int errors = d->errors;
	struct arena *a;
	struct policy *pol;
	struct ytree *t;

	a = arena_new(POLICYLOAD_ARENA_MAX);
	if (a == NULL || (pol = arena_alloc(a, sizeof(*pol))) == NULL ||
	    (t = arena_alloc(a, sizeof(*t))) == NULL ||
	    (pol->file = arena_strndup(a, file, strlen(file))) == NULL) {
		diag_add(d, DIAG_ERROR, file, 0, 0, "out of memory");
		arena_free(a);
		return NULL;
	}
	pol->arena = a;
	if (load(pol, t, bytes, size_bytes, d) == -1 || d->errors != errors) {
		policy_free(pol);
		return NULL;
	}
	return pol;
}
