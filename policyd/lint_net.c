/*
 * Lint of network rules.  Names fall into classes by the domains they match,
 * addresses by the smallest range they are in, ports into those listed and one
 * other.  One connection of each class, with a known name and without, and one
 * query of each class of names are put to the evaluator.
 */

#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "common/image_get.h"
#include "policyd/lint_int.h"

#define TAG_NAME      0u
#define TAG_ADDR      1u /* the text of an IPv4 address */
#define TAG_ADDR6     2u /* what may be that of an IPv6 address */
#define TAG_PATS      3u /* of the first domain pattern */

#define QUESTIONS_MAX 4000000u

struct range {
	struct in6_addr addr;
	unsigned int prefix;
};

struct addr_class {
	struct in6_addr addr; /* one of it */
};

struct nrow {
	const struct pnet_rule *r;
	uint32_t case_at, first_dom, dom_cases, cidr_cases, port_cases;
	uint8_t restricts;
	char *weak; /* what is let through, with an example */
};

struct net {
	struct lint *l;
	struct nrow *rows;
	uint32_t nrows;
	uint32_t ndoms;
	uint32_t *dom_row; /* of each pattern */
	struct dfabuild b;
	struct lint_cases cases;
	struct range *ranges;
	uint32_t nranges;
	struct addr_class *addrs;
	uint32_t naddrs;
	uint16_t *ports;
	uint32_t nports;
	uint8_t *outside; /* [ndoms][nrows] */
	uint8_t *addr_like; /* [ndoms]: also matches the text of an address */
	char name[LINT_TEXT_MAX];
};

/* One question. */
struct nask {
	uint32_t set; /* of names */
	const char *name; /* NULL: none is known */
	const struct in6_addr *addr; /* NULL: a query */
	uint16_t port;
};

/* ---- addresses ---- */

static int
in_range(const struct in6_addr *a, const struct in6_addr *base,
    unsigned int prefix)
{
	unsigned int bytes = prefix / 8, rest = prefix % 8;

	if (memcmp(a, base, bytes) != 0)
		return 0;
	return rest == 0 ||
	    ((a->s6_addr[bytes] ^ base->s6_addr[bytes]) & (0xff00u >> rest) &
		0xff) == 0;
}

/* The address after the last of the range; 0: there is none. */
static int
after_range(const struct range *r, struct in6_addr *out)
{
	unsigned int bit = r->prefix, i;

	*out = r->addr;
	while (bit-- > 0) {
		i = bit / 8;
		out->s6_addr[i] ^= (uint8_t)(0x80u >> (bit % 8));
		if (out->s6_addr[i] & (0x80u >> (bit % 8)))
			return 1; /* the carry ends here */
	}
	return 0;
}

/* An address of r that is in no smaller range. */
static int
find_free(const struct net *s, const struct range *r, struct in6_addr *out)
{
	const struct range *q;
	struct in6_addr a = r->addr;
	uint32_t i = 0;

	while (i < s->nranges) {
		q = &s->ranges[i++];
		if (q->prefix <= r->prefix ||
		    !in_range(&a, &q->addr, q->prefix))
			continue;
		if (!after_range(q, &a) || !in_range(&a, &r->addr, r->prefix))
			return 0;
		i = 0;
	}
	*out = a;
	return 1;
}

static void
add_range(struct net *s, const void *addr, unsigned int prefix)
{
	struct range *r = &s->ranges[s->nranges];
	uint32_t i;

	memset(r, 0, sizeof(*r));
	memcpy(&r->addr, addr, sizeof(r->addr));
	r->prefix = prefix;
	for (i = 0; i < s->nranges; i++) {
		if (s->ranges[i].prefix == prefix &&
		    memcmp(&s->ranges[i].addr, addr, 16) == 0)
			return;
	}
	s->nranges++;
}

static int
find_addrs(struct net *s)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t zero[16];
	const struct image_cidr *p;
	size_t n = 2, i;
	uint32_t k;

	for (i = 0; image_private(i) != NULL; i++)
		n++;
	for (i = 0; i < s->nrows; i++)
		n += s->rows[i].r->ncidrs;
	s->ranges = calloc(n + 1, sizeof(*s->ranges));
	s->addrs = calloc(n + 1, sizeof(*s->addrs));
	if (s->ranges == NULL || s->addrs == NULL)
		return -1;
	add_range(s, zero, 0);
	add_range(s, mapped, 96);
	for (i = 0; (p = image_private(i)) != NULL; i++)
		add_range(s, p->addr, p->prefix);
	for (i = 0; i < s->nrows; i++) {
		for (k = 0; k < s->rows[i].r->ncidrs; k++)
			add_range(s, &s->rows[i].r->cidrs[k].addr,
			    s->rows[i].r->cidrs[k].prefix);
	}
	for (k = 0; k < s->nranges; k++) {
		if (find_free(s, &s->ranges[k], &s->addrs[s->naddrs].addr))
			s->naddrs++;
	}
	return 0;
}

