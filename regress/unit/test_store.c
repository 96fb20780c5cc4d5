/*
 * The audit trail from ring to database and back: nothing acknowledged is lost
 * or stored twice whoever is killed, a full disk only delays, a changed row is
 * found, and questions get what they ask for.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "auditd/drain.h"
#include "auditd/query.h"

#define KEY "0123456789abcdef0123456789abcdef"

static char dir[] = "/tmp/agentsh-test-store-XXXXXX", db[128];

static void
remove_db(void)
{
	char path[160];

	unlink(db);
	snprintf(path, sizeof(path), "%s-wal", db);
	unlink(path);
	snprintf(path, sizeof(path), "%s-shm", db);
	unlink(path);
}

static int
setup(void **state)
{
	(void)state;
	remove_db();
	return 0;
}

static void
event(struct evrec *e, uint32_t pid, const char *path, int allowed)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	memset(e, 0, sizeof(*e));
	e->fix.type = EV_FILE;
	e->fix.op = allowed ? FOP_READ : FOP_WRITE;
	e->fix.allowed = (uint8_t)allowed;
	e->fix.decision = allowed ? DEC_ALLOW : DEC_DENY;
	e->fix.layer = LAYER_TRACER;
	e->fix.error = allowed ? 0 : EACCES;
	e->fix.pid = e->fix.tid = pid;
	e->fix.ppid = 1;
	e->fix.command = 3;
	e->fix.rule_line = 12;
	e->fix.syscall = 257;
	e->fix.time_ns = (uint64_t)ts.tv_sec * 1000000000 +
	    (uint64_t)ts.tv_nsec;
	memcpy(e->fix.comm, "sh", 2);
	evrec_set(e, EVS_RULE, "some-rule", 9);
	evrec_set(e, EVS_EXE, "/bin/sh", 7);
	evrec_set(e, EVS_PATH, path, strlen(path));
}

static void
put(struct ring *r, struct evrec *e)
{
	assert_int_equal(ring_put(r, e), 0);
}

/* One number from the database, which nobody else has open. */
static int64_t
number(const char *sql)
{
	sqlite3 *c;
	sqlite3_stmt *st;
	int64_t n = -1;

	assert_int_equal(sqlite3_open(db, &c), SQLITE_OK);
	if (sqlite3_prepare_v2(c, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(c));
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(c);
	return n;
}

static void
change(const char *sql)
{
	sqlite3 *c;

	assert_int_equal(sqlite3_open(db, &c), SQLITE_OK);
	assert_int_equal(sqlite3_exec(c, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(c);
}

static int
verify(const char *key, size_t len, char *out, size_t size)
{
	struct jbuf b = { 0 };
	struct store s;
	int r;

	out[0] = '\0';
	if (store_open(&s, db, key, len) == -1) {
		snprintf(out, size, "%s", s.text);
		return -1;
	}
	r = query_verify(&s, &b);
	snprintf(out, size, "%s", b.p == NULL ? "" : b.p);
	jbuf_free(&b);
	store_close(&s);
	return r;
}

static void
expect_intact(void)
{
	char out[512];

	if (verify(NULL, 0, out, sizeof(out)) != 0)
		fail_msg("%s", out);
}

static void
attach_new(struct audit *a, struct ring *r, uint32_t number, const char *id,
    uint32_t uid)
{
	int fd = ring_create(1024);

	assert_int_not_equal(fd, -1);
	assert_int_equal(ring_map(r, fd, -1), 0);
	assert_int_equal(audit_attach(a, number, id, uid, fd, -1), 0);
	close(fd);
}

/* ---- into the database and out ---- */

static void
records_are_stored_with_all_they_say(void **state)
{
	struct audit a;
	struct evrec e;
	struct ring r;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	attach_new(&a, &r, 1, "session-a", 1000);
	event(&e, 77, "/etc/passwd", 0);
	e.fix.syscall = -5;
	e.fix.value = INT64_MIN;
	put(&r, &e);
	event(&e, 78, "/bin/ls", 1);
	put(&r, &e);
	put(&r, &e);
	assert_int_equal(audit_drain(&a), 2);
	assert_int_equal(audit_drain(&a), 0);
	audit_close(&a);
	ring_unmap(&r);
	expect_intact();
	assert_int_equal(number("SELECT count(*) FROM records"), 2);
	assert_int_equal(number("SELECT syscall FROM records WHERE id = 1"),
	    -5);
	assert_int_equal(number("SELECT count FROM records WHERE id = 2"), 2);
	assert_int_equal(
	    number(
		"SELECT count(*) FROM events WHERE"
		" session_id = 'session-a' AND type = 'file_write' AND"
		" policy_decision = 'deny' AND effective_decision = 'deny' AND"
		" policy_rule = 'some-rule' AND path = '/etc/passwd' AND pid = 77"
		" AND operation = 'write' AND command_id = 'cmd-3' AND"
		" json_extract(payload_json, '$.policy.rule') = 'some-rule' AND"
		" json_extract(payload_json, '$.effective_action') = 'blocked' AND"
		" json_extract(integrity_json, '$.sequence') = 1"),
	    1);
}

static void
rubbish_records_are_counted_not_stored(void **state)
{
	struct audit a;
	struct evrec e;
	struct ring r;
	uint8_t *mem;
	int fd;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	fd = ring_create(128);
	assert_int_equal(ring_map(&r, fd, -1), 0);
	assert_int_equal(audit_attach(&a, 1, "s", 0, fd, -1), 0);
	mem = mmap(NULL, 4096 + 128 * RING_SLOT, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	event(&e, 1, "/a", 0);
	put(&r, &e);
	put(&r, &e);
	mem[4096 + RING_SLOT_HEAD + 24] = 0xff; /* type of the first */
	assert_int_equal(audit_drain(&a), 2);
	audit_close(&a);
	ring_unmap(&r);
	munmap(mem, 4096 + 128 * RING_SLOT);
	close(fd);
	expect_intact();
	assert_int_equal(number("SELECT count(*) FROM events WHERE"
				" type = 'file_write'"),
	    1);
	assert_int_equal(
	    number("SELECT value FROM records r JOIN event_types t"
		   " ON t.type = r.type WHERE t.name = 'records_unreadable'"),
	    1);
}

static void
dropped_allows_are_said_once(void **state)
{
	struct audit a;
	struct ring r;
	int i;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	attach_new(&a, &r, 1, "s", 0);
	assert_int_equal(audit_drain(&a), 0);
	for (i = 0; i < 3; i++)
		ring_drop(&r);
	assert_int_equal(audit_drain(&a), 0);
	assert_int_equal(audit_drain(&a), 0);
	audit_close(&a);
	ring_unmap(&r);
	assert_int_equal(number("SELECT sum(value) FROM records"), 3);
	assert_int_equal(number("SELECT count(*) FROM events WHERE"
				" type = 'events_dropped'"),
	    1);
	expect_intact();
}

/*
 * A session's id comes from its ring; only the monitor's ring may name another.
 */
static void
session_is_the_rings_not_the_records(void **state)
{
	struct ring r[2];
	struct audit a;
	struct evrec e;
	int i;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	attach_new(&a, &r[0], 0, "", 0);
	attach_new(&a, &r[1], 1, "mine", 1000);
	for (i = 0; i < 2; i++) {
		event(&e, 5, "/x", 0);
		e.fix.uid = 1001;
		evrec_set(&e, EVS_SESSION, "other", 5);
		put(&r[i], &e);
	}
	assert_int_equal(audit_drain(&a), 2);
	audit_close(&a);
	for (i = 0; i < 2; i++)
		ring_unmap(&r[i]);
	expect_intact();
	assert_int_equal(number("SELECT owner FROM sessions"
				" WHERE session_id = 'other'"),
	    1001);
	assert_int_equal(number("SELECT count(*) FROM events"
				" WHERE session_id = 'mine'"),
	    1);
}

static uint32_t drained_number;

static void
on_drained(uint32_t n, void *arg)
{
	(void)arg;
	drained_number = n;
}

static void
dead_producers_ring_is_drained_then_closed(void **state)
{
	struct audit a;
	struct evrec e;
	struct ring r;
	int i;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, on_drained, NULL), 0);
	attach_new(&a, &r, 9, "s", 0);
	for (i = 0; i < 100; i++) {
		event(&e, 1, "/x", 0);
		put(&r, &e);
	}
	ring_unmap(&r);
	audit_detach(&a, 9);
	assert_int_equal(audit_drain(&a), 100);
	assert_int_equal(drained_number, 9);
	assert_true(TAILQ_EMPTY(&a.rings));
	audit_close(&a);
	assert_int_equal(number("SELECT count(*) FROM rings"), 0);
}

/* ---- deaths ---- */

#define THREADS 8
#define EACH	4000

static void *
produce(void *arg)
{
	static _Atomic uint32_t names;
	uint32_t me = names++, i;
	struct ring *r = arg;
	struct evrec e;
	char path[64];

	for (i = 0; i < EACH; i++) {
		snprintf(path, sizeof(path), "/f/%u/%u", me, i);
		event(&e, 100 + me, path, 0);
		e.fix.value = i;
		while (ring_put(r, &e) == EAGAIN)
			(void)ring_wait(r, 1000);
		event(&e, 200 + me, "/same", 1);
		while (ring_put(r, &e) == EAGAIN)
			(void)ring_wait(r, 1000);
	}
	return NULL;
}

static void
producer_process(int fd)
{
	pthread_t t[THREADS];
	struct ring r;
	int i;

	if (ring_map(&r, fd, -1) == -1)
		_exit(1);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, produce, &r) != 0)
			_exit(1);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

static void
consumer_process(int fd)
{
	struct timespec ts = { 0, 1000000 };
	struct audit a;
	int n;

	if (audit_open(&a, db, NULL, 0, NULL, NULL) == -1 ||
	    audit_attach(&a, 1, "s", 0, fd, -1) == -1)
		_exit(1);
	for (;;) {
		if ((n = audit_drain(&a)) == -1)
			_exit(2);
		if (n == 0)
			nanosleep(&ts, NULL);
	}
}

static pid_t
start(void (*fn)(int), int fd)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		fn(fd);
	return pid;
}

