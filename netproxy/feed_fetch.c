/*
 * Fetching a feed, see feed_fetch.h.  Runs in netproxy.  Trusts no server: the
 * body goes to feed_parse.c as it comes and is never held; sizes, times and
 * redirects are bounded; https does not go back to http; a public server's
 * redirect does not lead to a private address.
 */

#include "netproxy/feed_fetch.h"

#include <arpa/inet.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/image_get.h"

#define ADDRS_MAX 4
#define CA_MAX	  (4u << 20)
#define READ_HIGH (256u << 10)

struct feed_fetch {
	struct event_base *base;
	struct feed_resolver resolver;
	SSL_CTX *tls; /* a reference */
	feed_fetched_fn *fn;
	void *arg;
	struct feed_set *set;
	enum feed_format format;
	uint64_t body_max;
	char etag[FEED_ETAG_MAX], date[FEED_DATE_MAX];
	struct feed_url url;
	unsigned int redirects;
	bool began_public; /* the first server's address was */
	void *lookup; /* NULL: none under way */
	struct sockaddr_storage addr[ADDRS_MAX];
	unsigned int naddrs, next;
	struct bufferevent *bev;
	bool connected;
	struct event *later; /* a step that must not come from inside */
	struct event *deadline;
	const char *failed; /* what the step is to report */
	struct feed_parse parse;
	struct feed_http http;
};

static void resolve(struct feed_fetch *f);
static void dial(struct feed_fetch *f);

static void
close_connection(struct feed_fetch *f)
{
	if (f->bev != NULL)
		bufferevent_free(f->bev);
	f->bev = NULL;
	f->connected = false;
}

void
feed_fetch_cancel(struct feed_fetch *f)
{
	if (f == NULL)
		return;
	if (f->lookup != NULL)
		f->resolver.cancel(f->lookup);
	close_connection(f);
	if (f->later != NULL)
		event_free(f->later);
	if (f->deadline != NULL)
		event_free(f->deadline);
	if (f->tls != NULL)
		SSL_CTX_free(f->tls);
	free(f);
}

static void
report(struct feed_fetch *f, const char *why, bool not_modified)
{
	struct feed_fetched r = { why, not_modified, f->http.etag, f->http.date,
		&f->parse.counts };

	close_connection(f);
	f->fn(&r, f->arg);
	feed_fetch_cancel(f);
}

/* The next step from the loop: fail if there is something to say, else dial. */
static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct feed_fetch *f = arg;

	(void)fd;
	(void)what;
	if (f->failed != NULL)
		report(f, f->failed, false);
	else if (f->naddrs > 0)
		dial(f);
	else
		resolve(f);
}

static void
later(struct feed_fetch *f, const char *failed)
{
	static const struct timeval now = { 0, 0 };

	f->failed = failed;
	(void)event_add(f->later, &now);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	report(arg, "it took too long", false);
}

/* ---- addresses ---- */

static bool
is_private(const struct sockaddr_storage *ss)
{
	const struct image_cidr *c;
	struct in6_addr a;
	struct in_addr v4;
	size_t i;

	if (ss->ss_family == AF_INET) {
		memcpy(&v4, &((const struct sockaddr_in *)ss)->sin_addr,
		    sizeof(v4));
		memset(&a, 0, sizeof(a));
		memset(&a.s6_addr[10], 0xff, 2);
		memcpy(&a.s6_addr[12], &v4, sizeof(v4));
	} else {
		memcpy(&a, &((const struct sockaddr_in6 *)ss)->sin6_addr,
		    sizeof(a));
	}
	for (i = 0; (c = image_private(i)) != NULL; i++) {
		unsigned int bytes = c->prefix / 8, rest = c->prefix % 8;

		if (memcmp(a.s6_addr, c->addr, bytes) == 0 &&
		    (rest == 0 ||
			((a.s6_addr[bytes] ^ c->addr[bytes]) >> (8 - rest)) ==
			    0))
			return true;
	}
	return false;
}

static void
set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET)
		((struct sockaddr_in *)ss)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
}

/* Keep what may be dialled. */
static void
got_addresses(struct feed_fetch *f, const struct sockaddr_storage *ss,
    unsigned int n)
{
	unsigned int i, refused = 0;

	f->naddrs = f->next = 0;
	for (i = 0; i < n && f->naddrs < ADDRS_MAX; i++) {
		if (ss[i].ss_family != AF_INET && ss[i].ss_family != AF_INET6)
			continue;
		if (f->redirects > 0 && f->began_public && is_private(&ss[i])) {
			refused++;
			continue;
		}
		f->addr[f->naddrs] = ss[i];
		set_port(&f->addr[f->naddrs++], f->url.port);
	}
	if (f->naddrs > 0 && f->redirects == 0)
		f->began_public = !is_private(&f->addr[0]);
	later(f,
	    f->naddrs > 0   ? NULL :
		refused > 0 ? "it redirects to a private address" :
			      "its server's name has no address");
}

