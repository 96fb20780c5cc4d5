/*
 * Sockets in the mirror, see redirect.h.  Runs in the tracer's serving threads.
 *
 * Trusts the monitor, who makes the sockets there.  Must never let a socket ask
 * a resolver that is not ours: one that cannot be moved is not used.
 */

#include "tracer/redirect.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/facts.h"
#include "common/msg.h"
#include "common/netaddr.h"
#include "tracer/num.h"
#include "tracer/repoll.h"
#include "tracer/tracer.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* 5.14 */
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define DNS_PORT    53
#define PATIENCE_S  5
#define FDINFO_MAX  512

struct asking {
	struct asking *next;
	uint32_t id;
	bool done;
	int fd, error;
};

struct redirect {
	struct chan *chan;
	uint32_t session, host;
	bool mirror, intercept;
	uint16_t proxy_port;
	uint64_t home; /* cookie of our own network namespace; 0: none known */
	_Atomic bool moved; /* a socket has been in the mirror */
	struct facts facts;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t answered;
	struct asking *asking;
	uint32_t next_id;
};

uint64_t
redirect_netns(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0 ?
	    cookie :
	    0;
}

struct redirect *
redirect_new(struct msg *m, struct chan *chan, uint32_t session)
{
	const struct msg_tracer_net *tn = msg_payload(m);
	struct redirect *r = calloc(1, sizeof(*r));
	int facts = msg_take_fd(m, 0), fd;
	pthread_condattr_t ca;

	if (r == NULL || facts_map(&r->facts, facts, false) == -1) {
		close(facts);
		free(r);
		return NULL;
	}
	close(facts);
	r->chan = chan;
	r->session = session;
	r->host = tn->host;
	r->mirror = tn->mirror != 0;
	r->intercept = tn->intercept != 0 && r->mirror;
	r->proxy_port = (uint16_t)tn->proxy_port;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1) {
		r->home = redirect_netns(fd);
		close(fd);
	}
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&ca);
	pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
	pthread_cond_init(&r->answered, &ca);
	pthread_condattr_destroy(&ca);
	return r;
}

uint16_t
redirect_proxy_port(const struct redirect *r)
{
	return r != NULL ? r->proxy_port : 0;
}

bool
redirect_has_mirror(const struct redirect *r)
{
	return r != NULL && r->mirror;
}

/* ---- sockets from the monitor ---- */

void
redirect_got(struct redirect *r, struct msg *m)
{
	const struct msg_status *st = msg_payload(m);
	struct asking *a;

	pthread_mutex_lock(&r->lock);
	for (a = r->asking; a != NULL; a = a->next) {
		if (a->id != m->hdr.id || a->done)
			continue;
		a->fd = msg_take_fd(m, 0);
		a->error = a->fd == -1 && st->error == 0 ? EPROTO :
							   (int)st->error;
		a->done = true;
		pthread_cond_broadcast(&r->answered);
		break;
	}
	pthread_mutex_unlock(&r->lock);
}

static void
asking_del(struct redirect *r, struct asking *a)
{
	struct asking **p;

	for (p = &r->asking; *p != NULL; p = &(*p)->next) {
		if (*p == a) {
			*p = a->next;
			return;
		}
	}
}

/* A socket in the mirror.  The caller's; -1 with errno. */
static int
ask_monitor(struct redirect *r, const struct msg_net_socket *want)
{
	struct asking a = { .fd = -1, .error = ETIMEDOUT };
	struct timespec until;
	struct chan ch;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	/* A copy: its phase is the main thread's to move. */
	memcpy(&ch, r->chan, sizeof(ch));
	pthread_mutex_lock(&r->lock);
	if (++r->next_id == 0)
		r->next_id = 1;
	a.id = r->next_id;
	a.next = r->asking;
	r->asking = &a;
	pthread_mutex_unlock(&r->lock);
	if (chan_send(&ch, MSG_NET_SOCKET, a.id, r->session, want, NULL, 0,
		NULL, 0) == -1)
		rc = errno;
	pthread_mutex_lock(&r->lock);
	while (rc == 0 && !a.done)
		rc = pthread_cond_timedwait(&r->answered, &r->lock, &until);
	asking_del(r, &a);
	pthread_mutex_unlock(&r->lock);
	errno = rc != 0 && !a.done ? rc : a.error;
	return a.fd;
}

