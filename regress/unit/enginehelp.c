/*
 * See enginehelp.h. The workload tells the number of its listener by a plain write, which the
 * filter passes, and waits until it is served.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "enginehelp.h"
#include "polhelp.h"
#include "tracer/bpfgen.h"
#include "tracer/notify.h"
#include "tracer/tracer.h"

#define WAIT_KILLABLE 32

static struct tracer tracer;

struct result {
	int line, error;
};

static int
listener_new(void)
{
	struct bpfgen_opts o = { .tab = { .arch = SYSTAB_ARCH_HERE } };
	struct sock_filter f[BPFGEN_MAX];
	struct sock_fprog fp = { .filter = f };
	unsigned int n;
	int fd;

	if (bpfgen_build(&o, f, BPFGEN_MAX, &n) == -1)
		return -1;
	fp.len = (unsigned short)n;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE, &fp);
	if (fd == -1)
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_NEW_LISTENER, &fp);
	return fd;
}

static void
workload(int tell, int hear, struct result *res, int (*fn)(void))
{
	char byte;
	int fd;

	setpgid(0, 0);
	signal(SIGUSR1, SIG_DFL); /* the engine's */
	alarm(30);
	fd = listener_new();
	if (write(tell, &fd, sizeof(fd)) != sizeof(fd) ||
	    read(hear, &byte, 1) != 1)
		_exit(77);
	close(fd);
	close(tell);
	close(hear);
	res->line = fn();
	res->error = errno;
	_exit(0);
}

static void
engine_start(void)
{
	static int started;

	if (started++)
		return;
	tracer.threads = 2;
	tracer.trashfd = -1;
	assert_int_equal(tracer_init(&tracer), 0);
	assert_non_null(tracer.tasks = task_table_new(-1, false));
	assert_int_equal(notify_start(&tracer), 0);
}

static void
engine_image(const char *policy)
{
	static struct polhelp
	    h[64]; /* images live as long as threads may look */
	static unsigned int n;
	struct tracer_image *im = calloc(1, sizeof(*im));

	assert_true(n < 64);
	if (polhelp_init(&h[n], policy, strlen(policy), NULL) == -1)
		fail_msg("%s", polhelp_first(&h[n]));
	im->im = h[n++].im;
	tracer_set_image(&tracer, im);
}

static int
fetch(pid_t pid, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int copy = (int)syscall(438, pidfd, fd, 0);

	close(pidfd);
	return copy;
}

/* A group is ended when its last task has gone. */
static void
end_all(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 5000 && notify_end_hung(&tracer) > 0; i++)
		nanosleep(&ms, NULL);
}

void
engine_run(const char *policy, int (*fn)(void))
{
	struct result *res = mmap(NULL, sizeof(*res), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pollfd end = { .events = POLLIN };
	int tell[2], hear[2], fd, status;
	pid_t pid;

	engine_start();
	engine_image(policy);
	res->line = -1;
	assert_int_equal(pipe(tell), 0);
	assert_int_equal(pipe(hear), 0);
	if ((pid = fork()) == 0)
		workload(tell[1], hear[0], res, fn);
	assert_int_equal(read(tell[0], &fd, sizeof(fd)), sizeof(fd));
	if (fd == -1 || (fd = fetch(pid, fd)) == -1) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		skip();
	}
	task_enter(tracer.tasks, pid, 1);
	assert_non_null(notify_serve(&tracer, fd, 1));
	assert_int_equal(write(hear[1], "g", 1), 1);
	/*
	 * Its end, not the stops that a serving thread's PTRACE_INTERRUPT makes:
	 * waitpid would take those away from that thread.
	 */
	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_int_not_equal(end.fd, -1);
	assert_int_equal(poll(&end, 1, -1), 1);
	close(end.fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	kill(-pid, SIGKILL); /* what the test left behind */
	end_all();
	for (int i = 0; i < 2; i++) {
		close(tell[i]);
		close(hear[i]);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("workload ended with %#x at line %d", status,
		    res->line);
	if (res->line != 0)
		fail_msg("line %d: %s", res->line, strerror(res->error));
	munmap(res, sizeof(*res));
}

int
engine_outsider(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		for (;;)
			pause();
	}
	assert_int_not_equal(pid, -1);
	return pid;
}

int
engine_outsider_end(int pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}
