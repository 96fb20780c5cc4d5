/*
 * soft_delete.  Runs in the serving threads with the caller's credentials; the
 * trash is the session's own directory.  Must never remove what it could not
 * keep.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracer/fileops.h"
#include "tracer/num.h"
#include "tracer/tracer.h"
#include "tracer/trash.h"

#define TOKEN_MAX    24
#define MANIFEST_MORE (CALL_PATH_MAX + 1024) /* than the name in it */
#define COPY_CHUNK   (1u << 30)
#define NOREPLACE    1u /* RENAME_NOREPLACE */

/* Names in use are unlikely; tries before giving up. */
#define TOKEN_TRIES 64

static int
sub_dir(int trash, const char *name)
{
	if (mkdirat(trash, name, 0700) == -1 && errno != EEXIST)
		return -1;
	return openat(trash, name,
	    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
trash_init(struct tracer *t)
{
	t->trash_payload = t->trash_manifest = -1;
	if (t->trashfd == -1)
		return 0;
	t->trash_payload = sub_dir(t->trashfd, "payload");
	t->trash_manifest = sub_dir(t->trashfd, "manifest");
	return t->trash_payload == -1 || t->trash_manifest == -1 ? -1 : 0;
}

/*
 * Nanoseconds since 1970, made unique within this process; the original's form.
 */
static void
token_new(char *buf)
{
	static _Atomic uint64_t last;
	struct timespec ts;
	uint64_t now, was;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	was = atomic_load(&last);
	do
		if (now <= was)
			now = was + 1;
	while (!atomic_compare_exchange_weak(&last, &was, now));
	snprintf(buf, TOKEN_MAX, "%llu", (unsigned long long)now);
}

/* s as a JSON string's inside; what is no ASCII stays as it is. */
static size_t
json_text(char *out, size_t size, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t i, n = 0;

	for (i = 0; i < len && n + 7 < size; i++) {
		unsigned char ch = (unsigned char)s[i];

		if (ch == '"' || ch == '\\') {
			out[n++] = '\\';
			out[n++] = (char)ch;
		} else if (ch < 0x20) {
			memcpy(out + n, "\\u00", 4);
			out[n + 4] = hex[ch >> 4];
			out[n + 5] = hex[ch & 15];
			n += 6;
		} else {
			out[n++] = (char)ch;
		}
	}
	out[n] = '\0';
	return n;
}

/* Go's FileMode bits, which the original wrote. */
static uint32_t
go_mode(mode_t m)
{
	uint32_t g = m & 0777;

	if (S_ISDIR(m))
		g |= 1u << 31;
	if (S_ISLNK(m))
		g |= 1u << 27;
	if (S_ISFIFO(m))
		g |= 1u << 25;
	if (S_ISSOCK(m))
		g |= 1u << 24;
	if ((m & S_ISUID) != 0)
		g |= 1u << 23;
	if ((m & S_ISGID) != 0)
		g |= 1u << 22;
	if ((m & S_ISVTX) != 0)
		g |= 1u << 20;
	return g;
}

static void
stamp(char *buf, size_t size, const struct timespec *ts)
{
	struct tm tm;
	size_t n;

	gmtime_r(&ts->tv_sec, &tm);
	n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, size - n, ".%09ldZ", ts->tv_nsec);
}

/* The manifest of token, *n bytes to be freed, or NULL. */
static char *
manifest_text(struct call *c, const struct pathres *r, const struct stat *st,
    const char *token, int *n)
{
	const struct tracer *t = c->tracer;
	/* A byte of a name may take six. */
	size_t size = 6 * r->len + 16, room = size + MANIFEST_MORE;
	char *path = malloc(size), *text = malloc(room);
	char mtime[48], created[48];
	struct timespec now;

	if (path == NULL || text == NULL) {
		free(path);
		free(text);
		return NULL;
	}
	json_text(path, size, r->canon, r->len);
	clock_gettime(CLOCK_REALTIME, &now);
	stamp(mtime, sizeof(mtime), &st->st_mtim);
	stamp(created, sizeof(created), &now);
	*n = snprintf(text, room,
	    "{\"token\": \"%s\", \"original_path\": \"%s\", "
	    "\"trash_path\": \"%s/payload/%s\", \"size\": %lld, "
	    "\"mode\": %u, \"uid\": %u, \"gid\": %u, \"mtime\": \"%s\", "
	    "\"session\": \"%s\", \"command\": \"%u\", "
	    "\"created\": \"%s\", \"platform\": \"linux\"}\n",
	    token, path, t->trash_path, token, (long long)st->st_size,
	    go_mode(st->st_mode), st->st_uid, st->st_gid, mtime, t->session,
	    c->task->command, created);
	free(path);
	if (*n >= 0 && (size_t)*n < room)
		return text;
	free(text);
	return NULL;
}

/* Write the manifest of token.  0 or an errno. */
static int
manifest_write(struct call *c, const struct pathres *r, const struct stat *st,
    const char *token)
{
	const struct tracer *t = c->tracer;
	char name[TOKEN_MAX + 8], *text;
	int fd, n, e = 0;

	if ((text = manifest_text(c, r, st, token, &n)) == NULL)
		return ENOMEM;
	snprintf(name, sizeof(name), "%s.json", token);
	fileops_wear_umask(c->w, 0077);
	fd = openat(t->trash_manifest, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1) {
		e = errno;
	} else {
		if (write(fd, text, (size_t)n) != n) {
			unlinkat(t->trash_manifest, name, 0);
			e = ENOSPC;
		}
		close(fd);
	}
	free(text);
	return e;
}

static void
manifest_undo(const struct tracer *t, const char *token)
{
	char name[TOKEN_MAX + 8];

	snprintf(name, sizeof(name), "%s.json", token);
	unlinkat(t->trash_manifest, name, 0);
}

/* Bytes, times and mode of a regular file to a new one.  0 or an errno. */
static int
copy_bytes(int from, int to, const struct stat *st)
{
	const struct timespec ts[2] = { st->st_atim, st->st_mtim };
	char buf[16384];
	ssize_t n, k;

	while ((n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0)) > 0)
		;
	if (n == -1 && errno != EXDEV && errno != EINVAL && errno != ENOSYS &&
	    errno != EOPNOTSUPP)
		return errno;
	while (n == -1 && (k = read(from, buf, sizeof(buf))) != 0) {
		if (k == -1 || write(to, buf, (size_t)k) != k)
			return k == -1 ? errno : ENOSPC;
	}
	if (fchmod(to, st->st_mode & 07777) == -1 || futimens(to, ts) == -1)
		return errno;
	return 0;
}

