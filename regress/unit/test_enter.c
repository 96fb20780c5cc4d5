/*
 * Entering a session, the asker's side, against a daemon of the test's own: one
 * process that speaks entry.sock's protocol, well or badly, and serves the
 * listener it is given.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/entry.h"
#include "common/msg.h"
#include "supervisor/ctl/enter.h"
#include "supervisor/ctl/exec.h"

#define U(s) ((char *)(uintptr_t)(s))

/* How the daemon behaves. */
struct fake {
	const char *name;
	struct msg_entry_verdict verdict;
	struct msg_entry_terms terms;
	const char *tail; /* of the verdict */
	size_t tail_len;
	char *env[4]; /* what it gives back */
	bool bad_blob; /* an environment that is none */
	bool bad_program; /* a filter that is none */
	bool no_terms; /* never says under what we are to live */
	bool drop_early; /* closes in place of GO */
	bool refuse_early; /* answers before it has read the question */
	bool at_once; /* answers and closes before it has read anything */
	unsigned int away; /* how often it says that we are elsewhere */
};

struct place {
	char dir[64], path[100];
	int fd;
	pid_t pid;
};

/* execve is asked, everything else goes. */
static const struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int
bytes_fd(const void *p, size_t len)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	if (fd == -1 || write(fd, p, len) != (ssize_t)len)
		_exit(11);
	return fd;
}

static void
send_verdict(struct chan *c, const struct fake *f)
{
	static char *const none[] = { NULL };
	bool yes = f->verdict.exit_code == 0 && !f->verdict.inside;
	int fd = -1;

	if (yes && !f->no_terms) {
		fd = bytes_fd(filter,
		    f->bad_program ? sizeof(filter) - 3 : sizeof(filter));
		if (chan_send(c, MSG_ENTRY_TERMS, 0, 0, &f->terms, NULL, 0, &fd,
			1) == -1)
			_exit(24);
		close(fd);
	}
	if (yes)
		fd = f->bad_blob ? bytes_fd("x", 1) :
				   entry_blob_write(none, f->env, "");
	/* It may have left over the terms. */
	if (chan_send(c, MSG_ENTRY_VERDICT, 0, 0, &f->verdict, f->tail,
		f->tail_len, &fd, yes) == -1 &&
	    !f->bad_program)
		_exit(12);
}

/* Say yes to every execve until nobody is left to ask. */
static void
serve(int listener)
{
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;

	for (;;) {
		memset(&req, 0, sizeof(req));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) == -1)
			return;
		memset(&resp, 0, sizeof(resp));
		resp.id = req.id;
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) == -1)
			return;
	}
}

static void
expect(struct chan *c, struct msg *m, enum msg_type type, int code)
{
	if (chan_recv(c, m) != 1 || m->hdr.type != type)
		_exit(code);
}

/* What the asker sent must be what the test asked for. */
static void
check_question(struct msg *m)
{
	struct entry_args a;

	if (entry_blob_read(msg_take_fd(m, 0), &a) == -1)
		_exit(13);
	if (a.argc < 1 || strcmp(a.program, a.argv[0]) != 0 || a.envc != 1 ||
	    strcmp(a.envp[0], "FROM=outside") != 0)
		_exit(14);
	entry_args_clear(&a);
}

/* The first question comes with a directory, the next ones without. */
static void
say_elsewhere(struct chan *c, struct msg *m, const struct fake *f)
{
	static const struct fake away = { .verdict.elsewhere = 1,
		.verdict.inside = 1, /* no descriptors */
		.tail = "\0\0/proc/self\0",
		.tail_len = 14 };
	const char *want = "/", *cwd;
	unsigned int i;

	for (i = 0; i < f->away; i++, want = NULL) {
		cwd = msg_str(m, 0);
		if ((cwd == NULL) != (want == NULL) ||
		    (want != NULL && strcmp(cwd, want) != 0))
			_exit(20);
		send_verdict(c, &away);
		expect(c, m, MSG_ENTRY_ASK, 21);
		check_question(m);
	}
}

