/*
 * The end of a session: its workload is killed, its ring drained, its parts freed.
 *
 * Runs in the monitor, as root: it kills by cgroup, and else by the live table, which a
 * captured tracer may have written.  Must never kill what is not the session's: a
 * process from the table must have been started when it says, have the session's uid and
 * a seccomp filter, looked at while a pidfd holds it.
 */

#include <sys/mman.h>
#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/live.h"
#include "common/log.h"
#include "supervisor/journal.h"
#include "supervisor/session.h"

#define ROUND_NS   (NS_PER_SEC / 50)
#define ROUNDS_MAX 500 /* 10 s */
#define DRAIN_NS   (3 * NS_PER_SEC) /* while the house ends */

/* ---- the workload ---- */

/* Uid and Seccomp of /proc/PID/status. */
static bool
pid_is_ours(const struct session *s, int32_t pid)
{
	char path[64], line[256];
	unsigned long seccomp = 0;
	bool uid_ok = false, dead = false;
	FILE *fp;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if ((fp = fopen(path, "re")) == NULL)
		return false;
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (strncmp(line, "Uid:\t", 5) == 0)
			uid_ok = s->who.uid == 0 ||
			    strtoul(line + 5, NULL, 10) == s->who.uid;
		if (strncmp(line, "Seccomp:\t", 9) == 0)
			seccomp = strtoul(line + 9, NULL, 10);
		if (strncmp(line, "State:\t", 7) == 0)
			dead = line[7] == 'Z' || line[7] == 'X';
	}
	fclose(fp);
	return uid_ok && seccomp == 2 && !dead;
}

/* Is pid still what the table means, and not another that has its number? */
static bool
pid_started(int32_t pid, uint64_t start)
{
	char path[64], buf[512];
	size_t n;
	FILE *fp;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (start == 0 || (fp = fopen(path, "re")) == NULL)
		return false;
	n = fread(buf, 1, sizeof(buf) - 1, fp);
	fclose(fp);
	buf[n] = '\0';
	return live_start(buf) == start;
}

/* true: it was alive and ours. */
static bool
kill_one(const struct session *s, int32_t pid, uint64_t start)
{
	bool ours = false;
	int fd;

	if (pid <= 1 || pid == s->tracer.pid || pid == getpid())
		return false;
	if ((fd = (int)syscall(SYS_pidfd_open, pid, 0)) == -1)
		return false;
	if (pid_started(pid, start) && pid_is_ours(s, pid))
		ours = syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) ==
		    0;
	close(fd);
	return ours;
}

/* How many of the live table were still there. */
static int
kill_table(const struct session *s)
{
	const struct live *live;
	uint32_t i, count;
	int n = 0;

	if (s->live_fd == -1)
		return 0;
	live = mmap(NULL, sizeof(*live), PROT_READ, MAP_SHARED, s->live_fd, 0);
	if (live == MAP_FAILED)
		return 0;
	count = live->count;
	for (i = 0; i < LIVE_MAX && i < count; i++)
		n += kill_one(s, live->pid[i], live->start[i]);
	munmap((void *)(uintptr_t)live, sizeof(*live));
	return n;
}

int
session_kill_round(struct session *s)
{
	int known = s->cgroup_used ? cgroup_kill(&s->cgroup) : 0;
	int found = kill_table(s);

	return known > found ? known : found;
}

static void
on_round(struct loop_timer *t)
{
	session_kill_workload(t->arg);
}

void
session_kill_workload(struct session *s)
{
	int left = session_kill_round(s);

	if (left > 0) {
		if (++s->end_rounds < ROUNDS_MAX) {
			loop_timer_set(&s->mon->loop, &s->end, ROUND_NS,
			    on_round, s);
			return;
		}
		log_error(
		    "session %s: %d processes do not die (a call in the "
		    "kernel that cannot be interrupted?); they stay without "
		    "answers",
		    s->id, left);
	}
	session_event(s, SESE_EMPTY);
}

/* ---- listeners ---- */

static void
listener_close(struct session_listener *l)
{
	if (l->fd == -1)
		return;
	loop_del(&l->session->mon->loop, &l->io);
	close(l->fd);
	l->fd = -1;
}

static void
on_hangup(struct loop_io *io, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR))
		listener_close(io->arg);
}

void
session_listener_add(struct session *s, int fd)
{
	struct session_listener *l;
	unsigned int i;

	for (i = 0; i < SESSION_LISTENERS; i++) {
		l = &s->listener[i];
		if (l->fd != -1)
			continue;
		if (loop_add(&s->mon->loop, &l->io, fd, 0, on_hangup, l) == -1)
			break;
		l->session = s;
		l->fd = fd;
		return;
	}
	log_error("session %s: more than %d listeners at once: its tracer is "
		  "killed",
	    s->id, SESSION_LISTENERS);
	close(fd);
	proc_kill(&s->tracer);
}

static void
listeners_close(struct session *s)
{
	unsigned int i;

	for (i = 0; i < SESSION_LISTENERS; i++)
		listener_close(&s->listener[i]);
}

/* ---- the ring ---- */

static void
on_drain_slow(struct loop_timer *t)
{
	struct session *s = t->arg;

	log_error("session %s: its last events are not stored: auditd does not "
		  "answer",
	    s->id);
	session_event(s, SESE_DRAINED);
}

void
session_drain(struct session *s)
{
	struct msg_none none = { 0 };

	listeners_close(s);
	netproc_session_end(s);
	if (!s->drained_asked && s->tracer_ready)
		journal_session(s, s->end_event, s->end_why);
	s->drained_asked = true;
	if (!s->attached) {
		session_event(s, SESE_DRAINED);
		return;
	}
	/* Without auditd it waits: session_attach_all comes back here. */
	if (s->mon->phase == MON_ENDING)
		loop_timer_set(&s->mon->loop, &s->end, DRAIN_NS, on_drain_slow,
		    s);
	if (proc_is_up(&s->mon->auditd))
		(void)proc_send(&s->mon->auditd, MSG_AUDIT_DETACH, 0, s->number,
		    &none, NULL, 0, NULL, 0);
}

void
session_got_drained(struct monitor *mon, uint32_t number)
{
	struct session *s = session_by_number(mon, number);

	if (s != NULL && s->state == SES_REAPED)
		session_event(s, SESE_DRAINED);
}

/* ---- the rest ---- */

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void
session_free(struct session *s)
{
	struct monitor *mon = s->mon;

	loop_timer_stop(&mon->loop, &s->timeout);
	loop_timer_stop(&mon->loop, &s->idle);
	loop_timer_stop(&mon->loop, &s->end);
	resolve_cancel(&s->resolve);
	if (s->tracer_used)
		proc_clear(&s->tracer);
	listeners_close(s);
	if (s->cgroup_used)
		cgroup_remove(&s->cgroup);
	wake_close(&s->wake);
	close_fd(&s->image_fd);
	close_fd(&s->next_image_fd);
	close_fd(&s->registries_fd);
	close_fd(&s->trash_fd);
	close_fd(&s->live_fd);
	close_fd(&s->facts_fd);
	close_fd(&s->facts_ro_fd);
	peer_clear(&s->who);
	free(s->workspace);
	free(s->project_root);
	free(s->home);
	TAILQ_REMOVE(&mon->sessions, s, entry);
	mon->sessions_cnt--;
	if (s->tracer_ready)
		log_info("session %s has ended (%s)", s->id, s->end_why);
	free(s);
	monitor_session_gone(mon);
}
