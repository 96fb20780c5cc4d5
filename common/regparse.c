/*
 * Registries out of clients' files, see regparse.h.  Runs as the user whose
 * files they may be; the text is anybody's.
 */

#include "common/regparse.h"

#include <stdbool.h>
#include <string.h>

struct span {
	const char *s;
	size_t n;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == ',';
}

static struct span
trim(struct span v)
{
	while (v.n > 0 && is_blank(v.s[0])) {
		v.s++;
		v.n--;
	}
	while (v.n > 0 && is_blank(v.s[v.n - 1]))
		v.n--;
	return v;
}

static struct span
unquote(struct span v)
{
	v = trim(v);
	if (v.n >= 2 && (v.s[0] == '"' || v.s[0] == '\'') &&
	    v.s[v.n - 1] == v.s[0]) {
		v.s++;
		v.n -= 2;
	}
	return v;
}

/* The next line of text, without its end; false when there is none. */
static bool
next_line(struct span *text, struct span *line)
{
	const char *lf;

	if (text->n == 0)
		return false;
	lf = memchr(text->s, '\n', text->n);
	line->s = text->s;
	line->n = lf != NULL ? (size_t)(lf - text->s) : text->n;
	text->s += line->n + (lf != NULL);
	text->n -= line->n + (lf != NULL);
	return true;
}

/* "key = value" or "key: value"; sep is the separator. */
static bool
split(struct span line, char sep, struct span *key, struct span *value)
{
	const char *p = memchr(line.s, sep, line.n);

	if (p == NULL)
		return false;
	*key = trim((struct span) { line.s, (size_t)(p - line.s) });
	*value = trim(
	    (struct span) { p + 1, line.n - (size_t)(p + 1 - line.s) });
	return true;
}

static bool
is(struct span v, const char *word)
{
	return strlen(word) == v.n && strncasecmp(v.s, word, v.n) == 0;
}

static bool
ends(struct span v, const char *word)
{
	size_t n = strlen(word);

	return v.n > n && memcmp(v.s + v.n - n, word, n) == 0;
}

static bool
is_comment(struct span line)
{
	line = trim(line);
	return line.n == 0 || line.s[0] == '#' || line.s[0] == ';';
}

/* Has it a scheme that leads to a host? */
static bool
is_url(struct span v)
{
	const char *p = memmem(v.s, v.n, "://", 3);

	if (p == NULL || (size_t)(p - v.s) > 32)
		return false;
	return memmem(v.s, (size_t)(p - v.s), "http", 4) != NULL ||
	    is((struct span) { v.s, (size_t)(p - v.s) }, "mirror");
}

static void
give(struct span v, int instead, regparse_fn *fn, void *arg)
{
	v = unquote(v);
	if (is_url(v))
		fn(v.s, v.n, instead, arg);
}

void
regparse_urls(const char *s, size_t n, int instead, regparse_fn *fn, void *arg)
{
	struct span v = { s, 0 };
	size_t i;

	for (i = 0; i <= n; i++) {
		if (i < n && !is_blank(s[i]) && s[i] != '|' && s[i] != '\n') {
			v.n++;
			continue;
		}
		give(v, instead, fn, arg);
		v.s = s + i + 1;
		v.n = 0;
	}
}

/* The text between the next pair of quotes in the first max bytes of t. */
static bool
next_quoted(struct span t, size_t max, struct span *out)
{
	size_t i, j;

	if (t.n > max)
		t.n = max;
	for (i = 0; i < t.n; i++)
		if (t.s[i] == '"' || t.s[i] == '\'' || t.s[i] == '`')
			break;
	for (j = i + 1; j < t.n; j++)
		if (t.s[j] == t.s[i])
			break;
	if (i >= t.n || j >= t.n)
		return false;
	out->s = t.s + i + 1;
	out->n = j - i - 1;
	return true;
}

/* What stands behind the first word in t, or n 0. */
static struct span
behind(struct span t, const char *word)
{
	const char *p = memmem(t.s, t.n, word, strlen(word));
	struct span v = { t.s + t.n, 0 };

	if (p == NULL)
		return v;
	p += strlen(word);
	return (struct span) { p, t.n - (size_t)(p - t.s) };
}

