/*
 * The check that stands before every handler, built from MSG_TABLE.  Linked by every
 * process of the house and by the clients of entry.sock.
 *
 * Trusts nothing that is received: not the length, not the type, not the number of
 * descriptors.  Whatever fails is closed here and reported as EPROTO; no
 * byte of it reaches a handler.  Never allocates, never exits.
 */

#include "common/msg.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Room for one descriptor more than any row allows, so that an excess is seen. */
#define FDS_ROOM (MSG_FDS_MAX + 1)

const char *const msg_name[MSG_MAX] = { [MSG_NONE] = "NONE",
#define X(name, from, to, payload, tail, fds, phase) [MSG_##name] = #name,
	MSG_TABLE(X)
#undef X
};

static const struct msg_row msg_row_tab[MSG_MAX] = {
#define X(name, from, to, payload, tail, fds, phase)                    \
	[MSG_##name] = { #name, from, to, sizeof(struct payload), tail, \
		(fds)&0xf, (fds) >> 4, phase },
	MSG_TABLE(X)
#undef X
};

#define X(name, from, to, payload, tail, fds, phase)                           \
	_Static_assert(sizeof(struct payload) % 4 == 0, #name " has padding"); \
	_Static_assert(sizeof(struct payload) + (tail) <= MSG_BODY_MAX,        \
	    #name " is too large");                                            \
	_Static_assert(((fds) >> 4) <= MSG_FDS_MAX, #name " has too many fds");
MSG_TABLE(X)
#undef X
_Static_assert(sizeof(struct msg_hdr) == 16, "the header has 16 bytes");

const struct msg_row *
msg_row_get(enum msg_type type)
{
	if ((unsigned int)type == MSG_NONE || (unsigned int)type >= MSG_MAX)
		return NULL;
	return &msg_row_tab[type];
}

void
chan_init(struct chan *c, int fd, unsigned int self, unsigned int peer)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	/* Only a channel with the monitor at an end has a beginning. */
	c->phase = ((self | peer) & PROC_MONITOR) ? MSG_P_START : MSG_P_RUN;
}

void
chan_close(struct chan *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

/* READY and ENTRY_HELLO end the beginning, for whoever sends and receives. */
static void
chan_advance(struct chan *c, unsigned int type)
{
	if (type == MSG_READY || type == MSG_ENTRY_HELLO)
		c->phase = MSG_P_RUN;
}

static int
chan_was_seen(struct chan *c, unsigned int type)
{
	uint8_t bit = (uint8_t)(1u << (type % 8));
	int seen = (c->seen[type / 8] & bit) != 0;

	c->seen[type / 8] |= bit;
	return seen;
}

static int
msg_check(struct chan *c, const struct msg *m, size_t got, unsigned int nfds)
{
	const struct msg_row *row;
	size_t body;

	if (got < sizeof(m->hdr) || m->hdr.length != got)
		return -1;
	if ((row = msg_row_get(m->hdr.type)) == NULL || m->hdr.flags != 0)
		return -1;
	if ((row->from & c->peer) == 0 || (row->to & c->self) == 0)
		return -1;
	body = got - sizeof(m->hdr);
	if (body < row->payload_bytes ||
	    body > (size_t)row->payload_bytes + row->tail_max)
		return -1;
	if (m->hdr.nfds != nfds || nfds < row->fds_min || nfds > row->fds_max)
		return -1;
	if ((row->phase & c->phase) == 0)
		return -1;
	if (chan_was_seen(c, m->hdr.type) && (row->phase & MSG_ONCE))
		return -1;
	return 0;
}

/* Move the descriptors of mh into fd[]; more than fit are closed and counted. */
static unsigned int
fds_take(struct msghdr *mh, int fd[MSG_FDS_MAX])
{
	struct cmsghdr *cm;
	unsigned int i, n, total = 0;
	int one;

	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned int)((cm->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (i = 0; i < n; i++, total++) {
			memcpy(&one, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(one));
			if (total < MSG_FDS_MAX)
				fd[total] = one;
			else
				close(one);
		}
	}
	return total;
}

int
chan_recv(struct chan *c, struct msg *m)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * FDS_ROOM)];
	} control;
	struct iovec iov[2] = {
		{ .iov_base = &m->hdr, .iov_len = sizeof(m->hdr) },
		{ .iov_base = m->body, .iov_len = sizeof(m->body) },
	};
	struct msghdr mh = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	unsigned int i, nfds;
	ssize_t n;

	for (i = 0; i < MSG_FDS_MAX; i++)
		m->fd[i] = -1;
	memset(&m->hdr, 0, sizeof(m->hdr));
	if ((n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC)) == -1) {
		if (errno == ECONNRESET)
			return 0;
		return -1;
	}
	nfds = fds_take(&mh, m->fd);
	if (n == 0 && nfds == 0)
		return 0;
	/*
	 * MSG_CTRUNC is also what a full descriptor table looks like: the message
	 * is not the one that was sent, so it is no message.
	 */
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    msg_check(c, m, (size_t)n, nfds) == -1) {
		msg_close_fds(m);
		errno = EPROTO;
		return -1;
	}
	chan_advance(c, m->hdr.type);
	return 1;
}

