/*
 * Judging a connection, a bind and a DNS query by the network rules in order.
 * Runs in the tracer and netproxy; trusts the image (checked), nothing of
 * names, addresses and ports.  Must never ask a resolver.
 */

#include <arpa/inet.h>

#include <string.h>

#include "common/image_get.h"

struct asked {
	struct image_looks looks;
	const struct in6_addr *addr; /* NULL for a DNS query */
	uint16_t port;
	int is_private; /* and no exception of the config */
};

static int
in_cidr(const uint8_t *addr, const struct image_cidr *c)
{
	unsigned int bytes = c->prefix / 8, rest = c->prefix % 8;

	if (memcmp(addr, c->addr, bytes) != 0)
		return 0;
	return rest == 0 ||
	    ((addr[bytes] ^ c->addr[bytes]) & (0xff00u >> rest) & 0xff) == 0;
}

/*
 * The private ranges of SEMANTICS.md, Network, and ::, which Linux connects to
 * loopback like 0.0.0.0.
 */
#define V4(a, b, c, d) \
	{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }
static const struct image_cidr private_tab[] = {
	{ V4(0, 0, 0, 0), 96 + 8, { 0 } },
	{ V4(10, 0, 0, 0), 96 + 8, { 0 } },
	{ V4(100, 64, 0, 0), 96 + 10, { 0 } },
	{ V4(127, 0, 0, 0), 96 + 8, { 0 } },
	{ V4(169, 254, 0, 0), 96 + 16, { 0 } },
	{ V4(172, 16, 0, 0), 96 + 12, { 0 } },
	{ V4(192, 168, 0, 0), 96 + 16, { 0 } },
	{ { 0 }, 128, { 0 } },
	{ { [15] = 1 }, 128, { 0 } },
	{ { 0xfc }, 7, { 0 } },
	{ { 0xfe, 0x80 }, 10, { 0 } },
};

const struct image_cidr *
image_private(size_t i)
{
	return i < sizeof(private_tab) / sizeof(private_tab[0]) ?
	    &private_tab[i] : NULL;
}

/* Where port 0 is a free choice of the kernel that reaches nobody else. */
static const struct image_cidr own_tab[] = {
	{ V4(0, 0, 0, 0), 128, { 0 } },
	{ V4(127, 0, 0, 0), 96 + 8, { 0 } },
	{ { 0 }, 128, { 0 } },
	{ { [15] = 1 }, 128, { 0 } },
};

static int
in_table(const uint8_t *addr, const struct image_cidr *tab, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (in_cidr(addr, &tab[i]))
			return 1;
	return 0;
}

static int
match_ports(const struct image *im, const struct image_net_rec *r,
    uint16_t port)
{
	const uint16_t *p = image_sec_PORTS(im) + r->ports;
	uint32_t i;

	for (i = 0; i < r->nports; i++)
		if (p[i] == port)
			return 1;
	return r->nports == 0;
}

/* The address half of a connection's question. */
static int
match_addr(const struct image *im, const struct image_net_rec *r,
    const struct asked *q, int named)
{
	int in;

	if (!match_ports(im, r, q->port))
		return 0;
	in = in_table(q->addr->s6_addr, image_sec_CIDRS(im) + r->cidrs,
	    r->ncidrs);
	if (r->flags & INET_EITHER)
		return named || in;
	if ((r->flags & INET_HAS_DOMAINS) && !named)
		return 0;
	if ((r->flags & INET_HAS_CIDRS) && !in)
		return 0;
	return !((r->flags & INET_NO_PRIVATE) && q->is_private);
}

static int
match(const struct image *im, const struct image_net_rec *r, uint32_t i,
    const struct asked *q)
{
	int named = (int)(image_looks_word(&q->looks, i / 64) >> (i % 64) & 1);

	if (q->addr == NULL)
		return named && !(r->flags & INET_DNS_SKIP);
	return match_addr(im, r, q, named);
}

static void
judge(const struct image *im, const struct asked *q, struct verdict *v)
{
	const struct image_net_rec *r = image_sec_NETS(im);
	uint32_t i, n = image_count(im, IS_NETS);

	for (i = 0; i < n; i++) {
		if (match(im, &r[i], i, q)) {
			image_outcome(im, r[i].outcome, v);
			return;
		}
	}
	image_builtin(im, BR_DEFAULT_DENY_NETWORK, v);
}

