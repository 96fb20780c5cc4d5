/*
 * Socket questions: calls of a workload under the real filter, with the effect looked
 * at from outside.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enginehelp.h"

/* ---- outside ---- */

static char dir[] = "/tmp/test_sock.XXXXXX";
static char policy[4096];
static int tcp_fd, udp_fd, udp_bad_fd, unix_fd, abstract_fd;
static uint16_t tcp_port, udp_port, udp_bad_port;
static struct sockaddr_un out_path = { .sun_family = AF_UNIX };
static struct sockaddr_un out_abstract = { .sun_family = AF_UNIX };
static socklen_t out_abstract_len;

static const char policy_text[] =
    "version: 1\nname: t\n"
    "file_rules:\n"
    "  - name: no-bind-here\n    paths: [\"%s/no/**\"]\n    operations: [\"*\"]\n"
    "    decision: deny\n"
    "  - name: all\n    paths: [\"**\"]\n    operations: [\"*\"]\n    decision: allow\n"
    "network_rules:\n"
    "  - name: some-ports\n    cidrs: [\"127.0.0.0/8\"]\n    ports: [%u, %u]\n"
    "    decision: allow\n"
    "%s";

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in) { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int
inet_listen(int type, uint16_t *port)
{
	struct sockaddr_in in = loopback(0);
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static int
set_up(void **state)
{
	char no[64];

	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(no, sizeof(no), "%s/no", dir);
	mkdir(no, 0777);
	tcp_fd = inet_listen(SOCK_STREAM, &tcp_port);
	udp_fd = inet_listen(SOCK_DGRAM, &udp_port);
	udp_bad_fd = inet_listen(SOCK_DGRAM, &udp_bad_port);
	snprintf(out_path.sun_path, sizeof(out_path.sun_path), "%s/out", dir);
	unix_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(unix_fd, (struct sockaddr *)&out_path, sizeof(out_path)) ==
		-1 ||
	    listen(unix_fd, 5) == -1)
		return -1;
	abstract_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	out_abstract_len = (socklen_t)(2 + 1 +
	    snprintf(out_abstract.sun_path + 1, 60, "test_sock.%d", getpid()));
	if (bind(abstract_fd, (struct sockaddr *)&out_abstract,
		out_abstract_len) == -1 ||
	    listen(abstract_fd, 5) == -1)
		return -1;
	return 0;
}

static int
tear_down(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void
run(const char *more, int (*fn)(void))
{
	snprintf(policy, sizeof(policy), policy_text, dir, tcp_port, udp_port,
	    more);
	engine_run(policy, fn);
}

/* ---- inet ---- */

/* Is there a datagram at fd?  It is taken. */
static int
came(int fd)
{
	char buf[16];

	return recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0;
}

static int
try_connect(void)
{
	struct sockaddr_in in = loopback(tcp_port), other = loopback(1);
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(tcp_port) };
	struct sockaddr_in none = { .sin_family = AF_UNSPEC };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	MUST(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	FAILS(EISCONN, connect(fd, (struct sockaddr *)&in, sizeof(in)));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	FAILS(EACCES, connect(fd, (struct sockaddr *)&other, sizeof(other)));
	FAILS(EINVAL, connect(fd, (struct sockaddr *)&in, 8));
	FAILS(EFAULT, connect(fd, NULL, sizeof(in)));
	MUST(connect(fd, (struct sockaddr *)&none, sizeof(none)) == 0);
	close(fd);
	FAILS(EBADF, connect(fd, (struct sockaddr *)&in, sizeof(in)));
	FAILS(ENOTSOCK, connect(0, (struct sockaddr *)&in, sizeof(in)));
	/* v4-mapped is v4. */
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	MUST(inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr) == 1);
	MUST(connect(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0);
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	in6.sin6_addr = in6addr_loopback;
	FAILS(EACCES, connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	FAILS(EACCES, connect(fd, (struct sockaddr *)&in6, 24));
	close(fd);
	return 0;
}

static void
connect_only_where_the_policy_says(void **state)
{
	run("", try_connect);
}

static const char world_text[] =
    "  - name: no-bad\n    cidrs: [\"127.0.0.0/8\", \"::1/128\"]\n"
    "    ports: [%u]\n    decision: deny\n"
    "  - name: world\n    cidrs: [\"0.0.0.0/0\", \"::/0\"]\n"
    "    decision: allow\n";

static int
try_unspecified(void)
{
	struct sockaddr_in bad = loopback(udp_bad_port), in = loopback(udp_port);
	struct sockaddr_in6 bad6 = { .sin6_family = AF_INET6,
		.sin6_port = bad.sin_port };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), t, fd6;

	bad.sin_addr.s_addr = in.sin_addr.s_addr = htonl(INADDR_ANY);
	FAILS(EACCES,
	    sendto(fd, "x", 1, 0, (struct sockaddr *)&bad, sizeof(bad)));
	FAILS(EACCES, connect(fd, (struct sockaddr *)&bad, sizeof(bad)));
	bad.sin_family = AF_UNSPEC;
	FAILS(EACCES,
	    sendto(fd, "x", 1, 0, (struct sockaddr *)&bad, sizeof(bad)));
	bad.sin_family = AF_INET;
	t = socket(AF_INET, SOCK_STREAM, 0);
	FAILS(EACCES, connect(t, (struct sockaddr *)&bad, sizeof(bad)));
	FAILS(EACCES,
	    sendto(t, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&bad,
		sizeof(bad)));
	/* It is the loopback where that is allowed, too. */
	MUST(sendto(fd, "x", 1, 0, (struct sockaddr *)&in, sizeof(in)) == 1);
	MUST(came(udp_fd) && !came(udp_bad_fd));
	MUST(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	if ((fd6 = socket(AF_INET6, SOCK_DGRAM, 0)) == -1)
		return 0;
	FAILS(EACCES, connect(fd6, (struct sockaddr *)&bad6, sizeof(bad6)));
	FAILS(EACCES,
	    sendto(fd6, "x", 1, 0, (struct sockaddr *)&bad6, 24));
	bad6.sin6_addr.s6_addr[10] = bad6.sin6_addr.s6_addr[11] = 0xff;
	FAILS(EACCES,
	    sendto(fd6, "x", 1, 0, (struct sockaddr *)&bad6, sizeof(bad6)));
	MUST(!came(udp_bad_fd));
	return 0;
}

static void
unspecified_address_is_judged_as_loopback(void **state)
{
	char more[512];

	snprintf(more, sizeof(more), world_text, udp_bad_port);
	run(more, try_unspecified);
}

static int
try_addrform(void)
{
	struct sockaddr_in bad = loopback(udp_bad_port);
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(udp_port) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), inet = PF_INET;

	if (fd == -1)
		return 0;
	bad.sin_family = AF_UNSPEC;
	MUST(inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr) == 1);
	MUST(connect(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0);
	/* To an IPv6 socket it is no address at all. */
	(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&bad, sizeof(bad));
	MUST(!came(udp_bad_fd));
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &inet, sizeof(inet)) ==
	    -1)
		return 0;
	/* To an IPv4 socket it is one. */
	(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&bad, sizeof(bad));
	MUST(!came(udp_bad_fd));
	while (came(udp_fd))
		;
	return 0;
}

