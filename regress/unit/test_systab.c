/*
 * The system call table against the kernel headers of the machine that builds it
 * (both architectures) and against what issue and design say of single calls.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/audit.h>
#include <linux/fcntl.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/decision.h"
#include "tracer/systab.h"

struct header_nr {
	const char *name;
	int nr;
};

static const struct header_nr x86_headers[] = {
#include "syscalls_x86_64.h"
};
static const struct header_nr arm_headers[] = {
#include "syscalls_aarch64.h"
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct systab_opts plain = { .arch = SYSTAB_X86_64 };

/* Calls that came into a gap, after calls with higher numbers. */
static const char *const late[] = { "uretprobe", "uprobe" };

static void
headers_in_table(enum systab_arch arch, const struct header_nr *h, size_t n)
{
	const struct systab_row *r;

	assert_true(n > 250);
	for (size_t i = 0; i < n; i++) {
		r = systab_find_name(h[i].name);
		if (r == NULL || r->nr[arch] != h[i].nr)
			fail_msg("%s is %d", h[i].name, h[i].nr);
		assert_ptr_equal(systab_find(arch, h[i].nr), r);
	}
}

static void
table_in_headers(enum systab_arch arch, const struct header_nr *h, size_t n)
{
	int newest = 0;
	size_t i, j;

	for (i = 0; i < n; i++)
		if (h[i].nr > newest)
			newest = h[i].nr;
	for (i = 0; i < systab_cnt; i++) {
		const struct systab_row *r = &systab_tab[i];

		if (r->nr[arch] < 0 || r->nr[arch] > newest)
			continue;
		for (j = 0; j < n && strcmp(h[j].name, r->name) != 0; j++)
			;
		if (j < n || strcmp(r->name, late[0]) == 0 ||
		    strcmp(r->name, late[1]) == 0)
			continue;
		fail_msg("%s is in no header", r->name);
	}
}

static void
headers_each_call_in_table(void **state)
{
	headers_in_table(SYSTAB_X86_64, x86_headers, N(x86_headers));
	headers_in_table(SYSTAB_AARCH64, arm_headers, N(arm_headers));
}

static void
table_each_row_in_headers_or_newer(void **state)
{
	table_in_headers(SYSTAB_X86_64, x86_headers, N(x86_headers));
	table_in_headers(SYSTAB_AARCH64, arm_headers, N(arm_headers));
}

static void
table_no_name_or_number_twice(void **state)
{
	for (unsigned int i = 0; i < systab_cnt; i++)
		for (unsigned int j = 0; j < i; j++) {
			const struct systab_row *a = &systab_tab[i];
			const struct systab_row *b = &systab_tab[j];

			assert_string_not_equal(a->name, b->name);
			for (int k = 0; k < SYSTAB_ARCH_MAX; k++)
				if (a->nr[k] != -1)
					assert_int_not_equal(a->nr[k],
					    b->nr[k]);
		}
}

/* From 424 on all architectures number alike. */
static void
table_new_numbers_same_on_both(void **state)
{
	for (unsigned int i = 0; i < systab_cnt; i++)
		if (systab_tab[i].nr[SYSTAB_X86_64] >= 424)
			assert_int_equal(systab_tab[i].nr[SYSTAB_X86_64],
			    systab_tab[i].nr[SYSTAB_AARCH64]);
	for (int nr = 424; nr <= 471; nr++)
		assert_non_null(systab_find(SYSTAB_X86_64, nr));
	assert_null(systab_find(SYSTAB_X86_64, 472));
}

static unsigned int
mentions(enum ask ask)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < systab_cnt; i++) {
		const struct systab_test *t = systab_tab[i].tests;

		n += systab_tab[i].ask == ask;
		for (; t != NULL; t++) {
			n += t->ask == ask;
			if (t->last)
				break;
		}
	}
	return n;
}

