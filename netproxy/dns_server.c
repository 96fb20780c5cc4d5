/*
 * The session's resolver, see dns_server.h: what is done with a query,
 * whichever way it came.  Judged, recorded, answered; or kept until a resolver
 * has answered.
 *
 * Trusts no byte of a query.  Must never give an address that was not learned
 * before, or look into the cache for somebody who was not judged.
 */

#include "netproxy/dns_int.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is answered at all, and where dns_redirects have a say. */
static const struct {
	uint16_t type;
	bool redirect;
} type_tab[] = {
	{ DNS_A, true },
	{ DNS_AAAA, true },
	{ DNS_HTTPS, true },
	{ DNS_SVCB, true },
	{ DNS_CNAME, true },
	{ DNS_PTR, false },
};
#define TYPES (sizeof(type_tab) / sizeof(type_tab[0]))

/* One query while it is being answered. */
struct ask {
	struct dns_server *d;
	struct np_session *s;
	const struct dns_from *from;
	uint64_t now_ms;
	struct dns_query q;
	char text[DNS_TEXT_MAX];
	uint8_t *out;
	size_t size;
};

_Static_assert(DNS_TEXT_MAX == NP_NAME_MAX, "a name as it is judged");
_Static_assert(DNS_UP_QUESTIONS >= DNS_PENDING + 2 * DNS_LOOKUPS,
    "whatever may wait may be asked");

socklen_t
dns_sockaddr(const struct in6_addr *addr, union dns_addr *to)
{
	memset(to, 0, sizeof(*to));
	if (IN6_IS_ADDR_V4MAPPED(addr)) {
		to->sin.sin_family = AF_INET;
		memcpy(&to->sin.sin_addr, &addr->s6_addr[12], 4);
		return sizeof(to->sin);
	}
	to->sin6.sin6_family = AF_INET6;
	to->sin6.sin6_addr = *addr;
	return sizeof(to->sin6);
}

/* ---- what waits ---- */

static unsigned int
owner_bucket(const struct np_session *s)
{
	return (unsigned int)((uintptr_t)s / 64 % DNS_OWNER_BUCKETS);
}

static struct dns_owner *
owner_find(struct dns_server *d, const struct np_session *s)
{
	struct dns_owner *o;

	LIST_FOREACH(o, &d->owners[owner_bucket(s)], bucket)
		if (o->session == s)
			return o;
	return NULL;
}

static struct dns_owner *
owner_get(struct dns_server *d, struct np_session *s)
{
	struct dns_owner *o = owner_find(d, s);

	if (o != NULL || (o = calloc(1, sizeof(*o))) == NULL)
		return o;
	o->session = np_session_hold(s);
	TAILQ_INIT(&o->pends);
	LIST_INSERT_HEAD(&d->owners[owner_bucket(s)], o, bucket);
	return o;
}

static void
owner_release(struct dns_owner *o)
{
	if (o->npends > 0)
		return;
	LIST_REMOVE(o, bucket);
	np_session_drop(o->session);
	free(o);
}

static struct dns_owner *
owner_of_most(struct dns_server *d)
{
	struct dns_owner *o, *most = NULL;
	unsigned int b;

	for (b = 0; b < DNS_OWNER_BUCKETS; b++)
		LIST_FOREACH(o, &d->owners[b], bucket)
			if (most == NULL || o->npends > most->npends)
				most = o;
	return most;
}

void
dns_pend_free(struct dns_pend *p)
{
	struct dns_owner *o = p->owner;

	dns_up_cancel(&p->wait);
	if (p->from.stream != NULL)
		dns_stream_unpend(p->from.stream, p);
	TAILQ_REMOVE(&o->pends, p, of_owner);
	o->npends--;
	p->server->stats.pending--;
	free(p);
	owner_release(o);
}

/* Send what has been made of it, and forget it. */
static void
pend_reply(struct dns_pend *p, size_t len)
{
	struct dns_stream *st = p->from.stream;
	struct dns_from from = p->from;
	struct dns_server *d = p->server;

	dns_pend_free(p);
	if (st != NULL)
		dns_stream_reply(st, d->reply, len);
	else
		dns_udp_reply(&from, d->reply, len);
}

static size_t
pend_size(const struct dns_pend *p)
{
	return p->from.stream != NULL ? DNS_REPLY_BYTES : p->q.udp_bytes;
}

