/*
 * One intercepted call: memory and descriptors of its caller, its answer, its
 * verdict.  Runs in the serving threads; everything read from the caller is
 * bytes of the adversary, copied once.  Must never answer twice, never leave a
 * call unanswered knowingly, and never CONTINUE but through answer_continue.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tracer/call.h"
#include "tracer/cred.h"
#include "tracer/event.h"
#include "tracer/feature.h"
#include "tracer/guard.h"
#include "tracer/notify.h"
#include "tracer/num.h"
#include "tracer/pathres.h"
#include "tracer/place.h"
#include "tracer/restart.h"
#include "tracer/tracer.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

#define PAGE 4096u /* the smallest there is: a string is read page by page */
#define SHORT 256u /* as most strings are: what is read at first */

/* ---- memory ---- */

int
call_readv(struct call *c, const struct iovec *to, size_t to_cnt,
    const struct iovec *from, size_t from_cnt, size_t *got)
{
	ssize_t n = process_vm_readv((pid_t)c->rq->pid, to, to_cnt, from,
	    from_cnt, 0);

	*got = 0;
	/* EPERM: by Yama, a task that took care not to be traced. */
	if (n <= 0)
		return n == -1 && errno == EPERM ? EACCES : EFAULT;
	*got = (size_t)n;
	return 0;
}

int
call_read_some(struct call *c, uint64_t addr, void *buf, size_t len,
    size_t *got)
{
	struct iovec to = { buf, len };
	struct iovec from = { (void *)(uintptr_t)addr, len };

	*got = 0;
	return len == 0 ? 0 : call_readv(c, &to, 1, &from, 1, got);
}

int
call_read(struct call *c, uint64_t addr, void *buf, size_t len)
{
	size_t got;
	int e;

	if (len == 0)
		return 0;
	if ((e = call_read_some(c, addr, buf, len, &got)) != 0)
		return e;
	return got == len ? 0 : EFAULT;
}

int
call_write(struct call *c, uint64_t addr, const void *buf, size_t len)
{
	/* process_vm_writev takes a plain iovec; it only reads from buf. */
	struct iovec l = { (void *)(uintptr_t)buf, len };
	struct iovec r = { (void *)(uintptr_t)addr, len };

	if (len == 0)
		return 0;
	if (process_vm_writev((pid_t)c->rq->pid, &l, 1, &r, 1, 0) !=
	    (ssize_t)len)
		return EFAULT;
	return 0;
}

int
call_string(struct call *c, uint64_t addr, char *buf, size_t size, size_t *len)
{
	size_t have = 0, got, want;
	const char *nul;
	int e;

	while (have < size) {
		want = PAGE - (size_t)((addr + have) % PAGE);
		if (want > size - have)
			want = size - have;
		if (have == 0 && want > SHORT)
			want = SHORT;
		e = call_read_some(c, addr + have, buf + have, want, &got);
		if (e != 0)
			return e;
		if ((nul = memchr(buf + have, '\0', got)) != NULL) {
			*len = (size_t)(nul - buf);
			return 0;
		}
		have += got;
	}
	return ENAMETOOLONG;
}

/* ---- descriptors ---- */

int
call_dirfd(struct call *c, int fd, int *err)
{
	char name[2 * NUM_MAX + 8], *p;
	int dir, flags = O_PATH | O_CLOEXEC;

	p = num_put(name, c->rq->pid);
	if (fd == AT_FDCWD) {
		num_text(p, "/cwd");
		flags |= O_DIRECTORY;
	} else if (fd >= 0) {
		num_put(num_text(p, "/fd/"), (uint32_t)fd);
	} else {
		*err = EBADF;
		return -1;
	}
	if ((dir = openat(c->tracer->procfd, name, flags)) != -1)
		return dir;
	/* Root's, of who dropped rights: no longer to be looked into by name. */
	if (errno == EACCES && fd >= 0)
		return call_getfd(c, fd, err);
	*err = errno == ENOENT ? EBADF : errno;
	return -1;
}

