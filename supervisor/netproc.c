/*
 * netproxy's life and what it is told, see netproc.h.  Runs in the monitor.
 * Trusts netproxy in nothing: it sends no message but READY and LOG.
 */

#include "supervisor/netproc.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/facts.h"
#include "common/feedconf.h"
#include "common/log.h"
#include "common/netaddr.h"
#include "supervisor/monitor.h"
#include "supervisor/session.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_NS   (5 * NS_PER_SEC) /* how often it is looked at */

/* ---- who resolves ---- */

/* The addresses of the config, each with its NUL: their bytes. */
static size_t
upstream_tail(const struct daemon_conf *conf, char *tail)
{
	const char *p = conf->net_upstream;
	size_t n = 0, len;

	while (*(p += strspn(p, " ")) != '\0') {
		len = strcspn(p, " ");
		memcpy(tail + n, p, len);
		n += len;
		tail[n++] = '\0';
		p += len;
	}
	return n;
}

static void
send_upstream(struct monitor *mon)
{
	struct msg_net_upstream none = { 0 };
	char tail[sizeof(mon->conf.net_upstream) + 1];
	size_t n = upstream_tail(&mon->conf, tail);
	int fd = -1;

	if (!proc_is_up(&mon->netproxy))
		return;
	if (n == 0)
		fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	(void)proc_send(&mon->netproxy, MSG_NET_UPSTREAM, 0, 0, &none, tail, n,
	    &fd, fd == -1 ? 0 : 1);
	if (fd != -1)
		close(fd);
}

static bool
resolv_changed(struct monitor *mon)
{
	struct stat st;

	if (stat(RESOLV_CONF, &st) == -1)
		memset(&st, 0, sizeof(st));
	if (st.st_dev == mon->resolv.st_dev && st.st_ino == mon->resolv.st_ino &&
	    st.st_size == mon->resolv.st_size &&
	    st.st_mtim.tv_sec == mon->resolv.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == mon->resolv.st_mtim.tv_nsec)
		return false;
	mon->resolv = st;
	return true;
}

static void
on_resolv(struct loop_timer *t)
{
	struct monitor *mon = t->arg;

	if (resolv_changed(mon))
		send_upstream(mon);
	loop_timer_set(&mon->loop, &mon->resolv_timer, RESOLV_NS, on_resolv,
	    mon);
}

/* ---- threat feeds ---- */

static int
open_ca(void)
{
	unsigned int i;
	int fd;

	for (i = 0; feedconf_ca_paths[i] != NULL; i++) {
		fd = open(feedconf_ca_paths[i], O_RDONLY | O_CLOEXEC);
		if (fd != -1)
			return fd;
	}
	return -1;
}

