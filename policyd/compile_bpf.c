/*
 * The workload's seccomp program in the image, so that no session start waits
 * for a compiler.
 */

#include <linux/filter.h>

#include "policyd/compile_int.h"
#include "tracer/bpfgen.h"

void
comp_bpf(struct comp *c)
{
	struct sock_filter prog[BPFGEN_MAX];
	struct bpfgen_opts o = {
		.tab = {
			.arch = SYSTAB_ARCH_HERE,
			.metadata = c->settings.metadata != 0,
			.root_session = c->o->root_session != 0,
		},
	};
	unsigned int n;

	if (c->o->no_bpf || c->failed)
		return;
	if (bpfgen_build(&o, prog, BPFGEN_MAX, &n) == -1) {
		diag_add(c->d, DIAG_ERROR, c->pol->file, 0, 0,
		    "the seccomp program does not fit");
		return;
	}
	comp_add(c, IS_BPF, prog, n);
}
