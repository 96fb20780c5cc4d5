/*
 * Traps that would hold up the supervisor, not deceive it: more calls that block than it has threads,
 * callers that die in mid-call.  Each must let an ordinary open through in time.  They hold outside
 * too; what gives them teeth is the clock.  See traps.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regress/attack/traps.h"

#define CROWD	  100 /* more than a listener's threads, less than half the processes */
#define PATIENCE  5.0 /* seconds for 200 opens beside the crowd */

static pid_t crowd[CROWD];

/* CROWD processes in fn, which blocks. */
static int
gather(void (*fn)(void))
{
	for (int i = 0; i < CROWD; i++) {
		if ((crowd[i] = fork()) == -1)
			return -1;
		if (crowd[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				fn();
		}
	}
	usleep(300000);
	return 0;
}

static void
scatter(void)
{
	for (int i = 0; i < CROWD; i++)
		if (crowd[i] > 0)
			kill(crowd[i], SIGKILL);
	for (int i = 0; i < CROWD; i++)
		if (crowd[i] > 0)
			waitpid(crowd[i], NULL, 0);
}

static int
opens_in_time(const char *what)
{
	double start = traps_now(), worst = 0;

	for (int i = 0; i < 200; i++) {
		double t = traps_now();
		int fd = open("ok/f", O_RDONLY);

		if (fd == -1) {
			perror("ok/f");
			return ESCAPED;
		}
		close(fd);
		t = traps_now() - t;
		worst = t > worst ? t : worst;
		if (traps_now() - start > PATIENCE)
			break;
	}
	start = traps_now() - start;
	printf("%-24s 200 opens in %.3f s, the longest %.1f ms\n", what, start,
	    worst * 1e3);
	return start > PATIENCE ? ESCAPED : HELD;
}

static int
beside(const char *what, void (*fn)(void))
{
	int r = opens_in_time("before");

	if (gather(fn) == -1) {
		scatter();
		return BROKEN;
	}
	r |= opens_in_time(what);
	scatter();
	usleep(100000);
	r |= opens_in_time("after");
	return r;
}

static void
open_fifo(void)
{
	int fd = open("ok/fifo", O_RDONLY);

	if (fd != -1)
		close(fd);
	else
		usleep(10000);
}

static int
fifo_crowd(void)
{
	unlink("ok/fifo");
	if (mkfifo("ok/fifo", 0600) == -1)
		return BROKEN;
	return beside("beside FIFO opens", open_fifo);
}

static int listener, full[2];
static struct sockaddr_un un = { .sun_family = AF_UNIX };

static void
connect_full(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)!connect(s, (struct sockaddr *)&un, sizeof(un));
	close(s);
	usleep(1000);
}

static int
backlog_crowd(void)
{
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "ok/sock");
	unlink("ok/sock");
	if (bind(listener, (struct sockaddr *)&un, sizeof(un)) == -1 ||
	    listen(listener, 0) == -1)
		return BROKEN;
	return beside("beside a full backlog", connect_full);
}

static void
send_full(void)
{
	char b[4096] = "";
	struct iovec iov = { b, sizeof(b) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (sendmsg(full[0], &m, 0) == -1)
		usleep(1000);
}

static int
buffer_crowd(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, full) == -1)
		return BROKEN;
	return beside("beside full buffers", send_full);
}

static void
open_leased(void)
{
	int fd = open("ok/leased", O_RDWR);

	if (fd != -1)
		close(fd);
	usleep(1000);
}

/* traps.sh holds a lease on ok/leased and does not give it up. */
static int
lease_crowd(void)
{
	return beside("beside a lease", open_leased);
}

/* A vfork child holds its parent while its call is judged, and blocks. */
static void
vfork_blocks(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		open("ok/fifo", O_RDONLY);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static int
vfork_crowd(void)
{
	unlink("ok/fifo");
	if (mkfifo("ok/fifo", 0600) == -1)
		return BROKEN;
	return beside("beside vfork children", vfork_blocks);
}

/* ---- callers that go in mid-call ---- */

static void *
block(void *arg)
{
	int fd = open("ok/fifo", O_RDONLY);

	(void)arg;
	if (fd != -1)
		close(fd);
	return NULL;
}

/* A thread of ours is in a call; we exec, exit, crash or are killed. */
static int
ends(void *arg)
{
	int how = *(int *)arg;
	char *const argv[] = { (char[]) { "true" }, NULL };
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, block, NULL);
	usleep((useconds_t)(rand() % 8000));
	switch (how) {
	case 0:
		execv("/bin/true", argv);
		return 1;
	case 1:
		_exit(0);
	case 2:
		raise(SIGKILL);
		break;
	default:
		signal(SIGALRM, SIG_DFL);
		ualarm(1000, 0);
		execv("ok/slow", argv);
		execv("/bin/true", argv);
	}
	return 1;
}

static int
death_in_call(void)
{
	int r = HELD, n, hung = 0, want[4] = { 0, 0, 256 + SIGKILL, -1 };

	unlink("ok/fifo");
	if (mkfifo("ok/fifo", 0600) == -1)
		return BROKEN;
	for (int i = 0; i < 100; i++) {
		int how = i % 4;

		n = traps_child(ends, &how, 5000);
		if (n == 512)
			hung++;
		else if (want[how] != -1 && n != want[how])
			printf("way %d ended with %d\n", how, n);
	}
	errno = 0;
	r |= traps_way("hung", hung != 0);
	return r | opens_in_time("after");
}

/* ---- a terminal must not become the supervisor's ---- */

static int
terminal(void *arg)
{
	int m = open("/dev/ptmx", O_RDWR), zero = 0, n = 0, s;
	char p[64];

	(void)arg;
	setsid();
	if (m == -1 || ioctl(m, TIOCSPTLCK, &zero) == -1 ||
	    ioctl(m, TIOCGPTN, &n) == -1)
		return BROKEN;
	snprintf(p, sizeof(p), "/dev/pts/%d", n);
	if ((s = open(p, O_RDWR)) == -1)
		return BROKEN;
	signal(SIGHUP, SIG_IGN);
	usleep(50000);
	close(m); /* a hang-up, for whomever it controls */
	return HELD;
}

static int
controlling_terminal(void)
{
	int r = HELD;

	for (int i = 0; i < 3; i++)
		r |= traps_child(terminal, NULL, 5000);
	return r > 2 ? BROKEN : r | opens_in_time("after hang-ups");
}

const struct trap traps_live[] = {
	{ "fifo-crowd", fifo_crowd, 'l' },
	{ "backlog-crowd", backlog_crowd, 'l' },
	{ "buffer-crowd", buffer_crowd, 'l' },
	{ "lease-crowd", lease_crowd, 'l' },
	{ "vfork-crowd", vfork_crowd, 'l' },
	{ "death-in-call", death_in_call, 'l' },
	{ "controlling-terminal", controlling_terminal, 'l' },
	{ NULL, NULL, 0 },
};
