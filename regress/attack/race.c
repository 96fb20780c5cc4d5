/*
 * Run inside a session: for each kind of call, one process makes the call over and over on
 * a name that the policy allows while others change what that name means, or a thread changes
 * the bytes that name it.  A win is an effect on an object below DIR/secret, which
 * the policy denies; reads are checked here, every other effect is looked at from
 * outside by race.sh.
 *
 *	race DIR SECONDS [CALL...]	in DIR: ok/ and secret/, as race.sh makes them
 *	race -l				the calls
 *
 * Exit 0: no win seen here; 1: a win; 2: it could not work (also a failure).
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

#define PORT_OK	    45671
#define PORT_SECRET 45672

static char path_ok[512], path_bad[512];
static char *volatile shared; /* the path whose bytes flip */
static volatile int stop;
static int top; /* DIR: the caller may stand elsewhere */
static _Atomic unsigned long wins, tries, done;

/* ---- the calls: each on p, free to fail; a name below ok/ is made anew as needed ---- */

static void
fresh(const char *name, int mode)
{
	int fd = openat(top, name, O_CREAT | O_WRONLY, mode);

	if (fd != -1)
		close(fd);
}

static int
call_read_open(const char *p)
{
	char b[16] = "";
	int fd = syscall(SYS_openat, AT_FDCWD, p, O_RDONLY | O_NONBLOCK);

	if (fd == -1)
		return -1;
	if (read(fd, b, sizeof(b) - 1) > 0 && strncmp(b, "SECRET", 6) == 0)
		wins++;
	close(fd);
	return 0;
}

static int
call_path_then_read(const char *p)
{
	char q[64], b[16] = "";
	int fd = syscall(SYS_openat, AT_FDCWD, p, O_PATH), f2;

	if (fd == -1)
		return -1;
	snprintf(q, sizeof(q), "/proc/self/fd/%d", fd);
	f2 = open(q, O_RDONLY);
	close(fd);
	if (f2 == -1)
		return -1;
	if (read(f2, b, sizeof(b) - 1) > 0 && strncmp(b, "SECRET", 6) == 0)
		wins++;
	close(f2);
	return 0;
}

static int
call_create(const char *p)
{
	int fd = syscall(SYS_openat, AT_FDCWD, p, O_CREAT | O_WRONLY | O_NONBLOCK, 0600);

	if (fd == -1)
		return -1;
	(void)!write(fd, "x", 1);
	close(fd);
	return 0;
}

