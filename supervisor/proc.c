/*
 * Children of the monitor: fork, exec, HELLO, READY, messages, end, start again.
 *
 * Runs in the monitor.  Trusts nothing a child says: a message that fails the check of
 * MSG_TABLE, or comes when its state does not expect it, costs the child its life.
 * Never blocks: a child that does not read has its messages queued, and is killed when
 * they are too many.
 */

#include "supervisor/proc.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/capability.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "supervisor/monitor.h"

#define NS_PER_S	  UINT64_C(1000000000)
#define READY_PATIENCE_NS (20 * NS_PER_S) /* from exec to READY */
#define LASTED_NS	  (10 * NS_PER_S) /* a start that held forgives the last */
#define BACKOFF_MIN_NS	  (NS_PER_S / 20)
#define BACKOFF_SHIFT_MAX 9 /* 25 s */
#define LOG_PER_SECOND 500 /* lines of one process */
#define TRACER_NICE	  20 /* RLIMIT_NICE: it comes back from SCHED_IDLE */

const char *const proc_state_name[PRS_MAX] = {
	[PRS_NEW] = "NEW",
	[PRS_EXECD] = "EXECD",
	[PRS_HELLO] = "HELLO",
	[PRS_CONFIGURED] = "CONFIGURED",
	[PRS_RUNNING] = "RUNNING",
	[PRS_DRAINING] = "DRAINING",
	[PRS_DEAD] = "DEAD",
};

const char *const proc_event_name[PRE_MAX] = {
	[PRE_SPAWN] = "SPAWN",
	[PRE_GREET] = "GREET",
	[PRE_READY] = "READY",
	[PRE_SERVE] = "SERVE",
	[PRE_STOP] = "STOP",
	[PRE_BAD] = "BAD",
	[PRE_EXIT] = "EXIT",
	[PRE_AGAIN] = "AGAIN",
};

enum proc_action {
	PRA_NONE,
	PRA_REFUSE, /* not in this state: the event is a fault of ours */
	PRA_READY, /* ops->ready */
	PRA_STOP, /* say STOP */
	PRA_KILL,
	PRA_GONE, /* ops->gone, then a restart if it has one coming */
	PRA_MAX
};

static const char *const proc_action_name[PRA_MAX] = {
	[PRA_NONE] = "-",
	[PRA_REFUSE] = "refuse",
	[PRA_READY] = "configure",
	[PRA_STOP] = "stop",
	[PRA_KILL] = "kill",
	[PRA_GONE] = "gone",
};

struct proc_cell {
	enum proc_state next;
	enum proc_action action;
};

/* clang-format off */
#define R(state) { state, PRA_REFUSE }
#define K(state, action) { state, action }
static const struct proc_cell proc_tab[PRS_MAX][PRE_MAX] = {
	/*		SPAWN				GREET				READY				SERVE				STOP				BAD				EXIT			AGAIN */
	[PRS_NEW] = {	K(PRS_EXECD, PRA_NONE),		R(PRS_NEW),			R(PRS_NEW),			R(PRS_NEW),			K(PRS_NEW, PRA_NONE),		K(PRS_NEW, PRA_NONE),		K(PRS_DEAD, PRA_GONE),	R(PRS_NEW) },
	[PRS_EXECD] = {	R(PRS_EXECD),			K(PRS_HELLO, PRA_NONE),		K(PRS_DRAINING, PRA_KILL),	R(PRS_EXECD),			K(PRS_DRAINING, PRA_KILL),	K(PRS_DRAINING, PRA_KILL),	K(PRS_DEAD, PRA_GONE),	R(PRS_EXECD) },
	[PRS_HELLO] = {	R(PRS_HELLO),			R(PRS_HELLO),			K(PRS_CONFIGURED, PRA_READY),	R(PRS_HELLO),			K(PRS_DRAINING, PRA_KILL),	K(PRS_DRAINING, PRA_KILL),	K(PRS_DEAD, PRA_GONE),	R(PRS_HELLO) },
	[PRS_CONFIGURED] = { R(PRS_CONFIGURED),		R(PRS_CONFIGURED),		K(PRS_DRAINING, PRA_KILL),	K(PRS_RUNNING, PRA_NONE),	K(PRS_DRAINING, PRA_STOP),	K(PRS_DRAINING, PRA_KILL),	K(PRS_DEAD, PRA_GONE),	R(PRS_CONFIGURED) },
	[PRS_RUNNING] = { R(PRS_RUNNING),		R(PRS_RUNNING),			K(PRS_DRAINING, PRA_KILL),	K(PRS_RUNNING, PRA_NONE),	K(PRS_DRAINING, PRA_STOP),	K(PRS_DRAINING, PRA_KILL),	K(PRS_DEAD, PRA_GONE),	R(PRS_RUNNING) },
	[PRS_DRAINING] = { R(PRS_DRAINING),		R(PRS_DRAINING),		K(PRS_DRAINING, PRA_KILL),	K(PRS_DRAINING, PRA_NONE),	K(PRS_DRAINING, PRA_NONE),	K(PRS_DRAINING, PRA_KILL),	K(PRS_DEAD, PRA_GONE),	R(PRS_DRAINING) },
	[PRS_DEAD] = {	R(PRS_DEAD),			R(PRS_DEAD),			R(PRS_DEAD),			R(PRS_DEAD),			K(PRS_DEAD, PRA_NONE),		K(PRS_DEAD, PRA_NONE),		R(PRS_DEAD),		K(PRS_NEW, PRA_NONE) },
};
#undef R
#undef K
/* clang-format on */

