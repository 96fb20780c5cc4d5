/*
 * Queries by UDP: taken and answered in batches, one system call for many, each
 * answer from the address that was asked (resolvers check who answers).
 *
 * Runs in netproxy.  In the mirror every address is local, so that the kernel
 * lets us answer from any.  Who asks is np_session_by_peer of the source; a
 * stranger gets no answer.  Must never wait for room to send: a lost answer is
 * asked for again.
 */

#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "netproxy/dns_int.h"

#define BATCH		64
#define ROUNDS		4 /* batches before the other sockets' turn */
#define IN_BYTES	1536 /* no query is longer; a longer one is dropped */
#define RCVBUF_BYTES	(4 << 20) /* some 10,000 queries */

#define CONTROL_BYTES	CMSG_SPACE(sizeof(struct in6_pktinfo))
#define CONTROL_ALIGNED __attribute__((aligned(__alignof__(struct cmsghdr))))

struct slot {
	union dns_addr peer;
	uint8_t control[CONTROL_BYTES] CONTROL_ALIGNED;
	uint8_t in[IN_BYTES];
	uint8_t out[DNS_UDP_MAX];
};

struct dns_batch {
	struct mmsghdr rx[BATCH], tx[BATCH];
	struct iovec rxv[BATCH], txv[BATCH];
	unsigned int ntx;
	struct slot slot[BATCH];
};

struct dns_udp {
	LIST_ENTRY(dns_udp) entry;
	struct dns_server *server;
	struct event ev;
	int fd;
};

/* The address that was asked, as the kernel says it, and to send from it. */
static void
turn_control(struct msghdr *m, union dns_addr *asked)
{
	struct cmsghdr *c;
	struct in_pktinfo *v4;
	struct in6_pktinfo *v6;

	asked->sa.sa_family = 0;
	c = CMSG_FIRSTHDR(m);
	if (c == NULL)
		return;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		v4 = (struct in_pktinfo *)(void *)CMSG_DATA(c);
		v4->ipi_spec_dst = v4->ipi_addr;
		v4->ipi_ifindex = 0;
		asked->sin.sin_family = AF_INET;
		asked->sin.sin_addr = v4->ipi_addr;
	} else if (c->cmsg_level == IPPROTO_IPV6 &&
	    c->cmsg_type == IPV6_PKTINFO) {
		v6 = (struct in6_pktinfo *)(void *)CMSG_DATA(c);
		if (!IN6_IS_ADDR_LINKLOCAL(&v6->ipi6_addr))
			v6->ipi6_ifindex = 0;
		asked->sin6.sin6_family = AF_INET6;
		asked->sin6.sin6_addr = v6->ipi6_addr;
		asked->sin6.sin6_scope_id = v6->ipi6_ifindex;
	} else {
		m->msg_controllen = 0;
	}
}

/* The same from what was kept; m's control has room for either. */
static void
make_control(struct msghdr *m, const union dns_addr *asked)
{
	struct cmsghdr *c = m->msg_control;
	struct in_pktinfo *v4;
	struct in6_pktinfo *v6;

	memset(c, 0, m->msg_controllen);
	if (asked->sa.sa_family == AF_INET) {
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(*v4));
		v4 = (struct in_pktinfo *)(void *)CMSG_DATA(c);
		v4->ipi_spec_dst = asked->sin.sin_addr;
		m->msg_controllen = CMSG_SPACE(sizeof(*v4));
	} else if (asked->sa.sa_family == AF_INET6) {
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(*v6));
		v6 = (struct in6_pktinfo *)(void *)CMSG_DATA(c);
		v6->ipi6_addr = asked->sin6.sin6_addr;
		v6->ipi6_ifindex = asked->sin6.sin6_scope_id;
		m->msg_controllen = CMSG_SPACE(sizeof(*v6));
	} else {
		m->msg_control = NULL;
		m->msg_controllen = 0;
	}
}