/* ---- where ---- */

bool
redirect_is_loopback(const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		return a->s6_addr[12] == 127 ||
		    memcmp(&a->s6_addr[12], "\0\0\0", 4) == 0;
	return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_UNSPECIFIED(a);
}

static bool
is_proxy(const struct redirect *r, const struct sockname *n)
{
	static const uint8_t lo[4] = { 127, 0, 0, 1 };

	return r->proxy_port != 0 && n->port == r->proxy_port &&
	    IN6_IS_ADDR_V4MAPPED(&n->addr) &&
	    memcmp(&n->addr.s6_addr[12], lo, sizeof(lo)) == 0;
}

enum redirect_to
redirect_where(const struct redirect *r, struct sock *s,
    const struct sockname *n)
{
	int proto;

	if (r == NULL || n->kind != SOCKNAME_INET ||
	    (n->port != DNS_PORT && !is_proxy(r, n) &&
		!(r->intercept && (n->port == 80 || n->port == 443))))
		return REDIRECT_HOME;
	proto = sock_protocol(s);
	if (proto == IPPROTO_UDP)
		return n->port == DNS_PORT ? REDIRECT_OWN : REDIRECT_HOME;
	if (proto != IPPROTO_TCP && proto != IPPROTO_MPTCP)
		return REDIRECT_HOME;
	if (n->port == DNS_PORT || is_proxy(r, n))
		return REDIRECT_OWN;
	return redirect_is_loopback(&n->addr) ? REDIRECT_HOME : REDIRECT_WATCHED;
}

/* Without cookies none is known to be in the mirror, and all are moved again. */
static bool
in_mirror(const struct redirect *r, struct sock *s)
{
	if (!atomic_load(&r->moved))
		return false;
	if (s->netns == 0)
		s->netns = redirect_netns(s->fd);
	return r->home != 0 && s->netns != 0 && s->netns != r->home;
}

/* ---- moving ---- */

/* What a program sets on a socket before it connects or sends. */
static const struct {
	int level, name;
	int half; /* the kernel answers the double of what was set */
} option_tab[] = {
	{ SOL_SOCKET, SO_RCVTIMEO, 0 },
	{ SOL_SOCKET, SO_SNDTIMEO, 0 },
	{ SOL_SOCKET, SO_RCVBUF, 1 },
	{ SOL_SOCKET, SO_SNDBUF, 1 },
	{ SOL_SOCKET, SO_KEEPALIVE, 0 },
	{ SOL_SOCKET, SO_LINGER, 0 },
	{ SOL_SOCKET, SO_REUSEADDR, 0 },
	{ SOL_SOCKET, SO_BROADCAST, 0 },
	{ SOL_SOCKET, SO_TIMESTAMP, 0 },
	{ SOL_SOCKET, SO_PRIORITY, 0 },
	{ SOL_SOCKET, SO_RXQ_OVFL, 0 },
	{ IPPROTO_IP, IP_TOS, 0 },
	{ IPPROTO_IP, IP_TTL, 0 },
	{ IPPROTO_IP, IP_RECVERR, 0 },
	{ IPPROTO_IP, IP_RECVTOS, 0 },
	{ IPPROTO_IP, IP_RECVTTL, 0 },
	{ IPPROTO_IP, IP_PKTINFO, 0 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, 0 },
	{ IPPROTO_IPV6, IPV6_V6ONLY, 0 },
	{ IPPROTO_IPV6, IPV6_RECVERR, 0 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 0 },
	{ IPPROTO_IPV6, IPV6_TCLASS, 0 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 0 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, 0 },
	{ IPPROTO_TCP, TCP_NODELAY, 0 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 0 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 0 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 0 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 0 },
	{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0 },
};