/* A message that waits until its reader has room; what follows is payload and tail. */
struct proc_out {
	TAILQ_ENTRY(proc_out) entry;
	enum msg_type type;
	uint32_t id, session;
	size_t payload_len, tail_len;
	int fd[MSG_FDS_MAX];
	unsigned int nfds;
	uint8_t bytes[];
};

static void proc_event(struct proc *p, enum proc_event ev, int status);

void
proc_print_states(FILE *fp)
{
	unsigned int s, e;

	for (s = 0; s < PRS_MAX; s++) {
		for (e = 0; e < PRE_MAX; e++) {
			const struct proc_cell *c = &proc_tab[s][e];

			fprintf(fp, "%s\t%s\t%s\t%s\n", proc_state_name[s],
			    proc_event_name[e], proc_state_name[c->next],
			    proc_action_name[c->action]);
		}
	}
}

void
proc_init(struct proc *p, struct monitor *mon, unsigned int what,
    const struct proc_ops *ops, void *arg)
{
	memset(p, 0, sizeof(*p));
	p->mon = mon;
	p->rights = rights_get(what);
	p->ops = ops;
	p->arg = arg;
	p->pidfd = -1;
	p->chan.fd = -1;
	p->chan_io.fd = -1;
	p->pid_io.fd = -1;
	TAILQ_INIT(&p->outq);
}

bool
proc_is_up(const struct proc *p)
{
	return p->state == PRS_CONFIGURED || p->state == PRS_RUNNING;
}

/* ---- the queue ---- */

static void
out_free(struct proc *p, struct proc_out *o)
{
	unsigned int i;

	TAILQ_REMOVE(&p->outq, o, entry);
	p->outq_cnt--;
	for (i = 0; i < o->nfds; i++)
		close(o->fd[i]);
	free(o);
}

static int
out_add(struct proc *p, enum msg_type type, uint32_t id, uint32_t session,
    const void *payload, const void *tail, size_t tail_len, const int *fds,
    unsigned int nfds)
{
	size_t plen = msg_row_get(type)->payload_bytes;
	struct proc_out *o;

	if (p->outq_cnt >= PROC_OUTQ_MAX) {
		proc_bad(p, "does not read its messages");
		return -1;
	}
	if ((o = calloc(1, sizeof(*o) + plen + tail_len)) == NULL)
		return -1;
	o->type = type;
	o->id = id;
	o->session = session;
	o->payload_len = plen;
	o->tail_len = tail_len;
	memcpy(o->bytes, payload, plen);
	if (tail_len > 0)
		memcpy(o->bytes + plen, tail, tail_len);
	TAILQ_INSERT_TAIL(&p->outq, o, entry);
	p->outq_cnt++;
	for (; o->nfds < nfds; o->nfds++) {
		o->fd[o->nfds] = fcntl(fds[o->nfds], F_DUPFD_CLOEXEC, 3);
		if (o->fd[o->nfds] == -1) {
			out_free(p, o);
			return -1;
		}
	}
	loop_mod(&p->mon->loop, &p->chan_io, EPOLLIN | EPOLLOUT);
	return 0;
}

