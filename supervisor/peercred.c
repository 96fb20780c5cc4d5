/*
 * Credentials of a peer, see peercred.h.
 *
 * Runs in the monitor.  Trusts the kernel.  What is read from /proc/PID counts only while
 * the pidfd, looked at afterwards, says that PID has not ended meanwhile.
 */

#include "supervisor/peercred.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int
gid_cmp(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

static void
groups_sort(gid_t *g, unsigned int *n)
{
	unsigned int i, k;

	if (*n == 0)
		return;
	qsort(g, *n, sizeof(*g), gid_cmp);
	for (i = k = 1; i < *n; i++) {
		if (g[i] != g[k - 1])
			g[k++] = g[i];
	}
	*n = k;
}

static int
read_groups(struct peer *p, int fd)
{
	socklen_t len = PEER_GROUPS_MAX * sizeof(gid_t);

	if ((p->groups = malloc(len)) == NULL)
		return -1;
	/* ERANGE: more than anybody needs. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->groups, &len) == -1)
		return -1;
	p->ngroups = (unsigned int)(len / sizeof(gid_t));
	groups_sort(p->groups, &p->ngroups);
	return 0;
}

static bool
hung_up(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

	return poll(&pfd, 1, 0) == 1 &&
	    (pfd.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

static int
read_pidfd(struct peer *p, int fd)
{
	socklen_t len = sizeof(p->pidfd);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &p->pidfd, &len) == 0)
		return fcntl(p->pidfd, F_SETFD, FD_CLOEXEC);
	p->pidfd = -1;
	if (errno != ENOPROTOOPT && errno != EINVAL)
		return -1;
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd == -1)
		return -1;
	if (hung_up(fd)) {
		errno = ESRCH;
		return -1;
	}
	return 0;
}

int
peer_get(struct peer *p, int fd, bool with_pidfd)
{
	struct ucred uc;
	socklen_t len = sizeof(uc);

	memset(p, 0, sizeof(*p));
	p->pidfd = -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &uc, &len) == -1)
		return -1;
	p->pid = uc.pid;
	p->uid = uc.uid;
	p->gid = uc.gid;
	if (uc.uid == (uid_t)-1 || read_groups(p, fd) == -1 ||
	    (with_pidfd && read_pidfd(p, fd) == -1)) {
		int saved = errno;

		peer_clear(p);
		errno = saved;
		return -1;
	}
	return 0;
}

void
peer_clear(struct peer *p)
{
	if (p->pidfd != -1)
		close(p->pidfd);
	p->pidfd = -1;
	free(p->groups);
	p->groups = NULL;
	p->ngroups = 0;
}

bool
peer_same_ids(const struct peer *p, uid_t uid, gid_t gid, const gid_t *groups,
    unsigned int ngroups)
{
	return p->uid == uid && p->gid == gid && p->ngroups == ngroups &&
	    (ngroups == 0 ||
		memcmp(p->groups, groups, ngroups * sizeof(gid_t)) == 0);
}

bool
peer_alive(const struct peer *p)
{
	struct pollfd pfd = { .fd = p->pidfd, .events = POLLIN };

	return p->pidfd != -1 && poll(&pfd, 1, 0) == 0;
}

/* clang-format off */
static const struct {
	const char *name, *noun;
} place_tab[PEER_PLACES] = {
	{ "ns/user", "user namespace" },
	{ "ns/mnt", "mount namespace" },
	{ "ns/pid", "pid namespace" },
	{ "ns/pid_for_children", "pid namespace for children" },
	{ "ns/net", "network namespace" },
	{ "root", "root directory" },
};
/* clang-format on */

int
peer_place_own(struct peer_place *own)
{
	struct stat st;
	char path[64];
	size_t i;

	for (i = 0; i < PEER_PLACES; i++) {
		snprintf(path, sizeof(path), "/proc/self/%s",
		    place_tab[i].name);
		if (stat(path, &st) == -1)
			return -1;
		own->at[i].dev = st.st_dev;
		own->at[i].ino = st.st_ino;
	}
	return 0;
}

const char *
peer_elsewhere(const struct peer *p, const struct peer_place *own)
{
	struct stat st;
	char path[64];
	size_t i;

	if (p->pid <= 0)
		return "pid namespace";
	for (i = 0; i < PEER_PLACES; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)p->pid,
		    place_tab[i].name);
		if (stat(path, &st) == -1 || st.st_dev != own->at[i].dev ||
		    st.st_ino != own->at[i].ino)
			return place_tab[i].noun;
	}
	return peer_alive(p) ? NULL : "process (it has ended)";
}
