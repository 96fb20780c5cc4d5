/*
 * agentsh-auditd as the monitor runs it, confined and with its seccomp list
 * killing: it wakes for an event, answers questions, survives being killed, and
 * sleeps when nothing happens.  Needs root to become another uid.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "common/msg.h"
#include "common/ring.h"

#define TEST_UID 64321
#define KEY	 "0123456789abcdef0123456789abcdef\n"

static char dir[] = "/tmp/agentsh-test-auditd-XXXXXX";

struct daemon {
	pid_t pid;
	struct chan chan;
};

static void
child(int sock, int null)
{
	/*
	 * start() opened null first, so that no socket is 3 and stays
	 * close-on-exec
	 */
	if (dup2(null, 0) == -1 || dup2(null, 1) == -1 || dup2(sock, 3) == -1)
		_exit(126);
	execl(AUDITD, "agentsh-auditd", "events.db", (char *)NULL);
	_exit(127);
}

static int
next_message(struct daemon *d, struct msg *m)
{
	struct pollfd p = { d->chan.fd, POLLIN, 0 };

	for (;;) {
		if (poll(&p, 1, 10000) != 1 || chan_recv(&d->chan, m) != 1)
			return MSG_NONE;
		if (m->hdr.type != MSG_LOG)
			return m->hdr.type;
	}
}

static void
start(struct daemon *d, int key)
{
	struct msg_hello h = { .uid = TEST_UID,
		.gid = TEST_UID,
		.log_level = 6,
		.sandbox_kill = 1 };
	struct msg m;
	int sv[2], fds[2], null = open("/dev/null", O_RDWR);

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			     sv),
	    0);
	d->pid = fork();
	assert_int_not_equal(d->pid, -1);
	if (d->pid == 0)
		child(sv[1], null);
	close(sv[1]);
	close(null);
	chan_init(&d->chan, sv[0], PROC_MONITOR, PROC_AUDITD);
	fds[0] = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fds[1] = key;
	assert_int_equal(chan_send(&d->chan, MSG_HELLO, 0, 0, &h, NULL, 0, fds,
			     key == -1 ? 1 : 2),
	    0);
	close(fds[0]);
	assert_int_equal(next_message(d, &m), MSG_READY);
	d->chan.phase = MSG_P_RUN;
}

static void
attach(struct daemon *d, struct ring *r, int ring_fd)
{
	struct msg_audit_attach at = { 1000, 1 };
	int sv[2], fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			     sv),
	    0);
	fds[0] = ring_fd;
	fds[1] = sv[1];
	assert_int_equal(chan_send(&d->chan, MSG_AUDIT_ATTACH, 0, 5, &at,
			     "session-x", 10, fds, 2),
	    0);
	close(sv[1]);
	ring_set_wake(r, sv[0]);
}

static int
question(struct daemon *d, uint32_t what)
{
	struct msg_event_query q = { .what = what, .limit = 5000 };
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(chan_send(&d->chan, MSG_EVENT_QUERY, 1, 0, &q, "\0", 2,
			     &p[1], 1),
	    0);
	close(p[1]);
	return p[0];
}

/* All of an answer; the reader waits ten seconds at most for each part. */
static void
answer(int fd, char *out, size_t size)
{
	struct pollfd p = { fd, POLLIN, 0 };
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && poll(&p, 1, 10000) == 1 &&
	    (n = read(fd, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fd);
}

static void
put(struct ring *r, int n)
{
	struct evrec e;

	memset(&e, 0, sizeof(e));
	e.fix.type = EV_FILE;
	e.fix.decision = DEC_DENY;
	e.fix.layer = LAYER_TRACER;
	e.fix.value = n;
	e.fix.time_ns = 1;
	evrec_set(&e, EVS_PATH, "/etc/shadow", 11);
	assert_int_equal(ring_put(r, &e), 0);
}

static long
switches(pid_t pid)
{
	char path[64], line[256];
	long n = -1;
	FILE *fp;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fp = fopen(path, "r");
	assert_non_null(fp);
	while (fgets(line, sizeof(line), fp) != NULL)
		(void)sscanf(line, "voluntary_ctxt_switches: %ld", &n);
	fclose(fp);
	return n;
}

static int
count(const char *s, const char *what)
{
	int n = 0;

	for (; (s = strstr(s, what)) != NULL; s++)
		n++;
	return n;
}

static void
auditd_serves_dies_and_serves_again(void **state)
{
	static char out[1 << 20];
	struct timespec quiet = { 0, 400000000 };
	struct pollfd p = { .events = POLLIN };
	struct msg_none none = { 0 };
	struct daemon d;
	struct ring r;
	struct msg m;
	int ring_fd, tail, status, key, i;
	long before;

	(void)state;
	key = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(write(key, KEY, sizeof(KEY) - 1), sizeof(KEY) - 1);
	lseek(key, 0, SEEK_SET);
	ring_fd = ring_create(1024);
	assert_int_equal(ring_map(&r, ring_fd, -1), 0);
	start(&d, key);
	attach(&d, &r, ring_fd);
	/* asleep: an event alone must wake it */
	tail = question(&d, EVQ_TAIL);
	nanosleep(&quiet, NULL);
	put(&r, 0);
	p.fd = tail;
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(read(tail, out, sizeof(out)) > 0);
	assert_non_null(strstr(out, "/etc/shadow"));
	close(tail);
	nanosleep(&quiet, NULL);
	before = switches(d.pid);
	nanosleep(&quiet, NULL);
	assert_int_equal(switches(d.pid), before);
	for (i = 1; i < 300; i++)
		put(&r, i);
	answer(question(&d, EVQ_QUERY), out, sizeof(out));
	assert_int_equal(count(out, "\"id\":\"ev-"), 300);
	for (; i < 500; i++)
		put(&r, i);
	kill(d.pid, SIGKILL);
	waitpid(d.pid, &status, 0);
	chan_close(&d.chan);
	for (; i < 600; i++)
		put(&r, i);
	lseek(key, 0, SEEK_SET);
	start(&d, key);
	attach(&d, &r, ring_fd);
	answer(question(&d, EVQ_QUERY), out, sizeof(out));
	assert_int_equal(count(out, "\"id\":\"ev-"), 600);
	answer(question(&d, EVQ_VERIFY), out, sizeof(out));
	assert_non_null(strstr(out, "{\"ok\":true,\"entries\":600"));
	assert_non_null(strstr(out, "hmac-sha256"));
	put(&r, i);
	assert_int_equal(chan_send(&d.chan, MSG_AUDIT_DETACH, 0, 5, &none, NULL,
			     0, NULL, 0),
	    0);
	assert_int_equal(next_message(&d, &m), MSG_AUDIT_DRAINED);
	assert_int_equal(m.hdr.session, 5);
	answer(question(&d, EVQ_STATS), out, sizeof(out));
	assert_non_null(strstr(out, "\"last\":601"));
	assert_non_null(strstr(out, "\"rings\":0"));
	assert_int_equal(chan_send(&d.chan, MSG_STOP, 0, 0, &none, NULL, 0,
			     NULL, 0),
	    0);
	waitpid(d.pid, &status, 0);
	assert_int_equal(status, 0);
	chan_close(&d.chan);
	ring_unmap(&r);
	close(ring_fd);
	close(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auditd_serves_dies_and_serves_again),
	};
	char cmd[128];
	int r;

	if (geteuid() != 0) {
		printf("needs root to become another uid\n");
		return 77;
	}
	if (mkdtemp(dir) == NULL || chown(dir, TEST_UID, TEST_UID) == -1)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	return system(cmd) == 0 ? r : 1;
}
