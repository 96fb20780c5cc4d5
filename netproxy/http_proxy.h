/*
 * The proxy of a session: CONNECT and absolute-form requests of clients that honour the
 * variables, and intercepted connections of those that do not.  Each request is
 * judged by the host it names and the address that is dialled; what is ambiguous is
 * refused.  Runs in netproxy's loop; never blocks.
 */

#ifndef NETPROXY_HTTP_PROXY_H
#define NETPROXY_HTTP_PROXY_H

#include <sys/socket.h>

#include <stddef.h>

#include "netproxy/netproxy.h"

/* Seconds. */
#define HTTP_FIRST_S 30	  /* for the first byte, and until a head is whole */
#define HTTP_BETWEEN_S 75 /* between two requests of one client */
#define HTTP_STALL_S 300  /* a message in which nothing moves */
#define HTTP_LINGER_S 5	  /* reading on after the last answer */

/*
 * Bytes that one direction may hold: then its source is not read.  That many
 * while there are few connections, less the more there are, so that all
 * together stay near HTTP_HELD_ALL each way.
 */
#define HTTP_HELD_BYTES (256u << 10)
#define HTTP_HELD_LEAST (16u << 10)
#define HTTP_HELD_ALL	(128u << 20)
size_t http_held_bytes(void);

/* A client of the proxy, fd taken, non-blocking. */
void http_proxy_accept(struct np *np, struct np_session *s, int fd);

/* A connection that was meant for dst, fd taken, non-blocking. */
void intercept_accept(struct np *np, struct np_session *s, int fd,
    const struct sockaddr *dst);

#endif
