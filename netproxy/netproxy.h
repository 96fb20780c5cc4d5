/*
 * netproxy: the one process of the house that parses DNS, HTTP heads and TLS
 * hellos.  What its files share: the process, a session as it sees one, judging,
 * learning, events.  Single-threaded, libevent's loop; nothing here blocks.
 *
 *	main.c		the process: drop, channel to the monitor, loop
 *	session.c	sessions, and who of them a socket's peer is
 *	listen.c	the mirror's sockets: accepts, and knows the session
 *	judge.c		names, connections, redirects, tunnelling limits
 *	event.c		what is told to auditd
 *	dns_*.c		codec, cache, forwarder, server
 *	http_*.c hello_*.c	heads, CONNECT, forwarding, interception
 *	feed_*.c	threat feeds
 *
 * Who asks is known by the source address in the mirror namespace, where the
 * monitor alone makes sockets: every session has its own.  Never by bytes.
 * Trusts the monitor and a checked image; nothing else.
 */

#ifndef NETPROXY_NETPROXY_H
#define NETPROXY_NETPROXY_H

#include <sys/queue.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/decision.h"
#include "common/image.h"
#include "common/msg.h"

struct event_base;
struct dns_server;
struct feeds;
struct np;
struct np_session;

/* 255 octets on the wire; as text, each may be escaped as \DDD. */
#define NP_NAME_MAX 1024 /* with the NUL */

/*
 * What a question was answered.  The strings live as long as the session is
 * held and until np_judge is called again for it; copy what must last.
 */
struct np_verdict {
	enum decision decision; /* as written in the rule */
	bool allowed;		/* it goes on */
	bool always;		/* record it whatever the audit settings say */
	uint32_t rule;		/* as struct verdict */
	const char *name;	/* of the rule; "threat-feed:NAME"; never NULL */
	const char *file;	/* "" for builtins */
	unsigned int line;	/* 0 for builtins */
	char message[512];	/* the rule's, expanded; "" if none */
};

/* ---- session.c ---- */

/*
 * The session whose socket has this address in the mirror, or NULL: then drop
 * what it sent.  Borrowed: hold it to keep it past the callback.  Other sessions
 * that are borrowed may be gone afterwards.
 */
struct np_session *np_session_by_peer(struct np *np, const struct sockaddr *sa);
/* One more (fewer) reference; the memory goes with the last. */
struct np_session *np_session_hold(struct np_session *s);
void np_session_drop(struct np_session *s);
/* false: it has been detached; judge says no to everything. */
bool np_session_is_live(const struct np_session *s);
struct np *np_of(struct np_session *s);
const char *np_session_id(const struct np_session *s);

/*
 * Something that lasts for a session and ends with it: a tunnel, a DNS stream.
 * Embed it, fill what is shown, add it.  end() is called when the session ends
 * and must remove and free its owner; so must np_client_del be called whenever it
 * ends by itself.  add holds the session, del drops it.
 */
struct np_client {
	LIST_ENTRY(np_client) entry;
	struct np_session *session;
	void (*end)(struct np_client *c);
	/* shown by `agentshctl net`; keep them current */
	const char *kind; /* constant: "connect", "http", "tls", "dns" */
	char host[256];	  /* "" until known */
	struct sockaddr_storage peer; /* dialled; ss_family 0 until known */
	uint64_t up_bytes, down_bytes;
	uint64_t since_ns;  /* CLOCK_REALTIME, set by add */
};
/* 0, or -1: the session has too many, or has ended: close. */
int np_client_add(struct np_session *s, struct np_client *c)
    __attribute__((warn_unused_result));
void np_client_del(struct np_client *c);

/* ---- judge.c: 1 it goes on, 0 not; v is always filled ---- */

/*
 * May the session ask for name?  name: normalised text, lower case, no trailing
 * dot ("" is the root), odd octets as \DDD.  Rules, feeds, query types (A, AAAA,
 * CNAME, HTTPS, SVCB, PTR of addresses given out) and the tunnelling limits.
 */
int np_judge_dns(struct np_session *s, const char *name, uint16_t qtype,
    struct np_verdict *v);

/*
 * May it connect to sa (address and port), which the host name gave?  name NULL: by
 * the names under which the session knows the address, else by its text.
 */
int np_judge_connect(struct np_session *s, const char *name,
    const struct sockaddr *sa, struct np_verdict *v);

/*
 * dns_redirects: true, and the one address that A or AAAA gets (the other family: an
 * empty answer).  v names the rule.  Ask before np_judge_dns, which it replaces.
 */
