/*
 * Sessions: creation, look-up, and the state table of their life.
 *
 * Runs in the monitor.  Trusts struct peer, which the kernel filled, and nothing of
 * what control passes on: ids are checked, paths go to a helper with the user's
 * credentials.  An action may free the session: who calls session_event does not
 * touch it afterwards.
 */

#include "supervisor/session.h"

#include <sys/random.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/journal.h"
#include "supervisor/request.h"

#define TRACER_GRACE_NS (5 * NS_PER_SEC)

const char *const session_state_name[SES_STATE_MAX] = {
	[SES_REQUESTED] = "REQUESTED",
	[SES_CREATED] = "CREATED",
	[SES_LAUNCHING] = "LAUNCHING",
	[SES_RUNNING] = "RUNNING",
	[SES_STOPPING] = "STOPPING",
	[SES_REAPED] = "REAPED",
	[SES_AUDITED] = "AUDITED",
};

static const char *const session_event_name[SESE_MAX] = {
	[SESE_COMPILED] = "COMPILED",
	[SESE_MADE] = "MADE",
	[SESE_SERVED] = "SERVED",
	[SESE_FAIL] = "FAIL",
	[SESE_END] = "END",
	[SESE_TRACER_GONE] = "TRACER_GONE",
	[SESE_EMPTY] = "EMPTY",
	[SESE_DRAINED] = "DRAINED",
};

enum session_action {
	SA_NONE,
	SA_MAKE, /* directories, ring, cgroup */
	SA_LAUNCH, /* start the tracer */
	SA_SERVE, /* answer who created it, start the clocks */
	SA_STOP, /* tell the tracer to end its workload and itself */
	SA_DIED, /* the tracer died unasked: say so, kill the workload */
	SA_KILL, /* kill what is left of the workload */
	SA_DRAIN, /* have the ring stored */
	SA_FREE, /* answer who waits, free */
	SA_MAX
};

static const char *const session_action_name[SA_MAX] = {
	[SA_NONE] = "-",
	[SA_MAKE] = "make",
	[SA_LAUNCH] = "launch",
	[SA_SERVE] = "serve",
	[SA_STOP] = "stop",
	[SA_DIED] = "died",
	[SA_KILL] = "kill",
	[SA_DRAIN] = "drain",
	[SA_FREE] = "free",
};

struct session_cell {
	enum session_state next;
	enum session_action action;
};

