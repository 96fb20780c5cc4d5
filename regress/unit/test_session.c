/*
 * The lives of the monitor's objects are tables; here they are printed and compared with
 * regress/golden/states/NAME.ok, so that a change of life is seen in review.
 * `test_session -p NAME` prints one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/load.h"
#include "supervisor/proc.h"
#include "supervisor/session.h"

static const struct {
	const char *name;
	void (*print)(FILE *fp);
} table_tab[] = {
	{ "session", session_print_states },
	{ "child", proc_print_states },
	{ "policy", load_print_states },
};

static char *
printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t size = 0;
	FILE *fp = open_memstream(&text, &size);

	assert_non_null(fp);
	print(fp);
	fclose(fp);
	return text;
}

static char *
golden(const char *name)
{
	static char text[65536];
	char path[512];
	size_t n;
	FILE *fp;

	snprintf(path, sizeof(path), "%s/%s.ok", STATES_DIR, name);
	if ((fp = fopen(path, "r")) == NULL)
		fail_msg("no %s", path);
	n = fread(text, 1, sizeof(text) - 1, fp);
	text[n] = '\0';
	fclose(fp);
	return text;
}

static void
tables_printed_match_the_golden_ones(void **state)
{
	size_t i;
	char *text;

	for (i = 0; i < sizeof(table_tab) / sizeof(table_tab[0]); i++) {
		text = printed(table_tab[i].print);
		assert_string_equal(text, golden(table_tab[i].name));
		free(text);
	}
}

/* Does the printed table have a line STATE TAB EVENT TAB NEXT TAB? */
static int
leads(const char *text, const char *from, const char *event, const char *to)
{
	char want[128];

	snprintf(want, sizeof(want), "%s\t%s\t%s\t", from, event, to);
	return strncmp(text, want, strlen(want)) == 0 ||
	    (strchr(want, '\n') == NULL && strstr(text, want) != NULL);
}

static void
session_ended_in_any_state_is_never_entered_again(void **state)
{
	static const char *const after[] = { "STOPPING", "REAPED", "AUDITED" };
	char *text = printed(session_print_states);
	unsigned int s, i, e, to_running;
	static const char *const events[] = { "COMPILED", "MADE", "SERVED",
		"FAIL", "END", "TRACER_GONE", "EMPTY", "DRAINED" };

	for (i = 0; i < 3; i++) {
		to_running = 0;
		for (e = 0; e < 8; e++) {
			for (s = 0; s <= SES_RUNNING; s++)
				to_running += (unsigned int)leads(text, after[i],
				    events[e], session_state_name[s]);
		}
		assert_int_equal(to_running, 0);
	}
	free(text);
}

static void
session_whose_tracer_died_is_stopped_in_every_state_that_has_one(void **state)
{
	char *text = printed(session_print_states);

	assert_true(leads(text, "LAUNCHING", "TRACER_GONE", "STOPPING"));
	assert_true(leads(text, "RUNNING", "TRACER_GONE", "STOPPING"));
	assert_true(leads(text, "STOPPING", "TRACER_GONE", "STOPPING"));
	free(text);
}

static void
child_that_broke_the_protocol_never_serves_again(void **state)
{
	char *text = printed(proc_print_states);
	static const char *const up[] = { "EXECD", "HELLO", "CONFIGURED",
		"RUNNING", "DRAINING" };
	size_t i;

	for (i = 0; i < sizeof(up) / sizeof(up[0]); i++)
		assert_true(leads(text, up[i], "BAD", "DRAINING"));
	assert_false(leads(text, "DRAINING", "SERVE", "RUNNING"));
	assert_false(leads(text, "DRAINING", "READY", "CONFIGURED"));
	free(text);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_printed_match_the_golden_ones),
		cmocka_unit_test(
		    session_ended_in_any_state_is_never_entered_again),
		cmocka_unit_test(
		    session_whose_tracer_died_is_stopped_in_every_state_that_has_one),
		cmocka_unit_test(
		    child_that_broke_the_protocol_never_serves_again),
	};
	size_t i;

	if (argc == 3 && strcmp(argv[1], "-p") == 0) {
		for (i = 0; i < sizeof(table_tab) / sizeof(table_tab[0]); i++) {
			if (strcmp(table_tab[i].name, argv[2]) == 0)
				table_tab[i].print(stdout);
		}
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
