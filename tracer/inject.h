/*
 * One system call that a tracee makes itself, by our hand: for what only the
 * caller can do to its process (to take a controlling terminal).  The tracee's
 * registers and signal mask are put back before it runs on, whatever came of
 * it.  A machine of states: who waits for the tracee's stops asks it what to do
 * at each.
 *
 * Trusts the kernel.  The instruction that is run again is the caller's own
 * memory: another thread may put something else in its place, and then that is
 * what the caller runs.
 */

#ifndef TRACER_INJECT_H
#define TRACER_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum inject_state {
	INJECT_WAITING,	 /* for the stop that PTRACE_INTERRUPT makes */
	INJECT_ENTERING, /* the tracee runs to its system call */
	INJECT_INSIDE,	 /* in it */
	INJECT_OVER
};

struct inject {
	pid_t tid;
	int state;	/* enum inject_state */
	bool late;	/* it takes too long: give up at the next stop */
	int64_t value;	/* what the call under way gives the caller */
	int nr;		/* its number; below, what is made instead */
	long call;
	uint64_t arg[3];
	uint64_t mask;	/* the caller's signals */
	struct user_regs_struct regs;
};

/*
 * The tracee stopped, with this status of waitpid(2); its tracer must have set
 * PTRACE_O_TRACESYSGOOD.  true: it is over and the tracee as it was, to be let
 * go; *sig is the signal that it was about to take, or 0.  false: it runs on.
 * Never blocks; in the tracing thread only.
 */
bool inject_stop(struct inject *j, int status, int *sig);

/*
 * Seize tid, for the calling thread alone; it stops on its way back from the
 * call that it waits in.  0, or -1 with errno.
 */
int inject_seize(pid_t tid) __attribute__((warn_unused_result));

/*
 * After the call has been answered: see j through to its end and let the tracee
 * go.  Blocks for a moment.
 */
void inject_run(struct inject *j);

#endif
