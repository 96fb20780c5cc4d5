/*
 * The event ring: nothing put is lost or doubled, whoever dies, whatever the
 * memory holds.
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
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "common/ring.h"

static uint8_t buf[RING_REC_SLOTS * RING_SLOT_DATA];

static void
allow(struct evrec *e, uint32_t pid, const char *path)
{
	memset(e, 0, sizeof(*e));
	e->fix.type = EV_FILE;
	e->fix.op = FOP_READ;
	e->fix.allowed = 1;
	e->fix.layer = LAYER_TRACER;
	e->fix.pid = pid;
	e->fix.time_ns = 1000;
	evrec_set(e, EVS_RULE, "allow-all", 9);
	evrec_set(e, EVS_PATH, path, strlen(path));
}

static void
deny(struct evrec *e, uint32_t pid, const char *path)
{
	allow(e, pid, path);
	e->fix.allowed = 0;
	e->fix.decision = DEC_DENY;
	e->fix.error = EACCES;
}

static void
open_both(uint32_t slots, struct ring *r, struct ring_reader *rr)
{
	int fd = ring_create(slots);

	assert_int_not_equal(fd, -1);
	assert_int_equal(ring_map(r, fd, -1), 0);
	assert_int_equal(ring_reader_open(rr, fd), 0);
	close(fd);
}

static void
close_both(struct ring *r, struct ring_reader *rr)
{
	ring_unmap(r);
	ring_reader_close(rr);
}

static void
records_come_out_as_put_in_order(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e, got;
	struct ring r;
	char path[4097];
	int i, round;

	(void)state;
	open_both(128, &r, &rr);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < 3; i++) {
			memset(path, 'a' + i, sizeof(path));
			path[(round * 37 + i * 911) % 4096] = '\0';
			path[4096] = '\0';
			deny(&e, (uint32_t)i, path);
			assert_int_equal(ring_put(&r, &e), 0);
		}
		for (i = 0; i < 3; i++) {
			assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
			assert_int_equal(evrec_decode(&got, buf, rec.len), 0);
			assert_int_equal(got.fix.pid, i);
			assert_int_equal(got.text[EVS_PATH].len,
			    (round * 37 + i * 911) % 4096);
			assert_int_equal(rec.count, 1);
		}
		assert_int_equal(ring_reader_next(&rr, buf, &rec), 0);
		ring_reader_ack(&rr);
	}
	close_both(&r, &rr);
}

static void
identical_allows_are_counted_up_until_taken(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e;
	struct ring r;
	int i;

	(void)state;
	open_both(128, &r, &rr);
	for (i = 0; i < 100; i++) {
		allow(&e, 7, "/usr/lib/a");
		e.fix.time_ns += (uint64_t)i * 4096;
		e.fix.tid = (uint32_t)i;
		e.fix.duration_ns = (uint64_t)i;
		assert_int_equal(ring_put(&r, &e), 0);
	}
	allow(&e, 8, "/usr/lib/a"); /* another process */
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	assert_int_equal(rec.count, 100);
	assert_int_equal(rec.span_ns, 99 * 4096);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	assert_int_equal(rec.count, 1);
	/*
	 * taken: the next is a record of its own, whether acknowledged or not
	 */
	allow(&e, 7, "/usr/lib/a");
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	assert_int_equal(rec.count, 1);
	ring_reader_rewind(&rr);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	assert_int_equal(rec.count, 100);
	close_both(&r, &rr);
}

static void
merging_ends_after_a_second(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e;
	struct ring r;

	(void)state;
	open_both(128, &r, &rr);
	allow(&e, 7, "/a");
	assert_int_equal(ring_put(&r, &e), 0);
	e.fix.time_ns += 1000000001;
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	close_both(&r, &rr);
}

static void
refusals_are_never_merged(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e;
	struct ring r;
	int i, n = 0;

	(void)state;
	open_both(128, &r, &rr);
	for (i = 0; i < 50; i++) {
		deny(&e, 7, "/etc/shadow");
		assert_int_equal(ring_put(&r, &e), 0);
	}
	while (ring_reader_next(&rr, buf, &rec) == 1) {
		assert_int_equal(rec.count, 1);
		n++;
	}
	assert_int_equal(n, 50);
	close_both(&r, &rr);
}