static void
asks_each_is_asked_by_some_row(void **state)
{
	for (int a = ASK_REFUSE + 1; a < ASK_MAX; a++) {
		if (mentions(a) == 0)
			fail_msg("nothing asks %s", systab_ask_tab[a].name);
		assert_int_not_equal(systab_ask_tab[a].domain, SYSTAB_D_NONE);
	}
}

static void
rows_roles_once_and_enough_to_judge(void **state)
{
	for (unsigned int i = 0; i < systab_cnt; i++) {
		const struct systab_row *r = &systab_tab[i];
		uint64_t seen = 0;

		for (int k = 0; k < SYSTAB_NARGS; k++) {
			if (r->role[k] == SR_NONE)
				continue;
			assert_true(r->role[k] < SR_MAX);
			assert_int_equal(seen >> r->role[k] & 1, 0);
			seen |= 1ull << r->role[k];
		}
		assert_int_equal(r->class == SYSTAB_ARG, r->tests != NULL);
		assert_int_equal(r->class == SYSTAB_JUDGE, r->ask != ASK_NONE);
		if (systab_ask_tab[r->ask].domain == SYSTAB_D_FILE)
			assert_true((seen >> SR_PATH | seen >> SR_FD) & 1);
		if (systab_ask_tab[r->ask].op2 != FOP_MAX)
			assert_true(seen >> SR_PATH2 & 1);
		/* A flag word that may hold anything must be one that the question itself checks. */
		if ((seen >> SR_FLAGS & 1) && r->flags_ok == 0 &&
		    systab_ask_tab[r->ask].domain == SYSTAB_D_FILE)
			assert_int_equal(r->ask, ASK_OPEN);
	}
}

static void
tests_end_and_values_differ(void **state)
{
	for (unsigned int i = 0; i < systab_cnt; i++) {
		const struct systab_test *t = systab_tab[i].tests;

		for (; t != NULL && !t->last; t++) {
			assert_int_not_equal(t->c[0].cmp, SYSTAB_C_END);
			if (t->act == SYSTAB_ACT_ASK)
				assert_int_not_equal(t->ask, ASK_NONE);
			/* No two plain values alike: the filter sorts them. */
			for (const struct systab_test *u = t + 1; !u->last; u++)
				if (t->c[1].cmp == SYSTAB_C_END)
					assert_memory_not_equal(&t->c[0],
					    &u->c[0], sizeof(t->c[0]));
		}
		if (t != NULL)
			assert_int_equal(t->c[0].cmp, SYSTAB_C_END);
	}
}

static void
decide(const struct systab_opts *o, const char *name, uint64_t a0, uint64_t a1,
    uint64_t a2, struct systab_answer *a)
{
	struct seccomp_data sd = { .arch = systab_audit_arch[o->arch],
		.args = { a0, a1, a2 } };
	const struct systab_row *r = systab_find_name(name);

	assert_non_null(r);
	sd.nr = r->nr[o->arch];
	systab_decide(o, &sd, a);
}

static void
refused_under_any_policy_are_refused_on_both(void **state)
{
	static const char *const names[] = { "mount", "umount2", "move_mount",
		"open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount",
		"fspick", "mount_setattr", "pivot_root", "chroot", "setns",
		"add_key", "request_key", "keyctl", "bpf", "init_module",
		"finit_module", "delete_module", "perf_event_open",
		"userfaultfd", "kexec_load", "kexec_file_load",
		"process_vm_readv", "process_vm_writev", "process_madvise",
		"ptrace", "pidfd_getfd", "open_by_handle_at", "quotactl",
		"quotactl_fd", "swapon", "swapoff", "acct", "reboot",
		"settimeofday", "clock_settime", "sethostname", "syslog",
		"fanotify_init", "lookup_dcookie", "kcmp", "nfsservctl",
		"vhangup" };
	struct systab_opts o = plain;
	struct systab_answer a;

	for (o.arch = 0; o.arch < SYSTAB_ARCH_MAX; o.arch++)
		for (size_t i = 0; i < N(names); i++) {
			decide(&o, names[i], 0, 0, 0, &a);
			if (a.act != SYSTAB_ACT_REFUSE || a.err != EPERM ||
			    a.ask != ASK_REFUSE)
				fail_msg("%s", names[i]);
		}
	decide(&plain, "iopl", 0, 0, 0, &a);
	assert_int_equal(a.act, SYSTAB_ACT_REFUSE);
}

