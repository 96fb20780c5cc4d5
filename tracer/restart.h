/*
 * A call that its caller wants back, to take a signal: the answer ERESTARTSYS
 * is turned into EINTR or a restart only on a thread that the kernel has
 * marked to look for signals.  A signal to the process marks one thread, and
 * which cannot be seen; on another the number 512 would reach the program.
 */

#ifndef TRACER_RESTART_H
#define TRACER_RESTART_H

struct call;

/*
 * Mark the caller (PTRACE_INTERRUPT) until restart_end, which is called after
 * the answer.  0; or -1, and it must be answered otherwise.  In the serving
 * thread.
 */
int restart_begin(struct call *c);
void restart_end(struct call *c);

#endif
