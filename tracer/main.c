/*
 * agentsh-tracer: one per session.  The main thread talks to the monitor and to
 * askers; serving threads (notify.c) talk to the kernel.  Runs with the
 * session's own credentials.
 *
 * Trusts the monitor.  Must never outlive it with a workload that is not
 * killed: at the end of the channel everything of the session gets SIGKILL.
 */

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/landlock.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/privdrop.h"
#include "tracer/entry.h"
#include "tracer/feature.h"
#include "tracer/keep.h"
#include "tracer/notify.h"
#include "tracer/place.h"
#include "tracer/redirect.h"
#include "tracer/tracer.h"
#include "tracer/trash.h"

#define KILL_ROUNDS 500 /* of 10 ms: then the monitor's cgroup kill must do */

struct house {
	struct child child;
	struct loop loop;
	struct loop_io io;
	struct tracer t;
	struct feature_set features;
	struct entries *entries;
	uint32_t session;
	bool configured;
};

/* ---- the end ---- */

/* Kill the session and wait until nothing of it is served any more. */
static void
kill_session(struct house *h)
{
	const struct timespec ms = { .tv_nsec = 10000000 };
	unsigned int i;

	if (h->t.tasks == NULL)
		return;
	for (i = 0; i < KILL_ROUNDS; i++) {
		task_kill_all(h->t.tasks);
		if (notify_end_hung(&h->t) == 0)
			return;
		nanosleep(&ms, NULL);
	}
	log_warn("tasks of the session could not be killed");
}

/* ---- messages of the monitor ---- */

static void
image_result(struct house *h, const struct msg *m, uint32_t error,
    const char *text, uint32_t landlock)
{
	struct msg_status st = { .error = error, .count = landlock };

	if (chan_send(&h->child.chan, MSG_IMAGE_RESULT, m->hdr.id, h->session,
	    &st, text, strlen(text) + 1, NULL, 0) == -1)
		log_warn("IMAGE_RESULT: %s", strerror(errno));
}

/* What this machine lacks that a session should know of, or "". */
static const char *
lacking(const struct house *h, const struct image *im, char *buf, size_t size)
{
	bool landlock = image_settings(im)->landlock == 0 ||
	    (h->features.bits & FEATURE_LANDLOCK) != 0;
	bool killable = (h->features.bits & FEATURE_WAIT_KILLABLE) != 0;

	snprintf(buf, size, "%s%s%s", killable ? "" :
	    "no WAIT_KILLABLE_RECV (Linux 5.19): a signal may repeat the "
	    "effect of a call", killable || landlock ? "" : "; ", landlock ?
	    "" : "no Landlock (Linux 5.13), which landlock.enabled asks for");
	return buf;
}

/* The ABI under which the image's rules stand, 0 where there are none. */
static uint32_t
landlock_of(const struct house *h, const struct image *im)
{
	uint32_t known = landlock_known(h->features.landlock_abi);

	if (image_settings(im)->landlock == 0 || known == 0)
		return 0;
	return (uint32_t)h->features.landlock_abi |
	    ((known & ~image_land_rights(im, "/", 1)) == 0 ?
	    MSG_LANDLOCK_IDLE : 0);
}

/* Why Yama lets nobody be governed here, or NULL. */
static const char *
yama_refuses(const struct tracer *t)
{
	if (t->yama >= 3)
		return "kernel.yama.ptrace_scope is 3: no process may be "
		       "traced until this machine is started again";
	if (t->yama == 2 && !t->root_session)
		return "kernel.yama.ptrace_scope is 2: only sessions of root "
		       "can be governed; 1 is enough to protect this machine";
	return NULL;
}

static void
got_image(struct house *h, struct msg *m)
{
	struct tracer_image *im = calloc(1, sizeof(*im));
	char text[256];
	int fd = msg_take_fd(m, 0);

	if (yama_refuses(&h->t) != NULL) {
		image_result(h, m, ENOTSUP, yama_refuses(&h->t), 0);
	} else if ((h->features.bits & FEATURE_NEEDED) != FEATURE_NEEDED) {
		image_result(h, m, ENOTSUP, feature_text(&h->features, text,
		    sizeof(text)), 0);
	} else if (im == NULL || image_open(&im->im, fd) == -1) {
		image_result(h, m, (uint32_t)errno, "the policy image is "
		    "damaged", 0);
	} else {
		tracer_set_image(&h->t, im);
		entry_new_image(h->entries);
		image_result(h, m, 0, lacking(h, &im->im, text, sizeof(text)),
		    landlock_of(h, &im->im));
		im = NULL;
	}
	free(im);
	close(fd);
}

/*
 * The strings of the tail: session id, state directory, trash path, workspace,
 * paths of the house.
 */
