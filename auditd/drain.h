/*
 * Rings in, transactions out.  struct audit is auditd's one object: the
 * database, the rings attached to it, the streams that answer questions.  A
 * ring's tail moves only after COMMIT has returned; after a failure everything
 * unacknowledged is read again from the rings, which is why nothing is lost
 * while the disk is full.  auditd only.
 */

#ifndef AUDITD_DRAIN_H
#define AUDITD_DRAIN_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "auditd/store.h"
#include "common/ring.h"

#define AUDIT_NETPROXY 0xfffffffeu /* number of netproxy's ring */
#define AUDIT_BATCH 4096 /* records of one transaction */
#define AUDIT_RING_TURN \
	512 /* records of one ring before the next has its turn */
#define AUDIT_LINGER_MS \
	50 /* how long records gather before they are committed */

struct audit_ring {
	TAILQ_ENTRY(audit_ring) entry;
	uint32_t
	    number; /* the monitor's number of the session, 0 its own ring */
	struct store_session ses;
	struct ring_reader rr;
	struct store_ring pos;
	int wake_fd; /* owned; -1 closed */
	bool known; /* session and position were looked up */
	bool dirty; /* read from in this transaction */
	bool finish; /* the producer is gone: drain, then say so */
	bool asleep; /* in mode RING_ASLEEP */
	uint64_t lost; /* records of this transaction that could not be read */
	uint64_t lost_said; /* skipped slots accounted for */
};
TAILQ_HEAD(audit_rings, audit_ring);

struct stream;
TAILQ_HEAD(streams, stream);

/* Tell the monitor: session's ring is drained to its end and closed. */
typedef void audit_drained(uint32_t number, void *arg);

struct audit {
	struct store store;
	struct audit_rings rings;
	struct streams streams;
	uint8_t *buf; /* one record as copied */
	uint64_t committed; /* records since start */
	int error; /* errno of the last failure; 0 well */
	uint64_t retry_ns; /* CLOCK_MONOTONIC; do not try before */
	uint64_t backoff_ns;
	audit_drained *drained;
	void *arg;
};

/* CLOCK_MONOTONIC in ns. */
uint64_t audit_now(void);

/* As store_open.  drained may be NULL. */
int audit_open(struct audit *a, const char *path, const void *key, size_t len,
    audit_drained *drained, void *arg) __attribute__((warn_unused_result));
void audit_close(struct audit *a);

/*
 * Drain the ring behind ring_fd for session id (of uid owner) from now on.
 * Takes wake_fd; ring_fd stays the caller's.  number 0 is the monitor's own
 * ring, whose records name their session.  Attached again: the wake socket is
 * replaced, and another ring's rest is drained first.  0 or -1 with errno (both
 * descriptors are then the caller's).
 */
int audit_attach(struct audit *a, uint32_t number, const char *id,
    uint32_t owner, int ring_fd, int wake_fd)
    __attribute__((warn_unused_result));

/*
 * The producer is dead: drain what is committed, skip the rest, close, call
 * drained.
 */
void audit_detach(struct audit *a, uint32_t number);

/*
 * One transaction of what the rings hold.  Returns the number of records
 * committed (0: nothing was there), or -1: a->error says why and a->retry_ns
 * when to try again.
 */
int audit_drain(struct audit *a) __attribute__((warn_unused_result));

/*
 * Drain until nothing is left or an error; what a query wants to see is then
 * stored.
 */
void audit_flush(struct audit *a);

/*
 * Let every ring wake us at its next record.  true: all sleep; false: one has
 * something.
 */
bool audit_sleep(struct audit *a);

/* Bytes written and not yet acknowledged, over all rings. */
uint64_t audit_waiting(const struct audit *a);

/* "session-..." as this house allows it. */
bool audit_id_ok(const char *id, size_t len);

#endif
