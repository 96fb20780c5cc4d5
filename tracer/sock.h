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

/* ---- between sock.c and sockmsg.c ---- */

struct sock {
	int fd; /* our copy of the caller's, owned */
	int domain, type;
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

/* Our copy of SR_FD.  true, else the call has been answered. */
bool sock_get(struct call *c, struct sock *s) __attribute__((warn_unused_result));

/*
 * Copy the address at addr, judge it for op, pin it, and have s where it must be
 * for it (redirect.h).  0; or the errno to answer, with the refusal's
 * event committed; or -1: the call has been answered.  sock_to_close after 0.
 */
int sock_to_read(struct call *c, struct sock *s, enum sockname_use use,
    enum net_op op, uint64_t addr, int len, struct sock_to *to)
    __attribute__((warn_unused_result));
/* The same for a message: an address that the kernel would not look at is no question. */
int sock_to_send(struct call *c, struct sock *s, int flags, uint64_t addr,
    int len, struct sock_to *to) __attribute__((warn_unused_result));
void sock_to_close(struct call *c, struct sock_to *to);

#endif
