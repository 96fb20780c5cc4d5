/*
 * Reading socket addresses: see sockname.h.  Used by the tracer's serving threads and
 * the tests; trusts nothing; allocates nothing.
 */

#include "tracer/sockname.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>

/* From linux/in6.h and RFC 2133: before scope ids. */
#define SIN6_OLD_LEN 24
#define NL_LEN	     12
#define UN_PATH	     offsetof(struct sockaddr_un, sun_path)

static int
read_inet(const uint8_t *p, size_t len, struct sockname *n)
{
	if (len < sizeof(struct sockaddr_in))
		return EINVAL;
	n->kind = SOCKNAME_INET;
	n->family = AF_INET;
	n->port = (uint16_t)(p[2] << 8 | p[3]);
	memset(n->addr.s6_addr + 10, 0xff, 2);
	memcpy(n->addr.s6_addr + 12, p + 4, 4);
	return 0;
}

static int
read_inet6(const uint8_t *p, size_t len, struct sockname *n)
{
	if (len < SIN6_OLD_LEN)
		return EINVAL;
	n->kind = SOCKNAME_INET;
	n->family = AF_INET6;
	n->port = (uint16_t)(p[2] << 8 | p[3]);
	memcpy(n->addr.s6_addr, p + 8, 16);
	return 0;
}

/* UDP takes AF_UNSPEC for AF_INET on an IPv4 socket, and for no address on an IPv6 one. */
static int
read_unspec(int domain, enum sockname_use use, const uint8_t *p, size_t len,
    struct sockname *n)
{
	if (use == SOCKNAME_CONNECT)
		return 0;
	if (domain == AF_INET)
		return read_inet(p, len, n);
	return use == SOCKNAME_SEND ? 0 : EAFNOSUPPORT;
}

static int
read_ip(int domain, enum sockname_use use, int family, const uint8_t *p,
    size_t len, struct sockname *n)
{
	if (family == AF_INET)
		return read_inet(p, len, n);
	if (family == AF_INET6)
		return read_inet6(p, len, n);
	if (family == AF_UNSPEC)
		return read_unspec(domain, use, p, len, n);
	return EAFNOSUPPORT;
}

static int
read_unix(enum sockname_use use, int family, const char *p, size_t len,
    struct sockname *n)
{
	if (family == AF_UNSPEC && use == SOCKNAME_CONNECT)
		return 0;
	if (family != AF_UNIX || len > sizeof(struct sockaddr_un))
		return EINVAL;
	n->family = AF_UNIX;
	if (len == UN_PATH) {
		n->kind = SOCKNAME_AUTO;
		return use == SOCKNAME_BIND ? 0 : EINVAL;
	}
	n->text = p + UN_PATH;
	n->text_len = len - UN_PATH;
	if (*n->text == '\0') {
		n->kind = SOCKNAME_ABSTRACT;
		n->text++;
		n->text_len--;
	} else {
		n->kind = SOCKNAME_PATH;
		n->text_len = strnlen(n->text, n->text_len);
	}
	return 0;
}

static int
read_netlink(enum sockname_use use, int family, const uint8_t *p, size_t len,
    struct sockname *n)
{
	if (family == AF_UNSPEC && use == SOCKNAME_CONNECT)
		return 0;
	if (family != AF_NETLINK || len < NL_LEN)
		return EINVAL;
	n->kind = SOCKNAME_NETLINK;
	n->family = AF_NETLINK;
	memcpy(&n->peer, p + 4, 4);
	memcpy(&n->groups, p + 8, 4);
	return 0;
}

int
sockname_read(int domain, enum sockname_use use, const void *buf, size_t len,
    struct sockname *n)
{
	sa_family_t family;

	memset(n, 0, sizeof(*n));
	if (len < sizeof(family) || len > SOCKNAME_ADDR_MAX)
		return EINVAL;
	memcpy(&family, buf, sizeof(family));
	switch (domain) {
	case AF_INET:
	case AF_INET6:
		return read_ip(domain, use, family, buf, len, n);
	case AF_UNIX:
		return read_unix(use, family, buf, len, n);
	case AF_NETLINK:
		return read_netlink(use, family, buf, len, n);
	default:
		return EAFNOSUPPORT;
	}
}

/* Numbers of the kernel's headers, some newer than the libc's. */
static const struct {
	int domain; /* AF_UNSPEC: any */
	int level, type;
	enum sockname_cmsg what;
} cmsg_tab[] = {
	{ AF_UNIX, SOL_SOCKET, 1, SOCKNAME_CMSG_RIGHTS },
	{ AF_UNIX, SOL_SOCKET, 2, SOCKNAME_CMSG_CREDS },
	{ AF_UNSPEC, SOL_SOCKET, 37, SOCKNAME_CMSG_KEEP }, /* SO_TIMESTAMPING */
	{ AF_UNSPEC, SOL_SOCKET, 61, SOCKNAME_CMSG_KEEP }, /* SCM_TXTIME */
	{ AF_UNSPEC, SOL_SOCKET, 65,
	    SOCKNAME_CMSG_KEEP }, /* SO_TIMESTAMPING_NEW */
	{ AF_UNSPEC, SOL_SOCKET, 81, SOCKNAME_CMSG_KEEP }, /* SCM_TS_OPT_ID */
	{ AF_UNSPEC, 0, 1, SOCKNAME_CMSG_KEEP }, /* IP_TOS */
	{ AF_UNSPEC, 0, 2, SOCKNAME_CMSG_KEEP }, /* IP_TTL */
	{ AF_UNSPEC, 0, 8, SOCKNAME_CMSG_STRIP }, /* IP_PKTINFO */
	{ AF_UNSPEC, 17, 103, SOCKNAME_CMSG_KEEP }, /* UDP_SEGMENT */
	{ AF_UNSPEC, 41, 2, SOCKNAME_CMSG_STRIP }, /* IPV6_2292PKTINFO */
	{ AF_UNSPEC, 41, 8, SOCKNAME_CMSG_KEEP }, /* IPV6_2292HOPLIMIT */
	{ AF_UNSPEC, 41, 50, SOCKNAME_CMSG_STRIP }, /* IPV6_PKTINFO */
	{ AF_UNSPEC, 41, 52, SOCKNAME_CMSG_KEEP }, /* IPV6_HOPLIMIT */
	{ AF_UNSPEC, 41, 62, SOCKNAME_CMSG_KEEP }, /* IPV6_DONTFRAG */
	{ AF_UNSPEC, 41, 67, SOCKNAME_CMSG_KEEP }, /* IPV6_TCLASS */
	{ AF_UNSPEC, 282, 1, SOCKNAME_CMSG_KEEP }, /* TLS_SET_RECORD_TYPE */
};

enum sockname_cmsg
sockname_cmsg(int domain, int level, int type)
{
	for (size_t i = 0; i < sizeof(cmsg_tab) / sizeof(cmsg_tab[0]); i++)
		if ((cmsg_tab[i].domain == AF_UNSPEC ||
			cmsg_tab[i].domain == domain) &&
		    cmsg_tab[i].level == level && cmsg_tab[i].type == type)
			return cmsg_tab[i].what;
	return SOCKNAME_CMSG_REFUSE;
}
