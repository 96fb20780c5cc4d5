/*
 * Credentials of marked tasks.  In a session of an ordinary user nothing can
 * change them, and the tracer runs with them.  In a root session a task that
 * calls set*id, setgroups or capset is marked, and what descends from it; a
 * serving thread then carries that task's credentials, by raw system calls that
 * change this thread alone, from before its call is judged until it is
 * answered.
 */

#ifndef TRACER_CRED_H
#define TRACER_CRED_H

#include <stdbool.h>

#include "tracer/call.h"

/*
 * In a root session, before each call is judged.  Take on the real and effective
 * ids, groups and capabilities of c's task, as /proc says now, where it is
 * marked.  false: not possible, and the call must be refused.  Our own
 * CAP_SYS_PTRACE stays where it is needed to read the caller's memory.
 */
bool cred_assume(struct call *c) __attribute__((warn_unused_result));

/*
 * Our own again.  Does nothing when nothing was assumed; ends the process if it
 * cannot.
 */
void cred_restore(struct call *c);

/*
 * A new serving thread of a root session puts CAP_SYS_PTRACE aside, unless Yama
 * makes it needed for every caller: with it we could open for a caller what it
 * may not.  0 or -1.
 */
int cred_thread(struct worker *w) __attribute__((warn_unused_result));

/* Has this thread CAP_SYS_PTRACE in force at this moment? */
bool cred_has_ptrace(const struct worker *w);

/*
 * May c's task say that it is uid and gid (SCM_CREDENTIALS)?  What the kernel
 * would ask of it; of us it would ask less, since our saved ids stay root's.
 */
bool cred_may_claim(struct call *c, uid_t uid, gid_t gid)
    __attribute__((warn_unused_result));

/* The question of set*id and its like: mark, and let the kernel decide. */
void cred_ask(struct call *c);

#endif
