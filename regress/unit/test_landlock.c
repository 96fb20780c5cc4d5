/*
 * Landlock's rules: what comes out of a policy, that they hold everything it
 * allows (thousands of generated policies and questions), and that the kernel,
 * given them, refuses what they say.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/landlock.h"
#include "polhelp.h"

#define HEAD "version: 1\nname: t\n"
#define ON   "landlock: {enabled: true}\n"
#define DENY "  - {name: no, paths: ['/**'], operations: ['*'], decision: deny}\n"

#define L(right) ((uint32_t)LANDLOCK_##right)
#define OPEN_READ (L(READ_FILE) | L(EXECUTE) | L(IOCTL_DEV))

static uint64_t rng = 0x9e3779b97f4a7c15u;

static unsigned int
rnd(unsigned int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned int)((rng >> 16) % n);
}

static void
make(struct polhelp *h, const char *rules, const char *conf)
{
	char yaml[8192];

	snprintf(yaml, sizeof(yaml), HEAD "%s", rules);
	if (polhelp_init(h, yaml, strlen(yaml), conf) == -1)
		fail_msg("%s: %s", rules, polhelp_first(h));
}

/* The rule of exactly this path; false where there is none. */
static int
rule(const struct polhelp *h, const char *path, struct image_land *r)
{
	unsigned int i;

	for (i = 0; image_land_get(&h->im, i, r); i++)
		if (strcmp(r->path, path) == 0)
			return 1;
	memset(r, 0, sizeof(*r));
	return 0;
}

static int
refuses(const struct polhelp *h, enum file_op op, const char *path)
{
	uint32_t own, parent;

	return image_land_refuses(&h->im, op, false, path, strlen(path), &own,
	    &parent);
}

static void
without_the_config_there_are_no_rules(void **state)
{
	struct image_land r;
	struct polhelp h;

	make(&h, "file_rules:\n" DENY, NULL);
	assert_false(image_land_get(&h.im, 0, &r));
	assert_false(refuses(&h, FOP_WRITE, "/x"));
	polhelp_clear(&h);
}

static void
hierarchies_and_files_are_told_apart(void **state)
{
	struct image_land r;
	struct polhelp h;

	make(&h, "file_rules:\n"
	    "  - {paths: ['/usr/**'], operations: [read], decision: allow}\n"
	    "  - {paths: ['/etc/hosts'], operations: [read], decision: allow}\n"
	    "  - {paths: ['/w/**'], operations: ['*'], decision: allow}\n"
	    "  - {paths: ['/dev/{null,full}'], operations: [read, write], decision: allow}\n"
	    "  - {paths: ['/opt/*/lib'], operations: [read], decision: allow}\n"
	    DENY, ON);
	assert_true(rule(&h, "/usr", &r));
	assert_int_equal(r.tree, OPEN_READ | L(READ_DIR));
	assert_int_equal(r.exact, 0);
	assert_true(rule(&h, "/etc/hosts", &r));
	assert_int_equal(r.tree, L(READ_DIR));
	assert_int_equal(r.exact, OPEN_READ);
	assert_true(rule(&h, "/w", &r));
	assert_int_equal(r.tree, LANDLOCK_ALL & ~L(MAKE_SOCK));
	assert_true(rule(&h, "/dev/null", &r));
	assert_int_equal(r.exact & (L(READ_FILE) | L(WRITE_FILE)),
	    L(READ_FILE) | L(WRITE_FILE));
	assert_true(rule(&h, "/opt", &r));
	assert_true(rule(&h, "/", &r));
	assert_int_equal(r.tree, L(MAKE_SOCK));
	assert_false(rule(&h, "/etc", &r));
	assert_true(refuses(&h, FOP_READ, "/etc/shadow"));
	assert_true(refuses(&h, FOP_READ, "/etc/hosts.allow"));
	assert_true(refuses(&h, FOP_WRITE, "/etc/hosts"));
	assert_true(refuses(&h, FOP_WRITE, "/usr/bin/x"));
	assert_true(refuses(&h, FOP_CREATE, "/usr/bin/x"));
	assert_true(refuses(&h, FOP_DELETE, "/usr/bin/x"));
	assert_true(refuses(&h, FOP_MKDIR, "/new"));
	assert_false(refuses(&h, FOP_READ, "/usr/bin/x"));
	assert_false(refuses(&h, FOP_WRITE, "/dev/null"));
	assert_false(refuses(&h, FOP_CREATE, "/w/a/b"));
	assert_false(refuses(&h, FOP_CHMOD, "/usr/bin/x"));
	polhelp_clear(&h);
}

