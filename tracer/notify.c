/*
 * Listeners, serving threads and the watcher.  A serving thread blocks in RECV,
 * serves one call from receipt to answer and may block in it.  The watcher
 * sleeps on a futex while nothing is asked; while there is work it looks every
 * tick whether a call has been in progress for long: then its caller may have a
 * signal to take (the thread is interrupted), or nobody may be left to serve (a
 * thread is added).
 *
 * Must never: leave a call unanswered, hold the lock while serving, or end a
 * thread that still traces somebody.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "common/log.h"
#include "tracer/cred.h"
#include "tracer/event.h"
#include "tracer/futex.h"
#include "tracer/notify.h"
#include "tracer/num.h"
#include "tracer/place.h"
#include "tracer/sock.h"
#include "tracer/tracer.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#define SYNC_WAKE_UP (1UL << 0)

#define TICK_NS	     2000000L
#define LINGER_TICKS 25	  /* 50 ms without a call: the watcher sleeps */
#define LONG_TICKS   2	  /* a call that lasts longer is looked at */
#define SWEEP_TICKS  500  /* the task table, every second */
#define LOOKS_TICK   16	  /* of a group's lasting calls, looked at in a tick */
#define STACK_BYTES  (192u << 10)

static void
wake_watcher(struct tracer *t)
{
	if (atomic_exchange(&t->watcher_parked, 0))
		tracer_futex(&t->watcher_parked, FUTEX_WAKE, 1, NULL);
}

/* ---- what callers share ---- */

void
notify_ask_share(struct call *c)
{
	task_shares(c->tracer->tasks, call_v(c, SR_FLAGS));
	answer_continue(c);
}

void
notify_ask_umask(struct call *c)
{
	task_umask_changes(c->tracer->tasks, c->task);
	answer_continue(c);
}

/* ---- serving ---- */

#ifdef CONTINUE_UNJUDGED
/*
 * A tracer that judges nothing of files and commands: it shows what Landlock
 * refuses alone.
 */
static bool
is_continued(const struct call *c)
{
	uint8_t domain = systab_ask_tab[c->sa.ask].domain;

	return domain == SYSTAB_D_FILE || domain == SYSTAB_D_EXEC;
}
#endif

/* Take the image in force; it stays while we point to it. */
static void
image_take(struct worker *w)
{
	struct tracer_image *im;

	do {
		im = atomic_load(&w->tracer->image);
		atomic_store(&w->image, im);
	} while (im != atomic_load(&w->tracer->image));
}

static void
refuse_call(struct call *c)
{
	struct verdict v;

	event_begin(c, EV_SYSCALL);
	call_builtin(&v, BR_SYSCALL);
	if (call_verdict(c, &v))
		return;
	if (c->sa.row != NULL)
		event_text(c, EVS_PATH, c->sa.row->name,
		    strlen(c->sa.row->name));
	call_refuse(c, &v, c->sa.err == 0 ? EPERM : c->sa.err);
}

static void
decide_what(struct call *c)
{
	const struct systab_opts o = {
		.arch = SYSTAB_ARCH_HERE,
		.metadata = image_settings(c->im)->metadata != 0,
		.root_session = c->tracer->root_session,
		.blocked = image_blocked(c->im),
	};

	systab_decide(&o, &c->rq->data, &c->sa);
	if (c->sa.row != NULL)
		systab_sort(c->sa.row,
		    (const uint64_t *)(const void *)c->rq->data.args, &c->a);
}

/* Flags that the call does not know: the kernel says so before all else. */
static bool
has_odd_flags(const struct call *c)
{
	uint32_t ok = c->sa.row->flags_ok;

	return ok != 0 && (c->a.flags & ~ok) != 0;
}

/* Its entry has had its time; who was not found then is now. */
static void
end_caller(struct call *c)
{
	if (call_valid(c))
		syscall(SYS_tgkill, c->task->tgid, (pid_t)c->rq->pid, SIGKILL);
	answer_errno(c, EPERM);
}

