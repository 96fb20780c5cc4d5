/*
 * The mirror's sockets, as the monitor hands them over: accepts connections,
 * looks up whose they are by their peer's address, and gives them to who speaks
 * their language.  A connection of nobody's is closed.
 *
 * Sessions share the process's descriptors.  When they become scarce, whoever
 * has most connections loses his oldest for each that comes, so that some who take
 * all that they can get keep nobody else out.
 */

#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/rights.h"
#include "netproxy/dns_server.h"
#include "netproxy/http_proxy.h"
#include "netproxy/process.h"

#define ACCEPT_TURN 64 /* connections, before others have their turn */
#define PAUSE_US    100000
#define SAY_NS	    (60 * UINT64_C(1000000000)) /* once in so long */

/* ---- when descriptors are scarce ---- */

static struct np_session *
heaviest(struct np *np)
{
	struct np_session *s, *most = NULL;
	unsigned int i;

	for (i = 0; i < NP_BUCKETS; i++)
		LIST_FOREACH(s, &np->sessions[i], entry)
			if (s->nclients > 0 &&
			    (most == NULL || s->nclients > most->nclients))
				most = s;
	return most;
}

static void
say_scarce(struct np *np, const struct np_session *s)
{
	uint64_t now = facts_now_ns();

	if (np->need_said_ns != 0 && now - np->need_said_ns < SAY_NS)
		return;
	np->need_said_ns = now;
	log_warn("descriptors are scarce: session %s, which has most (%u "
		 "connections), loses its oldest",
	    s->id, s->nclients);
}

/* false: there is none that could end. */
static bool
end_one(struct np *np)
{
	struct np_session *s = heaviest(np);
	struct np_client *c, *oldest = NULL;

	if (s == NULL)
		return false;
	LIST_FOREACH(c, &s->clients, entry)
		oldest = c;
	if (oldest == NULL)
		return false;
	say_scarce(np, s);
	oldest->end(oldest);
	return true;
}

static void
on_need(evutil_socket_t fd, short what, void *arg)
{
	(void)end_one(arg);
}

void
np_need_fds(struct np *np)
{
	event_active(np->need_ev, EV_TIMEOUT, 0);
}

/* What we were given; asking the kernel is beyond our rights by now. */
static int
most_fds(void)
{
	const struct rights *r = rights_get(PROC_NETPROXY);
	unsigned int i;

	for (i = 0; i < RIGHTS_LIMITS && r->limits[i].resource != -1; i++)
		if (r->limits[i].resource == RLIMIT_NOFILE)
			return (int)r->limits[i].value;
	return INT_MAX;
}

int
listen_init(struct np *np)
{
	np->fd_high = most_fds() - NP_FDS_SPARE;
	np->need_ev = evtimer_new(np->base, on_need, np);
	return np->need_ev != NULL ? 0 : -1;
}

/* ---- accepting ---- */

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct np_listener *l = arg;

	(void)event_add(l->ev, NULL);
}

/* Out of descriptors or memory: let others end first. */
static void
pause_listener(struct np_listener *l)
{
	const struct timeval tv = { 0, PAUSE_US };

	log_warn("cannot accept: %m");
	(void)event_del(l->ev);
	(void)event_add(l->again, &tv);
}

static void
take(struct np_listener *l, int fd, const struct sockaddr *peer)
{
	struct np *np = l->np;
	struct np_session *s = np_session_by_peer(np, peer);
	struct sockaddr_storage dst;
	socklen_t len = sizeof(dst);

	if (fd >= np->fd_high)
		np_need_fds(np);
	memset(&dst, 0, sizeof(dst));
	if (s == NULL || s->nclients >= NP_CLIENTS_MAX ||
	    getsockname(fd, (struct sockaddr *)&dst, &len) == -1) {
		close(fd);
		return;
	}
	switch (l->kind) {
	case NET_LISTEN_DNS_TCP:
		dns_server_stream(np->dns, s, fd);
		break;
	case NET_LISTEN_PROXY:
		http_proxy_accept(np, s, fd);
		break;
	case NET_LISTEN_INTERCEPT:
		intercept_accept(np, s, fd, (struct sockaddr *)&dst);
		break;
	case NET_LISTEN_DNS_UDP:
	case NET_LISTEN_MAX:
		close(fd);
		break;
	}
}

static void
on_accept(evutil_socket_t lfd, short what, void *arg)
{
	struct np_listener *l = arg;
	struct sockaddr_storage ss;
	socklen_t len;
	unsigned int i;
	int fd;

	for (i = 0; i < ACCEPT_TURN; i++) {
		len = sizeof(ss);
		fd = accept4(l->fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1 && errno == EMFILE && end_one(l->np))
			continue;
		if (fd == -1) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOMEM || errno == ENOBUFS)
				pause_listener(l);
			return;
		}
		take(l, fd, (struct sockaddr *)&ss);
	}
}

static void
listener_new(struct np *np, int fd, enum net_listen kind)
{
	struct np_listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		close(fd);
		return;
	}
	l->np = np;
	l->fd = fd;
	l->kind = kind;
	l->ev = event_new(np->base, fd, EV_READ | EV_PERSIST, on_accept, l);
	l->again = evtimer_new(np->base, on_again, l);
	if (l->ev == NULL || l->again == NULL ||
	    event_add(l->ev, NULL) == -1) {
		log_error("cannot serve a listening socket");
		if (l->ev != NULL)
			event_free(l->ev);
		if (l->again != NULL)
			event_free(l->again);
		close(fd);
		free(l);
		return;
	}
	LIST_INSERT_HEAD(&np->listeners, l, entry);
}

void
listen_got(struct np *np, struct msg *m)
{
	const struct msg_net_listen *nl = msg_payload(m);
	int fd = msg_take_fd(m, 0);

	if (nl->kind >= NET_LISTEN_MAX) {
		close(fd);
	} else if (nl->kind == NET_LISTEN_DNS_UDP) {
		if (dns_server_udp(np->dns, fd) == -1)
			log_error("cannot serve DNS over UDP");
	} else {
		listener_new(np, fd, (enum net_listen)nl->kind);
	}
}
