/*
 * What the monitor gives each session of the network: an address in the mirror
 * that no other living session has, and facts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "common/netaddr.h"
#include "supervisor/monitor.h"
#include "supervisor/netproc.h"
#include "supervisor/session.h"

static struct monitor *mon;

static int
setup(void **state)
{
	mon = calloc(1, sizeof(*mon));
	if (mon == NULL)
		return 1;
	TAILQ_INIT(&mon->sessions);
	mon->mirror.up = true;
	return 0;
}

static int
teardown(void **state)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&mon->sessions)) != NULL) {
		TAILQ_REMOVE(&mon->sessions, s, entry);
		close(s->facts_fd);
		close(s->facts_ro_fd);
		free(s);
	}
	free(mon);
	return 0;
}

static uint32_t
host_of(uint32_t number)
{
	struct session *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->mon = mon;
	s->number = number;
	TAILQ_INSERT_TAIL(&mon->sessions, s, entry);
	assert_int_equal(netproc_session_make(s), 0);
	assert_int_not_equal(s->facts_fd, -1);
	return s->host;
}

static void
session_first_its_number(void **state)
{
	assert_int_equal(host_of(1), 1);
	assert_int_equal(host_of(2), 2);
	assert_int_equal(host_of(NETADDR_HOSTS), NETADDR_HOSTS);
}

/* 0 is nobody's, and an address that comes round may still be somebody's. */
static void
session_after_all_numbers_another_address(void **state)
{
	assert_int_equal(host_of(1), 1);
	assert_int_equal(host_of(2), 2);
	assert_int_equal(host_of(NETADDR_HOSTS + 1), 3);
	assert_int_equal(host_of(NETADDR_HOSTS + 2), 4);
	assert_int_equal(host_of(NETADDR_HOSTS), NETADDR_HOSTS);
	assert_int_equal(host_of(2 * NETADDR_HOSTS + 1), 5);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(session_first_its_number),
		T(session_after_all_numbers_another_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