static void
families_every_variant_asks_the_same(void **state)
{
	static const struct {
		const char *name;
		enum ask ask;
	} t[] = { { "open", ASK_OPEN }, { "openat", ASK_OPEN },
		{ "openat2", ASK_OPEN }, { "creat", ASK_OPEN },
		{ "execve", ASK_EXEC }, { "execveat", ASK_EXEC },
		{ "rename", ASK_RENAME }, { "renameat", ASK_RENAME },
		{ "renameat2", ASK_RENAME }, { "unlink", ASK_UNLINK },
		{ "unlinkat", ASK_UNLINK }, { "rmdir", ASK_UNLINK },
		{ "link", ASK_LINK }, { "linkat", ASK_LINK },
		{ "symlink", ASK_SYMLINK }, { "symlinkat", ASK_SYMLINK },
		{ "mkdir", ASK_MKDIR }, { "mkdirat", ASK_MKDIR },
		{ "chmod", ASK_CHMOD }, { "fchmod", ASK_CHMOD },
		{ "fchmodat", ASK_CHMOD }, { "fchmodat2", ASK_CHMOD },
		{ "chown", ASK_CHOWN }, { "lchown", ASK_CHOWN },
		{ "fchown", ASK_CHOWN }, { "fchownat", ASK_CHOWN },
		{ "utime", ASK_UTIME }, { "utimes", ASK_UTIME },
		{ "futimesat", ASK_UTIME }, { "utimensat", ASK_UTIME },
		{ "setxattr", ASK_SETXATTR }, { "lsetxattr", ASK_SETXATTR },
		{ "fsetxattr", ASK_SETXATTR }, { "setxattrat", ASK_SETXATTR },
		{ "removexattr", ASK_REMOVEXATTR },
		{ "lremovexattr", ASK_REMOVEXATTR },
		{ "fremovexattr", ASK_REMOVEXATTR },
		{ "removexattrat", ASK_REMOVEXATTR },
		{ "truncate", ASK_TRUNCATE }, { "file_setattr", ASK_SETATTR },
		{ "connect", ASK_CONNECT }, { "bind", ASK_BIND },
		{ "sendmsg", ASK_SENDMSG }, { "sendmmsg", ASK_SENDMMSG },
		{ "kill", ASK_KILL }, { "tkill", ASK_TKILL },
		{ "tgkill", ASK_TKILL }, { "rt_sigqueueinfo", ASK_QUEUE },
		{ "rt_tgsigqueueinfo", ASK_QUEUE },
		{ "pidfd_send_signal", ASK_PIDFD_SIGNAL } };
	struct systab_answer a;

	for (size_t i = 0; i < N(t); i++) {
		decide(&plain, t[i].name, 0, 0, 0, &a);
		if (a.act != SYSTAB_ACT_ASK || a.ask != t[i].ask)
			fail_msg("%s", t[i].name);
	}
}

static void
metadata_asked_only_when_on(void **state)
{
	static const char *const names[] = { "stat", "lstat", "newfstatat",
		"statx", "access", "faccessat", "faccessat2", "readlink",
		"readlinkat", "getxattr", "lgetxattr", "getxattrat",
		"listxattr", "llistxattr", "listxattrat", "file_getattr",
		"statfs", "inotify_add_watch" };
	const struct systab_opts on = { .arch = SYSTAB_X86_64,
		.metadata = true };
	struct systab_answer a;

	for (size_t i = 0; i < N(names); i++) {
		decide(&plain, names[i], 0, 0, 0, &a);
		assert_int_equal(a.act, SYSTAB_ACT_PASS);
		decide(&on, names[i], 0, 0, 0, &a);
		assert_int_equal(a.act, SYSTAB_ACT_ASK);
	}
	decide(&on, "fstat", 0, 0, 0, &a);
	assert_int_equal(a.act, SYSTAB_ACT_PASS);
}

