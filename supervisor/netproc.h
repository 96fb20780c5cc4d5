/*
 * netproxy as the monitor sees it: its start, what it is told, and the parts of
 * a session that it has.  The mirror and its sockets are mirror.c's.
 *
 * Monitor only.
 */

#ifndef SUPERVISOR_NETPROC_H
#define SUPERVISOR_NETPROC_H

#include <stddef.h>

struct monitor;
struct msg;
struct session;

/* Under this number auditd has netproxy's ring. */
#define NETPROC_RING 0xfffffffeu

void netproc_init(struct monitor *mon);

/*
 * The mirror, and netproxy beside it.  Where the machine gives no network
 * namespace there is no mirror: said once, and by each session.  0 or -1.
 */
int netproc_start(struct monitor *mon) __attribute__((warn_unused_result));

/*
 * A config is in force: resolvers and threat feeds may be others.  feeds, a
 * struct feedconf of policyd's or -1, is taken.
 */
void netproc_reload(struct monitor *mon, int feeds);

/* auditd is up (again). */
void netproc_attach(struct monitor *mon);

/*
 * A session's facts.  0; or -1 after session_fail: they cannot be made, or there
 * is no mirror and sandbox.allow_degraded does not allow that.
 */
int netproc_session_make(struct session *s) __attribute__((warn_unused_result));
/* Tell its tracer. */
int netproc_session_tracer(struct session *s);
/* Tell netproxy of it, of its new image, of its end. */
void netproc_session_attach(struct session *s);
void netproc_session_end(struct session *s);

/* What a session is told of its proxy, "" if there is none. */
#define NETPROC_URL 40
void netproc_proxy_url(const struct monitor *mon, char *url, size_t size);

/* NET_SOCKET of its tracer. */
void netproc_got_socket(struct session *s, struct msg *m);

#endif
