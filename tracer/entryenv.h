/*
 * The environment of a command: what the asker brought, through the policy's
 * lists, with what the session adds.  Pure but for memory; main thread of the
 * tracer.
 */

#ifndef TRACER_ENTRYENV_H
#define TRACER_ENTRYENV_H

#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/image.h"

/*
 * Filter e's environment by im, for a command allowed by rule.  0: *out is a
 * NULL-terminated array that the caller frees (the array alone; strings belong
 * to e, im and store).  E2BIG: a limit of the policy is exceeded and why (size
 * bytes) says which.  ENOMEM. store: at least 160 bytes for the session's own
 * variables.
 */
int entryenv_filter(const struct image *im, uint32_t rule,
    const struct entry_args *e, const char *session, char *store,
    char ***out, char *why, size_t size) __attribute__((warn_unused_result));

#endif
