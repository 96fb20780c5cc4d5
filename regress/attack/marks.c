/*
 * Run by root, outside and inside a session: tasks that gave up credentials try what only
 * root may, through every call that somebody performs on their behalf.  What the kernel
 * answers to them outside is what must come out inside.  Exit 0 when each was held.
 *
 *	marks WORKDIR [N]	(holds `rootonly', 0600 of uid 0, and `others', 0600 of uid 65534;
 *				N: only the one with this number, exit 77 when there is none)
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define QUIET_US 200000 /* longer than a tracer stays awake */
#define SPINS  400000 /* forks before a thread id must have come again */

static const char *self = "/proc/self/exe";
static char name[] = "marks", only[] = "-o", no_dac[] = "an exec without "
    "DAC_OVERRIDE", no_root[] = "an exec with SECBIT_NOROOT",
    thread[] = "a thread's exec";
static char rootonly[4096], others[4096];
static int failures;

static void
say(const char *what, int held, long got)
{
	printf("%s: %s (%ld, %s)\n", held ? "held" : "ESCAPED", what, got,
	    got == -1 ? strerror(errno) : "-");
	failures += !held;
}

/* This thread alone. */
static int
drop(void)
{
	if (syscall(SYS_setgroups, 0, NULL) == -1 ||
	    syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) == -1 ||
	    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) == -1)
		return -1;
	return 0;
}

static long
may_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd != -1)
		close(fd);
	return fd;
}

/* Run fn in a child and add its failures. */
static void
in_child(void (*fn)(void))
{
	int st = 0;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		failures = 0;
		fn();
		fflush(stdout);
		_exit(failures);
	}
	if (pid == -1 || waitpid(pid, &st, 0) == -1 || !WIFEXITED(st)) {
		printf("ESCAPED: a child ended with status %x\n", st);
		failures++;
		return;
	}
	failures += WEXITSTATUS(st);
}

/* ---- exec by a thread that is not the leader ---- */

static void *
thread_execs(void *arg)
{
	char *argv[] = { name, only, rootonly, thread, NULL };

	(void)arg;
	if (drop() == 0)
		execv(self, argv);
	printf("ESCAPED: cannot exec from a thread: %s\n", strerror(errno));
	fflush(stdout);
	_exit(1);
}

static void
try_thread_exec(void)
{
	pthread_t th;

	(void)may_open(rootonly); /* the leader is seen as it is */
	if (pthread_create(&th, NULL, thread_execs, NULL) != 0)
		_exit(1);
	pthread_join(th, NULL);
}

/* ---- capabilities that an exec takes away ---- */

static void
try_bounding(void)
{
	char *argv[] = { name, only, others, no_dac, NULL };

	if (prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == -1 ||
	    prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0) == -1)
		_exit(1);
	(void)may_open(rootonly);
	execv(self, argv);
	_exit(1);
}

static void
try_noroot(void)
{
	char *argv[] = { name, only, others, no_root, NULL };

	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0) == -1)
		_exit(1);
	(void)may_open(rootonly);
	execv(self, argv);
	_exit(1);
}

/* ---- right by the real uid ---- */

static pid_t sibling;

static void
try_kill(void)
{
	long r;

	if (drop() == -1)
		_exit(1);
	r = kill(sibling, 0);
	say("kill(root's, 0)", r == -1 && errno == EPERM, r);
	r = syscall(SYS_tgkill, sibling, sibling, 0);
	say("tgkill(root's)", r == -1 && errno == EPERM, r);
}

static void
try_prlimit(void)
{
	struct rlimit rl = { 10, 10 };
	long r;

	if (drop() == -1)
		_exit(1);
	r = prlimit(sibling, RLIMIT_MSGQUEUE, &rl, NULL);
	say("prlimit(root's)", r == -1 && errno == EPERM, r);
}

static void
try_access(void)
{
	long r;

	if (drop() == -1)
		_exit(1);
	r = access(rootonly, R_OK);
	say("access(root's file)", r == -1 && errno == EACCES, r);
	r = may_open(rootonly);
	say("open(root's file)", r == -1 && errno == EACCES, r);
}

/* Send a byte, claiming uid and gid unless uid is -1. */
static ssize_t
send_as(int fd, uid_t uid)
{
	_Alignas(struct cmsghdr) char buf[CMSG_SPACE(sizeof(struct ucred))];
	struct ucred u = { getpid(), uid, uid };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (uid != (uid_t)-1) {
		memset(buf, 0, sizeof(buf));
		m.msg_control = buf;
		m.msg_controllen = sizeof(buf);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_CREDENTIALS;
		c->cmsg_len = CMSG_LEN(sizeof(u));
		memcpy(CMSG_DATA(c), &u, sizeof(u));
	}
	return sendmsg(fd, &m, MSG_DONTWAIT);
}

/* The uid that the last message came with, or -2. */
static long
uid_seen(int fd)
{
	_Alignas(struct cmsghdr) char buf[CMSG_SPACE(sizeof(struct ucred))];
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = buf, .msg_controllen = sizeof(buf) };
	struct ucred u;

	if (recvmsg(fd, &m, MSG_DONTWAIT) != 1 || CMSG_FIRSTHDR(&m) == NULL)
		return -2;
	memcpy(&u, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(u));
	return (long)u.uid;
}