static void
killed_consumer_loses_and_doubles_nothing(void **state)
{
	struct timespec ts = { 0, 0 };
	pid_t producer, consumer;
	struct audit a;
	int fd, n, status, kills = 0;

	(void)state;
	fd = ring_create(1024);
	producer = start(producer_process, fd);
	do {
		consumer = start(consumer_process, fd);
		ts.tv_nsec = 15000000 + (kills * 7919 % 40) * 1000000;
		nanosleep(&ts, NULL);
		kill(consumer, SIGKILL);
		assert_int_equal(waitpid(consumer, &status, 0), consumer);
		assert_true(WIFSIGNALED(status));
		kills++;
	} while (waitpid(producer, &status, WNOHANG) == 0 && kills < 2000);
	assert_int_equal(status, 0);
	assert_true(kills >= 3);
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	assert_int_equal(audit_attach(&a, 1, "s", 0, fd, -1), 0);
	audit_detach(&a, 1);
	while ((n = audit_drain(&a)) > 0)
		;
	assert_int_equal(n, 0);
	audit_close(&a);
	close(fd);
	expect_intact();
	assert_int_equal(number(
			     "SELECT count(*) FROM records WHERE allowed = 0"),
	    THREADS * EACH);
	assert_int_equal(number("SELECT count(*) FROM (SELECT DISTINCT pid,"
				" value FROM records WHERE allowed = 0)"),
	    THREADS * EACH);
	assert_int_equal(number("SELECT sum(count) FROM records WHERE"
				" allowed = 1 AND pid >= 200"),
	    THREADS * EACH);
	assert_int_equal(number("SELECT count(*) FROM events WHERE"
				" type = 'records_unreadable'"),
	    0);
}

