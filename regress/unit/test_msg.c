/*
 * The check that stands before every handler: what the table says passes, everything
 * else is EPROTO and leaves no descriptor open.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/msg.h"

struct pair {
	struct chan a, b; /* a sends, b receives */
	int raw;	  /* a's descriptor */
};

static void
pair_open(struct pair *p, unsigned int a, unsigned int b)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     sv),
	    0);
	chan_init(&p->a, sv[0], a, b);
	chan_init(&p->b, sv[1], b, a);
	p->raw = sv[0];
}

static void
pair_close(struct pair *p)
{
	chan_close(&p->a);
	chan_close(&p->b);
}

static unsigned int
open_fds(void)
{
	DIR *dp = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dp) != NULL)
		n++;
	closedir(dp);
	return n;
}

static unsigned int
first_bit(unsigned int mask)
{
	return mask & (~mask + 1);
}

/* The lowest process that may send, and one of those that may receive it. */
static void
row_ends(const struct msg_row *r, unsigned int *from, unsigned int *to)
{
	*from = first_bit(r->from);
	*to = first_bit(r->to & ~*from);
}

static void
every_row_as_the_table_says_passes(void **state)
{
	static uint8_t payload[MSG_BODY_MAX], tail[MSG_BODY_MAX];
	int fds[MSG_FDS_MAX] = { 0, 0, 0, 0 };
	unsigned int t, i, from, to;
	const struct msg_row *r;
	struct pair p;
	struct msg m;
	size_t len;

	for (t = 1; t < MSG_MAX; t++) {
		r = msg_row_get((enum msg_type)t);
		row_ends(r, &from, &to);
		pair_open(&p, from, to);
		if ((r->phase & MSG_P_START) == 0)
			p.a.phase = p.b.phase = MSG_P_RUN;
		else
			p.a.phase = p.b.phase = MSG_P_START;
		assert_int_equal(chan_send(&p.a, (enum msg_type)t, 7, 9, payload,
				     tail, r->tail_max, fds, r->fds_max),
		    0);
		assert_int_equal(chan_recv(&p.b, &m), 1);
		assert_int_equal(m.hdr.type, t);
		assert_int_equal(m.hdr.id, 7);
		assert_int_equal(m.hdr.session, 9);
		(void)msg_tail(&m, &len);
		assert_int_equal(len, r->tail_max);
		for (i = 0; i < r->fds_max; i++)
			assert_true(fcntl(m.fd[i], F_GETFD) & FD_CLOEXEC);
		msg_close_fds(&m);
		pair_close(&p);
	}
}

/* What is sent raw is received as EPROTO, with nothing left open. */
static void
expect_eproto(struct pair *p, const void *bytes, size_t len, unsigned int nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 16)];
	} c;
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned int before = open_fds(), i;
	struct cmsghdr *cm;
	int zero = 0;
	struct msg m;

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
	assert_int_equal(sendmsg(p->raw, &mh, 0), (ssize_t)len);
	errno = 0;
	assert_int_equal(chan_recv(&p->b, &m), -1);
	assert_int_equal(errno, EPROTO);
	assert_int_equal(open_fds(), before);
}

struct raw {
	struct msg_hdr hdr;
	uint8_t body[MSG_BODY_MAX + 64];
};

static struct raw raw;

static size_t
raw_set(enum msg_type type, size_t body, unsigned int nfds)
{
	memset(&raw, 0, sizeof(raw));
	raw.hdr.length = (uint32_t)(sizeof(raw.hdr) + body);
	raw.hdr.type = (uint16_t)type;
	raw.hdr.nfds = (uint8_t)nfds;
	return raw.hdr.length;
}

static void
wrong_sizes_are_refused(void **state)
{
	size_t exact = sizeof(struct msg_session_name);
	struct pair p;
	size_t n;

	pair_open(&p, PROC_CONTROL, PROC_MONITOR);
	p.b.phase = MSG_P_RUN;
	expect_eproto(&p, "x", 1, 0);
	expect_eproto(&p, &raw, 15, 0);
	n = raw_set(MSG_SESSION_INFO, exact - 1, 1);
	expect_eproto(&p, &raw, n, 1);
	n = raw_set(MSG_SESSION_INFO, exact + 1, 1);
	expect_eproto(&p, &raw, n, 1);
	n = raw_set(MSG_SESSION_INFO, exact, 1);
	raw.hdr.length++;
	expect_eproto(&p, &raw, n, 1);
	n = raw_set(MSG_SESSION_INFO, exact, 1);
	raw.hdr.length--;
	expect_eproto(&p, &raw, n, 1);
	n = raw_set(MSG_SESSION_CREATE,
	    sizeof(struct msg_session_create) + MSG_TAIL + 1, 1);
	expect_eproto(&p, &raw, n, 1);
	n = raw_set(MSG_SESSION_CREATE, MSG_BODY_MAX + 32, 1);
	expect_eproto(&p, &raw, n, 1);
	pair_close(&p);
}

