/*
 * The process itself, for main.c, session.c, listen.c, judge.c, event.c and
 * show.c; the others know it by netproxy.h only.
 */

#ifndef NETPROXY_PROCESS_H
#define NETPROXY_PROCESS_H

#include <sys/queue.h>

#include "common/facts.h"
#include "common/privdrop.h"
#include "common/ring.h"
#include "netproxy/dns_limit.h"
#include "netproxy/feed.h"
#include "netproxy/netproxy.h"

/* After ring.h: one of its macros is called as one of our events is. */
#include <event2/event.h>

#define NP_BUCKETS     1024 /* of sessions, by host */
#define NP_CLIENTS_MAX 512  /* connections of one session at once */
#define NP_SHOWS_MAX   64   /* answers to `net` being written */
#define NP_PUTTERS_LEAST 8  /* sessions among which the event ring is shared */
#define NP_FDS_SPARE   1024 /* below the limit: connections begin to give way */

struct np_listener {
	LIST_ENTRY(np_listener) entry;
	struct np *np;
	struct event *ev, *again; /* again: after a pause for want of descriptors */
	int fd;
	enum net_listen kind;
};

struct np_session {
	LIST_ENTRY(np_session) entry;
	struct np *np;
	uint32_t number, host, uid;
	unsigned int refs;
	bool live;
	char id[MSG_SESSION_LEN];
	struct image im;
	struct facts facts;
	LIST_HEAD(, np_client) clients;
	unsigned int nclients;
	uint64_t put_s;	   /* the second in which it had nput records */
	unsigned int nput;
	char feed_rule[sizeof(((struct feed_verdict *)0)->rule)]; /* "threat-feed:NAME" of the last verdict */
	struct dns_limit limit;
};

struct np {
	struct child child;
	struct event_base *base;
	struct event *chan_ev, *need_ev; /* need_ev: a connection gives way */
	int fd_high;	      /* above it descriptors are scarce */
	uint64_t need_said_ns; /* when the log was told of it */
	struct dns_server *dns;
	struct feeds *feeds;
	struct ring ring;
	uint64_t put_s; /* the second in which nputters sessions had records */
	unsigned int nputters;
	int wake_fd;
	uint32_t proxy_port;
	LIST_HEAD(, np_session) sessions[NP_BUCKETS];
	LIST_HEAD(, np_listener) listeners;
	unsigned int shows;
	int exit_code;
};

/* ---- session.c ---- */
void session_got(struct np *np, struct msg *m); /* NET_SESSION */
void session_got_end(struct np *np, struct msg *m); /* NET_SESSION_END */
struct np_session *session_by_host(struct np *np, uint32_t host);
struct np_session *session_by_number(struct np *np, uint32_t number);

/* ---- main.c ---- */
/* Hear all that the monitor has said by now.  Sessions may come and go. */
void np_catch_up(struct np *np);

/* ---- listen.c ---- */
/* 0, or -1: no memory.  Once, when the limits are set. */
int listen_init(struct np *np) __attribute__((warn_unused_result));
void listen_got(struct np *np, struct msg *m); /* NET_LISTEN */

/* ---- judge.c ---- */
/* Names an address is known by, and what they make of a connection to it. */
void judge_address(struct np_session *s, const struct in6_addr *addr,
    uint16_t port, struct verdict *v);
/* sa as an address (IPv4 is v4-mapped) and a port; 0, or -1: another family. */
int judge_sockaddr(const struct sockaddr *sa, struct in6_addr *addr,
    uint16_t *port);

/* ---- show.c ---- */
void show_got(struct np *np, struct msg *m); /* NET_SHOW */

#endif