/* The listener by the number that the asker says. */
static int
fetch(int conn, struct msg *m)
{
	const struct msg_entry_listener *l = msg_payload(m);
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int pidfd, fd;

	if (m->hdr.nfds != 0 ||
	    getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		_exit(22);
	pidfd = (int)syscall(SYS_pidfd_open, cred.pid, 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, l->fd, 0);
	if (pidfd == -1 || fd == -1)
		_exit(23);
	close(pidfd);
	return fd;
}

static void
daemon_main(int fd, const struct fake *f)
{
	static const struct msg_none none;
	static struct msg m;
	struct chan c;
	int listener;

	alarm(30);
	if ((fd = accept(fd, NULL, NULL)) == -1)
		_exit(15);
	chan_init(&c, fd, PROC_MONITOR | PROC_TRACER, PROC_ASKER);
	if (f->at_once) {
		send_verdict(&c, f);
		return;
	}
	expect(&c, &m, MSG_ENTRY_HELLO, 16);
	if (!f->refuse_early) {
		expect(&c, &m, MSG_ENTRY_ASK, 17);
		check_question(&m);
		say_elsewhere(&c, &m, f);
	}
	send_verdict(&c, f);
	if (f->refuse_early || f->verdict.exit_code != 0 || f->verdict.inside ||
	    f->bad_blob || f->bad_program || f->no_terms)
		return;
	expect(&c, &m, MSG_ENTRY_LISTENER, 18);
	listener = f->terms.fetch ? fetch(c.fd, &m) : msg_take_fd(&m, 0);
	if (f->drop_early)
		return;
	if (chan_send(&c, MSG_ENTRY_GO, 0, 0, &none, NULL, 0, NULL, 0) == -1)
		_exit(19);
	serve(listener);
}

static void
start(struct place *p, const struct fake *f)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	strcpy(p->dir, "/tmp/test_enter.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/entry.sock", p->dir);
	strcpy(sun.sun_path, p->path);
	p->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(p->fd, 4), 0);
	p->pid = fork();
	assert_int_not_equal(p->pid, -1);
	if (p->pid == 0) {
		daemon_main(p->fd, f);
		_exit(0);
	}
	close(p->fd);
}

/* The daemon must have come to its end by itself, content. */
static void
finish(struct place *p)
{
	int status;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_int_equal(status, 0);
	unlink(p->path);
	rmdir(p->dir);
}

/* Run "sh -c SCRIPT" in the session that f makes. */
static void
run(const struct fake *f, const char *script, struct exec_end *e)
{
	char *argv[] = { U("/bin/sh"), U("-c"), U(script), NULL };
	char *envp[] = { U("FROM=outside"), NULL };
	struct exec_req q = { .command = argv[0],
		.argv = argv,
		.want_json = true };
	struct enter_request eq = { .session = "s",
		.program = argv[0],
		.argv = argv,
		.envp = envp };
	struct place p;

	start(&p, f);
	eq.socket = p.path;
	assert_int_equal(exec_wait(&q, &eq, e), 0);
	finish(&p);
}

/* The same, from "/" and with a directory that is to be compared. */
static int
follow(void *arg, const char *workspace, struct enter_request *q,
    struct enter_result *r)
{
	const char *no = arg;

	if (no == NULL)
		return chdir(workspace);
	r->end = ENTER_TOLD;
	r->exit_code = 2;
	return -1;
}

static void
run_away(const struct fake *f, const char *no, struct exec_end *e)
{
	char *argv[] = { U("/bin/sh"), U("-c"), U("pwd -P"), NULL };
	char *envp[] = { U("FROM=outside"), NULL };
	struct exec_req q = { .command = argv[0],
		.argv = argv,
		.want_json = true };
	struct enter_request eq = { .session = "s",
		.program = argv[0],
		.argv = argv,
		.envp = envp,
		.cwd = "/",
		.away = follow,
		.arg = U(no) };
	struct place p;

	start(&p, f);
	eq.socket = p.path;
	assert_int_equal(exec_wait(&q, &eq, e), 0);
	finish(&p);
}

static void
assert_output(const struct exec_end *e, const char *want)
{
	assert_int_equal(e->out.len, strlen(want));
	assert_memory_equal(e->out.buf, want, e->out.len);
}