static void
cred_asked_only_in_root_sessions(void **state)
{
	static const char *const names[] = { "setuid", "setgid", "setreuid",
		"setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
		"setfsgid", "capset" };
	const struct systab_opts root = { .arch = SYSTAB_AARCH64,
		.root_session = true };
	struct systab_answer a;

	for (size_t i = 0; i < N(names); i++) {
		decide(&plain, names[i], 0, 0, 0, &a);
		assert_int_equal(a.act, SYSTAB_ACT_PASS);
		decide(&root, names[i], 0, 0, 0, &a);
		assert_int_equal(a.ask, ASK_CRED);
	}
	decide(&root, "prctl", 24, 0, 0, &a); /* PR_CAPBSET_DROP */
	assert_int_equal(a.ask, ASK_CRED);
	decide(&plain, "prctl", 24, 0, 0, &a);
	assert_int_equal(a.act, SYSTAB_ACT_PASS);
}

static void
blocked_calls_are_refused_whatever_else_they_are(void **state)
{
	static const char *const names[] = { "sysinfo", "openat", "ioctl",
		"stat" };
	uint64_t bits[SYSTAB_NR_END / 64] = { 0 };
	const struct systab_opts o = { .arch = SYSTAB_X86_64,
		.blocked = bits };
	struct systab_answer a;

	for (size_t i = 0; i < N(names); i++) {
		int nr = systab_find_name(names[i])->nr[SYSTAB_X86_64];

		bits[nr / 64] |= UINT64_C(1) << (nr % 64);
		decide(&o, names[i], 0, 0, 0, &a);
		assert_int_equal(a.act, SYSTAB_ACT_REFUSE);
		assert_int_equal(a.err, EPERM);
	}
	/* What is answered anyway keeps its answer. */
	memset(bits, 0xff, sizeof(bits));
	decide(&o, "clone3", 0, 0, 0, &a);
	assert_int_equal(a.err, ENOSYS);
}

struct arg_case {
	const char *name;
	uint64_t a0, a1, a2;
	enum systab_act act;
	int err_or_ask;
};