static void
try_creds(void)
{
	int sv[2], on = 1;
	long r;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) == -1 ||
	    setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == -1 ||
	    drop() == -1)
		_exit(1);
	r = send_as(sv[0], 0);
	say("SCM_CREDENTIALS with uid 0", r == -1 && errno == EPERM, r);
	if (r != -1)
		(void)uid_seen(sv[1]);
	r = send_as(sv[0], (uid_t)-1) == 1 ? uid_seen(sv[1]) : -2;
	say("uid that SO_PASSCRED shows", r == NOBODY, r);
	r = send_as(sv[0], NOBODY) == 1 ? uid_seen(sv[1]) : -2;
	say("SCM_CREDENTIALS of one's own", r == NOBODY, r);
}

/* ---- descriptors from before ---- */

static void
try_numbers(void)
{
	char *argv[] = { name, NULL };
	int mine = open(others, O_RDWR), roots = open(rootonly, O_RDONLY);
	int program = open("/bin/true", O_RDONLY), st;
	long r;

	if (drop() == -1)
		_exit(1);
	r = fchmod(roots, 0644);
	say("fchmod(root's)", r == -1 && errno == EPERM, r);
	r = fchmod(mine, 0600);
	say("fchmod(one's own)", r == 0, r);
	r = fchownat(mine, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH);
	say("fchownat(one's own)", r == 0, r);
	if (vfork() == 0) {
		syscall(SYS_execveat, program, "", argv, NULL, AT_EMPTY_PATH);
		_exit(1);
	}
	wait(&st);
	say("execveat of a descriptor", st == 0, st);
}

/* ---- there and back ---- */

static void
is_root_again(const char *what)
{
	long r = may_open(rootonly);
	pid_t pid;
	int st;

	say(what, r >= 0, r);
	if ((pid = fork()) == 0)
		_exit(may_open(rootonly) == -1);
	waitpid(pid, &st, 0);
	say("and its child", st == 0, st);
	if ((pid = fork()) == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(pid, &st, 0);
	say("and its exec", st == 0, st);
}

static void *
thread_drops(void *arg)
{
	*(long *)arg = drop() == 0 ? may_open(rootonly) : 0;
	return NULL;
}

/* Who takes its rights on again has them; the kernel no longer lets others read it. */
static void
try_back(void)
{
	pthread_t th;
	long r;
	int st;

	if (seteuid(NOBODY) == -1)
		_exit(1);
	r = may_open(rootonly);
	say("open with another's effective uid", r == -1, r);
	if (seteuid(0) == -1)
		_exit(1);
	is_root_again("open with its own again");
	setfsuid(NOBODY);
	r = may_open(rootonly);
	say("open with another's fsuid", r == -1, r);
	setfsuid(0);
	is_root_again("open with its own again");
	if (pthread_create(&th, NULL, thread_drops, &r) != 0)
		_exit(1);
	pthread_join(th, NULL);
	say("open by a thread that dropped its rights", r == -1, r);
	is_root_again("open by the one that did not");
	if (vfork() == 0)
		_exit(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) != 0);
	wait(&st);
	is_root_again("open after a vforked child dropped them");
}

/* ---- thread ids that come again ---- */

/*
 * A child of root is looked at, lives on while nobody asks anything, and dies; then a task without rights forks without a judged
 * call until its child has the same id.
 */
static void
try_again(void)
{
	pid_t old, pid;
	volatile int i;
	int go[2], st;
	char byte;

	if (pipe(go) == -1)
		_exit(1);
	if ((old = fork()) == 0) {
		(void)may_open(rootonly);
		close(go[1]);
		_exit(read(go[0], &byte, 1) != 0);
	}
	if (drop() == -1)
		_exit(1);
	usleep(QUIET_US);
	close(go[1]);
	waitpid(old, &st, 0);
	for (i = 0; i < SPINS; i++) {
		if ((pid = vfork()) == 0) {
			if (syscall(SYS_getpid) != old)
				_exit(0);
			_exit(may_open(rootonly) == -1 ? 2 : 3);
		}
		if (pid == -1 || waitpid(pid, &st, 0) == -1)
			_exit(1);
		if (pid == old) {
			say("an id used again", WEXITSTATUS(st) == 2, i);
			return;
		}
	}
	printf("(the id did not come again)\n");
}

int
main(int argc, char **argv)
{
	static void (*const tab[])(void) = { try_thread_exec, try_bounding,
		try_noroot, try_kill, try_prlimit, try_access, try_creds,
		try_numbers, try_back, try_again };
	size_t i, n = sizeof(tab) / sizeof(tab[0]), only_one;
	long r;

	if (argc == 4 && strcmp(argv[1], "-o") == 0) {
		r = may_open(argv[2]);
		say(argv[3], r == -1 && errno == EACCES, r);
		fflush(stdout);
		_exit(failures);
	}
	if (argc != 2 && argc != 3)
		return 2;
	only_one = argc == 3 ? strtoul(argv[2], NULL, 10) : n;
	if (argc == 3 && only_one >= n)
		return 77;
	snprintf(rootonly, sizeof(rootonly), "%s/rootonly", argv[1]);
	snprintf(others, sizeof(others), "%s/others", argv[1]);
	if ((sibling = fork()) == 0)
		for (;;)
			pause();
	for (i = 0; i < n; i++)
		if (argc == 2 || i == only_one)
			in_child(tab[i]);
	kill(sibling, SIGKILL);
	return failures == 0 ? 0 : 1;
}
