/*
 * Globs: a table of what each construct means, and random patterns against a
 * recursive matcher that shares nothing with the automata but the dialect.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/dfabuild.h"
#include "policyd/glob.h"

static uint64_t rng = 0x2545f4914f6cdd1du;

static unsigned int
rnd(unsigned int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned int)((rng >> 16) % n);
}

/* ---- the reference: braces by writing out, then one recursion ---- */

static size_t
char_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	static const unsigned char first_lo[] = { 0x80, 0xa0, 0x80, 0x90 };
	size_t n, i;

	n = u[0] < 0xc2 ? 1 :
	    u[0] < 0xe0 ? 2 :
	    u[0] < 0xf0 ? 3 :
	    u[0] < 0xf5 ? 4 :
			  1;
	for (i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 1;
	}
	if ((u[0] == 0xe0 && u[1] < first_lo[1]) ||
	    (u[0] == 0xf0 && u[1] < first_lo[3]) ||
	    (u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 1;
	return n;
}

/* p stands behind "["; single-byte members only.  *end: behind "]". */
static int
in_class(const char *p, const char *s, const char **end)
{
	int neg = *p == '!', in = 0;

	for (p += neg; *p != ']'; p++) {
		if (p[1] == '-' && p[2] != ']') {
			in |= *s >= p[0] && *s <= p[2];
			p += 2;
		} else
			in |= *s == *p;
	}
	*end = p + 1;
	return neg ? !in && *s != '/' : in && *s != '\0';
}

static int
match(const char *p, const char *s)
{
	size_t stars = strspn(p, "*"), n;
	const char *end;

	if (p[0] == '/' && (n = strspn(p + 1, "*")) > 1 &&
	    (p[n + 1] == '\0' || p[n + 1] == '/')) {
		if (match(p + n + 1, s))
			return 1;
		for (end = s + 1; *s == '/'; end++) {
			if (match(p + n + 1, end))
				return 1;
			if (*end == '\0')
				return 0;
		}
		return 0;
	}
	if (stars > 0) {
		for (;; s++) {
			if (match(p + stars, s))
				return 1;
			if (*s == '\0' || (stars == 1 && *s == '/'))
				return 0;
		}
	}
	if (*p == '\0' || *s == '\0')
		return *p == *s;
	if (*p == '?')
		return *s != '/' && match(p + 1, s + char_len(s));
	if (*p == '[')
		return in_class(p + 1, s, &end) &&
		    match(end, s + (p[1] == '!' ? char_len(s) : 1));
	if (*p == '\\')
		p++;
	return *p == *s && match(p + 1, s + 1);
}

static int
match_braces(const char *p, const char *s)
{
	char one[512];
	const char *open = strchr(p, '{'), *q, *from;
	int depth = 0;
	size_t i, k;

	if (open == NULL) {
		for (i = k = 0; p[i] != '\0'; i++) {
			if (k == 0 || p[i] != '/' || one[k - 1] != '/')
				one[k++] = p[i];
		}
		one[k] = '\0';
		return match(strcmp(one, "*") == 0 ? "**" : one, s);
	}
	for (q = open;; q++) {
		depth += (*q == '{') - (*q == '}');
		if (depth == 0)
			break;
	}
	for (from = open + 1; from <= q;) {
		size_t len;
		const char *to = from;

		for (depth = 0; to < q && (*to != ',' || depth > 0); to++)
			depth += (*to == '{') - (*to == '}');
		len = (size_t)(to - from);
		snprintf(one, sizeof(one), "%.*s%.*s%s", (int)(open - p), p,
		    (int)len, from, q + 1);
		if (match_braces(one, s))
			return 1;
		from = to + 1;
	}
	return 0;
}

/* ---- helpers ---- */

static int
glob(enum glob_kind kind, unsigned int flags, const char *pattern,
    const char *text)
{
	struct nfa *n = nfa_new();
	struct dfabuild b;
	struct pat_err e;
	uint32_t id;

	assert_non_null(n);
	if (glob_add_str(n, 7, kind, flags, pattern, &e) == -1) {
		nfa_free(n);
		return -1;
	}
	assert_int_equal(dfabuild_run(&b, n, DFABUILD_STATES_MAX), 0);
	id = dfa_run(b.dfa, text, strlen(text));
	dfabuild_clear(&b);
	nfa_free(n);
	return id != 0;
}

struct vector {
	const char *pattern;
	const char *yes[8];
	const char *no[8];
};

static void
check_vectors(enum glob_kind kind, unsigned int flags, const struct vector *v,
    size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; v[i].yes[k] != NULL; k++) {
			if (glob(kind, flags, v[i].pattern, v[i].yes[k]) != 1)
				fail_msg("%s does not match %s", v[i].pattern,
				    v[i].yes[k]);
		}
		for (k = 0; v[i].no[k] != NULL; k++) {
			if (glob(kind, flags, v[i].pattern, v[i].no[k]) != 0)
				fail_msg("%s matches %s", v[i].pattern,
				    v[i].no[k]);
		}
	}
}

