/*
 * agentsh-auditd: drains the event rings of all sessions into the audit
 * database and answers questions about it.  Its own uid, its root is the audit
 * directory, no network.  Messages come from the monitor alone (fd 3); what a
 * tracer can touch is its ring and one wake socket, whose bytes are not even
 * looked at.
 *
 * It sleeps without a time-out while nothing happens.  The first record of an
 * idle ring wakes it; then records gather for AUDIT_LINGER_MS, or until a ring
 * is half full.
 *
 * `agentsh-auditd -V FILE [-k KEYFILE]` verifies a copy of a database and
 * exits. It must never exit for what is in a ring, and never write over what it
 * has acknowledged.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auditd/drain.h"
#include "auditd/query.h"
#include "common/log.h"
#include "common/privdrop.h"

#define KEY_MAX		4096
#define KEY_MIN		32
#define DB_DEFAULT	"events.db"
#define FINISH_BATCHES	1024 /* at the end; a flood shall not hold it up */
#define RETAIN_SLICE	5000
#define TRIM_AFTER_NS	UINT64_C(1000000000)
#define RETAIN_AGAIN_NS UINT64_C(3600000000000)
#define DAY_NS		UINT64_C(86400000000000)

struct auditd {
	struct child child;
	struct audit audit;
	struct pollfd *pfd;
	void **owner; /* of pfd[i]: a struct audit_ring or stream */
	size_t pfd_size;
	uint64_t due_ns; /* CLOCK_MONOTONIC: drain then; 0 = asleep */
	bool drain_now;
	bool stop;
	int said_error; /* last error told to the monitor */
	uint32_t retain_days;
	uint64_t trim_ns;   /* CLOCK_MONOTONIC: give memory back then, or 0 */
	uint64_t retain_ns; /* CLOCK_MONOTONIC: look again then */
	bool retaining; /* the last slice was not the last */
};

/* ---- what the monitor is told ---- */

static void
say_status(struct auditd *d)
{
	struct msg_audit_status st = { 0 };

	st.error = (uint32_t)d->audit.error;
	st.committed = d->audit.committed;
	st.waiting = audit_waiting(&d->audit);
	if (chan_send(&d->child.chan, MSG_AUDIT_STATUS, 0, 0, &st, NULL, 0,
		NULL, 0) == -1)
		log_warn("cannot tell the monitor: %s", strerror(errno));
}

static void
on_drained(uint32_t number, void *arg)
{
	struct auditd *d = arg;
	struct msg_none none = { 0 };

	if (chan_send(&d->child.chan, MSG_AUDIT_DRAINED, 0, number, &none, NULL,
		0, NULL, 0) == -1)
		log_warn("cannot tell the monitor: %s", strerror(errno));
}

/* ---- what the monitor says ---- */

static void
got_attach(struct auditd *d, struct msg *m)
{
	const struct msg_audit_attach *at = msg_payload(m);
	const char *id = msg_str(m, 0);
	int ring = msg_take_fd(m, 0), wake = msg_take_fd(m, 1);

	if (audit_attach(&d->audit, m->hdr.session, id == NULL ? "" : id,
		at->uid, ring, wake) == -1) {
		log_error("session %u: cannot use its ring: %s", m->hdr.session,
		    strerror(errno));
		close(wake);
	}
	close(ring);
	d->drain_now = true;
}

static void
got_detach(struct auditd *d, struct msg *m)
{
	audit_detach(&d->audit, m->hdr.session);
	d->drain_now = true;
}

static void
got_query(struct auditd *d, struct msg *m)
{
	int fd = msg_take_fd(m, 0);

	if (stream_start(&d->audit, msg_payload(m), msg_str(m, 0),
		msg_str(m, 1), fd) == -1) {
		log_warn("a query was refused: %s", strerror(errno));
		close(fd);
	}
	stream_committed(&d->audit);
}

static void
got_retain(struct auditd *d, struct msg *m)
{
	const struct msg_status *st = msg_payload(m);

	d->retain_days = st->count;
	d->retaining = d->retain_days != 0;
}

