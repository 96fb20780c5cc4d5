/*
 * Durations, sizes, booleans and integers, by hand and by table: strtod and its
 * friends read locales, signs and hexadecimal floats that no policy means.
 */

#include "policyd/scalar.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Longest first where one is the prefix of another. */
static const struct unit duration_tab[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 }, /* micro sign */
	{ "\xce\xbcs", 1000 }, /* Greek mu */
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60000000000 },
	{ "h", 3600000000000 },
	{ "d", 86400000000000 },
	{ NULL, 0 },
};

static const struct unit size_tab[] = {
	{ "KiB", 1024 },
	{ "MiB", 1048576 },
	{ "GiB", 1073741824 },
	{ "KB", 1000 },
	{ "MB", 1000000 },
	{ "GB", 1000000000 },
	{ "B", 1 },
	{ NULL, 0 },
};

static const struct unit *
unit_find(const struct unit *tab, const char *s)
{
	for (; tab->name != NULL; tab++) {
		if (strncasecmp(tab->name, s, strlen(tab->name)) == 0)
			return tab;
	}
	return NULL;
}

/* Durations are case-sensitive: M is no minute. */
static const struct unit *
unit_find_case(const struct unit *tab, const char *s)
{
	for (; tab->name != NULL; tab++) {
		if (strncmp(tab->name, s, strlen(tab->name)) == 0)
			return tab;
	}
	return NULL;
}

/* A decimal number as whole part and billionths; returns past it or NULL. */
struct decimal {
	uint64_t whole;
	uint64_t billionths;
};

static const char *
decimal_read(const char *s, struct decimal *d)
{
	const char *start = s;
	uint64_t scale = 100000000;
	int digits = 0;

	d->whole = d->billionths = 0;
	for (; *s >= '0' && *s <= '9'; s++, digits++) {
		if (d->whole > (UINT64_MAX - 9) / 10)
			return NULL;
		d->whole = d->whole * 10 + (uint64_t)(*s - '0');
	}
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++, digits++) {
			d->billionths += (uint64_t)(*s - '0') * scale;
			scale /= 10;
		}
	}
	return digits == 0 || s == start ? NULL : s;
}

/* total += d * factor, unless that passes 2^63-1. */
static int
add_scaled(uint64_t *total, const struct decimal *d, uint64_t factor)
{
	unsigned __int128 v = (unsigned __int128)d->whole * factor;

	v += (unsigned __int128)d->billionths * factor / 1000000000u;
	v += *total;
	if (v > INT64_MAX)
		return -1;
	*total = (uint64_t)v;
	return 0;
}

int
scalar_duration(const char *s, uint64_t *ns)
{
	const struct unit *u;
	struct decimal d;
	uint64_t total = 0;

	if (strcmp(s, "0") == 0) {
		*ns = 0;
		return 0;
	}
	do {
		if ((s = decimal_read(s, &d)) == NULL ||
		    (u = unit_find_case(duration_tab, s)) == NULL ||
		    add_scaled(&total, &d, u->factor) == -1)
			return -1;
		s += strlen(u->name);
	} while (*s != '\0');
	*ns = total;
	return 0;
}

int
scalar_size(const char *s, uint64_t *bytes)
{
	const struct unit *u;
	struct decimal d;
	uint64_t total = 0, factor = 1;

	if ((s = decimal_read(s, &d)) == NULL)
		return -1;
	while (*s == ' ')
		s++;
	if (*s != '\0') {
		if ((u = unit_find(size_tab, s)) == NULL ||
		    s[strlen(u->name)] != '\0')
			return -1;
		factor = u->factor;
	}
	if (add_scaled(&total, &d, factor) == -1)
		return -1;
	*bytes = total;
	return 0;
}

/* Lower case, Capital or UPPER, as YAML 1.1 has it; "tRue" is a string. */
static int
word_is(const char *s, const char *lower)
{
	size_t i, n = strlen(lower), up = 0;

	if (strcasecmp(s, lower) != 0)
		return 0;
	for (i = 0; i < n; i++)
		up += s[i] != lower[i];
	return up == 0 || up == n || (up == 1 && s[0] != lower[0]);
}

int
scalar_bool(const char *s, int *out)
{
	static const char *const words[2][4] = {
		{ "false", "no", "off", "n" },
		{ "true", "yes", "on", "y" },
	};
	int b, i;

	for (b = 0; b < 2; b++) {
		for (i = 0; i < 4; i++) {
			if (word_is(s, words[b][i])) {
				*out = b;
				return 0;
			}
		}
	}
	return -1;
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static const char *
base_read(const char *s, unsigned int *base)
{
	*base = 10;
	if (s[0] != '0' || s[1] == '\0')
		return s;
	if (s[1] == 'x' || s[1] == 'X')
		*base = 16;
	else if (s[1] == 'b' || s[1] == 'B')
		*base = 2;
	else
		*base = 8;
	return *base == 8 && s[1] != 'o' && s[1] != 'O' ? s + 1 : s + 2;
}

int
scalar_int(const char *s, int64_t *out)
{
	unsigned int base, digits = 0;
	uint64_t v = 0, limit = INT64_MAX;
	int neg = *s == '-', n;

	if (*s == '-' || *s == '+')
		s++;
	s = base_read(s, &base);
	for (; *s != '\0'; s++) {
		if (*s == '_' && digits != 0)
			continue;
		n = digit_value(*s);
		if (n >= (int)base || v > (limit - (uint64_t)n) / base)
			return -1;
		v = v * base + (uint64_t)n;
		digits++;
	}
	if (digits == 0 || s[-1] == '_')
		return -1;
	*out = neg ? -(int64_t)v : (int64_t)v;
	return 0;
}

int
scalar_is_null(const char *s)
{
	return *s == '\0' || strcmp(s, "~") == 0 || word_is(s, "null");
}

const char *
scalar_duration_str(uint64_t ns, char *buf, unsigned int size)
{
	static const char *const order[] = { "d", "h", "m", "s", "ms", "us",
		"ns" };
	const struct unit *u;
	size_t i, used = 0;
	int n;

	(void)snprintf(buf, size, "0s");
	for (i = 0; i < sizeof(order) / sizeof(order[0]) && ns != 0; i++) {
		u = unit_find_case(duration_tab, order[i]);
		if (u == NULL || ns < u->factor)
			continue;
		n = snprintf(buf + used, size - used, "%llu%s",
		    (unsigned long long)(ns / u->factor), u->name);
		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
		ns %= u->factor;
	}
	return buf;
}
