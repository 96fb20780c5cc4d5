/*
 * The asker: connects to entry.sock, asks, installs the filter it is given,
 * hands the listener over, and becomes the command.  Runs as the user, outside
 * the session until the filter is on.  Trusts agentshd and the tracer with its
 * own fate; whatever fails on the way ends in a return, never in the command
 * running free.
 *
 * Nothing is sent by sendmsg after the filter is on: it would be trapped with
 * nobody to answer.  The listener's number is written, and the tracer takes it;
 * or a helper that shares our descriptors, cloned before, sends the listener.
 */

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/decision.h"
#include "common/entry.h"
#include "common/landlock.h"
#include "common/msg.h"
#include "supervisor/ctl/enter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What a root session may keep: DESIGN.md section 4, Credentials. */
static const unsigned int cap_keep_tab[] = {
	CAP_CHOWN,
	CAP_DAC_OVERRIDE,
	CAP_FOWNER,
	CAP_FSETID,
	CAP_SETUID,
	CAP_SETGID,
	CAP_SETPCAP,
	CAP_KILL,
	CAP_NET_BIND_SERVICE,
	CAP_SETFCAP,
};

#define CAPS_MAX 64

struct asker {
	struct enter_request q;
	struct enter_result *r;
	struct chan ch;
	struct msg_entry_terms terms;
	struct msg_entry_verdict verdict;
	struct msg msg;
	struct entry_args env; /* what the session's filter left of envp */
	struct sock_filter *insn;
	size_t insns;
	pid_t tracer; /* who gave the verdict, as the kernel says; 0 unknown */
};

/* What we and the helper share: the listener's number + 1, or -1. */
struct handover {
	_Atomic int32_t listener;
};

static int
broken(struct asker *a, const char *what)
{
	a->r->end = ENTER_BROKEN;
	a->r->error = errno;
	a->r->exit_code = 126;
	snprintf(a->r->what, sizeof(a->r->what), "%s", what);
	return -1;
}

static int
connect_entry(struct asker *a)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, on = 1;

	if (strlen(a->q.socket) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return broken(a, "entry socket");
	}
	strcpy(sun.sun_path, a->q.socket);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return broken(a, "socket");
	chan_init(&a->ch, fd, PROC_ASKER, PROC_MONITOR | PROC_TRACER);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		broken(a, "connect");
		a->r->end = ENTER_UNREACHABLE;
		a->r->exit_code = 1;
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	return 0;
}

/*
 * The daemon has answered and closed before it heard us: its verdict waits for
 * us.
 */
static bool
hung_up(void)
{
	return errno == EPIPE || errno == ECONNRESET;
}

/* 1 sent, 0 hung up, -1. */
static int
send_hello(struct asker *a)
{
	struct msg_entry_hello hello = { .version = ENTRY_VERSION };

	if (strlen(a->q.session) >= sizeof(hello.session)) {
		errno = ENAMETOOLONG;
		return broken(a, "session name");
	}
	strcpy(hello.session, a->q.session);
	if (chan_send(&a->ch, MSG_ENTRY_HELLO, 0, 0, &hello, NULL, 0, NULL,
		0) == 0)
		return 1;
	return hung_up() ? 0 : broken(a, "greeting agentshd");
}

/*
 * The question follows at once; it waits in the socket until the tracer reads
 * it.  When the monitor has refused already, sending fails and the verdict says
 * why.
 */
static int
send_ask(struct asker *a)
{
	struct msg_entry_ask ask = {
		.flags = a->q.flags,
		.timeout_ns = a->q.timeout_ns,
	};
	int fd, error;

	fd = entry_blob_write(a->q.argv, a->q.envp,
	    a->q.program != NULL ? a->q.program : a->q.name);
	if (fd == -1)
		return broken(a, "arguments and environment");
	error = chan_send(&a->ch, MSG_ENTRY_ASK, 0, 0, &ask, a->q.cwd,
	    a->q.cwd != NULL ? strlen(a->q.cwd) + 1 : 0, &fd, 1);
	if (error == -1 && hung_up())
		error = 0;
	if (error == -1)
		broken(a, "asking the session");
	close(fd);
	return error;
}

/*
 * Where the daemon closed with words of ours unread, the kernel says so once
 * before it gives us what was said: after the first end of file comes a second
 * look.
 */
static int
receive(struct asker *a, enum msg_type type, enum msg_type or, const char *what)
{
	int n, ends = 0;

	do {
		n = chan_recv(&a->ch, &a->msg);
	} while ((n == -1 && errno == EINTR) || (n == 0 && ends++ == 0));
	if (n == 1 && (a->msg.hdr.type == type || a->msg.hdr.type == or))
		return 0;
	if (n == 1)
		msg_close_fds(&a->msg);
	if (n >= 0)
		errno = n == 0 ? ECONNRESET : EPROTO;
	return broken(a, what);
}