/* clang-format off */
static const struct session_cell session_tab[SES_STATE_MAX][SESE_MAX] = {
	[SES_REQUESTED] = {
		[SESE_COMPILED] =	{ SES_CREATED,	SA_MAKE },
		[SESE_MADE] =		{ SES_REQUESTED, SA_NONE },
		[SESE_SERVED] =		{ SES_REQUESTED, SA_NONE },
		[SESE_FAIL] =		{ SES_AUDITED,	SA_FREE },
		[SESE_END] =		{ SES_AUDITED,	SA_FREE },
		[SESE_TRACER_GONE] =	{ SES_REQUESTED, SA_NONE },
		[SESE_EMPTY] =		{ SES_REQUESTED, SA_NONE },
		[SESE_DRAINED] =	{ SES_REQUESTED, SA_NONE },
	},
	[SES_CREATED] = {
		[SESE_COMPILED] =	{ SES_CREATED,	SA_NONE },
		[SESE_MADE] =		{ SES_LAUNCHING, SA_LAUNCH },
		[SESE_SERVED] =		{ SES_CREATED,	SA_NONE },
		[SESE_FAIL] =		{ SES_REAPED,	SA_DRAIN },
		[SESE_END] =		{ SES_REAPED,	SA_DRAIN },
		[SESE_TRACER_GONE] =	{ SES_CREATED,	SA_NONE },
		[SESE_EMPTY] =		{ SES_CREATED,	SA_NONE },
		[SESE_DRAINED] =	{ SES_CREATED,	SA_NONE },
	},
	[SES_LAUNCHING] = {
		[SESE_COMPILED] =	{ SES_LAUNCHING, SA_NONE },
		[SESE_MADE] =		{ SES_LAUNCHING, SA_NONE },
		[SESE_SERVED] =		{ SES_RUNNING,	SA_SERVE },
		[SESE_FAIL] =		{ SES_STOPPING,	SA_STOP },
		[SESE_END] =		{ SES_STOPPING,	SA_STOP },
		[SESE_TRACER_GONE] =	{ SES_STOPPING,	SA_DIED },
		[SESE_EMPTY] =		{ SES_LAUNCHING, SA_NONE },
		[SESE_DRAINED] =	{ SES_LAUNCHING, SA_NONE },
	},
	[SES_RUNNING] = {
		[SESE_COMPILED] =	{ SES_RUNNING,	SA_NONE },
		[SESE_MADE] =		{ SES_RUNNING,	SA_NONE },
		[SESE_SERVED] =		{ SES_RUNNING,	SA_NONE },
		[SESE_FAIL] =		{ SES_STOPPING,	SA_STOP },
		[SESE_END] =		{ SES_STOPPING,	SA_STOP },
		[SESE_TRACER_GONE] =	{ SES_STOPPING,	SA_DIED },
		[SESE_EMPTY] =		{ SES_RUNNING,	SA_NONE },
		[SESE_DRAINED] =	{ SES_RUNNING,	SA_NONE },
	},
	[SES_STOPPING] = {
		[SESE_COMPILED] =	{ SES_STOPPING,	SA_NONE },
		[SESE_MADE] =		{ SES_STOPPING,	SA_NONE },
		[SESE_SERVED] =		{ SES_STOPPING,	SA_NONE },
		[SESE_FAIL] =		{ SES_STOPPING,	SA_NONE },
		[SESE_END] =		{ SES_STOPPING,	SA_NONE },
		[SESE_TRACER_GONE] =	{ SES_STOPPING,	SA_KILL },
		[SESE_EMPTY] =		{ SES_REAPED,	SA_DRAIN },
		[SESE_DRAINED] =	{ SES_STOPPING,	SA_NONE },
	},
	[SES_REAPED] = {
		[SESE_COMPILED] =	{ SES_REAPED,	SA_NONE },
		[SESE_MADE] =		{ SES_REAPED,	SA_NONE },
		[SESE_SERVED] =		{ SES_REAPED,	SA_NONE },
		[SESE_FAIL] =		{ SES_REAPED,	SA_NONE },
		[SESE_END] =		{ SES_REAPED,	SA_NONE },
		[SESE_TRACER_GONE] =	{ SES_REAPED,	SA_NONE },
		[SESE_EMPTY] =		{ SES_REAPED,	SA_NONE },
		[SESE_DRAINED] =	{ SES_AUDITED,	SA_FREE },
	},
	[SES_AUDITED] = {
		[SESE_COMPILED] =	{ SES_AUDITED,	SA_NONE },
		[SESE_MADE] =		{ SES_AUDITED,	SA_NONE },
		[SESE_SERVED] =		{ SES_AUDITED,	SA_NONE },
		[SESE_FAIL] =		{ SES_AUDITED,	SA_NONE },
		[SESE_END] =		{ SES_AUDITED,	SA_NONE },
		[SESE_TRACER_GONE] =	{ SES_AUDITED,	SA_NONE },
		[SESE_EMPTY] =		{ SES_AUDITED,	SA_NONE },
		[SESE_DRAINED] =	{ SES_AUDITED,	SA_NONE },
	},
};
/* clang-format on */

void
session_print_states(FILE *fp)
{
	const struct session_cell *c;
	unsigned int s, e;

	for (s = 0; s < SES_STATE_MAX; s++) {
		for (e = 0; e < SESE_MAX; e++) {
			c = &session_tab[s][e];
			fprintf(fp, "%s\t%s\t%s\t%s\n", session_state_name[s],
			    session_event_name[e], session_state_name[c->next],
			    session_action_name[c->action]);
		}
	}
}

/* ---- look-up ---- */