ssize_t
call_fd_link(struct tracer *t, int fd, char *buf, size_t size)
{
	char num[NUM_MAX];
	_Atomic int *slot;
	ssize_t n;
	int link, none = 0;

	num_put(num, (uint32_t)fd);
	if (fd >= TRACER_LINKS)
		return readlinkat(t->selffd, num, buf, size);
	/* Kept, the link itself spares its look-up. */
	slot = &t->link[fd];
	if ((link = atomic_load_explicit(slot, memory_order_relaxed)) == 0) {
		link = openat(t->selffd, num,
		    O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (link == -1)
			return -1;
		if (!atomic_compare_exchange_strong(slot, &none, link)) {
			close(link);
			link = none;
		}
	}
	n = readlinkat(link, "", buf, size);
	return n != -1 || errno == ENAMETOOLONG ? n :
	    readlinkat(t->selffd, num, buf, size);
}

/* Is copy what descriptor fd of thread tid is?  Its table may be its own. */
static bool
is_theirs(struct call *c, int fd, int copy)
{
	char name[2 * NUM_MAX + 8], *p;
	struct stat a, b;

	p = num_put(name, c->rq->pid);
	num_put(num_text(p, "/fd/"), (uint32_t)fd);
	return fstatat(c->tracer->procfd, name, &a, 0) == 0 &&
	    fstat(copy, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino;
}

/*
 * A pidfd of the calling thread, w's until it serves another: it means who has
 * that id now or, if the id has been given to another since, nobody (ESRCH).
 * -1 with errno.
 */
static int
pidfd_of(struct call *c, bool anew)
{
	struct worker *w = c->w;
	int fd;

	if (w->pidfd > 0 && w->pidfd_tid == c->rq->pid && !anew)
		return w->pidfd;
	fd = (int)syscall(SYS_pidfd_open, c->rq->pid, PIDFD_THREAD);
	if (fd == -1)
		return -1;
	if (w->pidfd > 0)
		close(w->pidfd);
	w->pidfd = fd;
	w->pidfd_tid = c->rq->pid;
	return fd;
}

/* Before 6.9 only the leader's descriptors can be had. */
static int
getfd_of_leader(struct call *c, int fd, int *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, c->task->tgid, 0), copy;

	if (pidfd == -1) {
		*err = EACCES;
		return -1;
	}
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	*err = copy == -1 && errno == EBADF &&
		c->task->tgid == (pid_t)c->rq->pid ?
	    EBADF :
	    EACCES;
	close(pidfd);
	if (copy != -1 && c->task->tgid != (pid_t)c->rq->pid &&
	    !is_theirs(c, fd, copy)) {
		close(copy);
		return -1;
	}
	return copy;
}

int
call_getfd(struct call *c, int fd, int *err)
{
	int pidfd, copy;

	if (fd < 0) {
		*err = EBADF;
		return -1;
	}
	/* A thread may have a table of its own. */
	if ((pidfd = pidfd_of(c, false)) == -1 && errno == EINVAL)
		return getfd_of_leader(c, fd, err);
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy == -1 && pidfd != -1 && errno == ESRCH) {
		pidfd = pidfd_of(c, true);
		copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	}
	if (copy == -1)
		*err = pidfd != -1 && errno == EBADF ? EBADF : EACCES;
	return copy;
}

/* ---- directories that a call names ---- */

void
call_lent_none(struct call *c)
{
	unsigned int i;

	for (i = 0; i < CALL_LENT_MAX; i++)
		c->lent[i] = -1;
}

static void
give_back(struct call *c)
{
	unsigned int i;

	for (i = 0; i < CALL_LENT_MAX; i++) {
		if (c->lent[i] != -1)
			close(c->lent[i]);
		c->lent[i] = -1;
	}
}

int
call_base(struct call *c, int fd, int *err)
{
	unsigned int i;
	int base = -1;

	for (i = 0; i < CALL_LENT_MAX && c->lent[i] != -1; i++)
		;
	if (i == CALL_LENT_MAX) {
		*err = EACCES;
		return -1;
	}
	/* Through /proc it takes three times as long. */
	if (fd >= 0 && pidfd_of(c, false) != -1) {
		base = call_getfd(c, fd, err);
		if (base == -1 && *err == EBADF)
			return -1;
	}
	if (base == -1)
		base = call_dirfd(c, fd, err);
	c->lent[i] = base;
	return base;
}

void
call_base_done(struct call *c, int base)
{
	unsigned int i;

	for (i = 0; i < CALL_LENT_MAX; i++)
		if (c->lent[i] == base && base != -1) {
			close(base);
			c->lent[i] = -1;
		}
}

bool
call_valid(struct call *c)
{
	uint64_t id = c->rq->id;

	if (c->w->group->listener == -1)
		return true;
	if (ioctl(c->w->group->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) ==
	    0)
		return true;
	c->gone = true;
	return false;
}

bool
call_interrupted(struct call *c)
{
	return atomic_load(&c->w->interrupt) == c->rq->id;
}

/* ---- answers ---- */

