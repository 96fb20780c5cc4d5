/*
 * Behaviours of signals that come during a call.  See behave.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regress/run/behave.h"

static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	(void)sig;
	caught++;
}

static void
catch(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static void *
open_later(void *arg)
{
	int fd;

	usleep(300000);
	fd = open("fifo", (int)(intptr_t)arg);
	usleep(200000);
	close(fd);
	return NULL;
}

/* A FIFO's other end comes after 300 ms, a signal after 100. */
static void
fifo_signal(const char *what, int flags, int mode)
{
	struct itimerval it = { { 0, 0 }, { 0, 100000 } };
	pthread_t t;
	sigset_t alrm, old;
	int fd, e;

	sigemptyset(&alrm);
	sigaddset(&alrm, SIGALRM);
	catch (SIGALRM, flags);
	caught = 0;
	pthread_sigmask(SIG_BLOCK, &alrm, &old);
	pthread_create(&t, NULL, open_later,
	    (void *)(intptr_t)(mode == O_RDONLY ? O_RDWR : O_RDONLY | O_NONBLOCK));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	fd = open("fifo", mode);
	e = errno;
	say("%-28s %s, %d signals", what, fd == -1 ? strerrorname_np(e) : "ok",
	    (int)caught);
	if (fd != -1)
		close(fd);
	pthread_join(t, NULL);
}

static void
signal_restart(void)
{
	struct itimerval off = { { 0, 0 }, { 0, 0 } };

	mkfifo("fifo", 0600);
	fifo_signal("read, SA_RESTART", SA_RESTART, O_RDONLY);
	fifo_signal("read, no SA_RESTART", 0, O_RDONLY);
	fifo_signal("write, SA_RESTART", SA_RESTART, O_WRONLY);
	fifo_signal("write, no SA_RESTART", 0, O_WRONLY);
	setitimer(ITIMER_REAL, &off, NULL);
	signal(SIGALRM, SIG_IGN);
	fifo_signal("read, ignored", SA_RESTART, O_RDONLY);
}

/*
 * A signal every 500 us while calls have effects: none is lost, none doubled.  A kernel that has
 * not handed the call to its supervisor yet gives EINTR where there is no SA_RESTART (agentshd.8,
 * CAVEATS): that is tried again, counted on standard error, and never happens without a signal.
 */
static unsigned int eintr;

static long
again(const char *what, int i, long (*call)(int))
{
	long r;

	while ((r = call(i)) == -1 && errno == EINTR)
		eintr++;
	if (r == -1)
		say("%d: %s: %s", i, what, said(-1));
	return r;
}

static const char *
nth(const char *prefix, int i)
{
	static char b[2][32];
	static int turn;

	turn = !turn;
	snprintf(b[turn], sizeof(b[turn]), "%s%d", prefix, i);
	return b[turn];
}

static long
storm_create(int i)
{
	int fd = open(nth("s", i), O_CREAT | O_EXCL | O_WRONLY, 0600);

	return fd == -1 ? -1 : close(fd);
}

static long
storm_mkdir(int i)
{
	return mkdir(nth("d", i), 0700);
}

static long
storm_link(int i)
{
	return link(nth("s", i), "l");
}

static long
storm_unlink(int i)
{
	(void)i;
	return unlink("l");
}

static long
storm_rename(int i)
{
	return rename(nth("s", i), "r");
}

static long
storm_back(int i)
{
	return syscall(SYS_renameat2, AT_FDCWD, "r", AT_FDCWD, nth("s", i), 1);
}

static long
storm_rmdir(int i)
{
	return rmdir(nth("d", i));
}

static long
storm_gone(int i)
{
	return unlink(nth("s", i));
}

/* 0 when it fails as it should. */
static long
exec_gives(const char *path, int e)
{
	execl(path, "x", NULL);
	return errno == e ? 0 : -1;
}

static long
storm_exec(int i)
{
	(void)i;
	return exec_gives("./none", ENOENT);
}

static long
storm_noexec(int i)
{
	(void)i;
	return exec_gives("../noexec", ENOEXEC);
}