/* ---- tables ---- */

static const struct vector path_tab[] = {
	{ "/w/**", { "/w", "/w/", "/w/a", "/w/a/b", "/w/.git/x" }, { "/wx" } },
	{ "/w/*", { "/w/", "/w/a", "/w/.x" }, { "/w/a/b", "/w" } },
	{ "**", { "", "/", "/a/b", "a" }, { NULL } },
	{ "*", { "", "a", "/a", "/a/b" }, { NULL } },
	{ "/**", { "", "/", "/a", "/a/b" }, { "a" } },
	{ "**/.env", { "/.env", "/w/.env", "/w/a/.env" },
	    { ".env", "/w/x.env", "/w/.env/x" } },
	{ "**/.env.*", { "/w/.env.local", "/w/.env." },
	    { "/w/.env", "/w/.env.d/x" } },
	{ "**.env", { ".env", "/w/.env", "/w/prod.env" }, { "/w/envx" } },
	{ "/w/**/*.py", { "/w/a.py", "/w/d/a.py", "/w/d/e/a.py" },
	    { "/wa.py", "/w/a.pyc" } },
	{ "/w/**.py", { "/w/a.py", "/w/d/a.py" }, { "/wa.py" } },
	{ "/a/**/b", { "/a/b", "/a/x/b", "/a/x/y/b" }, { "/ab", "/a/xb" } },
	{ "/a/*/b", { "/a/x/b", "/a//b" }, { "/a/b", "/a/x/y/b" } },
	{ "/w/{a,b}/*.c", { "/w/a/x.c", "/w/b/x.c" }, { "/w/c/x.c" } },
	{ "/w/{a,b/**}", { "/w/a", "/w/b", "/w/b/c/d" }, { "/w/a/x" } },
	{ "/w/{a,{b,c}}", { "/w/a", "/w/b", "/w/c" }, { "/w/" } },
	{ "/w/{a,**}/x", { "/w/x", "/w/a/x", "/w/q/x" }, { "/wx" } },
	{ "/w{,/**}", { "/w", "/w/a" }, { "/wa" } },
	{ "/w/?", { "/w/a", "/w/\xc3\xa9", "/w/\xc3", "/w/\xe2\x82\xac" },
	    { "/w/", "/w//", "/w/ab", "/w/\xc3\xa9\xa9" } },
	{ "/w/??", { "/w/ab", "/w/\xe2\x82", "/w/\xc3\xa9\xa9" },
	    { "/w/\xc3\xa9", "/w/\xe2\x82\xac" } },
	{ "/w/[abc]", { "/w/a" }, { "/w/d" } },
	{ "/w/[a-c]", { "/w/b" }, { "/w/d" } },
	{ "/w/[!a-c]", { "/w/d", "/w/\xc3\xa9" }, { "/w/b", "/w//", "/w/" } },
	{ "/w/[a-cx-]", { "/w/x", "/w/b", "/w/-" }, { "/w/y" } },
	{ "/w/[\xc3\xa9]", { "/w/\xc3\xa9" }, { "/w/\xc3", "/w/e" } },
	{ "/w/[\\]]", { "/w/]" }, { "/w/\\" } },
	{ "/w/a}", { "/w/a}" }, { "/w/a" } },
	{ "/w/a,b", { "/w/a,b" }, { "/w/a" } },
	{ "/w/\\*", { "/w/*" }, { "/w/a" } },
	{ "/w/\\{a,b\\}", { "/w/{a,b}" }, { "/w/a" } },
	{ "/w/***", { "/w/a/b", "/w" }, { "/wx" } },
	{ "~/x", { "~/x" }, { "/home/u/x" } },
	{ "/W/a", { "/W/a" }, { "/w/a" } },
	{ "ab*ba", { "abba", "abXba" }, { "aba", "ab/ba" } },
	{ "ab**ba", { "abba", "ab/ba" }, { "aba" } },
	{ "a**", { "a", "a/b" }, { "b" } },
	{ "/w/a*b*c", { "/w/abc", "/w/aXbYc" }, { "/w/a/bc" } },
	{ "**/a/**", { "/a/", "/a", "/x/a/y" }, { "a/y", "/xa" } },
	{ "/home/*/.ssh/**", { "/home/u/.ssh", "/home/u/.ssh/id" },
	    { "/home/a/b/.ssh/x", "/home/u/.sshx" } },
	{ "//w///**", { "/w", "/w/a" }, { "//w" } },
	{ "/w/\xff*", { "/w/\xff", "/w/\xff\xfe" }, { "/w/a" } },
	{ "/a\nb", { "/a\nb" }, { "/a" } },
};

