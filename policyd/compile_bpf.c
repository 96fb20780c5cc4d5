/*
 * The workload's seccomp program in the image, so that no session start waits
 * for a compiler.
 */

#include <linux/filter.h>

#include <string.h>

#include "policyd/compile_int.h"
#include "tracer/bpfgen.h"

/* sandbox.seccomp.syscalls.block; the loader has admitted the names. */
static const uint64_t *
comp_blocked(struct comp *c, uint64_t bits[IMAGE_BLOCKED_WORDS])
{
	const struct plist *l = c->conf != NULL ? &c->conf->syscalls_block :
	    NULL;
	const struct systab_row *row;
	unsigned int i;
	int nr;

	memset(bits, 0, IMAGE_BLOCKED_WORDS * sizeof(*bits));
	if (l == NULL || l->n == 0)
		return NULL;
	for (i = 0; i < l->n; i++) {
		row = systab_find_name(l->v[i].s);
		nr = row != NULL ? row->nr[SYSTAB_ARCH_HERE] : -1;
		if (nr >= 0)
			bits[nr / 64] |= UINT64_C(1) << (nr % 64);
	}
	comp_add(c, IS_BLOCKED, bits, IMAGE_BLOCKED_WORDS);
	return bits;
}

_Static_assert(IMAGE_BLOCKED_WORDS * 64 == SYSTAB_NR_END, "all numbers");

void
comp_bpf(struct comp *c)
{
	uint64_t blocked[IMAGE_BLOCKED_WORDS];
	struct sock_filter prog[BPFGEN_MAX];
	struct bpfgen_opts o = {
		.tab = {
			.arch = SYSTAB_ARCH_HERE,
			.metadata = c->settings.metadata != 0,
			.root_session = c->o->root_session != 0,
			.blocked = comp_blocked(c, blocked),
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