static void
serve(struct worker *w)
{
	struct call *c = &w->call;
	struct timespec ts;
	ask_fn *fn;

	c->rq = &w->rq;
	c->tracer = w->tracer;
	c->w = w;
	c->answered = c->gone = c->event_on = false;
	c->err = 0;
	call_lent_none(c);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	c->start_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	image_take(w);
	c->im = &atomic_load(&w->image)->im;
	c->task = task_get(w->tracer->tasks, (pid_t)w->rq.pid, w->group->entry,
	    &w->spare, &w->status);
	decide_what(c);
	switch ((enum systab_act)c->sa.act) {
	case SYSTAB_ACT_ASK:
#ifdef CONTINUE_UNJUDGED
		if (is_continued(c)) {
			answer_continue(c);
			break;
		}
#endif
		fn = c->sa.ask < ASK_MAX ? dispatch_tab[c->sa.ask] : NULL;
		if (atomic_load(&w->group->over)) {
			end_caller(c);
		} else if (fn == NULL) {
			refuse_call(c);
		} else if (has_odd_flags(c)) {
			answer_errno(c, EINVAL);
		} else if (c->tracer->root_session && !cred_assume(c)) {
			call_unjudgeable(c, "credentials");
		} else {
			fn(c);
		}
		cred_restore(c);
		break;
	case SYSTAB_ACT_PASS:
		answer_continue(c);
		break;
	case SYSTAB_ACT_ERRNO:
		answer_errno(c, c->sa.err);
		break;
	case SYSTAB_ACT_REFUSE:
	case SYSTAB_ACT_KILL:
	case SYSTAB_ACT_MAX:
		refuse_call(c);
		break;
	}
	if (!c->answered)
		call_unjudgeable(c, "no answer");
	task_put(w->tracer->tasks, c->task);
	atomic_store(&w->image, NULL);
}