static void
refusals_before_are_taken_away_where_names_are_spelled(void **state)
{
	struct image_land r;
	struct polhelp h;

	make(&h, "file_rules:\n"
	    "  - {paths: ['/a/secret', '/u/**'], operations: ['*'], decision: deny}\n"
	    "  - {paths: ['/a/{open,secret}', '/u/**'], operations: [read], decision: allow}\n"
	    DENY, ON);
	assert_true(rule(&h, "/a/open", &r));
	assert_false(rule(&h, "/a/secret", &r));
	assert_false(rule(&h, "/u", &r));
	assert_true(refuses(&h, FOP_READ, "/u/x"));
	polhelp_clear(&h);
}

static void
a_leading_wildcard_opens_everything(void **state)
{
	struct image_land r;
	struct polhelp h;

	make(&h, "file_rules:\n"
	    "  - {paths: ['**/*.txt'], operations: [read], decision: allow}\n"
	    DENY, ON);
	assert_true(rule(&h, "/", &r));
	assert_int_equal(r.tree & OPEN_READ, OPEN_READ);
	assert_false(refuses(&h, FOP_READ, "/etc/shadow"));
	assert_true(refuses(&h, FOP_WRITE, "/etc/shadow"));
	polhelp_clear(&h);
	/* Reads that no rule answers are allowed. */
	make(&h, "file_rules:\n"
	    "  - {paths: ['/w/**'], operations: [write], decision: allow}\n",
	    ON);
	assert_false(refuses(&h, FOP_READ, "/etc/shadow"));
	assert_true(refuses(&h, FOP_WRITE, "/etc/shadow"));
	polhelp_clear(&h);
}

static void
a_process_of_its_own_is_all_of_proc(void **state)
{
	struct polhelp h;

	make(&h, "file_rules:\n" DENY, ON);
	assert_false(refuses(&h, FOP_READ, "/proc/self/maps"));
	assert_false(refuses(&h, FOP_READ, "/proc/1/maps"));
	assert_true(refuses(&h, FOP_WRITE, "/proc/1/mem"));
	assert_true(refuses(&h, FOP_READ, "/sys/x"));
	polhelp_clear(&h);
}

static void
lists_of_the_config_add_and_deny(void **state)
{
	struct image_land r;
	struct polhelp h;

	make(&h, "file_rules:\n"
	    "  - {paths: ['/a/**', '/b/c/**'], operations: [read], decision: allow}\n"
	    DENY, "landlock: {enabled: true, allow_read: [/r/], "
	    "allow_execute: ['${PROJECT_ROOT}/bin'], allow_write: [/w], "
	    "deny_paths: [/b, /a/x]}\n");
	assert_true(rule(&h, "/r", &r));
	assert_int_equal(r.tree & L(EXECUTE), 0);
	assert_true(rule(&h, "/srv/proj/bin", &r));
	assert_true((r.tree & L(EXECUTE)) != 0);
	assert_false(refuses(&h, FOP_CREATE, "/w/x"));
	assert_true(refuses(&h, FOP_READ, "/b/c/x"));
	assert_false(refuses(&h, FOP_READ, "/a/x"));
	assert_int_equal(h.d.warnings, 1);
	assert_non_null(strstr(polhelp_first(&h), "above \"/a/x\" is open"));
	polhelp_clear(&h);
}

static void
many_names_count_as_a_wildcard(void **state)
{
	static char rules[8192];
	struct image_land r;
	struct polhelp h;
	size_t n;
	int i;

	n = (size_t)snprintf(rules, sizeof(rules), "file_rules:\n  - {paths: [");
	for (i = 0; i < 300; i++)
		n += (size_t)snprintf(rules + n, sizeof(rules) - n,
		    "%s'/m/n%d'", i > 0 ? ", " : "", i);
	snprintf(rules + n, sizeof(rules) - n,
	    "], operations: [read], decision: allow}\n"
	    "  - {paths: ['/f/[ab]', '/g/[a-z][a-z]', '/h/?'], operations: [read], decision: allow}\n"
	    DENY);
	make(&h, rules, ON);
	assert_true(rule(&h, "/m", &r));
	assert_false(rule(&h, "/m/n7", &r));
	assert_true(rule(&h, "/f/a", &r));
	assert_true(rule(&h, "/f/b", &r));
	assert_true(rule(&h, "/g", &r));
	assert_true(rule(&h, "/h", &r));
	polhelp_clear(&h);
}

/* ---- generated policies ---- */

static const char *const part[] = { "a", "b", "ab", "*", "**", "?", "a*",
	"[ab]", "[!a]", "{a,b}", "{a,b/*}", "a**", "**b", "x" };
