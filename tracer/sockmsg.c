/*
 * sendto, sendmsg and sendmmsg: see sock.h.  The three are one thing: an address, pieces of
 * payload, control messages.  All of it is copied once, the address judged (sock.c), control
 * messages read one by one (sockname_cmsg), descriptors fetched from the caller and sent as
 * ours, and the message sent on our copy of the socket.
 *
 * Trust: nothing; lengths and counts are bounded before they are used.  Must never send from the
 * caller's memory, pass on a control message that is not in the table, or raise SIGPIPE
 * in this process.  Each thread keeps its buffers from call to call, and what it has learned of
 * sockets, each known by its cookie, which no two sockets of a machine share.
 */

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tracer/cred.h"
#include "tracer/event.h"
#include "tracer/redirect.h"
#include "tracer/sock.h"
#include "tracer/task.h"
#include "tracer/tracer.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57 /* 4.12; of the whole machine since 5.4 */
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

#define PIECES	   1024 /* UIO_MAXIOV */
#define CONTROL	   8192u /* the kernel's own limit is net.core.optmem_max */
#define RIGHTS	   253 /* SCM_MAX_FD */
#define INLINE	   65536u /* payload that needs no mapping of its own */
#define CHUNK	   (256u << 10) /* of a stream that has one */
#define INET_MOST  65535u
#define MSG_STRIDE 64 /* sizeof(struct mmsghdr) */
#define MSG_COUNT  56 /* offset of msg_len in it */
#define KNOWN	   64

/* What a socket is. */
struct known {
	uint64_t cookie; /* 0: free */
	uint64_t netns;
	int domain, type, protocol;
};

/* One message on its way.  Stays with the thread: what is large comes last. */
struct out {
	struct known known[KNOWN];
	struct sock_to to;
	size_t pieces, total;
	size_t at;   /* the piece that is copied next; it begins there */
	size_t have; /* bytes that are in payload already */
	size_t control_len;
	unsigned int fds;
	char name[SOCKNAME_ADDR_MAX];
	struct iovec iov[PIECES];
	char control_in[CONTROL];
	/* What is read is unpadded at its end, what is written is not. */
	_Alignas(struct cmsghdr) char control[CONTROL + sizeof(struct cmsghdr)];
	int fd[RIGHTS];
	char payload[INLINE];
};

/* The thread's, or NULL. */
static struct out *
out_of(struct worker *w)
{
	struct out *o = w->out;

	if (o == NULL) {
		o = mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (o == MAP_FAILED)
			return NULL;
		w->out = o;
	}
	return o;
}

void
sock_worker_end(struct worker *w)
{
	if (w->out != NULL)
		munmap(w->out, sizeof(struct out));
	w->out = NULL;
}

static void
clear(struct out *o)
{
	o->pieces = o->total = o->at = o->have = o->control_len = 0;
	o->fds = 0;
}

/* ---- the socket ---- */

static bool
ask_what(struct sock *s)
{
	if (!sock_option(s->fd, SOL_SOCKET, SO_DOMAIN, &s->domain) ||
	    !sock_option(s->fd, SOL_SOCKET, SO_TYPE, &s->type) ||
	    !sock_option(s->fd, SOL_SOCKET, SO_PROTOCOL, &s->protocol))
		return false;
	if (s->domain == AF_INET || s->domain == AF_INET6)
		s->netns = redirect_netns(s->fd);
	return true;
}

/* What is s?  A cookie is a socket's for good.  false: errno says why not. */
static bool
identify(struct out *o, struct sock *s)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct known *k;

	if (getsockopt(s->fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == -1 ||
	    cookie == 0)
		return ask_what(s);
	k = &o->known[cookie % KNOWN];
	if (k->cookie == cookie) {
		s->domain = k->domain;
		s->type = k->type;
		s->protocol = k->protocol;
		s->netns = k->netns;
		return true;
	}
	if (!ask_what(s))
		return false;
	*k = (struct known) { cookie, s->netns, s->domain, s->type,
		s->protocol };
	return true;
}

static void
close_fds(struct out *o)
{
	while (o->fds > 0)
		close(o->fd[--o->fds]);
}

/* ---- control messages ---- */

