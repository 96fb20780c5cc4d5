/*
 * A process of the house as the monitor sees it: its life is one state table, its
 * channel one descriptor, what it may say the rows of MSG_TABLE.
 *
 * control, policyd and auditd are started again, with exponential backoff, when they
 * end; a tracer is not.  Storage is the owner's (struct monitor, struct session).
 * Monitor only.
 */

#ifndef SUPERVISOR_PROC_H
#define SUPERVISOR_PROC_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/loop.h"
#include "common/msg.h"
#include "common/rights.h"

struct monitor;
struct proc;

enum proc_state {
	PRS_NEW,	/* not started */
	PRS_EXECD,	/* fork and exec are done */
	PRS_HELLO,	/* it has been told who to become */
	PRS_CONFIGURED, /* it has confined itself and is told what to do */
	PRS_RUNNING,
	PRS_DRAINING, /* it has been told to end */
	PRS_DEAD,     /* reaped */
	PRS_MAX
};

enum proc_event {
	PRE_SPAWN,
	PRE_GREET, /* HELLO was sent */
	PRE_READY, /* it said READY */
	PRE_SERVE, /* it has its configuration */
	PRE_STOP,  /* it shall end */
	PRE_BAD,   /* it broke the protocol, or does not read */
	PRE_EXIT,  /* its pidfd says that it has ended */
	PRE_AGAIN, /* it may be started again */
	PRE_MAX
};

extern const char *const proc_state_name[PRS_MAX];
extern const char *const proc_event_name[PRE_MAX];

/* What its owner does about it. */
struct proc_ops {
	/* Fill HELLO; fds (borrowed by the call) are root directory and extras. */
	int (*greet)(struct proc *p, struct msg_hello *h, int fds[MSG_FDS_MAX],
	    unsigned int *nfds);
	/* It is confined: send it what it needs; PRE_SERVE follows. */
	void (*ready)(struct proc *p);
	/* A checked message other than READY and LOG; m's descriptors are closed after. */
	void (*message)(struct proc *p, struct msg *m);
	/* It has gone and been reaped; status as waitpid's. */
	void (*gone)(struct proc *p, int status);
};

#define PROC_OUTQ_MAX 4096 /* messages it has not read: then it is stuck */

struct proc_out;

struct proc {
	struct monitor *mon;
	const struct rights *rights;
	const struct proc_ops *ops;
	void *arg; /* the session of a tracer */
	const char *word; /* its one argument, borrowed; NULL: none */
	enum proc_state state;
	pid_t pid; /* 0: none */
	int pidfd; /* owned; -1 */
	bool respawn;
	struct chan chan;
	struct loop_io chan_io, pid_io;
	struct loop_timer timer; /* of a restart, or of patience with its end */
	TAILQ_HEAD(, proc_out) outq;
	unsigned int outq_cnt;
	unsigned int fails;	/* starts in a row that did not last */
	uint64_t started_ns;
	uint64_t log_second;	/* of CLOCK_MONOTONIC, in which log_cnt lines came */
	unsigned int log_cnt;
	const gid_t *groups; /* of a tracer's session, borrowed */
	unsigned int ngroups;
};

void proc_init(struct proc *p, struct monitor *mon, unsigned int what,
    const struct proc_ops *ops, void *arg);

/* Fork, exec, greet.  0 or -1 with errno; then it is as after its death. */
int proc_spawn(struct proc *p) __attribute__((warn_unused_result));

/* Ask it to end: STOP; SIGKILL after grace_ns. */
void proc_stop(struct proc *p, uint64_t grace_ns);
/* SIGKILL; gone() follows from the loop. */
void proc_kill(struct proc *p);
/* It broke the rules: log, kill. */
void proc_bad(struct proc *p, const char *why);
/* It has what it needs. */
void proc_serving(struct proc *p);
/* Forget it without more callbacks: its owner is going. */
void proc_clear(struct proc *p);

bool proc_is_up(const struct proc *p); /* CONFIGURED or RUNNING */

/*
 * All threads of p to SCHED_OTHER, from which they may have stepped down to
 * SCHED_IDLE; whether we have the right to (CAP_SYS_NICE).
 */
void proc_boost(const struct proc *p);
bool proc_can_boost(void);

/*
 * Queue a message (fds are duplicated when it cannot go at once).  0, or -1 when it
 * is not up, or the message breaks the table.  Never blocks; a process that does not read is
 * killed.
 */
int proc_send(struct proc *p, enum msg_type type, uint32_t id,
    uint32_t session, const void *payload, const void *tail, size_t tail_len,
    const int *fds, unsigned int nfds);

/* The state table as text, for the golden test. */
void proc_print_states(FILE *fp);

#endif
