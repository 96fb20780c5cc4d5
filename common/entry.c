/*
 * The blob in which an asker hands argv and environment to the session's
 * tracer, and the tracer hands the filtered environment back: a sealed memfd of
 * counted strings. Linked by agentsh and the tracer.
 *
 * The reader trusts nothing: the seals, the size, every count and every
 * terminator are checked before a pointer into the map exists.  No printing, no
 * exit.
 */

#include "common/entry.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEALS	    (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

/* Most strings: the kernel charges a pointer for each to the same 8 MiB. */
#define STRINGS_MAX (1u << 19)

static int
count_strings(char *const *v, uint32_t *cnt, size_t *bytes)
{
	for (*cnt = 0; v != NULL && v[*cnt] != NULL; ++*cnt) {
		if (*cnt == STRINGS_MAX)
			return -1;
		*bytes += strlen(v[*cnt]) + 1;
		if (*bytes > ENTRY_BLOB_MAX)
			return -1;
	}
	return 0;
}

static char *
put_strings(char *p, char *const *v)
{
	size_t len;

	for (; v != NULL && *v != NULL; v++) {
		len = strlen(*v) + 1;
		memcpy(p, *v, len);
		p += len;
	}
	return p;
}

static int
blob_fill(int fd, const struct entry_blob *b, char *const *argv,
    char *const *envp, const char *program)
{
	size_t size = sizeof(*b) + b->bytes;
	char *map, *p;

	if (ftruncate(fd, (off_t)size) == -1)
		return -1;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	memcpy(map, b, sizeof(*b));
	p = put_strings(map + sizeof(*b), argv);
	p = put_strings(p, envp);
	strcpy(p, program);
	munmap(map, size);
	return fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL);
}

int
entry_blob_write(char *const *argv, char *const *envp, const char *program)
{
	struct entry_blob b = { .magic = ENTRY_BLOB_MAGIC };
	size_t bytes = strlen(program) + 1;
	int fd, error;

	if (count_strings(argv, &b.argc, &bytes) == -1 ||
	    count_strings(envp, &b.envc, &bytes) == -1 ||
	    bytes > ENTRY_BLOB_MAX || b.argc + b.envc >= STRINGS_MAX) {
		errno = E2BIG;
		return -1;
	}
	b.bytes = (uint32_t)bytes;
	fd = memfd_create("agentsh-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	if (blob_fill(fd, &b, argv, envp, program) == -1) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* The size of a blob that cannot change any more, or 0. */
static size_t
sealed_size(int fd)
{
	struct stat st;
	int seals;

	if ((seals = fcntl(fd, F_GET_SEALS)) == -1 || (seals & SEALS) != SEALS)
		return 0;
	if (fstat(fd, &st) == -1 ||
	    st.st_size <= (off_t)sizeof(struct entry_blob) ||
	    st.st_size > (off_t)(sizeof(struct entry_blob) + ENTRY_BLOB_MAX))
		return 0;
	return (size_t)st.st_size;
}

/* The next string before end, or NULL; *p moves behind it. */
static char *
take_string(char **p, const char *end)
{
	char *s = *p, *nul;

	if (s >= end || (nul = memchr(s, '\0', (size_t)(end - s))) == NULL)
		return NULL;
	*p = nul + 1;
	return s;
}

static int
index_strings(struct entry_args *a, char *p, const char *end)
{
	uint32_t i;

	for (i = 0; i < a->argc; i++)
		if ((a->argv[i] = take_string(&p, end)) == NULL)
			return -1;
	for (i = 0; i < a->envc; i++)
		if ((a->envp[i] = take_string(&p, end)) == NULL)
			return -1;
	if ((a->program = take_string(&p, end)) == NULL)
		return -1;
	return p == end ? 0 : -1;
}

static int
blob_check(struct entry_args *a, const struct entry_blob *b)
{
	if (b->magic != ENTRY_BLOB_MAGIC ||
	    b->bytes != a->map_bytes - sizeof(*b) || b->argc >= STRINGS_MAX ||
	    b->envc >= STRINGS_MAX || b->argc + b->envc >= STRINGS_MAX)
		return EINVAL;
	a->argc = b->argc;
	a->envc = b->envc;
	a->argv = calloc(a->argc + 1u, sizeof(*a->argv));
	a->envp = calloc(a->envc + 1u, sizeof(*a->envp));
	if (a->argv == NULL || a->envp == NULL)
		return ENOMEM;
	return 0;
}

int
entry_blob_read(int fd, struct entry_args *a)
{
	struct entry_blob b;
	char *map;
	int error;

	memset(a, 0, sizeof(*a));
	if ((a->map_bytes = sealed_size(fd)) == 0) {
		errno = EINVAL;
		return -1;
	}
	map = mmap(NULL, a->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		errno = ENOMEM;
		return -1;
	}
	a->map = map;
	memcpy(&b, map, sizeof(b));
	error = blob_check(a, &b);
	if (error == 0 &&
	    index_strings(a, map + sizeof(b), map + a->map_bytes) == -1)
		error = EINVAL;
	if (error != 0) {
		entry_args_clear(a);
		errno = error;
		return -1;
	}
	return 0;
}

void
entry_args_clear(struct entry_args *a)
{
	free(a->argv);
	free(a->envp);
	if (a->map != NULL)
		munmap(a->map, a->map_bytes);
	memset(a, 0, sizeof(*a));
}

bool
entry_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n > 0 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}
