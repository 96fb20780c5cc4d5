/*
 * For the tests of threat feeds: a server of the test's own, a resolver that
 * knows one address, a config that is being written.
 */

#ifndef FEEDHELP_H
#define FEEDHELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "netproxy/feed.h"

#define MS	UINT64_C(1000000)
#define FOREVER (3600 * 1000 * MS)
#define OK	"HTTP/1.1 200 OK\r\n"

struct event_base;
struct evconnlistener;

/* It says what it is told to. */
struct server {
	struct event_base *base;
	struct evconnlistener *l;
	SSL_CTX *tls;
	uint16_t port;
	const char *answer; /* to every request, then the connection ends */
	size_t answer_len;
	int asked;
	char request[4096]; /* the last */
};

void server_start(struct server *s);
void server_stop(struct server *s);
void answer(struct server *s, const char *text);

extern struct feedconf conf;
void conf_init(uint64_t interval_ns);
struct feedconf_row *conf_add(const char *name, int format, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void conf_allow(const char *name);

/* New feeds of conf; s NULL: none is fetched. */
struct feeds *feeds_of(struct server *s);
int memfd(const char *text, size_t n);
/* Row i is a local list of this text. */
void local(struct feeds *f, unsigned int i, const char *text);

/* "rule matched deny|audit", or "". */
const char *asked(const struct feeds *f, const char *name);
struct feed_status status(const struct feeds *f, unsigned int i);
/* Is this what is said?  "?" stands for anything but "". */
bool says(const char *said, const char *why);
/* Run the loop until the server has been asked n times and row 0 says why. */
void run_until(struct server *s, struct feeds *f, int n, const char *why);

#endif