static const char *const word[] = { "read", "write", "create", "delete",
	"rename", "mkdir", "rmdir", "list", "symlink", "link", "truncate",
	"'*'", "stat", "open" };
#define N(a) (sizeof(a) / sizeof((a)[0]))

static void
a_path(char *buf, size_t size, const char *const *v, size_t nv)
{
	unsigned int i, k = 1 + rnd(3);
	size_t n = 0;

	for (i = 0; i < k; i++)
		n += (size_t)snprintf(buf + n, size - n, "/%s", v[rnd((unsigned int)nv)]);
}

static void
a_policy(char *buf, size_t size)
{
	static const char *const dec[] = { "allow", "allow", "deny", "audit",
		"soft_delete", "approve" };
	char path[128];
	unsigned int i, k, r = 1 + rnd(5);
	size_t n;

	n = (size_t)snprintf(buf, size, "file_rules:\n");
	for (i = 0; i < r; i++) {
		n += (size_t)snprintf(buf + n, size - n, "  - {paths: [");
		for (k = 1 + rnd(2); k > 0; k--) {
			a_path(path, sizeof(path), part, N(part));
			n += (size_t)snprintf(buf + n, size - n, "'%s'%s", path,
			    k > 1 ? ", " : "");
		}
		n += (size_t)snprintf(buf + n, size - n,
		    "], operations: [%s, %s], decision: %s}\n",
		    word[rnd(N(word))], word[rnd(N(word))], dec[rnd(N(dec))]);
	}
	if (rnd(4) != 0)
		snprintf(buf + n, size - n, DENY);
}

/*
 * What the policy allows the rules allow: but for making and removing the top
 * of a hierarchy, whose names below are all given.
 */
static void
compare(const struct polhelp *h, const char *rules, const char *path)
{
	size_t len = strlen(path);
	struct verdict v;
	uint32_t own, parent;
	unsigned int op;

	for (op = 0; op < FOP_MAX; op++) {
		image_file(&h->im, (enum file_op)op, path, len, &v);
		if (!v.allowed || !image_land_refuses(&h->im,
		    (enum file_op)op, false, path, len, &own, &parent))
			continue;
		if (own == 0 &&
		    (parent & ~image_land_rights(&h->im, path, len)) == 0)
			continue;
		fail_msg("%s%s %s: allowed, and refused by Landlock (%x %x)",
		    rules, file_op_name[op], path, own, parent);
	}
}

static void
rules_hold_what_the_policy_allows(void **state)
{
	static const char *const name[] = { "a", "b", "ab", "ba", "x", "c" };
	unsigned int i, k, some = 0;
	char rules[2048], path[128];
	struct image_land r;
	struct polhelp h;

	for (i = 0; i < 1500; i++) {
		a_policy(rules, sizeof(rules));
		make(&h, rules, rnd(2) ? ON : ON "sandbox: {baseline: false}\n");
		for (k = 0; k < 40; k++) {
			a_path(path, sizeof(path), name, N(name));
			compare(&h, rules, path);
		}
		(void)rule(&h, "/", &r);
		some += r.tree != LANDLOCK_ALL;
		polhelp_clear(&h);
	}
	/* Else the comparison would be of nothing. */
	assert_true(some > 300);
}

/* ---- the kernel ---- */

static char top[64];

static const char *
at(const char *name)
{
	static char buf[2][160];
	static unsigned int i;

	i ^= 1;
	snprintf(buf[i], sizeof(buf[i]), "%s/%s", top, name);
	return buf[i];
}

static int
try_open(const char *name, int flags)
{
	int fd = open(at(name), flags | O_CLOEXEC, 0644);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static int
errno_of(int rc)
{
	return rc == 0 ? 0 : errno;
}

static void
touch(const char *name)
{
	assert_int_equal(try_open(name, O_CREAT | O_WRONLY), 0);
}

/* In a child: its exit status says which line was not as it must be. */
static int
under(int ruleset)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    landlock_restrict(ruleset) == -1)
		return 1;
	if (try_open("read/f", O_RDONLY) != 0 ||
	    try_open("lit", O_RDONLY) != 0 ||
	    try_open("all/new", O_CREAT | O_EXCL | O_RDWR) != 0)
		return 2;
	if (try_open("other", O_RDONLY) != EACCES ||
	    try_open("read/f", O_WRONLY) != EACCES ||
	    try_open("lit2", O_RDONLY) != EACCES)
		return 3;
	if (try_open("read/new", O_CREAT | O_WRONLY) != EACCES ||
	    errno_of(unlink(at("read/f"))) != EACCES ||
	    errno_of(mkdir(at("d"), 0755)) != EACCES)
		return 4;
	/* A symbolic link lends no rule to what it names. */
	if (try_open("link/f", O_RDONLY) != EACCES)
		return 5;
	/* What could be made may be executed below the directory there was. */
	if (try_open("made/f", O_RDONLY) != 0 ||
	    try_open("made/f", O_WRONLY) != EACCES)
		return 6;
	return 0;
}