static void
out_flush(struct proc *p)
{
	struct proc_out *o;

	while ((o = TAILQ_FIRST(&p->outq)) != NULL) {
		if (chan_send(&p->chan, o->type, o->id, o->session, o->bytes,
			o->bytes + o->payload_len, o->tail_len, o->fd,
			o->nfds) == -1 &&
		    (errno == EAGAIN || errno == ENOBUFS))
			return;
		out_free(p, o);
	}
	loop_mod(&p->mon->loop, &p->chan_io, EPOLLIN);
}

int
proc_send(struct proc *p, enum msg_type type, uint32_t id, uint32_t session,
    const void *payload, const void *tail, size_t tail_len, const int *fds,
    unsigned int nfds)
{
	if (p->chan.fd == -1)
		return -1;
	if (TAILQ_EMPTY(&p->outq)) {
		if (chan_send(&p->chan, type, id, session, payload, tail,
			tail_len, fds, nfds) == 0)
			return 0;
		if (errno != EAGAIN && errno != ENOBUFS) {
			log_warn("%s: cannot send %s: %m", p->rights->name,
			    msg_name[type]);
			return -1;
		}
	}
	return out_add(p, type, id, session, payload, tail, tail_len, fds,
	    nfds);
}

/* ---- start ---- */

static void
child_fd(int from, int to)
{
	if (from == to) {
		if (fcntl(to, F_SETFD, 0) == -1)
			_exit(71);
	} else if (dup2(from, to) == -1) {
		_exit(71);
	}
}

