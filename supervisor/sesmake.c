/*
 * The parts of a session: image, directories, ring, cgroup, tracer, clocks.
 *
 * Runs in the monitor.  Trusts policyd's image only after the validator, and only
 * for its limits; trusts a tracer in nothing: its messages are checked against the
 * table, and what they say counts for its own session alone.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/live.h"
#include "common/log.h"
#include "supervisor/journal.h"
#include "supervisor/session.h"
#include "supervisor/state.h"

#define SEALS	    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define THREADS_MAX 8
#define YAMA_FILE   "/proc/sys/kernel/yama/ptrace_scope"

/* ---- the image ---- */

/* Append a string and its NUL; -1 when it does not fit. */
static int
tail_add(char *buf, size_t size, size_t *n, const char *s)
{
	size_t len = strlen(s) + 1;

	if (len > size - *n)
		return -1;
	memcpy(buf + *n, s, len);
	*n += len;
	return 0;
}

int
session_compile(struct session *s)
{
	struct msg_compile c = { .root_session = s->who.uid == 0 };
	char tail[MSG_TAIL];
	size_t n = 0;

	if (tail_add(tail, sizeof(tail), &n, s->policy) == -1 ||
	    tail_add(tail, sizeof(tail), &n, s->project_root) == -1 ||
	    tail_add(tail, sizeof(tail), &n, s->home) == -1 ||
	    tail_add(tail, sizeof(tail), &n, s->workspace) == -1)
		return -1;
	if (!proc_is_up(&s->mon->policyd))
		return -1;
	s->compile_id = monitor_next_id(s->mon);
	if (proc_send(&s->mon->policyd, MSG_COMPILE, s->compile_id, s->number,
		&c, tail, n, &s->registries_fd, s->registries_fd != -1) == 0)
		return 0;
	s->compile_id = 0;
	return -1;
}

int
session_recompile(struct session *s)
{
	if (s->state != SES_RUNNING && s->state != SES_LAUNCHING)
		return -1;
	if (s->reloading)
		return -1;
	if (session_compile(s) == -1)
		return -1;
	s->reloading = true;
	return 0;
}

void
session_busy(struct session *s)
{
	const struct msg_none none = { 0 };

	if (s->state == SES_RUNNING)
		(void)!proc_send(&s->tracer, MSG_BUSY, 0, s->number, &none,
		    NULL, 0, NULL, 0);
}

static void
reload_done(struct session *s, const char *error)
{
	char text[1024];

	if (!s->reloading)
		return;
	s->reloading = false;
	if (error != NULL)
		snprintf(text, sizeof(text),
		    "session %s keeps its old policy: "
		    "%s",
		    s->id, error);
	load_session_done(s->mon, error != NULL ? text : NULL);
}

/* Seal and validate; the settings of the image.  0 or -1. */
static int
image_take(int fd, struct image_settings *settings)
{
	struct image im;

	if (fcntl(fd, F_ADD_SEALS, SEALS) == -1 || image_open(&im, fd) == -1)
		return -1;
	*settings = *image_settings(&im);
	image_close(&im);
	return 0;
}

static int
send_image(struct session *s, int fd)
{
	struct msg_none none = { 0 };

	s->image_id = monitor_next_id(s->mon);
	return proc_send(&s->tracer, MSG_IMAGE, s->image_id, s->number, &none,
	    NULL, 0, &fd, 1);
}

static void
retain(struct monitor *mon, uint32_t days)
{
	struct msg_status st = { .count = days };

	mon->conf.retention_days = days;
	(void)proc_send(&mon->auditd, MSG_AUDIT_RETAIN, 0, 0, &st, NULL, 0,
	    NULL, 0);
}

/* First line of policyd's diagnostics: what a user is told. */
static void
first_line(struct msg *m, char *buf, size_t size)
{
	size_t len;
	const char *text = msg_tail(m, &len), *nl;

	len = strnlen(text, len);
	if ((nl = memchr(text, '\n', len)) != NULL)
		len = (size_t)(nl - text);
	snprintf(buf, size, "%.*s", (int)len, text);
}

static void
registries_failed(struct session *s)
{
	if (s->state != SES_REQUESTED)
		reload_done(s, "registries cannot be looked for just now");
	else
		session_fail(s, EAGAIN,
		    "registries cannot be looked for just now: try again");
}

