/*
 * Feature probes: see feature.h.  The subject is a child that installs a filter which
 * sends one harmless call (getppid, with an argument nobody gives) to a listener, hands
 * that over, and then makes the call and answers questions about itself; the prober does
 * to it what the engine will do to a workload.
 *
 * Runs in the tracer before it confines itself, and in tests.  The children are our
 * own code; every wait for them has an end.
 */

#include "tracer/feature.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/systab.h"

/* Newer than some headers this is built with. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#define SYNC_WAKE_UP	 1u
#define NR_PIDFD_OPEN	 434
#define NR_OPENAT2	 437
#define NR_PIDFD_GETFD	 438
#define NR_LANDLOCK_MAKE 444
#define NR_FCHMODAT2	 452
#define NR_MSEAL	 462
#define THREAD_PIDFD	 O_EXCL
#define RESOLVE_NO_LINKS 0x04
/* _IOWR(0xff, 11, struct pidfd_info), whose first version has 64 bytes. */
#define GET_INFO	 0xc040ff0bu

#define MARK		 0x70726f62u /* argument that makes a getppid ours */
#define PATIENCE	 1000 /* ms that a child may take for its next step */
#define HANG_MS		 60 /* after which a RECV that should end is taken to hang */

/* What the subject says with its listener. */
struct hello {
	uint32_t killable; /* flag accepted */
	uint32_t mseal;
	uint64_t secret; /* address of a word that holds MARK */
};

struct probe {
	struct feature_set *fs;
	pid_t pid; /* of the subject */
	int sock; /* to it */
	int listener;
	uint64_t secret;
};

static const char *const feature_names[FEATURE_MAX] = {
#define X(id, name, since) [FEATURE_NR_##id] = name,
	FEATURE_TABLE(X)
#undef X
};

static const char *const feature_since[FEATURE_MAX] = {
#define X(id, name, since) [FEATURE_NR_##id] = since,
	FEATURE_TABLE(X)
#undef X
};

static void
found(struct probe *p, uint64_t bit, bool have)
{
	if (have)
		p->fs->bits |= bit;
}

static void
shut(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* ---- the subject ---- */

static int
make_listener(unsigned int flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &prog);
}

static bool
seals_memory(void)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);

	return page != MAP_FAILED && syscall(NR_MSEAL, page, 4096, 0) == 0 &&
	    munmap(page, 4096) == -1;
}

static int
say_hello(int sock, int listener, const struct hello *h)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { 0 };
	struct iovec iov = { (void *)(uintptr_t)h, sizeof(*h) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &listener, sizeof(int));
	return sendmsg(sock, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(*h) ? 0 : -1;
}

/* Never returns.  Calls twice to be answered, then stays until it is killed. */
static void
subject(int sock)
{
	static volatile uint32_t word = MARK;
	struct hello h = { .secret = (uint64_t)(uintptr_t)&word };
	int listener;

	/* Else a prober that is not dumpable itself could not look at us. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	h.mseal = seals_memory();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		_exit(1);
	listener = make_listener(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	h.killable = listener != -1;
	if (listener == -1)
		listener = make_listener(0);
	if (listener == -1 || say_hello(sock, listener, &h) == -1)
		_exit(1);
	close(listener);
	syscall(SYS_getppid, MARK);
	syscall(SYS_getppid, MARK);
	for (;;)
		pause();
}

/* ---- the prober ---- */

static bool
ready(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&pfd, 1, ms);
	while (r == -1 && errno == EINTR);
	return r == 1 && (pfd.revents & POLLIN);
}

static bool
hear_hello(struct probe *p)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	struct hello h;
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf) };
	struct cmsghdr *c;

	if (!ready(p->sock, PATIENCE) ||
	    recvmsg(p->sock, &m, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(h) ||
	    (c = CMSG_FIRSTHDR(&m)) == NULL || c->cmsg_type != SCM_RIGHTS)
		return false;
	memcpy(&p->listener, CMSG_DATA(c), sizeof(int));
	p->secret = h.secret;
	found(p, FEATURE_WAIT_KILLABLE, h.killable);
	found(p, FEATURE_MSEAL, h.mseal);
	return true;
}

