/*
 * A session: one user, one workspace, one policy image, one tracer.  Its life is one
 * state table; session_event is the one function that changes a state.
 *
 *	REQUESTED	paths are looked at, the image is compiled
 *	CREATED		it has an image, directories, a ring and a cgroup
 *	LAUNCHING	its tracer starts
 *	RUNNING		it may be entered
 *	STOPPING	no more entries; tracer and workload end
 *	REAPED		nothing of it runs; its last events are stored
 *	AUDITED		it is gone
 *
 * Monitor only.
 */

#ifndef SUPERVISOR_SESSION_H
#define SUPERVISOR_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/image.h"
#include "supervisor/cgroup.h"
#include "supervisor/monitor.h"
#include "supervisor/peercred.h"
#include "supervisor/proc.h"
#include "supervisor/resolve.h"
#include "supervisor/wake.h"

#define SESSION_ASKERS	  8
#define SESSION_LISTENERS 256 /* as many entries as a tracer serves at once */

enum session_event {
	SESE_COMPILED,	  /* the image is here */
	SESE_MADE,	  /* directories, ring, cgroup: the tracer may start */
	SESE_SERVED,	  /* the tracer has its image */
	SESE_FAIL,	  /* it cannot be made */
	SESE_END,	  /* destroyed, timed out, or the house ends */
	SESE_TRACER_GONE,
	SESE_EMPTY,	  /* nothing of the workload is left */
	SESE_DRAINED,	  /* auditd has stored the last event */
	SESE_MAX
};

extern const char *const session_state_name[SES_STATE_MAX];

/*
 * A duplicate of one entry's listener; the kernel hangs it up when the last task that
 * used it has gone.
 */
struct session_listener {
	struct loop_io io;
	struct session *session;
	int fd; /* owned; -1: free */
};

struct session {
	TAILQ_ENTRY(session) entry;
	struct monitor *mon;
	uint32_t number;
	enum session_state state;
	char id[MSG_SESSION_LEN];
	struct peer who; /* who created it; no pidfd */
	char *want_workspace, *want_root; /* as asked */
	char *workspace, *project_root, *home; /* canonical; NULL until resolved */
	char policy[MSG_SESSION_LEN];
	char degraded[1024];
	char failure[1024]; /* why it could not be made */
	uint32_t failure_errno;
	const char *end_why; /* "destroyed" ... */
	enum ev_type end_event;

	uint64_t created_ns, activity_ns; /* CLOCK_REALTIME */
	uint64_t timeout_ns, idle_timeout_ns;
	uint32_t entries;
	uint32_t commands_running, commands_total;
	struct loop_timer timeout, idle, end;
	unsigned int end_rounds;

	struct resolve resolve;
	struct proc tracer;
	bool tracer_used; /* tracer has been spawned */
	bool tracer_ready; /* it was told everything */
	struct wake wake;
	int image_fd, next_image_fd, trash_fd, live_fd; /* owned; -1 */
	int facts_fd, facts_ro_fd; /* owned; -1 */
	uint32_t host;	/* its number in the mirror */
	bool net_ended; /* netproxy was told */
	int registries_fd; /* what was found at its start; owned; -1 */
	struct image_settings limits, next_limits;
	uint32_t landlock; /* the ABI, with MSG_LANDLOCK_IDLE; 0: off */
	struct cgroup cgroup;
	bool cgroup_used;
	struct session_listener listener[SESSION_LISTENERS];
	uint32_t create_id;    /* control's question, 0 when answered */
	uint32_t compile_id;   /* ours to policyd, 0: none */
	uint32_t image_id;     /* ours to the tracer, 0: none */
	bool reloading;	       /* load.c waits for us */
	uint32_t asker[SESSION_ASKERS]; /* control's DESTROYs */
	unsigned int askers;
	bool attached; /* auditd has, or will have, its ring */
	bool drained_asked;
};

/* ---- session.c: the life ---- */

/*
 * Begin a session for p (taken over on 0) as control's message id asks.  0, or an errno with
 * why (size bytes) filled.
 */
int session_create(struct monitor *mon, struct peer *p, uint32_t create_id,
    const char *id, const char *workspace, const char *policy,
    const char *project_root, char *why, size_t size);
void session_event(struct session *s, enum session_event ev);
/* End it; why is a constant string, event what the journal says. */
void session_end(struct session *s, const char *why, enum ev_type event);
struct session *session_find(struct monitor *mon, const char *id);
struct session *session_by_number(struct monitor *mon, uint32_t number);
/* The session whose tracer is process pid, or NULL. */
struct session *session_by_tracer(struct monitor *mon, pid_t pid);
/* May p see and end it?  Its own user, and root. */
bool session_visible(const struct session *s, const struct peer *p);
/* It cannot be made: remember why, SESE_FAIL follows. */
void session_fail(struct session *s, uint32_t error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Something of its users happened. */
void session_touch(struct session *s);
void session_print_states(FILE *fp);

/* ---- sesmake.c: its parts ---- */
int session_compile(struct session *s);
/* A reload: ask for a new image.  0, or -1: none is due. */
int session_recompile(struct session *s);
/* A reload begins: its tracer gives way to nobody for a while. */
void session_busy(struct session *s);
void session_got_compiled(struct monitor *mon, struct msg *m);
/* policyd died: what waits for it cannot wait. */
void session_policyd_gone(struct monitor *mon);
/* Directories, ring, cgroup; SESE_MADE or SESE_FAIL follows. */
void session_make(struct session *s);
/* Something of it is less than asked: named to its users. */
void session_add_degraded(struct session *s, const char *text);
/* Start the tracer; SESE_SERVED or SESE_TRACER_GONE follows. */
void session_launch(struct session *s);
/* Set the timers from config and image. */
void session_arm(struct session *s);
/* auditd is up (again): give it every ring. */
void session_attach_all(struct monitor *mon);

/* Does its policy limit anything that a cgroup enforces? */
bool session_is_limited(const struct session *s);

/* ---- seskill.c: its end ---- */
/* Kill what runs until nothing does; SESE_EMPTY follows. */
void session_kill_workload(struct session *s);
/* SIGKILL to all of it, once: how many were still there. */
int session_kill_round(struct session *s);
/* Drain the ring; SESE_DRAINED follows. */
void session_drain(struct session *s);
void session_got_drained(struct monitor *mon, uint32_t number);
/* Keep fd, which is taken, for as long as a task uses its filter. */
void session_listener_add(struct session *s, int fd);
/* Free everything. */
void session_free(struct session *s);

#endif