static struct cmsghdr *
put_cmsg(struct out *o, const struct cmsghdr *like, size_t data_len)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)(o->control +
	    o->control_len);

	/* As long as what it was made from, which fitted. */
	c->cmsg_level = like->cmsg_level;
	c->cmsg_type = like->cmsg_type;
	c->cmsg_len = CMSG_LEN(data_len);
	o->control_len += CMSG_SPACE(data_len);
	return c;
}

static int
take_rights(struct call *c, struct out *o, const struct cmsghdr *h,
    const char *data, size_t len)
{
	size_t n = len / sizeof(int);
	unsigned int first = o->fds;
	int theirs, err;

	if (n > RIGHTS - o->fds)
		return EINVAL;
	for (size_t i = 0; i < n; i++) {
		memcpy(&theirs, data + i * sizeof(int), sizeof(int));
		o->fd[o->fds] = call_getfd(c, theirs, &err);
		if (o->fd[o->fds] == -1)
			return err;
		o->fds++;
	}
	memcpy(CMSG_DATA(put_cmsg(o, h, n * sizeof(int))), o->fd + first,
	    n * sizeof(int));
	return 0;
}

/*
 * The kernel lets nobody but CAP_SYS_ADMIN name another process: uid and gid are the
 * caller's, the pid that the peer sees is ours, as with SO_PEERCRED.
 */
static int
take_creds(struct call *c, struct out *o, const struct cmsghdr *h,
    const char *data, size_t len)
{
	struct ucred u;

	if (len != sizeof(u))
		return EINVAL;
	memcpy(&u, data, sizeof(u));
	if (u.pid != c->task->tgid || !cred_may_claim(c, u.uid, u.gid))
		return EPERM;
	u.pid = c->tracer->pid;
	memcpy(CMSG_DATA(put_cmsg(o, h, sizeof(u))), &u, sizeof(u));
	return 0;
}

/* A control message that is refused is a refusal of the call. */
static int
refuse_cmsg(struct call *c)
{
	struct verdict v;

	event_begin(c, EV_SYSCALL);
	call_builtin(&v, BR_SYSCALL);
	if (call_verdict(c, &v))
		return EPERM;
	event_text(c, EVS_PATH, c->sa.row->name, strlen(c->sa.row->name));
	event_text(c, EVS_MESSAGE, "control message", 15);
	event_commit(c, EPERM);
	return EPERM;
}

static int
take_cmsg(struct call *c, const struct sock *s, struct out *o,
    const struct cmsghdr *h, const char *data, size_t len)
{
	switch (sockname_cmsg(s->domain, h->cmsg_level, h->cmsg_type)) {
	case SOCKNAME_CMSG_KEEP:
		memcpy(CMSG_DATA(put_cmsg(o, h, len)), data, len);
		return 0;
	case SOCKNAME_CMSG_STRIP:
		return 0;
	case SOCKNAME_CMSG_RIGHTS:
		return take_rights(c, o, h, data, len);
	case SOCKNAME_CMSG_CREDS:
		return take_creds(c, o, h, data, len);
	case SOCKNAME_CMSG_REFUSE:
		break;
	}
	return refuse_cmsg(c);
}

/* Walk the copied control messages, len bytes, as the kernel does. */
static int
read_control(struct call *c, const struct sock *s, struct out *o, size_t len)
{
	struct cmsghdr h;
	size_t at = 0;
	int e;

	while (len - at >= sizeof(h)) {
		memcpy(&h, o->control_in + at, sizeof(h));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > len - at)
			return EINVAL;
		e = take_cmsg(c, s, o, &h, o->control_in + at + sizeof(h),
		    h.cmsg_len - sizeof(h));
		if (e != 0)
			return e;
		at += CMSG_ALIGN(h.cmsg_len);
		if (at > len)
			break;
	}
	return 0;
}

/* ---- payload ---- */

static int
count_pieces(struct out *o)
{
	for (size_t i = 0; i < o->pieces; i++) {
		if (o->iov[i].iov_len > SSIZE_MAX)
			return EINVAL;
		/* More than a call ever takes: the kernel cuts there, too. */
		if (o->iov[i].iov_len > INT_MAX - o->total)
			o->iov[i].iov_len = INT_MAX - o->total;
		o->total += o->iov[i].iov_len;
	}
	return 0;
}

