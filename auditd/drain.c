/*
 * Draining rings into the database.  Runs in auditd.  Trusts the monitor for
 * which ring is whose; trusts nothing in a ring: a record is copied before it
 * is decoded, what does not decode is counted, and a session is what the ring's
 * descriptor says, never what a record says (but for the monitor's own ring).
 */

#include "auditd/drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BACKOFF_MIN_NS UINT64_C(100000000)
#define BACKOFF_MAX_NS UINT64_C(5000000000)

uint64_t
audit_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t
wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int
audit_open(struct audit *a, const char *path, const void *key, size_t len,
    audit_drained *drained, void *arg)
{
	memset(a, 0, sizeof(*a));
	TAILQ_INIT(&a->rings);
	TAILQ_INIT(&a->streams);
	a->drained = drained;
	a->arg = arg;
	a->buf = malloc((size_t)RING_REC_SLOTS * RING_SLOT_DATA);
	if (a->buf == NULL)
		return -1;
	if (store_open(&a->store, path, key, len) == 0)
		return 0;
	free(a->buf);
	a->buf = NULL;
	return -1;
}

static void
ring_free(struct audit *a, struct audit_ring *r)
{
	TAILQ_REMOVE(&a->rings, r, entry);
	ring_reader_close(&r->rr);
	if (r->wake_fd != -1)
		close(r->wake_fd);
	free(r);
}

void
audit_close(struct audit *a)
{
	struct audit_ring *r, *next;

	for (r = TAILQ_FIRST(&a->rings); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		ring_free(a, r);
	}
	store_close(&a->store);
	free(a->buf);
	a->buf = NULL;
}

bool
audit_id_ok(const char *id, size_t len)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return len < sizeof(((struct store_session *)0)->id) &&
	    (len == 0 || strspn(id, ok) >= len);
}

/* ---- rings come and go ---- */

static struct audit_ring *
find(struct audit *a, uint32_t number)
{
	struct audit_ring *r;

	TAILQ_FOREACH(r, &a->rings, entry) {
		if (r->number == number && !r->finish)
			return r;
	}
	return NULL;
}

static struct audit_ring *
ring_new(uint32_t number, const char *id, uint32_t owner, int ring_fd)
{
	struct audit_ring *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	if (ring_reader_open(&r->rr, ring_fd) == -1) {
		free(r);
		return NULL;
	}
	r->number = number;
	r->ses.owner = owner;
	memcpy(r->ses.id, id, strlen(id) + 1);
	memcpy(r->pos.id, r->rr.id, RING_ID);
	r->wake_fd = -1;
	return r;
}

int
audit_attach(struct audit *a, uint32_t number, const char *id, uint32_t owner,
    int ring_fd, int wake_fd)
{
	struct audit_ring *old = find(a, number), *r;

	if (!audit_id_ok(id, strlen(id))) {
		errno = EINVAL;
		return -1;
	}
	r = ring_new(number, id, owner, ring_fd);
	if (r == NULL)
		return -1;
	if (old != NULL && memcmp(old->rr.id, r->rr.id, RING_ID) == 0) {
		ring_reader_close(&r->rr);
		free(r);
		r = old;
		if (r->wake_fd != -1)
			close(r->wake_fd);
	} else {
		if (old != NULL)
			audit_detach(a, number);
		TAILQ_INSERT_TAIL(&a->rings, r, entry);
	}
	r->wake_fd = wake_fd;
	r->asleep = false;
	(void)ring_reader_mode(&r->rr, RING_LINGER);
	return 0;
}

void
audit_detach(struct audit *a, uint32_t number)
{
	struct audit_ring *r = find(a, number);

	if (r == NULL)
		return;
	r->finish = true;
	r->rr.dead = true;
}

/* ---- one transaction ---- */

/*
 * First use since start or since a failure: what the database knows of this
 * ring outweighs what the ring says of itself.
 */
