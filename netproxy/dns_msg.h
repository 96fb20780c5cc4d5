/*
 * The DNS codec of the filtering path: names and queries read, replies and
 * queries written.  One reading only: what two programs could read differently
 * is refused, never guessed.  Answers of resolvers are dns_answer.h's.
 *
 * Pure: no state, no allocation, no system call.  Every byte is a stranger's.
 */

#ifndef NETPROXY_DNS_MSG_H
#define NETPROXY_DNS_MSG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER_BYTES 12
#define DNS_NAME_MAX	 255 /* octets on the wire, RFC 1035 2.3.4 */
#define DNS_LABEL_MAX	 63
/* As text, each octet as \DDD; equal to NP_NAME_MAX of netproxy.h. */
#define DNS_TEXT_MAX	 1024
#define DNS_UDP_MIN	 512 /* what any client takes, RFC 1035 4.2.1 */
#define DNS_UDP_MAX	 4096 /* what a client gets, whatever it says */
#define DNS_UDP_OURS	 1232 /* what we ask for: unfragmented, flag day 2020 */
#define DNS_ANSWER_TTL_S 60 /* of answers that we make up */

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_AAAA = 28,
	DNS_OPT = 41,
	DNS_SVCB = 64,
	DNS_HTTPS = 65
};

#define DNS_CLASS_IN 1

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16
};

/* Extended errors, RFC 8914. */
enum dns_ede {
	DNS_EDE_NONE = -1,
	DNS_EDE_OTHER = 0,
	DNS_EDE_BLOCKED = 15, /* by a rule */
	DNS_EDE_FILTERED = 17, /* by what holds under any policy */
	DNS_EDE_NOT_SUPPORTED = 21, /* a type that is never answered */
	DNS_EDE_UNREACHABLE = 22 /* no resolver of the machine answered */
};

/* A name as it travels: length octets and labels, the root's 0 last. */
struct dns_name {
	uint8_t len; /* 0: none */
	uint8_t wire[DNS_NAME_MAX];
};

struct dns_query {
	uint16_t id;
	uint16_t type, class;
	uint16_t udp_bytes; /* what the client takes by UDP */
	bool rd, cd; /* to be echoed */
	bool edns;
	bool plain; /* letters, digits, '-' and '_' only */
	struct dns_name name; /* as asked, in its own case */
};

/*
 * Read len bytes as a query.  0; DNS_DROP: say nothing (no header, or no
 * query); else the enum dns_rcode to answer: what was read up to there is in q,
 * and q->name.len is 0 where there is no question to echo.
 */
#define DNS_DROP (-1)
int dns_query_parse(struct dns_query *q, const uint8_t *bytes, size_t len)
    __attribute__((warn_unused_result));

/*
 * Write the query that we send: recursion desired, one question, an OPT record
 * without options if edns.  size at least DNS_QUERY_BYTES; its length.
 */
#define DNS_QUERY_BYTES (DNS_HEADER_BYTES + DNS_NAME_MAX + 4 + 11)
size_t dns_query_write(uint8_t *out, size_t size, uint16_t id,
    const struct dns_name *name, uint16_t type, bool edns);

/* The length in out of the question of name, behind which answers begin. */
static inline size_t
dns_question_end(const struct dns_name *name)
{
	return DNS_HEADER_BYTES + (size_t)name->len + 4;
}

/*
 * Begin and end a reply to q: header and question; then the OPT record, if q
 * had one, with an extended error unless ede is DNS_EDE_NONE (text: cut to fit;
 * may be NULL).  A reply's records are counted by who writes them between the
 * two.  out has size bytes, at least DNS_UDP_MIN, of which dns_reply_room can
 * be used before dns_reply_end is called, which never fails.
 */
size_t dns_reply_begin(uint8_t *out, const struct dns_query *q);
size_t dns_reply_room(const struct dns_query *q, size_t size);
size_t dns_reply_end(uint8_t *out, size_t len, size_t size,
    const struct dns_query *q, unsigned int rcode, enum dns_ede ede,
    const char *text);
void dns_reply_counts(uint8_t *out, unsigned int answers,
    unsigned int authorities);
void dns_reply_truncated(uint8_t *out);

/* A whole reply without records; its length. */
size_t dns_reply_error(uint8_t *out, size_t size, const struct dns_query *q,
    unsigned int rcode, enum dns_ede ede, const char *text);

/*
 * A whole reply with one address (v4 as v4-mapped) for ttl seconds, or without
 * one where q asks for anything but its family.  True in *given if it is in it.
 */
size_t dns_reply_address(uint8_t *out, size_t size, const struct dns_query *q,
    const struct in6_addr *addr, uint32_t ttl_s, bool *given);

/*
 * The text of a name: lower case, no trailing dot, "" for the root; octets
 * other than letters, digits, '-' and '_' as \DDD.  text has DNS_TEXT_MAX
 * bytes.  Its length.
 */
size_t dns_name_text(const struct dns_name *name, char *text);

/* The name that plain text (len bytes, one dot may end it) spells: 0 or -1. */
int dns_name_from_text(struct dns_name *name, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * The name at *at in a message, pointers followed (only ever backwards); *at
 * moves behind it.  0, or -1: malformed, too long, a loop, or (pointers false)
 * compressed.
 */
int dns_name_read(struct dns_name *name, const uint8_t *bytes, size_t len,
    size_t *at, bool pointers) __attribute__((warn_unused_result));

/* Fold the letters of ASCII. */
void dns_name_lower(struct dns_name *name);
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);

/*
 * The address that d.c.b.a.in-addr.arpa or the 32 nibbles of ip6.arpa stand for
 * (v4 as v4-mapped), if the name is exactly that.
 */
bool dns_name_reverse(const struct dns_name *name, struct in6_addr *addr);

/* Is it localhost or below it? */
bool dns_name_localhost(const struct dns_name *name);

/* Numbers of the wire. */
static inline uint16_t
dns_get16(const uint8_t *p)
{
	return (uint16_t)((unsigned int)p[0] << 8 | p[1]);
}

static inline uint32_t
dns_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static inline void
dns_put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
dns_put32(uint8_t *p, uint32_t v)
{
	dns_put16(p, v >> 16);
	dns_put16(p + 2, v & 0xffff);
}

#endif
