/*
 * agentsh-netproxy: the one process that reads what sessions and servers say in
 * DNS, HTTP and TLS.  This file becomes what the rights table says, listens to
 * the monitor and runs the loop.
 *
 * Trusts the monitor.  Opens no file; every socket that sessions reach was
 * handed over; what it makes itself goes to servers.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "netproxy/dns_server.h"
#include "netproxy/process.h"

#define RESOLV_MAX 65536

struct event_base *
np_base(struct np *np)
{
	return np->base;
}

struct dns_server *
np_dns(struct np *np)
{
	return np->dns;
}

struct feeds *
np_feeds(struct np *np)
{
	return np->feeds;
}

static void
stop(struct np *np, int exit_code)
{
	np->exit_code = exit_code;
	(void)event_base_loopbreak(np->base);
}

/* ---- messages of the monitor ---- */

static void
got_conf(struct np *np, struct msg *m)
{
	const struct msg_net_conf *nc = msg_payload(m);
	int fd = msg_take_fd(m, 0);

	np->proxy_port = nc->proxy_port;
	np->wake_fd = msg_take_fd(m, 1);
	if (ring_map(&np->ring, fd, np->wake_fd) == -1) {
		log_error("cannot map the event ring: %m");
		stop(np, 1);
	}
	close(fd);
}

/* "ADDRESS", "ADDRESS:PORT" or "[ADDRESS]:PORT" of the config; 0 or -1. */
static int
upstream_read(const char *s, struct sockaddr_storage *ss)
{
	int len = sizeof(*ss);
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (evutil_parse_sockaddr_port(s, (struct sockaddr *)ss, &len) == -1)
		return -1;
	if (ss->ss_family == AF_INET && in->sin_port == 0)
		in->sin_port = htons(53);
	if (ss->ss_family == AF_INET6 && in6->sin6_port == 0)
		in6->sin6_port = htons(53);
	return 0;
}

static void
read_resolv(struct dns_conf *dc, int fd)
{
	static char buf[RESOLV_MAX];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(buf) &&
	    (n = pread(fd, buf + len, sizeof(buf) - len, (off_t)len)) > 0)
		len += (size_t)n;
	dns_conf_read(dc, buf, len);
}

static void
got_upstream(struct np *np, struct msg *m)
{
	struct dns_conf dc;
	const char *s;
	unsigned int i;
	int fd = msg_take_fd(m, 0);

	dns_conf_init(&dc);
	for (i = 0; (s = msg_str(m, i)) != NULL &&
	     dc.nservers < DNS_SERVERS_MAX; i++) {
		if (upstream_read(s, &dc.server[dc.nservers]) == 0)
			dc.nservers++;
		else
			log_warn("sandbox.network.dns_upstream: %s is no "
				 "address", s);
	}
	if (dc.nservers == 0 && fd != -1)
		read_resolv(&dc, fd);
	if (fd != -1)
		close(fd);
	log_info("asks %u resolvers", dc.nservers);
	dns_server_configure(np->dns, &dc);
}

/* ---- threat feeds ---- */

/* A lookup of feed_fetch.c's, in the words of dns_server.h. */
struct feed_lookup {
	struct dns_lookup *lookup;
	feed_resolved_fn *fn;
	void *arg;
};

static void
on_feed_resolved(const struct sockaddr_storage *ss, unsigned int n, int rcode,
    void *arg)
{
	struct feed_lookup l = *(struct feed_lookup *)arg;

	free(arg);
	l.fn(ss, n, l.arg);
}

static void *
feed_resolve(void *ctx, const char *host, feed_resolved_fn *fn, void *arg)
{
	struct np *np = ctx;
	struct feed_lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->fn = fn;
	l->arg = arg;
	l->lookup = dns_resolve(np->dns, NULL, host, AF_UNSPEC,
	    on_feed_resolved, l);
	if (l->lookup != NULL)
		return l;
	free(l);
	return NULL;
}

static void
feed_resolve_cancel(void *handle)
{
	struct feed_lookup *l = handle;

	dns_resolve_cancel(l->lookup);
	free(l);
}

