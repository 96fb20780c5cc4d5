/*
 * Behaviours of terminals that are opened: a session leader without a controlling terminal that
 * opens one gets it, unless it says O_NOCTTY, opens for writing only, or the terminal is another
 * session's; and then job control works on it.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "regress/run/behave.h"

static char name[64]; /* of the slave */

/* A new pair: the master, its slave's path in name. */
static int
pair(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), zero = 0, n = 0;

	ioctl(m, TIOCSPTLCK, &zero);
	ioctl(m, TIOCGPTN, &n);
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	return m;
}

static int
plain(int flags)
{
	return open(name, flags);
}

static int
relative(int flags)
{
	int fd, dir = open("/dev/pts", O_RDONLY | O_DIRECTORY);

	fd = openat(dir, name + 9, flags);
	close(dir);
	return fd;
}

static int
by_how(int flags)
{
	struct open_how how = { .flags = (uint64_t)flags };

	return (int)syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof(how));
}

static int
by_how_resolve(int flags)
{
	struct open_how how = { .flags = (uint64_t)flags,
		.resolve = RESOLVE_NO_SYMLINKS };

	return (int)syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof(how));
}

static int
by_link(int flags)
{
	int fd;

	(void)!symlink(name, "tty");
	fd = open("tty", flags);
	unlink("tty");
	return fd;
}

static int
creating(int flags)
{
	return open(name, flags | O_CREAT, 0600);
}

/* By the magic link of a descriptor that gave none. */
static int
again(int flags)
{
	char p[64];
	int other = open(name, O_RDWR | O_NOCTTY), fd;

	snprintf(p, sizeof(p), "/proc/self/fd/%d", other);
	fd = open(p, flags);
	close(other);
	return fd;
}

static void *
plain_thread(void *arg)
{
	return (void *)(intptr_t)open(name, (int)(intptr_t)arg);
}