static void
send_answer(struct call *c, int64_t val, int err, uint32_t flags)
{
	struct seccomp_notif_resp resp = {
		.id = c->rq->id,
		.val = val,
		.error = err,
		.flags = flags,
	};

	if (c->answered)
		return;
	give_back(c);
	c->answered = true;
	c->err = -err;
	if (c->w->group->listener == -1)
		return; /* the front door */
	if (ioctl(c->w->group->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) == -1)
		c->gone = true;
}

void
answer_errno(struct call *c, int err)
{
	send_answer(c, 0, -err, 0);
}

void
answer_value(struct call *c, int64_t value)
{
	send_answer(c, value, 0, 0);
}

void
answer_continue(struct call *c)
{
	send_answer(c, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

void
answer_restart(struct call *c)
{
	if (c->answered)
		return;
	if (atomic_load(&c->w->shed_me)) {
		send_answer(c, 0, -EAGAIN, 0);
	} else if (restart_begin(c) == 0) {
		send_answer(c, 0, -CALL_ERESTARTSYS, 0);
		restart_end(c);
	} else {
		send_answer(c, 0, -EINTR, 0);
	}
}

void
answer_result(struct call *c, long r, int e)
{
	if (r != -1)
		answer_value(c, r);
	else if (e == EINTR)
		answer_restart(c);
	else
		answer_errno(c, e);
}

int
answer_fd(struct call *c, int fd, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = c->rq->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)fd,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};
	int r, e;

	if (c->answered)
		return -1;
	give_back(c);
	notify_uninterrupted(c->w);
	place_hold(c);
	atomic_store(&c->w->giving, true);
	r = ioctl(c->w->group->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	e = errno;
	place_release(c);
	if (r >= 0)
		c->answered = true;
	else if (e == ENOENT || e == EINPROGRESS)
		c->answered = c->gone = true;
	else
		answer_errno(c, e == EBADF ? EACCES : e);
	return r;
}

int
answer_last(struct call *c, int *fd, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = c->rq->id,
		.srcfd = (uint32_t)*fd,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};
	int r, e;

	/* Where a signal ends its wait it would keep what it was not told of. */
	if ((c->tracer->features & FEATURE_WAIT_KILLABLE) == 0 || c->answered)
		return answer_fd(c, *fd, cloexec);
	notify_uninterrupted(c->w);
	r = ioctl(c->w->group->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	e = errno;
	close(*fd);
	*fd = -1;
	if (r >= 0)
		answer_value(c, r);
	else if (e == ENOENT || e == EINPROGRESS)
		c->answered = c->gone = true;
	else
		answer_errno(c, e == EBADF ? EACCES : e);
	return r;
}

/* ---- judging ---- */

void
call_builtin(struct verdict *v, enum builtin_rule rule)
{
	*v = (struct verdict){
		.decision = DEC_DENY,
		.layer = LAYER_TRACER,
		.always = 1,
		.rule = RULE_BUILTIN | (uint32_t)rule,
	};
}

/*
 * Something of the supervisor's own lies below path: under another name it would
 * be anybody's.
 */
static bool
is_above_own(const struct tracer *t, const char *path, size_t len)
{
	unsigned int i;

	for (i = 0; i < t->own_cnt; i++)
		if (t->own[i].len > len && t->own[i].path[len] == '/' &&
		    memcmp(path, t->own[i].path, len) == 0)
			return true;
	return false;
}

/* A path of the supervisor's own, or below one. */
static bool
is_own_path(const struct tracer *t, const char *path, size_t len)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < t->own_cnt; i++) {
		size_t n = t->own[i].len;

		if (len >= n && memcmp(path, t->own[i].path, n) == 0 &&
		    (len == n || path[n] == '/'))
			return true;
	}
	if (!pathres_proc_pid(path, len, &pid))
		return false;
	return pid == t->pid || notify_is_ours(t, pid);
}

/* Below another's /proc directory: what needs no right over that process. */
static const char *const proc_open_tab[] = { "stat", "status", "statm",
	"cmdline", "comm", "cgroup", "limits", "task", "sched", "oom_score",
	"oom_score_adj", "oom_adj", "loginuid", "sessionid", "schedstat",
	"cpuset", "mounts", "mountinfo", "mountstats", "children" };

/*
 * Another process's memory is refused to all, under this name as under
 * process_vm_writev.  Of a process that is not of the session only what
 * everybody may know is open: its environment, memory and descriptors hold what
 * was taken from the session.  And while we hold CAP_SYS_PTRACE we must not
 * open for a caller what only that opens.
 */