static void
socket_that_changes_family_reaches_no_more(void **state)
{
	run("", try_addrform);
}

static int
try_fastopen(void)
{
	struct sockaddr_in in = loopback(udp_bad_port);
	struct iovec iov = { &in, sizeof(in) };
	struct msghdr m = { .msg_name = &in,
		.msg_namelen = sizeof(in),
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	FAILS(EACCES,
	    sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&in,
		sizeof(in)));
	FAILS(EACCES, sendmsg(fd, &m, MSG_FASTOPEN));
	FAILS(EPERM, socket(AF_INET, SOCK_STREAM, 262));
	close(fd);
	return 0;
}

static void
fastopen_is_a_connect(void **state)
{
	run("", try_fastopen);
}

static int
try_udp(void)
{
	struct sockaddr_in in = loopback(udp_port),
			   bad = loopback(udp_bad_port);
	struct sockaddr_in unspec = bad;
	struct iovec iov = { (void *)(uintptr_t) "abc", 3 };
	struct mmsghdr mm[3] = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(sendto(fd, "one", 3, 0, (struct sockaddr *)&in, sizeof(in)) == 3);
	FAILS(EACCES,
	    sendto(fd, "bad", 3, 0, (struct sockaddr *)&bad, sizeof(bad)));
	unspec.sin_family = AF_UNSPEC;
	FAILS(EACCES,
	    sendto(fd, "bad", 3, 0, (struct sockaddr *)&unspec,
		sizeof(unspec)));
	for (int i = 0; i < 3; i++) {
		mm[i].msg_hdr.msg_name = i < 2 ? &in : &bad;
		mm[i].msg_hdr.msg_namelen = sizeof(in);
		mm[i].msg_hdr.msg_iov = &iov;
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	MUST(sendmmsg(fd, mm, 3, 0) == 2);
	MUST(mm[0].msg_len == 3 && mm[1].msg_len == 3 && mm[2].msg_len == 0);
	FAILS(EACCES, sendmmsg(fd, mm + 2, 1, 0));
	/* Connected: no address, no question. */
	MUST(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	MUST(send(fd, "", 0, 0) == 0);
	mm[0].msg_hdr.msg_name = NULL;
	MUST(sendmsg(fd, &mm[0].msg_hdr, 0) == 3);
	close(fd);
	return 0;
}

static unsigned int
datagrams(int fd)
{
	char buf[64];
	unsigned int n = 0;

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) != -1)
		n++;
	return n;
}

