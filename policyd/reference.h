/*
 * What a policy means, written down a second time: a slow evaluator that walks
 * the rules as they stand in the file and matches patterns by trying, straight
 * from SEMANTICS.md.  It shares no code with the compiler and the image, so
 * that tests can set one against the other; explain uses it to say why a rule
 * was passed over.
 *
 * policyd and tests only.  Recursion is bounded by the lengths of pattern and
 * text; never used to decide anything for a workload.
 */

#ifndef POLICYD_REFERENCE_H
#define POLICYD_REFERENCE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "common/decision.h"
#include "policyd/policy.h"

struct config;

struct reference {
	const struct policy *policy;
	const struct config *config; /* NULL: every default */
	const struct vars *vars;
	/*
	 * Is there a match of the regular expression in text?  1, 0, or -1 when
	 * it is none.  Tests give PCRE2, explain gives regex.h.
	 */
	int (*search)(const char *pattern, const char *text, size_t len);
};

/* An answer: a rule of the file, or one that no file wrote. */
struct ref_answer {
	enum decision decision;
	const struct prule *rule; /* NULL: builtin */
	enum builtin_rule builtin;
};

struct ref_cmd {
	const char *path, *given, *args;
	size_t args_len;
	uint32_t depth;
};

struct ref_net {
	int dns; /* a query: only name counts */
	int bind;
	const char *name; /* NULL: none known */
	struct in6_addr addr;
	uint16_t port;
};

void reference_file(const struct reference *r, enum file_op op,
    const char *path, struct ref_answer *a);
void reference_command(const struct reference *r, const struct ref_cmd *c,
    struct ref_answer *a);
void reference_net(const struct reference *r, const struct ref_net *q,
    struct ref_answer *a);
void reference_unix(const struct reference *r, enum net_op op,
    const char *path, struct ref_answer *a);
int reference_env(const struct reference *r, const struct pcmd_rule *cmd,
    const char *name);

/* Why one rule does not answer a question. */
enum ref_why {
	RW_MATCH, /* it does */
	RW_PATH,
	RW_OPERATION,
	RW_COMMAND,
	RW_DEPTH,
	RW_ARGS,
	RW_DOMAIN,
	RW_ADDRESS,
	RW_PORT,
	RW_PRIVATE, /* an allow by name never admits a private address */
	RW_DNS,	    /* not asked for queries */
	RW_MAX
};
extern const char *const ref_why_text[RW_MAX];

enum ref_why reference_file_why(const struct reference *r,
    const struct pfile_rule *f, enum file_op op, const char *path);
enum ref_why reference_command_why(const struct reference *r,
    const struct pcmd_rule *f, const struct ref_cmd *c);
enum ref_why reference_net_why(const struct reference *r,
    const struct pnet_rule *f, const struct ref_net *q);
enum ref_why reference_unix_why(const struct reference *r,
    const struct punix_rule *f, enum net_op op, const char *path);

/* The pattern of the list that matches, for explain; NULL: none. */
const struct pstr *reference_path_of(const struct reference *r,
    const struct plist *l, const char *path);

/* The same for a variable's name in a list of env_policy. */
const struct pstr *reference_name_of(const struct reference *r,
    const struct plist *l, const char *name);

#endif
