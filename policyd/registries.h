/*
 * Registries by ecosystem in network rules: `registries: [npm, debian]` are
 * domains that are known when a session is made.  policyd only.
 */

#ifndef POLICYD_REGISTRIES_H
#define POLICYD_REGISTRIES_H

#include "common/registry.h"

struct pnet_rule;
struct policy;
struct pstr;

#define REGISTRIES_ARENA_MAX (16u << 20)

struct registries_opts {
	const struct registries
	    *found; /* checked; NULL: none were looked for */
	int user; /* network.user_registries */
};

/* The ecosystems that the policy names, as bits 1u << enum registry_eco. */
unsigned int registries_wanted(const struct policy *pol);

/* The ecosystem that a word is (any case); REG_MAX: none. */
enum registry_eco registries_eco(const struct pstr *word);

/*
 * A copy of pol whose rules have the hosts among their domains, an ecosystem of
 * which nothing was found a name that nothing has.  It borrows all else of pol and
 * is freed, before pol, by policy_free.  NULL: out of memory.
 */
struct policy *registries_expand(const struct policy *pol,
    const struct registries_opts *o);

/* The host of a rule's registries that name is, or NULL. */
const struct registry_host *registries_match(const struct pnet_rule *r,
    const struct registries_opts *o, const char *name);

#endif
