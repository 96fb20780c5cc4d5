/*
 * Traps of names, descriptors and bytes: what a path means, when it is read, and what O_CREAT does
 * before anybody can look.  See traps.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regress/attack/traps.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#define RACE_SECONDS 3.0

static volatile int stop;

/* ---- two-level flips: DIR/ok/p/q is moved to DIR/ok/q and back, and we stand in it ---- */

static void
move_q(void)
{
	for (;;) {
		syscall(SYS_rename, "ok/p/q", "ok/q");
		syscall(SYS_rename, "ok/q", "ok/p/q");
	}
}

/* "../../secret/f" is ok/secret/f from ok/p/q and secret/f from ok/q. */
static int
two_level_flip(void)
{
	double end = traps_now() + RACE_SECONDS;
	unsigned long tries = 0, decoys = 0;
	int won = 0, fd;
	char b[8] = "";
	pid_t pid;

	mkdir("ok/p", 0755);
	mkdir("ok/p/q", 0755);
	mkdir("ok/secret", 0755);
	if (traps_write("ok/secret/f", "decoy\n", 6) == -1)
		return BROKEN;
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		move_q();
	}
	if (chdir("ok/p/q") == -1 && chdir("ok/q") == -1)
		return BROKEN;
	while (!won && traps_now() < end) {
		tries++;
		fd = (int)syscall(SYS_openat, AT_FDCWD, "../../secret/f", O_RDONLY);
		if (fd == -1)
			continue;
		if (read(fd, b, 6) == 6) {
			won = memcmp(b, "SECRET", 6) == 0;
			decoys += memcmp(b, "decoy", 5) == 0;
		}
		close(fd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%lu tries, %lu decoys\n", tries, decoys);
	errno = 0;
	if (decoys == 0 && !won)
		return BROKEN;
	return traps_way("../../secret/f", won);
}

/* ---- O_PATH ---- */

static int
opath(const char *p)
{
	return (int)syscall(SYS_openat, AT_FDCWD, p, O_PATH);
}

/* Every use that makes a full descriptor, or a name, of an O_PATH one. */
static int
o_path(void)
{
	static const char *const ways[] = { "/proc/self/fd/@",
		"/proc/thread-self/fd/@", "/dev/fd/@", "//proc/./self/fd/@",
		"/proc/self/task/../fd/@", "/proc/self/cwd/../../../../../../proc/self/fd/@" };
	int fd = opath("secret/f"), dir, r = HELD;
	char p[512], num[16];

	if (fd == -1)
		return HELD;
	snprintf(num, sizeof(num), "%d", fd);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		traps_fill(p, sizeof(p), ways[i], num);
		r |= traps_way(ways[i], traps_reads_secret(p));
	}
	snprintf(p, sizeof(p), "/proc/%d/fd/%d", getpid(), fd);
	r |= traps_way("/proc/PID/fd", traps_reads_secret(p));
	unlink("ok/hard");
	r |= traps_way("linkat AT_EMPTY_PATH", syscall(SYS_linkat, fd, "",
	    AT_FDCWD, "ok/hard", AT_EMPTY_PATH) == 0);
	snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	r |= traps_way("linkat of a magic link", syscall(SYS_linkat, AT_FDCWD, p,
	    AT_FDCWD, "ok/hard", AT_SYMLINK_FOLLOW) == 0);
	r |= traps_way("fchmod by magic link", syscall(SYS_fchmodat, AT_FDCWD, p,
	    0777) == 0);
	r |= traps_way("fchownat AT_EMPTY_PATH", syscall(SYS_fchownat, fd, "", 1,
	    1, AT_EMPTY_PATH) == 0);
	r |= traps_way("truncate by magic link", syscall(SYS_truncate, p, 6) == 0);
	if ((dir = opath("secret")) == -1)
		return r;
	r |= traps_way("openat below it", traps_is_secret((int)syscall(SYS_openat,
	    dir, "f", O_RDONLY)));
	snprintf(p, sizeof(p), "/proc/self/fd/%d/f", dir);
	r |= traps_way("a name below the magic link", traps_reads_secret(p));
	r |= traps_way("create below it", syscall(SYS_openat, dir, "new",
	    O_CREAT | O_WRONLY, 0600) != -1);
	if (syscall(SYS_fchdir, dir) == 0)
		r |= traps_way("fchdir", traps_reads_secret("f"));
	r |= traps_way("/proc/self/cwd", traps_reads_secret("/proc/self/cwd/f"));
	return r;
}

