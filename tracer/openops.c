/*
 * The open family, performed on behalf: the caller gets a descriptor of exactly
 * the object that was judged.  The common open costs one openat2 that follows
 * nothing and one readlink that proves the name; everything else is pinned
 * first.  Runs in the serving threads, may block where the caller would (FIFO,
 * lease, dead file system).
 *
 * Must never: create or truncate before judging, follow a symlink on its own
 * account, or acquire a terminal (O_NOCTTY always).
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tracer/ctty.h"
#include "tracer/event.h"
#include "tracer/fileops.h"
#include "tracer/notify.h"
#include "tracer/num.h"
#include "tracer/tracer.h"

#define CREATE_TRIES 16
#define TMPFILE_BIT  (O_TMPFILE & ~O_DIRECTORY)
#define TTY_MAJOR    5

/* What open(2) looks at; it ignores the rest, openat2(2) does not. */
#define OPEN_FLAGS \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | \
	    O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | \
	    O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | \
	    TMPFILE_BIT)
/* O_LARGEFILE is 0 in a 64-bit libc, not in the kernel. */
#define KERNEL_LARGEFILE 0100000u

struct open_rq {
	uint64_t flags, mode, resolve;
	int dirfd;
	const char *path;
	size_t len;
	bool quiet; /* in place of O_PATH: only what opening does nothing to */
	bool last;  /* who has the other end waits for the last close */
};

