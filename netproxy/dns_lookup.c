/*
 * dns_resolve: the addresses of a host for the proxy, from the same cache and
 * resolvers as the sessions' own queries.  Judging and learning are the
 * caller's.
 *
 * Runs in netproxy.  What is known at once is told from the loop all the same,
 * so that a caller has one order of things to think of.
 */

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "netproxy/dns_int.h"

struct question {
	struct dns_wait wait; /* first: the wait is the question */
	struct dns_lookup *lookup;
	struct in6_addr addrs[DNS_LOOKUP_ADDRS];
	unsigned int naddrs;
};

struct dns_lookup {
	LIST_ENTRY(dns_lookup) entry;
	struct dns_server *server;
	struct event ev;
	dns_resolved *cb;
	void *arg;
	struct question q[2]; /* A, AAAA */
	unsigned int left; /* questions without an answer */
	bool nxdomain, failed, malformed;
};

static void
lookup_free(struct dns_lookup *l)
{
	dns_up_cancel(&l->q[0].wait);
	dns_up_cancel(&l->q[1].wait);
	event_del(&l->ev);
	LIST_REMOVE(l, entry);
	l->server->stats.lookups--;
	free(l);
}

static int
rcode_of(const struct dns_lookup *l, unsigned int n)
{
	if (n > 0)
		return DNS_NOERROR;
	if (l->malformed)
		return DNS_FORMERR;
	if (l->failed)
		return DNS_SERVFAIL;
	return l->nxdomain ? DNS_NXDOMAIN : DNS_NOERROR;
}

static void
on_ready(int fd, short what, void *arg)
{
	struct dns_lookup *l = arg;
	struct sockaddr_storage ss[2 * DNS_LOOKUP_ADDRS];
	dns_resolved *cb = l->cb;
	void *cb_arg = l->arg;
	union dns_addr addr;
	unsigned int i, k, n = 0;
	int rcode;

	for (i = 0; i < 2; i++)
		for (k = 0; k < l->q[i].naddrs; k++, n++) {
			dns_sockaddr(&l->q[i].addrs[k], &addr);
			memset(&ss[n], 0, sizeof(ss[n]));
			memcpy(&ss[n], &addr, sizeof(addr));
		}
	rcode = rcode_of(l, n);
	lookup_free(l);
	cb(ss, n, rcode, cb_arg);
}

static void
take(struct question *q, const struct dns_answer *a)
{
	struct dns_lookup *l = q->lookup;
	unsigned int i;

	if (a == NULL)
		l->failed = true;
	else if (a->rcode == DNS_NXDOMAIN)
		l->nxdomain = true;
	for (i = 0; a != NULL && i < a->naddrs && i < DNS_LOOKUP_ADDRS; i++)
		q->addrs[q->naddrs++] = a->addrs[i];
	if (--l->left == 0)
		event_active(&l->ev, EV_TIMEOUT, 0);
}

static void
on_answer(struct dns_wait *w, const struct dns_answer *a)
{
	take((struct question *)w, a);
}

static void
ask(struct question *q, const struct dns_name *name, uint16_t type)
{
	struct dns_server *d = q->lookup->server;
	const struct dns_answer *a;
	uint32_t age_s;

	a = dns_cache_get(d->cache, name, type, dns_now_ms(), &age_s);
	if (a != NULL)
		take(q, a);
	else if (dns_up_ask(d->up, name, type, &q->wait) == -1)
		take(q, NULL);
}

/* Both families are counted before either is asked. */
static void
ask_all(struct dns_lookup *l, const struct dns_name *name, int family)
{
	l->left = family == AF_UNSPEC ? 2 : 1;
	if (family != AF_INET6)
		ask(&l->q[0], name, DNS_A);
	if (family != AF_INET)
		ask(&l->q[1], name, DNS_AAAA);
}

/* RFC 6761 6.3 */
static void
give_localhost(struct dns_lookup *l, int family)
{
	static const struct in6_addr v4 = {
		{ { [10] = 0xff, 0xff, 127, 0, 0, 1 } }
	};

	if (family != AF_INET6)
		l->q[0].addrs[l->q[0].naddrs++] = v4;
	if (family != AF_INET)
		l->q[1].addrs[l->q[1].naddrs++] = in6addr_loopback;
	event_active(&l->ev, EV_TIMEOUT, 0);
}

struct dns_lookup *
dns_resolve(struct dns_server *d, struct np_session *s, const char *name,
    int family, dns_resolved *cb, void *arg)
{
	struct dns_lookup *l;
	struct dns_name n;
	unsigned int i;

	if (d->stats.lookups >= DNS_LOOKUPS ||
	    (l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->server = d;
	l->cb = cb;
	l->arg = arg;
	evtimer_assign(&l->ev, d->base, on_ready, l);
	for (i = 0; i < 2; i++) {
		l->q[i].lookup = l;
		l->q[i].wait.done = on_answer;
		l->q[i].wait.who = s;
	}
	LIST_INSERT_HEAD(&d->lookups, l, entry);
	d->stats.lookups++;
	if (dns_name_from_text(&n, name, strlen(name)) == -1) {
		l->malformed = true;
		event_active(&l->ev, EV_TIMEOUT, 0);
	} else if (dns_name_localhost(&n)) {
		give_localhost(l, family);
	} else {
		ask_all(l, &n, family);
	}
	return l;
}

void
dns_resolve_cancel(struct dns_lookup *l)
{
	lookup_free(l);
}

void
dns_lookup_free_all(struct dns_server *d)
{
	struct dns_lookup *l, *next;

	LIST_FOREACH_SAFE(l, &d->lookups, entry, next)
		lookup_free(l);
}