static bool
receive(struct probe *p, struct seccomp_notif *rq)
{
	memset(rq, 0, sizeof(*rq));
	return ready(p->listener, PATIENCE) &&
	    ioctl(p->listener, SECCOMP_IOCTL_NOTIF_RECV, rq) == 0;
}

static bool
let_go(struct probe *p, const struct seccomp_notif *rq)
{
	struct seccomp_notif_resp resp = { .id = rq->id,
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	return ioctl(p->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) == 0;
}

static bool
inject(struct probe *p, const struct seccomp_notif *rq, unsigned int flags)
{
	struct seccomp_notif_addfd add = { .id = rq->id,
		.flags = flags,
		.srcfd = (uint32_t)p->sock,
		.newfd_flags = O_CLOEXEC };

	return ioctl(p->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0;
}

static void
probe_listener(struct probe *p)
{
	struct seccomp_notif rq;

	found(p, FEATURE_SYNC_WAKE_UP,
	    ioctl(p->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) ==
		0);
	if (!receive(p, &rq))
		return;
	found(p, FEATURE_ADDFD, inject(p, &rq, 0));
	found(p, FEATURE_USER_NOTIF, let_go(p, &rq));
	if (!receive(p, &rq))
		return;
	if (inject(p, &rq, SECCOMP_ADDFD_FLAG_SEND))
		found(p, FEATURE_ADDFD_SEND, true);
	else
		let_go(p, &rq);
}

static void
probe_memory(struct probe *p)
{
	uint32_t word = 0;
	struct iovec here = { &word, sizeof(word) };
	struct iovec there = { (void *)(uintptr_t)p->secret, sizeof(word) };

	found(p, FEATURE_VM_READ,
	    process_vm_readv(p->pid, &here, 1, &there, 1, 0) ==
		    (ssize_t)sizeof(word) &&
		word == MARK);
}

static void
probe_pidfd(struct probe *p)
{
	uint64_t info[8] = { ~0ull };
	int pidfd = (int)syscall(NR_PIDFD_OPEN, p->pid, 0);
	int thread = (int)syscall(NR_PIDFD_OPEN, p->pid, THREAD_PIDFD);
	int fd = -1;

	if (pidfd != -1)
		fd = (int)syscall(NR_PIDFD_GETFD, pidfd, 0, 0);
	if (fd == -1 && pidfd != -1 && errno == EBADF)
		found(p, FEATURE_PIDFD_GETFD,
		    true); /* no descriptor 0, but leave to look */
	found(p, FEATURE_PIDFD_GETFD, fd != -1);
	found(p, FEATURE_PIDFD_THREAD, thread != -1);
	found(p, FEATURE_PIDFD_INFO,
	    pidfd != -1 && ioctl(pidfd, GET_INFO, info) == 0);
	shut(&fd);
	shut(&pidfd);
	shut(&thread);
}

static pid_t
wait_for(pid_t pid, int *status)
{
	pid_t r;

	do
		r = waitpid(pid, status, __WALL);
	while (r == -1 && errno == EINTR);
	return r;
}

/* The subject sleeps; the interrupt stops it at once. */
static void
probe_seize(struct probe *p)
{
	int status;

	if (ptrace(PTRACE_SEIZE, p->pid, 0, 0) == -1)
		return;
	found(p, FEATURE_SEIZE,
	    ptrace(PTRACE_INTERRUPT, p->pid, 0, 0) == 0 &&
		wait_for(p->pid, &status) == p->pid && WIFSTOPPED(status) &&
		ptrace(PTRACE_DETACH, p->pid, 0, 0) == 0);
}

static void
probe_openat2(struct probe *p)
{
	uint64_t how[3] = { O_PATH | O_CLOEXEC, 0, RESOLVE_NO_LINKS };
	int fd = (int)syscall(NR_OPENAT2, AT_FDCWD, "/", how, sizeof(how));

	found(p, FEATURE_OPENAT2, fd != -1);
	shut(&fd);
}

static void
probe_fchmodat2(struct probe *p)
{
	int fd = memfd_create("probe", MFD_CLOEXEC);
	struct stat st;

	if (fd == -1)
		return;
	found(p, FEATURE_FCHMODAT2,
	    syscall(NR_FCHMODAT2, fd, "", 0600, AT_EMPTY_PATH) == 0 &&
		fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
	shut(&fd);
}

static void
probe_landlock(struct probe *p)
{
	long abi = syscall(NR_LANDLOCK_MAKE, NULL, 0, 1);

	if (abi > 0) {
		p->fs->landlock_abi = (int)abi;
		found(p, FEATURE_LANDLOCK, true);
	}
}

static void
probe_yama(struct probe *p)
{
	int fd = open("/proc/sys/kernel/yama/ptrace_scope",
	    O_RDONLY | O_CLOEXEC);
	char c;

	p->fs->yama = -1;
	if (fd != -1 && read(fd, &c, 1) == 1 && c >= '0' && c <= '3')
		p->fs->yama = c - '0';
	shut(&fd);
}

/*
 * Does a RECV that has already begun end when the last task under the filter has gone?  Where it
 * does not it blocks for ever: a child tries it, and is killed if it hangs.
 */
static void
probe_recv_end(struct probe *p)
{
	struct seccomp_notif rq = { 0 };
	int done[2], status;
	pid_t pid;
	char byte;

	if (pipe2(done, O_CLOEXEC) == -1)
		return;
	pid = fork();
	if (pid == 0) {
		if (ioctl(p->listener, SECCOMP_IOCTL_NOTIF_RECV, &rq) == -1 &&
		    errno == ENOENT && write(done[1], "e", 1) == 1)
			_exit(0);
		_exit(1);
	}
	shut(&done[1]);
	kill(p->pid, SIGKILL);
	wait_for(p->pid, &status);
	p->pid = -1;
	found(p, FEATURE_RECV_ENOENT,
	    pid != -1 && ready(done[0], HANG_MS) &&
		read(done[0], &byte, 1) == 1);
	shut(&done[0]);
	if (pid != -1) {
		kill(pid, SIGKILL);
		wait_for(pid, &status);
	}
}

static void
probe_subject(struct probe *p)
{
	if (!hear_hello(p))
		return;
	probe_listener(p);
	probe_memory(p);
	probe_pidfd(p);
	probe_seize(p);
	if (p->fs->bits & FEATURE_USER_NOTIF)
		probe_recv_end(p);
}

int
feature_probe(struct feature_set *fs)
{
	struct probe p = { .fs = fs, .listener = -1 };
	int sv[2], status;

	memset(fs, 0, sizeof(*fs));
	probe_yama(&p);
	probe_openat2(&p);
	probe_fchmodat2(&p);
	probe_landlock(&p);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	p.pid = fork();
	if (p.pid == 0) {
		close(sv[0]);
		subject(sv[1]);
	}
	close(sv[1]);
	p.sock = sv[0];
	if (p.pid == -1) {
		close(p.sock);
		return -1;
	}
	probe_subject(&p);
	shut(&p.sock);
	shut(&p.listener);
	if (p.pid != -1) {
		kill(p.pid, SIGKILL);
		wait_for(p.pid, &status);
	}
	return 0;
}

const char *
feature_name(enum feature_number n)
{
	return n < FEATURE_MAX ? feature_names[n] : "";
}

const char *
feature_text(const struct feature_set *fs, char *buf, size_t size)
{
	FILE *f;
	const char *head = "; lack";

	if (size == 0 || (f = fmemopen(buf, size, "w")) == NULL)
		return "";
	setbuf(f, NULL);
	fputs("have", f);
	for (int i = 0; i < FEATURE_MAX; i++)
		if (fs->bits >> i & 1)
			fprintf(f, " %s", feature_names[i]);
	if (fs->landlock_abi != 0)
		fprintf(f, "=%d", fs->landlock_abi);
	if (fs->yama >= 0)
		fprintf(f, " yama=%d", fs->yama);
	for (int i = 0; i < FEATURE_MAX; i++)
		if (!(fs->bits >> i & 1)) {
			fprintf(f, "%s %s(%s)", head, feature_names[i],
			    feature_since[i]);
			head = "";
		}
	fclose(f);
	buf[size - 1] = '\0';
	return buf;
}
