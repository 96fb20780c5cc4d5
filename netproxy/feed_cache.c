/*
 * Feeds on disk, see feed_cache.h.  Runs in netproxy.  Trusts nothing of what
 * it reads: a slot may be torn, cut or another's.  Must never write to the
 * slot that counts: the caller picks the other one.
 */

#include "netproxy/feed_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netproxy/feed_parse.h"

#define MAGIC	 "AGSHFEED"
#define VERSION	 1u
#define STEP	 (256u << 10)
#define BODY_MAX (FEED_SET_BYTES_MAX + 0ull)

struct slot {
	char magic[8];
	uint32_t version;
	uint32_t pad;
	uint64_t body_bytes;
	struct feed_meta meta;
	uint8_t body_sum[SHA256_LEN];
	uint8_t head_sum[SHA256_LEN]; /* of all before it */
};

static void
head_sum(const struct slot *h, uint8_t out[SHA256_LEN])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_update(&s, h, offsetof(struct slot, head_sum));
	sha256_final(&s, out);
}

/* ---- reading ---- */

static int
read_all(int fd, void *p, size_t n, off_t at)
{
	char *b = p;
	ssize_t got;

	while (n > 0) {
		got = pread(fd, b, n, at);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (got == 0)
				errno = EBADMSG;
			return -1;
		}
		b += got;
		n -= (size_t)got;
		at += got;
	}
	return 0;
}

static int
read_head(int fd, struct slot *h)
{
	uint8_t sum[SHA256_LEN];
	ssize_t n = pread(fd, h, sizeof(*h), 0);

	if (n == -1)
		return -1;
	if (n == 0) {
		errno = ENODATA;
		return -1;
	}
	errno = EBADMSG;
	if (n != (ssize_t)sizeof(*h) || memcmp(h->magic, MAGIC, 8) != 0 ||
	    h->version != VERSION || h->body_bytes > BODY_MAX)
		return -1;
	head_sum(h, sum);
	if (memcmp(sum, h->head_sum, sizeof(sum)) != 0)
		return -1;
	h->meta.etag[FEED_ETAG_MAX - 1] = '\0';
	h->meta.date[FEED_DATE_MAX - 1] = '\0';
	return 0;
}

static int
take(const char *name, size_t len, void *arg)
{
	return feed_set_add(arg, name, len);
}

static int
read_body(int fd, const struct slot *h, char *buf, struct feed_set *set)
{
	struct feed_parse *p = malloc(sizeof(*p));
	uint8_t sum[SHA256_LEN];
	struct sha256 s;
	uint64_t at, n;
	int rv = -1;

	if (p == NULL)
		return -1;
	feed_parse_init(p, FEED_DOMAINS, take, set);
	sha256_init(&s);
	for (at = 0; at < h->body_bytes; at += n) {
		n = h->body_bytes - at < STEP ? h->body_bytes - at : STEP;
		if (read_all(fd, buf, n, (off_t)(sizeof(*h) + at)) == -1)
			goto out;
		sha256_update(&s, buf, n);
		if (feed_parse_chunk(p, buf, n) != 0)
			goto out;
	}
	sha256_final(&s, sum);
	errno = EBADMSG;
	if (feed_parse_end(p) != 0 || p->counts.names != h->meta.names ||
	    p->counts.junk != 0 || memcmp(sum, h->body_sum, sizeof(sum)) != 0)
		goto out;
	rv = 0;
out:
	free(p);
	return rv;
}

/* The header of a slot of this source. */
static int
read_source(int fd, const uint8_t source[SHA256_LEN], struct slot *h)
{
	if (read_head(fd, h) == -1)
		return -1;
	if (memcmp(h->meta.source, source, SHA256_LEN) == 0)
		return 0;
	errno = ESTALE;
	return -1;
}

int
feed_cache_peek(int fd, const uint8_t source[SHA256_LEN],
    struct feed_meta *meta)
{
	struct slot h;

	if (read_source(fd, source, &h) == -1)
		return -1;
	*meta = h.meta;
	return 0;
}

int
feed_cache_read(int fd, const uint8_t source[SHA256_LEN],
    struct feed_meta *meta, struct feed_set *set)
{
	struct slot h;
	char *buf;
	int rv, save;

	if (read_source(fd, source, &h) == -1)
		return -1;
	if ((buf = malloc(STEP)) == NULL)
		return -1;
	rv = read_body(fd, &h, buf, set);
	if (rv == 0 && feed_set_index(set, UINT32_MAX) != 1)
		rv = -1;
	save = errno;
	free(buf);
	if (rv == -1)
		feed_set_clear(set);
	else
		*meta = h.meta;
	errno = save;
	return rv;
}

/* ---- writing ---- */

int
feed_cache_begin(struct feed_cache_write *w, int fd,
    const struct feed_meta *meta, const struct feed_set *set)
{
	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->set = set;
	w->meta = *meta;
	w->meta.names = set->nnames;
	sha256_init(&w->sum);
	return ftruncate(fd, 0);
}

static int
write_all(int fd, const void *p, size_t n, off_t at)
{
	const char *b = p;
	ssize_t put;

	while (n > 0) {
		put = pwrite(fd, b, n, at);
		if (put == -1 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		b += put;
		n -= (size_t)put;
		at += put;
	}
	return 0;
}

/* The header last: without it the slot is not sound. */
static int
seal(struct feed_cache_write *w)
{
	struct slot h;

	memset(&h, 0, sizeof(h));
	memcpy(h.magic, MAGIC, 8);
	h.version = VERSION;
	h.body_bytes = w->body_bytes;
	h.meta = w->meta;
	sha256_final(&w->sum, h.body_sum);
	head_sum(&h, h.head_sum);
	return write_all(w->fd, &h, sizeof(h), 0) == -1 ? -1 : 1;
}

int
feed_cache_step(struct feed_cache_write *w)
{
	char *buf = malloc(STEP);
	const char *name;
	size_t n = 0, len;
	int rv = 0;

	if (buf == NULL)
		return -1;
	while (n + 256 < STEP &&
	    (name = feed_set_next(w->set, &w->pos, &len)) != NULL) {
		memcpy(buf + n, name, len);
		n += len;
		buf[n++] = '\n';
	}
	if (n > 0) {
		sha256_update(&w->sum, buf, n);
		rv = write_all(w->fd, buf, n,
		    (off_t)(sizeof(struct slot) + w->body_bytes));
		w->body_bytes += n;
	} else {
		rv = seal(w);
	}
	free(buf);
	return rv;
}
