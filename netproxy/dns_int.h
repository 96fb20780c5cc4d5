/*
 * What dns_server.c, dns_stream.c and dns_lookup.c share, and no other file.
 */

#ifndef NETPROXY_DNS_INT_H
#define NETPROXY_DNS_INT_H

#include <sys/queue.h>

#include <netinet/in.h>
#include <time.h>

#include "netproxy/dns_cache.h"
#include "netproxy/dns_server.h"
#include "netproxy/dns_up.h"
#include "netproxy/netproxy.h"

#define DNS_REPLY_BYTES	  8192 /* header, question, DNS_ANSWER_BYTES, OPT */
#define DNS_OWNER_BUCKETS 256u

struct dns_stream;

union dns_addr {
	struct sockaddr sa;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
};

/* Where a reply goes. */
struct dns_from {
	struct dns_stream *stream; /* or, if NULL: */
	int fd;
	socklen_t peer_len;
	union dns_addr peer;
	union dns_addr asked; /* its sa_family 0: not known */
};

/* A query that waits for a resolver. */
struct dns_pend {
	struct dns_wait wait; /* first: the wait is the pend */
	struct dns_server *server;
	struct dns_owner *owner;
	TAILQ_ENTRY(dns_pend) of_owner;
	LIST_ENTRY(dns_pend) of_stream; /* if from.stream */
	struct dns_from from;
	struct dns_query q;
};

/* What one session has waiting; gone when there is nothing. */
struct dns_owner {
	LIST_ENTRY(dns_owner) bucket;
	struct np_session *session; /* held */
	TAILQ_HEAD(, dns_pend) pends; /* the oldest first */
	unsigned int npends;
};

struct dns_udp;
struct dns_batch;
LIST_HEAD(dns_pend_list, dns_pend);

struct dns_server {
	struct np *np;
	struct event_base *base;
	struct dns_cache *cache;
	struct dns_up *up;
	LIST_HEAD(, dns_udp) sockets;
	LIST_HEAD(, dns_stream) streams;
	LIST_HEAD(, dns_lookup) lookups;
	LIST_HEAD(, dns_owner) owners[DNS_OWNER_BUCKETS];
	struct dns_batch *batch;
	struct dns_server_stats stats;
	uint8_t reply[DNS_REPLY_BYTES];
};

static inline uint64_t
dns_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* v4-mapped as AF_INET; port 0.  Its length. */
socklen_t dns_sockaddr(const struct in6_addr *addr, union dns_addr *to);

/*
 * Answer one message of session s.  The length of the reply in out (size at
 * least DNS_UDP_MIN), or 0: none, or it waits and goes to from later.
 */
size_t dns_serve(struct dns_server *d, struct np_session *s,
    const struct dns_from *from, uint64_t now_ms, const uint8_t *bytes,
    size_t len, uint8_t *out, size_t size);

/* Forget a query that waits. */
void dns_pend_free(struct dns_pend *p);

/* dns_stream.c: a reply to what waited; the stream's waiting list. */
void dns_stream_reply(struct dns_stream *st, const uint8_t *bytes, size_t len);
void dns_stream_pend(struct dns_stream *st, struct dns_pend *p);
void dns_stream_unpend(struct dns_stream *st, struct dns_pend *p);
void dns_stream_free_all(struct dns_server *d);

/* dns_udp.c */
void dns_udp_reply(const struct dns_from *from, const uint8_t *bytes,
    size_t len);
void dns_udp_free_all(struct dns_server *d);

/* dns_lookup.c */
void dns_lookup_free_all(struct dns_server *d);

#endif