#define RUBBISH 0xdead00000000ull
static const struct arg_case arg_tab[] = {
	{ "clone", 0x11, 0, 0, SYSTAB_ACT_PASS, 0 },
	{ "clone", 0x4111, 0, 0, SYSTAB_ACT_PASS, 0 }, /* posix_spawn */
	{ "clone", 0x3d0f00, 0, 0, SYSTAB_ACT_ASK, ASK_SHARE },
	{ "clone", RUBBISH | 0x411, 0, 0, SYSTAB_ACT_ASK, ASK_SHARE },
	{ "clone", 0x211, 0, 0, SYSTAB_ACT_ASK, ASK_SHARE },
	{ "clone", 0x11 | 0x10000000, 0, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "clone", RUBBISH | 0x20000, 0, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "unshare", 0x400, 0, 0, SYSTAB_ACT_PASS, 0 },
	{ "flock", 3, 2, 0, SYSTAB_ACT_PASS, 0 },
	{ "flock", 3, 8, 0, SYSTAB_ACT_PASS, 0 },
	{ "flock", 3, 6, 0, SYSTAB_ACT_ASK, ASK_LOCK },
	{ "flock", 3, RUBBISH | 5, 0, SYSTAB_ACT_ASK, ASK_LOCK },
	{ "fcntl", 3, 6, 0, SYSTAB_ACT_PASS, 0 },
	{ "fcntl", 3, 37, 0, SYSTAB_ACT_ASK, ASK_LOCK },
	{ "unshare", 0x80, 0, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "ioctl", 0, 0x5401, 0, SYSTAB_ACT_PASS, 0 },
	{ "ioctl", 0, 0x5412, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "ioctl", 0, RUBBISH | 0x5412, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "ioctl", 0, 0x40049409, 0, SYSTAB_ACT_REFUSE, EPERM }, /* FICLONE */
	{ "ioctl", 0, 0x4030582a, 0, SYSTAB_ACT_REFUSE, EPERM }, /* RESVSP64 */
	{ "ioctl", 0, 0x40305839, 0, SYSTAB_ACT_REFUSE,
	    EPERM }, /* ZERO_RANGE */
	{ "ioctl", 0, 0x801c581f, 0, SYSTAB_ACT_PASS, 0 }, /* FSGETXATTR */
	{ "ioctl", 0, 0x80086601, 0, SYSTAB_ACT_PASS, 0 }, /* GETFLAGS */
	{ "ioctl", 0, 0x80047210, 0, SYSTAB_ACT_PASS, 0 }, /* FAT's attributes */
	{ "ioctl", 0, 0x40047211, 0, SYSTAB_ACT_REFUSE, EPERM }, /* set them */
	{ "fcntl", 0, 8, 0, SYSTAB_ACT_ASK, ASK_SETOWN },
	{ "fcntl", 0, RUBBISH | 15, 0, SYSTAB_ACT_ASK, ASK_SETOWN },
	{ "fcntl", 0, 10, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "fcntl", 0, 1024, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "fcntl", 0, 1039, 0, SYSTAB_ACT_PASS, 0 },	/* F_GETDELEG */
	{ "fcntl", 0, 1040, 0, SYSTAB_ACT_REFUSE, EPERM }, /* F_SETDELEG */
	{ "fcntl", 0, 4, 04000, SYSTAB_ACT_PASS, 0 },
	{ "fcntl", 0, 4, 024000, SYSTAB_ACT_ASK, ASK_ASYNC },
	{ "fcntl", 0, 1030, 0, SYSTAB_ACT_PASS, 0 },
	{ "prctl", 4, 0, 0, SYSTAB_ACT_ERRNO, 0 },
	{ "prctl", 4, 1, 0, SYSTAB_ACT_PASS, 0 },
	{ "prctl", 4, 1ull << 32, 0, SYSTAB_ACT_PASS, 0 },
	{ "prctl", 35, 0, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "prctl", 22, 2, 0, SYSTAB_ACT_PASS, 0 },
	{ "personality", 0xffffffff, 0, 0, SYSTAB_ACT_PASS, 0 },
	{ "personality", 0x40000, 0, 0, SYSTAB_ACT_PASS, 0 },
	{ "personality", 0x400000, 0, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "seccomp", 1, 0, 0, SYSTAB_ACT_PASS, 0 },
	{ "seccomp", 1, RUBBISH | 9, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "seccomp", 2, 8, 0, SYSTAB_ACT_PASS, 0 },
	{ "socket", 1, 5, 0, SYSTAB_ACT_PASS, 0 },
	{ "socket", 2, 1 | 02004000, 6, SYSTAB_ACT_PASS, 0 },
	{ "socket", 2, 1, 262, SYSTAB_ACT_REFUSE, EPERM }, /* MPTCP */
	{ "socket", 2, 3, 1, SYSTAB_ACT_REFUSE, EPERM }, /* raw */
	{ "socket", 2, 2, 1, SYSTAB_ACT_REFUSE, EPERM }, /* ping */
	{ "socket", 10, 2, 17, SYSTAB_ACT_PASS, 0 },
	{ "socket", 10, 1, 132, SYSTAB_ACT_REFUSE, EPERM },
	{ "socket", 17, 3, 0, SYSTAB_ACT_REFUSE, EPERM }, /* packet */
	{ "socket", 40, 1, 0, SYSTAB_ACT_REFUSE, EPERM }, /* vsock */
	{ "socket", 38, 5, 0, SYSTAB_ACT_REFUSE, EPERM }, /* AF_ALG */
	{ "socket", 16, 3, 0, SYSTAB_ACT_PASS, 0 },
	{ "socket", 16, 3, 9, SYSTAB_ACT_ERRNO, EPROTONOSUPPORT },
	{ "socketpair", 1, 1, 0, SYSTAB_ACT_PASS, 0 },
	{ "socketpair", 30, 1, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "setsockopt", 3, 0, 4, SYSTAB_ACT_REFUSE, EPERM },
	{ "setsockopt", 3, 41, 57, SYSTAB_ACT_REFUSE, EPERM },
	{ "setsockopt", 3, 1, 4, SYSTAB_ACT_PASS, 0 },
	{ "mknod", 0, 0010644, 0, SYSTAB_ACT_ASK, ASK_MKNOD },
	{ "mknod", 0, 0020644, 0, SYSTAB_ACT_REFUSE, EPERM },
	{ "mknodat", 0, 0, 0060644, SYSTAB_ACT_REFUSE, EPERM },
	{ "mknodat", 0, 0, 0644, SYSTAB_ACT_ASK, ASK_MKNOD },
	{ "prlimit64", 0, 7, 1, SYSTAB_ACT_PASS, 0 },
	{ "prlimit64", 5, 7, 0, SYSTAB_ACT_PASS, 0 },
	{ "prlimit64", 5, 7, 1ull << 32, SYSTAB_ACT_ASK, ASK_PRLIMIT },
	{ "sched_setattr", 0, 0, 0, SYSTAB_ACT_PASS, 0 },
	{ "sched_setattr", 5, 0, 0, SYSTAB_ACT_ASK, ASK_SCHED },
	{ "sched_setaffinity", 0, 0, 0, SYSTAB_ACT_ASK, ASK_AFFINITY },
	{ "setpriority", 0, 0, 5, SYSTAB_ACT_PASS, 0 },
	{ "setpriority", 0, 7, 5, SYSTAB_ACT_ASK, ASK_SCHED },
	{ "setpriority", 2, 0, 5, SYSTAB_ACT_REFUSE, EPERM },
	{ "clone3", 0, 0, 0, SYSTAB_ACT_ERRNO, ENOSYS },
	{ "io_uring_setup", 0, 0, 0, SYSTAB_ACT_ERRNO, ENOSYS },
	{ "read", 0, 0, 0, SYSTAB_ACT_PASS, 0 },
};