static void
wrong_types_and_flags_are_refused(void **state)
{
	struct pair p;
	size_t n;

	pair_open(&p, PROC_CONTROL, PROC_MONITOR);
	p.b.phase = MSG_P_RUN;
	n = raw_set(MSG_NONE, 4, 0);
	expect_eproto(&p, &raw, n, 0);
	n = raw_set(MSG_MAX, 4, 0);
	expect_eproto(&p, &raw, n, 0);
	n = raw_set((enum msg_type)0xffff, 4, 0);
	expect_eproto(&p, &raw, n, 0);
	n = raw_set(MSG_SESSION_LIST, 4, 1);
	raw.hdr.flags = 1;
	expect_eproto(&p, &raw, n, 1);
	pair_close(&p);
}

static void
wrong_descriptors_are_refused_and_closed(void **state)
{
	struct pair p;
	unsigned int nfds;
	size_t n;

	pair_open(&p, PROC_CONTROL, PROC_MONITOR);
	p.b.phase = MSG_P_RUN;
	for (nfds = 0; nfds <= 12; nfds++) {
		if (nfds == 1)
			continue;
		n = raw_set(MSG_SESSION_LIST, 4, nfds);
		expect_eproto(&p, &raw, n, nfds);
	}
	/* The header's word and what came must agree. */
	n = raw_set(MSG_SESSION_LIST, 4, 1);
	expect_eproto(&p, &raw, n, 0);
	n = raw_set(MSG_SESSION_LIST, 4, 0);
	expect_eproto(&p, &raw, n, 1);
	pair_close(&p);
}

static void
every_foreign_row_is_refused(void **state)
{
	static const unsigned int peers[] = { PROC_CONTROL, PROC_POLICYD,
		PROC_AUDITD, PROC_TRACER, PROC_ASKER };
	const struct msg_row *r;
	unsigned int t, i;
	struct pair p;
	size_t n;

	for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		for (t = 1; t < MSG_MAX; t++) {
			r = msg_row_get((enum msg_type)t);
			if ((r->from & peers[i]) && (r->to & PROC_MONITOR))
				continue;
			pair_open(&p, peers[i], PROC_MONITOR);
			p.b.phase = (r->phase & MSG_P_RUN) ? MSG_P_RUN :
							     MSG_P_START;
			n = raw_set((enum msg_type)t, r->payload_bytes,
			    r->fds_min);
			expect_eproto(&p, &raw, n, r->fds_min);
			pair_close(&p);
		}
	}
}