static int
world(void)
{
	strcpy(top, "/tmp/test_landlock.XXXXXX");
	if (mkdtemp(top) == NULL || mkdir(at("read"), 0755) == -1 ||
	    mkdir(at("all"), 0755) == -1 || mkdir(at("made"), 0755) == -1 ||
	    mkdir(at("far"), 0755) == -1 || symlink("far", at("link")) == -1)
		return -1;
	touch("read/f");
	touch("lit");
	touch("lit2");
	touch("other");
	touch("far/f");
	touch("made/f");
	return 0;
}

static void
the_kernel_refuses_what_the_rules_say(void **state)
{
	char rules[2048], cmd[160];
	struct polhelp h;
	int fd, ruleset, status;
	pid_t pid;

	if (landlock_abi() == 0)
		skip();
	assert_int_equal(world(), 0);
	snprintf(rules, sizeof(rules), "file_rules:\n"
	    "  - {paths: ['%s/read/**', '%s/lit', '%s/gone', '%s/link/**'], operations: [read], decision: allow}\n"
	    "  - {paths: ['%s/all/**', '%s/made/later/**'], operations: ['*'], decision: allow}\n"
	    DENY, top, top, top, top, top, top);
	make(&h, rules, ON);
	fd = landlock_blob_write(&h.im);
	assert_int_not_equal(fd, -1);
	assert_int_equal(landlock_build(fd, &ruleset), 0);
	assert_int_not_equal(ruleset, -1);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(under(ruleset));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ruleset);
	close(fd);
	polhelp_clear(&h);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	assert_int_equal(system(cmd), 0);
}

static void
nothing_to_refuse_makes_no_ruleset(void **state)
{
	struct polhelp h;
	int fd, ruleset;

	if (landlock_abi() == 0)
		skip();
	make(&h, "file_rules:\n"
	    "  - {paths: ['/**'], operations: ['*'], decision: allow}\n", ON);
	fd = landlock_blob_write(&h.im);
	assert_int_equal(landlock_build(fd, &ruleset), 0);
	assert_int_equal(ruleset, -1);
	close(fd);
	polhelp_clear(&h);
}

static void
a_blob_that_is_none_is_refused(void **state)
{
	int fd, ruleset, i;

	if (landlock_abi() == 0)
		skip();
	for (i = 0; i < 2; i++) {
		fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_int_equal(write(fd, "AL1\0\1\0\0\0\0\0\0\0", 12), 12);
		if (i == 1)
			assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE |
			    F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0);
		assert_int_equal(landlock_build(fd, &ruleset), -1);
		assert_int_equal(errno, EINVAL);
		close(fd);
	}
}

static void
rights_are_the_kernels(void **state)
{
	assert_int_equal(landlock_known(0), 0);
	assert_int_equal(landlock_known(1), 0x1fff);
	assert_int_equal(landlock_known(2), 0x3fff);
	assert_int_equal(landlock_known(4), 0x7fff);
	assert_int_equal(landlock_known(99), LANDLOCK_ALL);
	assert_int_equal(landlock_since(L(READ_FILE)), 1);
	assert_int_equal(landlock_since(L(READ_FILE) | L(TRUNCATE)), 3);
	assert_string_equal(landlock_right_name(15), "ioctl_dev");
	assert_null(landlock_right_name(16));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_config_there_are_no_rules),
		cmocka_unit_test(hierarchies_and_files_are_told_apart),
		cmocka_unit_test(
		    refusals_before_are_taken_away_where_names_are_spelled),
		cmocka_unit_test(a_leading_wildcard_opens_everything),
		cmocka_unit_test(a_process_of_its_own_is_all_of_proc),
		cmocka_unit_test(lists_of_the_config_add_and_deny),
		cmocka_unit_test(many_names_count_as_a_wildcard),
		cmocka_unit_test(rules_hold_what_the_policy_allows),
		cmocka_unit_test(the_kernel_refuses_what_the_rules_say),
		cmocka_unit_test(nothing_to_refuse_makes_no_ruleset),
		cmocka_unit_test(a_blob_that_is_none_is_refused),
		cmocka_unit_test(rights_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
