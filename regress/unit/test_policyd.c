/*
 * agentsh-policyd as the monitor runs it, confined and with its seccomp list
 * killing: it loads the deployments, compiles sealed images, and a set that is
 * not sound as a whole leaves the old one in force.  Needs root to become
 * another uid.  The tool mode is golden/decide.sh's.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/image.h"
#include "common/msg.h"

#define TEST_UID 64322
#define DEPLOY	 REGRESS_DIR "/deployments/exe.dev/"

static char empty[] = "/tmp/agentsh-test-policyd-XXXXXX";
static struct chan chan;
static pid_t pid;
static struct msg m;

static void
child(int sock, int null)
{
	if (dup2(null, 0) == -1 || dup2(null, 1) == -1 || dup2(sock, 3) == -1)
		_exit(126);
	execl(POLICYD, "agentsh-policyd", (char *)NULL);
	_exit(127);
}

static unsigned int
next_message(void)
{
	do {
		if (chan_recv(&chan, &m) != 1)
			return MSG_NONE;
	} while (m.hdr.type == MSG_LOG);
	return m.hdr.type;
}

static int
start(void **state)
{
	struct msg_hello h = { .uid = TEST_UID, .gid = TEST_UID,
		.log_level = 6, .sandbox_kill = 1 };
	int sv[2], root, null = open("/dev/null", O_RDWR);

	if (getuid() != 0 || mkdtemp(empty) == NULL)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		child(sv[1], null);
	close(sv[1]);
	close(null);
	chan_init(&chan, sv[0], PROC_MONITOR, PROC_POLICYD);
	root = open(empty, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (chan_send(&chan, MSG_HELLO, 0, 0, &h, NULL, 0, &root, 1) == -1)
		return -1;
	close(root);
	if (next_message() != MSG_READY)
		return -1;
	chan.phase = MSG_P_RUN;
	return 0;
}

static int
stop(void **state)
{
	int status = -1;

	chan_close(&chan);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	(void)rmdir(empty);
	return status == 0 ? 0 : -1;
}

static int
memfile(const char *text)
{
	int fd = memfd_create("t", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void
tell(enum msg_type type, int fd, const char *name)
{
	struct msg_none none = { 0 };

	assert_int_equal(chan_send(&chan, type, 7, 0, &none, name,
	    name != NULL ? strlen(name) + 1 : 0, fd == -1 ? NULL : &fd,
	    fd == -1 ? 0 : 1), 0);
	if (fd != -1)
		close(fd);
}

static const struct msg_conf_result *
load_config(int fd)
{
	tell(MSG_CONF_LOAD, fd, "config.yaml");
	assert_int_equal(next_message(), MSG_CONF_RESULT);
	assert_int_equal(m.hdr.id, 7);
	return msg_payload(&m);
}

static uint32_t
load_policy(int fd, const char *name)
{
	const struct msg_status *st;

	tell(MSG_POLICY_BEGIN, -1, NULL);
	tell(MSG_POLICY_FILE, fd, name);
	tell(MSG_POLICY_COMMIT, -1, NULL);
	assert_int_equal(next_message(), MSG_POLICY_RESULT);
	st = msg_payload(&m);
	return st->error;
}

/* The errno of the answer; the image's descriptor in *fd. */
static uint32_t
compile(const char *policy, int *fd)
{
	char tail[256];
	struct msg_compile ask = { .root_session = 0 };
	const struct msg_status *st;
	int n;

	n = snprintf(tail, sizeof(tail), "%s%c/srv/proj%c/home/u%c/srv/proj",
	    policy, 0, 0, 0);
	assert_int_equal(chan_send(&chan, MSG_COMPILE, 9, 3, &ask, tail,
	    (size_t)n + 1, NULL, 0), 0);
	assert_int_equal(next_message(), MSG_COMPILED);
	assert_int_equal(m.hdr.id, 9);
	assert_int_equal(m.hdr.session, 3);
	st = msg_payload(&m);
	*fd = msg_take_fd(&m, 0);
	return st->error;
}

static void
deployment_is_compiled_for_a_session(void **state)
{
	const struct msg_conf_result *r;
	struct verdict v;
	struct image im;
	unsigned int insns;
	int fd;

	r = load_config(open(DEPLOY "config.yaml", O_RDONLY));
	assert_int_equal(r->error, 0);
	assert_string_equal(r->conf.base_dir, "/var/lib/agentsh/sessions");
	assert_string_equal(r->conf.sqlite_path, "/var/lib/agentsh/events.db");
	assert_string_equal(r->conf.default_policy, "default");
	assert_string_equal(r->conf.log_output, "stderr");
	assert_int_equal(r->conf.max_sessions, 100);
	assert_int_equal(load_policy(open(DEPLOY "default.yaml", O_RDONLY),
	    "default.yaml"), 0);
	assert_int_equal(compile("default", &fd), 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(image_open(&im, fd), -1); /* not sealed yet */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	assert_int_equal(image_open(&im, fd), 0);
	close(fd);
	image_file(&im, FOP_WRITE, "/srv/proj/x", 11, &v);
	assert_int_equal(v.decision, DEC_ALLOW);
	assert_non_null(image_bpf(&im, &insns));
	assert_true(insns > 100);
	assert_int_equal(image_settings(&im)->retention_days, 90);
	assert_int_equal(image_settings(&im)->pids_max, 100);
	image_close(&im);
}

static void
unknown_policy_is_told(void **state)
{
	size_t len;
	int fd;

	assert_int_equal(compile("nosuch", &fd), ENOENT);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(msg_tail(&m, &len), "nosuch"));
}

static void
bad_policy_leaves_the_old_set(void **state)
{
	size_t len;
	int fd;

	assert_int_equal(load_policy(memfile("version: 1\nname: x\n"
	    "file_rules:\n  - { paths: ['/a['], decision: allow }\n"),
	    "other.yaml"), EINVAL);
	assert_non_null(strstr(msg_tail(&m, &len), "other.yaml:4:18"));
	assert_int_equal(compile("default", &fd), 0);
	close(fd);
	assert_int_equal(compile("other", &fd), ENOENT);
}

static void
config_counts_only_with_its_policies(void **state)
{
	const struct image_settings *s;
	struct image im;
	int fd;

	assert_int_equal(load_config(memfile(
	    "sandbox: { limits: { max_processes: 7 } }\n"))->error, 0);
	assert_int_equal(load_policy(memfile("version: 1\n"), "x.yaml"),
	    EINVAL);
	assert_int_equal(compile("default", &fd), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	assert_int_equal(image_open(&im, fd), 0);
	s = image_settings(&im);
	assert_int_equal(s->pids_max, 100); /* not 7 */
	image_close(&im);
	close(fd);
	assert_int_equal(load_config(memfile("sandbox: [\n"))->error, EINVAL);
}

static void
file_that_is_not_yaml_is_told(void **state)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	assert_int_equal(load_policy(fd, "zero.yaml"), EINVAL);
	assert_int_equal(load_policy(open("/proc/self", O_RDONLY | O_CLOEXEC),
	    "dir.yaml"), EINVAL);
	assert_int_equal(load_policy(memfile(""), "empty.yaml"), EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deployment_is_compiled_for_a_session),
		cmocka_unit_test(unknown_policy_is_told),
		cmocka_unit_test(bad_policy_leaves_the_old_set),
		cmocka_unit_test(config_counts_only_with_its_policies),
		cmocka_unit_test(file_that_is_not_yaml_is_told),
	};

	if (getuid() != 0) {
		puts("needs root to become another uid");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