static void
phases_are_kept(void **state)
{
	struct msg_status st = { 0, 0 };
	struct msg_none none = { 0 };
	struct pair p;
	struct msg m;
	size_t n;

	pair_open(&p, PROC_POLICYD, PROC_MONITOR);
	/* Before READY nothing of the run. */
	n = raw_set(MSG_POLICY_RESULT, sizeof(st), 0);
	expect_eproto(&p, &raw, n, 0);
	assert_int_equal(chan_send(&p.a, MSG_POLICY_RESULT, 0, 0, &st, NULL, 0,
			     NULL, 0),
	    -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(
	    chan_send(&p.a, MSG_READY, 0, 0, &st, NULL, 0, NULL, 0), 0);
	assert_int_equal(chan_recv(&p.b, &m), 1);
	assert_int_equal(p.b.phase, MSG_P_RUN);
	assert_int_equal(chan_send(&p.a, MSG_POLICY_RESULT, 0, 0, &st, NULL, 0,
			     NULL, 0),
	    0);
	assert_int_equal(chan_recv(&p.b, &m), 1);
	/* A second READY is none. */
	n = raw_set(MSG_READY, sizeof(st), 0);
	expect_eproto(&p, &raw, n, 0);
	assert_int_equal(chan_send(&p.b, MSG_STOP, 0, 0, &none, NULL, 0, NULL,
			     0),
	    0);
	pair_close(&p);
}

static void
a_message_allowed_once_is_refused_twice(void **state)
{
	struct msg_none none = { 0 };
	struct pair p;
	struct msg m;
	size_t n;
	int fd = 0;

	pair_open(&p, PROC_ASKER, PROC_TRACER);
	assert_int_equal(chan_send(&p.a, MSG_ENTRY_LISTENER, 0, 0, &none, NULL,
			     0, &fd, 1),
	    0);
	assert_int_equal(chan_recv(&p.b, &m), 1);
	msg_close_fds(&m);
	n = raw_set(MSG_ENTRY_LISTENER, sizeof(none), 1);
	expect_eproto(&p, &raw, n, 1);
	pair_close(&p);
}

static void
end_of_file_and_nothing_are_told_apart(void **state)
{
	struct pair p;
	struct msg m;

	pair_open(&p, PROC_CONTROL, PROC_MONITOR);
	assert_int_equal(chan_recv(&p.b, &m), -1);
	assert_int_equal(errno, EAGAIN);
	chan_close(&p.a);
	assert_int_equal(chan_recv(&p.b, &m), 0);
	pair_close(&p);
}

static void
strings_of_a_tail_end_inside_it(void **state)
{
	static const char tail[] = "one\0\0three\0cut";
	struct msg_session_create c = { 0 };
	struct pair p;
	struct msg m;
	int fd = 0;

	pair_open(&p, PROC_CONTROL, PROC_MONITOR);
	p.a.phase = p.b.phase = MSG_P_RUN;
	assert_int_equal(chan_send(&p.a, MSG_SESSION_CREATE, 0, 0, &c, tail,
			     sizeof(tail) - 1, &fd, 1),
	    0);
	assert_int_equal(chan_recv(&p.b, &m), 1);
	assert_string_equal(msg_str(&m, 0), "one");
	assert_string_equal(msg_str(&m, 1), "");
	assert_string_equal(msg_str(&m, 2), "three");
	assert_null(msg_str(&m, 3));
	assert_null(msg_str(&m, 4));
	assert_null(msg_str(&m, 4000000000u));
	msg_close_fds(&m);
	pair_close(&p);
}

static void
a_descriptor_is_taken_once(void **state)
{
	struct msg_none none = { 0 };
	unsigned int before = open_fds();
	struct pair p;
	struct msg m;
	int fd = 0;

	pair_open(&p, PROC_CONTROL, PROC_MONITOR);
	p.a.phase = p.b.phase = MSG_P_RUN;
	assert_int_equal(chan_send(&p.a, MSG_SESSION_LIST, 0, 0, &none, NULL, 0,
			     &fd, 1),
	    0);
	assert_int_equal(chan_recv(&p.b, &m), 1);
	fd = msg_take_fd(&m, 0);
	assert_true(fd > 2);
	assert_int_equal(msg_take_fd(&m, 0), -1);
	assert_int_equal(msg_take_fd(&m, 4), -1);
	msg_close_fds(&m);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	pair_close(&p);
	assert_int_equal(open_fds(), before);
}

static void
a_message_that_breaks_the_table_is_not_sent(void **state)
{
	struct msg_session_name name;
	struct pair p;
	struct msg m;

	memset(&name, 0, sizeof(name));
	pair_open(&p, PROC_CONTROL, PROC_MONITOR);
	p.a.phase = MSG_P_RUN;
	/* No descriptor, a tail where there is none, the other's message. */
	assert_int_equal(chan_send(&p.a, MSG_SESSION_INFO, 0, 0, &name, NULL, 0,
			     NULL, 0),
	    -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(chan_send(&p.a, MSG_SESSION_LIST, 0, 0, &name, "x", 1,
			     &p.raw, 1),
	    -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(chan_send(&p.a, MSG_SESSION_ITEM, 0, 0, &name, NULL, 0,
			     NULL, 0),
	    -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(chan_recv(&p.b, &m), -1);
	assert_int_equal(errno, EAGAIN);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_as_the_table_says_passes),
		cmocka_unit_test(wrong_sizes_are_refused),
		cmocka_unit_test(wrong_types_and_flags_are_refused),
		cmocka_unit_test(wrong_descriptors_are_refused_and_closed),
		cmocka_unit_test(every_foreign_row_is_refused),
		cmocka_unit_test(phases_are_kept),
		cmocka_unit_test(a_message_allowed_once_is_refused_twice),
		cmocka_unit_test(end_of_file_and_nothing_are_told_apart),
		cmocka_unit_test(strings_of_a_tail_end_inside_it),
		cmocka_unit_test(a_descriptor_is_taken_once),
		cmocka_unit_test(a_message_that_breaks_the_table_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
