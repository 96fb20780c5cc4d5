/*
 * The tables of the policy format: one per map of the file, a row per key; and
 * what walks them.  Shared by policyload.c (the walk) and policytab.c (the
 * tables and the few keys that need a function).  policyd only.
 */

#ifndef POLICYD_POLICYTAB_H
#define POLICYD_POLICYTAB_H

#include <stddef.h>
#include <stdint.h>

#include "policyd/policy.h"
#include "policyd/yread.h"
#include "policyd/ytree.h"

enum pkind {
	PK_STR, /* struct pstr */
	PK_WORD, /* struct pstr, one of words */
	PK_LIST, /* struct plist of text, each one of words if there are any */
	PK_MAP, /* struct pmap */
	PK_INT, /* struct pnum, not negative */
	PK_BOOL, /* struct pnum */
	PK_DURATION, /* struct pnum, ns */
	PK_SUB, /* a map by the table sub, stored at off of the same base */
	PK_LIST_OF, /* a list of maps by sub, checked and not stored */
	PK_MAP_OF, /* a map of maps by sub, checked and not stored */
	PK_FN, /* fn reads it */
	PK_ANY, /* read elsewhere */
	PK_MAX
};

#define NOSTORE SIZE_MAX

struct pkey {
	const char *name; /* NULL ends a table */
	enum pkind kind;
	size_t off; /* in the struct that the table describes, or NOSTORE */
	const struct pkey *sub;
	const char *what; /* "a file rule": for complaints about sub */
	const struct pword *words;
	/* p is NULL when nothing is to be stored. */
	void (*fn)(const struct yread *y, const struct pkey *k,
	    const struct ynode *n, void *p);
	int arg;
};

enum prule_id {
	PR_FILE,
	PR_NETWORK,
	PR_COMMAND,
	PR_UNIX,
	PR_SIGNAL,
	PR_DNS,
	PR_CONNECT,
	PR_MAX
};

struct prule_kind {
	const char *section;
	const char *what;
	const struct pkey *keys;
	size_t size;
	uint32_t decisions; /* bits 1u << enum decision */
	const char *redirects; /* where redirects of this domain are written */
	int need_name;
	void (*prepare)(void *rule); /* defaults, before the keys are read */
	void (*check)(const struct yread *y, const struct ynode *n, void *rule);
};

extern const struct prule_kind rule_kind_tab[PR_MAX];
extern const struct pkey policy_keys[];

/* Read the map n by tab into base (NULL: check only). */
void policytab_map(const struct yread *y, const struct pkey *tab,
    const char *what, const struct ynode *n, void *base);
void policytab_value(const struct yread *y, const struct pkey *k,
    const struct ynode *n, void *base);

/* Read a list of rules; the array belongs to y's arena. */
void *policytab_rules(const struct yread *y, const struct prule_kind *rk,
    const struct ynode *n, unsigned int *count);

/* Make "" of every string that tab can store into base and that is NULL. */
void policytab_init_strings(const struct pkey *tab, void *base);

/* PK_FN of signal rules' fallback: a decision or nothing. */
void policytab_fallback(const struct yread *y, const struct pkey *k,
    const struct ynode *n, void *p);

#endif