static int
call_open_trunc(const char *p)
{
	int fd = syscall(SYS_openat, AT_FDCWD, p, O_WRONLY | O_TRUNC);

	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

static int
call_truncate(const char *p)
{
	return syscall(SYS_truncate, p, 1);
}

static int
call_unlink(const char *p)
{
	int r = syscall(SYS_unlink, p);

	fresh(path_ok, 0600);
	return r;
}

static int
call_rename_old(const char *p)
{
	int r = syscall(SYS_renameat2, AT_FDCWD, p, top, "ok/moved", 0);

	fresh(path_ok, 0600);
	return r;
}

static int
call_rename_new(const char *p)
{
	fresh("ok/source", 0600);
	return syscall(SYS_renameat2, top, "ok/source", AT_FDCWD, p, 0);
}

static int
call_link_old(const char *p)
{
	unlinkat(top, "ok/hard", 0);
	return syscall(SYS_linkat, AT_FDCWD, p, top, "ok/hard", 0);
}

static int
call_link_new(const char *p)
{
	fresh("ok/source", 0600);
	unlinkat(top, path_ok, 0);
	return syscall(SYS_linkat, top, "ok/source", AT_FDCWD, p, 0);
}

static int
call_symlink(const char *p)
{
	unlinkat(top, path_ok, 0);
	return syscall(SYS_symlink, "target", p);
}

static int
call_mkdir(const char *p)
{
	unlinkat(top, path_ok, AT_REMOVEDIR);
	unlinkat(top, path_ok, 0);
	return syscall(SYS_mkdir, p, 0700);
}

static int
call_mkfifo(const char *p)
{
	unlinkat(top, path_ok, 0);
	return syscall(SYS_mknod, p, S_IFIFO | 0600, 0);
}

static int
call_chmod(const char *p)
{
	return syscall(SYS_chmod, p, 0604);
}

static int
call_chown(const char *p)
{
	return syscall(SYS_chown, p, getuid(), getgid() + 1);
}

static int
call_utimes(const char *p)
{
	struct timespec t[2] = { { 1, 0 }, { 1, 0 } };

	return syscall(SYS_utimensat, AT_FDCWD, p, t, 0);
}

static int
call_setxattr(const char *p)
{
	return syscall(SYS_setxattr, p, "user.race", "x", 1, 0);
}

static int
call_exec(const char *p)
{
	char *const argv[] = { (char *)(uintptr_t)p, NULL };
	pid_t pid = vfork();
	int status = 0;

	if (pid == 0) {
		close(2); /* a script that vanished is its interpreter's complaint */
		syscall(SYS_execve, p, argv, NULL);
		_exit(1);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return -1;
	/* ok/f ends with 3 when it is run, secret/f with 7 */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 7)
		wins++;
	return WIFEXITED(status) && WEXITSTATUS(status) == 3 ? 0 : -1;
}

/* ---- what changes a name's meaning ---- */

/* A thread of the caller: the bytes of the string. */
static void *
flip_bytes(void *arg)
{
	size_t n = strlen(path_ok);

	(void)arg;
	while (!stop) {
		memcpy(shared, path_bad, n + 1);
		memcpy(shared, path_ok, n + 1);
	}
	return NULL;
}

/* The last name is now a file, now a symlink to the secret one. */
static void
flip_symlink(void)
{
	(void)!symlink("../secret/f", "ok/l.bad");
	(void)!symlink("f", "ok/l");
	for (;;)
		syscall(SYS_renameat2, AT_FDCWD, "ok/l", AT_FDCWD, "ok/l.bad", RENAME_EXCHANGE);
}

/* A directory on the way is now itself, now a symlink to secret. */
static void
flip_dir(void)
{
	mkdir("ok/m", 0700);
	(void)!symlink("../secret", "ok/m.bad");
	for (;;)
		syscall(SYS_renameat2, AT_FDCWD, "ok/m", AT_FDCWD, "ok/m.bad", RENAME_EXCHANGE);
}

/* The caller stands in a directory that is now below ok/deep, now below secret. */
static void
flip_two_levels(void)
{
	for (;;) {
		syscall(SYS_renameat2, AT_FDCWD, "ok/deep/d", AT_FDCWD, "secret/d", 0);
		syscall(SYS_renameat2, AT_FDCWD, "secret/d", AT_FDCWD, "ok/deep/d", 0);
	}
}

static const struct flip {
	const char *name;
	void (*other)(void); /* in two processes of their own, or NULL: a thread flips bytes */
	const char *path;    /* what the caller names */
} flips[] = {
	{ "bytes", NULL, NULL },
	{ "symlink", flip_symlink, "ok/l" },
	{ "directory", flip_dir, "ok/m/f" },
	{ "two-levels", flip_two_levels, "../f" },
};

static const struct call {
	const char *name;
	int (*fn)(const char *p);
	int new_name; /* 1: the call makes its name: what is flipped is name n, absent in secret */
} calls[] = {
	{ "open-read", call_read_open, 0 },
	{ "open-path", call_path_then_read, 0 },
	{ "open-create", call_create, 1 },
	{ "open-trunc", call_open_trunc, 0 },
	{ "truncate", call_truncate, 0 },
	{ "exec", call_exec, 0 },
	{ "unlink", call_unlink, 0 },
	{ "rename-old", call_rename_old, 0 },
	{ "rename-new", call_rename_new, 1 },
	{ "link-old", call_link_old, 0 },
	{ "link-new", call_link_new, 1 },
	{ "symlink", call_symlink, 1 },
	{ "mkdir", call_mkdir, 1 },
	{ "mkfifo", call_mkfifo, 1 },
	{ "chmod", call_chmod, 0 },
	{ "chown", call_chown, 0 },
	{ "utimes", call_utimes, 0 },
	{ "setxattr", call_setxattr, 0 },
};
#define NCALLS (sizeof(calls) / sizeof(calls[0]))
#define NFLIPS (sizeof(flips) / sizeof(flips[0]))

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void
run(const struct call *c, const struct flip *f, double seconds)
{
	double end = now() + seconds;
	pthread_t t[2];
	pid_t pid = 0;
	char buf[512];

	/* both of one length, so that a mixture of their bytes is one of few names */
	snprintf(path_ok, sizeof(path_ok), "ok/////%c", c->new_name ? 'n' : 'f');
	snprintf(path_bad, sizeof(path_bad), "secret/%c", c->new_name ? 'n' : 'f');
	tries = done = 0;
	stop = 0;
	if (f->other == NULL) {
		strcpy(shared, path_ok);
		pthread_create(&t[0], NULL, flip_bytes, NULL);
		do {
			for (int i = 0; i < 20; i++, tries++)
				done += c->fn(shared) == 0;
		} while (now() < end);
		stop = 1;
		pthread_join(t[0], NULL);
	} else {
		snprintf(buf, sizeof(buf), "%s", f->path);
		if (c->new_name && buf[strlen(buf) - 1] == 'f')
			buf[strlen(buf) - 1] = 'n';
		if (f->other == flip_two_levels) {
			mkdir("ok/deep", 0700);
			mkdir("ok/deep/d", 0700);
			if (linkat(top, "ok/f", top, "ok/deep/f", 0) == -1 && errno != EEXIST)
				perror("ok/deep/f");
		}
		if ((pid = fork()) == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			f->other();
			_exit(0);
		}
		if (f->other == flip_two_levels && chdir("ok/deep/d") == -1)
			perror("ok/deep/d");
		do {
			for (int i = 0; i < 20; i++, tries++)
				done += c->fn(buf) == 0;
		} while (now() < end);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (fchdir(top) == -1)
			_exit(2);
		/* put back what may stand in secret */
		renameat(top, "secret/d", top, "ok/deep/d");
	}
	printf("%-12s %-11s %9lu tried %9lu done %lu wins\n", c->name, f->name,
	    tries, done, wins);
}

/* ---- addresses: the sockaddr's port flips between one that is allowed and one that is not ---- */

static struct sockaddr_in *volatile addr;

static void *
flip_port(void *arg)
{
	(void)arg;
	while (!stop) {
		addr->sin_port = htons(PORT_SECRET);
		addr->sin_port = htons(PORT_OK);
	}
	return NULL;
}

static int
net_connect(int *type)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), r;

	(void)type;
	r = syscall(SYS_connect, s, addr, sizeof(*addr));
	close(s);
	return r;
}

