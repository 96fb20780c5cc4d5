/*
 * One GET and its response, see feed_http.h.  Runs in netproxy on what a
 * feed's server sends.  Line by line; a line that is not understood ends it.
 */

#include "netproxy/feed_http.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

/* ---- URLs ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
parse_port(const char *s, size_t n, uint16_t *port)
{
	uint32_t v = 0;
	size_t i;

	if (n == 0 || n > 5)
		return -1;
	for (i = 0; i < n; i++) {
		if (!is_digit(s[i]))
			return -1;
		v = v * 10 + (uint32_t)(s[i] - '0');
	}
	if (v == 0 || v > 65535)
		return -1;
	*port = (uint16_t)v;
	return 0;
}

static bool
is_address(const char *host)
{
	unsigned char a[16];

	return inet_pton(AF_INET, host, a) == 1 ||
	    inet_pton(AF_INET6, host, a) == 1;
}

static int
copy_host(struct feed_url *u, const char *s, size_t n)
{
	size_t i;

	if (n == 0 || n >= sizeof(u->host))
		return -1;
	for (i = 0; i < n; i++) {
		char c = s[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-' &&
		    c != '.' && c != '_' && c != ':')
			return -1;
		u->host[i] = c;
	}
	u->host[n] = '\0';
	u->literal = is_address(u->host);
	return 0;
}

/* host, host:port, [v6] or [v6]:port */
static int
parse_authority(struct feed_url *u, const char *s, size_t n)
{
	const char *end, *colon;

	u->port = u->tls ? 443 : 80;
	if (n > 0 && s[0] == '[') {
		if ((end = memchr(s, ']', n)) == NULL ||
		    copy_host(u, s + 1, (size_t)(end - s - 1)) == -1 ||
		    !u->literal || strchr(u->host, ':') == NULL)
			return -1;
		n -= (size_t)(end + 1 - s);
		s = end + 1;
		if (n == 0)
			return 0;
		return s[0] == ':' ? parse_port(s + 1, n - 1, &u->port) : -1;
	}
	if ((colon = memchr(s, ':', n)) == NULL)
		return copy_host(u, s, n);
	if (parse_port(colon + 1, n - (size_t)(colon + 1 - s), &u->port) == -1)
		return -1;
	return copy_host(u, s, (size_t)(colon - s));
}

int
feed_url_parse(const char *s, struct feed_url *u)
{
	size_t i, n = strlen(s), host;

	memset(u, 0, sizeof(*u));
	if (n >= FEED_URL_MAX)
		return -1;
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || strchr("#\"<>\\^`{|}", s[i]))
			return -1;
	if (strncasecmp(s, "https://", 8) == 0)
		u->tls = true;
	else if (strncasecmp(s, "http://", 7) != 0)
		return -1;
	s += u->tls ? 8 : 7;
	host = strcspn(s, "/?");
	if (memchr(s, '@', host) != NULL || parse_authority(u, s, host) == -1)
		return -1;
	snprintf(u->target, sizeof(u->target), "%s%s",
	    s[host] == '/' ? "" : "/", s + host);
	return 0;
}

int
feed_url_resolve(const struct feed_url *from, const char *location,
    struct feed_url *to)
{
	char url[FEED_URL_MAX];
	int n;

	if (location[0] != '/' || location[1] == '/')
		return feed_url_parse(location, to);
	n = snprintf(url, sizeof(url),
	    strchr(from->host, ':') != NULL ? "%s://[%s]:%u%s" : "%s://%s:%u%s",
	    from->tls ? "https" : "http", from->host, from->port, location);
	if (n < 0 || (size_t)n >= sizeof(url))
		return -1;
	return feed_url_parse(url, to);
}