/* A slot of the cache; nobody but root and netproxy may read what is fetched. */
static int
open_slot(int dir, const struct feedconf_row *row, unsigned int slot)
{
	char name[FEEDCONF_NAME_LEN + 16];

	feedconf_slot_name(row, slot, name, sizeof(name));
	return openat(dir, name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

static void
send_row(struct monitor *mon, int dir, const struct feedconf *c,
    unsigned int i)
{
	const struct feedconf_row *row = &c->row[i];
	struct msg_feed_files ff = { .row = i };
	int fds[2] = { -1, -1 };
	unsigned int n = 0;

	if (row->local) {
		fds[n++] = open(row->where,
		    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	} else if (dir != -1) {
		fds[n++] = open_slot(dir, row, 0);
		fds[n++] = open_slot(dir, row, 1);
	}
	if (n == 0 || fds[0] == -1 || (n == 2 && fds[1] == -1))
		log_warn("threat feed %s: %s: %m", row->name,
		    row->local ? row->where : c->cache_dir);
	else
		(void)proc_send(&mon->netproxy, MSG_FEED_FILES, 0, 0, &ff, NULL,
		    0, fds, n);
	while (n > 0)
		if (fds[--n] != -1)
			close(fds[n]);
}

static int
open_cache(const struct feedconf *c)
{
	if (c->cache_dir[0] == '\0')
		return -1;
	if (mkdir(c->cache_dir, 0700) == -1 && errno != EEXIST)
		return -1;
	return open(c->cache_dir,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void
send_feeds(struct monitor *mon)
{
	struct msg_none none = { 0 };
	struct feedconf *c;
	int fds[2] = { mon->feeds_fd, -1 }, dir;
	unsigned int i;

	if (mon->feeds_fd == -1 || !proc_is_up(&mon->netproxy))
		return;
	if ((c = feedconf_read(mon->feeds_fd)) == NULL) {
		log_error("threat feeds: policyd's table is not sound");
		return;
	}
	fds[1] = open_ca();
	(void)proc_send(&mon->netproxy, MSG_FEED_CONF, 0, 0, &none, NULL, 0,
	    fds, fds[1] == -1 ? 1 : 2);
	dir = open_cache(c);
	for (i = 0; i < c->nrows; i++)
		send_row(mon, dir, c, i);
	(void)proc_send(&mon->netproxy, MSG_FEED_START, 0, 0, &none, NULL, 0,
	    NULL, 0);
	if (dir != -1)
		close(dir);
	if (fds[1] != -1)
		close(fds[1]);
	free(c);
}

void
netproc_reload(struct monitor *mon, int feeds)
{
	if (mon->feeds_fd != -1)
		close(mon->feeds_fd);
	mon->feeds_fd = feeds;
	send_upstream(mon);
	send_feeds(mon);
}

/* ---- the process ---- */

static int
netproxy_greet(struct proc *p, struct msg_hello *h, int fds[MSG_FDS_MAX],
    unsigned int *nfds)
{
	h->uid = p->mon->uid[PROC_NETPROXY];
	h->gid = p->mon->gid[PROC_NETPROXY];
	fds[(*nfds)++] = p->mon->empty_fd;
	return 0;
}

/* A ring of its own for each netproxy: what the last left behind is drained. */
static int
new_ring(struct monitor *mon)
{
	wake_close(&mon->net_wake);
	if (wake_open(&mon->net_wake, RING_SLOTS_DEFAULT) == -1)
		return -1;
	netproc_attach(mon);
	return 0;
}

void
netproc_attach(struct monitor *mon)
{
	wake_attach(&mon->net_wake, mon, NETPROC_RING, "netproxy", 0);
}

static int
send_sockets(struct monitor *mon)
{
	const struct mirror *mi = &mon->mirror;
	struct msg_net_listen nl;
	unsigned int i;

	for (i = 0; i < mi->nsock; i++) {
		nl.kind = (uint32_t)mi->sock[i].kind;
		nl.family = (uint32_t)mi->sock[i].family;
		if (proc_send(&mon->netproxy, MSG_NET_LISTEN, 0, 0, &nl, NULL,
			0, &mi->sock[i].fd, 1) == -1)
			return -1;
	}
	return 0;
}

static void
netproxy_ready(struct proc *p)
{
	struct monitor *mon = p->mon;
	struct msg_net_conf nc = { .proxy_port = mon->mirror.proxy_port };
	struct session *s;
	int fds[2];

	if (new_ring(mon) == -1) {
		log_error("netproxy: cannot make its event ring: %m");
		proc_kill(p);
		return;
	}
	fds[0] = mon->net_wake.ring_fd;
	fds[1] = mon->net_wake.tracer_fd;
	/* Sessions first: a query that waits already is somebody's. */
	if (proc_send(p, MSG_NET_CONF, 0, 0, &nc, NULL, 0, fds, 2) == -1) {
		proc_kill(p);
		return;
	}
	TAILQ_FOREACH(s, &mon->sessions, entry)
		netproc_session_attach(s);
	send_upstream(mon);
	send_feeds(mon);
	if (send_sockets(mon) == -1)
		proc_kill(p);
	else
		proc_serving(p);
}

static void
netproxy_message(struct proc *p, struct msg *m)
{
	/* The table lets it say nothing else. */
}

static void
netproxy_gone(struct proc *p, int status)
{
	monitor_child_gone(p, status);
}

static const struct proc_ops netproxy_ops = {
	.greet = netproxy_greet,
	.ready = netproxy_ready,
	.message = netproxy_message,
	.gone = netproxy_gone,
};

void
netproc_init(struct monitor *mon)
{
	mirror_init(&mon->mirror);
	mon->feeds_fd = mon->load.feeds_next = -1;
	wake_init(&mon->net_wake);
	proc_init(&mon->netproxy, mon, PROC_NETPROXY, &netproxy_ops, NULL);
}

int
netproc_start(struct monitor *mon)
{
	if (mirror_open(&mon->mirror, (uint16_t)mon->conf.net_port) == -1)
		log_warn("no mirror: %s: sessions reach no resolver and no "
			 "proxy", mon->mirror.why);
	(void)resolv_changed(mon);
	loop_timer_set(&mon->loop, &mon->resolv_timer, RESOLV_NS, on_resolv,
	    mon);
	mon->netproxy.respawn = true;
	return proc_spawn(&mon->netproxy);
}

/* ---- sessions ---- */

static bool
is_taken(struct monitor *mon, uint32_t host)
{
	struct session *s;

	TAILQ_FOREACH(s, &mon->sessions, entry) {
		if (s->host == host)
			return true;
	}
	return false;
}

/*
 * Addresses come round again after eight million sessions, and one of the first
 * may still live: two with one address would be judged as one.
 */
static uint32_t
pick_host(struct monitor *mon, uint32_t number)
{
	uint32_t host = number & NETADDR_HOSTS;

	while (host == 0 || is_taken(mon, host))
		host = (host + 1) & NETADDR_HOSTS;
	return host;
}

int
netproc_session_make(struct session *s)
{
	struct monitor *mon = s->mon;
	char text[256];

	s->host = pick_host(mon, s->number);
	s->facts_fd = facts_create();
	if (s->facts_fd == -1 ||
	    (s->facts_ro_fd = facts_readonly(s->facts_fd)) == -1) {
		session_fail(s, EAGAIN, "cannot make its table of facts: %s",
		    strerror(errno));
		return -1;
	}
	if (mon->mirror.up)
		return 0;
	snprintf(text, sizeof(text), "no resolver and no proxy: %s",
	    mon->mirror.why);
	if (mon->conf.allow_degraded) {
		session_add_degraded(s, text);
		return 0;
	}
	session_fail(s, ENOTSUP,
	    "%s; give agentshd CAP_SYS_ADMIN, or allow sandbox.allow_degraded",
	    text);
	return -1;
}

static uint16_t
proxy_port(const struct monitor *mon)
{
	return mon->mirror.up && mon->conf.net_proxy ? mon->mirror.proxy_port :
						       0;
}

void
netproc_proxy_url(const struct monitor *mon, char *url, size_t size)
{
	url[0] = '\0';
	if (proxy_port(mon) != 0)
		snprintf(url, size, "http://127.0.0.1:%u", proxy_port(mon));
}

int
netproc_session_tracer(struct session *s)
{
	const struct monitor *mon = s->mon;
	struct msg_tracer_net tn = {
		.mirror = mon->mirror.up,
		.proxy_port = proxy_port(mon),
		.intercept = mon->conf.net_intercept,
		.host = s->host,
	};

	return proc_send(&s->tracer, MSG_TRACER_NET, 0, s->number, &tn, NULL, 0,
	    &s->facts_ro_fd, 1);
}

void
netproc_session_attach(struct session *s)
{
	struct msg_net_session ns = { .uid = s->who.uid, .host = s->host };
	int fds[2] = { s->image_fd, s->facts_fd };

	if (!proc_is_up(&s->mon->netproxy) || s->image_fd == -1 ||
	    s->facts_fd == -1 || s->net_ended)
		return;
	(void)proc_send(&s->mon->netproxy, MSG_NET_SESSION, 0, s->number, &ns,
	    s->id, strlen(s->id) + 1, fds, 2);
}

void
netproc_session_end(struct session *s)
{
	struct msg_none none = { 0 };

	if (s->net_ended || s->facts_fd == -1)
		return;
	s->net_ended = true;
	if (proc_is_up(&s->mon->netproxy))
		(void)proc_send(&s->mon->netproxy, MSG_NET_SESSION_END, 0,
		    s->number, &none, NULL, 0, NULL, 0);
}

void
netproc_got_socket(struct session *s, struct msg *m)
{
	struct msg_status st = { .error = 0 };
	int fd = mirror_socket(&s->mon->mirror, s->host, msg_payload(m));

	if (fd == -1)
		st.error = (uint32_t)errno;
	(void)proc_send(&s->tracer, MSG_NET_SOCKET_IS, m->hdr.id, s->number, &st,
	    NULL, 0, &fd, fd == -1 ? 0 : 1);
	if (fd != -1)
		close(fd);
}
