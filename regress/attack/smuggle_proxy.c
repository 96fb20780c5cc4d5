/*
 * The proxy's HTTP code with a judge, a resolver and a log of its own, for tests
 * and measurements that need neither house nor session.  Says on standard output what
 * it was told to record.
 *
 *	smuggle_proxy [-q] [-n NAME=ADDR[,ADDR...]] [-a HOST|ADDR[:PORT]] [-A ADDR:PORT]
 *	    [-r HOST:PORT=HOST:PORT[=SNI]] [-i PORT=ADDR:PORT] ADDR:PORT
 *
 *	-n  the resolver knows this name
 *	-a  connections to this name, or address, at any or that port are allowed
 *	-A  that address is refused whatever its name (a rebinding)
 *	-r  connect_redirects
 *	-i  what comes to this port was meant for that address
 *
 * SIGUSR1 ends the session that all connections are of, SIGTERM the program.
 */

#include <sys/socket.h>
#include <sys/uio.h>

#include <arpa/inet.h>
#include <err.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netproxy/dns_server.h"
#include "netproxy/http_name.h"
#include "netproxy/http_proxy.h"

#define MANY 64

struct np {
	struct event_base *base;
	const char *names[MANY], *allowed[MANY], *refused[MANY],
	    *redirects[MANY];
	unsigned int nnames, nallowed, nrefused, nredirects;
	bool quiet;
};

struct np_session {
	struct np *np;
	LIST_HEAD(, np_client) clients;
};

struct meant {
	struct np *np;
	struct sockaddr_storage ss;
};

struct dns_lookup {
	struct event *ev;
	dns_resolved *cb;
	void *arg;
	struct sockaddr_storage ss[8];
	unsigned int n;
	int rcode;
};

static struct np np;
static struct np_session session = { .np = &np };

static int
parse_sa(struct sockaddr_storage *ss, const char *text)
{
	int len = sizeof(*ss);

	memset(ss, 0, sizeof(*ss));
	return evutil_parse_sockaddr_port(text, (struct sockaddr *)ss, &len);
}

static void
text_of(const struct sockaddr *sa, char *addr, size_t size, uint16_t *port)
{
	if (sa->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)
		    sa)->sin6_addr, addr, (socklen_t)size);
		*port = ntohs(((const struct sockaddr_in6 *)(const void *)sa)
		    ->sin6_port);
	} else {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)
		    sa)->sin_addr, addr, (socklen_t)size);
		*port = ntohs(((const struct sockaddr_in *)(const void *)sa)
		    ->sin_port);
	}
}

/* ---- what netproxy.h says, in small ---- */

struct event_base *
np_base(struct np *n)
{
	return n->base;
}

struct dns_server *
np_dns(struct np *n)
{
	return NULL;
}

struct np *
np_of(struct np_session *s)
{
	return s->np;
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
	c->session = NULL;
}

bool
np_event_room(struct np_session *s)
{
	return true;
}

void
np_need_fds(struct np *n)
{
}

static int
verdict(struct np_verdict *v, bool ok)
{
	memset(v, 0, sizeof(*v));
	v->decision = ok ? DEC_ALLOW : DEC_DENY;
	v->allowed = ok;
	v->name = ok ? "allowed-hosts" : "denied-hosts";
	v->file = "fake.yaml";
	v->line = ok ? 1 : 2;
	snprintf(v->message, sizeof(v->message), "%s",
	    ok ? "" : "not this\r\none");
	return ok;
}

/* "host" or "host:port" in the list */
static bool
is_listed(const char *const *list, unsigned int n, const char *host,
    uint16_t port)
{
	char with[HTTP_AUTHORITY_SIZE];
	unsigned int i;

	snprintf(with, sizeof(with), "%.253s:%u", host, port);
	for (i = 0; i < n; i++)
		if (strcmp(list[i], host) == 0 || strcmp(list[i], with) == 0)
			return true;
	return false;
}

int
np_judge_dns(struct np_session *s, const char *name, uint16_t qtype,
    struct np_verdict *v)
{
	unsigned int i;
	size_t len = strlen(name);

	for (i = 0; i < np.nallowed; i++)
		if (strncmp(np.allowed[i], name, len) == 0 &&
		    (np.allowed[i][len] == '\0' || np.allowed[i][len] == ':'))
			return verdict(v, true);
	return verdict(v, false);
}

int
np_judge_connect(struct np_session *s, const char *name,
    const struct sockaddr *sa, struct np_verdict *v)
{
	char addr[INET6_ADDRSTRLEN];
	uint16_t port;

	text_of(sa, addr, sizeof(addr), &port);
	return verdict(v, is_listed(np.allowed, np.nallowed,
	    name != NULL ? name : addr, port) &&
	    !is_listed(np.refused, np.nrefused, addr, port));
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
	char from[HTTP_AUTHORITY_SIZE];
	const char *to, *colon, *sni;
	unsigned int i;

	snprintf(from, sizeof(from), "%.253s:%u=", host, port);
	for (i = 0; i < np.nredirects; i++) {
		if (strncmp(np.redirects[i], from, strlen(from)) != 0)
			continue;
		to = np.redirects[i] + strlen(from);
		colon = strchr(to, ':');
		snprintf(r->host, sizeof(r->host), "%.*s", (int)(colon - to),
		    to);
		r->port = (uint16_t)atoi(colon + 1);
		sni = strchr(to, '=');
		r->rewrite_sni = sni != NULL;
		snprintf(r->sni, sizeof(r->sni), "%s",
		    sni != NULL ? sni + 1 : "");
		verdict(v, true);
		return true;
	}
	return false;
}

