/*
 * Run inside a session: the traps of DESIGN.md section 8, each by its name and by raw system calls.
 *
 *	traps -l [KIND]		the names; KIND e: outside a session they escape
 *	traps NAME DIR [ARG]	try one in the world DIR, see traps.h
 *
 * Exit 0: held, 1: an escape was seen here, 2: it could not be tried.  traps.sh runs each
 * outside first, where it must escape, and looks from outside at what each has left.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "regress/attack/traps.h"

const char *traps_dir, *traps_arg = "";

static const struct trap *const themes[] = { traps_file, traps_exec,
	traps_proc, traps_net, traps_live };
#define NTHEMES (sizeof(themes) / sizeof(themes[0]))

int
traps_way(const char *what, int worked)
{
	if (worked)
		printf("%-32s WORKED\n", what);
	else
		printf("%-32s %s\n", what,
		    errno != 0 ? strerrorname_np(errno) : "no");
	errno = 0;
	return worked ? ESCAPED : HELD;
}

int
traps_is_secret(int fd)
{
	char b[7] = "";
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, b, sizeof(b) - 1);
	close(fd);
	if (n >= 0)
		errno = 0;
	return n == 6 && memcmp(b, "SECRET", 6) == 0;
}

int
traps_reads_secret(const char *path)
{
	return traps_is_secret((int)syscall(SYS_openat, AT_FDCWD, path,
	    O_RDONLY | O_NONBLOCK));
}

void
traps_fill(char *buf, size_t size, const char *pattern, const char *text)
{
	size_t n = 0;

	for (; *pattern != '\0' && n + 1 < size; pattern++) {
		if (*pattern != '@')
			buf[n++] = *pattern;
		else
			for (const char *p = text; *p != '\0' && n + 1 < size; p++)
				buf[n++] = *p;
	}
	buf[n] = '\0';
}

int
traps_write(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0755), r;

	if (fd == -1)
		return -1;
	r = write(fd, bytes, n) == (ssize_t)n ? 0 : -1;
	return close(fd) == -1 ? -1 : r;
}

int
traps_child(int (*fn)(void *), void *arg, unsigned int ms)
{
	pid_t pid = fork();
	int status;

	if (pid == -1)
		return 512;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	for (; waitpid(pid, &status, WNOHANG) == 0; ms--) {
		if (ms == 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return 512;
		}
		usleep(1000);
	}
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

double
traps_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
list(const char *kind)
{
	for (size_t i = 0; i < NTHEMES; i++)
		for (const struct trap *t = themes[i]; t->name != NULL; t++)
			if (kind == NULL || kind[0] == t->kind)
				puts(t->name);
	return 0;
}

static int
run(const struct trap *t)
{
	static const char *const word[] = { "held", "ESCAPED", "COULD NOT TRY" };
	int r;

	errno = 0;
	r = t->fn();
	r = (r & ESCAPED) != 0 ? ESCAPED : r & BROKEN;
	printf("%s: %s\n", t->name, word[r]);
	return r;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "-l") == 0)
		return list(argc > 2 ? argv[2] : NULL);
	if (argc < 3 || argv[2][0] != '/') {
		fprintf(stderr, "usage: traps -l [KIND] | NAME DIR [ARG]\n");
		return BROKEN;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	traps_dir = argv[2];
	if (argc > 3)
		traps_arg = argv[3];
	if (chdir(traps_dir) == -1) {
		perror(traps_dir);
		return BROKEN;
	}
	for (size_t i = 0; i < NTHEMES; i++)
		for (const struct trap *t = themes[i]; t->name != NULL; t++)
			if (strcmp(t->name, argv[1]) == 0)
				return run(t);
	fprintf(stderr, "traps: no trap %s\n", argv[1]);
	return BROKEN;
}
