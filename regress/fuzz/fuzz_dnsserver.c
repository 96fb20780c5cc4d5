/*
 * The sessions' resolver in any order of events: queries by UDP and TCP,
 * lookups, answers right and wrong, streams cut short, sessions that end,
 * resolvers that change.  The fuzzer is both sides: connect() gives it the other
 * end of what leads to a resolver, also from inside of libevent.
 *
 * Nothing may be used after it was freed, nothing be left, no session held.
 */

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "../unit/dnshelp.h"
#include "common/log.h"
#include "netproxy/dns_int.h"

#define RESOLVERS 64 /* ends held; more are closed */
#define CLIENTS	  8
#define LOOKUPS	  8
#define OPS	  200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct lookup {
	struct dns_lookup *l;
	unsigned int again;
};

static struct {
	struct event_base *base;
	struct np *np;
	struct dns_server *d;
	int resolver[RESOLVERS], client[CLIENTS];
	struct lookup lookup[LOOKUPS];
	const uint8_t *p, *end;
} f;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static unsigned int
byte(void)
{
	return f.p < f.end ? *f.p++ : 0;
}

/* ---- the network ---- */

static void
hold(int fd)
{
	unsigned int i;

	for (i = 0; i < RESOLVERS && f.resolver[i] != -1; i++)
		;
	if (i < RESOLVERS)
		f.resolver[i] = fd;
	else
		close(fd);
}

int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	const struct sockaddr_in *in = (const void *)sa;
	socklen_t tlen = sizeof(int);
	int type, sv[2];

	if (ntohs(in->sin_port) == 1) {
		errno = ECONNREFUSED;
		return -1;
	}
	must(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &tlen) == 0);
	must(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) ==
	    0);
	must(dup3(sv[0], fd, O_CLOEXEC) == fd);
	close(sv[0]);
	hold(sv[1]);
	return 0;
}

static void
configure(unsigned int how)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct dns_conf conf;
	unsigned int i;

	dns_conf_init(&conf);
	conf.nservers = how & 3;
	conf.rotate = (how & 4) != 0;
	conf.timeout_ms = how & 8 ? 1 : 60000;
	conf.attempts = 1 + (how >> 4 & 1);
	for (i = 0; i < conf.nservers; i++) {
		sin.sin_port = htons(how & 32 && i == 0 ? 1 : 5353);
		memcpy(&conf.server[i], &sin, sizeof(sin));
	}
	dns_server_configure(f.d, &conf);
	dns_up_mix_case(f.d->up, (how & 64) != 0);
}

/* ---- what is said ---- */

static const char *
name(unsigned int n)
{
	static const char *const tab[] = { "a.test", "b.test", "x.denied.test",
		"redirected.test", "localhost", "c.c.c.test", "", "B.TEST" };

	return tab[n % 8];
}

static void
put_query(struct pkt *p)
{
	static const unsigned int types[] = { DNS_A, DNS_AAAA, DNS_HTTPS,
		DNS_CNAME, DNS_PTR, 16, DNS_SVCB, DNS_A };
	unsigned int how = byte();

	pkt_query(p, how, name(how), types[how >> 3 & 7]);
	if (how & 64)
		p->len -= byte() % p->len;
	if (how & 128)
		p->b[byte() % p->len] ^= (uint8_t)byte();
}

static void
client_datagram(void)
{
	static struct pkt q;
	struct dns_from from = { .fd = -1 };
	uint8_t out[DNS_UDP_MAX];
	size_t n;

	put_query(&q);
	n = dns_serve(f.d, house_session(f.np, 1 + byte() % 4), &from,
	    dns_now_ms(), q.b, q.len, out, sizeof(out));
	must(n <= sizeof(out));
}

static void
client_stream(void)
{
	static struct pkt q;
	unsigned int i = byte() % CLIENTS, how = byte(), k;
	uint8_t head[2];
	char drop[4096];
	int sv[2];

	if (f.client[i] == -1) {
		must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) ==
		    0);
		dns_server_stream(f.d, house_session(f.np, 1 + how % 4), sv[1]);
		f.client[i] = sv[0];
	}
	for (k = 0; k < how % 8 * (how & 8 ? 16u : 1u); k++) {
		put_query(&q);
		dns_put16(head, (unsigned int)q.len + (how & 128 ? 1 : 0));
		(void)send(f.client[i], head, 2, MSG_NOSIGNAL);
		(void)send(f.client[i], q.b, q.len, MSG_NOSIGNAL);
	}
	if (how & 16)
		while (recv(f.client[i], drop, sizeof(drop), 0) > 0)
			;
	if (how & 32)
		shutdown(f.client[i], SHUT_WR);
	if (how & 64) {
		close(f.client[i]);
		f.client[i] = -1;
	}
}

