/*
 * Path resolution with descriptors.  Runs in the serving threads, with the
 * caller's credentials, on file systems that the adversary changes meanwhile.
 * First the kernel resolves the whole string (RESOLVE_NO_MAGICLINKS); only
 * where that fails or leads to our own /proc entry, the walk below goes
 * component by component.
 *
 * Must never: resolve /proc/self as ourselves for a caller, follow a magic link
 * unseen, or return a name that was not read back from the pinned object.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tracer/num.h"
#include "tracer/pathdeep.h"
#include "tracer/pathres.h"
#include "tracer/tracer.h"

#define LINKS_MAX    40 /* the kernel's MAXSYMLINKS */
#define PROC_ROOT_INO 1 /* of every procfs */
#define DELETED	     " (deleted)"
#define DELETED_LEN  (sizeof(DELETED) - 1)

static int
open_how(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = resolve,
	};
	int fd;

	do
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	while (fd == -1 && errno == EAGAIN);
	return fd;
}

static void
fd_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void
pathres_close(struct pathres *r)
{
	fd_close(&r->fd);
	if (r->lender != NULL) {
		call_base_done(r->lender, r->dir);
		r->dir = -1;
		r->lender = NULL;
	}
	fd_close(&r->dir);
}

void
pathres_clear(struct pathres *r)
{
	r->fd = r->dir = -1;
	r->lender = NULL;
	r->name = NULL;
	r->magic = r->anon = r->deleted = false;
	r->len = 0;
}