/* Killed between COMMIT and the move of the tail: the database knows better. */
static void
commit_without_ack_is_not_read_again(void **state)
{
	struct audit a;
	struct evrec e;
	struct ring r;
	uint64_t *tail;
	uint8_t *mem;
	int fd, i, again;

	(void)state;
	fd = ring_create(1024);
	assert_int_equal(ring_map(&r, fd, -1), 0);
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	tail = (uint64_t *)(void *)(mem + 128);
	for (again = 0; again < 3; again++) {
		assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
		assert_int_equal(audit_attach(&a, 1, "s", 0, fd, -1), 0);
		for (i = 0; i < 100; i++) {
			event(&e, 1, "/x", 0);
			put(&r, &e);
		}
		assert_int_equal(audit_drain(&a), 100);
		assert_int_equal(*tail, (again + 1) * 100);
		*tail = 0;
		audit_close(&a);
	}
	assert_int_equal(number("SELECT count(*) FROM records"), 300);
	ring_unmap(&r);
	munmap(mem, 4096);
	close(fd);
}

static void
killed_producer_costs_no_record(void **state)
{
	struct timespec ts = { 0, 5000000 };
	struct pollfd begun = { .events = POLLIN };
	struct audit a;
	struct evrec e;
	pid_t pid;
	int fd, i, n, status, done = 0;
	int p[2];

	(void)state;
	fd = ring_create(RING_SLOTS_DEFAULT);
	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct ring r;

		if (ring_map(&r, fd, -1) == -1)
			_exit(1);
		for (i = 0;; i++) {
			event(&e, 1, "/x", 0);
			e.fix.value = i;
			if (ring_put(&r, &e) != 0)
				pause();
			if (write(p[1], &i, sizeof(i)) != sizeof(i))
				_exit(1);
		}
	}
	begun.fd = p[0];
	assert_int_equal(poll(&begun, 1, 60000), 1);
	nanosleep(&ts, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(p[1]);
	while (read(p[0], &i, sizeof(i)) == sizeof(i))
		done = i + 1;
	close(p[0]);
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	assert_int_equal(audit_attach(&a, 1, "s", 0, fd, -1), 0);
	audit_detach(&a, 1);
	while ((n = audit_drain(&a)) > 0)
		;
	audit_close(&a);
	close(fd);
	assert_true(done > 0);
	assert_true(
	    number("SELECT count(*) FROM records WHERE allowed = 0") >= done);
	expect_intact();
}

/* A captured tracer: rubbish into every word of its ring as fast as it can. */
static void
scribbler_process(int fd)
{
	uint64_t x = 88172645463325252u, *w;
	size_t i, n = (4096 + 1024 * RING_SLOT) / 8;

	w = mmap(NULL, n * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (w == MAP_FAILED)
		_exit(1);
	for (;;) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		i = x % n;
		/* half of the time a state word that could be true */
		if (x >> 40 & 1)
			w[512 + (i & 1023) * 32] = w[16] << 16 |
			    (x >> 50 & 0x3f) << 8 | 2;
		else
			w[i] = x;
	}
}