/* An answer to the question in b, as the input says: right, or nearly. */
static size_t
put_answer(struct pkt *p, const uint8_t *b, size_t len)
{
	static const uint8_t rcodes[] = { 0, 0, DNS_NXDOMAIN, DNS_SERVFAIL,
		DNS_FORMERR, 0, DNS_REFUSED, 0 };
	unsigned int how = byte();
	struct dns_query q;
	char text[DNS_TEXT_MAX];

	if (len < DNS_HEADER_BYTES || dns_query_parse(&q, b, len) != 0)
		return 0;
	dns_name_text(&q.name, text);
	pkt_head(p, q.id + (how & 64 ? 1u : 0u),
	    0x8180u | rcodes[how & 7] | (how & 8 ? 0x200u : 0), 1,
	    how & 16 ? 1 : 0, 0, 0);
	pkt_raw(p, b + DNS_HEADER_BYTES, (size_t)q.name.len + 4);
	if (how & 16 && how & 32)
		pkt_rr_name(p, text, DNS_CNAME, byte(), "b.test");
	else if (how & 16)
		pkt_rr_a(p, text, byte(),
		    q.type == DNS_AAAA ? "2001:db8::7" : "192.0.2.7");
	if (how & 128)
		p->len -= byte() % p->len;
	return p->len;
}

static void
resolver_says(void)
{
	static struct pkt a;
	unsigned int i = byte() % RESOLVERS, how = byte();
	uint8_t b[1024], head[2];
	int fd = f.resolver[i], type;
	socklen_t len = sizeof(type);
	ssize_t n;

	if (fd == -1)
		return;
	must(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0);
	n = recv(fd, b, sizeof(b), 0);
	if (n > 0 && type == SOCK_DGRAM && put_answer(&a, b, (size_t)n) > 0) {
		for (n = how & 64 ? 70 : 1; n > 0; n--)
			(void)send(fd, a.b, a.len, MSG_NOSIGNAL);
	} else if (n > 2 && put_answer(&a, b + 2, (size_t)n - 2) > 0) {
		dns_put16(head, (unsigned int)a.len);
		(void)send(fd, head, how & 64 ? 1 : 2, MSG_NOSIGNAL);
		(void)send(fd, a.b, a.len, MSG_NOSIGNAL);
	}
	if (how & 128 || n == 0) {
		close(fd);
		f.resolver[i] = -1;
	}
}

static void
on_resolved(const struct sockaddr_storage *ss, unsigned int n, int rcode,
    void *arg)
{
	struct lookup *l = arg;

	must(l->l != NULL && n <= 2 * DNS_LOOKUP_ADDRS);
	l->l = NULL;
	/* whoever hears it may go on at once, but not for ever */
	if (n % 2 == 1 && rcode == DNS_NOERROR && l->again++ < 3)
		l->l = dns_resolve(f.d, house_session(f.np, 1), "b.test",
		    AF_INET, on_resolved, l);
}

static void
lookup(void)
{
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };
	unsigned int how = byte();
	struct lookup *l = &f.lookup[how % LOOKUPS];

	if (l->l == NULL) {
		l->l = dns_resolve(f.d, house_session(f.np, 1 + how % 4),
		    name(byte()), families[how >> 4 & 1], on_resolved, l);
	} else {
		dns_resolve_cancel(l->l);
		l->l = NULL;
	}
}

static void
turn(void)
{
	unsigned int how = byte();

	if (how & 1)
		(void)poll(NULL, 0, 2); /* past a deadline of 1 ms */
	event_base_loop(f.base, EVLOOP_NONBLOCK);
}

static void
op(void)
{
	unsigned int what = byte();

	switch (what & 7) {
	case 0:
	case 1:
		client_datagram();
		break;
	case 2:
		client_stream();
		break;
	case 3:
	case 4:
		resolver_says();
		break;
	case 5:
		lookup();
		break;
	case 6:
		if (what & 64)
			house_end(f.np, 1 + byte() % 4);
		else
			configure(byte());
		break;
	case 7:
		turn();
		break;
	}
	if (what & 128)
		event_base_loop(f.base, EVLOOP_NONBLOCK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i;

	signal(SIGPIPE, SIG_IGN);
	log_init("fuzz", LOG_CRIT);
	memset(&f, 0, sizeof(f));
	memset(f.resolver, -1, sizeof(f.resolver));
	memset(f.client, -1, sizeof(f.client));
	f.p = data;
	f.end = data + size;
	f.base = event_base_new();
	f.np = house_new(f.base);
	f.d = dns_server_new(f.np);
	must(f.base != NULL && f.d != NULL);
	configure(byte());
	for (i = 0; i < OPS && f.p < f.end; i++)
		op();
	event_base_loop(f.base, EVLOOP_NONBLOCK);
	dns_server_free(f.d);
	must(house_held(f.np) == 0);
	house_free(f.np);
	event_base_free(f.base);
	for (i = 0; i < RESOLVERS; i++)
		if (f.resolver[i] != -1)
			close(f.resolver[i]);
	for (i = 0; i < CLIENTS; i++)
		if (f.client[i] != -1)
			close(f.client[i]);
	return 0;
}
