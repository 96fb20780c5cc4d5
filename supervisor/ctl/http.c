/*
 * HTTP client of agentsh and agentshctl.  Runs as the user; reads what control
 * answers, which is trusted to be ours but not to be well-formed: anything with
 * two readings is refused.  Must never follow a redirect or speak to another
 * host.
 */

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "supervisor/ctl/http.h"

/* What the fields of one head said. */
struct fields {
	bool have_length, have_coding, close;
	uint64_t length;
};

static int
parse_digits(const char *p, size_t len, uint64_t *n)
{
	uint64_t v = 0;
	size_t i;

	if (len == 0 || len > 18)
		return -1;
	for (i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*n = v;
	return 0;
}

static void
copy_text(char *dst, size_t size, const char *p, size_t len)
{
	size_t i;

	if (len >= size)
		len = size - 1;
	for (i = 0; i < len; i++)
		dst[i] = p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '?';
	dst[len] = '\0';
}

/* "HTTP/1.1 200 OK" */
static int
parse_status(struct http_head *h, const char *p, size_t len)
{
	if (len < 12 || memcmp(p, "HTTP/1.", 7) != 0 ||
	    (p[7] != '0' && p[7] != '1') || p[8] != ' ')
		return -1;
	if (p[9] < '1' || p[9] > '5' || p[10] < '0' || p[10] > '9' ||
	    p[11] < '0' || p[11] > '9' || (len > 12 && p[12] != ' '))
		return -1;
	h->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
	copy_text(h->reason, sizeof(h->reason), len > 13 ? p + 13 : "",
	    len > 13 ? len - 13 : 0);
	return 0;
}

static bool
is_name(const char *p, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(p, name, len) == 0;
}

static int
parse_field(struct http_head *h, struct fields *f, const char *p, size_t len)
{
	const char *colon = memchr(p, ':', len), *v;
	size_t nlen, vlen;

	if (colon == NULL || colon == p)
		return -1;
	nlen = (size_t)(colon - p);
	if (memchr(p, ' ', nlen) != NULL || memchr(p, '\t', nlen) != NULL)
		return -1; /* folded, or a blank before the colon */
	for (v = colon + 1; v < p + len && (*v == ' ' || *v == '\t'); v++)
		;
	vlen = (size_t)(p + len - v);
	while (vlen > 0 && (v[vlen - 1] == ' ' || v[vlen - 1] == '\t'))
		vlen--;
	if (is_name(p, nlen, "content-length")) {
		if (f->have_length || parse_digits(v, vlen, &f->length) == -1)
			return -1;
		f->have_length = true;
	} else if (is_name(p, nlen, "transfer-encoding")) {
		if (f->have_coding || !is_name(v, vlen, "chunked"))
			return -1;
		f->have_coding = true;
	} else if (is_name(p, nlen, "content-type"))
		copy_text(h->type, sizeof(h->type), v, vlen);
	return 0;
}

static int
choose_framing(struct http_head *h, const struct fields *f)
{
	if (f->have_length && f->have_coding)
		return -1;
	if (h->status < 200 || h->status == 204 || h->status == 304)
		h->framing = HTTP_NO_BODY;
	else if (f->have_coding)
		h->framing = HTTP_CHUNKED;
	else if (f->have_length)
		h->framing = HTTP_LENGTH;
	else
		h->framing = HTTP_UNTIL_CLOSE;
	h->length = f->length;
	return 0;
}

int
http_head_parse(struct http_head *h, const char *p, size_t len)
{
	struct fields f = { .length = 0 };
	const char *end = p + len, *eol;
	size_t n, line = 0;

	memset(h, 0, sizeof(*h));
	while (p < end) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL || eol == p || eol[-1] != '\r')
			return -1;
		n = (size_t)(eol - p) - 1;
		if (memchr(p, '\r', n) != NULL || memchr(p, '\0', n) != NULL)
			return -1;
		if (n == 0)
			return line > 0 && eol + 1 == end ?
			    choose_framing(h, &f) :
			    -1;
		if ((line++ == 0 ? parse_status(h, p, n) :
				   parse_field(h, &f, p, n)) == -1)
			return -1;
		p = eol + 1;
	}
	return -1;
}

void
http_attach(struct http *h, int fd)
{
	memset(h, 0, sizeof(*h));
	h->fd = fd;
	h->ended = true;
}

int
http_open(struct http *h, const char *path, int timeout_ms)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000L };

	http_attach(h, -1);
	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sun.sun_path, path);
	h->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (h->fd == -1)
		return -1;
	if (timeout_ms > 0 &&
	    (setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
		setsockopt(h->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv))))
		return -1;
	return connect(h->fd, (struct sockaddr *)&sun, sizeof(sun));
}

void
http_close(struct http *h)
{
	if (h->fd != -1)
		close(h->fd);
	h->fd = -1;
}

static int
send_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* More bytes into the buffer: their number, 0 at end of file, -1. */
static ssize_t
fill(struct http *h)
{
	ssize_t n;

	if (h->off > 0) {
		memmove(h->buf, h->buf + h->off, h->len - h->off);
		h->len -= h->off;
		h->off = 0;
	}
	if (h->len == sizeof(h->buf)) {
		errno = EPROTO;
		return -1;
	}
	do {
		n = recv(h->fd, h->buf + h->len, sizeof(h->buf) - h->len, 0);
	} while (n == -1 && errno == EINTR);
	if (n > 0)
		h->len += (size_t)n;
	return n;
}

static int
fail_proto(struct http *h)
{
	h->broken = true;
	errno = EPROTO;
	return -1;
}