static const struct vector plain_tab[] = {
	{ "*_TOKEN", { "GH_TOKEN", "_TOKEN" }, { "gh_token", "TOKEN" } },
	{ "AWS_*", { "AWS_", "AWS_X" }, { "aws_x" } },
	{ "python*", { "python", "python3.11" }, { "/usr/bin/python3" } },
	{ "ab*ba", { "abba", "abXba", "ab/ba" }, { "aba" } },
	{ "*", { "", "a/b" }, { NULL } },
	{ "*-rf*", { "x -rf y", "-rf" }, { "-r -f" } },
	{ "a?c", { "abc", "a/c" }, { "ac" } },
};

static const struct vector nocase_tab[] = {
	{ "BaSh", { "bash", "BASH", "BaSh" }, { "bas" } },
	{ "stra\xc3\x9f"
	  "e",
	    { "STRA\xc3\x9f"
	      "E",
		"stra\xe1\xba\x9e"
		"e" },
	    { "strasse" } },
	{ "[a-c]x", { "BX", "bx" }, { "dx" } },
	{ "[!a-c]x", { "DX" }, { "BX", "bx" } },
	{ "{NPM,pip}", { "npm", "PIP" }, { "np" } },
	{ "\xff"
	  "a",
	    { "\xff"
	      "A" },
	    { "a" } },
};

static const struct vector domain_tab[] = {
	{ "*", { "localhost", "example.test", "10.0.0.1", "::1" }, { NULL } },
	{ "*.evil.test", { "a.evil.test", "a.b.evil.test", "A.EVIL.TEST" },
	    { "evil.test", "aevil.test", ".evil.test" } },
	{ "**.evil.test", { "a.evil.test", "a.b.evil.test" },
	    { "evil.test", "xevil.test" } },
	{ "Example.Test.", { "example.test" }, { "example.test.", "a" } },
	{ "api.*.test", { "api.a.test" }, { "api.a.b.test", "api.test" } },
	{ "api.**.test", { "api.a.test", "api.a.b.test" }, { "api.test" } },
	{ "api.{a,b}.test", { "api.a.test" }, { "api.c.test" } },
	{ "10.*.*.*", { "10.0.0.1" }, { "11.0.0.1", "10.0.0.0.1" } },
	{ "h?st", { "host" }, { "h.st" } },
	{ "*", { "" }, { NULL } },
};

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

static void
path_table_matches(void **state)
{
	check_vectors(GLOB_PATH, 0, path_tab, NELEM(path_tab));
}

static void
plain_table_matches(void **state)
{
	check_vectors(GLOB_PLAIN, 0, plain_tab, NELEM(plain_tab));
	check_vectors(GLOB_PLAIN, GLOB_NOCASE, nocase_tab, NELEM(nocase_tab));
}

static void
domain_table_matches(void **state)
{
	check_vectors(GLOB_DOMAIN, 0, domain_tab, NELEM(domain_tab));
}