size_t
feed_http_request(const struct feed_url *u, const char *etag, const char *date,
    char *buf, size_t size)
{
	bool v6 = strchr(u->host, ':') != NULL;
	char port[8] = "";
	int n;

	if (u->port != (u->tls ? 443 : 80))
		snprintf(port, sizeof(port), ":%u", u->port);
	n = snprintf(buf, size,
	    "GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\n"
	    "User-Agent: agentsh/%s\r\nAccept: text/plain, */*;q=0.5\r\n"
	    "Accept-Encoding: identity\r\nConnection: close\r\n"
	    "%s%s%s%s%s%s\r\n",
	    u->target, v6 ? "[" : "", u->host, v6 ? "]" : "", port,
	    AGENTSH_VERSION, etag[0] ? "If-None-Match: " : "", etag,
	    etag[0] ? "\r\n" : "", date[0] ? "If-Modified-Since: " : "", date,
	    date[0] ? "\r\n" : "");
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

/* ---- the response ---- */

void
feed_http_init(struct feed_http *h, uint64_t body_max, feed_body_fn *fn,
    void *arg)
{
	memset(h, 0, sizeof(*h));
	h->why = "";
	h->body_max = body_max;
	h->fn = fn;
	h->arg = arg;
}

static int
bad(struct feed_http *h, const char *why)
{
	h->state = FH_BAD;
	h->why = why;
	return -1;
}

/* A value that is printable and fits, or nothing. */
static int
take_value(const char *s, char *out, size_t size)
{
	size_t i, n = strlen(s);

	if (n >= size)
		return -1;
	for (i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] >= 0x7f)
			return -1;
	memcpy(out, s, n + 1);
	return 0;
}

