/*
 * Signals and what else reaches other processes: see sig.h.
 *
 * Trust: pids are a stranger's numbers; what /proc says of one is believed only after its
 * pidfd has been opened and found alive again. The process's name is its own choice, and
 * rules that look at it are its author's.
 */

#include "tracer/sig.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/event.h"
#include "tracer/num.h"
#include "tracer/task.h"
#include "tracer/tracer.h"

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_THREAD	   1u
#define PIDFD_SIGNAL_THREAD_GROUP  2u
#define PIDFD_SIGNAL_PROCESS_GROUP 4u
#endif

#define STATUS_BYTES 2048
#define ANCESTORS    64 /* how far a descendant is followed up */
#define GROUP_MAX    2048 /* members of an expanded group that are remembered */
#define PASSES	     4 /* over /proc, for those that fork while they are signalled */

/* Who asks, read afresh: it waits for us, so its numbers cannot be used again. */
struct asker {
	pid_t tid;
	struct sig_who who;
};

struct target {
	int pidfd; /* of its thread group, owned */
	bool ours;
	struct sig_who who;
};

/* ---- /proc ---- */

static const char *
field(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p == NULL ? NULL : p + strlen(key);
}

int
sig_who_read(const char *status, struct sig_who *w)
{
	const char *tgid = field(status, "\nTgid:\t");
	const char *ppid = field(status, "\nPPid:\t");
	const char *uid = field(status, "\nUid:\t");
	size_t n;

	if (strncmp(status, "Name:\t", 6) != 0 || tgid == NULL ||
	    ppid == NULL || uid == NULL)
		return -1;
	n = strcspn(status + 6, "\n");
	if (n >= sizeof(w->comm))
		n = sizeof(w->comm) - 1;
	memset(w, 0, sizeof(*w));
	memcpy(w->comm, status + 6, n);
	w->tgid = (pid_t)strtol(tgid, NULL, 10);
	w->ppid = (pid_t)strtol(ppid, NULL, 10);
	w->uid = (uint32_t)strtoul(uid, NULL, 10);
	return 0;
}

/* PID (NAME) STATE PPID PGRP ...; the last parenthesis ends the name. */
pid_t
sig_stat_pgrp(const char *stat)
{
	const char *p = strrchr(stat, ')');

	for (int i = 0; p != NULL && i < 3; i++)
		p = strchr(p + 1, ' ');
	return p == NULL ? -1 : (pid_t)strtol(p, NULL, 10);
}

