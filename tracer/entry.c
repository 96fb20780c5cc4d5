/*
 * Entering, the tracer's side, and the life of what entered.  Main thread only.
 * Parses what an asker says: two messages of fixed size and one sealed blob; a
 * connection that breaks the protocol, or is silent for too long, is closed.
 *
 * Must never: trust an asker about who it is (the monitor said that), or serve
 * a listener before the monitor has a duplicate of it.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/entry.h"
#include "common/landlock.h"
#include "common/log.h"
#include "tracer/entry.h"
#include "tracer/entryenv.h"
#include "tracer/event.h"
#include "tracer/exec.h"
#include "tracer/feature.h"
#include "tracer/keep.h"
#include "tracer/notify.h"
#include "tracer/redirect.h"
#include "tracer/num.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define PATIENCE_NS    10000000000ull /* for each word of the asker */
#define EXIT_DENIED    126
#define EXIT_NOT_FOUND 127
#define EXIT_ENV       2

/*
 * The life of an entry.
 */
enum entry_state {
	EN_FREE,
	EN_ASKING,    /* ENTRY_ASK is awaited */
	EN_INSTALLING, /* the verdict was yes: ENTRY_LISTENER is awaited */
	EN_RUNNING,   /* served; its front-door process lives */
	EN_MAX
};

struct entry {
	struct entries *es;
	enum entry_state state;
	struct chan chan;
	struct loop_io io, pid_io;
	struct loop_timer timer;
	int pidfd;	/* owned, -1 */
	pid_t pid;
	uint32_t uid, number;
	uint64_t started_ns, timeout_ns; /* 0: none */
	bool killed;	/* by us, for the time */
	bool placing;	/* not yet in the session's cgroup */
	bool sent_away;	/* to the workspace, once */
	bool fetch;	/* the listener, if the asker wants that */
};

struct entries {
	struct tracer *t;
	struct loop *loop;
	struct chan *monitor;
	uint32_t session;
	unsigned int count;
	int program, rules; /* of the image in force, owned; -1: not yet made */
	struct entry entry[ENTRY_MAX];
	/* The front door asks like a serving thread that has no listener. */
	struct worker w;
	struct group g;
};

struct entries *
entry_init(struct tracer *t, struct loop *l, struct chan *monitor,
    uint32_t session)
{
	struct entries *es = calloc(1, sizeof(*es));

	if (es == NULL)
		return NULL;
	es->t = t;
	es->loop = l;
	es->monitor = monitor;
	es->session = session;
	es->program = es->rules = -1;
	es->g.tracer = t;
	es->g.listener = -1;
	es->w.tracer = t;
	es->w.group = &es->g;
	return es;
}

unsigned int
entry_count(const struct entries *es)
{
	return es->count;
}

static void
say_state(struct entry *e, uint32_t running, int32_t status)
{
	struct msg_entry_state st = {
		.entry = e->number,
		.running = running,
		.status = status,
		.tasks = task_count(e->es->t->tasks),
	};

	if (chan_send(e->es->monitor, MSG_ENTRY_STATE, 0, e->es->session, &st,
	    NULL, 0, NULL, 0) == -1)
		log_warn("ENTRY_STATE: %s", strerror(errno));
}

static void
hang_up(struct entry *e)
{
	loop_del(e->es->loop, &e->io);
	if (e->chan.fd != -1)
		chan_close(&e->chan);
}

static void
entry_free(struct entry *e)
{
	hang_up(e);
	loop_timer_stop(e->es->loop, &e->timer);
	loop_del(e->es->loop, &e->pid_io);
	if (e->pidfd != -1)
		close(e->pidfd);
	e->pidfd = -1;
	e->state = EN_FREE;
	e->es->count--;
}

/* ---- events of a command ---- */

