/*
 * The keeper, see keep.h.  A thread of the tracer that waits for the stops of
 * all tracees and lets them go on; other threads ask it for what only it may
 * do, by a list of requests and a signal that interrupts its wait.  Without
 * tracees it sleeps on a futex.
 *
 * Trusts the kernel.  Must never end while the session lives (its tracees die
 * with it), and never let a task run on from an exec that no serving thread
 * has claimed.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracer/inject.h"
#include "tracer/futex.h"
#include "tracer/keep.h"

#define STACK_BYTES (192u << 10)
#define REPOKE_NS   1000000L /* a signal that came before the wait is lost */
#define LATE_S	    1	     /* a call that a tracee makes for us */
#define OPTIONS                                                        \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | \
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |            \
	    PTRACE_O_TRACESYSGOOD)
/* Requests of our own, beside those of ptrace(2). */
#define OP_ANSWERED (-1)
#define OP_LATE	    (-2)

enum keep_state { KE_WAITING, KE_AT_EVENT, KE_OVER };

struct request {
	struct request *next;
	int op; /* PTRACE_SEIZE, _INTERRUPT, _CONT, OP_* */
	pid_t pid;
	int error;
	_Atomic uint32_t done; /* futex */
};

struct keeper {
	pthread_mutex_t lock; /* of the lists */
	struct request *requests;
	struct keep_exec *execs;
	struct keep_inject *injects;
	_Atomic uint32_t asked; /* futex: counts requests */
	_Atomic pid_t tid;
};

/* ---- the keeper's side ---- */

static bool
stops_a_group(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
	    sig == SIGTTOU;
}

/* The call that tid is to make, or NULL. */
static struct keep_inject *
injecting(struct keeper *k, pid_t tid)
{
	struct keep_inject *e;

	pthread_mutex_lock(&k->lock);
	for (e = k->injects; e != NULL && e->j->tid != tid; e = e->next)
		;
	pthread_mutex_unlock(&k->lock);
	return e;
}

/* It has been made, or cannot be: e is its owner's again. */
static void
inject_over(struct keeper *k, struct keep_inject *e)
{
	struct keep_inject **pp;

	pthread_mutex_lock(&k->lock);
	for (pp = &k->injects; *pp != NULL && *pp != e; pp = &(*pp)->next)
		;
	if (*pp == e)
		*pp = e->next;
	pthread_mutex_unlock(&k->lock);
	atomic_store(&e->over, 1);
	tracer_futex(&e->over, FUTEX_WAKE, 1, NULL);
}

/* The tracee of e stands still: on to its call, or on its way. */
static void
inject_step(struct keeper *k, struct keep_inject *e)
{
	pid_t tid = e->j->tid;
	int sig = WSTOPSIG(e->status);
	bool group = e->status >> 16 == PTRACE_EVENT_STOP &&
	    stops_a_group(sig);
	bool again = e->stopped;

	if (group && e->j->state == INJECT_WAITING) {
		inject_over(k, e); /* for how long, nobody knows */
		ptrace(PTRACE_LISTEN, tid, 0, 0);
		return;
	}
	e->stopped |= group;
	if (!inject_stop(e->j, e->status, &sig))
		return;
	inject_over(k, e);
	ptrace(PTRACE_CONT, tid, 0, sig);
	if (again) /* it ran on while its process stood still */
		kill(tid, SIGSTOP);
}

/* Its call is answered, or takes too long. */
static void
inject_asked(struct keeper *k, const struct request *r)
{
	struct keep_inject *e = injecting(k, r->pid);

	if (e == NULL)
		return;
	if (r->op == OP_LATE) {
		e->j->late = true;
		ptrace(PTRACE_INTERRUPT, r->pid, 0, 0);
		return;
	}
	e->answered = true;
	if (e->held)
		inject_step(k, e);
}

static void
serve(struct keeper *k, struct request *r)
{
	long rc = -1;

	if (r->op == PTRACE_SEIZE)
		rc = ptrace(PTRACE_SEIZE, r->pid, 0, OPTIONS);
	else if (r->op == PTRACE_INTERRUPT)
		rc = ptrace(PTRACE_INTERRUPT, r->pid, 0, 0);
	else if (r->op == PTRACE_CONT)
		rc = ptrace(PTRACE_CONT, r->pid, 0, 0);
	else {
		inject_asked(k, r);
		rc = 0;
	}
	r->error = rc == -1 ? errno : 0;
	atomic_store(&r->done, 1);
	tracer_futex(&r->done, FUTEX_WAKE, 1, NULL);
}

