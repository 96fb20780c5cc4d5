/*
 * Placing, see place.h.  The mode is the watcher's: SCHED_IDLE while the machine
 * has a CPU to spare, holding while it has not or as soon as a call waits with
 * nobody to take it.  Callers' masks are ours for moments only.
 *
 * Must never: leave a serving thread SCHED_IDLE when nobody looks after it, or
 * let a caller see or keep the mask of a moment.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/msg.h"
#include "tracer/futex.h"
#include "tracer/num.h"
#include "tracer/place.h"
#include "tracer/tracer.h"

#define NICE_NEEDED   20 /* RLIMIT_NICE that leads back from SCHED_IDLE */
#define GROUPS_LOOKED 8	 /* more entries at once are no idle machine */
/* In ticks of the watcher, 2 ms each. */
#define STUCK_TICKS   2	  /* a call in progress for longer is looked at */
#define STUCK_LOOKS   4
#define WAIT_TICKS    5	  /* calls found waiting as often in a row */
#define TURN_TICKS    2	  /* more, or fewer, that run than there are CPUs */
#define CROWD_HOLD    10
#define STARVE_HOLD   25  /* doubled as long as it helps for less */
#define STARVE_MAX    800
#define BUSY_HOLD     150
#define PIN_CALLS     20  /* in a tick, of one caller: its CPU is ours too */
#define PIN_FEW	      4	  /* fewer, and it is not */
#define PIN_CPUS      0xffffu
/* Fields of /proc/PID/stat, as proc(5) counts them. */
#define STAT_STATE     3
#define STAT_PROCESSOR 39

/* ---- the policy of the serving threads ---- */

void
place_init(struct tracer *t, struct chan *monitor, uint32_t session)
{
	struct place *p = &t->place;
	struct rlimit rl;

	p->monitor = monitor;
	p->session = session;
	p->can_return = getrlimit(RLIMIT_NICE, &rl) == 0 &&
	    rl.rlim_cur >= NICE_NEEDED;
	p->can_idle = t->cpus > 1 && (p->can_return || monitor != NULL);
	p->penalty = STARVE_HOLD;
	p->loadfd = -1;
	if (sched_getaffinity(0, sizeof(p->cpus), &p->cpus) == -1)
		CPU_ZERO(&p->cpus);
	if (p->can_idle)
		p->loadfd = openat(t->procfd, "loadavg", O_RDONLY | O_CLOEXEC);
	p->ready = p->loadfd != -1;
}

static bool
set_policy(pid_t tid, int policy)
{
	const struct sched_param sp = { 0 };

	return sched_setscheduler(tid, policy, &sp) == 0;
}

static void
back_to_other(const struct tracer *t, pid_t tid)
{
	(void)t;
	(void)set_policy(tid, SCHED_OTHER);
}

static void
unpin(const struct tracer *t, pid_t tid)
{
	(void)!sched_setaffinity(tid, sizeof(t->place.cpus), &t->place.cpus);
}

