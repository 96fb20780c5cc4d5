/*
 * Feature probes, tested by refusing features to ourselves with a filter: what is refused is
 * missing, and nothing else is.
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

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tracer/feature.h"

/* A call that is refused when its argument arg, masked, is value. */
struct refusal {
	int nr;
	unsigned int arg;
	uint32_t mask, value;
	int err;
};

static void
refuse(const struct refusal *r)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    (uint32_t)offsetof(struct seccomp_data, args) + 8 * r->arg),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, r->mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)r->err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == -1)
		_exit(77);
}

/* What a process finds that is refused r; NULL: nothing. */
static struct feature_set
probe_under(const struct refusal *r)
{
	struct feature_set fs;
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		alarm(20);
		if (r != NULL)
			refuse(r);
		if (feature_probe(&fs) == -1 ||
		    write(p[1], &fs, sizeof(fs)) != (ssize_t)sizeof(fs))
			_exit(1);
		_exit(0);
	}
	close(p[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(read(p[0], &fs, sizeof(fs)), sizeof(fs));
	close(p[0]);
	return fs;
}

#define WHOLE UINT32_MAX
static const struct {
	struct refusal r;
	uint64_t gone;
} refusal_tab[] = {
	{ { SYS_seccomp, 1, 32, 32, EINVAL },
	    1ull << FEATURE_NR_WAIT_KILLABLE },
	{ { SYS_ioctl, 1, WHOLE, 0x40082104, EINVAL },
	    1ull << FEATURE_NR_SYNC_WAKE_UP },
	{ { SYS_ioctl, 1, WHOLE, SECCOMP_IOCTL_NOTIF_ADDFD, EINVAL },
	    1ull << FEATURE_NR_ADDFD | 1ull << FEATURE_NR_ADDFD_SEND },
	{ { SYS_ioctl, 1, WHOLE, 0xc040ff0b, ENOTTY },
	    1ull << FEATURE_NR_PIDFD_INFO },
	{ { SYS_process_vm_readv, 0, 0, 0, EPERM },
	    1ull << FEATURE_NR_VM_READ },
	{ { 438, 0, 0, 0, EPERM }, 1ull << FEATURE_NR_PIDFD_GETFD },
	{ { 434, 1, 0200, 0200, EINVAL }, 1ull << FEATURE_NR_PIDFD_THREAD },
	{ { SYS_ptrace, 0, 0, 0, EPERM }, 1ull << FEATURE_NR_SEIZE },
	{ { 437, 0, 0, 0, ENOSYS }, 1ull << FEATURE_NR_OPENAT2 },
	{ { 452, 0, 0, 0, ENOSYS }, 1ull << FEATURE_NR_FCHMODAT2 },
	{ { 462, 0, 0, 0, ENOSYS }, 1ull << FEATURE_NR_MSEAL },
	{ { 444, 0, 0, 0, ENOSYS }, 1ull << FEATURE_NR_LANDLOCK },
};

static void
refused_feature_is_missing_and_no_other(void **state)
{
	const struct feature_set all = probe_under(NULL);
	struct feature_set fs;

	for (size_t i = 0; i < sizeof(refusal_tab) / sizeof(refusal_tab[0]);
	     i++) {
		fs = probe_under(&refusal_tab[i].r);
		assert_int_equal(fs.bits, all.bits & ~refusal_tab[i].gone);
	}
	fs = probe_under(&(struct refusal) { 444, 0, 0, 0, ENOSYS });
	assert_int_equal(fs.landlock_abi, 0);
}

static void
no_listener_nothing_that_needs_one(void **state)
{
	const struct refusal r = { SYS_seccomp, 1, 8, 8, EINVAL };
	const struct feature_set all = probe_under(NULL);
	const struct feature_set fs = probe_under(&r);

	assert_int_equal(fs.bits,
	    all.bits &
		(FEATURE_OPENAT2 | FEATURE_FCHMODAT2 | FEATURE_LANDLOCK));
}

static void
recv_refused_is_no_user_notif(void **state)
{
	const struct refusal r = { SYS_ioctl, 1, WHOLE,
		SECCOMP_IOCTL_NOTIF_RECV, EPERM };
	const struct feature_set fs = probe_under(&r);

	assert_int_equal(fs.bits & (FEATURE_USER_NOTIF | FEATURE_ADDFD), 0);
}

static void
probe_leaves_no_child_and_no_descriptor(void **state)
{
	struct feature_set fs;
	int before = dup(0), after, status;

	close(before);
	assert_int_equal(feature_probe(&fs), 0);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
text_names_what_is_and_what_is_not(void **state)
{
	const struct feature_set fs = { .bits = FEATURE_ADDFD |
		    FEATURE_LANDLOCK,
		.landlock_abi = 7,
		.yama = 1 };
	char buf[512], small[8];

	feature_text(&fs, buf, sizeof(buf));
	assert_int_equal(
	    strncmp(buf, "have addfd landlock=7 yama=1; lack user-notif(5.5)",
		50),
	    0);
	assert_non_null(strstr(buf, " mseal(6.10)"));
	feature_text(&fs, small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
	assert_string_equal(feature_name(FEATURE_NR_SYNC_WAKE_UP),
	    "sync-wake-up");
	assert_string_equal(feature_name(FEATURE_MAX), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_feature_is_missing_and_no_other),
		cmocka_unit_test(no_listener_nothing_that_needs_one),
		cmocka_unit_test(recv_refused_is_no_user_notif),
		cmocka_unit_test(probe_leaves_no_child_and_no_descriptor),
		cmocka_unit_test(text_names_what_is_and_what_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
