/*
 * Run outside and inside a session: behaviours that must be the same.  Each prints what it saw, and
 * nothing that differs from run to run (no ids, no times); behave.sh compares.
 *
 *	behave -l		the names
 *	behave NAME DIR		in DIR, which is empty and ours
 *
 * Exit 0 says no more than that it came to its end.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#include "regress/run/behave.h"

static const char *self; /* this program, absolute */

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

const char *
said(long r)
{
	return r == -1 ? strerrorname_np(errno) : "ok";
}

void
put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, mode);

	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		say("put %s: %s", path, said(-1));
	close(fd);
	chmod(path, mode);
}

const char *
get(const char *path)
{
	static char b[256];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd == -1)
		return said(-1);
	n = read(fd, b, sizeof(b) - 1);
	close(fd);
	if (n == -1)
		return said(-1);
	b[n] = '\0';
	b[strcspn(b, "\n")] = '\0';
	return b;
}

int
ended(pid_t pid)
{
	int status;

	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return -1;
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- threads, forks, execs ---- */

static _Atomic unsigned int went;

static void *
open_once(void *arg)
{
	char p[64];
	int fd;

	snprintf(p, sizeof(p), "t%ld", (long)(intptr_t)arg % 50);
	fd = open(p, O_CREAT | O_RDWR, 0600);
	if (fd != -1)
		went++;
	close(fd);
	return NULL;
}

static void
threads(void)
{
	static pthread_t t[3000];
	pthread_attr_t at;
	unsigned int made = 0;

	pthread_attr_init(&at);
	pthread_attr_setstacksize(&at, 32768);
	for (unsigned int i = 0; i < 3000; i++)
		if (pthread_create(&t[made], &at, open_once, (void *)(intptr_t)i) == 0)
			made++;
		else
			usleep(1000);
	for (unsigned int i = 0; i < made; i++)
		pthread_join(t[i], NULL);
	say("as many opens as threads: %d, some: %d", went == made, made > 100);
}

static pthread_barrier_t bar;

static void *
open_many(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&bar);
	for (int i = 0; i < 50; i++) {
		int fd = open("f", O_RDONLY);

		if (fd != -1)
			went++;
		close(fd);
	}
	return NULL;
}

static void
threads_at_once(void)
{
	pthread_t t[100];

	put("f", "x", 0600);
	pthread_barrier_init(&bar, NULL, 100);
	for (int i = 0; i < 100; i++)
		pthread_create(&t[i], NULL, open_many, NULL);
	for (int i = 0; i < 100; i++)
		pthread_join(t[i], NULL);
	say("%u opens", went);
}

static void
processes(void)
{
	unsigned int ok = 0, failed = 0;
	pid_t pid[200];

	for (int i = 0; i < 200; i++)
		if ((pid[i] = fork()) == 0) {
			char p[32];
			int fd;

			snprintf(p, sizeof(p), "p%d", i);
			fd = open(p, O_CREAT | O_EXCL | O_WRONLY, 0600);
			_exit(fd == -1 ? 1 : 0);
		}
	for (int i = 0; i < 200; i++)
		if (ended(pid[i]) == 0)
			ok++;
		else
			failed++;
	say("%u came to their end, %u not", ok, failed);
}

static void
vfork_exec(void)
{
	char *const argv[] = { (char[]) { "sh" }, (char[]) { "-c" },
		(char[]) { "exit 7" }, NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execv("/bin/sh", argv);
		_exit(1);
	}
	say("vfork and exec: %d", ended(pid));
	pid = vfork();
	if (pid == 0) {
		execv("./none", argv);
		_exit(errno == ENOENT ? 8 : 9);
	}
	say("vfork and no program: %d", ended(pid));
}

static void *
exec_self(void *arg)
{
	execl("/bin/sh", "sh", "-c", arg, NULL);
	return NULL;
}

static void *
sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void
exec_from_thread(void)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t[6];
			char cmd[] = "[ $(ls /proc/$$/task | wc -l) = 1 ] && "
				     "[ -d /proc/self/task/$$ ] && exit 5";

			for (int k = 0; k < 5; k++)
				pthread_create(&t[k], NULL, sleeper, NULL);
			pthread_create(&t[5], NULL, exec_self, cmd);
			for (;;)
				pause();
		}
		if (ended(pid) != 5)
			say("a thread's exec went wrong");
	}
	say("20 execs of threads that are not leaders");
}

/* Two threads exec at once: one wins, the process lives on as it. */
static void
exec_twice(void)
{
	int ok = 0;

	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t[4];

			for (int k = 0; k < 4; k++)
				pthread_create(&t[k], NULL, exec_self, (char[]) { "exit 6" });
			for (;;)
				pause();
		}
		ok += ended(pid) == 6;
	}
	say("%d of 30 ended as they should", ok);
}

static void
exec_says(const char *what, const char *path, char *const *argv)
{
	pid_t pid = fork();
	int n;

	if (pid == 0) {
		char *const env[] = { NULL };

		close(2);
		execve(path, argv, env);
		_exit(errno);
	}
	n = ended(pid);
	say("%-24s %s", what, n == 0 ? "ran" : n >= 1000 ? strsignal(n - 1000) :
						    strerrorname_np(n));
}