static int
ring_known(struct audit *a, struct audit_ring *r)
{
	int found;

	if (r->known)
		return 0;
	if (store_session(&a->store, &r->ses) == -1)
		return -1;
	r->pos.session = r->ses.num;
	r->pos.dropped = 0;
	found = store_ring_load(&a->store, &r->pos);
	if (found == -1)
		return -1;
	if (found == 1)
		ring_reader_resume(&r->rr, r->pos.next);
	r->known = true;
	return 0;
}

/*
 * The monitor's records and netproxy's say whose they are; a tracer's are its
 * session's.
 */
static int
row_session(struct audit *a, struct audit_ring *r, struct store_row *row)
{
	const char *p = row->rec.text[EVS_SESSION].p;
	size_t len = row->rec.text[EVS_SESSION].len;

	evrec_set(&row->rec, EVS_SESSION, NULL, 0);
	row->session = r->ses;
	if ((r->number != 0 && r->number != AUDIT_NETPROXY) || len == 0 || !audit_id_ok(p, len))
		return 0;
	memcpy(row->session.id, p, len);
	row->session.id[len] = '\0';
	row->session.owner = row->rec.fix.uid;
	return store_session(&a->store, &row->session);
}

static int
put_record(struct audit *a, struct audit_ring *r, const struct ring_rec *rec)
{
	struct store_row row;

	memset(&row, 0, sizeof(row));
	if (evrec_decode(&row.rec, a->buf, rec->len) == -1) {
		r->lost++;
		return 0;
	}
	row.count = rec->count;
	row.span_ns = rec->span_ns;
	if (row_session(a, r, &row) == -1)
		return -1;
	return store_put(&a->store, &row);
}

/* A record of auditd's own about a ring. */
static int
put_own(struct audit *a, struct audit_ring *r, enum ev_type type, uint64_t n,
    const char *text)
{
	struct store_row row;

	memset(&row, 0, sizeof(row));
	row.count = 1;
	row.session = r->ses;
	row.rec.fix.type = (uint16_t)type;
	row.rec.fix.allowed = 1;
	row.rec.fix.flags = EVF_ALWAYS | EVF_NO_SYSCALL;
	row.rec.fix.time_ns = wall_ns();
	row.rec.fix.value = (int64_t)n;
	evrec_set(&row.rec, EVS_MESSAGE, text, strlen(text));
	return store_put(&a->store, &row);
}

/* At most AUDIT_RING_TURN records of r; how many, or -1. */
static int
drain_turn(struct audit *a, struct audit_ring *r)
{
	struct ring_rec rec;
	int n;

	for (n = 0; n < AUDIT_RING_TURN; n++) {
		if (ring_reader_next(&r->rr, a->buf, &rec) == 0)
			break;
		if (put_record(a, r, &rec) == -1)
			return -1;
	}
	if (n != 0)
		r->dirty = true;
	return n;
}

/*
 * What was dropped or could not be read since last said, then the ring's
 * position.
 */
static int
ring_account(struct audit *a, struct audit_ring *r)
{
	uint64_t dropped = ring_reader_dropped(&r->rr);
	uint64_t lost = r->lost + r->rr.skipped - r->lost_said;

	if (dropped != r->pos.dropped && r->known) {
		if (put_own(a, r, EV_EVENTS_DROPPED, dropped - r->pos.dropped,
			"plain allows dropped by the producer") == -1)
			return -1;
		r->dirty = true;
	}
	if (lost != 0) {
		if (put_own(a, r, EV_RECORDS_LOST, lost,
			"records unfinished or unreadable") == -1)
			return -1;
		r->dirty = true;
	}
	if (!r->dirty)
		return 0;
	r->pos.next = r->rr.next;
	r->pos.dropped = dropped;
	r->lost_said += lost;
	return store_ring_save(&a->store, &r->pos);
}