/* struct open_how says O_PATH when it is looked at and O_RDWR when it is used. */
static struct open_how *how;
static char *name;

static void *
flip_how(void *arg)
{
	volatile __u64 *flags = &how->flags;

	(void)arg;
	while (!stop) {
		*flags = O_PATH;
		*flags = O_RDWR;
	}
	return NULL;
}

static void *
flip_name(void *arg)
{
	static const char secret[] = "secret/f", ok[] = "ok/////f";
	volatile char *p = name;

	(void)arg;
	while (!stop) {
		for (size_t i = 0; i < sizeof(ok); i++)
			p[i] = ok[i];
		for (size_t i = 0; i < sizeof(secret); i++)
			p[i] = secret[i];
	}
	return NULL;
}

static int
race_how(const char *what, void *(*flip)(void *))
{
	double end = traps_now() + RACE_SECONDS;
	unsigned long tries = 0;
	pthread_t t;
	int won = 0, fd;

	how = calloc(1, 4096);
	name = calloc(1, 4096);
	if (how == NULL || name == NULL)
		return BROKEN;
	strcpy(name, "secret/f");
	how->flags = O_RDWR;
	stop = 0;
	if (pthread_create(&t, NULL, flip, NULL) != 0)
		return BROKEN;
	while (!won && traps_now() < end) {
		tries++;
		fd = (int)syscall(SYS_openat2, AT_FDCWD, name, how, sizeof(*how));
		if (fd == -1)
			continue;
		won = traps_is_secret(fd);
	}
	stop = 1;
	pthread_join(t, NULL);
	printf("%lu tries\n", tries);
	errno = 0;
	return traps_way(what, won);
}

static int
o_path_how_flip(void)
{
	return race_how("openat2, flags flip", flip_how);
}

static int
how_name_flip(void)
{
	return race_how("openat2, name flips", flip_name);
}

/* How many bytes of it say what; those beyond must be zero. */
static int
how_size(void)
{
	struct {
		struct open_how h;
		uint64_t more[16];
	} h = { .h = { .flags = O_RDONLY } };
	int r = HELD;

	r |= traps_way("openat2 of 24 bytes", traps_is_secret((int)syscall(
	    SYS_openat2, AT_FDCWD, "secret/f", &h, sizeof(h.h))));
	r |= traps_way("of 64 bytes", traps_is_secret((int)syscall(SYS_openat2,
	    AT_FDCWD, "secret/f", &h, 64)));
	h.h.resolve = RESOLVE_NO_SYMLINKS;
	r |= traps_way("RESOLVE_NO_SYMLINKS", traps_is_secret((int)syscall(
	    SYS_openat2, AT_FDCWD, "secret/f", &h, sizeof(h.h))));
	h.h.resolve = RESOLVE_IN_ROOT;
	r |= traps_way("RESOLVE_IN_ROOT", traps_is_secret((int)syscall(
	    SYS_openat2, opath("secret"), "/f", &h, sizeof(h.h))));
	h.h.resolve = RESOLVE_BENEATH;
	r |= traps_way("RESOLVE_BENEATH", traps_is_secret((int)syscall(
	    SYS_openat2, opath("secret"), "f", &h, sizeof(h.h))));
	h.h.resolve = RESOLVE_CACHED;
	r |= traps_way("RESOLVE_CACHED", traps_is_secret((int)syscall(
	    SYS_openat2, AT_FDCWD, "secret/f", &h, sizeof(h.h))));
	return r;
}

/* ---- the path may be unreadable for us ---- */

static int
unreadable_path(void)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t n = sizeof("secret/f");
	char *m = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p;
	int r = HELD, fd;

	if (m == MAP_FAILED)
		return BROKEN;
	munmap(m + page, (size_t)page);
	p = m + page - n;
	memcpy(p, "secret/f", n);
	r |= traps_way("ends at an unmapped page", traps_reads_secret(p));
	mprotect(m, (size_t)page, PROT_EXEC);
	r |= traps_way("on an execute-only page", traps_reads_secret(p));
	mprotect(m, (size_t)page, PROT_NONE);
	r |= traps_way("on an unreadable page", traps_reads_secret(p));
	mprotect(m, (size_t)page, PROT_READ | PROT_WRITE);
	memcpy(p, "ok/////f", n);
	fd = (int)syscall(SYS_openat, AT_FDCWD, p, O_RDONLY);
	if (fd == -1) {
		perror("a good path that ends at an unmapped page");
		return BROKEN;
	}
	close(fd);
	prctl(PR_SET_DUMPABLE, 0);
	r |= traps_way("while not dumpable", traps_reads_secret("secret/f"));
	prctl(PR_SET_DUMPABLE, 0x100000000UL);
	r |= traps_way("after a wide PR_SET_DUMPABLE",
	    traps_reads_secret("secret/f"));
	return r;
}