static const struct fake good = { .env = { U("FROM=session") } };

static void
enter_served_runs_with_the_sessions_environment(void **state)
{
	struct fake f = good;
	struct exec_end e;

	for (; f.terms.fetch < 2; f.terms.fetch++) {
		run(&f, "echo $FROM; echo err >&2; exit 7", &e);
		assert_true(e.entered);
		assert_int_equal(e.exit_code, 7);
		assert_output(&e, "session\n");
		assert_int_equal(e.err.total, 4);
		exec_end_clear(&e);
	}
}

static void
enter_leaves_filter_and_nothing_else(void **state)
{
	struct fake f = good;
	struct exec_end e;

	for (; f.terms.fetch < 2; f.terms.fetch++) {
		/* Five lines: 0, 1, 2, the directory itself; then the status. */
		run(&f,
		    "cd /proc/self/fd && echo [0-9]*; while read k v; do case $k in "
		    "NoNewPrivs:|Seccomp:|Seccomp_filters:) echo $k $v;; esac; done "
		    "< /proc/self/status",
		    &e);
		assert_true(e.entered);
		assert_int_equal(e.exit_code, 0);
		assert_output(&e,
		    "0 1 2 3\nNoNewPrivs: 1\nSeccomp: 2\nSeccomp_filters: 1\n");
		exec_end_clear(&e);
	}
}

static void
enter_root_session_keeps_only_its_capabilities(void **state)
{
	struct fake f = good;
	struct exec_end e;
	char want[160];
	/* Bits 0 1 3 4 5 6 7 8 10 31. */
	const char *keep = "00000000800005fb";

	if (geteuid() != 0 || prctl(PR_CAPBSET_READ, 31, 0, 0, 0) != 1)
		skip();
	f.terms.drop_caps = 1;
	run(&f,
	    "while read k v; do case $k in Cap*) echo $k $v;; esac; done "
	    "< /proc/self/status",
	    &e);
	assert_true(e.entered);
	snprintf(want, sizeof(want),
	    "CapInh: 0000000000000000\nCapPrm: %s\nCapEff: %s\nCapBnd: %s\n"
	    "CapAmb: 0000000000000000\n",
	    keep, keep, keep);
	assert_output(&e, want);
	exec_end_clear(&e);
}

/* Whether the daemon hears us out or has closed before it heard a word. */
static void
enter_inside_is_a_plain_exec(void **state)
{
	struct fake f = { .verdict.inside = 1 };
	struct exec_end e;
	int i;

	for (i = 0; i < 20; i++) {
		f.at_once = i > 0;
		run(&f, "echo $FROM", &e);
		assert_true(e.entered);
		assert_output(&e, "outside\n");
		exec_end_clear(&e);
	}
}

static void
assert_not_run(const struct exec_end *e, enum enter_end end, int code)
{
	assert_false(e->entered);
	assert_int_equal(e->out.total, 0);
	assert_int_equal(e->why.end, end);
	assert_int_equal(e->exit_code, code);
}

/* Sent to the workspace it goes there, and asks once more. */
static void
enter_elsewhere_goes_to_the_workspace(void **state)
{
	struct fake f = good;
	struct exec_end e;

	f.away = 1;
	run_away(&f, NULL, &e);
	assert_true(e.entered);
	assert_true(e.out.len > 6);
	assert_memory_equal(e.out.buf, "/proc/", 6);
	exec_end_clear(&e);
}

static void
enter_elsewhere_that_cannot_go_does_not_run(void **state)
{
	struct fake f = { .verdict = { .elsewhere = 1, .inside = 1 },
		.tail = "\0\0/proc/self\0",
		.tail_len = 14 };
	struct exec_end e;

	run_away(&f, "no", &e);
	assert_not_run(&e, ENTER_TOLD, 2);
	exec_end_clear(&e);
}