static void
copy_options(struct sock *s, int to)
{
	unsigned char was[32], is[32];
	socklen_t len, len2;
	size_t i;
	int v;

	for (i = 0; i < sizeof(option_tab) / sizeof(option_tab[0]); i++) {
		int level = option_tab[i].level, name = option_tab[i].name;

		if ((level == IPPROTO_IPV6 && s->domain != AF_INET6) ||
		    (level == IPPROTO_TCP && sock_type(s) != SOCK_STREAM))
			continue;
		len = len2 = sizeof(was);
		if (getsockopt(s->fd, level, name, was, &len) == -1 ||
		    getsockopt(to, level, name, is, &len2) == -1 ||
		    (len == len2 && memcmp(was, is, len) == 0))
			continue;
		if (option_tab[i].half) {
			memcpy(&v, was, sizeof(v));
			v /= 2;
			memcpy(was, &v, sizeof(v));
		}
		(void)setsockopt(to, level, name, was, len);
	}
	if ((v = fcntl(s->fd, F_GETFL)) != -1)
		(void)fcntl(to, F_SETFL, v & (O_NONBLOCK | O_APPEND));
}

/* Does the caller's descriptor close on exec?  Yes where that is not known. */
static bool
is_cloexec(struct call *c, int fd)
{
	char path[2 * NUM_MAX + 8], buf[FDINFO_MAX], *end;
	const char *p;
	ssize_t got;
	int in;

	end = num_put(path, (uint32_t)c->rq->pid);
	memcpy(end, "/fdinfo/", 8);
	num_put(end + 8, (uint32_t)fd);
	in = openat(c->tracer->procfd, path, O_RDONLY | O_CLOEXEC);
	if (in == -1)
		return true;
	got = read(in, buf, sizeof(buf) - 1);
	close(in);
	if (got <= 0)
		return true;
	buf[got] = '\0';
	p = strstr(buf, "flags:");
	return p == NULL || (strtoul(p + 6, NULL, 8) & O_CLOEXEC) != 0;
}

/* fd over the caller's descriptor.  0 or an errno. */
static int
install(struct call *c, int fd)
{
	int theirs = call_int(c, SR_FD);
	struct seccomp_notif_addfd add = {
		.id = c->rq->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = (uint32_t)fd,
		.newfd = (uint32_t)theirs,
		.newfd_flags = is_cloexec(c, theirs) ? O_CLOEXEC : 0,
	};
	int r;

	/* The caller waits in the kernel, which may not look before it is told. */
	do
		r = ioctl(c->w->group->listener, SECCOMP_IOCTL_NOTIF_ADDFD,
		    &add);
	while (r == -1 && errno == EINTR && !call_interrupted(c));
	return r == -1 ? (errno == ENOENT ? ECANCELED : EACCES) : 0;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	uint16_t port = 0;

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		memcpy(&port, (const char *)&ss + 2, sizeof(port));
	return ntohs(port);
}

/* A datagram socket that had a port asks from the same. */
static int
bind_home(int fd, int domain, uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port) };

	return domain == AF_INET ?
	    bind(fd, (struct sockaddr *)&in, sizeof(in)) :
	    bind(fd, (struct sockaddr *)&in6, sizeof(in6));
}

static int
new_home(struct sock *s)
{
	uint16_t port = sock_type(s) == SOCK_DGRAM ? port_of(s->fd) : 0;
	int fd = socket(s->domain, s->type | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	copy_options(s, fd);
	if (port != 0)
		(void)bind_home(fd, s->domain, port);
	return fd;
}

static int
new_mirror(struct redirect *r, struct sock *s, const struct sockname *n)
{
	struct msg_net_socket want = {
		.domain = (uint32_t)s->domain,
		.type = (uint32_t)sock_type(s),
		.mapped = s->domain == AF_INET6 &&
		    IN6_IS_ADDR_V4MAPPED(&n->addr),
		.port = sock_type(s) == SOCK_DGRAM ? port_of(s->fd) : 0,
	};
	int fd = ask_monitor(r, &want);

	if (fd != -1)
		copy_options(s, fd);
	return fd;
}

static int
put_over(struct call *c, struct sock *s, int fd)
{
	struct repoll watched;
	struct stat st;
	int e;

	if (fd == -1)
		return errno == EMFILE || errno == ENFILE ? errno : ENOBUFS;
	repoll_note(c, call_int(c, SR_FD),
	    fstat(s->fd, &st) == 0 ? st.st_ino : 0, &watched);
	e = install(c, fd);
	repoll_again(&watched, call_int(c, SR_FD), e == 0 ? fd : s->fd);
	if (e != 0) {
		close(fd);
		return e;
	}
	close(s->fd);
	s->fd = fd;
	s->netns = 0;
	return 0;
}

/*
 * A stream that is connected, connecting or listens stays where it is: the errno
 * that the kernel has for what is about to be asked of it.  0: it is free.
 */
static int
engaged(struct sock *s)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	if (sock_type(s) != SOCK_STREAM ||
	    getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &ti, &len) == -1 ||
	    ti.tcpi_state == TCP_CLOSE)
		return 0;
	return ti.tcpi_state == TCP_SYN_SENT ? EALREADY : EISCONN;
}

