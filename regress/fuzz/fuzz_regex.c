/*
 * Any pattern compiles or is refused with a place inside it, within bounds;
 * what compiles passes the validator and, where PCRE2 takes the pattern too,
 * agrees with it.  Input: pattern, 0, text.
 */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/dfabuild.h"
#include "policyd/regex.h"

/* What the two dialects read differently, or text that PCRE2 would refuse. */
static int
is_comparable(const char *pattern, const char *text)
{
	static const char *const differ[] = { "\\s", "\\S", "[:space:]",
		"[:^space:]", "\\v", "\\Q", "\\E", "\\p", "\\P", "(?", "\\0",
		"{,", "[:", "\\x", "\\1", "\\2", "\\3", "\\4", "\\5", "\\6",
		"\\7", "(*", "[.", "[=" };
	const unsigned char *u;
	size_t i;

	for (i = 0; i < sizeof(differ) / sizeof(differ[0]); i++) {
		if (strstr(pattern, differ[i]) != NULL)
			return 0;
	}
	for (u = (const unsigned char *)text; *u != '\0'; u++) {
		if (*u >= 0x80 || *u == '\v')
			return 0;
	}
	return 1;
}

/* 1, 0, or -1: no answer. */
static int
reference(const char *pattern, const char *text)
{
	pcre2_match_context *mc;
	pcre2_match_data *md;
	pcre2_code *code;
	PCRE2_SIZE off;
	int err, ret;

	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX |
		PCRE2_NEVER_BACKSLASH_C,
	    &err, &off, NULL);
	if (code == NULL)
		return -1;
	md = pcre2_match_data_create(1, NULL);
	mc = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(mc, 20000);
	ret = pcre2_match(code, (PCRE2_SPTR)text, strlen(text), 0, 0, md, mc);
	pcre2_match_context_free(mc);
	pcre2_match_data_free(md);
	pcre2_code_free(code);
	return ret >= 0 ? 1 : ret == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nfa *n = nfa_new();
	struct dfabuild b;
	struct pat_err e;
	char *pattern = calloc(1, size + 2), *text;
	size_t len, used;
	int got, want;

	if (n == NULL || pattern == NULL || size > 400)
		goto out;
	memcpy(pattern, data, size);
	len = strlen(pattern);
	text = pattern + (len < size ? len + 1 : len);
	if (regex_add_str(n, 1, 0, pattern, &e) == -1) {
		if (e.off > len)
			abort();
	} else if (dfabuild_run(&b, n, 1000) == 0) {
		if (!dfa_check(b.dfa, b.dfa->size_bytes, &used))
			abort();
		got = dfa_run(b.dfa, text, strlen(text)) != 0;
		want = is_comparable(pattern, text) ? reference(pattern, text) :
						      -1;
		if (want >= 0 && got != want)
			abort();
		dfabuild_clear(&b);
	}
out:
	free(pattern);
	nfa_free(n);
	return 0;
}