static int
do_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
    uint64_t resolve)
{
	struct open_how how = {
		/* With O_PATH openat2 takes no O_NOCTTY. */
		.flags = flags | O_CLOEXEC |
		    ((flags & O_PATH) != 0 ? 0 : O_NOCTTY),
		.mode = mode,
		.resolve = resolve,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* Open a pinned object again, as the caller wants it. */
static int
reopen(const struct call *c, int fd, uint64_t flags)
{
	char num[NUM_MAX];

	num_put(num, (uint32_t)fd);
	return openat(c->tracer->selffd, num,
	    (int)(flags & ~(uint64_t)(O_CREAT | O_EXCL | O_NOFOLLOW)) |
	    O_CLOEXEC | O_NOCTTY);
}

/* Give fd (ours to close), or its errno, to the caller. */
static void
finish(struct call *c, const struct open_rq *o, int fd, int e)
{
	if (fd == -1) {
		fileops_done(c, -1, e);
		return;
	}
	event_commit(c, 0);
#ifdef CONTINUE_AFTER_CHECK
	answer_continue(c);
#else
	if (ctty_may_be(o->flags, c->ev.text[EVS_PATH].p,
	    c->ev.text[EVS_PATH].len))
		ctty_answer(c, fd, (o->flags & O_CLOEXEC) != 0);
	else if (o->last)
		(void)answer_last(c, &fd, (o->flags & O_CLOEXEC) != 0);
	else
		(void)answer_fd(c, fd, (o->flags & O_CLOEXEC) != 0);
#endif
	if (fd != -1)
		close(fd);
}

/* How many of the descriptors below limit are in use, counted one by one. */
static rlim_t
count_fds(const struct call *c, rlim_t limit)
{
	char name[NUM_MAX + 8];
	struct dirent *d;
	rlim_t n = 0;
	DIR *dir;
	int fd;

	num_text(num_put(name, c->rq->pid), "/fd");
	fd = openat(c->tracer->procfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return 0;
	}
	while ((d = readdir(dir)) != NULL)
		n += d->d_name[0] != '.' &&
		    strtoul(d->d_name, NULL, 10) < limit;
	closedir(dir);
	return n;
}

/*
 * /proc/TID/fd of the caller: its size is how many it has.  Kept until another
 * calls; of a thread that is no more it tells nothing.  0 or -1.
 */
static int
stat_fds(struct call *c, struct stat *st)
{
	struct worker *w = c->w;
	char name[NUM_MAX + 8];

	if (w->fds > 0 && w->fds_tid == c->rq->pid && fstat(w->fds, st) == 0)
		return 0;
	if (w->fds > 0)
		close(w->fds);
	num_text(num_put(name, c->rq->pid), "/fd");
	w->fds = openat(c->tracer->procfd, name,
	    O_PATH | O_DIRECTORY | O_CLOEXEC);
	w->fds_tid = c->rq->pid;
	return w->fds == -1 ? -1 : fstat(w->fds, st);
}

/*
 * Can the caller take one more descriptor?  The kernel asks that first: nothing
 * is made or cut short for who has no number left.  Before 6.2 the size of the
 * directory is 0.
 */
static bool
has_fd_room(struct call *c)
{
	struct rlimit rl;
	struct stat st;
	rlim_t used;

	if (prlimit((pid_t)c->rq->pid, RLIMIT_NOFILE, NULL, &rl) == -1)
		return true;
	if (stat_fds(c, &st) == -1)
		return true;
	used = st.st_size > 0 ? (rlim_t)st.st_size : count_fds(c, RLIM_INFINITY);
	/* Some of them may lie above a limit that was lowered. */
	return used < rl.rlim_cur || count_fds(c, rl.rlim_cur) < rl.rlim_cur;
}

/*
 * Is opening path as o says allowed?  dir: it is a directory.  The event holds
 * the verdict, and *v the refusing one.
 */
static bool
judge_open(struct call *c, const struct open_rq *o, const char *path,
    size_t len, bool dir, struct verdict *v)
{
	uint64_t acc = o->flags & O_ACCMODE;

	if (acc != O_WRONLY && !call_judge_file(c, dir ? FOP_LIST : FOP_READ,
	    path, len, v))
		return false;
	if (acc != O_RDONLY && !call_judge_file(c, FOP_WRITE, path, len, v))
		return false;
	return (o->flags & O_TRUNC) == 0 ||
	    call_judge_file(c, FOP_TRUNCATE, path, len, v);
}

/* The common case's directory, pinned, and the name that path has in full. */
struct fast {
	int base;
	const char *path; /* from base */
	const char *full;
	size_t len;	  /* of full */
};

/*
 * Open f->path read only.  If no component is a symlink the full name is
 * canonical, and reading it back from the descriptor proves that.  false:
 * nothing was done, go the long way.
 */
static bool
open_proved(struct call *c, const struct open_rq *o, const struct fast *f)
{
	struct verdict list, v;
	char *back = c->w->text;
	ssize_t n;
	int fd;

	if (f->len < 2 || !pathres_is_clean(f->full, f->len) ||
	    strncmp(f->full, "/proc", 5) == 0 ||
	    strcmp(f->full, "/dev/tty") == 0)
		return false;
	image_file(c->im, FOP_LIST, f->full, f->len, &list);
	if ((o->flags & O_DIRECTORY) != 0) {
		if (!call_judge_file(c, FOP_LIST, f->full, f->len, &v))
			return false;
	} else if (!call_judge_file(c, FOP_READ, f->full, f->len, &v) ||
	    list.rule != v.rule) {
		return false;
	}
	if (!event_room(c))
		return true;
	fd = do_openat2(f->base, f->path, o->flags, 0,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (fd == -1) {
		if (errno == ELOOP || errno == EAGAIN)
			return false;
		fileops_done(c, -1, errno);
		return true;
	}
	n = call_fd_link(c->tracer, fd, back, sizeof(c->w->text));
	if (n != (ssize_t)f->len || memcmp(back, f->full, f->len) != 0) {
		close(fd);
		return false;
	}
	finish(c, o, fd, 0);
	return true;
}

/* Put the name of f->base before f->path, into buf.  false: there is none. */
static bool
fast_name(const struct call *c, struct fast *f, char *buf, size_t size)
{
	ssize_t n;

	n = call_fd_link(c->tracer, f->base, buf, size);
	if (n <= 0 || (size_t)n >= size || !fileops_is_plain(buf, (size_t)n))
		return false;
	buf[n] = '\0';
	f->full = buf;
	f->len = (size_t)n;
	if (strcmp(f->path, ".") == 0)
		return true;
	/* With slashes at the end it must be a directory, whose name has none. */
	for (n = (ssize_t)strlen(f->path); n > 1 && f->path[n - 1] == '/'; n--)
		;
	return pathres_join(buf, size, &f->len, buf, f->len, f->path,
	    (size_t)n) == 0;
}

/* As open_proved, for what the call names. */
static bool
open_fast(struct call *c, const struct open_rq *o)
{
	struct fast f = { c->tracer->rootfd, o->path, o->path, o->len };
	bool done;
	int e;

	if (o->path[0] == '/')
		return open_proved(c, o, &f);
	while (f.path[0] == '.' && f.path[1] == '/' && f.path[2] != '\0')
		f.path += 2;
	if ((f.base = call_base(c, o->dirfd, &e)) == -1)
		return false;
	done = fast_name(c, &f, c->w->path[1], sizeof(c->w->path[1])) &&
	    open_proved(c, o, &f);
	call_base_done(c, f.base);
	return done;
}

/*
 * fs.protected_regular and protected_fifos: with O_CREAT the kernel refuses
 * another's file in a sticky directory that all may write to and, where it is
 * 2, its group; we open it without.
 */
static bool
is_protected(const struct tracer *t, int dir, const struct stat *st)
{
	int level = S_ISREG(st->st_mode) ? t->protected_regular :
	    S_ISFIFO(st->st_mode) ? t->protected_fifos : 0;
	struct stat d;

	if (dir == -1 || level == 0)
		return false;
	if (fstat(dir, &d) == -1)
		return true;
	return (d.st_mode & S_ISVTX) != 0 &&
	    ((d.st_mode & S_IWOTH) != 0 ||
		((d.st_mode & S_IWGRP) != 0 && level != 1)) &&
	    st->st_uid != (uid_t)setfsuid((uid_t)-1) &&
	    st->st_uid != d.st_uid;
}

/* Open the object that r pins. */
static void
open_object(struct call *c, const struct open_rq *o, struct pathres *r)
{
	struct open_rq last = *o;
	struct verdict v;
	struct stat st;
	int fd;

	if (fstat(r->fd, &st) == -1) {
		call_unjudgeable(c, "no object");
		return;
	}
	if (!judge_open(c, o, r->canon, r->len, S_ISDIR(st.st_mode), &v)) {
		call_refuse(c, &v, 0);
		return;
	}
	if (S_ISLNK(st.st_mode)) {
		finish(c, o, -1, ELOOP);
		return;
	}
	if (o->quiet && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		finish(c, o, -1, EACCES);
		return;
	}
	if ((o->flags & O_CREAT) != 0 && S_ISDIR(st.st_mode)) {
		finish(c, o, -1, EISDIR);
		return;
	}
	if ((o->flags & O_CREAT) != 0 && is_protected(c->tracer, r->dir, &st)) {
		finish(c, o, -1, EACCES);
		return;
	}
	if (!event_room(c))
		return;
	if (S_ISFIFO(st.st_mode)) /* ours must not be taken for its reader */
		notify_settle(c->w);
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(TTY_MAJOR, 0))
		fd = ctty_open(c, o->flags);
	else
		fd = reopen(c, r->fd, o->flags);
	last.last = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode);
	finish(c, &last, fd, errno);
}

static bool
is_plain_name(const char *name)
{
	size_t n = strlen(name);

	return n != 0 && name[n - 1] != '/' && strcmp(name, ".") != 0 &&
	    strcmp(name, "..") != 0;
}

/*
 * Create r->name in r->dir unless something is there.  1: something is (EEXIST
 * without O_EXCL), 0: answered.
 */
static int
create_name(struct call *c, const struct open_rq *o, struct pathres *r)
{
	struct verdict v;
	int fd, e;

	if (!call_judge_file(c, FOP_CREATE, r->canon, r->len, &v)) {
		call_refuse(c, &v, 0);
		return 0;
	}
	if (!event_room(c))
		return 0;
	if (!fileops_umask(c)) {
		call_unjudgeable(c, "umask");
		return 0;
	}
	/* Which follows no symlink. */
	fd = do_openat2(r->dir, r->name, o->flags | O_CREAT | O_EXCL, o->mode,
	    0);
	e = errno;
	if (fd == -1 && e == EEXIST && (o->flags & O_EXCL) == 0)
		return 1;
	finish(c, o, fd, e);
	return 0;
}

/* May a directory hold files that protected_regular guards? */
static bool
is_sticky(int dir)
{
	struct stat st;

	return fstat(dir, &st) == -1 || (st.st_mode & S_ISVTX) != 0;
}

/*
 * One try at an O_CREAT open of r->name in r->dir: what is there, or a new
 * file.  1: try again, 2: go the long way (a symlink, a directory full of
 * strangers' files), 0: answered.
 */
static int
open_or_create(struct call *c, const struct open_rq *o, struct pathres *r)
{
	struct verdict v;
	int fd, e;

	if (!judge_open(c, o, r->canon, r->len, false, &v) ||
	    is_sticky(r->dir) || strcmp(r->canon, "/dev/tty") == 0)
		return 2;
	if (!event_room(c))
		return 0;
	/* Not by O_NOFOLLOW, which F_GETFL would show. */
	fd = do_openat2(r->dir, r->name, o->flags & ~(uint64_t)O_CREAT, 0,
	    RESOLVE_NO_SYMLINKS);
	e = errno;
	if (fd != -1 || (e != ENOENT && e != ELOOP && e != EISDIR &&
	    e != ENOTDIR)) {
		if (fd != -1 && (o->flags & O_ACCMODE) == O_RDONLY) {
			struct stat st;

			if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
				close(fd);
				fd = -1;
				e = EISDIR;
			}
		}
		finish(c, o, fd, e);
		return 0;
	}
	return e == ENOENT ? create_name(c, o, r) : 2;
}