static int
in_thread(int flags)
{
	pthread_t t;
	void *fd;

	pthread_create(&t, NULL, plain_thread, (void *)(intptr_t)flags);
	pthread_join(t, &fd);
	return (int)(intptr_t)fd;
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* While signals come that must not be lost. */
static int
in_a_storm(int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval it = { { 0, 300 }, { 0, 300 } }, off = { { 0, 0 }, { 0, 0 } };
	int fd;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	while (alarms < 3)
		usleep(100);
	fd = open(name, flags);
	setitimer(ITIMER_REAL, &off, NULL);
	return fd;
}

static volatile sig_atomic_t came[65];

static void
note(int sig)
{
	came[sig] = 1;
}

static int
waits_for(int sig)
{
	for (int i = 0; i < 2000 && !came[sig]; i++)
		usleep(5000);
	return came[sig];
}

/* In a child: open the terminal this way, and tell what it is to us. */
static int
leader(int (*way)(int), int flags, int ready, int go)
{
	int fd, tty, mine;
	char c;

	signal(SIGINT, note);
	signal(SIGHUP, note);
	if (setsid() == -1)
		return 1;
	fd = way(flags);
	if (fd == -1)
		printf("%s; ", said(-1));
	tty = open("/dev/tty", O_RDWR);
	printf("/dev/tty %s; ", said(tty));
	mine = tcgetpgrp(fd) == getpid() && tcgetsid(fd) == getpid();
	printf("in front %d", mine);
	fflush(stdout);
	(void)!write(ready, "r", 1);
	if (!mine) {
		say(" ");
		return 0;
	}
	printf("; ^C %d", waits_for(SIGINT));
	fflush(stdout);
	(void)!write(ready, "i", 1);
	(void)!read(go, &c, 1);
	printf("; hang-up %d", waits_for(SIGHUP));
	say("; then %s", said(open("/dev/tty", O_RDWR)));
	return 0;
}

static void
try(const char *what, int (*way)(int), int flags)
{
	int m = pair(), ready[2], go[2];
	char c = 0;
	pid_t pid;

	printf("%-32s ", what);
	fflush(stdout);
	(void)!pipe(ready);
	(void)!pipe(go);
	if ((pid = fork()) == 0) {
		close(m);
		close(ready[0]);
		close(go[1]);
		_exit(leader(way, flags, ready[1], go[0]));
	}
	close(ready[1]);
	close(go[0]);
	(void)!read(ready[0], &c, 1);
	(void)!write(m, "\003", 1);
	(void)!read(ready[0], &c, 1);
	close(m);
	close(go[1]);
	close(ready[0]);
	if (ended(pid) != 0)
		say("went wrong");
}

static void
ctty_open(void)
{
	try("open", plain, O_RDWR);
	try("read only", plain, O_RDONLY);
	try("write only", plain, O_WRONLY);
	try("O_NOCTTY", plain, O_RDWR | O_NOCTTY);
	try("O_NONBLOCK", plain, O_RDWR | O_NONBLOCK);
	try("openat", relative, O_RDWR);
	try("openat2", by_how, O_RDWR);
	try("openat2, O_NOCTTY", by_how, O_RDWR | O_NOCTTY);
	try("openat2, RESOLVE_NO_SYMLINKS", by_how_resolve, O_RDWR);
	try("by a symlink", by_link, O_RDWR);
	try("O_CREAT", creating, O_RDWR);
	try("by /proc/self/fd", again, O_RDWR);
	try("in a thread", in_thread, O_RDWR);
	try("in a storm of signals", in_a_storm, O_RDWR);
	try("O_PATH", plain, O_PATH);
}

/* Not a leader; a leader with another one; another session's; a master. */
static void
ctty_none(void)
{
	int m = pair(), m2, fd;
	char first[64];
	pid_t pid;

	if ((pid = fork()) == 0) {
		setsid();
		if ((pid = fork()) == 0) {
			fd = open(name, O_RDWR);
			say("no leader: %s, /dev/tty %s", said(fd),
			    said(open("/dev/tty", O_RDWR)));
			_exit(0);
		}
		ended(pid);
		(void)!open("/dev/ptmx", O_RDWR);
		say("a master: /dev/tty %s", said(open("/dev/tty", O_RDWR)));
		(void)!open(name, O_RDWR);
		strcpy(first, name);
		m2 = pair();
		fd = open(name, O_RDWR);
		say("a second one: in front %d", tcgetpgrp(fd) == getpid());
		fd = open(first, O_RDWR);
		say("still the first: %d", tcgetpgrp(fd) == getpid());
		strcpy(name, first);
		if ((pid = fork()) == 0) {
			setsid();
			fd = open(name, O_RDWR);
			say("another session's: %s, /dev/tty %s", said(fd),
			    said(open("/dev/tty", O_RDWR)));
			_exit(0);
		}
		ended(pid);
		signal(SIGHUP, SIG_IGN);
		say("given up: %s, /dev/tty %s", said(ioctl(fd, TIOCNOTTY)),
		    said(open("/dev/tty", O_RDWR)));
		fd = open(name, O_RDWR);
		say("and taken again: in front %d", tcgetpgrp(fd) == getpid());
		close(m2);
		_exit(0);
	}
	ended(pid);
	close(m);
}

/* As a getty: 0, 1 and 2 are the terminal, then a shell with job control. */
static void
ctty_getty(void)
{
	int m = pair();
	char b[512] = "";
	struct pollfd p = { .fd = m, .events = POLLIN };
	size_t n = 0;
	ssize_t k;
	pid_t pid;

	if ((pid = fork()) == 0) {
		struct termios t;

		setsid();
		close(m);
		close(0);
		(void)!open(name, O_RDWR);
		dup2(0, 1);
		dup2(0, 2);
		tcgetattr(0, &t);
		t.c_oflag &= ~(tcflag_t)OPOST;
		tcsetattr(0, TCSANOW, &t);
		execl("/bin/sh", "sh", "-c",
		    "set -m; sleep 0 & wait; echo job control >/dev/tty; tty <&1 >/dev/null && echo a tty",
		    NULL);
		_exit(1);
	}
	while (n < sizeof(b) - 1 && poll(&p, 1, 10000) == 1 &&
	    (k = read(m, b + n, sizeof(b) - 1 - n)) > 0)
		n += (size_t)k;
	say("sh: %d", ended(pid));
	say("%s", b);
	close(m);
}

const struct behaviour behave_tty[] = {
	{ "ctty-open", ctty_open },
	{ "ctty-none", ctty_none },
	{ "ctty-getty", ctty_getty },
	{ NULL, NULL },
};