static void
exec_fails(void)
{
	char *one[] = { (char[]) { "x" }, NULL };
	char *none[] = { NULL };
	char **many = calloc(70000, sizeof(*many));
	char *big = malloc(200000);
	int fd;

	put("text", "neither a script nor a program\n", 0755);
	put("empty", "", 0755);
	put("noexec", "#!/bin/true\n", 0644);
	put("badinterp", "#!/none/there\n", 0755);
	put("loop", "#!./loop\n", 0755);
	put("blank", "#!\n", 0755);
	put("short", "\177ELF", 0755);
	put("good", "#!/bin/true\n", 0755);
	put("dirinterp", "#!/etc\n", 0755);
	put("argless", "#! /bin/sh -e \nexit 0\n", 0755);
	mkdir("dir", 0755);
	(void)!symlink("good", "link");
	(void)!symlink("l2", "l1");
	(void)!symlink("l1", "l2");
	memset(big, 'a', 199999);
	big[199999] = '\0';
	for (int i = 0; i < 69999; i++)
		many[i] = big + 199990;
	exec_says("ENOEXEC", "./text", one);
	exec_says("an empty file", "./empty", one);
	exec_says("no x", "./noexec", one);
	exec_says("no interpreter", "./badinterp", one);
	exec_says("its own interpreter", "./loop", one);
	exec_says("a blank interpreter", "./blank", one);
	exec_says("half an ELF", "./short", one);
	exec_says("a directory", "./dir", one);
	exec_says("its interpreter a directory", "./dirinterp", one);
	exec_says("nothing there", "./none", one);
	exec_says("below a file", "./good/x", one);
	exec_says("a loop of links", "./l1", one);
	exec_says("an empty name", "", one);
	exec_says("a script", "./good", one);
	exec_says("a link to it", "./link", one);
	exec_says("a script's argument", "./argless", one);
	exec_says("no argv", "/bin/true", none);
	exec_says("70,000 words", "/bin/true", many);
	one[0] = big;
	exec_says("a word too long", "/bin/true", one);
	exec_says("a bad pointer", (char *)8, none);
	for (int i = 0; i < 60; i++)
		many[i] = big + 199999 - 131000;
	many[60] = NULL;
	exec_says("8 MB of words", "/bin/true", many);
	one[0] = (char[]) { "x" };
	fd = open("busy", O_CREAT | O_WRONLY, 0755);
	(void)!write(fd, "#!/bin/true\n", 12);
	exec_says("a file that is written", "./busy", one);
	close(fd);
	exec_says("the same when closed", "./busy", one);
}

/* Written, closed and run at once: nobody else may hold it open for writing. */
static void
write_close_exec(void)
{
	volatile unsigned int busy = 0, other = 0, n;
	char *const argv[] = { (char[]) { "w" }, NULL };

	for (volatile int i = 0; i < 300; i++) {
		pid_t pid;
		int fd = open("w", O_CREAT | O_TRUNC | O_WRONLY, 0755);

		if (fd == -1 || write(fd, "#!/bin/true\n", 12) != 12)
			say("%s", said(-1));
		close(fd);
		if ((pid = vfork()) == 0) {
			execv("./w", argv);
			_exit(errno == ETXTBSY ? 100 : 101);
		}
		n = (unsigned int)ended(pid);
		busy += n == 100;
		other += n != 100 && n != 0;
		unlink("w");
	}
	say("%u busy, %u went wrong otherwise", busy, other);
}

/* ---- signals during a call ---- */

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

/* ---- death in mid-call ---- */

static void
killed_in_call(void)
{
	int right = 0;

	mkfifo("fifo", 0600);
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)open("fifo", O_RDONLY);
			_exit(1);
		}
		usleep((useconds_t)(i * 250));
		kill(pid, SIGKILL);
		right += ended(pid) == 1000 + SIGKILL;
	}
	say("%d of 40 were killed", right);
	/* What was opened for the dead may outlive them by a moment. */
	for (int i = 0; i < 100 && open("fifo", O_WRONLY | O_NONBLOCK) != -1; i++)
		usleep(10000);
	say("no reader is left: %s", said(open("fifo", O_WRONLY | O_NONBLOCK)));
}

/* SIGKILL while an exec is judged, loaded, proved: its parent must hear of it. */
static void
killed_in_exec(void)
{
	unsigned int ran = 0, killed = 0;
	int n;

	for (int i = 0; i < 400; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		usleep((useconds_t)(i * 7 % 1500));
		kill(pid, SIGKILL);
		n = ended(pid);
		ran += n == 0;
		killed += n == 1000 + SIGKILL;
	}
	say("%u ran or were killed", ran + killed);
}

/* The same while threads exec at once. */
static void
exec_race_killed(void)
{
	int heard = 0;

	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t[4];

			for (int k = 0; k < 4; k++)
				pthread_create(&t[k], NULL, exec_self, (char[]) { "exit 6" });
			for (;;)
				pause();
		}
		usleep((useconds_t)(i * 31 % 3000));
		kill(pid, SIGKILL);
		heard += ended(pid) != -1;
	}
	say("%d of 100 were heard of", heard);
}

/* ---- names ---- */

static void
long_names(void)
{
	static char p[9000];
	size_t n = 0;
	char name[256];
	struct stat st;

	memset(name, 'n', 255);
	name[255] = '\0';
	say("255 bytes: %s", said(open(name, O_CREAT | O_RDWR, 0600)));
	say("stat: %s", said(stat(name, &st)));
	unlink(name);
	name[254] = 'x';
	memset(p, 'n', 256);
	say("256 bytes: %s", said(open(p, O_CREAT | O_RDWR, 0600)));
	say("mkdir: %s", said(mkdir(p, 0700)));
	for (n = 0; n < 4096; n += 2)
		memcpy(p + n, "./", 2);
	memcpy(p + 4093, "ff", 3);
	put("f", "x", 0600);
	put("ff", "x", 0600);
	say("4095 bytes: %s", said(open(p, O_RDONLY)));
	memcpy(p + 4094, "ff", 3);
	p[4093] = '/';
	say("4096 bytes: %s", said(open(p, O_RDONLY)));
	say("unlink: %s", said(unlink(p)));
	say("exec: %s", said(execl(p, "x", NULL)));
}

