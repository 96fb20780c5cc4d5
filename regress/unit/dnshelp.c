/*
 * Messages by hand, and a house of eight sessions; see dnshelp.h.
 */

#include "dnshelp.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netproxy/netproxy.h"

void
pkt_raw(struct pkt *p, const void *bytes, size_t len)
{
	if (len > sizeof(p->b) - p->len)
		abort();
	memcpy(p->b + p->len, bytes, len);
	p->len += len;
}

void
pkt16(struct pkt *p, unsigned int v)
{
	uint8_t b[2];

	dns_put16(b, v);
	pkt_raw(p, b, 2);
}

void
pkt32(struct pkt *p, uint32_t v)
{
	uint8_t b[4];

	dns_put32(b, v);
	pkt_raw(p, b, 4);
}

void
pkt_head(struct pkt *p, unsigned int id, unsigned int flags, unsigned int qd,
    unsigned int an, unsigned int ns, unsigned int ar)
{
	p->len = 0;
	pkt16(p, id);
	pkt16(p, flags);
	pkt16(p, qd);
	pkt16(p, an);
	pkt16(p, ns);
	pkt16(p, ar);
}

void
pkt_name(struct pkt *p, const char *name)
{
	size_t n;
	uint8_t len;

	for (; *name != '\0'; name += n + (name[n] == '.')) {
		n = strcspn(name, ".");
		len = (uint8_t)n;
		pkt_raw(p, &len, 1);
		pkt_raw(p, name, n);
	}
	pkt_raw(p, "", 1);
}

void
pkt_question(struct pkt *p, const char *name, unsigned int type)
{
	pkt_name(p, name);
	pkt16(p, type);
	pkt16(p, DNS_CLASS_IN);
}

void
pkt_opt(struct pkt *p, unsigned int udp_bytes)
{
	pkt_raw(p, "", 1);
	pkt16(p, DNS_OPT);
	pkt16(p, udp_bytes);
	pkt32(p, 0);
	pkt16(p, 0);
}

void
pkt_rr(struct pkt *p, const char *owner, unsigned int type, uint32_t ttl,
    const void *data, size_t len)
{
	pkt_question(p, owner, type);
	pkt32(p, ttl);
	pkt16(p, (unsigned int)len);
	pkt_raw(p, data, len);
}

void
pkt_rr_name(struct pkt *p, const char *owner, unsigned int type, uint32_t ttl,
    const char *data)
{
	struct pkt *n = calloc(1, sizeof(*n));

	pkt_name(n, data);
	pkt_rr(p, owner, type, ttl, n->b, n->len);
	free(n);
}

void
pkt_rr_a(struct pkt *p, const char *owner, uint32_t ttl, const char *addr)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, addr, b) == 1)
		pkt_rr(p, owner, DNS_A, ttl, b, 4);
	else if (inet_pton(AF_INET6, addr, b) == 1)
		pkt_rr(p, owner, DNS_AAAA, ttl, b, 16);
	else
		abort();
}

void
pkt_soa(struct pkt *p, const char *owner, uint32_t ttl, uint32_t minimum)
{
	struct pkt *n = calloc(1, sizeof(*n));

	pkt_name(n, "ns.test");
	pkt_name(n, "root.test");
	pkt32(n, 1);
	pkt32(n, 2);
	pkt32(n, 3);
	pkt32(n, 4);
	pkt32(n, minimum);
	pkt_rr(p, owner, DNS_SOA, ttl, n->b, n->len);
	free(n);
}

void
pkt_query(struct pkt *p, unsigned int id, const char *name, unsigned int type)
{
	pkt_head(p, id, 0x0100, 1, 0, 0, 1);
	pkt_question(p, name, type);
	pkt_opt(p, 1232);
}

/* ---- the house ---- */

struct np_session {
	struct np *np;
	unsigned int held;
	bool ended;
	unsigned int nclients;
	LIST_HEAD(, np_client) clients;
	char *log;
	size_t log_len;
};

struct np {
	struct event_base *base;
	struct np_session session[HOUSE_SESSIONS];
	int audit_full;
	unsigned int clients_max;
};

struct np *
house_new(struct event_base *base)
{
	struct np *np = calloc(1, sizeof(*np));
	unsigned int i;

	np->base = base;
	np->clients_max = 16;
	for (i = 0; i < HOUSE_SESSIONS; i++)
		np->session[i].np = np;
	house_log_clear(np);
	return np;
}

void
house_free(struct np *np)
{
	unsigned int i;

	for (i = 0; i < HOUSE_SESSIONS; i++)
		free(np->session[i].log);
	free(np);
}

struct np_session *
house_session(struct np *np, unsigned int n)
{
	return &np->session[n - 1];
}

void
house_end(struct np *np, unsigned int n)
{
	struct np_session *s = house_session(np, n);
	struct np_client *c;

	s->ended = true;
	while ((c = LIST_FIRST(&s->clients)) != NULL)
		c->end(c);
}

void
house_audit_full(struct np *np, int full)
{
	np->audit_full = full;
}

