/*
 * The event ring: one memfd per session (and one of the monitor's own), written
 * by the threads of one tracer, drained by auditd, held by the monitor so that
 * a killed tracer's records survive.
 *
 * Layout: a page of header, then 2^n slots of RING_SLOT bytes.  A record takes
 * 1 to RING_REC_SLOTS consecutive slots.  A slot begins with a state word that
 * names its own position, so that a slot of an earlier lap is never taken for a
 * new one.
 *
 * Trust: producer and consumer do not trust each other.  The consumer takes the
 * number of slots from the (sealed) size of the file, its position from its
 * database, copies each record before it looks into it, and can neither be
 * crashed nor held up by anything in the memory: at worst it reads rubbish of
 * that one session.  The producer believes the tail, and with it auditd, about
 * what is free.
 */

#ifndef COMMON_RING_H
#define COMMON_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/evrec.h"

#define RING_SLOT      256
#define RING_SLOT_HEAD 16 /* state and merge words */
#define RING_SLOT_DATA (RING_SLOT - RING_SLOT_HEAD)
#define RING_REC_SLOTS 43 /* slots of the longest record */
_Static_assert(EVREC_WIRE_MAX <= (size_t)RING_REC_SLOTS * RING_SLOT_DATA, "");

#define RING_SLOTS_MIN	   (1u << 7)
#define RING_SLOTS_MAX	   (1u << 18) /* 64 MiB */
#define RING_SLOTS_DEFAULT (1u << 14) /* 4 MiB: 16384 events of usual length */

struct ring_head; /* the header page, ring.c */
struct ring_slot;

#define RING_MERGE_CNT 1024

/* A producer's view; one per process, shared by its threads. */
struct ring {
	struct ring_head *head;
	struct ring_slot *slot;
	uint32_t slots; /* power of two */
	int wake_fd; /* borrowed; -1 = nobody to wake */
	uint64_t *merge; /* last positions of mergeable records */
};

/*
 * Make a ring of `slots` slots (a power of two, RING_SLOTS_MIN..MAX) with a new
 * random id: a memfd, close-on-exec, sealed against growing and shrinking.
 * The caller owns it.  -1 with errno on failure.  The monitor calls this.
 */
int ring_create(uint32_t slots) __attribute__((warn_unused_result));

/*
 * Map the ring behind fd (stays the caller's; may be closed after).  wake_fd is
 * the producer's end of the SEQPACKET wake socket, borrowed, or -1.  0, or -1
 * with errno (EINVAL: not a ring, or not sealed).
 */
int ring_map(struct ring *r, int fd, int wake_fd)
    __attribute__((warn_unused_result));
void ring_unmap(struct ring *r);

/*
 * The monitor made a new wake socket (auditd was restarted): use it, and ring
 * it once.  Where other threads may be in ring_put, dup3 the new socket over
 * the old number first, so that the number never names something else.
 */
void ring_set_wake(struct ring *r, int wake_fd);

/*
 * Record e.  Returns 0, EAGAIN (full: wait with ring_wait, or ring_drop if e is
 * plain and the mode is `count`), or EINVAL.  Thread-safe; allocates nothing,
 * never blocks, makes no system call unless auditd sleeps (then one send).  A
 * plain allow equal to one that auditd has not yet taken only counts that one
 * up.  Plain allows may fill seven eighths of the ring; the rest is kept for
 * what must not be lost.  e->fix.len, total and flags are set.  Once it has
 * returned 0 the record survives the death of this process.
 */
int ring_put(struct ring *r, struct evrec *e)
    __attribute__((warn_unused_result));

/* Count a plain allow that was dropped; auditd records how many. */
void ring_drop(struct ring *r);

/*
 * Wait until auditd has freed something, at most timeout_ms.  0: try again;
 * else ETIMEDOUT or EINTR.  Blocks (futex).  Wakes auditd first.
 */
int ring_wait(struct ring *r, int timeout_ms);

/* Slots taken and not yet acknowledged; a hint. */
uint32_t ring_used(const struct ring *r);

/* ---- the consumer: auditd only ---- */

#define RING_ID 16

struct ring_reader {
	struct ring_head *head;
	struct ring_slot *slot;
	uint32_t slots;
	uint8_t id[RING_ID]; /* copied at open */
	uint64_t tail; /* acknowledged: all before it is committed */
	uint64_t next; /* read so far */
	bool dead; /* the producer is gone: skip what it left unfinished */
	uint64_t skipped; /* slots skipped as unreadable or unfinished */
};

/*
 * Map the ring behind fd (stays the caller's) and copy its id; reading starts
 * at the ring's own tail unless ring_reader_resume gives the position that the
 * database holds for this id.  0 or -1 with errno.
 */
int ring_reader_open(struct ring_reader *rr, int fd)
    __attribute__((warn_unused_result));
void ring_reader_resume(struct ring_reader *rr, uint64_t next);
void ring_reader_close(struct ring_reader *rr);

/* What came with a record. */
struct ring_rec {
	uint64_t pos; /* position of its first slot: unique in its ring */
	uint32_t count; /* how many calls it stands for, at least 1 */
	uint64_t span_ns; /* from the first of them to the last */
	size_t len; /* bytes copied */
};

/*
 * Copy the next record into buf (at least RING_REC_SLOTS * RING_SLOT_DATA
 * bytes) and end its merging.  1 a record, 0 none ready.  Bounded work whatever
 * the memory holds.
 */
int ring_reader_next(struct ring_reader *rr, void *buf, struct ring_rec *rec);

/*
 * COMMIT has returned: all read so far is acknowledged; wake a waiting
 * producer.
 */
void ring_reader_ack(struct ring_reader *rr);

/* The commit failed: read again from the last acknowledged position. */
void ring_reader_rewind(struct ring_reader *rr);

/*
 * Plain allows that the producer dropped since the ring was made (what it
 * says).
 */
uint64_t ring_reader_dropped(const struct ring_reader *rr);

/* Slots written and not acknowledged, as the producer says; at most `slots`. */
uint32_t ring_reader_waiting(const struct ring_reader *rr);

/*
 * Say how the producer should wake us from now on.  AWAKE: not at all; LINGER:
 * when half full; ASLEEP: at the next record.  false: there is something to
 * read already (mode is AWAKE again).
 */
enum ring_mode { RING_AWAKE, RING_LINGER, RING_ASLEEP };
bool ring_reader_mode(struct ring_reader *rr, enum ring_mode mode);

#endif
