/*
 * Commands that run commands: what each row of the table lets through.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/wrapper.h"

static struct wrapper w;

/* Split at blanks; "_" is an empty word. */
static unsigned int
words(char *text, const char **argv, unsigned int max)
{
	unsigned int n = 0;
	char *save, *p;

	for (p = strtok_r(text, " ", &save); p != NULL && n < max;
	    p = strtok_r(NULL, " ", &save))
		argv[n++] = strcmp(p, "_") == 0 ? "" : p;
	return n;
}

/* "a b | c d" of the payloads, "?" unclear, "" none. */
static const char *
look(const char *name, const char *line)
{
	static char out[4096];
	struct wrapper_payload p[WRAPPER_PAYLOADS_MAX];
	const char *argv[256];
	char text[2048];
	unsigned int argc, n, i, k;

	strlcpy(text, line, sizeof(text));
	argc = words(text, argv, 256);
	w.nwords = 0;
	w.ntext = 0;
	out[0] = '\0';
	switch (wrapper_look(&w, name != NULL ? name : argv[0], argv, argc, p,
	    &n)) {
	case WRAPPER_NONE:
		return "";
	case WRAPPER_UNCLEAR:
		return "?";
	case WRAPPER_FOUND:
		break;
	}
	for (i = 0; i < n; i++)
		for (k = 0; k < p[i].argc; k++) {
			if (k > 0 || i > 0)
				strlcat(out, k > 0 ? " " : " | ", sizeof(out));
			strlcat(out, p[i].argv[k], sizeof(out));
		}
	return out;
}

static void
look_table_of_command_lines_finds_payload(void **state)
{
	static const struct {
		const char *line, *want;
	} tab[] = {
		{ "ls -l", "" },
		{ "nice rm x", "rm x" },
		{ "/usr/bin/nice -n 10 rm -rf x", "rm -rf x" },
		{ "nice -n10 rm", "rm" },
		{ "nice -10 rm", "rm" },
		{ "nice --10 rm", "rm" },
		{ "nice --adjustment=5 rm", "rm" },
		{ "nice --adj 5 rm", "rm" },
		{ "nice", "" },
		{ "nice --help", "" },
		{ "nohup -- rm x", "rm x" },
		{ "env", "" },
		{ "env A=1 B=2", "" },
		{ "env -i A=1 rm x=1", "rm x=1" },
		{ "env - rm", "rm" },
		{ "env -u HOME -C /tmp rm", "rm" },
		{ "env -uHOME rm", "rm" },
		{ "env --unset HOME rm", "rm" },
		{ "env -S rm_-rf x", "rm_-rf x" },
		{ "env -Srm x", "rm x" },
		{ "env --split-string=rm x", "rm x" },
		{ "env -iS A=1 rm x", "rm x" },
		{ "env --block-signal=INT rm", "rm" },
		{ "timeout 5 rm x", "rm x" },
		{ "timeout -k 1 -s KILL 5 rm", "rm" },
		{ "timeout --kill-after=1 --foreground 5 rm", "rm" },
		{ "timeout 5", "" },
		{ "time -o f -f %e rm", "rm" },
		{ "time -p rm", "rm" },
		{ "stdbuf -oL -e 0 rm", "rm" },
		{ "stdbuf --output=L rm", "rm" },
		{ "setsid -w rm", "rm" },
		{ "ionice -c 3 rm", "rm" },
		{ "ionice -c3 -n0 rm", "rm" },
		{ "ionice -p 12", "" },
		{ "xargs -0 -n 1 rm -f", "rm -f" },
		{ "xargs -I {} rm {}", "rm {}" },
		{ "xargs -i rm", "rm" },
		{ "xargs -P4 --max-args=3 -r rm", "rm" },
		{ "xargs", "" },
		{ "chrt -f 10 rm", "rm" },
		{ "taskset 1 rm", "rm" },
		{ "taskset -c 0-1 rm", "rm" },
		{ "sudo -u root A=1 sh", "sh" },
		{ "find . -name x -exec rm -f {} ;", "rm -f {}" },
		{ "find . -exec rm {} +", "rm {}" },
		{ "find . -exec a + {} ; -o -execdir b {} ;", "a + {} | b {}" },
		{ "find . -exec rm", "" },
		{ "find . -name -exec", "" },
		{ "busybox rm -rf x", "rm -rf x" },
		{ "busybox --list", "" },
		{ "busybox", "" },
		{ "/lib64/ld-linux-x86-64.so.2 /bin/rm x", "/bin/rm x" },
		{ "/lib64/ld-linux-x86-64.so.2 --library-path /x --argv0 y "
		    "/bin/rm x", "/bin/rm x" },
		{ "/lib/ld-musl-x86_64.so.1 --preload=x /bin/rm", "/bin/rm" },
		{ "/lib64/ld-linux-x86-64.so.2 --list /bin/rm", "" },
		{ "/lib64/ld-linux-x86-64.so.2 --new-option /bin/rm", "?" },
		{ "nice --nonsense rm", "" },
	};
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++)
		if (strcmp(look(NULL, tab[i].line), tab[i].want) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", tab[i].line,
			    look(NULL, tab[i].line), tab[i].want);
}