static void
hostile_ring_holds_up_no_other(void **state)
{
	uint64_t begun, worst = 0;
	struct audit a;
	struct evrec e;
	struct ring r;
	int fd, i, n, status, made = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	fd = ring_create(1024);
	assert_int_equal(audit_attach(&a, 1, "hostile", 1001, fd, -1), 0);
	attach_new(&a, &r, 2, "innocent", 1000);
	pid = start(scribbler_process, fd);
	for (i = 0; i < 200; i++) {
		for (n = 0; n < 10; n++) {
			event(&e, 7, "/mine", 0);
			e.fix.value = made++;
			put(&r, &e);
		}
		begun = audit_now();
		assert_true(audit_drain(&a) >= 0);
		if (audit_now() - begun > worst)
			worst = audit_now() - begun;
		(void)audit_sleep(&a);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	audit_detach(&a, 1);
	for (n = 1, i = 0; n > 0 && i < 100; i++)
		n = audit_drain(&a);
	assert_int_equal(n, 0);
	audit_close(&a);
	ring_unmap(&r);
	close(fd);
	assert_true(worst < UINT64_C(2000000000));
	expect_intact();
	assert_int_equal(number(
			     "SELECT count(DISTINCT value) FROM records r"
			     " JOIN sessions s ON s.num = r.session WHERE"
			     " s.session_id = 'innocent' AND r.path = '/mine'"),
	    made);
	assert_int_equal(
	    number("SELECT count(*) FROM records r JOIN sessions s"
		   " ON s.num = r.session WHERE s.session_id = 'innocent'"),
	    made);
}

/* ---- a full disk ---- */

static int
full_disk_child(const char *mnt)
{
	char path[160], out[512];
	struct audit a;
	struct evrec e;
	struct ring r;
	int fd, n, made = 0, stored, tries;

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", mnt, "tmpfs", 0, "size=1m") == -1)
		return 77;
	snprintf(db, sizeof(db), "%s/x.db", mnt);
	snprintf(path, sizeof(path), "%s", db);
	fd = ring_create(1u << 15);
	if (audit_open(&a, path, NULL, 0, NULL, NULL) == -1 ||
	    ring_map(&r, fd, -1) == -1 ||
	    audit_attach(&a, 1, "s", 0, fd, -1) == -1)
		return 1;
	do {
		event(&e, 1, "/some/path/of/usual/length", 0);
		e.fix.value = made++;
		if (ring_put(&r, &e) != 0)
			return 2;
		n = made % 100 == 0 ? audit_drain(&a) : 0;
	} while (n >= 0 && made < 20000);
	if (n != -1 || a.error != ENOSPC)
		return 3;
	stored = (int)a.committed;
	if (ring_used(&r) != (uint32_t)(made - stored))
		return 4; /* acknowledged more or less than committed */
	/* not before its time, and then still full */
	if (audit_drain(&a) != -1)
		return 5;
	a.retry_ns = 1;
	if (audit_drain(&a) != -1 || a.error != ENOSPC || a.backoff_ns == 0)
		return 6;
	if (mount(NULL, mnt, NULL, MS_REMOUNT, "size=64m") == -1)
		return 7;
	a.retry_ns = 1;
	for (tries = 0; tries < 100 && (n = audit_drain(&a)) > 0; tries++)
		;
	if (n != 0 || a.error != 0 || ring_used(&r) != 0)
		return 8;
	audit_close(&a);
	if (verify(NULL, 0, out, sizeof(out)) != 0)
		return 9;
	if (number("SELECT count(DISTINCT value) FROM records") != made ||
	    number("SELECT count(*) FROM records") != made)
		return 10;
	return 0;
}

static void
full_disk_delays_and_loses_nothing(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0) {
		print_message("needs root to mount a small tmpfs\n");
		skip();
	}
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(full_disk_child(dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("no private mount namespace here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- tampering ---- */

static void
make_trail(const char *key, size_t len, int n)
{
	struct audit a;
	struct evrec e;
	struct ring r;
	char path[32];
	int i;

	remove_db();
	assert_int_equal(audit_open(&a, db, key, len, NULL, NULL), 0);
	attach_new(&a, &r, 1, "session-a", 1000);
	for (i = 1; i <= n; i++) {
		snprintf(path, sizeof(path), "/file-%d", i);
		event(&e, 10, path, i % 2);
		if (i == 4) {
			e.fix.type = EV_NET;
			e.fix.op = NOP_CONNECT;
			e.fix.family = AF_INET;
			e.fix.port = 443;
			e.fix.addr[10] = e.fix.addr[11] = 0xff;
			e.fix.addr[12] = 192;
			e.fix.addr[15] = 9;
		}
		evrec_set(&e, EVS_PATH2, "a\0b", 3);
		put(&r, &e);
	}
	assert_int_equal(audit_drain(&a), n);
	audit_close(&a);
	ring_unmap(&r);
}

static void
every_changed_column_is_found(void **state)
{
	static const struct {
		const char *sql;
		int at;
	} tab[] = {
		{ "UPDATE records SET path = '/innocent' WHERE id = 5", 5 },
		{ "UPDATE records SET allowed = 1 WHERE id = 6", 6 },
		{ "UPDATE records SET decision = 0 WHERE id = 6", 6 },
		{ "UPDATE records SET pid = pid + 4294967296 WHERE id = 3", 3 },
		{ "UPDATE records SET pid = 11 WHERE id = 3", 3 },
		{ "UPDATE records SET time_ns = time_ns + 1 WHERE id = 1", 1 },
		{ "UPDATE records SET count = 2 WHERE id = 1", 1 },
		{ "UPDATE records SET span_ns = 2 WHERE id = 1", 1 },
		{ "UPDATE records SET message = 'x' WHERE id = 2", 2 },
		{ "UPDATE records SET rule = NULL WHERE id = 2", 2 },
		{ "UPDATE records SET path2 = 'ab' WHERE id = 2", 2 },
		{ "UPDATE records SET remote = '192.0.0.8:443' WHERE id = 4",
		    4 },
		{ "UPDATE records SET comm = CAST('ls' AS BLOB) WHERE id = 8",
		    8 },
		{ "UPDATE records SET comm = 'sh' WHERE id = 8", 8 },
		{ "UPDATE records SET hash = zeroblob(32) WHERE id = 8", 8 },
		{ "UPDATE sessions SET session_id = 'session-b'", 1 },
		{ "UPDATE sessions SET owner = 1001", 1 },
		{ "DELETE FROM records WHERE id = 7", 7 },
		{ "DELETE FROM records WHERE id = 10", 10 },
		{ "DELETE FROM records WHERE id = 1", 1 },
		{ "DELETE FROM records", 1 },
		{ "UPDATE records SET id = 99 WHERE id = 3;"
		  "UPDATE records SET id = 3 WHERE id = 5;"
		  "UPDATE records SET id = 5 WHERE id = 99",
		    3 },
	};
	char out[512], want[32];
	size_t i;
	int keyed;

	(void)state;
	for (keyed = 0; keyed < 2; keyed++) {
		for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
			make_trail(KEY, keyed ? 32 : 0, 10);
			assert_int_equal(verify(KEY, keyed ? 32 : 0, out,
					     sizeof(out)),
			    0);
			change(tab[i].sql);
			if (verify(KEY, keyed ? 32 : 0, out, sizeof(out)) != 1)
				fail_msg("not found: %s: %s", tab[i].sql, out);
			snprintf(want, sizeof(want), "\"broken_at\":%d,",
			    tab[i].at);
			if (strstr(out, want) == NULL)
				fail_msg("%s: %s", tab[i].sql, out);
		}
	}
}

static void
moved_end_or_other_key_is_refused(void **state)
{
	char out[512];

	(void)state;
	make_trail(KEY, 32, 10);
	assert_int_equal(verify("another key of thirty-two bytes!", 32, out,
			     sizeof(out)),
	    -1);
	assert_int_equal(verify(NULL, 0, out, sizeof(out)), -1);
	/* cut off the end and say the chain ended there */
	change("DELETE FROM records WHERE id > 8;"
	       "UPDATE chain SET id = 8, hash = (SELECT hash FROM records"
	       " WHERE id = 8) WHERE what = 'head'");
	assert_int_equal(verify(KEY, 32, out, sizeof(out)), -1);
	make_trail(KEY, 32, 10);
	/* cut off the beginning and put an anchor of one's own making */
	change("DELETE FROM records WHERE id <= 3; INSERT INTO chain"
	       " SELECT 'anchor', 3, hash, seal, 1 FROM chain");
	assert_int_equal(verify(KEY, 32, out, sizeof(out)), -1);
}

static void
rows_behind_the_head_are_refused(void **state)
{
	char out[512];

	(void)state;
	make_trail(NULL, 0, 10);
	change("DELETE FROM chain");
	assert_int_equal(verify(NULL, 0, out, sizeof(out)), -1);
	make_trail(NULL, 0, 10);
	change("CREATE TEMP TABLE t AS SELECT * FROM records WHERE id = 10;"
	       "UPDATE t SET id = 11; INSERT INTO records SELECT * FROM t");
	assert_int_equal(verify(NULL, 0, out, sizeof(out)), -1);
	assert_true(store_is_trail(db));
	change("PRAGMA user_version = 0");
	assert_false(store_is_trail(db));
	assert_false(store_is_trail("/etc/passwd"));
	assert_false(store_is_trail("/nonexistent/file.test"));
}

/* Rows go by age while a verification is under way: that is no break. */
static void
verify_follows_retention(void **state)
{
	struct msg_event_query q = { .what = EVQ_VERIFY };
	char out[512];
	struct audit a;
	ssize_t n;
	int keep, i;

	(void)state;
	for (i = 4; i <= 10; i += 6) {
		make_trail(KEY, 32, 10);
		change("UPDATE marks SET committed_ns = 1000");
		assert_int_equal(audit_open(&a, db, KEY, 32, NULL, NULL), 0);
		keep = memfd_create("answer", MFD_CLOEXEC);
		assert_int_equal(stream_start(&a, &q, NULL, NULL, dup(keep)),
		    0);
		assert_int_equal(store_retain(&a.store, 2000, i), i);
		while (stream_step(&a, TAILQ_FIRST(&a.streams)) != STREAM_DONE)
			;
		n = pread(keep, out, sizeof(out) - 1, 0);
		assert_true(n > 0);
		out[n] = '\0';
		if (strstr(out, "\"ok\":true") == NULL)
			fail_msg("%s", out);
		close(keep);
		audit_close(&a);
	}
}

static void
one_user_cannot_take_all_streams(void **state)
{
	struct msg_event_query q = { .what = EVQ_TAIL, .uid = 1000 };
	struct audit a;
	int fd = memfd_create("x", MFD_CLOEXEC), i;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	for (i = 0; i < STREAM_UID_MAX; i++)
		assert_int_equal(stream_start(&a, &q, NULL, NULL, dup(fd)), 0);
	assert_int_equal(stream_start(&a, &q, NULL, NULL, fd), -1);
	assert_int_equal(errno, EAGAIN);
	q.uid = 1001;
	assert_int_equal(stream_start(&a, &q, NULL, NULL, dup(fd)), 0);
	q.uid = 0;
	for (i++; i < STREAM_MAX; i++)
		assert_int_equal(stream_start(&a, &q, NULL, NULL, dup(fd)), 0);
	assert_int_equal(stream_start(&a, &q, NULL, NULL, fd), -1);
	while (!TAILQ_EMPTY(&a.streams))
		stream_free(&a, TAILQ_FIRST(&a.streams));
	close(fd);
	audit_close(&a);
}

static void
retention_moves_the_anchor_and_the_chain_holds(void **state)
{
	struct audit a;
	struct evrec e;
	struct ring r;
	char out[512];
	int i;

	(void)state;
	make_trail(KEY, 32, 10);
	/* the mark is what retention goes by, whatever a record's time says */
	assert_int_equal(number("SELECT id FROM marks"), 10);
	change("UPDATE marks SET committed_ns = 1000");
	assert_int_equal(audit_open(&a, db, KEY, 32, NULL, NULL), 0);
	assert_int_equal(store_retain(&a.store, 1000, 4), 0);
	assert_int_equal(store_retain(&a.store, 2000, 4), 4);
	assert_int_equal(a.store.first, 5);
	attach_new(&a, &r, 1, "session-a", 1000);
	for (i = 0; i < 5; i++) {
		event(&e, 11, "/later", 0);
		put(&r, &e);
	}
	assert_int_equal(audit_drain(&a), 5);
	audit_close(&a);
	if (verify(KEY, 32, out, sizeof(out)) != 0)
		fail_msg("%s", out);
	assert_non_null(strstr(out, "\"first\":5,\"last\":15"));
	assert_int_equal(audit_open(&a, db, KEY, 32, NULL, NULL), 0);
	assert_int_equal(store_retain(&a.store, 2000, 4), 4);
	assert_int_equal(store_retain(&a.store, 2000, 4), 2);
	assert_int_equal(store_retain(&a.store, 2000, 4), 0);
	audit_close(&a);
	assert_int_equal(verify(KEY, 32, out, sizeof(out)), 0);
	assert_int_equal(number("SELECT count(*) FROM records"), 5);
	/* everything gone: the head stands where it stood */
	assert_int_equal(number("SELECT max(id) FROM marks"), 15);
	change("UPDATE marks SET committed_ns = 1000");
	assert_int_equal(audit_open(&a, db, KEY, 32, NULL, NULL), 0);
	assert_int_equal(store_retain(&a.store, 2000, 100), 5);
	audit_close(&a);
	assert_int_equal(verify(KEY, 32, out, sizeof(out)), 0);
	ring_unmap(&r);
}

static void
originals_table_is_kept_and_strange_files_refused(void **state)
{
	struct audit a;
	FILE *fp;

	(void)state;
	change("CREATE TABLE events(event_id TEXT PRIMARY KEY, type TEXT);"
	       "INSERT INTO events VALUES('x', 'file_open')");
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	audit_close(&a);
	assert_int_equal(number("SELECT count(*) FROM events_original"), 1);
	assert_int_equal(number("SELECT count(*) FROM events"), 0);
	remove_db();
	change("PRAGMA user_version = 99");
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), -1);
	remove_db();
	fp = fopen(db, "w");
	assert_non_null(fp);
	for (int i = 0; i < 1000; i++)
		fprintf(fp, "this is no database\n");
	fclose(fp);
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), -1);
}

