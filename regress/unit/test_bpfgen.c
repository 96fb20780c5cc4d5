/*
 * The filter compiler against the table: a small interpreter of classic BPF runs the
 * program on every number and on every combination of arguments that a test in the table
 * could tell apart, and must come to what systab_decide reads directly.  Then the kernel
 * runs it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tracer/bpfgen.h"

#define NVALUES 160

struct prog {
	struct sock_filter f[BPFGEN_MAX];
	unsigned int n;
};

struct run {
	uint32_t ret;
	unsigned int steps;
	int looked_at_args;
};

static uint32_t
fetch(const struct seccomp_data *sd, uint32_t offset)
{
	uint32_t v;

	assert_true(offset % 4 == 0 && offset < sizeof(*sd));
	memcpy(&v, (const char *)sd + offset, sizeof(v));
	return v;
}

static int
holds(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return (a & f->k) != 0;
	default:
		fail_msg("jump %#x", f->code);
	}
	return 0;
}

/* What the kernel's const-allow emulation understands, and RET. */
static struct run
interpret(const struct prog *p, const struct seccomp_data *sd)
{
	struct run r = { 0 };
	uint32_t a = 0;

	for (unsigned int pc = 0; pc < p->n; pc++) {
		const struct sock_filter *f = &p->f[pc];

		r.steps++;
		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			assert_int_equal(f->code, BPF_LD | BPF_W | BPF_ABS);
			a = fetch(sd, f->k);
			r.looked_at_args |= f->k >=
			    offsetof(struct seccomp_data, args);
			break;
		case BPF_ALU:
			assert_int_equal(f->code, BPF_ALU | BPF_AND | BPF_K);
			a &= f->k;
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA)
				pc += f->k;
			else
				pc += holds(f, a) ? f->jt : f->jf;
			break;
		case BPF_RET:
			r.ret = f->k;
			return r;
		default:
			fail_msg("instruction %#x", f->code);
		}
	}
	fail_msg("ran off the end");
	return r;
}

