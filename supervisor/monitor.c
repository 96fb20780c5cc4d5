/*
 * The monitor: starts the house in order, serves, ends it in order.
 *
 *	policyd -> config, policies -> folders -> auditd -> control -> sockets
 *
 * Runs as root.  Parses nothing but messages of a fixed size.  Fails closed: what cannot be
 * started as asked ends the start, with a line that says what, where and what to do.
 */

#include "supervisor/monitor.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "supervisor/journal.h"
#include "supervisor/request.h"
#include "supervisor/session.h"
#include "supervisor/state.h"

#define CHILD_GRACE_NS (2 * NS_PER_SEC)
#define KILL_ROUNDS    200 /* of 10 ms */

uint32_t
monitor_next_id(struct monitor *mon)
{
	if (++mon->id_next == 0)
		mon->id_next = 1;
	return mon->id_next;
}

/* ---- who the children become ---- */

static int
find_user(struct monitor *mon, const struct rights *r)
{
	struct passwd *pw;

	if (mon->opts.uid_base != 0) {
		mon->uid[r->proc] = mon->opts.uid_base + r->base_offset;
		mon->gid[r->proc] = mon->opts.uid_base + r->base_offset;
		return 0;
	}
	if ((pw = getpwnam(r->user)) == NULL) {
		log_error("there is no user %s: make it (systemd-sysusers), or "
			  "start with -u BASE",
		    r->user);
		return -1;
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		log_error("user %s is root: give it ids of its own", r->user);
		return -1;
	}
	mon->uid[r->proc] = pw->pw_uid;
	mon->gid[r->proc] = pw->pw_gid;
	return 0;
}

static int
find_users(struct monitor *mon)
{
	const struct rights *r;
	unsigned int i;

	for (i = 0; (r = rights_row(i)) != NULL; i++) {
		if (r->ids == RIDS_OWN && find_user(mon, r) == -1)
			return -1;
	}
	return 0;
}

static int
greet_own(struct proc *p, struct msg_hello *h, int root, int fds[MSG_FDS_MAX],
    unsigned int *nfds)
{
	h->uid = p->mon->uid[p->rights->proc];
	h->gid = p->mon->gid[p->rights->proc];
	fds[(*nfds)++] = root;
	return root == -1 ? -1 : 0;
}

static int
greet_empty(struct proc *p, struct msg_hello *h, int fds[MSG_FDS_MAX],
    unsigned int *nfds)
{
	return greet_own(p, h, p->mon->empty_fd, fds, nfds);
}

/* ---- children ---- */

struct got {
	enum msg_type type;
	void (*fn)(struct monitor *mon, struct msg *m);
};

static void
dispatch(const struct got *tab, size_t n, struct monitor *mon, struct msg *m)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (tab[i].type == (enum msg_type)m->hdr.type) {
			tab[i].fn(mon, m);
			return;
		}
	}
}

void
monitor_child_gone(struct proc *p, int status)
{
	struct monitor *mon = p->mon;

	if (p->respawn)
		journal_status(mon, EV_CHILD_DIED, p->rights->name, status);
	if (mon->phase == MON_ENDING)
		monitor_session_gone(mon);
	else if (mon->phase != MON_SERVING && p->fails > 3) {
		log_error("%s cannot be started", p->rights->name);
		monitor_fail(mon);
	}
}

static void
policyd_ready(struct proc *p)
{
	proc_serving(p);
	load_policyd_ready(p->mon);
}

static void
policyd_message(struct proc *p, struct msg *m)
{
	static const struct got tab[] = {
		{ MSG_CONF_RESULT, load_got_conf },
		{ MSG_POLICY_RESULT, load_got_policies },
		{ MSG_COMPILED, session_got_compiled },
	};

	dispatch(tab, sizeof(tab) / sizeof(tab[0]), p->mon, m);
}

static void
policyd_gone(struct proc *p, int status)
{
	load_policyd_gone(p->mon);
	session_policyd_gone(p->mon);
	monitor_child_gone(p, status);
}

static const struct proc_ops policyd_ops = {
	.greet = greet_empty,
	.ready = policyd_ready,
	.message = policyd_message,
	.gone = policyd_gone,
};

static int
auditd_greet(struct proc *p, struct msg_hello *h, int fds[MSG_FDS_MAX],
    unsigned int *nfds)
{
	struct monitor *mon = p->mon;

	if (greet_own(p, h, mon->audit_fd, fds, nfds) == -1)
		return -1;
	if (mon->key_fd != -1) {
		/* The last auditd has moved the offset we share. */
		if (lseek(mon->key_fd, 0, SEEK_SET) == -1)
			return -1;
		fds[(*nfds)++] = mon->key_fd;
	}
	return 0;
}

static int start_control(struct monitor *mon);

static void
auditd_ready(struct proc *p)
{
	struct monitor *mon = p->mon;
	struct msg_status st = { .count = mon->conf.retention_days };

	proc_serving(p);
	journal_attach(mon);
	(void)proc_send(p, MSG_AUDIT_RETAIN, 0, 0, &st, NULL, 0, NULL, 0);
	netproc_attach(mon);
	session_attach_all(mon);
	request_auditd_ready(mon);
	if (mon->phase != MON_AUDITD)
		return;
	mon->phase = MON_CONTROL;
	if (netproc_start(mon) == -1 || start_control(mon) == -1)
		monitor_fail(mon);
}

