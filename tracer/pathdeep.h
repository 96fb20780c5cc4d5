/*
 * Names longer than PATH_MAX.  A program can go down step by step to where no
 * path of its own reaches, and the kernel tells no name of what is there in the
 * usual way; it must be judged like anything else.
 */

#ifndef TRACER_PATHDEEP_H
#define TRACER_PATHDEEP_H

#include <stddef.h>

#include "tracer/call.h"

/*
 * The canonical name of the object behind our descriptor fd, of which readlink
 * said ENAMETOOLONG, with its NUL at most size bytes.  0, or EACCES where it
 * cannot be told: of what is no directory and cannot be read, below a directory
 * that cannot, or while the session renames without a pause.  Slow: it reads
 * directories.
 */
int pathdeep_name(struct call *c, int fd, char *buf, size_t size, size_t *len)
    __attribute__((warn_unused_result));

#endif
