/*
 * Reads argv against option tables.  Runs in agentsh and agentshctl, as the
 * user who types; trusts the tables, not the words.  Must never print or exit:
 * the message goes to o->error and the caller says it.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/ctl/opt.h"
#include "supervisor/ctl/words.h"

static const struct {
	const char *name;
	uint64_t ns;
} unit_tab[] = {
	{ "ns", 1ull },
	{ "us", 1000ull },
	{ "ms", 1000000ull },
	{ "s", 1000000000ull },
	{ "m", 60ull * 1000000000 },
	{ "h", 3600ull * 1000000000 },
	{ "d", 86400ull * 1000000000 },
};

static uint64_t
unit_ns(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(unit_tab) / sizeof(unit_tab[0]); i++)
		if (strlen(unit_tab[i].name) == len &&
		    strncmp(unit_tab[i].name, s, len) == 0)
			return unit_tab[i].ns;
	return 0;
}

/* One "NUMBER UNIT" at *s, added to *sum; *s moves behind it.  0 or -1. */
static int
dur_part(const char **s, uint64_t *sum)
{
	const char *p = *s;
	uint64_t n = 0, unit, ns;
	size_t len;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10ull, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -1;
	len = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	if ((unit = unit_ns(p, len)) == 0)
		return -1;
	if (__builtin_mul_overflow(n, unit, &ns) ||
	    __builtin_add_overflow(*sum, ns, sum))
		return -1;
	*s = p + len;
	return 0;
}

int
dur_parse(const char *s, uint64_t *ns)
{
	uint64_t sum = 0;

	if (strcmp(s, "0") == 0) {
		*ns = 0;
		return 0;
	}
	do {
		if (dur_part(&s, &sum) == -1)
			return -1;
	} while (*s != '\0');
	*ns = sum;
	return 0;
}

static const char *
opt_word(const void *tab, size_t i)
{
	const struct opt *t = tab;

	return t[i].kind == OPT_END ? NULL : t[i].name;
}

/* Is value one of "a|b|c"? */
static bool
choice_has(const char *choices, const char *value)
{
	size_t len = strlen(value), n;
	const char *p;

	for (p = choices;; p += n + 1) {
		n = strcspn(p, "|");
		if (n == len && strncmp(p, value, n) == 0)
			return true;
		if (p[n] == '\0')
			return false;
	}
}

static int
uint_parse(const char *s, uint64_t *n)
{
	char *end;

	if (*s < '0' || *s > '9')
		return -1;
	errno = 0;
	*n = strtoull(s, &end, 10);
	return errno != 0 || *end != '\0' ? -1 : 0;
}

/* NULL when value suits the row, else what was expected. */
static const char *
value_check(const struct opt *t, const char *value, uint64_t *num)
{
	switch (t->kind) {
	case OPT_UINT:
		return uint_parse(value, num) == -1 ? "a number" : NULL;
	case OPT_DURATION:
		return dur_parse(value, num) == -1 ?
		    "a duration such as 30s or 1h30m" :
		    NULL;
	case OPT_CHOICE:
		return choice_has(t->arg, value) ? NULL : t->arg;
	case OPT_END:
	case OPT_FLAG:
	case OPT_STRING:
	case OPT_LIST:
		break;
	}
	return NULL;
}

static int
value_set(struct opts *o, char *error, size_t i, const char *value)
{
	const struct opt *t = &o->tab[i];
	struct optval *v = &o->val[i];
	const char *want;

	if ((want = value_check(t, value, &v->num)) != NULL) {
		snprintf(error, sizeof(o->error),
		    "invalid value \"%.60s\" for --%s: expected %s", value,
		    t->name, want);
		return -1;
	}
	if (t->kind == OPT_LIST) {
		if (v->cnt == OPT_LIST_MAX) {
			snprintf(error, sizeof(o->error),
			    "--%s is given more than %d times", t->name,
			    OPT_LIST_MAX);
			return -1;
		}
		v->list[v->cnt++] = value;
	}
	v->str = value;
	v->set = true;
	return 0;
}

static int
flag_set(struct opts *o, char *error, size_t i, const char *value)
{
	struct optval *v = &o->val[i];

	v->set = true;
	v->num = 1;
	if (value == NULL || strcmp(value, "true") == 0)
		return 0;
	v->num = 0;
	if (strcmp(value, "false") == 0)
		return 0;
	snprintf(error, sizeof(o->error),
	    "invalid value \"%.60s\" for --%s: expected true|false", value,
	    o->tab[i].name);
	return -1;
}

static int
row_long(const struct opts *o, const char *name, size_t len)
{
	int i;

	for (i = 0; o != NULL && o->tab[i].kind != OPT_END; i++)
		if (strlen(o->tab[i].name) == len &&
		    strncmp(o->tab[i].name, name, len) == 0)
			return i;
	return -1;
}

static int
row_short(const struct opts *o, char letter)
{
	int i;

	for (i = 0; o != NULL && o->tab[i].kind != OPT_END; i++)
		if (o->tab[i].letter == letter)
			return i;
	return -1;
}