struct session *
session_find(struct monitor *mon, const char *id)
{
	struct session *s;

	TAILQ_FOREACH(s, &mon->sessions, entry) {
		if (strcmp(s->id, id) == 0)
			return s;
	}
	return NULL;
}

struct session *
session_by_number(struct monitor *mon, uint32_t number)
{
	struct session *s;

	TAILQ_FOREACH(s, &mon->sessions, entry) {
		if (s->number == number)
			return s;
	}
	return NULL;
}

struct session *
session_by_tracer(struct monitor *mon, pid_t pid)
{
	struct session *s;

	TAILQ_FOREACH(s, &mon->sessions, entry) {
		if (s->tracer.pid == pid && pid > 0)
			return s;
	}
	return NULL;
}

bool
session_visible(const struct session *s, const struct peer *p)
{
	return p->uid == 0 || p->uid == s->who.uid;
}

/* ---- creation ---- */

static bool
word_ok(const char *id, size_t max)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char more[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t len = strlen(id);

	return len > 0 && len < max && strchr(first, id[0]) != NULL &&
	    strspn(id, more) == len;
}

/* session-xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx */
static int
make_id(char *id, size_t size)
{
	uint8_t r[16];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return -1;
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	snprintf(id, size,
	    "session-%02x%02x%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x-%02x%02x%02x%02x%02x%02x",
	    r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
	    r[11], r[12], r[13], r[14], r[15]);
	return 0;
}

/* 0, or an errno with why. */
static int
admit(struct monitor *mon, const char *id, const char *policy, char *why,
    size_t size)
{
	if (mon->phase != MON_SERVING) {
		snprintf(why, size, "agentshd is ending");
		return EAGAIN;
	}
	if (id[0] != '\0' && !word_ok(id, MSG_SESSION_LEN)) {
		snprintf(why, size,
		    "invalid session id: letters, digits, '_' "
		    "and '-', at most %d",
		    MSG_SESSION_LEN - 1);
		return EINVAL;
	}
	if (id[0] != '\0' && session_find(mon, id) != NULL) {
		snprintf(why, size, "session already exists");
		return EEXIST;
	}
	if (policy[0] != '\0' && !word_ok(policy, MSG_SESSION_LEN)) {
		snprintf(why, size, "resolve policy: invalid policy name");
		return EINVAL;
	}
	if (mon->conf.max_sessions != 0 &&
	    mon->sessions_cnt >= mon->conf.max_sessions) {
		snprintf(why, size, "max sessions reached");
		return EINVAL;
	}
	return 0;
}

static void
on_resolved(const struct resolved *r, void *arg)
{
	struct session *s = arg;

	if (r == NULL) {
		session_fail(s, EINVAL,
		    "workspace: looking at it as uid %u took "
		    "too long or failed",
		    s->who.uid);
		return;
	}
	if (r->error != 0) {
		session_fail(s, EINVAL, "%s", r->text);
		return;
	}
	s->workspace = strdup(r->workspace);
	s->project_root = strdup(r->project_root);
	s->home = strdup(r->home);
	if (s->workspace == NULL || s->project_root == NULL ||
	    s->home == NULL || session_compile(s) == -1)
		session_fail(s, EAGAIN,
		    "policyd cannot compile a policy just "
		    "now: try again");
}

static struct session *
session_new(struct monitor *mon)
{
	struct session *s = calloc(1, sizeof(*s));
	unsigned int i;

	if (s == NULL)
		return NULL;
	for (i = 0; i < SESSION_LISTENERS; i++)
		s->listener[i].fd = s->listener[i].io.fd = -1;
	s->mon = mon;
	s->state = SES_REQUESTED;
	s->image_fd = s->next_image_fd = s->trash_fd = s->live_fd = -1;
	s->facts_fd = s->facts_ro_fd = -1;
	s->registries_fd = -1;
	s->who.pidfd = -1;
	s->resolve.fd = -1;
	s->tracer.pidfd = -1;
	s->end_event = EV_SESSION_DESTROYED;
	s->end_why = "destroyed";
	wake_init(&s->wake);
	s->created_ns = s->activity_ns = loop_wall_ns();
	return s;
}

