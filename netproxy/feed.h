/*
 * Threat feeds: the names that somebody else's list says are bad, asked before
 * the policy.  netproxy holds one struct feeds; the DNS judge and the connect
 * judge ask feeds_match with every name.
 *
 * A match whose feed denies is a refusal by rule "threat-feed:NAME", whatever the
 * policy allows.  A match whose feed only audits is recorded under that rule's
 * name, and the policy decides.
 *
 * netproxy has no files: all come as descriptors, see common/feedconf.h.
 */

#ifndef NETPROXY_FEED_H
#define NETPROXY_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/feedconf.h"
#include "netproxy/feed_fetch.h"

struct event_base;
struct feeds;

/*
 * base and resolver: for fetching; both NULL: only caches and local lists.  The
 * resolver is copied, its ctx borrowed.  NULL: out of memory or no random bytes.
 */
struct feeds *feeds_new(struct event_base *base,
    const struct feed_resolver *resolver);
void feeds_free(struct feeds *f);

/*
 * A list that has lost 90 % of its names may be somebody's mishap or attack; one
 * that stays so for this many intervals between fetches is how it is meant.
 * Counted while netproxy runs, over reloads.
 */
#define FEED_SHRUNK_INTERVALS 4u
#define FEED_SHRUNK_FETCHES   3u /* in that time at least, in a row */

/*
 * A configuration that feedconf_check admits.  Feeds that were there before,
 * with the same name, source and format, keep their names; what is under way is
 * given up.  Answers 0, or -1 with errno and everything is as it was.  The files
 * of its rows come next, then feeds_start.
 */
int feeds_configure(struct feeds *f, const struct feedconf *c)
    __attribute__((warn_unused_result));

/*
 * The files of row i: two cache slots of a fetched feed, one file (slot1 -1) of
 * a local list.  Both are taken, whatever the answer.  Reads what they hold at
 * once: some 0.4 s for a million names.  -1: no such row.
 */
int feeds_files(struct feeds *f, unsigned int i, int slot0, int slot1);

/* The CA bundle, taken.  Without a sound one https feeds keep what they have. */
void feeds_ca(struct feeds *f, int fd);

/* Begin to fetch what is due, and go on by the clock. */
void feeds_start(struct feeds *f);

struct feed_verdict {
	bool deny; /* false: record it, and let the policy decide */
	char rule[16 + FEEDCONF_NAME_LEN]; /* "threat-feed:NAME" */
	char matched[FEED_NAME_MAX + 1]; /* the entry: name or a parent */
};

/*
 * Is name (as np_judge_dns has it: lower case, no trailing dot) or a parent of
 * it of two labels or more in a feed, and neither it nor any parent of it on the
 * allow list?  A feed that denies goes before one that audits; else the first
 * in the config.  f may be NULL: no.  Under a microsecond; no allocation.
 */
bool feeds_match(const struct feeds *f, const char *name, size_t len,
    struct feed_verdict *v);

/* What is known of row i, for those who look at it.  false: past the last. */
struct feed_status {
	const char *name; /* borrowed, until the next configure */
	bool audit, local;
	uint32_t names;
	size_t memory_bytes;
	uint64_t fetched_ns; /* CLOCK_REALTIME of the set in force; 0: none */
	const char *why; /* the last failure's text; "" if the last went well */
};
bool feeds_status(const struct feeds *f, unsigned int i,
    struct feed_status *st);

#endif
