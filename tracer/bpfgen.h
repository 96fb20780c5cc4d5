/*
 * Compiles the system call table (systab.h) to the workload's seccomp program: classic
 * BPF, one decision tree over the numbers in which the calls that are trapped or looked at
 * stand nearest to the root.  Those that pass need no care: since 5.11 the kernel
 * finds out at installation that they always do and then runs no filter for them, as long
 * as their way through the program only looks at architecture and number.
 *
 * Pure: run by policyd when it compiles an image, never at the start of a session.
 */

#ifndef TRACER_BPFGEN_H
#define TRACER_BPFGEN_H

#include <stdint.h>

#include "tracer/systab.h"

struct sock_filter; /* linux/filter.h */

/* Room that a program always fits in; the kernel's own limit is 4096. */
#define BPFGEN_MAX 1536

struct bpfgen_opts {
	struct systab_opts tab;
	uint32_t ask_ret; /* SECCOMP_RET_* for what is asked or recorded; 0: USER_NOTIF */
};

/*
 * Write the program for o to out, which has room for max instructions, and their
 * number to *n.  0, or -1 with errno ENOSPC when it does not fit, EINVAL for
 * an architecture that is none.  Never blocks.
 */
int bpfgen_build(const struct bpfgen_opts *o, struct sock_filter *out,
    unsigned int max, unsigned int *n) __attribute__((warn_unused_result));

#endif
