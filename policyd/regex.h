/*
 * Regular expressions in RE2's dialect, compiled into an nfa.  policyd only;
 * pure.
 *
 * Understood: literals, . [] [^] [[:alpha:]] \d \D \s \S \w \W \pN \p{Lu}
 * \P{..} (general categories), | () (?:) (?P<n>) (?<n>) (?flags) (?flags:) with
 * i s m U, * + ? {n} {n,} {n,m} up to 1000 and their lazy forms (the language
 * is the same), ^ $ \A \z \b \B, \a \f \t \n \r \v \123 \x7F \x{10FFFF}
 * \Q..\E.  Refused with a reason: back-references, look-around, possessive
 * and atomic forms, \C, script names in \p.
 *
 * The text is UTF-8; a byte that is part of no character counts as one
 * character that '.' and negated classes match.  '.' does not match a newline
 * unless (?s).  '$' is the end of the text only, unless (?m).
 */

#ifndef POLICYD_REGEX_H
#define POLICYD_REGEX_H

#include <stdint.h>

#include "policyd/nfa.h"
#include "policyd/policy.h"

#define REGEX_NOCASE 0x1u /* as if (?i) stood first */
#define REGEX_WHOLE  0x2u /* the whole text, not a search within it */

/*
 * Add the pattern made of v[0..n-1] to nfa with tag (any value).  Literal
 * pieces match themselves only.  0, or -1 with e filled in and nfa as it was.
 */
int regex_add(struct nfa *nfa, uint32_t tag, unsigned int flags,
    const struct piece *v, unsigned int n, struct pat_err *e);

/* The same for one NUL-terminated pattern without variables. */
int regex_add_str(struct nfa *nfa, uint32_t tag, unsigned int flags,
    const char *pattern, struct pat_err *e);

#endif