int
session_create(struct monitor *mon, struct peer *p, uint32_t create_id,
    const char *id, const char *workspace, const char *policy,
    const char *project_root, char *why, size_t size)
{
	struct session *s;
	int rc;

	if ((rc = admit(mon, id, policy, why, size)) != 0)
		return rc;
	snprintf(why, size, "out of resources: try again");
	if ((s = session_new(mon)) == NULL)
		return EAGAIN;
	if (id[0] == '\0' ? make_id(s->id, sizeof(s->id)) == -1 : false) {
		free(s);
		return EAGAIN;
	}
	if (id[0] != '\0')
		snprintf(s->id, sizeof(s->id), "%s", id);
	snprintf(s->policy, sizeof(s->policy), "%s",
	    policy[0] != '\0' ? policy : mon->conf.default_policy);
	if (resolve_start(&s->resolve, &mon->resolvers, p, workspace,
		project_root, on_resolved, s) == -1) {
		free(s);
		return EAGAIN;
	}
	s->who = *p;
	p->groups = NULL;
	p->ngroups = 0;
	s->create_id = create_id;
	s->number = ++mon->session_next;
	TAILQ_INSERT_TAIL(&mon->sessions, s, entry);
	mon->sessions_cnt++;
	return 0;
}

void
session_fail(struct session *s, uint32_t error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->failure, sizeof(s->failure), fmt, ap);
	va_end(ap);
	s->failure_errno = error;
	log_warn("session %s of uid %u: %s", s->id, s->who.uid, s->failure);
	session_event(s, SESE_FAIL);
}

/* ---- life ---- */

void
session_touch(struct session *s)
{
	s->activity_ns = loop_wall_ns();
}

void
session_end(struct session *s, const char *why, enum ev_type event)
{
	if (s->state < SES_STOPPING) {
		s->end_why = why;
		s->end_event = event;
	}
	session_event(s, SESE_END);
}

static void
serve(struct session *s)
{
	log_info("session %s: uid %u, workspace %s, policy %s, tracer %d",
	    s->id, s->who.uid, s->workspace, s->policy, (int)s->tracer.pid);
	journal_session(s, EV_SESSION_CREATED, s->policy);
	if (s->degraded[0] != '\0')
		journal_session(s, EV_DEGRADED, s->degraded);
	session_arm(s);
	request_created(s);
}

static void
stop(struct session *s)
{
	loop_timer_stop(&s->mon->loop, &s->timeout);
	loop_timer_stop(&s->mon->loop, &s->idle);
	if (s->tracer_used && s->tracer.pid > 0)
		proc_stop(&s->tracer,
		    s->mon->ending_hard ? 0 : TRACER_GRACE_NS);
	else
		session_event(s, SESE_TRACER_GONE);
}

static void
died(struct session *s)
{
	loop_timer_stop(&s->mon->loop, &s->timeout);
	loop_timer_stop(&s->mon->loop, &s->idle);
	if (s->failure[0] == '\0')
		snprintf(s->failure, sizeof(s->failure), "its tracer died");
	s->failure_errno = EIO;
	s->end_why = "tracer died";
	log_error("session %s: its tracer died: the workload is killed", s->id);
	journal_session(s, EV_TRACER_DIED, "the workload is killed");
	session_kill_workload(s);
}

/* The one function that changes s->state. */
void
session_event(struct session *s, enum session_event ev)
{
	const struct session_cell *c = &session_tab[s->state][ev];

	s->state = c->next;
	switch (c->action) {
	case SA_NONE:
	case SA_MAX:
		break;
	case SA_MAKE:
		session_make(s);
		break;
	case SA_LAUNCH:
		session_launch(s);
		break;
	case SA_SERVE:
		serve(s);
		break;
	case SA_STOP:
		stop(s);
		break;
	case SA_DIED:
		died(s);
		break;
	case SA_KILL:
		session_kill_workload(s);
		break;
	case SA_DRAIN:
		session_drain(s);
		break;
	case SA_FREE:
		request_gone(s);
		session_free(s);
		break;
	}
}
