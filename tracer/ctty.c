/*
 * See ctty.h.  Runs in the serving threads.  The kernel's own conditions are
 * asked again by the kernel when the caller's TIOCSCTTY comes: what is looked
 * at here only spares the others that.
 *
 * Must never: take a terminal for ourselves, or for a caller that could not
 * have had it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "tracer/ctty.h"
#include "tracer/feature.h"
#include "tracer/inject.h"
#include "tracer/keep.h"
#include "tracer/num.h"
#include "tracer/tracer.h"

#define BSD_MASTER_MAJOR 2
#define VT_MAJOR	 4 /* minor 0 is whichever is in front */
#define AUX_MAJOR	 5 /* /dev/tty, console, ptmx */
#define PTS_MAJOR	 136 /* to 143, 256 each */

bool
ctty_may_be(uint64_t flags, const char *path, size_t len)
{
	uint64_t acc = flags & O_ACCMODE;

	return (flags & O_NOCTTY) == 0 &&
	    (acc == O_RDONLY || acc == O_RDWR) && len > 5 &&
	    memcmp(path, "/dev/", 5) == 0 &&
	    strcmp(path + 5, "null") != 0 && strcmp(path + 5, "zero") != 0 &&
	    strcmp(path + 5, "urandom") != 0;
}

/* Session and terminal of the caller, from /proc/PID/stat. */
static bool
read_stat(const struct call *c, pid_t *session, unsigned int *dev)
{
	char name[NUM_MAX + 8], buf[512], *p;
	ssize_t n;
	int fd, i;

	num_text(num_put(name, c->rq->pid), "/stat");
	if ((fd = openat(c->tracer->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	/* ") S ppid pgrp session tty_nr" */
	p = strrchr(buf, ')');
	for (i = 0; i < 4 && p != NULL; i++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		return false;
	*session = (pid_t)strtol(p, &p, 10);
	*dev = (unsigned int)strtol(p, NULL, 10);
	return true;
}

/* Of the caller's controlling terminal; 0 without one. */
static unsigned int
device(const struct call *c)
{
	unsigned int dev;
	pid_t session;

	return read_stat(c, &session, &dev) ? dev : 0;
}

int
ctty_open(const struct call *c, uint64_t flags)
{
	unsigned int dev = device(c), maj, min;
	char name[NUM_MAX + 16];
	struct stat st;
	int fd;

	maj = dev >> 8 & 0xfff;
	min = (dev & 0xff) | (dev >> 12 & 0xfff00);
	if (maj >= PTS_MAJOR && maj < PTS_MAJOR + 8)
		num_put(num_text(name, "/dev/pts/"),
		    (maj - PTS_MAJOR) * 256 + min);
	else if (maj == VT_MAJOR && min < 64)
		num_put(num_text(name, "/dev/tty"), min);
	else if (maj == VT_MAJOR)
		num_put(num_text(name, "/dev/ttyS"), min - 64);
	else if (maj != 0)
		num_text(name, "/dev/console");
	else
		return errno = ENXIO, -1;
	fd = open(name, (int)(flags & ~(uint64_t)(O_CREAT | O_EXCL)) |
	    O_CLOEXEC | O_NOCTTY);
	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISCHR(st.st_mode) ||
	    major(st.st_rdev) != maj || minor(st.st_rdev) != min)) {
		close(fd);
		return errno = ENXIO, -1;
	}
	return fd;
}

static bool
is_terminal(int fd)
{
	struct termios tio;
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISCHR(st.st_mode) ||
	    major(st.st_rdev) == AUX_MAJOR ||
	    major(st.st_rdev) == BSD_MASTER_MAJOR ||
	    st.st_rdev == makedev(VT_MAJOR, 0))
		return false;
	return tcgetattr(fd, &tio) == 0;
}

/* A leader of a session without a terminal. */
static bool
is_without(const struct call *c)
{
	unsigned int dev;
	pid_t session;

	return read_stat(c, &session, &dev) && dev == 0 &&
	    session == c->task->tgid;
}

/* Have the caller stop behind its call, when that is answered. */
static bool
inject_begin(struct call *c, struct inject *j, struct keep_inject *e)
{
	if ((c->tracer->features & FEATURE_WAIT_KILLABLE) == 0)
		return false;
	if (c->tracer->keeper != NULL)
		return keep_inject_begin(c->tracer->keeper, e, j) == 0;
	return inject_seize(j->tid) == 0;
}

void
ctty_answer(struct call *c, int fd, bool cloexec)
{
	struct inject j = {
		.tid = (pid_t)c->rq->pid,
		.nr = c->rq->data.nr,
		.call = SYS_ioctl,
		.arg = { 0, TIOCSCTTY, 0 },
	};
	struct keep_inject e;
	int theirs;

	if (!is_terminal(fd) || !is_without(c) || !inject_begin(c, &j, &e)) {
		(void)answer_fd(c, fd, cloexec);
		return;
	}
	theirs = answer_fd(c, fd, cloexec);
	/* Where it got an errno it is never behind such a call, and let go. */
	j.value = theirs == -1 ? INT64_MIN : theirs;
	j.arg[0] = (uint64_t)theirs;
	if (c->tracer->keeper != NULL)
		keep_inject_run(c->tracer->keeper, &e);
	else
		inject_run(&j);
}
