/*
 * For tests of the policy image: a policy from text, compiled, beside the
 * reference evaluator with PCRE2 for its regular expressions.
 */

#ifndef REGRESS_POLHELP_H
#define REGRESS_POLHELP_H

#include "common/image.h"
#include "policyd/compile.h"
#include "policyd/diag.h"
#include "policyd/policy.h"
#include "policyd/reference.h"

struct polhelp {
	struct policy *pol;
	struct config *conf;
	struct compiled c;
	struct image im;
	struct diag d;
	struct reference ref;
};

/*
 * Compile yaml under config (NULL: none) with PROJECT_ROOT=/srv/proj and
 * HOME=/home/u.  0, or -1 with h->d telling why; polhelp_clear either way.
 */
int polhelp_init(struct polhelp *h, const char *yaml, size_t len,
    const char *config);
int polhelp_file(struct polhelp *h, const char *policy, const char *config);
void polhelp_clear(struct polhelp *h);

/* The first diagnostic as a line, or "". */
const char *polhelp_first(struct polhelp *h);

/* "decision rule" of a verdict and of a reference answer. */
const char *polhelp_verdict(const struct polhelp *h, const struct verdict *v);
const char *polhelp_answer(const struct ref_answer *a);

/* PCRE2's search, as struct reference wants it. */
int polhelp_search(const char *pattern, const char *text, size_t len);

/* A whole file, NUL-terminated; NULL with errno. */
char *polhelp_read(const char *path, size_t *len);

#endif