static void
error_unknown(struct opts *o, const struct opts *global, const char *word)
{
	const char *near, *name;
	char flag[64];
	size_t n;

	if (word[1] != '-') {
		snprintf(o->error, sizeof(o->error),
		    "unknown shorthand flag: '%c' in %.60s", word[1], word);
		return;
	}
	name = word + 2;
	n = strcspn(name, "=");
	snprintf(flag, sizeof(flag), "%.*s", (int)(n > 60 ? 60 : n), name);
	near = words_nearest(opt_word, o->tab, flag);
	if (near == NULL && global != NULL)
		near = words_nearest(opt_word, global->tab, flag);
	if (near != NULL)
		snprintf(o->error, sizeof(o->error),
		    "unknown flag: --%s (did you mean --%s?)", flag, near);
	else
		snprintf(o->error, sizeof(o->error), "unknown flag: --%s",
		    flag);
}

/* One parse: what is read, where we stand. */
struct cursor {
	struct opts *own, *global;
	char **argv;
	int argc, i;
};

/* Row i of t was named; value follows in the same word or is NULL. */
static int
take_value(struct cursor *c, struct opts *t, int i, const char *value)
{
	char *error = c->own->error;

	if (t->tab[i].kind == OPT_FLAG)
		return flag_set(t, error, (size_t)i, value);
	if (value == NULL && c->i + 1 < c->argc)
		value = c->argv[++c->i];
	if (value == NULL) {
		snprintf(error, sizeof(c->own->error),
		    "flag needs an argument: --%s", t->tab[i].name);
		return -1;
	}
	return value_set(t, error, (size_t)i, value);
}

static int
take_long(struct cursor *c)
{
	const char *name = c->argv[c->i] + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	int i;

	if ((i = row_long(c->own, name, len)) != -1)
		return take_value(c, c->own, i, value);
	if ((i = row_long(c->global, name, len)) != -1)
		return take_value(c, c->global, i, value);
	error_unknown(c->own, c->global, c->argv[c->i]);
	return -1;
}

/* "-x", "-xVALUE", "-x VALUE", "-xyz" of flags. */
static int
take_short(struct cursor *c)
{
	const char *word = c->argv[c->i], *p;
	struct opts *t;
	int i;

	for (p = word + 1; *p != '\0'; p++) {
		t = c->own;
		if ((i = row_short(t, *p)) == -1) {
			t = c->global;
			i = row_short(t, *p);
		}
		if (i == -1) {
			error_unknown(c->own, c->global, word);
			return -1;
		}
		if (t->tab[i].kind != OPT_FLAG)
			return take_value(c, t, i, p[1] ? p + 1 : NULL);
		if (flag_set(t, c->own->error, (size_t)i, NULL) == -1)
			return -1;
	}
	return 0;
}

int
opts_init(struct opts *o, const struct opt *tab)
{
	const char *value;
	size_t i;

	memset(o, 0, sizeof(*o));
	o->tab = tab;
	o->dash = -1;
	for (i = 0; tab[i].kind != OPT_END; i++) {
		assert(i < OPT_MAX);
		if (tab[i].env == NULL ||
		    (value = getenv(tab[i].env)) == NULL || *value == '\0')
			continue;
		if (value_set(o, o->error, i, value) == -1) {
			size_t n = strlen(o->error);

			snprintf(o->error + n, sizeof(o->error) - n,
			    " (from %s)", tab[i].env);
			return -1;
		}
	}
	return 0;
}

int
opts_parse(struct opts *o, const struct opt *tab, struct opts *global, int argc,
    char **argv, int stop_at)
{
	struct cursor c = { o, global, argv, argc, 0 };
	bool raw = false;
	int error;

	if (opts_init(o, tab) == -1)
		return -1;
	if ((o->pos = calloc((size_t)argc + 1, sizeof(*o->pos))) == NULL) {
		snprintf(o->error, sizeof(o->error), "out of memory");
		return -1;
	}
	for (c.i = 0; c.i < argc; c.i++) {
		if (stop_at != OPTS_ALL && o->npos == stop_at &&
		    o->dash == -1 && argv[c.i][0] != '-')
			raw = true;
		if (raw || argv[c.i][0] != '-' || argv[c.i][1] == '\0') {
			o->pos[o->npos++] = argv[c.i];
			continue;
		}
		if (strcmp(argv[c.i], "--") == 0) {
			o->dash = o->npos;
			raw = true;
			continue;
		}
		error = argv[c.i][1] == '-' ? take_long(&c) : take_short(&c);
		if (error == -1)
			return -1;
	}
	return 0;
}

void
opts_clear(struct opts *o)
{
	free(o->pos);
	o->pos = NULL;
	o->npos = 0;
}

const struct optval *
opts_get(const struct opts *o, const char *name)
{
	int i = row_long(o, name, strlen(name));

	assert(i != -1);
	return &o->val[i];
}

const char *
opts_str(const struct opts *o, const char *name, const char *dflt)
{
	const struct optval *v = opts_get(o, name);

	return v->set ? v->str : dflt;
}

bool
opts_flag(const struct opts *o, const char *name)
{
	const struct optval *v = opts_get(o, name);

	return v->set && v->num != 0;
}
