/*
 * The mirror, see mirror.h.  Runs in the monitor, which is single-threaded: it
 * goes there for the moment of a socket(2) and comes back; if it could not come
 * back it would serve the wrong network, so that is the end.
 */

#include "supervisor/mirror.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78 /* linux/in6.h, 4.15 */
#endif

#include "common/log.h"
#include "common/netaddr.h"

#define NS_FILE	   "/proc/self/ns/net"
#define BACKLOG	   1024
#define UDP_BUFFER (4 << 20)
#define LO_INDEX   1 /* in every namespace */

void
mirror_init(struct mirror *mi)
{
	memset(mi, 0, sizeof(*mi));
	mi->ns_fd = mi->home_fd = mi->port_fd = -1;
}

static int
failed(struct mirror *mi, const char *what)
{
	snprintf(mi->why, sizeof(mi->why), "%s: %s", what, strerror(errno));
	return -1;
}

/* ---- the namespace ---- */

static int
lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd == -1)
		return -1;
	rc = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return rc;
}

struct route_msg {
	struct nlmsghdr n;
	struct rtmsg r;
	struct rtattr a;
	uint32_t oif;
};

/* The kernel's answer to one request: 0, or -1 with errno. */
static int
nl_ask(int fd, const struct route_msg *q)
{
	struct {
		struct nlmsghdr n;
		struct nlmsgerr e;
		char more[512];
	} in;
	ssize_t n;

	if (send(fd, q, sizeof(*q), 0) != (ssize_t)sizeof(*q))
		return -1;
	n = recv(fd, &in, sizeof(in), 0);
	if (n < (ssize_t)(sizeof(in.n) + sizeof(in.e)) ||
	    in.n.nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return -1;
	}
	errno = -in.e.error;
	return in.e.error == 0 ? 0 : -1;
}

/* "local 0.0.0.0/0 dev lo", or the same of IPv6. */
static int
all_local(int family)
{
	struct route_msg q = {
		.n = { .nlmsg_len = sizeof(q),
		    .nlmsg_type = RTM_NEWROUTE,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK },
		.r = { .rtm_family = (unsigned char)family,
		    .rtm_table = RT_TABLE_LOCAL,
		    .rtm_protocol = RTPROT_STATIC,
		    .rtm_scope = RT_SCOPE_HOST,
		    .rtm_type = RTN_LOCAL },
		.a = { .rta_len = RTA_LENGTH(4), .rta_type = RTA_OIF },
		.oif = LO_INDEX,
	};
	int fd, rc, save;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd == -1)
		return -1;
	rc = nl_ask(fd, &q);
	save = errno;
	close(fd);
	errno = save;
	return rc;
}

/* ---- sockets ---- */

static socklen_t
any_address(int family, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

static int
set_int(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof(v));
}

static int
prepare(int fd, int family, int type)
{
	if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1)
		return -1;
	/* Its answers come from addresses that no interface has. */
	if (family == AF_INET6 &&
	    (set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1 ||
		set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) == -1))
		return -1;
	if (type != SOCK_DGRAM)
		return 0;
	if (set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1)
		return -1;
	(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER);
	if (family == AF_INET)
		return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	return set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static int
listener(int family, int type, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = any_address(family, port, &ss);
	int fd, save;

	fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (prepare(fd, family, type) == 0 &&
	    bind(fd, (struct sockaddr *)&ss, len) == 0 &&
	    (type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	save = errno;
	close(fd);
	errno = save;
	return -1;
}

/*
 * Of the sockets that share a port, in the order in which they were bound, a
 * datagram goes to that which the last bits of its sender's address name: a
 * session's number's.  Without this the kernel chooses, by ports too.
 */
static void
share_by_sender(int fd, int family)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    (uint32_t)SKF_NET_OFF + (family == AF_INET ? 12 : 20)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, MIRROR_DNS_UDP - 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]),
		.filter = code };

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
	    sizeof(prog));
}

static int
add_one(struct mirror *mi, enum net_listen kind, int family, int type,
    uint16_t port)
{
	struct mirror_socket *s = &mi->sock[mi->nsock];

	s->kind = kind;
	s->family = family;
	s->fd = listener(family, type, port);
	if (s->fd == -1)
		return -1;
	mi->nsock++;
	return 0;
}

static int
add(struct mirror *mi, enum net_listen kind, int type, uint16_t port)
{
	static const int family[] = { AF_INET, AF_INET6 };
	unsigned int i, k, n = type == SOCK_DGRAM ? MIRROR_DNS_UDP : 1;

	for (i = 0; i < 2; i++) {
		for (k = 0; k < n; k++) {
			if (add_one(mi, kind, family[i], type, port) == 0)
				continue;
			/* no IPv6, and so nobody who would ask by it */
			return errno == EAFNOSUPPORT && i > 0 ? 0 : -1;
		}
		if (type == SOCK_DGRAM)
			share_by_sender(mi->sock[mi->nsock - 1].fd, family[i]);
	}
	return 0;
}

