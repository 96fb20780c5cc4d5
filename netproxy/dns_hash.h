/*
 * SipHash-1-3 of what strangers choose, for the tables of the DNS files.  Pure.
 */

#ifndef NETPROXY_DNS_HASH_H
#define NETPROXY_DNS_HASH_H

#include <stddef.h>
#include <stdint.h>

struct dns_hash_key {
	uint64_t k[2];
};

/* A key that nobody knows. */
void dns_hash_init(struct dns_hash_key *key);
uint64_t dns_hash(const struct dns_hash_key *key, const void *p, size_t len);

#endif