static void
deep_links(void)
{
	char b[64];
	ssize_t n;

	say("symlink %s", said(symlink("x", "l")));
	say("through it %s", said(open("l", O_RDONLY)));
	n = readlink("l", b, sizeof(b));
	say("readlink %d", (int)n);
	say("not followed %s", said(open("l", O_RDONLY | O_NOFOLLOW)));
	say("link %s", said(link("x", "h")));
	say("fifo %s", said(mkfifo("p", 0600)));
	say("opened %s", said(open("p", O_RDWR)));
	say("missing %s", said(open("none", O_RDONLY)));
	say("not a directory %s", said(open("x/y", O_RDONLY)));
	say("lchown %s", said(lchown("l", getuid(), getgid())));
	say("unlink %s", said(unlink("l") | unlink("h") | unlink("p")));
}

static void
deep(int levels, const char *also)
{
	const struct timespec ts[2] = { { 1, 0 }, { 2, 0 } };
	char name[256], cmd[256], b[16384];
	struct stat st;
	int fd, dir, other;

	memset(name, 'd', 200);
	name[200] = '\0';
	for (int i = 0; i < levels; i++)
		if (mkdir(name, 0700) == -1 || chdir(name) == -1) {
			say("level %d: %s", i, said(-1));
			return;
		}
	say("create %s", said(fd = open("x", O_CREAT | O_RDWR, 0600)));
	say("write %d", (int)write(fd, "#!/bin/sh\nexit 4\n", 17));
	say("read %s", said(open("x", O_RDONLY)));
	say("here %s", said(dir = open(".", O_RDONLY | O_DIRECTORY)));
	say("up %s", said(open("..", O_RDONLY | O_DIRECTORY)));
	say("two up %s", said(open("../..", O_RDONLY | O_DIRECTORY)));
	say("from here %s", said(other = openat(dir, "x", O_RDWR | O_TRUNC | O_APPEND)));
	close(other);
	put("x", "#!/bin/sh\nexit 4\n", 0700);
	say("stat %s", said(stat("x", &st)));
	say("fchmod %s", said(fchmod(fd, 0740)));
	say("fchown %s", said(fchown(fd, getuid(), getgid())));
	say("futimens %s", said(futimens(fd, ts)));
	say("chmod %s", said(fchmodat(dir, "x", 0700, 0)));
	say("fchmod of the directory %s", said(fchmod(dir, 0750)));
	say("truncate %s", said(truncate("x", 17)));
	say("O_TMPFILE %s", said(open(".", O_TMPFILE | O_RDWR, 0600)));
	close(fd);
	exec_says("a script", "./x", (char *[]) { name, NULL });
	say("mkdir %s", said(mkdir("y", 0700)));
	say("rename %s", said(rename("x", "z")));
	say("exchange %s", said(syscall(SYS_renameat2, AT_FDCWD, "y", AT_FDCWD, "z", 2)));
	say("and back %s", said(syscall(SYS_renameat2, AT_FDCWD, "y", AT_FDCWD, "z", 2)));
	say("rename a directory %s", said(renameat(dir, "y", dir, "yy")));
	rename("z", "x");
	deep_links();
	say("getcwd: %s", getcwd(b, sizeof(b)) == NULL ? said(-1) : "ok");
	say("unlink %s", said(unlink("x")));
	say("rmdir %s", said(unlinkat(dir, "yy", AT_REMOVEDIR)));
	snprintf(cmd, sizeof(cmd), "mkdir -p more/a/b && : >more/a/f && "
	    "[ $(find more | wc -l) = 4 ] && cp -a more copy && rm -rf copy && %stest ! -e copy", also);
	say("programs: %d", system(cmd));
	if (*also == '\0')
		say("rm: %d", system("rm -rf more"));
	for (int i = 0; i < levels; i++)
		if (chdir("..") == -1 || (i < levels - 2 && rmdir(name) == -1))
			say("up %d: %s", i, said(-1));
	say("rm -r of the rest: %d", system("rm -rf ddd*; ls"));
}

/* Levels of 200 bytes down from here, and back; what can be done at the bottom. */
static void
deep_directory(void)
{
	deep(19, "");
}

static void
deeper_directory(void)
{
	deep(60, "rm -rf more && ");
}

