/*
 * Listeners and the threads that serve them.  One group per listener (one per
 * entry from outside); its threads block in NOTIF_RECV, serve a call from
 * receipt to answer, and may block in it: nobody else waits for them, and a
 * watcher adds threads and interrupts the ones whose caller has a signal to
 * take or has died.
 */

#ifndef TRACER_NOTIFY_H
#define TRACER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tracer/call.h"

struct group;
struct tracer;

/*
 * Serve listener (owned from now on, also on failure) for entry number entry, as
 * soon as notify_begin is called.  The group, which lives until notify_end and
 * a little longer, or NULL with errno.  Main thread.
 */
struct group *notify_attach(struct tracer *t, int listener, uint32_t entry)
    __attribute__((warn_unused_result));

/* Let the threads of a group begin.  Always, once. */
void notify_begin(struct group *g);

/* Both. */
struct group *notify_serve(struct tracer *t, int listener, uint32_t entry)
    __attribute__((warn_unused_result));

/*
 * Start the threads of the next group ahead: they sleep until notify_serve.
 * What fails then fails there.  Main thread.
 */
void notify_prepare(struct tracer *t);

/* Start the watcher.  Once, after tracer_init. */
int notify_start(struct tracer *t) __attribute__((warn_unused_result));

/*
 * The group's listener has no more tasks (POLLHUP): its threads are ended, it
 * is closed and freed by the watcher.  g is not the caller's any more.  Never
 * blocks.
 */
void notify_end(struct tracer *t, struct group *g);

/*
 * Entry number entry has had its time: who of it calls from now on is killed.
 * Main thread.
 */
void notify_entry_over(struct tracer *t, uint32_t entry);

/* End all groups whose listener hung up; how many are left that did not. */
unsigned int notify_end_hung(struct tracer *t);

/* Threads now, idle and busy; for tests and the log. */
unsigned int notify_threads(struct tracer *t);

/* Is pid one of this process's threads? */
bool notify_is_ours(const struct tracer *t, pid_t pid);

struct worker;

/*
 * Until the call is served, nothing interrupts this thread.  In the serving
 * thread only.
 */
void notify_uninterrupted(struct worker *w);

/* clone(2) that shares descriptors or a umask, and umask(2): noted, let go. */
void notify_ask_share(struct call *c);
void notify_ask_umask(struct call *c);

/* The ask_fn of flock and fcntl with a lock that is not waited for. */
void notify_ask_lock(struct call *c);

/*
 * Wait until no other thread still holds a copy of a descriptor that it has given away: an exec of
 * a file that its caller has just written and closed would be ETXTBSY.  Blocks for microseconds.
 */
void notify_settle(struct worker *self);

#endif
