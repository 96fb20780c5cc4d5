/*
 * Finding and running policyd and auditd as tools.  Runs as the user; the tools
 * have the user's rights and confine themselves.
 */

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ctl/sibling.h"

int
sibling_path(char *buf, size_t size, const char *name)
{
	char self[PATH_MAX], *slash;
	ssize_t n;
	int w;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n == -1)
		return -1;
	self[n] = '\0';
	errno = ENOENT;
	if ((slash = strrchr(self, '/')) == NULL)
		return -1;
	*slash = '\0';
	w = snprintf(buf, size, "%s/../libexec/agentsh/%s", self, name);
	return w < 0 || (size_t)w >= size ? -1 : 0;
}

static void
read_all(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1) {
		got = read(fd, out + n, size - 1 - n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	out[n] = '\0';
}

int
sibling_run(const char *path, char *const *argv, char *out, size_t size)
{
	int fd[2], status;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1 || signal(SIGCHLD, SIG_DFL) == SIG_ERR)
		return -1;
	if ((pid = fork()) == 0) {
		if (dup2(fd[1], STDOUT_FILENO) != -1)
			execv(path, argv);
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		_exit(127);
	}
	close(fd[1]);
	if (pid != -1)
		read_all(fd[0], out, size);
	close(fd[0]);
	if (pid == -1)
		return -1;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
