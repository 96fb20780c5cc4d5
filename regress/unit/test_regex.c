/*
 * Regular expressions: what is refused and where, tables, and random patterns
 * against PCRE2.  A byte that is part of no UTF-8 character is to be read as
 * U+FFFD, so PCRE2 is shown the text with such bytes replaced.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/dfabuild.h"
#include "policyd/regex.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t rng = 0x9e3779b97f4a7c15u;

static unsigned int
rnd(unsigned int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned int)((rng >> 16) % n);
}

static int
build(struct dfabuild *b, unsigned int flags, const char *pattern,
    struct pat_err *e)
{
	struct nfa *n = nfa_new();
	int ret;

	assert_non_null(n);
	ret = regex_add_str(n, 5, flags, pattern, e);
	if (ret == 0)
		ret = dfabuild_run(b, n, DFABUILD_STATES_MAX) == 0 ? 0 : -2;
	nfa_free(n);
	return ret;
}

static int
regex(unsigned int flags, const char *pattern, const char *text)
{
	struct dfabuild b;
	struct pat_err e;
	int ret;

	if (build(&b, flags, pattern, &e) != 0)
		return -1;
	ret = dfa_run(b.dfa, text, strlen(text)) != 0;
	dfabuild_clear(&b);
	return ret;
}

/* ---- tables ---- */

struct vector {
	const char *pattern;
	const char *yes[8];
	const char *no[8];
};

static const struct vector tab[] = {
	{ "", { "", "x" }, { NULL } },
	{ "^install", { "install x" }, { "npm install" } },
	{ "install*", { "install", "reinstall", "uninstal" }, { "insta" } },
	{ ".*-r.*", { "-rf x", "my-repo" }, { "rf" } },
	{ "push.*(--force|-f)", { "push --force x", "push -f" },
	    { "push origin" } },
	{ "push.*(origin\\s+)?(main|master)", { "push origin main" },
	    { "push origin dev" } },
	{ "a.b",
	    { "a\xc3\xa9"
	      "b",
		"a\xff"
		"b",
		"a\xe2\x82"
		"b"
		"a.b" },
	    { "a\nb",
		"a\xe2\x82"
		"b" } },
	{ "(?s)a.b", { "a\nb" }, { "ab" } },
	{ "a$", { "a", "ba" }, { "a\n", "ab" } },
	{ "(?m)a$", { "a\nb", "a\n" }, { "ab" } },
	{ "(?m)^a", { "a", "b\na" }, { "ba" } },
	{ "\\Aa\\z", { "a" }, { "a\n", "ba" } },
	{ "(?m)\\Aa\\z", { "a" }, { "a\nb", "b\na" } },
	{ "\\brm\\b", { "rm", "x rm -rf", "/rm/" }, { "arm", "rmx", "rm_" } },
	{ "\\Brm", { "arm" }, { "rm", " rm" } },
	{ "^\\B$", { "" }, { "a" } },
	{ "(?i)straSSe|K", { "STRASSE", "k", "\xe2\x84\xaa" }, { "q" } },
	{ "(?i)[^k]", { "x" }, { "k", "K", "\xe2\x84\xaa" } },
	{ "(?i:a)b", { "Ab", "ab" }, { "aB" } },
	{ "(?i)a(?-i)b", { "Ab" }, { "aB" } },
	{ "^[[:alpha:]]+$", { "abcXYZ" }, { "a1", "" } },
	{ "^[[:^alpha:]_]+$", { "1-_" }, { "a" } },
	{ "^[^[:space:]]$", { "a", "\xff", "\xc3\xa9" }, { " ", "\n" } },
	{ "^[]a]$", { "]", "a" }, { "b" } },
	{ "^[^]a]$", { "b" }, { "]", "a" } },
	{ "^[a\\-z]$", { "-", "a", "z" }, { "b" } },
	{ "^[a-]$", { "-", "a" }, { "b" } },
	{ "^[\\d_]$", { "5", "_" }, { "a" } },
	{ "^[^\\D5]$", { "4" }, { "5", "a" } },
	{ "^\\pL\\p{Nd}\\P{L}\\p{^L}\\PN$",
	    { "\xc3\xa9"
	      "1--x" },
	    { "11--x", "a1aax", "a1--1" } },
	{ "^\\x41\\x{20ac}\\101\\0$",
	    { "A\xe2\x82\xac"
	      "A" },
	    { "A" } }, /* a text holds no NUL: see below */
	{ "^\\Qa.b\\E+$", { "a.b", "a.bbb" }, { "axb", "a.ba.b" } },
	{ "^\\Q\\\\E$", { "\\" }, { "\\\\" } },
	{ "^(?P<x>a)(?<y>b)$", { "ab" }, { "a" } },
	{ "^a{2,3}?$", { "aa", "aaa" }, { "a", "aaaa" } },
	{ "^a{2,}$", { "aa", "aaaaaa" }, { "a" } },
	{ "^a{0}b$", { "b" }, { "ab" } },
	{ "^a{0,2}$", { "", "a", "aa" }, { "aaa" } },
	{ "^a{,2}$", { "a{,2}" }, { "a" } },
	{ "^a{x$", { "a{x" }, { "a" } },
	{ "^(ab|c){2}$", { "abc", "cab", "cc" }, { "ab" } },
	{ "^(?:a|b|)+$", { "", "abab" }, { "c" } },
	{ "a|b|", { "zzz" }, { NULL } },
	{ "^\\a\\f\\t\\n\\r\\v$", { "\a\f\t\n\r\v" }, { "a" } },
	{ "^\\.\\*\\[\\{\\-\\/$", { ".*[{-/" }, { "a" } },
	{ "^[\\x{10000}-\\x{10ffff}]$", { "\xf0\x9f\x98\x80" },
	    { "\xef\xbf\xbf", "\xf0" } },
	{ "^[\\x{7f}-\\x{800}]$",
	    { "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80" },
	    { "\xe0\xa0\x81", "\xc2", "~" } },
	{ "^..$",
	    { "ab",
		"\xc3\xa9"
		"a",
		"\xe2\x82", "\xc3\xc3" },
	    { "\xc3\xa9", "\xe2\x82\xac", "a" } },
	{ "^\xef\xbf\xbd$", { "\xef\xbf\xbd", "\xff" }, { "a" } },
};