static void
arguments_decide_as_the_kernel_reads_them(void **state)
{
	struct systab_answer a;

	for (size_t i = 0; i < N(arg_tab); i++) {
		const struct arg_case *c = &arg_tab[i];

		decide(&plain, c->name, c->a0, c->a1, c->a2, &a);
		if (a.act != c->act ||
		    (a.act == SYSTAB_ACT_ASK ? a.ask : a.err) != c->err_or_ask)
			fail_msg("%s(%#jx, %#jx, %#jx): act %d ask %d err %d",
			    c->name, (uintmax_t)c->a0, (uintmax_t)c->a1,
			    (uintmax_t)c->a2, a.act, a.ask, a.err);
	}
}

static void
sendto_null_passes_unless_fastopen(void **state)
{
	struct seccomp_data sd = { .arch = AUDIT_ARCH_X86_64, .nr = 44 };
	struct systab_answer a;

	systab_decide(&plain, &sd, &a);
	assert_int_equal(a.act, SYSTAB_ACT_PASS);
	sd.args[4] = 1ull << 32;
	systab_decide(&plain, &sd, &a);
	assert_int_equal(a.ask, ASK_SENDTO);
	sd.args[4] = 0;
	sd.args[3] = 0x20000000;
	systab_decide(&plain, &sd, &a);
	assert_int_equal(a.ask, ASK_SENDTO);
}