static void
compile_failed(struct session *s, struct msg *m, uint32_t error)
{
	char line[512];

	first_line(m, line, sizeof(line));
	if (s->state != SES_REQUESTED) {
		reload_done(s, line[0] != '\0' ? line : strerror((int)error));
		return;
	}
	if (error == ENOENT)
		session_fail(s, EINVAL,
		    "resolve policy: policy \"%s\" not found "
		    "in \"%s\"",
		    s->policy, s->mon->conf.policies_dir);
	else
		session_fail(s, EINVAL, "compile policy: %s",
		    line[0] != '\0' ? line : strerror((int)error));
}

static void
got_registries(const struct registries *r, void *arg)
{
	struct registries none;
	struct session *s = arg;
	int fd = memfd_create("agentsh-registries",
	    MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (r == NULL) {
		log_warn("session %s: looking for registries as uid %u took "
			 "too long or failed: it has none",
		    s->id, s->who.uid);
		registries_init(&none);
		r = &none;
	}
	if (fd != -1 && (write(fd, r, sizeof(*r)) != (ssize_t)sizeof(*r) ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1)) {
		close(fd);
		fd = -1;
	}
	s->registries_fd = fd;
	if (fd == -1 || session_compile(s) == -1)
		registries_failed(s);
}

/*
 * The policy names registries: look for them as the user, once in a session's
 * life, and ask again.
 */
static void
find_registries(struct session *s)
{
	if (s->registries_fd != -1 || s->home == NULL ||
	    s->workspace == NULL || s->resolve.result != NULL ||
	    resolve_registries(&s->resolve, &s->mon->resolvers, &s->who,
		s->home, s->workspace, got_registries, s) == -1)
		registries_failed(s);
}

/* A live session gets its new image; the old one answers until the tracer took it. */
static void
compile_again(struct session *s, int fd)
{
	if (image_take(fd, &s->next_limits) == -1 || send_image(s, fd) == -1) {
		close(fd);
		reload_done(s, "the new image is not sound");
		return;
	}
	if (s->next_image_fd != -1)
		close(s->next_image_fd);
	s->next_image_fd = fd;
}

void
session_got_compiled(struct monitor *mon, struct msg *m)
{
	const struct msg_status *st = msg_payload(m);
	struct session *s = session_by_number(mon, m->hdr.session);
	int fd;

	if (s == NULL || s->compile_id == 0 || m->hdr.id != s->compile_id)
		return;
	s->compile_id = 0;
	fd = msg_take_fd(m, 0);
	if (st->error != 0 || fd == -1) {
		if (fd != -1)
			close(fd);
		if (st->error == ENODATA)
			find_registries(s);
		else
			compile_failed(s, m,
			    st->error != 0 ? st->error : EPROTO);
		return;
	}
	retain(mon, st->count);
	if (s->state == SES_RUNNING || s->state == SES_LAUNCHING) {
		compile_again(s, fd);
		return;
	}
	s->image_fd = fd;
	if (s->state == SES_REQUESTED && image_take(fd, &s->limits) == -1) {
		session_fail(s, EIO, "compile policy: the image is not sound");
		proc_bad(&mon->policyd, "made an image that is not sound");
		return;
	}
	session_event(s, SESE_COMPILED);
}

void
session_policyd_gone(struct monitor *mon)
{
	struct session *s, *next;

	for (s = TAILQ_FIRST(&mon->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->compile_id == 0)
			continue;
		s->compile_id = 0;
		if (s->state == SES_REQUESTED)
			session_fail(s, EAGAIN,
			    "policyd died while it compiled "
			    "the policy: try again");
		else
			s->reloading = false;
	}
}

/* ---- directories, ring, cgroup ---- */

void
session_add_degraded(struct session *s, const char *text)
{
	size_t n = strlen(s->degraded);

	snprintf(s->degraded + n, sizeof(s->degraded) - n, "%s%s",
	    n ? "\n" : "", text);
	log_warn("session %s: degraded: %s", s->id, text);
}

static struct cgroup_limits
limits_of(const struct session *s)
{
	struct cgroup_limits lim = {
		.memory_bytes = s->limits.max_memory_bytes,
		.swap_bytes = s->limits.swap_max_bytes,
		.read_bps = s->limits.disk_read_bps,
		.write_bps = s->limits.disk_write_bps,
		.pids = s->limits.pids_max,
		.cpu_percent = s->limits.cpu_quota_percent,
	};
	struct cgroup_limits none = { .swap_bytes = UINT64_MAX };

	return s->mon->conf.cgroups_enabled ? lim : none;
}

bool
session_is_limited(const struct session *s)
{
	const struct cgroup_limits lim = limits_of(s);

	return lim.memory_bytes != 0 || lim.swap_bytes != UINT64_MAX ||
	    lim.read_bps != 0 || lim.write_bps != 0 || lim.pids != 0 ||
	    lim.cpu_percent != 0;
}

/* 0, or -1 after session_fail. */
static int
make_cgroup(struct session *s)
{
	struct cgroup_limits lim = limits_of(s);
	char why[600], text[700];
	int rc;

	rc = cgroup_make(&s->cgroup, &s->mon->cgroups, s->id, &lim, why,
	    sizeof(why));
	s->cgroup_used = true;
	if (rc == 0)
		return 0;
	snprintf(text, sizeof(text), "limits that cannot be set by cgroups: %s",
	    why);
	if (s->mon->conf.allow_degraded) {
		session_add_degraded(s, text);
		return 0;
	}
	session_fail(s, ENOTSUP,
	    "%s; make the controller writable for agentshd, "
	    "or allow sandbox.allow_degraded",
	    text);
	return -1;
}

static int
make_live(struct session *s)
{
	s->live_fd = memfd_create("agentsh-live",
	    MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->live_fd == -1 ||
	    ftruncate(s->live_fd, sizeof(struct live)) == -1)
		return -1;
	return fcntl(s->live_fd, F_ADD_SEALS,
	    F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK);
}

void
session_make(struct session *s)
{
	s->trash_fd = state_session_dir(s->mon, s->id, s->who.uid, s->who.gid);
	if (s->trash_fd == -1) {
		session_fail(s, EIO, "cannot make %s/%s/trash: %s",
		    s->mon->conf.base_dir, s->id, strerror(errno));
		return;
	}
	if (make_live(s) == -1 ||
	    wake_open(&s->wake, RING_SLOTS_DEFAULT) == -1) {
		session_fail(s, EAGAIN, "cannot make its event ring: %s",
		    strerror(errno));
		return;
	}
	if (make_cgroup(s) == -1 || netproc_session_make(s) == -1)
		return;
	wake_attach(&s->wake, s->mon, s->number, s->id, s->who.uid);
	s->attached = true;
	netproc_session_attach(s);
	session_event(s, SESE_MADE);
}

void
session_attach_all(struct monitor *mon)
{
	struct session *s, *next;

	for (s = TAILQ_FIRST(&mon->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (!s->attached)
			continue;
		wake_attach(&s->wake, mon, s->number, s->id, s->who.uid);
		if (s->state == SES_REAPED)
			session_drain(s);
	}
}

/* ---- the tracer ---- */

static int
read_yama(void)
{
	char c = 0;
	int fd = open(YAMA_FILE, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (read(fd, &c, 1) != 1)
		c = '0';
	close(fd);
	return c - '0';
}

static int
tracer_greet(struct proc *p, struct msg_hello *h, int fds[MSG_FDS_MAX],
    unsigned int *nfds)
{
	struct session *s = p->arg;

	h->uid = s->who.uid;
	h->gid = s->who.gid;
	h->root_session = s->who.uid == 0;
	return 0;
}

/*
 * A path of the house, and as what the tracer will meet it: its canonical name
 * where that is another.
 */
static int
add_own(char *tail, size_t size, size_t *n, const char *path)
{
	char real[PATH_MAX];

	if (tail_add(tail, size, n, path) == -1)
		return -1;
	if (realpath(path, real) == NULL || strcmp(real, path) == 0)
		return 0;
	return tail_add(tail, size, n, real);
}

/* Paths of the house that no session may touch. */
static int
add_own_paths(const struct session *s, char *tail, size_t size, size_t *n)
{
	const struct monitor *mon = s->mon;
	char path[PATH_MAX + 128];
	const char *slash = strrchr(mon->conf.sqlite_path, '/');
	int c, rc = 0;

	rc |= tail_add(tail, size, n, MON_ENTRY_SOCK);
	rc |= add_own(tail, size, n, MON_RUN_DIR);
	snprintf(path, sizeof(path), "%.*s",
	    (int)(slash - mon->conf.sqlite_path), mon->conf.sqlite_path);
	if (path[0] != '\0')
		rc |= add_own(tail, size, n, path);
	rc |= add_own(tail, size, n, mon->conf.base_dir);
	rc |= add_own(tail, size, n, mon->conf.policies_dir);
	rc |= add_own(tail, size, n, mon->opts.config);
	rc |= add_own(tail, size, n, mon->libexec);
	if (mon->conf.log_output[0] == '/')
		rc |= add_own(tail, size, n, mon->conf.log_output);
	if (mon->conf.audit_key_file[0] == '/')
		rc |= add_own(tail, size, n, mon->conf.audit_key_file);
	for (c = 0; c < CG_MAX; c++) {
		if (s->cgroup.fd[c] == -1)
			continue;
		snprintf(path, sizeof(path), "%s/%s", mon->cgroups.dir[c],
		    s->cgroup.name);
		rc |= add_own(tail, size, n, path);
	}
	return rc;
}

static int
send_conf(struct session *s)
{
	struct msg_tracer_conf conf = {
		.root_session = s->who.uid == 0,
		.can_boost = proc_can_boost(),
		.yama = read_yama(),
	};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int fds[4] = { s->wake.ring_fd, s->wake.tracer_fd, s->trash_fd,
		s->live_fd };
	char tail[MSG_TAIL], dir[PATH_MAX], trash[PATH_MAX];
	size_t n = 0;

	conf.threads = cpus < 1 ? 1 :
	    cpus > THREADS_MAX	? THREADS_MAX :
				  (uint32_t)cpus;
	snprintf(dir, sizeof(dir), "%s/%s", s->mon->conf.base_dir, s->id);
	snprintf(trash, sizeof(trash), "%s/%s/trash", s->mon->conf.base_dir,
	    s->id);
	if (tail_add(tail, sizeof(tail), &n, s->id) == -1 ||
	    tail_add(tail, sizeof(tail), &n, dir) == -1 ||
	    tail_add(tail, sizeof(tail), &n, trash) == -1 ||
	    tail_add(tail, sizeof(tail), &n, s->workspace) == -1 ||
	    add_own_paths(s, tail, sizeof(tail), &n) != 0)
		return -1;
	return proc_send(&s->tracer, MSG_TRACER_CONF, 0, s->number, &conf, tail,
	    n, fds, 4);
}

static void
tracer_up(struct proc *p)
{
	struct session *s = p->arg;

	if (send_conf(s) == -1 || netproc_session_tracer(s) == -1 ||
	    send_image(s, s->image_fd) == -1)
		proc_kill(p);
}

/* The tracer of a live session took its new image, or did not. */
static void
image_changed(struct session *s, uint32_t error, const char *text)
{
	struct cgroup_limits lim;
	char why[600];

	if (error != 0) {
		reload_done(s, text[0] != '\0' ? text : strerror((int)error));
		return;
	}
	if (s->next_image_fd == -1)
		return;
	close(s->image_fd);
	s->image_fd = s->next_image_fd;
	s->next_image_fd = -1;
	s->limits = s->next_limits;
	netproc_session_attach(s);
	lim = limits_of(s);
	if (s->cgroup_used &&
	    cgroup_limit(&s->cgroup, &lim, why, sizeof(why)) != 0)
		session_add_degraded(s, why);
	if (text[0] != '\0' && strstr(s->degraded, text) == NULL)
		session_add_degraded(s, text);
	session_arm(s);
	reload_done(s, NULL);
}

static void
got_image_result(struct session *s, struct msg *m)
{
	const struct msg_status *st = msg_payload(m);
	char line[512];

	if (s->image_id == 0 || m->hdr.id != s->image_id)
		return;
	s->image_id = 0;
	first_line(m, line, sizeof(line));
	if (st->error == 0)
		s->landlock = st->count;
	if (s->state != SES_LAUNCHING) {
		image_changed(s, st->error, line);
		return;
	}
	if (st->error != 0) {
		session_fail(s, ENOTSUP, "the tracer cannot serve it: %s",
		    line[0] != '\0' ? line : strerror((int)st->error));
		return;
	}
	if (line[0] != '\0' && !s->mon->conf.allow_degraded) {
		session_fail(s, ENOTSUP,
		    "%s; sandbox.allow_degraded would allow "
		    "it",
		    line);
		return;
	}
	if (line[0] != '\0')
		session_add_degraded(s, line);
	s->tracer_ready = true;
	proc_serving(&s->tracer);
	reload_done(s, NULL);
	session_event(s, SESE_SERVED);
}

static void
on_idle(struct loop_timer *t)
{
	struct session *s = t->arg;

	log_info("session %s: idle for too long", s->id);
	session_end(s, "idle timeout", EV_SESSION_EXPIRED);
}

static void
idle_restart(struct session *s)
{
	loop_timer_stop(&s->mon->loop, &s->idle);
	if (s->state == SES_RUNNING && s->idle_timeout_ns != 0 &&
	    s->commands_running == 0)
		loop_timer_set(&s->mon->loop, &s->idle, s->idle_timeout_ns,
		    on_idle, s);
}

static void
got_entry_state(struct session *s, struct msg *m)
{
	const struct msg_entry_state *st = msg_payload(m);

	session_touch(s);
	if (st->running) {
		s->commands_running++;
		s->commands_total++;
	} else if (s->commands_running > 0) {
		s->commands_running--;
	}
	idle_restart(s);
}

static void
got_listener(struct session *s, struct msg *m)
{
	session_listener_add(s, msg_take_fd(m, 0));
}

/* Its threads are SCHED_IDLE and the machine is not idle any more. */
static void
got_boost(struct session *s, struct msg *m)
{
	(void)m;
	proc_boost(&s->tracer);
}

static const struct {
	enum msg_type type;
	void (*fn)(struct session *s, struct msg *m);
} tracer_tab[] = {
	{ MSG_IMAGE_RESULT, got_image_result },
	{ MSG_ENTRY_STATE, got_entry_state },
	{ MSG_LISTENER, got_listener },
	{ MSG_NET_SOCKET, netproc_got_socket },
	{ MSG_BOOST, got_boost },
};

static void
tracer_message(struct proc *p, struct msg *m)
{
	size_t i;

	for (i = 0; i < sizeof(tracer_tab) / sizeof(tracer_tab[0]); i++) {
		if (tracer_tab[i].type == (enum msg_type)m->hdr.type) {
			tracer_tab[i].fn(p->arg, m);
			return;
		}
	}
}

static void
tracer_gone(struct proc *p, int status)
{
	struct session *s = p->arg;

	reload_done(s, "its tracer died");
	session_event(s, SESE_TRACER_GONE);
}

static const struct proc_ops tracer_ops = {
	.greet = tracer_greet,
	.ready = tracer_up,
	.message = tracer_message,
	.gone = tracer_gone,
};

void
session_launch(struct session *s)
{
	proc_init(&s->tracer, s->mon, PROC_TRACER, &tracer_ops, s);
	s->tracer.groups = s->who.groups;
	s->tracer.ngroups = s->who.ngroups;
	s->tracer_used = true;
	if (proc_spawn(&s->tracer) == -1 && s->tracer.pid <= 0)
		session_event(s, SESE_TRACER_GONE);
}

/* ---- clocks ---- */

static void
on_timeout(struct loop_timer *t)
{
	struct session *s = t->arg;

	log_info("session %s: its time is over", s->id);
	session_end(s, "session timeout", EV_SESSION_EXPIRED);
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

void
session_arm(struct session *s)
{
	const struct daemon_conf *c = &s->mon->conf;
	uint64_t now = loop_wall_ns();
	uint64_t age = now > s->created_ns ? now - s->created_ns : 0;

	s->timeout_ns = smaller(c->default_timeout_ns,
	    s->limits.session_timeout_ns);
	s->idle_timeout_ns = smaller(c->default_idle_timeout_ns,
	    s->limits.idle_timeout_ns);
	loop_timer_stop(&s->mon->loop, &s->timeout);
	if (s->timeout_ns != 0)
		loop_timer_set(&s->mon->loop, &s->timeout,
		    age < s->timeout_ns ? s->timeout_ns - age : 0, on_timeout,
		    s);
	idle_restart(s);
}
