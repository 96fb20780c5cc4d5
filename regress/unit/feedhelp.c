/*
 * A server, a resolver and a config for the tests of feeds; see feedhelp.h.
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
#include "feedhelp.h"

/* ---- a server that says what it is told to ---- */

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

void
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

void
server_stop(struct server *s)
{
	evconnlistener_free(s->l);
	event_base_loop(s->base, EVLOOP_NONBLOCK);
	event_base_free(s->base);
	SSL_CTX_free(s->tls);
}

void
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

struct feedconf conf;

void
conf_init(uint64_t interval_ns)
{
	memset(&conf, 0, sizeof(conf));
	memcpy(conf.magic, FEEDCONF_MAGIC, sizeof(conf.magic));
	conf.size_bytes = sizeof(conf);
	conf.interval_ns = interval_ns;
	snprintf(conf.cache_dir, sizeof(conf.cache_dir), "/cache");
}

struct feedconf_row *
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

void
conf_allow(const char *name)
{
	size_t n = strlen(name) + 1;

	memcpy(conf.allow + conf.allow_bytes, name, n);
	conf.allow_bytes += (uint32_t)n;
}

struct feeds *
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

int
memfd(const char *text, size_t n)
{
	int fd = memfd_create("feed", MFD_CLOEXEC);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	return fd;
}

void
local(struct feeds *f, unsigned int i, const char *text)
{
	assert_int_equal(feeds_files(f, i, memfd(text, strlen(text)), -1), 0);
}

const char *
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

struct feed_status
status(const struct feeds *f, unsigned int i)
{
	struct feed_status st;

	assert_true(feeds_status(f, i, &st));
	return st;
}

bool
says(const char *said, const char *why)
{
	return strcmp(why, "?") == 0 ? said[0] != '\0' : strcmp(said, why) == 0;
}

void
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
