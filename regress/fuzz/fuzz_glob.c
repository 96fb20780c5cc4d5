/*
 * Any pattern compiles or is refused with a place inside it; what compiles
 * passes the validator; and where the pattern has only stars the automaton says
 * what a recursive matcher says.  Input: kind byte, pattern, 0, text.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/dfabuild.h"
#include "policyd/glob.h"

/* Stars only; the sole '*' is the caller's. */
static int
match(const char *p, const char *s)
{
	size_t stars = strspn(p, "*");

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
	return *p == *s && match(p + 1, s + 1);
}

/* Is the pattern of the part of the dialect that match() knows? */
static int
is_simple(const char *p)
{
	const char *q;
	int stars = 0;

	if (strpbrk(p, "?[]{},\\") != NULL || strcmp(p, "*") == 0 ||
	    strstr(p, "//") != NULL || strlen(p) > 40)
		return 0;
	for (q = p; *q != '\0'; q++) {
		stars += *q == '*';
		if (q[0] == '/' && q[1] == '*' && q[2] == '*')
			return 0;
	}
	return stars <= 6;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nfa *n = nfa_new();
	struct dfabuild b;
	struct pat_err e;
	char *pattern, *text;
	size_t used, len;
	enum glob_kind kind;

	if (size < 2 || n == NULL)
		goto out;
	kind = (enum glob_kind)(data[0] % 4);
	pattern = calloc(1, size + 2);
	memcpy(pattern, data + 1, size - 1);
	len = strlen(pattern);
	text = pattern + (len < size - 1 ? len + 1 : len);
	if (glob_add_str(n, 1, kind, data[0] & 0x80 ? GLOB_NOCASE : 0, pattern,
		&e) == -1) {
		if (e.off > len)
			abort();
	} else if (dfabuild_run(&b, n, 1000) == 0) {
		if (!dfa_check(b.dfa, b.dfa->size_bytes, &used))
			abort();
		if (kind == GLOB_PATH && data[0] < 0x80 && is_simple(pattern) &&
		    strlen(text) < 60 &&
		    match(pattern, text) !=
			(dfa_run(b.dfa, text, strlen(text)) != 0))
			abort();
		dfabuild_clear(&b);
	}
	free(pattern);
out:
	nfa_free(n);
	return 0;
}
