/*
 * From a policy, a config and a session's variables to the bytes of a policy
 * image (common/image_fmt.h).  What a policy means is SEMANTICS.md; what is
 * decided there is decided here, so that the evaluator only follows tables.
 *
 * policyd only.  Never blocks; bounded in time and memory by the bounds of the
 * loader and of dfabuild.
 */

#ifndef POLICYD_COMPILE_H
#define POLICYD_COMPILE_H

#include <stddef.h>
#include <stdint.h>

struct config;
struct diag;
struct policy;
struct vars;

struct compile_opts {
	const struct policy *policy;
	const struct config *config; /* NULL: every default */
	const struct vars *vars;
	int root_session;
	uint64_t features; /* tracer/feature.h bits of the machine */
	int no_bpf;	   /* for questions only: no seccomp program */
};

struct compiled {
	void *bytes; /* malloc'd, aligned for image_check */
	size_t size_bytes;
};

/*
 * Compile.  0, or -1 with what is wrong in d (places in the policy file) and
 * out empty; warnings go to d either way.  The caller clears out.
 */
int compile_image(const struct compile_opts *o, struct compiled *out,
    struct diag *d) __attribute__((warn_unused_result));
void compile_clear(struct compiled *c);

/*
 * Do all patterns of the policy compile?  As compile_image with stand-ins for
 * the variables that every session has (PROJECT_ROOT, HOME, GIT_ROOT).
 */
int compile_check(const struct policy *pol, const struct config *conf,
    struct diag *d) __attribute__((warn_unused_result));

/*
 * A new memfd that holds c, unsealed, at offset 0; the caller owns it.  -1 with
 * errno.
 */
int compile_memfd(const struct compiled *c) __attribute__((warn_unused_result));

#endif