/* ---- questions ---- */

/* The answer as a string; the caller frees it. */
static char *
ask(struct audit *a, const struct msg_event_query *q, const char *path,
    const char *text)
{
	enum stream_state st;
	struct stream *s;
	char *out;
	off_t len;
	int fd, keep, i;

	fd = memfd_create("answer", MFD_CLOEXEC);
	keep = dup(fd);
	assert_int_equal(stream_start(a, q, path, text, fd), 0);
	s = TAILQ_LAST(&a->streams, streams);
	for (i = 0; i < 1000; i++) {
		st = stream_step(a, s);
		if (st == STREAM_DONE)
			break;
	}
	assert_int_equal(st, STREAM_DONE);
	len = lseek(keep, 0, SEEK_END);
	out = calloc(1, (size_t)len + 1);
	assert_non_null(out);
	assert_int_equal(pread(keep, out, (size_t)len, 0), len);
	close(keep);
	return out;
}

static json_t *
ask_json(struct audit *a, const struct msg_event_query *q, const char *path,
    const char *text)
{
	json_error_t err;
	char *s = ask(a, q, path, text);
	json_t *j = json_loads(s, JSON_DECODE_ANY, &err);

	if (j == NULL)
		fail_msg("%s: %s", err.text, s);
	free(s);
	return j;
}

