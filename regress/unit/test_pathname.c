/*
 * The pure half of path resolution: what is clean, how /proc is spelled, how names are joined and
 * split.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/pathres.h"

static void
is_clean_canonical_true(void **state)
{
	static const char *const yes[] = { "/", "/a", "/a/b", "/...", "/.a",
		"/a/..b", "/a b/\xff\n" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(pathres_is_clean(yes[i], strlen(yes[i])));
}

static void
is_clean_other_false(void **state)
{
	static const char *const no[] = { "", "a", "a/b", "/a/", "//", "//a",
		"/a//b", "/.", "/..", "/a/.", "/a/..", "/a/./b", "/a/../b" };
	char big[CALL_PATH_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(pathres_is_clean(no[i], strlen(no[i])));
	memset(big, 'a', sizeof(big));
	big[0] = '/';
	assert_false(pathres_is_clean(big, CALL_PATH_MAX));
	assert_true(pathres_is_clean(big, CALL_PATH_MAX - 1));
}

static void
proc_pid_number_found(void **state)
{
	pid_t pid = 0;

	(void)state;
	assert_int_equal(pathres_proc_pid("/proc/12", 8, &pid), 1);
	assert_int_equal(pid, 12);
	assert_int_equal(pathres_proc_pid("/proc/345/fd/6", 14, &pid), 1);
	assert_int_equal(pid, 345);
}

static void
proc_pid_other_not_found(void **state)
{
	static const char *const no[] = { "/proc", "/proc/", "/proc/self",
		"/proc/12x", "/procs/12", "/a/proc/12", "/proc/ 12" };
	pid_t pid;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_int_equal(pathres_proc_pid(no[i], strlen(no[i]), &pid),
		    0);
}

/* Spell path for process 7, thread 1234, and compare. */
static void
spell(const char *path, const char *want)
{
	char buf[128];
	size_t n;

	snprintf(buf, sizeof(buf), "%s", path);
	n = pathres_spell_self(buf, strlen(buf), 7, 1234);
	assert_string_equal(buf, want);
	assert_int_equal(n, strlen(want));
}

static void
spell_self_own_renamed(void **state)
{
	(void)state;
	spell("/proc/7", "/proc/self");
	spell("/proc/7/fd/3", "/proc/self/fd/3");
	spell("/proc/1234/maps", "/proc/self/maps");
}

static void
spell_self_others_kept(void **state)
{
	(void)state;
	spell("/proc/77/fd/3", "/proc/77/fd/3");
	spell("/proc/self/fd", "/proc/self/fd");
	spell("/home/7", "/home/7");
	spell("/proc/7x", "/proc/7x");
}

static void
join_fits_one_slash(void **state)
{
	char buf[16];
	size_t len;

	(void)state;
	assert_int_equal(pathres_join(buf, sizeof(buf), &len, "/", 1, "a", 1),
	    0);
	assert_string_equal(buf, "/a");
	assert_int_equal(pathres_join(buf, sizeof(buf), &len, buf, len, "b",
	    1), 0);
	assert_string_equal(buf, "/a/b");
	assert_int_equal(len, 4);
}

static void
join_too_long_refused(void **state)
{
	char buf[8];
	size_t len;

	(void)state;
	assert_int_not_equal(pathres_join(buf, sizeof(buf), &len, "/abc", 4,
	    "defg", 4), 0);
	assert_int_equal(pathres_join(buf, sizeof(buf), &len, "/ab", 3, "def",
	    3), 0);
	assert_string_equal(buf, "/ab/def");
}

static void
last_name_found(void **state)
{
	static const struct {
		const char *path;
		size_t at;
	} tab[] = { { "a", 0 }, { "/a", 1 }, { "/a/b", 3 }, { "/a/b/", 3 },
		{ "a/b//", 2 }, { "/", 0 }, { "//", 0 }, { "", 0 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++)
		assert_int_equal(pathres_last(tab[i].path,
		    strlen(tab[i].path)), tab[i].at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_clean_canonical_true),
		cmocka_unit_test(is_clean_other_false),
		cmocka_unit_test(proc_pid_number_found),
		cmocka_unit_test(proc_pid_other_not_found),
		cmocka_unit_test(spell_self_own_renamed),
		cmocka_unit_test(spell_self_others_kept),
		cmocka_unit_test(join_fits_one_slash),
		cmocka_unit_test(join_too_long_refused),
		cmocka_unit_test(last_name_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
