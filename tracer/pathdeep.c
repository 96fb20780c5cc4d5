/*
 * See pathdeep.h.  Runs in the serving threads with the caller's credentials.
 * A directory's name is put together upwards, entry by entry, until the kernel
 * tells the rest; then the way down is tried.  That takes more than a moment:
 * it counts only when the session has renamed nothing meanwhile.  A regular
 * file is mapped, and its name read where the kernel shows it whole.
 *
 * Trusts the kernel.  Must never return a name that was true of no moment, as
 * far as the session's own doing goes.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer/num.h"
#include "tracer/pathdeep.h"
#include "tracer/tracer.h"

#define TRIES	   64
#define PAGE	   4096u
#define MAPS_BYTES (1u << 20)
#define CHUNK	   3072 /* of a way down, in one call */
#define DELETED	   " (deleted)"

struct entry { /* as getdents64 gives it */
	uint64_t ino, off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static void
replace(int *fd, int other)
{
	if (*fd != -1)
		close(*fd);
	*fd = other;
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The entry of directory dir that is st; its name, NAME_MAX + 1 bytes. */
static bool
entry_of(int dir, const struct stat *st, char *name)
{
	char buf[8192] __attribute__((aligned(8)));
	const struct entry *d;
	struct stat found;
	bool is = false;
	long n, at;
	int fd;

	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return false;
	while (!is && (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (at = 0; !is && at < n; at += d->reclen) {
			d = (const void *)(buf + at);
			if (d->ino != st->st_ino || strcmp(d->name, ".") == 0 ||
			    strcmp(d->name, "..") == 0 ||
			    strlen(d->name) > NAME_MAX)
				continue;
			strcpy(name, d->name);
			is = fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) ==
			    0 && same(&found, st);
		}
	close(fd);
	return is;
}

/* What the kernel says fd is; -1 with errno. */
static ssize_t
told(const struct tracer *t, int fd, char *buf, size_t size)
{
	char num[NUM_MAX];
	ssize_t n;

	num_put(num, (uint32_t)fd);
	n = readlinkat(t->selffd, num, buf, size - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/*
 * From *cur up to where the kernel tells the name: that goes to head, *cur is
 * there then, and the names on the way are at the end of buf from *pos.
 */
static bool
go_up(const struct tracer *t, int *cur, char *head, char *buf, size_t *pos)
{
	char name[NAME_MAX + 1];
	struct stat st;
	ssize_t n;
	size_t k;
	int up;

	while ((n = told(t, *cur, head, PATH_MAX)) == -1 &&
	    errno == ENAMETOOLONG) {
		if (fstat(*cur, &st) == -1 || (up = openat(*cur, "..",
		    O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
			return false;
		replace(cur, up);
		if (!entry_of(up, &st, name))
			return false;
		k = strlen(name);
		if (*pos < k + 1 + PATH_MAX)
			return false;
		*pos -= k;
		memcpy(buf + *pos, name, k);
		buf[--*pos] = '/';
	}
	return n > 0 && head[0] == '/';
}

/* Does the way from *cur, names with a slash before each, lead to st? */
static bool
leads_to(int *cur, const char *way, const struct stat *st)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	char chunk[CHUNK + NAME_MAX + 2];
	struct stat found;
	const char *end;
	size_t n;

	while (*way == '/') {
		way++;
		n = strlen(way);
		if (n > CHUNK) {
			end = strchrnul(way + CHUNK, '/');
			n = (size_t)(end - way);
		}
		memcpy(chunk, way, n);
		chunk[n] = '\0';
		way += n;
		replace(cur, (int)syscall(SYS_openat2, *cur, chunk, &how,
		    sizeof(how)));
		if (*cur == -1)
			return false;
	}
	return fstat(*cur, &found) == 0 && same(&found, st);
}

/* One try.  0, EACCES, or EAGAIN: something has been renamed. */
static int
name_dir(const struct tracer *t, int fd, const struct stat *st, char *buf,
    size_t size, size_t *len)
{
	uint64_t begun = atomic_load(&t->renames);
	int cur = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	size_t pos = size - 1, n;
	char head[PATH_MAX];
	bool ok;

	if (cur == -1)
		return EACCES;
	buf[pos] = '\0';
	ok = atomic_load(&t->renaming) == 0 && go_up(t, &cur, head, buf, &pos) &&
	    leads_to(&cur, buf + pos, st);
	replace(&cur, -1);
	if (atomic_load(&t->renaming) != 0 || atomic_load(&t->renames) != begun)
		return EAGAIN;
	if (!ok)
		return EACCES;
	n = strcmp(head, "/") == 0 ? 0 : strlen(head);
	memmove(buf + n, buf + pos, size - pos);
	memcpy(buf, head, n);
	*len = n + size - 1 - pos;
	return 0;
}

/* The name in the line of maps that begins at addr, or NULL. */
static char *
map_name(char *maps, uintptr_t addr)
{
	char want[32], *line, *nl, *name;
	size_t n;

	n = (size_t)snprintf(want, sizeof(want), "%08lx-", (unsigned long)addr);
	for (line = maps; line != NULL; line = nl == NULL ? NULL : nl + 1) {
		nl = strchr(line, '\n');
		if (strncmp(line, want, n) != 0)
			continue;
		if (nl == NULL)
			return NULL;
		*nl = '\0';
		name = strchr(line, '/');
		n = name == NULL ? 0 : strlen(name);
		/* A newline is shown as what could be meant as such. */
		if (n == 0 || strstr(name, "\\012") != NULL ||
		    (n >= sizeof(DELETED) - 1 &&
			strcmp(name + n - (sizeof(DELETED) - 1), DELETED) == 0))
			return NULL;
		return name;
	}
	return NULL;
}

static bool
read_maps(const struct tracer *t, char *buf, size_t size)
{
	int fd = openat(t->selffd, "../maps", O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t k = -1;

	if (fd == -1)
		return false;
	while (n < size - 1 && (k = read(fd, buf + n, size - 1 - n)) > 0)
		n += (size_t)k;
	close(fd);
	buf[n] = '\0';
	return k == 0;
}

static int
name_file(const struct tracer *t, int fd, char *buf, size_t size, size_t *len)
{
	char num[NUM_MAX], *maps = malloc(MAPS_BYTES), *name = NULL;
	void *p = MAP_FAILED;
	int rd;

	num_put(num, (uint32_t)fd);
	rd = openat(t->selffd, num, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (rd != -1)
		p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, rd, 0);
	if (p != MAP_FAILED && maps != NULL && read_maps(t, maps, MAPS_BYTES))
		name = map_name(maps, (uintptr_t)p);
	if (p != MAP_FAILED)
		munmap(p, PAGE);
	if (rd != -1)
		close(rd);
	if (name != NULL && (*len = strlen(name)) < size)
		memcpy(buf, name, *len + 1);
	else
		name = NULL;
	free(maps);
	return name == NULL ? EACCES : 0;
}

int
pathdeep_name(struct call *c, int fd, char *buf, size_t size, size_t *len)
{
	const struct tracer *t = c->tracer;
	struct stat st;
	int e = EAGAIN, i;

	*len = 0;
	if (size <= (size_t)2 * PATH_MAX || fstat(fd, &st) == -1)
		return EACCES;
	if (S_ISREG(st.st_mode))
		return name_file(t, fd, buf, size, len);
	if (!S_ISDIR(st.st_mode))
		return EACCES;
	for (i = 0; i < TRIES && e == EAGAIN; i++) {
		if (i > 0)
			sched_yield();
		e = name_dir(t, fd, &st, buf, size, len);
	}
	return e == EAGAIN ? EACCES : e;
}