/* Between fork and exec: descriptors, signals, groups, RLIMIT_NICE. */
static void
child_exec(struct proc *p, int channel)
{
	char path[PATH_MAX + 64], name[64], word[MSG_PATH_LEN + 1];
	char *argv[] = { name, p->word != NULL ? word : NULL, NULL };
	/* A set TZ, and the C library need not look for its file again. */
	char utc[] = "TZ=UTC0";
	char *envp[] = { utc, NULL };
	struct rlimit rl = { TRACER_NICE, TRACER_NICE };
	int null, keep_err = p->mon->opts.foreground;
	sigset_t none;

	snprintf(path, sizeof(path), "%s/%s", p->mon->libexec,
	    p->rights->program);
	snprintf(name, sizeof(name), "%s", p->rights->program);
	snprintf(word, sizeof(word), "%s", p->word != NULL ? p->word : "");
	if ((channel = fcntl(channel, F_DUPFD_CLOEXEC, 10)) == -1 ||
	    (null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		_exit(71);
	child_fd(null, 0);
	child_fd(null, 1);
	if (!keep_err)
		child_fd(null, 2);
	child_fd(channel, CHILD_FD);
	(void)syscall(SYS_close_range, CHILD_FD + 1, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (p->rights->ids == RIDS_SESSION) {
		if (setgroups(p->ngroups, p->groups) == -1)
			_exit(72);
		/* Without CAP_SYS_RESOURCE the machine's limit stands. */
		(void)setrlimit(RLIMIT_NICE, &rl);
	}
	execve(path, argv, envp);
	_exit(errno == ENOENT ? 127 : 126);
}

bool
proc_can_boost(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	return syscall(SYS_capget, &h, d) == 0 &&
	    (d[0].effective & 1u << CAP_SYS_NICE) != 0;
}

void
proc_boost(const struct proc *p)
{
	const struct sched_param sp = { 0 };
	struct dirent *d;
	char path[64];
	DIR *dir;

	if (p->pid <= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)p->pid);
	if ((dir = opendir(path)) == NULL)
		return;
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			(void)sched_setscheduler((pid_t)strtol(d->d_name, NULL,
			    10), SCHED_OTHER, &sp);
	closedir(dir);
}

static void
proc_close(struct proc *p)
{
	struct proc_out *o, *next;

	loop_del(&p->mon->loop, &p->chan_io);
	loop_del(&p->mon->loop, &p->pid_io);
	chan_close(&p->chan);
	if (p->pidfd != -1)
		close(p->pidfd);
	p->pidfd = -1;
	TAILQ_FOREACH_SAFE(o, &p->outq, entry, next)
		out_free(p, o);
}

/* A process that logs without end shall not fill the operator's disk. */
static bool
log_is_too_much(struct proc *p)
{
	uint64_t now = loop_now_ns() / NS_PER_S;

	if (now != p->log_second) {
		if (p->log_cnt > LOG_PER_SECOND)
			log_warn("%s[%d]: %u log lines were dropped",
			    p->rights->name, (int)p->pid,
			    p->log_cnt - LOG_PER_SECOND);
		p->log_second = now;
		p->log_cnt = 0;
	}
	return ++p->log_cnt > LOG_PER_SECOND;
}

static void
got_log(struct proc *p, struct msg *m)
{
	const struct msg_log *lg = msg_payload(m);
	size_t len;
	const char *text = msg_tail(m, &len);

	if (lg->level > LOG_DEBUG || len == 0 || text[len - 1] != '\0')
		proc_bad(p, "malformed log line");
	else if (!log_is_too_much(p))
		log_foreign((int)lg->level, p->rights->name, (int)p->pid, text);
}

static void
receive(struct proc *p, struct msg *m)
{
	if (m->hdr.type == MSG_LOG) {
		got_log(p, m);
	} else if (m->hdr.type == MSG_READY) {
		proc_event(p, PRE_READY, 0);
	} else if (proc_is_up(p) || p->state == PRS_DRAINING) {
		p->ops->message(p, m);
	}
	msg_close_fds(m);
}

static void
on_channel(struct loop_io *io, uint32_t events)
{
	struct proc *p = io->arg;
	struct msg m;
	int rc, n;

	if (events & EPOLLOUT)
		out_flush(p);
	/* Bounded: others have something to say too. */
	for (n = 0; n < 32 && p->chan_io.fd != -1; n++) {
		rc = chan_recv(&p->chan, &m);
		if (rc == 1) {
			receive(p, &m);
			continue;
		}
		if (rc == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (rc == -1) {
			proc_bad(p, "malformed message");
		} else {
			/* It closed its end; its pidfd says the rest. */
			loop_del(&p->mon->loop, &p->chan_io);
			proc_kill(p);
		}
		return;
	}
}

static void
on_exit_fd(struct loop_io *io, uint32_t events)
{
	struct proc *p = io->arg;
	int status = 0;
	pid_t r;

	r = waitpid(p->pid, &status, WNOHANG);
	if (r == 0)
		return;
	/* What it said before it died still counts. */
	on_channel(&p->chan_io, EPOLLIN);
	proc_event(p, PRE_EXIT, r == -1 ? -1 : status);
}

static void
on_patience(struct loop_timer *t)
{
	struct proc *p = t->arg;

	if (p->state == PRS_EXECD || p->state == PRS_HELLO)
		proc_bad(p, "does not become ready");
	else if (p->state == PRS_DRAINING)
		proc_kill(p);
}

static int
greet(struct proc *p)
{
	struct msg_hello h;
	int fds[MSG_FDS_MAX];
	unsigned int nfds = 0;

	memset(&h, 0, sizeof(h));
	h.log_level = (uint32_t)log_get_level();
	h.sandbox_kill = p->mon->opts.sandbox_kill;
	if (p->ops->greet(p, &h, fds, &nfds) == -1)
		return -1;
	if (proc_send(p, MSG_HELLO, 0, 0, &h, NULL, 0, fds, nfds) == -1)
		return -1;
	proc_event(p, PRE_GREET, 0);
	return 0;
}

static int
watch(struct proc *p, int fd)
{
	struct loop *l = &p->mon->loop;

	chan_init(&p->chan, fd, PROC_MONITOR, p->rights->proc);
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd == -1 ||
	    loop_add(l, &p->pid_io, p->pidfd, EPOLLIN, on_exit_fd, p) == -1 ||
	    loop_add(l, &p->chan_io, fd, EPOLLIN, on_channel, p) == -1)
		return -1;
	return 0;
}

/* A child whose end nobody would hear of: as if it had never been. */
static void
disown(struct proc *p)
{
	int status;

	(void)kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) == -1 && errno == EINTR)
		;
	proc_close(p);
	p->pid = 0;
}

