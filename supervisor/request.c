/*
 * Requests of clients, as control passes them on: a table from message to handler.
 *
 * Runs in the monitor.  Trusts of a message only its size; the client's identity is
 * read from the socket that came with it.  A user sees, enters and ends own sessions,
 * root lists and ends all; reload, verify and the whole trail are root's.
 */

#include "supervisor/request.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/load.h"
#include "supervisor/monitor.h"
#include "supervisor/session.h"

#define PARKED_MAX 64
#define QUERY_TAIL 1024 /* as MSG_TABLE says */

/* A query that waits for auditd. */
struct parked {
	TAILQ_ENTRY(parked) entry;
	uint32_t id;
	struct msg_event_query q;
	int fd; /* auditd's end, owned */
	size_t len;
	char tail[QUERY_TAIL];
};

/* ---- answers ---- */

static void
send_end(struct monitor *mon, uint32_t id, int error, uint32_t count)
{
	struct msg_status st = { .error = (uint32_t)error, .count = count };

	(void)proc_send(&mon->control, MSG_SESSION_END, id, 0, &st, NULL, 0,
	    NULL, 0);
}

static void
send_error(struct monitor *mon, uint32_t id, uint32_t error, const char *text)
{
	struct msg_session_item it = { .error = error };

	(void)proc_send(&mon->control, MSG_SESSION_ITEM, id, 0, &it, text,
	    strlen(text) + 1, NULL, 0);
}

/* Append, cut to max bytes; always leaves room: the sum of the limits fits. */
static size_t
put(char *tail, size_t n, const char *s, size_t max)
{
	size_t len = strnlen(s != NULL ? s : "", max);

	if (len > 0)
		memcpy(tail + n, s, len);
	tail[n + len] = '\0';
	return n + len + 1;
}

/* The second layer, in words; "" where the configuration does not ask for it. */
static const char *
landlock_text(const struct session *s, char *buf, size_t size)
{
	buf[0] = '\0';
	if (s->landlock != 0)
		snprintf(buf, size, "ABI %u%s", s->landlock & 0xffff,
		    (s->landlock & MSG_LANDLOCK_IDLE) != 0 ?
			", but this policy leaves it nothing to refuse" :
			"");
	return buf;
}

static void
send_item(struct monitor *mon, uint32_t id, const struct session *s)
{
	struct msg_session_item it = {
		.state = s->state,
		.uid = s->who.uid,
		.gid = s->who.gid,
		.created_ns = s->created_ns,
		.last_activity_ns = s->activity_ns,
		.commands_running = s->commands_running,
		.commands_total = s->commands_total,
		.timeout_ns = s->timeout_ns,
		.idle_timeout_ns = s->idle_timeout_ns,
		.tracer_pid = s->tracer.pid,
	};
	char tail[MSG_TAIL], text[128], url[NETPROC_URL];
	size_t n = 0;

	memcpy(it.id, s->id, sizeof(it.id));
	n = put(tail, n, s->workspace, 4096);
	n = put(tail, n, s->policy, MSG_SESSION_LEN);
	n = put(tail, n, s->project_root, 4096);
	n = put(tail, n, s->degraded, 1024);
	n = put(tail, n, mon->load.not_built, 2048);
	n = put(tail, n, landlock_text(s, text, sizeof(text)), sizeof(text));
	netproc_proxy_url(mon, url, sizeof(url));
	n = put(tail, n, url, sizeof(url));
	(void)proc_send(&mon->control, MSG_SESSION_ITEM, id, s->number, &it,
	    tail, n, NULL, 0);
}

void
request_created(struct session *s)
{
	if (s->create_id != 0)
		send_item(s->mon, s->create_id, s);
	s->create_id = 0;
}

void
request_gone(struct session *s)
{
	unsigned int i;

	if (s->create_id != 0)
		send_error(s->mon, s->create_id,
		    s->failure_errno != 0 ? s->failure_errno : ECANCELED,
		    s->failure[0] != '\0' ? s->failure :
					    "it was destroyed "
					    "before it ran");
	s->create_id = 0;
	for (i = 0; i < s->askers; i++)
		send_end(s->mon, s->asker[i], 0, 0);
	s->askers = 0;
}

/* ---- questions ---- */