static void
got_stop(struct auditd *d, struct msg *m)
{
	(void)m;
	d->stop = true;
}

static const struct {
	enum msg_type type;
	void (*fn)(struct auditd *, struct msg *);
} handler_tab[] = {
	{ MSG_AUDIT_ATTACH, got_attach },
	{ MSG_AUDIT_DETACH, got_detach },
	{ MSG_EVENT_QUERY, got_query },
	{ MSG_AUDIT_RETAIN, got_retain },
	{ MSG_STOP, got_stop },
};

static void
on_message(struct auditd *d)
{
	struct msg m;
	size_t i;
	int r;

	r = chan_recv(&d->child.chan, &m);
	if (r == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (r != 1) {
		if (r == -1)
			log_error("monitor: %s", strerror(errno));
		d->stop = true;
		return;
	}
	for (i = 0; i < sizeof(handler_tab) / sizeof(handler_tab[0]); i++) {
		if (handler_tab[i].type == (enum msg_type)m.hdr.type)
			handler_tab[i].fn(d, &m);
	}
	msg_close_fds(&m);
}

/* ---- rings ---- */

/*
 * A wake: from sleep, records shall gather for a while; while lingering it
 * means a ring is half full.  End of file: the producer has gone, and the
 * monitor will say so.
 */
static void
on_wake(struct auditd *d, struct audit_ring *r)
{
	char junk[64];
	ssize_t n;
	int i;

	for (i = 0; i < 16; i++) {
		n = recv(r->wake_fd, junk, sizeof(junk), MSG_DONTWAIT);
		if (n <= 0)
			break;
	}
	if (i < 16 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
		close(r->wake_fd);
		r->wake_fd = -1;
		d->drain_now = true;
		return;
	}
	if (!r->asleep) {
		d->drain_now = true;
		return;
	}
	r->asleep = false;
	(void)ring_reader_mode(&r->rr, RING_LINGER);
	if (d->due_ns == 0)
		d->due_ns = audit_now() + AUDIT_LINGER_MS * UINT64_C(1000000);
}

/* After a batch: sleep, or gather what came meanwhile. */
static void
rest(struct auditd *d)
{
	struct audit_ring *r;

	d->due_ns = 0;
	if (audit_sleep(&d->audit))
		return;
	TAILQ_FOREACH(r, &d->audit.rings, entry) {
		if (!r->asleep)
			(void)ring_reader_mode(&r->rr, RING_LINGER);
	}
	d->due_ns = audit_now() + AUDIT_LINGER_MS * UINT64_C(1000000);
}

static void
drain(struct auditd *d)
{
	int n = audit_drain(&d->audit);

	if (n > 0) {
		stream_committed(&d->audit);
		d->trim_ns = audit_now() + TRIM_AFTER_NS;
	}
	if (d->audit.error != d->said_error) {
		d->said_error = d->audit.error;
		if (d->said_error != 0)
			log_error("events cannot be stored: %s",
			    d->audit.store.text);
		else
			log_notice("events are stored again");
		say_status(d);
	}
	d->drain_now = n >= AUDIT_BATCH;
	if (n == -1)
		d->due_ns = d->audit.retry_ns;
	else if (n < AUDIT_BATCH)
		rest(d);
}

static void
retain(struct auditd *d)
{
	struct timespec ts;
	uint64_t now;
	int n;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	if (d->audit.error != 0 || now < d->retain_days * DAY_NS) {
		d->retaining = false;
		return;
	}
	n = store_retain(&d->audit.store, now - d->retain_days * DAY_NS,
	    RETAIN_SLICE);
	if (n == -1)
		log_warn("old records stay: %s", d->audit.store.text);
	d->retaining = n == RETAIN_SLICE;
	d->retain_ns = audit_now() + RETAIN_AGAIN_NS;
}

/* ---- the loop ---- */

static int
poll_room(struct auditd *d, size_t want)
{
	size_t n = want + 16;
	void *p;

	if (want <= d->pfd_size)
		return 0;
	if ((p = reallocarray(d->pfd, n, sizeof(*d->pfd))) == NULL)
		return -1;
	d->pfd = p;
	if ((p = reallocarray(d->owner, n, sizeof(*d->owner))) == NULL)
		return -1;
	d->owner = p;
	d->pfd_size = n;
	return 0;
}

static void
poll_add(struct auditd *d, size_t *n, int fd, short events, void *owner)
{
	d->pfd[*n].fd = fd;
	d->pfd[*n].events = events;
	d->pfd[*n].revents = 0;
	d->owner[*n] = owner;
	(*n)++;
}

/*
 * fd 3, then wake sockets, then streams; *rings is the index behind the
 * sockets.
 */
static size_t
poll_fill(struct auditd *d, size_t *rings)
{
	struct audit_ring *r;
	struct stream *s;
	size_t n = 1;

	TAILQ_FOREACH(r, &d->audit.rings, entry)
		n++;
	TAILQ_FOREACH(s, &d->audit.streams, entry)
		n++;
	if (poll_room(d, n) == -1)
		return 0;
	n = 0;
	poll_add(d, &n, d->child.chan.fd, POLLIN, NULL);
	TAILQ_FOREACH(r, &d->audit.rings, entry)
		if (r->wake_fd != -1)
			poll_add(d, &n, r->wake_fd, POLLIN, r);
	*rings = n;
	TAILQ_FOREACH(s, &d->audit.streams, entry)
		poll_add(d, &n, s->fd, s->state == STREAM_BLOCKED ? POLLOUT : 0,
		    s);
	return n;
}

static bool
stream_waits(const struct auditd *d)
{
	const struct stream *s;

	TAILQ_FOREACH(s, &d->audit.streams, entry)
		if (s->state == STREAM_MORE)
			return true;
	return false;
}

/* How long poll may sleep, in ms; -1 for ever. */
static int
poll_timeout(const struct auditd *d)
{
	uint64_t now, until = d->due_ns != 0 ? d->due_ns : d->trim_ns;

	if (d->drain_now || d->retaining || stream_waits(d))
		return 0;
	if (until == 0)
		return -1;
	now = audit_now();
	return until <= now ? 0 : (int)((until - now) / 1000000) + 1;
}

static void
on_streams(struct auditd *d, size_t from, size_t to)
{
	struct stream *s, *next;
	size_t i;

	for (i = from; i < to; i++) {
		s = d->owner[i];
		if (d->pfd[i].revents & (POLLERR | POLLHUP | POLLNVAL))
			stream_free(&d->audit, s);
		else if (d->pfd[i].revents & POLLOUT)
			s->state = STREAM_MORE;
	}
	for (s = TAILQ_FIRST(&d->audit.streams); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->state == STREAM_MORE)
			(void)stream_step(&d->audit, s);
	}
}

