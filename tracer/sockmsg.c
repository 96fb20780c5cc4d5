/*
 * sendto, sendmsg and sendmmsg: see sock.h.  The three are one thing: an address, pieces of
 * payload, control messages.  All of it is copied once, the address judged (sock.c), control
 * messages read one by one (sockname_cmsg), descriptors fetched from the caller and sent as
 * ours, and the message sent on our copy of the socket.
 *
 * Trust: nothing; lengths and counts are bounded before they are used.  Must never send from the
 * caller's memory, pass on a control message that is not in the table, or raise SIGPIPE
 * in this process.  Memory is mapped for a call and unmapped after it.
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
#include "tracer/sock.h"
#include "tracer/task.h"
#include "tracer/tracer.h"

#define PIECES	   1024 /* UIO_MAXIOV */
#define CONTROL	   8192u /* the kernel's own limit is net.core.optmem_max */
#define RIGHTS	   253 /* SCM_MAX_FD */
#define INLINE	   16384u /* payload that needs no mapping of its own */
#define CHUNK	   (256u << 10) /* of a stream */
#define INET_MOST  65535u
#define MSG_STRIDE 64 /* sizeof(struct mmsghdr) */
#define MSG_COUNT  56 /* offset of msg_len in it */

/* One message on its way. */
struct out {
	struct sock_to to;
	size_t pieces, total;
	size_t at, offset; /* what is copied next */
	size_t control_len;
	unsigned int fds;
	struct iovec iov[PIECES];
	char control_in[CONTROL];
	/* What is read is unpadded at its end, what is written is not. */
	_Alignas(struct cmsghdr) char control[CONTROL + sizeof(struct cmsghdr)];
	int fd[RIGHTS];
	char payload[INLINE];
};

static struct out *
out_new(void)
{
	void *p = mmap(NULL, sizeof(struct out), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
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

/* Walk the copied control messages as the kernel does. */
static int
read_control(struct call *c, const struct sock *s, struct out *o, uint64_t addr,
    size_t len)
{
	struct cmsghdr h;
	size_t at = 0;
	int e;

	if (len > CONTROL)
		return ENOBUFS;
	if ((e = call_read(c, addr, o->control_in, len)) != 0)
		return e;
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
read_pieces(struct call *c, struct out *o, uint64_t addr, size_t n)
{
	int e;

	if (n > PIECES)
		return EMSGSIZE;
	if ((e = call_read(c, addr, o->iov, n * sizeof(o->iov[0]))) != 0)
		return e;
	o->pieces = n;
	for (size_t i = 0; i < n; i++) {
		if (o->iov[i].iov_len > SSIZE_MAX)
			return EINVAL;
		/* More than a call ever takes: the kernel cuts there, too. */
		if (o->iov[i].iov_len > INT_MAX - o->total)
			o->iov[i].iov_len = INT_MAX - o->total;
		o->total += o->iov[i].iov_len;
	}
	return 0;
}

/* The next n bytes of payload to buf. */
static int
gather(struct call *c, struct out *o, char *buf, size_t n)
{
	size_t m;
	int e;

	while (n > 0) {
		const struct iovec *v = &o->iov[o->at];

		m = v->iov_len - o->offset;
		if (m > n)
			m = n;
		e = call_read(c, (uint64_t)(uintptr_t)v->iov_base + o->offset,
		    buf, m);
		if (e != 0)
			return e;
		buf += m;
		n -= m;
		o->offset += m;
		if (o->offset == v->iov_len) {
			o->at++;
			o->offset = 0;
		}
	}
	return 0;
}

/* The most bytes that one message may have. */
static size_t
most(const struct sock *s)
{
	socklen_t len = sizeof(int);
	int n;

	if (s->domain == AF_INET || s->domain == AF_INET6)
		return INET_MOST;
	if (getsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &n, &len) == -1 || n < 0)
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

	do
		r = sendmsg(s->fd, &m, flags | MSG_NOSIGNAL);
	while (r == -1 && errno == EINTR && !call_interrupted(c));
	return r;
}

/* Copy and send in pieces of at most cap bytes through buf. */
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
	} while (r > 0 && (size_t)r == n && sent < o->total);
	return sent > 0 ? (ssize_t)sent : r;
}