static void
expect_count(struct audit *a, const struct msg_event_query *q, const char *path,
    const char *text, size_t want)
{
	json_t *j = ask_json(a, q, path, text);

	if (want == 0)
		assert_true(json_is_null(j));
	else
		assert_int_equal(json_array_size(j), want);
	json_decref(j);
}

static const char *
str(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s == NULL ? "" : s;
}

static void
queries_give_what_the_filter_asks(void **state)
{
	struct msg_event_query q, all = { .what = EVQ_QUERY };
	struct ring r[2];
	struct audit a;
	struct evrec e;
	json_t *j;
	char path[32];
	int i;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	expect_count(&a, &all, NULL, NULL, 0);
	attach_new(&a, &r[0], 1, "s-one", 1000);
	attach_new(&a, &r[1], 2, "s-two", 1001);
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/dir/%03d", i);
		event(&e, 10, path, i % 3 != 0);
		e.fix.time_ns = 1000000000 + (uint64_t)i;
		put(&r[i % 2], &e);
	}
	/* not drained: a query commits what is in the rings */
	expect_count(&a, &all, NULL, NULL, 200);
	q = all, q.limit = 5000, expect_count(&a, &q, NULL, NULL, 300);
	q.uid = 1001, expect_count(&a, &q, NULL, NULL, 150);
	q = all, q.limit = 5000;
	memcpy(q.session, "s-one", 6), expect_count(&a, &q, NULL, NULL, 150);
	q.uid = 1001, expect_count(&a, &q, NULL, NULL, 0);
	q = all, q.limit = 5000;
	memcpy(q.decision, "deny", 5), expect_count(&a, &q, NULL, NULL, 100);
	memcpy(q.decision, "nonsense", 9), expect_count(&a, &q, NULL, NULL, 0);
	q = all, q.limit = 5000;
	memcpy(q.type, "file_open", 10), expect_count(&a, &q, NULL, NULL, 200);
	memcpy(q.type, "file_open,file_write", 21);
	expect_count(&a, &q, NULL, NULL, 300);
	memcpy(q.type, "no_such", 8), expect_count(&a, &q, NULL, NULL, 0);
	q = all, q.limit = 5000;
	expect_count(&a, &q, "/dir/00", NULL, 10);
	expect_count(&a, &q, "/dir/00%", NULL, 10);
	expect_count(&a, &q, "dir/00%", NULL, 0);
	expect_count(&a, &q, "'; DROP TABLE records; --", NULL, 0);
	expect_count(&a, &q, NULL, "some-rule", 300);
	expect_count(&a, &q, NULL, "nowhere", 0);
	q.since_ns = 1000000290, expect_count(&a, &q, NULL, NULL, 10);
	q.since_ns = 0, q.until_ns = 1000000004;
	expect_count(&a, &q, NULL, NULL, 5);
	q = all, q.offset = 290, expect_count(&a, &q, NULL, NULL, 10);
	/* newest first unless asked otherwise */
	q = all, q.limit = 1;
	j = ask_json(&a, &q, NULL, NULL);
	assert_string_equal(str(json_array_get(j, 0), "id"), "ev-300");
	json_decref(j);
	q.oldest_first = 1;
	j = ask_json(&a, &q, NULL, NULL);
	assert_string_equal(str(json_array_get(j, 0), "id"), "ev-1");
	json_decref(j);
	audit_close(&a);
	for (i = 0; i < 2; i++)
		ring_unmap(&r[i]);
}

