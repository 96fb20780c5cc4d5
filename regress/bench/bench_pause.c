/*
 * The longest time that one judged call takes: opens a file again and again for
 * so many seconds, from inside a session.
 *
 * usage: bench_pause FILE SECONDS
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 4000000

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
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	uint32_t *t = calloc(SAMPLES, sizeof(*t));
	uint64_t end, a, b;
	size_t n = 0;
	int fd;

	if (argc != 3 || t == NULL)
		return 2;
	end = now_ns() + (uint64_t)(strtod(argv[2], NULL) * 1e9);
	for (a = now_ns(); a < end && n < SAMPLES; a = b) {
		if ((fd = open(argv[1], O_RDONLY | O_CLOEXEC)) == -1) {
			perror(argv[1]);
			return 1;
		}
		close(fd);
		b = now_ns();
		t[n++] = b - a > UINT32_MAX ? UINT32_MAX : (uint32_t)(b - a);
	}
	qsort(t, n, sizeof(*t), by_value);
	printf("%zu calls, p50 %.3f ms, p99.99 %.3f ms, longest %.2f ms\n", n,
	    t[n / 2] / 1e6, t[n - 1 - n / 10000] / 1e6, t[n - 1] / 1e6);
	free(t);
	return 0;
}
