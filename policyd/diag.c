/*
 * The list of diagnostics, and the search for the word that was meant.  Runs in
 * policyd; trusts nothing it quotes.
 */

#include "policyd/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const diag_severity_name[DIAG_SEVERITY_MAX] = {
	[DIAG_ERROR] = "error",
	[DIAG_WARNING] = "warning",
};

void
diag_init(struct diag *d)
{
	memset(d, 0, sizeof(*d));
}

void
diag_clear(struct diag *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		free(d->v[i].text);
	free(d->v);
	diag_init(d);
}

int
diag_room(const struct diag *d, enum diag_severity sev)
{
	return sev == DIAG_ERROR ? d->errors < DIAG_ERRORS_MAX :
				   d->warnings < DIAG_WARNINGS_MAX;
}

/* Cut at a whole UTF-8 character and make control characters visible. */
static void
clean(char *s)
{
	unsigned char *p = (unsigned char *)s;
	size_t n = strlen(s), i;

	if (n == DIAG_TEXT_MAX - 1) {
		while (n > 0 && (p[n - 1] & 0xc0) == 0x80)
			n--;
		if (n > 0 && p[n - 1] >= 0xc0)
			n--;
		p[n] = '\0';
	}
	for (i = 0; i < n; i++) {
		if (p[i] < 0x20 || p[i] == 0x7f)
			p[i] = '?';
		else if (p[i] == 0xc2 && p[i + 1] >= 0x80 && p[i + 1] < 0xa0)
			p[i] = p[i + 1] = '?'; /* C1 controls */
	}
}

static struct diag_item *
slot(struct diag *d)
{
	struct diag_item *v;

	if ((d->n & (d->n - 1)) == 0) {
		v = reallocarray(d->v, d->n == 0 ? 1 : d->n * 2, sizeof(*v));
		if (v == NULL)
			return NULL;
		d->v = v;
	}
	return &d->v[d->n];
}

void
diag_add(struct diag *d, enum diag_severity sev, const char *file,
    uint32_t line, uint32_t column, const char *fmt, ...)
{
	char buf[DIAG_TEXT_MAX];
	struct diag_item *it;
	int room = diag_room(d, sev);
	size_t flen = strlen(file) + 1, tlen;
	va_list ap;

	if (sev == DIAG_ERROR)
		d->errors++;
	else
		d->warnings++;
	if (!room || (it = slot(d)) == NULL) {
		d->dropped++;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	clean(buf);
	tlen = strlen(buf) + 1;
	/* The file's name lies behind the text, so one free does for both. */
	if ((it->text = malloc(tlen + flen)) == NULL) {
		d->dropped++;
		return;
	}
	memcpy(it->text, buf, tlen);
	memcpy(it->text + tlen, file, flen);
	it->file = it->text + tlen;
	it->severity = sev;
	it->line = line;
	it->column = column;
	d->n++;
}

void
diag_sort(struct diag *d)
{
	struct diag_item it;
	size_t i, j;

	/* Insertion: stable, and the list is short and nearly in order. */
	for (i = 1; i < d->n; i++) {
		it = d->v[i];
		for (j = i; j > 0; j--) {
			const struct diag_item *p = &d->v[j - 1];

			if (strcmp(p->file, it.file) != 0 ||
			    p->line < it.line ||
			    (p->line == it.line && p->column <= it.column))
				break;
			d->v[j] = d->v[j - 1];
		}
		d->v[j] = it;
	}
}

void
diag_format(const struct diag_item *it, char *buf, size_t size)
{
	if (it->line == 0)
		(void)snprintf(buf, size, "%s: %s: %s", it->file,
		    diag_severity_name[it->severity], it->text);
	else
		(void)snprintf(buf, size, "%s:%u:%u: %s: %s", it->file,
		    it->line, it->column, diag_severity_name[it->severity],
		    it->text);
}

void
diag_print(const struct diag *d, FILE *fp)
{
	char buf[DIAG_TEXT_MAX + 4352];
	size_t i;

	for (i = 0; i < d->n; i++) {
		diag_format(&d->v[i], buf, sizeof(buf));
		fprintf(fp, "%s\n", buf);
	}
	if (d->dropped != 0)
		fprintf(fp, "(and %u more)\n", d->dropped);
}

#define WORD_MAX 48

static unsigned int
min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Damerau-Levenshtein, optimal string alignment; both at most WORD_MAX. */
static unsigned int
distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned char row[3][WORD_MAX + 1];
	unsigned char *p2 = row[0], *p1 = row[1], *cur = row[2], *t;
	unsigned int cost, v;
	size_t i, j;

	for (j = 0; j <= nb; j++)
		p1[j] = (unsigned char)j;
	for (i = 1; i <= na; i++) {
		cur[0] = (unsigned char)i;
		for (j = 1; j <= nb; j++) {
			cost = a[i - 1] != b[j - 1];
			v = min3(p1[j] + 1u, cur[j - 1] + 1u, p1[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && p2[j - 2] + 1u < v)
				v = p2[j - 2] + 1u;
			cur[j] = (unsigned char)v;
		}
		t = p2;
		p2 = p1;
		p1 = cur;
		cur = t;
	}
	return p1[nb];
}

/* Lower case, '-' as '_': a slip of the shift key is no distance. */
static size_t
fold(const char *s, char *out)
{
	size_t n;

	for (n = 0; s[n] != '\0' && n < WORD_MAX; n++) {
		out[n] = s[n];
		if (s[n] >= 'A' && s[n] <= 'Z')
			out[n] = (char)(s[n] - 'A' + 'a');
		else if (s[n] == '-')
			out[n] = '_';
	}
	return s[n] == '\0' ? n : 0;
}

int
diag_nearest_copy(const char *w, diag_word_fn *next, const void *list,
    char *out, size_t size)
{
	char a[WORD_MAX], b[WORD_MAX];
	const char *cand;
	unsigned int dist, bestd;
	size_t i, na, nb;
	int rv = -1;

	if ((na = fold(w, a)) == 0)
		return -1;
	bestd = (unsigned int)(na < 4 ? 2 : na / 3 + 2);
	for (i = 0; (cand = next(list, i)) != NULL; i++) {
		if ((nb = fold(cand, b)) == 0)
			continue;
		dist = distance(a, na, b, nb);
		/* Half the word wrong is another word. */
		if (dist < bestd && (size_t)dist * 2 <= (na > nb ? na : nb)) {
			(void)snprintf(out, size, "%s", cand);
			bestd = dist;
			rv = 0;
		}
	}
	return rv;
}

const char *
diag_nearest(const char *w, diag_word_fn *next, const void *list)
{
	char best[WORD_MAX + 1];
	const char *cand;
	size_t i;

	if (diag_nearest_copy(w, next, list, best, sizeof(best)) == -1)
		return NULL;
	for (i = 0; (cand = next(list, i)) != NULL; i++) {
		if (strcmp(cand, best) == 0)
			return cand;
	}
	return NULL;
}

struct words {
	const char *const *v;
	size_t n;
};

static const char *
words_next(const void *list, size_t i)
{
	const struct words *l = list;

	return i < l->n ? l->v[i] : NULL;
}

const char *
diag_nearest_of(const char *w, const char *const *words, size_t n)
{
	struct words l = { words, n };

	return diag_nearest(w, words_next, &l);
}