static void
table_matches(void **state)
{
	size_t i, k;

	for (i = 0; i < NELEM(tab); i++) {
		if (strstr(tab[i].pattern, "\\0$") != NULL)
			continue;
		for (k = 0; tab[i].yes[k] != NULL; k++) {
			if (regex(0, tab[i].pattern, tab[i].yes[k]) != 1)
				fail_msg("%s does not match %s", tab[i].pattern,
				    tab[i].yes[k]);
		}
		for (k = 0; tab[i].no[k] != NULL; k++) {
			if (regex(0, tab[i].pattern, tab[i].no[k]) != 0)
				fail_msg("%s matches %s", tab[i].pattern,
				    tab[i].no[k]);
		}
	}
}

static void
nul_byte_is_a_byte(void **state)
{
	struct dfabuild b;
	struct pat_err e;

	assert_int_equal(build(&b, 0, "^\\x41\\x{20ac}\\101\\0$", &e), 0);
	assert_int_equal(dfa_run(b.dfa,
			     "A\xe2\x82\xac"
			     "A",
			     6),
	    1);
	assert_int_equal(dfa_run(b.dfa,
			     "A\xe2\x82\xac"
			     "A",
			     5),
	    0);
	dfabuild_clear(&b);
}

static void
flags_mean_whole_and_nocase(void **state)
{
	assert_int_equal(regex(REGEX_WHOLE, "a|b", "a"), 1);
	assert_int_equal(regex(REGEX_WHOLE, "a|b", "xa"), 0);
	assert_int_equal(regex(REGEX_WHOLE, "a|bc", "bcc"), 0);
	assert_int_equal(regex(REGEX_NOCASE, "^abc$", "aBC"), 1);
	assert_int_equal(regex(REGEX_NOCASE, "^(?-i:a)bc$", "ABC"), 0);
}

