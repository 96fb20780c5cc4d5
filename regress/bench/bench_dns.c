/*
 * The sessions' resolver by itself, for `dns` and run/resolver.sh: the real
 * server, the real image and the real limits, with facts and events of a few
 * lines in place of the house's.  An IPv4 address is a session, modulo 8, on
 * every address of the network namespace.
 *
 * usage: bench_dns PORT RESOLVER-PORT POLICY [TIMEOUT-MS [FEED]]
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "../unit/polhelp.h"
#include "netproxy/dns_limit.h"
#include "netproxy/dns_server.h"
#include "netproxy/feed.h"
#include "netproxy/netproxy.h"

#define FACTS	 65536u
#define SESSIONS 8

struct np_session {
	struct np *np;
	struct image im;
	struct dns_limit limit;
	uint64_t fact[FACTS];
	uint64_t events;
	struct image_rule rule;
};

struct np {
	struct event_base *base;
	struct feeds *feeds; /* or NULL */
	struct np_session session[SESSIONS];
};

static struct np house;

/* ---- netproxy.h ---- */

struct event_base *
np_base(struct np *np)
{
	return np->base;
}

struct np_session *
np_session_by_peer(struct np *np, const struct sockaddr *sa)
{
	const struct sockaddr_in *sin = (const void *)sa;
	uint32_t addr = sa->sa_family == AF_INET ? ntohl(sin->sin_addr.s_addr) :
						   0;

	return &np->session[addr % SESSIONS];
}

struct np_session *
np_session_hold(struct np_session *s)
{
	return s;
}

void
np_session_drop(struct np_session *s)
{
}

bool
np_session_is_live(const struct np_session *s)
{
	return true;
}

int
np_client_add(struct np_session *s, struct np_client *c)
{
	c->session = s;
	return 0;
}

void
np_client_del(struct np_client *c)
{
}

int
np_judge_dns(struct np_session *s, const char *name, uint16_t qtype,
    struct np_verdict *v)
{
	struct feed_verdict fv;
	struct verdict iv;
	size_t len = strlen(name);

	image_dns(&s->im, name, len, &iv);
	image_rule_get(&s->im, iv.rule, &s->rule);
	v->decision = (enum decision)iv.decision;
	v->allowed = iv.allowed;
	v->always = iv.always;
	v->rule = iv.rule;
	v->name = s->rule.name;
	v->file = s->rule.file;
	v->line = s->rule.line;
	v->message[0] = '\0';
	if (feeds_match(s->np->feeds, name, len, &fv))
		v->allowed = false;
	if (v->allowed && dns_limit_check(&s->limit, name, len, 1) != NULL)
		v->allowed = false;
	return v->allowed;
}

bool
np_redirect_dns(struct np_session *s, const char *name, struct in6_addr *to,
    struct np_verdict *v)
{
	return false;
}

void
np_learn(struct np_session *s, const char *name, const struct sockaddr *sa,
    uint32_t ttl)
{
	const struct sockaddr_in *sin = (const void *)sa;
	uint64_t h = sin->sin_addr.s_addr * UINT64_C(0x9e3779b97f4a7c15);

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	s->fact[h % FACTS] = h + ttl;
}

bool
np_event_room(struct np_session *s)
{
	return true;
}

void
np_event_dns(struct np_session *s, const char *name, uint16_t qtype,
    const struct np_verdict *v)
{
	s->events++;
}

void
np_event_redirect(struct np_session *s, bool dns, const char *from,
    const char *to, const struct np_verdict *v)
{
}

/* ---- the server ---- */

static int
bound(int family, int type, in_port_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	bool v4 = family == AF_INET;
	int fd, on = 1;

	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    (!v4 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    -1) ||
	    bind(fd, v4 ? (void *)&sin : (void *)&sin6,
		v4 ? sizeof(sin) : sizeof(sin6)) == -1) {
		perror("socket");
		exit(1);
	}
	(void)setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
	    v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, sizeof(on));
	return fd;
}

static void
on_accept(int lfd, short what, void *arg)
{
	int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd != -1)
		dns_server_stream(arg, house.session, fd);
}

static void
serve(struct dns_server *d, int family, in_port_t port)
{
	int fd = bound(family, SOCK_STREAM, port);

	if (dns_server_udp(d, bound(family, SOCK_DGRAM, port)) == -1 ||
	    listen(fd, 64) == -1)
		exit(1);
	event_add(event_new(house.base, fd, EV_READ | EV_PERSIST, on_accept, d),
	    NULL);
}

static void
on_term(int sig, short what, void *arg)
{
	struct dns_server_stats st;

	dns_server_stats(arg, &st);
	fprintf(stderr, "queries %ju cached %ju forwarded %ju denied %ju\n",
	    (uintmax_t)st.queries, (uintmax_t)st.cached,
	    (uintmax_t)st.forwarded, (uintmax_t)st.denied);
	event_base_loopexit(house.base, NULL);
}

/* A list of names that are refused.  0 or -1. */
static int
load_feed(const char *path)
{
	static struct feedconf c = { .magic = FEEDCONF_MAGIC,
		.size_bytes = sizeof(c),
		.nrows = 1,
		.row = { { .name = "bench",
		    .where = "/l",
		    .format = 1,
		    .local = 1 } } };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	house.feeds = feeds_new(NULL, NULL);
	if (fd == -1 || house.feeds == NULL ||
	    feeds_configure(house.feeds, &c) == -1 ||
	    feeds_files(house.feeds, 0, fd, -1) == -1) {
		perror(path);
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in up = { .sin_family = AF_INET };
	struct dns_server *d;
	struct dns_conf conf;
	struct polhelp pol;
	int i;

	if (argc < 4 || argc > 6) {
		fprintf(stderr,
		    "usage: bench_dns PORT RESOLVER-PORT POLICY "
		    "[TIMEOUT-MS [FEED]]\n");
		return 2;
	}
	if (polhelp_file(&pol, argv[3], NULL) != 0) {
		fprintf(stderr, "%s: %s\n", argv[3], polhelp_first(&pol));
		return 1;
	}
	if (argc == 6 && load_feed(argv[5]) == -1)
		return 1;
	for (i = 0; i < SESSIONS; i++) {
		house.session[i].im = pol.im;
		house.session[i].np = &house;
	}
	house.base = event_base_new();
	d = dns_server_new(&house);
	if (d == NULL)
		return 1;
	up.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	up.sin_port = htons((in_port_t)atoi(argv[2]));
	dns_conf_init(&conf);
	memcpy(&conf.server[conf.nservers++], &up, sizeof(up));
	if (argc > 4)
		conf.timeout_ms = (unsigned int)atoi(argv[4]);
	dns_server_configure(d, &conf);
	serve(d, AF_INET, (in_port_t)atoi(argv[1]));
	serve(d, AF_INET6, (in_port_t)atoi(argv[1]));
	signal(SIGPIPE, SIG_IGN);
	event_add(evsignal_new(house.base, SIGTERM, on_term, d), NULL);
	event_base_dispatch(house.base);
	dns_server_free(d);
	polhelp_clear(&pol);
	return 0;
}
