/*
 * The live table: when a process was started, and that only the processes it means are
 * killed, not those that have their ids.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/live.h"
#include "supervisor/session.h"

#define REST "S 1 2 3 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 "

static void
start_of_stat_told(void **state)
{
	(void)state;
	assert_int_equal(live_start("7 (sh) " REST "4711 99 1"), 4711);
	assert_int_equal(live_start("7 (a) b ( 1 2 3) " REST "12 99"), 12);
	assert_int_equal(live_start("7 ()\n)) " REST "18446744073709551615"),
	    UINT64_MAX);
}

static void
start_of_rubbish_zero(void **state)
{
	(void)state;
	assert_int_equal(live_start(""), 0);
	assert_int_equal(live_start("7 (sh"), 0);
	assert_int_equal(live_start("7 (sh) S 1 2 3"), 0);
	assert_int_equal(live_start("7 (sh) " REST), 0);
}

static uint64_t
start_of(pid_t pid)
{
	char path[64], buf[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	assert_true(fd != -1);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	assert_true(n > 0);
	buf[n] = '\0';
	return live_start(buf);
}

/* A child under a filter that allows all; it waits for its end. */
static pid_t
filtered_child(void)
{
	struct sock_filter allow[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	};
	struct sock_fprog prog = { 1, allow };
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0)
			(void)!write(ready[1], "r", 1);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

/* One round over a table of one entry; was pid killed by it? */
static bool
round_kills(pid_t pid, uint64_t start)
{
	struct session *s = calloc(1, sizeof(*s));
	struct live *live;
	int status;
	bool killed;

	assert_non_null(s);
	s->who.uid = getuid();
	s->live_fd = memfd_create("live", MFD_CLOEXEC);
	assert_int_equal(ftruncate(s->live_fd, sizeof(*live)), 0);
	live = mmap(NULL, sizeof(*live), PROT_READ | PROT_WRITE, MAP_SHARED,
	    s->live_fd, 0);
	assert_ptr_not_equal(live, MAP_FAILED);
	live->count = 1;
	live->start[0] = start;
	live->pid[0] = pid;
	killed = session_kill_round(s) == 1;
	munmap(live, sizeof(*live));
	close(s->live_fd);
	free(s);
	if (killed) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	return killed;
}

static void
round_of_other_start_spares(void **state)
{
	pid_t pid = filtered_child();

	(void)state;
	assert_true(start_of(pid) > 1);
	assert_false(round_kills(pid, start_of(pid) - 1));
	assert_false(round_kills(pid, 0));
	assert_int_equal(kill(pid, 0), 0);
	assert_true(round_kills(pid, start_of(pid)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_of_stat_told),
		cmocka_unit_test(start_of_rubbish_zero),
		cmocka_unit_test(round_of_other_start_spares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
