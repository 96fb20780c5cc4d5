/*
 * entry.sock, see entrysock.h.
 *
 * Runs in the monitor: this is the one socket of strangers that it reads itself, so a
 * message is of one type and one size, checked by MSG_TABLE before anything looks at
 * it.  Identity is what the kernel says of the connection.  Never blocks; whatever is wrong
 * with a connection closes that connection.
 */

#include "supervisor/entrysock.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/monitor.h"
#include "supervisor/peercred.h"
#include "supervisor/session.h"
#include "supervisor/state.h"

#define PATIENCE_NS	(3 * NS_PER_SEC) /* from accept to ENTRY_HELLO */
#define ACCEPT_BATCH	32
#define ACCEPT_PAUSE_NS (NS_PER_SEC / 10) /* when descriptors are short */
#define BACKLOG		256
#define EXIT_BAD	2
#define EXIT_REFUSED	126
#define PLACE_MAX	64 /* forked while their parent entered */

struct asker {
	TAILQ_ENTRY(asker) entry;
	struct monitor *mon;
	struct chan chan;
	struct loop_io io;
	struct loop_timer timer;
	struct peer who;
};

void
entrysock_init(struct entrysock *e)
{
	memset(e, 0, sizeof(*e));
	e->fd = e->io.fd = -1;
	TAILQ_INIT(&e->askers);
}

static void
asker_free(struct asker *a)
{
	struct entrysock *e = &a->mon->entry;

	loop_timer_stop(&a->mon->loop, &a->timer);
	loop_del(&a->mon->loop, &a->io);
	chan_close(&a->chan);
	peer_clear(&a->who);
	TAILQ_REMOVE(&e->askers, a, entry);
	e->cnt--;
	free(a);
}

/* ---- verdicts ---- */

static void
send_verdict(struct asker *a, uint32_t exit_code, uint32_t inside,
    const char *message)
{
	struct msg_entry_verdict v = {
		.exit_code = exit_code,
		.inside = inside,
		.decision = inside ? DEC_ALLOW : DEC_DENY,
	};
	char tail[1024];
	int n;

	/* rule NUL file NUL message NUL hint NUL */
	n = snprintf(tail, sizeof(tail), "%s%c%c%s%c",
	    inside ? "" : "builtin-supervisor", 0, 0, message, 0);
	if (n < 0 || (size_t)n >= sizeof(tail))
		n = (int)sizeof(tail) - 1;
	tail[n] = '\0';
	if (chan_send(&a->chan, MSG_ENTRY_VERDICT, 0, 0, &v, tail,
		(size_t)n + 1, NULL, 0) == -1)
		log_debug("an asker left before its verdict: %m");
}

