/*
 * Behaviours of descriptors of every kind, and of whose a file is and what limits hold.  See
 * behave.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "regress/run/behave.h"

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

#define LOCK_ROUNDS 3000

/* A lock goes with the last descriptor of what was locked. */
static void
locks(void)
{
	int dir, fd, i, made = 0, locked = 0, gone = 0, read_only = 0, ofd = 0;
	struct flock fl = { .l_type = F_WRLCK };

	mkdir("d", 0700);
	put("l", "l", 0600);
	for (i = 0; i < LOCK_ROUNDS; i++) {
		dir = open("d", O_RDONLY | O_DIRECTORY);
		locked += flock(dir, LOCK_EX | LOCK_NB) == 0;
		fd = openat(dir, "f", O_CREAT | O_EXCL | O_WRONLY, 0600);
		made += fd != -1;
		close(fd);
		gone += unlinkat(dir, "f", 0) == 0;
		close(dir);
		fd = open("l", O_RDONLY);
		read_only += flock(fd, LOCK_EX | LOCK_NB) == 0;
		close(fd);
		fd = open("l", O_RDWR);
		ofd += fcntl(fd, F_OFD_SETLK, &fl) == 0;
		close(fd);
	}
	say("locked %d, made %d, unlinked %d", locked, made, gone);
	say("read only %d, of the open file %d", read_only, ofd);
}

#define ENDS 1000

/* Who reads sees the end when the writer has closed, and no moment later. */
static void
ends_of_fifos(void)
{
	int i, in, out, ended_at_once = 0;
	char byte;

	mkfifo("ends", 0600);
	in = open("ends", O_RDONLY | O_NONBLOCK);
	for (i = 0; i < ENDS; i++) {
		out = open("ends", O_WRONLY);
		close(out);
		ended_at_once += read(in, &byte, 1) == 0;
	}
	close(in);
	say("ended at once: %d", ended_at_once);
}

#define BURST 3000

/* Who has called often and alone, and then blocks, is in nobody's way. */
static void
burst_then_block(void)
{
	int i, fd, opened = 0;
	pid_t pid;

	put("f", "f", 0600);
	mkfifo("fifo", 0600);
	if ((pid = fork()) == 0) {
		for (i = 0; i < BURST; i++)
			close(open("f", O_RDONLY));
		_exit(open("fifo", O_RDONLY) == -1);
	}
	for (i = 0; i < BURST; i++) {
		fd = open("f", O_RDONLY);
		opened += fd != -1;
		close(fd);
	}
	/* It may not be there yet. */
	while ((fd = open("fifo", O_WRONLY | O_NONBLOCK)) == -1)
		usleep(1000);
	say("opened %d, the other: %d", opened, ended(pid));
	close(fd);
}

const struct behaviour behave_fd[] = {
	{ "o-path", o_path },
	{ "o-tmpfile", o_tmpfile },
	{ "unlinked", unlinked },
	{ "dev-fd", dev_fd },
	{ "passed", passed },
	{ "fifos", fifos },
	{ "ttys", ttys },
	{ "leases", leases },
	{ "locks", locks },
	{ "ends-of-fifos", ends_of_fifos },
	{ "burst-then-block", burst_then_block },
	{ "owners", owners },
	{ "limits", limits },
	{ "flags", flags },
	{ "set-uid", set_uid },
	{ NULL, NULL },
};
