/*
 * Reading typed values out of a tree node, with the complaint when the type is
 * another: what both loaders share.  policyd only.
 */

#ifndef POLICYD_YREAD_H
#define POLICYD_YREAD_H

#include "policyd/policy.h"
#include "policyd/ytree.h"

struct yread {
	struct arena *arena;
	const char *file;
	struct diag *d;
	const struct vars *vars; /* expanded in values; NULL: not at all */
};

/* Add to y's diagnostics at a place. */
void yread_error(const struct yread *y, struct pos at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void yread_warn(const struct yread *y, struct pos at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Each stores the value of key's node n in *out and answers 0, or complains and answers
 * -1.  null stands for empty text and empty lists, and for an absent number.
 */
int yread_str(const struct yread *y, const char *key, const struct ynode *n,
    struct pstr *out);
int yread_list(const struct yread *y, const char *key, const struct ynode *n,
    struct plist *out);
int yread_map(const struct yread *y, const char *key, const struct ynode *n,
    struct pmap *out);
/* An unquoted integer, min..max. */
int yread_int(const struct yread *y, const char *key, const struct ynode *n,
    int64_t min, int64_t max, struct pnum *out);
int yread_bool(const struct yread *y, const char *key, const struct ynode *n,
    struct pnum *out);
int yread_duration(const struct yread *y, const char *key,
    const struct ynode *n, struct pnum *out);
int yread_size(const struct yread *y, const char *key, const struct ynode *n,
    struct pnum *out);

/* True when the node is absent in meaning: a plain null. */
static inline int
yread_is_null(const struct ynode *n)
{
	return n->type == Y_SCALAR && n->null;
}

/*
 * Say that the word p is not one of tab's (ends with name NULL) in the place that what
 * describes, with the nearest or all of them.
 */
void yread_bad_word(const struct yread *y, const char *what,
    const struct pstr *p, const struct pword *tab);

/* The entry of tab that p names, in any case, or NULL after complaining. */
const struct pword *yread_word(const struct yread *y, const char *what,
    const struct pstr *p, const struct pword *tab);

#endif
