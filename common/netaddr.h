/*
 * Addresses in the mirror, the network namespace in which every address is local
 * and the monitor alone makes sockets: each session's sockets have its own
 * source addresses there, and that is how netproxy knows whose they are.
 *
 *	127.128.0.0/9 + host		AF_INET
 *	fd97:6167:656e:7473::host	AF_INET6
 *
 * Pure.  Any process.
 */

#ifndef COMMON_NETADDR_H
#define COMMON_NETADDR_H

#include <sys/socket.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NETADDR_HOSTS 0x7fffffu /* the highest number; the lowest is 1 */
#define NETADDR_V4    0x7f800000u
#define NETADDR_V6                                                    \
	{                                                             \
		{                                                     \
			{                                             \
				0xfd, 0x97, 'a', 'g', 'e', 'n', 't', 's' \
			}                                             \
		}                                                     \
	}

/* The address of host for a socket of domain; mapped: v4-mapped IPv6. */
static inline socklen_t
netaddr_of(uint32_t host, int domain, bool mapped, uint16_t port,
    struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	uint32_t v4 = htonl(NETADDR_V4 | (host & NETADDR_HOSTS));
	static const struct in6_addr v6 = NETADDR_V6;

	memset(ss, 0, sizeof(*ss));
	if (domain == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		in->sin_addr.s_addr = v4;
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	if (mapped) {
		in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
		memcpy(&in6->sin6_addr.s6_addr[12], &v4, 4);
		return sizeof(*in6);
	}
	in6->sin6_addr = v6;
	host = htonl(host);
	memcpy(&in6->sin6_addr.s6_addr[12], &host, 4);
	return sizeof(*in6);
}

/* The host of an address, or 0: none of the mirror's. */
static inline uint32_t
netaddr_host(const struct sockaddr *sa)
{
	static const struct in6_addr v6 = NETADDR_V6;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	uint32_t v4;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		v4 = ntohl(in.sin_addr.s_addr);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		memcpy(&v4, &in6.sin6_addr.s6_addr[12], 4);
		v4 = ntohl(v4);
		if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
			return memcmp(&in6.sin6_addr, &v6, 12) == 0 &&
				v4 <= NETADDR_HOSTS ?
			    v4 :
			    0;
	} else {
		return 0;
	}
	return (v4 & ~NETADDR_HOSTS) == NETADDR_V4 ? v4 & NETADDR_HOSTS : 0;
}

#endif