static void
any_bytes(void)
{
	unsigned int ok = 0, seen = 0;
	struct dirent *d;
	char p[8], q[8];
	DIR *dir;

	mkdir("n", 0700);
	if (chdir("n") == -1)
		return;
	for (int c = 1; c < 256; c++) {
		int fd;

		if (c == '/')
			continue;
		snprintf(p, sizeof(p), "%cx%c", c, c);
		snprintf(q, sizeof(q), "%cy", c);
		if ((fd = open(p, O_CREAT | O_EXCL | O_WRONLY, 0600)) == -1) {
			say("%d: %s", c, said(-1));
			continue;
		}
		close(fd);
		ok += rename(p, q) == 0 && open(q, O_RDONLY) != -1 && chmod(q, 0640) == 0;
	}
	if ((dir = opendir(".")) != NULL)
		while ((d = readdir(dir)) != NULL)
			seen += d->d_name[0] != '.' || d->d_name[1] == 'y';
	say("%u names worked, %u are listed", ok, seen);
	put("a (deleted)", "literal", 0600);
	say("%s", get("a (deleted)"));
	put("new\nline", "two lines", 0600);
	say("%s", get("new\nline"));
	put("\xff\xfe", "no utf-8", 0600);
	say("%s", get("\xff\xfe"));
	say("trailing slash: %s", said(open("a (deleted)/", O_RDONLY)));
	say("unlink with a slash: %s", said(unlink("a (deleted)/")));
	say("rename with a slash: %s", said(rename("a (deleted)", "b/")));
	say("mkdir with slashes: %s", said(mkdir("dd///", 0700)));
	say("rmdir of dot: %s", said(rmdir("dd/.")));
	say("rmdir of dotdot: %s", said(rmdir("dd/..")));
	say("rename of dot: %s", said(rename("dd/.", "ee")));
	say("mkdir of dotdot: %s", said(mkdir("dd/..", 0700)));
	say("unlink of a directory: %s", said(unlink("dd")));
	say("rmdir of a file: %s", said(rmdir("a (deleted)")));
	say("create dot: %s", said(open(".", O_CREAT | O_RDWR, 0600)));
	say("create a directory: %s", said(open("dd", O_CREAT, 0600)));
	say("create with a slash: %s", said(open("cc/", O_CREAT | O_RDWR, 0600)));
	say("empty: %s", said(open("", O_RDONLY)));
	say("empty mkdir: %s", said(mkdir("", 0700)));
	say("a null pointer: %s", said(syscall(SYS_openat, AT_FDCWD, NULL, 0)));
	say("write a directory: %s", said(open("dd", O_WRONLY)));
	say("O_DIRECTORY of a file: %s", said(open("a (deleted)", O_DIRECTORY)));
	say("O_EXCL of what is there: %s", said(open("dd", O_CREAT | O_EXCL, 0600)));
	say("a bad descriptor: %s", said(openat(77, "x", O_RDONLY)));
	say("not a directory: %s", said(openat(0, "x", O_RDONLY)));
}

static void
links(void)
{
	put("f", "here", 0600);
	(void)!symlink("f", "l");
	(void)!symlink("none", "dangling");
	(void)!symlink("loop", "loop");
	say("through a link: %s", get("l"));
	say("O_NOFOLLOW: %s", said(open("l", O_RDONLY | O_NOFOLLOW)));
	say("O_NOFOLLOW|O_CREAT: %s", said(open("l", O_CREAT | O_NOFOLLOW, 0600)));
	say("O_EXCL of a dangling one: %s", said(open("dangling", O_CREAT | O_EXCL, 0600)));
	say("O_CREAT of it: %s", said(open("dangling", O_CREAT | O_WRONLY, 0600)));
	say("made: %s", said(access("none", F_OK)));
	say("a loop: %s", said(open("loop", O_RDONLY)));
	say("O_CREAT of a loop: %s", said(open("loop", O_CREAT | O_RDWR, 0600)));
	say("unlink the link: %s, f: %s", said(unlink("l")), get("f"));
	say("lchown: %s", said(lchown("loop", getuid(), getgid())));
	say("link to a link: %s", said(link("loop", "loop2")));
	say("O_PATH|O_NOFOLLOW: %s", said(open("loop", O_PATH | O_NOFOLLOW)));
}

static void
deleted_cwd(void)
{
	char b[256];
	int fd;

	mkdir("gone", 0700);
	if (chdir("gone") == -1 || rmdir("../gone") == -1)
		say("%s", said(-1));
	say("getcwd: %s", getcwd(b, sizeof(b)) == NULL ? said(-1) : "ok");
	say("open .: %s", said(open(".", O_RDONLY)));
	say("create: %s", said(open("x", O_CREAT | O_RDWR, 0600)));
	say("mkdir: %s", said(mkdir("x", 0700)));
	say("open ..: %s", said(open("..", O_RDONLY)));
	say("open ../f: %s", said(fd = open("../f2", O_CREAT | O_RDWR, 0600)));
	say("exec: %s", said(system("exit 0")));
	say("absolute: %s", said(open("/etc/passwd", O_RDONLY)));
	say("unlink ../f: %s", said(unlink("../f2")));
	say("fchmod of what is unlinked: %s", said(fchmod(fd, 0644)));
	say("chmod by its magic link: %s", said(chmod("/proc/self/cwd", 0700)));
}

/* ---- /proc/self ---- */

static int
starts(const char *path, const char *text)
{
	char b[4096] = "";
	int fd = open(path, O_RDONLY);

	if (fd == -1 || read(fd, b, sizeof(b) - 1) <= 0)
		return 0;
	close(fd);
	return strstr(b, text) != NULL;
}

static void *
proc_self_thread(void *arg)
{
	char tid[16], p[64], line[32];

	(void)arg;
	snprintf(tid, sizeof(tid), "%d", (int)syscall(SYS_gettid));
	snprintf(line, sizeof(line), "\nPid:\t%s\n", tid);
	say("thread-self is the thread: %d", starts("/proc/thread-self/status", line));
	snprintf(line, sizeof(line), "\nPid:\t%d\n", getpid());
	say("self is the process: %d", starts("/proc/self/status", line));
	snprintf(p, sizeof(p), "/proc/self/task/%s/status", tid);
	say("by task: %d", starts(p, tid));
	prctl(PR_SET_NAME, "a-thread");
	say("comm: %s", get("/proc/thread-self/comm"));
	return NULL;
}

