/*
 * Behaviours of names: long, deep, of any bytes, links, a deleted directory, /proc/self.  See
 * behave.h.
 */

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "regress/run/behave.h"

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
	    (size_t)n == strlen(behave_self) && memcmp(p, behave_self, (size_t)n) == 0);
	say("its exe opens: %s", said(open("/proc/self/exe", O_RDONLY)));
	say("maps are ours: %d", starts("/proc/self/maps", behave_self));
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

const struct behaviour behave_name[] = {
	{ "long-names", long_names },
	{ "deep-directory", deep_directory },
	{ "deeper-directory", deeper_directory },
	{ "any-bytes", any_bytes },
	{ "links", links },
	{ "deleted-cwd", deleted_cwd },
	{ "proc-self", proc_self },
	{ NULL, NULL },
};