void
np_event_connect(struct np_session *s, const char *host, uint16_t port,
    const struct sockaddr *sa, const struct np_verdict *v)
{
	char addr[INET6_ADDRSTRLEN] = "-";
	uint16_t p = 0;

	if (sa != NULL)
		text_of(sa, addr, sizeof(addr), &p);
	if (!np.quiet)
		printf("connect %s:%u %s:%u %s\n", host, port, addr, p,
		    v->allowed ? "allowed" : "denied");
}

void
np_event_http(struct np_session *s, const char *method, const char *url,
    uint16_t port, int status, const struct np_verdict *v)
{
	if (!np.quiet)
		printf("http %s %s %d %s\n", *method != '\0' ? method : "-",
		    *url != '\0' ? url : "-", status,
		    v->allowed ? "allowed" : "denied");
}

void
np_event_redirect(struct np_session *s, bool dns, const char *from,
    const char *to, const struct np_verdict *v)
{
	if (!np.quiet)
		printf("redirect %s %s\n", from, to);
}

static void
on_lookup(evutil_socket_t fd, short what, void *arg)
{
	struct dns_lookup *l = arg;

	l->cb(l->ss, l->n, l->rcode, l->arg);
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
	struct timeval now = { 0, 0 };
	size_t len = strlen(name);
	char *list, *p;
	unsigned int i;

	if (l == NULL)
		return NULL;
	l->cb = cb;
	l->arg = arg;
	l->rcode = 3;
	for (i = 0; i < np.nnames; i++) {
		if (strncmp(np.names[i], name, len) != 0 ||
		    np.names[i][len] != '=')
			continue;
		list = strdup(np.names[i] + len + 1);
		for (p = strtok(list, ","); p != NULL && l->n < 8;
		    p = strtok(NULL, ","))
			if (parse_sa(&l->ss[l->n], p) == 0)
				l->n++;
		free(list);
		l->rcode = 0;
	}
	l->ev = evtimer_new(np.base, on_lookup, l);
	evtimer_add(l->ev, &now);
	return l;
}

/* ---- listening ---- */

static void
on_client(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct meant *m = arg;

	if (m == NULL)
		http_proxy_accept(&np, &session, fd);
	else
		intercept_accept(&np, &session, fd, (struct sockaddr *)&m->ss);
}

static void
listen_on(const char *text, struct meant *m)
{
	struct sockaddr_storage ss;

	if (parse_sa(&ss, text) == -1 || evconnlistener_new_bind(np.base,
	    on_client, m, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE |
	    LEV_OPT_CLOSE_ON_EXEC, 1024, (struct sockaddr *)&ss,
	    ss.ss_family == AF_INET ? (int)sizeof(struct sockaddr_in) :
	    (int)sizeof(struct sockaddr_in6)) == NULL)
		err(1, "%s", text);
}

static void
intercept_on(const char *arg)
{
	struct meant *m = calloc(1, sizeof(*m));
	const char *eq = strchr(arg, '=');
	char text[32];

	if (m == NULL || eq == NULL || parse_sa(&m->ss, eq + 1) == -1)
		errx(2, "%s", arg);
	snprintf(text, sizeof(text), "127.0.0.1:%.*s", (int)(eq - arg), arg);
	listen_on(text, m);
}

/* As a session's end does. */
static void
on_end(evutil_socket_t sig, short what, void *arg)
{
	struct np_client *c;

	while ((c = LIST_FIRST(&session.clients)) != NULL)
		c->end(c);
}

static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	event_base_loopbreak(np.base);
}

static void
add(const char **list, unsigned int *n, const char *word)
{
	if (*n == MANY)
		errx(2, "too many");
	list[(*n)++] = word;
}

int
main(int argc, char *argv[])
{
	int ch;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	np.base = event_base_new();
	while ((ch = getopt(argc, argv, "A:a:i:n:qr:")) != -1) {
		switch (ch) {
		case 'A':
			add(np.refused, &np.nrefused, optarg);
			break;
		case 'a':
			add(np.allowed, &np.nallowed, optarg);
			break;
		case 'i':
			intercept_on(optarg);
			break;
		case 'n':
			add(np.names, &np.nnames, optarg);
			break;
		case 'q':
			np.quiet = true;
			break;
		case 'r':
			add(np.redirects, &np.nredirects, optarg);
			break;
		default:
			errx(2, "usage: see smuggle_proxy.c");
		}
	}
	if (argc - optind != 1)
		errx(2, "usage: see smuggle_proxy.c");
	listen_on(argv[optind], NULL);
	event_add(evsignal_new(np.base, SIGTERM, on_term, NULL), NULL);
	event_add(evsignal_new(np.base, SIGUSR1, on_end, NULL), NULL);
	event_base_dispatch(np.base);
	return 0;
}