static void
proc_self(void)
{
	static const char *const ways[] = { "/proc/self/status",
		"/proc/./self/status", "//proc//self//status",
		"/proc/self/../self/status", "/proc/self/task/../status",
		"/dev/../proc/self/status", "/proc/self/root/proc/self/status",
		"/proc/self/cwd/../../../../../../../../../../proc/self/status",
		"/proc/thread-self/status", "/proc/thread-self/../../status",
		"/proc/self/fd/../status", "self/status", "../proc/self/status" };
	struct open_how how = { .flags = O_RDONLY };
	char line[32], p[256], b[256];
	pthread_t t;
	ssize_t n;
	int fd;

	snprintf(line, sizeof(line), "\nPid:\t%d\n", getpid());
	if (chdir("/proc") == -1)
		return;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		say("%-60s %d", ways[i], starts(ways[i], line));
	snprintf(p, sizeof(p), "/proc/%d/status", getpid());
	say("by number: %d", starts(p, line));
	fd = open("/proc/self", O_PATH | O_DIRECTORY);
	say("below O_PATH of it: %s", said(openat(fd, "status", O_RDONLY)));
	fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
	say("below a directory: %s", said(fd = openat(fd, "status", O_RDONLY)));
	n = read(fd, b, 10);
	say("%d bytes", (int)n);
	say("exe: %d", (n = readlink("/proc/self/exe", p, sizeof(p) - 1)) > 0 &&
	    (size_t)n == strlen(self) && memcmp(p, self, (size_t)n) == 0);
	say("its exe opens: %s", said(open("/proc/self/exe", O_RDONLY)));
	say("maps are ours: %d", starts("/proc/self/maps", self));
	say("cmdline is ours: %d", starts("/proc/self/cmdline", "behave"));
	say("mounts: %d", starts("/proc/mounts", "/"));
	say("net: %d", starts("/proc/net/dev", "lo"));
	fd = open("/proc/self/mem", O_RDWR);
	say("our own mem: %s", said(fd));
	n = pread(fd, b, 8, (off_t)(uintptr_t)line);
	say("reads as we do: %d", n == 8 && memcmp(b, line, 8) == 0);
	say("oom_score_adj: %s", said(open("/proc/self/oom_score_adj", O_RDWR)));
	put("/proc/self/comm", "renamed", 0644);
	say("comm: %s", get("/proc/self/comm"));
	fd = (int)syscall(SYS_openat2, AT_FDCWD, "/proc/self/status", &how, sizeof(how));
	say("openat2: %s", said(fd));
	how.resolve = RESOLVE_NO_MAGICLINKS;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, "/proc/self/status", &how, sizeof(how));
	n = fd == -1 ? 0 : read(fd, b, sizeof(b) - 1);
	b[n > 0 ? n : 0] = '\0';
	say("openat2, RESOLVE_NO_MAGICLINKS: %s", fd == -1 ? said(-1) :
	    strstr(b, "behave") != NULL || strstr(b, "renamed") != NULL ? "ours" : "another's");
	pthread_create(&t, NULL, proc_self_thread, NULL);
	pthread_join(t, NULL);
}

/* ---- descriptors ---- */

static void
o_path(void)
{
	struct stat st, st2;
	char p[64];
	int fd, dir;

	put("f", "by path", 0600);
	mkdir("d", 0700);
	put("d/g", "below", 0600);
	fd = open("f", O_PATH);
	say("read: %s", said(read(fd, p, 1)));
	say("fchmod: %s", said(fchmod(fd, 0640)));
	say("fchown: %s", said(fchown(fd, getuid(), getgid())));
	say("ftruncate: %s", said(ftruncate(fd, 0)));
	say("fgetxattr: %s", said(fgetxattr(fd, "user.x", p, 8)));
	say("same: %d", fstat(fd, &st) == 0 && stat("f", &st2) == 0 && st.st_ino == st2.st_ino);
	snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	say("reopened: %s", get(p));
	snprintf(p, sizeof(p), "/dev/fd/%d", fd);
	say("by /dev/fd: %s", get(p));
	say("flags: %o", fcntl(fd, F_GETFL) & O_PATH);
	dir = open("d", O_PATH | O_DIRECTORY);
	say("openat: %s", said(openat(dir, "g", O_RDONLY)));
	say("create: %s", said(openat(dir, "h", O_CREAT | O_RDWR, 0600)));
	say("fchdir: %s", said(fchdir(dir)));
	say("there: %s", get("g"));
	say("unlinkat: %s", said(unlinkat(dir, "h", 0)));
	say("execveat: %s", said(syscall(SYS_execveat, open("g", O_PATH), "",
	    (char *[]) { p, NULL }, (char *[]) { NULL }, AT_EMPTY_PATH)));
	say("O_PATH of nothing: %s", said(open("none", O_PATH)));
	say("O_PATH|O_CREAT: %s", said(open("none2", O_PATH | O_CREAT, 0600)));
	say("made: %s", said(access("none2", F_OK)));
	say("openat2, O_PATH: %s", said(syscall(SYS_openat2, AT_FDCWD, "g",
	    &(struct open_how) { .flags = O_PATH }, sizeof(struct open_how))));
}

static void
o_tmpfile(void)
{
	struct stat st;
	char p[64];
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);

	say("O_TMPFILE: %s", said(fd));
	umask(027);
	fd = open(".", O_TMPFILE | O_RDWR, 0666);
	fstat(fd, &st);
	say("mode %o, links %d", st.st_mode & 07777, (int)st.st_nlink);
	(void)!write(fd, "kept", 4);
	say("fchmod before: %s", said(fchmod(fd, 0644)));
	snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	say("linkat: %s", said(linkat(AT_FDCWD, p, AT_FDCWD, "named", AT_SYMLINK_FOLLOW)));
	say("%s", get("named"));
	say("fchmod after: %s", said(fchmod(fd, 0600)));
	say("reopened: %s", said(open(p, O_RDONLY)));
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	say("linkat of O_EXCL: %s", said(linkat(AT_FDCWD, p, AT_FDCWD, "never", AT_SYMLINK_FOLLOW)));
	say("read only: %s", said(open(".", O_TMPFILE | O_RDONLY, 0600)));
	say("of a file: %s", said(open("named", O_TMPFILE | O_RDWR, 0600)));
}

