/*
 * For the tests of the DNS files: messages written by hand, and what netproxy.h
 * promises of sessions and judging, in a few lines each.
 */

#ifndef DNSHELP_H
#define DNSHELP_H

#include <stddef.h>
#include <stdint.h>

#include "netproxy/dns_msg.h"

struct event_base;

/* A message being written. */
struct pkt {
	size_t len;
	uint8_t b[66000];
};

void pkt_head(struct pkt *p, unsigned int id, unsigned int flags,
    unsigned int qd, unsigned int an, unsigned int ns, unsigned int ar);
void pkt_raw(struct pkt *p, const void *bytes, size_t len);
void pkt16(struct pkt *p, unsigned int v);
void pkt32(struct pkt *p, uint32_t v);
/* Dots part labels; no compression; "" is the root. */
void pkt_name(struct pkt *p, const char *name);
void pkt_question(struct pkt *p, const char *name, unsigned int type);
void pkt_opt(struct pkt *p, unsigned int udp_bytes);
/* Owner, type, class IN, TTL; then the data with its length. */
void pkt_rr(struct pkt *p, const char *owner, unsigned int type, uint32_t ttl,
    const void *data, size_t len);
void pkt_rr_name(struct pkt *p, const char *owner, unsigned int type,
    uint32_t ttl, const char *data);
void pkt_rr_a(struct pkt *p, const char *owner, uint32_t ttl, const char *addr);
void pkt_soa(struct pkt *p, const char *owner, uint32_t ttl, uint32_t minimum);
void pkt_query(struct pkt *p, unsigned int id, const char *name,
    unsigned int type);

/*
 * The doubles.  A peer 127.0.0.N (or ::ffff:127.0.0.N) is session N, 1 to 8;
 * others are strangers.  Names: "*.denied.test" are denied by rule
 * "block-denied" of line 7, "redirected.test" goes to 198.51.100.9 and
 * "redirected6.test" to 2001:db8::9, types other than those of SEMANTICS.md are
 * refused by "builtin-dns", all else is allowed.
 */
#define HOUSE_SESSIONS 8

struct np_session;
struct np *house_new(struct event_base *base);
void house_free(struct np *np);
struct np_session *house_session(struct np *np, unsigned int n);
/* It has ended: its clients are ended too. */
void house_end(struct np *np, unsigned int n);
void house_audit_full(struct np *np, int full);
/* Everything that session n was told to learn and record, one line each. */
const char *house_log(struct np *np, unsigned int n);
void house_log_clear(struct np *np);
/* References that are held, all sessions. */
unsigned int house_held(const struct np *np);
void house_clients_max(struct np *np, unsigned int max);

#endif
