/*
 * The table of facts: see facts.h.  Written by netproxy, read by tracers.
 *
 * Each entry has a sequence number, odd while it is written; a reader copies the
 * entry and takes the copy only if the number was even and is still the same.
 * A reader that loses a race TRIES times goes on without that entry.
 */

#include "common/facts.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES	 64
#define SEALS	 (F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK)
#define NS_PER_S UINT64_C(1000000000)

struct entry {
	_Atomic uint32_t seq;
	uint32_t len;
	uint64_t until_ns; /* 0: free */
	uint8_t addr[16];
	char name[FACTS_NAME_MAX + 3];
};
_Static_assert(sizeof(struct entry) == 288, "shared between processes");

struct facts_mem {
	uint64_t key[2]; /* who names addresses must not choose their sets */
	uint64_t pad[6];
	struct entry e[FACTS_SETS][FACTS_WAYS];
};

uint64_t
facts_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t
facts_until_ns(uint32_t ttl_s)
{
	if (ttl_s < FACTS_TTL_MIN)
		ttl_s = FACTS_TTL_MIN;
	if (ttl_s > FACTS_TTL_MAX)
		ttl_s = FACTS_TTL_MAX;
	return facts_now_ns() + ttl_s * NS_PER_S;
}

int
facts_create(void)
{
	uint64_t key[2];
	int fd;

	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return -1;
	fd = memfd_create("agentsh-facts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	if (ftruncate(fd, sizeof(struct facts_mem)) == 0 &&
	    pwrite(fd, key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	close(fd);
	return -1;
}

int
facts_readonly(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* What a writer that died left odd, nobody reads until it is even again. */
static void
repair(struct facts_mem *m)
{
	struct entry *e = &m->e[0][0];
	size_t i;

	for (i = 0; i < (size_t)FACTS_SETS * FACTS_WAYS; i++, e++) {
		uint32_t seq = atomic_load(&e->seq);

		if (seq % 2 == 0)
			continue;
		e->until_ns = 0;
		atomic_store(&e->seq, seq + 1);
	}
}

int
facts_map(struct facts *f, int fd, bool writer)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	void *p;

	f->mem = NULL;
	f->writer = writer;
	if (seals == -1 || fstat(fd, &st) == -1)
		return -1;
	if ((seals & SEALS) != SEALS ||
	    st.st_size != (off_t)sizeof(struct facts_mem)) {
		errno = EINVAL;
		return -1;
	}
	p = mmap(NULL, sizeof(struct facts_mem),
	    writer ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	f->mem = p;
	if (writer)
		repair(f->mem);
	return 0;
}

void
facts_unmap(struct facts *f)
{
	if (f->mem != NULL)
		munmap(f->mem, sizeof(*f->mem));
	f->mem = NULL;
}

/* Enough that nobody chooses addresses for one set without knowing the key. */
static unsigned int
set_of(const struct facts_mem *m, const struct in6_addr *addr)
{
	uint64_t w[2], h = m->key[0];
	unsigned int i;

	memcpy(w, addr, sizeof(w));
	for (i = 0; i < 2; i++) {
		h ^= w[i];
		h *= UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
		h += m->key[1];
		h *= UINT64_C(0xbf58476d1ce4e5b9);
		h ^= h >> 32;
	}
	return (unsigned int)(h % FACTS_SETS);
}

/* A copy that nobody was writing. */
static bool
entry_read(const struct entry *e, struct in6_addr *addr, struct facts_name *n)
{
	uint32_t seq, len;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		seq = atomic_load_explicit(&e->seq, memory_order_acquire);
		if (seq % 2 != 0)
			continue;
		n->until_ns = e->until_ns;
		if (n->until_ns == 0)
			return false;
		len = e->len;
		memcpy(addr, e->addr, sizeof(*addr));
		memcpy(n->name, e->name, FACTS_NAME_MAX);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&e->seq, memory_order_relaxed) != seq)
			continue;
		if (len == 0 || len > FACTS_NAME_MAX)
			return false;
		n->len = len;
		n->name[len] = '\0';
		return true;
	}
	return false;
}

static void
entry_write(struct entry *e, const struct in6_addr *addr, const char *name,
    size_t len, uint64_t until_ns)
{
	uint32_t seq = atomic_load(&e->seq);

	atomic_store_explicit(&e->seq, seq + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	e->until_ns = until_ns;
	e->len = (uint32_t)len;
	memcpy(e->addr, addr, sizeof(e->addr));
	memcpy(e->name, name, len);
	atomic_store_explicit(&e->seq, seq + 2, memory_order_release);
}

static bool
is_same(const struct entry *e, const struct in6_addr *addr, const char *name,
    size_t len)
{
	return e->until_ns != 0 && e->len == len &&
	    memcmp(e->addr, addr, sizeof(e->addr)) == 0 &&
	    memcmp(e->name, name, len) == 0;
}

void
facts_add(struct facts *f, const struct in6_addr *addr, const char *name,
    size_t len, uint64_t until_ns)
{
	struct entry *set, *oldest;
	unsigned int i;

	if (f->mem == NULL || len == 0 || len > FACTS_NAME_MAX || !f->writer)
		return;
	set = f->mem->e[set_of(f->mem, addr)];
	oldest = &set[0];
	for (i = 0; i < FACTS_WAYS; i++) {
		if (is_same(&set[i], addr, name, len)) {
			if (set[i].until_ns < until_ns)
				entry_write(&set[i], addr, name, len, until_ns);
			return;
		}
		if (set[i].until_ns < oldest->until_ns)
			oldest = &set[i];
	}
	entry_write(oldest, addr, name, len, until_ns);
}

unsigned int
facts_names(const struct facts *f, const struct in6_addr *addr,
    uint64_t now_ns, facts_fn *fn, void *arg)
{
	const struct entry *set;
	struct facts_name n;
	struct in6_addr a;
	unsigned int i, found = 0;

	if (f->mem == NULL)
		return 0;
	set = f->mem->e[set_of(f->mem, addr)];
	for (i = 0; i < FACTS_WAYS; i++) {
		/* Cheap, and checked again on the copy. */
		if (set[i].until_ns == 0 ||
		    memcmp(set[i].addr, addr, sizeof(a)) != 0)
			continue;
		if (!entry_read(&set[i], &a, &n) || n.until_ns <= now_ns ||
		    memcmp(&a, addr, sizeof(a)) != 0)
			continue;
		found++;
		if (!fn(addr, &n, arg))
			break;
	}
	return found;
}

void
facts_all(const struct facts *f, uint64_t now_ns, facts_fn *fn, void *arg)
{
	const struct entry *e;
	struct facts_name n;
	struct in6_addr a;
	size_t i;

	if (f->mem == NULL)
		return;
	e = &f->mem->e[0][0];
	for (i = 0; i < (size_t)FACTS_SETS * FACTS_WAYS; i++, e++) {
		if (entry_read(e, &a, &n) && n.until_ns > now_ns &&
		    !fn(&a, &n, arg))
			return;
	}
}