static void
unlinked(void)
{
	char p[64];
	int fd, fd2;

	put("f", "still", 0600);
	fd = open("f", O_RDWR);
	(void)!link("f", "g");
	unlink("f");
	say("fchmod, another name left: %s", said(fchmod(fd, 0640)));
	say("fchown: %s", said(fchown(fd, getuid(), getgid())));
	snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	say("reopened: %s", said(fd2 = open(p, O_RDWR)));
	unlink("g");
	say("fchmod, none left: %s", said(fchmod(fd, 0600)));
	say("reopened: %s", said(open(p, O_RDONLY)));
	say("futimens: %s", said(futimens(fd2, NULL)));
	say("truncate by magic link: %s", said(truncate(p, 2)));
}

static void
dev_fd(void)
{
	int pi[2], m = memfd_create("m", 0), s[2];
	char p[64], b[8] = "";

	(void)!pipe(pi);
	(void)!write(pi[1], "pipe", 4);
	snprintf(p, sizeof(p), "/dev/fd/%d", pi[0]);
	say("a pipe: %s", get(p));
	snprintf(p, sizeof(p), "/proc/self/fd/%d", pi[1]);
	say("its other end: %s", said(open(p, O_WRONLY)));
	(void)!write(m, "mem", 3);
	snprintf(p, sizeof(p), "/proc/self/fd/%d", m);
	say("a memfd: %s", get(p));
	snprintf(p, sizeof(p), "/proc/thread-self/fd/%d", m);
	say("the same by its thread: %s", get(p));
	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	snprintf(p, sizeof(p), "/dev/fd/%d", s[0]);
	say("a socket: %s", said(open(p, O_RDWR)));
	say("nothing: %s", said(open("/dev/fd/999", O_RDONLY)));
	say("/dev/stdin: %s", said(open("/dev/stdin", O_RDONLY)));
	say("/dev/null: %s", said(open("/dev/null", O_RDWR)));
	say("fchmod of a pipe: %s", said(fchmod(pi[0], 0600)));
	say("fchmod of a socket: %s", said(fchmod(s[0], 0600)));
	say("shell: %d", system("exec 5<<E\nword\nE\n[ \"$(cat /dev/fd/5)\" = word ]"));
	say("substitution: %d", system("[ -x /bin/bash ] || exit 0; bash -c '[ \"$(cat <(echo x))\" = x ]'"));
	(void)b;
}

static void
passed(void)
{
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(sizeof(int))];
	} u = { 0 };
	struct iovec iov = { (char[2]) { "x" }, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.b,
		.msg_controllen = sizeof(u.b) };
	int s[2], fd, got = -1;
	char b[16] = "";
	ssize_t n;
	pid_t pid;

	put("f", "passed on", 0600);
	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	if ((pid = fork()) == 0) {
		fd = open("f", O_RDONLY);
		u.h = (struct cmsghdr) { .cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
		_exit(sendmsg(s[0], &m, 0) == 1 ? 0 : errno);
	}
	say("sent: %d", ended(pid));
	say("received: %s", said(recvmsg(s[1], &m, MSG_DONTWAIT)));
	if (m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&got, CMSG_DATA(&u.h), sizeof(got));
	say("a descriptor came: %d", got != -1);
	(void)!read(got, b, 9);
	say("%s", b);
	n = read(9, b, 9);
	say("inherited 9: %s", n > 0 ? b : said(-1));
}

static void
fifos(void)
{
	char b[8] = "";
	ssize_t n;
	pid_t pid;
	int fd;

	mkfifo("p", 0600);
	if ((pid = fork()) == 0) {
		fd = open("p", O_WRONLY);
		_exit(write(fd, "through", 7) == 7 ? 0 : 1);
	}
	fd = open("p", O_RDONLY);
	n = read(fd, b, 7);
	say("read %zd: %s", n, b);
	say("writer: %d", ended(pid));
	say("then end of file: %zd", read(fd, b, 7));
	close(fd);
	if ((pid = fork()) == 0) {
		usleep(20000);
		fd = open("p", O_RDONLY);
		_exit(read(fd, b, 7) == 4 ? 0 : 1);
	}
	fd = open("p", O_WRONLY);
	(void)!write(fd, "back", 4);
	close(fd);
	say("reader: %d", ended(pid));
	say("write, nobody reads: %s", said(open("p", O_WRONLY | O_NONBLOCK)));
	say("read, nobody writes: %s", said(open("p", O_RDONLY | O_NONBLOCK)));
	say("both: %s", said(fd = open("p", O_RDWR)));
	say("O_CREAT of it: %s", said(open("p", O_CREAT | O_RDWR | O_NONBLOCK, 0600)));
	say("O_TRUNC: %s", said(open("p", O_TRUNC | O_RDWR)));
	say("mknod: %s", said(mknod("q", S_IFIFO | 0644, 0)));
	say("mknod again: %s", said(mknod("q", S_IFIFO | 0644, 0)));
	say("a socket's file: %s", said(mknod("s", S_IFSOCK | 0600, 0)));
	say("opened: %s", said(open("s", O_RDONLY)));
}