/* O_CREAT, with every step pinned and looked at. */
static int
create_slow(struct call *c, const struct open_rq *o, struct pathres *r)
{
	int e, again = 0;

	e = pathres_resolve(c, o->dirfd, o->path, o->len, PATHRES_CREATE, r);
	if (e != 0)
		fileops_failed(c, FOP_CREATE, r, e);
	else if (r->fd != -1)
		open_object(c, o, r);
	else if (!is_plain_name(r->name))
		finish(c, o, -1, EISDIR);
	else
		again = create_name(c, o, r);
	pathres_close(r);
	return again;
}

static void
open_create(struct call *c, const struct open_rq *o)
{
	struct pathres *r = &c->w->res[0];
	unsigned int i;
	int e, todo = 1;

	for (i = 0; i < CREATE_TRIES && todo == 1; i++) {
		e = pathres_resolve(c, o->dirfd, o->path, o->len,
		    PATHRES_PARENT, r);
		if (e != 0) {
			fileops_failed(c, FOP_CREATE, r, e);
			return;
		}
		if (!is_plain_name(r->name)) {
			todo = 2;
		} else if ((o->flags & (O_EXCL | O_NOFOLLOW)) == 0) {
			todo = open_or_create(c, o, r);
		} else if ((o->flags & O_EXCL) != 0) {
			todo = create_name(c, o, r);
		} else {
			todo = open_or_create(c, o, r);
			if (todo == 2) {
				int fd = do_openat2(r->dir, r->name,
				    O_PATH | O_NOFOLLOW, 0, 0);

				if (fd == -1) {
					todo = create_name(c, o, r);
				} else {
					r->fd = fd;
					open_object(c, o, r);
					todo = 0;
				}
			}
		}
		pathres_close(r);
	}
	for (; i < 2 * CREATE_TRIES && todo != 0; i++)
		todo = create_slow(c, o, r);
	if (todo != 0)
		call_unjudgeable(c, "the name does not hold still");
}