static void
bad_pattern_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *pattern;
		size_t off;
		const char *word;
	} tab[] = {
		{ "/w/[", 3, "never closed" },
		{ "/w/[]", 3, "empty class" },
		{ "/w/[a", 3, "never closed" },
		{ "/w/[^a]", 4, "two readings" },
		{ "/w/[z-a]", 4, "before it begins" },
		{ "/w/[\xff]", 4, "UTF-8" },
		{ "/w/{a", 3, "never closed" },
		{ "/w/{a,{b}", 3, "never closed" },
		{ "/w/a\\", 4, "at the end" },
		{ "/w/[a\\", 5, "at the end" },
		{ "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"
		  "{a,b}{a,b}{a,b}{a,b}",
		    SIZE_MAX, "too many" },
		{ "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{"
		  "{{{{{{{{{{{{{{{{{",
		    64, "too deeply" },
	};
	struct nfa *n = nfa_new();
	struct pat_err e;
	size_t i;

	for (i = 0; i < NELEM(tab); i++) {
		memset(&e, 0, sizeof(e));
		if (glob_add_str(n, 1, GLOB_PATH, 0, tab[i].pattern, &e) != -1)
			fail_msg("%s is accepted", tab[i].pattern);
		if (strstr(e.text, tab[i].word) == NULL)
			fail_msg("%s: %s", tab[i].pattern, e.text);
		if (tab[i].off != SIZE_MAX)
			assert_int_equal(e.off, tab[i].off);
	}
	assert_int_equal(nfa_count(n), 0);
	nfa_free(n);
}

static void
literal_piece_stands_for_itself(void **state)
{
	static const struct piece v[] = {
		{ .s = "/a*[b]{c}\\", .len = 10, .off = 0, .literal = 1 },
		{ .s = "/**", .len = 3, .off = 15, .literal = 0 },
	};
	static const struct piece bad[] = {
		{ .s = "/a", .len = 2, .off = 0, .literal = 1 },
		{ .s = "/x[", .len = 3, .off = 7, .literal = 0 },
	};
	struct nfa *n = nfa_new();
	struct dfabuild b;
	struct pat_err e;
	const char *yes = "/a*[b]{c}\\/x", *no = "/axbc/x";

	assert_int_equal(glob_add(n, 3, GLOB_PATH, 0, v, 2, &e), 0);
	assert_int_equal(glob_add(n, 3, GLOB_PATH, 0, bad, 2, &e), -1);
	assert_int_equal(e.off, 9);
	assert_int_equal(dfabuild_run(&b, n, DFABUILD_STATES_MAX), 0);
	assert_int_equal(dfa_run(b.dfa, yes, strlen(yes)), 1);
	assert_int_equal(dfa_run(b.dfa, yes, 10), 1);
	assert_int_equal(dfa_run(b.dfa, no, strlen(no)), 0);
	assert_true(dfabuild_has(&b, 1, 3));
	dfabuild_clear(&b);
	nfa_free(n);
}

static void
root_as_a_variable_is_no_double_slash(void **state)
{
	static const struct piece v[] = {
		{ .s = "/", .len = 1, .off = 0, .literal = 1 },
		{ .s = "/**", .len = 3, .off = 15, .literal = 0 },
	};
	struct nfa *n = nfa_new();
	struct dfabuild b;
	struct pat_err e;

	assert_int_equal(glob_add(n, 0, GLOB_PATH, 0, v, 2, &e), 0);
	assert_int_equal(dfabuild_run(&b, n, DFABUILD_STATES_MAX), 0);
	assert_int_equal(dfa_run(b.dfa, "/", 1), 1);
	assert_int_equal(dfa_run(b.dfa, "/etc/x", 6), 1);
	dfabuild_clear(&b);
	nfa_free(n);
}

/* ---- random patterns ---- */