/* n bytes of the payload have been copied. */
static void
skip(struct out *o, size_t n)
{
	while (n > 0) {
		struct iovec *v = &o->iov[o->at];
		size_t m = v->iov_len < n ? v->iov_len : n;

		v->iov_base = (char *)v->iov_base + m;
		v->iov_len -= m;
		n -= m;
		if (v->iov_len == 0)
			o->at++;
	}
}

/* The next n bytes of payload to buf. */
static int
copy_pieces(struct call *c, struct out *o, char *buf, size_t n)
{
	struct iovec to = { buf, n };
	size_t end = o->at, sum = 0, whole, got;
	int e;

	if (n == 0)
		return 0;
	while (sum < n)
		sum += o->iov[end++].iov_len;
	/* Not to look at more than is copied. */
	whole = o->iov[end - 1].iov_len;
	o->iov[end - 1].iov_len -= sum - n;
	e = call_readv(c, &to, 1, o->iov + o->at, end - o->at, &got);
	o->iov[end - 1].iov_len = whole;
	if (e != 0)
		return e;
	skip(o, n);
	return got == n ? 0 : EFAULT;
}

/* The next n bytes of payload, of which the first may be there, to buf. */
static int
gather(struct call *c, struct out *o, char *buf, size_t n)
{
	size_t have = o->have < n ? o->have : n;

	o->have = 0;
	skip(o, have);
	return copy_pieces(c, o, buf + have, n - have);
}

/* The most bytes that one message may have. */
static size_t
most(const struct sock *s)
{
	int n;

	if (s->domain == AF_INET || s->domain == AF_INET6 ||
	    !sock_option(s->fd, SOL_SOCKET, SO_SNDBUF, &n) || n < 0)
		return INET_MOST;
	return (size_t)n;
}

/* ---- sending ---- */

/* One send; again when we were interrupted for nothing. */
static ssize_t
send_once(struct call *c, const struct sock *s, struct out *o, char *buf,
    size_t n, int flags)
{
	struct iovec iov = { buf, n };
	struct msghdr m = { .msg_name = o->to.len != 0 ? &o->to.sa : NULL,
		.msg_namelen = o->to.len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = o->control_len != 0 ? o->control : NULL,
		.msg_controllen = o->control_len };
	ssize_t r;

	flags |= MSG_NOSIGNAL;
	do
		r = o->control_len != 0 ?
		    sendmsg(s->fd, &m, flags) :
		    sendto(s->fd, buf, n, flags, m.msg_name, m.msg_namelen);
	while (r == -1 && errno == EINTR && !call_interrupted(c));
	return r;
}

/*
 * Copy and send in pieces of at most cap bytes through buf; in one, which may be
 * a part, where the kernel keeps buf after the call.
 */
static ssize_t
send_through(struct call *c, const struct sock *s, struct out *o, char *buf,
    size_t cap, int flags, int *e)
{
	size_t sent = 0, n;
	ssize_t r;

	do {
		n = o->total - sent < cap ? o->total - sent : cap;
		if ((*e = gather(c, o, buf, n)) != 0) {
			r = -1;
			break;
		}
		r = send_once(c, s, o, buf, n, flags);
		*e = errno;
		if (r > 0)
			sent += (size_t)r;
		/* Address and control go with the first piece. */
		o->to.len = 0;
		o->control_len = 0;
		flags &= ~MSG_FASTOPEN;
	} while (r > 0 && (size_t)r == n && sent < o->total &&
	    !(flags & MSG_ZEROCOPY));
	return sent > 0 ? (ssize_t)sent : r;
}

/* How much is copied at once to where every message has room for it; or 0. */
static size_t
inline_bytes(const struct sock *s, const struct out *o, int flags)
{
	if (flags & MSG_ZEROCOPY)
		return 0;
	if (s->type == SOCK_STREAM && o->total > INLINE)
		return INLINE;
	return o->total > INLINE ? 0 : o->total;
}

/*
 * Send what o holds: a stream as far as it goes, anything else in one piece.  Bytes sent, or -1 with
 * errno in *e.
 */