static void
full_ring_says_so_and_keeps_room_for_refusals(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e;
	struct ring r;
	char path[32];
	int n = 0, refusals = 0, got = 0;

	(void)state;
	open_both(128, &r, &rr);
	for (;;) {
		snprintf(path, sizeof(path), "/f%d", n);
		allow(&e, 1, path);
		if (ring_put(&r, &e) == EAGAIN)
			break;
		n++;
	}
	assert_int_equal(n, 112);
	for (;; refusals++) {
		deny(&e, 1, "/etc/shadow");
		if (ring_put(&r, &e) == EAGAIN)
			break;
	}
	assert_int_equal(refusals, 16);
	assert_int_equal(ring_wait(&r, 1), ETIMEDOUT);
	ring_drop(&r);
	assert_int_equal(ring_reader_dropped(&rr), 1);
	/* read is not free: only what is acknowledged is */
	while (ring_reader_next(&rr, buf, &rec) == 1)
		got++;
	assert_int_equal(got, 128);
	assert_int_equal(ring_put(&r, &e), EAGAIN);
	ring_reader_ack(&rr);
	assert_int_equal(ring_wait(&r, 1000), 0);
	assert_int_equal(ring_put(&r, &e), 0);
	close_both(&r, &rr);
}

static void *
wait_for_room(void *arg)
{
	struct ring *r = arg;
	struct evrec e;

	deny(&e, 99, "/late");
	while (ring_put(r, &e) == EAGAIN)
		if (ring_wait(r, 5000) == ETIMEDOUT)
			return NULL;
	return r;
}

static void
waiting_producer_is_woken_by_ack(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e;
	struct ring r;
	pthread_t t;
	void *res;

	(void)state;
	open_both(128, &r, &rr);
	deny(&e, 1, "/x");
	while (ring_put(&r, &e) == 0)
		;
	assert_int_equal(pthread_create(&t, NULL, wait_for_room, &r), 0);
	while (ring_reader_next(&rr, buf, &rec) == 1)
		;
	ring_reader_ack(&rr);
	pthread_join(t, &res);
	assert_ptr_equal(res, &r);
	close_both(&r, &rr);
}

static void
wake_is_sent_once_and_only_to_a_sleeper(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e;
	struct ring r;
	int fd, sv[2];
	char c;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
			     sv),
	    0);
	fd = ring_create(128);
	assert_int_equal(ring_map(&r, fd, sv[0]), 0);
	assert_int_equal(ring_reader_open(&rr, fd), 0);
	deny(&e, 1, "/x");
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(recv(sv[1], &c, 1, 0), -1);
	/* something is there: sleeping is refused */
	assert_false(ring_reader_mode(&rr, RING_ASLEEP));
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	assert_true(ring_reader_mode(&rr, RING_ASLEEP));
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(recv(sv[1], &c, 1, 0), 1);
	assert_int_equal(recv(sv[1], &c, 1, 0), -1);
	/* lingering: woken at half full */
	assert_true(ring_reader_mode(&rr, RING_LINGER));
	while (ring_used(&r) < 63)
		assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(recv(sv[1], &c, 1, 0), -1);
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(recv(sv[1], &c, 1, 0), 1);
	close(fd);
	close(sv[0]);
	close(sv[1]);
	close_both(&r, &rr);
}

#define THREADS 8
#define EACH	20000

static void *
produce(void *arg)
{
	static _Atomic uint32_t names;
	uint32_t me = names++, i;
	struct ring *r = arg;
	struct evrec e;
	char path[256];

	for (i = 0; i < EACH; i++) {
		memset(path, 'p', sizeof(path));
		path[i % 255] = '\0';
		deny(&e, me % THREADS, path);
		e.fix.value = i;
		while (ring_put(r, &e) == EAGAIN)
			(void)ring_wait(r, 5000);
	}
	return NULL;
}

