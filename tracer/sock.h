/*
 * Questions about sockets: connect, bind, listen, sendto, sendmsg, sendmmsg.  Each address, message
 * header, control message and payload is copied once from the caller, judged, and the
 * call is made on our own copy of the caller's socket.  Run in the serving threads with the
 * caller's credentials; may block as the call does.
 */

#ifndef TRACER_SOCK_H
#define TRACER_SOCK_H

#include <sys/socket.h>

#include "tracer/call.h"
#include "tracer/sockname.h"

void sock_ask_connect(struct call *c);
void sock_ask_bind(struct call *c);
void sock_ask_listen(struct call *c);
void sock_ask_sendto(struct call *c);   /* sockmsg.c */
void sock_ask_sendmsg(struct call *c);  /* sockmsg.c */
void sock_ask_sendmmsg(struct call *c); /* sockmsg.c */

/* A serving thread has ended: what w keeps between calls goes.  Any thread. */
void sock_worker_end(struct worker *w); /* sockmsg.c */

/* ---- between sock.c, sockmsg.c and redirect.c ---- */

/*
 * Our copy of a socket.  What it is does not change while it lives, but that
 * IPV6_ADDRFORM makes an AF_INET6 one AF_INET: nothing may be judged by that
 * and then given to the kernel unjudged.
 */
struct sock {
	int fd; /* owned */
	int domain;
	int type, protocol; /* -1: not asked yet */
	uint64_t netns;	    /* cookie of its network namespace; 0: not asked */
};

/* An address that was copied, and judged; what is given to the kernel in its place. */
struct sock_to {
	struct sockname name;
	socklen_t len; /* 0: no address */
	union {
		struct sockaddr sa;
		struct sockaddr_storage ss;
		char bytes[SOCKNAME_ADDR_MAX];
	};
	bool pinned; /* w->res[0] holds the object: sock_to_close */
};

/* Our copy of SR_FD; of what it is only the domain.  true, else answered. */
bool sock_get(struct call *c, struct sock *s) __attribute__((warn_unused_result));
/* Its descriptor alone; s->domain is not set. */
bool sock_get_fd(struct call *c, struct sock *s)
    __attribute__((warn_unused_result));
/* SO_TYPE and SO_PROTOCOL, -1 where the kernel does not say. */
int sock_type(struct sock *s);
int sock_protocol(struct sock *s);
/* An option that is one int. */
bool sock_option(int fd, int level, int name, int *v)
    __attribute__((warn_unused_result));

/*
 * Copy the address at addr, judge it for op, pin it, and have s where it must be
 * for it (redirect.h).  0; or the errno to answer, with the refusal's
 * event committed; or -1: the call has been answered.  sock_to_close after 0.
 */
int sock_to_read(struct call *c, struct sock *s, enum sockname_use use,
    enum net_op op, uint64_t addr, int len, struct sock_to *to)
    __attribute__((warn_unused_result));

/* Does the kernel look at the address of a message to s at all? */
bool sock_wants_name(struct sock *s, int flags, uint64_t addr, int len)
    __attribute__((warn_unused_result));
/* As sock_to_read of a message's address, len bytes at copy, in range. */
int sock_to_judge(struct call *c, struct sock *s, const char *copy, size_t len,
    struct sock_to *to) __attribute__((warn_unused_result));
/* The kernel does not look at it: to is what is given instead. */
void sock_to_none(struct sock *s, uint64_t addr, int len, struct sock_to *to);
void sock_to_close(struct call *c, struct sock_to *to);

#endif