static void
look_busybox_by_argv0_finds_applet(void **state)
{
	assert_string_equal(look("/bin/busybox", "rm -rf x"), "rm -rf x");
	assert_string_equal(look("/bin/busybox", "/bin/busybox rm"), "rm");
}

static void
kinds_are_told_by_basename(void **state)
{
	assert_true(wrapper_is_loader("/usr/lib/ld-linux-x86-64.so.2"));
	assert_true(wrapper_is_loader("/lib/ld-musl-x86_64.so.1"));
	assert_true(wrapper_is_loader("/usr/lib/libc.so"));
	assert_false(wrapper_is_loader("/usr/bin/ld"));
	assert_false(wrapper_is_loader("/bin/busybox"));
	assert_true(wrapper_by_name("/bin/busybox"));
	assert_true(wrapper_by_name("/lib64/ld-linux-x86-64.so.2"));
	assert_false(wrapper_by_name("/bin/rm"));
	assert_false(wrapper_by_name("/usr/bin/env"));
}

static void
look_split_with_quotes_is_no_payload(void **state)
{
	assert_string_equal(look(NULL, "env -S 'rm"), "");
	assert_string_equal(look(NULL, "env -S"), "");
}

static char seen[1024];
static const char *refused;

static int
judge(const struct wrapper_payload *p, void *arg)
{
	strlcat(seen, p->argv[0], sizeof(seen));
	strlcat(seen, " ", sizeof(seen));
	return refused != NULL && strcmp(p->argv[0], refused) == 0 ? 7 : 0;
}

static int
walk(const char *line)
{
	const char *argv[1024];
	char text[8192];
	unsigned int argc;

	strlcpy(text, line, sizeof(text));
	argc = words(text, argv, 1024);
	seen[0] = '\0';
	return wrapper_walk(&w, argv[0], argv, argc, judge, NULL);
}

static void
walk_layers_are_judged_outermost_first(void **state)
{
	refused = NULL;
	assert_int_equal(walk("nice env A=1 timeout 5 rm x"), 0);
	assert_string_equal(seen, "env timeout rm ");
	assert_int_equal(walk("find . -exec nice a ; -exec b ;"), 0);
	assert_string_equal(seen, "nice b a ");
	assert_int_equal(walk("ls"), 0);
	assert_string_equal(seen, "");
	refused = "timeout";
	assert_int_equal(walk("nice env A=1 timeout 5 rm x"), 7);
	assert_string_equal(seen, "env timeout ");
}

static void
walk_unclear_or_endless_is_refused(void **state)
{
	char line[4096] = "";
	int i;

	refused = NULL;
	assert_int_equal(walk("nice /lib/ld-x.so --what /bin/rm"), -1);
	for (i = 0; i < 80; i++)
		strlcat(line, "nice ", sizeof(line));
	strlcat(line, "rm", sizeof(line));
	assert_int_equal(walk(line), -1);
	line[0] = '\0';
	for (i = 0; i < 9; i++)
		strlcat(line, "env -S env ", sizeof(line));
	strlcat(line, "rm", sizeof(line));
	assert_int_equal(walk(line), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(look_table_of_command_lines_finds_payload),
		cmocka_unit_test(look_busybox_by_argv0_finds_applet),
		cmocka_unit_test(kinds_are_told_by_basename),
		cmocka_unit_test(look_split_with_quotes_is_no_payload),
		cmocka_unit_test(walk_layers_are_judged_outermost_first),
		cmocka_unit_test(walk_unclear_or_endless_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
