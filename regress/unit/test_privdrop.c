/*
 * The rights table and the drop: every right has a reason, every name in a seccomp
 * list is a system call, a list refuses what is not in it, and a child that has
 * dropped holds what its row says.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "common/rights.h"
#include "common/seclist.h"

/*
 * A child that has confined itself lets AddressSanitizer do nothing more: its shadow
 * is beyond RLIMIT_AS and its look for leaks at exit is not in the list.
 */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define TEST_UID 61999

static void
every_right_has_a_reason(void **state)
{
	const struct rights_cap *c;
	const struct rights *r;
	unsigned int i, k;

	for (i = 0; (r = rights_row(i)) != NULL; i++) {
		assert_non_null(r->ids_because);
		assert_non_null(r->root_because);
		assert_non_null(r->dumpable_because);
		assert_non_null(r->landlock_because);
		assert_non_null(r->seclist_because);
		assert_ptr_equal(rights_get(r->proc), r);
		for (c = r->caps; c->cap != -1; c++)
			assert_non_null(c->because);
		for (k = 0; k < RIGHTS_LIMITS && r->limits[k].resource != -1;
		    k++)
			assert_non_null(r->limits[k].because);
		assert_true(k < RIGHTS_LIMITS);
		for (k = 0; k < RIGHTS_FDS && r->fds[k].because != NULL; k++)
			assert_non_null(r->fds[k].kind);
		assert_true(k < RIGHTS_FDS);
	}
}

static void
children_hold_nothing_the_monitor_lacks(void **state)
{
	uint64_t mon = rights_cap_mask(rights_get(PROC_MONITOR), 0);
	const struct rights *r;
	unsigned int i;

	for (i = 0; (r = rights_row(i)) != NULL; i++) {
		assert_int_equal(rights_cap_mask(r, 0) & ~mon, 0);
		assert_int_equal(rights_cap_mask(r, 1) & ~mon, 0);
		if (r->ids == RIDS_OWN)
			assert_int_equal(rights_cap_mask(r, 1), 0);
	}
}

static void
every_name_in_a_list_is_a_system_call(void **state)
{
	const char *const *name;
	const struct seclist *l;
	unsigned int i, g;

	for (i = 0; (l = seclist_row(i)) != NULL; i++) {
		for (g = 0; l->groups[g] != NULL; g++) {
			assert_true(g < SECLIST_GROUPS);
			for (name = l->groups[g]->names; *name != NULL; name++) {
				if (seccomp_syscall_resolve_name(*name) ==
					__NR_SCMP_ERROR &&
				    seclist_number(*name) == -1)
					fail_msg("%s: %s", l->name, *name);
			}
		}
	}
}

static void
every_row_has_its_list(void **state)
{
	const struct rights *r;
	unsigned int i;

	for (i = 0; (r = rights_row(i)) != NULL; i++)
		assert_non_null(seclist_get(r->seclist));
	assert_null(seclist_get("nobody"));
}

/* Run fn in a child: its wait status. */
static int
in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		log_set_level(LOG_EMERG);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* policyd's list: no file may be opened, memory may be had. */
static int
list_without_kill(void)
{
	void *p;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    privdrop_seccomp(rights_get(PROC_POLICYD), 0) == -1)
		return 10;
	if (syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY) != -1 ||
	    errno != ENOSYS)
		return 11;
	if (syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) != -1 ||
	    errno != ENOSYS)
		return 12;
	if (syscall(SYS_execve, "/bin/true", NULL, NULL) != -1 ||
	    errno != ENOSYS)
		return 13;
	if ((p = malloc(1 << 22)) == NULL)
		return 14;
	free(p);
	return 0;
}

static int
list_with_kill(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    privdrop_seccomp(rights_get(PROC_POLICYD), 1) == -1)
		return 10;
	(void)syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY);
	return 11;
}

static void
list_refuses_what_is_not_in_it(void **state)
{
	int status;

	if (SANITIZED)
		skip();
	status = in_child(list_without_kill);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	status = in_child(list_with_kill);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int
prove_as_user(void)
{
	return privdrop_prove(geteuid(), getegid()) == 0 ? 0 : 1;
}

/* Still root: the ids can be had back, and that must be seen. */
static int
prove_half_dropped(void)
{
	if (setresuid(TEST_UID, TEST_UID, 0) == -1)
		return 2;
	return privdrop_prove(TEST_UID, getegid()) == -1 ? 0 : 1;
}

static int
prove_dropped(void)
{
	if (setresgid(TEST_UID, TEST_UID, TEST_UID) == -1 ||
	    setresuid(TEST_UID, TEST_UID, TEST_UID) == -1)
		return 2;
	return privdrop_prove(TEST_UID, TEST_UID) == 0 ? 0 : 1;
}

static void
ids_that_can_be_regained_are_noticed(void **state)
{
	assert_int_equal(in_child(prove_as_user), 0);
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(prove_half_dropped), 0);
	assert_int_equal(in_child(prove_dropped), 0);
}

