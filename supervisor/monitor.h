/*
 * The monitor: what it holds, and who of its files does what.  One struct monitor,
 * made in main, passed down.  Monitor only.
 *
 *	agentshd.c	options, lock, daemon, log
 *	monitor.c	start in order, signals, end in order
 *	proc.c		children
 *	netproc.c	netproxy; mirror.c the namespace of its sockets
 *	load.c		config and policies through policyd: start, SIGHUP, restart
 *	request.c	what control asks
 *	session.c	a session's life; sesmake.c its parts; seskill.c its end
 *	resolve.c	a user's paths, looked at as that user
 *	entrysock.c	who asks to enter
 *	state.c		folders and files of the house
 *	journal.c	the monitor's own events
 */

#ifndef SUPERVISOR_MONITOR_H
#define SUPERVISOR_MONITOR_H

#include <sys/stat.h>
#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/loop.h"
#include "common/msg.h"
#include "common/ring.h"
#include "supervisor/cgroup.h"
#include "supervisor/entrysock.h"
#include "supervisor/load.h"
#include "supervisor/mirror.h"
#include "supervisor/netproc.h"
#include "supervisor/proc.h"
#include "supervisor/resolve.h"
#include "supervisor/wake.h"

#define MON_CONFIG	 "/etc/agentsh/config.yaml"
#define MON_RUN_DIR	 "/run/agentsh"
#define MON_CONTROL_SOCK MON_RUN_DIR "/control.sock"
#define MON_ENTRY_SOCK	 MON_RUN_DIR "/entry.sock"
#define MON_LOCK	 MON_RUN_DIR "/agentshd.pid"
#define MON_EMPTY	 MON_RUN_DIR "/empty"

#define NS_PER_SEC	UINT64_C(1000000000)
#define MON_END_NS	(10 * NS_PER_SEC) /* SIGTERM: everything has ended by then */

struct session;

struct monitor_opts {
	const char *config;
	bool foreground;   /* -F */
	bool check_only;   /* -n */
	uint32_t sandbox_kill; /* -k */
	uint32_t uid_base; /* -u, 0: users by name */
};

/* How far the start has come; goes up, and to ENDING from anywhere. */
enum monitor_phase {
	MON_POLICYD, /* policyd starts and loads */
	MON_AUDITD,
	MON_CONTROL,
	MON_SERVING,
	MON_ENDING,
	MON_PHASE_MAX
};

struct monitor {
	struct monitor_opts opts;
	struct loop loop;
	enum monitor_phase phase;
	int exit_code;
	char libexec[PATH_MAX];
	uint32_t uid[PROC_NETPROXY + 1], gid[PROC_NETPROXY + 1]; /* by PROC_* */

	struct daemon_conf conf; /* in force */
	struct load load;

	struct proc control, policyd, auditd, netproxy;
	int empty_fd;	 /* MON_EMPTY */
	int audit_fd;	 /* directory of the database */
	int key_fd;	 /* audit key file, or -1 */
	int sessions_fd; /* sessions.base_dir */
	int lock_fd;
	int ready_fd;	 /* the starting parent waits here, or -1 */
	int control_fd;	 /* listening, owned here so that control may die */
	struct entrysock entry;

	struct mirror mirror;
	int feeds_fd;	      /* struct feedconf in force, owned; -1 */
	struct wake net_wake; /* of netproxy's ring */
	struct stat resolv;   /* of /etc/resolv.conf, when last looked at */
	struct loop_timer resolv_timer;

	struct wake wake;  /* of the monitor's own ring */
	struct ring ring;
	bool ring_up;

	TAILQ_HEAD(, parked) parked; /* request.c: queries without an auditd */
	unsigned int parked_cnt;

	struct cgroup_host cgroups;
	TAILQ_HEAD(, session) sessions;
	unsigned int sessions_cnt;
	uint32_t session_next; /* number of the next session, from 1 */
	uint32_t id_next;      /* of our questions */
	struct loop_timer end_timer;
	bool ending_hard;
	struct resolve_pool resolvers;
};

/*
 * Start the house and serve until a signal ends it.  Returns the exit code.  Blocks.
 */
int monitor_run(struct monitor *mon);

/* Cannot go on: say why and what to do (the caller has), end everything, exit code 1. */
void monitor_fail(struct monitor *mon);

/* Config and policies are in force (first: or again): the next step of the start. */
void monitor_loaded(struct monitor *mon);
void monitor_load_failed(struct monitor *mon);

/* A session has gone: while ending, the last one lets the others go. */
void monitor_session_gone(struct monitor *mon);

/* A child of the house died: say so, and while ending see who is left. */
void monitor_child_gone(struct proc *p, int status);

/* A new id for a question of ours, never 0. */
uint32_t monitor_next_id(struct monitor *mon);

#endif