static uint32_t
expected(const struct bpfgen_opts *o, const struct seccomp_data *sd)
{
	struct systab_answer a;

	systab_decide(&o->tab, sd, &a);
	switch ((enum systab_act)a.act) {
	case SYSTAB_ACT_PASS:
		return SECCOMP_RET_ALLOW;
	case SYSTAB_ACT_ERRNO:
		return SECCOMP_RET_ERRNO | a.err;
	case SYSTAB_ACT_REFUSE:
	case SYSTAB_ACT_ASK:
		return o->ask_ret ? o->ask_ret : SECCOMP_RET_USER_NOTIF;
	case SYSTAB_ACT_KILL:
	case SYSTAB_ACT_MAX:
		break;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

static struct run
check(const struct bpfgen_opts *o, const struct prog *p,
    const struct seccomp_data *sd)
{
	struct run r = interpret(p, sd);
	uint32_t want = expected(o, sd);

	if (r.ret != want)
		fail_msg("nr %d args %#jx %#jx %#jx %#jx %#jx: %#x, not %#x",
		    sd->nr, (uintmax_t)sd->args[0], (uintmax_t)sd->args[1],
		    (uintmax_t)sd->args[2], (uintmax_t)sd->args[3],
		    (uintmax_t)sd->args[4], r.ret, want);
	return r;
}

static void
build(const struct bpfgen_opts *o, struct prog *p)
{
	assert_int_equal(bpfgen_build(o, p->f, BPFGEN_MAX, &p->n), 0);
}

static unsigned int
add(uint64_t *v, unsigned int n, uint64_t x)
{
	for (unsigned int i = 0; i < n; i++)
		if (v[i] == x)
			return n;
	assert_true(n < NVALUES);
	v[n] = x;
	return n + 1;
}

/* Values of one argument that some test of the row could tell apart. */
static unsigned int
values(const struct systab_row *r, unsigned int arg, uint64_t *v)
{
	unsigned int n = add(v, 0, 0);
	int tested = 0;

	for (const struct systab_test *t = r->tests; !t->last; t++)
		for (unsigned int i = 0; i < SYSTAB_NCMP; i++) {
			const struct systab_cmpr *c = &t->c[i];

			if (c->cmp == SYSTAB_C_END || c->arg != arg)
				continue;
			tested = 1;
			n = add(v, n, c->value);
			n = add(v, n, (uint64_t)c->value + 1);
			n = add(v, n, (uint64_t)c->value | 1ull << 32);
			n = add(v, n,
			    c->cmp == SYSTAB_C_ANY ? c->mask & -c->mask :
						     c->value - 1u);
			if (c->mask != UINT32_MAX)
				n = add(v, n,
				    c->value | (~c->mask & 0x10101010));
		}
	return tested ? add(v, add(v, n, 1ull << 32), UINT64_MAX) : 1;
}

static unsigned int
check_arguments(const struct bpfgen_opts *o, const struct prog *p,
    const struct systab_row *r)
{
	static uint64_t v[SYSTAB_NARGS][NVALUES];
	unsigned int n[SYSTAB_NARGS], i[SYSTAB_NARGS] = { 0 }, k, most = 0;
	struct seccomp_data sd = { .nr = r->nr[o->tab.arch],
		.arch = systab_audit_arch[o->tab.arch] };
	struct run run;

	for (k = 0; k < SYSTAB_NARGS; k++)
		n[k] = values(r, k, v[k]);
	do {
		for (k = 0; k < SYSTAB_NARGS; k++)
			sd.args[k] = v[k][i[k]];
		run = check(o, p, &sd);
		if (run.steps > most)
			most = run.steps;
		for (k = 0; k < SYSTAB_NARGS && ++i[k] == n[k]; k++)
			i[k] = 0;
	} while (k < SYSTAB_NARGS);
	return most;
}

/* Calls that look at arguments and are made often; socket is the longest and is not. */
static int
is_common(const char *name)
{
	static const char *const names[] = { "ioctl", "fcntl", "clone",
		"sendto", "prctl", "prlimit64", "setsockopt" };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return 1;
	return 0;
}

static void
check_program(const struct bpfgen_opts *o)
{
	static const uint64_t noise[2] = { 0, UINT64_MAX };
	struct seccomp_data sd = { .arch = systab_audit_arch[o->tab.arch] };
	unsigned int args = 0, common = 0, most = 0, opens = 0;
	struct prog p;
	struct run r;

	build(o, &p);
	for (int nr = -3; nr < 700; nr++) {
		const struct systab_row *row = systab_find(o->tab.arch, nr);

		if (row != NULL && row->tests != NULL) {
			unsigned int n = check_arguments(o, &p, row);

			args = n > args ? n : args;
			if (is_common(row->name) && n > common)
				common = n;
			continue;
		}
		for (int i = 0; i < 2; i++) {
			sd.nr = nr;
			for (int k = 0; k < SYSTAB_NARGS; k++)
				sd.args[k] = noise[i];
			r = check(o, &p, &sd);
			most = r.steps > most ? r.steps : most;
			/* Else the kernel would run the filter for calls that always pass. */
			assert_false(r.looked_at_args);
			if (row != NULL && row->ask == ASK_OPEN)
				opens = r.steps > opens ? r.steps : opens;
		}
	}
	print_message("%u instructions, at most %u by number, %u by argument "
		      "(%u when common), %u for an open\n",
	    p.n, most, args, common, opens);
	assert_true(most <= 20);
	assert_true(args <= 48);
	assert_true(common <= 28);
	assert_true(opens <= 12);
}

static void
program_agrees_with_the_table(void **state)
{
	for (unsigned int i = 0; i < 16; i++) {
		const struct bpfgen_opts o = { .tab = { .arch = i & 1,
						   .metadata = i & 2,
						   .root_session = i & 4,
						   .silent_refuse = i & 8 } };

		check_program(&o);
	}
}

/* Whatever is blocked besides, the program fits and agrees. */
static void
blocked_calls_agree(void **state)
{
	uint64_t bits[SYSTAB_NR_END / 64], rng = 88172645463325252u;
	struct bpfgen_opts o = { .tab = { .metadata = true,
				     .root_session = true,
				     .blocked = bits } };
	struct seccomp_data sd;
	struct prog p;

	for (unsigned int i = 0; i < 40; i++) {
		o.tab.arch = i & 1;
		sd.arch = systab_audit_arch[o.tab.arch];
		for (unsigned int k = 0; k < SYSTAB_NR_END / 64; k++) {
			rng ^= rng << 13;
			rng ^= rng >> 7;
			rng ^= rng << 17;
			bits[k] = i < 2 ? UINT64_C(0x5555555555555555) : rng;
		}
		build(&o, &p);
		for (int nr = -1; nr < SYSTAB_NR_END + 2; nr++) {
			sd.nr = nr;
			for (unsigned int k = 0; k < SYSTAB_NARGS; k++)
				sd.args[k] = rng >> (k * 8);
			check(&o, &p, &sd);
		}
	}
}

static void
numbers_at_the_ends_agree(void **state)
{
	static const uint32_t nr[] = { 511, 512, 4096, 0x3fffffff, 0x40000000,
		0x40000001, 0x400001ff, 0x40000208, 0x7fffffff, 0x80000000,
		0xc0000000, 0xffffffff };
	const uint32_t arch[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386,
		AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM, 0 };
	struct seccomp_data sd = { 0 };
	struct bpfgen_opts o = { 0 };
	struct prog p;

	for (o.tab.arch = 0; o.tab.arch < SYSTAB_ARCH_MAX; o.tab.arch++) {
		build(&o, &p);
		for (unsigned int i = 0; i < sizeof(nr) / sizeof(nr[0]); i++)
			for (unsigned int k = 0;
			     k < sizeof(arch) / sizeof(arch[0]); k++) {
				sd.nr = (int)nr[i];
				sd.arch = arch[k];
				check(&o, &p, &sd);
			}
	}
}

static void
build_without_room_fails(void **state)
{
	struct bpfgen_opts o = { 0 };
	struct sock_filter f[BPFGEN_MAX + 1];
	struct prog p;
	unsigned int n;

	build(&o, &p);
	for (unsigned int max = 0; max < p.n; max++) {
		memset(f, 0xee, sizeof(f));
		assert_int_equal(bpfgen_build(&o, f, max, &n), -1);
		assert_int_equal(errno, ENOSPC);
		assert_int_equal(f[max].k, 0xeeeeeeee);
	}
	assert_int_equal(bpfgen_build(&o, f, p.n, &n), 0);
	assert_int_equal(n, p.n);
	assert_memory_equal(f, p.f, n * sizeof(*f));
	o.tab.arch = SYSTAB_ARCH_MAX;
	assert_int_equal(bpfgen_build(&o, f, BPFGEN_MAX, &n), -1);
	assert_int_equal(errno, EINVAL);
}

/* ---- in the kernel ---- */

static void
install(const struct prog *p)
{
	struct sock_fprog fp = { .len = (unsigned short)p->n };
	struct sock_filter f[BPFGEN_MAX];

	memcpy(f, p->f, sizeof(f));
	fp.filter = f;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fp) == -1)
		_exit(77);
}