static void
got_drained(struct monitor *mon, struct msg *m)
{
	session_got_drained(mon, m->hdr.session);
}

static void
got_audit_status(struct monitor *mon, struct msg *m)
{
	const struct msg_audit_status *st = msg_payload(m);

	if (st->error != 0)
		log_error("events cannot be stored: %s: judged calls wait",
		    strerror((int)st->error));
}

static void
auditd_message(struct proc *p, struct msg *m)
{
	static const struct got tab[] = {
		{ MSG_AUDIT_DRAINED, got_drained },
		{ MSG_AUDIT_STATUS, got_audit_status },
	};

	dispatch(tab, sizeof(tab) / sizeof(tab[0]), p->mon, m);
}

static const struct proc_ops auditd_ops = {
	.greet = auditd_greet,
	.ready = auditd_ready,
	.message = auditd_message,
	.gone = monitor_child_gone,
};

/* systemd, if it started us, learns that we serve. */
static void
notify_ready(void)
{
	static const char text[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(sun.sun_path))
		return;
	memcpy(sun.sun_path, path, strlen(path));
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path));
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return;
	(void)sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL,
	    (struct sockaddr *)&sun, len);
	close(fd);
}

static void
say_ready(struct monitor *mon)
{
	char line[512], c = 0;

	privdrop_describe(line, sizeof(line));
	log_info("%s", line);
	log_notice("agentshd " AGENTSH_VERSION " ready: %s, %s",
	    MON_CONTROL_SOCK, MON_ENTRY_SOCK);
	journal_simple(mon, EV_DAEMON_STARTED, AGENTSH_VERSION);
	notify_ready();
	if (mon->ready_fd != -1) {
		if (write(mon->ready_fd, &c, 1) != 1)
			log_debug("nobody waited for the start");
		close(mon->ready_fd);
		mon->ready_fd = -1;
	}
}

static void
control_ready(struct proc *p)
{
	struct monitor *mon = p->mon;
	struct msg_none none = { 0 };

	if (proc_send(p, MSG_LISTEN, 0, 0, &none, NULL, 0, &mon->control_fd,
		1) == -1) {
		proc_kill(p);
		return;
	}
	proc_serving(p);
	if (mon->phase != MON_CONTROL)
		return;
	if (entrysock_open(mon) == -1) {
		monitor_fail(mon);
		return;
	}
	mon->phase = MON_SERVING;
	say_ready(mon);
}

static const struct proc_ops control_ops = {
	.greet = greet_empty,
	.ready = control_ready,
	.message = request_message,
	.gone = monitor_child_gone,
};

static int
start_control(struct monitor *mon)
{
	mon->control_fd = state_listen(MON_CONTROL_SOCK, SOCK_STREAM, 128);
	if (mon->control_fd == -1)
		return -1;
	mon->control.respawn = true;
	return proc_spawn(&mon->control);
}

static int
start_auditd(struct monitor *mon)
{
	mon->auditd.word = strrchr(mon->conf.sqlite_path, '/') + 1;
	if (mon->auditd.word[0] == '\0' || mon->auditd.word[0] == '-') {
		log_error("audit.storage.sqlite_path %s does not end in the "
			  "name of a file",
		    mon->conf.sqlite_path);
		return -1;
	}
	mon->auditd.respawn = true;
	return proc_spawn(&mon->auditd);
}

/* ---- the start goes on ---- */

void
monitor_loaded(struct monitor *mon)
{
	if (mon->phase != MON_POLICYD)
		return;
	if (mon->opts.check_only) {
		printf("%s: good, with %u policies\n", mon->opts.config,
		    mon->load.policies);
		mon->exit_code = 0;
		loop_stop(&mon->loop);
		return;
	}
	mon->phase = MON_AUDITD;
	if (state_open_dirs(mon) == -1 || journal_open(mon) == -1 ||
	    start_auditd(mon) == -1) {
		monitor_fail(mon);
		return;
	}
	journal_simple(mon, EV_POLICY_LOADED, mon->opts.config);
}

void
monitor_load_failed(struct monitor *mon)
{
	log_error("not started: the config or a policy cannot be used");
	monitor_fail(mon);
}

void
monitor_fail(struct monitor *mon)
{
	mon->exit_code = 1;
	loop_stop(&mon->loop);
}

/* ---- the end ---- */

static void
stop_children(struct monitor *mon)
{
	proc_stop(&mon->control, CHILD_GRACE_NS);
	proc_stop(&mon->policyd, CHILD_GRACE_NS);
	proc_stop(&mon->netproxy, CHILD_GRACE_NS);
	proc_stop(&mon->auditd, CHILD_GRACE_NS);
}

static bool
all_gone(const struct monitor *mon)
{
	return mon->control.pid == 0 && mon->policyd.pid == 0 &&
	    mon->auditd.pid == 0 && mon->netproxy.pid == 0;
}