static void
event_has_the_originals_shape(void **state)
{
	struct msg_event_query q = { .what = EVQ_QUERY, .oldest_first = 1 };
	struct audit a;
	struct evrec e;
	struct ring r;
	json_t *j, *o, *p;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	attach_new(&a, &r, 1, "s-one", 1000);
	event(&e, 10, "/etc/\"x\"\n\xff\x01\xc3\xa9", 0);
	e.fix.time_ns = 1767323045123456789u;
	evrec_set(&e, EVS_MESSAGE, "no", 2);
	evrec_set(&e, EVS_FILE, "default.yaml", 12);
	put(&r, &e);
	event(&e, 11, "/usr/bin/git", 1);
	e.fix.type = EV_EXEC;
	e.fix.op = 0;
	e.fix.depth = 2;
	evrec_set(&e, EVS_PATH2, "git\0commit\0\0-m\0", 15);
	put(&r, &e);
	event(&e, 11, "", 0);
	e.fix.type = EV_NET;
	e.fix.op = NOP_CONNECT;
	e.fix.family = AF_INET6;
	e.fix.port = 53;
	e.fix.addr[0] = 0x20, e.fix.addr[15] = 1;
	put(&r, &e);
	j = ask_json(&a, &q, NULL, NULL);
	assert_int_equal(json_array_size(j), 3);
	o = json_array_get(j, 0);
	assert_string_equal(str(o, "timestamp"),
	    "2026-01-02T03:04:05.123456789Z");
	assert_string_equal(str(o, "type"), "file_write");
	assert_string_equal(str(o, "session_id"), "s-one");
	assert_string_equal(str(o, "command_id"), "cmd-3");
	assert_string_equal(str(o, "source"), "seccomp");
	assert_string_equal(str(o, "path"),
	    "/etc/\"x\"\n\xef\xbf\xbd\x01\xc3\xa9");
	assert_string_equal(str(o, "path_hex"), "2f6574632f2278220aff01c3a9");
	assert_string_equal(str(o, "operation"), "write");
	assert_string_equal(str(o, "effective_action"), "blocked");
	p = json_object_get(o, "policy");
	assert_string_equal(str(p, "decision"), "deny");
	assert_string_equal(str(p, "effective_decision"), "deny");
	assert_string_equal(str(p, "rule"), "some-rule");
	assert_string_equal(str(p, "message"), "no");
	p = json_object_get(o, "fields");
	assert_string_equal(str(p, "layer"), "tracer");
	assert_string_equal(str(p, "rule_file"), "default.yaml");
	assert_int_equal(json_integer_value(json_object_get(p, "rule_line")),
	    12);
	o = json_array_get(j, 1);
	assert_string_equal(str(o, "type"), "execve");
	assert_string_equal(str(o, "filename"), "/usr/bin/git");
	p = json_object_get(o, "argv");
	assert_int_equal(json_array_size(p), 4);
	assert_string_equal(json_string_value(json_array_get(p, 2)), "");
	assert_string_equal(json_string_value(json_array_get(p, 3)), "-m");
	o = json_array_get(j, 2);
	assert_string_equal(str(o, "type"), "net_connect");
	assert_string_equal(str(o, "remote"), "[2000::1]:53");
	json_decref(j);
	audit_close(&a);
	ring_unmap(&r);
}

/* A row marked as committed long before `since` is not even looked at. */
static void
since_skips_what_was_committed_before(void **state)
{
	struct msg_event_query q = { .what = EVQ_QUERY };
	struct audit a;

	(void)state;
	make_trail(NULL, 0, 10);
	change("UPDATE marks SET id = 5, committed_ns = 1000");
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	q.since_ns = UINT64_C(3600000000000);
	expect_count(&a, &q, NULL, NULL, 10);
	q.since_ns *= 2;
	expect_count(&a, &q, NULL, NULL, 5);
	q.oldest_first = 1;
	expect_count(&a, &q, NULL, NULL, 5);
	audit_close(&a);
}

