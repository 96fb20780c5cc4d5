/*
 * The mirror: a network namespace in which every address is local.  What is
 * sent there to any address and port arrives with that destination at a socket
 * that listens on all; the answer comes from the address that was asked.  The
 * monitor makes the namespace once, opens netproxy's sockets there, which it
 * keeps so that they outlive netproxy, and makes sessions' sockets there.
 *
 * Monitor only.
 */

#ifndef SUPERVISOR_MIRROR_H
#define SUPERVISOR_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/msg.h"

/*
 * Queries by UDP wait at this many sockets of each family, by the session that
 * sent them: one that sends more than is read does not fill all.
 */
#define MIRROR_DNS_UDP 16u /* a power of two */
#define MIRROR_SOCKETS (2 * MIRROR_DNS_UDP + 8)

struct mirror_socket {
	enum net_listen kind;
	int family, fd; /* fd is owned */
};

struct mirror {
	int ns_fd, home_fd; /* the mirror, and where the monitor lives; -1 */
	struct mirror_socket sock[MIRROR_SOCKETS];
	unsigned int nsock;
	int port_fd; /* holds the proxy's port on this machine's loopback; -1 */
	uint16_t proxy_port;
	bool up;
	char why[160]; /* why there is none */
};

void mirror_init(struct mirror *mi);

/*
 * Make the namespace, which needs CAP_NET_ADMIN there: before the monitor gives
 * up what it does not keep.  0; or -1 with why: there is none.
 */
int mirror_make(struct mirror *mi) __attribute__((warn_unused_result));

/*
 * Open the sockets that listen there: for DNS, for the proxy on port (0: one
 * that is free), for what was meant for ports 80 and 443.  0; or -1 with why:
 * then there is no mirror.  Once, at the start.
 */
int mirror_open(struct mirror *mi, uint16_t port)
    __attribute__((warn_unused_result));

/*
 * A socket in the mirror as a tracer of the session with this host asks, bound.
 * The caller's, or -1 with errno.
 */
int mirror_socket(const struct mirror *mi, uint32_t host,
    const struct msg_net_socket *want) __attribute__((warn_unused_result));

void mirror_close(struct mirror *mi);

#endif
