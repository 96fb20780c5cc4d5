/*
 * What a threat feed costs: 1,000,000 generated names as a list of domains
 * and as a hosts file, parsed and indexed; bytes an entry; a question for a
 * name that is not there, its parents asked too.  In processor time.
 */

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "netproxy/feed_parse.h"
#include "netproxy/feed_set.h"

#define NAMES 1000000u
#define ASKED 2000000u

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* A name as feeds have them: 20 bytes on average, a subdomain in every third. */
static int
make_name(uint64_t *x, char *buf, size_t size)
{
	static const char abc[] = "abcdefghijklmnopqrstuvwxyz0123456789-abc";
	uint64_t r = next(x), n = 6 + r % 16, i;
	char label[32];

	for (i = 0; i < n; i++)
		label[i] = abc[next(x) % 40];
	label[0] = label[n - 1] = 'x';
	label[n] = '\0';
	return snprintf(buf, size, "%s%s.%s", r % 3 == 0 ? "www." : "", label,
	    r % 2 == 0 ? "test" : "example");
}

static int
add(const char *name, size_t len, void *arg)
{
	return feed_set_add(arg, name, len);
}

static void
load(const char *what, enum feed_format f, const char *text, size_t n,
    struct feed_set *s, const struct siphash_key *k)
{
	static struct feed_parse p;
	size_t i, step = 65536;
	double t = now();

	feed_set_init(s, k);
	feed_parse_init(&p, f, add, s);
	for (i = 0; i < n; i += step)
		if (feed_parse_chunk(&p, text + i, n - i < step ? n - i : step))
			exit(1);
	if (feed_parse_end(&p) != 0)
		exit(1);
	while (feed_set_index(s, 10000) == 0)
		;
	printf("feed %-11s %u names  load %.3f s  %.1f bytes each\n", what,
	    s->nnames, now() - t, (double)feed_set_memory(s) / s->nnames);
}

static uint32_t
ask(const struct feed_set *s, const char *name, size_t n)
{
	const char *dot;

	for (;;) {
		if (feed_set_has(s, siphash(&s->key, name, n), name, n))
			return 1;
		dot = memchr(name, '.', n);
		if (dot == NULL)
			return 0;
		n -= (size_t)(dot + 1 - name);
		name = dot + 1;
		if (memchr(name, '.', n) == NULL)
			return 0;
	}
}

static void
lookups(const struct feed_set *s)
{
	static char name[4096][64];
	uint64_t x = 99;
	uint32_t i, hits = 0;
	double t;

	for (i = 0; i < 4096; i++) {
		memcpy(name[i], "a.b.", 4);
		make_name(&x, name[i] + 4, sizeof(name[i]) - 4);
	}
	t = now();
	for (i = 0; i < ASKED; i++)
		hits += ask(s, name[i % 4096], strlen(name[i % 4096]));
	printf("feed lookup      %.0f ns (3 to 4 labels asked, %u hits)\n",
	    (now() - t) * 1e9 / ASKED, hits);
}

int
main(void)
{
	char *text = malloc(NAMES * 48u), *hosts = malloc(NAMES * 56u);
	struct feed_set a, b;
	struct siphash_key k;
	size_t n = 0, h = 0;
	uint64_t x = 42;
	uint32_t i;

	if (text == NULL || hosts == NULL || siphash_key_make(&k) == -1)
		return 1;
	for (i = 0; i < NAMES; i++) {
		int len = make_name(&x, text + n, 48);

		h += (size_t)sprintf(hosts + h, "0.0.0.0 %.*s\n", len,
		    text + n);
		n += (size_t)len;
		text[n++] = '\n';
	}
	load("domain-list", FEED_DOMAINS, text, n, &a, &k);
	load("hostfile", FEED_HOSTFILE, hosts, h, &b, &k);
	lookups(&a);
	feed_set_clear(&a);
	feed_set_clear(&b);
	free(text);
	free(hosts);
	return 0;
}
