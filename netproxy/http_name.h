/*
 * Names and addresses as a request spells them: "host", "host:port", "[v6]:port".  One
 * spelling has one reading: what another program could read as another host
 * (0x7f.1, 2130706433, 127.1, 0177.0.0.1, %65vil.test, a zone, a second dot at the end) is
 * refused, never guessed.  Pure: no allocation, no system call.
 */

#ifndef NETPROXY_HTTP_NAME_H
#define NETPROXY_HTTP_NAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_NAME_MAX 253 /* octets of a host name, without the root's dot */
#define HTTP_HOST_SIZE (HTTP_NAME_MAX + 1)
#define HTTP_AUTHORITY_SIZE (HTTP_HOST_SIZE + 8) /* "[...]:65535" */

struct http_host {
	char name[HTTP_HOST_SIZE]; /* lower case, no final dot; addresses as
				      inet_ntop writes them, no brackets */
	bool literal;		   /* an address: addr is set */
	struct in6_addr addr;	   /* v4 as v4-mapped */
	uint16_t port;		   /* host order, 0 = none was given */
};

/*
 * Read the len bytes at p as host [":" port].  0, or -1: not one host, or not
 * surely one.
 */
int http_host_parse(struct http_host *h, const char *p, size_t len)
    __attribute__((warn_unused_result));

struct sockaddr;
/* The address and port of sa (AF_INET or AF_INET6), as if it had been written. */
void http_host_of_address(struct http_host *h, const struct sockaddr *sa);

/*
 * Bring a bare name (of an SNI or a configuration) of len bytes to the form that is
 * judged.  Addresses are no names.  0 or -1.
 */
int http_name_normalise(char out[HTTP_HOST_SIZE], const char *p, size_t len)
    __attribute__((warn_unused_result));

/* The same host; the port is not looked at. */
bool http_host_equal(const struct http_host *a, const struct http_host *b);

/*
 * "name", "1.2.3.4" or "[v6]", with ":port" unless port is 0 or plain (which
 * the scheme says anyway, 0 = none).  Always fits; its length.
 */
size_t http_host_text(const struct http_host *h, uint16_t plain,
    char out[HTTP_AUTHORITY_SIZE]);

#endif
