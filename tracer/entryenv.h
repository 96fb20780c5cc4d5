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

#define ENTRYENV_PROXY_CNT 8
#define ENTRYENV_STRING	   128 /* one of the session's own, with its NUL */
#define ENTRYENV_STORE	   ((2 + ENTRYENV_PROXY_CNT) * ENTRYENV_STRING)

/*
 * Filter e's environment by im, for a command allowed by rule.  0: *out is a
 * NULL-terminated array that the caller frees (the array alone; strings belong
 * to e, im and store).  E2BIG: a limit of the policy is exceeded and why (size
 * bytes) says which.  ENOMEM. store: ENTRYENV_STORE bytes for the session's own
 * variables.  proxy_port 0: there is no proxy; else HTTP_PROXY and its like are
 * set, if the policy lets their names in, in place of the asker's.
 */
int entryenv_filter(const struct image *im, uint32_t rule,
    const struct entry_args *e, const char *session, uint16_t proxy_port,
    char *store, char ***out, char *why, size_t size) __attribute__((warn_unused_result));

#endif
