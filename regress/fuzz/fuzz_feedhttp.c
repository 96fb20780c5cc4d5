/*
 * What a feed's server may send: in one piece and in pieces it is understood
 * the same, the body is never longer than it may be, what is kept of the head
 * is printable; and its Location is a URL that reads back as itself.
 * The input: a size of pieces, the answer.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netproxy/feed_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 64u

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

struct body {
	char bytes[BODY_MAX];
	size_t n;
};

static int
on_body(const char *bytes, size_t n, void *arg)
{
	struct body *b = arg;

	must(n > 0 && n <= BODY_MAX - b->n);
	memcpy(b->bytes + b->n, bytes, n);
	b->n += n;
	return 0;
}

static void
printable(const char *s, size_t size)
{
	size_t i;

	must(memchr(s, '\0', size) != NULL);
	for (i = 0; s[i] != '\0'; i++)
		must(s[i] >= ' ' && s[i] < 0x7f);
}

static void
answer(struct feed_http *h, struct body *b, const uint8_t *p, size_t n,
    size_t step)
{
	size_t i, len;
	char *piece;

	b->n = 0;
	feed_http_init(h, BODY_MAX, on_body, b);
	for (i = 0; i < n; i += len) {
		len = n - i < step ? n - i : step;
		must((piece = malloc(len)) != NULL);
		memcpy(piece, p + i, len);
		(void)feed_http_chunk(h, piece, len);
		free(piece);
	}
	must(feed_http_end(h) == (h->state == FH_DONE ? 0 : -1));
	must(h->state == FH_DONE || (h->state == FH_BAD && h->why[0] != '\0'));
	printable(h->etag, sizeof(h->etag));
	printable(h->date, sizeof(h->date));
	printable(h->location, sizeof(h->location));
}

static void
follow(const char *location)
{
	char req[2 * FEED_URL_MAX];
	struct feed_url from, to;
	size_t n;

	must(feed_url_parse("https://feeds.test/list", &from) == 0);
	if (feed_url_resolve(&from, location, &to) == -1)
		return;
	must(to.host[0] != '\0' && to.port != 0 && to.target[0] == '/');
	n = feed_http_request(&to, "", "", req, sizeof(req));
	must(n > 0 && memcmp(req + n - 4, "\r\n\r\n", 4) == 0);
	must(memmem(req, n - 4, "\r\n\r\n", 4) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct feed_http one, many;
	static struct body whole, parts;

	if (size == 0)
		return 0;
	answer(&one, &whole, data + 1, size - 1, size);
	answer(&many, &parts, data + 1, size - 1, data[0] % 32 + 1u);
	must(one.state == many.state && one.status == many.status);
	must(strcmp(one.why, many.why) == 0);
	if (one.state == FH_DONE) {
		must(whole.n == parts.n);
		must(memcmp(whole.bytes, parts.bytes, whole.n) == 0);
	}
	follow(one.location);
	return 0;
}