static int
read_head(struct http *h)
{
	const char *end;
	size_t len;
	ssize_t n;

	while ((end = memmem(h->buf + h->off, h->len - h->off, "\r\n\r\n",
		    4)) == NULL) {
		if ((n = fill(h)) == -1)
			return -1;
		if (n == 0)
			return fail_proto(h);
	}
	len = (size_t)(end - (h->buf + h->off)) + 4;
	if (http_head_parse(&h->head, h->buf + h->off, len) == -1)
		return fail_proto(h);
	h->off += len;
	return 0;
}

int
http_ask(struct http *h, const char *method, const char *target,
    const char *fields, const char *body, size_t len)
{
	char head[4096], length[64] = "";
	int n;

	if (h->broken || !h->ended)
		return fail_proto(h);
	if (body != NULL)
		snprintf(length, sizeof(length),
		    "Content-Type: application/json\r\n"
		    "Content-Length: %zu\r\n",
		    len);
	n = snprintf(head, sizeof(head),
	    "%s %s HTTP/1.1\r\nHost: agentsh\r\n%s%s\r\n", method, target,
	    fields, length);
	if (n < 0 || (size_t)n >= sizeof(head)) {
		errno = EMSGSIZE;
		return -1;
	}
	/* The answer may be there although sending failed: read it first. */
	if (send_all(h->fd, head, (size_t)n) == -1 ||
	    (body != NULL && send_all(h->fd, body, len) == -1)) {
		if (errno != EPIPE && errno != ECONNRESET)
			return -1;
	}
	do {
		if (read_head(h) == -1)
			return -1;
	} while (h->head.status < 200);
	h->left = h->head.framing == HTTP_LENGTH ? h->head.length : 0;
	h->ended = h->head.framing == HTTP_NO_BODY ||
	    (h->head.framing == HTTP_LENGTH && h->left == 0);
	return 0;
}

/* A line that ends in CRLF, at most 255 bytes, without it.  0 or -1. */
static int
read_line(struct http *h, char *line, size_t size)
{
	const char *p, *eol;
	size_t len;
	ssize_t n;

	while ((eol = memchr(h->buf + h->off, '\n', h->len - h->off)) == NULL) {
		if (h->len - h->off >= size)
			return fail_proto(h);
		if ((n = fill(h)) == -1)
			return -1;
		if (n == 0)
			return fail_proto(h);
	}
	p = h->buf + h->off;
	len = (size_t)(eol - p);
	if (len == 0 || p[len - 1] != '\r' || len > size)
		return fail_proto(h);
	memcpy(line, p, len - 1);
	line[len - 1] = '\0';
	h->off += len + 1;
	return 0;
}

static int
hex_parse(const char *s, uint64_t *n)
{
	size_t len = strspn(s, "0123456789abcdefABCDEF");

	if (len == 0 || len > 8 || (s[len] != '\0' && s[len] != ';'))
		return -1;
	*n = strtoull(s, NULL, 16);
	return 0;
}

/* Behind the last chunk: trailers up to an empty line. */
static int
end_chunks(struct http *h)
{
	char line[256];
	int lines;

	for (lines = 0; lines < 16; lines++) {
		if (read_line(h, line, sizeof(line)) == -1)
			return -1;
		if (line[0] == '\0') {
			h->ended = true;
			return 0;
		}
	}
	return fail_proto(h);
}

static int
next_chunk(struct http *h)
{
	char line[256];

	if (read_line(h, line, sizeof(line)) == -1)
		return -1;
	if (hex_parse(line, &h->left) == -1)
		return fail_proto(h);
	return h->left == 0 ? end_chunks(h) : 0;
}

static int
end_chunk(struct http *h)
{
	char line[3];

	if (read_line(h, line, sizeof(line)) == -1)
		return -1;
	return line[0] == '\0' ? 0 : fail_proto(h);
}

/* The body has come to a border: what is left of it after n more bytes. */
static int
consume(struct http *h, size_t n)
{
	h->off += n;
	if (h->head.framing == HTTP_UNTIL_CLOSE)
		return 0;
	h->left -= n;
	if (h->left > 0)
		return 0;
	if (h->head.framing == HTTP_CHUNKED)
		return end_chunk(h);
	h->ended = true;
	return 0;
}

ssize_t
http_read(struct http *h, char *buf, size_t size)
{
	ssize_t n;
	size_t have;

	if (h->broken)
		return fail_proto(h);
	if (!h->ended && h->head.framing == HTTP_CHUNKED && h->left == 0 &&
	    next_chunk(h) == -1)
		return -1;
	if (h->ended)
		return 0;
	if (h->off == h->len) {
		if ((n = fill(h)) == -1)
			return -1;
		if (n == 0 && h->head.framing != HTTP_UNTIL_CLOSE)
			return fail_proto(h);
		if (n == 0) {
			h->ended = h->broken = true;
			return 0;
		}
	}
	have = h->len - h->off;
	if (have > size)
		have = size;
	if (h->head.framing != HTTP_UNTIL_CLOSE && have > h->left)
		have = h->left;
	memcpy(buf, h->buf + h->off, have);
	return consume(h, have) == -1 ? -1 : (ssize_t)have;
}

char *
http_body(struct http *h, size_t *len)
{
	char *buf = NULL, *p;
	size_t size = 0, n = 0;
	ssize_t got;

	for (;;) {
		if (n + 1 >= size) {
			size = size == 0 ? 8192 : size * 2;
			if (size > 2 * (size_t)HTTP_BODY_MAX) {
				errno = EFBIG;
				break;
			}
			if ((p = realloc(buf, size)) == NULL)
				break;
			buf = p;
		}
		if ((got = http_read(h, buf + n, size - n - 1)) == -1)
			break;
		n += (size_t)got;
		if (got == 0) {
			buf[n] = '\0';
			*len = n;
			return buf;
		}
	}
	free(buf);
	return NULL;
}