static void
literal_piece_stands_for_itself(void **state)
{
	static const struct piece v[] = {
		{ .s = "^(", .len = 2, .off = 0, .literal = 0 },
		{ .s = "a.*|\xff", .len = 5, .off = 2, .literal = 1 },
		{ .s = "){2}$", .len = 5, .off = 9, .literal = 0 },
	};
	static const struct piece bad[] = {
		{ .s = "a.*|", .len = 4, .off = 0, .literal = 1 },
		{ .s = "x)", .len = 2, .off = 9, .literal = 0 },
	};
	struct nfa *n = nfa_new();
	struct dfabuild b;
	struct pat_err e;

	assert_int_equal(regex_add(n, 1, 0, v, 3, &e), 0);
	assert_int_equal(regex_add(n, 1, 0, bad, 2, &e), -1);
	assert_int_equal(e.off, 10);
	assert_int_equal(dfabuild_run(&b, n, DFABUILD_STATES_MAX), 0);
	assert_int_equal(dfa_run(b.dfa,
			     "a.*|\xff"
			     "a.*|\xff",
			     10),
	    1);
	assert_int_equal(dfa_run(b.dfa, "a.*|\xff", 5), 0);
	dfabuild_clear(&b);
	nfa_free(n);
}

static void
bad_pattern_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *pattern;
		size_t off;
		const char *word;
	} bad[] = {
		{ "(a)\\1", 3, "back-references" },
		{ "\\8", 0, "back-references" },
		{ "(?P=x)", 0, "back-references" },
		{ "\\k<x>", 0, "back-references" },
		{ "a(?=b)", 1, "look-around" },
		{ "a(?!b)", 1, "look-around" },
		{ "(?<=a)b", 0, "look-around" },
		{ "(?<!a)b", 0, "look-around" },
		{ "(?>a)", 0, "atomic" },
		{ "a++", 2, "possessive" },
		{ "a**", 2, "repetition of a repetition" },
		{ "a{2}{3}", 4, "repetition of a repetition" },
		{ "*-rf*", 0, "nothing stands before" },
		{ "a|*", 2, "nothing stands before" },
		{ "(+)", 1, "nothing stands before" },
		{ "{2}", 0, "nothing stands before" },
		{ "(a", 0, "never closed" },
		{ "x(a|(b)", 1, "never closed" },
		{ "a)", 1, "without '('" },
		{ "[a", 0, "never closed" },
		{ "[]", 0, "never closed" },
		{ "[b-a]", 1, "before it begins" },
		{ "[[:foo:]]", 1, "no class" },
		{ "a\\", 1, "at the end" },
		{ "\\y", 0, "unknown escape" },
		{ "\\Z", 0, "unknown escape" },
		{ "\\C", 0, "not supported" },
		{ "\\pX", 0, "not a general category" },
		{ "\\p{Greek}", 0, "not a general category" },
		{ "\\p{L", 0, "without a short name" },
		{ "\\xg", 0, "hexadecimal" },
		{ "\\x{}", 0, "hexadecimal" },
		{ "\\x{110000}", 0, "10FFFF" },
		{ "a{1001}", 1, "at most 1000" },
		{ "a{99999999999}", 1, "at most 1000" },
		{ "a{3,2}", 1, "larger bound first" },
		{ "((a{100}){100}){100}", 15, "too large" },
		{ "(?z)", 0, "unknown group" },
		{ "(?", 0, "unknown group" },
		{ "(?i-)a", 0, "unknown group" },
		{ "(?P<a-b>c)", 0, "group name" },
		{ "\xff", 0, "UTF-8" },
		{ "[\xc3]", 1, "UTF-8" },
	};
	struct dfabuild b;
	struct pat_err e;
	size_t i;

	for (i = 0; i < NELEM(bad); i++) {
		memset(&e, 0, sizeof(e));
		if (build(&b, 0, bad[i].pattern, &e) != -1)
			fail_msg("%s is accepted", bad[i].pattern);
		if (strstr(e.text, bad[i].word) == NULL || e.off != bad[i].off)
			fail_msg("%s: %zu: %s", bad[i].pattern, e.off, e.text);
	}
}

static void
too_many_states_is_an_error_in_time(void **state)
{
	static const char *const big[] = {
		"(a|b)*a(a|b){25}",
		".{1000}",
		"(\\pL+\\pN*){9}x{20}y\\pN+",
		"(.*a){300}",
		"((a{0,30}){0,30}){0,30}",
	};
	struct dfabuild b;
	struct pat_err e;
	size_t i;
	int ret;

	for (i = 0; i < NELEM(big); i++) {
		ret = build(&b, 0, big[i], &e);
		if (ret == 0)
			dfabuild_clear(&b);
		else if (ret == -2)
			assert_int_equal(errno, E2BIG);
	}
	assert_int_equal(build(&b, 0, big[0], &e), -2);
}

