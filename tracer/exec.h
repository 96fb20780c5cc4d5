/*
 * The exec family.  Judged on the way in: the program as a command with its
 * arguments, each `#!` interpreter, what a wrapper runs, and every file that is
 * loaded.  Then the kernel execs for itself, held at the exec event: what it
 * loaded must be what was judged, and its argv, private now, is judged again
 * where it differs.  What does not hold is killed before its first instruction.
 */

#ifndef TRACER_EXEC_H
#define TRACER_EXEC_H

#include "tracer/call.h"

struct entry_args;

void exec_ask(struct call *c);

/*
 * The front door: judge what an asker, c's task, is about to exec, at depth 0,
 * as the exec itself will be judged again.  c belongs to no listener (entry.c)
 * and is not answered.  0, and *rule allowed it; or an errno, and c->ev says
 * which rule and why where one did.
 */
int exec_front(struct call *c, const struct entry_args *e, uint32_t *rule)
    __attribute__((warn_unused_result));

#endif
