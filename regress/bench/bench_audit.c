/*
 * What an event costs: for the thread that puts it in the ring, and on its way
 * into the chained database and through verify.  Prints one line per figure.
 *
 *	bench_audit [RECORDS [DIRECTORY]]
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "auditd/drain.h"
#include "auditd/query.h"

static unsigned int records = 400000;

static double
now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
event(struct evrec *e, const char *path)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	memset(e, 0, sizeof(*e));
	e->fix.type = EV_FILE;
	e->fix.op = FOP_READ;
	e->fix.allowed = 1;
	e->fix.layer = LAYER_TRACER;
	e->fix.pid = e->fix.tid = 4242;
	e->fix.ppid = 4000;
	e->fix.uid = 1000;
	e->fix.command = 1;
	e->fix.rule_line = 17;
	e->fix.syscall = 257;
	e->fix.duration_ns = 8500;
	e->fix.time_ns = (uint64_t)ts.tv_sec * 1000000000 +
	    (uint64_t)ts.tv_nsec;
	memcpy(e->fix.comm, "cc1", 3);
	evrec_set(e, EVS_RULE, "allow-workspace", 15);
	evrec_set(e, EVS_EXE, "/usr/bin/cc1", 12);
	evrec_set(e, EVS_PATH, path, strlen(path));
}

/* Seconds per ring_put of n events; every different one a record of its own. */
static double
put_cost(unsigned int n, unsigned int different)
{
	struct ring_reader rr;
	struct ring_rec rec;
	static uint8_t buf[RING_REC_SLOTS * RING_SLOT_DATA];
	struct evrec e;
	struct ring r;
	char path[96];
	double t = 0, t0;
	unsigned int i, k;
	int fd = ring_create(RING_SLOTS_DEFAULT);

	if (fd == -1 || ring_map(&r, fd, -1) == -1 ||
	    ring_reader_open(&rr, fd) == -1)
		exit(1);
	for (i = 0; i < n; i += 8000) {
		t0 = now(CLOCK_MONOTONIC);
		for (k = 0; k < 8000; k++) {
			if (different > 1)
				snprintf(path, sizeof(path),
				    "/home/u/project/src/file-%08u.c",
				    k % different);
			else
				memcpy(path, "/home/u/project/src/file.c", 27);
			event(&e, path);
			if (ring_put(&r, &e) != 0)
				exit(1);
		}
		t += now(CLOCK_MONOTONIC) - t0;
		while (ring_reader_next(&rr, buf, &rec) == 1)
			;
		ring_reader_ack(&rr);
	}
	ring_unmap(&r);
	ring_reader_close(&rr);
	close(fd);
	return t / i;
}

/* What event() itself costs, to be taken off. */
static double
empty_cost(unsigned int n)
{
	struct evrec e;
	char path[96];
	double t0 = now(CLOCK_MONOTONIC);
	unsigned int i;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/home/u/project/src/file-%08u.c",
		    i);
		event(&e, path);
		__asm__ volatile("" : : "r"(&e) : "memory");
	}
	return (now(CLOCK_MONOTONIC) - t0) / n;
}

static void
producer(int fd)
{
	struct evrec e;
	struct ring r;
	char path[96];
	unsigned int i;

	if (ring_map(&r, fd, -1) == -1)
		_exit(1);
	for (i = 0; i < records; i++) {
		snprintf(path, sizeof(path), "/home/u/project/src/file-%08u.c",
		    i);
		event(&e, path);
		while (ring_put(&r, &e) == EAGAIN)
			(void)ring_wait(&r, 1000);
	}
	_exit(0);
}

/* A filter that matches nothing looks at every row. */
static void
miss(struct audit *a, const char *name)
{
	struct msg_event_query q = { .what = EVQ_QUERY };
	double t0 = now(CLOCK_MONOTONIC), step, worst = 0, last = t0;
	struct stream *s;

	if (stream_start(a, &q, "no-such-path", NULL, dup(2)) == -1)
		return;
	s = TAILQ_FIRST(&a->streams);
	while (s->cursor != 0 && stream_step(a, s) != STREAM_DONE) {
		step = now(CLOCK_MONOTONIC) - last;
		last += step;
		if (step > worst)
			worst = step;
		if (TAILQ_EMPTY(&a->streams))
			break;
	}
	printf("%-8s looked at %9.0f events/s, longest step %.1f ms\n", name,
	    records / (last - t0), worst * 1e3);
	if (!TAILQ_EMPTY(&a->streams))
		stream_free(a, s);
}

static void
through(const char *db, const char *key, size_t len)
{
	struct jbuf b = { 0 };
	struct audit a;
	struct stat st;
	double t0, c0, t, c;
	pid_t pid;
	int fd = ring_create(RING_SLOTS_DEFAULT), n;

	if (fd == -1 || audit_open(&a, db, key, len, NULL, NULL) == -1 ||
	    audit_attach(&a, 1, "session-bench", 1000, fd, -1) == -1) {
		fprintf(stderr, "bench_audit: %s\n", a.store.text);
		exit(1);
	}
	pid = fork();
	if (pid == 0)
		producer(fd);
	t0 = now(CLOCK_MONOTONIC);
	c0 = now(CLOCK_PROCESS_CPUTIME_ID);
	while (a.committed < records) {
		n = audit_drain(&a);
		if (n == -1) {
			fprintf(stderr, "bench_audit: %s\n", a.store.text);
			exit(1);
		}
		if (n == 0)
			sched_yield();
	}
	t = now(CLOCK_MONOTONIC) - t0;
	c = now(CLOCK_PROCESS_CPUTIME_ID) - c0;
	waitpid(pid, NULL, 0);
	printf("%-8s stored    %9.0f events/s  %6.2f us CPU each\n",
	    len ? "hmac" : "sha256", records / t, c * 1e6 / records);
	t0 = now(CLOCK_MONOTONIC);
	n = query_verify(&a.store, &b);
	t = now(CLOCK_MONOTONIC) - t0;
	printf("%-8s verified  %9.0f events/s  %s", len ? "hmac" : "sha256",
	    records / t, n == 0 ? "intact\n" : b.p);
	jbuf_free(&b);
	miss(&a, len ? "hmac" : "sha256");
	audit_close(&a);
	if (stat(db, &st) == 0)
		printf("%-8s database  %9.0f bytes each\n",
		    len ? "hmac" : "sha256", (double)st.st_size / records);
	close(fd);
}

static void
remove_db(const char *db)
{
	char path[512];

	unlink(db);
	snprintf(path, sizeof(path), "%s-wal", db);
	unlink(path);
}

int
main(int argc, char **argv)
{
	char dir[256], db[300];
	double empty;

	if (argc > 1)
		records = (unsigned int)strtoul(argv[1], NULL, 10);
	snprintf(dir, sizeof(dir), "%s/bench-audit-XXXXXX",
	    argc > 2 ? argv[2] : "/tmp");
	if (records == 0 || mkdtemp(dir) == NULL)
		return 1;
	snprintf(db, sizeof(db), "%s/events.db", dir);
	empty = empty_cost(records);
	printf("ring_put new      %6.0f ns\n",
	    (put_cost(records, 8000) - empty) * 1e9);
	printf("ring_put merged   %6.0f ns\n",
	    (put_cost(records, 100) - empty) * 1e9);
	through(db, NULL, 0);
	remove_db(db);
	through(db, "0123456789abcdef0123456789abcdef", 32);
	remove_db(db);
	rmdir(dir);
	return 0;
}