static bool
has_hung_up(int listener)
{
	struct pollfd p = { .fd = listener };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* Wait for a call.  false: this thread is to end. */
static bool
receive(struct worker *w)
{
	for (;;) {
		place_await(w);
		if (atomic_load(&w->retire) || atomic_load(&w->group->ended))
			return false;
		memset(&w->rq, 0, sizeof(w->rq));
		if (ioctl(w->group->listener, SECCOMP_IOCTL_NOTIF_RECV,
		    &w->rq) == 0)
			return true;
		if (errno == ENOENT && has_hung_up(w->group->listener))
			return false;
		if (errno != EINTR && errno != ENOENT)
			return false;
	}
}

#define SETTLE_YIELDS 1000
#define SETTLE_NAPS   500
#define SETTLE_NAP_NS 100000L

/*
 * As a rule a moment; a thread that is SCHED_IDLE may wait for its CPU until
 * the watcher, which misses the lock, has it taken back.
 */
static void
wait_given(const struct worker *self, struct worker *w)
{
	const struct timespec nap = { .tv_nsec = SETTLE_NAP_NS };
	unsigned int i;

	if (w == self)
		return;
	for (i = 0; atomic_load(&w->giving) && i < SETTLE_YIELDS; i++)
		sched_yield();
	for (i = 0; atomic_load(&w->giving) && i < SETTLE_NAPS; i++)
		nanosleep(&nap, NULL);
}

void
notify_settle(struct worker *self)
{
	struct tracer *t = self->tracer;
	struct worker *w;
	struct group *g;

	pthread_mutex_lock(&t->lock);
	for (g = t->groups; g != NULL; g = g->next)
		for (w = g->workers; w != NULL; w = w->next)
			wait_given(self, w);
	pthread_mutex_unlock(&t->lock);
}

/*
 * A lock of the open file goes with the last copy of its descriptor, and ours
 * outlives the answer: who will not wait gets it when those are closed.
 */
void
notify_ask_lock(struct call *c)
{
	notify_settle(c->w);
	answer_continue(c);
}

static void
await_open(struct group *g)
{
	while (atomic_load(&g->open) == 0)
		tracer_futex(&g->open, FUTEX_WAIT, 0, NULL);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct tracer *t = w->tracer;

	/* umask belongs to the caller whose call is performed: ours alone. */
	w->fs_own = unshare(CLONE_FS) == 0;
	if (!w->fs_own)
		log_warn("unshare(CLONE_FS): %s", strerror(errno));
	if (cred_thread(w) == -1) {
		log_error("a serving thread keeps CAP_SYS_PTRACE: %s",
		    strerror(errno));
		atomic_store(&w->state, WS_ENDED);
		return NULL;
	}
	await_open(w->group);
	atomic_store(&w->tid, (pid_t)syscall(SYS_gettid));
	place_thread(w);
	while (receive(w)) {
		atomic_store(&w->call_id, w->rq.id);
		atomic_store(&w->caller, w->rq.pid);
		atomic_store(&w->since,
		    atomic_load_explicit(&t->tick, memory_order_relaxed));
		atomic_store(&w->shed_me, false);
		atomic_store(&w->state, WS_BUSY);
		atomic_fetch_add_explicit(&t->activity, 1,
		    memory_order_relaxed);
		if (atomic_load(&t->watcher_parked))
			wake_watcher(t);
		place_call(w);
		serve(w);
		atomic_store(&w->giving, false);
		atomic_store(&w->state, WS_IDLE);
	}
	atomic_store(&w->state, WS_ENDED);
	return NULL;
}

/* Add a serving thread.  Locked, or g is nobody's yet. */
static int
worker_add(struct group *g)
{
	struct worker *w;
	pthread_attr_t at;
	sigset_t all, old;
	int e;

	w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w == MAP_FAILED)
		return -1;
	w->group = g;
	w->tracer = g->tracer;
	sigfillset(&all);
	sigdelset(&all, SIGUSR1);
	sigdelset(&all, SIGSYS);
	pthread_attr_init(&at);
	pthread_attr_setstacksize(&at, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&w->thread, &at, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&at);
	if (e != 0) {
		munmap(w, sizeof(*w));
		errno = e;
		return -1;
	}
	w->next = g->workers;
	g->workers = w;
	g->workers_cnt++;
	return 0;
}

/*
 * Interrupt what w blocks in; never an injection, see notify_uninterrupted.
 */
static void
poke(struct worker *w)
{
	pid_t tid = atomic_load(&w->tid);

	if (tid == 0)
		return;
	atomic_store(&w->poking, true);
	if (atomic_load(&w->state) < WS_ANSWERING) {
		atomic_fetch_add(&w->pokes, 1);
		syscall(SYS_tgkill, w->tracer->pid, tid, SIGUSR1);
	}
	atomic_store(&w->poking, false);
}

/*
 * An ADDFD with SEND that is interrupted leaves the caller answered, with value
 * 0 and without its descriptor (6.18).  From here no signal is sent to us, and
 * those that were have been taken.
 */
void
notify_uninterrupted(struct worker *w)
{
	atomic_store(&w->state, WS_ANSWERING);
	while (atomic_load(&w->poking))
		sched_yield();
	if (atomic_load(&w->pokes) == w->pokes_seen)
		return;
	w->pokes_seen = atomic_load(&w->pokes);
	(void)syscall(SYS_getppid); /* a pending one is delivered on return */
}

/* Threads without a listener: they wait for one.  NULL with errno. */
static struct group *
group_new(struct tracer *t)
{
	struct group *g = calloc(1, sizeof(*g));
	unsigned int i;
	int e = 0;

	if (g == NULL)
		return NULL;
	g->tracer = t;
	g->listener = -1;
	for (i = 0; i < t->threads && e == 0; i++)
		e = worker_add(g);
	if (g->workers_cnt > 0)
		return g;
	free(g);
	return NULL;
}

void
notify_prepare(struct tracer *t)
{
	if (t->spare == NULL)
		t->spare = group_new(t);
}