static int
send_check(const struct chan *c, const struct msg_row *row, const void *payload,
    size_t tail_len, unsigned int nfds)
{
	if (row == NULL || payload == NULL || tail_len > row->tail_max)
		return -1;
	if ((row->from & c->self) == 0 || (row->to & c->peer) == 0)
		return -1;
	if (nfds < row->fds_min || nfds > row->fds_max)
		return -1;
	return (row->phase & c->phase) ? 0 : -1;
}

static void
fds_put(struct msghdr *mh, void *buf, size_t size, const int *fds,
    unsigned int nfds)
{
	struct cmsghdr *cm;

	if (nfds == 0)
		return;
	memset(buf, 0, size);
	mh->msg_control = buf;
	mh->msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
	cm = CMSG_FIRSTHDR(mh);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
	memcpy(CMSG_DATA(cm), fds, sizeof(int) * nfds);
}

/* iov_base is not const; nothing is written through it. */
static void *
unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

int
chan_send(struct chan *c, enum msg_type type, uint32_t id, uint32_t session,
    const void *payload, const void *tail, size_t tail_len, const int *fds,
    unsigned int nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
	} control;
	const struct msg_row *row = msg_row_get(type);
	struct msg_hdr hdr;
	struct iovec iov[3];
	struct msghdr mh;
	ssize_t n;
	/* A log line is lost rather than the work delayed. */
	int flags = MSG_NOSIGNAL | (type == MSG_LOG ? MSG_DONTWAIT : 0);

	if (send_check(c, row, payload, tail_len, nfds) == -1) {
		errno = EINVAL;
		return -1;
	}
	memset(&hdr, 0, sizeof(hdr));
	hdr.length = (uint32_t)(sizeof(hdr) + row->payload_bytes + tail_len);
	hdr.type = (uint16_t)type;
	hdr.nfds = (uint8_t)nfds;
	hdr.id = id;
	hdr.session = session;
	memset(&mh, 0, sizeof(mh));
	iov[0] = (struct iovec) { &hdr, sizeof(hdr) };
	iov[1] = (struct iovec) { unconst(payload), row->payload_bytes };
	iov[2] = (struct iovec) { unconst(tail), tail_len };
	mh.msg_iov = iov;
	mh.msg_iovlen = tail_len > 0 ? 3 : 2;
	fds_put(&mh, control.buf, sizeof(control.buf), fds, nfds);
	do {
		n = sendmsg(c->fd, &mh, flags);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	chan_advance(c, type);
	return 0;
}

const void *
msg_payload(const struct msg *m)
{
	return m->body;
}

int
msg_take_fd(struct msg *m, unsigned int i)
{
	int fd;

	if (i >= MSG_FDS_MAX)
		return -1;
	fd = m->fd[i];
	m->fd[i] = -1;
	return fd;
}

void
msg_close_fds(struct msg *m)
{
	unsigned int i;

	for (i = 0; i < MSG_FDS_MAX; i++) {
		if (m->fd[i] != -1)
			close(m->fd[i]);
		m->fd[i] = -1;
	}
}

const void *
msg_tail(const struct msg *m, size_t *len)
{
	const struct msg_row *row = msg_row_get(m->hdr.type);

	*len = 0;
	if (row == NULL)
		return m->body; /* the check lets no such type through */
	*len = m->hdr.length - sizeof(m->hdr) - row->payload_bytes;
	return m->body + row->payload_bytes;
}

const char *
msg_str(const struct msg *m, unsigned int n)
{
	const char *p, *end, *nul;
	size_t len;

	p = msg_tail(m, &len);
	end = p + len;
	for (;; n--) {
		if (p == end ||
		    (nul = memchr(p, '\0', (size_t)(end - p))) == NULL)
			return NULL;
		if (n == 0)
			return p;
		p = nul + 1;
	}
}