static int
net_bind(int *type)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM, 0), r, one = 1;

	(void)type;
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	r = syscall(SYS_bind, s, addr, sizeof(*addr));
	if (r == 0 && getsockname(s, (struct sockaddr *)&a, &n) == 0 &&
	    a.sin_port == htons(PORT_SECRET + 1000))
		wins++;
	close(s);
	return r;
}

static int
net_sendto(int *type)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), r;

	(void)type;
	r = syscall(SYS_sendto, s, "x", 1, MSG_DONTWAIT, addr, sizeof(*addr));
	close(s);
	return r;
}

static int
net_sendmsg(int *type)
{
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr m = { .msg_name = addr, .msg_namelen = sizeof(*addr),
		.msg_iov = &iov, .msg_iovlen = 1 };
	int s = socket(AF_INET, SOCK_DGRAM, 0), r;

	(void)type;
	r = syscall(SYS_sendmsg, s, &m, MSG_DONTWAIT);
	close(s);
	return r;
}

static const struct netcall {
	const char *name;
	int (*fn)(int *type);
	int shift; /* added to the ports: bind must not collide with race.sh's listeners */
} netcalls[] = {
	{ "connect", net_connect, 0 },
	{ "bind", net_bind, 1000 },
	{ "sendto", net_sendto, 0 },
	{ "sendmsg", net_sendmsg, 0 },
};
#define NNETCALLS (sizeof(netcalls) / sizeof(netcalls[0]))

static void *
flip_port_bind(void *arg)
{
	(void)arg;
	while (!stop) {
		addr->sin_port = htons(PORT_SECRET + 1000);
		addr->sin_port = htons(PORT_OK + 1000);
	}
	return NULL;
}

static void
run_net(const struct netcall *c, double seconds)
{
	double end = now() + seconds;
	pthread_t t;

	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr->sin_port = htons(PORT_OK + c->shift);
	tries = done = 0;
	stop = 0;
	pthread_create(&t, NULL, c->shift ? flip_port_bind : flip_port, NULL);
	do {
		for (int i = 0; i < 20; i++, tries++)
			done += c->fn(NULL) >= 0;
	} while (now() < end);
	stop = 1;
	pthread_join(t, NULL);
	printf("%-12s %-11s %9lu tried %9lu done %lu wins\n", c->name, "port",
	    tries, done, wins);
}

