/*
 * Cgroups: reading what a machine offers from the text of its mounts, and, where
 * they can be written, a real group with limits, a process in it, and its death.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/cgroup.h"

static struct cgroup_host host; /* large */

static void
parse(const char *mounts, const char *own)
{
	FILE *m = fmemopen((void *)(uintptr_t)mounts, strlen(mounts), "r");
	FILE *c = fmemopen((void *)(uintptr_t)own, strlen(own), "r");

	assert_non_null(m);
	assert_non_null(c);
	cgroup_host_parse(&host, m, c);
	fclose(m);
	fclose(c);
}

static void
v1_mounts_give_each_controller_its_own_directory(void **state)
{
	parse("30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
	      "rw,cpu,cpuacct\n"
	      "31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	      "32 24 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	      "33 24 0:29 / /tmp rw - tmpfs tmpfs rw,memory\n",
	    "3:cpu,cpuacct:/\n2:memory:/a/b\n0::/c\n");
	assert_string_equal(host.dir[CG_CPU], "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(host.dir[CG_MEMORY], "/sys/fs/cgroup/memory/a/b");
	assert_string_equal(host.dir[CG_UNIFIED], "/sys/fs/cgroup/unified/c");
	assert_string_equal(host.dir[CG_PIDS], "");
	assert_string_equal(host.dir[CG_IO], "");
}

static void
cpuset_is_not_taken_for_cpu(void **state)
{
	parse("30 24 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup "
	      "rw,cpuset\n"
	      "31 24 0:27 / /x rw - cgroup cgroup rw,cpuacct\n",
	    "3:cpuset:/\n2:cpuacct:/\n");
	assert_string_equal(host.dir[CG_CPU], "");
}

static void
mount_of_a_part_of_the_hierarchy_is_followed(void **state)
{
	parse("31 24 0:27 /docker/1 /sys/fs/cgroup/pids rw - cgroup cgroup "
	      "rw,pids\n",
	    "2:pids:/docker/1/inner\n");
	assert_string_equal(host.dir[CG_PIDS], "/sys/fs/cgroup/pids/inner");
	parse("31 24 0:27 /docker/1 /sys/fs/cgroup/pids rw - cgroup cgroup "
	      "rw,pids\n",
	    "2:pids:/docker/10\n");
	assert_string_equal(host.dir[CG_PIDS], "/sys/fs/cgroup/pids");
}

static void
escaped_mount_points_are_unescaped(void **state)
{
	parse("31 24 0:27 / /a\\040b rw - cgroup cgroup rw,pids\n",
	    "2:pids:/\n");
	assert_string_equal(host.dir[CG_PIDS], "/a b");
}

static void
rubbish_is_no_cgroup(void **state)
{
	parse("\n31\n31 24 0:27 / - cgroup\n - cgroup cgroup rw,pids\n",
	    ":::\n\n2\n2:\n2:pids\n");
	assert_string_equal(host.dir[CG_PIDS], "");
	assert_string_equal(host.dir[CG_UNIFIED], "");
}

static void
limits_without_any_controller_are_all_named(void **state)
{
	struct cgroup_limits lim = { .memory_bytes = 1 << 20,
		.swap_bytes = 0,
		.pids = 5,
		.cpu_percent = 50,
		.read_bps = 1000 };
	struct cgroup_limits none = { .swap_bytes = UINT64_MAX };
	struct cgroup cg;
	char why[512];

	parse("\n", "\n");
	assert_int_equal(cgroup_make(&cg, &host, "x", &lim, why, sizeof(why)),
	    1);
	assert_non_null(strstr(why, "memory"));
	assert_non_null(strstr(why, "pids"));
	assert_non_null(strstr(why, "cpu"));
	assert_non_null(strstr(why, "disk bandwidth"));
	assert_int_equal(cgroup_count(&cg), -1);
	assert_int_equal(cgroup_kill(&cg), -1);
	cgroup_remove(&cg);
	assert_int_equal(cgroup_make(&cg, &host, "x", &none, why, sizeof(why)),
	    0);
	cgroup_remove(&cg);
}

/* The first line of a file of the group, as a number. */
static long
number_in(const struct cgroup *cg, enum cgroup_ctl c, const char *file)
{
	char path[PATH_MAX + 256];
	long n = -1;
	FILE *fp;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", cg->fd[c], file);
	if ((fp = fopen(path, "r")) == NULL)
		return -1;
	if (fscanf(fp, "%ld", &n) != 1)
		n = -1;
	fclose(fp);
	return n;
}

static bool
can_write(void)
{
	cgroup_host_init(&host);
	return geteuid() == 0 && host.dir[CG_PIDS][0] != '\0' &&
	    access(host.dir[CG_PIDS], W_OK) == 0;
}

static void
real_group_holds_its_limit(void **state)
{
	struct cgroup_limits lim = { .swap_bytes = UINT64_MAX, .pids = 17 };
	struct cgroup cg;
	char why[512], id[32];

	if (!can_write())
		skip();
	snprintf(id, sizeof(id), "test-%d", (int)getpid());
	assert_int_equal(cgroup_make(&cg, &host, id, &lim, why, sizeof(why)), 0);
	assert_int_equal(number_in(&cg, CG_PIDS, "pids.max"), 17);
	assert_int_equal(cgroup_count(&cg), 0);
	cgroup_remove(&cg);
}

static void
process_placed_in_a_real_group_is_killed_with_it(void **state)
{
	struct cgroup_limits lim = { .swap_bytes = UINT64_MAX, .pids = 17 };
	struct cgroup cg;
	char why[512], id[32];
	int status, n;
	pid_t pid;

	if (!can_write())
		skip();
	snprintf(id, sizeof(id), "testk-%d", (int)getpid());
	assert_int_equal(cgroup_make(&cg, &host, id, &lim, why, sizeof(why)), 0);
	if ((pid = fork()) == 0) {
		(void)signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	assert_int_equal(cgroup_place(&cg, pid), 0);
	assert_int_equal(cgroup_count(&cg), 1);
	(void)cgroup_kill(&cg);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	for (n = 0; n < 200 && cgroup_count(&cg) != 0; n++)
		usleep(5000);
	assert_int_equal(cgroup_count(&cg), 0);
	cgroup_remove(&cg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    v1_mounts_give_each_controller_its_own_directory),
		cmocka_unit_test(cpuset_is_not_taken_for_cpu),
		cmocka_unit_test(mount_of_a_part_of_the_hierarchy_is_followed),
		cmocka_unit_test(escaped_mount_points_are_unescaped),
		cmocka_unit_test(rubbish_is_no_cgroup),
		cmocka_unit_test(limits_without_any_controller_are_all_named),
		cmocka_unit_test(real_group_holds_its_limit),
		cmocka_unit_test(
		    process_placed_in_a_real_group_is_killed_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