static void
copy_str(const struct msg *m, unsigned int n, char *buf, size_t size)
{
	const char *s = msg_str(m, n);

	snprintf(buf, size, "%s", s == NULL ? "" : s);
}

static int
refused(struct asker *a)
{
	struct enter_result *r = a->r;

	r->end = ENTER_REFUSED;
	r->error = 0;
	r->exit_code = a->verdict.exit_code;
	r->decision = a->verdict.decision;
	r->line = a->verdict.line;
	copy_str(&a->msg, 0, r->rule, sizeof(r->rule));
	copy_str(&a->msg, 1, r->file, sizeof(r->file));
	copy_str(&a->msg, 2, r->message, sizeof(r->message));
	copy_str(&a->msg, 3, r->hint, sizeof(r->hint));
	msg_close_fds(&a->msg);
	return -1;
}

/* The program's instructions, copied: the kernel takes them from memory. */
static int
read_program(struct asker *a, int fd)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return -1;
	errno = EINVAL;
	if (st.st_size <= 0 || st.st_size % (off_t)sizeof(*a->insn) != 0 ||
	    st.st_size / (off_t)sizeof(*a->insn) > BPF_MAXINSNS)
		return -1;
	a->insns = (size_t)st.st_size / sizeof(*a->insn);
	if ((a->insn = malloc((size_t)st.st_size)) == NULL)
		return -1;
	n = pread(fd, a->insn, (size_t)st.st_size, 0);
	if (n != (ssize_t)st.st_size) {
		errno = n == -1 ? errno : EINVAL;
		return -1;
	}
	return 0;
}

/*
 * Who sends the next message: under Yama's scope 1 only a process that we name
 * may trace us, and that is to be the tracer and nobody else.  A look, not a
 * receive; what cannot be learned stays 0.
 */
static void
learn_tracer(struct asker *a)
{
	/* No room for descriptors, so that the look brings none along. */
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cm;
	struct ucred cred;
	int off = 0;

	if (recvmsg(a->ch.fd, &mh, MSG_PEEK | MSG_CMSG_CLOEXEC) <= 0)
		mh.msg_controllen = 0;
	cm = CMSG_FIRSTHDR(&mh);
	if (cm != NULL && cm->cmsg_level == SOL_SOCKET &&
	    cm->cmsg_type == SCM_CREDENTIALS) {
		memcpy(&cred, CMSG_DATA(cm), sizeof(cred));
		a->tracer = cred.pid;
	}
	setsockopt(a->ch.fd, SOL_SOCKET, SO_PASSCRED, &off, sizeof(off));
}

static bool
cap_is_kept(unsigned int cap)
{
	size_t i;

	for (i = 0; i < COUNT(cap_keep_tab); i++)
		if (cap_keep_tab[i] == cap)
			return true;
	return false;
}

/* Out of the bounding set goes all that a root session may not have. */
static int
cut_bounding(void)
{
	unsigned int cap;
	int error;

	for (cap = 0; cap < CAPS_MAX; cap++) {
		if (cap_is_kept(cap) ||
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* What is not there need not be dropped; nor what is none. */
		error = errno;
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) {
			errno = error;
			return -1;
		}
		if (error == EINVAL)
			break;
	}
	return 0;
}

static int
cut_sets(void)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	unsigned int cap;
	uint32_t keep[2] = { 0, 0 }, i;

	if (syscall(SYS_capget, &hdr, data) == -1)
		return -1;
	for (cap = 0; cap < CAPS_MAX; cap++)
		if (cap_is_kept(cap))
			keep[cap / 32] |= 1u << (cap % 32);
	for (i = 0; i < 2; i++) {
		data[i].permitted &= keep[i];
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		return -1;
	return syscall(SYS_capset, &hdr, data) == -1 ? -1 : 0;
}