static void
ttys(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), zero = 0, n = 0, s, p[2];
	char name[64], b[64] = "";
	ssize_t k;
	pid_t pid;

	say("ptmx: %s", said(m));
	ioctl(m, TIOCSPTLCK, &zero);
	ioctl(m, TIOCGPTN, &n);
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	s = open(name, O_RDWR | O_NOCTTY);
	say("slave: %s, a tty: %d", said(s), isatty(s));
	say("/dev/tty without one: %s", said(setsid() == -1 ? 0 : open("/dev/tty", O_RDWR)));
	(void)!pipe(p);
	if ((pid = fork()) == 0) {
		setsid();
		if (ioctl(s, TIOCSCTTY, 0) == -1)
			_exit(1);
		dup2(s, 0);
		dup2(s, 1);
		dup2(s, 2);
		_exit(system("tty >/dev/null && echo by-name >/dev/tty && stty size >/dev/null"));
	}
	say("session with a terminal: %d", ended(pid));
	close(s);
	k = read(m, b, sizeof(b) - 1);
	b[k > 0 ? k : 0] = '\0';
	b[strcspn(b, "\r\n")] = '\0';
	say("it wrote: %s", b);
	close(m);
	(void)p;
}

static void
leases(void)
{
	int fd;

	put("f", "x", 0600);
	fd = open("f", O_RDONLY);
	say("lock: %s", said(fcntl(fd, F_SETLK, &(struct flock) { .l_type = F_RDLCK })));
	close(fd);
	fd = open("f", O_RDWR);
	say("write lock: %s", said(fcntl(fd, F_SETLK, &(struct flock) { .l_type = F_WRLCK })));
	say("get lease: %d", fcntl(fd, F_GETLEASE));
}

/* ---- whose it is ---- */

static void
show(const char *what, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		say("%-24s %s", what, said(-1));
	else
		say("%-24s %o, %u %u", what, st.st_mode, st.st_uid, st.st_gid);
}

static void
owners(void)
{
	int fd;

	umask(037);
	put("a", "", 0666);
	close(open("b", O_CREAT | O_WRONLY, 0777));
	mkdir("c", 0777);
	mkfifo("d", 0666);
	show("file", "b");
	show("directory", "c");
	show("fifo", "d");
	umask(0);
	close(open("e", O_CREAT | O_WRONLY, 06777));
	show("set-id bits", "e");
	close(open("e", O_WRONLY | O_TRUNC));
	show("after O_TRUNC", "e");
	chmod("e", 06755);
	fd = open("e", O_WRONLY);
	(void)!write(fd, "x", 1);
	show("after a write", "e");
	mkdir("g", 02770);
	chmod("g", 02770);
	close(open("g/x", O_CREAT | O_WRONLY, 0664));
	mkdir("g/y", 0775);
	show("in a set-gid directory", "g/x");
	show("a directory there", "g/y");
	chmod("b", 0);
	say("mode 0: %s", said(open("b", O_RDONLY)));
	say("/etc/shadow: %s", said(open("/etc/shadow", O_RDONLY)));
	say("/etc/passwd for writing: %s", geteuid() == 0 ? "skipped" : said(open("/etc/passwd", O_WRONLY)));
	say("create in /etc: %s", geteuid() == 0 ? "skipped" : said(open("/etc/behave-test", O_CREAT | O_WRONLY, 0600)));
	say("chown to another: %s", geteuid() == 0 ? "skipped" : said(chown("a", 1, 1)));
	say("chmod of another's: %s", geteuid() == 0 ? "skipped" : said(chmod("/etc/passwd", 0600)));
	say("/proc/1/environ: %s", geteuid() == 0 ? "skipped" : said(open("/proc/1/environ", O_RDONLY)));
	say("kill 1: %s", geteuid() == 0 ? "skipped" : said(kill(1, 0)));
	say("access: %s", said(access("b", R_OK)));
}

static void
limits(void)
{
	struct rlimit rl = { 64, 64 };
	int fd, n = 0, first;
	struct stat st;
	pid_t pid;

	put("kept", "text", 0600);
	first = dup(0);
	close(first);
	setrlimit(RLIMIT_NOFILE, &rl);
	while ((fd = open("/dev/null", O_RDONLY)) != -1)
		n++;
	say("then %s, all numbers used: %d", said(-1), n == 64 - first || n > 40);
	say("create: %s", said(open("late", O_CREAT | O_WRONLY, 0600)));
	say("made: %s", said(access("late", F_OK)));
	say("cut short: %s", said(open("kept", O_WRONLY | O_TRUNC)));
	say("left: %d", stat("kept", &st) == 0 && st.st_size == 4);
	/* Numbers above a limit that was lowered are not in its way. */
	rl.rlim_cur = 32;
	setrlimit(RLIMIT_NOFILE, &rl);
	say("below a lower limit: %s", said(open("late", O_CREAT | O_WRONLY, 0600)));
	close(20);
	say("one given back: %d", open("late", O_CREAT | O_WRONLY, 0600));
	rl.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &rl);
	close(63);
	say("lowest number: %d", open("/dev/null", O_RDONLY));
	rl = (struct rlimit) { 100, 100 };
	signal(SIGXFSZ, SIG_IGN);
	close(62);
	put("size", "x", 0600);
	if ((pid = fork()) == 0) {
		setrlimit(RLIMIT_FSIZE, &rl);
		_exit(truncate("size", 4096) == -1 ? errno : 0);
	}
	say("truncate beyond RLIMIT_FSIZE: %d", ended(pid));
}

