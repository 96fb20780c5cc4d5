/*
 * Threat feeds in force: matching, fetching from a server of the test's own,
 * what is not believed, the cache in memfds, TLS.
 */

#include <sys/mman.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/log.h"
#include "netproxy/feed.h"

#define MS	UINT64_C(1000000)
#define FOREVER (3600 * 1000 * MS)

/* ---- a server that says what it is told to ---- */

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

static void
on_sent(struct bufferevent *bev, void *arg)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);

	if (ssl != NULL)
		SSL_shutdown(ssl);
	bufferevent_free(bev);
}

static void
on_client(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct server *s = arg;
	size_t n = evbuffer_get_length(in);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);

	if (end.pos == -1)
		return;
	if (n >= sizeof(s->request))
		n = sizeof(s->request) - 1;
	evbuffer_remove(in, s->request, n);
	s->request[n] = '\0';
	s->asked++;
	bufferevent_setcb(bev, NULL, on_sent, NULL, NULL);
	if (s->answer_len > 0)
		bufferevent_write(bev, s->answer, s->answer_len);
	else
		bufferevent_free(bev);
}

static void
on_lost(struct bufferevent *bev, short what, void *arg)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		bufferevent_free(bev);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct server *s = arg;
	struct bufferevent *bev;

	if (s->tls != NULL)
		bev = bufferevent_openssl_socket_new(s->base, fd,
		    SSL_new(s->tls), BUFFEREVENT_SSL_ACCEPTING,
		    BEV_OPT_CLOSE_ON_FREE);
	else
		bev = bufferevent_socket_new(s->base, fd,
		    BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(bev);
	bufferevent_setcb(bev, on_client, NULL, on_lost, s);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void
server_start(struct server *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	memset(s, 0, sizeof(*s));
	s->base = event_base_new();
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->l = evconnlistener_new_bind(s->base, on_accept, s,
	    LEV_OPT_CLOSE_ON_FREE, 16, (struct sockaddr *)&sin, sizeof(sin));
	assert_non_null(s->l);
	assert_int_equal(getsockname(evconnlistener_get_fd(s->l),
			     (struct sockaddr *)&sin, &len),
	    0);
	s->port = ntohs(sin.sin_port);
}

static void
server_stop(struct server *s)
{
	evconnlistener_free(s->l);
	event_base_loop(s->base, EVLOOP_NONBLOCK);
	event_base_free(s->base);
	SSL_CTX_free(s->tls);
}

static void
answer(struct server *s, const char *text)
{
	s->answer = text;
	s->answer_len = strlen(text);
}

/* ---- a resolver that knows one address ---- */

struct lookup {
	struct event *ev;
	feed_resolved_fn *fn;
	void *arg;
};

static void
on_lookup(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *l = arg;
	struct sockaddr_storage ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;

	memset(&ss, 0, sizeof(ss));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->fn(&ss, 1, l->arg);
	event_free(l->ev);
	free(l);
}

static void *
lookup_start(void *ctx, const char *host, feed_resolved_fn *fn, void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct lookup *l;

	if (strncmp(host, "no.", 3) == 0)
		return NULL;
	l = calloc(1, sizeof(*l));
	l->fn = fn;
	l->arg = arg;
	l->ev = evtimer_new(ctx, on_lookup, l);
	evtimer_add(l->ev, &now);
	return l;
}

static void
lookup_cancel(void *handle)
{
	struct lookup *l = handle;

	event_free(l->ev);
	free(l);
}

/* ---- feeds ---- */

static struct feedconf conf;

static void
conf_init(uint64_t interval_ns)
{
	memset(&conf, 0, sizeof(conf));
	memcpy(conf.magic, FEEDCONF_MAGIC, sizeof(conf.magic));
	conf.size_bytes = sizeof(conf);
	conf.interval_ns = interval_ns;
	snprintf(conf.cache_dir, sizeof(conf.cache_dir), "/cache");
}

static struct feedconf_row *__attribute__((format(printf, 3, 4)))
conf_add(const char *name, int format, const char *fmt, ...)
{
	struct feedconf_row *r = &conf.row[conf.nrows++];
	va_list ap;

	snprintf(r->name, sizeof(r->name), "%s", name);
	va_start(ap, fmt);
	vsnprintf(r->where, sizeof(r->where), fmt, ap);
	va_end(ap);
	r->format = (uint32_t)format;
	r->local = r->where[0] == '/';
	return r;
}

static void
conf_allow(const char *name)
{
	size_t n = strlen(name) + 1;

	memcpy(conf.allow + conf.allow_bytes, name, n);
	conf.allow_bytes += (uint32_t)n;
}

static struct feeds *
feeds_of(struct server *s)
{
	struct feed_resolver r = { lookup_start, lookup_cancel,
		s != NULL ? s->base : NULL };
	struct feeds *f = feeds_new(s != NULL ? s->base : NULL, &r);

	assert_non_null(f);
	assert_int_equal(feedconf_check(&conf), 0);
	assert_int_equal(feeds_configure(f, &conf), 0);
	return f;
}

static int
memfd(const char *text, size_t n)
{
	int fd = memfd_create("feed", MFD_CLOEXEC);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	return fd;
}

static void
local(struct feeds *f, unsigned int i, const char *text)
{
	assert_int_equal(feeds_files(f, i, memfd(text, strlen(text)), -1), 0);
}

/* "rule matched deny|audit", or "". */
static const char *
asked(const struct feeds *f, const char *name)
{
	static char buf[512];
	struct feed_verdict v;

	buf[0] = '\0';
	if (feeds_match(f, name, strlen(name), &v))
		snprintf(buf, sizeof(buf), "%s %s %s", v.rule, v.matched,
		    v.deny ? "deny" : "audit");
	return buf;
}

static struct feed_status
status(const struct feeds *f, unsigned int i)
{
	struct feed_status st;

	assert_true(feeds_status(f, i, &st));
	return st;
}

/* Is this what is said?  "?" stands for anything but "". */
static bool
says(const char *said, const char *why)
{
	return strcmp(why, "?") == 0 ? said[0] != '\0' : strcmp(said, why) == 0;
}

/* Run the loop until the server has been asked n times and row 0 says why. */
static void
run_until(struct server *s, struct feeds *f, int n, const char *why)
{
	time_t end = time(NULL) + 60;

	while (time(NULL) < end) {
		if (s->asked >= n && says(status(f, 0).why, why) &&
		    (why[0] != '\0' || status(f, 0).fetched_ns != 0))
			return;
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	print_message("asked %d times, says \"%s\", not \"%s\"\n", s->asked,
	    status(f, 0).why, why);
	fail();
}

/* ---- matching ---- */

static void
match_parents_matched(void **state)
{
	struct feeds *f;

	conf_init(FOREVER);
	conf_add("local:a", FEED_DOMAINS, "/a");
	f = feeds_of(NULL);
	assert_string_equal(asked(f, "evil.test"), "");
	local(f, 0, "evil.test\nx.y.bad.test\n");
	assert_string_equal(asked(f, "evil.test"),
	    "threat-feed:local:a evil.test deny");
	assert_string_equal(asked(f, "a.b.evil.test"),
	    "threat-feed:local:a evil.test deny");
	assert_string_equal(asked(f, "notevil.test"), "");
	assert_string_equal(asked(f, "bad.test"), "");
	assert_string_equal(asked(f, "y.bad.test"), "");
	assert_string_equal(asked(f, "z.x.y.bad.test"),
	    "threat-feed:local:a x.y.bad.test deny");
	assert_string_equal(asked(f, "test"), "");
	assert_string_equal(asked(f, ""), "");
	assert_string_equal(asked(f, "."), "");
	assert_false(feeds_match(NULL, "evil.test", 9, NULL));
	feeds_free(f);
}

static void
match_allowed_not(void **state)
{
	struct feeds *f;

	conf_init(FOREVER);
	conf_add("local:a", FEED_DOMAINS, "/a");
	conf_allow("Good.evil.test.");
	conf_allow("ok.test");
	f = feeds_of(NULL);
	local(f, 0, "evil.test\nb.ok.test\n");
	assert_string_equal(asked(f, "good.evil.test"), "");
	assert_string_equal(asked(f, "a.good.evil.test"), "");
	assert_string_equal(asked(f, "b.ok.test"), "");
	assert_string_equal(asked(f, "bad.evil.test"),
	    "threat-feed:local:a evil.test deny");
	feeds_free(f);
}

static void
match_deny_before_audit(void **state)
{
	struct feeds *f;

	conf_init(FOREVER);
	conf_add("watch", FEED_DOMAINS, "/a")->audit = 1;
	conf_add("one", FEED_HOSTFILE, "/b");
	conf_add("two", FEED_DOMAINS, "/c");
	f = feeds_of(NULL);
	local(f, 0, "x.evil.test\nonly.test\n");
	local(f, 1, "0.0.0.0 evil.test both.test\n");
	local(f, 2, "both.test\nevil.test\n");
	assert_string_equal(asked(f, "only.test"),
	    "threat-feed:watch only.test audit");
	assert_string_equal(asked(f, "x.evil.test"),
	    "threat-feed:one evil.test deny");
	assert_string_equal(asked(f, "both.test"),
	    "threat-feed:one both.test deny");
	feeds_free(f);
}

static void
local_reread_replaces(void **state)
{
	struct feeds *f;

	conf_init(FOREVER);
	conf_add("a", FEED_DOMAINS, "/a");
	f = feeds_of(NULL);
	local(f, 0, "one.test\n");
	local(f, 0, "two.test\n");
	assert_string_equal(asked(f, "one.test"), "");
	assert_string_equal(asked(f, "two.test"),
	    "threat-feed:a two.test deny");
	/* As a reload does: the same source keeps its names. */
	assert_int_equal(feeds_configure(f, &conf), 0);
	assert_string_equal(asked(f, "two.test"),
	    "threat-feed:a two.test deny");
	snprintf(conf.row[0].where, sizeof(conf.row[0].where), "/other");
	assert_int_equal(feeds_configure(f, &conf), 0);
	assert_string_equal(asked(f, "two.test"), "");
	conf.nrows = 0;
	assert_int_equal(feeds_configure(f, &conf), 0);
	assert_int_equal(feeds_files(f, 0, memfd("x.test", 6), -1), -1);
	feeds_free(f);
}

/* ---- fetching ---- */

static void
fetch_plain_in_force(void **state)
{
	struct server s;
	struct feeds *f;

	server_start(&s);
	answer(&s,
	    "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"
	    "0.0.0.0 evil.test bad.test\n#x\n");
	conf_init(FOREVER);
	conf_add("far", FEED_HOSTFILE, "http://feeds.test:%u/list?x=1", s.port);
	f = feeds_of(&s);
	feeds_start(f);
	run_until(&s, f, 1, "");
	assert_string_equal(asked(f, "www.evil.test"),
	    "threat-feed:far evil.test deny");
	assert_int_equal(status(f, 0).names, 2);
	assert_non_null(strstr(s.request, "GET /list?x=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(s.request, "Host: feeds.test:"));
	assert_null(strstr(s.request, "If-"));
	feeds_free(f);
	server_stop(&s);
}

static void
fetch_chunked_and_closed_in_force(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"4;x=y\r\nevil\r\n6\r\n.test\n\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nevil.test",
		"HTTP/1.1 103 Early\r\nX: y\r\n\r\n"
		"HTTP/1.1 200\r\ncontent-length:\t 9 \r\n\r\nevil.test",
	};
	struct server s;
	struct feeds *f;
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		server_start(&s);
		answer(&s, answers[i]);
		conf_init(FOREVER);
		conf_add("far", FEED_DOMAINS, "http://127.0.0.1:%u", s.port);
		f = feeds_of(&s);
		feeds_start(f);
		run_until(&s, f, 1, "");
		assert_string_equal(asked(f, "evil.test"),
		    "threat-feed:far evil.test deny");
		feeds_free(f);
		server_stop(&s);
	}
}

static void
fetch_again_conditional(void **state)
{
	struct server s;
	struct feeds *f;

	server_start(&s);
	answer(&s,
	    "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nLast-Modified: Sat, "
	    "21 Nov 2026 10:00:00 GMT\r\nContent-Length: 9\r\n\r\nevil.test");
	conf_init(20 * MS);
	conf_add("far", FEED_DOMAINS, "http://feeds.test:%u/", s.port);
	f = feeds_of(&s);
	feeds_start(f);
	run_until(&s, f, 1, "");
	answer(&s, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
	run_until(&s, f, 4, "");
	assert_non_null(strstr(s.request, "\r\nIf-None-Match: \"v1\"\r\n"));
	assert_non_null(strstr(s.request,
	    "\r\nIf-Modified-Since: Sat, 21 Nov 2026 10:00:00 GMT\r\n"));
	assert_string_equal(asked(f, "evil.test"),
	    "threat-feed:far evil.test deny");
	feeds_free(f);
	server_stop(&s);
}

/* ---- what is not believed ---- */

#define OK     "HTTP/1.1 200 OK\r\n"
#define EARLY  "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
#define EARLY3 EARLY EARLY EARLY
static const struct {
	const char *answer, *why;
} bad_tab[] = {
	{ OK "Content-Length: 0\r\n\r\n", "it holds no name" },
	{ OK "\r\n", "it holds no name" },
	{ OK "\r\n# nothing\n", "it holds no name" },
	{ OK "\r\n<html>\nevil.test\nx.test\ny.test\n", "it is HTML" },
	{ OK "Content-Type: text/html; x\r\n\r\nevil.test", "it is HTML" },
	{ OK "\r\nevil.test\na b\nc d\n",
	    "more than half of its lines are no entries" },
	{ OK "\r\nlone.test\n", "it has shrunk by more than 90 %" },
	{ OK "Content-Length: 20\r\n\r\nevil.test\n",
	    "the connection ended before the answer" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n9\r\nevil.test\r\n",
	    "the connection ended before the answer" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nevil.test\r\n",
	    "a chunk without a size" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n4\r\nevil.test\r\n0\r\n\r\n",
	    "a chunk that does not end" },
	{ OK "Transfer-Encoding: gzip\r\n\r\n",
	    "a Transfer-Encoding that is not just chunked" },
	{ OK "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
	    "both a length and chunks" },
	{ OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\na.b",
	    "two Content-Length fields" },
	{ OK "Content-Length: +3\r\n\r\na.b",
	    "a Content-Length that is no number" },
	{ OK "Content-Length: 99999999999\r\n\r\n",
	    "larger than a feed may be" },
	{ OK "Content-Length: 67108865\r\n\r\n", "larger than a feed may be" },
	{ OK "Content-Encoding: gzip\r\n\r\nxx",
	    "a compressed body that nobody asked for" },
	{ OK " folded: x\r\n\r\n", "a header field that is none" },
	{ OK "X : y\r\n\r\n", "a header field that is none" },
	{ OK "X: y\n\r\n", "a line that ends in LF alone" },
	{ "SSH-2.0-x\r\n", "the answer is not HTTP" },
	{ EARLY3 EARLY3 EARLY3 OK "\r\nevil.test\n",
	    "too many answers before the answer" },
	{ "HTTP/1.1 101 Switch\r\n\r\n", "a status that nobody asked for" },
	{ "HTTP/1.1 304 Not\r\n\r\n",
	    "its server answers neither 200 nor 304" },
	{ "HTTP/1.1 404 Not\r\n\r\n", "its server answers 4xx" },
	{ "HTTP/1.1 503 Not\r\n\r\n", "its server answers 5xx" },
	{ "HTTP/1.1 302 Go\r\nLocation: ftp://a.test/\r\n\r\n",
	    "it redirects to what is no URL" },
	{ "HTTP/1.1 302 Go\r\n\r\n", "it redirects to what is no URL" },
	{ "HTTP/1.1 302 Go\r\nLocation: /again\r\n\r\n", "too many redirects" },
	{ "", "the connection ended before the answer" },
};

static void
fetch_bad_keeps_good(void **state)
{
	struct server s;
	struct feeds *f;
	size_t i;

	server_start(&s);
	answer(&s,
	    OK
	    "\r\na.test\nb.test\nc.test\nd.test\ne.test\nf.test\n"
	    "g.test\nh.test\ni.test\nj.test\nk.test\nl.test\nm.test\nn.test\n"
	    "o.test\np.test\nq.test\nr.test\ns.test\nt.test\n");
	conf_init(5 * MS);
	conf_add("far", FEED_DOMAINS, "http://feeds.test:%u/", s.port);
	f = feeds_of(&s);
	feeds_start(f);
	run_until(&s, f, 1, "");
	assert_int_equal(status(f, 0).names, 20);
	for (i = 0; i < sizeof(bad_tab) / sizeof(bad_tab[0]); i++) {
		answer(&s, bad_tab[i].answer);
		run_until(&s, f, s.asked + 1, bad_tab[i].why);
		assert_int_equal(status(f, 0).names, 20);
		assert_string_equal(asked(f, "a.test"),
		    "threat-feed:far a.test deny");
		assert_string_equal(asked(f, "evil.test"), "");
	}
	/* And it comes back. */
	answer(&s, EARLY3 EARLY3 EARLY EARLY OK "\r\nevil.test\nbad.test\n");
	run_until(&s, f, s.asked + 1, "");
	assert_string_equal(asked(f, "evil.test"),
	    "threat-feed:far evil.test deny");
	assert_string_equal(asked(f, "a.test"), "");
	feeds_free(f);
	server_stop(&s);
}

#define TWENTY                                                            \
	OK "\r\na.test\nb.test\nc.test\nd.test\ne.test\nf.test\ng.test\n" \
	   "h.test\ni.test\nj.test\nk.test\nl.test\nm.test\nn.test\n"     \
	   "o.test\np.test\nq.test\nr.test\ns.test\nt.test\n"
#define SHRUNK "it has shrunk by more than 90 %"

static void
run_until_names(struct server *s, struct feeds *f, uint32_t names)
{
	time_t end = time(NULL) + 60;

	while (status(f, 0).names != names && time(NULL) < end)
		event_base_loop(s->base, EVLOOP_ONCE);
	assert_int_equal(status(f, 0).names, names);
}

/* Once is a mishap; what stays so for four intervals is how it is meant. */
static void
fetch_shrunk_for_good_taken(void **state)
{
	struct server s;
	struct feeds *f;
	struct timespec a, b;
	int before;

	server_start(&s);
	answer(&s, TWENTY);
	conf_init(20 * MS);
	conf_add("far", FEED_DOMAINS, "http://feeds.test:%u/", s.port);
	f = feeds_of(&s);
	feeds_start(f);
	run_until(&s, f, 1, "");
	/* not if it comes back between */
	answer(&s, OK "\r\nlone.test\n");
	run_until(&s, f, s.asked + 1, SHRUNK);
	answer(&s, OK "\r\n<html>\n");
	run_until(&s, f, s.asked + 1, "it is HTML");
	assert_int_equal(status(f, 0).names, 20);
	answer(&s, OK "\r\nlone.test\n");
	run_until(&s, f, s.asked + 1, SHRUNK);
	clock_gettime(CLOCK_BOOTTIME, &a);
	before = s.asked;
	run_until_names(&s, f, 1);
	clock_gettime(CLOCK_BOOTTIME, &b);
	assert_true(s.asked >= before + 2);
	/* the first was fetched before the clock was read */
	assert_true(
	    (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 >=
	    40);
	assert_string_equal(asked(f, "lone.test"),
	    "threat-feed:far lone.test deny");
	assert_string_equal(asked(f, "a.test"), "");
	feeds_free(f);
	server_stop(&s);
}

/* Nor is a reload the end of the wait; another name is. */
static void
fetch_shrunk_taken_under_another_name(void **state)
{
	struct server s;
	struct feeds *f;

	server_start(&s);
	answer(&s, TWENTY);
	conf_init(FOREVER);
	conf_add("far", FEED_DOMAINS, "http://feeds.test:%u/", s.port);
	f = feeds_of(&s);
	feeds_start(f);
	run_until(&s, f, 1, "");
	answer(&s, OK "\r\nlone.test\n");
	conf.interval_ns = 20 * MS;
	assert_int_equal(feeds_configure(f, &conf), 0);
	feeds_start(f);
	run_until(&s, f, s.asked + 1, SHRUNK);
	assert_int_equal(status(f, 0).names, 20);
	conf.interval_ns = FOREVER;
	strcpy(conf.row[0].name, "far2");
	assert_int_equal(feeds_configure(f, &conf), 0);
	feeds_start(f);
	run_until(&s, f, s.asked + 1, "");
	assert_int_equal(status(f, 0).names, 1);
	feeds_free(f);
	server_stop(&s);
}

static void
fetch_unreachable_said(void **state)
{
	static const struct {
		const char *url, *why;
	} tab[] = {
		{ "http://no.test/", "its server's name cannot be asked for" },
		{ "http://127.0.0.1:1/", "its server cannot be reached" },
		{ "https://127.0.0.1:1/",
		    "https needs the system's CA certificates" },
		{ "http://a b/", "its URL is none that can be fetched" },
		{ "http://user@a.test/",
		    "its URL is none that can be fetched" },
	};
	struct server s;
	struct feeds *f;
	size_t i;

	server_start(&s);
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		conf_init(FOREVER);
		conf_add("far", FEED_DOMAINS, "%s", tab[i].url);
		f = feeds_of(&s);
		feeds_start(f);
		run_until(&s, f, 0, tab[i].why);
		feeds_free(f);
	}
	server_stop(&s);
}

/* ---- URLs ---- */

static void
url_read_as_meant(void **state)
{
	static const char *const no[] = { "", "http://", "http:///x",
		"ftp://a.test/", "http://a.test:0/", "http://a.test:65536/",
		"http://a.test:/", "http://a.test:8x/", "http://a@b.test/",
		"http://a.test/#f", "http://a.test/ x", "http://[::1/",
		"http://[a.test]/", "http://[::1]x/", "http://a%41.test/",
		"http://a.test/\x80", "http://a.test\\x/" };
	struct feed_url u, v;
	size_t i;

	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_int_equal(feed_url_parse(no[i], &u), -1);
	assert_int_equal(feed_url_parse("HTTPS://Feeds.Test?q=1", &u), 0);
	assert_true(u.tls && u.port == 443 && !u.literal);
	assert_string_equal(u.host, "feeds.test");
	assert_string_equal(u.target, "/?q=1");
	assert_int_equal(feed_url_parse("http://[2001:DB8::1]:81/a/b", &u), 0);
	assert_true(!u.tls && u.port == 81 && u.literal);
	assert_string_equal(u.host, "2001:db8::1");
	assert_int_equal(feed_url_resolve(&u, "/c?d", &v), 0);
	assert_string_equal(v.host, "2001:db8::1");
	assert_string_equal(v.target, "/c?d");
	assert_int_equal(v.port, 81);
	assert_int_equal(feed_url_resolve(&u, "//b.test/x", &v), -1);
	assert_int_equal(feed_url_resolve(&u, "x", &v), -1);
	assert_int_equal(feed_url_resolve(&u, "http://b.test/x", &v), 0);
	assert_string_equal(v.host, "b.test");
}

/* ---- the cache ---- */

static void
fetch_into(struct server *s, int slot[2], const char *body)
{
	struct feeds *f;
	int n = s->asked;

	answer(s, body);
	conf_init(FOREVER);
	conf_add("far", FEED_DOMAINS, "http://feeds.test:1/");
	snprintf(conf.row[0].where, sizeof(conf.row[0].where),
	    "http://feeds.test:%u/", s->port);
	f = feeds_of(s);
	assert_int_equal(feeds_files(f, 0, dup(slot[0]), dup(slot[1])), 0);
	conf.interval_ns = 1 * MS; /* what is cached is old */
	assert_int_equal(feeds_configure(f, &conf), 0);
	assert_int_equal(feeds_files(f, 0, dup(slot[0]), dup(slot[1])), 0);
	feeds_start(f);
	/* Asked once more than needed: the first has been stored. */
	run_until(s, f, n + 2, "");
	feeds_free(f);
}

static const char *
cached(struct server *s, int slot[2], const char *name)
{
	static char buf[512];
	struct feeds *f;

	conf_init(FOREVER);
	conf_add("far", FEED_DOMAINS, "http://feeds.test:%u/", s->port);
	f = feeds_of(s);
	assert_int_equal(feeds_files(f, 0, dup(slot[0]), dup(slot[1])), 0);
	snprintf(buf, sizeof(buf), "%s", asked(f, name));
	feeds_free(f);
	return buf;
}

static void
flip(int fd, off_t at)
{
	char c;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

static void
cache_restart_keeps_names(void **state)
{
	struct server s;
	int slot[2] = { memfd("", 0), memfd("", 0) };
	off_t end, at;

	server_start(&s);
	assert_string_equal(cached(&s, slot, "evil.test"), "");
	fetch_into(&s, slot, OK "\r\nevil.test\nbad.test\n");
	assert_string_equal(cached(&s, slot, "x.evil.test"),
	    "threat-feed:far evil.test deny");
	assert_true(lseek(slot[0], 0, SEEK_END) > 0);
	/* Of another source it is another feed's. */
	conf_init(FOREVER);
	conf_add("far", FEED_DOMAINS, "http://other.test/");
	{
		struct feeds *f = feeds_of(&s);

		feeds_files(f, 0, dup(slot[0]), dup(slot[1]));
		assert_string_equal(asked(f, "evil.test"), "");
		feeds_free(f);
	}
	/* Wherever it is damaged, it is not believed: then the older one is. */
	assert_int_equal(ftruncate(slot[1], 0), 0);
	end = lseek(slot[0], 0, SEEK_END);
	for (at = 0; at < end; at++) {
		flip(slot[0], at);
		assert_string_equal(cached(&s, slot, "evil.test"), "");
		flip(slot[0], at);
	}
	for (at = 0; at < end; at += 7) {
		int cut[2] = { memfd("", 0), slot[1] };
		char buf[4096];

		assert_true((size_t)end < sizeof(buf));
		assert_int_equal(pread(slot[0], buf, (size_t)at, 0), at);
		assert_int_equal(pwrite(cut[0], buf, (size_t)at, 0), at);
		assert_string_equal(cached(&s, cut, "evil.test"), "");
		close(cut[0]);
	}
	assert_string_equal(cached(&s, slot, "evil.test"),
	    "threat-feed:far evil.test deny");
	close(slot[0]);
	close(slot[1]);
	server_stop(&s);
}

static void
cache_torn_falls_back(void **state)
{
	struct server s;
	int slot[2] = { memfd("", 0), memfd("", 0) }, other[2];

	server_start(&s);
	fetch_into(&s, slot, OK "\r\nold.test\n");
	assert_string_equal(cached(&s, slot, "old.test"),
	    "threat-feed:far old.test deny");
	/* Whichever holds the newest: without the other, the other is used. */
	fetch_into(&s, slot, OK "\r\nnew.test\n");
	assert_string_equal(cached(&s, slot, "new.test"),
	    "threat-feed:far new.test deny");
	assert_string_equal(cached(&s, slot, "old.test"), "");
	other[0] = slot[1];
	other[1] = slot[0];
	assert_string_equal(cached(&s, other, "new.test"),
	    "threat-feed:far new.test deny");
	close(slot[0]);
	close(slot[1]);
	server_stop(&s);
}

/* ---- TLS ---- */

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	return k;
}

static X509 *
make_cert(EVP_PKEY *key, const char *alt)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509_EXTENSION *e;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, n);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static int
pem_of(X509 *x)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n;
	int fd;

	PEM_write_bio_X509(b, x);
	n = BIO_get_mem_data(b, &p);
	fd = memfd(p, (size_t)n);
	BIO_free(b);
	return fd;
}

/* What a fetch of https://HOST says with a server of this name and our CA. */
static void
tls_says(const char *alt, const char *host, int trusted, const char *why)
{
	EVP_PKEY *key = make_key(), *alien = make_key();
	X509 *cert = make_cert(key, alt), *other = make_cert(alien, alt);
	struct server s;
	struct feeds *f;

	server_start(&s);
	s.tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(s.tls, cert);
	SSL_CTX_use_PrivateKey(s.tls, key);
	answer(&s, OK "Content-Length: 9\r\n\r\nevil.test");
	conf_init(FOREVER);
	conf_add("far", FEED_DOMAINS, "https://%s:%u/", host, s.port);
	f = feeds_of(&s);
	feeds_ca(f, pem_of(trusted ? cert : other));
	feeds_start(f);
	run_until(&s, f, 0, why);
	assert_string_equal(asked(f, "evil.test"),
	    why[0] != '\0' ? "" : "threat-feed:far evil.test deny");
	assert_int_equal(s.asked, why[0] == '\0');
	feeds_free(f);
	server_stop(&s);
	X509_free(cert);
	X509_free(other);
	EVP_PKEY_free(key);
	EVP_PKEY_free(alien);
}

static void
tls_checked(void **state)
{
	tls_says("DNS:feeds.test", "feeds.test", 1, "");
	tls_says("DNS:feeds.test", "other.test", 1, "hostname mismatch");
	tls_says("IP:127.0.0.1", "127.0.0.1", 1, "");
	tls_says("IP:127.0.0.2", "127.0.0.1", 1, "IP address mismatch");
	tls_says("DNS:feeds.test", "feeds.test", 0, "?");
}

static void
tls_downgrade_refused(void **state)
{
	EVP_PKEY *key = make_key();
	X509 *cert = make_cert(key, "DNS:feeds.test");
	struct server s;
	struct feeds *f;

	server_start(&s);
	s.tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(s.tls, cert);
	SSL_CTX_use_PrivateKey(s.tls, key);
	answer(&s,
	    "HTTP/1.1 301 Go\r\nLocation: http://feeds.test/\r\n"
	    "Content-Length: 0\r\n\r\n");
	conf_init(FOREVER);
	conf_add("far", FEED_DOMAINS, "https://feeds.test:%u/", s.port);
	f = feeds_of(&s);
	feeds_ca(f, pem_of(cert));
	feeds_start(f);
	run_until(&s, f, 1, "it redirects from https to http");
	feeds_free(f);
	server_stop(&s);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
tls_bundle_without_certs_said(void **state)
{
	const char *why;
	int fd = memfd("not PEM", 7);

	assert_null(feed_tls_new(fd, &why));
	assert_string_equal(why, "the CA bundle holds no certificate");
	close(fd);
}

/* ---- what comes between processes ---- */

static void
conf_bad_refused(void **state)
{
	static struct feedconf good;
	struct feedconf *c;
	int fd;

	conf_init(FOREVER);
	conf_add("a.b-c_1", FEED_DOMAINS, "https://a.test/");
	conf_add("local:x", FEED_HOSTFILE, "/x");
	good = conf;
	assert_int_equal(feedconf_check(&conf), 0);
	fd = memfd((const char *)&conf, sizeof(conf));
	assert_non_null(c = feedconf_read(fd));
	free(c);
	assert_int_equal(ftruncate(fd, sizeof(conf) - 1), 0);
	assert_null(feedconf_read(fd));
	close(fd);
#define REFUSED(change)                                      \
	do {                                                 \
		conf = good;                                 \
		change;                                      \
		assert_int_equal(feedconf_check(&conf), -1); \
	} while (0)
	REFUSED(conf.magic[0] = 'x');
	REFUSED(conf.size_bytes--);
	REFUSED(conf.nrows = FEEDCONF_ROWS + 1);
	REFUSED(conf.interval_ns = 0);
	REFUSED(conf.row[0].name[0] = '/');
	REFUSED(conf.row[0].name[0] = '\0');
	REFUSED(memset(conf.row[0].name, 'a', sizeof(conf.row[0].name)));
	REFUSED(memset(conf.row[0].where, 'h', sizeof(conf.row[0].where)));
	REFUSED(conf.row[0].where[0] = 'x');
	REFUSED(conf.row[1].where[0] = 'x');
	REFUSED(conf.row[0].format = 2);
	REFUSED(conf.row[0].audit = 2);
	REFUSED(conf.row[0].local = 2);
	REFUSED(conf.cache_dir[0] = '\0');
	REFUSED(memset(conf.cache_dir, '/', sizeof(conf.cache_dir)));
	REFUSED(strcpy(conf.row[1].name, "a.b-c_1"));
	REFUSED(conf.allow_bytes = sizeof(conf.allow) + 1);
	REFUSED((conf.allow_bytes = 1, conf.allow[0] = 'a'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match_parents_matched),
		cmocka_unit_test(match_allowed_not),
		cmocka_unit_test(match_deny_before_audit),
		cmocka_unit_test(local_reread_replaces),
		cmocka_unit_test(fetch_plain_in_force),
		cmocka_unit_test(fetch_chunked_and_closed_in_force),
		cmocka_unit_test(fetch_again_conditional),
		cmocka_unit_test(fetch_bad_keeps_good),
		cmocka_unit_test(fetch_shrunk_for_good_taken),
		cmocka_unit_test(fetch_shrunk_taken_under_another_name),
		cmocka_unit_test(fetch_unreachable_said),
		cmocka_unit_test(url_read_as_meant),
		cmocka_unit_test(cache_restart_keeps_names),
		cmocka_unit_test(cache_torn_falls_back),
		cmocka_unit_test(tls_checked),
		cmocka_unit_test(tls_downgrade_refused),
		cmocka_unit_test(tls_bundle_without_certs_said),
		cmocka_unit_test(conf_bad_refused),
	};

	log_init("test", LOG_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
