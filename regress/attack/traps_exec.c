/*
 * Traps of exec: what is loaded is not what was asked for.  DIR/secret/true and DIR/secret/ld.so are
 * copies that may not be read; DIR/ok/banned is a program that a command rule forbids.
 * See traps.h.
 */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regress/attack/traps.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#define RACE_SECONDS 3.0

struct run {
	int fd; /* -1: by name, else execveat */
	const char *path;
	const char *argv[6];
};

static int
do_run(void *arg)
{
	const struct run *r = arg;
	char *const env[] = { NULL };

	close(2);
	if (r->fd == -1)
		syscall(SYS_execve, r->path, r->argv, env);
	else
		syscall(SYS_execveat, r->fd, r->path, r->argv, env,
		    r->path[0] == '\0' ? AT_EMPTY_PATH : 0);
	return 99;
}

/* Exit 0 of what was run says that it ran. */
static int
runs(const char *what, int fd, const char *path, const char *const *argv)
{
	struct run r = { .fd = fd, .path = path };
	int status;

	for (int i = 0; i < 5 && argv[i] != NULL; i++)
		r.argv[i] = argv[i];
	status = traps_child(do_run, &r, 10000);
	errno = status == 99 ? EACCES : 0;
	return traps_way(what, status == 0);
}

#define RUNS(what, fd, path, ...) \
	runs(what, fd, path, (const char *const[]) { __VA_ARGS__, NULL })

/* ---- scripts swapped behind a name and behind a descriptor ---- */

static void
swap_names(void)
{
	for (;;)
		syscall(SYS_renameat2, AT_FDCWD, "ok/s1", AT_FDCWD, "ok/s2",
		    RENAME_EXCHANGE);
}

static int
two_scripts(void)
{
	char text[600];

	snprintf(text, sizeof(text), "#!%s/secret/true\n", traps_dir);
	if (traps_write("ok/s1", "#!/bin/false\n", 13) == -1)
		return -1;
	return traps_write("ok/s2", text, strlen(text));
}

static int
exec_swap_name(void)
{
	double end = traps_now() + RACE_SECONDS;
	struct run r = { -1, "ok/s1", { "ok/s1" } };
	unsigned long tries = 0, ran = 0, killed = 0;
	int won = 0, status;
	pid_t pid;

	if (two_scripts() == -1)
		return BROKEN;
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		swap_names();
	}
	for (; !won && traps_now() < end; tries++) {
		status = traps_child(do_run, &r, 10000);
		won = status == 0;
		ran += status == 1;
		killed += status == 256 + SIGKILL;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%lu tries, %lu ran, %lu killed\n", tries, ran, killed);
	errno = 0;
	return traps_way("scripts behind a name", won);
}

/*
 * The kernel may load the other of two scripts with the same #! line, and nobody sees it: but
 * what is run is what the interpreter then opens by name, which is asked again.
 */
static int
exec_swap_same(void)
{
	double end = traps_now() + RACE_SECONDS;
	struct run r = { -1, "ok/l1", { "ok/l1" } };
	unsigned long tries = 0, ran = 0, unread = 0;
	int won = 0, status;
	pid_t pid;

	if (traps_write("ok/same", "#!/bin/sh\nexit 1\n", 17) == -1 ||
	    symlink("same", "ok/l1") == -1 ||
	    symlink("../secret/same", "ok/l2") == -1)
		return BROKEN;
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			syscall(SYS_renameat2, AT_FDCWD, "ok/l1", AT_FDCWD,
			    "ok/l2", RENAME_EXCHANGE);
	}
	for (; !won && traps_now() < end; tries++) {
		status = traps_child(do_run, &r, 10000);
		won = status == 0;
		ran += status == 1;
		unread += status == 2 || status == 126 || status == 127;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%lu tries, %lu ran, %lu could not be read\n", tries, ran, unread);
	errno = 0;
	return traps_way("scripts with the same first line", won);
}

static volatile int stop;
static int fds[3]; /* the one that is run, the two it is now and then */

static void *
swap_fds(void *arg)
{
	(void)arg;
	while (!stop) {
		dup2(fds[1], fds[0]);
		dup2(fds[2], fds[0]);
	}
	return NULL;
}