static void
pend_fail(struct dns_pend *p, const char *why)
{
	p->server->stats.failed++;
	pend_reply(p,
	    dns_reply_error(p->server->reply, pend_size(p), &p->q, DNS_SERVFAIL,
		DNS_EDE_UNREACHABLE, why));
}

static const char crowded[] = "too many queries are waiting";

/* A query that a rule allowed is not answered all the same. */
static void
record_crowded(struct np_session *s, const char *text, uint16_t type)
{
	struct np_verdict v = { .decision = DEC_DENY,
		.rule = RULE_BUILTIN + BR_DNS_LIMIT,
		.name = builtin_rule_name[BR_DNS_LIMIT],
		.file = "" };

	strlcpy(v.message, crowded, sizeof(v.message));
	np_event_dns(s, text, type, &v);
}

/* One more, which is counted already, is too many: another goes. */
static void
make_room(struct dns_server *d)
{
	char text[DNS_TEXT_MAX];
	struct dns_owner *o;
	struct dns_pend *p;

	if (d->stats.pending <= DNS_PENDING || (o = owner_of_most(d)) == NULL ||
	    (p = TAILQ_FIRST(&o->pends)) == NULL)
		return;
	d->stats.evicted++;
	dns_name_text(&p->q.name, text);
	record_crowded(o->session, text, p->q.type);
	pend_fail(p, crowded);
}

static struct dns_pend *
pend_new(struct dns_server *d, struct np_session *s)
{
	struct dns_owner *o = owner_get(d, s);
	struct dns_pend *p;

	if (o == NULL)
		return NULL;
	o->npends++;
	d->stats.pending++;
	make_room(d);
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		o->npends--;
		d->stats.pending--;
		owner_release(o);
		return NULL;
	}
	p->server = d;
	p->owner = o;
	TAILQ_INSERT_TAIL(&o->pends, p, of_owner);
	return p;
}

/* ---- answers ---- */

static void
learn(struct np_session *s, const char *text, const struct dns_answer *a,
    uint32_t age_s)
{
	uint32_t ttl_s = a->ttl_s > age_s ? a->ttl_s - age_s : 0;
	union dns_addr addr;
	unsigned int i;

	for (i = 0; i < a->naddrs; i++) {
		dns_sockaddr(&a->addrs[i], &addr);
		np_learn(s, text, &addr.sa, ttl_s);
	}
}

static void
on_answer(struct dns_wait *w, const struct dns_answer *a)
{
	struct dns_pend *p = (struct dns_pend *)w;
	struct np_session *s = p->owner->session;
	struct dns_server *d = p->server;
	char text[DNS_TEXT_MAX];
	bool given;
	size_t n;

	if (!np_session_is_live(s)) {
		dns_pend_free(p);
		return;
	}
	if (a == NULL) {
		pend_fail(p, "no resolver of this machine answered");
		return;
	}
	n = dns_reply_answer(d->reply, pend_size(p), &p->q, a, 0, &given);
	if (given) {
		dns_name_text(&p->q.name, text);
		learn(s, text, a, 0);
	}
	pend_reply(p, n);
}

static void
on_store(void *arg, const struct dns_name *name, uint16_t type,
    const struct dns_answer *a)
{
	struct dns_server *d = arg;

	dns_cache_put(d->cache, name, type, a, dns_now_ms());
}

static size_t
fail(struct ask *k, const char *why)
{
	k->d->stats.failed++;
	return dns_reply_error(k->out, k->size, &k->q, DNS_SERVFAIL,
	    DNS_EDE_OTHER, why);
}

/* Keep it and ask. */
static size_t
forward(struct ask *k, const struct dns_name *name)
{
	struct dns_server *d = k->d;
	struct dns_pend *p = pend_new(d, k->s);

	if (p == NULL)
		return fail(k, NULL);
	p->from = *k->from;
	p->q = k->q;
	p->wait.done = on_answer;
	p->wait.who = k->s;
	if (p->from.stream != NULL)
		dns_stream_pend(p->from.stream, p);
	if (dns_up_ask(d->up, name, k->q.type, &p->wait) == -1) {
		dns_pend_free(p);
		return fail(k, "there is no resolver to ask");
	}
	d->stats.forwarded++;
	return 0;
}