static const struct {
	const char *name;
	long (*fn)(int i);
} storm[] = {
	{ "create", storm_create },
	{ "mkdir", storm_mkdir },
	{ "link", storm_link },
	{ "unlink", storm_unlink },
	{ "rename", storm_rename },
	{ "rename back", storm_back },
	{ "rmdir", storm_rmdir },
	{ "unlink the file", storm_gone },
	{ "exec of nothing", storm_exec },
	{ "exec of no program", storm_noexec },
};

static void
signal_storm_with(int flags)
{
	struct itimerval it = { { 0, 500 }, { 0, 500 } }, off = { { 0, 0 }, { 0, 0 } };
	unsigned int ok = 0;

	catch (SIGALRM, flags);
	caught = 0;
	eintr = 0;
	put("../noexec", "no program", 0755);
	setitimer(ITIMER_REAL, &it, NULL);
	for (int i = 0; i < 400; i++)
		for (size_t k = 0; k < sizeof(storm) / sizeof(storm[0]); k++)
			ok += again(storm[k].name, i, storm[k].fn) == 0;
	setitimer(ITIMER_REAL, &off, NULL);
	say("%u calls had their effect once, signals came: %d", ok, caught > 3);
	if ((flags & SA_RESTART) != 0) {
		say("EINTR in spite of SA_RESTART: %u", eintr);
		return;
	}
	say("more EINTR than signals: %d", eintr > (unsigned int)caught);
	fprintf(stderr, "%u calls, %d signals, %u EINTR\n", ok, (int)caught, eintr);
}

/* Signals that nobody takes give no EINTR. */
static void
storm_of_nothing(const char *what, int sig, void (*disposition)(int), int block)
{
	struct itimerval off = { { 0, 0 }, { 0, 0 } };
	pid_t pid, me = getpid();
	sigset_t set, old;

	setitimer(ITIMER_REAL, &off, NULL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	if (block)
		sigprocmask(SIG_BLOCK, &set, &old);
	signal(sig, disposition);
	eintr = 0;
	if ((pid = fork()) == 0)
		for (;;) {
			kill(me, sig);
			usleep(300);
		}
	for (int i = 0; i < 150; i++)
		for (size_t k = 0; k < sizeof(storm) / sizeof(storm[0]); k++)
			again(storm[k].name, i, storm[k].fn);
	kill(pid, SIGKILL);
	ended(pid);
	signal(sig, SIG_IGN);
	if (block)
		sigprocmask(SIG_SETMASK, &old, NULL);
	say("%s: %u EINTR", what, eintr);
}

static void
signal_storm(void)
{
	signal_storm_with(SA_RESTART);
	signal_storm_with(0);
	storm_of_nothing("ignored", SIGUSR1, SIG_IGN, 0);
	storm_of_nothing("ignored by default", SIGWINCH, SIG_DFL, 0);
	storm_of_nothing("blocked", SIGUSR2, on_signal, 1);
}

/* execs and vforks under a storm of signals at the parent */
static void
signal_exec(void)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
	int ok = 0;

	catch (SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &it, NULL);
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		ok += ended(pid) == 0;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	say("%d of 100 ran", ok);
}

static void
stop_and_go(void)
{
	pid_t pid;
	int status;

	mkfifo("fifo", 0600);
	if ((pid = fork()) == 0) {
		int fd = open("fifo", O_RDONLY);

		_exit(fd == -1 ? errno : 0);
	}
	usleep(50000);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	say("stopped in a call: %d", WIFSTOPPED(status));
	kill(pid, SIGCONT);
	usleep(20000);
	close(open("fifo", O_WRONLY));
	say("and went on: %d", ended(pid));
	if ((pid = fork()) == 0) {
		for (int i = 0; i < 50; i++)
			if (ended((pid = fork()) == 0 ? execl("/bin/true", "true", NULL),
				(pid_t)1 : pid) != 0)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		kill(pid, SIGSTOP);
		usleep(2000);
		kill(pid, SIGCONT);
		usleep(2000);
	}
	say("50 execs, stopped 20 times: %d", ended(pid));
}

const struct behaviour behave_signal[] = {
	{ "signal-restart", signal_restart },
	{ "signal-storm", signal_storm },
	{ "signal-exec", signal_exec },
	{ "stop-and-go", stop_and_go },
	{ NULL, NULL },
};