/* A daemon that sends us to and fro is none. */
static void
enter_elsewhere_twice_does_not_run(void **state)
{
	static const char tail[] = "\0\0/proc/self\0";
	struct fake f = { .verdict = { .elsewhere = 1, .inside = 1 },
		.tail = tail,
		.tail_len = sizeof(tail),
		.away = 1 };
	struct exec_end e;

	run_away(&f, NULL, &e);
	assert_not_run(&e, ENTER_BROKEN, 126);
	exec_end_clear(&e);
	f.away = 0;
	run(&f, "echo ran", &e);
	assert_not_run(&e, ENTER_BROKEN, 126);
	exec_end_clear(&e);
}

static void
enter_refused_says_why(void **state)
{
	static const char tail[] = "rule-1\0p.yaml\0no such thing\0ask root";
	struct fake f = { .verdict = { .exit_code = 126, .line = 12 },
		.tail = tail,
		.tail_len = sizeof(tail) };
	struct exec_end e;
	int early;

	for (early = 0; early < 2; early++) {
		f.refuse_early = early;
		run(&f, "echo ran", &e);
		assert_not_run(&e, ENTER_REFUSED, 126);
		assert_string_equal(e.why.rule, "rule-1");
		assert_string_equal(e.why.file, "p.yaml");
		assert_int_equal(e.why.line, 12);
		assert_string_equal(e.why.message, "no such thing");
		assert_string_equal(e.why.hint, "ask root");
		exec_end_clear(&e);
	}
}