/* O_TMPFILE: judged as a name in the directory that no file can have. */
static void
open_tmpfile(struct call *c, const struct open_rq *o)
{
	struct pathres *r = &c->w->res[0];
	struct verdict v;
	int e, fd;

	e = pathres_resolve(c, o->dirfd, o->path, o->len, PATHRES_OBJECT, r);
	if (e != 0) {
		fileops_failed(c, FOP_CREATE, r, e);
		return;
	}
	if (pathres_join(r->canon, sizeof(r->canon), &r->len, r->canon, r->len,
	    "#tmpfile", 8) != 0 ||
	    !call_judge_file(c, FOP_CREATE, r->canon, r->len, &v)) {
		call_refuse(c, &v, EACCES);
	} else if (event_room(c)) {
		fd = -1;
		errno = EACCES;
		if (fileops_umask(c))
			fd = do_openat2(r->fd, ".", o->flags, o->mode, 0);
		finish(c, o, fd, errno);
	}
	pathres_close(r);
}

/*
 * openat2 with RESOLVE_*: the kernel resolves as it was told, we name what it
 * found.
 */
static int
resolve_told(struct call *c, const struct open_rq *o, struct pathres *r)
{
	uint64_t flags = O_PATH | (o->flags & (O_NOFOLLOW | O_DIRECTORY));
	int base, e;

	/* Our own walk keeps to this one by itself, and knows /proc/self. */
	if ((o->resolve & ~(uint64_t)RESOLVE_NO_MAGICLINKS) == 0) {
		e = pathres_resolve(c, o->dirfd, o->path, o->len,
		    (o->flags & O_NOFOLLOW) != 0 ? PATHRES_NOFOLLOW :
		    PATHRES_OBJECT, r);
		if (e == 0 && r->magic) {
			pathres_close(r);
			r->len = 0;
			e = ELOOP;
		}
		return e;
	}
	pathres_clear(r);
	if (o->path[0] == '/' && (o->resolve & RESOLVE_IN_ROOT) == 0)
		base = fcntl(c->tracer->rootfd, F_DUPFD_CLOEXEC, 0);
	else
		base = call_dirfd(c, o->dirfd, &e);
	if (base == -1)
		return EBADF;
	r->fd = do_openat2(base, o->path, flags, 0,
	    o->resolve | RESOLVE_NO_MAGICLINKS);
	e = errno;
	close(base);
	if (r->fd == -1)
		return e;
	if (pathres_name(c, r->fd, r->canon, sizeof(r->canon), &r->len) != 0) {
		pathres_close(r);
		return EACCES;
	}
	return 0;
}

