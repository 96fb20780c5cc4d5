/*
 * What is wrong with a file, for its author: a bounded list of
 * FILE:LINE:COLUMN: SEVERITY: TEXT.  Texts quote a stranger's bytes, so control characters are
 * replaced before they can reach a terminal.  Used by policyd and what
 * links it; never fatal: when memory is short the counts still hold.
 */

#ifndef POLICYD_DIAG_H
#define POLICYD_DIAG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_SEVERITY_MAX };

extern const char *const diag_severity_name[DIAG_SEVERITY_MAX];

/* Twenty errors are a page; more of them are one mistake repeated. */
#define DIAG_ERRORS_MAX	  20
#define DIAG_WARNINGS_MAX 200
#define DIAG_TEXT_MAX	  512

struct diag_item {
	enum diag_severity severity;
	const char *file; /* owned by the list */
	uint32_t line; /* from 1; 0 = the file as a whole */
	uint32_t column;
	char *text;
};

struct diag {
	struct diag_item *v;
	size_t n;
	unsigned int errors; /* all, the suppressed ones too */
	unsigned int warnings;
	unsigned int dropped; /* not in v: past the limits */
};

void diag_init(struct diag *d);
void diag_clear(struct diag *d);

/* Add one line.  Past the limit of its severity it is only counted. */
void diag_add(struct diag *d, enum diag_severity sev, const char *file,
    uint32_t line, uint32_t column, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* True when another item of sev would still be kept. */
int diag_room(const struct diag *d, enum diag_severity sev);

/* Order by line and column, keeping the order of equal places. */
void diag_sort(struct diag *d);

/* One item as a line without newline, always terminated. */
void diag_format(const struct diag_item *it, char *buf, size_t size);

/* All items, sorted as they are, one a line, and how many were dropped. */
void diag_print(const struct diag *d, FILE *fp);

/*
 * The word of the list that w most likely meant, by edit distance (a swap of neighbours counts one), or
 * NULL when none is near.  next gives the i-th word or NULL past the last.
 */
typedef const char *diag_word_fn(const void *list, size_t i);
const char *diag_nearest(const char *w, diag_word_fn *next, const void *list);

/*
 * The same for a next() whose answers do not last: the word is copied.  0, or
 * -1 when none is near.
 */
int diag_nearest_copy(const char *w, diag_word_fn *next, const void *list,
    char *out, size_t size);

/* diag_nearest over an array of n strings. */
const char *diag_nearest_of(const char *w, const char *const *words, size_t n);

#endif