bool
call_is_others_proc(const struct call *c, const char *path, size_t len)
{
	const char *name = path + pathres_last(path, len);
	size_t i, n = len - (size_t)(name - path);
	pid_t pid;

	if (!pathres_proc_pid(path, len, &pid))
		return guard_is_elsewhere(c->tracer->guard, path, len);
	if (n == 3 && memcmp(name, "mem", 3) == 0)
		return true;
	if (memmem(path, len, "/fd/", 4) == NULL &&
	    memmem(path, len, "/fdinfo/", 8) == NULL) {
		for (i = 0; i < sizeof(proc_open_tab) / sizeof(char *); i++)
			if (n == strlen(proc_open_tab[i]) &&
			    memcmp(name, proc_open_tab[i], n) == 0)
				return false;
		/* The directory of the process, or of one of its threads. */
		for (i = 0; i < n && name[i] >= '0' && name[i] <= '9'; i++)
			;
		if (i == n)
			return false;
	}
	return cred_has_ptrace(c->w) || !task_is_ours(c->tracer->tasks, pid);
}

bool
call_verdict(struct call *c, struct verdict *v)
{
	const struct image_settings *s = image_settings(c->im);
	struct image_rule rule;

	image_rule_get(c->im, v->rule, &rule);
	if (v->decision == DEC_REDIRECT ||
	    (v->decision == DEC_APPROVE && s->approvals_enabled)) {
		v->allowed = 0;
		event_text(c, EVS_MESSAGE, "not built yet", 13);
	}
	c->ev.fix.decision = v->decision;
	c->ev.fix.allowed = v->allowed;
	c->ev.fix.layer = v->layer;
	c->ev.fix.rule_line = rule.line;
	if (v->always || !v->allowed)
		c->ev.fix.flags |= EVF_ALWAYS;
	else
		c->ev.fix.flags &= (uint16_t)~EVF_ALWAYS;
	event_text(c, EVS_RULE, rule.name, strlen(rule.name));
	event_text(c, EVS_FILE, rule.file, strlen(rule.file));
	return v->allowed != 0;
}

bool
call_judge_file(struct call *c, enum file_op op, const char *path, size_t len,
    struct verdict *v)
{
	enum builtin_rule rule;

	if (is_own_path(c->tracer, path, len) ||
	    (op == FOP_RENAME && is_above_own(c->tracer, path, len)))
		call_builtin(v, BR_SUPERVISOR);
	else if (call_is_others_proc(c, path, len))
		call_builtin(v, BR_SYSCALL);
	else if (guard_refuses(c, op, path, len, &rule))
		call_builtin(v, rule);
	else
		image_file(c->im, op, path, len, v);
	c->ev.fix.op = (uint8_t)op;
	event_text(c, EVS_PATH, path, len);
	return call_verdict(c, v);
}

/* The errno that a refusal means. */
static int
refusal_errno(const struct call *c, const struct verdict *v)
{
	if (c->ev.fix.type == EV_SIGNAL)
		return EPERM;
	if (v->rule == (RULE_BUILTIN | BR_SUPERVISOR) ||
	    v->rule == (RULE_BUILTIN | BR_SESSION))
		return EPERM;
	/* As a file of another process is by the kernel. */
	if (v->rule == (RULE_BUILTIN | BR_SYSCALL))
		return c->ev.fix.type == EV_FILE ? EACCES : EPERM;
	return EACCES;
}

/* What the rule's author wants to be said. */
static void
expand_message(struct call *c, const struct verdict *v)
{
	const struct evrec *e = &c->ev;
	struct image_rule rule;
	struct image_msgvars vars = {
		.path = e->text[EVS_PATH].p,
		.operation = evrec_op_name(&e->fix),
		.command = c->task->comm,
	};

	image_rule_get(c->im, v->rule, &rule);
	if (rule.message[0] == '\0' || e->text[EVS_MESSAGE].len != 0)
		return;
	vars.rule = rule.name;
	image_message(rule.message, &vars, c->message, sizeof(c->message));
	event_text(c, EVS_MESSAGE, c->message, strlen(c->message));
}

void
call_refuse(struct call *c, const struct verdict *v, int err)
{
	if (err == 0)
		err = refusal_errno(c, v);
	expand_message(c, v);
	event_commit(c, err);
	answer_errno(c, err);
}

void
call_unjudgeable(struct call *c, const char *why)
{
	struct verdict v;

	if (!c->event_on)
		event_begin(c, EV_FILE);
	call_builtin(&v, BR_UNJUDGEABLE);
	if (call_verdict(c, &v))
		return;
	event_text(c, EVS_MESSAGE, why, strlen(why));
	call_refuse(c, &v, EACCES);
}