/* ---- ports ---- */

static int
has_port(const struct net *s, uint16_t port)
{
	uint32_t i;

	for (i = 0; i < s->nports; i++) {
		if (s->ports[i] == port)
			return 1;
	}
	return 0;
}

static int
find_ports(struct net *s)
{
	const struct pnet_rule *r;
	size_t n = 1, i, k;
	uint16_t other = 443;

	for (i = 0; i < s->nrows; i++)
		n += s->rows[i].r->nports;
	if ((s->ports = calloc(n, sizeof(*s->ports))) == NULL)
		return -1;
	for (i = 0; i < s->nrows; i++) {
		r = s->rows[i].r;
		for (k = 0; k < r->nports; k++) {
			if (!has_port(s, r->ports[k].port))
				s->ports[s->nports++] = r->ports[k].port;
		}
	}
	for (k = 0; k < 65535 && has_port(s, other); k++)
		other = (uint16_t)(other == 65535 ? 1 : other + 1);
	if (!has_port(s, other))
		s->ports[s->nports++] = other;
	return 0;
}

/* ---- domains and cases ---- */

static void
add_domains(struct net *s, struct nfa *nfa, uint32_t row)
{
	struct nrow *r = &s->rows[row];
	unsigned int i;

	r->first_dom = s->ndoms;
	r->dom_cases = s->cases.n;
	for (i = 0; i < r->r->domains.n; i++) {
		lint_case_add(s->l, &s->cases, &r->r->r, s->l->first_net + row,
		    "domain", &r->r->domains.v[i]);
		s->dom_row[s->ndoms++] = row;
		if (lint_glob(s->l, nfa, TAG_PATS + s->ndoms - 1, GLOB_DOMAIN,
			0, &r->r->domains.v[i]) == -1)
			s->l->failed = 1;
	}
}

static void
add_row(struct net *s, struct nfa *nfa, uint32_t row)
{
	struct nrow *r = &s->rows[row];
	uint32_t rule = s->l->first_net + row;
	struct lint_case *c;
	unsigned int i;

	r->case_at = s->cases.n;
	c = lint_case_add(s->l, &s->cases, &r->r->r, rule, NULL, NULL);
	if (c != NULL)
		c->why = "no name, address and port meet it";
	add_domains(s, nfa, row);
	r->cidr_cases = s->cases.n;
	for (i = 0; i < r->r->ncidrs; i++)
		lint_case_add(s->l, &s->cases, &r->r->r, rule, "cidr",
		    &r->r->cidrs[i].text);
	r->port_cases = s->cases.n;
	for (i = 0; i < r->r->nports; i++) {
		c = lint_case_add(s->l, &s->cases, &r->r->r, rule, "port",
		    NULL);
		if (c == NULL)
			return;
		c->line = r->r->ports[i].pos.line;
		snprintf(c->num, sizeof(c->num), "%u", r->r->ports[i].port);
	}
	if (r->r->r.decision == DEC_DENY && r->r->domains.n > 0 &&
	    r->r->ncidrs > 0)
		lint_say(s->l, r->r->r.name.s, r->r->r.pos.line, LK_EITHER,
		    "has domains and cidrs: as a deny it is met by either");
}

/* What the config lists as private answers divides names too. */
static void
add_exceptions(struct net *s, struct nfa *nfa)
{
	const struct plist *p;
	unsigned int i;
	struct pat_err e;

	if (s->l->conf == NULL)
		return;
	p = &s->l->conf->private_answers;
	for (i = 0; i < p->n; i++)
		(void)glob_add_str(nfa, TAG_PATS + s->ndoms + i, GLOB_DOMAIN, 0,
		    p->v[i].s, &e);
}