static void
random_pattern(char *buf, size_t size, int braces)
{
	static const char *const bits[] = { "a", "b", "/", "/", "*", "**",
		"/**", "**/", "?", "[ab]", "[!a]", "[a-c]", "\\*", "\xc3\xa9",
		"\xc3", "." };
	static const char *const marks[] = { "{", ",", "}" };
	unsigned int i, n = 1 + rnd(6), open = 0, k;

	buf[0] = '\0';
	for (i = 0; i < n; i++) {
		k = braces ? rnd(NELEM(bits) + 4) : rnd(NELEM(bits));
		if (k < NELEM(bits)) {
			strncat(buf, bits[k], size - strlen(buf) - 1);
			continue;
		}
		k = open == 0 ? 0 : rnd(3);
		open += (k == 0) - (k == 2);
		strncat(buf, marks[k], size - strlen(buf) - 1);
	}
	while (open-- > 0)
		strncat(buf, "}", size - strlen(buf) - 1);
}

/* Every text of up to max bytes of abc. */
static void
compare_all(const char *pattern, const struct dfa_hdr *d, const char *abc,
    unsigned int max)
{
	unsigned int idx[8] = { 0 }, len, i, n = (unsigned int)strlen(abc);
	char s[9];

	for (len = 0; len <= max; len++) {
		memset(idx, 0, sizeof(idx));
		for (;;) {
			for (i = 0; i < len; i++)
				s[i] = abc[idx[i]];
			s[len] = '\0';
			if ((dfa_run(d, s, len) != 0) !=
			    match_braces(pattern, s))
				fail_msg("pattern '%s' text '%s': dfa %u",
				    pattern, s, dfa_run(d, s, len));
			for (i = 0; i < len && ++idx[i] == n; i++)
				idx[i] = 0;
			if (i == len)
				break;
		}
	}
}

static void
random_patterns_agree_with_recursion(void **state)
{
	char pattern[256];
	struct dfabuild b;
	struct pat_err e;
	struct nfa *n;
	size_t used;
	int i;

	for (i = 0; i < 3000; i++) {
		random_pattern(pattern, sizeof(pattern), i % 2);
		n = nfa_new();
		if (glob_add_str(n, 1, GLOB_PATH, 0, pattern, &e) == -1)
			fail_msg("%s: %s", pattern, e.text);
		assert_int_equal(dfabuild_run(&b, n, DFABUILD_STATES_MAX), 0);
		assert_true(dfa_check(b.dfa, b.dfa->size_bytes, &used));
		compare_all(pattern, b.dfa, "ab/", 4);
		compare_all(pattern, b.dfa, "a/\xc3\xa9*", 3);
		dfabuild_clear(&b);
		nfa_free(n);
	}
}

/* Sixteen patterns in one automaton give what each gives alone. */
static void
many_patterns_in_one_keep_apart(void **state)
{
	char pattern[16][256], s[16];
	struct dfabuild b;
	struct pat_err e;
	struct nfa *n;
	uint32_t id;
	int i, k, t;

	for (i = 0; i < 60; i++) {
		n = nfa_new();
		for (k = 0; k < 16; k++) {
			random_pattern(pattern[k], sizeof(pattern[k]), 1);
			assert_int_equal(glob_add_str(n, (uint32_t)k * 3,
					     GLOB_PATH, 0, pattern[k], &e),
			    0);
		}
		assert_int_equal(dfabuild_run(&b, n, DFABUILD_STATES_MAX), 0);
		for (t = 0; t < 300; t++) {
			size_t len = rnd(8), j;

			for (j = 0; j < len; j++)
				s[j] = "ab/."[rnd(4)];
			s[len] = '\0';
			id = dfa_run(b.dfa, s, len);
			for (k = 0; k < 16; k++) {
				if (dfabuild_has(&b, id, (uint32_t)k * 3) !=
				    match_braces(pattern[k], s))
					fail_msg("'%s' text '%s'", pattern[k],
					    s);
			}
		}
		dfabuild_clear(&b);
		nfa_free(n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_table_matches),
		cmocka_unit_test(plain_table_matches),
		cmocka_unit_test(domain_table_matches),
		cmocka_unit_test(bad_pattern_is_refused_with_its_place),
		cmocka_unit_test(literal_piece_stands_for_itself),
		cmocka_unit_test(root_as_a_variable_is_no_double_slash),
		cmocka_unit_test(random_patterns_agree_with_recursion),
		cmocka_unit_test(many_patterns_in_one_keep_apart),
	};

	return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
