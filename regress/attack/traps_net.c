/*
 * Traps of addresses: ways to a port that the policy denies (ARG; the one below it is allowed), and
 * packets that go elsewhere after their address was judged.  traps.sh listens on the denied port and
 * looks whether anything came.  See traps.h.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "regress/attack/traps.h"

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif
#define MPTCP 262

static uint16_t
port(void)
{
	return (uint16_t)atoi(traps_arg);
}

static struct sockaddr_in
v4(uint16_t p, const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(p) };

	inet_pton(AF_INET, text, &a.sin_addr);
	return a;
}

static struct sockaddr_in6
v6(uint16_t p, const char *text)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(p) };

	inet_pton(AF_INET6, text, &a.sin6_addr);
	return a;
}

static int
tcp(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Sent, or on its way: either is the effect. */
static int
sent(const char *what, int s, long r)
{
	int e = errno;

	close(s);
	errno = e;
	return traps_way(what, r >= 0 || errno == EINPROGRESS);
}

static int
fastopen(void)
{
	struct sockaddr_in a = v4(port(), "127.0.0.1");
	struct iovec iov = { (char[]) { "x" }, 1 };
	struct mmsghdr m = { .msg_hdr = { .msg_name = &a, .msg_namelen = sizeof(a),
		.msg_iov = &iov, .msg_iovlen = 1 } };
	int s, r = HELD;

	s = tcp(AF_INET);
	r |= sent("connect", s, syscall(SYS_connect, s, &a, sizeof(a)));
	s = tcp(AF_INET);
	r |= sent("sendto", s, syscall(SYS_sendto, s, "x", 1,
	    MSG_FASTOPEN | MSG_NOSIGNAL, &a, sizeof(a)));
	s = tcp(AF_INET);
	r |= sent("sendto, rubbish above", s, syscall(SYS_sendto, s, "x", 1,
	    0x4500000000UL | MSG_FASTOPEN | MSG_NOSIGNAL, &a, sizeof(a)));
	s = tcp(AF_INET);
	r |= sent("sendmsg", s, syscall(SYS_sendmsg, s, &m.msg_hdr,
	    MSG_FASTOPEN | MSG_NOSIGNAL));
	s = tcp(AF_INET);
	r |= sent("sendmmsg", s, syscall(SYS_sendmmsg, s, &m, 1,
	    MSG_FASTOPEN | MSG_NOSIGNAL));
	s = tcp(AF_INET);
	r |= sent("TCP_FASTOPEN_CONNECT, connect", s, (setsockopt(s, IPPROTO_TCP, 30,
	    &(int) { 1 }, sizeof(int)), syscall(SYS_connect, s, &a, sizeof(a))));
	return r;
}

static int
mptcp(void)
{
	struct sockaddr_in a = v4(port(), "127.0.0.1");
	int s = socket(AF_INET, SOCK_STREAM, MPTCP), r;

	/* Without MPTCP in the kernel the same by what it wraps. */
	if (s == -1 && errno != EPERM && errno != EACCES) {
		printf("no MPTCP here: %s\n", strerrorname_np(errno));
		s = tcp(AF_INET);
	}
	if (s == -1)
		return traps_way("an MPTCP socket", 0);
	r = (int)syscall(SYS_connect, s, &a, sizeof(a));
	return sent("an MPTCP connect", s, r);
}

static int
unspec_sendto(void)
{
	struct sockaddr_in a = v4(port(), "127.0.0.1");
	struct iovec iov = { (char[]) { "x" }, 1 };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof(a),
		.msg_iov = &iov, .msg_iovlen = 1 };
	int s = socket(AF_INET, SOCK_DGRAM, 0), r = HELD;
	struct sockaddr_in *low;

	a.sin_family = AF_UNSPEC;
	r |= traps_way("sendto of AF_UNSPEC", syscall(SYS_sendto, s, "x", 1, 0,
	    &a, sizeof(a)) >= 0);
	r |= traps_way("sendmsg of AF_UNSPEC", syscall(SYS_sendmsg, s, &m, 0) >= 0);
	low = mmap((void *)0x7e00000000UL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (low == MAP_FAILED)
		return BROKEN;
	*low = v4(port(), "127.0.0.1");
	r |= traps_way("an address with a low half of zero", syscall(SYS_sendto,
	    s, "x", 1, 0, low, sizeof(*low)) >= 0);
	r |= traps_way("longer than it is", syscall(SYS_sendto, s, "x", 1, 0, low,
	    128) >= 0);
	return r;
}

static int
old_sockaddr_in6(void)
{
	struct sockaddr_in6 a = v6(port(), "::1"), m = v6(port(), "::ffff:127.0.0.1"),
			    any = v6(port(), "::");
	struct sockaddr_in zero = v4(port(), "0.0.0.0"), two = v4(port(), "127.0.0.2");
	int s, r = HELD;

	s = tcp(AF_INET6);
	r |= sent("::1, 24 bytes", s, syscall(SYS_connect, s, &a, 24));
	s = tcp(AF_INET6);
	r |= sent("::1, 28 bytes", s, syscall(SYS_connect, s, &a, 28));
	s = tcp(AF_INET6);
	r |= sent("mapped, 24 bytes", s, syscall(SYS_connect, s, &m, 24));
	s = tcp(AF_INET6);
	r |= sent("mapped", s, syscall(SYS_connect, s, &m, sizeof(m)));
	s = tcp(AF_INET6);
	r |= sent("::", s, syscall(SYS_connect, s, &any, sizeof(any)));
	s = tcp(AF_INET);
	r |= sent("0.0.0.0", s, syscall(SYS_connect, s, &zero, sizeof(zero)));
	s = tcp(AF_INET);
	r |= sent("127.0.0.2", s, syscall(SYS_connect, s, &two, sizeof(two)));
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	r |= sent("mapped, a datagram", s, syscall(SYS_sendto, s, "x", 1, 0, &m, 24));
	return r;
}

