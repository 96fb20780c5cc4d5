/*
 * Folders and files of the house: the run directory, the empty root, the lock, the audit
 * directory, the sessions' base; and opening what an operator wrote so that nobody
 * else could have.  Paths come from the command line, the config and this program, never
 * from a client.  Monitor only.  Everything logs its own reason and remedy.
 */

#ifndef SUPERVISOR_STATE_H
#define SUPERVISOR_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct monitor;

/*
 * Open a regular file for reading that root owns and nobody else can write; no symbolic link at its
 * end.  A descriptor the caller owns, or -1 after logging.
 */
int state_open_trusted(int dirfd, const char *path, const char *shown);

/* MON_RUN_DIR, the empty root, the lock (one daemon).  0 or -1. */
int state_open_run(struct monitor *mon);

/* audit directory, key file, sessions' base, as mon->conf says.  0 or -1. */
int state_open_dirs(struct monitor *mon);

/* A listening unix socket of mode 0666 at path.  A descriptor, or -1. */
int state_listen(const char *path, int type, int backlog);

/* Remove sockets and the pid file. */
void state_clean(struct monitor *mon);

/*
 * base_dir/ID (root, 0711... see below) and base_dir/ID/trash, 0700 of uid:gid.  The trash directory as a
 * descriptor the caller owns, or -1.
 */
int state_session_dir(struct monitor *mon, const char *id, uint32_t uid,
    uint32_t gid);

#endif