void
dns_udp_reply(const struct dns_from *from, const uint8_t *bytes, size_t len)
{
	union dns_addr peer = from->peer;
	uint8_t control[CONTROL_BYTES] CONTROL_ALIGNED;
	struct iovec iov = { .iov_len = len };
	struct msghdr m = { .msg_name = &peer,
		.msg_namelen = from->peer_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	void *p;

	/* sendmsg only reads it */
	memcpy(&p, &bytes, sizeof(p));
	iov.iov_base = p;
	make_control(&m, &from->asked);
	(void)sendmsg(from->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
rx_prepare(struct dns_batch *b, unsigned int n)
{
	unsigned int i;
	struct msghdr *m;

	for (i = 0; i < n; i++) {
		m = &b->rx[i].msg_hdr;
		m->msg_namelen = sizeof(b->slot[i].peer);
		m->msg_controllen = sizeof(b->slot[i].control);
		m->msg_flags = 0;
	}
}

static struct dns_batch *
batch_new(void)
{
	struct dns_batch *b = calloc(1, sizeof(*b));
	struct msghdr *m;
	unsigned int i;

	if (b == NULL)
		return NULL;
	for (i = 0; i < BATCH; i++) {
		b->rxv[i].iov_base = b->slot[i].in;
		b->rxv[i].iov_len = IN_BYTES;
		m = &b->rx[i].msg_hdr;
		m->msg_name = &b->slot[i].peer;
		m->msg_iov = &b->rxv[i];
		m->msg_iovlen = 1;
		m->msg_control = b->slot[i].control;
		b->tx[i].msg_hdr.msg_iov = &b->txv[i];
		b->tx[i].msg_hdr.msg_iovlen = 1;
	}
	rx_prepare(b, BATCH);
	return b;
}

static void
serve_slot(struct dns_udp *u, unsigned int i, uint64_t now_ms)
{
	struct dns_server *d = u->server;
	struct dns_batch *b = d->batch;
	struct msghdr *rx = &b->rx[i].msg_hdr, *tx;
	struct slot *slot = &b->slot[i];
	struct dns_from from;
	struct np_session *s;
	size_t n;

	if ((rx->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    (s = np_session_by_peer(d->np, &slot->peer.sa)) == NULL)
		return;
	turn_control(rx, &from.asked);
	from.stream = NULL;
	from.fd = u->fd;
	from.peer = slot->peer;
	from.peer_len = rx->msg_namelen;
	n = dns_serve(d, s, &from, now_ms, slot->in, b->rx[i].msg_len,
	    slot->out, sizeof(slot->out));
	if (n == 0)
		return;
	b->txv[b->ntx].iov_base = slot->out;
	b->txv[b->ntx].iov_len = n;
	tx = &b->tx[b->ntx++].msg_hdr;
	tx->msg_name = rx->msg_name;
	tx->msg_namelen = rx->msg_namelen;
	tx->msg_control = rx->msg_controllen > 0 ? rx->msg_control : NULL;
	tx->msg_controllen = rx->msg_controllen;
}

/* What cannot be sent is passed over, so that it does not hold up the rest. */
static void
send_batch(int fd, struct dns_batch *b)
{
	unsigned int done = 0;
	int n;

	while (done < b->ntx) {
		n = sendmmsg(fd, b->tx + done, b->ntx - done,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		done += n > 0 ? (unsigned int)n : 1;
	}
	b->ntx = 0;
}

static void
on_udp(int fd, short what, void *arg)
{
	struct dns_udp *u = arg;
	struct dns_batch *b = u->server->batch;
	uint64_t now_ms = dns_now_ms();
	unsigned int round;
	int i, n;

	for (round = 0; round < ROUNDS; round++) {
		n = recvmmsg(fd, b->rx, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return;
		for (i = 0; i < n; i++)
			serve_slot(u, (unsigned int)i, now_ms);
		send_batch(fd, b);
		rx_prepare(b, (unsigned int)n);
		if (n < BATCH)
			return;
	}
}

int
dns_server_udp(struct dns_server *d, int fd)
{
	struct dns_udp *u = calloc(1, sizeof(*u));
	int size = RCVBUF_BYTES, on = 1;

	if (d->batch == NULL)
		d->batch = batch_new();
	if (u == NULL || d->batch == NULL ||
	    event_assign(&u->ev, d->base, fd, EV_READ | EV_PERSIST, on_udp,
		u) == -1 ||
	    event_add(&u->ev, NULL) == -1) {
		free(u);
		close(fd);
		return -1;
	}
	/* as far as the machine's limit lets us */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/*
	 * Routed to us, the mirror's addresses are no interface's: IPv6 sends
	 * from them for who may bind to such.
	 */
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	u->server = d;
	u->fd = fd;
	LIST_INSERT_HEAD(&d->sockets, u, entry);
	return 0;
}

void
dns_udp_free_all(struct dns_server *d)
{
	struct dns_udp *u;

	while ((u = LIST_FIRST(&d->sockets)) != NULL) {
		LIST_REMOVE(u, entry);
		event_del(&u->ev);
		close(u->fd);
		free(u);
	}
	free(d->batch);
	d->batch = NULL;
}
