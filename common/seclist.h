/*
 * The seccomp lists of the house: which system calls each process may make,
 * grouped by purpose.  Data only; privdrop.c compiles them.
 */

#ifndef COMMON_SECLIST_H
#define COMMON_SECLIST_H

/* One purpose; names ends with NULL. */
struct seclist_group {
	const char *purpose;
	const char *const *names;
};

#define SECLIST_GROUPS 14
struct seclist {
	const char *name; /* as rights.c says it */
	const struct seclist_group *groups[SECLIST_GROUPS]; /* ends with NULL */
};

/* The list called name, or NULL. */
const struct seclist *seclist_get(const char *name);
/* The i-th list, or NULL past the last: the monitor's filter, which children
 * inherit, is the sum of all. */
const struct seclist *seclist_row(unsigned int i);

/* The number of a call that an older libseccomp cannot name, or -1. */
int seclist_number(const char *name);

#endif