/* Sessions first, so that their last events are stored; then the children. */
void
monitor_session_gone(struct monitor *mon)
{
	if (mon->phase != MON_ENDING || !TAILQ_EMPTY(&mon->sessions))
		return;
	if (mon->auditd.respawn)
		stop_children(mon);
	if (all_gone(mon))
		loop_stop(&mon->loop);
}

static void
on_end_slow(struct loop_timer *t)
{
	struct monitor *mon = t->arg;

	log_error("not everything ended in time: the rest is killed");
	mon->ending_hard = true;
	loop_stop(&mon->loop);
}

static void
end_all(struct monitor *mon)
{
	struct session *s, *next;

	log_notice("ending: %u sessions", mon->sessions_cnt);
	journal_simple(mon, EV_DAEMON_STOPPED, NULL);
	mon->phase = MON_ENDING;
	entrysock_close(mon);
	loop_timer_set(&mon->loop, &mon->end_timer, MON_END_NS, on_end_slow,
	    mon);
	for (s = TAILQ_FIRST(&mon->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		session_end(s, "the daemon ends", EV_SESSION_DESTROYED);
	}
	monitor_session_gone(mon);
}

static void
on_signal(int signo, void *arg)
{
	struct monitor *mon = arg;

	switch (signo) {
	case SIGHUP:
		log_notice("reloading config and policies");
		load_start(mon, 0);
		break;
	case SIGCHLD:
		resolve_reap(&mon->resolvers);
		break;
	default:
		if (mon->phase != MON_SERVING) {
			/* The second one, or before there is anything to end. */
			mon->ending_hard = true;
			loop_stop(&mon->loop);
			break;
		}
		end_all(mon);
		break;
	}
}

static int
watch_signals(struct monitor *mon)
{
	static const int tab[] = { SIGHUP, SIGINT, SIGTERM, SIGCHLD };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++)
		sigaddset(&set, tab[i]);
	(void)signal(SIGPIPE, SIG_IGN);
	return loop_signals(&mon->loop, &set, on_signal, mon);
}

/* What still lives is killed, by SIGKILL and the cgroups. */
static void
kill_rest(struct monitor *mon)
{
	struct proc *all[] = { &mon->control, &mon->policyd, &mon->auditd,
		&mon->netproxy };
	const struct timespec pause = { 0, 10000000 };
	struct session *s;
	unsigned int round;
	size_t i;
	int left;

	for (round = 0, left = 1; left > 0 && round < KILL_ROUNDS; round++) {
		left = 0;
		TAILQ_FOREACH(s, &mon->sessions, entry) {
			if (s->tracer_used)
				proc_kill(&s->tracer);
			left += session_kill_round(s);
		}
		if (left > 0)
			(void)nanosleep(&pause, NULL);
	}
	while (!TAILQ_EMPTY(&mon->sessions))
		session_free(TAILQ_FIRST(&mon->sessions));
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		proc_kill(all[i]);
		if (all[i]->pid > 0)
			(void)waitpid(all[i]->pid, NULL, 0);
	}
}

/* ---- run ---- */

static int
open_house(struct monitor *mon)
{
	if (loop_init(&mon->loop) == -1 || watch_signals(mon) == -1) {
		log_error("cannot make the event loop: %m");
		return -1;
	}
	mon->resolvers.loop = &mon->loop;
	if (find_users(mon) == -1 || state_open_run(mon) == -1)
		return -1;
	if (!mon->opts.check_only) {
		cgroup_host_init(&mon->cgroups);
		cgroup_sweep(&mon->cgroups);
		if (mirror_make(&mon->mirror) == -1)
			log_debug("mirror: %s", mon->mirror.why);
	}
	if (privdrop_monitor((int)mon->opts.sandbox_kill) == -1)
		return -1;
	mon->policyd.respawn = true;
	return proc_spawn(&mon->policyd);
}

static void
init(struct monitor *mon)
{
	TAILQ_INIT(&mon->sessions);
	TAILQ_INIT(&mon->parked);
	entrysock_init(&mon->entry);
	wake_init(&mon->wake);
	mon->empty_fd = mon->audit_fd = mon->key_fd = mon->sessions_fd = -1;
	mon->control_fd = mon->lock_fd = -1;
	mon->exit_code = 0;
	proc_init(&mon->policyd, mon, PROC_POLICYD, &policyd_ops, NULL);
	proc_init(&mon->auditd, mon, PROC_AUDITD, &auditd_ops, NULL);
	netproc_init(mon);
	proc_init(&mon->control, mon, PROC_CONTROL, &control_ops, NULL);
}

int
monitor_run(struct monitor *mon)
{
	init(mon);
	if (open_house(mon) == -1) {
		mon->exit_code = 1;
	} else if (loop_run(&mon->loop) == -1) {
		log_error("epoll: %m");
		mon->exit_code = 1;
	}
	kill_rest(mon);
	if (mon->phase == MON_ENDING)
		log_notice("ended");
	state_clean(mon);
	return mon->exit_code;
}