static int
fail(struct audit *a)
{
	struct audit_ring *r;

	store_rollback(&a->store);
	TAILQ_FOREACH(r, &a->rings, entry) {
		ring_reader_rewind(&r->rr);
		r->known = false;
		r->dirty = false;
		r->lost = 0;
		r->lost_said = r->rr.skipped;
	}
	a->error = a->store.error;
	a->backoff_ns = a->backoff_ns == 0 ? BACKOFF_MIN_NS : a->backoff_ns * 2;
	if (a->backoff_ns > BACKOFF_MAX_NS)
		a->backoff_ns = BACKOFF_MAX_NS;
	a->retry_ns = audit_now() + a->backoff_ns;
	return -1;
}

static bool
anything(const struct audit *a)
{
	const struct audit_ring *r;

	TAILQ_FOREACH(r, &a->rings, entry) {
		if (!r->known || r->finish ||
		    ring_reader_waiting(&r->rr) != 0 ||
		    ring_reader_dropped(&r->rr) != r->pos.dropped)
			return true;
	}
	return false;
}

/* Rounds over all rings until the batch is full or a round finds nothing. */
static int
fill(struct audit *a, int *total)
{
	struct audit_ring *r;
	int n, round;

	do {
		round = 0;
		TAILQ_FOREACH(r, &a->rings, entry) {
			if (ring_known(a, r) == -1 ||
			    (n = drain_turn(a, r)) == -1)
				return -1;
			round += n;
		}
		*total += round;
	} while (round != 0 && *total < AUDIT_BATCH);
	TAILQ_FOREACH(r, &a->rings, entry) {
		if (ring_account(a, r) == -1)
			return -1;
	}
	return 0;
}

/* COMMIT has returned. */
static void
acknowledge(struct audit *a, int total)
{
	struct audit_ring *r;

	TAILQ_FOREACH(r, &a->rings, entry) {
		if (r->dirty || r->rr.next != r->rr.tail)
			ring_reader_ack(&r->rr);
		r->dirty = false;
		r->lost_said -= r->lost;
		r->lost = 0;
	}
	a->committed += (uint64_t)total;
	a->error = 0;
	a->backoff_ns = 0;
	a->retry_ns = 0;
}

/* Rings whose producer is gone and that were read to their end. */
static void
reap(struct audit *a)
{
	struct audit_ring *r, *next;
	uint32_t number;

	for (r = TAILQ_FIRST(&a->rings); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (!r->finish)
			continue;
		/* One left over does no harm: its id never comes again. */
		if (store_ring_forget(&a->store, &r->pos) == -1)
			store_rollback(&a->store);
		number = r->number;
		ring_free(a, r);
		if (a->drained != NULL)
			a->drained(number, a->arg);
	}
}

int
audit_drain(struct audit *a)
{
	int total = 0;

	if (!anything(a))
		return 0;
	if (a->retry_ns != 0 && audit_now() < a->retry_ns)
		return -1;
	if (store_begin(&a->store) == -1 || fill(a, &total) == -1 ||
	    store_commit(&a->store) == -1)
		return fail(a);
	acknowledge(a, total);
	if (total < AUDIT_BATCH)
		reap(a);
	return total;
}

void
audit_flush(struct audit *a)
{
	/* A producer that outruns us must not keep a question waiting. */
	int n, left = 64;

	do
		n = audit_drain(a);
	while (n > 0 && --left > 0);
}

bool
audit_sleep(struct audit *a)
{
	struct audit_ring *r;
	bool all = true;

	TAILQ_FOREACH(r, &a->rings, entry) {
		r->asleep = ring_reader_mode(&r->rr, RING_ASLEEP);
		all = all && r->asleep;
	}
	return all;
}

uint64_t
audit_waiting(const struct audit *a)
{
	const struct audit_ring *r;
	uint64_t n = 0;

	TAILQ_FOREACH(r, &a->rings, entry)
		n += (uint64_t)ring_reader_waiting(&r->rr) * RING_SLOT;
	return n;
}
