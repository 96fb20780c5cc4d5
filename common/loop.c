/*
 * The event loop, see loop.h.  Events that epoll has already reported for a
 * descriptor removed meanwhile are struck from the batch, so that no callback runs on
 * something that has gone.
 */

#include "common/loop.h"

#include <sys/signalfd.h>

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t
loop_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t
loop_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int
loop_init(struct loop *l)
{
	memset(l, 0, sizeof(*l));
	TAILQ_INIT(&l->timers);
	l->sig_io.fd = -1;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	return l->epfd == -1 ? -1 : 0;
}

void
loop_clear(struct loop *l)
{
	int fd = l->sig_io.fd;

	if (fd != -1) {
		loop_del(l, &l->sig_io);
		close(fd);
	}
	if (l->epfd != -1)
		close(l->epfd);
	l->epfd = -1;
}

int
loop_add(struct loop *l, struct loop_io *io, int fd, uint32_t events,
    loop_io_fn *fn, void *arg)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	io->fd = -1;
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) == -1)
		return -1;
	io->fd = fd;
	io->events = events;
	io->fn = fn;
	io->arg = arg;
	return 0;
}

void
loop_mod(struct loop *l, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	if (io->fd == -1 || io->events == events)
		return;
	if (epoll_ctl(l->epfd, EPOLL_CTL_MOD, io->fd, &ev) == 0)
		io->events = events;
}

void
loop_del(struct loop *l, struct loop_io *io)
{
	int i;

	if (io->fd == -1)
		return;
	(void)epoll_ctl(l->epfd, EPOLL_CTL_DEL, io->fd, NULL);
	io->fd = -1;
	for (i = 0; i < l->batch_cnt; i++) {
		if (l->batch[i].data.ptr == io)
			l->batch[i].data.ptr = NULL;
	}
}

void
loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	if (t->armed)
		TAILQ_REMOVE(&l->timers, t, entry);
	t->armed = false;
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ns,
    loop_timer_fn *fn, void *arg)
{
	struct loop_timer *other;

	loop_timer_stop(l, t);
	t->at_ns = loop_now_ns() + delay_ns;
	if (t->at_ns < delay_ns)
		t->at_ns = UINT64_MAX;
	t->fn = fn;
	t->arg = arg;
	t->armed = true;
	TAILQ_FOREACH (other, &l->timers, entry) {
		if (other->at_ns > t->at_ns) {
			TAILQ_INSERT_BEFORE(other, t, entry);
			return;
		}
	}
	TAILQ_INSERT_TAIL(&l->timers, t, entry);
}

static void
on_signal(struct loop_io *io, uint32_t events)
{
	struct loop *l = io->arg;
	struct signalfd_siginfo si;

	while (read(io->fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		l->sig_fn((int)si.ssi_signo, l->sig_arg);
		if (io->fd == -1)
			return;
	}
}

int
loop_signals(struct loop *l, const sigset_t *set, loop_signal_fn *fn, void *arg)
{
	int fd;

	if (sigprocmask(SIG_BLOCK, set, NULL) == -1)
		return -1;
	if ((fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC)) == -1)
		return -1;
	l->sig_fn = fn;
	l->sig_arg = arg;
	if (loop_add(l, &l->sig_io, fd, EPOLLIN, on_signal, l) == -1) {
		close(fd);
		return -1;
	}
	return 0;
}

/* Run what is due; how long until the next, in ms for epoll_wait, -1: none. */
static int
timers_run(struct loop *l)
{
	struct loop_timer *t;
	uint64_t now = loop_now_ns(), left;

	while (!l->stop && (t = TAILQ_FIRST(&l->timers)) != NULL) {
		if (t->at_ns > now) {
			left = (t->at_ns - now + NS_PER_MS - 1) / NS_PER_MS;
			return left > 3600000 ? 3600000 : (int)left;
		}
		loop_timer_stop(l, t);
		t->fn(t);
	}
	return -1;
}

static void
batch_run(struct loop *l)
{
	struct loop_io *io;
	int i;

	for (i = 0; i < l->batch_cnt; i++) {
		if ((io = l->batch[i].data.ptr) != NULL)
			io->fn(io, l->batch[i].events);
	}
	l->batch_cnt = 0;
}

int
loop_run(struct loop *l)
{
	int n, wait_ms;

	for (l->stop = false; !l->stop;) {
		wait_ms = timers_run(l);
		if (l->stop)
			break;
		n = epoll_wait(l->epfd, l->batch, LOOP_BATCH, wait_ms);
		if (n == -1 && errno != EINTR)
			return -1;
		l->batch_cnt = n > 0 ? n : 0;
		batch_run(l);
	}
	return 0;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}
