/*
 * Feed texts of any bytes: in one piece and in pieces they give the same
 * names, each name cleans to itself, and a set of them holds them and no
 * others.  The input: a format, a size of pieces, the text.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netproxy/feed_parse.h"
#include "netproxy/feed_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

static int
add(const char *name, size_t len, void *arg)
{
	char again[FEED_NAME_MAX];

	must(len >= 3 && len <= FEED_NAME_MAX);
	must(feed_name_clean(name, len, again) == len);
	must(memcmp(again, name, len) == 0);
	must(feed_set_add(arg, name, len) == 0);
	return 0;
}

static struct feed_counts
parse(enum feed_format f, const char *text, size_t n, size_t step,
    struct feed_set *s)
{
	static struct feed_parse p;
	char *piece;
	size_t i, len;

	feed_parse_init(&p, f, add, s);
	for (i = 0; i < n; i += step) {
		len = n - i < step ? n - i : step;
		must((piece = malloc(len)) != NULL);
		memcpy(piece, text + i, len);
		must(feed_parse_chunk(&p, piece, len) == 0);
		free(piece);
	}
	must(feed_parse_end(&p) == 0);
	must(p.counts.bytes == n);
	must(p.counts.junk <= p.counts.lines);
	return p.counts;
}

static void
same(const struct feed_set *a, const struct feed_set *b)
{
	const char *name;
	size_t pos = 0, len;
	uint32_t n = 0;

	while ((name = feed_set_next(a, &pos, &len)) != NULL) {
		must(feed_set_has(b, siphash(&b->key, name, len), name, len));
		must(!feed_set_has(b, siphash(&b->key, name, len - 1), name,
			 len - 1) ||
		    name[len - 1] != '\0');
		n++;
	}
	must(n == a->nnames && n == b->nnames);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct siphash_key k1 = { { 1, 2 } }, k2 = { { 3, 4 } };
	const char *text = (const char *)data + 2;
	struct feed_counts c1, c2;
	struct feed_set a, b;
	enum feed_format f;
	int rv;

	if (size < 2)
		return 0;
	size -= 2;
	f = (enum feed_format)(data[0] % FEED_FORMAT_MAX);
	feed_set_init(&a, &k1);
	feed_set_init(&b, &k2);
	c1 = parse(f, text, size, size + 1, &a);
	c2 = parse(f, text, size, data[1] % 64 + 1u, &b);
	must(memcmp(&c1, &c2, sizeof(c1)) == 0);
	must(feed_set_index(&a, UINT32_MAX) == 1);
	while ((rv = feed_set_index(&b, 3)) == 0)
		;
	must(rv == 1);
	same(&a, &b);
	feed_set_clear(&a);
	feed_set_clear(&b);
	return 0;
}