static int
build(struct net *s, struct nfa *nfa)
{
	static const char name[] =
	    "[a-z0-9_-]+(\\.[a-z0-9_-]+)*\\.[a-z_-][a-z0-9_-]*|"
	    "[a-z_-][a-z0-9_-]*";
	static const char addr[] =
	    "((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\\.|$)){4}";
	struct pat_err e;
	uint32_t i;

	if (regex_add_str(nfa, TAG_NAME, REGEX_WHOLE, name, &e) == -1 ||
	    regex_add_str(nfa, TAG_ADDR, REGEX_WHOLE, addr, &e) == -1 ||
	    regex_add_str(nfa, TAG_ADDR6, REGEX_WHOLE,
		"[0-9a-f:.]*:[0-9a-f:.]*", &e) == -1)
		s->l->failed = 1;
	for (i = 0; i < s->nrows && !s->l->failed; i++)
		add_row(s, nfa, i);
	add_exceptions(s, nfa);
	if (s->l->failed)
		return -1;
	if (dfabuild_run(&s->b, nfa, LINT_STATES_MAX) == 0 &&
	    (uint64_t)s->b.nsets * s->naddrs * s->nports < QUESTIONS_MAX)
		return 0;
	lint_say(s->l, "network_rules", s->rows[0].r->r.pos.line,
	    LK_NOT_ANALYSED,
	    "the rules are too many to be compared with each other");
	return -1;
}

/* ---- matching ---- */

static int
match_domain(const struct net *s, const struct nrow *r, uint32_t set)
{
	uint32_t i;

	for (i = 0; i < r->r->domains.n; i++) {
		if (dfabuild_has(&s->b, set, TAG_PATS + r->first_dom + i))
			return 1;
	}
	return 0;
}

static int
match_cidr(const struct nrow *r, const struct in6_addr *a)
{
	uint32_t i;

	for (i = 0; i < r->r->ncidrs; i++) {
		if (in_range(a, &r->r->cidrs[i].addr, r->r->cidrs[i].prefix))
			return 1;
	}
	return 0;
}

static int
match_port(const struct nrow *r, uint16_t port)
{
	uint32_t i;

	for (i = 0; i < r->r->nports; i++) {
		if (r->r->ports[i].port == port)
			return 1;
	}
	return r->r->nports == 0;
}

/*
 * Does the question meet what the rule writes?  That an allow by name passes
 * over private addresses is the evaluator's to say.
 */
static int
meets(const struct net *s, const struct nrow *r, const struct nask *q)
{
	int dom = match_domain(s, r, q->set), cidr;

	if (r->r->domains.n == 0 && r->r->registries.n > 0)
		return 0; /* of hosts that each session finds */
	if (q->addr == NULL)
		return dom &&
		    (r->r->ncidrs == 0 || r->r->r.decision == DEC_DENY);
	if (!match_port(r, q->port))
		return 0;
	cidr = match_cidr(r, q->addr);
	if (r->r->domains.n > 0 && r->r->ncidrs > 0 &&
	    r->r->r.decision == DEC_DENY)
		return dom || cidr;
	return (r->r->domains.n == 0 || dom) && (r->r->ncidrs == 0 || cidr);
}

/* ---- weakened ---- */

static int
domain_reaches_outside(const struct net *s, uint32_t by, uint32_t row,
    uint32_t set)
{
	const struct nrow *w = &s->rows[by];
	uint32_t i, dom;

	for (i = 0; i < w->r->domains.n; i++) {
		dom = w->first_dom + i;
		if (dfabuild_has(&s->b, set, TAG_PATS + dom) &&
		    s->outside[(size_t)dom * s->nrows + row])
			return 1;
	}
	return 0;
}

/* Is a range of w that holds a wider than every range of r around a? */
static int
cidr_reaches_outside(const struct nrow *w, const struct nrow *r,
    const struct in6_addr *a)
{
	unsigned int widest_w = 129, widest_r = 129;
	uint32_t i;

	for (i = 0; i < w->r->ncidrs; i++) {
		if (in_range(a, &w->r->cidrs[i].addr, w->r->cidrs[i].prefix) &&
		    w->r->cidrs[i].prefix < widest_w)
			widest_w = w->r->cidrs[i].prefix;
	}
	for (i = 0; i < r->r->ncidrs; i++) {
		if (in_range(a, &r->r->cidrs[i].addr, r->r->cidrs[i].prefix) &&
		    r->r->cidrs[i].prefix < widest_r)
			widest_r = r->r->cidrs[i].prefix;
	}
	return widest_w < widest_r;
}

