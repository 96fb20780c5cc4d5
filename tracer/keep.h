/*
 * Where Yama's ptrace_scope is 1 only who already traces a task may read its
 * memory and its descriptors: one thread, the keeper, seizes who enters and
 * keeps that and all it starts.  Nothing is decided here but that an exec which
 * nobody judged is killed; the serving threads prove the others at their exec
 * event, which the keeper holds for them.
 */

#ifndef TRACER_KEEP_H
#define TRACER_KEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct inject;
struct keeper;

/* One exec on its way.  In the serving thread's hands; opaque. */
struct keep_exec {
	struct keep_exec *next;
	pid_t tid, pid;
	_Atomic bool answered;
	_Atomic uint32_t state; /* futex */
};

/* Start the thread.  NULL with errno.  Once, main thread. */
struct keeper *keep_start(void) __attribute__((warn_unused_result));

/*
 * Trace pid, a single thread that has named us (PR_SET_PTRACER), and what
 * comes of it.  0, or -1 with errno.  Blocks until the keeper has done it.
 * Main thread.
 */
int keep_seize(struct keeper *k, pid_t pid) __attribute__((warn_unused_result));

/*
 * Let tid stop on its way back from a call, and go on at once.  As keep_seize;
 * any thread.
 */
int keep_interrupt(struct keeper *k, pid_t tid)
    __attribute__((warn_unused_result));

/*
 * Thread tid is about to exec; early: it waits so that only SIGKILL ends that,
 * and may be interrupted now already.  0, or -1 with errno: it is not ours.
 */
int keep_exec_begin(struct keeper *k, struct keep_exec *e, pid_t tid,
    bool early) __attribute__((warn_unused_result));

/*
 * To be called before the exec is answered, and after (early false).  gone: the
 * answer found nobody.
 */
void keep_exec_answering(struct keep_exec *e);
void keep_exec_answered(struct keeper *k, struct keep_exec *e, bool early,
    bool gone);

/*
 * The process that stands at its exec event, held until keep_exec_end; 0: the
 * exec failed or its thread is gone, and there is nothing to end.  Blocks.
 */
pid_t keep_exec_wait(struct keep_exec *e);

/* Let it run, or kill it before its first instruction. */
void keep_exec_end(struct keeper *k, struct keep_exec *e, bool run);

/* A system call that a tracee makes by our hand, see inject.h. */
struct keep_inject {
	struct keep_inject *next;
	struct inject *j;
	bool answered, held, stopped; /* the keeper's */
	int status;
	_Atomic uint32_t over; /* futex */
};

/*
 * As inject_seize, before the call of j->tid is answered.  0, or -1 with errno.
 * Any thread.
 */
int keep_inject_begin(struct keeper *k, struct keep_inject *e,
    struct inject *j) __attribute__((warn_unused_result));

/* As inject_run, after it.  Blocks for a moment. */
void keep_inject_run(struct keeper *k, struct keep_inject *e);

#endif
