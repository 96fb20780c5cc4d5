/*
 * What a session may ask and reach, by its image, its facts and the feeds.
 * Allocates nothing, never blocks.  Trusts a checked image; names, addresses and
 * types are strangers'.
 *
 * An address that has several names is judged under each, and the rule that
 * stands first in the policy decides: that is what the policy would say if each
 * of its rules looked at all the names at once.
 */

#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "netproxy/dns_msg.h"
#include "netproxy/process.h"

#define DNS_PORT 53

/* DNS query types, RFC 1035, 3596, 9460. */
#define QT_A	 1
#define QT_CNAME 5
#define QT_PTR	 12
#define QT_AAAA	 28
#define QT_SVCB	 64
#define QT_HTTPS 65

int
judge_sockaddr(const struct sockaddr *sa, struct in6_addr *addr,
    uint16_t *port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(addr, 0, sizeof(*addr));
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		addr->s6_addr[10] = addr->s6_addr[11] = 0xff;
		memcpy(&addr->s6_addr[12], &in.sin_addr, 4);
		*port = ntohs(in.sin_port);
		return 0;
	}
	if (sa->sa_family != AF_INET6)
		return -1;
	memcpy(&in6, sa, sizeof(in6));
	*addr = in6.sin6_addr;
	*port = ntohs(in6.sin6_port);
	return 0;
}

/* ---- what a verdict says ---- */

static void
describe(struct np_session *s, struct np_verdict *v, const char *domain,
    const char *remote, uint16_t port)
{
	struct image_msgvars vars = { .operation = "connect",
		.domain = domain, .remote_addr = remote };
	struct image_rule r;
	char num[8];

	image_rule_get(&s->im, v->rule, &r);
	v->name = r.name;
	v->file = r.file;
	v->line = r.line;
	v->message[0] = '\0';
	if (r.message[0] == '\0')
		return;
	vars.rule = r.name;
	if (port != 0) {
		snprintf(num, sizeof(num), "%u", port);
		vars.port = num;
	} else {
		vars.operation = "dns";
	}
	image_message(r.message, &vars, v->message, sizeof(v->message));
}

/* Decisions that nobody can take yet are refusals, and say so. */
static int
settle(struct np_session *s, struct np_verdict *v, const struct verdict *iv,
    const char *domain, const char *remote, uint16_t port)
{
	const struct image_settings *set = image_settings(&s->im);

	v->decision = (enum decision)iv->decision;
	v->allowed = iv->allowed != 0;
	v->always = iv->always != 0;
	v->rule = iv->rule;
	describe(s, v, domain, remote, port);
	if (v->decision == DEC_REDIRECT ||
	    (v->decision == DEC_APPROVE && set->approvals_enabled))
		v->allowed = false;
	return v->allowed;
}

static int
refuse(struct np_session *s, struct np_verdict *v, enum builtin_rule rule,
    const char *why)
{
	struct image_rule r;

	memset(v, 0, sizeof(*v));
	v->decision = DEC_DENY;
	v->always = true;
	v->rule = RULE_BUILTIN | (uint32_t)rule;
	image_rule_get(&s->im, v->rule, &r);
	v->name = r.name;
	v->file = r.file;
	snprintf(v->message, sizeof(v->message), "%s", why);
	return 0;
}

/* A feed's word counts before the policy's.  -1: no feed knows the name. */
static int
ask_feeds(struct np_session *s, const char *name, struct np_verdict *v)
{
	struct feed_verdict f;

	if (!feeds_match(s->np->feeds, name, strlen(name), &f))
		return -1;
	memset(v, 0, sizeof(*v));
	v->decision = f.deny ? DEC_DENY : DEC_AUDIT;
	v->allowed = !f.deny;
	v->always = true;
	v->rule = RULE_BUILTIN | BR_DEFAULT_DENY_NETWORK;
	memcpy(s->feed_rule, f.rule, sizeof(f.rule));
	v->name = s->feed_rule;
	v->file = "";
	return v->allowed;
}

/* ---- query types ---- */

static bool
any(const struct in6_addr *addr, const struct facts_name *n, void *arg)
{
	return false;
}

/* One spelling of each address: any other would say something to the zone's owner. */
static bool
is_given_out(struct np_session *s, const char *name)
{
	struct dns_name n;
	struct in6_addr a;

	return dns_name_from_text(&n, name, strlen(name)) == 0 &&
	    dns_name_reverse(&n, &a) &&
	    facts_names(&s->facts, &a, facts_now_ns(), any, NULL) > 0;
}

int
np_judge_dns(struct np_session *s, const char *name, uint16_t qtype,
    struct np_verdict *v)
{
	struct verdict iv;
	const char *why;