static void
serve_all(struct keeper *k)
{
	struct request *r, *next;

	pthread_mutex_lock(&k->lock);
	r = k->requests;
	k->requests = NULL;
	pthread_mutex_unlock(&k->lock);
	for (; r != NULL; r = next) {
		next = r->next; /* served, it is its owner's again */
		serve(k, r);
	}
}

/*
 * Take the exec of thread tid off the list, and tell who waits for it.
 * Locked.
 */
static bool
tell(struct keeper *k, pid_t tid, pid_t pid, enum keep_state st)
{
	struct keep_exec **pp, *e;

	for (pp = &k->execs; (e = *pp) != NULL; pp = &e->next) {
		if (e->tid != tid ||
		    (st == KE_OVER && pid != 0 && !atomic_load(&e->answered)))
			continue;
		*pp = e->next;
		e->pid = pid;
		atomic_store(&e->state, st);
		tracer_futex(&e->state, FUTEX_WAKE, 1, NULL);
		return true;
	}
	return false;
}

static bool
tell_one(struct keeper *k, pid_t tid, pid_t pid, enum keep_state st)
{
	bool told;

	pthread_mutex_lock(&k->lock);
	told = tell(k, tid, pid, st);
	pthread_mutex_unlock(&k->lock);
	return told;
}

/* Something new was loaded: it waits for its proof, or dies. */
static void
at_exec(struct keeper *k, pid_t pid)
{
	unsigned long former = (unsigned long)pid;

	if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &former) == -1 ||
	    !tell_one(k, (pid_t)former, pid, KE_AT_EVENT))
		kill(pid, SIGKILL);
}

static void
stopped(struct keeper *k, pid_t pid, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);
	struct keep_inject *e = injecting(k, pid);

	if (e != NULL) {
		e->status = status;
		e->held = true;
		if (e->answered)
			inject_step(k, e);
		return;
	}
	switch (event) {
	case PTRACE_EVENT_EXEC:
		at_exec(k, pid);
		break;
	case PTRACE_EVENT_STOP:
		/* An exec that was interrupted and comes to this has failed. */
		tell_one(k, pid, pid, KE_OVER);
		ptrace(stops_a_group(sig) ? PTRACE_LISTEN : PTRACE_CONT, pid, 0,
		    0);
		break;
	case 0: /* about to take a signal */
		ptrace(PTRACE_CONT, pid, 0, sig);
		break;
	default: /* a fork; the child is ours before it runs */
		ptrace(PTRACE_CONT, pid, 0, 0);
		break;
	}
}

static void
ended(struct keeper *k, pid_t pid)
{
	struct keep_inject *e = injecting(k, pid);

	tell_one(k, pid, 0, KE_OVER);
	if (e != NULL)
		inject_over(k, e);
}

static void *
keep(void *arg)
{
	struct keeper *k = arg;
	uint32_t seen;
	int status;
	pid_t pid;

	atomic_store(&k->tid, (pid_t)syscall(SYS_gettid));
	for (;;) {
		seen = atomic_load(&k->asked);
		serve_all(k);
		pid = waitpid(-1, &status, __WALL | __WNOTHREAD);
		if (pid == -1 && errno == ECHILD)
			tracer_futex(&k->asked, FUTEX_WAIT, seen, NULL);
		else if (pid != -1 && WIFSTOPPED(status))
			stopped(k, pid, status);
		else if (pid != -1)
			ended(k, pid);
	}
	return NULL;
}

/* ---- the others' side ---- */

struct keeper *
keep_start(void)
{
	struct keeper *k = calloc(1, sizeof(*k));
	pthread_attr_t at;
	sigset_t all, old;
	pthread_t th;
	int e;

	if (k == NULL)
		return NULL;
	pthread_mutex_init(&k->lock, NULL);
	sigfillset(&all);
	sigdelset(&all, SIGUSR1);
	sigdelset(&all, SIGSYS);
	pthread_attr_init(&at);
	pthread_attr_setstacksize(&at, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&th, &at, keep, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&at);
	if (e != 0) {
		free(k);
		errno = e;
		return NULL;
	}
	pthread_detach(th);
	return k;
}