static void
got_feed_conf(struct np *np, struct msg *m)
{
	const struct feed_resolver r = { feed_resolve, feed_resolve_cancel,
		np };
	struct feedconf *c = feedconf_read(m->fd[0]);

	if (np->feeds == NULL)
		np->feeds = feeds_new(np->base, &r);
	if (c == NULL || np->feeds == NULL ||
	    feeds_configure(np->feeds, c) == -1)
		log_error("threat feeds: not configured");
	else if (m->fd[1] != -1)
		feeds_ca(np->feeds, msg_take_fd(m, 1));
	free(c);
}

static void
got_feed_files(struct np *np, struct msg *m)
{
	const struct msg_feed_files *ff = msg_payload(m);
	int slot0 = msg_take_fd(m, 0), slot1 = msg_take_fd(m, 1);

	if (np->feeds != NULL) {
		(void)feeds_files(np->feeds, ff->row, slot0, slot1);
		return;
	}
	close(slot0);
	if (slot1 != -1)
		close(slot1);
}

static void
got_feed_start(struct np *np, struct msg *m)
{
	if (np->feeds != NULL)
		feeds_start(np->feeds);
}

static void
got_stop(struct np *np, struct msg *m)
{
	stop(np, 0);
}

static const struct {
	enum msg_type type;
	void (*fn)(struct np *np, struct msg *m);
} got_tab[] = {
	{ MSG_NET_CONF, got_conf },
	{ MSG_NET_LISTEN, listen_got },
	{ MSG_NET_UPSTREAM, got_upstream },
	{ MSG_NET_SESSION, session_got },
	{ MSG_NET_SESSION_END, session_got_end },
	{ MSG_NET_SHOW, show_got },
	{ MSG_FEED_CONF, got_feed_conf },
	{ MSG_FEED_FILES, got_feed_files },
	{ MSG_FEED_START, got_feed_start },
	{ MSG_STOP, got_stop },
};

static void
got_message(struct np *np, struct msg *m)
{
	size_t i;

	for (i = 0; i < sizeof(got_tab) / sizeof(got_tab[0]); i++) {
		if (got_tab[i].type == (enum msg_type)m->hdr.type)
			got_tab[i].fn(np, m);
	}
	msg_close_fds(m);
}

static void
on_monitor(evutil_socket_t fd, short what, void *arg)
{
	static struct msg m;
	struct np *np = arg;
	unsigned int i;
	int rc;

	for (i = 0; i < 64; i++) {
		rc = chan_recv(&np->child.chan, &m);
		if (rc == 1) {
			got_message(np, &m);
			continue;
		}
		if (rc == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (rc == -1)
			log_error("channel to the monitor: %m");
		stop(np, rc == 0 ? 0 : 1);
		return;
	}
}

void
np_catch_up(struct np *np)
{
	on_monitor(np->child.chan.fd, EV_READ, np);
}

/* ---- the process ---- */

static int
begin(struct np *np)
{
	unsigned int i;

	for (i = 0; i < NP_BUCKETS; i++)
		LIST_INIT(&np->sessions[i]);
	LIST_INIT(&np->listeners);
	np->wake_fd = -1;
	if (fcntl(np->child.chan.fd, F_SETFL, O_NONBLOCK) == -1 ||
	    (np->base = event_base_new()) == NULL ||
	    (np->dns = dns_server_new(np)) == NULL)
		return -1;
	np->chan_ev = event_new(np->base, np->child.chan.fd,
	    EV_READ | EV_PERSIST, on_monitor, np);
	if (np->chan_ev == NULL || listen_init(np) == -1)
		return -1;
	return event_add(np->chan_ev, NULL);
}

int
main(void)
{
	static struct np np;

	log_init("netproxy", LOG_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	if (child_start(&np.child, PROC_NETPROXY) == -1)
		return 1;
	if (begin(&np) == -1) {
		log_error("cannot start: %m");
		return 1;
	}
	if (event_base_dispatch(np.base) == -1)
		log_error("event loop: %m");
	log_debug("exited event loop");
	return np.exit_code;
}