int
proc_spawn(struct proc *p)
{
	int sv[2];

	if (p->state != PRS_NEW ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	(void)fcntl(sv[0], F_SETFL, O_NONBLOCK);
	p->started_ns = loop_now_ns();
	if ((p->pid = fork()) == 0)
		child_exec(p, sv[1]);
	close(sv[1]);
	if (p->pid == -1) {
		log_error("cannot fork for %s: %m", p->rights->name);
		p->pid = 0;
		close(sv[0]);
		return -1;
	}
	if (watch(p, sv[0]) == -1) {
		log_error("cannot watch %s: %m", p->rights->name);
		disown(p);
		return -1;
	}
	proc_event(p, PRE_SPAWN, 0);
	loop_timer_set(&p->mon->loop, &p->timer, READY_PATIENCE_NS, on_patience,
	    p);
	if (greet(p) == -1) {
		log_error("cannot start %s: %m", p->rights->name);
		proc_kill(p);
		return -1;
	}
	return 0;
}

/* ---- end ---- */

void
proc_kill(struct proc *p)
{
	if (p->pid > 0)
		(void)kill(p->pid, SIGKILL);
}

void
proc_bad(struct proc *p, const char *why)
{
	if (p->state == PRS_DEAD || p->state == PRS_NEW)
		return;
	log_error("%s[%d]: %s: killed", p->rights->name, (int)p->pid, why);
	proc_event(p, PRE_BAD, 0);
}

void
proc_stop(struct proc *p, uint64_t grace_ns)
{
	p->respawn = false;
	if (p->state == PRS_NEW || p->state == PRS_DEAD) {
		loop_timer_stop(&p->mon->loop, &p->timer);
		return;
	}
	loop_timer_set(&p->mon->loop, &p->timer, grace_ns, on_patience, p);
	proc_event(p, PRE_STOP, 0);
}

void
proc_serving(struct proc *p)
{
	proc_event(p, PRE_SERVE, 0);
}

void
proc_clear(struct proc *p)
{
	loop_timer_stop(&p->mon->loop, &p->timer);
	proc_close(p);
}

static void
on_restart(struct loop_timer *t)
{
	struct proc *p = t->arg;

	proc_event(p, PRE_AGAIN, 0);
	if (proc_spawn(p) == -1 && p->state == PRS_NEW)
		proc_event(p, PRE_EXIT, -1);
}

static void
say_end(const struct proc *p, int status)
{
	bool expected = p->state == PRS_DRAINING && !p->respawn;
	int level = expected ? LOG_DEBUG : LOG_ERR;

	if (status == -1)
		return;
	if (WIFSIGNALED(status))
		(expected ? log_debug : log_error)("%s[%d] was ended by signal "
						   "%d (%s)",
		    p->rights->name, (int)p->pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 127)
		log_error("%s[%d]: %s/%s is missing: install it",
		    p->rights->name, (int)p->pid, p->mon->libexec,
		    p->rights->program);
	else if (level != LOG_DEBUG || WEXITSTATUS(status) != 0)
		log_warn("%s[%d] ended with %d", p->rights->name, (int)p->pid,
		    WEXITSTATUS(status));
}

static void
gone(struct proc *p, int status)
{
	uint64_t delay;

	proc_close(p);
	loop_timer_stop(&p->mon->loop, &p->timer);
	p->pid = 0;
	if (loop_now_ns() - p->started_ns > LASTED_NS)
		p->fails = 0;
	if (p->respawn) {
		delay = BACKOFF_MIN_NS
		    << (p->fails < BACKOFF_SHIFT_MAX ? p->fails :
						       BACKOFF_SHIFT_MAX);
		p->fails++;
		log_info("%s is started again in %ju ms", p->rights->name,
		    (uintmax_t)(delay / 1000000));
		loop_timer_set(&p->mon->loop, &p->timer, delay, on_restart, p);
	}
	/* Last: the owner may free p. */
	p->ops->gone(p, status);
}

static void
say_stop(struct proc *p)
{
	struct msg_none none = { 0 };

	if (proc_send(p, MSG_STOP, 0, 0, &none, NULL, 0, NULL, 0) == -1)
		proc_kill(p);
}

/* The one function that changes p->state. */
static void
proc_event(struct proc *p, enum proc_event ev, int status)
{
	const struct proc_cell *c = &proc_tab[p->state][ev];

	if (c->action == PRA_GONE)
		say_end(p, status);
	if (c->action == PRA_REFUSE) {
		log_error("%s: %s in state %s", p->rights->name,
		    proc_event_name[ev], proc_state_name[p->state]);
		return;
	}
	p->state = c->next;
	switch (c->action) {
	case PRA_NONE:
	case PRA_REFUSE:
	case PRA_MAX:
		break;
	case PRA_READY:
		loop_timer_stop(&p->mon->loop, &p->timer);
		p->ops->ready(p);
		break;
	case PRA_STOP:
		say_stop(p);
		break;
	case PRA_KILL:
		proc_kill(p);
		break;
	case PRA_GONE:
		gone(p, status);
		break;
	}
}