/*
 * An allow that is narrower than the refusal, in what both constrain, is an
 * exception that somebody meant; one by name before a refusal by address
 * says nothing of it.
 */
static int
is_weakened(const struct net *s, uint32_t row, uint32_t by,
    const struct nask *q)
{
	const struct nrow *r = &s->rows[row], *w = &s->rows[by];
	int plain = w->r->domains.n == 0 && w->r->ncidrs == 0;

	if (r->r->domains.n > 0 && q->name != NULL &&
	    match_domain(s, r, q->set))
		return w->r->domains.n > 0 ?
		    domain_reaches_outside(s, by, row, q->set) :
		    plain;
	if (r->r->ncidrs > 0 && q->addr != NULL && match_cidr(r, q->addr))
		return w->r->ncidrs > 0 ? cidr_reaches_outside(w, r, q->addr) :
					  plain;
	return 0;
}

static void
ask_text(const struct nask *q, char *buf, size_t size)
{
	char addr[INET6_ADDRSTRLEN] = "";

	if (q->addr == NULL) {
		snprintf(buf, size, "query %s", q->name);
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(q->addr))
		inet_ntop(AF_INET, &q->addr->s6_addr[12], addr, sizeof(addr));
	else
		inet_ntop(AF_INET6, q->addr, addr, sizeof(addr));
	snprintf(buf, size, "connect %s %s %u", q->name != NULL ? q->name : "-",
	    addr, q->port);
}

static void
note_weak(struct net *s, uint32_t row, uint32_t by, const struct nask *q)
{
	struct nrow *r = &s->rows[row];
	char text[512], name[256];

	if (r->weak != NULL)
		return;
	ask_text(q, text, sizeof(text));
	lint_rule_text(s->l, s->l->first_net + by, name, sizeof(name));
	if (asprintf(&r->weak, "%s lets through part of what it would %s: %s",
		name, decision_name[r->r->r.decision], text) == -1) {
		r->weak = NULL;
		s->l->failed = 1;
	}
}

/* What never decides is said to be unreachable and no more. */
static void
say_weak(struct net *s)
{
	const struct nrow *r;

	for (r = s->rows; r < s->rows + s->nrows; r++) {
		if (r->weak != NULL && s->cases.v[r->case_at].decides)
			lint_say(s->l, r->r->r.name.s, r->r->r.pos.line,
			    LK_WEAKENED, "%s", r->weak);
	}
}

/* ---- asking ---- */

static void
see_entries(struct net *s, const struct nrow *r, const struct nask *q,
    uint32_t winner)
{
	uint32_t i;

	for (i = 0; i < r->r->domains.n; i++) {
		if (dfabuild_has(&s->b, q->set, TAG_PATS + r->first_dom + i))
			lint_see(s->l, &s->cases.v[r->dom_cases + i], winner,
			    1);
	}
	for (i = 0; q->addr != NULL && i < r->r->ncidrs; i++) {
		if (in_range(q->addr, &r->r->cidrs[i].addr,
			r->r->cidrs[i].prefix))
			lint_see(s->l, &s->cases.v[r->cidr_cases + i], winner,
			    1);
	}
	for (i = 0; q->addr != NULL && i < r->r->nports; i++) {
		if (r->r->ports[i].port == q->port)
			lint_see(s->l, &s->cases.v[r->port_cases + i], winner,
			    1);
	}
}

/* No address is one to bind to; to connect to it is to connect to the loopback. */
static enum net_op
op_for(const struct in6_addr *a)
{
	static const uint8_t zero4[4];

	return IN6_IS_ADDR_UNSPECIFIED(a) || (IN6_IS_ADDR_V4MAPPED(a) &&
	    memcmp(a->s6_addr + 12, zero4, sizeof(zero4)) == 0) ?
	    NOP_BIND : NOP_CONNECT;
}

static void
ask(struct net *s, const struct nask *q)
{
	struct nrow *r;
	struct verdict v;
	uint32_t i, by;
	size_t len = q->name != NULL ? strlen(q->name) : 0;

	if (q->addr == NULL)
		image_dns(&s->l->im, q->name, len, &v);
	else
		image_net(&s->l->im, op_for(q->addr), q->name, len, q->addr,
		    q->port, &v);
	by = v.rule - s->l->first_net;
	for (i = 0; i < s->nrows; i++) {
		r = &s->rows[i];
		if (by > i && v.rule < RULE_BUILTIN)
			continue; /* i was passed over, or does not meet it */
		if (v.rule >= RULE_BUILTIN || !meets(s, r, q))
			continue;
		lint_see(s->l, &s->cases.v[r->case_at], v.rule, 1);
		see_entries(s, r, q, v.rule);
		if (by < i && r->restricts &&
		    lint_opens(s->rows[by].r->r.decision) &&
		    is_weakened(s, i, by, q))
			note_weak(s, i, by, q);
	}
}

