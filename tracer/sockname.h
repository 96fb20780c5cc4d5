/*
 * Socket addresses as the kernel reads them: what an address of len bytes means to a socket of a
 * domain, in each of the three uses.  Pure: the bytes are a stranger's, already copied.
 */

#ifndef TRACER_SOCKNAME_H
#define TRACER_SOCKNAME_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define SOCKNAME_ADDR_MAX 128 /* sockaddr_storage; more is EINVAL */

enum sockname_use { SOCKNAME_CONNECT, SOCKNAME_BIND, SOCKNAME_SEND };

enum sockname_kind {
	SOCKNAME_NONE,	   /* names nobody: a disconnect, or the connected peer */
	SOCKNAME_INET,	   /* addr (IPv4 is v4-mapped), port */
	SOCKNAME_PATH,	   /* text: the path as given, not terminated */
	SOCKNAME_ABSTRACT, /* text: the name without its leading NUL; may hold any byte */
	SOCKNAME_AUTO,	   /* bind: an abstract name of the kernel's choice */
	SOCKNAME_NETLINK   /* peer 0: the kernel */
};

struct sockname {
	enum sockname_kind kind;
	int family; /* as judged: AF_INET for AF_UNSPEC where the kernel takes it so */
	struct in6_addr addr;
	uint16_t port; /* host order */
	uint32_t peer, groups;
	const char *text; /* into the bytes that were read */
	size_t text_len;
};

/*
 * Read len bytes at buf for a socket of domain (SO_DOMAIN).  0, or the errno that the
 * kernel answers: EINVAL, EAFNOSUPPORT.
 */
int sockname_read(int domain, enum sockname_use use, const void *buf, size_t len,
    struct sockname *n) __attribute__((warn_unused_result));

/* What becomes of a control message. */
enum sockname_cmsg {
	SOCKNAME_CMSG_KEEP,
	SOCKNAME_CMSG_STRIP,  /* chooses a source or an interface: done without */
	SOCKNAME_CMSG_RIGHTS, /* descriptors: fetched and sent */
	SOCKNAME_CMSG_CREDS,  /* struct ucred */
	SOCKNAME_CMSG_REFUSE  /* could send the packet elsewhere than was judged, or unknown */
};
enum sockname_cmsg sockname_cmsg(int domain, int level, int type);

#endif
