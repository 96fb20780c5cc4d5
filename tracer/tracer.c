/*
 * What every serving thread needs: directories held open, ids, kernel settings,
 * the image in force.  Used by the tracer's main and by the tests' driver.
 * Trusts the kernel and the monitor only.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/guard.h"
#include "tracer/socktab.h"
#include "tracer/tracer.h"

/* A one-digit sysctl; -1 where it cannot be read. */
static int
sysctl_digit(const char *path)
{
	char ch;
	int fd, v = -1;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	if (read(fd, &ch, 1) == 1 && ch >= '0' && ch <= '9')
		v = ch - '0';
	close(fd);
	return v;
}

int
tracer_init(struct tracer *t)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	t->pid = getpid();
	t->uid = geteuid();
	t->cpus = n < 1 ? 1 : (unsigned int)n;
	if (t->threads == 0)
		t->threads = t->cpus < 2 ? 2 : t->cpus > 8 ? 8 : t->cpus;
	t->rootfd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	t->procfd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	t->selffd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->rootfd == -1 || t->procfd == -1 || t->selffd == -1)
		return -1;
	if ((t->socks = socktab_new(t->procfd)) == NULL ||
	    (t->guard = guard_new()) == NULL)
		return -1;
	/* Where it cannot be read it is taken to be on: the stricter. */
	t->protected_symlinks =
	    sysctl_digit("/proc/sys/fs/protected_symlinks") != 0;
	t->protected_regular = sysctl_digit("/proc/sys/fs/protected_regular");
	t->protected_fifos = sysctl_digit("/proc/sys/fs/protected_fifos");
	pthread_mutex_init(&t->lock, NULL);
	return 0;
}

void
tracer_set_image(struct tracer *t, struct tracer_image *im)
{
	struct tracer_image *was = atomic_exchange(&t->image, im);

	if (was == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	was->next = t->old;
	t->old = was;
	pthread_mutex_unlock(&t->lock);
}