void
house_clients_max(struct np *np, unsigned int max)
{
	np->clients_max = max;
}

const char *
house_log(struct np *np, unsigned int n)
{
	return house_session(np, n)->log;
}

void
house_log_clear(struct np *np)
{
	unsigned int i;

	for (i = 0; i < HOUSE_SESSIONS; i++) {
		free(np->session[i].log);
		np->session[i].log = calloc(1, 1);
		np->session[i].log_len = 0;
	}
}

unsigned int
house_held(const struct np *np)
{
	unsigned int i, n = 0;

	for (i = 0; i < HOUSE_SESSIONS; i++)
		n += np->session[i].held;
	return n;
}

static void __attribute__((format(printf, 2, 3)))
tell(struct np_session *s, const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	n = strlen(line);
	s->log = realloc(s->log, s->log_len + n + 1);
	if (s->log == NULL)
		abort();
	memcpy(s->log + s->log_len, line, n + 1);
	s->log_len += n;
}

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
	uint32_t n;

	if (sa->sa_family != AF_INET)
		return NULL;
	n = ntohl(sin->sin_addr.s_addr) - 0x7f000000u;
	return n >= 1 && n <= HOUSE_SESSIONS ? &np->session[n - 1] : NULL;
}

struct np_session *
np_session_hold(struct np_session *s)
{
	s->held++;
	return s;
}

void
np_session_drop(struct np_session *s)
{
	if (s->held-- == 0)
		abort();
}

bool
np_session_is_live(const struct np_session *s)
{
	return !s->ended;
}

int
np_client_add(struct np_session *s, struct np_client *c)
{
	if (s->ended || s->nclients >= s->np->clients_max)
		return -1;
	s->nclients++;
	c->session = np_session_hold(s);
	LIST_INSERT_HEAD(&s->clients, c, entry);
	return 0;
}

void
np_client_del(struct np_client *c)
{
	c->session->nclients--;
	LIST_REMOVE(c, entry);
	np_session_drop(c->session);
}

static void
verdict(struct np_verdict *v, bool allowed, const char *name, uint32_t rule,
    unsigned int line)
{
	memset(v, 0, sizeof(*v));
	v->allowed = allowed;
	v->decision = allowed ? DEC_ALLOW : DEC_DENY;
	v->name = name;
	v->rule = rule;
	v->file = line > 0 ? "test.yaml" : "";
	v->line = line;
}

static bool
ends_in(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && strcmp(s + n - t, tail) == 0;
}

int
np_judge_dns(struct np_session *s, const char *name, uint16_t qtype,
    struct np_verdict *v)
{
	static const uint16_t types[] = { DNS_A, DNS_AAAA, DNS_CNAME, DNS_PTR,
		DNS_SVCB, DNS_HTTPS };
	size_t i;

	if (s->ended) {
		verdict(v, false, "builtin-session", RULE_BUILTIN + BR_SESSION,
		    0);
		return 0;
	}
	for (i = 0; i < 6 && types[i] != qtype; i++)
		;
	if (i == 6 || (qtype == DNS_PTR && strncmp(name, "1.", 2) != 0)) {
		verdict(v, false, "builtin-dns", RULE_BUILTIN + BR_UNJUDGEABLE,
		    0);
	} else if (ends_in(name, ".denied.test")) {
		verdict(v, false, "block-denied", 1, 7);
		snprintf(v->message, sizeof(v->message), "never %s", name);
	} else {
		verdict(v, true, "allow-rest", 2, 9);
	}
	return v->allowed;
}

bool
np_redirect_dns(struct np_session *s, const char *name, struct in6_addr *to,
    struct np_verdict *v)
{
	verdict(v, true, "send-away", 3, 11);
	if (strcmp(name, "redirected.test") == 0)
		return inet_pton(AF_INET6, "::ffff:198.51.100.9", to) == 1;
	if (strcmp(name, "redirected6.test") == 0)
		return inet_pton(AF_INET6, "2001:db8::9", to) == 1;
	return false;
}

void
np_learn(struct np_session *s, const char *name, const struct sockaddr *sa,
    uint32_t ttl)
{
	const struct sockaddr_in *sin = (const void *)sa;
	const struct sockaddr_in6 *sin6 = (const void *)sa;
	char text[INET6_ADDRSTRLEN];

	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &sin->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &sin6->sin6_addr, text, sizeof(text));
	tell(s, "learn %s %s %u\n", name, text, ttl);
}

bool
np_event_room(struct np_session *s)
{
	return !s->np->audit_full;
}

void
np_event_dns(struct np_session *s, const char *name, uint16_t qtype,
    const struct np_verdict *v)
{
	tell(s, "dns %s %u %s %s\n", name, qtype, v->allowed ? "allow" : "deny",
	    v->name);
}

void
np_event_redirect(struct np_session *s, bool dns, const char *from,
    const char *to, const struct np_verdict *v)
{
	tell(s, "redirect %s %s %s\n", from, to, v->name);
}
