/*
 * What a judged socket call costs, for `net`: each is made COUNT times to a
 * socket of its own process, and only the call itself is timed.  Prints a name
 * and the median, in nanoseconds, a line each.
 *
 * usage: bench_net COUNT
 */

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in tcp_at, udp_at;
static struct sockaddr_un unix_at = { .sun_family = AF_UNIX };
static socklen_t unix_len;
static int tcp_in, udp_in, unix_in, udp_out;

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int
listening(int type, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	at->sin_family = AF_INET;
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, (struct sockaddr *)at, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)at, &len) == -1 ||
	    (type == SOCK_STREAM && listen(fd, 16) == -1))
		err(1, "a socket of type %d", type);
	return fd;
}

static void
setup(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	tcp_in = listening(SOCK_STREAM, &tcp_at);
	udp_in = listening(SOCK_DGRAM, &udp_at);
	udp_out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unix_in = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unix_len = sizeof(unix_at);
	if (bind(unix_in, (struct sockaddr *)&un, sizeof(sa_family_t)) == -1 ||
	    listen(unix_in, 16) == -1 ||
	    getsockname(unix_in, (struct sockaddr *)&unix_at, &unix_len) == -1)
		err(1, "an abstract socket");
}

static uint64_t
connect_to(int domain, int in, const void *at, socklen_t len)
{
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	uint64_t t = now_ns();

	if (connect(fd, at, len) == -1)
		err(1, "connect");
	t = now_ns() - t;
	if ((peer = accept(in, NULL, NULL)) == -1)
		err(1, "accept");
	close(fd);
	close(peer);
	return t;
}

static uint64_t
connect_tcp(void)
{
	return connect_to(AF_INET, tcp_in, &tcp_at, sizeof(tcp_at));
}

static uint64_t
connect_abstract(void)
{
	return connect_to(AF_UNIX, unix_in, &unix_at, unix_len);
}

static uint64_t
connect_udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t t = now_ns();

	if (connect(fd, (struct sockaddr *)&udp_at, sizeof(udp_at)) == -1)
		err(1, "connect");
	t = now_ns() - t;
	close(fd);
	return t;
}

static void
drain(void)
{
	char buf[64];

	if (recv(udp_in, buf, sizeof(buf), 0) == -1)
		err(1, "recv");
}

static uint64_t
send_to(void)
{
	static const char buf[40];
	uint64_t t = now_ns();

	if (sendto(udp_out, buf, sizeof(buf), 0, (struct sockaddr *)&udp_at,
		sizeof(udp_at)) == -1)
		err(1, "sendto");
	t = now_ns() - t;
	drain();
	return t;
}

static uint64_t
send_msg(void)
{
	static char buf[40];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_name = &udp_at,
		.msg_namelen = sizeof(udp_at),
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	uint64_t t = now_ns();

	if (sendmsg(udp_out, &m, 0) == -1)
		err(1, "sendmsg");
	t = now_ns() - t;
	drain();
	return t;
}

/* A call that no filter looks at: what the rest costs here. */
static uint64_t
send_connected(void)
{
	static const char buf[40];
	static int fd = -1;
	uint64_t t;

	if (fd == -1) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (connect(fd, (struct sockaddr *)&udp_at, sizeof(udp_at)) ==
		    -1)
			err(1, "connect");
	}
	t = now_ns();
	if (send(fd, buf, sizeof(buf), 0) == -1)
		err(1, "send");
	t = now_ns() - t;
	drain();
	return t;
}

static const struct {
	const char *name;
	uint64_t (*once)(void);
} job[] = {
	{ "connect-tcp", connect_tcp },
	{ "connect-udp", connect_udp },
	{ "connect-abstract", connect_abstract },
	{ "sendto", send_to },
	{ "sendmsg", send_msg },
	{ "send", send_connected },
};

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, i, k;
	uint64_t *t;

	if (n == 0 || n > 1000000 || (t = calloc(n, sizeof(*t))) == NULL)
		errx(2, "usage: bench_net COUNT");
	setup();
	for (i = 0; i < sizeof(job) / sizeof(job[0]); i++) {
		for (k = 0; k < n; k++)
			t[k] = job[i].once();
		qsort(t, n, sizeof(*t), compare);
		printf("%s %llu\n", job[i].name,
		    (unsigned long long)t[n / 2]);
	}
	free(t);
	return 0;
}