static void
answer_create(struct monitor *mon, struct msg *m, struct peer *p)
{
	const char *id = msg_str(m, 0), *workspace = msg_str(m, 1);
	const char *policy = msg_str(m, 2), *root = msg_str(m, 3);
	char why[256];
	int rc;

	if (id == NULL || workspace == NULL || policy == NULL || root == NULL) {
		send_error(mon, m->hdr.id, EINVAL, "malformed request");
		return;
	}
	rc = session_create(mon, p, m->hdr.id, id, workspace, policy, root, why,
	    sizeof(why));
	if (rc != 0)
		send_error(mon, m->hdr.id, (uint32_t)rc, why);
}

static void
answer_list(struct monitor *mon, struct msg *m, struct peer *p)
{
	struct session *s;
	uint32_t n = 0;

	TAILQ_FOREACH(s, &mon->sessions, entry) {
		if (s->state != SES_RUNNING || !session_visible(s, p))
			continue;
		send_item(mon, m->hdr.id, s);
		n++;
	}
	send_end(mon, m->hdr.id, 0, n);
}

/* The session that m names, if p may know of it. */
static struct session *
named(struct monitor *mon, struct msg *m, const struct peer *p)
{
	const struct msg_session_name *name = msg_payload(m);
	struct session *s;

	if (memchr(name->id, '\0', sizeof(name->id)) == NULL)
		return NULL;
	s = session_find(mon, name->id);
	return s != NULL && session_visible(s, p) ? s : NULL;
}

static void
answer_info(struct monitor *mon, struct msg *m, struct peer *p)
{
	struct session *s = named(mon, m, p);

	if (s == NULL || s->state < SES_RUNNING)
		send_error(mon, m->hdr.id, ENOENT, "session not found");
	else
		send_item(mon, m->hdr.id, s);
}

static void
answer_destroy(struct monitor *mon, struct msg *m, struct peer *p)
{
	struct session *s = named(mon, m, p);

	if (s == NULL) {
		send_end(mon, m->hdr.id, ENOENT, 0);
		return;
	}
	if (s->askers == SESSION_ASKERS) {
		send_end(mon, m->hdr.id, EAGAIN, 0);
		return;
	}
	s->asker[s->askers++] = m->hdr.id;
	session_end(s, "destroyed", EV_SESSION_DESTROYED);
}

static void
answer_reload(struct monitor *mon, struct msg *m, struct peer *p)
{
	static const char denied[] = "only root may reload";
	struct msg_status st = { .error = EPERM };

	if (p->uid != 0) {
		(void)proc_send(&mon->control, MSG_RELOADED, m->hdr.id, 0, &st,
		    denied, sizeof(denied), NULL, 0);
		return;
	}
	load_start(mon, m->hdr.id);
}

static void
stream_answer(struct monitor *mon, uint32_t id, uint32_t error,
    const char *text, int fd)
{
	struct msg_status st = { .error = error };

	(void)proc_send(&mon->control, MSG_EVENT_STREAM, id, 0, &st, text,
	    strlen(text) + 1, &fd, fd == -1 ? 0 : 1);
}

/* Give auditd a question and the end of the stream to answer on. */
static int
query_send(struct monitor *mon, const struct parked *k)
{
	return proc_send(&mon->auditd, MSG_EVENT_QUERY, k->id, 0, &k->q,
	    k->tail, k->len, &k->fd, 1);
}

static void
parked_free(struct monitor *mon, struct parked *k)
{
	TAILQ_REMOVE(&mon->parked, k, entry);
	mon->parked_cnt--;
	close(k->fd);
	free(k);
}

void
request_auditd_ready(struct monitor *mon)
{
	struct parked *k, *next;

	TAILQ_FOREACH_SAFE(k, &mon->parked, entry, next) {
		(void)query_send(mon, k);
		parked_free(mon, k);
	}
}

/* 0: asked, or waits for auditd to be started again; fd is taken then. */
static int
query_ask(struct monitor *mon, struct msg *m, const struct msg_event_query *q,
    int fd)
{
	struct parked *k = calloc(1, sizeof(*k));
	const char *tail;

	if (k == NULL)
		return -1;
	tail = msg_tail(m, &k->len);
	k->id = m->hdr.id;
	k->q = *q;
	k->fd = fd;
	memcpy(k->tail, tail, k->len);
	TAILQ_INSERT_TAIL(&mon->parked, k, entry);
	mon->parked_cnt++;
	if (proc_is_up(&mon->auditd))
		request_auditd_ready(mon);
	return 0;
}