/* ---- O_CREAT has its effect before a check that comes after it; seen from outside too ---- */

static int
makes(const char *what, const char *path, int flags)
{
	struct stat st;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600), e = errno;

	if (fd != -1)
		close(fd);
	errno = e;
	return traps_way(what, lstat("secret/new", &st) == 0 ||
	    (stat("secret/f", &st) == 0 && st.st_size == 0) || fd != -1);
}

static int
creat_before_check(void)
{
	int r = HELD;

	unlink("ok/dangling");
	unlink("ok/to");
	if (symlink("../secret/new", "ok/dangling") == -1 ||
	    symlink("../secret/f", "ok/to") == -1)
		return BROKEN;
	r |= makes("O_CREAT", "secret/new", O_CREAT | O_WRONLY);
	r |= makes("O_CREAT|O_EXCL", "secret/new", O_CREAT | O_EXCL | O_WRONLY);
	r |= makes("O_CREAT, read only", "secret/new", O_CREAT);
	r |= makes("a dangling symlink", "ok/dangling", O_CREAT | O_WRONLY);
	r |= makes("below ok/..", "ok/../secret/new", O_CREAT | O_WRONLY);
	r |= makes("through /proc/self/cwd", "/proc/self/cwd/secret/new",
	    O_CREAT | O_WRONLY);
	r |= makes("O_CREAT|O_TRUNC of what is there", "secret/f",
	    O_CREAT | O_TRUNC | O_WRONLY);
	r |= makes("the same by a symlink", "ok/to", O_CREAT | O_TRUNC | O_WRONLY);
	r |= makes("O_RDONLY|O_TRUNC", "secret/f", O_TRUNC);
	r |= makes("O_TMPFILE", "secret", O_TMPFILE | O_RDWR);
	r |= makes("O_ACCMODE 3", "secret/f", 3);
	r |= traps_way("creat", syscall(SYS_creat, "secret/new", 0600) != -1);
	return r;
}

/* ---- EEXIST tells that a hidden name is there ---- */

static int
told(const char *what, int e1, int e2)
{
	printf("%-32s there %s, not there %s\n", what, strerrorname_np(e1),
	    e2 == 0 ? "made" : strerrorname_np(e2));
	return e1 != e2 ? ESCAPED : HELD;
}

#define ERRNO_OF(call) ((call) == -1 ? errno : 0)

static int
eexist_oracle(void)
{
	int r = HELD;

	if (traps_write("ok/source", "x", 1) == -1)
		return BROKEN;
	r |= told("mkdir", ERRNO_OF(syscall(SYS_mkdir, "secret/f", 0700)),
	    ERRNO_OF(syscall(SYS_mkdir, "secret/none", 0700)));
	r |= told("mknod", ERRNO_OF(syscall(SYS_mknod, "secret/f", S_IFIFO | 0600, 0)),
	    ERRNO_OF(syscall(SYS_mknod, "secret/none1", S_IFIFO | 0600, 0)));
	r |= told("mknod of a device", ERRNO_OF(syscall(SYS_mknod, "secret/f",
	    S_IFCHR | 0600, 0x103)), ERRNO_OF(syscall(SYS_mknod, "secret/none2",
	    S_IFCHR | 0600, 0x103)));
	r |= told("symlink", ERRNO_OF(syscall(SYS_symlink, "x", "secret/f")),
	    ERRNO_OF(syscall(SYS_symlink, "x", "secret/none3")));
	r |= told("link", ERRNO_OF(syscall(SYS_link, "ok/source", "secret/f")),
	    ERRNO_OF(syscall(SYS_link, "ok/source", "secret/none4")));
	r |= told("rename without replacing", ERRNO_OF(syscall(SYS_renameat2,
	    AT_FDCWD, "ok/source", AT_FDCWD, "secret/f", 1)),
	    ERRNO_OF(syscall(SYS_renameat2, AT_FDCWD, "ok/source", AT_FDCWD,
	    "secret/none5", 1)));
	r |= told("O_CREAT|O_EXCL", ERRNO_OF(open("secret/f", O_CREAT | O_EXCL, 0600)),
	    ERRNO_OF(open("secret/none6", O_CREAT | O_EXCL, 0600)));
	r |= told("mkdir below it", ERRNO_OF(syscall(SYS_mkdir, "secret/f/x", 0700)),
	    ERRNO_OF(syscall(SYS_mkdir, "secret/none7/x", 0700)));
	r |= told("rmdir", ERRNO_OF(syscall(SYS_rmdir, "secret/f")),
	    ERRNO_OF(syscall(SYS_rmdir, "secret/none8")));
	r |= told("unlink", ERRNO_OF(syscall(SYS_unlink, "secret/d")),
	    ERRNO_OF(syscall(SYS_unlink, "secret/none9")));
	r |= told("open", ERRNO_OF(open("secret/f", O_RDONLY)),
	    ERRNO_OF(open("secret/none9", O_RDONLY)));
	return r;
}