/* Where did the datagram that s sent to our own socket come from? */
static int
came_from_elsewhere(int in)
{
	struct sockaddr_in from = { 0 };
	socklen_t n = sizeof(from);
	char b[8];

	if (recvfrom(in, b, sizeof(b), MSG_DONTWAIT, (struct sockaddr *)&from, &n) < 0)
		return 0;
	return from.sin_addr.s_addr != htonl(INADDR_LOOPBACK);
}

static int
ancillary(void)
{
	struct sockaddr_in to = v4(0, "127.0.0.1");
	socklen_t n = sizeof(to);
	int in = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
	union {
		struct cmsghdr h;
		char b[128];
	} u = { 0 };
	struct iovec iov = { (char[]) { "x" }, 1 };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to),
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.b };
	struct in_pktinfo pi = { .ipi_spec_dst = { htonl(0x7f000005) } };
	uint8_t route[] = { 131, 7, 4, 127, 0, 0, 9, 0 }; /* loose source route */
	int r = HELD;

	if (bind(in, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    getsockname(in, (struct sockaddr *)&to, &n) == -1)
		return BROKEN;
	u.h = (struct cmsghdr) { .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO,
		.cmsg_len = CMSG_LEN(sizeof(pi)) };
	memcpy(CMSG_DATA(&u.h), &pi, sizeof(pi));
	m.msg_controllen = CMSG_SPACE(sizeof(pi));
	syscall(SYS_sendmsg, s, &m, 0);
	r |= traps_way("IP_PKTINFO: from elsewhere", came_from_elsewhere(in));
	u.h = (struct cmsghdr) { .cmsg_level = IPPROTO_IP, .cmsg_type = 7 /* IP_RETOPTS */,
		.cmsg_len = CMSG_LEN(sizeof(route)) };
	memcpy(CMSG_DATA(&u.h), route, sizeof(route));
	m.msg_controllen = CMSG_SPACE(sizeof(route));
	r |= traps_way("IP_RETOPTS", syscall(SYS_sendmsg, s, &m, 0) >= 0 ||
	    errno == EINVAL || errno == EHOSTUNREACH);
	r |= traps_way("IP_OPTIONS", setsockopt(s, IPPROTO_IP, IP_OPTIONS, "\1\1\1", 4) == 0);
	return r;
}

#define MIRROR_TRIES 2000
#define MIRROR_SECONDS 15 /* a guest without KVM has not made so many then */

static uint64_t
netns_of(int s)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	(void)getsockopt(s, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, &cookie, &len);
	return cookie;
}

static _Atomic int mirror_fd;
static _Atomic unsigned int mirror_turn;

/* Once for each turn, a little later each time. */
static void *
set_free(void *arg)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	unsigned int seen = 0;

	while (mirror_fd != -1) {
		if (mirror_turn == seen)
			continue;
		seen = mirror_turn;
		for (volatile unsigned int i = 0; i < seen % 64 * 250; i++)
			;
		syscall(SYS_connect, mirror_fd, &none, sizeof(none));
	}
	return NULL;
}

/*
 * A socket that the supervisor has made for our resolver's sake is told by its
 * address whose it is: bound to another's it would be another's.  It is connected
 * when it is looked at and free when it is bound.
 */
static int
mirror_bind(void)
{
	struct sockaddr_in dns = v4(53, "8.8.8.8"), other = v4(0, "127.128.77.77");
	int moved = 0, bound = 0, i, s = tcp(AF_INET);
	uint64_t home = netns_of(s);
	double end = traps_now() + MIRROR_SECONDS;
	pthread_t t;

	close(s);
	if (pthread_create(&t, NULL, set_free, NULL) != 0)
		return BROKEN;
	for (i = 0; i < MIRROR_TRIES && !bound && traps_now() < end; i++) {
		s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		syscall(SYS_connect, s, &dns, sizeof(dns));
		moved += netns_of(s) != home;
		/* Outside nothing is moved, and a name server not to be bothered. */
		if (moved == 0) {
			close(s);
			break;
		}
		mirror_fd = s;
		mirror_turn++;
		bound = syscall(SYS_bind, s, &other, sizeof(other)) == 0 &&
		    netns_of(s) != home;
		close(s);
	}
	mirror_fd = -1;
	pthread_join(t, NULL);
	printf("%d of %d sockets were moved\n", moved, i);
	return traps_way("bound to another session's address", bound);
}

const struct trap traps_net[] = {
	{ "fastopen", fastopen, 'e' },
	{ "mptcp", mptcp, 'e' },
	{ "unspec-sendto", unspec_sendto, 'e' },
	{ "old-sockaddr-in6", old_sockaddr_in6, 'e' },
	{ "ancillary", ancillary, 'e' },
	{ "mirror-bind", mirror_bind, 'l' },
	{ NULL, NULL, 0 },
};
