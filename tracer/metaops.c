/*
 * Extended attributes, and the metadata calls that are judged only where the
 * config asks for it (stat, access, readlink and their like): performed on the
 * pinned object, the result written into the caller's memory.  Runs in the
 * serving threads with the caller's credentials.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tracer/event.h"
#include "tracer/fileops.h"
#include "tracer/num.h"
#include "tracer/tracer.h"

#ifndef SYS_file_getattr
#define SYS_file_getattr 468
#define SYS_file_setattr 469
#endif

#define XATTR_NAME_BYTES  256
#define XATTR_VALUE_BYTES 65536
#define STAT_BYTES	  144 /* the kernel's struct stat, at most */
#define STATX_BYTES	  256
#define FATTR_BYTES	  128
#define FATTR_MOST	  4096 /* a page: the kernel takes no more */
#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif

/* struct xattr_args of setxattrat(2), getxattrat(2) */
struct at_args {
	uint64_t value;
	uint32_t size;
	uint32_t flags;
};

/* The worker's large buffer, or NULL. */
static void *
arena(struct worker *w)
{
	if (w->arena == NULL) {
		w->arena = mmap(NULL, WORKER_ARENA_BYTES,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (w->arena == MAP_FAILED)
			w->arena = NULL;
	}
	return w->arena;
}

/* Give the pages of a large use back. */
static void
arena_done(struct worker *w, size_t used)
{
	if (used > 65536)
		madvise(w->arena, used, MADV_DONTNEED);
}

/*
 * Where the value is and how large, whichever form the call has.  0 or an
 * errno.
 */
static int
value_args(struct call *c, enum systab_role where, struct at_args *a)
{
	int e;

	if (systab_has(&c->a, SR_HOW)) {
		if (call_v(c, SR_SIZE) < sizeof(*a))
			return EINVAL;
		if (call_v(c, SR_SIZE) > sizeof(*a))
			return E2BIG;
		e = call_read(c, call_v(c, SR_HOW), a, sizeof(*a));
		/* XATTR_CREATE and the like are for who sets. */
		if (e == 0 && a->flags != 0 && c->sa.ask != ASK_SETXATTR)
			e = EINVAL;
		return e;
	}
	a->value = call_v(c, where);
	if (call_v(c, SR_SIZE) > UINT32_MAX)
		return E2BIG;
	a->size = (uint32_t)call_v(c, SR_SIZE);
	a->flags = call_u32(c, SR_XFLAGS);
	return 0;
}

/* The attribute's name into buf, XATTR_NAME_BYTES.  true, or answered. */
static bool
attr_name(struct call *c, char *buf)
{
	size_t len;
	int e;

	e = call_string(c, call_v(c, SR_NAME), buf, XATTR_NAME_BYTES, &len);
	if (e == ENAMETOOLONG || (e == 0 && len == 0))
		e = ERANGE;
	if (e != 0)
		answer_errno(c, e);
	return e == 0;
}

void
metaops_ask_setxattr(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char name[XATTR_NAME_BYTES], self[32];
	struct at_args a = { 0 };
	void *value = arena(c->w);
	int e;

	if (!attr_name(c, name))
		return;
	e = value_args(c, SR_BUF, &a);
	if (e == 0 && a.size > XATTR_VALUE_BYTES)
		e = E2BIG;
	if (e == 0 && value == NULL)
		e = ENOMEM;
	if (e == 0)
		e = call_read(c, a.value, value, a.size);
	if (e != 0) {
		answer_errno(c, e);
		return;
	}
	if (!fileops_object(c, FOP_XATTR, r))
		return;
	fileops_self(self, r->fd);
	e = setxattr(self, name, value, a.size, (int)a.flags);
	fileops_done(c, e, errno);
	pathres_close(r);
}

void
metaops_ask_removexattr(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char name[XATTR_NAME_BYTES], self[32];
	int e;

	if (!attr_name(c, name) || !fileops_object(c, FOP_XATTR, r))
		return;
	fileops_self(self, r->fd);
	e = removexattr(self, name);
	fileops_done(c, e, errno);
	pathres_close(r);
}

void
metaops_ask_setattr(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char buf[FATTR_BYTES], num[NUM_MAX];
	size_t size = (size_t)call_v(c, SR_SIZE);
	long e;

	if (size > sizeof(buf)) {
		answer_errno(c, E2BIG);
		return;
	}
	if (call_read(c, call_v(c, SR_HOW), buf, size) != 0) {
		answer_errno(c, EFAULT);
		return;
	}
	if (!fileops_object(c, FOP_XATTR, r))
		return;
	/* Through /proc: by itself an O_PATH descriptor is not taken. */
	num_put(num, (uint32_t)r->fd);
	e = syscall(SYS_file_setattr, c->tracer->selffd, num, buf, size, 0);
	fileops_done(c, e, errno);
	pathres_close(r);
}

/* ---- metadata ---- */

/* n bytes of ours are the result: into the caller's SR_OUT, and answer ret. */
static void
give(struct call *c, const void *buf, size_t n, long ret)
{
	int e;

	if ((e = call_write(c, call_v(c, SR_OUT), buf, n)) != 0)
		fileops_done(c, -1, e);
	else
		fileops_done(c, ret, 0);
}

void
metaops_ask_stat(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char buf[STAT_BYTES];

	if (!fileops_object(c, FOP_STAT, r))
		return;
	if (syscall(SYS_newfstatat, r->fd, "", buf, AT_EMPTY_PATH) == -1)
		fileops_done(c, -1, errno);
	else
		give(c, buf, sizeof(struct stat), 0);
	pathres_close(r);
}

void
metaops_ask_statx(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	uint32_t sync = c->a.flags & AT_STATX_SYNC_TYPE;
	char buf[STATX_BYTES];

	if (!fileops_object(c, FOP_STAT, r))
		return;
	if (syscall(SYS_statx, r->fd, "", AT_EMPTY_PATH | sync,
	    call_u32(c, SR_MASK), buf) == -1)
		fileops_done(c, -1, errno);
	else
		give(c, buf, sizeof(buf), 0);
	pathres_close(r);
}

void
metaops_ask_statfs(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	struct statfs sf;

	if (!fileops_object(c, FOP_STAT, r))
		return;
	if (fstatfs(r->fd, &sf) == -1)
		fileops_done(c, -1, errno);
	else
		give(c, &sf, sizeof(sf), 0);
	pathres_close(r);
}

void
metaops_ask_access(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char num[NUM_MAX];
	long e;

	if (!fileops_object(c, FOP_STAT, r))
		return;
	num_put(num, (uint32_t)r->fd);
	if ((c->a.flags & AT_EACCESS) != 0)
		e = syscall(SYS_faccessat2, c->tracer->selffd, num,
		    call_u32(c, SR_MODE), AT_EACCESS);
	else
		e = syscall(SYS_faccessat, c->tracer->selffd, num,
		    call_u32(c, SR_MODE));
	fileops_done(c, e, errno);
	pathres_close(r);
}

/* The text of the pinned link; below /proc, self is the caller. */
static ssize_t
link_text(struct call *c, const struct pathres *r, char *buf, size_t size)
{
	char *p;

	if (strcmp(r->canon, "/proc/self") == 0)
		p = num_put(buf, (uint32_t)c->task->tgid);
	else if (strcmp(r->canon, "/proc/thread-self") == 0)
		p = num_put(num_text(num_put(buf, (uint32_t)c->task->tgid),
		    "/task/"), c->rq->pid);
	else
		return readlinkat(r->fd, "", buf, size);
	return p - buf;
}

void
metaops_ask_readlink(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	int size = call_int(c, SR_SIZE);
	char *buf = c->w->path[1];
	ssize_t n;

	if (size <= 0) {
		answer_errno(c, EINVAL);
		return;
	}
	c->a.flags |= AT_SYMLINK_NOFOLLOW;
	if (!fileops_object(c, FOP_READLINK, r))
		return;
	n = link_text(c, r, buf, CALL_PATH_MAX);
	if (n == -1) {
		/* By a descriptor, what is no link has no text; by name it is EINVAL. */
		fileops_done(c, -1, errno == ENOENT && !r->deleted &&
		    c->w->path[0][0] != '\0' ? EINVAL : errno);
	} else {
		n = n > size ? size : n;
		give(c, buf, (size_t)n, n);
	}
	pathres_close(r);
}

/* A list or value of at most size bytes into SR_OUT; size 0 asks how many. */
static void
attr_result(struct call *c, struct pathres *r, const char *name,
    const struct at_args *a)
{
	size_t size = a->size > XATTR_VALUE_BYTES ? XATTR_VALUE_BYTES : a->size;
	void *buf = arena(c->w);
	char self[32];
	ssize_t n;
	int e;

	fileops_self(self, r->fd);
	n = name == NULL ? listxattr(self, buf, size) :
	    getxattr(self, name, buf, size);
	if (n == -1) {
		fileops_done(c, -1, errno);
	} else if (size != 0 &&
	    (e = call_write(c, a->value, buf, (size_t)n)) != 0) {
		fileops_done(c, -1, e);
	} else {
		fileops_done(c, n, 0);
	}
	arena_done(c->w, n > 0 ? (size_t)n : 0);
}

void
metaops_ask_getxattr(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char name[XATTR_NAME_BYTES];
	struct at_args a = { 0 };
	int e;

	if (!attr_name(c, name))
		return;
	e = value_args(c, SR_OUT, &a);
	if (e == 0 && arena(c->w) == NULL)
		e = ENOMEM;
	if (e != 0) {
		answer_errno(c, e);
		return;
	}
	if (!fileops_object(c, FOP_STAT, r))
		return;
	attr_result(c, r, name, &a);
	pathres_close(r);
}

void
metaops_ask_listxattr(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	struct at_args a = { 0 };
	int e;

	e = value_args(c, SR_OUT, &a);
	if (e == 0 && arena(c->w) == NULL)
		e = ENOMEM;
	if (e != 0) {
		answer_errno(c, e);
		return;
	}
	if (!fileops_object(c, FOP_STAT, r))
		return;
	attr_result(c, r, NULL, &a);
	pathres_close(r);
}

void
metaops_ask_getattr(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char buf[FATTR_BYTES] = { 0 }, num[NUM_MAX];
	size_t size = (size_t)call_v(c, SR_SIZE);

	if (size > FATTR_MOST) {
		answer_errno(c, E2BIG);
		return;
	}
	if (size > sizeof(buf))
		size = sizeof(buf);
	if (!fileops_object(c, FOP_STAT, r))
		return;
	num_put(num, (uint32_t)r->fd);
	if (syscall(SYS_file_getattr, c->tracer->selffd, num, buf, size, 0) ==
	    -1)
		fileops_done(c, -1, errno);
	else
		give(c, buf, size, 0);
	pathres_close(r);
}

void
metaops_ask_watch(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char self[32];
	int e, fd;

	if ((call_u32(c, SR_MASK) & IN_DONT_FOLLOW) != 0)
		c->a.flags |= AT_SYMLINK_NOFOLLOW;
	if ((fd = call_getfd(c, call_int(c, SR_FD), &e)) == -1) {
		answer_errno(c, e);
		return;
	}
	c->a.has &= ~(1ull << SR_FD); /* the object is SR_PATH */
	if (fileops_object(c, FOP_STAT, r)) {
		fileops_self(self, r->fd);
		e = inotify_add_watch(fd, self,
		    call_u32(c, SR_MASK) & ~(uint32_t)IN_DONT_FOLLOW);
		fileops_done(c, e, errno);
		pathres_close(r);
	}
	close(fd);
}