static int
ask(struct keeper *k, int op, pid_t pid)
{
	const struct timespec soon = { .tv_nsec = REPOKE_NS };
	struct request r = { .op = op, .pid = pid };

	pthread_mutex_lock(&k->lock);
	r.next = k->requests;
	k->requests = &r;
	pthread_mutex_unlock(&k->lock);
	atomic_fetch_add(&k->asked, 1);
	tracer_futex(&k->asked, FUTEX_WAKE, 1, NULL);
	while (atomic_load(&r.done) == 0) {
		if (atomic_load(&k->tid) != 0)
			syscall(SYS_tgkill, getpid(), atomic_load(&k->tid),
			    SIGUSR1);
		tracer_futex(&r.done, FUTEX_WAIT, 0, &soon);
	}
	errno = r.error;
	return r.error == 0 ? 0 : -1;
}

int
keep_seize(struct keeper *k, pid_t pid)
{
	return ask(k, PTRACE_SEIZE, pid);
}

int
keep_interrupt(struct keeper *k, pid_t tid)
{
	return ask(k, PTRACE_INTERRUPT, tid);
}

/* Off the list, if it is still there. */
static void
forget(struct keeper *k, struct keep_exec *e)
{
	struct keep_exec **pp;

	pthread_mutex_lock(&k->lock);
	for (pp = &k->execs; *pp != NULL; pp = &(*pp)->next) {
		if (*pp == e) {
			*pp = e->next;
			break;
		}
	}
	pthread_mutex_unlock(&k->lock);
}

int
keep_exec_begin(struct keeper *k, struct keep_exec *e, pid_t tid, bool early)
{
	int saved;

	e->tid = tid;
	e->pid = 0;
	atomic_init(&e->answered, false);
	atomic_init(&e->state, KE_WAITING);
	pthread_mutex_lock(&k->lock);
	e->next = k->execs;
	k->execs = e;
	pthread_mutex_unlock(&k->lock);
	if (!early || ask(k, PTRACE_INTERRUPT, tid) == 0)
		return 0;
	saved = errno;
	forget(k, e);
	errno = saved;
	return -1;
}

void
keep_exec_answering(struct keep_exec *e)
{
	atomic_store(&e->answered, true);
}

/*
 * Only now may a wait that signals end be interrupted.  A thread that took its
 * answer and is not there any more has died or has become its process by its
 * exec: either is told.
 */
void
keep_exec_answered(struct keeper *k, struct keep_exec *e, bool early, bool gone)
{
	if (!early && ask(k, PTRACE_INTERRUPT, e->tid) == -1 && gone &&
	    atomic_load(&e->state) == KE_WAITING)
		tell_one(k, e->tid, 0, KE_OVER);
}

pid_t
keep_exec_wait(struct keep_exec *e)
{
	while (atomic_load(&e->state) == KE_WAITING)
		tracer_futex(&e->state, FUTEX_WAIT, KE_WAITING, NULL);
	return atomic_load(&e->state) == KE_AT_EVENT ? e->pid : 0;
}

void
keep_exec_end(struct keeper *k, struct keep_exec *e, bool run)
{
	if (!run || (ask(k, PTRACE_CONT, e->pid) == -1 && errno != ESRCH))
		kill(e->pid, SIGKILL);
}

int
keep_inject_begin(struct keeper *k, struct keep_inject *e, struct inject *j)
{
	*e = (struct keep_inject) { .j = j };
	pthread_mutex_lock(&k->lock);
	e->next = k->injects;
	k->injects = e;
	pthread_mutex_unlock(&k->lock);
	if (ask(k, PTRACE_INTERRUPT, j->tid) == 0)
		return 0;
	inject_over(k, e);
	return -1;
}

void
keep_inject_run(struct keeper *k, struct keep_inject *e)
{
	const struct timespec late = { .tv_sec = LATE_S };

	(void)!ask(k, OP_ANSWERED, e->j->tid);
	while (atomic_load(&e->over) == 0)
		if (tracer_futex(&e->over, FUTEX_WAIT, 0, &late) == -1 &&
		    errno == ETIMEDOUT)
			(void)!ask(k, OP_LATE, e->j->tid);
}
