/*
 * Between the compile_*.c files: the image as it grows.  A failure (memory, a
 * bound) sticks in comp.failed and every later step does nothing.
 */

#ifndef POLICYD_COMPILE_INT_H
#define POLICYD_COMPILE_INT_H

#include "common/image_fmt.h"
#include "policyd/compile.h"
#include "policyd/config.h"
#include "policyd/diag.h"
#include "policyd/dfabuild.h"
#include "policyd/glob.h"
#include "policyd/policy.h"
#include "policyd/regex.h"

/* A section: n elements of elem bytes. */
struct csec {
	uint8_t *p;
	size_t n, cap;
};

struct comp {
	const struct compile_opts *o;
	const struct policy *pol;
	const struct config *conf; /* may be NULL */
	struct diag *d;
	struct csec sec[IS_MAX];
	struct image_meta meta;
	struct image_settings settings;
	uint32_t rules;	 /* rules numbered so far */
	uint32_t states; /* explored so far, of the policy's budget */
	int failed;
};

/* One pattern and the number of what it belongs to. */
struct cpat {
	const struct pstr *p; /* NULL: lit is the whole text, matched literally */
	const char *lit;
	size_t lit_len;
	uint32_t tag;
	enum cpat_kind {
		CP_PATH,
		CP_PLAIN,
		CP_PLAIN_NOCASE,
		CP_DOMAIN,
		CP_REGEX
	} kind;
	uint8_t bad;	     /* has been reported */
	uint8_t from_config; /* no variables; the place is in the config file */
};

struct cpats {
	struct cpat *v;
	size_t n, cap;
};

/* Add one zeroed pattern to ps; NULL when out of memory (c->failed). */
struct cpat *comp_pat_add(struct comp *c, struct cpats *ps);
/* A pattern of the policy file. */
void comp_pat(struct comp *c, struct cpats *ps, const struct pstr *p,
    enum cpat_kind kind, uint32_t tag);
void comp_pats_clear(struct cpats *ps);
/* Does p, with its variables, hold byte ch? */
int comp_pat_holds(struct comp *c, const struct pstr *p, char ch);
/* Settle whether an args pattern is a regex or a glob; warns. */
enum cpat_kind comp_args_kind(struct comp *c, const struct pstr *p);

/*
 * Build the automata of ps, each with its answers written by fn, as GROUPS.
 * The patterns are not empty of meaning: no pattern gives no group.
 */
typedef void comp_answers(struct comp *c, const struct dfabuild *b,
    uint32_t *answers, void *arg);
struct image_use comp_groups(struct comp *c, struct cpats *ps,
    comp_answers *fn, void *arg);

/* Answers that are sets of tags, words 64-bit words each. */
void comp_answer_sets(struct comp *c, const struct dfabuild *b,
    uint32_t *answers, void *words);

/*
 * Append n elements to a section (zeroed when src is NULL); index of the first.
 */
uint32_t comp_add(struct comp *c, enum image_section s, const void *src,
    size_t n);
void *comp_at(struct comp *c, enum image_section s, size_t i);
uint32_t comp_string(struct comp *c, const char *s);
uint32_t comp_dfa(struct comp *c, const struct dfa_hdr *dfa);

/* The next rule's number; its record is appended. */
uint32_t comp_rule(struct comp *c, const struct prule *r);
uint32_t comp_outcome(struct comp *c, uint32_t rule, enum decision dec,
    enum layer layer);

/* compile_files.c */
/* The questions (1u << enum file_op) that words (FW_*) cover. */
uint32_t comp_word_ops(uint32_t words);
/* Is every path of the rule a catch-all? */
int comp_is_catch_all(const struct pfile_rule *r);
/* The i-th pattern of implicit-runtime, or NULL past the last. */
const char *comp_runtime_path(size_t i);
void comp_files(struct comp *c);
void comp_unix(struct comp *c);
/* compile_cmds.c */
void comp_cmds(struct comp *c);
void comp_env(struct comp *c);
uint32_t comp_env_profile(struct comp *c, const struct penv *rule);
/* compile_net.c */
void comp_net(struct comp *c);
void comp_redirects(struct comp *c);
void comp_signals(struct comp *c);
/* compile_bpf.c */
void comp_bpf(struct comp *c);
/* compile_landlock.c: after comp_files */
void comp_landlock(struct comp *c);

#endif
