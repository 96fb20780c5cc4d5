/*
 * Run outside and inside a session: behaviours that must be the same.  Each prints what it saw, and
 * nothing that differs from run to run (no ids, no times); behave.sh compares.
 *
 *	behave -l		the names
 *	behave NAME DIR		in DIR, which is empty and ours
 *
 * Exit 0 says no more than that it came to its end.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regress/run/behave.h"

const char *behave_self;

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

const char *
said(long r)
{
	return r == -1 ? strerrorname_np(errno) : "ok";
}

void
put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, mode);

	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		say("put %s: %s", path, said(-1));
	close(fd);
	chmod(path, mode);
}

const char *
get(const char *path)
{
	static char b[256];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd == -1)
		return said(-1);
	n = read(fd, b, sizeof(b) - 1);
	close(fd);
	if (n == -1)
		return said(-1);
	b[n] = '\0';
	b[strcspn(b, "\n")] = '\0';
	return b;
}

int
ended(pid_t pid)
{
	int status;

	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return -1;
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

void
exec_says(const char *what, const char *path, char *const *argv)
{
	pid_t pid = fork();
	int n;

	if (pid == 0) {
		char *const env[] = { NULL };

		close(2);
		execve(path, argv, env);
		_exit(errno);
	}
	n = ended(pid);
	say("%-24s %s", what, n == 0 ? "ran" : n >= 1000 ? strsignal(n - 1000) :
						    strerrorname_np(n));
}

static const struct behaviour *const themes[] = { behave_exec,
	behave_signal, behave_name, behave_fd, behave_tty };
#define NTHEMES (sizeof(themes) / sizeof(themes[0]))

static int
list(void)
{
	for (size_t i = 0; i < NTHEMES; i++)
		for (const struct behaviour *b = themes[i]; b->name != NULL; b++)
			puts(b->name);
	return 0;
}

int
main(int argc, char **argv)
{
	static char exe[4096];

	if (argc == 2 && strcmp(argv[1], "-l") == 0)
		return list();
	if (argc != 3 || chdir(argv[2]) == -1 ||
	    readlink("/proc/self/exe", exe, sizeof(exe) - 1) == -1) {
		fprintf(stderr, "usage: behave -l | NAME DIR\n");
		return 2;
	}
	behave_self = exe;
	umask(022);
	for (size_t i = 0; i < NTHEMES; i++)
		for (const struct behaviour *b = themes[i]; b->name != NULL; b++)
			if (strcmp(b->name, argv[1]) == 0) {
				b->fn();
				return 0;
			}
	return 2;
}