static void
ask_addresses(struct net *s, uint32_t set, const char *name)
{
	struct nask q = { .set = set, .name = name };
	uint32_t i, k;

	for (i = 0; i < s->naddrs; i++) {
		for (k = 0; k < s->nports; k++) {
			q.addr = &s->addrs[i].addr;
			q.port = s->ports[k];
			ask(s, &q);
		}
	}
}

/* The set that the text of addr is in. */
static uint32_t
set_of_addr(const struct net *s, const struct in6_addr *addr)
{
	char buf[INET6_ADDRSTRLEN] = "";

	if (IN6_IS_ADDR_V4MAPPED(addr))
		inet_ntop(AF_INET, &addr->s6_addr[12], buf, sizeof(buf));
	else
		inet_ntop(AF_INET6, addr, buf, sizeof(buf));
	return dfa_run(s->b.dfa, buf, strlen(buf));
}

/* One address on its own, without a name. */
static void
ask_nameless(struct net *s, const struct in6_addr *addr)
{
	struct nask q = { .set = set_of_addr(s, addr), .addr = addr };
	uint32_t k;

	for (k = 0; k < s->nports; k++) {
		q.port = s->ports[k];
		ask(s, &q);
	}
}

static void
ask_set(struct net *s, uint32_t set)
{
	struct nask q = { .set = set, .name = s->name };
	struct in6_addr a;
	ssize_t len;

	if (dfabuild_has(&s->b, set, TAG_NAME)) {
		len = dfabuild_witness(&s->b, set, s->name, sizeof(s->name));
		if (len <= 0)
			return;
		ask(s, &q);
		ask_addresses(s, set, s->name);
	} else if (dfabuild_has(&s->b, set, TAG_ADDR)) {
		memset(&a, 0, sizeof(a));
		a.s6_addr[10] = a.s6_addr[11] = 0xff;
		len = dfabuild_witness(&s->b, set, s->name, sizeof(s->name));
		if (len > 0 && inet_pton(AF_INET, s->name, &a.s6_addr[12]) == 1)
			ask_nameless(s, &a);
	}
}

/*
 * Which domain patterns reach outside which rules, and which match the text of
 * an address: the addresses were not all tried, so such a rule is not accused.
 */
static void
note_sets(struct net *s)
{
	uint32_t set, dom, row;

	for (set = 0; set < s->b.nsets; set++) {
		for (dom = 0; dom < s->ndoms; dom++) {
			if (!dfabuild_has(&s->b, set, TAG_PATS + dom))
				continue;
			if (dfabuild_has(&s->b, set, TAG_ADDR) ||
			    dfabuild_has(&s->b, set, TAG_ADDR6))
				s->addr_like[dom] = 1;
			if (!dfabuild_has(&s->b, set, TAG_NAME))
				continue;
			for (row = 0; row < s->nrows; row++) {
				if (!match_domain(s, &s->rows[row], set))
					s->outside[(size_t)dom * s->nrows +
					    row] = 1;
			}
		}
	}
}

/* A pattern that is of addresses' text only in part: `10.*`, not `*`. */
static void
spare_address_texts(struct net *s)
{
	const struct nrow *r;
	const char *p;
	uint32_t i, k;

	for (i = 0; i < s->nrows; i++) {
		r = &s->rows[i];
		for (k = 0; k < r->r->domains.n; k++) {
			p = r->r->domains.v[k].s;
			if (!s->addr_like[r->first_dom + k] ||
			    p[strspn(p, "*")] == '\0')
				continue;
			s->cases.v[r->case_at].possible = 1;
			s->cases.v[r->case_at].decides = 1;
			s->cases.v[r->dom_cases + k].possible = 1;
			s->cases.v[r->dom_cases + k].decides = 1;
		}
	}
}

