/*
 * The globs of a policy (SEMANTICS.md, Files, Network, Environment), compiled
 * into an nfa.  policyd only; pure.
 *
 * All kinds: whole match; '\x' is x itself; [a-z] [!a-z] (members and ranges
 * may be mixed; a negated class does not match the separator; '[^' is refused,
 * since half the world reads it as '!'); {a,b} nestable, read as the pattern
 * written once for each alternative.  '?' and a class are one UTF-8 character,
 * a byte that is part of none counts as one; all else is bytes.
 */

#ifndef POLICYD_GLOB_H
#define POLICYD_GLOB_H

#include <stdint.h>

#include "policyd/nfa.h"
#include "policyd/policy.h"

enum glob_kind {
	/*
	 * Separator '/'.  '*' and '?' do not cross it, two stars do.  Two
	 * stars that are a component of their own stand for any number of
	 * levels: at the end, also for what stands before them without
	 * its slash (P itself); in the middle also for none; at the start
	 * for any depth, the top too.  '*' alone is any path.  Repeated
	 * slashes of the pattern are one.
	 */
	GLOB_PATH,
	/* No separator: '*' is anything.  Commands without '/', variables. */
	GLOB_PLAIN,
	/*
	 * Separator '.', case ignored, a trailing dot of the pattern dropped.
	 * '*' alone is any name; leading '*.' is one or more labels of any
	 * depth; elsewhere '*' stays inside a label and two stars do not.
	 */
	GLOB_DOMAIN,
	/*
	 * A pattern of the last component of a path, given the path: what
	 * stands before the last '/' is free, no star crosses one.
	 */
	GLOB_BASENAME
};

#define GLOB_NOCASE 0x1u /* ignore case, by Unicode's simple folding */

/*
 * Add the pattern made of v[0..n-1] to nfa with tag (any value).  Literal
 * pieces match themselves only.  0, or -1 with e filled in and nfa as it was.
 * Bounds: 64 KiB of text, 4096 alternatives.
 */
int glob_add(struct nfa *nfa, uint32_t tag, enum glob_kind kind,
    unsigned int flags, const struct piece *v, unsigned int n,
    struct pat_err *e);

/* The same for one NUL-terminated pattern without variables. */
int glob_add_str(struct nfa *nfa, uint32_t tag, enum glob_kind kind,
    unsigned int flags, const char *pattern, struct pat_err *e);

#endif