/* The child shares the descriptor table, so that it sees the thread's dup2. */
static int
clone_run(struct run *r)
{
	pid_t pid = (pid_t)syscall(SYS_clone, 0x400 /* CLONE_FILES */ | SIGCHLD, 0,
	    0, 0, 0);
	int status;

	if (pid == 0) {
		char *const env[] = { NULL };

		syscall(SYS_execveat, r->fd, "", r->argv, env, AT_EMPTY_PATH);
		_exit(99);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return -1;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int
exec_swap_fd(void)
{
	double end = traps_now() + RACE_SECONDS;
	struct run r = { 20, "", { "s" } };
	unsigned long tries = 0, ran = 0, killed = 0;
	int won = 0, status;
	pthread_t t;

	fds[0] = 20;
	fds[1] = open("/bin/false", O_PATH);
	fds[2] = open("secret/true", O_PATH);
	if (fds[2] == -1)
		return HELD;
	dup2(fds[1], fds[0]);
	stop = 0;
	if (pthread_create(&t, NULL, swap_fds, NULL) != 0)
		return BROKEN;
	for (; !won && traps_now() < end; tries++) {
		status = clone_run(&r);
		won = status == 0;
		ran += status == 1;
		killed += status == 256 + SIGKILL;
	}
	stop = 1;
	pthread_join(t, NULL);
	printf("%lu tries, %lu ran, %lu killed\n", tries, ran, killed);
	errno = 0;
	return traps_way("programs behind a descriptor", won);
}

/* ---- the loader that the program names ---- */

static int
pt_interp(void)
{
	static char b[4 << 20];
	char interp[512];
	Elf64_Ehdr *eh = (Elf64_Ehdr *)b;
	Elf64_Phdr *ph;
	int fd = open("/bin/true", O_RDONLY);
	ssize_t n;

	if (fd == -1 || (n = read(fd, b, sizeof(b) - sizeof(interp))) <= 0)
		return BROKEN;
	close(fd);
	ph = (Elf64_Phdr *)(b + eh->e_phoff);
	snprintf(interp, sizeof(interp), "%s/secret/ld.so", traps_dir);
	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_INTERP) {
			ph[i].p_offset = (Elf64_Off)n;
			ph[i].p_filesz = strlen(interp) + 1;
		}
	memcpy(b + n, interp, strlen(interp) + 1);
	if (traps_write("ok/elf", b, (size_t)n + strlen(interp) + 1) == -1)
		return BROKEN;
	errno = 0;
	return RUNS("PT_INTERP below secret", -1, "ok/elf", "elf");
}

/* ---- a forbidden program by other names ---- */

#define LD "/lib64/ld-linux-x86-64.so.2"

static int
ld_so_program(void)
{
	char link[64], script[600];
	int fd, r = HELD;

	unlink("ok/alias");
	unlink("ok/ldalias");
	if (symlink("banned", "ok/alias") == -1 || symlink(LD, "ok/ldalias") == -1)
		return BROKEN;
	fd = open("ok/banned", O_PATH);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(script, sizeof(script), "#!%s/ok/banned\n", traps_dir);
	if (traps_write("ok/script", script, strlen(script)) == -1)
		return BROKEN;
	r |= RUNS("itself", -1, "ok/banned", "x");
	r |= RUNS("a symlink", -1, "ok/alias", "alias");
	r |= RUNS("a magic link", -1, link, "x");
	r |= RUNS("execveat of a descriptor", fd, "", "x");
	r |= RUNS("a script's interpreter", -1, "ok/script", "x");
	r |= RUNS("env", -1, "/usr/bin/env", "env", "ok/banned");
	r |= RUNS("env NAME=VALUE", -1, "/usr/bin/env", "env", "-i", "A=b", "ok/banned");
	r |= RUNS("nice", -1, "/usr/bin/nice", "nice", "-n", "1", "ok/banned");
	r |= RUNS("ld.so", -1, LD, LD, "ok/banned");
	r |= RUNS("ld.so, another argv[0]", -1, LD, "cat", "ok/banned");
	r |= RUNS("ld.so --argv0", -1, LD, LD, "--argv0", "x", "ok/banned");
	r |= RUNS("ld.so --library-path", -1, LD, LD, "--library-path", "/lib", "ok/banned");
	r |= RUNS("ld.so --inhibit-cache", -1, LD, LD, "--inhibit-cache", "ok/banned");
	r |= RUNS("ld.so by a symlink", -1, "ok/ldalias", "x", "ok/banned");
	r |= RUNS("ld.so of its magic link", -1, LD, LD, link);
	r |= RUNS("ld.so of its symlink", -1, LD, LD, "ok/alias");
	r |= RUNS("env of env", -1, "/usr/bin/env", "env", "env", "ok/banned");
	return r;
}

/* What has no name cannot be judged: refused. */
static int
exec_nameless(void)
{
	static char b[4 << 20];
	int m = memfd_create("m", 0), in = open("/bin/true", O_RDONLY), fd, r = HELD;
	ssize_t n = read(in, b, sizeof(b));

	if (m == -1 || n <= 0 || write(m, b, (size_t)n) != n ||
	    traps_write("ok/gone", b, (size_t)n) == -1)
		return BROKEN;
	fd = open("ok/gone", O_PATH);
	unlink("ok/gone");
	errno = 0;
	r |= RUNS("a memfd", m, "", "x");
	r |= RUNS("a deleted file", fd, "", "x");
	return r;
}

/* A file that the kernel could run and we could not read: refused.  ARG is its name. */
static int
execute_only(void)
{
	return RUNS("a program of mode 0111", -1, traps_arg, "x");
}

const struct trap traps_exec[] = {
	{ "exec-swap-name", exec_swap_name, 'e' },
	{ "exec-swap-same", exec_swap_same, 'e' },
	{ "exec-swap-fd", exec_swap_fd, 'e' },
	{ "pt-interp", pt_interp, 'e' },
	{ "ld-so-program", ld_so_program, 'e' },
	{ "exec-nameless", exec_nameless, 'e' },
	{ "execute-only", execute_only, 'u' },
	{ NULL, NULL, 0 },
};