/* A file of /proc/PID, terminated.  false: there is none. */
static bool
proc_read(const struct call *c, pid_t pid, const char *file, char *buf,
    size_t size)
{
	char name[NUM_MAX + 16];
	ssize_t n;
	int fd;

	num_text(num_put(name, (uint32_t)pid), file);
	if ((fd = openat(c->tracer->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	return true;
}

static bool
who_is(const struct call *c, pid_t pid, struct sig_who *w)
{
	char buf[STATUS_BYTES];

	return pid > 0 && proc_read(c, pid, "/status", buf, sizeof(buf)) &&
	    sig_who_read(buf, w) == 0;
}

static pid_t
pgrp_of(const struct call *c, pid_t pid)
{
	char buf[512];

	return proc_read(c, pid, "/stat", buf, sizeof(buf)) ?
	    sig_stat_pgrp(buf) :
	    -1;
}

static bool
who_asks(struct call *c, struct asker *a)
{
	a->tid = (pid_t)c->rq->pid;
	if (who_is(c, a->tid, &a->who))
		return true;
	answer_errno(c, ESRCH);
	return false;
}

/* ---- targets ---- */

static int
pidfd_signal(int pidfd, int sig, siginfo_t *info)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, info, 0);
}

/*
 * Pin the process of pid (a process or one of its threads) and find out whose it is.  0, or ESRCH.
 * close t->pidfd after 0.
 */
static int
pin(struct call *c, pid_t pid, struct target *t)
{
	pid_t tgid;

	if (!who_is(c, pid, &t->who))
		return ESRCH;
	tgid = t->who.tgid;
	t->pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (t->pidfd == -1)
		return ESRCH;
	t->ours = task_is_ours(c->tracer->tasks, pid);
	/*
	 * The pidfd was opened after the first look and is alive after the second: with the
	 * second that agrees, all three saw one process.
	 */
	if (who_is(c, pid, &t->who) && t->who.tgid == tgid &&
	    (pidfd_signal(t->pidfd, 0, NULL) == 0 || errno == EPERM))
		return 0;
	close(t->pidfd);
	return ESRCH;
}

static bool
descends_from(const struct call *c, pid_t pid, pid_t ancestor)
{
	struct sig_who w;

	for (int i = 0; i < ANCESTORS && pid > 1; i++) {
		if (!who_is(c, pid, &w))
			return false;
		if (w.ppid == ancestor)
			return true;
		pid = w.ppid;
	}
	return false;
}

static unsigned int
relation(const struct call *c, const struct asker *a, const struct sig_who *w)
{
	unsigned int rel = 0;

	if (w->tgid == a->who.tgid)
		return IMAGE_SIG_SELF | IMAGE_SIG_USER;
	if (w->ppid == a->who.tgid)
		rel |= IMAGE_SIG_CHILD | IMAGE_SIG_DESCENDANT;
	else if (image_settings(c->im)->has_signal_rules &&
	    descends_from(c, w->ppid, a->who.tgid))
		rel |= IMAGE_SIG_DESCENDANT;
	if (w->ppid == a->who.ppid)
		rel |= IMAGE_SIG_SIBLING;
	if (w->tgid == a->who.ppid)
		rel |= IMAGE_SIG_PARENT;
	if (w->uid == a->who.uid)
		rel |= IMAGE_SIG_USER;
	return rel;
}

/* ---- judging ---- */

static void
signal_event(struct call *c, int sig, pid_t pid, const struct sig_who *w)
{
	event_begin(c, EV_SIGNAL);
	c->ev.fix.value = sig;
	c->ev.fix.value2 = pid;
	if (w != NULL)
		event_text(c, EVS_PATH, w->comm, strlen(w->comm));
}

/* Commit a refusal that is not of this session. */
static int
not_ours(struct call *c, int sig, pid_t pid, const struct sig_who *w)
{
	struct verdict v;

	signal_event(c, sig, pid, w);
	call_builtin(&v, BR_SESSION);
	if (!call_verdict(c, &v))
		event_commit(c, EPERM);
	return EPERM;
}

#define ABSORBED (-2)

/*
 * May a signal to w?  0 with the signal to send in *sig and the event begun; ABSORBED; EPERM,
 * committed; -1 when the call has been answered.
 */
static int
judge(struct call *c, const struct asker *a, const struct sig_who *w, int *sig)
{
	struct verdict v;
	bool redirect;
	int out;

	signal_event(c, *sig, w->tgid, w);
	image_signal(c->im, *sig, relation(c, a, w), w->tgid, w->comm, &v,
	    &out);
	redirect = v.decision == DEC_REDIRECT;
	if (redirect) {
		/* Another signal is a signal: it goes on, and is always told. */
		v.decision = DEC_AUDIT;
		v.allowed = v.always = 1;
	}
	if (!call_verdict(c, &v)) {
		event_commit(c, v.decision == DEC_ABSORB ? 0 : EPERM);
		return v.decision == DEC_ABSORB ? ABSORBED : EPERM;
	}
	if (redirect)
		c->ev.fix.decision = DEC_REDIRECT;
	*sig = out;
	return event_room(c) ? 0 : -1;
}

/* Commit and answer: e is 0, ABSORBED, -1 (answered) or an errno. */
static void
done(struct call *c, int e)
{
	if (e == ABSORBED)
		e = 0;
	if (e != -1) {
		event_commit(c, e);
		if (e == 0)
			answer_value(c, 0);
		else
			answer_errno(c, e);
	}
}

/* The call itself goes on: its target is its caller. */
static void
to_self(struct call *c, const struct asker *a, int sig)
{
	int out = sig, e;

	if ((e = judge(c, a, &a->who, &out)) != 0) {
		done(c, e);
		return;
	}
	if (out != sig) {
		e = syscall(SYS_tgkill, a->who.tgid, a->tid, out) == -1 ?
		    errno :
		    0;
		done(c, e);
		return;
	}
	event_commit(c, 0);
	answer_continue(c);
}

/* What the receiver is told, when the caller's own words are not. */
static siginfo_t *
info_of(const struct asker *a, int sig, siginfo_t *info)
{
	if (sig == 0)
		return NULL;
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = SI_QUEUE;
	info->si_pid = a->who.tgid;
	info->si_uid = a->who.uid;
	return info;
}

/*
 * Judge and signal a pinned process, or its thread tid if that is not 0; said: the caller's siginfo, or
 * NULL.  As judge.
 */
static int
deliver(struct call *c, const struct asker *a, const struct target *t,
    pid_t tid, int sig, const siginfo_t *said)
{
	siginfo_t info, *ip;
	int e, r;

	if (!t->ours)
		return not_ours(c, sig, t->who.tgid, &t->who);
	if ((e = judge(c, a, &t->who, &sig)) != 0)
		return e;
	ip = info_of(a, sig, &info);
	if (said != NULL && ip != NULL) {
		info = *said;
		info.si_signo = sig;
	}
	if (tid == 0)
		r = pidfd_signal(t->pidfd, sig, ip);
	else if (ip == NULL)
		r = (int)syscall(SYS_tgkill, t->who.tgid, tid, 0);
	else
		r = (int)syscall(SYS_rt_tgsigqueueinfo, t->who.tgid, tid, sig,
		    ip);
	e = r == -1 ? errno : 0;
	event_commit(c, e);
	return e;
}

/* ---- groups ---- */

struct crowd {
	pid_t pgrp; /* 0: everybody but the asker */
	int sig;
	unsigned int sent, absorbed, refused, others, seen_cnt;
	pid_t seen[GROUP_MAX];
};

static bool
is_seen(struct crowd *cr, pid_t pid)
{
	for (unsigned int i = 0; i < cr->seen_cnt; i++)
		if (cr->seen[i] == pid)
			return true;
	if (cr->seen_cnt < GROUP_MAX)
		cr->seen[cr->seen_cnt++] = pid;
	return false;
}

/* One number in /proc.  false: the call has been answered. */
static bool
crowd_one(struct call *c, const struct asker *a, struct crowd *cr, pid_t pid)
{
	struct target t;
	int e;

	if (cr->pgrp == 0 ? pid == a->who.tgid : pgrp_of(c, pid) != cr->pgrp)
		return true;
	if (is_seen(cr, pid) || pin(c, pid, &t) != 0)
		return true;
	if (!t.ours) {
		/* Told once, and only if nobody else was meant. */
		cr->others++;
		close(t.pidfd);
		return true;
	}
	e = deliver(c, a, &t, 0, cr->sig, NULL);
	close(t.pidfd);
	cr->sent += e == 0;
	cr->absorbed += e == ABSORBED;
	cr->refused += e > 0 && e != ESRCH;
	return e != -1;
}

/* All of /proc once.  false: answered, or /proc cannot be read. */
static bool
crowd_pass(struct call *c, const struct asker *a, struct crowd *cr)
{
	int fd = openat(c->tracer->procfd, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *de;
	bool more = true;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	while (more && (de = readdir(d)) != NULL)
		if (isdigit((unsigned char)de->d_name[0]))
			more = crowd_one(c, a, cr,
			    (pid_t)strtol(de->d_name, NULL, 10));
	closedir(d);
	return more;
}

static void
to_crowd(struct call *c, const struct asker *a, pid_t pgrp, int sig)
{
	struct crowd cr = { .pgrp = pgrp, .sig = sig };
	unsigned int before;
	int pass = 0;

	do {
		before = cr.seen_cnt;
		if (!crowd_pass(c, a, &cr))
			return;
	} while (sig != 0 && cr.seen_cnt != before && ++pass < PASSES);
	if (cr.sent + cr.absorbed > 0)
		answer_value(c, 0);
	else if (cr.refused > 0)
		answer_errno(c, EPERM);
	else if (cr.others > 0)
		answer_errno(c, not_ours(c, sig, -pgrp, NULL));
	else
		answer_errno(c, ESRCH);
}

/* ---- the questions ---- */

static bool
is_signal(struct call *c, int sig)
{
	if (sig >= 0 && sig < NSIG)
		return true;
	answer_errno(c, EINVAL);
	return false;
}

/* A process by number. */
static void
to_process(struct call *c, const struct asker *a, pid_t pid, int sig,
    const siginfo_t *said)
{
	struct target t;
	int e;

	if ((e = pin(c, pid, &t)) == 0) {
		e = deliver(c, a, &t, 0, sig, said);
		close(t.pidfd);
	}
	done(c, e);
}

void
sig_ask_kill(struct call *c)
{
	pid_t pid = call_int(c, SR_PID);
	int sig = call_int(c, SR_SIG);
	struct asker a;

	if (!is_signal(c, sig) || !who_asks(c, &a))
		return;
	if (pid == a.who.tgid || pid == a.tid)
		to_self(c, &a, sig);
	else if (pid > 0)
		to_process(c, &a, pid, sig, NULL);
	else if (pid == INT_MIN)
		answer_errno(c, ESRCH);
	else if (pid == -1)
		to_crowd(c, &a, 0, sig);
	else
		to_crowd(c, &a, pid == 0 ? pgrp_of(c, a.tid) : -pid, sig);
}

/* A thread by number, of process tgid unless that is 0. */
static void
to_thread(struct call *c, const struct asker *a, pid_t tgid, pid_t tid, int sig,
    const siginfo_t *said)
{
	struct target t;
	int e;

	if ((e = pin(c, tid, &t)) == 0) {
		if (tgid != 0 && t.who.tgid != tgid)
			e = ESRCH;
		else
			e = deliver(c, a, &t, tid, sig, said);
		close(t.pidfd);
	}
	done(c, e);
}

void
sig_ask_tkill(struct call *c)
{
	bool has_pid = systab_has(&c->a, SR_PID);
	pid_t tgid = has_pid ? call_int(c, SR_PID) : 0;
	pid_t tid = call_int(c, SR_TID);
	int sig = call_int(c, SR_SIG);
	struct asker a;

	if (tid <= 0 || (has_pid && tgid <= 0)) {
		answer_errno(c, EINVAL);
		return;
	}
	if (!is_signal(c, sig) || !who_asks(c, &a))
		return;
	/* Within its own group the kernel checks the thread; without, only itself is sure. */
	if (tgid == a.who.tgid || (!has_pid && tid == a.tid))
		to_self(c, &a, sig);
	else
		to_thread(c, &a, tgid, tid, sig, NULL);
}

/* What may be said to others: not that the kernel or kill(2) said it. */
static bool
read_info(struct call *c, siginfo_t *info)
{
	int e = call_read(c, call_v(c, SR_INFO), info, sizeof(*info));

	if (e == 0 && (info->si_code >= 0 || info->si_code == SI_TKILL))
		e = EPERM;
	if (e != 0)
		answer_errno(c, e);
	return e == 0;
}

void
sig_ask_queue(struct call *c)
{
	bool has_tid = systab_has(&c->a, SR_TID);
	pid_t pid = call_int(c, SR_PID);
	pid_t tid = has_tid ? call_int(c, SR_TID) : 0;
	int sig = call_int(c, SR_SIG);
	struct asker a;
	siginfo_t info;

	if (pid <= 0 || (has_tid && tid <= 0)) {
		answer_errno(c, has_tid ? EINVAL : ESRCH);
		return;
	}
	if (!is_signal(c, sig) || !who_asks(c, &a))
		return;
	if (pid == a.who.tgid)
		to_self(c, &a, sig);
	else if (!read_info(c, &info))
		return;
	else if (has_tid)
		to_thread(c, &a, pid, tid, sig, &info);
	else
		to_process(c, &a, pid, sig, &info);
}

/* The process behind our copy of a pidfd; -1: it is none, 0: it is dead. */
static pid_t
pid_of_pidfd(const struct call *c, int fd)
{
	char buf[512], name[NUM_MAX + 16];
	const char *p;

	num_put(num_text(name, "/fdinfo/"), (uint32_t)fd);
	if (!proc_read(c, c->tracer->pid, name, buf, sizeof(buf)) ||
	    (p = field(buf, "\nPid:\t")) == NULL)
		return -1;
	return *p == '-' ? 0 : (pid_t)strtol(p, NULL, 10);
}

void
sig_ask_pidfd(struct call *c)
{
	int sig = call_int(c, SR_SIG), fd, err;
	uint32_t flags = call_u32(c, SR_FLAGS);
	bool said = call_v(c, SR_INFO) != 0;
	struct asker a;
	siginfo_t info;
	pid_t pid;

	if (!is_signal(c, sig) || !who_asks(c, &a))
		return;
	if ((flags & (flags - 1)) != 0 || flags > PIDFD_SIGNAL_PROCESS_GROUP) {
		answer_errno(c, EINVAL);
		return;
	}
	if ((fd = call_getfd(c, call_int(c, SR_FD), &err)) == -1) {
		answer_errno(c, err);
		return;
	}
	pid = pid_of_pidfd(c, fd);
	/* It stays open: while it is alive its number is its own. */
	if (pid <= 0)
		answer_errno(c, pid == 0 ? ESRCH : EBADF);
	else if (flags == PIDFD_SIGNAL_PROCESS_GROUP)
		to_crowd(c, &a, pid, sig);
	else if (said && !read_info(c, &info))
		;
	else if (flags == PIDFD_SIGNAL_THREAD)
		to_thread(c, &a, 0, pid, sig, said ? &info : NULL);
	else
		to_process(c, &a, pid, sig, said ? &info : NULL);
	close(fd);
}

/* ---- who is signalled about a descriptor ---- */

/* All of a process group of this session?  An empty one is nobody. */
static bool
group_is_ours(const struct call *c, pid_t pgrp)
{
	int fd = openat(c->tracer->procfd, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *de;
	bool ours = true;
	pid_t pid;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	while (ours && (de = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)de->d_name[0]))
			continue;
		pid = (pid_t)strtol(de->d_name, NULL, 10);
		if (pgrp_of(c, pid) == pgrp)
			ours = task_is_ours(c->tracer->tasks, pid);
	}
	closedir(d);
	return ours;
}

struct owner {
	int type; /* F_OWNER_TID, PID, PGRP */
	pid_t pid;
};

/* May o be told by SIGIO?  As judge; the target's pidfd is kept in t while it is set. */
static int
judge_owner(struct call *c, const struct asker *a, const struct owner *o,
    struct target *t)
{
	int sig = SIGIO, e;

	t->pidfd = -1;
	if (o->pid == 0)
		return 0;
	if (o->type == F_OWNER_PGRP) {
		if (group_is_ours(c, o->pid))
			return 0;
		return not_ours(c, sig, -o->pid, NULL);
	}
	if ((e = pin(c, o->pid, t)) != 0)
		return e;
	e = t->ours ? judge(c, a, &t->who, &sig) :
		      not_ours(c, sig, o->pid, &t->who);
	if (e != 0)
		close(t->pidfd);
	return e;
}

/* Set it on our copy; undone if the number may have passed to another meanwhile. */
static int
set_owner(int fd, const struct owner *o, const struct target *t)
{
	const struct f_owner_ex ex = { .type = o->type, .pid = o->pid };
	const struct f_owner_ex none = { .type = F_OWNER_PID, .pid = 0 };

	if (fcntl(fd, F_SETOWN_EX, &ex) == -1)
		return errno;
	if (t->pidfd == -1 || pidfd_signal(t->pidfd, 0, NULL) == 0 ||
	    errno == EPERM)
		return 0;
	(void)fcntl(fd, F_SETOWN_EX, &none);
	return ESRCH;
}

/* Read what fcntl was given.  0 or errno. */
static int
read_owner(struct call *c, struct owner *o)
{
	int who = call_int(c, SR_ARG);

	if (call_int(c, SR_CMD) == F_SETOWN_EX)
		return call_read(c, call_v(c, SR_ARG), o, sizeof(*o));
	if (who == INT_MIN)
		return EINVAL;
	o->type = who < 0 ? F_OWNER_PGRP : F_OWNER_PID;
	o->pid = who < 0 ? -who : who;
	return 0;
}

void
sig_ask_setown(struct call *c)
{
	struct owner o;
	struct target t;
	struct asker a;
	int fd, e;

	if (!who_asks(c, &a))
		return;
	if ((e = read_owner(c, &o)) == 0 &&
	    (o.pid < 0 || o.type < F_OWNER_TID || o.type > F_OWNER_PGRP))
		e = EINVAL;
	if (e != 0) {
		answer_errno(c, e);
		return;
	}
	if ((fd = call_getfd(c, call_int(c, SR_FD), &e)) == -1) {
		answer_errno(c, e);
		return;
	}
	if ((e = judge_owner(c, &a, &o, &t)) == 0) {
		e = set_owner(fd, &o, &t);
		if (t.pidfd != -1)
			close(t.pidfd);
	}
	done(c, e);
	close(fd);
}

/* F_SETFL with O_ASYNC: a terminal would make its foreground group the owner, whoever that is. */
void
sig_ask_async(struct call *c)
{
	struct verdict v;
	int fd, e;

	if ((fd = call_getfd(c, call_int(c, SR_FD), &e)) == -1) {
		answer_errno(c, e);
		return;
	}
	if (isatty(fd)) {
		event_begin(c, EV_SYSCALL);
		event_text(c, EVS_PATH, c->sa.row->name,
		    strlen(c->sa.row->name));
		call_builtin(&v, BR_SYSCALL);
		if (!call_verdict(c, &v))
			call_refuse(c, &v, EPERM);
	} else {
		e = fcntl(fd, F_SETFL, call_int(c, SR_ARG)) == -1 ? errno : 0;
		done(c, e);
	}
	close(fd);
}

/* ---- limits and scheduling ---- */

enum whose { SELF, OURS, ANSWERED };

/* Whose is the process that SR_PID names?  That of no session of ours is refused. */
static enum whose
whose(struct call *c)
{
	pid_t pid = call_int(c, SR_PID);
	struct verdict v;
	struct target t;
	struct asker a;
	bool ours;

	if (!who_asks(c, &a))
		return ANSWERED;
	if (pid == a.who.tgid || pid == a.tid)
		return SELF;
	if (pid <= 0 || pin(c, pid, &t) != 0) {
		answer_errno(c, pid < 0 ? EINVAL : ESRCH);
		return ANSWERED;
	}
	ours = t.ours;
	close(t.pidfd);
	if (ours)
		return OURS;
	event_begin(c, EV_SYSCALL);
	c->ev.fix.value2 = pid;
	event_text(c, EVS_PATH, c->sa.row->name, strlen(c->sa.row->name));
	call_builtin(&v, BR_SESSION);
	if (!call_verdict(c, &v))
		call_refuse(c, &v, EPERM);
	return ANSWERED;
}

/* Numbers, and a structure that only its target is the worse for. */
void
sig_ask_sched(struct call *c)
{
	if (whose(c) != ANSWERED)
		answer_continue(c);
}

void
sig_ask_prlimit(struct call *c)
{
	uint64_t new[2], old[2];
	long r;
	int e;

	switch (whose(c)) {
	case SELF:
		answer_continue(c);
		return;
	case ANSWERED:
		return;
	case OURS:
		break;
	}
	if ((e = call_read(c, call_v(c, SR_BUF), new, sizeof(new))) == 0) {
		r = syscall(SYS_prlimit64, call_int(c, SR_PID),
		    call_u32(c, SR_CMD), new, old);
		e = r == -1 ? errno : 0;
	}
	if (e == 0 && call_v(c, SR_OUT) != 0)
		e = call_write(c, call_v(c, SR_OUT), old, sizeof(old));
	done(c, e);
}