/*
 * ---- descriptors: what a number means flips between a file that may be changed and
 * one that may only be read ----
 */

static int fd_ok, fd_ro, fd_flip;

static int
fd_chmod(void)
{
	return syscall(SYS_fchmod, fd_flip, 0604);
}

static int
fd_chown(void)
{
	return syscall(SYS_fchown, fd_flip, getuid(), getgid() + 1);
}

static int
fd_times(void)
{
	return syscall(SYS_utimensat, fd_flip, NULL, NULL, 0);
}

static void *
flip_fd(void *arg)
{
	(void)arg;
	while (!stop) {
		dup2(fd_ro, fd_flip);
		dup2(fd_ok, fd_flip);
	}
	return NULL;
}

static int
flip_fd_process(void *arg)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	flip_fd(arg);
	return 0;
}

static const struct fdcall {
	const char *name;
	int (*fn)(void);
} fdcalls[] = {
	{ "fchmod", fd_chmod },
	{ "fchown", fd_chown },
	{ "futimens", fd_times },
};
#define NFDCALLS (sizeof(fdcalls) / sizeof(fdcalls[0]))

static void
run_fd(const struct fdcall *c, int process, double seconds)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct stat was, is;
	double end;
	pthread_t t;
	pid_t pid = 0;

	fd_ok = open("ok/f", O_RDONLY);
	fd_ro = open("ro/f", O_RDONLY);
	fd_flip = dup(fd_ok);
	tries = done = 0;
	stop = 0;
	if (fd_ok == -1 || fd_ro == -1 || fd_flip == -1 || fstat(fd_ro, &was) == -1) {
		perror("ok/f, ro/f");
		return;
	}
	/* alone so far: what was known then must not be believed below */
	(void)!c->fn();
	if (process)
		pid = clone(flip_fd_process, stack + sizeof(stack),
		    CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	else
		pthread_create(&t, NULL, flip_fd, NULL);
	if (pid == -1) {
		perror("clone");
		return;
	}
	end = now() + seconds;
	do {
		for (int i = 0; i < 20; i++, tries++)
			done += c->fn() == 0;
	} while (now() < end || (done == 0 && tries < 2000));
	stop = 1;
	if (process)
		waitpid(pid, NULL, 0);
	else
		pthread_join(t, NULL);
	if (fstat(fd_ro, &is) == -1 || is.st_mode != was.st_mode || is.st_gid != was.st_gid ||
	    is.st_mtim.tv_sec != was.st_mtim.tv_sec)
		wins++;
	close(fd_ok);
	close(fd_ro);
	close(fd_flip);
	printf("%-12s %-11s %9lu tried %9lu done %lu wins\n", c->name,
	    process ? "process" : "thread", tries, done, wins);
}

static int
wanted(int argc, char **argv, const char *name)
{
	if (argc <= 3)
		return 1;
	for (int i = 3; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned long idle = 0;
	double seconds;

	if (argc == 2 && strcmp(argv[1], "-l") == 0) {
		for (size_t i = 0; i < NCALLS; i++)
			puts(calls[i].name);
		for (size_t i = 0; i < NNETCALLS; i++)
			puts(netcalls[i].name);
		for (size_t i = 0; i < NFDCALLS; i++)
			puts(fdcalls[i].name);
		return 0;
	}
	if (argc < 3 || chdir(argv[1]) == -1) {
		fprintf(stderr, "usage: race DIR SECONDS [CALL...]\n");
		return 2;
	}
	if ((top = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return 2;
	seconds = atof(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	addr = (struct sockaddr_in *)(void *)(shared + 4096);
	for (size_t i = 0; i < NCALLS; i++)
		for (size_t j = 0; j < NFLIPS && wanted(argc, argv, calls[i].name); j++) {
			run(&calls[i], &flips[j], seconds / NFLIPS);
			idle += tries == 0;
		}
	for (size_t i = 0; i < NNETCALLS; i++)
		if (wanted(argc, argv, netcalls[i].name)) {
			run_net(&netcalls[i], seconds);
			idle += tries == 0;
		}
	/* threads first: after a process that shares, nobody is believed to be alone */
	for (int process = 0; process < 2; process++)
		for (size_t i = 0; i < NFDCALLS; i++)
			if (wanted(argc, argv, fdcalls[i].name)) {
				run_fd(&fdcalls[i], process, seconds / 2);
				idle += done == 0;
			}
	if (idle != 0)
		return 2;
	return wins != 0;
}
