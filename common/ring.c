/*
 * The event ring; ring.h says what it promises and to whom.  The first half
 * runs in every thread of a tracer (and in the monitor), the second in auditd
 * only.
 *
 * State word of a slot: position << 16 | slots of the record << 8 | status.
 * Merge word of a record's first slot, from bit 63 down: 1 closed (the consumer
 * took it), 16 lap, 31 span in units of 1024 ns, 16 further occurrences.  The
 * lap makes a compare-and-swap fail that was begun a lap ago.
 *
 * It must never loop on what the memory says without a bound of its own.
 */

#include "common/ring.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#if defined(__has_attribute)
#if __has_attribute(uninitialized)
/* A record's buffer is 10 KiB of which 200 bytes are used: do not clear it. */
#define UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef UNINITIALIZED
#define UNINITIALIZED
#endif

#define RING_MAGIC   0x41535249u /* "ASRI" */
#define RING_VERSION 1
#define RING_PAGE    4096
#define RING_SEALS   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Producers and consumer write to cache lines of their own. */
struct ring_head { /* NOLINT(clang-analyzer-optin.performance.Padding) */
	uint32_t magic;
	uint32_t version;
	uint8_t id[RING_ID];
	_Alignas(64) _Atomic uint64_t head; /* producers */
	_Alignas(64) _Atomic uint64_t tail; /* consumer */
	_Alignas(64) _Atomic uint32_t mode; /* enum ring_mode */
	_Atomic uint32_t waiters; /* producers in ring_wait */
	_Atomic uint32_t freed; /* futex: counts acknowledgements */
	_Alignas(64) _Atomic uint64_t dropped; /* plain allows, mode `count` */
};
_Static_assert(sizeof(struct ring_head) <= RING_PAGE, "");

struct ring_slot {
	_Atomic uint64_t state;
	_Atomic uint64_t merge;
	uint8_t data[RING_SLOT_DATA];
};
_Static_assert(sizeof(struct ring_slot) == RING_SLOT, "");

enum slot_status { SLOT_FREE, SLOT_RESERVED, SLOT_COMMITTED, SLOT_CONT };

#define POS_MASK      ((UINT64_C(1) << 48) - 1)
#define MERGE_CLOSED  (UINT64_C(1) << 63)
#define MERGE_LAP(m)  ((m) >> 47 & 0xffff)
#define MERGE_SPAN(m) ((m) >> 16 & 0x7fffffff)
#define MERGE_CNT(m)  ((m)&0xffff)
#define MERGE_CNT_MAX 0xfffe
#define MERGE_NS      UINT64_C(1000000000) /* most time between first and last */
#define MERGE_TRIES   4

/* Bytes at the start of a record that differ between identical events. */
#define VARYING	      offsetof(struct evrec_fix, type)

static uint64_t
state_of(uint64_t pos, unsigned int n, enum slot_status st)
{
	return (pos & POS_MASK) << 16 | (uint64_t)n << 8 | (uint64_t)st;
}

static uint64_t
lap_of(uint64_t pos, uint32_t slots)
{
	return (pos / slots) & 0xffff;
}