static void
turn(struct auditd *d)
{
	size_t i, n, rings = 1;

	n = poll_fill(d, &rings);
	if (n == 0 ||
	    (poll(d->pfd, n, poll_timeout(d)) == -1 && errno != EINTR)) {
		log_error("poll: %s", strerror(errno));
		d->stop = true;
		return;
	}
	for (i = 1; i < rings; i++) {
		if (d->pfd[i].revents != 0)
			on_wake(d, d->owner[i]);
	}
	on_streams(d, rings, n);
	if (d->pfd[0].revents != 0)
		on_message(d);
	if (d->drain_now || (d->due_ns != 0 && audit_now() >= d->due_ns)) {
		drain(d);
	} else if (d->retain_days != 0 &&
	    (d->retaining || audit_now() >= d->retain_ns)) {
		retain(d);
	} else if (d->trim_ns != 0 && audit_now() >= d->trim_ns) {
		d->trim_ns = 0;
		store_trim(&d->audit.store);
	}
}

/*
 * What is in the rings now is stored; what fails stays in them for the next
 * start.
 */
static void
finish(struct auditd *d)
{
	int i;

	while (!TAILQ_EMPTY(&d->audit.streams))
		stream_free(&d->audit, TAILQ_FIRST(&d->audit.streams));
	for (i = 0; i < FINISH_BATCHES && audit_drain(&d->audit) > 0; i++)
		;
	log_info("%llu records stored since start",
	    (unsigned long long)d->audit.committed);
	audit_close(&d->audit);
}

