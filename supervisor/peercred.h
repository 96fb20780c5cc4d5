/*
 * Who is at the other end of a unix socket, as the kernel says it: never as the
 * peer's bytes do.  Monitor only.
 */

#ifndef SUPERVISOR_PEERCRED_H
#define SUPERVISOR_PEERCRED_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#define PEER_GROUPS_MAX 1024 /* more is refused */

struct peer {
	pid_t pid; /* thread group that called connect, as we see it; 0: another pid namespace */
	uid_t uid;
	gid_t gid;
	int pidfd; /* owned; -1 if not asked for */
	gid_t *groups; /* owned, sorted, without repetition */
	unsigned int ngroups;
};

/*
 * Read the credentials of the peer of fd.  with_pidfd: by SO_PEERPIDFD, or, before 6.5,
 * by pidfd_open, which a reused pid can fool: then the connection must still be
 * open when it is asked.  0 or -1 with errno; peer_clear afterwards on 0.
 */
int peer_get(struct peer *p, int fd, bool with_pidfd)
    __attribute__((warn_unused_result));
void peer_clear(struct peer *p);

/* Same uid, gid and set of groups? */
bool peer_same_ids(const struct peer *p, uid_t uid, gid_t gid,
    const gid_t *groups, unsigned int ngroups);

/* Does pidfd still stand for a process that has not ended? */
bool peer_alive(const struct peer *p);

#define PEER_PLACES 6

/* Where a process stands: its namespaces and its root directory. */
struct peer_place {
	struct {
		dev_t dev;
		ino_t ino;
	} at[PEER_PLACES];
};

/* Where the caller stands; it stays there.  0 or -1 with errno. */
int peer_place_own(struct peer_place *own) __attribute__((warn_unused_result));

/*
 * Has the peer the monitor's own root directory, mount, user, pid and net
 * namespace?  NULL, or what differs, as an English noun.
 */
const char *peer_elsewhere(const struct peer *p, const struct peer_place *own);

#endif
