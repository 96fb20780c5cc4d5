/*
 * A client that knows nothing of proxies and resolver libraries: raw system
 * calls, static.
 *
 *	netclient HOW SERVER NAME TYPE	ask SERVER, port 53, for NAME; prints
 *					"from ADDRESS rcode N ADDRESS..." or the errno
 *	netclient tcp ADDRESS PORT	connect; prints what the server says, or the
 *					errno
 *	netclient udp ADDRESS PORT	send a datagram from an unconnected socket
 *
 * HOW: sendto sendmsg sendmmsg connect write bound nonblock tcp53 fastopen both
 */

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage ss;
};

static socklen_t
address(const char *text, int port, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (strchr(text, ':') != NULL) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) != 1)
			exit(2);
		return sizeof(a->in6);
	}
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, text, &a->in.sin_addr) != 1)
		exit(2);
	return sizeof(a->in);
}

static const char *
text_of(const union address *a)
{
	static char buf[INET6_ADDRSTRLEN];

	return a->sa.sa_family == AF_INET ?
	    inet_ntop(AF_INET, &a->in.sin_addr, buf, sizeof(buf)) :
	    inet_ntop(AF_INET6, &a->in6.sin6_addr, buf, sizeof(buf));
}

static void
give_up(const char *what)
{
	printf("%s %s\n", what, strerrorname_np(errno));
	exit(1);
}

static size_t
query(unsigned char *q, const char *name, int type)
{
	unsigned char *p = q + 12, *len;

	memset(q, 0, 12);
	q[0] = (unsigned char)getpid();
	q[1] = (unsigned char)(getpid() >> 8);
	q[2] = 1;
	q[5] = 1;
	while (*name != '\0') {
		len = p++;
		while (*name != '\0' && *name != '.')
			*p++ = (unsigned char)*name++;
		*len = (unsigned char)(p - len - 1);
		name += *name == '.';
	}
	*p++ = 0;
	*p++ = 0;
	*p++ = (unsigned char)type;
	*p++ = 0;
	*p++ = 1;
	return (size_t)(p - q);
}

static const unsigned char *
skip_name(const unsigned char *p)
{
	while (*p != 0 && *p < 0xc0)
		p += *p + 1;
	return p + (*p == 0 ? 1 : 2);
}

static void
print_answer(const union address *from, const unsigned char *a, size_t n)
{
	const unsigned char *p = a + 12;
	char buf[INET6_ADDRSTRLEN];
	int count;

	if (n < 12)
		give_up("short");
	printf("from %s rcode %d", text_of(from), a[3] & 15);
	count = a[6] << 8 | a[7];
	p = skip_name(p) + 4;
	for (; count > 0 && p < a + n; count--) {
		int type, len;

		p = skip_name(p);
		type = p[0] << 8 | p[1];
		len = p[8] << 8 | p[9];
		p += 10;
		if (type == 1)
			printf(" %s", inet_ntop(AF_INET, p, buf, sizeof(buf)));
		if (type == 28)
			printf(" %s", inet_ntop(AF_INET6, p, buf, sizeof(buf)));
		p += len;
	}
	printf("\n");
}

static ssize_t
ask_udp(int fd, const char *how, union address *to, socklen_t len,
    const unsigned char *q, size_t n)
{
	struct iovec iov = { (void *)(uintptr_t)q, n };
	struct mmsghdr mm = { .msg_hdr = { .msg_name = to, .msg_namelen = len,
				  .msg_iov = &iov, .msg_iovlen = 1 } };

	if (strcmp(how, "connect") == 0 || strcmp(how, "write") == 0 ||
	    strcmp(how, "nonblock") == 0) {
		if (syscall(SYS_connect, fd, to, len) == -1)
			give_up("connect");
		return how[0] == 'w' ? syscall(SYS_write, fd, q, n) :
				       syscall(SYS_sendto, fd, q, n, 0, NULL, 0);
	}
	if (strcmp(how, "sendmsg") == 0)
		return syscall(SYS_sendmsg, fd, &mm.msg_hdr, 0);
	if (strcmp(how, "sendmmsg") == 0)
		return syscall(SYS_sendmmsg, fd, &mm, 1, 0) == 1 ? (ssize_t)n :
								   -1;
	return syscall(SYS_sendto, fd, q, n, 0, to, len);
}

static void
wait_for(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	errno = ETIMEDOUT;
	if (poll(&p, 1, 10000) != 1)
		give_up("poll");
}

