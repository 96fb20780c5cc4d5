/*
 * Any bytes, as one message, on each channel of the house, in both phases: the check
 * accepts only what the table says, and what it accepts is safe to take apart.
 * First byte: which channel; second: phase and number of descriptors; the rest: the
 * message.
 */

#include <sys/socket.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/msg.h"

static const struct {
	unsigned int self, peer;
} channel_tab[] = {
	{ PROC_MONITOR, PROC_CONTROL },
	{ PROC_MONITOR, PROC_POLICYD },
	{ PROC_MONITOR, PROC_AUDITD },
	{ PROC_MONITOR, PROC_TRACER },
	{ PROC_MONITOR, PROC_ASKER },
	{ PROC_CONTROL, PROC_MONITOR },
	{ PROC_POLICYD, PROC_MONITOR },
	{ PROC_AUDITD, PROC_MONITOR },
	{ PROC_TRACER, PROC_MONITOR },
	{ PROC_TRACER, PROC_ASKER },
	{ PROC_ASKER, PROC_MONITOR | PROC_TRACER },
};

#define CHANNELS (sizeof(channel_tab) / sizeof(channel_tab[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
send_raw(int fd, const uint8_t *p, size_t len, unsigned int nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 8)];
	} c;
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;
	unsigned int i;
	int zero = fd;

	if (nfds > 0) {
		memset(&c, 0, sizeof(c));
		mh.msg_control = c.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		for (i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(cm) + i * sizeof(int), &zero,
			    sizeof(zero));
	}
	(void)!sendmsg(fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Everything a handler may do with a message that passed. */
static void
take_apart(struct chan *c, struct msg *m)
{
	const struct msg_row *r = msg_row_get((enum msg_type)m->hdr.type);
	volatile uint8_t sum = 0;
	const uint8_t *p;
	const char *s;
	unsigned int i;
	size_t len, k;

	if (r == NULL || (r->from & c->peer) == 0 || (r->to & c->self) == 0)
		abort();
	p = msg_payload(m);
	for (k = 0; k < r->payload_bytes; k++)
		sum = (uint8_t)(sum + p[k]);
	p = msg_tail(m, &len);
	if (len > r->tail_max)
		abort();
	for (k = 0; k < len; k++)
		sum = (uint8_t)(sum + p[k]);
	for (i = 0; i < 40 && (s = msg_str(m, i)) != NULL; i++)
		sum = (uint8_t)(sum + strlen(s));
	for (i = 0; i < r->fds_min; i++) {
		if (m->fd[i] == -1)
			abort();
	}
	for (i = r->fds_max; i < MSG_FDS_MAX; i++) {
		if (m->fd[i] != -1)
			abort();
	}
	msg_close_fds(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chan c;
	struct msg m;
	int sv[2];

	if (size < 3 || size > MSG_BODY_MAX + 64)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, sv) == -1)
		return 0;
	chan_init(&c, sv[1], channel_tab[data[0] % CHANNELS].self,
	    channel_tab[data[0] % CHANNELS].peer);
	c.phase = (data[1] & 0x80) ? MSG_P_START : MSG_P_RUN;
	send_raw(sv[0], data + 2, size - 2, data[1] & 7);
	/* Twice: what may come once must not come again. */
	send_raw(sv[0], data + 2, size - 2, data[1] & 7);
	while (chan_recv(&c, &m) == 1)
		take_apart(&c, &m);
	close(sv[0]);
	chan_close(&c);
	return 0;
}
