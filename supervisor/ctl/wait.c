/*
 * The parent that waits for a command outside its session: pipes, bounded
 * capture, time-out, exit code.  Runs as the user.  The child enters the
 * session by itself, so the parent is never inside and its kill is not judged;
 * whatever the command leaves behind after a time-out is adopted (subreaper)
 * and killed too.
 */

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/ctl/exec.h"

#define LINGER_MS 200 /* for output after the command has ended */
#define KILL_MAX  10000 /* processes left behind that we kill */

/* Both ends of each pipe, -1 when closed; [0] reads. */
enum { P_IN, P_OUT, P_ERR, P_WHY, P_MAX };

struct waiter {
	const struct exec_req *q;
	const struct enter_request *eq;
	struct exec_end *e;
	int pipe[P_MAX][2];
	int pidfd, sigfd;
	sigset_t old_mask;
	struct sigaction old_chld;
	size_t in_off; /* of q->in */
	uint64_t begin_ns;
	bool exited;
	int status;
};

static uint64_t
now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void
close_end(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
close_all(struct waiter *w)
{
	int i;

	for (i = 0; i < P_MAX; i++) {
		close_end(&w->pipe[i][0]);
		close_end(&w->pipe[i][1]);
	}
	close_end(&w->pidfd);
	close_end(&w->sigfd);
}

static int
make_pipes(struct waiter *w)
{
	int i;

	for (i = 0; i < P_MAX; i++) {
		if (i == P_IN && !w->q->from_json)
			continue; /* standard input stays as it is */
		if (pipe2(w->pipe[i], O_CLOEXEC) == -1)
			return -1;
	}
	return 0;
}

/* Numbers 0 to 2 must not become ends of our pipes. */
static int
fill_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd != -1 && fd <= STDERR_FILENO);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

/*
 * A mask of our own, so that signals come by descriptor; and children that are
 * not reaped behind our back, whatever we inherited.
 */
static int
make_signals(struct waiter *w)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t set;

	if (sigaction(SIGCHLD, &dfl, &w->old_chld) == -1)
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, &w->old_mask) == -1)
		return -1;
	w->sigfd = signalfd(-1, &set, SFD_CLOEXEC);
	return w->sigfd == -1 ? -1 : 0;
}

/* ---- the child ---- */

static _Noreturn void
child_main(struct waiter *w)
{
	static const int target[] = { STDIN_FILENO, STDOUT_FILENO,
		STDERR_FILENO };
	struct enter_result why;
	int i, fd;

	for (i = P_IN; i <= P_ERR; i++) {
		fd = w->pipe[i][i == P_IN ? 0 : 1];
		if (fd != -1 && dup2(fd, target[i]) == -1)
			_exit(EXIT_DENIED);
	}
	sigaction(SIGCHLD, &w->old_chld, NULL);
	sigprocmask(SIG_SETMASK, &w->old_mask, NULL);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* its tracer holds it */
	enter(w->eq, &why);
	if (write(w->pipe[P_WHY][1], &why, sizeof(why)) != sizeof(why))
		_exit(EXIT_DENIED);
	_exit((int)why.exit_code);
}

/* ---- the parent ---- */

static int
start(struct waiter *w)
{
	pid_t pid;

	if (fill_standard() == -1 || make_pipes(w) == -1 ||
	    make_signals(w) == -1)
		return -1;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	/*
	 * The session must not find in us what its environment was rid of.  Its
	 * parent stays for as long as it runs, under the same uid.
	 */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	w->e->start_ns = now_ns(CLOCK_REALTIME);
	w->begin_ns = now_ns(CLOCK_MONOTONIC);
	if ((pid = fork()) == -1)
		return -1;
	if (pid == 0)
		child_main(w);
	w->e->pid = pid;
	signal(SIGPIPE, SIG_IGN);
	close_end(&w->pipe[P_IN][0]);
	close_end(&w->pipe[P_OUT][1]);
	close_end(&w->pipe[P_ERR][1]);
	close_end(&w->pipe[P_WHY][1]);
	w->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (w->pidfd == -1) {
		kill(pid, SIGKILL);
		return -1;
	}
	if (w->q->in_len == 0)
		close_end(&w->pipe[P_IN][1]);
	else
		fcntl(w->pipe[P_IN][1], F_SETFL, O_NONBLOCK);
	return 0;
}

