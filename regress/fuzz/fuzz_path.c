/*
 * The pure half of path resolution on any bytes, in buffers of exactly the size it
 * was promised, against the slow way of saying the same thing.
 * The input: a length, a name of a process twice, a path of that length, a name.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/pathres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 6
#define ROOM 8 /* what pathres_spell_self's callers leave */

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

/* n bytes at p and room more, in storage of their own. */
static char *
copy(const char *p, size_t n, size_t room)
{
	char *s = malloc(n + room + 1);

	must(s != NULL);
	memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

/* A component by itself: "" and the two that move are not clean. */
static int
is_name(const char *p, size_t n)
{
	return n > 0 && !(n == 1 && p[0] == '.') &&
	    !(n == 2 && p[0] == '.' && p[1] == '.');
}

static int
slow_is_clean(const char *p, size_t n)
{
	const char *end = p + n, *slash;

	if (n == 0 || n >= CALL_PATH_MAX || *p != '/')
		return 0;
	if (n == 1)
		return 1;
	while (p < end) {
		p++;
		slash = memchr(p, '/', (size_t)(end - p));
		if (!is_name(p, (size_t)((slash ? slash : end) - p)))
			return 0;
		if (slash == NULL)
			return 1;
		p = slash;
	}
	return 0;
}

static int
is_below(const char *p, size_t n, const char *dir)
{
	size_t len = strlen(dir);

	return n >= len && memcmp(p, dir, len) == 0 &&
	    (n == len || p[len] == '/');
}

static void
spell(const char *path, size_t n, pid_t tgid, pid_t tid)
{
	char *s = copy(path, n, ROOM), own[2][32];
	size_t len = pathres_spell_self(s, n, tgid, tid);
	pid_t pid = -1;

	snprintf(own[0], sizeof(own[0]), "/proc/%d", (int)tgid);
	snprintf(own[1], sizeof(own[1]), "/proc/%d", (int)tid);
	must(len <= n + ROOM && s[len] == '\0');
	if (is_below(path, n, own[0]) || is_below(path, n, own[1])) {
		must(is_below(s, len, "/proc/self"));
		must(pathres_proc_pid(s, len, &pid) == 0);
		if (len < CALL_PATH_MAX && n < CALL_PATH_MAX)
			must(pathres_is_clean(s, len) ==
			    pathres_is_clean(path, n));
	} else if (pathres_proc_pid(path, n, &pid) == 0) {
		must(len == n && memcmp(s, path, n) == 0);
	} else {
		/* "/proc/007" names 7 to us, though the kernel has no such file */
		must(pid >= 0);
	}
	free(s);
}

static void
join(const char *dir, size_t n, const char *name, size_t name_len)
{
	size_t size = n + name_len + 2, len = 0;
	char *buf = malloc(size), *same = copy(dir, n, name_len + 2);

	must(buf != NULL);
	must(pathres_join(buf, size - 1, &len, dir, n, name, name_len) != 0);
	must(pathres_join(buf, size, &len, dir, n, name, name_len) == 0);
	must(len < size && buf[len] == '\0' && memcmp(buf, dir, n) == 0);
	must(memcmp(buf + len - name_len, name, name_len) == 0);
	if (len < CALL_PATH_MAX && slow_is_clean(dir, n) &&
	    is_name(name, name_len) && memchr(name, '/', name_len) == NULL) {
		must(pathres_is_clean(buf, len));
		must(pathres_last(buf, len) == len - name_len);
	}
	/* In place, as the walk does it. */
	must(pathres_join(same, size, &len, same, n, name, name_len) == 0);
	must(memcmp(same, buf, len + 1) == 0);
	free(same);
	free(buf);
}

static void
last(const char *path, size_t n)
{
	char *s = copy(path, n, 0);
	size_t at = pathres_last(s, n), end = n;

	must(at <= n && (at == 0 || s[at - 1] == '/'));
	while (end > at && s[end - 1] == '/')
		end--;
	must(memchr(s + at, '/', end - at) == NULL);
	free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = (const char *)data + HEAD;
	size_t n;
	pid_t tgid, tid;

	if (size < HEAD || size > 3 * CALL_PATH_MAX)
		return 0;
	n = ((size_t)data[0] << 8 | data[1]) % (size - HEAD + 1);
	tgid = data[2] << 8 | data[3];
	tid = data[4] << 8 | data[5];
	must(pathres_is_clean(path, n) == (slow_is_clean(path, n) != 0));
	spell(path, n, tgid, tid);
	join(path, n, path + n, size - HEAD - n);
	last(path, n);
	return 0;
}
