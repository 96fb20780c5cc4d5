/*
 * See restart.h.  Runs in the serving threads; the stop that the interrupt
 * makes comes before any signal is taken, and ends at once.
 *
 * Must never leave a tracee behind: the thread that has seized it is the only
 * one that can let it go.
 */

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "tracer/keep.h"
#include "tracer/restart.h"
#include "tracer/tracer.h"

int
restart_begin(struct call *c)
{
	pid_t tid = (pid_t)c->rq->pid;

	if (c->tracer->keeper != NULL)
		return keep_interrupt(c->tracer->keeper, tid);
	if (ptrace(PTRACE_SEIZE, tid, 0, 0) == -1)
		return -1;
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0)
		return 0;
	restart_end(c); /* it is dying */
	return -1;
}

void
restart_end(struct call *c)
{
	pid_t pid;
	int status;

	if (c->tracer->keeper != NULL)
		return; /* which lets it go on */
	do {
		pid = waitpid((pid_t)c->rq->pid, &status, __WALL | __WNOTHREAD);
	} while (pid == -1 && errno == EINTR);
	if (pid == -1 || !WIFSTOPPED(status))
		return;
	/* The signal of a stop before it is taken goes with it. */
	ptrace(PTRACE_DETACH, pid, 0, status >> 16 == 0 ? WSTOPSIG(status) : 0);
	/* One that was killed meanwhile cannot be detached: reap it. */
	while (
	    waitpid(-1, &status, __WALL | __WNOTHREAD) != -1 || errno == EINTR)
		;
}
