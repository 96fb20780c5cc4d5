/*
 * Questions to the trail: query, tail, verify, stats.  Each is a stream: a
 * descriptor that the monitor handed over and to which the answer is written as
 * it accepts it.  No stream holds a read transaction, more than a page of rows,
 * or up the draining of rings: stream_step does a bounded piece of work.
 * auditd only.
 */

#ifndef AUDITD_QUERY_H
#define AUDITD_QUERY_H

#include <stdint.h>

#include "auditd/drain.h"
#include "auditd/event_json.h"
#include "common/msg.h"

#define STREAM_MAX	     64 /* at once; one more is refused, EAGAIN */
#define STREAM_UID_MAX	     16 /* of one user that is not root */
#define STREAM_WINDOW	     20000 /* rows looked at in one step */
#define STREAM_PAGE	     256 /* rows answered in one step */
#define STREAM_LIMIT_DEFAULT 200
#define STREAM_LIMIT_MAX     5000

enum stream_state {
	STREAM_MORE, /* call stream_step again soon */
	STREAM_BLOCKED, /* wait for POLLOUT */
	STREAM_IDLE, /* a tail that has seen everything */
	STREAM_DONE, /* answered, or the reader has gone */
	STREAM_STATE_MAX
};

struct stream {
	TAILQ_ENTRY(stream) entry;
	struct msg_event_query q;
	char path[512], text[512]; /* substrings or LIKE patterns, "" = all */
	int fd; /* owned */
	enum stream_state state;
	uint64_t cursor; /* next row to look at */
	uint64_t end; /* verify: last row; query oldest first: last row */
	uint64_t floor; /* query: no row before it can match */
	uint64_t given; /* rows answered */
	uint64_t skip; /* rows still to pass over */
	bool finished; /* nothing more to produce */
	uint8_t prev[SHA256_LEN]; /* verify: hash of row cursor - 1 */
	uint8_t want[SHA256_LEN]; /* verify: hash that row end must have */
	struct jbuf out;
	size_t sent;
};

/*
 * Start answering q on fd, which is taken (made non-blocking) when 0 is
 * returned.  path and text may be NULL.  -1 with errno: EINVAL, EAGAIN, ENOMEM.
 * What is in the rings is committed first.
 */
int stream_start(struct audit *a, const struct msg_event_query *q,
    const char *path, const char *text, int fd)
    __attribute__((warn_unused_result));

/* One piece of work; the new state.  A stream that is DONE has been freed. */
enum stream_state stream_step(struct audit *a, struct stream *s);

/* Rows were committed: tails that were idle have something to do. */
void stream_committed(struct audit *a);

void stream_free(struct audit *a, struct stream *s);

/*
 * Verify the whole chain of a database at once, into b as the verify stream
 * writes it. 0 intact, 1 broken, -1 unreadable (store.text says why).
 */
int query_verify(struct store *s, struct jbuf *b);

#endif