static void
on_resolved(const struct sockaddr_storage *ss, unsigned int n, void *arg)
{
	struct feed_fetch *f = arg;

	f->lookup = NULL;
	got_addresses(f, ss, n);
}

static void
resolve(struct feed_fetch *f)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ss;

	if (!f->url.literal) {
		f->lookup = f->resolver.start(f->resolver.ctx, f->url.host,
		    on_resolved, f);
		if (f->lookup == NULL)
			later(f, "its server's name cannot be asked for");
		return;
	}
	memset(&ss, 0, sizeof(ss));
	if (inet_pton(AF_INET, f->url.host, &v4->sin_addr) == 1) {
		ss.ss_family = AF_INET;
	} else {
		ss.ss_family = AF_INET6;
		(void)inet_pton(AF_INET6, f->url.host, &v6->sin6_addr);
	}
	got_addresses(f, &ss, 1);
}

/* ---- the answer ---- */

static int
on_name(const char *name, size_t len, void *arg)
{
	struct feed_fetch *f = arg;

	return feed_set_add(f->set, name, len);
}

static int
on_body(const char *bytes, size_t n, void *arg)
{
	struct feed_fetch *f = arg;

	return feed_parse_chunk(&f->parse, bytes, n);
}

static void
redirect(struct feed_fetch *f)
{
	struct feed_url to;

	if (++f->redirects > FEED_REDIRECTS) {
		report(f, "too many redirects", false);
		return;
	}
	if (feed_url_resolve(&f->url, f->http.location, &to) == -1) {
		report(f, "it redirects to what is no URL", false);
		return;
	}
	if (f->url.tls && !to.tls) {
		report(f, "it redirects from https to http", false);
		return;
	}
	f->url = to;
	f->naddrs = 0;
	close_connection(f);
	later(f, NULL);
}

static void
answered(struct feed_fetch *f)
{
	struct feed_http *h = &f->http;

	if (h->status == 301 || h->status == 302 || h->status == 303 ||
	    h->status == 307 || h->status == 308)
		redirect(f);
	else if (h->status == 304 && (f->etag[0] != '\0' || f->date[0] != '\0'))
		report(f, "", true);
	else if (h->status != 200)
		report(f,
		    h->status >= 500 ? "its server answers 5xx" :
			h->status >= 400 ?
				       "its server answers 4xx" :
				       "its server answers neither 200 nor 304",
		    false);
	else if (h->html)
		report(f, "it is HTML", false);
	else if (feed_parse_end(&f->parse) != 0)
		report(f, "more names than a feed may have", false);
	else
		report(f, "", false);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct feed_fetch *f = arg;
	struct evbuffer_iovec v;

	while (evbuffer_peek(in, -1, NULL, &v, 1) > 0 && v.iov_len > 0) {
		if (feed_http_chunk(&f->http, v.iov_base, v.iov_len) == -1) {
			report(f, f->http.why, false);
			return;
		}
		(void)evbuffer_drain(in, v.iov_len);
		/* A redirect's body is nobody's: its head is all. */
		if (f->http.state == FH_DONE ||
		    (f->http.status >= 300 && f->http.state != FH_HEAD)) {
			answered(f);
			return;
		}
	}
}

/* ---- the connection ---- */

static void
ask(struct feed_fetch *f)
{
	char req[FEED_URL_MAX + 1024];
	size_t n;

	f->connected = true;
	feed_http_init(&f->http, f->body_max, on_body, f);
	feed_parse_init(&f->parse, f->format, on_name, f);
	n = feed_http_request(&f->url, f->etag, f->date, req, sizeof(req));
	if (n == 0 || bufferevent_write(f->bev, req, n) == -1)
		later(f, "the request is too long");
}

/* Why TLS failed, in words that an operator can act on. */
static const char *
tls_why(struct feed_fetch *f)
{
	SSL *ssl = bufferevent_openssl_get_ssl(f->bev);

	if (ssl == NULL)
		return NULL;
	if (SSL_get_verify_result(ssl) != X509_V_OK)
		return X509_verify_cert_error_string(
		    SSL_get_verify_result(ssl));
	if (bufferevent_get_openssl_error(f->bev) != 0)
		return "TLS failed";
	return NULL;
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct feed_fetch *f = arg;
	const char *why;

	if (what & BEV_EVENT_CONNECTED) {
		ask(f);
		return;
	}
	if (what & BEV_EVENT_TIMEOUT) {
		why = "its server is silent";
	} else if (!f->connected) {
		why = tls_why(f);
		if (why == NULL && f->next < f->naddrs) {
			close_connection(f);
			later(f, NULL);
			return;
		}
		if (why == NULL)
			why = "its server cannot be reached";
	} else if (what & BEV_EVENT_EOF) {
		if (feed_http_end(&f->http) == 0) {
			answered(f);
			return;
		}
		why = f->http.why;
	} else {
		why = "the connection broke";
	}
	report(f, why, false);
}

