/*
 * `policy decide`: questions in, one a line, verdicts out, in order.  Runs in
 * policyd's tool mode on descriptors it was given; evaluates a compiled image
 * as the tracer would.
 */

#ifndef POLICYD_DECIDE_H
#define POLICYD_DECIDE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/decision.h"

struct image;

enum decide_domain {
	DD_FILE,
	DD_EXEC,
	DD_NET,
	DD_DNS,
	DD_UNIX,
	DD_MAX
};

#define DECIDE_SUBJECT_MAX 65536

/* One question, parsed.  Strings lie in text. */
struct decide_ask {
	enum decide_domain domain;
	unsigned int op; /* enum file_op or enum net_op */
	const char *op_name;
	char text[DECIDE_SUBJECT_MAX];
	const char *subject; /* file: normalised path; dns: name; unix: path */
	const char *name;    /* net: NULL = none known */
	struct in6_addr addr;
	uint16_t port;
	const char *argv[4096]; /* exec */
	unsigned int argc;
};

/*
 * Fill in q from the three columns.  0, or -1 with the reason in why (of size
 * bytes).
 */
int decide_parse(struct decide_ask *q, const char *domain, const char *op,
    const char *subject, char *why, size_t size);

/* Judge q. */
void decide_ask(const struct image *im, const struct decide_ask *q,
    struct verdict *v);

/*
 * Judge the command argv[0] with argc - 1 arguments at depth 0, without looking
 * at what it would run.
 */
void decide_command(const struct image *im, const char *const *argv,
    unsigned int argc, struct verdict *v);

/*
 * Read questions from in (called name in diagnostics on standard error), write
 * "decision TAB rule" to out.  0, 1 for an I/O error, 2 for a malformed line.
 */
int decide_run(const struct image *im, FILE *in, const char *name, FILE *out);

/* Words of the domain, for messages: "file", "exec" ... */
extern const char *const decide_domain_name[DD_MAX];

#endif
