/*
 * Facts: which names an address has for one session, because our resolver said
 * so, and until when.  One memfd per session, made by the monitor, written by
 * netproxy, read by the session's tracer, which maps it read-only.  It survives
 * the death of netproxy.
 *
 * Trust: the tracer believes the facts (a captured netproxy may forge them), and
 * is safe on any bytes: every number is bounded, every text copied, every wait
 * counted.  The writer believes nothing that it finds either.
 *
 * Bounded: FACTS_SETS sets of FACTS_WAYS facts; an address belongs to one set;
 * where a set is full, the fact that ends first gives way.  A fact that gave way
 * is an address without that name: a refusal more, never a permission.
 */

#ifndef COMMON_FACTS_H
#define COMMON_FACTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACTS_SETS     64 /* power of two */
#define FACTS_WAYS     32 /* the most names of one address */
#define FACTS_NAME_MAX 253
#define FACTS_TTL_MIN  60 /* seconds: SEMANTICS.md, Network */
#define FACTS_TTL_MAX  86400

struct facts_mem;

struct facts {
	struct facts_mem *mem;
	bool writer;
};

struct facts_name {
	uint64_t until_ns; /* CLOCK_BOOTTIME */
	size_t len;
	char name[FACTS_NAME_MAX + 1]; /* with a NUL */
};

/*
 * A new table: a memfd, close-on-exec, sealed against growing and shrinking; the
 * caller's.  -1 with errno.  The monitor calls this.
 */
int facts_create(void) __attribute__((warn_unused_result));

/*
 * The same table through another descriptor, which cannot write; the caller's.
 * -1 with errno.  Needs /proc.  The monitor calls this.
 */
int facts_readonly(int fd) __attribute__((warn_unused_result));

/*
 * Map the table behind fd, which stays the caller's.  0, or -1 with errno
 * (EINVAL: not sealed, or of another size).  writer: there is one only; what a
 * dead one left half-written is removed.
 */
int facts_map(struct facts *f, int fd, bool writer)
    __attribute__((warn_unused_result));
void facts_unmap(struct facts *f);

/*
 * addr (IPv4 is v4-mapped) has name until until_ns; a name that is longer than
 * FACTS_NAME_MAX is not kept.  The writer only.
 */
void facts_add(struct facts *f, const struct in6_addr *addr, const char *name,
    size_t len, uint64_t until_ns);

/* Called for each name; false: no more. */
typedef bool facts_fn(const struct in6_addr *addr, const struct facts_name *n,
    void *arg);

/*
 * The names of addr that hold at now_ns: how many.  Any thread, never blocks,
 * allocates nothing.
 */
unsigned int facts_names(const struct facts *f, const struct in6_addr *addr,
    uint64_t now_ns, facts_fn *fn, void *arg);

/* All facts that hold at now_ns, in no order. */
void facts_all(const struct facts *f, uint64_t now_ns, facts_fn *fn, void *arg);

/* CLOCK_BOOTTIME in ns: a suspended machine's facts grow old too. */
uint64_t facts_now_ns(void);

/* The end of a ttl of so many seconds from now, within the floor and the top. */
uint64_t facts_until_ns(uint32_t ttl_s);

#endif