static int
own_paths(struct tracer *t, const struct msg *m)
{
	const char *s, *tail;
	unsigned int i;
	size_t len;

	tail = msg_tail(m, &len);
	if (len == 0 || len > sizeof(t->own_bytes) || tail[len - 1] != '\0')
		return -1;
	memcpy(t->own_bytes, tail, len);
	for (i = 0; (s = msg_str(m, i)) != NULL; i++) {
		const char *copy = t->own_bytes + (s - tail);

		if (i == 0)
			t->session = copy;
		else if (i == 2)
			t->trash_path = copy;
		else if (i == 3)
			t->workspace = copy;
		if (i < 4 || s[0] != '/')
			continue;
		if (t->own_cnt == TRACER_OWN_PATHS)
			return -1;
		if (i == 4)
			t->entry_sock = copy;
		t->own[t->own_cnt].path = copy;
		t->own[t->own_cnt++].len = strlen(copy);
	}
	return i < 4 ? -1 : 0;
}

static int
got_conf(struct house *h, struct msg *m)
{
	const struct msg_tracer_conf *conf = msg_payload(m);
	struct tracer *t = &h->t;
	int ring = msg_take_fd(m, 0), wake = msg_take_fd(m, 1), live;

	h->session = m->hdr.session;
	t->root_session = conf->root_session != 0;
	t->yama = conf->yama;
	t->threads = conf->threads < 2 ? 2 : conf->threads;
	t->features = h->features.bits;
	t->trashfd = msg_take_fd(m, 2);
	live = msg_take_fd(m, 3);
	if (own_paths(t, m) == -1 || ring_map(&t->ring, ring, wake) == -1)
		return -1;
	close(ring);
	t->tasks = task_table_new(live, t->root_session);
	if (t->tasks != NULL)
		task_table_session(t->tasks, t->session);
	if (t->tasks == NULL || tracer_init(t) == -1)
		return -1;
	if (live != -1)
		close(live);
	place_init(t, conf->can_boost ? &h->child.chan : NULL, h->session);
	if (trash_init(t) == -1)
		log_warn("trash: %s", strerror(errno));
	if (notify_start(t) == -1)
		return -1;
	/* CAP_SYS_PTRACE, a root session's, passes at 1. */
	if (t->yama == 1 && !t->root_session &&
	    (t->keeper = keep_start()) == NULL)
		return -1;
	h->entries = entry_init(t, &h->loop, &h->child.chan, h->session);
	h->configured = h->entries != NULL;
	return h->configured ? 0 : -1;
}

static void
got_message(struct house *h, struct msg *m)
{
	switch (m->hdr.type) {
	case MSG_TRACER_CONF:
		if (got_conf(h, m) == -1) {
			log_error("cannot start: %s", strerror(errno));
			loop_stop(&h->loop);
		}
		break;
	case MSG_TRACER_NET:
		h->t.redirect = redirect_new(m, &h->child.chan, h->session);
		if (h->t.redirect == NULL) {
			log_error("cannot start: facts: %s", strerror(errno));
			loop_stop(&h->loop);
		}
		break;
	case MSG_NET_SOCKET_IS:
		if (h->t.redirect != NULL)
			redirect_got(h->t.redirect, m);
		break;
	case MSG_IMAGE:
		if (h->configured && h->t.redirect != NULL)
			got_image(h, m);
		break;
	case MSG_ENTRY:
		if (h->configured && atomic_load(&h->t.image) != NULL)
			entry_got(h->entries, m);
		break;
	case MSG_BUSY:
		place_busy(&h->t);
		break;
	case MSG_PLACED:
		entry_placed(h->entries, m);
		break;
	case MSG_STOP:
		loop_stop(&h->loop);
		break;
	default:
		break;
	}
	msg_close_fds(m);
}

static void
on_monitor(struct loop_io *io, uint32_t events)
{
	static struct msg m;
	struct house *h = io->arg;
	int n;

	(void)events;
	n = chan_recv(&h->child.chan, &m);
	if (n == 1) {
		got_message(h, &m);
		return;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	loop_stop(&h->loop); /* the monitor has gone */
}

static void
on_signal(int signo, void *arg)
{
	/* The monitor ends us by MSG_STOP or by closing the channel. */
	(void)signo;
	(void)arg;
}

static int
run(struct house *h)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (loop_init(&h->loop) == -1 ||
	    loop_signals(&h->loop, &set, on_signal, h) == -1 ||
	    loop_add(&h->loop, &h->io, h->child.chan.fd, EPOLLIN, on_monitor,
	    h) == -1)
		return -1;
	return loop_run(&h->loop);
}

int
main(void)
{
	static struct house h = { .t = { .trashfd = -1 } };
	char line[512];

	/* Serving threads hardly allocate: one arena, not one each. */
	mallopt(M_ARENA_MAX, 1);
	if (child_hello(&h.child, PROC_TRACER) == -1 ||
	    privdrop_ids(&h.child) == -1)
		return 1;
	if (feature_probe(&h.features) == -1)
		log_warn("features: %s", strerror(errno));
	if (privdrop_seccomp(h.child.rights,
	    (int)h.child.hello.sandbox_kill) == -1 ||
	    child_ready(&h.child) == -1)
		return 1;
	log_info("%s", feature_text(&h.features, line, sizeof(line)));
	if (run(&h) == -1)
		log_error("loop: %s", strerror(errno));
	kill_session(&h);
	log_debug("exited event loop");
	return 0;
}