/*
 * O_CREAT with RESOLVE_*: the parent as the kernel was told, the last name not
 * followed; a symlink there is refused.
 */
static void
create_told(struct call *c, const struct open_rq *o)
{
	struct pathres *r = &c->w->res[0];
	struct open_rq parent = *o;
	size_t last = pathres_last(o->path, o->len);
	char *dir = c->w->path[1];
	int e, todo = 1;
	unsigned int i;

	memcpy(dir, o->path, last);
	num_text(dir + last, last == 0 ? "." : "");
	parent.path = dir;
	parent.len = strlen(dir);
	parent.flags = O_DIRECTORY;
	if ((e = resolve_told(c, &parent, r)) != 0) {
		fileops_failed(c, FOP_CREATE, r, e);
		return;
	}
	r->dir = r->fd;
	r->fd = -1;
	r->name = o->path + last;
	if (!is_plain_name(r->name) || pathres_join(r->canon, sizeof(r->canon),
	    &r->len, r->canon, r->len, r->name, strlen(r->name)) != 0) {
		finish(c, o, -1, EISDIR);
		todo = 0;
	}
	for (i = 0; i < CREATE_TRIES && todo == 1; i++)
		todo = (o->flags & O_EXCL) != 0 ? create_name(c, o, r) :
		    open_or_create(c, o, r);
	if (todo != 0)
		call_unjudgeable(c, "O_CREAT with RESOLVE_* on this name");
	pathres_close(r);
}

static void
open_slow(struct call *c, const struct open_rq *o)
{
	struct pathres *r = &c->w->res[0];
	enum file_op op = (o->flags & O_ACCMODE) != O_RDONLY ? FOP_WRITE :
	    (o->flags & O_DIRECTORY) != 0 ? FOP_LIST : FOP_READ;
	int e;

	if (o->resolve != 0)
		e = resolve_told(c, o, r);
	else
		e = pathres_resolve(c, o->dirfd, o->path, o->len,
		    (o->flags & O_NOFOLLOW) != 0 ? PATHRES_NOFOLLOW :
		    PATHRES_OBJECT, r);
	if (e != 0) {
		fileops_failed(c, op, r, e);
		return;
	}
	open_object(c, o, r);
	pathres_close(r);
}

/*
 * struct open_how as openat2 takes it: longer ones must be zero beyond what we
 * know.
 */