/* ---- npm ---- */

void
regparse_npmrc(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n }, line, key, value;

	while (next_line(&t, &line)) {
		if (is_comment(line) || !split(line, '=', &key, &value))
			continue;
		if (is(key, "registry"))
			give(value, 1, fn, arg);
		else if (key.s[0] == '@' && ends(key, ":registry"))
			give(value, 0, fn, arg);
	}
}

/* 'registry', { default: 'URL' or the like */
void
regparse_npm_code(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n }, v, url;

	v = behind(t, "'registry', {");
	if (v.n == 0)
		v = behind(t, "\"registry\", {");
	if (v.n > 400)
		v.n = 400;
	v = behind(v, "default:");
	if (next_quoted(v, 200, &url))
		give(url, 0, fn, arg);
}

/* ---- pip ---- */

/* A value may go on in indented lines. */
void
regparse_pip_conf(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n }, line, key, value;
	int instead = -1; /* of the value being read; -1: of no interest */

	while (next_line(&t, &line)) {
		if (is_comment(line))
			continue;
		if (line.s[0] == ' ' || line.s[0] == '\t') {
			if (instead != -1)
				regparse_urls(line.s, line.n, instead, fn, arg);
			continue;
		}
		instead = -1;
		if (!split(line, '=', &key, &value))
			continue;
		if (is(key, "index-url") || is(key, "index_url"))
			instead = 1;
		else if (is(key, "extra-index-url") ||
		    is(key, "extra_index_url") || is(key, "find-links"))
			instead = 0;
		if (instead != -1)
			regparse_urls(value.s, value.n, instead, fn, arg);
	}
}

/* PyPI = PackageIndex("URL", file_storage_domain="NAME") */
void
regparse_pip_code(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span v = behind((struct span) { text, n },
			"\nPyPI = PackageIndex("),
		    s;

	if (!next_quoted(v, 300, &s))
		return;
	give(s, 0, fn, arg);
	v = behind(v, "file_storage_domain=");
	if (next_quoted(v, 300, &s))
		fn(s.s, s.n, 0, arg);
}

/* ---- cargo ---- */

static void
each_quoted(struct span line, const char *word, int instead, regparse_fn *fn,
    void *arg)
{
	struct span v, s, eq;

	for (v = behind(line, word); v.n > 0; v = behind(v, word)) {
		eq = trim(v);
		if (eq.n > 0 && (eq.s[0] == '=' || eq.s[0] == ':') &&
		    next_quoted(eq, 1024, &s))
			give(s, instead, fn, arg);
	}
}

void
regparse_cargo_toml(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n }, line, v;
	bool replaced = memmem(text, n, "replace-with", 12) != NULL;
	int instead = 0;

	while (next_line(&t, &line)) {
		if (is_comment(line))
			continue;
		v = trim(line);
		if (v.s[0] == '[')
			instead = replaced && memmem(v.s, v.n, "source.", 7);
		each_quoted(line, "index", instead, fn, arg);
		each_quoted(line, "registry", instead, fn, arg);
	}
}

void
regparse_cargo_json(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n };

	each_quoted(t, "\"dl\"", 0, fn, arg);
	each_quoted(t, "\"api\"", 0, fn, arg);
}

/* The first index over HTTP that ends in a slash is the built-in one. */
void
regparse_cargo_code(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span v = { text, n };
	size_t i;

	while ((v = behind(v, "sparse+https://")).n > 0) {
		for (i = 0; i < v.n && i < 254; i++)
			if (!((v.s[i] >= 'a' && v.s[i] <= 'z') ||
				(v.s[i] >= '0' && v.s[i] <= '9') ||
				v.s[i] == '.' || v.s[i] == '-'))
				break;
		if (i < 4 || i == v.n || v.s[i] != '/' ||
		    memchr(v.s, '.', i) == NULL)
			continue;
		fn(v.s, i, 0, arg);
		return;
	}
}

/* ---- go ---- */

