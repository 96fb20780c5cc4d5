/*
 * Unix sockets that the session itself made, so that it may talk to itself whatever the
 * policy says of sockets from outside.  A path socket is known by its file (device, inode, time of
 * birth), an abstract one by its name as long as the very socket that was bound to it lives.
 *
 * One table per tracer, fixed size, the oldest entry gives way.  Any serving thread.
 */

#ifndef TRACER_SOCKTAB_H
#define TRACER_SOCKTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct socktab;

/* The file of a path socket. */
struct socktab_file {
	uint64_t dev, ino, birth_ns; /* birth 0: the file system does not say */
};

/* A new table, or NULL with errno.  procfd (borrowed for good): /proc. */
struct socktab *socktab_new(int procfd);

/*
 * Remember that the session bound the socket with inode sock_ino.  name is its canonical path
 * with file, or "@name" with file NULL.  A name longer than 255 bytes is not kept.
 */
void socktab_add(struct socktab *t, uint64_t sock_ino,
    const struct socktab_file *file, const char *name, size_t len);

/* Was this file made by a bind of the session? */
bool socktab_has_file(struct socktab *t, const struct socktab_file *file);

/* Is "@name" held by a socket that the session bound?  Reads /proc/net/unix if it may be. */
bool socktab_has_abstract(struct socktab *t, const char *name, size_t len);

/* The name under which the socket with inode sock_ino was bound; false: not by the session. */
bool socktab_name(struct socktab *t, uint64_t sock_ino, char *buf, size_t size,
    size_t *len);

/*
 * Pure: has a line of /proc/net/unix (n bytes) inode sock_ino and an abstract name?
 */
bool socktab_line(const char *line, size_t n, uint64_t sock_ino);

#endif