static long
futex(_Atomic int32_t *word, int op, int32_t value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

/* The helper: wait for the listener's number, send it, end. */
static _Noreturn void
helper_main(struct asker *a, struct handover *h, pid_t parent)
{
	struct msg_entry_listener is = { .fd = -1 };
	int32_t n;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (syscall(SYS_getppid) != parent)
		_exit(1);
	while ((n = atomic_load(&h->listener)) == 0)
		futex(&h->listener, FUTEX_WAIT, 0);
	if (n < 0)
		_exit(1);
	fd = n - 1;
	if (chan_send(&a->ch, MSG_ENTRY_LISTENER, 0, 0, &is, NULL, 0, &fd,
		1) == -1)
		_exit(1);
	_exit(0);
}

/*
 * A child that shares our descriptor table and nothing else, and whose end
 * raises no signal.  Its pid, or -1.
 */
static pid_t
helper_start(struct asker *a, struct handover *h)
{
	pid_t parent = getpid();
	long pid;

	pid = syscall(SYS_clone, (unsigned long)CLONE_FILES, NULL, NULL, NULL,
	    0);
	if (pid == 0)
		helper_main(a, h, parent);
	return (pid_t)pid;
}

/* Tell the helper, and wait until it has ended: 0 if the listener was sent. */
static int
helper_finish(struct handover *h, pid_t pid, int listener)
{
	int status;
	pid_t n;

	atomic_store(&h->listener, listener == -1 ? -1 : listener + 1);
	futex(&h->listener, FUTEX_WAKE, 1);
	do {
		n = wait4(pid, &status, __WALL, NULL);
	} while (n == -1 && errno == EINTR);
	return n == pid && status == 0 ? 0 : -1;
}

/*
 * From here on files are refused that the policy never allows: the paths of the
 * rules (a blob; -1: there are none) are opened by us.
 */
static int
under_landlock(struct asker *a, int rules)
{
	int ruleset, error;

	if (rules == -1)
		return 0;
	error = landlock_build(rules, &ruleset);
	close(rules);
	if (error == -1)
		return broken(a, "making Landlock's ruleset");
	if (ruleset == -1)
		return 0;
	error = landlock_restrict(ruleset);
	if (error == -1)
		broken(a, "entering Landlock's domain");
	close(ruleset);
	return error;
}

static int
lessen(struct asker *a, int rules)
{
	if (a->tracer > 0) /* EINVAL where there is no Yama */
		prctl(PR_SET_PTRACER, (unsigned long)a->tracer, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return broken(a, "no_new_privs");
	if (a->terms.drop_caps && (cut_bounding() == -1 || cut_sets() == -1))
		return broken(a, "dropping capabilities");
	return under_landlock(a, rules);
}

/* ---- the answer ---- */

/* While the tracer judges we get ready to live under its terms. */
static int
take_terms(struct asker *a)
{
	int prog = msg_take_fd(&a->msg, 0), rules = msg_take_fd(&a->msg, 1);
	int error;

	memcpy(&a->terms, msg_payload(&a->msg), sizeof(a->terms));
	error = read_program(a, prog);
	if (error == -1)
		broken(a, "filter from the session");
	close(prog);
	if (error == 0)
		return lessen(a, rules);
	if (rules != -1)
		close(rules);
	return -1;
}

static int
take_environment(struct asker *a)
{
	int env = msg_take_fd(&a->msg, 0), error;

	/* Terms come before, or there is no filter to live under. */
	errno = EPROTO;
	if (env == -1 || a->insn == NULL)
		error = -1;
	else
		error = entry_blob_read(env, &a->env);
	if (error == -1)
		broken(a, "environment from the session");
	if (env != -1)
		close(env);
	return error;
}

static int
take_verdict(struct asker *a)
{
	static const char what[] = "waiting for the verdict";

	if (receive(a, MSG_ENTRY_VERDICT, MSG_ENTRY_TERMS, what) == -1)
		return -1;
	if (a->msg.hdr.type == MSG_ENTRY_TERMS &&
	    (take_terms(a) == -1 ||
		receive(a, MSG_ENTRY_VERDICT, MSG_NONE, what) == -1))
		return -1;
	memcpy(&a->verdict, msg_payload(&a->msg), sizeof(a->verdict));
	if (a->verdict.exit_code != 0)
		return refused(a);
	if (!a->verdict.inside && !a->verdict.elsewhere)
		return take_environment(a);
	msg_close_fds(&a->msg);
	errno = EPROTO;
	return a->verdict.elsewhere && a->q.cwd == NULL ? broken(a, what) : 0;
}

/* From here on we are filtered.  The listener, or -1. */
static int
install_filter(const struct asker *a)
{
	struct sock_fprog prog = {
		.len = (unsigned short)a->insns,
		.filter = a->insn,
	};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER | a->terms.listener_flags,
	    &prog);
}

/*
 * Until the exec /proc shows what we began with, and the session sees us as one
 * of its own.  What it may keep we have in a->env, all of it in q->envp.
 */
static void
forget_environment(void)
{
	char **p;

	for (p = environ; p != NULL && *p != NULL; p++)
		explicit_bzero(*p, strlen(*p));
}

/* The monitor may still say no: where the session's cgroup cannot take us. */
static int
await_go(struct asker *a)
{
	static const char what[] = "waiting to be served";
	int n;

	do
		n = chan_recv(&a->ch, &a->msg);
	while (n == -1 && errno == EINTR);
	if (n == 1 && a->msg.hdr.type == MSG_ENTRY_GO)
		return 0;
	if (n == 1 && a->msg.hdr.type == MSG_ENTRY_VERDICT) {
		memcpy(&a->verdict, msg_payload(&a->msg), sizeof(a->verdict));
		return refused(a);
	}
	if (n == 1)
		msg_close_fds(&a->msg);
	if (n >= 0)
		errno = n == 0 ? ECONNRESET : EPROTO;
	return broken(a, what);
}

static int
not_installed(struct asker *a)
{
	return broken(a, "installing the filter");
}

static int
not_handed(struct asker *a)
{
	return broken(a, "handing over the listener");
}

/* Filtered, with a helper that was there before. */
static int
filter_and_send(struct asker *a)
{
	struct handover *h;
	int fd, error;
	pid_t helper;

	h = mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h == MAP_FAILED)
		return broken(a, "shared memory");
	if ((helper = helper_start(a, h)) == -1)
		return broken(a, "helper");
	fd = install_filter(a);
	error = errno;
	if (helper_finish(h, helper, fd) == -1) {
		errno = fd == -1 ? error : ECONNRESET;
		return fd == -1 ? not_installed(a) : not_handed(a);
	}
	close(fd);
	return await_go(a);
}