/* Run fn under p in a child; its wait status. */
static int
in_child(const struct prog *p, int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		install(p);
		_exit(fn());
	}
	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int
fails_with(int err, long r)
{
	return r == -1 && errno == err;
}

/* The number of the first thing that is not as it should be. */
static int
try_calls(void)
{
	char c;

	if (getpid() <= 0)
		return 1;
	if (!fails_with(EXDEV, syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY)))
		return 2;
	if (!fails_with(EXDEV, syscall(SYS_mount, 0, 0, 0, 0, 0)))
		return 3;
	if (!fails_with(ENOSYS, syscall(435, 0, 0)))
		return 4;
	if (!fails_with(ENOSYS, syscall(9999)) ||
	    !fails_with(ENOSYS, syscall(-1)))
		return 5;
	if (!fails_with(EXDEV, ioctl(-1, 0x5412, &c)))
		return 6;
	if (!fails_with(EBADF, ioctl(-1, 0x5401, &c)))
		return 7;
	if (!fails_with(EXDEV, syscall(SYS_unshare, 0x10000000)))
		return 8;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1)
		return 9;
	if (!fails_with(EBADF, syscall(SYS_sendto, -1, 0, 0, 0, 0, 0)))
		return 10;
	if (!fails_with(EXDEV, syscall(SYS_sendto, -1, 0, 0, 0, &c, 0)))
		return 11;
	return 0;
}

static void
kernel_runs_it(void **state)
{
	const struct bpfgen_opts o = { .tab = { .arch = SYSTAB_ARCH_HERE },
		.ask_ret = SECCOMP_RET_ERRNO | EXDEV };
	struct prog p;
	int status;

	build(&o, &p);
	status = in_child(&p, try_calls);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#if defined(__x86_64__)
static int
try_x32(void)
{
	syscall(SYSTAB_X32_BIT | SYS_getpid);
	return 0;
}

/* getpid of the 32-bit table. */
static int
try_int80(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "0"(20L) : "memory");
	return 0;
}

static void
kernel_kills_foreign_calls(void **state)
{
	const struct bpfgen_opts o = { .tab = { .arch = SYSTAB_X86_64 },
		.ask_ret = SECCOMP_RET_ERRNO | EXDEV };
	struct prog p;
	int status;

	build(&o, &p);
	status = in_child(&p, try_x32);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	status = in_child(&p, try_int80);
	/* SIGSEGV: a kernel without the 32-bit entry. */
	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_agrees_with_the_table),
		cmocka_unit_test(blocked_calls_agree),
		cmocka_unit_test(numbers_at_the_ends_agree),
		cmocka_unit_test(build_without_room_fails),
		cmocka_unit_test(kernel_runs_it),
#if defined(__x86_64__)
		cmocka_unit_test(kernel_kills_foreign_calls),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
