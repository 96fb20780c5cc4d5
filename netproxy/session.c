/*
 * Sessions as netproxy sees them: image, facts, who is connected.  The monitor
 * names them; a socket's peer address says whose it is.
 *
 * Trusts the monitor.  The image is mapped only if it passes its check.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/netaddr.h"
#include "netproxy/process.h"

struct np_session *
session_by_host(struct np *np, uint32_t host)
{
	struct np_session *s;

	LIST_FOREACH(s, &np->sessions[host % NP_BUCKETS], entry) {
		if (s->host == host)
			return s;
	}
	return NULL;
}

struct np_session *
session_by_number(struct np *np, uint32_t number)
{
	struct np_session *s;
	unsigned int i;

	for (i = 0; i < NP_BUCKETS; i++) {
		LIST_FOREACH(s, &np->sessions[i], entry) {
			if (s->number == number)
				return s;
		}
	}
	return NULL;
}

struct np_session *
np_session_by_peer(struct np *np, const struct sockaddr *sa)
{
	uint32_t host = netaddr_host(sa);
	struct np_session *s;

	if (host == 0)
		return NULL;
	s = session_by_host(np, host);
	if (s != NULL)
		return s;
	/*
	 * The monitor names a session before that has a socket, but who was
	 * busy may see the socket first.
	 */
	np_catch_up(np);
	return session_by_host(np, host);
}

struct np_session *
np_session_hold(struct np_session *s)
{
	s->refs++;
	return s;
}

void
np_session_drop(struct np_session *s)
{
	if (--s->refs > 0)
		return;
	image_close(&s->im);
	facts_unmap(&s->facts);
	dns_limit_clear(&s->limit);
	free(s);
}

bool
np_session_is_live(const struct np_session *s)
{
	return s->live;
}

struct np *
np_of(struct np_session *s)
{
	return s->np;
}

const char *
np_session_id(const struct np_session *s)
{
	return s->id;
}

/* ---- who is connected ---- */

int
np_client_add(struct np_session *s, struct np_client *c)
{
	struct timespec ts;

	if (!s->live || s->nclients >= NP_CLIENTS_MAX)
		return -1;
	clock_gettime(CLOCK_REALTIME, &ts);
	c->since_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	c->session = np_session_hold(s);
	LIST_INSERT_HEAD(&s->clients, c, entry);
	s->nclients++;
	return 0;
}

void
np_client_del(struct np_client *c)
{
	struct np_session *s = c->session;

	if (s == NULL)
		return;
	c->session = NULL;
	LIST_REMOVE(c, entry);
	s->nclients--;
	np_session_drop(s);
}

/* ---- what the monitor says ---- */

static void
session_end(struct np_session *s)
{
	struct np_client *c;

	LIST_REMOVE(s, entry);
	/* Alive until all of them have ended: they have things to record. */
	while ((c = LIST_FIRST(&s->clients)) != NULL) {
		c->end(c);
		if (LIST_FIRST(&s->clients) == c) /* it did not go by itself */
			np_client_del(c);
	}
	s->live = false;
	np_session_drop(s);
}

/* A new image for a session that we have. */
static void
image_again(struct np_session *s, int image_fd)
{
	struct image im;

	if (image_open(&im, image_fd) == -1) {
		log_error("session %s: its new image is not sound", s->id);
		return;
	}
	image_close(&s->im);
	s->im = im;
}

static void
session_new(struct np *np, uint32_t number, const struct msg_net_session *ns,
    const char *id, int image_fd, int facts_fd)
{
	struct np_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return;
	s->np = np;
	s->number = number;
	s->host = ns->host;
	s->uid = ns->uid;
	s->refs = 1;
	s->live = true;
	strlcpy(s->id, id, sizeof(s->id));
	LIST_INIT(&s->clients);
	if (image_open(&s->im, image_fd) == -1) {
		log_error("session %s: its image is not sound", id);
		free(s);
		return;
	}
	if (facts_map(&s->facts, facts_fd, true) == -1) {
		log_error("session %s: no facts: %m", id);
		image_close(&s->im);
		free(s);
		return;
	}
	LIST_INSERT_HEAD(&np->sessions[s->host % NP_BUCKETS], s, entry);
}

void
session_got(struct np *np, struct msg *m)
{
	const struct msg_net_session *ns = msg_payload(m);
	const char *id = msg_str(m, 0);
	struct np_session *s = session_by_host(np, ns->host);

	if (id == NULL || ns->host == 0)
		return;
	if (s != NULL && s->number == m->hdr.session)
		image_again(s, m->fd[0]);
	else if (s != NULL)
		log_error("session %s: its address is another's", id);
	else
		session_new(np, m->hdr.session, ns, id, m->fd[0], m->fd[1]);
}

void
session_got_end(struct np *np, struct msg *m)
{
	struct np_session *s = session_by_number(np, m->hdr.session);

	if (s != NULL)
		session_end(s);
}