/* ---- start ---- */

/* The key is the file's bytes without a newline at the end; -1 with errno. */
static ssize_t
read_key(int fd, uint8_t key[KEY_MAX])
{
	ssize_t n, got = 0;

	while (got < KEY_MAX &&
	    (n = read(fd, key + got, (size_t)(KEY_MAX - got))) != 0) {
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			got += n;
	}
	while (got > 0 && (key[got - 1] == '\n' || key[got - 1] == '\r'))
		got--;
	if (got < KEY_MIN) {
		errno = EINVAL;
		return -1;
	}
	return got;
}

static int
verify_file(const char *path, const char *key_path)
{
	uint8_t key[KEY_MAX];
	ssize_t len = 0;
	struct store s;
	struct jbuf b = { 0 };
	int fd, r;

	if (key_path != NULL) {
		fd = open(key_path, O_RDONLY | O_CLOEXEC);
		if (fd == -1 || (len = read_key(fd, key)) == -1) {
			fprintf(stderr, "agentsh-auditd: %s: %s\n", key_path,
			    strerror(errno));
			return 2;
		}
		close(fd);
	}
	if (access(path, R_OK) == -1) {
		fprintf(stderr, "agentsh-auditd: %s: %s\n", path,
		    strerror(errno));
		return 2;
	}
	if (!store_is_trail(path)) {
		fprintf(stderr, "agentsh-auditd: %s: no audit database\n",
		    path);
		return 2;
	}
	if (store_open(&s, path, key, (size_t)len) == -1) {
		fprintf(stderr, "agentsh-auditd: %s: %s\n", path, s.text);
		return s.error == EINVAL ? 1 : 2;
	}
	r = query_verify(&s, &b);
	if (b.p != NULL)
		fputs(b.p, stdout);
	jbuf_free(&b);
	store_close(&s);
	return r == -1 ? 2 : r;
}

static int
open_trail(struct auditd *d, const char *name)
{
	uint8_t key[KEY_MAX];
	ssize_t len = 0;
	int r;

	if (d->child.fd[1] != -1) {
		len = read_key(d->child.fd[1], key);
		close(d->child.fd[1]);
		if (len == -1) {
			log_error("the audit key: %s (at least %d bytes)",
			    strerror(errno), KEY_MIN);
			return -1;
		}
	}
	r = audit_open(&d->audit, name, key, (size_t)len, on_drained, d);
	explicit_bzero(key, sizeof(key));
	if (r == -1)
		log_error("%s: %s", name, d->audit.store.text);
	return r;
}

static int
serve(const char *name)
{
	struct auditd d;

	memset(&d, 0, sizeof(d));
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (child_start(&d.child, PROC_AUDITD) == -1 ||
	    open_trail(&d, name) == -1)
		return 1;
	d.retain_ns = audit_now() + RETAIN_AGAIN_NS;
	while (!d.stop)
		turn(&d);
	finish(&d);
	free(d.pfd);
	free(d.owner);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *file = NULL, *key = NULL;
	int c;

	while ((c = getopt(argc, argv, "V:k:")) != -1) {
		if (c == 'V')
			file = optarg;
		else if (c == 'k')
			key = optarg;
		else {
			fprintf(stderr,
			    "usage: agentsh-auditd [NAME]\n"
			    "       agentsh-auditd -V FILE [-k KEYFILE]\n");
			return 2;
		}
	}
	if (file != NULL)
		return verify_file(file, key);
	return serve(optind < argc ? argv[optind] : DB_DEFAULT);
}