static void
numbers_unknown_are_enosys_and_x32_dies(void **state)
{
	static const int unknown[] = { 337, 423, 472, 511, 512, 0x3fffffff, -1,
		INT32_MIN };
	struct seccomp_data sd = { .arch = AUDIT_ARCH_X86_64 };
	struct systab_answer a;

	for (size_t i = 0; i < N(unknown); i++) {
		sd.nr = unknown[i];
		systab_decide(&plain, &sd, &a);
		assert_int_equal(a.act, SYSTAB_ACT_ERRNO);
		assert_int_equal(a.err, ENOSYS);
		assert_null(a.row);
	}
	sd.nr = SYSTAB_X32_BIT | 2;
	systab_decide(&plain, &sd, &a);
	assert_int_equal(a.act, SYSTAB_ACT_KILL);
	sd.nr = 0;
	sd.arch = AUDIT_ARCH_I386;
	systab_decide(&plain, &sd, &a);
	assert_int_equal(a.act, SYSTAB_ACT_KILL);
}

static void
silent_refuse_answers_in_the_filter(void **state)
{
	const struct systab_opts o = { .arch = SYSTAB_X86_64,
		.silent_refuse = true };
	struct systab_answer a;

	decide(&o, "mount", 0, 0, 0, &a);
	assert_int_equal(a.act, SYSTAB_ACT_ERRNO);
	assert_int_equal(a.err, EPERM);
	decide(&o, "ioctl", 0, 0x5412, 0, &a);
	assert_int_equal(a.act, SYSTAB_ACT_ERRNO);
	assert_int_equal(a.err, EPERM);
}

static void
sort_arguments_by_role_and_add_fixed_flags(void **state)
{
	const uint64_t args[6] = { 11, 12, 13, 14, RUBBISH | 15, 16 };
	struct systab_args s;

	systab_sort(systab_find_name("linkat"), args, &s);
	assert_int_equal(s.v[SR_DIRFD], 11);
	assert_int_equal(s.v[SR_PATH], 12);
	assert_int_equal(s.v[SR_DIRFD2], 13);
	assert_int_equal(s.v[SR_PATH2], 14);
	assert_int_equal(s.flags, 15);
	systab_sort(systab_find_name("rmdir"), args, &s);
	assert_int_equal((int)s.v[SR_DIRFD], AT_FDCWD);
	assert_int_equal(s.v[SR_PATH], 11);
	assert_int_equal(s.flags, AT_REMOVEDIR);
	assert_false(systab_has(&s, SR_DIRFD));
	assert_false(systab_has(&s, SR_NONE));
	systab_sort(systab_find_name("symlinkat"), args, &s);
	assert_int_equal(s.v[SR_TARGET], 11);
	assert_int_equal(s.v[SR_DIRFD], 12);
	assert_int_equal(s.v[SR_PATH], 13);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_each_call_in_table),
		cmocka_unit_test(table_each_row_in_headers_or_newer),
		cmocka_unit_test(table_no_name_or_number_twice),
		cmocka_unit_test(table_new_numbers_same_on_both),
		cmocka_unit_test(asks_each_is_asked_by_some_row),
		cmocka_unit_test(rows_roles_once_and_enough_to_judge),
		cmocka_unit_test(tests_end_and_values_differ),
		cmocka_unit_test(refused_under_any_policy_are_refused_on_both),
		cmocka_unit_test(families_every_variant_asks_the_same),
		cmocka_unit_test(metadata_asked_only_when_on),
		cmocka_unit_test(cred_asked_only_in_root_sessions),
		cmocka_unit_test(
		    blocked_calls_are_refused_whatever_else_they_are),
		cmocka_unit_test(arguments_decide_as_the_kernel_reads_them),
		cmocka_unit_test(sendto_null_passes_unless_fastopen),
		cmocka_unit_test(numbers_unknown_are_enosys_and_x32_dies),
		cmocka_unit_test(silent_refuse_answers_in_the_filter),
		cmocka_unit_test(sort_arguments_by_role_and_add_fixed_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
