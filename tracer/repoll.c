/*
 * Registering a moved socket again, see repoll.h.  The caller goes on to use its
 * own number with epoll_ctl(2), so the registration must have that number: it is
 * made by a thread with a descriptor table of its own.
 *
 * Trust: the numbers in fdinfo are the kernel's; events and data are the
 * caller's own and go back to it.
 */

#include "tracer/repoll.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/num.h"
#include "tracer/tracer.h"

#define LINK_TEXT  "anon_inode:[eventpoll]"
#define FDINFO_MAX 65536

/* "TID/WHAT" below /proc. */
static int
open_below(struct call *c, const char *what, int flags)
{
	char path[NUM_MAX + 16], *end = num_put(path, (uint32_t)c->rq->pid);

	*end++ = '/';
	num_text(end, what);
	return openat(c->tracer->procfd, path, flags | O_CLOEXEC);
}

/* The value of a word like "tfd:" in a line; base as strtoull. */
static uint64_t
field(const char *line, const char *word, int base)
{
	const char *p = strstr(line, word);

	return p == NULL ? 0 : strtoull(p + strlen(word), NULL, base);
}

static void
take_line(struct call *c, const char *line, int epfd, int fd, uint64_t ino,
    struct repoll *p)
{
	int err;

	if (p->n == REPOLL_MAX || strncmp(line, "tfd:", 4) != 0 ||
	    field(line, "tfd:", 10) != (uint64_t)fd ||
	    field(line, "ino:", 16) != ino)
		return;
	p->r[p->n].events = (uint32_t)field(line, "events:", 16);
	p->r[p->n].data = field(line, "data:", 16);
	p->r[p->n].epfd = call_getfd(c, epfd, &err);
	if (p->r[p->n].epfd != -1)
		p->n++;
}

/* What one epoll watches, a line each. */
static void
read_epoll(struct call *c, int dir, const char *name, int fd, uint64_t ino,
    struct repoll *p)
{
	char *buf = malloc(FDINFO_MAX), *line, *save = NULL;
	int in = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	while (in != -1 && buf != NULL && len < FDINFO_MAX - 1 &&
	    (n = read(in, buf + len, FDINFO_MAX - 1 - len)) > 0)
		len += (size_t)n;
	if (in != -1)
		close(in);
	if (buf == NULL)
		return;
	buf[len] = '\0';
	for (line = strtok_r(buf, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		take_line(c, line, (int)strtol(name, NULL, 10), fd, ino, p);
	free(buf);
}

void
repoll_note(struct call *c, int fd, uint64_t ino, struct repoll *p)
{
	char text[sizeof(LINK_TEXT)];
	struct dirent *e;
	int in, info;
	DIR *dir;

	p->n = 0;
	if ((in = open_below(c, "fd", O_RDONLY | O_DIRECTORY)) == -1)
		return;
	info = open_below(c, "fdinfo", O_RDONLY | O_DIRECTORY);
	if (info == -1 || (dir = fdopendir(in)) == NULL) {
		close(in);
		if (info != -1)
			close(info);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		if (readlinkat(in, e->d_name, text, sizeof(text)) ==
			(ssize_t)sizeof(LINK_TEXT) - 1 &&
		    memcmp(text, LINK_TEXT, sizeof(LINK_TEXT) - 1) == 0)
			read_epoll(c, info, e->d_name, fd, ino, p);
	}
	closedir(dir);
	close(info);
}

struct again {
	struct repoll *p;
	int fd, sock;
};

/* In a table of its own: fd is the new socket, and nothing else is held. */
static void *
register_all(void *arg)
{
	struct again *a = arg;
	struct epoll_event ev;
	unsigned int i;
	int epfd;

	if (unshare(CLONE_FILES) == -1)
		return NULL;
	for (i = 0; i < a->p->n; i++) {
		/* Not under the number that the socket gets. */
		epfd = fcntl(a->p->r[i].epfd, F_DUPFD_CLOEXEC, a->fd + 1);
		if (epfd == -1 ||
		    (a->sock != a->fd && dup2(a->sock, a->fd) == -1))
			break;
		ev.events = a->p->r[i].events;
		ev.data.u64 = a->p->r[i].data;
		(void)epoll_ctl(epfd, EPOLL_CTL_ADD, a->fd, &ev);
		a->sock = a->fd;
	}
	return NULL;
}

void
repoll_again(struct repoll *p, int fd, int sock)
{
	struct again a = { p, fd, sock };
	pthread_t t;

	if (p->n > 0 && pthread_create(&t, NULL, register_all, &a) == 0)
		pthread_join(t, NULL);
	while (p->n > 0)
		close(p->r[--p->n].epfd);
}
