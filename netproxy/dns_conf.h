/*
 * Which resolvers the machine asks, and how, as its resolv.conf(5) says.  Pure.
 */

#ifndef NETPROXY_DNS_CONF_H
#define NETPROXY_DNS_CONF_H

#include <sys/socket.h>

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#define DNS_SERVERS_MAX	  8 /* glibc takes 3, musl too */
/*
 * Each try: shorter than the 5 s in which a client of ours gives up, so that a
 * second resolver is asked in time.
 */
#define DNS_TIMEOUT_MS	  2000u
#define DNS_ATTEMPTS	  2u /* of each server */
#define DNS_TIMEOUT_MAX_S 30u /* resolv.conf(5) */
#define DNS_ATTEMPTS_MAX  5u

struct dns_conf {
	struct sockaddr_storage server[DNS_SERVERS_MAX];
	/* of a link-local one by its name, looked up when it is asked; else "" */
	char zone[DNS_SERVERS_MAX][IF_NAMESIZE];
	unsigned int nservers;
	unsigned int timeout_ms, attempts;
	bool rotate;
};

/* No servers, and the values above. */
void dns_conf_init(struct dns_conf *conf);

/*
 * Read a resolv.conf: "nameserver" (addresses with port 53; a zone as a number
 * or an interface's name; none at
 * all is 127.0.0.1) and of "options" timeout, attempts and rotate.  What is neither is
 * passed over, as resolvers do; search lists are the clients' own affair.
 */
void dns_conf_read(struct dns_conf *conf, const char *text, size_t len);

/* The nameservers alone, at most max of them; how many. */
unsigned int dns_resolv_conf(const char *text, size_t len,
    struct sockaddr_storage *ss, unsigned int max);

#endif