static void
command_event(struct entry *e, enum ev_type type, int64_t value,
    const char *why)
{
	struct ring *r = &e->es->t->ring;
	struct timespec ts;
	struct evrec ev;

	memset(&ev, 0, sizeof(ev));
	clock_gettime(CLOCK_REALTIME, &ts);
	ev.fix.time_ns =
	    (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	ev.fix.type = (uint16_t)type;
	ev.fix.flags = EVF_ALWAYS | EVF_NO_SYSCALL;
	ev.fix.allowed = 1;
	ev.fix.layer = LAYER_LAUNCHER;
	ev.fix.pid = ev.fix.tid = (uint32_t)e->pid;
	ev.fix.uid = e->uid;
	ev.fix.command = e->number;
	ev.fix.value = value;
	ev.fix.value2 = (int64_t)(loop_now_ns() - e->started_ns);
	if (why != NULL)
		evrec_set(&ev, EVS_MESSAGE, why, strlen(why));
	if (r->head != NULL && ring_put(r, &ev) != 0)
		log_warn("event of command %u lost: the ring is full",
		    e->number);
}

/* ---- running ---- */

#ifndef PIDFD_GET_INFO
struct pidfd_info_v1 {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid,
	    fsgid;
	int32_t exit_code;
};
#define PIDFD_GET_INFO	_IOWR(0xFF, 11, struct pidfd_info_v1)
#define PIDFD_INFO_EXIT (1ull << 3)
#else
#define pidfd_info_v1 pidfd_info
#endif

/*
 * The wait status of who has ended, or -1 where the kernel does not tell a
 * stranger.
 */
static int32_t
exit_status(int pidfd)
{
	struct pidfd_info_v1 info = { .mask = PIDFD_INFO_EXIT };

	if (ioctl(pidfd, PIDFD_GET_INFO, &info) == -1 ||
	    (info.mask & PIDFD_INFO_EXIT) == 0)
		return -1;
	return info.exit_code;
}

static void
on_ended(struct loop_io *io, uint32_t events)
{
	struct entry *e = io->arg;
	int32_t status = exit_status(e->pidfd);

	(void)events;
	if (e->state == EN_RUNNING) {
		command_event(e, EV_COMMAND_FINISHED, status, NULL);
		say_state(e, 0, status);
	}
	notify_prepare(e->es->t);
	entry_free(e);
}

/* The command's time is over: it and what it started. */
static void
on_timeout(struct loop_timer *timer)
{
	struct entry *e = timer->arg;

	e->killed = true;
	command_event(e, EV_COMMAND_KILLED, SIGKILL, "command timeout");
	notify_entry_over(e->es->t, e->number);
	task_kill_entry(e->es->t->tasks, e->number);
	(void)syscall(SYS_pidfd_send_signal, e->pidfd, SIGKILL, NULL, 0);
}

static void
on_silent(struct loop_timer *timer)
{
	entry_free(timer->arg);
}

/* Is fd what a seccomp listener looks like? */
static bool
is_listener(const struct tracer *t, int fd)
{
	char num[NUM_MAX], buf[64];
	ssize_t n;

	num_put(num, (uint32_t)fd);
	n = readlinkat(t->selffd, num, buf, sizeof(buf) - 1);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	return strcmp(buf, "anon_inode:seccomp notify") == 0;
}

/* The last task of a listener has gone. */
static void
on_hung_up(struct loop_io *io, uint32_t events)
{
	struct entries *es = io->arg;
	struct group *g = (struct group *)((char *)io -
	    offsetof(struct group, io));

	(void)events;
	loop_del(es->loop, io);
	notify_end(es->t, g);
}

/* Served, and in its cgroup: the asker goes on. */
static bool
say_go(struct entry *e)
{
	struct msg_none none = { 0 };
	bool ok;

	if (e->placing)
		return true;
	if (e->chan.fd == -1)
		return false;
	ok = chan_send(&e->chan, MSG_ENTRY_GO, 0, e->es->session, &none, NULL,
	    0, NULL, 0) == 0;
	hang_up(e);
	return ok;
}

/*
 * The monitor gets its duplicate, then the listener is served, then the asker
 * goes on.
 */
static bool
serve_listener(struct entry *e, int fd)
{
	struct entries *es = e->es;
	struct msg_entry_state st = { .entry = e->number, .status = -1 };
	struct group *g;
	bool gone_on;

	if (chan_send(es->monitor, MSG_LISTENER, 0, es->session, &st, NULL, 0,
	    &fd, 1) == -1) {
		log_warn("LISTENER: %s", strerror(errno));
		close(fd);
		return false;
	}
	if (es->t->keeper != NULL && keep_seize(es->t->keeper, e->pid) == -1) {
		log_warn("entry %u cannot be traced: %s", e->number,
		    strerror(errno));
		close(fd);
		return false;
	}
	task_enter(es->t->tasks, e->pid, e->number);
	g = notify_attach(es->t, fd, e->number);
	if (g == NULL ||
	    loop_add(es->loop, &g->io, fd, EPOLLHUP, on_hung_up, es) == -1) {
		log_warn("cannot serve entry %u: %s", e->number,
		    strerror(errno));
		if (g != NULL)
			notify_begin(g);
		return false;
	}
	e->state = EN_RUNNING;
	e->started_ns = loop_now_ns();
	command_event(e, EV_COMMAND_STARTED, 0, NULL);
	/* In this order: the threads would have the CPU that it wakes up on. */
	gone_on = say_go(e);
	notify_begin(g);
	say_state(e, 1, -1);
	loop_timer_stop(es->loop, &e->timer);
	if (e->timeout_ns != 0)
		loop_timer_set(es->loop, &e->timer, e->timeout_ns, on_timeout,
		    e);
	return gone_on;
}

/*
 * The listener that the asker sends, or names.  What it names may be anything
 * that it has, as what it sends.
 */
static int
take_listener(const struct entry *e, struct msg *m)
{
	const struct msg_entry_listener *l = msg_payload(m);
	int fd = msg_take_fd(m, 0);

	if (fd == -1 && e->fetch && l->fd >= 0)
		fd = (int)syscall(SYS_pidfd_getfd, e->pidfd, l->fd, 0);
	return fd;
}

static void
got_listener(struct entry *e, struct msg *m)
{
	int fd = take_listener(e, m);

	if (fd == -1 || !is_listener(e->es->t, fd)) {
		if (fd != -1)
			close(fd);
		entry_free(e);
		return;
	}
	if (!serve_listener(e, fd) && e->state != EN_RUNNING)
		entry_free(e);
}

void
entry_placed(struct entries *es, const struct msg *m)
{
	const struct msg_placed *p = msg_payload(m);
	struct entry *e;

	for (e = es->entry; e < es->entry + ENTRY_MAX; e++)
		if (e->state != EN_FREE && e->number == p->entry && e->placing) {
			e->placing = false;
			if (e->state == EN_RUNNING)
				(void)!say_go(e);
			return;
		}
}

/* ---- asking ---- */

static size_t
tail_text(char *tail, size_t at, size_t size, const char *s, size_t len)
{
	if (len > size - at - 1)
		len = size - at - 1;
	memcpy(tail + at, s, len);
	tail[at + len] = '\0';
	return at + len + 1;
}

/* No: with the rule of ev where there is one, and why. */
static void
say_no(struct entry *e, uint32_t exit_code, const struct evrec *ev,
    const char *why)
{
	struct msg_entry_verdict v = {
		.exit_code = exit_code,
		.decision = ev != NULL ? ev->fix.decision : DEC_DENY,
		.line = ev != NULL ? ev->fix.rule_line : 0,
	};
	char tail[2048];
	size_t n = 0;

	if (ev != NULL) {
		n = tail_text(tail, n, 256, ev->text[EVS_RULE].p,
		    ev->text[EVS_RULE].len);
		n = tail_text(tail, n, 512, ev->text[EVS_FILE].p,
		    ev->text[EVS_FILE].len);
	} else {
		n = tail_text(tail, n, 256, "", 0);
		n = tail_text(tail, n, 512, "", 0);
	}
	n = tail_text(tail, n, 1536, why, strlen(why));
	n = tail_text(tail, n, sizeof(tail), "", 0);
	(void)!chan_send(&e->chan, MSG_ENTRY_VERDICT, 0, e->es->session, &v,
	    tail, n, NULL, 0);
	entry_free(e);
}

/* The seccomp program in a memfd of its own, sealed. */
static int
program_fd(const struct image *im)
{
	unsigned int n;
	const void *insns = image_bpf(im, &n);
	size_t bytes = (size_t)n * sizeof(struct sock_filter);
	int fd;

	fd = memfd_create("agentsh-program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	if (write(fd, insns, bytes) != (ssize_t)bytes ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
	    F_SEAL_SEAL) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Where this kernel has no Landlock the session was made all the same: degraded,
 * which the configuration allows.
 */
static bool
has_landlock(const struct tracer *t, const struct image *im)
{
	return image_settings(im)->landlock != 0 &&
	    (t->features & FEATURE_LANDLOCK) != 0;
}

static void
say_yes(struct entry *e, char *const *envp)
{
	struct msg_entry_verdict v = { .decision = DEC_ALLOW };
	char *const none[] = { NULL };
	int fd = entry_blob_write(none, envp, "");

	if (fd == -1 || chan_send(&e->chan, MSG_ENTRY_VERDICT, 0,
	    e->es->session, &v, "\0\0\0", 4, &fd, 1) == -1) {
		log_warn("verdict for entry %u: %s", e->number,
		    strerror(errno));
		entry_free(e);
	} else {
		e->state = EN_INSTALLING;
	}
	if (fd != -1)
		close(fd);
}

/* ---- terms ---- */

/* May the main thread take a descriptor from who is about to enter? */
static bool
may_fetch(const struct tracer *t)
{
	return (t->features & FEATURE_PIDFD_GETFD) != 0 &&
	    (t->yama < 1 || t->root_session);
}

/* What every asker gets is sealed, and made once for an image. */
static int
make_terms(struct entries *es, const struct image *im)
{
	if (es->program == -1 && (es->program = program_fd(im)) == -1)
		return -1;
	if (es->rules == -1 && has_landlock(es->t, im) &&
	    (es->rules = landlock_blob_write(im)) == -1)
		return -1;
	return 0;
}

void
entry_new_image(struct entries *es)
{
	if (es->program != -1)
		close(es->program);
	if (es->rules != -1)
		close(es->rules);
	es->program = es->rules = -1;
}

/* Before anything is asked: who enters gets ready while we judge. */
static int
say_terms(struct entry *e)
{
	struct entries *es = e->es;
	const struct tracer *t = es->t;
	struct msg_entry_terms terms = {
		.drop_caps = t->root_session,
		.listener_flags = (t->features & FEATURE_WAIT_KILLABLE) != 0 ?
		    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0,
		.fetch = e->fetch,
	};
	int fds[2];

	if (make_terms(es, &atomic_load(&t->image)->im) == -1)
		return -1;
	fds[0] = es->program;
	fds[1] = es->rules;
	return chan_send(&e->chan, MSG_ENTRY_TERMS, 0, es->session, &terms,
	    NULL, 0, fds, es->rules == -1 ? 1 : 2);
}

/*
 * The policy's time for a command, unless the asker set one or a person sits
 * there.
 */
static uint64_t
timeout_of(const struct image *im, const struct msg_entry_ask *ask)
{
	if ((ask->flags & ENTRY_F_WAITED) != 0)
		return 0;
	if (ask->timeout_ns != 0)
		return ask->timeout_ns;
	if ((ask->flags & ENTRY_F_STDIN_TTY) != 0)
		return 0;
	return image_settings(im)->command_timeout_ns;
}

/*
 * A call without a listener for the front door: who asks is known, what it asks
 * comes from the blob.
 */
static void
front_call(struct entry *e, struct call *c, const struct image *im)
{
	struct entries *es = e->es;
	struct timespec ts;

	memset(c, 0, sizeof(*c));
	call_lent_none(c);
	memset(&es->w.rq, 0, sizeof(es->w.rq));
	es->w.rq.pid = (uint32_t)e->pid;
	es->w.rq.data.nr = SYS_execve;
	c->rq = &es->w.rq;
	c->w = &es->w;
	c->tracer = es->t;
	c->im = im;
	c->a.v[SR_DIRFD] = (uint64_t)(int64_t)AT_FDCWD;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	c->start_ns =
	    (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	task_enter(es->t->tasks, e->pid, e->number);
	c->task = task_get(es->t->tasks, e->pid, e->number, &es->w.spare,
	    &es->w.status);
}

static void
front_door(struct entry *e, const struct entry_args *args,
    const struct image *im)
{
	struct call *c = &e->es->w.call;
	char store[ENTRYENV_STORE], why[512];
	uint32_t rule = 0;
	char **envp;
	int err;

	front_call(e, c, im);
	err = exec_front(c, args, &rule);
	task_put(e->es->t->tasks, c->task);
	if (err != 0 && !c->ev.fix.allowed && c->ev.text[EVS_RULE].len != 0) {
		snprintf(why, sizeof(why), "%.*s",
		    (int)c->ev.text[EVS_MESSAGE].len,
		    c->ev.text[EVS_MESSAGE].len != 0 ?
		    c->ev.text[EVS_MESSAGE].p : "");
		say_no(e, EXIT_DENIED, &c->ev, why);
		return;
	}
	if (err != 0) {
		snprintf(why, sizeof(why), "%s", strerror(err));
		say_no(e, err == ENOENT || err == ENOTDIR ? EXIT_NOT_FOUND :
		    EXIT_DENIED, NULL, why);
		return;
	}
	err = entryenv_filter(im, rule, args, e->es->t->session,
	    redirect_proxy_port(e->es->t->redirect), store, &envp, why,
	    sizeof(why));
	if (err != 0) {
		say_no(e, EXIT_ENV, NULL, err == E2BIG ? why : strerror(err));
		return;
	}
	say_yes(e, envp);
	free(envp);
}

/* Does the asker want to be in the workspace, and is not? */
static bool
is_elsewhere(const struct entry *e, const struct msg *m)
{
	const char *cwd = msg_str(m, 0);

	return cwd != NULL &&
	    !entry_is_below(cwd, e->es->t->workspace);
}

/* Nothing is judged before it has gone there and asked again. */
static void
send_away(struct entry *e)
{
	struct msg_entry_verdict v = { .elsewhere = 1 };
	char tail[CALL_PATH_MAX + 4];
	int n;

	/* rule NUL file NUL message NUL hint NUL */
	n = snprintf(tail, sizeof(tail), "%c%c%s%c", 0, 0,
	    e->es->t->workspace, 0);
	if (e->sent_away || n < 0 || (size_t)n >= sizeof(tail) ||
	    chan_send(&e->chan, MSG_ENTRY_VERDICT, 0, e->es->session, &v, tail,
	    (size_t)n + 1, NULL, 0) == -1)
		entry_free(e);
	else
		e->sent_away = true;
}

static void
got_ask(struct entry *e, struct msg *m)
{
	const struct msg_entry_ask *ask = msg_payload(m);
	const struct image *im = &atomic_load(&e->es->t->image)->im;
	struct entry_args args;
	int fd = msg_take_fd(m, 0);

	if (is_elsewhere(e, m)) {
		close(fd);
		send_away(e);
		return;
	}
	if (entry_blob_read(fd, &args) == -1) {
		close(fd);
		entry_free(e);
		return;
	}
	close(fd);
	e->timeout_ns = timeout_of(im, ask);
	/* Images are replaced by this thread alone: im stays. */
	front_door(e, &args, im);
	entry_args_clear(&args);
}

static void
on_asker(struct loop_io *io, uint32_t events)
{
	static struct msg m;
	struct entry *e = io->arg;
	int n;

	(void)events;
	n = chan_recv(&e->chan, &m);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	/* Served, it has nothing more to say: it ends or goes on. */
	if (e->state == EN_RUNNING) {
		if (n > 0)
			msg_close_fds(&m);
		hang_up(e);
		return;
	}
	if (n <= 0) {
		entry_free(e);
		return;
	}
	loop_timer_set(e->es->loop, &e->timer, PATIENCE_NS, on_silent, e);
	if (m.hdr.type == MSG_ENTRY_ASK && e->state == EN_ASKING)
		got_ask(e, &m);
	else if (m.hdr.type == MSG_ENTRY_LISTENER &&
	    e->state == EN_INSTALLING)
		got_listener(e, &m);
	else
		entry_free(e);
	msg_close_fds(&m);
}

void
entry_got(struct entries *es, struct msg *m)
{
	const struct msg_entry *en = msg_payload(m);
	int conn = msg_take_fd(m, 0), pidfd = msg_take_fd(m, 1);
	struct entry *e = NULL;
	unsigned int i;

	for (i = 0; i < ENTRY_MAX && e == NULL; i++)
		if (es->entry[i].state == EN_FREE)
			e = &es->entry[i];
	if (e == NULL || conn == -1 || pidfd == -1) {
		if (conn != -1)
			close(conn);
		if (pidfd != -1)
			close(pidfd);
		log_warn("entry %u: no room", en->entry);
		return;
	}
	memset(e, 0, sizeof(*e));
	e->es = es;
	e->state = EN_ASKING;
	e->pid = en->pid;
	e->uid = en->uid;
	e->number = en->entry;
	e->placing = en->placing != 0;
	e->fetch = may_fetch(es->t);
	e->pidfd = pidfd;
	e->io.fd = e->pid_io.fd = -1;
	es->count++;
	chan_init(&e->chan, conn, PROC_TRACER, PROC_ASKER);
	e->chan.phase = MSG_P_RUN;
	e->timer.arg = e;
	if (say_terms(e) == -1 ||
	    loop_add(es->loop, &e->io, conn, EPOLLIN, on_asker, e) == -1 ||
	    loop_add(es->loop, &e->pid_io, pidfd, EPOLLIN, on_ended, e) == -1) {
		log_warn("entry %u: %s", e->number, strerror(errno));
		entry_free(e);
		return;
	}
	loop_timer_set(es->loop, &e->timer, PATIENCE_NS, on_silent, e);
}