static void
eight_threads_lose_and_double_nothing(void **state)
{
	pthread_t t[THREADS];
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec got;
	struct ring r;
	int64_t next[THREADS] = { 0 };
	int i, total = 0;

	(void)state;
	open_both(256, &r, &rr);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, produce, &r), 0);
	while (total < THREADS * EACH) {
		if (ring_reader_next(&rr, buf, &rec) == 0) {
			ring_reader_ack(&rr);
			sched_yield();
			continue;
		}
		assert_int_equal(evrec_decode(&got, buf, rec.len), 0);
		assert_int_equal(got.fix.value, next[got.fix.pid]);
		next[got.fix.pid]++;
		total++;
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 0);
	close_both(&r, &rr);
}

static _Atomic uint64_t occurrences;

static void *
produce_same(void *arg)
{
	struct ring *r = arg;
	struct evrec e;
	uint32_t i;

	for (i = 0; i < EACH * 2; i++) {
		allow(&e, 1 + i % 3, "/same/path");
		while (ring_put(r, &e) == EAGAIN)
			(void)ring_wait(r, 5000);
		occurrences++;
	}
	return NULL;
}

/*
 * Small ring, fast laps: a merge that lands in a reused slot would show in the
 * sum.
 */
static void
merged_counts_add_up_while_the_ring_is_drained(void **state)
{
	pthread_t t[4];
	struct ring_reader rr;
	struct ring_rec rec;
	struct ring r;
	uint64_t sum = 0, idle = 0;
	int i;

	(void)state;
	open_both(128, &r, &rr);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, produce_same, &r),
		    0);
	while (sum < 4 * EACH * 2 && idle < 10000000) {
		if (ring_reader_next(&rr, buf, &rec) == 1) {
			sum += rec.count;
			ring_reader_ack(&rr);
			idle = 0;
		} else
			idle++;
	}
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	while (ring_reader_next(&rr, buf, &rec) == 1)
		sum += rec.count;
	assert_int_equal(sum, 4 * EACH * 2);
	assert_int_equal(occurrences, 4 * EACH * 2);
	close_both(&r, &rr);
}

/*
 * Slots of a producer that died between reservation and commit are skipped,
 * later records kept.
 */
static void
unfinished_record_of_a_dead_producer_is_skipped(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e, got;
	struct ring r;
	uint64_t *head;
	uint8_t *mem;
	int fd, i;

	(void)state;
	fd = ring_create(128);
	assert_int_equal(ring_map(&r, fd, -1), 0);
	assert_int_equal(ring_reader_open(&rr, fd), 0);
	mem = mmap(NULL, 4096 + 128 * RING_SLOT, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	head = (uint64_t *)(void *)(mem + 64);
	deny(&e, 1, "/one");
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(*head, 1);
	*head += 5; /* reserved, nothing written */
	deny(&e, 2, "/two");
	assert_int_equal(ring_put(&r, &e), 0);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(ring_reader_next(&rr, buf, &rec), 0);
	rr.dead = true;
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	assert_int_equal(evrec_decode(&got, buf, rec.len), 0);
	assert_int_equal(got.fix.pid, 2);
	assert_int_equal(rr.skipped, 5);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 0);
	*head = UINT64_MAX - 7; /* a lie about the end costs one lap at most */
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 0);
	assert_true(rr.skipped <= 5 + 128);
	munmap(mem, 4096 + 128 * RING_SLOT);
	close(fd);
	close_both(&r, &rr);
}

/* Records put before kill -9 are read by whoever maps the ring afterwards. */
static void
records_survive_the_producers_death(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e;
	struct ring r;
	int fd, i, status;
	pid_t pid;

	(void)state;
	fd = ring_create(128);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (ring_map(&r, fd, -1) == -1)
			_exit(1);
		for (i = 0; i < 40; i++) {
			allow(&e, 3, "/kept");
			if (ring_put(&r, &e) != 0)
				_exit(1);
		}
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(ring_reader_open(&rr, fd), 0);
	assert_int_equal(ring_reader_next(&rr, buf, &rec), 1);
	assert_int_equal(rec.count, 40);
	ring_reader_close(&rr);
	close(fd);
}

