/*
 * The session's own unix sockets: see socktab.h.  Names and inodes are the kernel's, but for the
 * name's bytes, which are only compared.  Never grows.
 */

#include "tracer/socktab.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES	     512
#define NAME_MAX_LEN 255
/*
 * /proc/net/unix is read a page at a time, each from a place in a hash chain that
 * sockets of others come to and leave meanwhile: a line may be passed over.
 * One in a hundred under heavy traffic, so this many in a row do not happen.
 */
#define READINGS 5

struct entry {
	uint64_t sock_ino; /* 0: free */
	struct socktab_file file;
	uint16_t len;
	char name[NAME_MAX_LEN];
};

struct socktab {
	pthread_mutex_t lock;
	int procfd;
	unsigned int next;
	struct entry e[ENTRIES];
};

struct socktab *
socktab_new(int procfd)
{
	struct socktab *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->procfd = procfd;
	return t;
}

void
socktab_add(struct socktab *t, uint64_t sock_ino,
    const struct socktab_file *file, const char *name, size_t len)
{
	struct entry *e;

	if (len > NAME_MAX_LEN)
		return;
	pthread_mutex_lock(&t->lock);
	e = &t->e[t->next++ % ENTRIES];
	memset(e, 0, sizeof(*e));
	e->sock_ino = sock_ino;
	if (file != NULL)
		e->file = *file;
	e->len = (uint16_t)len;
	memcpy(e->name, name, len);
	pthread_mutex_unlock(&t->lock);
}

bool
socktab_has_file(struct socktab *t, const struct socktab_file *file)
{
	bool has = false;

	/* Without a birth time an inode number that is used again would pass. */
	if (file->birth_ns == 0)
		return false;
	pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; i < ENTRIES && !has; i++)
		has = t->e[i].sock_ino != 0 && t->e[i].file.ino == file->ino &&
		    t->e[i].file.dev == file->dev &&
		    t->e[i].file.birth_ns == file->birth_ns;
	pthread_mutex_unlock(&t->lock);
	return has;
}

/* Num RefCount Protocol Flags Type St Inode Path */
bool
socktab_line(const char *line, size_t n, uint64_t sock_ino)
{
	const char *p = line, *end = line + n;
	uint64_t ino = 0;

	for (int field = 0; field < 6; field++) {
		while (p < end && *p != ' ')
			p++;
		while (p < end && *p == ' ')
			p++;
	}
	if (p == end || *p < '0' || *p > '9')
		return false;
	while (p < end && *p >= '0' && *p <= '9')
		ino = ino * 10 + (uint64_t)(*p++ - '0');
	return ino == sock_ino && end - p >= 2 && p[0] == ' ' && p[1] == '@';
}

static bool
is_listed(const struct socktab *t, uint64_t sock_ino)
{
	int fd = openat(t->procfd, "self/net/unix", O_RDONLY | O_CLOEXEC);
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	bool bound = false;
	FILE *f;

	if (fd == -1)
		return false;
	if ((f = fdopen(fd, "r")) == NULL) {
		close(fd);
		return false;
	}
	while (!bound && (n = getline(&line, &size, f)) != -1)
		bound = socktab_line(line, (size_t)n, sock_ino);
	free(line);
	fclose(f);
	return bound;
}

/* Does the socket live and keep its abstract name?  It cannot change it. */
static bool
is_bound(const struct socktab *t, uint64_t sock_ino)
{
	for (int i = 0; i < READINGS; i++)
		if (is_listed(t, sock_ino))
			return true;
	return false;
}

bool
socktab_has_abstract(struct socktab *t, const char *name, size_t len)
{
	uint64_t ino = 0;

	pthread_mutex_lock(&t->lock);
	for (unsigned int i = ENTRIES; i > 0 && ino == 0; i--) {
		/* The newest first: an older one may have gone. */
		const struct entry *e = &t->e[(t->next + i - 1) % ENTRIES];

		if (e->sock_ino != 0 && e->file.ino == 0 && e->len == len &&
		    memcmp(e->name, name, len) == 0)
			ino = e->sock_ino;
	}
	pthread_mutex_unlock(&t->lock);
	return ino != 0 && is_bound(t, ino);
}

bool
socktab_name(struct socktab *t, uint64_t sock_ino, char *buf, size_t size,
    size_t *len)
{
	bool has = false;

	pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; i < ENTRIES && !has; i++) {
		const struct entry *e = &t->e[i];

		if (e->sock_ino != sock_ino || e->len >= size)
			continue;
		has = true;
		memcpy(buf, e->name, e->len);
		buf[e->len] = '\0';
		*len = e->len;
	}
	pthread_mutex_unlock(&t->lock);
	return has && sock_ino != 0;
}
