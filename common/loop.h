/*
 * A small event loop: descriptors by epoll, timers, signals by signalfd.  For the
 * monitor and its children that wait for more than their channel.
 *
 * All storage is the caller's; nothing here allocates.  One thread.  Callbacks
 * may add and remove anything, themselves too.
 */

#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <sys/epoll.h>
#include <sys/queue.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;

/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. */
typedef void loop_io_fn(struct loop_io *io, uint32_t events);
typedef void loop_timer_fn(struct loop_timer *t);
typedef void loop_signal_fn(int signo, void *arg);

struct loop_io {
	int fd; /* borrowed; -1: not watched */
	uint32_t events;
	loop_io_fn *fn;
	void *arg;
};

struct loop_timer {
	TAILQ_ENTRY(loop_timer) entry;
	bool armed;
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	loop_timer_fn *fn;
	void *arg;
};

#define LOOP_BATCH 16

struct loop {
	int epfd;
	bool stop;
	TAILQ_HEAD(, loop_timer) timers; /* soonest first */
	struct epoll_event batch[LOOP_BATCH];
	int batch_cnt;
	struct loop_io sig_io;
	loop_signal_fn *sig_fn;
	void *sig_arg;
};

/* 0 or -1 with errno. */
int loop_init(struct loop *l) __attribute__((warn_unused_result));
void loop_clear(struct loop *l);

/* Watch fd (stays the caller's) until loop_del.  0 or -1 with errno. */
int loop_add(struct loop *l, struct loop_io *io, int fd, uint32_t events,
    loop_io_fn *fn, void *arg) __attribute__((warn_unused_result));
/* Change what is waited for; a no-op when io is not watched. */
void loop_mod(struct loop *l, struct loop_io *io, uint32_t events);
/* Before the descriptor is closed.  A no-op when io is not watched. */
void loop_del(struct loop *l, struct loop_io *io);

/* Call t->fn once in delay_ns; armed again it moves. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ns,
    loop_timer_fn *fn, void *arg);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* Block the signals of set and have fn called for each.  0 or -1 with errno. */
int loop_signals(struct loop *l, const sigset_t *set, loop_signal_fn *fn,
    void *arg) __attribute__((warn_unused_result));

/* Until loop_stop: 0; -1 with errno when epoll fails. */
int loop_run(struct loop *l) __attribute__((warn_unused_result));
void loop_stop(struct loop *l);

uint64_t loop_now_ns(void);  /* CLOCK_MONOTONIC */
uint64_t loop_wall_ns(void); /* CLOCK_REALTIME */

#endif