static void
enter_broken_off_does_not_run(void **state)
{
	struct fake f[4] = { good, good, good, good };
	struct exec_end e;
	size_t i;

	f[0].drop_early = true;
	f[1].bad_blob = true;
	f[2].bad_program = true;
	f[3].no_terms = true;
	for (i = 0; i < 4; i++) {
		run(&f[i], "echo ran", &e);
		assert_not_run(&e, ENTER_BROKEN, 126);
		exec_end_clear(&e);
	}
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/*
 * Also what it left in a session of its own, with our pipes still open.  In a
 * process that has no other children, as agentsh has none: they would be killed
 * too.
 */
static void
wait_timed_out_kills_all(void **state)
{
	uint64_t begin = now_ms();
	char *argv[] = { U("/bin/sh"), U("-c"),
		U("echo begin; setsid sleep 60 & sleep 60"), NULL };
	char *envp[] = { U("FROM=outside"), NULL };
	struct exec_req q = { .command = argv[0],
		.argv = argv,
		.want_json = true,
		.timeout_ns = 300000000ull };
	struct enter_request eq = { .session = "s",
		.program = argv[0],
		.argv = argv,
		.envp = envp };
	struct exec_end e;
	struct place p;
	int status;
	pid_t pid;

	start(&p, &good);
	eq.socket = p.path;
	if ((pid = fork()) == 0) {
		if (exec_wait(&q, &eq, &e) == -1 || !e.entered)
			_exit(1);
		if (!e.timed_out || e.exit_code != 124 || e.out.len != 6)
			_exit(2);
		/* The setsid'ed one is gone: nobody is left to wait for. */
		_exit(waitpid(-1, NULL, WNOHANG) == -1 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(now_ms() - begin < 20000);
	finish(&p);
}

static void
wait_signal_is_said_as_a_shell_does(void **state)
{
	struct exec_end e;

	run(&good, "kill -KILL $$", &e);
	assert_int_equal(e.exit_code, 128 + SIGKILL);
	exec_end_clear(&e);
}

static void
wait_large_output_is_cut_and_counted(void **state)
{
	struct exec_end e;

	run(&good, "head -c 3000000 /dev/zero", &e);
	assert_int_equal(e.exit_code, 0);
	assert_int_equal(e.out.len, CAPTURE_MAX);
	assert_int_equal(e.out.total, 3000000);
	exec_end_clear(&e);
}

/* ---- the blob itself ---- */

static void
blob_comes_back_as_it_went(void **state)
{
	char *argv[] = { U("a"), U(""), U("b c"), NULL };
	char *envp[] = { U("X=1"), NULL };
	struct entry_args a;
	int fd;

	fd = entry_blob_write(argv, envp, "/bin/a");
	assert_int_not_equal(fd, -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(entry_blob_read(fd, &a), 0);
	assert_int_equal(a.argc, 3);
	assert_string_equal(a.argv[1], "");
	assert_string_equal(a.argv[2], "b c");
	assert_null(a.argv[3]);
	assert_string_equal(a.envp[0], "X=1");
	assert_null(a.envp[1]);
	assert_string_equal(a.program, "/bin/a");
	entry_args_clear(&a);
	close(fd);
}

/* A blob of the given header and strings, sealed or not. */
static int
raw_blob(uint32_t magic, uint32_t argc, uint32_t envc, uint32_t bytes,
    const char *s, size_t len, int seals)
{
	struct entry_blob b = { magic, argc, envc, bytes };
	int fd = memfd_create("raw", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(write(fd, &b, sizeof(b)), sizeof(b));
	assert_int_equal(write(fd, s, len), (ssize_t)len);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void
blob_malformed_is_refused(void **state)
{
	const int all = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	const struct {
		uint32_t magic, argc, envc, bytes;
		const char *s;
		size_t len;
		int seals, ok;
	} tab[] = {
		{ ENTRY_BLOB_MAGIC, 1, 1, 6, "a\0b\0c", 6, all, 1 },
		{ ENTRY_BLOB_MAGIC, 1, 1, 6, "a\0b\0c", 6, F_SEAL_WRITE, 0 },
		{ ENTRY_BLOB_MAGIC, 1, 1, 6, "a\0b\0c", 6, 0, 0 },
		{ 1, 1, 1, 6, "a\0b\0c", 6, all, 0 },
		{ ENTRY_BLOB_MAGIC, 2, 1, 6, "a\0b\0c", 6, all, 0 },
		{ ENTRY_BLOB_MAGIC, 1, 0, 6, "a\0b\0c", 6, all, 0 },
		{ ENTRY_BLOB_MAGIC, 1, 1, 5, "a\0b\0c", 6, all, 0 },
		{ ENTRY_BLOB_MAGIC, 1, 1, 7, "a\0b\0c", 6, all, 0 },
		{ ENTRY_BLOB_MAGIC, 1, 1, 5, "a\0b\0c", 5, all, 0 },
		{ ENTRY_BLOB_MAGIC, 0xffffffff, 1, 6, "a\0b\0c", 6, all, 0 },
		{ ENTRY_BLOB_MAGIC, 0x80000000, 0x80000001, 6, "a\0b\0c", 6,
		    all, 0 },
		{ ENTRY_BLOB_MAGIC, 0, 0, 0, "", 0, all, 0 },
	};
	struct entry_args a;
	size_t i;
	int fd, rv;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		fd = raw_blob(tab[i].magic, tab[i].argc, tab[i].envc,
		    tab[i].bytes, tab[i].s, tab[i].len, tab[i].seals);
		rv = entry_blob_read(fd, &a);
		if ((rv == 0) != tab[i].ok)
			fail_msg("row %zu: %d", i, rv);
		if (rv == 0)
			entry_args_clear(&a);
		close(fd);
	}
	assert_int_equal(entry_blob_read(0, &a), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    enter_served_runs_with_the_sessions_environment),
		cmocka_unit_test(enter_leaves_filter_and_nothing_else),
		cmocka_unit_test(
		    enter_root_session_keeps_only_its_capabilities),
		cmocka_unit_test(enter_inside_is_a_plain_exec),
		cmocka_unit_test(enter_elsewhere_goes_to_the_workspace),
		cmocka_unit_test(enter_elsewhere_that_cannot_go_does_not_run),
		cmocka_unit_test(enter_elsewhere_twice_does_not_run),
		cmocka_unit_test(enter_refused_says_why),
		cmocka_unit_test(enter_broken_off_does_not_run),
		cmocka_unit_test(wait_timed_out_kills_all),
		cmocka_unit_test(wait_signal_is_said_as_a_shell_does),
		cmocka_unit_test(wait_large_output_is_cut_and_counted),
		cmocka_unit_test(blob_comes_back_as_it_went),
		cmocka_unit_test(blob_malformed_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	syscall(SYS_close_range, 3, ~0u, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
