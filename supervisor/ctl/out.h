/*
 * What people read: aligned tables, a little colour on a terminal, and texts of
 * strangers made harmless.  Used by agentsh and agentshctl only.
 */

#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLS 8

enum out_hue { HUE_NONE, HUE_BOLD, HUE_RED, HUE_GREEN, HUE_YELLOW };

struct table_row {
	char *cell[TABLE_COLS];
	enum out_hue hue; /* of the whole row */
	enum out_hue cell_hue[TABLE_COLS];
};

struct table {
	size_t cols, cnt, size;
	struct table_row *row; /* owned */
};

void table_init(struct table *t, size_t cols);
void table_clear(struct table *t);
/*
 * Add a row of t->cols cells, copied (NULL is ""), with control characters
 * replaced.  The row, for its hue, until the next is added; NULL when out of
 * memory.
 */
struct table_row *table_add(struct table *t, const char *const *cells);
/* Columns two blanks apart, the last one not padded. */
void table_print(const struct table *t, FILE *fp, bool colour);

/*
 * Copy s into buf with every control character replaced by '?'; always
 * terminated.
 */
void out_safe(char *buf, size_t size, const char *s);

/* j, indented by two blanks, and a newline.  0, or -1 when fp fails. */
int out_json(FILE *fp, const json_t *j);

/* A string member of j, or "". */
const char *out_str(const json_t *j, const char *key);

#endif