/* The view shows what the query answers, but for fields, where it has fewer. */
static void
view_and_query_say_the_same(void **state)
{
	struct msg_event_query q = { .what = EVQ_QUERY, .oldest_first = 1 };
	json_t *all, *one, *v, *w;
	sqlite3_stmt *st;
	struct audit a;
	sqlite3 *c;
	const char *key;
	size_t i = 0;

	(void)state;
	make_trail(NULL, 0, 10);
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	all = ask_json(&a, &q, NULL, NULL);
	audit_close(&a);
	/* not by auditd's connection, which trusts no view */
	assert_int_equal(sqlite3_open(db, &c), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(c,
		"SELECT payload_json FROM events ORDER BY event_id = 'ev-10',"
		" event_id",
		-1, &st, NULL),
	    SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		one = json_loads((const char *)sqlite3_column_text(st, 0), 0,
		    NULL);
		assert_non_null(one);
		json_object_del(one, "fields");
		assert_true(json_object_size(one) >= 10);
		json_object_foreach(one, key, v)
		{
			w = json_object_get(json_array_get(all, i), key);
			if (!json_equal(v, w))
				fail_msg("%s of %zu", key, i);
		}
		json_decref(one);
		i++;
	}
	assert_int_equal(i, 10);
	sqlite3_finalize(st);
	sqlite3_close(c);
	json_decref(all);
}

static void
tail_gives_new_events_as_they_are_committed(void **state)
{
	struct msg_event_query q = { .what = EVQ_TAIL };
	struct audit a;
	struct evrec e;
	struct ring r;
	char buf[8192];
	int p[2], i;
	ssize_t n;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	attach_new(&a, &r, 1, "s-one", 1000);
	event(&e, 10, "/before", 0);
	put(&r, &e);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(stream_start(&a, &q, NULL, NULL, p[1]), 0);
	assert_int_equal(stream_step(&a, TAILQ_FIRST(&a.streams)), STREAM_IDLE);
	assert_int_equal(read(p[0], buf, sizeof(buf)), -1);
	for (i = 0; i < 3; i++) {
		event(&e, 10, "/after", 0);
		put(&r, &e);
		assert_int_equal(audit_drain(&a), 1);
		stream_committed(&a);
		while (stream_step(&a, TAILQ_FIRST(&a.streams)) == STREAM_MORE)
			;
		n = read(p[0], buf, sizeof(buf) - 1);
		assert_true(n > 0);
		buf[n] = '\0';
		assert_non_null(strstr(buf, "/after"));
		assert_null(strstr(buf, "/before"));
		assert_ptr_equal(strchr(buf, '\n'), buf + n - 1);
	}
	/* the reader has gone */
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	put(&r, &e);
	assert_int_equal(audit_drain(&a), 1);
	stream_committed(&a);
	assert_int_equal(stream_step(&a, TAILQ_FIRST(&a.streams)), STREAM_DONE);
	assert_true(TAILQ_EMPTY(&a.streams));
	audit_close(&a);
	ring_unmap(&r);
}

static void
verify_and_stats_answer_on_a_stream(void **state)
{
	struct msg_event_query q = { .what = EVQ_VERIFY };
	struct audit a;
	json_t *j;

	(void)state;
	make_trail(KEY, 32, 10);
	assert_int_equal(audit_open(&a, db, KEY, 32, NULL, NULL), 0);
	j = ask_json(&a, &q, NULL, NULL);
	assert_true(json_is_true(json_object_get(j, "ok")));
	assert_int_equal(json_integer_value(json_object_get(j, "entries")), 10);
	json_decref(j);
	q.what = EVQ_STATS;
	j = ask_json(&a, &q, NULL, NULL);
	assert_int_equal(json_integer_value(json_object_get(j, "last")), 10);
	json_decref(j);
	audit_close(&a);
}

/*
 * The database is ours alone: another connection cannot lock or read it
 * meanwhile.
 */
static void
nobody_else_can_lock_the_database(void **state)
{
	struct audit a;
	sqlite3 *c;
	char shm[160];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(audit_open(&a, db, NULL, 0, NULL, NULL), 0);
	snprintf(shm, sizeof(shm), "%s-shm", db);
	assert_int_equal(access(shm, F_OK), -1);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (sqlite3_open(db, &c) != SQLITE_OK)
			_exit(3);
		_exit(sqlite3_exec(c, "SELECT count(*) FROM records", NULL,
			  NULL, NULL) == SQLITE_BUSY ?
			0 :
			1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	audit_close(&a);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(records_are_stored_with_all_they_say),
		T(rubbish_records_are_counted_not_stored),
		T(dropped_allows_are_said_once),
		T(session_is_the_rings_not_the_records),
		T(dead_producers_ring_is_drained_then_closed),
		T(killed_consumer_loses_and_doubles_nothing),
		T(commit_without_ack_is_not_read_again),
		T(killed_producer_costs_no_record),
		T(hostile_ring_holds_up_no_other),
		T(full_disk_delays_and_loses_nothing),
		T(every_changed_column_is_found),
		T(moved_end_or_other_key_is_refused),
		T(rows_behind_the_head_are_refused),
		T(verify_follows_retention),
		T(one_user_cannot_take_all_streams),
		T(retention_moves_the_anchor_and_the_chain_holds),
		T(originals_table_is_kept_and_strange_files_refused),
		T(queries_give_what_the_filter_asks),
		T(event_has_the_originals_shape),
		T(since_skips_what_was_committed_before),
		T(view_and_query_say_the_same),
		T(tail_gives_new_events_as_they_are_committed),
		T(verify_and_stats_answer_on_a_stream),
		T(nobody_else_can_lock_the_database),
	};
	int r;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(db, sizeof(db), "%s/events.db", dir);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	remove_db();
	rmdir(dir);
	return r;
}