static void
deep_groups_are_bounded(void **state)
{
	char pattern[1201];
	struct dfabuild b;
	struct pat_err e;

	memset(pattern, '(', 600);
	memset(pattern + 600, ')', 600);
	pattern[1200] = '\0';
	assert_int_equal(build(&b, 0, pattern, &e), -1);
	assert_non_null(strstr(e.text, "too deeply"));
}

/* ---- against PCRE2 ---- */

/* A random pattern by a small grammar; kept short, it nests by depth. */
static void
put(char *buf, size_t size, const char *s)
{
	strncat(buf, s, size - strlen(buf) - 1);
}

static void
random_regex(char *buf, size_t size, int depth)
{
	static const char *const atoms[] = { "a", "b", "a", "\xc3\xa9", ".",
		"\\n", "[ab]", "[^a]", "[^\xc3\xa9]", "[a-c\\n]", "\\w", "\\W",
		"\\s", "\\S", "\\d", "\\x{e9}", "[[:alpha:]]", "[[:^alpha:]]",
		"K", "\\x{fffd}", "[\\x{80}-\\x{10ffff}]" };
	static const char *const places[] = { "^", "$", "\\A", "\\z", "\\b",
		"\\B" };
	static const char *const groups[] = { "(",
		"(?:", "(?i:", "(?s:", "(?m:", "(?i-s:" };
	static const char *const reps[] = { "*", "+", "?", "{2}", "{1,2}",
		"{0,2}", "{2,}", "*?", "+?" };
	unsigned int i, n = 1 + rnd(4), k;

	for (i = 0; i < n; i++) {
		k = rnd(12);
		if (k < 2) {
			put(buf, size, places[rnd(NELEM(places))]);
			continue;
		}
		if (k < 5 && depth > 0) {
			put(buf, size, groups[rnd(NELEM(groups))]);
			random_regex(buf, size, depth - 1);
			put(buf, size, ")");
		} else
			put(buf, size, atoms[rnd(NELEM(atoms))]);
		if (rnd(3) == 0)
			put(buf, size, reps[rnd(NELEM(reps))]);
		if (rnd(6) == 0)
			put(buf, size, "|");
	}
}

static size_t
char_len(const uint8_t *u, size_t left)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t n, i;

	n = u[0] < 0x80 ? 1 :
	    u[0] < 0xc2 ? 0 :
	    u[0] < 0xe0 ? 2 :
	    u[0] < 0xf0 ? 3 :
	    u[0] < 0xf5 ? 4 :
			  0;
	if (n > left)
		return 0;
	if (u[0] == 0xe0)
		lo = 0xa0;
	if (u[0] == 0xed)
		hi = 0x9f;
	if (u[0] == 0xf0)
		lo = 0x90;
	if (u[0] == 0xf4)
		hi = 0x8f;
	for (i = 1; i < n; i++, lo = 0x80, hi = 0xbf) {
		if (u[i] < lo || u[i] > hi)
			return 0;
	}
	return n;
}

static size_t
sanitise(const char *s, size_t len, char *out)
{
	size_t i, k = 0, n;

	for (i = 0; i < len;) {
		n = char_len((const uint8_t *)s + i, len - i);
		if (n == 0) {
			memcpy(out + k, "\xef\xbf\xbd", 3);
			k += 3;
			i++;
			continue;
		}
		memcpy(out + k, s + i, n);
		k += n;
		i += n;
	}
	return k;
}

struct ref {
	pcre2_code *code;
	pcre2_match_data *md;
	pcre2_match_context *mc;
};

static int
ref_open(struct ref *r, const char *pattern)
{
	PCRE2_SIZE off;
	int err;

	r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX, &err, &off,
	    NULL);
	if (r->code == NULL)
		return -1;
	r->md = pcre2_match_data_create(1, NULL);
	r->mc = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->mc, 20000);
	return 0;
}

static void
ref_close(struct ref *r)
{
	pcre2_match_data_free(r->md);
	pcre2_match_context_free(r->mc);
	pcre2_code_free(r->code);
}

