/*
 * Events: who asked what, which rule said what, and how long it took, from
 * struct call into the session's ring.  Runs in the serving threads.  Must
 * never format or allocate, and never lose a refusal.
 */

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "tracer/event.h"
#include "tracer/tracer.h"

#define PARK_MS	      5000 /* DESIGN 9: then the call is refused */
#define PARK_STEP_MS  100

static uint64_t
now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
event_begin(struct call *c, enum ev_type type)
{
	const struct task *k = c->task;
	struct evrec_fix *f = &c->ev.fix;

	memset(&c->ev, 0, sizeof(c->ev));
	f->time_ns = now_ns(CLOCK_REALTIME);
	f->tid = c->rq->pid;
	f->type = (uint16_t)type;
	f->pid = (uint32_t)k->tgid;
	f->ppid = (uint32_t)k->ppid;
	f->uid = k->uid;
	f->command = k->command;
	f->depth = (uint16_t)(k->depth > UINT16_MAX ? UINT16_MAX : k->depth);
	f->syscall = c->rq->data.nr;
	memcpy(f->comm, k->comm, sizeof(f->comm));
	event_text(c, EVS_EXE, k->exe, k->exe_len);
	c->event_on = true;
}

/*
 * Three quarters full is full: the rest takes the longest record of every
 * thread, which may all have passed here, and refusals.
 */
static bool
has_room(struct ring *r)
{
	return ring_used(r) < r->slots - r->slots / 4;
}

bool
event_room(struct call *c)
{
	struct ring *r = &c->tracer->ring;
	struct verdict v;
	unsigned int ms = 0;

	if (r->head == NULL || has_room(r) ||
	    image_settings(c->im)->ring_full_count)
		return true;
	while (ms < PARK_MS && !call_interrupted(c)) {
		if (ring_wait(r, PARK_STEP_MS) == ETIMEDOUT)
			ms += PARK_STEP_MS;
		if (has_room(r))
			return true;
	}
	if (call_interrupted(c)) {
		c->event_on = false;
		answer_restart(c);
		return false;
	}
	call_builtin(&v, BR_AUDIT_UNAVAILABLE);
	if (!call_verdict(c, &v))
		call_refuse(c, &v, EACCES);
	return false;
}

static bool
is_wanted(const struct call *c)
{
	const struct image_settings *s = image_settings(c->im);
	const struct evrec_fix *f = &c->ev.fix;

	if (f->allowed)
		return s->log_allowed || (f->flags & EVF_ALWAYS) != 0;
	return s->log_denied || f->decision == DEC_AUDIT;
}

/* Its call is answered, or was never asked, or it has died. */
static bool
nobody_waits(const struct call *c)
{
	uint64_t id = c->rq->id;

	return ioctl(c->w->group->listener, SECCOMP_IOCTL_NOTIF_ID_VALID,
	    &id) == -1;
}

void
event_commit(struct call *c, int err)
{
	struct ring *r = &c->tracer->ring;
	unsigned int ms;

	if (!c->event_on)
		return;
	c->event_on = false;
	if (r->head == NULL || !is_wanted(c))
		return;
	c->ev.fix.error = (uint16_t)err;
	c->ev.fix.duration_ns = now_ns(CLOCK_MONOTONIC) - c->start_ns;
	if (ring_put(r, &c->ev) == 0)
		return;
	if (evrec_is_plain(&c->ev.fix) &&
	    image_settings(c->im)->ring_full_count) {
		ring_drop(r);
		return;
	}
	/*
	 * The effect has been, or it is a refusal: use what is kept for records
	 * that must not be lost, and wait for as long as the caller does.
	 */
	c->ev.fix.flags |= EVF_ALWAYS;
	for (ms = 0; ring_put(r, &c->ev) == EAGAIN; ms += PARK_STEP_MS) {
		if (ms >= PARK_MS && nobody_waits(c)) {
			ring_drop(r);
			return;
		}
		(void)!ring_wait(r, PARK_STEP_MS);
	}
}