static int
got_length(struct feed_http *h, const char *v)
{
	uint64_t n = 0;
	const char *p;

	if (h->has_length)
		return bad(h, "two Content-Length fields");
	for (p = v; is_digit(*p) && p - v < 18; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (p == v || *p != '\0')
		return bad(h, "a Content-Length that is no number");
	h->has_length = true;
	h->left = n;
	return 0;
}

static int
got_transfer(struct feed_http *h, const char *v)
{
	if (h->chunked || strcasecmp(v, "chunked") != 0)
		return bad(h, "a Transfer-Encoding that is not just chunked");
	h->chunked = true;
	return 0;
}

static int
got_encoding(struct feed_http *h, const char *v)
{
	if (strcasecmp(v, "identity") != 0)
		h->coded = true;
	return 0;
}

static int
got_type(struct feed_http *h, const char *v)
{
	h->html = strncasecmp(v, "text/html", 9) == 0 ||
	    strncasecmp(v, "application/xhtml", 17) == 0;
	return 0;
}

/* What cannot be kept of these is as if it had not come. */
static int
got_etag(struct feed_http *h, const char *v)
{
	(void)take_value(v, h->etag, sizeof(h->etag));
	return 0;
}

static int
got_date(struct feed_http *h, const char *v)
{
	(void)take_value(v, h->date, sizeof(h->date));
	return 0;
}

static int
got_location(struct feed_http *h, const char *v)
{
	(void)take_value(v, h->location, sizeof(h->location));
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(struct feed_http *, const char *);
} field_tab[] = {
	{ "content-length", got_length },
	{ "transfer-encoding", got_transfer },
	{ "content-encoding", got_encoding },
	{ "content-type", got_type },
	{ "etag", got_etag },
	{ "last-modified", got_date },
	{ "location", got_location },
};

static bool
is_token(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?={}", s[i]) != NULL)
			return false;
	return n > 0;
}

static int
field(struct feed_http *h, char *line)
{
	char *colon = strchr(line, ':'), *v, *end;
	size_t i;

	if (colon == NULL || !is_token(line, (size_t)(colon - line)))
		return bad(h, "a header field that is none");
	*colon = '\0';
	v = colon + 1 + strspn(colon + 1, " \t");
	for (end = v + strlen(v);
	     end > v && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	for (i = 0; i < sizeof(field_tab) / sizeof(field_tab[0]); i++)
		if (strcasecmp(line, field_tab[i].name) == 0)
			return field_tab[i].fn(h, v);
	return 0;
}

/* "HTTP/1.1 200 OK" */
static int
status_line(struct feed_http *h, const char *s)
{
	if (strncmp(s, "HTTP/1.", 7) != 0 || !is_digit(s[7]) || s[8] != ' ' ||
	    !is_digit(s[9]) || !is_digit(s[10]) || !is_digit(s[11]) ||
	    (s[12] != ' ' && s[12] != '\0'))
		return bad(h, "the answer is not HTTP");
	h->status = (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0');
	if (h->status < 100 || h->status == 101)
		return bad(h, "a status that nobody asked for");
	return 0;
}

/* Each costs us more than the server. */
static int
early(struct feed_http *h)
{
	unsigned int n = h->early + 1;

	if (n > FEED_EARLY_MAX)
		return bad(h, "too many answers before the answer");
	feed_http_init(h, h->body_max, h->fn, h->arg);
	h->early = n;
	return 0;
}

/* Past the head: how does the body end? */
static int
head_end(struct feed_http *h)
{
	if (h->status < 200) /* 100, 103: the real one follows */
		return early(h);
	if (h->chunked && h->has_length)
		return bad(h, "both a length and chunks");
	if (h->status == 204 || h->status == 304)
		h->state = FH_DONE;
	else if (h->status == 200 && h->coded)
		return bad(h, "a compressed body that nobody asked for");
	else if (h->has_length && h->left > h->body_max)
		return bad(h, "larger than a feed may be");
	else if (h->has_length)
		h->state = h->left > 0 ? FH_LENGTH : FH_DONE;
	else
		h->state = h->chunked ? FH_SIZE : FH_EOF;
	return 0;
}

static int
hex_of(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* HEX[;extension] */
static int
size_line(struct feed_http *h, const char *s)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < 8 && hex_of(s[i]) != -1; i++)
		n = n << 4 | (uint64_t)hex_of(s[i]);
	if (i == 0 || (s[i] != '\0' && s[i] != ';'))
		return bad(h, "a chunk without a size");
	if (n > h->body_max - h->body_bytes)
		return bad(h, "larger than a feed may be");
	h->left = n;
	h->state = n > 0 ? FH_CHUNK : FH_TRAILER;
	return 0;
}

static int
head_line(struct feed_http *h, char *s)
{
	if (h->status == 0)
		return status_line(h, s);
	return s[0] == '\0' ? head_end(h) : field(h, s);
}

static int
line(struct feed_http *h, char *s)
{
	if (h->state == FH_HEAD)
		return head_line(h, s);
	if (h->state == FH_SIZE)
		return size_line(h, s);
	if (h->state == FH_CRLF) {
		h->state = FH_SIZE;
		return s[0] == '\0' ? 0 : bad(h, "a chunk that does not end");
	}
	if (s[0] == '\0') /* FH_TRAILER */
		h->state = FH_DONE;
	return 0;
}

/* Bytes of a line; how many were used, or -1. */
static ssize_t
line_bytes(struct feed_http *h, const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);
	size_t len = lf != NULL ? (size_t)(lf - p) : n;

	h->head_bytes += len;
	if (h->state == FH_CRLF || h->state == FH_SIZE)
		h->head_bytes = 0; /* as many chunks as the body may have */
	if (h->fill + len >= sizeof(h->line) || h->head_bytes > FEED_HEAD_MAX)
		return bad(h, "a head that is too long");
	memcpy(h->line + h->fill, p, len);
	h->fill += len;
	if (lf == NULL)
		return (ssize_t)n;
	if (h->fill == 0 || h->line[h->fill - 1] != '\r')
		return bad(h, "a line that ends in LF alone");
	h->line[--h->fill] = '\0';
	if (strlen(h->line) != h->fill || strchr(h->line, '\r') != NULL)
		return bad(h, "a control character in a head");
	h->fill = 0;
	return line(h, h->line) == -1 ? -1 : (ssize_t)len + 1;
}

static ssize_t
body_bytes(struct feed_http *h, const char *p, size_t n)
{
	if (h->state != FH_EOF && n > h->left)
		n = (size_t)h->left;
	if (n > h->body_max - h->body_bytes)
		return bad(h, "larger than a feed may be");
	h->body_bytes += n;
	if (h->status == 200 && h->fn(p, n, h->arg) != 0)
		return bad(h, "more names than a feed may have");
	if (h->state == FH_EOF)
		return (ssize_t)n;
	h->left -= n;
	if (h->left == 0)
		h->state = h->state == FH_CHUNK ? FH_CRLF : FH_DONE;
	return (ssize_t)n;
}

int
feed_http_chunk(struct feed_http *h, const char *p, size_t n)
{
	ssize_t used;

	while (n > 0 && h->state != FH_DONE) {
		if (h->state == FH_BAD)
			return -1;
		if (h->state == FH_LENGTH || h->state == FH_EOF ||
		    h->state == FH_CHUNK)
			used = body_bytes(h, p, n);
		else
			used = line_bytes(h, p, n);
		if (used == -1)
			return -1;
		p += used;
		n -= (size_t)used;
	}
	return h->state == FH_BAD ? -1 : 0;
}

int
feed_http_end(struct feed_http *h)
{
	if (h->state == FH_EOF)
		h->state = FH_DONE;
	if (h->state == FH_DONE)
		return 0;
	return h->state == FH_BAD ?
	    -1 :
	    bad(h, "the connection ended before the answer");
}
