/*
 * Words that people type: the nearest known one for a message, and the
 * minimum unambiguous prefix.  Pure; linked by agentsh and agentshctl.
 */

#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include <stddef.h>

/* A row of words: the i-th one, or NULL past the last. */
typedef const char *words_fn(const void *tab, size_t i);

/*
 * The word of tab nearest to word by edit distance, or NULL when none is near
 * enough to be meant (a third of its letters, at least one).  Borrowed from
 * tab.
 */
const char *words_nearest(words_fn *fn, const void *tab, const char *word);

#define WORDS_NONE	(-1)
#define WORDS_AMBIGUOUS (-2)
/*
 * Index of word in tab: an exact match, else, with prefix set, the only word
 * that begins with it; else WORDS_NONE or WORDS_AMBIGUOUS.
 */
int words_find(words_fn *fn, const void *tab, const char *word, int prefix);

/* For a plain NULL-terminated array of strings. */
words_fn words_array;

#endif
