/*
 * The task table.  Runs in the serving threads, the watcher and main, behind
 * one mutex that is held for a few dozen instructions; /proc is read outside
 * it.  Holds no descriptors.  Must never be believed about an object: ids are
 * used again.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/live.h"
#include "tracer/num.h"
#include "tracer/task.h"

#define BUCKETS	   16384
#define STATUS_MAX 2048 /* as far as Seccomp */
#define SHARE_THREAD 0x00010000u /* CLONE_THREAD */
#define ANCESTORS  64 /* how far task_is_ours climbs */
#define REUSE_NS   50000000u /* in which no thread id comes again */
#define HERD_PASSES 16	     /* over /proc, for those that fork meanwhile */
#define GROUP_NAME 128	     /* "/agentsh-ID." */
#define GROUPS_MAX 4096	     /* of /proc/PID/cgroup */

struct tasktab {
	pthread_mutex_t lock;
	struct task *bucket[BUCKETS];
	struct task *pool; /* TASK_MAX, pages touched on demand */
	struct task *free;
	uint32_t used;	   /* of the pool, ever */
	uint32_t count;
	_Atomic uint32_t gen;
	_Atomic uint64_t shares; /* clones with CLONE_THREAD, FILES or FS */
	_Atomic bool sharing;	 /* one was of a process: nobody is alone now */
	_Atomic bool creds;	 /* someone's have changed: task_creds_change */
	struct live *live; /* NULL without */
	int procfd;
	bool root_session;
	char group[GROUP_NAME]; /* of a path in the session's; "": unknown */
};

struct tasktab *
task_table_new(int live_fd, bool root_session)
{
	struct tasktab *tt;
	void *p;

	if ((tt = calloc(1, sizeof(*tt))) == NULL)
		return NULL;
	p = mmap(NULL, sizeof(struct task) * TASK_MAX, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		free(tt);
		return NULL;
	}
	tt->pool = p;
	tt->procfd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pthread_mutex_init(&tt->lock, NULL);
	atomic_store(&tt->gen, 1);
	tt->root_session = root_session;
	if (live_fd != -1) {
		p = mmap(NULL, sizeof(struct live), PROT_READ | PROT_WRITE,
		    MAP_SHARED, live_fd, 0);
		tt->live = p == MAP_FAILED ? NULL : p;
	}
	return tt;
}

void
task_table_session(struct tasktab *tt, const char *id)
{
	int n = snprintf(tt->group, sizeof(tt->group), "/agentsh-%s.", id);

	if (n < 0 || (size_t)n >= sizeof(tt->group))
		tt->group[0] = '\0';
}

static uint32_t
bucket_of(pid_t tid)
{
	return (uint32_t)tid % BUCKETS;
}

static struct task *
find(struct tasktab *tt, pid_t tid)
{
	struct task *t;

	for (t = tt->bucket[bucket_of(tid)]; t != NULL; t = t->next)
		if (t->tid == tid)
			return t;
	return NULL;
}

/*
 * The value of "\nKEY" in a status file, as a number in base; -1 where it is
 * missing.
 */
static long
status_num(const char *buf, const char *key, int base)
{
	const char *p = strstr(buf, key);

	return p == NULL ? -1 : strtol(p + strlen(key), NULL, base);
}