static int
udp(const char *how, const char *server, const char *name, int type)
{
	unsigned char q[512], a[4096];
	union address to, from, peer;
	socklen_t len = address(server, 53, &to), flen = sizeof(from);
	size_t n = query(q, name, type);
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(40053) };
	ssize_t r;
	int fd;

	fd = (int)syscall(SYS_socket, to.sa.sa_family,
	    SOCK_DGRAM | (how[0] == 'n' ? SOCK_NONBLOCK : 0), 0);
	if (strcmp(how, "bound") == 0 &&
	    syscall(SYS_bind, fd, &in, sizeof(in)) == -1)
		give_up("bind");
	if (ask_udp(fd, how, &to, len, q, n) != (ssize_t)n)
		give_up("send");
	wait_for(fd);
	if (how[0] == 'n' && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0)
		give_up("blocking");
	memset(&from, 0, sizeof(from));
	r = recvfrom(fd, a, sizeof(a), 0, &from.sa, &flen);
	if (r == -1)
		give_up("recvfrom");
	/* What the program named is what it sees. */
	if (memcmp(&from, &to, len) != 0)
		printf("another answered: ");
	flen = sizeof(peer);
	if (getpeername(fd, &peer.sa, &flen) == 0 &&
	    memcmp(&peer, &to, len) != 0)
		printf("connected to another: ");
	if (strcmp(how, "bound") == 0) {
		flen = sizeof(peer);
		getsockname(fd, &peer.sa, &flen);
		if (ntohs(peer.in.sin_port) != 40053)
			printf("another port: ");
	}
	print_answer(&from, a, (size_t)r);
	return 0;
}

static void
read_all(int fd, unsigned char *p, size_t n)
{
	ssize_t r;

	for (; n > 0; n -= (size_t)r, p += r)
		if ((r = read(fd, p, n)) <= 0)
			give_up("read");
}

static int
tcp53(const char *how, const char *server, const char *name, int type)
{
	static unsigned char q[514], a[65538];
	union address to, peer;
	socklen_t len = address(server, 53, &to);
	size_t n = query(q + 2, name, type);
	int fd = (int)syscall(SYS_socket, to.sa.sa_family, SOCK_STREAM, 0);

	q[0] = (unsigned char)(n >> 8);
	q[1] = (unsigned char)n;
	if (strcmp(how, "fastopen") == 0) {
		if (syscall(SYS_sendto, fd, q, n + 2, MSG_FASTOPEN, &to,
			len) != (long)n + 2)
			give_up("sendto");
	} else if (syscall(SYS_connect, fd, &to, len) == -1) {
		give_up("connect");
	} else if (write(fd, q, n + 2) != (ssize_t)n + 2) {
		give_up("write");
	}
	read_all(fd, a, 2);
	n = (size_t)(a[0] << 8 | a[1]);
	read_all(fd, a + 2, n);
	len = sizeof(peer);
	memset(&peer, 0, sizeof(peer));
	getpeername(fd, &peer.sa, &len);
	if (memcmp(&peer, &to, len) != 0)
		printf("connected to another: ");
	print_answer(&peer, a + 2, n);
	return 0;
}

/* One socket for a resolver and for another. */
static int
both(const char *server, const char *name, int type)
{
	unsigned char q[512], a[4096];
	union address to, other, from;
	socklen_t len = address(server, 53, &to), flen = sizeof(from);
	size_t n = query(q, name, type);
	int fd = (int)syscall(SYS_socket, to.sa.sa_family, SOCK_DGRAM, 0), i;
	ssize_t r;

	address("93.184.216.99", 9000, &other);
	for (i = 0; i < 4; i++) {
		if (sendto(fd, q, n, 0, i % 2 ? &other.sa : &to.sa, len) == -1)
			give_up(i % 2 ? "other" : "resolver");
		wait_for(fd);
		flen = sizeof(from);
		r = recvfrom(fd, a, sizeof(a), 0, &from.sa, &flen);
		printf("%s %zd ", text_of(&from), r > 0 && i % 2 ? r - (ssize_t)n : 0);
	}
	printf("\n");
	return 0;
}

static int
tcp(const char *host, int port)
{
	union address to;
	socklen_t len = address(host, port, &to);
	char buf[256];
	ssize_t n;
	int fd = (int)syscall(SYS_socket, to.sa.sa_family, SOCK_STREAM, 0);

	if (syscall(SYS_connect, fd, &to, len) == -1)
		give_up("connect");
	if (write(fd, "?", 1) != 1)
		give_up("write");
	n = read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		give_up("read");
	printf("%.*s", (int)n, buf);
	return 0;
}

static int
datagram(const char *host, int port)
{
	union address to;
	socklen_t len = address(host, port, &to);
	int fd = (int)syscall(SYS_socket, to.sa.sa_family, SOCK_DGRAM, 0);

	if (syscall(SYS_sendto, fd, "?", 1, 0, &to, len) == -1)
		give_up("sendto");
	printf("sent\n");
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "tcp") == 0)
		return tcp(argv[2], atoi(argv[3]));
	if (argc == 4 && strcmp(argv[1], "udp") == 0)
		return datagram(argv[2], atoi(argv[3]));
	if (argc != 5)
		return 2;
	if (strcmp(argv[1], "both") == 0)
		return both(argv[2], argv[3], atoi(argv[4]));
	if (strcmp(argv[1], "tcp53") == 0 || strcmp(argv[1], "fastopen") == 0)
		return tcp53(argv[1], argv[2], argv[3], atoi(argv[4]));
	return udp(argv[1], argv[2], argv[3], atoi(argv[4]));
}
