/*
 * The table of the kernel's file systems: what it takes from a mount table, and where a path lies.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/guard.h"

static const char info[] =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "23 27 0:22 / /sys rw,relatime shared:7 master:2 - sysfs sysfs rw\n"
    "24 23 0:23 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "25 24 0:24 / /run/my\\040groups rw,nosuid shared:1 - cgroup2 cgroup2 rw\n"
    "26 24 0:24 /sub /srv/cg rw - cgroup cgroup rw,cpu\n"
    "27 1 8:1 / / rw,relatime - ext4 /dev/root rw\n"
    "28 27 0:30 / /srv/host/proc ro - proc proc ro\n"
    "29 27 0:31 / /srv/proc - - tmpfs proc rw\n"
    "rubbish\n"
    "30 27 0:32 / /srv/cut rw - debugfs";

static enum guard_where
where(const char *path, pid_t *pid)
{
	struct guard *g = guard_parse(info);
	enum guard_where w;

	assert_non_null(g);
	w = guard_where(g, path, strlen(path), pid);
	guard_free(g);
	return w;
}

static void
is(const char *path, enum guard_where want)
{
	pid_t pid = 0;
	enum guard_where w = where(path, &pid);

	if (w != want)
		fail_msg("%s is %d, not %d", path, (int)w, (int)want);
}

static void
path_of_kernel_found(void **state)
{
	(void)state;
	is("/proc/sys/kernel/core_pattern", GUARD_KERNEL);
	is("/proc/sysrq-trigger", GUARD_KERNEL);
	is("/proc", GUARD_KERNEL);
	is("/proc/selfish", GUARD_KERNEL);
	is("/proc/12x/comm", GUARD_KERNEL);
	is("/sys/kernel/uevent_helper", GUARD_KERNEL);
	is("/sys/fs/cgroup/new", GUARD_KERNEL);
	is("/sys/power", GUARD_KERNEL);
	is("/run/my groups", GUARD_KERNEL);
	is("/run/my groups/a/cgroup.procs", GUARD_KERNEL);
	is("/srv/cg/tasks", GUARD_KERNEL);
	is("/srv/host/proc/1/oom_score_adj", GUARD_KERNEL);
	is("/srv/cut/x", GUARD_KERNEL);
}

static void
path_of_file_not_found(void **state)
{
	(void)state;
	is("/", GUARD_FILE);
	is("/procs/1/comm", GUARD_FILE);
	is("/sys", GUARD_FILE);
	is("/sys/class/leds/a/brightness", GUARD_FILE);
	is("/sys/kernels", GUARD_FILE);
	is("/run/my groups2", GUARD_FILE);
	is("/run/my", GUARD_FILE);
	is("/srv/proc/f", GUARD_FILE);
	is("/srv/cgx/f", GUARD_FILE);
}

static void
path_of_own_process_told(void **state)
{
	(void)state;
	is("/proc/self", GUARD_OWN);
	is("/proc/self/comm", GUARD_OWN);
	is("/proc/thread-self/comm", GUARD_OWN);
}

static void
path_of_process_told_with_pid(void **state)
{
	pid_t pid = 0;

	(void)state;
	assert_int_equal(where("/proc/77/task/78/comm", &pid), GUARD_PROCESS);
	assert_int_equal(pid, 77);
}

static void
process_in_other_procfs_told(void **state)
{
	static const struct {
		const char *path;
		bool elsewhere;
	} paths[] = { { "/srv/host/proc/1", true },
		{ "/srv/host/proc/77/task/78/mem", true },
		{ "/srv/host/proc", false }, { "/srv/host/proc/meminfo", false },
		{ "/proc/1/mem", false }, { "/srv/proc/1", false },
		{ "/srv/host/procs/1", false } };
	struct guard *g = guard_parse(info);

	(void)state;
	assert_non_null(g);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (guard_is_elsewhere(g, paths[i].path,
			strlen(paths[i].path)) != paths[i].elsewhere)
			fail_msg("%s", paths[i].path);
	guard_free(g);
	assert_false(guard_is_elsewhere(NULL, "/srv/host/proc/1", 16));
}

static void
table_of_this_machine_made(void **state)
{
	static const char path[] = "/proc/sys/kernel/core_pattern";
	struct guard *g = guard_new();
	pid_t pid;

	(void)state;
	assert_non_null(g);
	assert_int_equal(guard_where(g, path, sizeof(path) - 1, &pid),
	    GUARD_KERNEL);
	guard_free(g);
}

static void
too_many_mounts_refused(void **state)
{
	static const char line[] = "1 1 0:1 / /m rw - cgroup c rw\n";
	static char many[300 * sizeof(line)];
	size_t i, n = sizeof(line) - 1;

	(void)state;
	for (i = 0; i < 300; i++)
		memcpy(many + i * n, line, n);
	assert_null(guard_parse(many));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_of_kernel_found),
		cmocka_unit_test(path_of_file_not_found),
		cmocka_unit_test(path_of_own_process_told),
		cmocka_unit_test(path_of_process_told_with_pid),
		cmocka_unit_test(process_in_other_procfs_told),
		cmocka_unit_test(table_of_this_machine_made),
		cmocka_unit_test(too_many_mounts_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