/* ---- a whole start, as the monitor would make it ---- */

static int child_root; /* directory handed over */
static unsigned int child_proc;

static int
start_child(void)
{
	struct child ch;
	struct msg m;

	if (child_start(&ch, child_proc) == -1)
		return 1;
	/* Wait to be looked at. */
	return chan_recv(&ch.chan, &m) == 1 && m.hdr.type == MSG_STOP ? 0 : 2;
}

struct started {
	pid_t pid;
	struct chan chan;
	char status[4096];
};

static void
start(struct started *s, unsigned int proc, const struct msg_hello *h)
{
	int sv[2], fd, rc;
	char path[64];
	struct msg m;
	ssize_t n;

	child_proc = proc;
	child_root = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	if ((s->pid = fork()) == 0) {
		log_set_level(LOG_EMERG);
		if (dup2(sv[1], CHILD_FD) == -1)
			_exit(99);
		if (sv[0] != CHILD_FD)
			close(sv[0]);
		_exit(start_child());
	}
	close(sv[1]);
	chan_init(&s->chan, sv[0], PROC_MONITOR, proc);
	rc = chan_send(&s->chan, MSG_HELLO, 0, 0, h, NULL, 0, &child_root, 1);
	assert_int_equal(rc, 0);
	close(child_root);
	do {
		rc = chan_recv(&s->chan, &m);
	} while (rc == 1 && m.hdr.type == MSG_LOG);
	assert_int_equal(rc, 1);
	assert_int_equal(m.hdr.type, MSG_READY);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)s->pid);
	fd = open(path, O_RDONLY);
	n = read(fd, s->status, sizeof(s->status) - 1);
	assert_true(n > 0);
	s->status[n] = '\0';
	close(fd);
}

static void
finish(struct started *s)
{
	struct msg_none none = { 0 };
	int status;

	assert_int_equal(chan_send(&s->chan, MSG_STOP, 0, 0, &none, NULL, 0,
			     NULL, 0),
	    0);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_int_equal(status, 0);
	chan_close(&s->chan);
}

static void
child_that_started_holds_what_its_row_says(void **state)
{
	static const unsigned int procs[] = { PROC_CONTROL, PROC_POLICYD,
		PROC_AUDITD };
	struct msg_hello h = { .uid = TEST_UID, .gid = TEST_UID,
		.log_level = LOG_ERR };
	struct started s;
	size_t i;

	if (geteuid() != 0 || SANITIZED)
		skip();
	for (i = 0; i < sizeof(procs) / sizeof(procs[0]); i++) {
		start(&s, procs[i], &h);
		assert_non_null(
		    strstr(s.status, "Uid:\t61999\t61999\t61999\t61999\n"));
		assert_non_null(
		    strstr(s.status, "Gid:\t61999\t61999\t61999\t61999\n"));
		assert_non_null(strstr(s.status, "Groups:\t \n"));
		assert_non_null(strstr(s.status, "CapInh:\t0000000000000000\n"));
		assert_non_null(strstr(s.status, "CapPrm:\t0000000000000000\n"));
		assert_non_null(strstr(s.status, "CapEff:\t0000000000000000\n"));
		assert_non_null(strstr(s.status, "CapBnd:\t0000000000000000\n"));
		assert_non_null(strstr(s.status, "NoNewPrivs:\t1\n"));
		assert_non_null(strstr(s.status, "Seccomp:\t2\n"));
		finish(&s);
	}
}

static int
hello_of_root(void)
{
	struct msg_hello h = { .uid = 0, .gid = 0, .log_level = LOG_EMERG };
	struct child ch;
	int sv[2];
	struct chan mon;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == -1)
		return 2;
	chan_init(&mon, fcntl(sv[0], F_DUPFD, 10), PROC_MONITOR, PROC_POLICYD);
	if (chan_send(&mon, MSG_HELLO, 0, 0, &h, NULL, 0, &sv[0], 1) == -1 ||
	    dup2(sv[1], CHILD_FD) == -1)
		return 3;
	return child_start(&ch, PROC_POLICYD) == -1 ? 0 : 1;
}

static void
child_told_to_be_root_does_not_start(void **state)
{
	int status = in_child(hello_of_root);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_right_has_a_reason),
		cmocka_unit_test(children_hold_nothing_the_monitor_lacks),
		cmocka_unit_test(every_name_in_a_list_is_a_system_call),
		cmocka_unit_test(every_row_has_its_list),
		cmocka_unit_test(list_refuses_what_is_not_in_it),
		cmocka_unit_test(ids_that_can_be_regained_are_noticed),
		cmocka_unit_test(child_that_started_holds_what_its_row_says),
		cmocka_unit_test(child_told_to_be_root_does_not_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