static size_t
answer(struct ask *k)
{
	const struct dns_answer *a;
	struct dns_name name = k->q.name;
	uint32_t age_s;
	bool given;
	size_t n;

	dns_name_lower(&name);
	a = dns_cache_get(k->d->cache, &name, k->q.type, k->now_ms, &age_s);
	if (a == NULL)
		return forward(k, &name);
	k->d->stats.cached++;
	n = dns_reply_answer(k->out, k->size, &k->q, a, age_s, &given);
	if (given)
		learn(k->s, k->text, a, age_s);
	return n;
}

/* An address that no resolver is asked for. */
static size_t
answer_with(struct ask *k, const struct in6_addr *addr)
{
	union dns_addr to;
	bool given;
	size_t n;

	n = dns_reply_address(k->out, k->size, &k->q, addr, DNS_ANSWER_TTL_S,
	    &given);
	if (given) {
		dns_sockaddr(addr, &to);
		np_learn(k->s, k->text, &to.sa, DNS_ANSWER_TTL_S);
	}
	return n;
}

/* RFC 6761 6.3: of localhost no resolver is asked. */
static size_t
answer_localhost(struct ask *k)
{
	static const struct in6_addr v4 = {
		{ { [10] = 0xff, 0xff, 127, 0, 0, 1 } }
	};

	return answer_with(k, k->q.type == DNS_AAAA ? &in6addr_loopback : &v4);
}

/*
 * Its session has as much waiting as it may have, and this would wait too.
 */
static bool
is_crowded(const struct ask *k)
{
	struct dns_server *d = k->d;
	const struct dns_owner *o;
	struct dns_name name;
	uint32_t age_s;

	if (d->stats.pending < DNS_PENDING_SESSION ||
	    (o = owner_find(d, k->s)) == NULL ||
	    o->npends < DNS_PENDING_SESSION || dns_name_localhost(&k->q.name))
		return false;
	name = k->q.name;
	dns_name_lower(&name);
	return dns_cache_get(d->cache, &name, k->q.type, k->now_ms, &age_s) ==
	    NULL;
}

static size_t
refuse_crowded(struct ask *k)
{
	k->d->stats.crowded++;
	record_crowded(k->s, k->text, k->q.type);
	return fail(k, crowded);
}

/* ---- judging ---- */

/* "denied by rule NAME (FILE:LINE): MESSAGE", what there is of it. */
static void
explain(const struct np_verdict *v, char *why, size_t size)
{
	char place[80] = "";

	if (v->line > 0)
		snprintf(place, sizeof(place), " (%.60s:%u)", v->file, v->line);
	snprintf(why, size, "denied by rule %.100s%s%s%.300s", v->name, place,
	    v->message[0] != '\0' ? ": " : "", v->message);
}

/* Refused by a rule, or by what holds under any policy. */
static size_t
deny(struct ask *k, const struct np_verdict *v, bool by_rule)
{
	char why[512] = "";

	if (by_rule)
		k->d->stats.denied++;
	else
		k->d->stats.refused++;
	if (k->q.edns)
		explain(v, why, sizeof(why));
	return dns_reply_error(k->out, k->size, &k->q,
	    by_rule ? DNS_NXDOMAIN : DNS_REFUSED,
	    by_rule ? DNS_EDE_BLOCKED : DNS_EDE_FILTERED, why);
}

static const char *
text_of(const struct in6_addr *addr, char text[INET6_ADDRSTRLEN])
{
	union dns_addr to;

	dns_sockaddr(addr, &to);
	if (to.sa.sa_family == AF_INET)
		return inet_ntop(AF_INET, &to.sin.sin_addr, text,
		    INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, addr, text, INET6_ADDRSTRLEN);
}

static size_t
redirect(struct ask *k, const struct in6_addr *to, const struct np_verdict *v)
{
	char text[INET6_ADDRSTRLEN];

	if (k->q.type == DNS_A || k->q.type == DNS_AAAA)
		np_event_redirect(k->s, true, k->text, text_of(to, text), v);
	return answer_with(k, to);
}

/* A name that is no host's, another class: no rule can have meant it. */
static size_t
unjudgeable(struct ask *k)
{
	struct np_verdict v = { .decision = DEC_DENY,
		.rule = RULE_BUILTIN + BR_UNJUDGEABLE,
		.name = builtin_rule_name[BR_UNJUDGEABLE],
		.file = "" };

	np_event_dns(k->s, k->text, k->q.type, &v);
	return deny(k, &v, false);
}