/* ---- numbers have two halves ---- */

#ifdef __x86_64__
static long
raw(unsigned long nr, unsigned long a, unsigned long b, unsigned long c,
    unsigned long d)
{
	register unsigned long r10 __asm__("r10") = d;
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c),
	    "r"(r10) : "rcx", "r11", "memory");
	if (r < 0 && r > -4096) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

static int
wide_number(void)
{
	unsigned long cwd = (unsigned long)(long)AT_FDCWD;
	unsigned long p = (unsigned long)"secret/f";
	int r = HELD;

	r |= traps_way("openat, rubbish above the number", traps_is_secret((int)
	    raw(0xabcd00000000UL | SYS_openat, cwd, p, O_RDONLY, 0)));
	r |= traps_way("openat, a negative high half", traps_is_secret((int)
	    raw(0xffffffff00000000UL | SYS_openat, cwd, p, O_RDONLY, 0)));
	r |= traps_way("rubbish above the flags", traps_is_secret((int)
	    raw(SYS_openat, cwd, p, 0xdead00000000UL | O_RDONLY, 0)));
	r |= traps_way("rubbish above AT_FDCWD", traps_is_secret((int)
	    raw(SYS_openat, 0x12300000000UL | (uint32_t)AT_FDCWD, p, O_RDONLY, 0)));
	r |= traps_way("open", traps_is_secret((int)raw(0x700000000UL | SYS_open,
	    p, 0x500000000UL, 0, 0)));
	r |= traps_way("rubbish above O_TRUNC|O_WRONLY", raw(SYS_open, p,
	    0xff00000000UL | O_TRUNC | O_WRONLY, 0, 0) != -1);
	r |= traps_way("unlink", raw(0x100000000UL | SYS_unlink, p, 0, 0, 0) == 0);
	return r;
}
#endif

/* A path whose address has a low half of zero is a path. */
static int
low_half_zero(void)
{
	char *p = mmap((void *)0x7f00000000UL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	struct timespec *ts = (struct timespec *)0x7f00000000UL;
	struct stat st;
	int fd, r = HELD;

	if ((unsigned long)p != 0x7f00000000UL)
		return BROKEN;
	strcpy(p, "secret/f");
	r |= traps_way("open", traps_reads_secret(p));
	r |= traps_way("utimensat of a name", syscall(SYS_utimensat, AT_FDCWD, p,
	    NULL, 0) == 0);
	/* The times, and not NULL: what they say must be taken. */
	ts[0] = ts[1] = (struct timespec) { 1000, 0 };
	if ((fd = open("ok/f", O_RDWR)) == -1 ||
	    syscall(SYS_utimensat, fd, NULL, ts, 0) == -1 ||
	    fstat(fd, &st) == -1 || st.st_mtime != 1000) {
		perror("times at a low half of zero");
		return BROKEN;
	}
	return r;
}

/* ---- the other names of one thing ---- */

/* A mount stands over `/` and holds traps-secret/f: traps.sh made it.  ARG is that name. */
static int
stacked_root(void)
{
	static const char *const ways[] = { "@", "/..@", "/../..@",
		"/./..@", "/proc/self/root@", "/proc/self/root/..@", "/..//@",
		"/usr/../..@" };
	char p[512];
	int r = HELD;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		traps_fill(p, sizeof(p), ways[i], traps_arg);
		r |= traps_way(ways[i], traps_reads_secret(p));
	}
	traps_fill(p, sizeof(p), "..@", traps_arg);
	r |= traps_way("from /, ..", chdir("/") == 0 && traps_reads_secret(p));
	return r;
}

