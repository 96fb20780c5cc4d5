/*
 * Facts: names of addresses until their time is over, whatever the memory holds.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/facts.h"

struct got {
	unsigned int n;
	char names[64][FACTS_NAME_MAX + 1];
};

struct fixture {
	int fd;
	struct facts w, r;
};

static int
setup(void **state)
{
	static struct fixture f;
	int ro;

	f.fd = facts_create();
	assert_int_not_equal(f.fd, -1);
	assert_int_equal(facts_map(&f.w, f.fd, true), 0);
	assert_int_not_equal(ro = facts_readonly(f.fd), -1);
	assert_int_equal(facts_map(&f.r, ro, false), 0);
	/* The reader cannot become a writer. */
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			     ro, 0), MAP_FAILED);
	close(ro);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	facts_unmap(&f->w);
	facts_unmap(&f->r);
	close(f->fd);
	return 0;
}

static struct in6_addr
addr(uint32_t n)
{
	struct in6_addr a = { { { 0 } } };

	a.s6_addr[10] = a.s6_addr[11] = 0xff;
	n = htonl(n);
	memcpy(a.s6_addr + 12, &n, 4);
	return a;
}

static bool
take(const struct in6_addr *a, const struct facts_name *n, void *arg)
{
	struct got *g = arg;

	if (g->n < 64)
		memcpy(g->names[g->n], n->name, n->len + 1);
	g->n++;
	return true;
}

static struct got *
ask(struct facts *f, uint32_t a, uint64_t now)
{
	static struct got g;
	struct in6_addr in = addr(a);

	unsigned int n;

	memset(&g, 0, sizeof(g));
	n = facts_names(f, &in, now, take, &g);
	assert_int_equal(n, g.n);
	return &g;
}

static void
add(struct facts *f, uint32_t a, const char *name, uint64_t until)
{
	struct in6_addr in = addr(a);

	facts_add(f, &in, name, strlen(name), until);
}

static void
name_until_its_time_is_over(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(&f->r, 1, 0)->n, 0);
	add(&f->w, 1, "a.test", 100);
	assert_int_equal(ask(&f->r, 1, 99)->n, 1);
	assert_string_equal(ask(&f->r, 1, 99)->names[0], "a.test");
	assert_int_equal(ask(&f->r, 1, 100)->n, 0);
	/* Told again, it lasts longer; a shorter time takes nothing away. */
	add(&f->w, 1, "a.test", 200);
	add(&f->w, 1, "a.test", 50);
	assert_int_equal(ask(&f->r, 1, 199)->n, 1);
}

static void
address_with_several_names_has_all(void **state)
{
	struct fixture *f = *state;

	add(&f->w, 1, "a.test", 100);
	add(&f->w, 1, "b.test", 100);
	add(&f->w, 2, "c.test", 100);
	assert_int_equal(ask(&f->r, 1, 1)->n, 2);
	assert_int_equal(ask(&f->r, 2, 1)->n, 1);
	assert_int_equal(ask(&f->r, 3, 1)->n, 0);
}

static void
name_too_long_is_not_kept(void **state)
{
	struct fixture *f = *state;
	char name[FACTS_NAME_MAX + 2];
	struct in6_addr in = addr(1);

	memset(name, 'a', sizeof(name));
	facts_add(&f->w, &in, name, FACTS_NAME_MAX + 1, 100);
	assert_int_equal(ask(&f->r, 1, 1)->n, 0);
	facts_add(&f->w, &in, name, FACTS_NAME_MAX, 100);
	assert_int_equal(ask(&f->r, 1, 1)->n, 1);
	assert_int_equal(strlen(ask(&f->r, 1, 1)->names[0]), FACTS_NAME_MAX);
}

static void
full_set_loses_what_ends_first(void **state)
{
	struct fixture *f = *state;
	char name[32];
	unsigned int i;

	for (i = 0; i < FACTS_WAYS + 1; i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		add(&f->w, 1, name, 1000 + i);
	}
	assert_int_equal(ask(&f->r, 1, 1)->n, FACTS_WAYS);
	for (i = 0; i < FACTS_WAYS; i++)
		assert_string_not_equal(ask(&f->r, 1, 1)->names[i], "n0.test");
}

static void
reader_of_rubbish_is_unharmed(void **state)
{
	struct fixture *f = *state;
	size_t size = (size_t)lseek(f->fd, 0, SEEK_END), i;
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd,
	    0);
	struct got g = { .n = 0 };
	unsigned int round;

	assert_ptr_not_equal(p, MAP_FAILED);
	srandom(7);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < size; i++)
			p[i] = (uint8_t)random();
		g.n = 0;
		facts_all(&f->r, 0, take, &g);
		for (i = 0; i < 64; i++)
			(void)ask(&f->r, (uint32_t)i, 0);
	}
	munmap(p, size);
}

static void
entry_of_a_dead_writer_is_removed(void **state)
{
	struct fixture *f = *state;
	uint32_t *p = mmap(NULL, 4096 * 4, PROT_READ | PROT_WRITE, MAP_SHARED,
	    f->fd, 0);
	struct facts again;
	unsigned int i;

	add(&f->w, 1, "a.test", 100);
	/* Every entry of the first pages: half-written. */
	for (i = 64 / 4; i < 4096; i += 288 / 4)
		p[i] |= 1;
	assert_int_equal(facts_map(&again, f->fd, true), 0);
	for (i = 64 / 4; i < 4096; i += 288 / 4)
		assert_int_equal(p[i] % 2, 0);
	facts_unmap(&again);
	munmap(p, 4096 * 4);
}

static void
reader_beside_a_writer_sees_whole_names(void **state)
{
	struct fixture *f = *state;
	unsigned int i, j;
	struct got *g;
	pid_t pid;

	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (i = 0;; i++)
			add(&f->w, 1, i % 2 ? "aaaaaaaaaaaaaaaaaaaaaaaa.test" :
					      "bbbbbbbbbbbbbbbb.test", i + 2);
	}
	for (i = 0; i < 200000; i++) {
		g = ask(&f->r, 1, 1);
		for (j = 0; j < g->n && j < 64; j++)
			assert_true(strcmp(g->names[j],
					"aaaaaaaaaaaaaaaaaaaaaaaa.test") == 0 ||
			    strcmp(g->names[j], "bbbbbbbbbbbbbbbb.test") == 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
map_of_another_file_einval(void **state)
{
	struct facts g;
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(facts_map(&g, fd, false), -1);
	assert_int_equal(errno, EINVAL);
	close(fd);
}

static void
time_of_a_ttl_within_floor_and_top(void **state)
{
	uint64_t now = facts_now_ns();

	assert_true(facts_until_ns(0) >= now + 60 * UINT64_C(1000000000));
	assert_true(facts_until_ns(UINT32_MAX) <=
	    facts_now_ns() + 86400 * UINT64_C(1000000000));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(name_until_its_time_is_over),
		T(address_with_several_names_has_all),
		T(name_too_long_is_not_kept),
		T(full_set_loses_what_ends_first),
		T(reader_of_rubbish_is_unharmed),
		T(entry_of_a_dead_writer_is_removed),
		T(reader_beside_a_writer_sees_whole_names),
		T(map_of_another_file_einval),
		T(time_of_a_ttl_within_floor_and_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