	if (!s->live)
		return refuse(s, v, BR_SESSION, "the session has ended");
	switch (qtype) {
	case QT_A:
	case QT_AAAA:
	case QT_CNAME:
	case QT_SVCB:
	case QT_HTTPS:
		break;
	case QT_PTR:
		if (!is_given_out(s, name))
			return refuse(s, v, BR_DNS_TYPE,
			    "PTR of an address that no answer gave");
		memset(&iv, 0, sizeof(iv));
		iv.decision = DEC_ALLOW;
		iv.allowed = 1;
		iv.rule = RULE_BUILTIN | BR_DNS_TYPE;
		return settle(s, v, &iv, name, NULL, 0);
	default:
		return refuse(s, v, BR_DNS_TYPE, "query type not passed on");
	}
	if (ask_feeds(s, name, v) == 0)
		return 0;
	image_dns(&s->im, name, strlen(name), &iv);
	if (!settle(s, v, &iv, name, NULL, 0))
		return 0;
	why = dns_limit_check(&s->limit, name, strlen(name),
	    facts_now_ns() / 1000000u);
	if (why != NULL)
		return refuse(s, v, BR_DNS_LIMIT, why);
	(void)ask_feeds(s, name, v); /* action audit: its rule is recorded */
	return 1;
}

/* ---- connections ---- */

struct under {
	struct np_session *s;
	const struct in6_addr *addr;
	uint16_t port;
	struct verdict v;
	bool has;
};

static bool
under_name(const struct in6_addr *addr, const struct facts_name *n, void *arg)
{
	struct under *u = arg;
	struct verdict v;

	image_net(&u->s->im, NOP_CONNECT, n->name, n->len, u->addr, u->port,
	    &v);
	if (!u->has || v.rule < u->v.rule)
		u->v = v;
	u->has = true;
	return true;
}

void
judge_address(struct np_session *s, const struct in6_addr *addr,
    uint16_t port, struct verdict *v)
{
	struct under u = { .s = s, .addr = addr, .port = port };

	if (facts_names(&s->facts, addr, facts_now_ns(), under_name, &u) > 0)
		*v = u.v;
	else
		image_net(&s->im, NOP_CONNECT, NULL, 0, addr, port, v);
}

int
np_judge_connect(struct np_session *s, const char *name,
    const struct sockaddr *sa, struct np_verdict *v)
{
	char remote[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	struct verdict iv;
	uint16_t port;
	int ok;

	if (!s->live)
		return refuse(s, v, BR_SESSION, "the session has ended");
	if (judge_sockaddr(sa, &addr, &port) == -1)
		return refuse(s, v, BR_UNJUDGEABLE, "not an internet address");
	/* Names are asked of us, by every road. */
	if (port == DNS_PORT)
		return refuse(s, v, BR_DNS_TYPE,
		    "a resolver is not reached through the proxy");
	if (name != NULL && ask_feeds(s, name, v) == 0)
		return 0;
	if (name != NULL)
		image_net(&s->im, NOP_CONNECT, name, strlen(name), &addr, port,
		    &iv);
	else
		judge_address(s, &addr, port, &iv);
	remote[0] = '\0';
	if (IN6_IS_ADDR_V4MAPPED(&addr))
		(void)inet_ntop(AF_INET, &addr.s6_addr[12], remote,
		    sizeof(remote));
	else
		(void)inet_ntop(AF_INET6, &addr, remote, sizeof(remote));
	ok = settle(s, v, &iv, name, remote, port);
	if (ok && name != NULL)
		(void)ask_feeds(s, name, v);
	return ok;
}

bool
np_is_private(struct np_session *s, const char *name,
    const struct sockaddr *sa)
{
	struct in6_addr addr;
	uint16_t port;

	return judge_sockaddr(sa, &addr, &port) == -1 ||
	    image_is_private(&s->im, name, strlen(name), &addr);
}

void
np_learn(struct np_session *s, const char *name, const struct sockaddr *sa,
    uint32_t ttl)
{
	struct in6_addr addr;
	uint16_t port;

	if (s->live && judge_sockaddr(sa, &addr, &port) == 0)
		facts_add(&s->facts, &addr, name, strlen(name),
		    facts_until_ns(ttl));
}

/* ---- redirects ---- */

bool
np_redirect_dns(struct np_session *s, const char *name, struct in6_addr *to,
    struct np_verdict *v)
{
	struct image_redirect r;
	struct verdict iv;

	if (!s->live ||
	    !image_redirect(&s->im, true, name, strlen(name), &r, &iv))
		return false;
	*to = r.addr;
	iv.allowed = 1;
	(void)settle(s, v, &iv, name, NULL, 0);
	v->allowed = true;
	v->always = !r.silent;
	return true;
}

bool
np_redirect_connect(struct np_session *s, const char *host, uint16_t port,
    struct np_redirect *r, struct np_verdict *v)
{
	char text[300];
	struct image_redirect ir;
	struct verdict iv;
	int n;

	n = snprintf(text, sizeof(text), "%s:%u", host, port);
	if (!s->live || n < 0 || (size_t)n >= sizeof(text) ||
	    !image_redirect(&s->im, false, text, (size_t)n, &ir, &iv) ||
	    strlcpy(r->host, ir.host, sizeof(r->host)) >= sizeof(r->host) ||
	    strlcpy(r->sni, ir.sni, sizeof(r->sni)) >= sizeof(r->sni))
		return false;
	r->port = ir.port;
	r->rewrite_sni = ir.rewrite_sni;
	r->silent = ir.silent;
	iv.allowed = 1;
	(void)settle(s, v, &iv, host, NULL, port);
	v->allowed = true;
	v->always = !r->silent;
	return true;
}