/* 1, 0, or -1: PCRE2 gave up. */
static int
ref_match(struct ref *r, const char *s, size_t len)
{
	char clean[64];
	int ret;

	len = sanitise(s, len, clean);
	ret = pcre2_match(r->code, (PCRE2_SPTR)clean, len, 0, 0, r->md, r->mc);
	return ret >= 0 ? 1 : ret == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

/* Every text of up to max of the bytes abc; the number compared. */
static unsigned int
compare_all(const char *pattern, const struct dfa_hdr *d, struct ref *r,
    const char *abc, unsigned int max)
{
	unsigned int idx[8], len, i, n = (unsigned int)strlen(abc), done = 0;
	char s[9];
	int want;

	for (len = 0; len <= max; len++) {
		memset(idx, 0, sizeof(idx));
		for (;;) {
			for (i = 0; i < len; i++)
				s[i] = abc[idx[i]];
			s[len] = '\0';
			want = ref_match(r, s, len);
			if (want >= 0 && (dfa_run(d, s, len) != 0) != want)
				fail_msg("'%s' on '%s' (%u bytes): pcre2 %d",
				    pattern, s, len, want);
			done += want >= 0;
			for (i = 0; i < len && ++idx[i] == n; i++)
				idx[i] = 0;
			if (i == len)
				break;
		}
	}
	return done;
}

static void
random_patterns_agree_with_pcre2(void **state)
{
	unsigned int i, same = 0;
	char pattern[256];
	struct dfabuild b;
	struct pat_err e;
	struct ref r;

	for (i = 0; i < 2000; i++) {
		pattern[0] = '\0';
		random_regex(pattern, sizeof(pattern) - 40, 2);
		if (build(&b, 0, pattern, &e) != 0)
			fail_msg("%s: %zu: %s", pattern, e.off, e.text);
		if (ref_open(&r, pattern) == 0) {
			same += compare_all(pattern, b.dfa, &r, "ab\n ", 4);
			same += compare_all(pattern, b.dfa, &r,
			    "\xc3\xa9\xe2"
			    "a",
			    4);
			ref_close(&r);
		}
		dfabuild_clear(&b);
	}
	assert_true(same > 500000);
}

/* Every category and every case ring, character by character. */
static void
unicode_tables_agree_with_pcre2(void **state)
{
	static const char *const patterns[] = { "^\\p{Lu}$", "^\\pN$",
		"^\\p{Sc}$", "^\\PL$", "(?i)^[a-z]$", "(?i)^[^k\xc3\xa9]$",
		"(?i)^[\xce\xb1-\xcf\x89]$", "(?i)^[\xd0\x90-\xd0\xaf]$" };
	struct dfabuild b;
	struct pat_err e;
	struct ref r;
	uint32_t cp;
	size_t i, n;
	char s[5];

	for (i = 0; i < NELEM(patterns); i++) {
		assert_int_equal(build(&b, 0, patterns[i], &e), 0);
		assert_int_equal(ref_open(&r, patterns[i]), 0);
		for (cp = 1; cp < 0x3000; cp++) {
			n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : 3;
			s[0] = (char)(n == 1 ? cp :
				n == 2	     ? 0xc0 | cp >> 6 :
					       0xe0 | cp >> 12);
			s[n - 1] = (char)(n == 1 ? cp : 0x80 | (cp & 0x3f));
			if (n == 3)
				s[1] = (char)(0x80 | (cp >> 6 & 0x3f));
			if ((dfa_run(b.dfa, s, n) != 0) != ref_match(&r, s, n))
				fail_msg("%s on U+%04x", patterns[i], cp);
		}
		ref_close(&r);
		dfabuild_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_matches),
		cmocka_unit_test(nul_byte_is_a_byte),
		cmocka_unit_test(flags_mean_whole_and_nocase),
		cmocka_unit_test(literal_piece_stands_for_itself),
		cmocka_unit_test(bad_pattern_is_refused_with_its_place),
		cmocka_unit_test(too_many_states_is_an_error_in_time),
		cmocka_unit_test(deep_groups_are_bounded),
		cmocka_unit_test(random_patterns_agree_with_pcre2),
		cmocka_unit_test(unicode_tables_agree_with_pcre2),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