static void
udp_reaches_only_what_is_allowed(void **state)
{
	run("", try_udp);
	assert_int_equal(datagrams(udp_fd), 5);
	assert_int_equal(datagrams(udp_bad_fd), 0);
}

static int
try_cmsg(void)
{
	struct sockaddr_in in = loopback(udp_port);
	union {
		char buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} u = { 0 };
	struct iovec iov = { (void *)(uintptr_t) "abc", 3 };
	struct msghdr m = { .msg_name = &in,
		.msg_namelen = sizeof(in),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct in_pktinfo pi = { .ipi_spec_dst.s_addr = htonl(0x01010101) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_RETOPTS;
	c->cmsg_len = CMSG_LEN(4);
	FAILS(EPERM, sendmsg(fd, &m, 0));
	/* An address that is not ours: EINVAL, were it not stripped. */
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(pi));
	memcpy(CMSG_DATA(c), &pi, sizeof(pi));
	MUST(sendmsg(fd, &m, 0) == 3);
	c->cmsg_len = sizeof(u.buf) + 1;
	FAILS(EINVAL, sendmsg(fd, &m, 0));
	FAILS(EPERM, setsockopt(fd, IPPROTO_IP, IP_OPTIONS, "\1\1\1\1", 4));
	close(fd);
	return 0;
}

static void
cmsg_of_a_datagram_cannot_redirect_it(void **state)
{
	run("", try_cmsg);
	assert_int_equal(datagrams(udp_fd), 1);
}

static int
try_inet_bind(void)
{
	struct sockaddr_in in = loopback(0), bad = loopback(4321);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	FAILS(EACCES, bind(fd, (struct sockaddr *)&bad, sizeof(bad)));
	MUST(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	MUST(listen(fd, 1) == 0);
	close(fd);
	return 0;
}

static void
bind_port_zero_of_loopback_goes(void **state)
{
	run("", try_inet_bind);
}

/* ---- unix ---- */

static int
try_unix_outside(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	FAILS(EACCES,
	    connect(fd, (struct sockaddr *)&out_path, sizeof(out_path)));
	FAILS(EACCES,
	    connect(fd, (struct sockaddr *)&out_abstract, out_abstract_len));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/missing", dir);
	FAILS(ENOENT, connect(fd, (struct sockaddr *)&un, sizeof(un)));
	/* By another name for the same thing. */
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/link", dir);
	MUST(symlink(out_path.sun_path, un.sun_path) == 0);
	FAILS(EACCES, connect(fd, (struct sockaddr *)&un, sizeof(un)));
	close(fd);
	return 0;
}

static int
try_unix_outside_again(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	FAILS(EACCES,
	    connect(fd, (struct sockaddr *)&out_path, sizeof(out_path)));
	close(fd);
	return 0;
}

static void
unix_sockets_from_outside_are_refused(void **state)
{
	run("", try_unix_outside);
	run("unix_socket_rules:\n  - name: other\n    paths: [\"/elsewhere\"]\n"
	    "    decision: allow\n",
	    try_unix_outside_again);
}

static int
try_unix_allowed(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	MUST(connect(fd, (struct sockaddr *)&out_path, sizeof(out_path)) == 0);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	FAILS(EACCES,
	    connect(fd, (struct sockaddr *)&out_abstract, out_abstract_len));
	close(fd);
	return 0;
}

static void
unix_socket_that_a_rule_allows_is_reached(void **state)
{
	run("unix_socket_rules:\n  - name: out\n    paths: [\"/tmp/*/out\"]\n"
	    "    operations: [connect]\n    decision: allow\n",
	    try_unix_allowed);
	assert_int_not_equal(accept4(unix_fd, NULL, NULL, SOCK_NONBLOCK), -1);
}

static int
try_unix_own(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX }, got;
	socklen_t len = sizeof(got);
	struct stat st;
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	umask(027);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/own", dir);
	MUST(bind(s, (struct sockaddr *)&un, sizeof(un)) == 0);
	MUST(stat(un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode));
	MUST((st.st_mode & 0777) == 0750);
	MUST(listen(s, 5) == 0);
	MUST(getsockname(s, (struct sockaddr *)&got, &len) == 0);
	MUST(strcmp(got.sun_path, "own") == 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	FAILS(EADDRINUSE, bind(fd, (struct sockaddr *)&un, sizeof(un)));
	MUST(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
	close(fd);
	/* Not by its name but by what it is. */
	MUST(chdir(dir) == 0);
	MUST(rename("own", "moved") == 0);
	strcpy(un.sun_path, "moved");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
	close(fd);
	strcpy(un.sun_path, "no/own");
	FAILS(EACCES, bind(s, (struct sockaddr *)&un, sizeof(un)));
	close(s);
	return 0;
}

static void
unix_sockets_of_the_session_are_its_own(void **state)
{
	run("", try_unix_own);
}

static int
try_abstract_own(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(un);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	/* Chosen by the kernel. */
	MUST(bind(s, (struct sockaddr *)&un, sizeof(sa_family_t)) == 0);
	MUST(listen(s, 1) == 0);
	MUST(getsockname(s, (struct sockaddr *)&un, &len) == 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(connect(fd, (struct sockaddr *)&un, len) == 0);
	close(fd);
	/* Gone: whoever has the name next is somebody else. */
	close(s);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	FAILS(EACCES, connect(fd, (struct sockaddr *)&un, len));
	close(fd);
	return 0;
}

static void
abstract_name_is_own_while_its_socket_lives(void **state)
{
	run("", try_abstract_own);
}

static const char listen_text[] =
    "unix_socket_rules:\n"
    "  - name: no-listen\n    paths: [\"@no\"]\n    operations: [listen]\n"
    "    decision: deny\n"
    "  - name: rest\n    paths: [\"@*\"]\n    decision: allow\n";

#define SWAPPED	     50
#define SWAPPED_MANY 3000

/* Two sockets take turns at one number. */
static void *
swap(void *arg)
{
	const int *fd = arg;

	for (;;)
		for (int i = 0; i < 2; i++)
			dup2(fd[i], SWAPPED);
	return NULL;
}

static int
bound_to(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(un.sun_path + 1, name, 2);
	return bind(fd, (struct sockaddr *)&un, 2 + 1 + 2) == 0 ? fd : -1;
}

static int
try_listen(void)
{
	static int fd[2];
	pthread_t t;
	int on = 0;
	socklen_t len = sizeof(on);

	MUST((fd[0] = bound_to("go")) != -1 && (fd[1] = bound_to("no")) != -1);
	MUST(dup2(fd[1], SWAPPED) == SWAPPED);
	FAILS(EACCES, listen(SWAPPED, 1));
	MUST(pthread_create(&t, NULL, swap, fd) == 0);
	for (int i = 0; i < SWAPPED_MANY && on == 0; i++) {
		(void)listen(SWAPPED, 1);
		MUST(getsockopt(fd[1], SOL_SOCKET, SO_ACCEPTCONN, &on, &len) ==
		    0);
	}
	MUST(on == 0);
	MUST(getsockopt(fd[0], SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 &&
	    on == 1);
	return 0;
}

static void
listens_on_what_was_judged(void **state)
{
	run(listen_text, try_listen);
}

static int
try_rights(void)
{
	union {
		char buf[CMSG_SPACE(2 * sizeof(int)) +
		    CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} u = { 0 };
	char byte = 'x', got = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = CMSG_SPACE(2 * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int sv[2], p[2], fds[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0 && pipe(p) == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(p));
	memcpy(CMSG_DATA(c), p, sizeof(p));
	MUST(sendmsg(sv[0], &m, 0) == 1);
	memset(&u, 0, sizeof(u));
	iov.iov_base = &got;
	m.msg_controllen = sizeof(u.buf);
	MUST(recvmsg(sv[1], &m, 0) == 1 && got == 'x');
	MUST(CMSG_FIRSTHDR(&m) != NULL &&
	    CMSG_FIRSTHDR(&m)->cmsg_len == CMSG_LEN(8));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fds));
	MUST(write(fds[1], "y", 1) == 1 && read(p[0], &got, 1) == 1 &&
	    got == 'y');
	/* What the caller does not have cannot be sent. */
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	c->cmsg_len = CMSG_LEN(sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	fds[0] = 999;
	memcpy(CMSG_DATA(c), fds, sizeof(int));
	FAILS(EBADF, sendmsg(sv[0], &m, 0));
	return 0;
}

static void
rights_are_the_callers_descriptors(void **state)
{
	run("", try_rights);
}

static int
try_creds(void)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} u = { 0 };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct ucred cr = { .pid = getpid(), .uid = getuid(), .gid = getgid() };
	int sv[2], one = 1;

	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) == 0);
	MUST(
	    setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(cr));
	memcpy(CMSG_DATA(c), &cr, sizeof(cr));
	MUST(sendmsg(sv[0], &m, 0) == 1);
	m.msg_controllen = sizeof(u.buf);
	MUST(recvmsg(sv[1], &m, 0) == 1);
	memcpy(&cr, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(cr));
	MUST(cr.uid == getuid() && cr.gid == getgid());
	cr.pid = 1;
	memcpy(CMSG_DATA(c), &cr, sizeof(cr));
	FAILS(EPERM, sendmsg(sv[0], &m, 0));
	return 0;
}

static void
creds_keep_uid_and_gid_and_cannot_name_another(void **state)
{
	run("", try_creds);
}

#define BIG (3u << 20)

static int
try_big(void)
{
	char *big = malloc(BIG), *got = malloc(BIG);
	struct iovec iov[3] = { { big, 7 }, { big + 7, 0 },
		{ big + 7, BIG - 7 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };
	int sv[2], status;
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)((i * 31 >> 3) ^ (i >> 16));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	if ((pid = fork()) == 0) {
		close(sv[1]);
		_exit(sendmsg(sv[0], &m, 0) == BIG ? 0 : 1);
	}
	close(sv[0]);
	while (n < BIG && (r = read(sv[1], got + n, BIG - n)) > 0)
		n += (size_t)r;
	MUST(n == BIG && memcmp(big, got, BIG) == 0);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	FAILS(EMSGSIZE,
	    (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv), sendmsg(sv[0], &m, 0)));
	m.msg_iovlen = 1025;
	FAILS(EMSGSIZE, sendmsg(sv[0], &m, 0));
	return 0;
}

static void
big_stream_message_goes_whole(void **state)
{
	run("", try_big);
}

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

#define ZC (700u << 10)

/* The kernel goes on to read what was sent after the call. */
static int
try_zerocopy(void)
{
	char *big = malloc(ZC), *got = malloc(ZC);
	struct sockaddr_in in = loopback(tcp_port);
	struct iovec iov = { big, ZC };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), peer, one = 1, many = ZC, few = 32768;
	struct pollfd p = { .fd = tcp_fd, .events = POLLIN };
	const struct timespec ms = { .tv_nsec = 1000000 };
	int queued = 0;
	size_t n = 0;
	ssize_t r;
	int status;
	pid_t pid;

	for (size_t i = 0; i < ZC; i++)
		big[i] = (char)((i * 31 >> 3) ^ (i >> 16));
	do {
		/* Others' connections may be waiting. */
		while ((peer = accept(tcp_fd, NULL, NULL)) != -1)
			close(peer);
	} while (errno != EAGAIN);
	/* Much waits, little is on its way. */
	(void)setsockopt(tcp_fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &many, sizeof(many));
	MUST(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	MUST(poll(&p, 1, 10000) == 1);
	MUST((peer = accept(tcp_fd, NULL, NULL)) != -1);
	MUST(setsockopt(fd, SOL_SOCKET, 60 /* SO_ZEROCOPY */, &one,
		 sizeof(one)) == 0);
	if ((pid = fork()) == 0) {
		close(peer);
		while (iov.iov_len > 0) {
			if ((r = sendmsg(fd, &m, MSG_ZEROCOPY)) <= 0)
				_exit(1);
			iov.iov_base = (char *)iov.iov_base + r;
			iov.iov_len -= (size_t)r;
		}
		_exit(0);
	}
	/* Until more than one piece waits, for 10 s at most. */
	for (int i = 0; i < 10000 && queued < 300 << 10; i++) {
		nanosleep(&ms, NULL);
		MUST(ioctl(fd, SIOCOUTQ, &queued) == 0);
	}
	close(fd);
	while (n < ZC && (r = read(peer, got + n, ZC - n)) > 0)
		n += (size_t)r;
	MUST(n == ZC && memcmp(big, got, ZC) == 0);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	return 0;
}

static void
zerocopy_message_is_not_overwritten(void **state)
{
	run("", try_zerocopy);
}

static volatile sig_atomic_t piped, alarmed;

static void
on_signal(int sig)
{
	if (sig == SIGPIPE)
		piped++;
	else
		alarmed++;
}

static int
try_pipe(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct iovec iov = { (void *)(uintptr_t) "abc", 3 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int sv[2];

	sigaction(SIGPIPE, &sa, NULL);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	close(sv[1]);
	FAILS(EPIPE, sendmsg(sv[0], &m, MSG_NOSIGNAL));
	MUST(piped == 0);
	FAILS(EPIPE, sendmsg(sv[0], &m, 0));
	MUST(piped == 1);
	return 0;
}

static void
pipe_signal_is_the_callers(void **state)
{
	run("", try_pipe);
}

static int
try_interrupt(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	static char buf[65536];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int sv[2];

	sigaction(SIGUSR1, &sa, NULL);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	while (send(sv[0], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	if (fork() == 0) {
		struct timespec ms = { .tv_nsec = 100000000 };

		nanosleep(&ms, NULL);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	FAILS(EINTR, sendmsg(sv[0], &m, 0));
	MUST(alarmed == 1);
	wait(NULL);
	return 0;
}

static void
blocked_send_is_interrupted_by_a_signal(void **state)
{
#ifdef __SANITIZE_THREAD__
	skip(); /* its runtime holds the workload's signals back */
#endif
	run("", try_interrupt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_only_where_the_policy_says),
		cmocka_unit_test(unspecified_address_is_judged_as_loopback),
		cmocka_unit_test(socket_that_changes_family_reaches_no_more),
		cmocka_unit_test(fastopen_is_a_connect),
		cmocka_unit_test(udp_reaches_only_what_is_allowed),
		cmocka_unit_test(cmsg_of_a_datagram_cannot_redirect_it),
		cmocka_unit_test(bind_port_zero_of_loopback_goes),
		cmocka_unit_test(unix_sockets_from_outside_are_refused),
		cmocka_unit_test(unix_socket_that_a_rule_allows_is_reached),
		cmocka_unit_test(unix_sockets_of_the_session_are_its_own),
		cmocka_unit_test(abstract_name_is_own_while_its_socket_lives),
		cmocka_unit_test(listens_on_what_was_judged),
		cmocka_unit_test(rights_are_the_callers_descriptors),
		cmocka_unit_test(
		    creds_keep_uid_and_gid_and_cannot_name_another),
		cmocka_unit_test(big_stream_message_goes_whole),
		cmocka_unit_test(zerocopy_message_is_not_overwritten),
		cmocka_unit_test(pipe_signal_is_the_callers),
		cmocka_unit_test(blocked_send_is_interrupted_by_a_signal),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