/* Is the object behind fd really called "... (deleted)"? */
static bool
is_literal(struct tracer *t, int fd, const char *path)
{
	struct stat a, b;
	int other;
	bool same;

	other = open_how(t->rootfd, path, O_PATH | O_NOFOLLOW,
	    RESOLVE_NO_SYMLINKS);
	if (other == -1)
		return false;
	same = fstat(fd, &a) == 0 && fstat(other, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	close(other);
	return same;
}

/*
 * Name of the object, deleted set when that is gone; it may have others, which
 * the kernel does not tell, and is judged by the one it was opened by.  1: it
 * is no path (pipe, socket, memfd), 0 or an errno.
 */
static int
object_name(struct call *c, int fd, char *buf, size_t size, size_t *len,
    bool *deleted)
{
	struct tracer *t = c->tracer;
	ssize_t n;

	*deleted = false;
	*len = 0;
	n = call_fd_link(t, fd, buf, size);
	if (n == -1 && errno == ENAMETOOLONG)
		return pathdeep_name(c, fd, buf, size, len);
	if (n <= 0 || (size_t)n >= size)
		return EACCES;
	buf[n] = '\0';
	if (buf[0] != '/')
		return buf[0] == '(' ? EACCES : 1; /* "(unreachable)/..." */
	if ((size_t)n > DELETED_LEN &&
	    memcmp(buf + n - DELETED_LEN, DELETED, DELETED_LEN) == 0 &&
	    !is_literal(t, fd, buf)) {
		if (strncmp(buf, "/memfd:", 7) == 0)
			return 1;
		n -= (ssize_t)DELETED_LEN;
		buf[n] = '\0';
		*deleted = true;
	}
	*len = (size_t)n;
	return 0;
}

/* Room that pathres_spell_self may need more than the name has. */
#define SPELL_ROOM 8

int
pathres_name(struct call *c, int fd, char *buf, size_t size, size_t *len)
{
	bool deleted;

	if (object_name(c, fd, buf, size - SPELL_ROOM, len, &deleted) != 0)
		return EACCES;
	*len = pathres_spell_self(buf, *len, c->task->tgid, (pid_t)c->rq->pid);
	return 0;
}

/* Name what r pins: the object, or its parent and the last name. */
static int
res_name(struct call *c, struct pathres *r)
{
	size_t n;
	int e;

	e = object_name(c, r->fd != -1 ? r->fd : r->dir, r->canon,
	    sizeof(r->canon) - SPELL_ROOM, &r->len, &r->deleted);
	if (e == 1 && r->anon)	/* the walk has spelled it */
		e = EACCES;
	if (e != 0) {
		r->len = 0;
		return EACCES;
	}
	if (r->fd == -1) {
		n = strlen(r->name);
		while (n > 0 && r->name[n - 1] == '/')
			n--;
		if (pathres_join(r->canon, sizeof(r->canon) - SPELL_ROOM,
		    &r->len, r->canon, r->len, r->name, n) != 0)
			return ENAMETOOLONG;
	}
	r->len = pathres_spell_self(r->canon, r->len, c->task->tgid,
	    (pid_t)c->rq->pid);
	return 0;
}

/* Does a canonical name lie in our own /proc directory? */
static bool
is_our_proc(const struct tracer *t, const char *path, size_t len)
{
	pid_t pid;

	return pathres_proc_pid(path, len, &pid) && pid == t->pid;
}

/* ---- the walk ---- */

struct walk {
	struct call *c;
	struct pathres *r;
	enum pathres_want want;
	int cur;	/* owned: the directory we are in */
	char *rest;	/* r->rest: what is still to go, from pos */
	size_t pos, len;
	size_t last;	/* where the name of what was found begins */
	unsigned int links;
	bool done;
};

static int
walk_set(struct walk *w, int fd)
{
	if (fd == -1)
		return errno;
	fd_close(&w->cur);
	w->cur = fd;
	return 0;
}

static bool
is_root(const struct walk *w)
{
	char buf[4];

	return call_fd_link(w->c->tracer, w->cur, buf, sizeof(buf)) == 1 &&
	    buf[0] == '/';
}

static int
walk_dotdot(struct walk *w)
{
	if (is_root(w))
		return 0;
	return walk_set(w, open_how(w->cur, "..", O_PATH | O_DIRECTORY, 0));
}

/* Put text in place of the component that ends at end. */
static int
walk_splice(struct walk *w, const char *text, size_t n, size_t end)
{
	size_t tail = w->len - end;

	if (n == 0)
		return ENOENT;
	if (n + tail + 1 > sizeof(w->r->rest))
		return ENAMETOOLONG;
	memmove(w->rest + n, w->rest + end, tail);
	memcpy(w->rest, text, n);
	w->len = n + tail;
	w->rest[w->len] = '\0';
	w->pos = 0;
	return 0;
}

/*
 * fs.protected_symlinks, which the kernel applies only where it follows by
 * itself.
 */
static bool
link_protected(const struct walk *w, const struct stat *link)
{
	struct stat dir;

	if (!w->c->tracer->protected_symlinks || fstat(w->cur, &dir) == -1)
		return false;
	if ((dir.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH))
		return false;
	return link->st_uid != (uid_t)setfsuid((uid_t)-1) &&
	    link->st_uid != dir.st_uid;
}

static int
walk_link(struct walk *w, int fd, const struct stat *st, size_t end)
{
	char text[CALL_PATH_MAX];
	ssize_t n;

	if (link_protected(w, st))
		return EACCES;
	if ((n = readlinkat(fd, "", text, sizeof(text))) == -1)
		return errno;
	if (n > 0 && text[0] == '/') {
		int root = fcntl(w->c->tracer->rootfd, F_DUPFD_CLOEXEC, 0);
		int e = walk_set(w, root);

		if (e != 0)
			return e;
	}
	return walk_splice(w, text, (size_t)n, end);
}

/* The thread group of a process id, or -1. */
static pid_t
tgid_of(const struct tracer *t, pid_t pid)
{
	char name[NUM_MAX + 8], buf[1024], *p;
	pid_t tgid = 0;
	ssize_t n;
	int fd;

	num_text(num_put(name, (uint32_t)pid), "/status");
	fd = openat(t->procfd, name, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	if ((p = strstr(buf, "\nTgid:\t")) == NULL)
		return -1;
	for (p += 7; *p >= '0' && *p <= '9'; p++)
		tgid = tgid * 10 + (*p - '0');
	return tgid;
}

/*
 * The caller's own, another's, or the supervisor's?  0 own, 1 another's, EPERM
 * ours.
 */
static int
proc_owner(struct walk *w, const char *dir, size_t len)
{
	struct call *c = w->c;
	pid_t pid, tgid;

	if (!pathres_proc_pid(dir, len, &pid))
		return 1;
	if (pid == c->task->tgid || pid == (pid_t)c->rq->pid)
		return 0;
	tgid = tgid_of(c->tracer, pid);
	if (tgid == c->tracer->pid)
		return EPERM;
	return tgid == c->task->tgid ? 0 : 1;
}

/*
 * How a policy spells an object without a path, reached as dir/comp below
 * /proc.
 */
static void
name_anon(struct pathres *r, const char *dir, size_t dir_len, const char *comp,
    bool own)
{
	size_t n = strlen(comp);

	if (own && dir_len > 3 && memcmp(dir + dir_len - 3, "/fd", 3) == 0) {
		dir = "/dev/fd";
		dir_len = 7;
	}
	if (pathres_join(r->canon, sizeof(r->canon) - SPELL_ROOM, &r->len, dir,
	    dir_len, comp, n) != 0)
		r->len = 0;
	r->anon = true;
}

/* Follow a magic link below /proc: judged by what it leads to, see res_name. */
static int
walk_magic(struct walk *w, const char *comp, size_t end)
{
	struct pathres *r = w->r;
	char dir[256];
	size_t len, i;
	bool deleted;
	struct verdict v;
	int e, fd, owner;

	if (object_name(w->c, w->cur, dir, sizeof(dir) - SPELL_ROOM, &len,
	    &deleted) != 0)
		return EACCES;
	if ((owner = proc_owner(w, dir, len)) == EPERM)
		return EACCES;
	len = pathres_spell_self(dir, len, w->c->task->tgid,
	    (pid_t)w->c->rq->pid);
	if (owner == 1) {
		if (pathres_join(r->canon, sizeof(r->canon), &r->len, dir, len,
		    comp, strlen(comp)) != 0)
			return EACCES;
		if (call_is_others_proc(w->c, r->canon, r->len))
			return EACCES;
		image_file(w->c->im, FOP_READ, r->canon, r->len, &v);
		if (!v.allowed)
			return EACCES;
	}
	if ((fd = open_how(w->cur, comp, O_PATH, 0)) == -1)
		return errno;
	if (!call_valid(w->c)) {
		close(fd);
		return EACCES;
	}
	r->magic = true;
	for (i = end; i < w->len && w->rest[i] == '/'; i++)
		;
	e = object_name(w->c, fd, r->canon, sizeof(r->canon), &r->len,
	    &deleted);
	if (i != w->len && e == 1) {
		close(fd);
		return ENOTDIR;
	}
	if (e == 1)
		name_anon(r, dir, len, comp, owner == 0);
	if (i == w->len && end == w->len && w->want != PATHRES_PARENT) {
		r->fd = fd;
		w->done = true;
		return 0;
	}
	w->pos = end;
	return walk_set(w, fd);
}

/*
 * A symbolic link on procfs: self, thread-self, a magic link, or an ordinary
 * one.
 */
static int
walk_proc_link(struct walk *w, int fd, const struct stat *st, const char *comp,
    size_t end)
{
	char text[64], *p;
	struct stat dir;
	int probe;

	if (fstat(w->cur, &dir) == -1)
		return EACCES;
	if (dir.st_ino == PROC_ROOT_INO && strcmp(comp, "self") == 0) {
		p = num_put(text, (uint32_t)w->c->task->tgid);
		return walk_splice(w, text, (size_t)(p - text), end);
	}
	if (dir.st_ino == PROC_ROOT_INO && strcmp(comp, "thread-self") == 0) {
		p = num_put(text, (uint32_t)w->c->task->tgid);
		p = num_text(p, "/task/");
		p = num_put(p, w->c->rq->pid);
		return walk_splice(w, text, (size_t)(p - text), end);
	}
	probe = open_how(w->cur, comp, O_PATH, RESOLVE_NO_MAGICLINKS);
	if (probe == -1 && errno == ELOOP)
		return walk_magic(w, comp, end);
	fd_close(&probe);
	return walk_link(w, fd, st, end);
}

static bool
on_procfs(int fd)
{
	struct statfs sf;

	return fstatfs(fd, &sf) == 0 && sf.f_type == PROC_SUPER_MAGIC;
}

/*
 * What is missing or forbidden is named, so that it can be judged before it is
 * told.
 */
static int
walk_failed(struct walk *w, int err)
{
	struct pathres *r = w->r;
	bool deleted;
	size_t start = w->pos, n = w->len - w->pos;

	while (n > 0 && w->rest[start + n - 1] == '/')
		n--;
	r->len = 0;
	if (object_name(w->c, w->cur, r->canon, sizeof(r->canon) - SPELL_ROOM,
	    &r->len, &deleted) != 0 ||
	    pathres_join(r->canon, sizeof(r->canon) - SPELL_ROOM, &r->len,
	    r->canon, r->len, w->rest + start, n) != 0) {
		r->len = 0;
		return err;
	}
	r->len = pathres_spell_self(r->canon, r->len, w->c->task->tgid,
	    (pid_t)w->c->rq->pid);
	return err;
}

/* The last component has been opened without following: keep it. */
static int
walk_last(struct walk *w, int fd, size_t start)
{
	w->r->fd = fd;
	w->last = start;
	if (w->want == PATHRES_CREATE) {
		w->r->dir = w->cur;
		w->r->name = w->rest + start;
		w->cur = -1;
	}
	w->done = true;
	return 0;
}

/* Keep the directory we are in and the last name. */
static int
walk_parent(struct walk *w, size_t start)
{
	w->r->dir = w->cur;
	w->r->name = w->rest + start;
	w->cur = -1;
	w->done = true;
	return 0;
}

/* One component that is a name, [w->pos, end). */
static int
walk_name(struct walk *w, size_t end)
{
	char comp[NAME_MAX + 1];
	size_t next = end, start = w->pos;
	struct stat st;
	bool last, slash, follow;
	int e, fd;

	while (next < w->len && w->rest[next] == '/')
		next++;
	last = next == w->len;
	slash = next > end;
	if (last && w->want == PATHRES_PARENT)
		return walk_parent(w, start);
	if (end - start > NAME_MAX)
		return walk_failed(w, ENAMETOOLONG);
	memcpy(comp, w->rest + start, end - start);
	comp[end - start] = '\0';
	if ((fd = open_how(w->cur, comp, O_PATH | O_NOFOLLOW, 0)) == -1) {
		e = errno;
		if (e == ENOENT && last && w->want == PATHRES_CREATE)
			return walk_parent(w, start);
		return walk_failed(w, e);
	}
	if (fstat(fd, &st) == -1) {
		close(fd);
		return EACCES;
	}
	follow = !last || slash || w->want != PATHRES_NOFOLLOW;
	if (S_ISLNK(st.st_mode) && follow) {
		if (++w->links > LINKS_MAX)
			e = ELOOP;
		else if (on_procfs(fd))
			e = walk_proc_link(w, fd, &st, comp, end);
		else
			e = walk_link(w, fd, &st, end);
		close(fd);
		return e;
	}
	if ((!last || slash) && !S_ISDIR(st.st_mode)) {
		close(fd);
		return walk_failed(w, ENOTDIR);
	}
	if (last)
		return walk_last(w, fd, start);
	w->pos = next;
	return walk_set(w, fd);
}

/* One step; 0 goes on. */
static int
walk_step(struct walk *w)
{
	size_t end, n;

	while (w->pos < w->len && w->rest[w->pos] == '/')
		w->pos++;
	if (w->pos == w->len) { /* the directory we stand in */
		if (w->want == PATHRES_PARENT) {
			w->rest[0] = '.';
			w->rest[1] = '\0';
			return walk_parent(w, 0);
		}
		w->r->fd = w->cur;
		w->cur = -1;
		w->done = true;
		return 0;
	}
	for (end = w->pos; end < w->len && w->rest[end] != '/'; end++)
		;
	n = end - w->pos;
	if (w->rest[w->pos] == '.' && n <= 2 && w->rest[end - 1] == '.') {
		size_t next = end;

		while (next < w->len && w->rest[next] == '/')
			next++;
		if (w->want == PATHRES_PARENT && next == w->len)
			return walk_parent(w, w->pos);
		w->pos = end;
		return n == 2 ? walk_dotdot(w) : 0;
	}
	return walk_name(w, end);
}

/*
 * What the kernel tells no name of, being too long: that of its directory, and
 * the one it was opened by there.
 */
static int
walk_name_deep(struct walk *w)
{
	struct pathres *r = w->r;
	int dir = w->cur != -1 ? w->cur : r->dir;
	bool deleted;
	char one;

	if (r->fd == -1 || dir == -1 ||
	    call_fd_link(w->c->tracer, r->fd, &one, 1) != -1 ||
	    errno != ENAMETOOLONG)
		return EACCES;
	if (object_name(w->c, dir, r->canon, sizeof(r->canon) - SPELL_ROOM,
	    &r->len, &deleted) != 0 || deleted ||
	    pathres_join(r->canon, sizeof(r->canon) - SPELL_ROOM, &r->len,
	    r->canon, r->len, w->rest + w->last, w->len - w->last) != 0) {
		r->len = 0;
		return EACCES;
	}
	return 0;
}

/* Walk r->rest (len bytes) from base, which is borrowed. */
static int
walk(struct call *c, int base, size_t len, enum pathres_want want,
    struct pathres *r)
{
	struct walk w = {
		.c = c,
		.r = r,
		.want = want,
		.rest = r->rest,
		.len = len,
		.last = SIZE_MAX,
	};
	int e = 0;

	w.cur = fcntl(base, F_DUPFD_CLOEXEC, 0);
	if (w.cur == -1)
		return errno;
	while (e == 0 && !w.done)
		e = walk_step(&w);
	if (e == 0 && !(r->anon && r->fd != -1)) {
		e = res_name(c, r);
		if (e == EACCES && !r->magic && w.last != SIZE_MAX)
			e = walk_name_deep(&w);
	}
	fd_close(&w.cur);
	if (e != 0)
		pathres_close(r);
	return e;
}

/* ---- the kernel's own resolution, where it can be believed ---- */

/* true: r is complete.  false: take the walk. */
static bool
resolve_whole(struct call *c, int base, const char *path,
    enum pathres_want want, struct pathres *r)
{
	int flags = O_PATH | (want == PATHRES_NOFOLLOW ? O_NOFOLLOW : 0);

	r->fd = open_how(base, path, (uint64_t)flags, RESOLVE_NO_MAGICLINKS);
	if (r->fd == -1)
		return false;
	if (object_name(c, r->fd, r->canon, sizeof(r->canon) - SPELL_ROOM,
	    &r->len, &r->deleted) != 0 || is_our_proc(c->tracer, r->canon,
	    r->len)) {
		fd_close(&r->fd);
		return false;
	}
	r->len = pathres_spell_self(r->canon, r->len, c->task->tgid,
	    (pid_t)c->rq->pid);
	return true;
}

static void
drop_dir(struct pathres *r, int base)
{
	if (r->dir != base)
		fd_close(&r->dir);
	r->dir = -1;
}

/*
 * The parent's part of r->rest ends before last.  Where there is none r->dir is
 * base itself, if that is not the tracer's own root.
 */
static bool
resolve_parent(struct call *c, int base, size_t last, struct pathres *r)
{
	char keep = r->rest[last];
	const char *parent = r->rest;

	if (strcmp(r->rest + last, ".") == 0 ||
	    strcmp(r->rest + last, "..") == 0 || keep == '\0')
		return false;
	r->rest[last] = '\0';
	if (last == 0)	/* a name in the base itself */
		r->dir = base != c->tracer->rootfd ? base :
		    fcntl(base, F_DUPFD_CLOEXEC, 0);
	else
		r->dir = open_how(base, parent, O_PATH | O_DIRECTORY,
		    RESOLVE_NO_MAGICLINKS);
	r->rest[last] = keep;
	if (r->dir == -1)
		return false;
	r->name = r->rest + last;
	if (res_name(c, r) != 0 || is_our_proc(c->tracer, r->canon, r->len)) {
		drop_dir(r, base);
		return false;
	}
	return true;
}

/*
 * Where the kernel found nothing: is it the last name alone that is missing?
 * Then that is named, for fileops_failed; else the walk finds out what is.
 */
static bool
is_missing(struct call *c, int base, size_t len, struct pathres *r)
{
	int e, fd;

	if (r->rest[len - 1] == '/' ||
	    !resolve_parent(c, base, pathres_last(r->rest, len), r))
		return false;
	fd = open_how(r->dir, r->name, O_PATH | O_NOFOLLOW, 0);
	e = errno;
	drop_dir(r, base);
	if (fd == -1 && e == ENOENT)
		return true;
	fd_close(&fd);
	return false;
}

static int
resolve_from(struct call *c, int base, size_t len, enum pathres_want want,
    struct pathres *r)
{
	size_t last;

	if (want == PATHRES_PARENT) {
		last = pathres_last(r->rest, len);
		if (resolve_parent(c, base, last, r))
			return 0;
	} else if (want != PATHRES_CREATE) {
		errno = 0;
		if (resolve_whole(c, base, r->rest, want, r))
			return 0;
		if (errno == ENOENT && is_missing(c, base, len, r))
			return ENOENT;
	}
	pathres_clear(r);
	return walk(c, base, len, want, r);
}

int
pathres_resolve(struct call *c, int dirfd, const char *path, size_t len,
    enum pathres_want want, struct pathres *r)
{
	int base, e;

	pathres_clear(r);
	if (len == 0)
		return ENOENT;
	if (len >= sizeof(r->rest))
		return ENAMETOOLONG;
	memcpy(r->rest, path, len);
	r->rest[len] = '\0';
	if (path[0] == '/')
		return resolve_from(c, c->tracer->rootfd, len, want, r);
	if ((base = call_base(c, dirfd, &e)) == -1)
		return e;
	/* "./name" as tar and find have it. */
	while (len > 2 && r->rest[0] == '.' && r->rest[1] == '/' &&
	    r->rest[2] != '/') {
		len -= 2;
		memmove(r->rest, r->rest + 2, len + 1);
	}
	e = resolve_from(c, base, len, want, r);
	if (r->dir == base)
		r->lender = c;
	else
		call_base_done(c, base);
	return e;
}

int
pathres_fd(struct call *c, int fd, struct pathres *r)
{
	int e;

	pathres_clear(r);
	r->magic = true;
	if ((r->fd = call_dirfd(c, fd, &e)) == -1)
		return e;
	e = object_name(c, r->fd, r->canon, sizeof(r->canon) - SPELL_ROOM,
	    &r->len, &r->deleted);
	if (e == 1) {
		char num[NUM_MAX];

		num_put(num, (uint32_t)fd);
		name_anon(r, "/dev/fd", 7, num, false);
		return 0;
	}
	if (e != 0) {
		pathres_close(r);
		return EACCES;
	}
	r->len = pathres_spell_self(r->canon, r->len, c->task->tgid,
	    (pid_t)c->rq->pid);
	return 0;
}
