/*
 * Whether the names that a session asks for are still names of hosts, or carry
 * a stranger's bytes: over-long ones, and too many different ones below one
 * parent. Counted are names, whole, below the parent that somebody registers,
 * so that spreading the bytes over several labels gains nothing; a name asked
 * for again costs nothing.  The numbers, and why:
 *
 *	label 60	base32 content names have 59 octets, onion names 56
 *	name 160	the longest of cloud end points have about 100
 *	parent 256	below example.com within an hour: a page's shards, a
 *			registry's regions are tens; as a tunnel it is under
 *			11 octets a second
 *	suffix 1024	below what may be a public suffix (co.uk: two octets, up
 *			to three before them), where many people's names are;
 *			and 256 below each name there
 *	session 4096	in all within an hour, and so the memory: 400 KiB
 *
 * Runs in netproxy.  Pure but for memory, which it takes as names come; where
 * there is none, the name is refused.
 */

#ifndef NETPROXY_DNS_LIMIT_H
#define NETPROXY_DNS_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "common/siphash.h"

#define DNS_LIMIT_LABEL	    60u
#define DNS_LIMIT_NAME	    160u
#define DNS_LIMIT_PARENT    256u
#define DNS_LIMIT_SUFFIX    1024u
#define DNS_LIMIT_SESSION   4096u
#define DNS_LIMIT_WINDOW_MS 3600000u

struct dns_limit_slot {
	uint64_t hash; /* 0: free */
	uint32_t count;
};

/* Of one session; all zero to begin with. */
struct dns_limit {
	uint64_t since_ms;
	struct siphash_key key;
	uint32_t names, parents, size; /* slots used; slots of each table */
	uint64_t *name;
	struct dns_limit_slot *parent;
};

/*
 * May this name (text as it is judged) be asked for?  NULL, and it is counted;
 * else why not, in a few words.
 */
const char *dns_limit_check(struct dns_limit *l, const char *name, size_t len,
    uint64_t now_ms);
void dns_limit_clear(struct dns_limit *l);

#endif
