/*
 * Signals, owners of descriptors, limits and scheduling: what /proc says (pure), and calls of a
 * workload under the real filter, with processes outside the session to be spared.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "enginehelp.h"
#include "tracer/sig.h"

static const char plain[] =
    "version: 1\nname: t\nfile_rules:\n  - name: all\n    paths: [\"**\"]\n"
    "    operations: [\"*\"]\n    decision: allow\n";

static const char ruled[] =
    "version: 1\nname: t\nfile_rules:\n  - name: all\n    paths: [\"**\"]\n"
    "    operations: [\"*\"]\n    decision: allow\n"
    "signal_rules:\n"
    "  - name: no-hup\n    signals: [SIGHUP]\n    target: {type: session}\n"
    "    decision: deny\n"
    "  - name: swallow\n    signals: [SIGUSR2]\n    target: {type: session}\n"
    "    decision: absorb\n"
    "  - name: soften\n    signals: [SIGQUIT]\n    target: {type: children}\n"
    "    decision: redirect\n    redirect_to: SIGTERM\n";

/* ---- pure ---- */

static void
status_is_read_and_must_be_whole(void **state)
{
	static const char s[] =
	    "Name:\ta b)\nUmask:\t0022\nState:\tS\nTgid:\t12\n"
	    "Ngid:\t0\nPid:\t13\nPPid:\t7\nTracerPid:\t0\n"
	    "Uid:\t5\t6\t7\t8\n";
	struct sig_who w;

	assert_int_equal(sig_who_read(s, &w), 0);
	assert_string_equal(w.comm, "a b)");
	assert_int_equal(w.tgid, 12);
	assert_int_equal(w.ppid, 7);
	assert_int_equal(w.uid, 5);
	assert_int_equal(sig_who_read("", &w), -1);
	assert_int_equal(sig_who_read("Name:\tx\nTgid:\t1\n", &w), -1);
	assert_int_equal(
	    sig_who_read(
		"Name:\t0123456789abcdefghij\nTgid:\t1\nPPid:\t1\nUid:\t0\n",
		&w),
	    0);
	assert_string_equal(w.comm, "0123456789abcde");
}

static void
stat_group_is_found_behind_any_name(void **state)
{
	assert_int_equal(sig_stat_pgrp("9 (a) S 1 77 5 0"), 77);
	assert_int_equal(sig_stat_pgrp("9 () 1 2) S 3 4) S 1 78 5 0"), 78);
	assert_int_equal(sig_stat_pgrp("9 (a"), -1);
	assert_int_equal(sig_stat_pgrp("9 (a) S"), -1);
	assert_int_equal(sig_stat_pgrp(""), -1);
}

/* ---- in a session ---- */

static int outsider;
static volatile sig_atomic_t got, got_pid, got_code, got_value;

static void
on_signal(int sig, siginfo_t *si, void *ctx)
{
	got = sig;
	got_pid = si->si_pid;
	got_code = si->si_code;
	got_value = si->si_value.sival_int;
}

static void catch (int sig)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO };

	got = got_pid = 0;
	sigaction(sig, &sa, NULL);
}

/* A child of the session that sleeps. */
static pid_t
sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static int
died_of(pid_t pid, int sig)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	    WTERMSIG(status) == sig;
}

static int
try_self(void)
{
	sigset_t set, old;
	siginfo_t si;

	catch (SIGUSR1);
	MUST(kill(getpid(), 0) == 0);
	MUST(kill(getpid(), SIGUSR1) == 0 && got == SIGUSR1);
	MUST(got_pid == getpid() && got_code == SI_USER);
	catch (SIGUSR1);
	MUST(raise(SIGUSR1) == 0 && got == SIGUSR1);
	catch (SIGUSR1);
	MUST(syscall(SYS_tkill, getpid(), SIGUSR1) == 0 && got == SIGUSR1);
	catch (SIGUSR1);
	MUST(sigqueue(getpid(), SIGUSR1, (union sigval) { .sival_int = 42 }) ==
	    0);
	MUST(got == SIGUSR1 && got_value == 42);
	FAILS(EINVAL, kill(getpid(), 65));
	FAILS(EINVAL, kill(getpid(), -1));
	FAILS(ESRCH, kill(0x3ffffff, SIGTERM));
	FAILS(EINVAL, syscall(SYS_tgkill, -1, getpid(), 0));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	MUST(kill(getpid(), SIGUSR2) == 0);
	MUST(sigwaitinfo(&set, &si) == SIGUSR2 && si.si_pid == getpid());
	return 0;
}

static void
self_is_signalled_as_outside(void **state)
{
	engine_run(plain, try_self);
}

