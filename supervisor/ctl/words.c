/*
 * Nearest word and unambiguous prefix.  Runs in agentsh and agentshctl; trusts
 * the tables it is given, not the word; keeps no state and must never print.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "supervisor/ctl/words.h"

#define WORD_MAX 48 /* longer words are nobody's typing error */

const char *
words_array(const void *tab, size_t i)
{
	const char *const *v = tab;

	return v[i];
}

static unsigned int
min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance of a and b, both shorter than WORD_MAX: one row at a time. */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[WORD_MAX + 1], diag, old;
	size_t i, j, la = strlen(a), lb = strlen(b);

	for (j = 0; j <= lb; j++)
		row[j] = (unsigned int)j;
	for (i = 1; i <= la; i++) {
		diag = row[0];
		row[0] = (unsigned int)i;
		for (j = 1; j <= lb; j++) {
			old = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1,
			    diag + (a[i - 1] != b[j - 1]));
			diag = old;
		}
	}
	return row[lb];
}

const char *
words_nearest(words_fn *fn, const void *tab, const char *word)
{
	const char *best = NULL, *w;
	unsigned int d, best_d;
	size_t i, len = strlen(word);

	if (len == 0 || len >= WORD_MAX)
		return NULL;
	best_d = (unsigned int)(len < 3 ? 1 : (len + 2) / 3);
	for (i = 0; (w = fn(tab, i)) != NULL; i++) {
		if (strlen(w) >= WORD_MAX)
			continue;
		d = distance(word, w);
		if (len >= 3 && strncmp(w, word, len) == 0)
			d = 1; /* cut short */
		if (d < best_d || (d == best_d && best == NULL)) {
			best = w;
			best_d = d;
		}
	}
	return best;
}

int
words_find(words_fn *fn, const void *tab, const char *word, int prefix)
{
	size_t i, len = strlen(word);
	const char *w, *seen = NULL;
	int found = WORDS_NONE;

	for (i = 0; (w = fn(tab, i)) != NULL; i++) {
		if (strcmp(w, word) == 0)
			return (int)i;
		if (!prefix || len == 0 || strncmp(w, word, len) != 0)
			continue;
		if (seen != NULL && strcmp(seen, w) == 0)
			continue; /* the same word in another row */
		found = seen == NULL ? (int)i : WORDS_AMBIGUOUS;
		seen = w;
	}
	return found;
}
