/*
 * Where a caller goes on when it is answered, and where the serving threads run.
 * An injected descriptor wakes its caller on any idle CPU, which costs more than
 * all else.  Two ways keep it where it was: while a CPU is idle the serving
 * threads are SCHED_IDLE (the scheduler sees their CPU as free); else, or where
 * that is not to be had, they hold the caller for the moment.  And while one
 * thread alone calls again and again, they keep to its CPU: the end of each
 * injection would send them to another.
 */

#ifndef TRACER_PLACE_H
#define TRACER_PLACE_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct chan;
struct group;
struct tracer;
struct worker;

enum place_mode { PLACE_HOLD, PLACE_IDLE };

struct place {
	bool can_idle;	 /* more than one CPU, and a way back */
	bool can_return; /* by our own right: RLIMIT_NICE */
	bool ready;	 /* can_idle, and we can see what the machine does */
	int loadfd;	 /* /proc/loadavg */
	struct chan *monitor; /* which can if we cannot, or NULL */
	uint32_t session;
	_Atomic int mode; /* enum place_mode; the watcher's to change */
	cpu_set_t cpus;	  /* the process's own mask */
	/* Where the serving threads keep to: 0 anywhere, or GENERATION|CPU + 1. */
	_Atomic uint32_t pin; /* futex */
	_Atomic uint32_t caller; /* the thread that called last */
	_Atomic bool mixed;	 /* it was not the same all the time */
	/* Who serves it, to be compared only; its group's others wait aside. */
	_Atomic(const struct worker *) server;
	_Atomic(const struct group *) group;
	/* The watcher's, in its ticks. */
	uint32_t hold_until, idle_since;
	_Atomic uint32_t busy_until; /* place_busy */
	uint32_t penalty; /* of the next starving */
	uint32_t seen;	  /* activity at the last tick */
	uint32_t served;  /* the same, for pins */
	uint32_t pins;	  /* ever */
	uint8_t crowded, calm, waiting, missed; /* ticks in a row */
};

/*
 * monitor: the channel on which the monitor is asked to take our threads back
 * from SCHED_IDLE, or NULL.  After tracer_init, before any serving thread.
 */
void place_init(struct tracer *t, struct chan *monitor, uint32_t session);

/* A new serving thread, in itself. */
void place_thread(struct worker *w);

/*
 * For the watcher: t->lock, but never waiting for one who may be starving.
 * false: not this time.
 */
bool place_lock(struct tracer *t, uint32_t now);

/*
 * Before the next call is awaited: where one thread keeps to a caller, the others
 * of its group do not wait for the same call, each of which would wake all.
 * The watcher lets them go within a tick of that thread's being stuck.
 */
void place_await(struct worker *w);

/* A call has been received: keep to its caller, or stop that. */
void place_call(struct worker *w);

/* Every tick of the watcher; locked.  Changes the mode. */
void place_tick(struct tracer *t, uint32_t now);

/*
 * The daemon is about to have much to do (a reload): no SCHED_IDLE for a while.
 * Main thread.
 */
void place_busy(struct tracer *t);

/* Nobody looks from here on: nobody may starve.  The watcher, not locked. */
void place_rest(struct tracer *t);

/*
 * Hold the caller to this CPU while a descriptor is injected, and give its mask
 * back.  In the serving thread only, as a pair.
 */
void place_hold(struct call *c);
void place_release(struct call *c);

/*
 * The same while a caller execs: the kernel then moves neither it nor the
 * thread that waits for it.  gone: there is no caller any more.
 */
void place_exec(struct call *c);
void place_execed(struct call *c, bool gone);

/*
 * sched_setaffinity and sched_getaffinity of the session, which must see and
 * change the true mask, not the one of the moment.
 */
void place_ask_affinity(struct call *c);

#endif
