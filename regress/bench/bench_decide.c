/*
 * What one decision costs: image_file and image_command under a deployment's
 * policy, p50 and p99 of single calls, the clock's own cost subtracted.
 *
 * usage: bench_decide POLICY [CONFIG]
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/polhelp.h"

#define RUNS 200000

static uint64_t sample[RUNS];

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static const char *const path_tab[] = {
	"/srv/proj/src/main/java/org/example/app/service/Handler.java",
	"/usr/lib/x86_64-linux-gnu/libc.so.6", "/etc/ld.so.cache",
	"/srv/proj/.git/objects/ab/cdef0123456789abcdef0123456789abcdef01",
	"/proc/self/status", "/home/u/.ssh/id_rsa", "/srv/proj/.env",
	"/usr/share/locale/en_US.UTF-8/LC_MESSAGES/coreutils.mo",
};

static const struct {
	const char *path, *args;
} cmd_tab[] = {
	{ "/usr/bin/git", "commit -m message --no-verify" },
	{ "/bin/rm", "-rf build/out/very/long/directory/name" },
	{ "/usr/bin/gcc", "-O2 -g -Wall -Wextra -Wshadow -Iinclude -Isrc "
	    "-DNDEBUG -c src/some/where/file.c -o build/file.o" },
	{ "/usr/bin/pip3", "install requests" },
	{ "/opt/x/unknown", "" },
};

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static volatile unsigned int sink;

static void
ask_nothing(const struct image *im, size_t i)
{
}

static void
ask_file(const struct image *im, size_t i)
{
	const char *p = path_tab[i % COUNT(path_tab)];
	struct verdict v;

	image_file(im, i & 1 ? FOP_READ : FOP_WRITE, p, strlen(p), &v);
	sink += v.rule;
}

static void
ask_command(const struct image *im, size_t i)
{
	const char *p = cmd_tab[i % COUNT(cmd_tab)].path;
	const char *a = cmd_tab[i % COUNT(cmd_tab)].args;
	struct image_cmd c = { p, strlen(p), p, strlen(p), a, strlen(a), 1 };
	struct verdict v;

	image_command(im, &c, &v);
	sink += v.rule;
}

static uint64_t
measure(const char *name, const struct image *im,
    void (*ask)(const struct image *, size_t), uint64_t clock_ns)
{
	uint64_t t, total;
	size_t i;

	for (i = 0; i < RUNS; i++) {
		t = now_ns();
		ask(im, i);
		t = now_ns() - t;
		sample[i] = t > clock_ns ? t - clock_ns : 0;
	}
	qsort(sample, RUNS, sizeof(sample[0]), by_value);
	t = now_ns();
	for (i = 0; i < RUNS; i++)
		ask(im, i);
	total = now_ns() - t;
	printf("%-14s p50 %5.3f us  p99 %5.3f us  mean %5.3f us\n", name,
	    (double)sample[RUNS / 2] / 1e3, (double)sample[RUNS / 100 * 99] /
	    1e3, (double)total / RUNS / 1e3);
	return sample[RUNS / 2];
}

int
main(int argc, char **argv)
{
	struct polhelp h;
	uint64_t clock_ns, t;
	int i;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_decide policy [config]\n");
		return 2;
	}
	if (polhelp_file(&h, argv[1], argc > 2 ? argv[2] : NULL) != 0) {
		fprintf(stderr, "%s: %s\n", argv[1], polhelp_first(&h));
		return 1;
	}
	printf("image %zu bytes\n", h.c.size_bytes);
	polhelp_clear(&h);
	t = now_ns();
	for (i = 0; i < 20; i++) {
		(void)polhelp_file(&h, argv[1], argc > 2 ? argv[2] : NULL);
		if (i < 19)
			polhelp_clear(&h);
	}
	printf("load and compile %.2f ms\n", (double)(now_ns() - t) / 20e6);
	clock_ns = measure("clock", &h.im, ask_nothing, 0);
	(void)measure("image_file", &h.im, ask_file, clock_ns);
	(void)measure("image_command", &h.im, ask_command, clock_ns);
	polhelp_clear(&h);
	return 0;
}