/* Which hosts registries stand for is known when a session is made. */
static void
spare_registries(struct net *s)
{
	uint32_t i, k, end;

	for (i = 0; i < s->nrows; i++) {
		if (s->rows[i].r->registries.n == 0)
			continue;
		end = i + 1 < s->nrows ? s->rows[i + 1].case_at : s->cases.n;
		for (k = s->rows[i].case_at; k < end; k++)
			s->cases.v[k].possible = s->cases.v[k].decides = 1;
	}
}

static void
ask_all(struct net *s)
{
	uint32_t i;

	note_sets(s);
	for (i = 0; i < s->b.nsets && !s->l->failed; i++)
		ask_set(s, i);
	for (i = 0; i < s->naddrs && !s->l->failed; i++)
		ask_nameless(s, &s->addrs[i].addr);
	spare_address_texts(s);
	spare_registries(s);
}

/* ---- names ---- */

/* Nothing but the machine itself, where no name is needed? */
static int
is_loopback_only(const struct pnet_rule *r)
{
	static const struct in6_addr v4 = {
		{ { [10] = 0xff, 0xff, 127, 0, 0, 0 } }
	};
	const struct pcidr *c;
	unsigned int i;

	for (i = 0; i < r->ncidrs; i++) {
		c = &r->cidrs[i];
		if ((c->prefix < 104 || !in_range(&c->addr, &v4, 104)) &&
		    (c->prefix < 128 ||
			!in_range(&c->addr, &in6addr_loopback, 128)))
			return 0;
	}
	return r->ncidrs > 0;
}

/*
 * A query is judged by rules of names alone: who lets addresses in and forgets
 * that gets no answer to any name.
 */
static void
say_nameless(struct lint *l)
{
	const struct pnet_rule *r, *first = NULL;
	unsigned int i;

	for (i = 0; i < l->pol->nnetwork_rules; i++) {
		r = &l->pol->network_rules[i];
		if (!lint_opens(r->r.decision))
			continue;
		if ((r->domains.n > 0 || r->registries.n > 0) && r->ncidrs == 0)
			return;
		if (first == NULL && !is_loopback_only(r))
			first = r;
	}
	if (first != NULL)
		lint_say(l, first->r.name.s, first->r.pos.line, LK_DOUBTFUL,
		    "no rule allows a name (domains without cidrs), so that "
		    "every DNS query is denied");
}

/* ---- entry ---- */

static int
net_init(struct net *s)
{
	size_t doms = 0;
	uint32_t i;

	s->rows = calloc(s->nrows + 1u, sizeof(*s->rows));
	if (s->rows == NULL)
		return -1;
	for (i = 0; i < s->nrows; i++) {
		s->rows[i].r = &s->l->pol->network_rules[i];
		doms += s->rows[i].r->domains.n;
		s->rows[i].restricts = s->rows[i].r->r.decision == DEC_DENY ||
		    s->rows[i].r->r.decision == DEC_APPROVE;
	}
	s->dom_row = calloc(doms + 1, sizeof(*s->dom_row));
	s->addr_like = calloc(doms + 1, 1);
	s->outside = calloc(doms * s->nrows + 1, 1);
	return s->dom_row == NULL || s->addr_like == NULL ||
		s->outside == NULL || find_addrs(s) == -1 ||
		find_ports(s) == -1 ?
	    -1 :
	    0;
}

static void
net_clear(struct net *s)
{
	uint32_t i;

	for (i = 0; s->rows != NULL && i < s->nrows; i++)
		free(s->rows[i].weak);
	free(s->rows);
	free(s->dom_row);
	free(s->addr_like);
	free(s->outside);
	free(s->ranges);
	free(s->addrs);
	free(s->ports);
	lint_cases_clear(&s->cases);
	dfabuild_clear(&s->b);
	free(s);
}

void
lint_net(struct lint *l)
{
	struct net *s = calloc(1, sizeof(*s));
	struct nfa *nfa = nfa_new();

	if (s == NULL || nfa == NULL) {
		l->failed = 1;
		nfa_free(nfa);
		free(s);
		return;
	}
	s->l = l;
	s->nrows = l->pol->nnetwork_rules;
	if (l->failed || s->nrows == 0)
		goto out;
	if (net_init(s) == -1) {
		l->failed = 1;
		goto out;
	}
	say_nameless(l);
	if (build(s, nfa) == 0) {
		ask_all(s);
		say_weak(s);
		lint_report(l, &s->cases);
	}
out:
	nfa_free(nfa);
	net_clear(s);
}