/*
 * One end of a new stream for auditd, with the client's uid in the question; the
 * other for control.
 */
static void
stream_open(struct monitor *mon, struct msg *m, struct msg_event_query *q)
{
	int sv[2];

	if (mon->parked_cnt >= PARKED_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		stream_answer(mon, m->hdr.id, EAGAIN, "too many questions", -1);
		return;
	}
	if (query_ask(mon, m, q, sv[0]) == -1) {
		close(sv[0]);
		stream_answer(mon, m->hdr.id, EAGAIN, "out of memory", -1);
	} else {
		stream_answer(mon, m->hdr.id, 0, "", sv[1]);
	}
	close(sv[1]);
}

static void
answer_query(struct monitor *mon, struct msg *m, struct peer *p)
{
	struct msg_event_query q;

	memcpy(&q, msg_payload(m), sizeof(q));
	if (memchr(q.session, '\0', sizeof(q.session)) == NULL ||
	    memchr(q.type, '\0', sizeof(q.type)) == NULL ||
	    memchr(q.decision, '\0', sizeof(q.decision)) == NULL) {
		proc_bad(&mon->control, "malformed event query");
		return;
	}
	if ((q.what == EVQ_VERIFY || q.what == EVQ_STATS) && p->uid != 0) {
		stream_answer(mon, m->hdr.id, EPERM, "only root may do that",
		    -1);
		return;
	}
	q.uid = p->uid; /* 0, root: all */
	stream_open(mon, m, &q);
}

/* What netproxy knows of a session, to who may see the session. */
static void
answer_net(struct monitor *mon, struct msg *m, struct peer *p)
{
	struct session *s = named(mon, m, p);
	struct msg_session_name none = { "" };
	int sv[2];

	if (s == NULL) {
		stream_answer(mon, m->hdr.id, ENOENT, "session not found", -1);
		return;
	}
	if (!proc_is_up(&mon->netproxy) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		stream_answer(mon, m->hdr.id, EAGAIN,
		    "netproxy is being started: try again", -1);
		return;
	}
	if (proc_send(&mon->netproxy, MSG_NET_SHOW, m->hdr.id, s->number, &none,
		NULL, 0, &sv[0], 1) == -1)
		stream_answer(mon, m->hdr.id, EAGAIN, "netproxy is busy", -1);
	else
		stream_answer(mon, m->hdr.id, 0, "", sv[1]);
	close(sv[0]);
	close(sv[1]);
}

/* clang-format off */
static const struct {
	enum msg_type type;
	void (*fn)(struct monitor *mon, struct msg *m, struct peer *p);
} request_tab[] = {
	{ MSG_SESSION_CREATE,	answer_create },
	{ MSG_SESSION_LIST,	answer_list },
	{ MSG_SESSION_INFO,	answer_info },
	{ MSG_SESSION_DESTROY,	answer_destroy },
	{ MSG_RELOAD,		answer_reload },
	{ MSG_EVENT_QUERY,	answer_query },
	{ MSG_NET_SHOW,		answer_net },
};
/* clang-format on */

/*
 * The client's socket must be a connection that our own control socket accepted: a
 * captured control holds other sockets with root at the far end (its channel to
 * us, for one), but can make none with this name.
 */
static bool
is_control_client(int fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(sun), one = sizeof(int);
	int listening = 1;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &one) == -1 ||
	    listening != 0)
		return false;
	return getsockname(fd, (struct sockaddr *)&sun, &len) == 0 &&
	    sun.sun_family == AF_UNIX && len <= sizeof(sun) &&
	    strncmp(sun.sun_path, MON_CONTROL_SOCK, sizeof(sun.sun_path)) == 0;
}

void
request_message(struct proc *p, struct msg *m)
{
	struct peer who;
	size_t i;

	if (m->fd[0] == -1 || !is_control_client(m->fd[0]) ||
	    peer_get(&who, m->fd[0], false) == -1) {
		proc_bad(p, "passed on something that is no client");
		return;
	}
	for (i = 0; i < sizeof(request_tab) / sizeof(request_tab[0]); i++) {
		if (request_tab[i].type == (enum msg_type)m->hdr.type) {
			request_tab[i].fn(p->mon, m, &who);
			break;
		}
	}
	peer_clear(&who);
}