static int
read_how(struct call *c, struct open_rq *o)
{
	struct {
		struct open_how how;
		uint8_t more[64];
	} h = { .how = { 0 } };
	uint64_t size = call_v(c, SR_SIZE);
	unsigned int i;
	int e;

	if (size < sizeof(h.how))
		return EINVAL;
	if (size > sizeof(h))
		return E2BIG;
	if ((e = call_read(c, call_v(c, SR_HOW), &h, size)) != 0)
		return e;
	for (i = 0; i < sizeof(h.more); i++)
		if (h.more[i] != 0)
			return E2BIG;
	if ((h.how.flags & ~(uint64_t)(OPEN_FLAGS | KERNEL_LARGEFILE)) != 0)
		return EINVAL;
	o->flags = h.how.flags;
	o->mode = h.how.mode;
	o->resolve = h.how.resolve;
	if (o->mode != 0 && (o->flags & (O_CREAT | TMPFILE_BIT)) == 0)
		return EINVAL;
	/* EAGAIN is an answer that RESOLVE_CACHED asks for. */
	return (o->resolve & RESOLVE_CACHED) != 0 ? EAGAIN : 0;
}

static int
read_flags(struct call *c, struct open_rq *o)
{
	if (systab_has(&c->a, SR_HOW))
		return read_how(c, o);
	o->flags = c->a.flags & (OPEN_FLAGS | KERNEL_LARGEFILE);
	o->resolve = 0;
	o->mode = 0;
	if ((o->flags & (O_CREAT | TMPFILE_BIT)) != 0)
		o->mode = call_u32(c, SR_MODE) & 07777;
	return 0;
}

/*
 * O_PATH descriptors cannot be injected, so the kernel makes them; they give
 * nothing but attributes, and every later use (/proc/self/fd, *at,
 * AT_EMPTY_PATH, exec) is judged by the object's own name.
 */
static void
open_path_only(struct call *c, const struct open_rq *o)
{
	struct pathres *r = &c->w->res[0];
	struct verdict v;
	int e;

	if (!image_settings(c->im)->metadata) {
		c->event_on = false;
		answer_continue(c);
		return;
	}
	e = pathres_resolve(c, o->dirfd, o->path, o->len,
	    (o->flags & O_NOFOLLOW) != 0 ? PATHRES_NOFOLLOW : PATHRES_OBJECT,
	    r);
	if (e != 0) {
		fileops_failed(c, FOP_STAT, r, e);
		return;
	}
	if (!call_judge_file(c, FOP_STAT, r->canon, r->len, &v)) {
		call_refuse(c, &v, 0);
	} else if (event_room(c)) {
		event_let_go(c);
		answer_continue(c);
	}
	pathres_close(r);
}

/*
 * The flags of openat2 lie in memory, where the kernel would read them again:
 * no CONTINUE.  A plain descriptor of a file or directory does what an O_PATH
 * one would, for those who may read.
 */
static void
open_path_how(struct call *c, struct open_rq *o)
{
	o->flags = (o->flags & (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) |
	    O_RDONLY | O_NONBLOCK;
	o->quiet = true;
	open_slow(c, o);
}

void
openops_ask(struct call *c)
{
	struct open_rq o = { .dirfd = call_int(c, SR_DIRFD) };
	int e;

	if ((e = read_flags(c, &o)) != 0) {
		answer_errno(c, e);
		return;
	}
	/* As Linux 6.4 has it: before, a file was made and then ENOTDIR. */
	if ((o.flags & (O_PATH | O_CREAT | O_DIRECTORY)) ==
	    (O_CREAT | O_DIRECTORY)) {
		answer_errno(c, EINVAL);
		return;
	}
	if (!fileops_string(c, SR_PATH, 0, &o.len))
		return;
	if ((o.flags & (O_CREAT | O_TRUNC)) != 0 && !has_fd_room(c)) {
		answer_errno(c, EMFILE);
		return;
	}
	o.path = c->w->path[0];
	event_begin(c, EV_FILE);
	c->ev.fix.value = (int64_t)o.flags;
	c->ev.fix.value2 = (int64_t)o.mode;
	if ((o.flags & O_PATH) != 0 && systab_has(&c->a, SR_HOW))
		open_path_how(c, &o);
	else if ((o.flags & O_PATH) != 0)
		open_path_only(c, &o);
	else if ((o.flags & TMPFILE_BIT) != 0)
		open_tmpfile(c, &o);
	else if ((o.flags & O_CREAT) != 0 && o.resolve == 0)
		open_create(c, &o);
	else if ((o.flags & (O_ACCMODE | O_TRUNC | O_CREAT)) == O_RDONLY &&
	    o.resolve == 0 && open_fast(c, &o))
		return;
	else if ((o.flags & O_CREAT) != 0)
		create_told(c, &o);
	else
		open_slow(c, &o);
}
