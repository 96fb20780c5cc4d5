/*
 * Reaching a host that a session asked for: its name is judged and resolved once, each
 * address is judged, and of those that may be reached one is dialled.  What is
 * connected is always what was judged.  Runs in netproxy's loop; never blocks.
 */

#ifndef NETPROXY_HTTP_DIAL_H
#define NETPROXY_HTTP_DIAL_H

#include "netproxy/http_name.h"
#include "netproxy/netproxy.h"

#define HTTP_DIAL_ADDRS 16    /* tried at most */
#define HTTP_DIAL_AT_ONCE 6
#define HTTP_DIAL_NEXT_MS 250 /* RFC 8305: until the next is tried beside it */
#define HTTP_DIAL_TOTAL_S 30

/* A verdict with strings of its own. */
struct http_verdict {
	struct np_verdict v;
	char name[128], file[128];
};
/* Copy v, which may be gone after the next question. */
void http_verdict_set(struct http_verdict *to, const struct np_verdict *v);

enum http_dial_rc {
	HTTP_DIAL_OK,
	HTTP_DIAL_DENIED,      /* verdict says by what */
	HTTP_DIAL_NO_NAME,     /* there is no such name, or it has no address */
	HTTP_DIAL_NO_ANSWER,   /* the resolvers failed */
	HTTP_DIAL_UNREACHABLE, /* err: of the last address */
	HTTP_DIAL_TIMEOUT,
	HTTP_DIAL_NO_ROOM,     /* for events: there is to be none */
	HTTP_DIAL_BUSY,	       /* no memory */
	HTTP_DIAL_RC_MAX
};

struct http_dial_ask {
	struct http_host host;	/* with its port */
	const struct sockaddr *meant; /* intercepted: dial this address if the host
					 has it; NULL; copied */
};

struct http_dialled {
	enum http_dial_rc rc;
	int fd; /* HTTP_DIAL_OK: non-blocking, the callback's to keep; else -1 */
	int err;
	struct sockaddr_storage peer; /* dialled, or denied; family 0: none */
	struct http_verdict verdict;  /* of peer, or of the name */
	bool redirected;
	struct np_redirect redirect; /* connect_redirects, if redirected */
};

typedef void http_dial_done(const struct http_dialled *d, void *arg);

struct http_dial;

/*
 * Begin.  done is called once, from the loop, never from inside; the dial is gone
 * then, as after http_dial_cancel.  NULL: no memory.  The session must be held
 * until then.
 */
struct http_dial *http_dial_start(struct np_session *s,
    const struct http_dial_ask *ask, http_dial_done *done, void *arg);
void http_dial_cancel(struct http_dial *d);

/* What was said so far, of which address (family 0: of none). */
void http_dial_so_far(const struct http_dial *d, struct http_verdict *v,
    struct sockaddr_storage *peer);

/* Milliseconds of a clock that nobody sets. */
uint64_t http_now_ms(void);

#endif