/* The name that the certificate must be for. */
static SSL *
make_tls(struct feed_fetch *f)
{
	SSL *ssl = f->tls != NULL ? SSL_new(f->tls) : NULL;
	int ok;

	if (ssl == NULL)
		return NULL;
	if (f->url.literal)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
		    f->url.host);
	else
		ok = SSL_set1_host(ssl, f->url.host) &&
		    SSL_set_tlsext_host_name(ssl, f->url.host);
	if (ok)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static struct bufferevent *
make_connection(struct feed_fetch *f, const char **why)
{
	struct bufferevent *bev;
	SSL *ssl;

	*why = "out of memory";
	if (!f->url.tls)
		return bufferevent_socket_new(f->base, -1,
		    BEV_OPT_CLOSE_ON_FREE);
	if (f->tls == NULL)
		*why = "https needs the system's CA certificates";
	if ((ssl = make_tls(f)) == NULL)
		return NULL;
	bev = bufferevent_openssl_socket_new(f->base, -1, ssl,
	    BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL)
		SSL_free(ssl);
	return bev;
}

static void
dial(struct feed_fetch *f)
{
	const struct timeval idle = { FEED_IDLE_SECONDS, 0 };
	struct sockaddr_storage *ss;
	const char *why;

	close_connection(f);
	if ((f->bev = make_connection(f, &why)) == NULL) {
		report(f, why, false);
		return;
	}
	bufferevent_setcb(f->bev, on_read, NULL, on_event, f);
	bufferevent_setwatermark(f->bev, EV_READ, 0, READ_HIGH);
	(void)bufferevent_set_timeouts(f->bev, &idle, &idle);
	(void)bufferevent_enable(f->bev, EV_READ | EV_WRITE);
	ss = &f->addr[f->next++];
	if (bufferevent_socket_connect(f->bev, (struct sockaddr *)ss,
		ss->ss_family == AF_INET ?
		    (int)sizeof(struct sockaddr_in) :
		    (int)sizeof(struct sockaddr_in6)) == -1 &&
	    f->bev != NULL)
		later(f,
		    f->next < f->naddrs ? NULL :
					  "its server cannot be reached");
}

static int
fill(struct feed_fetch *f, const struct feed_fetch_ask *ask)
{
	static const struct timeval all = { FEED_ALL_SECONDS, 0 };
	size_t e = strlen(ask->etag), d = strlen(ask->date);

	errno = EINVAL;
	if (feed_url_parse(ask->url, &f->url) == -1 || e >= FEED_ETAG_MAX ||
	    d >= FEED_DATE_MAX)
		return -1;
	memcpy(f->etag, ask->etag, e);
	memcpy(f->date, ask->date, d);
	f->base = ask->base;
	f->resolver = *ask->resolver;
	f->format = ask->format;
	f->body_max = ask->body_max != 0 ? ask->body_max : FEED_BODY_MAX;
	if (ask->tls != NULL && SSL_CTX_up_ref(ask->tls) == 1)
		f->tls = ask->tls;
	errno = ENOMEM;
	f->later = evtimer_new(f->base, on_later, f);
	f->deadline = evtimer_new(f->base, on_deadline, f);
	if (f->later == NULL || f->deadline == NULL)
		return -1;
	return event_add(f->deadline, &all);
}

struct feed_fetch *
feed_fetch_start(const struct feed_fetch_ask *ask, struct feed_set *set,
    feed_fetched_fn *fn, void *arg)
{
	struct feed_fetch *f = calloc(1, sizeof(*f));
	int save;

	if (f == NULL)
		return NULL;
	f->set = set;
	f->fn = fn;
	f->arg = arg;
	if (fill(f, ask) == -1) {
		save = errno;
		feed_fetch_cancel(f);
		errno = save;
		return NULL;
	}
	later(f, NULL);
	return f;
}

/* ---- certificates ---- */

static char *
read_bundle(int fd, size_t *n)
{
	char *buf = malloc(CA_MAX);
	ssize_t got;

	for (*n = 0; buf != NULL && *n < CA_MAX; *n += (size_t)got) {
		got = pread(fd, buf + *n, CA_MAX - *n, (off_t)*n);
		if (got <= 0)
			break;
	}
	return buf;
}

/* How many certificates were taken. */
static unsigned int
add_certs(X509_STORE *store, BIO *bio)
{
	unsigned int n = 0;
	X509 *x;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
	}
	ERR_clear_error();
	return n;
}

SSL_CTX *
feed_tls_new(int fd, const char **why)
{
	SSL_CTX *ctx = NULL;
	BIO *bio = NULL;
	size_t n;
	char *buf = read_bundle(fd, &n);

	*why = "out of memory";
	/* No file of the machine's: this process has none. */
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (buf == NULL || (ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    (bio = BIO_new_mem_buf(buf, (int)n)) == NULL)
		goto fail;
	*why = "the CA bundle holds no certificate";
	if (add_certs(SSL_CTX_get_cert_store(ctx), bio) == 0)
		goto fail;
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	BIO_free(bio);
	free(buf);
	return ctx;
fail:
	BIO_free(bio);
	SSL_CTX_free(ctx);
	free(buf);
	return NULL;
}
