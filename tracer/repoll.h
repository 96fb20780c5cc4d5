/*
 * epoll(7) knows a descriptor's file, not its number: when another socket is put
 * over a descriptor (redirect.c), the caller's epolls would wait for the old one.
 * What was registered is noted before and registered again after.
 *
 * Serving threads.  Looks through the caller's descriptors: microseconds for
 * each; only when a socket moves.
 */

#ifndef TRACER_REPOLL_H
#define TRACER_REPOLL_H

#include <stdint.h>

#include "tracer/call.h"

#define REPOLL_MAX 8 /* epolls that watch one socket */

struct repoll {
	unsigned int n;
	struct {
		int epfd; /* our copy, owned */
		uint32_t events;
		uint64_t data;
	} r[REPOLL_MAX];
};

/* Which of the caller's epolls watch its descriptor fd, a socket with inode ino? */
void repoll_note(struct call *c, int fd, uint64_t ino, struct repoll *p);

/* Register our copy of the new socket as fd with each of them; p is emptied. */
void repoll_again(struct repoll *p, int fd, int sock);

#endif