/* A file of /proc/TID, terminated; 0: there is none. */
static size_t
read_file(const struct tasktab *tt, pid_t tid, const char *file, char *buf,
    size_t size)
{
	char name[NUM_MAX + 8];
	ssize_t n;
	int fd;

	num_text(num_put(name, (uint32_t)tid), file);
	buf[0] = '\0';
	if ((fd = openat(tt->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static size_t
read_status(const struct tasktab *tt, pid_t tid, char *buf, size_t size)
{
	return read_file(tt, tid, "/status", buf, size);
}

bool
task_read_status(const struct tasktab *tt, pid_t tid, struct task_status *st)
{
	st->len = read_status(tt, tid, st->buf, sizeof(st->buf));
	return st->len != 0;
}

#define STAT_MAX     512
#define STAT_PPID    1	/* fields behind the name's parenthesis, from 0 */
#define STAT_THREADS 17

/* /proc/TID/stat.  false: tid is dead. */
static bool
read_stat(const struct tasktab *tt, pid_t tid, char *buf)
{
	char name[NUM_MAX + 8];
	ssize_t n;
	int fd;

	num_text(num_put(name, (uint32_t)tid), "/stat");
	if ((fd = openat(tt->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, buf, STAT_MAX - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* A number of it, -1 where there is none. */
static long
stat_num(const char *buf, unsigned int field)
{
	const char *p = strrchr(buf, ')');

	if (p == NULL || p[1] != ' ')
		return -1;
	for (p += 2; field > 0 && p != NULL; field--)
		if ((p = strchr(p, ' ')) != NULL)
			p++;
	return p == NULL ? -1 : strtol(p, NULL, 10);
}

/*
 * When tid was started, 0 when it is dead.  With tid it names one thread for
 * ever.
 */
static uint64_t
read_start(const struct tasktab *tt, pid_t tid)
{
	char buf[STAT_MAX];

	return read_stat(tt, tid, buf) ? live_start(buf) : 0;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
look_exe(const struct tasktab *tt, struct task *t)
{
	char name[NUM_MAX + 8];
	ssize_t n;

	num_text(num_put(name, (uint32_t)t->tid), "/exe");
	n = readlinkat(tt->procfd, name, t->exe, sizeof(t->exe));
	t->exe_len = n > 0 ? (uint16_t)n : 0;
}

static void
set_comm(struct task *t, const char *comm, size_t len)
{
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, comm,
	    len < sizeof(t->comm) - 1 ? len : sizeof(t->comm) - 1);
}

/* Fill t from /proc; what cannot be read is left as it was. */
static bool
look(const struct tasktab *tt, struct task *t, struct task_status *st)
{
	const char *buf = st->buf, *p;
	long v;

	t->tgid = t->tgid == 0 ? t->tid : t->tgid;
	t->alone = t->umask_known = 0;
	t->alone_at = atomic_load(&tt->shares); /* before it is looked at */
	if (atomic_load(&t->holders) == 0)
		t->cpus_known = 0;
	if (!task_read_status(tt, t->tid, st))
		return false;
	if ((v = status_num(buf, "\nTgid:\t", 10)) > 0)
		t->tgid = (pid_t)v;
	if ((v = status_num(buf, "\nPPid:\t", 10)) >= 0)
		t->ppid = (pid_t)v;
	if ((v = status_num(buf, "\nUid:\t", 10)) >= 0)
		t->uid = (uint32_t)v;
	t->alone = status_num(buf, "\nThreads:\t", 10) == 1 &&
	    t->tgid == t->tid;
	if ((v = status_num(buf, "\nUmask:\t", 8)) >= 0) {
		t->umask = (uint16_t)(v & 0777);
		t->umask_known = 1;
	}
	if (strncmp(buf, "Name:\t", 6) == 0 &&
	    (p = strchr(buf, '\n')) != NULL)
		set_comm(t, buf + 6, (size_t)(p - buf) - 6);
	look_exe(tt, t);
	return true;
}

/*
 * A thread that was forked while its parent was held has the mask of that
 * moment: give it the parent's own.
 */
static void
mend_cpus(const struct task *t, const struct task *from)
{
	cpu_set_t now;

	if (!from->cpus_known || CPU_COUNT(&from->cpus) < 2)
		return;
	if (sched_getaffinity(t->tid, sizeof(now), &now) == 0 &&
	    CPU_COUNT(&now) == 1)
		sched_setaffinity(t->tid, sizeof(from->cpus), &from->cpus);
}

/* What a new thread has from its process or its parent. */
static void
inherit(struct tasktab *tt, struct task *t, uint32_t entry)
{
	const struct task *from;

	t->command = entry;
	t->depth = 0;
	t->execed = 1;
	t->marked = tt->root_session;
	t->sure = SURE_NOT;
	from = t->tgid != t->tid ? find(tt, t->tgid) : NULL;
	if (from == NULL)
		from = find(tt, t->ppid);
	if (from == NULL || from == t || from->command != entry)
		return;
	t->depth = from->depth;
	t->execed = from->execed;
	t->sure = from->sure;
	mend_cpus(t, from);
}

/*
 * A process of one thread, forked by one whose credentials are known: what it
 * has from there need not be read.  stat is its own.  false: it must be.
 */
static bool
look_forked(struct tasktab *tt, struct task *t, uint32_t entry,
    const char *stat)
{
	/* It alone could take a second thread, and waits for us. */
	uint64_t shares = atomic_load(&tt->shares);
	const char *name = strchr(stat, '('), *end = strrchr(stat, ')');
	pid_t ppid = (pid_t)stat_num(stat, STAT_PPID);
	const struct task *from;
	bool known;

	if (stat_num(stat, STAT_THREADS) != 1 || name == NULL || end == NULL ||
	    atomic_load(&tt->creds))
		return false;
	pthread_mutex_lock(&tt->lock);
	from = find(tt, ppid);
	known = from != NULL && from != t && from->command == entry &&
	    from->sure == SURE && from->tgid == ppid;
	if (known)
		t->uid = from->uid;
	pthread_mutex_unlock(&tt->lock);
	if (!known)
		return false;
	t->tgid = t->tid;
	t->ppid = ppid;
	t->alone = 1;
	t->alone_at = shares;
	t->umask_known = t->cpus_known = 0;
	set_comm(t, name + 1, (size_t)(end - name) - 1);
	look_exe(tt, t);
	return true;
}

/* start: of process pid, which t is a thread of; pid 0 clears the entry. */
static void
live_set(struct tasktab *tt, const struct task *t, pid_t pid, uint64_t start)
{
	size_t i = (size_t)(t - tt->pool);

	if (tt->live == NULL || i >= LIVE_MAX)
		return;
	if (pid != 0 && tt->live->start[i] != start) {
		__atomic_store_n(&tt->live->pid[i], 0, __ATOMIC_RELEASE);
		__atomic_store_n(&tt->live->start[i], start, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&tt->live->pid[i], pid, __ATOMIC_RELEASE);
	if (tt->live->count <= i)
		tt->live->count = (uint32_t)i + 1;
}

/* A pool entry, zeroed and in its bucket, or NULL.  Locked. */
static struct task *
insert(struct tasktab *tt, pid_t tid)
{
	struct task *t = tt->free;

	if (t != NULL)
		tt->free = t->next;
	else if (tt->used < TASK_MAX)
		t = &tt->pool[tt->used++];
	else
		return NULL;
	memset(t, 0, sizeof(*t));
	t->tid = tid;
	t->next = tt->bucket[bucket_of(tid)];
	tt->bucket[bucket_of(tid)] = t;
	tt->count++;
	return t;
}

/* t is what an earlier thread of its id was. */
static bool
was_reused(const struct task *t, uint64_t start)
{
	return start != 0 && t->start != 0 && t->start != start;
}

struct task *
task_get(struct tasktab *tt, pid_t tid, uint32_t entry, struct task *spare,
    struct task_status *st)
{
	uint32_t gen = atomic_load_explicit(&tt->gen, memory_order_relaxed);
	uint64_t now, start, first;
	char stat[STAT_MAX];
	struct task *t;
	bool fresh, forked;

	st->len = 0;
	pthread_mutex_lock(&tt->lock);
	fresh = (t = find(tt, tid)) == NULL;
	if (fresh && (t = insert(tt, tid)) == NULL) {
		t = spare;
		memset(t, 0, sizeof(*t));
		t->tid = tid;
	}
	t->refs++;
	pthread_mutex_unlock(&tt->lock);
	/* What is marked decides about rights: it must not be another's. */
	now = now_ns();
	if (!fresh && t->gen == gen &&
	    (!tt->root_session || now - t->looked_ns < REUSE_NS))
		return t;
	/* Only the thread's own call comes here, and it has one at a time. */
	start = read_stat(tt, tid, stat) ? live_start(stat) : 0;
	forked = fresh && start != 0 && look_forked(tt, t, entry, stat);
	if (!forked)
		look(tt, t, st);
	first = t->tgid == tid ? start : read_start(tt, t->tgid);
	t->gen = gen;
	t->looked_ns = now;
	pthread_mutex_lock(&tt->lock);
	if (fresh || was_reused(t, start))
		inherit(tt, t, entry);
	if (forked && t->sure == SURE && !atomic_load(&tt->creds))
		t->marked = 0;
	if (start != 0)
		t->start = start;
	live_set(tt, t, t->tgid, first);
	pthread_mutex_unlock(&tt->lock);
	return t;
}

void
task_put(struct tasktab *tt, struct task *t)
{
	pthread_mutex_lock(&tt->lock);
	t->refs--;
	pthread_mutex_unlock(&tt->lock);
}

void
task_shares(struct tasktab *tt, uint64_t flags)
{
	if ((flags & SHARE_THREAD) == 0)
		atomic_store(&tt->sharing, true);
	atomic_fetch_add(&tt->shares, 1);
}

bool
task_is_alone(struct tasktab *tt, struct task *t)
{
	if (atomic_load(&tt->sharing) || !t->execed)
		return false;
	if (t->alone_at != atomic_load(&tt->shares)) {
		struct task_status st;

		t->looked_ns = now_ns();
		look(tt, t, &st);
	}
	return t->alone;
}

bool
task_umask(struct tasktab *tt, struct task *t, mode_t *mask)
{
	if (!task_is_alone(tt, t) || !t->umask_known ||
	    now_ns() - t->looked_ns >= REUSE_NS)
		return false;
	*mask = t->umask;
	return true;
}

void
task_umask_is(struct tasktab *tt, struct task *t, mode_t mask)
{
	pthread_mutex_lock(&tt->lock);
	t->umask = (uint16_t)mask;
	t->umask_known = 1;
	t->looked_ns = now_ns();
	pthread_mutex_unlock(&tt->lock);
}

void
task_umask_changes(struct tasktab *tt, struct task *t)
{
	pthread_mutex_lock(&tt->lock);
	t->umask_known = 0;
	pthread_mutex_unlock(&tt->lock);
}

void
task_set_cpus(struct tasktab *tt, pid_t tid, const cpu_set_t *cpus)
{
	struct task *t;

	pthread_mutex_lock(&tt->lock);
	if ((t = find(tt, tid)) != NULL) {
		t->cpus = *cpus;
		t->cpus_known = 1;
		atomic_fetch_add(&t->cpus_seq, 1);
	}
	pthread_mutex_unlock(&tt->lock);
}

uint32_t
task_holds(struct tasktab *tt, pid_t tid, cpu_set_t *cpus, bool *now)
{
	struct task *t;
	uint32_t n = 0;

	*now = false;
	pthread_mutex_lock(&tt->lock);
	if ((t = find(tt, tid)) != NULL && (n = atomic_load(&t->holds)) != 0) {
		*cpus = t->cpus;
		*now = atomic_load(&t->holders) != 0;
	}
	pthread_mutex_unlock(&tt->lock);
	return n;
}

/*
 * What an exec leaves and what it changes is known: nothing needs to be read.
 * One thread, with descriptors of its own, as of now.
 */
static void
renew(struct tasktab *tt, struct task *t, const char *comm)
{
	/* Another thread may have changed the umask that they shared. */
	if (!t->alone || t->alone_at != atomic_load(&tt->shares))
		t->umask_known = 0;
	t->gen = atomic_load(&tt->gen);
	t->looked_ns = now_ns();
	t->alone_at = atomic_load(&tt->shares);
	t->alone = 1;
	set_comm(t, comm, strlen(comm));
}

/*
 * t has exec'ed, as its leader or by another thread: with other rights, or with
 * fewer from now on, unless it is known better.
 */
static void
expect_creds(const struct tasktab *tt, struct task *t, bool leader)
{
	if (leader && t->sure == SURE && !t->marked &&
	    !atomic_load(&tt->creds))
		return;
	t->marked = tt->root_session;
	t->sure = SURE_IF_SEEN;
}

void
task_creds_change(struct tasktab *tt, struct task *t)
{
	atomic_store(&tt->creds, true);
	pthread_mutex_lock(&tt->lock);
	t->marked = 1;
	pthread_mutex_unlock(&tt->lock);
}

bool
task_creds_changed(struct tasktab *tt)
{
	return atomic_load(&tt->creds);
}

void
task_creds_own(struct tasktab *tt, struct task *t)
{
	pthread_mutex_lock(&tt->lock);
	t->marked = 0; /* until it asks again */
	if (t->sure == SURE_IF_SEEN)
		t->sure = SURE;
	pthread_mutex_unlock(&tt->lock);
}

void
task_execed(struct tasktab *tt, pid_t tgid, pid_t tid, const char *exe,
    size_t len, const char *comm, uint32_t depth, uint32_t entry)
{
	struct task *t;
	bool known;
	uint64_t start = 0;

	pthread_mutex_lock(&tt->lock);
	t = find(tt, tgid);
	known = t != NULL && tid == tgid && t->start != 0 && comm != NULL;
	pthread_mutex_unlock(&tt->lock);
	if (!known)
		start = read_start(tt, tgid);
	pthread_mutex_lock(&tt->lock);
	/* A leader that made no call: another thread has taken its id. */
	if ((t = find(tt, tgid)) == NULL && (t = insert(tt, tgid)) != NULL)
		t->tgid = tgid;
	if (t != NULL) {
		if (start != 0)
			t->start = start;
		t->command = entry;
		t->execed = 1;
		expect_creds(tt, t, tid == tgid);
		t->depth = depth;
		t->gen = 0;
		t->exe_len = (uint16_t)(len < TASK_EXE ? len : TASK_EXE);
		memcpy(t->exe, exe, t->exe_len);
		if (known)
			renew(tt, t, comm);
	}
	pthread_mutex_unlock(&tt->lock);
}

void
task_enter(struct tasktab *tt, pid_t tgid, uint32_t entry)
{
	uint64_t start = read_start(tt, tgid);
	struct task *t;

	pthread_mutex_lock(&tt->lock);
	if ((t = find(tt, tgid)) == NULL)
		t = insert(tt, tgid);
	if (t != NULL) {
		t->tgid = tgid;
		t->start = start;
		t->marked = tt->root_session;
		t->sure = SURE_NOT;
		t->command = entry;
		t->depth = 0;
		t->execed = 0;
		t->gen = 0;
		live_set(tt, t, tgid, start);
	}
	pthread_mutex_unlock(&tt->lock);
}

static bool
is_known(struct tasktab *tt, pid_t pid)
{
	uint64_t start = read_start(tt, pid);
	const struct task *t;
	bool known;

	pthread_mutex_lock(&tt->lock);
	known = (t = find(tt, pid)) != NULL && !was_reused(t, start);
	pthread_mutex_unlock(&tt->lock);
	return known;
}

static bool
is_in_group(const struct tasktab *tt, pid_t pid)
{
	char buf[GROUPS_MAX];

	return tt->group[0] != '\0' &&
	    read_file(tt, pid, "/cgroup", buf, sizeof(buf)) != 0 &&
	    strstr(buf, tt->group) != NULL;
}

bool
task_is_ours(struct tasktab *tt, pid_t pid)
{
	char buf[STATUS_MAX];
	pid_t asked = pid;
	unsigned int i;
	long up, mode;

	for (i = 0; i < ANCESTORS && pid > 1; i++) {
		if (read_status(tt, pid, buf, sizeof(buf)) <= 0)
			return false;
		/*
		 * Without a filter it cannot be a descendant of one that has
		 * one.
		 */
		mode = status_num(buf, "\nSeccomp:\t", 10);
		if (mode != 2)
			break;
		if (is_known(tt, pid))
			return true;
		up = status_num(buf, "\nTgid:\t", 10);
		if (up == pid)
			up = status_num(buf, "\nPPid:\t", 10);
		pid = (pid_t)up;
	}
	/* Who never made a judged call and has outlived those who did. */
	return i > 0 && is_in_group(tt, asked);
}

/* Unlink and free one entry.  Locked. */
static void
drop(struct tasktab *tt, struct task *t)
{
	struct task **pp = &tt->bucket[bucket_of(t->tid)];

	while (*pp != NULL && *pp != t)
		pp = &(*pp)->next;
	if (*pp == t)
		*pp = t->next;
	live_set(tt, t, 0, 0);
	t->tid = 0;
	t->next = tt->free;
	tt->free = t;
	tt->count--;
}

void
task_sweep(struct tasktab *tt)
{
	uint32_t i;

	/* The watcher waits for nobody who may be waiting for it. */
	if (pthread_mutex_trylock(&tt->lock) != 0)
		return;
	atomic_fetch_add(&tt->gen, 1);
	for (i = 0; i < tt->used; i++) {
		struct task *t = &tt->pool[i];

		if (t->tid == 0 || t->refs != 0)
			continue;
		if (syscall(SYS_tgkill, t->tgid, t->tid, 0) == -1 &&
		    errno == ESRCH)
			drop(tt, t);
	}
	pthread_mutex_unlock(&tt->lock);
}

unsigned int
task_count(struct tasktab *tt)
{
	unsigned int n;

	pthread_mutex_lock(&tt->lock);
	n = tt->count;
	pthread_mutex_unlock(&tt->lock);
	return n;
}

/* ---- the end of an entry ---- */

/* Processes, each with when it was started. */
struct herd {
	struct {
		pid_t pid;
		uint64_t start;
	} *p;
	size_t cnt, max;
};

static bool
herd_has(const struct herd *h, pid_t pid)
{
	size_t i;

	for (i = 0; i < h->cnt; i++)
		if (h->p[i].pid == pid)
			return true;
	return false;
}

static void
herd_add(struct herd *h, pid_t pid, uint64_t start)
{
	size_t max = h->max == 0 ? 64 : 2 * h->max;
	void *p;

	if (pid <= 1 || start == 0 || herd_has(h, pid))
		return;
	if (h->cnt == h->max) {
		if ((p = reallocarray(h->p, max, sizeof(h->p[0]))) == NULL)
			return;
		h->p = p;
		h->max = max;
	}
	h->p[h->cnt].pid = pid;
	h->p[h->cnt++].start = start;
}

/* Those of the table; entry 0: of all entries. */
static void
herd_known(struct tasktab *tt, uint32_t entry, struct herd *h)
{
	const struct task *t;
	uint64_t start;
	uint32_t i;

	pthread_mutex_lock(&tt->lock);
	for (i = 0; i < tt->used; i++) {
		t = &tt->pool[i];
		if (t->tid == 0 || t->tgid <= 1 ||
		    (entry != 0 && t->command != entry))
			continue;
		start = read_start(tt, t->tid);
		if (start != 0 && !was_reused(t, start))
			herd_add(h, t->tgid, t->tgid == t->tid ? start :
			    read_start(tt, t->tgid));
	}
	pthread_mutex_unlock(&tt->lock);
}

/* Children of those in h, who may never have asked anything. */
static void
herd_children(const struct tasktab *tt, struct herd *h)
{
	int fd = openat(tt->procfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	char stat[STAT_MAX];
	struct dirent *d;
	pid_t pid;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		pid = (pid_t)strtol(d->d_name, NULL, 10);
		if (pid > 1 && read_stat(tt, pid, stat) &&
		    herd_has(h, (pid_t)stat_num(stat, STAT_PPID)))
			herd_add(h, pid, live_start(stat));
	}
	closedir(dir);
}

/*
 * sig to those from the first on, unless their ids are others' by now.  A
 * parent outside is not to see its child stopped.
 */
static void
herd_signal(const struct tasktab *tt, const struct herd *h, size_t first,
    int sig)
{
	char stat[STAT_MAX];
	size_t i;
	int fd;

	for (i = first; i < h->cnt; i++) {
		fd = (int)syscall(SYS_pidfd_open, h->p[i].pid, 0);
		if (fd == -1)
			continue;
		if (read_stat(tt, h->p[i].pid, stat) &&
		    live_start(stat) == h->p[i].start && (sig == SIGKILL ||
		    herd_has(h, (pid_t)stat_num(stat, STAT_PPID))))
			(void)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
		close(fd);
	}
}

/*
 * Who is stopped forks no more: when nobody new is found they are all that there
 * are, but for those whose parents have gone before.
 */
static void
kill_tasks(struct tasktab *tt, uint32_t entry)
{
	struct herd h = { NULL, 0, 0 };
	size_t first = 0;
	int i;

	herd_known(tt, entry, &h);
	for (i = 0; i < HERD_PASSES && first < h.cnt; i++) {
		herd_signal(tt, &h, first, SIGSTOP);
		first = h.cnt;
		herd_children(tt, &h);
	}
	herd_signal(tt, &h, 0, SIGKILL);
	free(h.p);
}

void
task_kill_all(struct tasktab *tt)
{
	kill_tasks(tt, 0);
}

void
task_kill_entry(struct tasktab *tt, uint32_t entry)
{
	kill_tasks(tt, entry);
}