static void refuse(struct asker *a, uint32_t exit_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
refuse(struct asker *a, uint32_t exit_code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_info("entry refused to pid %d, uid %u: %s", (int)a->who.pid,
	    a->who.uid, text);
	send_verdict(a, exit_code, 0, text);
	asker_free(a);
}

/* ---- placing ---- */

/*
 * A core file would be written by the kernel where no rule is asked.  prlimit on
 * another user's process needs CAP_SYS_RESOURCE; without it a child of ours that becomes
 * that user does it.
 */
static int
limit_core(const struct peer *p)
{
	struct rlimit none = { 0, 0 };
	int status;
	pid_t pid;

	if (prlimit(p->pid, RLIMIT_CORE, &none, NULL) == 0)
		return 0;
	if (errno != EPERM || (pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		if (syscall(SYS_close_range, 0, ~0u, 0) == -1 ||
		    setgroups(0, NULL) == -1 ||
		    setresgid(p->gid, p->gid, p->gid) == -1 ||
		    setresuid(p->uid, p->uid, p->uid) == -1)
			_exit(1);
		_exit(prlimit(p->pid, RLIMIT_CORE, &none, NULL) == 0 ? 0 : 1);
	}
	/* For a moment it is that user's, who may stop it. */
	while (waitpid(pid, &status, WUNTRACED) == -1) {
		if (errno != EINTR)
			return -1;
	}
	if (WIFSTOPPED(status)) {
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			;
		return -1;
	}
	return status == 0 ? 0 : -1;
}

/*
 * Attaching to a cgroup waits for an RCU grace period, some milliseconds: p is
 * put in while it and the tracer get ready, and what it has forked by then
 * follows it.  Who is to be limited goes on when that is done (PLACED).
 * Otherwise the group is there to find the workload when it is to be killed,
 * which the live table knows, too.  false: it could not be, and must.
 */
static bool
place_late(const struct session *s, const struct peer *p)
{
	pid_t pids[PLACE_MAX] = { p->pid };
	char path[64];
	FILE *fp;
	int n = 1, i, child;

	for (i = 0; i < n; i++) {
		if (cgroup_place(&s->cgroup, pids[i]) == -1 && i == 0 &&
		    peer_alive(p) && !s->mon->conf.allow_degraded) {
			log_warn("session %s: pid %d cannot be placed in its "
				 "cgroup",
			    s->id, (int)p->pid);
			return false;
		}
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		    (int)pids[i], (int)pids[i]);
		if ((fp = fopen(path, "re")) == NULL)
			continue;
		while (n < PLACE_MAX && fscanf(fp, "%d", &child) == 1)
			pids[n++] = child;
		fclose(fp);
	}
	return true;
}

/* After ENTRY: into the cgroup with a, or away with it. */
static void
follow_up(struct asker *a, struct session *s)
{
	struct msg_placed placed = { .entry = s->entries };
	bool limited = session_is_limited(s);

	if (!place_late(s, &a->who)) {
		if (limited)
			send_verdict(a, EXIT_REFUSED, 0,
			    "it cannot be placed in the session's cgroup");
		else
			(void)syscall(SYS_pidfd_send_signal, a->who.pidfd,
			    SIGKILL, NULL, 0);
	} else if (limited && proc_send(&s->tracer, MSG_PLACED, 0, s->number,
	    &placed, NULL, 0, NULL, 0) == -1) {
		log_warn("session %s: PLACED: %s", s->id, strerror(errno));
	}
}

/* NULL, or why the session cannot take this peer. */
static const char *
place(struct session *s, const struct peer *p)
{
	if (limit_core(p) == -1 && !s->mon->conf.allow_degraded)
		return "its limits cannot be set";
	return peer_alive(p) ? NULL : "it has ended";
}

static void
hand_over(struct asker *a, struct session *s)
{
	struct msg_entry en = {
		.entry = s->entries + 1,
		.pid = a->who.pid,
		.uid = a->who.uid,
		.gid = a->who.gid,
		.placing = s->cgroup_used && session_is_limited(s),
	};
	int fds[2] = { a->chan.fd, a->who.pidfd };
	const char *why = place(s, &a->who);

	/* The tracer gets it as accept makes it. */
	(void)fcntl(a->chan.fd, F_SETFL, 0);
	if (why != NULL) {
		refuse(a, EXIT_REFUSED, "session %s: %s", s->id, why);
		return;
	}
	if (proc_send(&s->tracer, MSG_ENTRY, 0, s->number, &en, NULL, 0, fds,
		2) == -1) {
		refuse(a, EXIT_REFUSED,
		    "session %s: its tracer does not answer", s->id);
		return;
	}
	s->entries++;
	session_touch(s);
	if (s->cgroup_used)
		follow_up(a, s);
	asker_free(a);
}

/* ---- judging ---- */

static void
judge(struct asker *a, const char *id)
{
	struct session *s = session_find(a->mon, id);
	const char *where;

	/* One answer for what is not there and what is another user's. */
	if (s == NULL || s->who.uid != a->who.uid) {
		refuse(a, EXIT_REFUSED, "session not found: %s", id);
		return;
	}
	if (s->state != SES_RUNNING) {
		refuse(a, EXIT_REFUSED, "session %s is %s", id,
		    session_state_name[s->state]);
		return;
	}
	if (!peer_same_ids(&a->who, s->who.uid, s->who.gid, s->who.groups,
		s->who.ngroups)) {
		refuse(a, EXIT_REFUSED,
		    "session %s was created with another "
		    "gid or other groups: create one with yours",
		    id);
		return;
	}
	if ((where = peer_elsewhere(&a->who, &a->mon->entry.here)) != NULL) {
		refuse(a, EXIT_REFUSED,
		    "session %s: you are in another %s than "
		    "the daemon",
		    id, where);
		return;
	}
	hand_over(a, s);
}

static void
on_asker(struct loop_io *io, uint32_t events)
{
	struct asker *a = io->arg;
	const struct msg_entry_hello *h;
	struct msg m;
	int rc;

	rc = chan_recv(&a->chan, &m);
	if (rc == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (rc != 1) {
		asker_free(a);
		return;
	}
	h = msg_payload(&m);
	if (h->version != ENTRY_VERSION || h->flags != 0)
		refuse(a, EXIT_BAD,
		    "agentsh and agentshd are of different "
		    "versions");
	else if (memchr(h->session, '\0', sizeof(h->session)) == NULL)
		asker_free(a);
	else
		judge(a, h->session);
}

static void
on_slow(struct loop_timer *t)
{
	asker_free(t->arg);
}

/* ---- accepting ---- */

static unsigned int
of_uid(const struct entrysock *e, uid_t uid)
{
	const struct asker *a;
	unsigned int n = 0;

	TAILQ_FOREACH(a, &e->askers, entry)
		n += a->who.uid == uid;
	return n;
}

static void
asker_new(struct monitor *mon, int fd)
{
	struct entrysock *e = &mon->entry;
	struct asker *a;

	if (e->cnt >= ENTRYSOCK_MAX || (a = calloc(1, sizeof(*a))) == NULL) {
		close(fd);
		return;
	}
	a->mon = mon;
	a->io.fd = -1;
	a->who.pidfd = -1;
	chan_init(&a->chan, fd, PROC_MONITOR, PROC_ASKER);
	TAILQ_INSERT_TAIL(&e->askers, a, entry);
	e->cnt++;
	if (peer_get(&a->who, fd, true) == -1 ||
	    of_uid(e, a->who.uid) > ENTRYSOCK_PER_UID) {
		asker_free(a);
		return;
	}
	/* A connect performed by a tracer: the asker is inside already. */
	if (session_by_tracer(mon, a->who.pid) != NULL) {
		send_verdict(a, 0, 1, "");
		asker_free(a);
		return;
	}
	if (loop_add(&mon->loop, &a->io, fd, EPOLLIN, on_asker, a) == -1) {
		asker_free(a);
		return;
	}
	loop_timer_set(&mon->loop, &a->timer, PATIENCE_NS, on_slow, a);
}

static void
on_accept_again(struct loop_timer *t)
{
	struct monitor *mon = t->arg;

	loop_mod(&mon->loop, &mon->entry.io, EPOLLIN);
}

static void
on_accept(struct loop_io *io, uint32_t events)
{
	struct monitor *mon = io->arg;
	int fd, n;

	for (n = 0; n < ACCEPT_BATCH; n++) {
		fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd == -1 && (errno == EMFILE || errno == ENFILE)) {
			log_error("cannot accept entries: %m");
			loop_mod(&mon->loop, io, 0);
			loop_timer_set(&mon->loop, &mon->entry.pause,
			    ACCEPT_PAUSE_NS, on_accept_again, mon);
		}
		if (fd == -1)
			return;
		asker_new(mon, fd);
	}
}

int
entrysock_open(struct monitor *mon)
{
	struct entrysock *e = &mon->entry;

	if (peer_place_own(&e->here) == -1) {
		log_error("/proc/self: %m");
		return -1;
	}
	e->fd = state_listen(MON_ENTRY_SOCK, SOCK_SEQPACKET, BACKLOG);
	if (e->fd == -1)
		return -1;
	return loop_add(&mon->loop, &e->io, e->fd, EPOLLIN, on_accept, mon);
}

void
entrysock_close(struct monitor *mon)
{
	struct entrysock *e = &mon->entry;
	struct asker *a, *next;

	TAILQ_FOREACH_SAFE(a, &e->askers, entry, next)
		asker_free(a);
	loop_timer_stop(&mon->loop, &e->pause);
	loop_del(&mon->loop, &e->io);
	if (e->fd != -1)
		close(e->fd);
	e->fd = -1;
}