static ssize_t
send_out(struct call *c, const struct sock *s, struct out *o, int flags, int *e)
{
	size_t cap = inline_bytes(s, o, flags);
	ssize_t r;
	char *buf;

	if (s->type != SOCK_STREAM && o->total > most(s)) {
		*e = EMSGSIZE;
		return -1;
	}
	if (cap > 0 || o->total == 0)
		return send_through(c, s, o, o->payload, cap, flags, e);
	cap = s->type == SOCK_STREAM && o->total > CHUNK ? CHUNK : o->total;
	buf = mmap(NULL, cap, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED) {
		*e = ENOBUFS;
		return -1;
	}
	r = send_through(c, s, o, buf, cap, flags, e);
	munmap(buf, cap);
	return r;
}

/* A stream's EPIPE comes with SIGPIPE for the caller, unless its flags say no. */
static void
pipe_signal(struct call *c, const struct sock *s, int flags)
{
	if (s->type == SOCK_STREAM && !(flags & MSG_NOSIGNAL))
		syscall(SYS_tgkill, c->task->tgid, (pid_t)c->rq->pid, SIGPIPE);
}

/*
 * The whole of one message: judge its address, of len bytes in o->name or, if the
 * kernel does not look at it, just given; send, commit its event.  Bytes, or -1
 * with *e: errno, or -1 when the call has been answered.
 */
static ssize_t
send_judged(struct call *c, struct sock *s, struct out *o, int flags,
    bool named, size_t len, int *e)
{
	ssize_t r;

	*e = 0;
	if (named)
		*e = sock_to_judge(c, s, o->name, len, &o->to);
	if (*e != 0)
		return -1;
	r = send_out(c, s, o, flags, e);
	if (r == -1 && *e == EPIPE)
		pipe_signal(c, s, flags);
	event_commit(c, r == -1 ? *e : 0);
	sock_to_close(c, &o->to);
	return r;
}

/* An array of at most three places in the caller, and where they go. */
struct wanted {
	struct iovec to[3], from[3];
	size_t n, bytes;
};

static void
want(struct wanted *w, void *to, uint64_t from, size_t len)
{
	if (len == 0)
		return;
	w->to[w->n] = (struct iovec) { to, len };
	w->from[w->n++] = (struct iovec) { (void *)(uintptr_t)from, len };
	w->bytes += len;
}

/* All that a header points to but the payload.  0 or an errno. */
static int
read_parts(struct call *c, struct out *o, const struct msghdr *m,
    size_t name_len)
{
	struct wanted w = { .n = 0 };
	size_t got;
	int e;

	if (m->msg_iovlen > PIECES)
		return EMSGSIZE;
	if (m->msg_controllen > CONTROL)
		return ENOBUFS;
	o->pieces = m->msg_iovlen;
	want(&w, o->name, (uint64_t)(uintptr_t)m->msg_name, name_len);
	want(&w, o->iov, (uint64_t)(uintptr_t)m->msg_iov,
	    o->pieces * sizeof(o->iov[0]));
	want(&w, o->control_in, (uint64_t)(uintptr_t)m->msg_control,
	    m->msg_controllen);
	if (w.n == 0)
		return 0;
	e = call_readv(c, w.to, w.n, w.from, w.n, &got);
	return e == 0 && got != w.bytes ? EFAULT : e;
}

static ssize_t
send_msg(struct call *c, struct sock *s, struct out *o, uint64_t addr,
    int flags, int *e)
{
	struct msghdr m;
	ssize_t r = -1;
	bool named;
	int len;

	clear(o);
	if ((*e = call_read(c, addr, &m, sizeof(m))) != 0)
		return -1;
	/* Without one of them there is no address in a message header. */
	if ((len = m.msg_name == NULL ? 0 : (int)m.msg_namelen) < 0) {
		*e = EINVAL;
		return -1;
	}
	if (len > SOCKNAME_ADDR_MAX)
		len = SOCKNAME_ADDR_MAX;
	named = len != 0 && sock_wants_name(s, flags, 1, len);
	sock_to_none(s, 1, len, &o->to);
	*e = read_parts(c, o, &m, (size_t)len);
	if (*e == 0)
		*e = count_pieces(o);
	if (*e == 0)
		*e = read_control(c, s, o, m.msg_controllen);
	if (*e == 0)
		r = send_judged(c, s, o, flags, named, (size_t)len, e);
	close_fds(o);
	return r;
}