/* Takes no lock: who holds it may be waiting for this. */
static void
each_thread(const struct tracer *t, void (*fn)(const struct tracer *, pid_t))
{
	struct dirent *d;
	DIR *dir;
	int fd;

	fd = openat(t->procfd, "self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			fn(t, (pid_t)strtol(d->d_name, NULL, 10));
	closedir(dir);
}

static void
unpin_all(struct tracer *t)
{
	struct place *p = &t->place;

	if (atomic_exchange(&p->pin, 0) == 0)
		return;
	tracer_futex(&p->pin, FUTEX_WAKE, INT_MAX, NULL);
	each_thread(t, unpin);
}

/* All threads SCHED_OTHER, by our own right or the monitor's. */
static void
return_all(struct tracer *t)
{
	struct place *p = &t->place;
	const struct msg_none none = { 0 };

	atomic_store(&p->mode, PLACE_HOLD);
	unpin_all(t);
	if (p->can_return)
		each_thread(t, back_to_other);
	else
		(void)!chan_send(p->monitor, MSG_BOOST, 0, p->session, &none,
		    NULL, 0, NULL, 0);
}

void
place_thread(struct worker *w)
{
	struct tracer *t = w->tracer;

	/* Who makes us is not SCHED_IDLE.  The mode may change meanwhile. */
	if (atomic_load(&t->place.mode) != PLACE_IDLE)
		return;
	(void)set_policy(0, SCHED_IDLE);
	if (atomic_load(&t->place.mode) == PLACE_HOLD)
		return_all(t);
}

/*
 * Go where the others are.  The pin may be taken back while we do: who changed
 * it has looked for us before or we see it now.
 */
static void
keep_to(struct worker *w, uint32_t pin)
{
	struct place *p = &w->tracer->place;
	cpu_set_t one;

	do {
		w->pin = pin;
		if (pin == 0) {
			unpin(w->tracer, 0);
			continue;
		}
		CPU_ZERO(&one);
		CPU_SET((pin & PIN_CPUS) - 1, &one);
		(void)!sched_setaffinity(0, sizeof(one), &one);
	} while ((pin = atomic_load(&p->pin)) != w->pin);
}

void
place_call(struct worker *w)
{
	struct place *p = &w->tracer->place;
	uint32_t pin;

	if (w->tracer->cpus < 2)
		return;
	if (atomic_load_explicit(&p->caller, memory_order_relaxed) !=
	    w->rq.pid) {
		atomic_store_explicit(&p->caller, w->rq.pid,
		    memory_order_relaxed);
		atomic_store(&p->mixed, true);
		unpin_all(w->tracer);
	}
	if ((pin = atomic_load(&p->pin)) != w->pin)
		keep_to(w, pin);
	if (pin != 0 && atomic_load(&p->server) == NULL) {
		atomic_store(&p->group, w->group);
		atomic_store(&p->server, w);
	}
}

/* Is one of w's group at it, whom w would only disturb? */
static bool
is_spare(const struct place *p, const struct worker *w)
{
	const struct worker *server = atomic_load(&p->server);

	return server != NULL && server != w &&
	    atomic_load(&p->group) == w->group &&
	    !atomic_load(&w->retire) && !atomic_load(&w->group->ended);
}

void
place_await(struct worker *w)
{
	struct place *p = &w->tracer->place;
	uint32_t pin;

	while ((pin = atomic_load(&p->pin)) != 0 && is_spare(p, w))
		tracer_futex(&p->pin, FUTEX_WAIT, pin, NULL);
}

/* ---- the watcher's part ---- */

/* Locked. */
static void
idle_all(struct tracer *t)
{
	struct worker *w;
	struct group *g;
	pid_t tid;

	atomic_store(&t->place.mode, PLACE_IDLE);
	for (g = t->groups; g != NULL; g = g->next)
		for (w = g->workers; w != NULL; w = w->next)
			if ((tid = atomic_load(&w->tid)) != 0)
				(void)set_policy(tid, SCHED_IDLE);
}

/* Tasks that run or could, on all CPUs; without us.  0: unknown. */
static unsigned int
runnable(const struct place *p)
{
	char buf[64], *s;
	ssize_t n = pread(p->loadfd, buf, sizeof(buf) - 1, 0);
	long v;

	if (n <= 0)
		return UINT_MAX;
	buf[n] = '\0';
	/* "0.00 0.01 0.05 RUNNABLE/ALL LAST" */
	if ((s = strchr(buf, '/')) == NULL)
		return UINT_MAX;
	while (s > buf && s[-1] >= '0' && s[-1] <= '9')
		s--;
	v = strtol(s, NULL, 10);
	return v > 1 ? (unsigned int)(v - 1) : 0;
}

/* Counts how long the machine has had more, or no more, to do than CPUs. */
static void
look_at_load(struct tracer *t)
{
	struct place *p = &t->place;

	/* A caller and its thread, which linger together, are for one CPU. */
	if (runnable(p) > t->cpus) {
		p->calm = 0;
		p->crowded += p->crowded < TURN_TICKS;
	} else {
		p->crowded = 0;
		p->calm += p->calm < TURN_TICKS;
	}
}

/* /proc/DIR TID/stat from its third field on, in buf; NULL: there is none. */
static char *
read_stat(const struct tracer *t, const char *dir, pid_t tid, char *buf,
    size_t size)
{
	char name[NUM_MAX + 16], *p;
	ssize_t n;
	int fd;

	num_text(num_put(num_text(name, dir), (uint32_t)tid), "/stat");
	if ((fd = openat(t->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return NULL;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	p = strrchr(buf, ')');
	return p != NULL && p[1] == ' ' ? p + 2 : NULL;
}

/* A thread of ours that could run, and does not. */
static bool
is_runnable(const struct tracer *t, pid_t tid)
{
	char buf[512], *p;

	p = read_stat(t, "self/task/", tid, buf, sizeof(buf));
	return p != NULL && *p == 'R';
}

/* The CPU where a thread runs or ran last, or -1. */
static int
cpu_of(const struct tracer *t, pid_t tid)
{
	char buf[512], *p;
	unsigned int i;

	p = read_stat(t, "", tid, buf, sizeof(buf));
	for (i = STAT_STATE; p != NULL && i < STAT_PROCESSOR; i++)
		if ((p = strchr(p, ' ')) != NULL)
			p++;
	return p != NULL && *p >= '0' && *p <= '9' ? (int)strtol(p, NULL, 10) :
						     -1;
}

/* A call has been in progress for long, and not because it blocks. */
static bool
is_stuck(const struct tracer *t, uint32_t now)
{
	const struct worker *w;
	const struct group *g;
	unsigned int looked = 0;

	for (g = t->groups; g != NULL; g = g->next)
		for (w = g->workers; w != NULL; w = w->next) {
			int st = atomic_load(&w->state);

			if ((st != WS_BUSY && st != WS_ANSWERING) ||
			    now - atomic_load(&w->since) < STUCK_TICKS)
				continue;
			if (looked++ == STUCK_LOOKS)
				return true;
			if (is_runnable(t, atomic_load(&w->tid)))
				return true;
		}
	return false;
}

/* Does a call wait that no thread has received? */
static bool
has_waiting(const struct tracer *t)
{
	struct pollfd pf[GROUPS_LOOKED];
	const struct group *g;
	unsigned int n = 0;

	for (g = t->groups; g != NULL; g = g->next) {
		if (n == GROUPS_LOOKED)
			return true;
		pf[n++] = (struct pollfd){ .fd = g->listener,
			.events = POLLIN };
	}
	if (poll(pf, n, 0) <= 0)
		return false;
	while (n-- > 0)
		if ((pf[n].revents & POLLIN) != 0)
			return true;
	return false;
}

/* Waiting, and nobody has taken anything for a tick; or again and again. */
static bool
is_starved(struct tracer *t)
{
	struct place *p = &t->place;
	uint32_t activity = atomic_load(&t->activity);
	bool still = activity == p->seen;

	p->seen = activity;
	if (!has_waiting(t)) {
		p->waiting = 0;
		return false;
	}
	return still || ++p->waiting >= WAIT_TICKS;
}

static void
leave_idle(struct tracer *t, uint32_t now, uint32_t ticks)
{
	t->place.hold_until = now + ticks;
	t->place.waiting = 0;
	t->place.missed = 0;
	return_all(t);
}

/* Help did not last: stay away for longer each time. */
static void
leave_starved(struct tracer *t, uint32_t now)
{
	struct place *p = &t->place;

	if (now - p->idle_since > p->penalty)
		p->penalty = STARVE_HOLD;
	else if (p->penalty < STARVE_MAX)
		p->penalty *= 2;
	leave_idle(t, now, p->penalty);
}

bool
place_lock(struct tracer *t, uint32_t now)
{
	struct place *p = &t->place;

	if (atomic_load(&p->mode) == PLACE_HOLD) {
		pthread_mutex_lock(&t->lock);
		return true;
	}
	if (pthread_mutex_trylock(&t->lock) == 0) {
		p->missed = 0;
		return true;
	}
	if (++p->missed >= STUCK_TICKS)
		leave_starved(t, now);
	return false;
}

/* SCHED_IDLE on one CPU would be at the mercy of whoever else runs there. */
static void
pin_to(struct tracer *t, uint32_t cpu)
{
	struct place *p = &t->place;

	if (atomic_load(&p->mode) == PLACE_IDLE)
		return_all(t);
	/* Whom it was may have ended since. */
	if (atomic_load(&p->pin) == 0)
		atomic_store(&p->server, NULL);
	atomic_store(&p->pin, ++p->pins << 16 | (cpu + 1));
	tracer_futex(&p->pin, FUTEX_WAKE, INT_MAX, NULL);
}

/*
 * One caller, and it calls often: keep to its CPU.  Else do not.  An answer
 * draws it to us, an injection does not.
 */
static void
look_at_callers(struct tracer *t)
{
	struct place *p = &t->place;
	uint32_t activity = atomic_load(&t->activity);
	uint32_t calls = activity - p->served, pin = atomic_load(&p->pin);
	bool mixed = atomic_exchange(&p->mixed, false);
	int cpu;

	p->served = activity;
	if (mixed || calls < (pin != 0 ? PIN_FEW : PIN_CALLS)) {
		unpin_all(t);
		return;
	}
	cpu = cpu_of(t, (pid_t)atomic_load(&p->caller));
	if (cpu < 0 || cpu >= (int)PIN_CPUS || CPU_COUNT(&p->cpus) < 2 ||
	    !CPU_ISSET(cpu, &p->cpus))
		unpin_all(t);
	else if (pin == 0 || (pin & PIN_CPUS) != (uint32_t)cpu + 1)
		pin_to(t, (uint32_t)cpu);
}

void
place_tick(struct tracer *t, uint32_t now)
{
	struct place *p = &t->place;

	look_at_callers(t);
	if (!p->ready)
		return;
	look_at_load(t);
	if (atomic_load(&p->mode) == PLACE_IDLE) {
		if (p->crowded >= TURN_TICKS)
			leave_idle(t, now, CROWD_HOLD);
		else if (is_starved(t) || is_stuck(t, now))
			leave_starved(t, now);
	} else if (p->calm >= TURN_TICKS && atomic_load(&p->pin) == 0 &&
	    (int32_t)(now - p->hold_until) >= 0 &&
	    (int32_t)(now - atomic_load(&p->busy_until)) >= 0) {
		/* Callers that wait for a thread do not count as running. */
		if (has_waiting(t)) {
			p->calm = 0;
			return;
		}
		p->idle_since = now;
		p->seen = atomic_load(&t->activity) - 1;
		idle_all(t);
	}
}

void
place_busy(struct tracer *t)
{
	atomic_store(&t->place.busy_until, atomic_load(&t->tick) + BUSY_HOLD);
	if (atomic_load(&t->place.mode) == PLACE_IDLE)
		return_all(t);
}

void
place_rest(struct tracer *t)
{
	if (atomic_load(&t->place.mode) == PLACE_IDLE)
		return_all(t);
	unpin_all(t);
	t->place.calm = 0;
}

/* ---- the CPU of the caller ---- */

/* Its own mask into k->cpus.  false: another hold hides it. */
static bool
learn_cpus(struct task *k, pid_t tid)
{
	uint32_t before = atomic_load(&k->holds);
	cpu_set_t set;

	if (k->cpus_known)
		return true;
	if (atomic_load(&k->holders) != 0 ||
	    sched_getaffinity(tid, sizeof(set), &set) == -1 ||
	    atomic_load(&k->holders) != 0 || atomic_load(&k->holds) != before)
		return false;
	k->cpus = set;
	k->cpus_known = 1;
	return true;
}

/* To cpu, where c's caller may run there and elsewhere. */
static void
hold_to(struct call *c, int cpu)
{
	struct task *k = c->task;
	cpu_set_t one;

	if (CPU_COUNT(&k->cpus) < 2 || !CPU_ISSET(cpu, &k->cpus))
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	c->cpus_seq = atomic_load(&k->cpus_seq);
	c->held_cpus = k->cpus;
	atomic_fetch_add(&k->holders, 1);
	atomic_fetch_add(&k->holds, 1);
	c->held = true;
	(void)!sched_setaffinity((pid_t)c->rq->pid, sizeof(one), &one);
}

void
place_hold(struct call *c)
{
	struct tracer *t = c->tracer;

	c->held = false;
	if (t->cpus < 2 || atomic_load_explicit(&t->place.mode,
	    memory_order_relaxed) == PLACE_IDLE ||
	    !learn_cpus(c->task, (pid_t)c->rq->pid))
		return;
	hold_to(c, sched_getcpu());
}

void
place_release(struct call *c)
{
	struct task *k = c->task;

	if (!c->held)
		return;
	sched_setaffinity((pid_t)c->rq->pid, sizeof(k->cpus), &c->held_cpus);
	/*
	 * It was changed meanwhile, by a call that we performed: that is its
	 * mask.
	 */
	if (atomic_load(&k->cpus_seq) != c->cpus_seq)
		sched_setaffinity((pid_t)c->rq->pid, sizeof(k->cpus), &k->cpus);
	atomic_fetch_sub(&k->holders, 1);
	c->held = false;
}

void
place_exec(struct call *c)
{
	struct worker *w = c->w;
	cpu_set_t one;
	int cpu;

	c->held = false;
	/*
	 * Where all CPUs are busy it may be better off on another.  And another
	 * thread than the leader is the leader afterwards.
	 */
	if (atomic_load(&c->tracer->place.mode) != PLACE_IDLE ||
	    CPU_COUNT(&c->tracer->place.cpus) < 2 ||
	    c->task->tgid != (pid_t)c->rq->pid ||
	    !learn_cpus(c->task, (pid_t)c->rq->pid))
		return;
	cpu = sched_getcpu();
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	w->pinned = sched_setaffinity(0, sizeof(one), &one) == 0;
	if (w->pinned)
		hold_to(c, cpu);
}

void
place_execed(struct call *c, bool gone)
{
	struct worker *w = c->w;

	if (c->held && gone) {
		atomic_fetch_sub(&c->task->holders, 1);
		c->held = false;
	}
	place_release(c);
	if (w->pinned) {
		unpin(c->tracer, 0);
		w->pin = 0;
	}
	w->pinned = false;
}

static void
set_affinity(struct call *c, pid_t tid)
{
	cpu_set_t set;
	size_t n = (size_t)call_v(c, SR_SIZE) & 0xffffffffu;
	int e;

	CPU_ZERO(&set);
	if (n > sizeof(set))
		n = sizeof(set);
	if ((e = call_read(c, call_v(c, SR_BUF), &set, n)) != 0) {
		answer_errno(c, e);
		return;
	}
	if (sched_setaffinity(tid, sizeof(set), &set) == -1) {
		answer_errno(c, errno);
		return;
	}
	if (sched_getaffinity(tid, sizeof(set), &set) == 0)
		task_set_cpus(c->tracer->tasks, tid, &set);
	answer_value(c, 0);
}

void
place_ask_affinity(struct call *c)
{
	pid_t tid = call_int(c, systab_has(&c->a, SR_TID) ? SR_TID : SR_PID);
	size_t n = (size_t)call_v(c, SR_SIZE) & 0xffffffffu;
	cpu_set_t set, own;
	uint32_t holds;
	bool now, later;
	long r;
	int e;

	if (tid == 0)
		tid = (pid_t)c->rq->pid;
	if (systab_has(&c->a, SR_BUF)) {
		if (!task_is_ours(c->tracer->tasks, tid))
			answer_errno(c, tid < 0 ? ESRCH : EPERM);
		else
			set_affinity(c, tid);
		return;
	}
	CPU_ZERO(&set);
	CPU_ZERO(&own);
	holds = task_holds(c->tracer->tasks, tid, &own, &now);
	r = syscall(SYS_sched_getaffinity, tid,
	    n < sizeof(set) ? n : sizeof(set), &set);
	if (r == -1) {
		answer_errno(c, errno);
		return;
	}
	/*
	 * What the kernel said may be the mask of a moment: then we know
	 * better.
	 */
	if (task_holds(c->tracer->tasks, tid, &own, &later) != holds || now ||
	    later)
		set = own;
	if ((e = call_write(c, call_v(c, SR_OUT), &set, (size_t)r)) != 0)
		answer_errno(c, e);
	else
		answer_value(c, r);
}

