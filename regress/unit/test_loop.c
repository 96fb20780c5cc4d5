/*
 * The event loop: timers in their order, callbacks that take away what is about to be
 * called, signals.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/loop.h"

#define MS UINT64_C(1000000)

struct fixture {
	struct loop l;
	struct loop_timer t[4];
	struct loop_io io[2];
	int sv[2][2];
	char said[64];
};

static struct fixture f;

static void
say(char c)
{
	size_t n = strlen(f.said);

	f.said[n] = c;
	f.said[n + 1] = '\0';
}

static int
setup(void **state)
{
	memset(&f, 0, sizeof(f));
	f.io[0].fd = f.io[1].fd = -1;
	return loop_init(&f.l);
}

static int
teardown(void **state)
{
	loop_clear(&f.l);
	return 0;
}

static void
on_letter(struct loop_timer *t)
{
	char c = *(const char *)t->arg;

	say(c);
	if (c == '.')
		loop_stop(&f.l);
}

static void
timers_run_in_order_of_time(void **state)
{
	static char a[] = "a", b[] = "b", c[] = "c", end[] = ".";

	loop_timer_set(&f.l, &f.t[0], 30 * MS, on_letter, end);
	loop_timer_set(&f.l, &f.t[1], 10 * MS, on_letter, b);
	loop_timer_set(&f.l, &f.t[2], 0, on_letter, a);
	loop_timer_set(&f.l, &f.t[3], 20 * MS, on_letter, c);
	assert_int_equal(loop_run(&f.l), 0);
	assert_string_equal(f.said, "abc.");
}

static void
timer_set_again_runs_once_and_stopped_never(void **state)
{
	static char a[] = "a", b[] = "b", end[] = ".";

	loop_timer_set(&f.l, &f.t[0], 5 * MS, on_letter, a);
	loop_timer_set(&f.l, &f.t[0], 10 * MS, on_letter, a);
	loop_timer_set(&f.l, &f.t[1], 5 * MS, on_letter, b);
	loop_timer_stop(&f.l, &f.t[1]);
	loop_timer_stop(&f.l, &f.t[1]);
	loop_timer_set(&f.l, &f.t[2], 20 * MS, on_letter, end);
	assert_int_equal(loop_run(&f.l), 0);
	assert_string_equal(f.said, "a.");
}

static void
timer_beyond_all_time_does_not_run(void **state)
{
	static char a[] = "a", end[] = ".";

	loop_timer_set(&f.l, &f.t[0], UINT64_MAX, on_letter, a);
	loop_timer_set(&f.l, &f.t[1], 5 * MS, on_letter, end);
	assert_int_equal(loop_run(&f.l), 0);
	assert_string_equal(f.said, ".");
	loop_timer_stop(&f.l, &f.t[0]);
}

/* Whoever is called first takes the other away. */
static void
on_first(struct loop_io *io, uint32_t events)
{
	static char end[] = ".";

	say('x');
	loop_del(&f.l, &f.io[0]);
	loop_del(&f.l, &f.io[1]);
	loop_timer_set(&f.l, &f.t[0], 5 * MS, on_letter, end);
}

static void
callback_taken_away_in_the_same_round_is_not_called(void **state)
{
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f.sv[i]), 0);
		assert_int_equal(write(f.sv[i][1], "!", 1), 1);
		assert_int_equal(loop_add(&f.l, &f.io[i], f.sv[i][0], EPOLLIN,
				     on_first, NULL),
		    0);
	}
	assert_int_equal(loop_run(&f.l), 0);
	assert_string_equal(f.said, "x.");
	for (i = 0; i < 2; i++) {
		close(f.sv[i][0]);
		close(f.sv[i][1]);
	}
}

static void
on_usr(int signo, void *arg)
{
	say(signo == SIGUSR1 ? '1' : '2');
	if (signo == SIGUSR2)
		loop_stop(&f.l);
}

static void
signals_come_as_calls(void **state)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	assert_int_equal(loop_signals(&f.l, &set, on_usr, NULL), 0);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	assert_int_equal(loop_run(&f.l), 0);
	assert_string_equal(f.said, "12");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_run_in_order_of_time,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    timer_set_again_runs_once_and_stopped_never, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    timer_beyond_all_time_does_not_run, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    callback_taken_away_in_the_same_round_is_not_called, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(signals_come_as_calls, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
