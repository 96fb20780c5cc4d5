/*
 * Run outside, by an ordinary user: stops every child of process PARENT as soon
 * as that child is one's own to stop.  Says "stopped PID" for each; ends with its
 * parent.
 *
 *	stopper PARENT
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The id that was given out last. */
static int
last_pid(FILE *fp)
{
	int last = 0;

	rewind(fp);
	if (fscanf(fp, "%*s %*s %*s %*s %d", &last) != 1)
		return 0;
	return last;
}

static int
parent_of(int pid)
{
	char path[64], buf[512], *p;
	size_t n;
	FILE *fp;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if ((fp = fopen(path, "re")) == NULL)
		return 0;
	n = fread(buf, 1, sizeof(buf) - 1, fp);
	fclose(fp);
	buf[n] = '\0';
	p = strrchr(buf, ')');
	/* Not a tracer, which is the user's own affair. */
	if (strstr(buf, "(agentshd)") == NULL)
		return 0;
	return p != NULL && strlen(p) > 4 ? atoi(p + 4) : 0;
}

int
main(int argc, char **argv)
{
	FILE *fp = fopen("/proc/loadavg", "re");
	int parent, pid;

	if (argc != 2 || fp == NULL)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setvbuf(fp, NULL, _IONBF, 0);
	parent = atoi(argv[1]);
	for (;;) {
		pid = last_pid(fp);
		if (pid == 0 || pid == getpid() || parent_of(pid) != parent)
			continue;
		while (kill(pid, SIGSTOP) == -1 && errno == EPERM)
			;
		if (errno != ESRCH) {
			printf("stopped %d\n", pid);
			fflush(stdout);
		}
		errno = 0;
	}
}