static int
listen_all(struct mirror *mi)
{
	if (add(mi, NET_LISTEN_DNS_UDP, SOCK_DGRAM, 53) == -1 ||
	    add(mi, NET_LISTEN_DNS_TCP, SOCK_STREAM, 53) == -1 ||
	    add(mi, NET_LISTEN_INTERCEPT, SOCK_STREAM, 80) == -1 ||
	    add(mi, NET_LISTEN_INTERCEPT, SOCK_STREAM, 443) == -1)
		return -1;
	return add(mi, NET_LISTEN_PROXY, SOCK_STREAM, mi->proxy_port);
}

/*
 * A port of this machine's loopback that nobody else gets while we live: what a
 * session is told is its proxy's shall not be somebody's service.
 */
static int
reserve_port(struct mirror *mi, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	mi->port_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (mi->port_fd == -1 ||
	    bind(mi->port_fd, (struct sockaddr *)&in, len) == -1 ||
	    getsockname(mi->port_fd, (struct sockaddr *)&in, &len) == -1)
		return -1;
	mi->proxy_port = ntohs(in.sin_port);
	return 0;
}

/* Inside the new namespace. */
static int
furnish(struct mirror *mi)
{
	if (lo_up() == -1)
		return failed(mi, "loopback");
	if (all_local(AF_INET) == -1)
		return failed(mi, "route");
	if (all_local(AF_INET6) == -1 && errno != EAFNOSUPPORT &&
	    errno != EOPNOTSUPP)
		return failed(mi, "IPv6 route");
	return 0;
}

static void
go_home(const struct mirror *mi)
{
	int save = errno;

	if (setns(mi->home_fd, CLONE_NEWNET) == -1) {
		log_error("cannot leave the mirror namespace: %m");
		_exit(1);
	}
	errno = save;
}

/* No mirror, but why. */
static int
undo(struct mirror *mi)
{
	char why[sizeof(mi->why)];

	memcpy(why, mi->why, sizeof(why));
	mirror_close(mi);
	memcpy(mi->why, why, sizeof(why));
	return -1;
}

int
mirror_make(struct mirror *mi)
{
	int rc;

	mi->home_fd = open(NS_FILE, O_RDONLY | O_CLOEXEC);
	if (mi->home_fd == -1) {
		(void)failed(mi, NS_FILE);
		return undo(mi);
	}
	if (unshare(CLONE_NEWNET) == -1) {
		(void)failed(mi, "no network namespace can be made");
		return undo(mi);
	}
	mi->ns_fd = open(NS_FILE, O_RDONLY | O_CLOEXEC);
	rc = mi->ns_fd == -1 ? failed(mi, NS_FILE) : furnish(mi);
	go_home(mi);
	return rc == 0 ? 0 : undo(mi);
}

int
mirror_open(struct mirror *mi, uint16_t port)
{
	int rc;

	if (mi->ns_fd == -1)
		return -1;
	if (reserve_port(mi, port) == -1) {
		(void)failed(mi, "port of the proxy");
		return undo(mi);
	}
	if (setns(mi->ns_fd, CLONE_NEWNET) == -1) {
		(void)failed(mi, "setns");
		return undo(mi);
	}
	rc = listen_all(mi) == -1 ? failed(mi, "listen") : 0;
	go_home(mi);
	if (rc == -1)
		return undo(mi);
	mi->up = true;
	return 0;
}

static bool
is_askable(const struct msg_net_socket *want)
{
	return (want->domain == AF_INET || want->domain == AF_INET6) &&
	    (want->type == SOCK_STREAM || want->type == SOCK_DGRAM) &&
	    want->mapped <= 1 && want->port <= UINT16_MAX;
}

static int
bind_to(int fd, uint32_t host, const struct msg_net_socket *want, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = netaddr_of(host, (int)want->domain, want->mapped != 0,
	    port, &ss);

	return bind(fd, (struct sockaddr *)&ss, len);
}

int
mirror_socket(const struct mirror *mi, uint32_t host,
    const struct msg_net_socket *want)
{
	uint16_t port = want->port > 1023 ? (uint16_t)want->port : 0;
	int fd, save;

	if (!mi->up || !is_askable(want)) {
		errno = EINVAL;
		return -1;
	}
	if (setns(mi->ns_fd, CLONE_NEWNET) == -1)
		return -1;
	fd = socket((int)want->domain, (int)want->type | SOCK_CLOEXEC, 0);
	go_home(mi);
	if (fd == -1)
		return -1;
	/* A port when it connects: thousands of connections are no shortage. */
	if (want->type == SOCK_STREAM)
		(void)set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	/* The route makes an address local for IPv4; for IPv6 this does. */
	if (want->domain == AF_INET6)
		(void)set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	if ((port != 0 && bind_to(fd, host, want, port) == 0) ||
	    bind_to(fd, host, want, 0) == 0)
		return fd;
	save = errno;
	close(fd);
	errno = save;
	return -1;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void
mirror_close(struct mirror *mi)
{
	unsigned int i;

	for (i = 0; i < mi->nsock; i++)
		close_fd(&mi->sock[i].fd);
	close_fd(&mi->ns_fd);
	close_fd(&mi->home_fd);
	close_fd(&mi->port_fd);
	mirror_init(mi);
}