/* ---- the questions ---- */

/* The socket and room for a message.  true, else the call has been answered. */
static bool
begin(struct call *c, struct sock *s, struct out **o)
{
	int e = ENOBUFS;

	if (!sock_get_fd(c, s))
		return false;
	if ((*o = out_of(c->w)) != NULL) {
		clear(*o);
		if (identify(*o, s))
			return true;
		e = errno;
	}
	close(s->fd);
	answer_errno(c, e);
	return false;
}

static void
finish(struct call *c, struct sock *s, ssize_t r, int e)
{
	close(s->fd);
	/* e is -1 when it has been answered, and an answer is given once. */
	answer_result(c, (long)r, e);
}

/*
 * Address and payload at once.  What cannot be read of the payload is left for
 * later: an address that is refused comes first.  0 or an errno.
 */
static int
read_sendto(struct call *c, const struct sock *s, struct out *o, int flags,
    uint64_t addr, size_t len)
{
	struct wanted w = { .n = 0 };
	size_t got;
	int e;

	want(&w, o->name, addr, len);
	want(&w, o->payload, (uint64_t)(uintptr_t)o->iov[0].iov_base,
	    inline_bytes(s, o, flags));
	if (w.n == 0)
		return 0;
	e = call_readv(c, w.to, w.n, w.from, w.n, &got);
	if (e != 0 && len == 0)
		return 0;
	if (e == 0 && got < len)
		e = EFAULT;
	if (e == 0)
		o->have = got - len;
	return e;
}

static ssize_t
send_to(struct call *c, struct sock *s, struct out *o, int *e)
{
	size_t size = call_v(c, SR_SIZE);
	uint64_t addr = call_v(c, SR_ADDR);
	int flags = (int)call_u32(c, SR_FLAGS), len = call_int(c, SR_ADDRLEN);
	bool named = sock_wants_name(s, flags, addr, len);

	o->pieces = 1;
	o->total = size > INT_MAX ? INT_MAX : size;
	o->iov[0].iov_base = (void *)(uintptr_t)call_v(c, SR_BUF);
	o->iov[0].iov_len = o->total;
	sock_to_none(s, addr, len, &o->to);
	if (named && (len < 0 || len > SOCKNAME_ADDR_MAX)) {
		*e = EINVAL;
		return -1;
	}
	if (!named)
		len = 0;
	if ((*e = read_sendto(c, s, o, flags, addr, (size_t)len)) != 0)
		return -1;
	return send_judged(c, s, o, flags, named, (size_t)len, e);
}

void
sock_ask_sendto(struct call *c)
{
	struct sock s;
	struct out *o;
	ssize_t r;
	int e;

	if (!begin(c, &s, &o))
		return;
	r = send_to(c, &s, o, &e);
	finish(c, &s, r, e);
}

void
sock_ask_sendmsg(struct call *c)
{
	struct sock s;
	struct out *o;
	ssize_t r;
	int e;

	if (!begin(c, &s, &o))
		return;
	r = send_msg(c, &s, o, call_v(c, SR_MSG), (int)call_u32(c, SR_FLAGS),
	    &e);
	finish(c, &s, r, e);
}

void
sock_ask_sendmmsg(struct call *c)
{
	uint64_t addr = call_v(c, SR_MSG);
	uint32_t n = call_u32(c, SR_VLEN), i, count;
	ssize_t r = 0;
	struct sock s;
	struct out *o;
	int e = 0;

	if (!begin(c, &s, &o))
		return;
	if (n > PIECES)
		n = PIECES;
	for (i = 0; i < n && !c->answered; i++, addr += MSG_STRIDE) {
		r = send_msg(c, &s, o, addr, (int)call_u32(c, SR_FLAGS), &e);
		if (r == -1)
			break;
		count = (uint32_t)r;
		e = call_write(c, addr + MSG_COUNT, &count, sizeof(count));
		if (e != 0) {
			r = -1;
			break;
		}
	}
	finish(c, &s, i > 0 ? (ssize_t)i : r, e);
}
