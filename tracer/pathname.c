/*
 * The pure half of path resolution: strings, no system calls.  Runs in the
 * serving threads on bytes of the adversary; every length is given, nothing is
 * allocated.
 */

#include <errno.h>
#include <string.h>

#include "tracer/pathres.h"

#define PROC     "/proc/"
#define PROC_LEN 6

bool
pathres_is_clean(const char *path, size_t len)
{
	size_t i, start = 1;

	if (len == 0 || len >= CALL_PATH_MAX || path[0] != '/')
		return false;
	if (len == 1)
		return true;
	for (i = 1; i <= len; i++) {
		size_t n = i - start;

		if (i < len && path[i] != '/')
			continue;
		if (n == 0 || (n == 1 && path[start] == '.') ||
		    (n == 2 && path[start] == '.' && path[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return true;
}

int
pathres_proc_pid(const char *path, size_t len, pid_t *pid)
{
	size_t i = PROC_LEN;
	uint32_t n = 0;

	if (len <= PROC_LEN || memcmp(path, PROC, PROC_LEN) != 0)
		return 0;
	while (i < len && path[i] >= '0' && path[i] <= '9' && n < 100000000)
		n = n * 10 + (uint32_t)(path[i++] - '0');
	if (i == PROC_LEN || (i < len && path[i] != '/'))
		return 0;
	*pid = (pid_t)n;
	return 1;
}

size_t
pathres_spell_self(char *path, size_t len, pid_t tgid, pid_t tid)
{
	size_t end = PROC_LEN;
	pid_t pid;

	if (!pathres_proc_pid(path, len, &pid) || (pid != tgid && pid != tid))
		return len;
	while (end < len && path[end] != '/')
		end++;
	/* "self" may be longer than the number; the buffer has room for it. */
	memmove(path + PROC_LEN + 4, path + end, len - end + 1);
	memcpy(path + PROC_LEN, "self", 4);
	return PROC_LEN + 4 + (len - end);
}

int
pathres_join(char *buf, size_t size, size_t *len, const char *dir,
    size_t dir_len, const char *name, size_t name_len)
{
	size_t n = dir_len;

	if (dir_len + name_len + 2 > size)
		return ENAMETOOLONG;
	memmove(buf, dir, dir_len);
	if (n == 0 || buf[n - 1] != '/')
		buf[n++] = '/';
	memcpy(buf + n, name, name_len);
	n += name_len;
	buf[n] = '\0';
	*len = n;
	return 0;
}

size_t
pathres_last(const char *path, size_t len)
{
	while (len > 0 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	return len;
}
