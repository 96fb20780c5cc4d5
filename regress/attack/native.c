/*
 * native: calls whose results must be the same inside a session as outside.
 * Prints what it sees; native.sh runs it both ways in the same directory and
 * compares.
 *
 *	native DIR GROUP	open openat2 names numbers metadata room orphan exec locks signals masks crowd
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#endif
#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#endif
#ifndef SYS_file_getattr
#define SYS_file_getattr 468
#define SYS_file_setattr 469
#endif

#define CROWD 100 /* the deployment allows 256 processes */
#define MANY  150000 /* arguments, short enough for a stack of 8 MiB */

static void
say(const char *what, long r)
{
	printf("%s: %s\n", what, r >= 0 ? "ok" : strerror(errno));
}

/*
 * As say, of a call that this kernel has: what older ones lack may be performed
 * for a session all the same.
 */
static void
say_since(int major, int minor, const char *what, long r)
{
	int e = errno, has[2] = { 0 };
	struct utsname u;

	if (uname(&u) == 0 && sscanf(u.release, "%d.%d", &has[0], &has[1]) == 2 &&
	    has[0] * 1000 + has[1] < major * 1000 + minor)
		return;
	errno = e;
	say(what, r);
}

/* Open, say what came of it, close. */
static void
try_open(const char *what, int dir, const char *path, int flags, mode_t mode)
{
	int fd = openat(dir, path, flags, mode);

	say(what, fd);
	if (fd >= 0)
		close(fd);
}