void
regparse_go_env(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n }, line, key, value;
	const char *blank;

	while (next_line(&t, &line)) {
		if (is_comment(line) || !split(line, '=', &key, &value))
			continue;
		value = unquote(value);
		if (is(key, "GOPROXY"))
			regparse_urls(value.s, value.n, 1, fn, arg);
		if (!is(key, "GOSUMDB") || is(value, "off") || value.n == 0)
			continue;
		/* NAME[+KEY] [URL] */
		blank = memchr(value.s, ' ', value.n);
		if (blank != NULL) {
			give((struct span) { blank + 1,
				 value.n - (size_t)(blank + 1 - value.s) },
			    1, fn, arg);
			continue;
		}
		blank = memchr(value.s, '+', value.n);
		fn(value.s, blank != NULL ? (size_t)(blank - value.s) : value.n,
		    1, arg);
	}
}

/* "https://NAME,direct" */
void
regparse_go_code(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span v = { text, n };
	const char *p;
	size_t len;

	while ((v = behind(v, "https://")).n > 0) {
		p = memchr(v.s, ',', v.n < 254 ? v.n : 254);
		if (p == NULL)
			continue;
		len = (size_t)(p - v.s);
		if (len > 3 && v.n - len >= 7 && memcmp(p, ",direct", 7) == 0 &&
		    memchr(v.s, '/', len) == NULL &&
		    memchr(v.s, '\0', len) == NULL) {
			fn(v.s, len, 0, arg);
			return;
		}
	}
}

/* ---- apt ---- */

void
regparse_apt_list(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n }, line;
	const char *p;
	size_t i;

	while (next_line(&t, &line)) {
		line = trim(line);
		if (is_comment(line) || line.n < 5 ||
		    memcmp(line.s, "deb", 3) != 0)
			continue;
		i = line.n > 7 && memcmp(line.s, "deb-src", 7) == 0 ? 7 : 3;
		if (!is_blank(line.s[i]))
			continue;
		line = trim((struct span) { line.s + i, line.n - i });
		if (line.n > 0 && line.s[0] == '[') {
			if ((p = memchr(line.s, ']', line.n)) == NULL)
				continue;
			line = trim((struct span) { p + 1,
			    line.n - (size_t)(p + 1 - line.s) });
		}
		for (i = 0; i < line.n && !is_blank(line.s[i]); i++)
			;
		give((struct span) { line.s, i }, 0, fn, arg);
	}
}

/* URIs of one stanza; nothing of it counts when it says Enabled: no. */
static void
stanza(struct span t, regparse_fn *fn, void *arg)
{
	struct span line, key, value, all = t;
	bool uris = false;

	while (next_line(&all, &line))
		if (split(line, ':', &key, &value) && is(key, "Enabled") &&
		    (is(value, "no") || is(value, "false")))
			return;
	while (next_line(&t, &line)) {
		if (line.n > 0 && line.s[0] == '#')
			continue;
		if (line.n > 0 && (line.s[0] == ' ' || line.s[0] == '\t')) {
			if (uris)
				regparse_urls(line.s, line.n, 0, fn, arg);
			continue;
		}
		uris = split(line, ':', &key, &value) && is(key, "URIs");
		if (uris)
			regparse_urls(value.s, value.n, 0, fn, arg);
	}
}

void
regparse_apt_sources(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n }, line, st = { text, 0 };

	while (next_line(&t, &line)) {
		st.n = (size_t)(line.s + line.n - st.s);
		if (trim(line).n > 0)
			continue;
		stanza(st, fn, arg);
		st.s = t.s;
		st.n = 0;
	}
	stanza(st, fn, arg);
}

void
regparse_lines(const char *text, size_t n, regparse_fn *fn, void *arg)
{
	struct span t = { text, n }, line;
	size_t i;

	while (next_line(&t, &line)) {
		line = trim(line);
		if (is_comment(line))
			continue;
		for (i = 0; i < line.n && !is_blank(line.s[i]); i++)
			;
		give((struct span) { line.s, i }, 0, fn, arg);
	}
}
