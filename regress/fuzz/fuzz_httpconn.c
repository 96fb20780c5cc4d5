/*
 * A connection of the proxy from accept to end, in any order of events: the client
 * and the servers send, stop and close as the input says.  Nothing may crash, leak or
 * spin, and nothing is left when the session ends.
 *
 * The input is a list of steps: a byte whose low three bits say what and whose
 * other five, times eight and one, how many of the following bytes.
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netproxy/dns_server.h"
#include "netproxy/http_proxy.h"

#define SERVERS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t len);

enum step {
	STEP_CLIENT, /* the client sends */
	STEP_SERVER, /* the last server sends */
	STEP_CLIENT_END,
	STEP_SERVER_END,
	STEP_READ, /* both take what has come */
	STEP_END,  /* the session ends */
	STEP_FIRST_SERVER, /* the first server sends */
	STEP_ROOM, /* there is room for events, or none any more */
};

struct np_session {
	LIST_HEAD(, np_client) clients;
};

struct dns_lookup {
	struct event *ev;
	dns_resolved *cb;
	void *arg;
};

static struct event_base *base;
static struct np_session session;
static int servers[SERVERS], client;
static unsigned int nservers;
static bool has_room; /* for events */

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

/* In the place of a connection: one end of a pair, the other is ours. */
int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	int pair[2];

	if (nservers == SERVERS) {
		errno = ECONNREFUSED;
		return -1;
	}
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	must(dup2(pair[0], fd) == fd);
	must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	close(pair[0]);
	servers[nservers++] = pair[1];
	return 0;
}

/* ---- what netproxy.h says: names that begin with 'a' are allowed ---- */

struct event_base *
np_base(struct np *np)
{
	return base;
}

struct dns_server *
np_dns(struct np *np)
{
	return NULL;
}

struct np *
np_of(struct np_session *s)
{
	return NULL;
}

int
np_client_add(struct np_session *s, struct np_client *c)
{
	c->session = s;
	LIST_INSERT_HEAD(&s->clients, c, entry);
	return 0;
}

void
np_client_del(struct np_client *c)
{
	LIST_REMOVE(c, entry);
}

bool
np_event_room(struct np_session *s)
{
	return has_room;
}

void
np_need_fds(struct np *np)
{
}

static int
verdict(struct np_verdict *v, bool ok)
{
	memset(v, 0, sizeof(*v));
	v->allowed = ok;
	v->decision = ok ? DEC_ALLOW : DEC_DENY;
	v->name = "rule";
	v->file = "file";
	return ok;
}

int
np_judge_dns(struct np_session *s, const char *name, uint16_t qtype,
    struct np_verdict *v)
{
	return verdict(v, name[0] == 'a');
}

int
np_judge_connect(struct np_session *s, const char *name,
    const struct sockaddr *sa, struct np_verdict *v)
{
	return verdict(v, name != NULL && name[0] == 'a');
}

bool
np_redirect_dns(struct np_session *s, const char *name, struct in6_addr *to,
    struct np_verdict *v)
{
	return false;
}

bool
np_redirect_connect(struct np_session *s, const char *host, uint16_t port,
    struct np_redirect *r, struct np_verdict *v)
{
	if (strcmp(host, "ar.test") != 0)
		return false;
	strcpy(r->host, "a.test");
	strcpy(r->sni, "a.test");
	r->port = 443;
	r->rewrite_sni = port == 443;
	return verdict(v, true);
}

void
np_event_connect(struct np_session *s, const char *host, uint16_t port,
    const struct sockaddr *sa, const struct np_verdict *v)
{
	must(host != NULL && v->name != NULL && v->file != NULL);
}

void
np_event_http(struct np_session *s, const char *method, const char *url,
    uint16_t port, int status, const struct np_verdict *v)
{
	must(method != NULL && url != NULL && v->name != NULL);
}

void
np_event_redirect(struct np_session *s, bool dns, const char *from,
    const char *to, const struct np_verdict *v)
{
}

static void
on_lookup(evutil_socket_t fd, short what, void *arg)
{
	struct sockaddr_storage ss = { .ss_family = AF_INET };
	struct dns_lookup *l = arg;

	l->cb(&ss, 1, 0, l->arg);
	dns_resolve_cancel(l);
}

void
dns_resolve_cancel(struct dns_lookup *l)
{
	event_free(l->ev);
	free(l);
}

struct dns_lookup *
dns_resolve(struct dns_server *d, struct np_session *s, const char *name,
    int family, dns_resolved *cb, void *arg)
{
	struct dns_lookup *l = calloc(1, sizeof(*l));

	must(l != NULL);
	l->cb = cb;
	l->arg = arg;
	l->ev = evtimer_new(base, on_lookup, l);
	event_active(l->ev, EV_TIMEOUT, 0);
	return l;
}

/* ---- steps ---- */

static void
turn(void)
{
	int i;

	for (i = 0; i < 8; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
drain(int fd)
{
	char buf[4096];

	while (fd != -1 && recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static void
say(int fd, const uint8_t *p, size_t n)
{
	if (fd != -1)
		(void)!send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
end_session(void)
{
	struct np_client *c;

	while ((c = LIST_FIRST(&session.clients)) != NULL)
		c->end(c);
}

static void
step(enum step what, const uint8_t *p, size_t n)
{
	unsigned int i;

	switch (what) {
	case STEP_CLIENT:
		say(client, p, n);
		break;
	case STEP_SERVER:
		if (nservers > 0)
			say(servers[nservers - 1], p, n);
		break;
	case STEP_FIRST_SERVER:
		if (nservers > 0)
			say(servers[0], p, n);
		break;
	case STEP_CLIENT_END:
		shutdown(client, n % 16 == 1 ? SHUT_WR : SHUT_RDWR);
		break;
	case STEP_SERVER_END:
		if (nservers > 0)
			shutdown(servers[nservers - 1],
			    n % 16 == 1 ? SHUT_WR : SHUT_RDWR);
		break;
	case STEP_READ:
		drain(client);
		for (i = 0; i < nservers; i++)
			drain(servers[i]);
		break;
	case STEP_END:
		end_session();
		break;
	case STEP_ROOM:
		has_room = !has_room;
		break;
	}
	turn();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_in dst = { .sin_family = AF_INET };
	unsigned int kind, what;
	size_t at = 1, n;
	int pair[2];

	if (size < 2)
		return 0;
	if (base == NULL) {
		signal(SIGPIPE, SIG_IGN); /* as netproxy does */
		base = event_base_new();
	}
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	client = pair[1];
	nservers = 0;
	has_room = true;
	kind = data[0] % 4;
	dst.sin_port = htons(kind == 1 ? 80 : 443);
	if (kind == 0 || kind == 3)
		http_proxy_accept(NULL, &session, pair[0]);
	else
		intercept_accept(NULL, &session, pair[0],
		    (struct sockaddr *)&dst);
	while (at < size) {
		what = data[at] & 7;
		n = (size_t)(data[at] >> 3) * 8 + 1;
		at++;
		if (what != STEP_CLIENT && what != STEP_SERVER &&
		    what != STEP_FIRST_SERVER) {
			step((enum step)what, NULL, n);
			continue;
		}
		n = n < size - at ? n : size - at;
		step((enum step)what, data + at, n);
		at += n;
	}
	end_session();
	turn();
	must(LIST_EMPTY(&session.clients));
	must(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) == 0);
	close(client);
	while (nservers > 0)
		close(servers[--nservers]);
	return 0;
}
