/*
 * Sockets in the mirror.  A session's sockets live in the network namespace of
 * its programs, but for those that ask a resolver (port 53 of anything), the
 * session's proxy, or, with intercept_mode: all, port 80 or 443: those live in
 * the mirror, where netproxy listens on every address, so that the program sees
 * the peer that it named.
 *
 * A socket changes over when it is about to connect or send: a new one, which
 * has its options and its epoll registrations, is put over the caller's
 * descriptor.  Duplicates made before keep the old one; agentshd(8) says so.
 *
 * Serving threads, but for what says otherwise.
 */

#ifndef TRACER_REDIRECT_H
#define TRACER_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "tracer/call.h"
#include "tracer/sock.h"

struct chan;
struct msg;
struct redirect;

/*
 * As TRACER_NET says (its facts descriptor is taken); chan: to the monitor,
 * borrowed for good.  NULL with errno.  Main thread, before any other.
 */
struct redirect *redirect_new(struct msg *m, struct chan *chan,
    uint32_t session);

/* NET_SOCKET_IS of the monitor.  Main thread. */
void redirect_got(struct redirect *r, struct msg *m);

/* The proxy's port on the session's loopback; 0: no proxy. */
uint16_t redirect_proxy_port(const struct redirect *r);

/* Where a socket must be for what it is about to do. */
enum redirect_to {
	REDIRECT_HOME,	 /* an ordinary socket: judge the address */
	REDIRECT_OWN,	 /* the session's own resolver or proxy: not judged */
	REDIRECT_WATCHED /* judge the address; then netproxy reads what is said */
};
enum redirect_to redirect_where(const struct redirect *r, struct sock *s,
    const struct sockname *n);

/* 127/8 and ::1, and what the kernel takes for them: 0.0.0.0 and ::. */
bool redirect_is_loopback(const struct in6_addr *a);

/* Cookie of a socket's network namespace; 0: the kernel does not say (5.14). */
uint64_t redirect_netns(int fd);

/* Is there a mirror? */
bool redirect_has_mirror(const struct redirect *r);

/*
 * Have s where it must be; s->fd may then be another, and the caller's
 * descriptor with it.  0, or the errno to answer.  May block for the monitor.
 */
int redirect_move(struct call *c, struct sock *s, enum redirect_to to,
    const struct sockname *n) __attribute__((warn_unused_result));

/*
 * Is s in the mirror?  It is brought home before it is bound, connected or sent
 * from for what is not netproxy's.  0, or the errno to answer.
 */
int redirect_home(struct call *c, struct sock *s)
    __attribute__((warn_unused_result));

/*
 * Judge a connection by the address and by the names under which the session
 * knows it: of all the rules that match under one of them the first in the
 * policy.  name: NULL, or the deciding name in the worker's buffer.
 */
void redirect_judge(struct call *c, enum net_op op, const struct sockname *n,
    struct verdict *v, const char **name);

#endif