struct group *
notify_attach(struct tracer *t, int listener, uint32_t entry)
{
	struct group *g = t->spare != NULL ? t->spare : group_new(t);
	uint64_t flags = SYNC_WAKE_UP;

	t->spare = NULL;
	if (g == NULL) {
		close(listener);
		return NULL;
	}
	g->listener = listener;
	g->entry = entry;
	/* Missing before 6.6: wake-ups then go where the scheduler likes. */
	(void)!ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
	pthread_mutex_lock(&t->lock);
	g->next = t->groups;
	t->groups = g;
	pthread_mutex_unlock(&t->lock);
	return g;
}

void
notify_begin(struct group *g)
{
	atomic_store(&g->open, 1);
	tracer_futex(&g->open, FUTEX_WAKE, INT_MAX, NULL);
}

struct group *
notify_serve(struct tracer *t, int listener, uint32_t entry)
{
	struct group *g = notify_attach(t, listener, entry);

	if (g != NULL)
		notify_begin(g);
	return g;
}

/* Join the threads that have ended.  Locked. */
static void
reap(struct group *g)
{
	struct worker **pp = &g->workers, *w;

	while ((w = *pp) != NULL) {
		if (atomic_load(&w->state) != WS_ENDED) {
			pp = &w->next;
			continue;
		}
		*pp = w->next;
		g->workers_cnt--;
		pthread_join(w->thread, NULL);
		if (w->arena != NULL)
			munmap(w->arena, WORKER_ARENA_BYTES);
		if (w->fds > 0)
			close(w->fds);
		sock_worker_end(w);
		free(w->cred);
		if (w->pidfd > 0)
			close(w->pidfd);
		if (w->link > 0)
			close(w->link);
		munmap(w, sizeof(*w));
	}
}

void
notify_end(struct tracer *t, struct group *g)
{
	atomic_store(&g->ended, true);
	wake_watcher(t);
}

void
notify_entry_over(struct tracer *t, uint32_t entry)
{
	struct group *g;

	pthread_mutex_lock(&t->lock);
	for (g = t->groups; g != NULL; g = g->next)
		if (g->entry == entry)
			atomic_store(&g->over, true);
	pthread_mutex_unlock(&t->lock);
}

unsigned int
notify_end_hung(struct tracer *t)
{
	struct group *g;
	unsigned int left = 0;

	pthread_mutex_lock(&t->lock);
	for (g = t->groups; g != NULL; g = g->next) {
		if (has_hung_up(g->listener))
			atomic_store(&g->ended, true);
		else
			left++;
	}
	pthread_mutex_unlock(&t->lock);
	wake_watcher(t);
	return left;
}

/* Groups without tasks: end their threads, then free them.  Locked. */
static bool
bury(struct tracer *t)
{
	struct group **pp = &t->groups, *g;
	struct worker *w;
	bool more = false;

	while ((g = *pp) != NULL) {
		if (!atomic_load(&g->ended)) {
			pp = &g->next;
			continue;
		}
		for (w = g->workers; w != NULL; w = w->next) {
			atomic_store(&w->interrupt, atomic_load(&w->call_id));
			poke(w);
		}
		reap(g);
		if (g->workers != NULL) {
			more = true;
			pp = &g->next;
			continue;
		}
		*pp = g->next;
		close(g->listener);
		free(g);
	}
	return more;
}

unsigned int
notify_threads(struct tracer *t)
{
	struct group *g;
	unsigned int n = 0;

	pthread_mutex_lock(&t->lock);
	for (g = t->groups; g != NULL; g = g->next)
		n += g->workers_cnt;
	pthread_mutex_unlock(&t->lock);
	return n;
}

bool
notify_is_ours(const struct tracer *t, pid_t pid)
{
	return pid == t->pid || syscall(SYS_tgkill, t->pid, pid, 0) == 0;
}

/* ---- the watcher ---- */