/*
 * Send what o holds: a stream as far as it goes, anything else in one piece.  Bytes sent, or -1 with
 * errno in *e.
 */
static ssize_t
send_out(struct call *c, const struct sock *s, struct out *o, int flags, int *e)
{
	size_t cap = o->total;
	ssize_t r;
	char *buf;

	if (s->type == SOCK_STREAM && cap > CHUNK)
		cap = CHUNK;
	else if (s->type != SOCK_STREAM && cap > most(s)) {
		*e = EMSGSIZE;
		return -1;
	}
	if (cap <= INLINE)
		return send_through(c, s, o, o->payload, cap, flags, e);
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
 * The whole of one message whose pieces and control were read (e: how that went): judge its address,
 * send, commit its event.  Bytes, or -1 with *e: errno, or -1 when the call has been answered.
 */
static ssize_t
send_judged(struct call *c, struct sock *s, struct out *o, int flags,
    uint64_t name, int name_len, int *e)
{
	ssize_t r;

	if ((*e = sock_to_send(c, s, flags, name, name_len, &o->to)) != 0)
		return -1;
	r = send_out(c, s, o, flags, e);
	if (r == -1 && *e == EPIPE)
		pipe_signal(c, s, flags);
	event_commit(c, r == -1 ? *e : 0);
	sock_to_close(c, &o->to);
	return r;
}

static ssize_t
send_msg(struct call *c, struct sock *s, struct out *o, uint64_t addr,
    int flags, int *e)
{
	struct msghdr m;
	ssize_t r = -1;
	int len;

	o->total = o->at = o->offset = o->control_len = 0;
	if ((*e = call_read(c, addr, &m, sizeof(m))) != 0)
		return -1;
	len = (int)m.msg_namelen;
	if (len > SOCKNAME_ADDR_MAX)
		len = SOCKNAME_ADDR_MAX;
	/* Without one of them there is no address in a message header. */
	if (m.msg_name == NULL || len == 0) {
		m.msg_name = NULL;
		len = 0;
	}
	*e = read_pieces(c, o, (uint64_t)(uintptr_t)m.msg_iov, m.msg_iovlen);
	if (*e == 0 && m.msg_controllen != 0)
		*e = read_control(c, s, o, (uint64_t)(uintptr_t)m.msg_control,
		    m.msg_controllen);
	if (*e == 0)
		r = send_judged(c, s, o, flags, (uint64_t)(uintptr_t)m.msg_name,
		    len, e);
	close_fds(o);
	return r;
}

/* ---- the questions ---- */

/* The socket and room for a message.  true, else the call has been answered. */
static bool
begin(struct call *c, struct sock *s, struct out **o)
{
	if (!sock_get(c, s))
		return false;
	if ((*o = out_new()) != NULL)
		return true;
	close(s->fd);
	answer_errno(c, ENOBUFS);
	return false;
}

static void
finish(struct call *c, struct sock *s, struct out *o, ssize_t r, int e)
{
	munmap(o, sizeof(*o));
	close(s->fd);
	/* e is -1 when it has been answered, and an answer is given once. */
	answer_result(c, (long)r, e);
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
	o->iov[0].iov_base = (void *)(uintptr_t)call_v(c, SR_BUF);
	o->iov[0].iov_len = call_v(c, SR_SIZE) > INT_MAX ? INT_MAX :
							   call_v(c, SR_SIZE);
	o->pieces = 1;
	o->total = o->iov[0].iov_len;
	r = send_judged(c, &s, o, (int)call_u32(c, SR_FLAGS),
	    call_v(c, SR_ADDR), call_int(c, SR_ADDRLEN), &e);
	finish(c, &s, o, r, e);
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
	finish(c, &s, o, r, e);
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
	finish(c, &s, o, i > 0 ? (ssize_t)i : r, e);
}