static void
capture(struct capture *cap, const char *p, size_t len)
{
	size_t room = CAPTURE_MAX - cap->len;

	cap->total += len;
	if (len > room)
		len = room;
	if (len == 0)
		return;
	if (cap->buf == NULL && (cap->buf = malloc(CAPTURE_MAX)) == NULL)
		return;
	memcpy(cap->buf + cap->len, p, len);
	cap->len += len;
}

static void
relay(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return; /* our reader has gone: drain what comes */
		p += n;
		len -= (size_t)n;
	}
}

static void
on_output(struct waiter *w, int i)
{
	struct exec_end *e = w->e;
	char buf[65536];
	ssize_t n;

	n = read(w->pipe[i][0], buf, sizeof(buf));
	if (n == -1 && errno == EINTR)
		return;
	if (n <= 0) {
		close_end(&w->pipe[i][0]);
		return;
	}
	if (w->q->want_json)
		capture(i == P_OUT ? &e->out : &e->err, buf, (size_t)n);
	else
		relay(i == P_OUT ? STDOUT_FILENO : STDERR_FILENO, buf,
		    (size_t)n);
}

static void
on_input(struct waiter *w)
{
	ssize_t n;

	n = write(w->pipe[P_IN][1], w->q->in + w->in_off,
	    w->q->in_len - w->in_off);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0)
		w->in_off += (size_t)n;
	if (n == -1 || w->in_off == w->q->in_len)
		close_end(&w->pipe[P_IN][1]);
}

/*
 * The terminal's signals reach the command by themselves; those that somebody
 * sent to us are passed on.
 */
static void
on_signal(struct waiter *w)
{
	struct signalfd_siginfo si;

	if (read(w->sigfd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_code == SI_USER || si.ssi_code == SI_QUEUE ||
	    si.ssi_signo == SIGTERM || si.ssi_signo == SIGHUP)
		syscall(SYS_pidfd_send_signal, w->pidfd, (int)si.ssi_signo,
		    NULL, 0);
}

/* Milliseconds until the time-out: -1 none, 0 it has come. */
static int
time_left(const struct waiter *w)
{
	uint64_t gone = now_ns(CLOCK_MONOTONIC) - w->begin_ns;
	uint64_t limit = w->q->timeout_ns;

	if (limit == 0)
		return -1;
	if (gone >= limit)
		return 0;
	if ((limit - gone) / 1000000 >= 3600000)
		return 3600000;
	return (int)((limit - gone) / 1000000) + 1;
}

static void
on_exit_(struct waiter *w)
{
	pid_t n;

	do {
		n = wait4(w->e->pid, &w->status, 0, &w->e->usage);
	} while (n == -1 && errno == EINTR);
	w->exited = true;
	w->e->duration_ns = now_ns(CLOCK_MONOTONIC) - w->begin_ns;
}

/* Kill one process that became our child, and wait for its end. */
static void
kill_one(pid_t pid)
{
	struct pollfd pfd;

	pfd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	pfd.events = POLLIN;
	kill(pid, SIGKILL);
	if (pfd.fd != -1) {
		poll(&pfd, 1, 1000);
		close(pfd.fd);
	}
	waitpid(pid, NULL, WNOHANG | __WALL);
}

/* One of our children, or 0. */
static pid_t
any_child(void)
{
	char path[64], text[32] = "";
	FILE *fp;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
	    (int)getpid());
	if ((fp = fopen(path, "re")) == NULL)
		return 0;
	if (fgets(text, sizeof(text), fp) == NULL)
		text[0] = '\0';
	fclose(fp);
	return (pid_t)strtol(text, NULL, 10);
}