static uint64_t
hex_field(const char *buf, const char *key)
{
	const char *p = strstr(buf, key);

	return p == NULL ? 0 : strtoull(p + strlen(key), NULL, 16);
}

/* Signals that are ignored unless they are caught. */
#define IGNORED_BY_DEFAULT \
	(1ull << (SIGCHLD - 1) | 1ull << (SIGURG - 1) | \
	    1ull << (SIGWINCH - 1) | 1ull << (SIGCONT - 1))

/* Has the thread a signal to take, or is it gone? */
static bool
wants_back(const struct tracer *t, pid_t tid)
{
	char name[NUM_MAX + 8], buf[2048];
	uint64_t pending, ignored;
	ssize_t n;
	int fd;

	num_text(num_put(name, (uint32_t)tid), "/status");
	if ((fd = openat(t->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return true;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return true;
	buf[n] = '\0';
	pending = hex_field(buf, "\nSigPnd:\t") | hex_field(buf, "\nShdPnd:\t");
	ignored = hex_field(buf, "\nSigBlk:\t") |
	    hex_field(buf, "\nSigIgn:\t") |
	    (IGNORED_BY_DEFAULT & ~hex_field(buf, "\nSigCgt:\t"));
	return (pending & ~ignored) != 0;
}

/* A call that lasts: give it back if its caller wants that. */
static void
look_at(struct tracer *t, struct worker *w)
{
	uint64_t id = atomic_load(&w->call_id);
	uint64_t probe = id;

	if (ioctl(w->group->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &probe) ==
	    0 && !wants_back(t, (pid_t)atomic_load(&w->caller)))
		return;
	if (atomic_load(&w->call_id) != id ||
	    atomic_load(&w->state) != WS_BUSY)
		return;
	atomic_store(&w->interrupt, id);
	poke(w);
}

/* All are busy and no more may be added: the oldest call gives up. */
static void
shed(struct tracer *t, struct group *g, uint32_t now)
{
	struct worker *w, *oldest = NULL;

	for (w = g->workers; w != NULL; w = w->next)
		if (oldest == NULL || now - atomic_load(&w->since) >
		    now - atomic_load(&oldest->since))
			oldest = w;
	if (oldest == NULL)
		return;
	if (!atomic_exchange(&oldest->shed_me, true))
		atomic_fetch_add(&t->shed, 1);
	atomic_store(&oldest->interrupt, atomic_load(&oldest->call_id));
	poke(oldest);
}

/*
 * All threads of g are stuck in calls that last: twice as many may be enough.
 * false: there are too many already.
 */
static bool
add_some(struct group *g, unsigned int alive)
{
	unsigned int n = TRACER_WORKERS_MAX - alive, i;

	if (alive >= TRACER_WORKERS_MAX)
		return false;
	if (n > alive)
		n = alive == 0 ? 1 : alive;
	for (i = 0; i < n && worker_add(g) == 0; i++)
		;
	return i != 0;
}

/* Look at one group.  true: some call is in progress.  Locked. */
static bool
tend(struct tracer *t, struct group *g, uint32_t now)
{
	unsigned int stuck = 0, alive = 0, share = 1 + g->stuck / LOOKS_TICK;
	struct worker *w;
	bool busy = false;

	for (w = g->workers; w != NULL; w = w->next) {
		if (atomic_load(&w->state) == WS_ENDED)
			continue;
		alive++;
		if (atomic_load(&w->state) != WS_BUSY)
			continue;
		busy = true;
		if (now - atomic_load(&w->since) < LONG_TICKS)
			continue;
		if ((++stuck + now) % share == 0)
			look_at(t, w);
	}
	g->stuck = stuck;
	if (stuck < alive || atomic_load(&g->ended) ||
	    (alive == 0 && has_hung_up(g->listener)))
		return busy;
	if (!add_some(g, alive))
		shed(t, g, now);
	return busy;
}

/* Before sleeping: threads beyond the first ones go. */
static void
retire_extra(struct tracer *t, struct group *g)
{
	unsigned int n = 0;
	struct worker *w;

	for (w = g->workers; w != NULL; w = w->next) {
		if (++n <= t->threads || atomic_load(&w->state) != WS_IDLE)
			continue;
		atomic_store(&w->retire, true);
		poke(w);
	}
	reap(g);
}

/* Free images that nobody uses.  Locked. */
static void
drop_images(struct tracer *t)
{
	struct tracer_image **pp = &t->old, *im;
	struct worker *w;
	struct group *g;

	while ((im = *pp) != NULL) {
		bool used = false;

		for (g = t->groups; g != NULL; g = g->next)
			for (w = g->workers; w != NULL; w = w->next)
				used |= atomic_load(&w->image) == im;
		if (used) {
			pp = &im->next;
			continue;
		}
		*pp = im->next;
		image_close(&im->im);
		free(im);
	}
}

static bool
tend_all(struct tracer *t, uint32_t now)
{
	struct group *g;
	bool busy = false;

	if (!place_lock(t, now))
		return true;
	place_tick(t, now);
	busy = bury(t);
	for (g = t->groups; g != NULL; g = g->next)
		busy |= tend(t, g, now);
	if (now % SWEEP_TICKS == 0) {
		drop_images(t);
		task_sweep(t->tasks);
	}
	pthread_mutex_unlock(&t->lock);
	return busy;
}

static bool
has_ended(struct tracer *t)
{
	struct group *g;
	bool ended = false;

	pthread_mutex_lock(&t->lock);
	for (g = t->groups; g != NULL; g = g->next)
		ended |= atomic_load(&g->ended);
	pthread_mutex_unlock(&t->lock);
	return ended;
}

/* Sleep until a call comes. */
static void
park(struct tracer *t)
{
	struct group *g;
	uint32_t seen = atomic_load(&t->activity);

	place_rest(t);
	pthread_mutex_lock(&t->lock);
	for (g = t->groups; g != NULL; g = g->next)
		retire_extra(t, g);
	drop_images(t);
	task_sweep(t->tasks);
	pthread_mutex_unlock(&t->lock);
	atomic_store(&t->watcher_parked, 1);
	if (atomic_load(&t->activity) == seen && !has_ended(t))
		while (atomic_load(&t->watcher_parked) == 1)
			tracer_futex(&t->watcher_parked, FUTEX_WAIT, 1, NULL);
	atomic_store(&t->watcher_parked, 0);
}

static void *
watch(void *arg)
{
	struct tracer *t = arg;
	const struct timespec tick = { .tv_nsec = TICK_NS };
	uint32_t seen = 0, quiet = 0, now;

	while (!atomic_load(&t->stopping)) {
		nanosleep(&tick, NULL);
		now = atomic_fetch_add(&t->tick, 1) + 1;
		if (tend_all(t, now) || atomic_load(&t->activity) != seen) {
			seen = atomic_load(&t->activity);
			quiet = 0;
		} else if (++quiet > LINGER_TICKS) {
			park(t);
			quiet = 0;
		}
	}
	return NULL;
}

static void
on_poke(int sig)
{
	(void)sig;
}

int
notify_start(struct tracer *t)
{
	struct sigaction sa = { .sa_handler = on_poke };
	/* Tracees' stops are waited for: nobody need be told. */
	struct sigaction chld = { .sa_handler = SIG_DFL,
		.sa_flags = SA_NOCLDSTOP };
	sigset_t all, old;
	pthread_attr_t at;
	pthread_t th;
	int e;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&chld.sa_mask);
	if (sigaction(SIGUSR1, &sa, NULL) == -1 ||
	    sigaction(SIGCHLD, &chld, NULL) == -1)
		return -1;
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_attr_init(&at);
	pthread_attr_setstacksize(&at, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&th, &at, watch, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&at);
	if (e != 0) {
		errno = e;
		return -1;
	}
	pthread_detach(th);
	return 0;
}
