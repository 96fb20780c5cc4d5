/*
 * The session's resolver: every query that the sessions send, by UDP and TCP,
 * judged (np_judge_dns), answered from the cache or by the machine's resolvers,
 * and what was answered learned (np_learn) before it is sent.
 *
 * What is judged is the name that was asked, once for each query and before the
 * cache is looked at; and addresses are learned under that name alone.  Names
 * of a CNAME chain are what the asked name's owner says, as its addresses are:
 * they are passed on, neither judged nor learned, since whoever owns one
 * allowed name could else give any other name any address.  Private addresses
 * are passed on: connect() refuses them.
 *
 * Runs in netproxy, in libevent's loop; SIGPIPE is ignored.  Never blocks.  No
 * function here may be called from a callback of another but where it says so.
 */

#ifndef NETPROXY_DNS_SERVER_H
#define NETPROXY_DNS_SERVER_H

#include <sys/socket.h>

#include <stdint.h>

#include "netproxy/dns_conf.h"

/*
 * What may wait for an answer at once, and so how much memory: some 750 bytes
 * each.  Of one session never more than half: what it asks beyond that is
 * refused.  When the house is full, the oldest of the session that has most
 * gives way.  Either gets SERVFAIL and a record of rule builtin-dns-limit, so
 * that a flood costs its sender and nobody else.
 */
#define DNS_PENDING	     20480u
#define DNS_PENDING_SESSION  10240u
#define DNS_LOOKUPS	     4096u /* of dns_resolve, at once */
#define DNS_LOOKUP_ADDRS     16u /* of each family that dns_resolve gives */

/* TCP: RFC 7766.  How many streams a session may have is np_client_add's. */
#define DNS_STREAM_IDLE_S    10 /* silent, or one message taking longer */
#define DNS_STREAM_PENDING   64u /* queries, then it is not read */
#define DNS_STREAM_TURN	     32u /* queries before the others' turn */
#define DNS_STREAM_OUT_BYTES 65536u /* unread answers, then it is not read */

struct np;
struct np_session;
struct dns_server;
struct dns_lookup;

/* NULL: no memory.  It asks nobody until upstreams are given. */
struct dns_server *dns_server_new(struct np *np);
/* Its sockets are closed, waiting clients and lookups are not told. */
void dns_server_free(struct dns_server *d);

/* Replace the resolvers in use; the cache is emptied. */
void dns_server_configure(struct dns_server *d, const struct dns_conf *conf);
void dns_server_upstreams(struct dns_server *d,
    const struct sockaddr_storage *ss, unsigned int n);

/*
 * Serve datagrams on fd, taken: non-blocking, any destination, IP_PKTINFO or
 * IPV6_RECVPKTINFO on.  The session is np_session_by_peer of the source; an
 * answer is sent from the address that was asked.  0 or -1 (fd is closed).
 */
int dns_server_udp(struct dns_server *d, int fd)
    __attribute__((warn_unused_result));

/* Serve one accepted connection of DNS over TCP, fd taken, non-blocking. */
void dns_server_stream(struct dns_server *d, struct np_session *s, int fd);

/*
 * ss: n addresses (port 0), IPv4 first.  rcode: DNS_NOERROR (perhaps with n
 * 0: there are none), DNS_NXDOMAIN, DNS_SERVFAIL, DNS_FORMERR (no host name).
 */
typedef void dns_resolved(const struct sockaddr_storage *ss, unsigned int n,
    int rcode, void *arg);

/*
 * The addresses of a host for the proxy.  name: plain text, not an address;
 * family AF_INET, AF_INET6 or AF_UNSPEC.  Not judged and nothing learned: the
 * caller judges the host. cb is called once, from the loop, never from inside;
 * after it, or after dns_resolve_cancel, the lookup is gone.  NULL: no memory,
 * or too many.  May be called from anywhere, cb included.
 */
struct dns_lookup *dns_resolve(struct dns_server *d, struct np_session *s,
    const char *name, int family, dns_resolved *cb, void *arg);
void dns_resolve_cancel(struct dns_lookup *l);

struct dns_server_stats {
	uint64_t queries, cached, forwarded, denied, refused, malformed, failed,
	    crowded, evicted;
	unsigned int pending, streams, lookups;
};
void dns_server_stats(const struct dns_server *d, struct dns_server_stats *s);

#endif