int
ring_create(uint32_t slots)
{
	struct ring_head h;
	int fd, saved;

	if (slots < RING_SLOTS_MIN || slots > RING_SLOTS_MAX ||
	    (slots & (slots - 1)) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = memfd_create("agentsh-ring",
	    MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd == -1 && errno == EINVAL)
		fd = memfd_create("agentsh-ring",
		    MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	memset(&h, 0, sizeof(h));
	h.magic = RING_MAGIC;
	h.version = RING_VERSION;
	if (getrandom(h.id, sizeof(h.id), 0) != (ssize_t)sizeof(h.id) ||
	    ftruncate(fd, RING_PAGE + (off_t)slots * RING_SLOT) == -1 ||
	    pwrite(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    fcntl(fd, F_ADD_SEALS, RING_SEALS) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/*
 * The size is taken from the file, whose seals forbid changing it: a page that
 * is mapped here cannot go away (SIGBUS) whatever the other side does.
 */
static void *
map_checked(int fd, uint32_t *slots)
{
	struct stat st;
	uint64_t n;
	void *p;
	int seals;

	seals = fcntl(fd, F_GET_SEALS);
	if (seals == -1)
		return NULL;
	if (fstat(fd, &st) == -1)
		return NULL;
	n = st.st_size > RING_PAGE ? (uint64_t)(st.st_size - RING_PAGE) : 0;
	if ((seals & RING_SEALS) != RING_SEALS || n % RING_SLOT != 0 ||
	    n / RING_SLOT < RING_SLOTS_MIN || n / RING_SLOT > RING_SLOTS_MAX ||
	    ((n / RING_SLOT) & (n / RING_SLOT - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (p == MAP_FAILED)
		return NULL;
	*slots = (uint32_t)(n / RING_SLOT);
	return p;
}

static void
unmap_ring(struct ring_head *head, uint32_t slots)
{
	if (head != NULL)
		munmap(head, RING_PAGE + (size_t)slots * RING_SLOT);
}

static struct ring_slot *
slots_of(struct ring_head *head)
{
	return (struct ring_slot *)(void *)((uint8_t *)head + RING_PAGE);
}

/* ---- producer ---- */

int
ring_map(struct ring *r, int fd, int wake_fd)
{
	memset(r, 0, sizeof(*r));
	r->wake_fd = wake_fd;
	r->head = map_checked(fd, &r->slots);
	if (r->head == NULL)
		return -1;
	r->slot = slots_of(r->head);
	r->merge = calloc(RING_MERGE_CNT, sizeof(*r->merge));
	if (r->merge == NULL || r->head->magic != RING_MAGIC ||
	    r->head->version != RING_VERSION) {
		ring_unmap(r);
		errno = EINVAL;
		return -1;
	}
	return 0;
}

void
ring_unmap(struct ring *r)
{
	unmap_ring(r->head, r->slots);
	free(r->merge);
	memset(r, 0, sizeof(*r));
	r->wake_fd = -1;
}

/*
 * A full socket has woken auditd already; a broken one is the monitor's to
 * remake.
 */
static void
wake_consumer(struct ring *r)
{
	int fd = __atomic_load_n(&r->wake_fd, __ATOMIC_RELAXED);

	if (atomic_exchange(&r->head->mode, RING_AWAKE) == RING_AWAKE)
		return;
	if (fd != -1)
		(void)send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
ring_set_wake(struct ring *r, int wake_fd)
{
	__atomic_store_n(&r->wake_fd, wake_fd, __ATOMIC_RELAXED);
	atomic_store(&r->head->mode, RING_ASLEEP);
	wake_consumer(r);
}

uint32_t
ring_used(const struct ring *r)
{
	uint64_t used;

	used = atomic_load_explicit(&r->head->head, memory_order_relaxed) -
	    atomic_load_explicit(&r->head->tail, memory_order_relaxed);
	return used > r->slots ? r->slots : (uint32_t)used;
}

/*
 * Mixing by multiplication; not for an adversary: a hit is compared byte by
 * byte.
 */
static uint64_t
hash_bytes(const uint8_t *p, size_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), w;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, p, len);
	h = (h ^ w) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 29;
}

/* true: the record at pos holds the same bytes from `type` on. */
static bool
same_record(const struct ring *r, uint64_t pos, const uint8_t *rec, size_t len)
{
	size_t off = VARYING, in, n;
	const struct ring_slot *s;

	while (off < len) {
		s = &r->slot[(pos + off / RING_SLOT_DATA) & (r->slots - 1)];
		in = off % RING_SLOT_DATA;
		n = RING_SLOT_DATA - in < len - off ? RING_SLOT_DATA - in :
						      len - off;
		if (memcmp(s->data + in, rec + off, n) != 0)
			return false;
		off += n;
	}
	return true;
}

/*
 * The merge word after one more occurrence at time_ns, or 0 where it may not
 * grow.
 */
static uint64_t
merge_grow(uint64_t m, uint64_t first_ns, uint64_t time_ns)
{
	uint64_t span = time_ns > first_ns ? time_ns - first_ns : 0;

	if (MERGE_CNT(m) >= MERGE_CNT_MAX || span > MERGE_NS)
		return 0;
	span >>= 10;
	if (span < MERGE_SPAN(m))
		span = MERGE_SPAN(m);
	return MERGE_LAP(m) << 47 | span << 16 | (MERGE_CNT(m) + 1);
}

/*
 * Count the record up where its like still stands in the ring.  The slot may be
 * drained and used anew at any moment; then its merge word is closed or of
 * another lap, the exchange fails, and what was compared does not matter.
 */
static bool
merge_try(struct ring *r, uint64_t pos, unsigned int n, const uint8_t *rec,
    size_t len)
{
	struct ring_slot *s = &r->slot[pos & (r->slots - 1)];
	uint64_t m, grown, first, now;
	int i;

	if (atomic_load_explicit(&s->state, memory_order_acquire) !=
	    state_of(pos, n, SLOT_COMMITTED))
		return false;
	m = atomic_load_explicit(&s->merge, memory_order_acquire);
	if ((m & MERGE_CLOSED) != 0 || MERGE_LAP(m) != lap_of(pos, r->slots) ||
	    !same_record(r, pos, rec, len))
		return false;
	memcpy(&first, s->data + offsetof(struct evrec_fix, time_ns), 8);
	memcpy(&now, rec + offsetof(struct evrec_fix, time_ns), 8);
	for (i = 0; i < MERGE_TRIES; i++) {
		if ((m & MERGE_CLOSED) != 0 ||
		    MERGE_LAP(m) != lap_of(pos, r->slots))
			return false;
		grown = merge_grow(m, first, now);
		if (grown == 0)
			return false;
		if (atomic_compare_exchange_weak(&s->merge, &m, grown))
			return true;
	}
	return false;
}

/* n slots at *pos, or EAGAIN. */
static int
reserve(struct ring *r, unsigned int n, bool plain, uint64_t *pos)
{
	uint64_t h, used, limit;

	limit = plain ? r->slots - r->slots / 8 : r->slots;
	h = atomic_load_explicit(&r->head->head, memory_order_relaxed);
	do {
		used = h -
		    atomic_load_explicit(&r->head->tail, memory_order_acquire);
		if (used + n > limit)
			return EAGAIN;
	} while (!atomic_compare_exchange_weak_explicit(&r->head->head, &h,
	    h + n, memory_order_acq_rel, memory_order_relaxed));
	*pos = h;
	return 0;
}

/*
 * The commit is the last store: before it, a death leaves slots that are
 * skipped.
 */
static void
publish(struct ring *r, uint64_t pos, unsigned int n, const uint8_t *rec,
    size_t len)
{
	struct ring_slot *first = &r->slot[pos & (r->slots - 1)], *s;
	unsigned int i;
	size_t part;

	atomic_store_explicit(&first->state, state_of(pos, n, SLOT_RESERVED),
	    memory_order_relaxed);
	for (i = 0; i < n; i++) {
		s = &r->slot[(pos + i) & (r->slots - 1)];
		if (i != 0)
			atomic_store_explicit(&s->state,
			    state_of(pos + i, 0, SLOT_CONT),
			    memory_order_relaxed);
		part = len > RING_SLOT_DATA ? RING_SLOT_DATA : len;
		memcpy(s->data, rec, part);
		rec += part;
		len -= part;
	}
	atomic_store_explicit(&first->merge, lap_of(pos, r->slots) << 47,
	    memory_order_relaxed);
	/* seq_cst: ordered before the look at mode, as the consumer's are. */
	atomic_store(&first->state, state_of(pos, n, SLOT_COMMITTED));
}

static void
wake_if_wanted(struct ring *r)
{
	uint32_t mode = atomic_load(&r->head->mode);

	if (mode == RING_AWAKE)
		return;
	if (mode == RING_LINGER && ring_used(r) < r->slots / 2)
		return;
	wake_consumer(r);
}

int
ring_put(struct ring *r, struct evrec *e)
{
	uint8_t buf[RING_REC_SLOTS * RING_SLOT_DATA] UNINITIALIZED;
	uint64_t pos, *seen = NULL;
	unsigned int n;
	size_t len;
	bool plain;

	if (e->fix.type == EV_NONE || e->fix.type >= EV_MAX)
		return EINVAL;
	e->fix.reserved = 0;
	len = evrec_measure(e);
	evrec_encode(e, buf);
	n = (unsigned int)((len + RING_SLOT_DATA - 1) / RING_SLOT_DATA);
	plain = evrec_is_plain(&e->fix);
	if (plain) {
		seen = &r->merge[hash_bytes(buf + VARYING, len - VARYING) %
		    RING_MERGE_CNT];
		pos = __atomic_load_n(seen, __ATOMIC_RELAXED);
		if (pos != 0 && merge_try(r, pos - 1, n, buf, len))
			return 0;
	}
	if (reserve(r, n, plain, &pos) != 0) {
		wake_consumer(r);
		return EAGAIN;
	}
	publish(r, pos, n, buf, len);
	if (seen != NULL)
		__atomic_store_n(seen, pos + 1, __ATOMIC_RELAXED);
	wake_if_wanted(r);
	return 0;
}

void
ring_drop(struct ring *r)
{
	atomic_fetch_add_explicit(&r->head->dropped, 1, memory_order_relaxed);
}

/*
 * waiters is set before freed is read and auditd moves the tail before it looks
 * at waiters: one of us sees the other.
 */
int
ring_wait(struct ring *r, int timeout_ms)
{
	struct timespec ts = { timeout_ms / 1000,
		(long)(timeout_ms % 1000) * 1000000 };
	uint32_t freed;

	freed = atomic_load(&r->head->freed);
	atomic_store(&r->head->waiters, 1);
	wake_consumer(r);
	if (ring_used(r) < r->slots / 2)
		return 0;
	if (syscall(SYS_futex, &r->head->freed, FUTEX_WAIT, freed, &ts, NULL,
		0) == 0 ||
	    errno == EAGAIN)
		return 0;
	return errno;
}

/* ---- consumer ---- */

int
ring_reader_open(struct ring_reader *rr, int fd)
{
	memset(rr, 0, sizeof(*rr));
	rr->head = map_checked(fd, &rr->slots);
	if (rr->head == NULL)
		return -1;
	rr->slot = slots_of(rr->head);
	memcpy(rr->id, rr->head->id, RING_ID);
	rr->tail = atomic_load(&rr->head->tail);
	rr->next = rr->tail;
	return 0;
}

void
ring_reader_resume(struct ring_reader *rr, uint64_t next)
{
	rr->tail = rr->next = next;
	atomic_store(&rr->head->tail, next);
}

void
ring_reader_close(struct ring_reader *rr)
{
	unmap_ring(rr->head, rr->slots);
	memset(rr, 0, sizeof(*rr));
}

/*
 * Slots of the committed record at pos, or 0: none, or nothing one could
 * believe.
 */
static unsigned int
committed_at(const struct ring_reader *rr, uint64_t pos)
{
	uint64_t st;
	unsigned int n;

	st = atomic_load_explicit(&rr->slot[pos & (rr->slots - 1)].state,
	    memory_order_acquire);
	n = (unsigned int)(st >> 8 & 0xff);
	if (st != state_of(pos, n, SLOT_COMMITTED) || n == 0 ||
	    n > RING_REC_SLOTS)
		return 0;
	return n;
}

/*
 * The producer is dead: the next committed record behind what it left
 * unfinished.
 */
static unsigned int
skip_unfinished(struct ring_reader *rr)
{
	uint64_t end, room;
	unsigned int n;

	room = rr->slots - (rr->next - rr->tail);
	end = atomic_load(&rr->head->head);
	if (end - rr->next > room)
		end = rr->next + room;
	while (rr->next != end) {
		n = committed_at(rr, rr->next);
		if (n != 0)
			return n;
		rr->next++;
		rr->skipped++;
	}
	return 0;
}

int
ring_reader_next(struct ring_reader *rr, void *buf, struct ring_rec *rec)
{
	struct ring_slot *s;
	uint8_t *out = buf;
	unsigned int i, n;
	uint64_t m;

	n = committed_at(rr, rr->next);
	if (n == 0 && rr->dead)
		n = skip_unfinished(rr);
	if (n == 0 || rr->next - rr->tail + n > rr->slots)
		return 0;
	s = &rr->slot[rr->next & (rr->slots - 1)];
	m = atomic_fetch_or(&s->merge, MERGE_CLOSED);
	rec->pos = rr->next;
	rec->count = (uint32_t)MERGE_CNT(m) + 1;
	rec->span_ns = MERGE_SPAN(m) << 10;
	rec->len = (size_t)n * RING_SLOT_DATA;
	for (i = 0; i < n; i++) {
		s = &rr->slot[(rr->next + i) & (rr->slots - 1)];
		memcpy(out + (size_t)i * RING_SLOT_DATA, s->data,
		    RING_SLOT_DATA);
	}
	rr->next += n;
	return 1;
}

void
ring_reader_ack(struct ring_reader *rr)
{
	rr->tail = rr->next;
	atomic_store(&rr->head->tail, rr->tail);
	atomic_fetch_add(&rr->head->freed, 1);
	if (atomic_exchange(&rr->head->waiters, 0) != 0)
		(void)syscall(SYS_futex, &rr->head->freed, FUTEX_WAKE, INT_MAX,
		    NULL, NULL, 0);
}

void
ring_reader_rewind(struct ring_reader *rr)
{
	rr->next = rr->tail;
}

uint64_t
ring_reader_dropped(const struct ring_reader *rr)
{
	return atomic_load_explicit(&rr->head->dropped, memory_order_relaxed);
}

uint32_t
ring_reader_waiting(const struct ring_reader *rr)
{
	uint64_t n;

	n = atomic_load_explicit(&rr->head->head, memory_order_relaxed) -
	    rr->tail;
	return n > rr->slots ? rr->slots : (uint32_t)n;
}

bool
ring_reader_mode(struct ring_reader *rr, enum ring_mode mode)
{
	atomic_store(&rr->head->mode, (uint32_t)mode);
	atomic_thread_fence(memory_order_seq_cst);
	if (mode != RING_ASLEEP || committed_at(rr, rr->next) == 0)
		return true;
	atomic_store(&rr->head->mode, RING_AWAKE);
	return false;
}