static void
unsealed_or_odd_files_are_refused(void **state)
{
	struct ring_reader rr;
	struct ring r;
	int fd;

	(void)state;
	fd = memfd_create("x", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 4096 + 128 * RING_SLOT), 0);
	assert_int_equal(ring_map(&r, fd, -1), -1);
	assert_int_equal(ring_reader_open(&rr, fd), -1);
	assert_int_equal(ftruncate(fd, 4096 + 100 * RING_SLOT), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS,
			     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
	    0);
	assert_int_equal(ring_reader_open(&rr, fd), -1);
	close(fd);
	assert_int_equal(ring_create(100), -1);
	assert_int_equal(ring_create(1u << 30), -1);
	fd = open("/dev/null", O_RDWR);
	assert_int_equal(ring_reader_open(&rr, fd), -1);
	close(fd);
}

/*
 * Rubbish everywhere, again and again: bounded work, no crash, nothing out of
 * bounds.
 */
static void
rubbish_in_the_memory_neither_crashes_nor_holds_up(void **state)
{
	struct ring_reader rr;
	struct ring_rec rec;
	struct evrec e, got;
	struct ring r;
	uint64_t *w, x = 88172645463325252u;
	uint8_t *mem;
	size_t i, n;
	int fd, round;

	(void)state;
	fd = ring_create(128);
	assert_int_equal(ring_map(&r, fd, -1), 0);
	assert_int_equal(ring_reader_open(&rr, fd), 0);
	mem = mmap(NULL, 4096 + 128 * RING_SLOT, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	w = (uint64_t *)(void *)mem;
	for (round = 0; round < 300; round++) {
		for (i = 0; i < (4096 + 128 * RING_SLOT) / 8; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			w[i] = x;
		}
		/* make some slots believable at their face */
		for (i = 0; i < 128; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			w[512 + i * 32] = ((rr.next + i) & 0xffffffffffff)
				<< 16 |
			    (x & 0x3f) << 8 | (x >> 8 & 3);
		}
		rr.dead = round & 1;
		for (n = 0; ring_reader_next(&rr, buf, &rec) == 1; n++) {
			assert_in_range(rec.len, 1, sizeof(buf));
			assert_in_range(rec.count, 1, 65536);
			if (evrec_decode(&got, buf, rec.len) == 0)
				assert_true(got.fix.type < EV_MAX);
			assert_true(n <= 128);
		}
		if (round % 3 == 0)
			ring_reader_rewind(&rr);
		else
			ring_reader_ack(&rr);
		(void)ring_reader_mode(&rr, RING_ASLEEP);
		assert_true(ring_reader_waiting(&rr) <= 128);
	}
	deny(&e, 1, "/x");
	assert_in_range(ring_put(&r, &e), 0, EAGAIN);
	munmap(mem, 4096 + 128 * RING_SLOT);
	close(fd);
	close_both(&r, &rr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_out_as_put_in_order),
		cmocka_unit_test(identical_allows_are_counted_up_until_taken),
		cmocka_unit_test(merging_ends_after_a_second),
		cmocka_unit_test(refusals_are_never_merged),
		cmocka_unit_test(full_ring_says_so_and_keeps_room_for_refusals),
		cmocka_unit_test(waiting_producer_is_woken_by_ack),
		cmocka_unit_test(wake_is_sent_once_and_only_to_a_sleeper),
		cmocka_unit_test(eight_threads_lose_and_double_nothing),
		cmocka_unit_test(
		    merged_counts_add_up_while_the_ring_is_drained),
		cmocka_unit_test(
		    unfinished_record_of_a_dead_producer_is_skipped),
		cmocka_unit_test(records_survive_the_producers_death),
		cmocka_unit_test(unsealed_or_odd_files_are_refused),
		cmocka_unit_test(
		    rubbish_in_the_memory_neither_crashes_nor_holds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
