/*
 * What a resolver answered, taken apart and written anew: the CNAME chain from
 * the name asked, the records of the type asked at its end, or the SOA that
 * says for how long there are none.  Everything else stays behind.  So no byte
 * that we did not understand reaches a client, and no address that was not
 * seen.
 *
 * HTTPS and SVCB lose their address hints: an address that is given is one that
 * an A or AAAA answer gave.  Pure: no allocation, no system call.
 */

#ifndef NETPROXY_DNS_ANSWER_H
#define NETPROXY_DNS_ANSWER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "netproxy/dns_msg.h"

#define DNS_ANSWER_BYTES   4096 /* of records */
#define DNS_ANSWER_ADDRS   64 /* more are left out of the answer */
#define DNS_ANSWER_RRS	   96
#define DNS_ANSWER_CHAIN   16 /* CNAMEs; loops end here too */
#define DNS_TTL_MAX_S	   86400u
#define DNS_NEGATIVE_MAX_S 3600u /* RFC 2308 5 allows up to three hours */

/* An answer as the cache and the replies use it; the arrays are borrowed. */
struct dns_answer {
	uint16_t rcode; /* DNS_NOERROR or DNS_NXDOMAIN */
	uint16_t answers, authorities;
	uint16_t nttls, naddrs;
	uint16_t len;
	uint32_t ttl_s; /* the least of all; 0: not to be cached */
	const uint16_t *ttl_at; /* where in bytes the TTLs are */
	const struct in6_addr *addrs; /* v4 as v4-mapped */
	const uint8_t *bytes; /* to stand at dns_question_end of the name */
};

/* An answer with room for itself. */
struct dns_answer_buf {
	struct dns_answer a;
	uint16_t ttl_at[DNS_ANSWER_RRS];
	struct in6_addr addrs[DNS_ANSWER_ADDRS];
	uint8_t bytes[DNS_ANSWER_BYTES];
};

/*
 * Are these len bytes a response with this id to this question?  exact: the
 * name in the very case in which it was sent.
 */
bool dns_response_is_to(const uint8_t *bytes, size_t len, uint16_t id,
    const struct dns_name *name, uint16_t type, bool exact);

enum dns_response {
	DNS_RESPONSE_OK, /* b is filled */
	DNS_RESPONSE_TRUNCATED, /* ask by TCP */
	DNS_RESPONSE_FORMAT, /* FORMERR, NOTIMP: perhaps it is EDNS it hates */
	DNS_RESPONSE_FAILED /* another rcode, or malformed: ask another */
};

/* Read such a response.  name: the question's, in any case. */
enum dns_response dns_response_read(struct dns_answer_buf *b,
    const uint8_t *bytes, size_t len, const struct dns_name *name,
    uint16_t type) __attribute__((warn_unused_result));

/*
 * A whole reply to q with the records of a, which is age_s old, into size
 * bytes; a reply without records and with TC, *given false, where they do not
 * fit.
 */
size_t dns_reply_answer(uint8_t *out, size_t size, const struct dns_query *q,
    const struct dns_answer *a, uint32_t age_s, bool *given);

#endif
