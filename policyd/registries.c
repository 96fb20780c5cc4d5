/*
 * `registries: [npm]` of network rules to domains, see registries.h.  Runs in
 * policyd.  The hosts are names without any pattern in them (registry.h).
 */

#include "policyd/registries.h"

#include <stdio.h>
#include <string.h>

#include "policyd/arena.h"
#include "policyd/policy.h"

unsigned int
registries_wanted(const struct policy *pol)
{
	const struct pnet_rule *r = pol->network_rules;
	unsigned int i, j, mask = 0;

	for (i = 0; i < pol->nnetwork_rules; i++, r++)
		for (j = 0; j < r->registries.n; j++)
			mask |= 1u << registries_eco(&r->registries.v[j]);
	return mask;
}

enum registry_eco
registries_eco(const struct pstr *word)
{
	int e;

	for (e = 0; e < REG_MAX; e++)
		if (strcasecmp(registry_eco_name[e], word->s) == 0)
			break;
	return (enum registry_eco)e;
}

/* Does this host stand for ecosystem eco in this session? */
static int
counts(const struct registries_opts *o, const struct registry_host *h,
    enum registry_eco eco)
{
	return h->eco == eco && (!h->user || o->user);
}

static unsigned int
count_hosts(const struct registries_opts *o, enum registry_eco eco)
{
	uint32_t i;
	unsigned int n = 0;

	for (i = 0; o->found != NULL && i < o->found->n; i++)
		n += counts(o, &o->found->v[i], eco) != 0;
	return n;
}

/* A domain that stands where the ecosystem's word does. */
static void
add_domain(struct pnet_rule *r, const struct pstr *word, const char *name)
{
	struct pstr *p = &r->domains.v[r->domains.n++];

	*p = *word;
	p->s = name;
	p->len = strlen(name);
}

static void
add_eco(struct arena *a, const struct registries_opts *o, struct pnet_rule *r,
    const struct pstr *word)
{
	enum registry_eco eco = registries_eco(word);
	char none[64];
	const char *s;
	uint32_t i;

	if (count_hosts(o, eco) == 0) {
		/* A name that nothing has (RFC 6761): the rule matches nothing. */
		snprintf(none, sizeof(none), "no-%s-registry-found.invalid",
		    registry_eco_name[eco]);
		if ((s = arena_strndup(a, none, strlen(none))) != NULL)
			add_domain(r, word, s);
		return;
	}
	for (i = 0; i < o->found->n; i++) {
		if (!counts(o, &o->found->v[i], eco))
			continue;
		s = arena_strndup(a, o->found->v[i].host,
		    strlen(o->found->v[i].host));
		if (s != NULL)
			add_domain(r, word, s);
	}
}

static int
expand(struct arena *a, const struct registries_opts *o, struct pnet_rule *r)
{
	const struct plist old = r->domains;
	size_t n = old.n;
	unsigned int i;

	for (i = 0; i < r->registries.n; i++)
		n += count_hosts(o, registries_eco(&r->registries.v[i])) + 1;
	r->domains.v = arena_array(a, n, sizeof(*r->domains.v));
	if (r->domains.v == NULL)
		return -1;
	if (old.n > 0)
		memcpy(r->domains.v, old.v, old.n * sizeof(*old.v));
	for (i = 0; i < r->registries.n; i++)
		add_eco(a, o, r, &r->registries.v[i]);
	return r->domains.n > 0 ? 0 : -1;
}

struct policy *
registries_expand(const struct policy *pol, const struct registries_opts *o)
{
	struct arena *a = arena_new(REGISTRIES_ARENA_MAX);
	struct policy *p;
	unsigned int i;

	if (a == NULL)
		return NULL;
	if ((p = arena_alloc(a, sizeof(*p))) == NULL)
		goto fail;
	*p = *pol;
	p->arena = a;
	p->network_rules = arena_array(a, pol->nnetwork_rules + 1u,
	    sizeof(*p->network_rules));
	if (p->network_rules == NULL)
		goto fail;
	for (i = 0; i < pol->nnetwork_rules; i++) {
		p->network_rules[i] = pol->network_rules[i];
		if (p->network_rules[i].registries.n > 0 &&
		    expand(a, o, &p->network_rules[i]) == -1)
			goto fail;
	}
	return p;
fail:
	arena_free(a);
	return NULL;
}

const struct registry_host *
registries_match(const struct pnet_rule *r, const struct registries_opts *o,
    const char *name)
{
	unsigned int i;
	uint32_t j;

	for (i = 0; i < r->registries.n && o->found != NULL; i++)
		for (j = 0; j < o->found->n; j++)
			if (counts(o, &o->found->v[j],
				registries_eco(&r->registries.v[i])) &&
			    strcasecmp(o->found->v[j].host, name) == 0)
				return &o->found->v[j];
	return NULL;
}
