/*
 * Events of one call: from struct call to a record in the session's ring.  Runs
 * in the serving threads; never allocates or formats.  A call has at most one
 * event at a time; a call that asks two questions keeps the one that refused,
 * else the first.
 *
 *	event_begin(c, EV_FILE);
 *	if (!call_judge_file(c, FOP_DELETE, path, len, &v))
 *		return call_refuse(c, &v, 0);
 *	if (!event_room(c))		before any effect
 *		return;			it has been refused
 *	r = unlinkat(...);
 *	event_commit(c, r == -1 ? errno : 0);
 *	answer_result(c, r, errno);
 */

#ifndef TRACER_EVENT_H
#define TRACER_EVENT_H

#include "tracer/call.h"

/*
 * Start the call's event: who, when, which system call.  What was begun before
 * is dropped.
 */
void event_begin(struct call *c, enum ev_type type);

/* Text i, borrowed until event_commit. */
static inline void
event_text(struct call *c, enum ev_text i, const char *p, size_t len)
{
	evrec_set(&c->ev, i, p, len);
}

/*
 * true: the ring can take the event of this call.  Else the call was parked for
 * as long as the audit settings say and has been refused (EACCES,
 * audit-unavailable) and answered.  Ask before the effect.  May block up to 5
 * s.
 */
bool event_room(struct call *c) __attribute__((warn_unused_result));

/*
 * Put the event, with the errno that the caller gets (0: none).  Does nothing
 * when none was begun.  When the ring is full to its last slot it blocks until
 * auditd has made room, however long, unless nobody waits for the answer: then
 * 5 s, and the record is counted as dropped.
 */
void event_commit(struct call *c, int err);

/* The same of a call that is let go: its errno will be the kernel's secret. */
static inline void
event_let_go(struct call *c)
{
	c->ev.fix.flags |= EVF_LET_GO;
	event_commit(c, 0);
}

#endif
