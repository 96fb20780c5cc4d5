/*
 * Threat feeds in force: matching, fetching from a server of the test's own,
 * what is not believed, the cache in memfds.
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
#include <event2/event.h>

#include "common/log.h"
#include "feedhelp.h"

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
		cmocka_unit_test(conf_bad_refused),
	};

	log_init("test", LOG_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
