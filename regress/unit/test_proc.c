/*
 * Children of the monitor: one that cannot be watched is as one that was never made.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/monitor.h"
#include "supervisor/proc.h"

static void
spawn_without_watch_leaves_nobody(void **state)
{
	struct monitor *mon = calloc(1, sizeof(*mon));
	const struct proc_ops ops = { 0 };
	struct proc p;
	int lowest;

	(void)state;
	assert_non_null(mon);
	assert_int_equal(loop_init(&mon->loop), 0);
	close(mon->loop.epfd);
	mon->loop.epfd = -1; /* nothing can be watched */
	proc_init(&p, mon, PROC_CONTROL, &ops, NULL);
	lowest = dup(0);
	close(lowest);
	assert_int_equal(proc_spawn(&p), -1);
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.state, PRS_NEW);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(fcntl(lowest, F_GETFD), -1);
	free(mon);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spawn_without_watch_leaves_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