/* A directory above what is forbidden gets another name. */
static int
ancestor_rename(void)
{
	int r = HELD;

	/* ok/above/secret is denied like secret itself */
	r |= traps_way("its own name", traps_reads_secret("ok/above/secret/f"));
	if (syscall(SYS_rename, "ok/above", "ok/other") == 0) {
		r |= traps_way("after a rename", traps_reads_secret("ok/other/secret/f"));
		(void)!rename("ok/other", "ok/above");
	}
	mkdir("ok/empty", 0755);
	if (syscall(SYS_renameat2, AT_FDCWD, "ok/above", AT_FDCWD, "ok/empty",
	    RENAME_EXCHANGE) == 0) {
		r |= traps_way("after an exchange", traps_reads_secret("ok/empty/secret/f"));
		(void)!syscall(SYS_renameat2, AT_FDCWD, "ok/above", AT_FDCWD,
		    "ok/empty", RENAME_EXCHANGE);
	}
	return r;
}

/* No second name for what is forbidden. */
static int
hard_link(void)
{
	int r = HELD;

	unlink("ok/hard");
	r |= traps_way("link", syscall(SYS_link, "secret/f", "ok/hard") == 0);
	r |= traps_way("linkat", syscall(SYS_linkat, AT_FDCWD, "secret/f",
	    AT_FDCWD, "ok/hard", 0) == 0);
	r |= traps_way("rename", syscall(SYS_rename, "secret/f", "ok/hard") == 0);
	r |= traps_way("symlink, then read", (unlink("ok/soft"),
	    symlink("../secret/f", "ok/soft") == 0) &&
	    traps_reads_secret("ok/soft"));
	r |= traps_way("O_RDWR", syscall(SYS_openat, AT_FDCWD, "secret/f",
	    O_RDWR) != -1);
	return r;
}

/* Deeper than PATH_MAX, where the kernel tells no name, the rules are the same. */
static int
deep_name(void)
{
	char level[256];
	int r = HELD, dir = open("ok", O_RDONLY | O_DIRECTORY), below;

	memset(level, 'd', 200);
	level[200] = '\0';
	for (int i = 0; i < 50; i++) {
		if (mkdirat(dir, level, 0700) == -1 && errno != EEXIST)
			return BROKEN;
		below = openat(dir, level, O_RDONLY | O_DIRECTORY);
		close(dir);
		if ((dir = below) == -1)
			return BROKEN;
	}
	if (fchdir(dir) == -1 || mkdir("fine", 0700) == -1)
		return BROKEN;
	close(open("f", O_CREAT | O_WRONLY, 0600));
	errno = 0;
	r |= traps_way("create", openat(dir, "nope", O_CREAT | O_RDWR, 0600) != -1);
	unlink("nope");
	r |= traps_way("create by O_EXCL", open("nope", O_CREAT | O_EXCL, 0600) != -1);
	unlink("nope");
	r |= traps_way("mkdir", mkdir("nope", 0700) == 0);
	rmdir("nope");
	r |= traps_way("symlink", symlink("f", "nope") == 0);
	unlink("nope");
	r |= traps_way("link", link("f", "nope") == 0);
	unlink("nope");
	r |= traps_way("rename", rename("f", "nope") == 0);
	r |= traps_way("rename a directory", rename("fine", "nope") == 0);
	r |= traps_way("mkfifo", mkfifo("nope/p", 0600) == 0);
	r |= traps_way("chdir and create", chdir("nope") == 0 &&
	    open("x", O_CREAT | O_RDWR, 0600) != -1);
	return r;
}

const struct trap traps_file[] = {
	{ "two-level-flip", two_level_flip, 'e' },
	{ "o-path", o_path, 'e' },
	{ "o-path-how-flip", o_path_how_flip, 'e' },
	{ "how-name-flip", how_name_flip, 'e' },
	{ "how-size", how_size, 'e' },
	{ "unreadable-path", unreadable_path, 'e' },
	{ "creat-before-check", creat_before_check, 'e' },
	{ "eexist-oracle", eexist_oracle, 'e' },
#ifdef __x86_64__
	{ "wide-number", wide_number, 'e' },
#endif
	{ "low-half-zero", low_half_zero, 'e' },
	{ "stacked-root", stacked_root, 'e' },
	{ "ancestor-rename", ancestor_rename, 'e' },
	{ "hard-link", hard_link, 'e' },
	{ "deep-name", deep_name, 'e' },
	{ NULL, NULL, 0 },
};