/* Whether a rule said no: what the house itself refuses is not NXDOMAIN. */
static bool
is_by_rule(const struct ask *k, const struct np_verdict *v)
{
	return k->q.type != DNS_PTR &&
	    (v->rule < RULE_BUILTIN ||
		v->rule == RULE_BUILTIN + BR_DEFAULT_DENY_NETWORK);
}

static size_t
judge(struct ask *k)
{
	struct np_verdict v;
	struct in6_addr to;
	size_t i;

	for (i = 0; i < TYPES && type_tab[i].type != k->q.type; i++)
		;
	if (i < TYPES && type_tab[i].redirect &&
	    np_redirect_dns(k->s, k->text, &to, &v))
		return redirect(k, &to, &v);
	if (!np_judge_dns(k->s, k->text, k->q.type, &v)) {
		np_event_dns(k->s, k->text, k->q.type, &v);
		return deny(k, &v, i < TYPES && is_by_rule(k, &v));
	}
	if (i == TYPES)
		return unjudgeable(k);
	if (is_crowded(k))
		return refuse_crowded(k);
	np_event_dns(k->s, k->text, k->q.type, &v);
	if (dns_name_localhost(&k->q.name))
		return answer_localhost(k);
	return answer(k);
}

size_t
dns_serve(struct dns_server *d, struct np_session *s,
    const struct dns_from *from, uint64_t now_ms, const uint8_t *bytes,
    size_t len, uint8_t *out, size_t size)
{
	struct ask k;
	int r;

	d->stats.queries++;
	r = dns_query_parse(&k.q, bytes, len);
	if (r != 0)
		d->stats.malformed++;
	if (r == DNS_DROP)
		return 0;
	if (from->stream == NULL && size > k.q.udp_bytes)
		size = k.q.udp_bytes;
	if (r != 0)
		return dns_reply_error(out, size, &k.q, (unsigned int)r,
		    DNS_EDE_NONE, NULL);
	k.d = d;
	k.s = s;
	k.from = from;
	k.now_ms = now_ms;
	k.out = out;
	k.size = size;
	dns_name_text(&k.q.name, k.text);
	if (!np_event_room(s))
		return fail(&k, "the audit trail has no room");
	if (!k.q.plain || k.q.class != DNS_CLASS_IN)
		return unjudgeable(&k);
	return judge(&k);
}

/* ---- life ---- */

struct dns_server *
dns_server_new(struct np *np)
{
	struct dns_server *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->np = np;
	d->base = np_base(np);
	d->cache = dns_cache_new(DNS_CACHE_BYTES);
	d->up = dns_up_new(d->base, on_store, d);
	if (d->cache == NULL || d->up == NULL) {
		dns_server_free(d);
		return NULL;
	}
	return d;
}

void
dns_server_free(struct dns_server *d)
{
	struct dns_owner *o;
	struct dns_pend *p, *next;
	unsigned int b;

	if (d == NULL)
		return;
	dns_stream_free_all(d);
	dns_lookup_free_all(d);
	for (b = 0; b < DNS_OWNER_BUCKETS; b++)
		while ((o = LIST_FIRST(&d->owners[b])) != NULL) {
			/* the owner goes with the last */
			for (p = TAILQ_FIRST(&o->pends); p != NULL; p = next) {
				next = TAILQ_NEXT(p, of_owner);
				dns_pend_free(p);
			}
		}
	dns_udp_free_all(d);
	dns_up_free(d->up);
	dns_cache_free(d->cache);
	free(d);
}

void
dns_server_configure(struct dns_server *d, const struct dns_conf *conf)
{
	dns_cache_flush(d->cache);
	dns_up_configure(d->up, conf);
}

void
dns_server_upstreams(struct dns_server *d, const struct sockaddr_storage *ss,
    unsigned int n)
{
	struct dns_conf conf;
	unsigned int i;

	dns_conf_init(&conf);
	for (i = 0; i < n && i < DNS_SERVERS_MAX; i++)
		conf.server[conf.nservers++] = ss[i];
	dns_server_configure(d, &conf);
}

void
dns_server_stats(const struct dns_server *d, struct dns_server_stats *s)
{
	*s = d->stats;
}