/*
 * Copy the victim that fd pins (O_PATH) into the payload directory.  0 or an
 * errno.
 */
static int
copy_victim(const struct tracer *t, int fd, const struct stat *st,
    const char *token)
{
	char num[NUM_MAX], link[CALL_PATH_MAX];
	ssize_t n;
	int e, from, to;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(fd, "", link, sizeof(link) - 1);
		if (n == -1)
			return errno;
		link[n] = '\0';
		return symlinkat(link, t->trash_payload, token) == -1 ? errno :
		    0;
	}
	if (!S_ISREG(st->st_mode))
		return EXDEV;
	num_put(num, (uint32_t)fd);
	from = openat(t->selffd, num, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (from == -1)
		return errno;
	to = openat(t->trash_payload, token,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	e = to == -1 ? errno : copy_bytes(from, to, st);
	if (to != -1)
		close(to);
	close(from);
	if (e != 0)
		unlinkat(t->trash_payload, token, 0);
	return e;
}

/* Is what stands at the name still the object that was copied? */
static bool
is_same(const struct pathres *r, const struct stat *st)
{
	struct stat now;

	return fstatat(r->dir, r->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

/* Another file system: copy, then unlink.  0 or an errno. */
static int
copy_away(const struct tracer *t, const struct pathres *r, int fd,
    const struct stat *st, const char *token)
{
	int e;

	if ((e = copy_victim(t, fd, st, token)) != 0)
		return e;
	if (!is_same(r, st))
		e = EBUSY;
	else if (unlinkat(r->dir, r->name, 0) == -1)
		e = errno;
	if (e != 0)
		unlinkat(t->trash_payload, token, 0);
	return e;
}

static int
move_away(struct call *c, const struct pathres *r, int fd,
    const struct stat *st, bool rmdir_)
{
	const struct tracer *t = c->tracer;
	char token[TOKEN_MAX];
	unsigned int i;
	int e = EEXIST;

	for (i = 0; i < TOKEN_TRIES && e == EEXIST; i++) {
		token_new(token);
		e = manifest_write(c, r, st, token);
	}
	if (e != 0)
		return e;
	if (rmdir_)
		e = unlinkat(r->dir, r->name, AT_REMOVEDIR) == -1 ? errno : 0;
	else if (syscall(SYS_renameat2, r->dir, r->name, t->trash_payload,
	    token, NOREPLACE) == -1)
		e = errno == EXDEV || errno == EINVAL ?
		    copy_away(t, r, fd, st, token) : errno;
	if (e != 0)
		manifest_undo(t, token);
	return e;
}

int
trash_remove(struct call *c, struct pathres *r, bool rmdir_)
{
	struct stat st;
	int e, fd;

	if (c->tracer->trash_payload == -1)
		return EACCES;
	fd = openat(r->dir, r->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno;
	if (fstat(fd, &st) == -1)
		e = errno;
	else if (!rmdir_ && S_ISDIR(st.st_mode))
		e = EISDIR;
	else if (rmdir_ && !S_ISDIR(st.st_mode))
		e = ENOTDIR;
	else
		e = move_away(c, r, fd, &st, rmdir_);
	close(fd);
	return e;
}