static int
try_family(void)
{
	pid_t pid = sleeper(), child;
	int pidfd, status;

	MUST(kill(pid, 0) == 0);
	MUST(kill(pid, SIGTERM) == 0 && died_of(pid, SIGTERM));
	pid = sleeper();
	MUST(sigqueue(pid, SIGINT, (union sigval) { 0 }) == 0 &&
	    died_of(pid, SIGINT));
	pid = sleeper();
	MUST(syscall(SYS_tgkill, pid, pid, SIGTERM) == 0 &&
	    died_of(pid, SIGTERM));
	pid = sleeper();
	MUST((pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) != -1);
	MUST(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) == 0);
	MUST(died_of(pid, SIGTERM));
	FAILS(ESRCH, syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
	FAILS(EBADF, syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0));
	/* The parent is told who it was. */
	catch (SIGUSR1);
	if ((child = fork()) == 0)
		_exit(kill(getppid(), SIGUSR1) == 0 ? 0 : 1);
	MUST(waitpid(child, &status, 0) == child || errno == EINTR);
	MUST(got == SIGUSR1 && got_pid == child);
	/* A dead child that was not waited for. */
	if ((child = fork()) == 0)
		_exit(0);
	MUST(waitid(P_PID, (id_t)child, &(siginfo_t) { 0 },
		 WEXITED | WNOWAIT) == 0);
	MUST(kill(child, SIGTERM) == 0);
	return 0;
}

static void
processes_of_the_session_are_signalled(void **state)
{
	engine_run(plain, try_family);
}

static int
try_outside(void)
{
	union sigval v = { 0 };
	struct f_owner_ex ex = { F_OWNER_PID, outsider };
	struct rlimit rl = { 1, 1 };
	struct sched_param sp = { 0 };
	cpu_set_t cpus;
	int pidfd, p[2];

	FAILS(EPERM, kill(outsider, SIGTERM));
	FAILS(EPERM, kill(outsider, 0));
	FAILS(EPERM, kill(getppid(), SIGTERM)); /* the tracer */
	FAILS(EPERM, kill(1, SIGTERM));
	FAILS(EPERM, kill(-outsider, SIGTERM));
	FAILS(EPERM, syscall(SYS_tkill, outsider, SIGTERM));
	FAILS(EPERM, syscall(SYS_tgkill, outsider, outsider, SIGTERM));
	FAILS(EPERM, sigqueue(outsider, SIGTERM, v));
	MUST((pidfd = (int)syscall(SYS_pidfd_open, outsider, 0)) != -1);
	FAILS(EPERM, syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
	MUST(pipe(p) == 0);
	FAILS(EPERM, fcntl(p[0], F_SETOWN, outsider));
	FAILS(EPERM, fcntl(p[0], F_SETOWN, -outsider));
	FAILS(EPERM, fcntl(p[0], F_SETOWN_EX, &ex));
	FAILS(EPERM, fcntl(p[0], F_SETSIG, SIGKILL));
	FAILS(EPERM, prlimit(outsider, RLIMIT_CPU, &rl, NULL));
	MUST(prlimit(outsider, RLIMIT_CPU, NULL, &rl) == 0);
	FAILS(EPERM, sched_setscheduler(outsider, SCHED_IDLE, &sp));
	FAILS(EPERM, setpriority(PRIO_PROCESS, (id_t)outsider, 19));
	FAILS(EPERM, setpriority(PRIO_USER, 0, 19));
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	FAILS(EPERM, sched_setaffinity(outsider, sizeof(cpus), &cpus));
	return 0;
}

static void
processes_outside_are_out_of_reach(void **state)
{
	int status;

	outsider = engine_outsider();
	assert_int_equal(setpgid(outsider, outsider), 0);
	engine_run(plain, try_outside);
	assert_int_equal(sched_getscheduler(outsider), SCHED_OTHER);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)outsider),
	    getpriority(PRIO_PROCESS, 0));
	status = engine_outsider_end(outsider);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static int
