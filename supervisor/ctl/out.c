/*
 * Tables and JSON for standard output.  Runs as the user; prints what a
 * workload may have named (paths, arguments), so no byte of it may drive the
 * terminal.
 */

#include <stdlib.h>
#include <string.h>

#include "supervisor/ctl/out.h"

static const char *const hue_tab[] = {
	[HUE_NONE] = "",
	[HUE_BOLD] = "\033[1m",
	[HUE_RED] = "\033[31m",
	[HUE_GREEN] = "\033[32m",
	[HUE_YELLOW] = "\033[33m",
};

void
table_init(struct table *t, size_t cols)
{
	memset(t, 0, sizeof(*t));
	t->cols = cols;
}

void
table_clear(struct table *t)
{
	size_t i, j;

	for (i = 0; i < t->cnt; i++)
		for (j = 0; j < t->cols; j++)
			free(t->row[i].cell[j]);
	free(t->row);
	table_init(t, t->cols);
}

/* A control of ASCII, or a raw C1 byte that is not part of UTF-8. */
static bool
is_control(unsigned char c, unsigned char before)
{
	return c < 0x20 || c == 0x7f ||
	    (c >= 0x80 && c < 0xa0 && before < 0x80);
}

/* Also C1 as UTF-8 spells it, c2 80 to c2 9f. */
static void
make_safe(char *s)
{
	unsigned char *p, before = 0;

	for (p = (unsigned char *)s; *p != '\0'; p++) {
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
		else if (is_control(*p, before))
			*p = '?';
		before = *p;
	}
}

void
out_safe(char *buf, size_t size, const char *s)
{
	snprintf(buf, size, "%s", s);
	make_safe(buf);
}

static bool
table_grow(struct table *t)
{
	struct table_row *row;
	size_t size = t->size == 0 ? 16 : t->size * 2;

	if (t->cnt < t->size)
		return true;
	if ((row = reallocarray(t->row, size, sizeof(*row))) == NULL)
		return false;
	t->row = row;
	t->size = size;
	return true;
}

struct table_row *
table_add(struct table *t, const char *const *cells)
{
	struct table_row *r;
	size_t i;

	if (!table_grow(t))
		return NULL;
	r = &t->row[t->cnt];
	memset(r, 0, sizeof(*r));
	for (i = 0; i < t->cols; i++) {
		r->cell[i] = strdup(cells[i] == NULL ? "" : cells[i]);
		if (r->cell[i] == NULL)
			goto fail;
		make_safe(r->cell[i]);
	}
	t->cnt++;
	return r;
fail:
	while (i > 0)
		free(r->cell[--i]);
	return NULL;
}

/* Columns that UTF-8 text takes, near enough: continuation bytes take none. */
static size_t
width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
print_row(const struct table *t, const struct table_row *r, const size_t *max,
    FILE *fp, bool colour)
{
	enum out_hue hue;
	size_t i, pad;

	for (i = 0; i < t->cols; i++) {
		hue = r->cell_hue[i] != HUE_NONE ? r->cell_hue[i] : r->hue;
		if (!colour)
			hue = HUE_NONE;
		fprintf(fp, "%s%s%s", hue_tab[hue], r->cell[i],
		    hue == HUE_NONE ? "" : "\033[0m");
		if (i + 1 == t->cols)
			continue;
		for (pad = width(r->cell[i]); pad < max[i] + 2; pad++)
			fputc(' ', fp);
	}
	fputc('\n', fp);
}

void
table_print(const struct table *t, FILE *fp, bool colour)
{
	size_t max[TABLE_COLS] = { 0 }, i, j, w;

	for (i = 0; i < t->cnt; i++)
		for (j = 0; j < t->cols; j++)
			if ((w = width(t->row[i].cell[j])) > max[j])
				max[j] = w;
	for (i = 0; i < t->cnt; i++)
		print_row(t, &t->row[i], max, fp, colour);
}

int
out_json(FILE *fp, const json_t *j)
{
	if (json_dumpf(j, fp, JSON_INDENT(2) | JSON_ENCODE_ANY) == -1)
		return -1;
	return fputc('\n', fp) == EOF || fflush(fp) == EOF ? -1 : 0;
}

const char *
out_str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s == NULL ? "" : s;
}