static void
flags(void)
{
	int fd;

	put("f", "0123456789", 0600);
	fd = open("f", O_WRONLY | O_APPEND);
	say("append %o, cloexec %d", fcntl(fd, F_GETFL) & O_APPEND, fcntl(fd, F_GETFD));
	fd = open("f", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
	say("flags %o, cloexec %d", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	fd = open("f", O_RDWR | O_SYNC | O_DSYNC);
	say("flags %o", fcntl(fd, F_GETFL));
	say("O_DIRECT: %s", said(open("f", O_RDONLY | O_DIRECT)));
	say("3: %s", said(open("f", 3)));
	say("rubbish: %s", said(open("f", O_RDONLY | 0x40000000)));
	say("O_CREAT|O_DIRECTORY: %s", said(open("nn", O_CREAT | O_DIRECTORY, 0700)));
	say("O_CREAT|O_DIRECTORY of one: %s", said(open(".", O_CREAT | O_DIRECTORY, 0700)));
	say("openat2 rubbish: %s", said(syscall(SYS_openat2, AT_FDCWD, "f",
	    &(struct open_how) { .flags = 0x40000000 }, sizeof(struct open_how))));
	say("openat2 mode: %s", said(syscall(SYS_openat2, AT_FDCWD, "f",
	    &(struct open_how) { .mode = 0600 }, sizeof(struct open_how))));
	say("openat2 small: %s", said(syscall(SYS_openat2, AT_FDCWD, "f",
	    &(struct open_how) { .mode = 0 }, 8)));
	say("openat2 create beneath: %s", said(syscall(SYS_openat2, AT_FDCWD, "bb",
	    &(struct open_how) { .flags = O_CREAT | O_RDWR, .mode = 0600,
		.resolve = RESOLVE_BENEATH }, sizeof(struct open_how))));
	say("openat2 beneath, out: %s", said(syscall(SYS_openat2, AT_FDCWD, "../x",
	    &(struct open_how) { .resolve = RESOLVE_BENEATH }, sizeof(struct open_how))));
	say("openat2 beneath: %s", said(syscall(SYS_openat2, AT_FDCWD, "f",
	    &(struct open_how) { .resolve = RESOLVE_BENEATH }, sizeof(struct open_how))));
	say("openat2 in root: %s", said(syscall(SYS_openat2, open(".", O_PATH), "/f",
	    &(struct open_how) { .resolve = RESOLVE_IN_ROOT }, sizeof(struct open_how))));
	say("renameat2 rubbish: %s", said(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 64)));
	say("noreplace: %s", said(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "f", 1)));
	say("unlinkat rubbish: %s", said(syscall(SYS_unlinkat, AT_FDCWD, "f", 64)));
	say("faccessat: %s", said(faccessat(AT_FDCWD, "f", R_OK, 0)));
}

static void
set_uid(void)
{
	char *const argv[] = { (char[]) { "id" }, (char[]) { "-u" }, NULL };
	pid_t pid;
	int p[2];
	char b[32] = "";

	(void)!pipe(p);
	if ((pid = fork()) == 0) {
		dup2(p[1], 1);
		execv("../suid-id", argv);
		_exit(errno);
	}
	say("ends with %d", ended(pid));
	(void)!read(p[0], b, sizeof(b) - 1);
	b[strcspn(b, "\n")] = '\0';
	say("id: %s", b);
}

static const struct behaviour behave_all[] = {
	{ "threads", threads },
	{ "threads-at-once", threads_at_once },
	{ "processes", processes },
	{ "vfork", vfork_exec },
	{ "exec-from-thread", exec_from_thread },
	{ "exec-twice", exec_twice },
	{ "exec-fails", exec_fails },
	{ "write-close-exec", write_close_exec },
	{ "signal-restart", signal_restart },
	{ "signal-storm", signal_storm },
	{ "signal-exec", signal_exec },
	{ "stop-and-go", stop_and_go },
	{ "killed-in-call", killed_in_call },
	{ "killed-in-exec", killed_in_exec },
	{ "exec-race-killed", exec_race_killed },
	{ "long-names", long_names },
	{ "deep-directory", deep_directory },
	{ "deeper-directory", deeper_directory },
	{ "any-bytes", any_bytes },
	{ "links", links },
	{ "deleted-cwd", deleted_cwd },
	{ "proc-self", proc_self },
	{ "o-path", o_path },
	{ "o-tmpfile", o_tmpfile },
	{ "unlinked", unlinked },
	{ "dev-fd", dev_fd },
	{ "passed", passed },
	{ "fifos", fifos },
	{ "ttys", ttys },
	{ "leases", leases },
	{ "owners", owners },
	{ "limits", limits },
	{ "flags", flags },
	{ "set-uid", set_uid },
	{ NULL, NULL },
};

static const struct behaviour *const themes[] = { behave_all, behave_tty };
#define NTHEMES (sizeof(themes) / sizeof(themes[0]))

static int
list(void)
{
	for (size_t i = 0; i < NTHEMES; i++)
		for (const struct behaviour *b = themes[i]; b->name != NULL; b++)
			puts(b->name);
	return 0;
}

int
main(int argc, char **argv)
{
	static char exe[4096];

	if (argc == 2 && strcmp(argv[1], "-l") == 0)
		return list();
	if (argc != 3 || chdir(argv[2]) == -1 ||
	    readlink("/proc/self/exe", exe, sizeof(exe) - 1) == -1) {
		fprintf(stderr, "usage: behave -l | NAME DIR\n");
		return 2;
	}
	self = exe;
	umask(022);
	for (size_t i = 0; i < NTHEMES; i++)
		for (const struct behaviour *b = themes[i]; b->name != NULL; b++)
			if (strcmp(b->name, argv[1]) == 0) {
				b->fn();
				return 0;
			}
	return 2;
}