try_groups(void)
{
	pid_t a = sleeper(), b = sleeper(), pid;
	int p[2];
	char byte;

	catch (SIGUSR1);
	MUST(setpgid(b, b) == 0);
	MUST(kill(-b, SIGTERM) == 0 && died_of(b, SIGTERM));
	FAILS(ESRCH, kill(-b, SIGTERM));
	/* Its own group: itself too. */
	MUST(kill(0, SIGUSR1) == 0 && got == SIGUSR1);
	MUST(died_of(a, SIGUSR1));
	/* Everybody of the session but itself, and nobody else. */
	MUST(pipe(p) == 0);
	if ((pid = fork()) == 0) {
		setsid();
		MUST(write(p[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	MUST(read(p[0], &byte, 1) == 1);
	catch (SIGTERM);
	MUST(kill(-1, SIGTERM) == 0 && got == 0);
	MUST(died_of(pid, SIGTERM));
	FAILS(ESRCH, kill(INT32_MIN, SIGTERM));
	return 0;
}

static void
groups_are_the_sessions_members(void **state)
{
	int status;

	outsider = engine_outsider();
	engine_run(plain, try_groups);
	status = engine_outsider_end(outsider);
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static int
try_rules(void)
{
	pid_t pid = sleeper();

	FAILS(EPERM, kill(pid, SIGHUP));
	MUST(kill(pid, SIGUSR2) == 0);
	MUST(waitpid(pid, NULL, WNOHANG) == 0);
	MUST(kill(pid, SIGQUIT) == 0 && died_of(pid, SIGTERM));
	catch (SIGUSR2);
	MUST(raise(SIGUSR2) == 0 && got == 0);
	return 0;
}

static void
rules_deny_absorb_and_redirect(void **state)
{
	engine_run(ruled, try_rules);
}

static int
try_own(void)
{
	struct f_owner_ex ex = { F_OWNER_PID, getpid() };
	struct rlimit rl = { 64, 64 }, old;
	struct sched_param sp = { 0 };
	pid_t pid = sleeper();
	int p[2];

	MUST(pipe(p) == 0);
	MUST(fcntl(p[0], F_SETOWN, getpid()) == 0 &&
	    fcntl(p[0], F_GETOWN) == getpid());
	MUST(fcntl(p[0], F_SETOWN, pid) == 0 && fcntl(p[0], F_GETOWN) == pid);
	MUST(fcntl(p[0], F_SETOWN_EX, &ex) == 0);
	MUST(fcntl(p[0], F_SETOWN, 0) == 0 && fcntl(p[0], F_GETOWN) == 0);
	FAILS(EINVAL, (ex.type = 9, fcntl(p[0], F_SETOWN_EX, &ex)));
	MUST(fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
	MUST((fcntl(p[0], F_GETFL) & (O_ASYNC | O_NONBLOCK)) ==
	    (O_ASYNC | O_NONBLOCK));
	MUST(prlimit(pid, RLIMIT_NOFILE, &rl, &old) == 0 && old.rlim_cur != 64);
	MUST(
	    prlimit(pid, RLIMIT_NOFILE, NULL, &old) == 0 && old.rlim_cur == 64);
	MUST(prlimit(getpid(), RLIMIT_CORE, &rl, NULL) == 0);
	MUST(sched_setscheduler(pid, SCHED_BATCH, &sp) == 0);
	MUST(sched_getscheduler(pid) == SCHED_BATCH);
	MUST(setpriority(PRIO_PROCESS, (id_t)pid, 5) == 0);
	MUST(kill(pid, SIGKILL) == 0 && died_of(pid, SIGKILL));
	FAILS(ESRCH, prlimit(pid, RLIMIT_NOFILE, &rl, NULL));
	return 0;
}

static void
own_processes_are_limited_and_scheduled(void **state)
{
	engine_run(plain, try_own);
}

static volatile pid_t thread_tid;
static volatile sig_atomic_t thread_got;

static void
on_thread(int sig)
{
	thread_got = (sig_atomic_t)syscall(SYS_gettid);
}

static void *
thread_main(void *arg)
{
	thread_tid = (pid_t)syscall(SYS_gettid);
	while (thread_got == 0)
		sched_yield();
	return NULL;
}

static int
try_threads(void)
{
	pthread_t th;

	signal(SIGUSR1, on_thread);
	MUST(pthread_create(&th, NULL, thread_main, NULL) == 0);
	while (thread_tid == 0)
		sched_yield();
	MUST(pthread_kill(th, 0) == 0);
	FAILS(ESRCH, syscall(SYS_tgkill, getppid(), thread_tid, 0));
	MUST(syscall(SYS_tkill, thread_tid, SIGUSR1) == 0);
	MUST(pthread_join(th, NULL) == 0);
	MUST(thread_got == thread_tid);
	return 0;
}

static void
threads_are_signalled_by_number(void **state)
{
	engine_run(plain, try_threads);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_read_and_must_be_whole),
		cmocka_unit_test(stat_group_is_found_behind_any_name),
		cmocka_unit_test(self_is_signalled_as_outside),
		cmocka_unit_test(processes_of_the_session_are_signalled),
		cmocka_unit_test(processes_outside_are_out_of_reach),
		cmocka_unit_test(groups_are_the_sessions_members),
		cmocka_unit_test(rules_deny_absorb_and_redirect),
		cmocka_unit_test(own_processes_are_limited_and_scheduled),
		cmocka_unit_test(threads_are_signalled_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
