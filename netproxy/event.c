/*
 * What netproxy tells auditd: one ring for all sessions, each record with its
 * session's id, as the monitor's own has.  Never blocks: what finds no room is
 * refused before it is done or judged (np_event_room).
 *
 * While the ring is not nearly empty each session has a share of it a second, so that
 * who asks for what is refused as fast as he can takes the room from nobody else; one
 * that is alone may use half of it.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "netproxy/process.h"

static uint64_t
wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
text(struct evrec *e, enum ev_text i, const char *s)
{
	if (s != NULL)
		evrec_set(e, i, s, strlen(s));
}

static void
begin(struct evrec *e, struct np_session *s, enum ev_type type,
    const struct np_verdict *v)
{
	memset(e, 0, sizeof(*e));
	e->fix.time_ns = wall_ns();
	e->fix.type = (uint16_t)type;
	e->fix.uid = s->uid;
	e->fix.flags = EVF_NO_SYSCALL;
	e->fix.decision = (uint8_t)v->decision;
	e->fix.allowed = v->allowed;
	e->fix.layer = LAYER_PROXY;
	e->fix.rule_line = v->line;
	if (v->always || !v->allowed)
		e->fix.flags |= EVF_ALWAYS;
	text(e, EVS_RULE, v->name);
	text(e, EVS_FILE, v->file);
	text(e, EVS_MESSAGE, v->message);
	text(e, EVS_SESSION, s->id);
}

static bool
is_wanted(const struct np_session *s, const struct np_verdict *v)
{
	const struct image_settings *set = image_settings(&s->im);

	if (v->allowed)
		return set->log_allowed || v->always;
	return set->log_denied || v->decision == DEC_AUDIT;
}

/* One more record of s in this second. */
static void
count(struct np_session *s)
{
	uint64_t now_s = facts_now_ns() / 1000000000u;
	struct np *np = s->np;

	if (np->put_s != now_s) {
		np->put_s = now_s;
		np->nputters = 0;
	}
	if (s->put_s != now_s) {
		s->put_s = now_s;
		s->nput = 0;
		np->nputters++;
	}
	s->nput++;
}

/* It has had its part of so many slots in this second. */
static bool
is_over_share(const struct np_session *s, uint32_t slots)
{
	const struct np *np = s->np;
	unsigned int n = np->nputters > NP_PUTTERS_LEAST ? np->nputters :
							   NP_PUTTERS_LEAST;

	return s->put_s == facts_now_ns() / 1000000000u &&
	    s->nput >= slots / n;
}

/* Nobody else has put a record in this second. */
static bool
is_alone(const struct np_session *s)
{
	return s->np->nputters == 1 && s->put_s == s->np->put_s;
}

static void
commit(struct np_session *s, struct evrec *e, const struct np_verdict *v)
{
	struct ring *r = &s->np->ring;

	if (r->head == NULL || !s->live || !is_wanted(s, v))
		return;
	count(s);
	if (ring_put(r, e) == 0)
		return;
	e->fix.flags |= EVF_ALWAYS;
	if (ring_put(r, e) != 0)
		ring_drop(r);
}

bool
np_event_room(struct np_session *s)
{
	struct ring *r = &s->np->ring;
	uint32_t used;

	if (r->head == NULL || image_settings(&s->im)->ring_full_count)
		return true;
	used = ring_used(r);
	if (used >= r->slots - r->slots / 4)
		return false;
	if (used < r->slots / 8)
		return true;
	if (used < r->slots / 2 && is_alone(s))
		return true;
	/* Where auditd is slow, the shares are small enough for it. */
	return !is_over_share(s,
	    used < r->slots / 2 ? r->slots / 2 : r->slots / 16);
}

static void
put_addr(struct evrec *e, const struct sockaddr *sa, uint16_t port)
{
	struct in6_addr a;

	e->fix.port = port;
	if (sa == NULL || judge_sockaddr(sa, &a, &port) == -1)
		return;
	e->fix.family = sa->sa_family;
	memcpy(e->fix.addr, &a, sizeof(e->fix.addr));
}

void
np_event_dns(struct np_session *s, const char *name, uint16_t qtype,
    const struct np_verdict *v)
{
	struct evrec e;

	begin(&e, s, EV_DNS, v);
	e.fix.value = qtype;
	text(&e, EVS_PATH, name[0] != '\0' ? name : ".");
	commit(s, &e, v);
}

void
np_event_connect(struct np_session *s, const char *host, uint16_t port,
    const struct sockaddr *sa, const struct np_verdict *v)
{
	struct evrec e;

	begin(&e, s, EV_NET, v);
	e.fix.op = NOP_CONNECT;
	put_addr(&e, sa, port);
	text(&e, EVS_PATH, host);
	commit(s, &e, v);
}

void
np_event_http(struct np_session *s, const char *method, const char *url,
    uint16_t port, int status, const struct np_verdict *v)
{
	struct evrec e;

	begin(&e, s, EV_HTTP, v);
	e.fix.port = port;
	e.fix.value = status;
	text(&e, EVS_PATH, url);
	text(&e, EVS_PATH2, method);
	commit(s, &e, v);
}

void
np_event_redirect(struct np_session *s, bool dns, const char *from,
    const char *to, const struct np_verdict *v)
{
	struct evrec e;

	begin(&e, s, dns ? EV_DNS_REDIRECT : EV_CONNECT_REDIRECT, v);
	text(&e, EVS_PATH, from);
	text(&e, EVS_PATH2, to);
	commit(s, &e, v);
}