static void
group_open(void)
{
	char fdname[64], name[5000];
	struct stat st;
	int dir, fd;

	try_open("create", AT_FDCWD, "f", O_CREAT | O_WRONLY, 0666);
	try_open("again", AT_FDCWD, "f", O_CREAT | O_WRONLY | O_TRUNC, 0666);
	try_open("exclusive", AT_FDCWD, "f", O_CREAT | O_EXCL | O_WRONLY, 0666);
	try_open("slash", AT_FDCWD, "f/", O_RDONLY, 0);
	try_open("create slash", AT_FDCWD, "g/", O_CREAT | O_RDONLY, 0600);
	try_open("create a directory", AT_FDCWD, ".", O_CREAT | O_RDONLY, 0600);
	try_open("no directory", AT_FDCWD, "none/a", O_CREAT | O_RDONLY, 0600);
	try_open("empty", AT_FDCWD, "", O_RDONLY, 0);
	try_open("bad address", AT_FDCWD, (char *)8, O_RDONLY, 0);
	memset(name, '/', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	try_open("long path", AT_FDCWD, name, O_RDONLY, 0);
	memset(name, 'a', 300);
	name[300] = '\0';
	try_open("long name", AT_FDCWD, name, O_RDONLY, 0);
	(void)!symlink("f", "link");
	try_open("link", AT_FDCWD, "link", O_RDONLY, 0);
	try_open("link not followed", AT_FDCWD, "link", O_RDONLY | O_NOFOLLOW,
	    0);
	(void)!symlink("target", "dangling");
	try_open("create through a link", AT_FDCWD, "dangling",
	    O_CREAT | O_WRONLY, 0600);
	say("made its target", access("target", F_OK));
	dir = open(".", O_PATH);
	say("O_PATH", dir);
	try_open("below O_PATH", dir, "f", O_RDONLY, 0);
	try_open("dots", dir, "./../././", O_RDONLY, 0);
	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	fstat(fd, &st);
	printf("O_TMPFILE %o\n", st.st_mode);
	snprintf(fdname, sizeof(fdname), "/proc/self/fd/%d", fd);
	say("link it", linkat(AT_FDCWD, fdname, AT_FDCWD, "tmp",
	    AT_SYMLINK_FOLLOW));
	try_open("again by its descriptor", AT_FDCWD, fdname, O_RDWR, 0);
	try_open("/dev/fd", AT_FDCWD, "/dev/fd/0", O_RDONLY, 0);
	close(fd);
	/* fs.protected_regular and protected_fifos, as they are set here. */
	mkdir("sticky", 0777);
	close(open("sticky/f", O_CREAT | O_WRONLY, 0666));
	mkfifo("sticky/p", 0666);
	(void)!chown("sticky/f", 1, 1);
	(void)!chown("sticky/p", 1, 1);
	chmod("sticky", 01777);
	try_open("another's in a sticky directory", AT_FDCWD, "sticky/f",
	    O_CREAT | O_WRONLY, 0600);
	try_open("another's fifo", AT_FDCWD, "sticky/p", O_CREAT | O_RDWR,
	    0600);
	chmod("sticky", 01775);
	try_open("one of a group", AT_FDCWD, "sticky/f", O_CREAT | O_WRONLY,
	    0600);
	chmod("sticky", 0777);
	fd = open("f", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	printf("flags %x %x\n", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
	fd = open("f", O_CREAT | O_RDWR | O_APPEND, 0600);
	printf("of one that was there %x\n", fcntl(fd, F_GETFL));
	fd = open("made", O_CREAT | O_RDWR, 0600);
	printf("of a new one %x\n", fcntl(fd, F_GETFL));
	mkdir("gone", 0700);
	say("chdir", chdir("gone"));
	say("rmdir", rmdir("../gone"));
	try_open("in a deleted directory", AT_FDCWD, "x", O_CREAT | O_WRONLY,
	    0600);
	try_open("the deleted directory", AT_FDCWD, ".", O_RDONLY, 0);
}

static void
try_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
    uint64_t resolve)
{
	struct open_how how = {
		.flags = flags,
		.mode = mode,
		.resolve = resolve,
	};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	printf("%s %llx: ", path, (unsigned long long)resolve);
	say("openat2", fd);
	if (fd >= 0)
		close((int)fd);
}

static void
group_openat2(void)
{
	int d;

	mkdir("o", 0755);
	mkdir("o/s", 0755);
	d = open("o", O_RDONLY | O_DIRECTORY);
	(void)!symlinkat("new", d, "s/l");
	try_openat2(d, "s/new", O_CREAT | O_WRONLY, 0640, RESOLVE_BENEATH);
	try_openat2(d, "s/new", O_CREAT | O_EXCL | O_WRONLY, 0640,
	    RESOLVE_BENEATH);
	try_openat2(d, "s/new", O_CREAT | O_WRONLY, 0640, RESOLVE_IN_ROOT);
	try_openat2(d, "../o", O_RDONLY, 0, RESOLVE_BENEATH);
	try_openat2(d, "/s/new", O_RDONLY, 0, RESOLVE_IN_ROOT);
	try_openat2(d, "../../s/new", O_RDONLY, 0, RESOLVE_IN_ROOT);
	try_openat2(d, "s/l", O_RDONLY, 0, RESOLVE_NO_SYMLINKS);
	try_openat2(d, "s/l", O_RDONLY, 0, 0);
	try_openat2(d, "/proc/self/fd/0", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS);
	try_openat2(d, "s", O_RDONLY, 0600, 0);
	try_openat2(d, "s", 0x4000000000ull, 0, 0);
}

static void
group_names(void)
{
	struct stat st;

	umask(027);
	say("mkdir", mkdir("d/", 0777));
	stat("d", &st);
	printf("mode %o\n", st.st_mode);
	say("mkdir again", mkdir("d", 0777));
	say("mkdir /", mkdir("/", 0777));
	say("rmdir .", rmdir("."));
	say("rmdir d/..", rmdir("d/.."));
	say("unlink a directory", unlink("d"));
	say("rename ..", rename("..", "x"));
	say("rename into itself", rename("d", "d/x"));
	say("mkfifo", mkfifo("p", 0666));
	stat("p", &st);
	printf("mode %o\n", st.st_mode);
	say("link", link("p", "d/q"));
	say("exchange", syscall(SYS_renameat2, AT_FDCWD, "p", AT_FDCWD, "d",
	    2));
	say("no replace", syscall(SYS_renameat2, AT_FDCWD, "p", AT_FDCWD, "d",
	    1));
	say("chmod", chmod("d", 0600));
	say("truncate a fifo", truncate("d", 0));
	say("utimes", utimes("none", NULL));
	say("symlink", symlink("x", "d"));
}

/* Calls on a descriptor's number, and flags that there are not. */
static void
group_numbers(void)
{
	struct { uint64_t value; uint32_t size, flags; } xa = {
		(uintptr_t)"1", 1, 0 };
	char attr[24] = { 0 };
	struct stat st;
	int fd, path;

	close(open("f", O_CREAT | O_WRONLY, 0600));
	(void)!symlink("f", "link");
	fd = open("f", O_RDONLY);
	path = open("f", O_PATH);
	close(open("only", O_CREAT | O_WRONLY, 0600));
	say("fchmod of another O_PATH", fchmod(open("only", O_PATH), 0666));
	say("fchmod", fchmod(fd, 0640));
	say("fchmod of O_PATH", fchmod(path, 0666));
	say("fchown of O_PATH", fchown(path, 1, 1));
	say("futimens of O_PATH", futimens(path, NULL));
	say("fsetxattr", fsetxattr(fd, "user.a", "1", 1, 0));
	say("fsetxattr of O_PATH", fsetxattr(path, "user.b", "1", 1, 0));
	say("fremovexattr of O_PATH", fremovexattr(path, "user.a"));
	say_since(6, 6, "fchmodat2 of O_PATH", syscall(SYS_fchmodat2, path, "", 0644,
	    AT_EMPTY_PATH));
	say("utimensat of nothing", syscall(SYS_utimensat,
	    AT_FDCWD, NULL, NULL, 0));
	say("utimes of nothing", syscall(SYS_utimes, NULL, NULL));
	say("utimensat of a descriptor", syscall(SYS_utimensat, fd, NULL, NULL,
	    0));
	say("not followed", syscall(SYS_utimensat, fd, NULL, NULL,
	    AT_SYMLINK_NOFOLLOW));
	say("chown of nothing", syscall(SYS_fchownat, fd, NULL, -1, -1, 0));
	say("fchownat's flags", syscall(SYS_fchownat, AT_FDCWD, "f", 1, 1,
	    0x8000));
	say_since(6, 6, "fchmodat2's flags", syscall(SYS_fchmodat2, AT_FDCWD, "f", 0666,
	    0x8000));
	say("utimensat's flags", syscall(SYS_utimensat, AT_FDCWD, "f", NULL,
	    0x8000));
	say_since(6, 13, "setxattrat's flags", syscall(SYS_setxattrat, AT_FDCWD, "f", 0x8000,
	    "user.c", &xa, sizeof(xa)));
	say_since(6, 13, "setxattrat", syscall(SYS_setxattrat, AT_FDCWD, "f", 0, "user.c",
	    &xa, sizeof(xa)));
	say("file_getattr", syscall(SYS_file_getattr, AT_FDCWD, "f", attr,
	    sizeof(attr), 0));
	say("file_setattr", syscall(SYS_file_setattr, AT_FDCWD, "f", attr,
	    sizeof(attr), 0));
	say("file_setattr of a link", syscall(SYS_file_setattr, AT_FDCWD,
	    "link", attr, sizeof(attr), AT_SYMLINK_NOFOLLOW));
	say("file_setattr of a descriptor", syscall(SYS_file_setattr, fd, "",
	    attr, sizeof(attr), AT_EMPTY_PATH));
	stat("f", &st);
	printf("mode %o owner %u\n", st.st_mode, st.st_uid);
}

static void
make_file(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	(void)!write(fd, text, strlen(text));
	close(fd);
}

/*
 * A process that was forked twice, whose parent is gone and that only waits, is
 * still somebody to signal.
 */
static void
group_orphan(void)
{
	int p[2], status;
	pid_t pid = 0;

	if (pipe(p) == -1)
		exit(2);
	if (fork() == 0) {
		if ((pid = fork()) == 0) {
			alarm(60);
			for (;;)
				pause();
		}
		_exit(write(p[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	wait(&status);
	if (read(p[0], &pid, sizeof(pid)) != sizeof(pid))
		exit(2);
	say("is it there", kill(pid, 0));
	say("stop it", kill(pid, SIGKILL));
}

/* For who has no number left nothing is made or cut short. */
static void
group_room(void)
{
	const struct rlimit rl = { 600, 600 };
	struct stat st;

	make_file("full", "something");
	setrlimit(RLIMIT_NOFILE, &rl);
	/* Just now there was room. */
	try_open("with room", AT_FDCWD, "new", O_CREAT | O_WRONLY, 0600);
	while (dup(0) != -1)
		;
	try_open("cut short", AT_FDCWD, "full", O_WRONLY | O_TRUNC, 0);
	try_open("make", AT_FDCWD, "more", O_CREAT | O_WRONLY, 0600);
	stat("full", &st);
	printf("%ld bytes, made: %d\n", (long)st.st_size,
	    access("more", F_OK) == 0);
}

/* What file_monitor.metadata adds. */
static void
group_metadata(void)
{
	struct { uint64_t value; uint32_t size, flags; } xa = { 0, 0, 0 };
	char buf[8192];
	int fd, in, link, watch;

	close(open("f", O_CREAT | O_WRONLY, 0600));
	mkdir("d", 0700);
	(void)!symlink("f", "link");
	fd = open("f", O_RDONLY);
	link = open("link", O_PATH | O_NOFOLLOW);
	setxattr("f", "user.a", "1", 1, 0);
	in = inotify_init1(IN_NONBLOCK);
	watch = inotify_add_watch(in, "f", IN_ATTRIB);
	say("watch", watch);
	printf("the same: %d\n", inotify_add_watch(in, "link", IN_ATTRIB) ==
	    watch);
	say("a directory only", inotify_add_watch(in, "f", IN_ATTRIB |
	    IN_ONLYDIR));
	say("watch the link", inotify_add_watch(in, "link", IN_ATTRIB |
	    IN_DONT_FOLLOW));
	say("watch nothing", inotify_add_watch(in, "none", IN_ATTRIB));
	say("by no inotify", inotify_add_watch(fd, "f", IN_ATTRIB));
	fchmod(fd, 0640);
	printf("events: %d\n", read(in, buf, sizeof(buf)) > 0);
	say("readlinkat of a descriptor", readlinkat(link, "", buf, 10));
	say("of one that is no link", readlinkat(fd, "", buf, 10));
	say("by name", readlinkat(AT_FDCWD, "f", buf, 10));
	say_since(6, 13, "getxattrat", syscall(SYS_getxattrat, AT_FDCWD, "f", 0, "user.a",
	    &xa, sizeof(xa)));
	xa.flags = 1;
	say_since(6, 13, "getxattrat's flags", syscall(SYS_getxattrat, AT_FDCWD, "f", 0,
	    "user.a", &xa, sizeof(xa)));
	say("file_getattr", syscall(SYS_file_getattr, AT_FDCWD, "f", buf, 24,
	    0));
	say("file_getattr of much", syscall(SYS_file_getattr, AT_FDCWD, "f",
	    buf, 8192, 0));
}

static void
run(const char *what, const char *path, char *const *argv)
{
	int r = execv(path, argv);

	say(what, r);
}

static void *
exec_thread(void *arg)
{
	(void)arg;
	execl("/bin/echo", "echo", "from a thread", NULL);
	return NULL;
}

static void
group_exec(void)
{
	char *const argv[] = { (char *)(uintptr_t)"x", NULL };
	char *big = malloc(200001), *env[] = { NULL };
	char *bigv[] = { (char *)(uintptr_t)"x", big, NULL };
	char *echo[] = { (char *)(uintptr_t)"echo",
		(char *)(uintptr_t)"by descriptor", NULL };
	static char *many[MANY + 1];
	pthread_t t;
	int fd, i, status;

	memset(big, 'a', 200000);
	big[200000] = '\0';
	make_file("elf", "\177ELF and no more");
	make_file("text", "exit 0\n");
	make_file("script", "#!/no/such/interpreter\n");
	run("bad elf", "./elf", argv);
	run("text", "./text", argv);
	run("no interpreter", "./script", argv);
	run("too long", "/bin/true", bigv);
	run("directory", "/etc", argv);
	run("not executable", "/etc/hostname", argv);
	run("not there", "./none", argv);
	(void)!symlink("/bin/true", "link");
	say("a link that is not followed", syscall(SYS_execveat, AT_FDCWD,
	    "link", argv, NULL, AT_SYMLINK_NOFOLLOW));
	say("bad argv", syscall(SYS_execve, "/bin/true", 8, NULL));
	fflush(stdout);
	fd = open("/bin/echo", O_RDONLY | O_CLOEXEC);
	if (fork() == 0) {
		fexecve(fd, echo, env);
		_exit(1);
	}
	wait(NULL);
	if (vfork() == 0) {
		execl("/bin/echo", "echo", "after vfork", NULL);
		_exit(1);
	}
	wait(NULL);
	for (i = 0; i < MANY; i++)
		many[i] = argv[0];
	fflush(stdout);
	if (fork() == 0) {
		execv("/bin/true", many);
		_exit(errno);
	}
	wait(&status);
	printf("many arguments: %x\n", status);
	fflush(stdout);
	pthread_create(&t, NULL, exec_thread, NULL);
	pause();
}

/* 1: somebody still holds the lock of file "l". */
static int
is_locked(void)
{
	int fd = open("l", O_RDWR), r;

	r = flock(fd, LOCK_EX | LOCK_NB) == -1;
	close(fd);
	return r;
}

/* A lock is gone when its holder has closed the file. */
static void
group_locks(void)
{
	int to[2], from[2], i, bad = 0;
	char byte = 0;
	pid_t pid;

	make_file("l", "");
	for (i = 0; i < 5000; i++)
		bad += is_locked();
	printf("alone: %d\n", bad);
	fflush(stdout);
	if (pipe(to) == -1 || pipe(from) == -1)
		exit(2);
	if ((pid = fork()) == 0) {
		close(to[1]);
		while (read(to[0], &byte, 1) == 1) {
			byte = (char)is_locked();
			(void)!write(from[1], &byte, 1);
		}
		_exit(0);
	}
	for (i = bad = 0; i < 2000; i++) {
		bad += is_locked();
		if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
			break;
		bad += byte;
	}
	close(to[1]);
	waitpid(pid, NULL, 0);
	printf("in turns, %d: %d\n", i, bad);
}

static volatile sig_atomic_t hits;

static void
on_alarm(int sig)
{
	(void)sig;
	hits++;
}

static void
alarm_ms(int flags, long ms)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval it = { .it_value = { 0, ms * 1000 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

static void
group_signals(void)
{
	const struct timespec later = { 0, 400000000 };
	int status;
	pid_t pid;

	mkfifo("fifo", 0600);
	alarm_ms(0, 200);
	try_open("a fifo and a signal", AT_FDCWD, "fifo", O_RDONLY, 0);
	alarm_ms(SA_RESTART, 100);
	if (fork() == 0) {
		nanosleep(&later, NULL);
		(void)!open("fifo", O_WRONLY);
		nanosleep(&later, NULL);
		_exit(0);
	}
	try_open("a fifo and SA_RESTART", AT_FDCWD, "fifo", O_RDONLY, 0);
	wait(NULL);
	printf("signals %d\n", (int)hits);
	if ((pid = fork()) == 0) {
		(void)!open("fifo", O_RDONLY);
		_exit(1);
	}
	nanosleep(&later, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("killed by %d\n", WTERMSIG(status));
}

static int
mask_is(const cpu_set_t *want)
{
	cpu_set_t now;

	return sched_getaffinity(0, sizeof(now), &now) == 0 &&
	    CPU_EQUAL(&now, want);
}

/* Nobody sees the CPU mask that a caller has while a descriptor is injected. */
static void
group_masks(void)
{
	cpu_set_t own;
	int i, bad = 0, status;

	make_file("m", "");
	sched_getaffinity(0, sizeof(own), &own);
	for (i = 0; i < 5000; i++) {
		close(open("m", O_RDONLY));
		bad += !mask_is(&own);
	}
	for (i = 0; i < 200; i++) {
		close(open("m", O_RDONLY));
		if (fork() == 0) {
			close(open("m", O_RDONLY));
			_exit(!mask_is(&own));
		}
		wait(&status);
		bad += status != 0;
	}
	printf("masks seen that are not ours: %d\n", bad);
}

static void *
open_thread(void *arg)
{
	int fd = open("m", O_RDONLY);

	(void)arg;
	if (fd == -1)
		return (void *)1;
	close(fd);
	return NULL;
}

static void
group_crowd(void)
{
	static pthread_t t[CROWD];
	int bad = 0, i, n, status;
	void *r;

	make_file("m", "");
	for (n = 0; n < CROWD; n++)
		if ((errno = pthread_create(&t[n], NULL, open_thread, NULL)) !=
		    0) {
			say("thread", -1);
			break;
		}
	for (i = 0; i < n; i++) {
		pthread_join(t[i], &r);
		bad += r != NULL;
	}
	fflush(stdout);
	for (i = 0; i < CROWD; i++)
		if (fork() == 0) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
	for (i = 0; i < CROWD; i++) {
		wait(&status);
		bad += status != 0;
	}
	printf("failed: %d\n", bad);
}

static const struct {
	const char *name;
	void (*fn)(void);
} groups[] = {
	{ "open", group_open },
	{ "openat2", group_openat2 },
	{ "names", group_names },
	{ "numbers", group_numbers },
	{ "metadata", group_metadata },
	{ "room", group_room },
	{ "orphan", group_orphan },
	{ "exec", group_exec },
	{ "locks", group_locks },
	{ "signals", group_signals },
	{ "masks", group_masks },
	{ "crowd", group_crowd },
};

int
main(int argc, char **argv)
{
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3 || chdir(argv[1]) == -1)
		return 2;
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strcmp(argv[2], groups[i].name) == 0) {
			groups[i].fn();
			return 0;
		}
	return 2;
}