/* Without the dot of the root. */
static size_t
name_len_of(const char *name, size_t len)
{
	return len > 1 && name[len - 1] == '.' ? len - 1 : len;
}

static const char *
text_of(const struct in6_addr *addr, char buf[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(addr))
		return inet_ntop(AF_INET, &addr->s6_addr[12], buf,
		    INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, addr, buf, INET6_ADDRSTRLEN);
}

static int
is_exception(const struct image *im, const char *name, size_t len)
{
	struct image_looks l;
	uint64_t bits;

	l.n = 0;
	image_look(im, IU_PRIVATE, 1, name, len, &l);
	bits = image_looks_word(&l, 0);
	return bits != 0;
}

/* What the kernel goes to where an address says nothing: this machine. */
static const struct in6_addr *
goes_to(enum net_op op, const struct in6_addr *addr)
{
	static const struct in6_addr any4 = { { V4(0, 0, 0, 0) } },
		loopback4 = { { V4(127, 0, 0, 1) } };

	if (op != NOP_CONNECT && op != NOP_SENDTO)
		return addr;
	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return &in6addr_loopback;
	return memcmp(addr, &any4, sizeof(any4)) == 0 ? &loopback4 : addr;
}

void
image_net(const struct image *im, enum net_op op, const char *name,
    size_t name_len, const struct in6_addr *addr, uint16_t port,
    struct verdict *v)
{
	uint32_t words = image_sec_META(im)->net_words;
	char buf[INET6_ADDRSTRLEN];
	struct asked q;
	int named = name != NULL && name_len > 0;

	if (op == NOP_BIND && port == 0 && in_table(addr->s6_addr, own_tab,
	    sizeof(own_tab) / sizeof(own_tab[0]))) {
		image_builtin(im, BR_PORT_ZERO, v);
		return;
	}
	addr = goes_to(op, addr);
	if (!named) {
		name = text_of(addr, buf);
		name_len = name != NULL ? strlen(name) : 0;
	}
	name_len = name_len_of(name, name_len);
	q.looks.n = 0;
	image_look(im, IU_DOMAIN, words, name, name_len, &q.looks);
	q.addr = addr;
	q.port = port;
	q.is_private = in_table(addr->s6_addr, private_tab,
	    sizeof(private_tab) / sizeof(private_tab[0])) &&
	    !(named && is_exception(im, name, name_len));
	judge(im, &q, v);
}

void
image_dns(const struct image *im, const char *name, size_t name_len,
    struct verdict *v)
{
	struct asked q;

	q.looks.n = 0;
	q.addr = NULL;
	q.port = 0;
	q.is_private = 0;
	image_look(im, IU_DOMAIN, image_sec_META(im)->net_words, name,
	    name_len_of(name, name_len), &q.looks);
	judge(im, &q, v);
	v->layer = LAYER_PROXY;
}

bool
image_is_private(const struct image *im, const char *name, size_t name_len,
    const struct in6_addr *addr)
{
	return in_table(addr->s6_addr, private_tab,
		   sizeof(private_tab) / sizeof(private_tab[0])) &&
	    !(name != NULL && name_len > 0 &&
		is_exception(im, name, name_len_of(name, name_len)));
}

static bool
redirects(const struct image *im, const struct image_redir_rec *r,
    const char *text, size_t len)
{
	const uint32_t *args = image_sec_ARGS(im) + r->args;
	uint32_t i;

	for (i = 0; i < r->nargs; i++)
		if (dfa_run(image_dfa(im, args[i]), text, len) != 0)
			return true;
	return false;
}

bool
image_redirect(const struct image *im, bool dns, const char *text, size_t len,
    struct image_redirect *out, struct verdict *v)
{
	const struct image_redir_rec *r = image_sec_REDIRS(im);
	uint32_t i, n = image_count(im, IS_REDIRS);

	for (i = 0; i < n; i++, r++) {
		if (((r->flags & IREDIR_DNS) != 0) != dns ||
		    !redirects(im, r, text, len))
			continue;
		memcpy(&out->addr, r->addr, sizeof(out->addr));
		out->host = image_string(im, r->host);
		out->sni = image_string(im, r->sni);
		out->port = (uint16_t)r->port;
		out->rewrite_sni = (r->flags & IREDIR_SNI) != 0;
		out->silent = (r->flags & IREDIR_SILENT) != 0;
		image_outcome(im, r->outcome, v);
		return true;
	}
	return false;
}
