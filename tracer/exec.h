/*
 * The exec family.  Judged on the way in: the program as a command with its arguments, each `#!`
 * interpreter, what a wrapper runs, and every file that is loaded.  Then the kernel execs
 * for itself, held at the exec event: what it loaded must be what was judged, and its argv,
 * private now, is judged again where it differs.  What does not hold is killed before its
 * first instruction.
 */

#ifndef TRACER_EXEC_H
#define TRACER_EXEC_H

#include "tracer/call.h"

void exec_ask(struct call *c);

#endif