/* Filtered; the tracer takes the listener from us. */
static int
filter_and_tell(struct asker *a)
{
	struct {
		struct msg_hdr hdr;
		struct msg_entry_listener is;
	} m = {
		.hdr = { .length = sizeof(m), .type = MSG_ENTRY_LISTENER },
	};
	int error;

	if ((m.is.fd = install_filter(a)) == -1)
		return not_installed(a);
	if (write(a->ch.fd, &m, sizeof(m)) != (ssize_t)sizeof(m))
		return not_handed(a);
	error = await_go(a);
	close(m.is.fd);
	return error;
}

static int
confine(struct asker *a)
{
	forget_environment();
	/* Nobody takes anything from who cannot be dumped. */
	return a->terms.fetch && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 ?
	    filter_and_tell(a) :
	    filter_and_send(a);
}

bool
enter_is_daemons(const struct enter_result *r)
{
	return r->end == ENTER_REFUSED && r->file[0] == '\0' &&
	    (r->rule[0] == '\0' ||
		strcmp(r->rule, builtin_rule_name[BR_SUPERVISOR]) == 0);
}

/* To the workspace, and the question once more. */
static int
go_there(struct asker *a)
{
	char workspace[PATH_MAX];

	copy_str(&a->msg, 2, workspace, sizeof(workspace));
	a->q.cwd = NULL;
	if (a->q.away(a->q.arg, workspace, &a->q, a->r) == -1)
		return -1;
	return send_ask(a) == -1 || take_verdict(a) == -1 ? -1 : 0;
}

static int
negotiate(struct asker *a)
{
	int heard;

	if (connect_entry(a) == -1 || (heard = send_hello(a)) == -1 ||
	    (heard && send_ask(a) == -1))
		return -1;
	learn_tracer(a);
	if (take_verdict(a) == -1 ||
	    (a->verdict.elsewhere && go_there(a) == -1))
		return -1;
	if (a->verdict.inside || a->q.program == NULL)
		return 0;
	return confine(a);
}

void
enter(const struct enter_request *q, struct enter_result *r)
{
	struct asker *a = calloc(1, sizeof(*a));
	char *const *envp = q->envp;

	memset(r, 0, sizeof(*r));
	if (a == NULL) {
		r->end = ENTER_BROKEN;
		r->error = ENOMEM;
		r->exit_code = 126;
		return;
	}
	a->q = *q;
	a->r = r;
	a->ch.fd = -1;
	if (negotiate(a) == -1)
		goto out;
	if (!a->verdict.inside)
		envp = a->env.envp;
	errno = ENOENT;
	if (a->q.program != NULL)
		execve(a->q.program, q->argv, envp);
	r->end = ENTER_EXEC;
	r->error = errno;
	r->exit_code = errno == ENOENT || errno == ENOTDIR ? 127 : 126;
out:
	/* Under the filter: nothing here may be a judged call. */
	chan_close(&a->ch);
	entry_args_clear(&a->env);
	free(a->insn);
	free(a);
}