/* Kill what the command left, as each generation becomes our child in turn. */
static void
kill_rest(void)
{
	pid_t pid;
	int i;

	for (i = 0; i < KILL_MAX && (pid = any_child()) > 0; i++)
		kill_one(pid);
}

static void
on_timeout(struct waiter *w)
{
	w->e->timed_out = true;
	syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
	on_exit_(w);
	kill_rest();
}

enum { F_OUT, F_ERR, F_IN, F_SIG, F_PID, F_MAX };

static void
fill_poll(const struct waiter *w, struct pollfd *p)
{
	p[F_OUT] = (struct pollfd) { w->pipe[P_OUT][0], POLLIN, 0 };
	p[F_ERR] = (struct pollfd) { w->pipe[P_ERR][0], POLLIN, 0 };
	p[F_IN] = (struct pollfd) { w->pipe[P_IN][1], POLLOUT, 0 };
	p[F_SIG] = (struct pollfd) { w->sigfd, POLLIN, 0 };
	p[F_PID] = (struct pollfd) { w->exited ? -1 : w->pidfd, POLLIN, 0 };
}

/* One round: false when nothing more is to come. */
static bool
step(struct waiter *w)
{
	struct pollfd p[F_MAX];
	int n, ms = w->exited ? LINGER_MS : time_left(w);

	if (w->exited && w->pipe[P_OUT][0] == -1 && w->pipe[P_ERR][0] == -1)
		return false;
	fill_poll(w, p);
	n = poll(p, F_MAX, ms);
	if (n == -1)
		return errno == EINTR;
	if (n == 0 && w->exited)
		return false;
	if (p[F_OUT].revents)
		on_output(w, P_OUT);
	if (p[F_ERR].revents)
		on_output(w, P_ERR);
	if (p[F_IN].revents)
		on_input(w);
	if (p[F_SIG].revents)
		on_signal(w);
	if (p[F_PID].revents)
		on_exit_(w);
	if (!w->exited && time_left(w) == 0)
		on_timeout(w);
	return true;
}

/*
 * After the command has ended, its output may go on for as long as it lasted,
 * at most.
 */
static void
loop(struct waiter *w)
{
	uint64_t last = 0;

	while (step(w)) {
		if (!w->exited)
			continue;
		if (last == 0)
			last = now_ns(CLOCK_MONOTONIC) + 2000000000u;
		if (now_ns(CLOCK_MONOTONIC) > last)
			return;
	}
}

/*
 * The exit code as a shell says it, and why the command was not run if it was
 * not.
 */
static void
conclude(struct waiter *w)
{
	struct exec_end *e = w->e;

	e->entered = read(w->pipe[P_WHY][0], &e->why, sizeof(e->why)) !=
	    (ssize_t)sizeof(e->why);
	if (e->timed_out)
		e->exit_code = EXIT_TIMED_OUT;
	else if (WIFSIGNALED(w->status))
		e->exit_code = 128 + WTERMSIG(w->status);
	else
		e->exit_code = WEXITSTATUS(w->status);
}

int
exec_wait(const struct exec_req *q, const struct enter_request *eq,
    struct exec_end *e)
{
	struct waiter w = { .q = q, .eq = eq, .e = e };
	int i, error;

	memset(e, 0, sizeof(*e));
	w.pidfd = w.sigfd = -1;
	for (i = 0; i < P_MAX; i++)
		w.pipe[i][0] = w.pipe[i][1] = -1;
	fflush(NULL);
	error = start(&w);
	if (error == 0) {
		loop(&w);
		conclude(&w);
	}
	close_all(&w);
	return error;
}

void
exec_end_clear(struct exec_end *e)
{
	free(e->out.buf);
	free(e->err.buf);
	memset(e, 0, sizeof(*e));
}