/* An IPv6 socket in the mirror has one of two addresses. */
static bool
has_family(const struct sock *s, const struct sockname *n)
{
	struct sockaddr_in6 in6;
	socklen_t len = sizeof(in6);

	if (s->domain != AF_INET6)
		return true;
	memset(&in6, 0, sizeof(in6));
	return getsockname(s->fd, (struct sockaddr *)&in6, &len) == 0 &&
	    !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) ==
	    !IN6_IS_ADDR_V4MAPPED(&n->addr);
}

/* Would a packet to it find a way at all?  Else the kernel says what is wrong. */
static bool
has_route(const struct sockname *n)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(n->port),
		.sin6_addr = n->addr };
	int fd, r;

	if (IN6_IS_ADDR_V4MAPPED(&n->addr))
		return true;
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	r = connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	close(fd);
	return r == 0;
}

/*
 * Where the kernel gives no cookies, by the address: one who has such an address
 * at home gets another socket, and nothing is let out by that.
 */
static bool
looks_mirrored(const struct redirect *r, struct sock *s)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (r->home != 0)
		return in_mirror(r, s);
	memset(&ss, 0, sizeof(ss));
	return atomic_load(&r->moved) &&
	    getsockname(s->fd, (struct sockaddr *)&ss, &len) == 0 &&
	    netaddr_host((struct sockaddr *)&ss) == r->host;
}

int
redirect_home(struct call *c, struct sock *s)
{
	struct redirect *r = c->tracer->redirect;
	int e;

	if (r == NULL || !looks_mirrored(r, s))
		return 0;
	/*
	 * Not tried there: by the time that the kernel looks it may be free, and
	 * nobody else gives it an address in the mirror.
	 */
	if ((e = engaged(s)) != 0)
		return e;
	return put_over(c, s, new_home(s));
}

int
redirect_move(struct call *c, struct sock *s, enum redirect_to to,
    const struct sockname *n)
{
	struct redirect *r = c->tracer->redirect;
	int e;

	if (r == NULL)
		return 0;
	if (to == REDIRECT_HOME ||
	    (to == REDIRECT_WATCHED && !has_route(n)))
		return redirect_home(c, s);
	if (in_mirror(r, s) && has_family(s, n))
		return 0;
	/* Not tried: it may be free by the time that the kernel looks. */
	if ((e = engaged(s)) != 0)
		return e;
	atomic_store(&r->moved, true);
	return put_over(c, s, new_mirror(r, s, n));
}

/* ---- names ---- */

struct under {
	struct call *c;
	const struct sockname *n;
	enum net_op op;
	struct verdict *v;
	bool has;
};

static bool
under_name(const struct in6_addr *addr, const struct facts_name *f, void *arg)
{
	struct under *u = arg;
	struct verdict v;

	image_net(u->c->im, u->op, f->name, f->len, addr, u->n->port, &v);
	if (u->has && v.rule >= u->v->rule)
		return true;
	*u->v = v;
	memcpy(u->c->w->host, f->name, f->len + 1);
	u->has = true;
	return true;
}

void
redirect_judge(struct call *c, enum net_op op, const struct sockname *n,
    struct verdict *v, const char **name)
{
	struct redirect *r = c->tracer->redirect;
	struct under u = { .c = c, .n = n, .op = op, .v = v };

	*name = NULL;
	if (r != NULL && (op == NOP_CONNECT || op == NOP_SENDTO) &&
	    facts_names(&r->facts, &n->addr, facts_now_ns(), under_name,
		&u) > 0) {
		*name = c->w->host;
		return;
	}
	image_net(c->im, op, NULL, 0, &n->addr, n->port, v);
}