bool np_redirect_dns(struct np_session *s, const char *name,
    struct in6_addr *to, struct np_verdict *v);

/* connect_redirects on host:port.  The target is to be judged as well. */
struct np_redirect {
	char host[256]; /* name or address text, no brackets */
	uint16_t port;
	bool rewrite_sni;
	char sni[256];
	bool silent; /* visibility: no event */
};
bool np_redirect_connect(struct np_session *s, const char *host, uint16_t port,
    struct np_redirect *r, struct np_verdict *v);

/*
 * Our resolver gave name, as it was asked for, this address: a fact for ttl
 * seconds (floor 60).  Call it before the answer is sent.
 */
void np_learn(struct np_session *s, const char *name,
    const struct sockaddr *sa, uint32_t ttl);

/*
 * An address that np_judge_connect would never admit by a name (rebinding):
 * private, and no exception of the config for this name.  The answer is passed
 * on all the same unless the operator's dns says otherwise; connect is refused.
 */
bool np_is_private(struct np_session *s, const char *name,
    const struct sockaddr *sa);

/* ---- event.c ---- */

/*
 * Is there room for the event of something that is about to be done or refused?  false
 * (the ring is full, or filling and this session had its share, and the audit
 * settings say block): refuse it as a failure (SERVFAIL, 503), with no event.
 */
bool np_event_room(struct np_session *s);
void np_event_dns(struct np_session *s, const char *name, uint16_t qtype,
    const struct np_verdict *v);
/* host may be "" or NULL; sa may be NULL (nothing was resolved); port host order. */
void np_event_connect(struct np_session *s, const char *host, uint16_t port,
    const struct sockaddr *sa, const struct np_verdict *v);
/* url: absolute, without a query; status: what the client got, 0 unknown. */
void np_event_http(struct np_session *s, const char *method, const char *url,
    uint16_t port, int status, const struct np_verdict *v);
/* from, to: "host:port" or names; dns_redirect or connect_redirect. */
void np_event_redirect(struct np_session *s, bool dns, const char *from,
    const char *to, const struct np_verdict *v);

/* ---- listen.c ---- */

/*
 * A descriptor could not be had: before the loop waits again the session that has
 * most connections loses its oldest.  Try again later.
 */
void np_need_fds(struct np *np);

/* ---- main.c: the process ---- */

struct event_base *np_base(struct np *np);
struct dns_server *np_dns(struct np *np); /* never NULL once it serves */

/*
 * ---- what the others give: dns_server.h ----
 * struct dns_server *dns_server_new(struct np *np);
 * void dns_server_free(struct dns_server *d);
 * void dns_server_upstreams(struct dns_server *d,
 *     const struct sockaddr_storage *ss, unsigned int n);
 *	replaces those in use; main.c calls it at start and when they change
 * unsigned int dns_resolv_conf(const char *text, size_t len,
 *     struct sockaddr_storage *ss, unsigned int max);
 *	pure: the nameservers of a resolv.conf (port 53), how many
 * int dns_server_udp(struct dns_server *d, int fd);
 *	serve datagrams on fd, taken: non-blocking, any destination, IP_PKTINFO or
 *	IPV6_RECVPKTINFO on; the session is np_session_by_peer of the source; an
 *	answer is sent from the address that was asked
 * void dns_server_stream(struct dns_server *d, struct np_session *s, int fd);
 *	serve one accepted DNS-over-TCP connection, fd taken
 * typedef void dns_resolved(const struct sockaddr_storage *ss, unsigned int n,
 *     int rcode, void *arg);
 * struct dns_lookup *dns_resolve(struct dns_server *d, struct np_session *s,
 *     const char *name, int family, dns_resolved *cb, void *arg);
 *	family AF_INET, AF_INET6, AF_UNSPEC; not judged (the caller judges the
 *	host); learns no facts; cb is never called from inside; NULL: no memory
 * void dns_resolve_cancel(struct dns_lookup *l);
 *
 * ---- http_proxy.h ----
 * void http_proxy_accept(struct np *np, struct np_session *s, int fd);
 *	a client of the proxy, fd taken, non-blocking
 * void intercept_accept(struct np *np, struct np_session *s, int fd,
 *     const struct sockaddr *dst);
 *	a connection that was meant for dst (port 80 or 443), fd taken
 *
 * ---- feed_*.h ----
 * judge.c asks the set that main.c holds: see np_feeds.
 */
struct feeds *np_feeds(struct np *np); /* NULL: none */

#endif
