/*
 * entry.sock: who asks to enter a session.  The monitor accepts, reads one
 * fixed-size message and the peer's credentials, and hands the connection to the session's
 * tracer, or says why not.  A slow or lying client costs one slot for a short time.
 * Monitor only.
 */

#ifndef SUPERVISOR_ENTRYSOCK_H
#define SUPERVISOR_ENTRYSOCK_H

#include "common/loop.h"
#include "supervisor/peercred.h"

#define ENTRYSOCK_MAX	  256 /* connections that have not said whom they want */
#define ENTRYSOCK_PER_UID 64

struct monitor;
struct asker;

struct entrysock {
	int fd; /* listening, owned; -1 */
	struct loop_io io;
	struct loop_timer pause;
	TAILQ_HEAD(, asker) askers;
	unsigned int cnt;
	struct peer_place here; /* where who enters must be, too */
};

void entrysock_init(struct entrysock *e);
/* Listen.  0, or -1 after logging. */
int entrysock_open(struct monitor *mon) __attribute__((warn_unused_result));
/* Close everything. */
void entrysock_close(struct monitor *mon);

#endif
