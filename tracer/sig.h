/*
 * Questions about other processes: signals, who is signalled about a descriptor, limits,
 * scheduling. A session acts on its own processes and nothing else (builtin-session);
 * inside it the policy's signal rules decide. Run in the serving threads with the
 * caller's credentials.
 *
 * A target is pinned by a pidfd before it is looked at and signalled through that, so that a number
 * that is used again meanwhile reaches nobody. What a process does to itself goes on by
 * itself. The receiver of a signal from another process sees si_code SI_QUEUE where it
 * would see SI_USER, with the true si_pid and si_uid.
 */

#ifndef TRACER_SIG_H
#define TRACER_SIG_H

#include "tracer/call.h"

void sig_ask_kill(struct call *c);
void sig_ask_tkill(struct call *c);
void sig_ask_queue(struct call *c);
void sig_ask_pidfd(struct call *c);
void sig_ask_setown(struct call *c);
void sig_ask_async(struct call *c);
void sig_ask_prlimit(struct call *c);
void sig_ask_sched(struct call *c);

/* ---- pure, unit-tested ---- */

/* What /proc/PID/status (terminated) says. */
struct sig_who {
	pid_t tgid, ppid;
	uint32_t uid; /* real */
	char comm[16]; /* terminated */
};
/* 0, or -1 where a field is missing. */
int sig_who_read(const char *status, struct sig_who *w);

/* Process group of /proc/PID/stat (terminated), or -1: the name in it may hold anything. */
pid_t sig_stat_pgrp(const char *stat);

#endif
