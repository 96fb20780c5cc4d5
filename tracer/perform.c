/*
 * The calls that change names and attributes, performed on pinned objects: a
 * parent directory and a last name that is not followed, or the object itself.
 * Runs in the serving threads with the caller's credentials and umask.
 *
 * Must never: act before every question of the call has its yes, or tell by an
 * errno that a name exists which may not be known.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "tracer/event.h"
#include "tracer/fileops.h"
#include "tracer/num.h"
#include "tracer/tracer.h"
#include "tracer/trash.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE	 2u
#define RENAME_WHITEOUT	 4u
#endif
#define RENAME_TRIES 16

/* ---- one name ---- */

/*
 * Pin the parent of SR_PATH and judge the name for op.  true: go on;
 * pathres_close after.
 */
static bool
one_name(struct call *c, enum file_op op, struct pathres *r, struct verdict *v)
{
	event_begin(c, EV_FILE);
	c->ev.fix.op = (uint8_t)op;
	if (!fileops_parent(c, SR_DIRFD, SR_PATH, 0, r))
		return false;
	if (!call_judge_file(c, op, r->canon, r->len, v)) {
		pathres_close(r);
		call_refuse(c, v, 0);
		return false;
	}
	if (event_room(c))
		return true;
	pathres_close(r);
	return false;
}

void
perform_ask_unlink(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	bool rmdir_ = (c->a.flags & AT_REMOVEDIR) != 0;
	struct verdict v;
	int e;

	if ((c->a.flags & ~(uint32_t)AT_REMOVEDIR) != 0) {
		answer_errno(c, EINVAL);
		return;
	}
	if (!one_name(c, rmdir_ ? FOP_RMDIR : FOP_DELETE, r, &v))
		return;
	if (v.decision == DEC_SOFT_DELETE) {
		if ((e = trash_remove(c, r, rmdir_)) == 0)
			c->ev.fix.type = EV_SOFT_DELETED;
		fileops_done(c, e == 0 ? 0 : -1, e);
	} else {
		e = unlinkat(r->dir, r->name, rmdir_ ? AT_REMOVEDIR : 0);
		fileops_done(c, e, errno);
	}
	pathres_close(r);
}

void
perform_ask_mkdir(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	struct verdict v;
	int e;

	if (!one_name(c, FOP_MKDIR, r, &v))
		return;
	c->ev.fix.value2 = (int64_t)(call_u32(c, SR_MODE) & 07777);
	if (!fileops_umask(c)) {
		call_unjudgeable(c, "umask");
	} else {
		e = mkdirat(r->dir, r->name, call_u32(c, SR_MODE) & 07777);
		fileops_done(c, e, errno);
	}
	pathres_close(r);
}

/* Regular files, FIFOs and sockets; devices are refused under any policy. */
static bool
may_make(mode_t mode)
{
	mode_t type = mode & S_IFMT;

	return type == 0 || type == S_IFREG || type == S_IFIFO ||
	    type == S_IFSOCK;
}

void
perform_ask_mknod(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	mode_t mode = (mode_t)(call_u32(c, SR_MODE) & 0xffffu);
	struct verdict v;
	int e;

	if ((mode & S_IFMT) == S_IFDIR) {
		answer_errno(c, EPERM);
		return;
	}
	if (!one_name(c, FOP_CREATE, r, &v))
		return;
	if (!may_make(mode)) {
		call_builtin(&v, BR_SYSCALL);
		if (!call_verdict(c, &v))
			call_refuse(c, &v, EPERM);
	} else if (!fileops_umask(c)) {
		call_unjudgeable(c, "umask");
	} else {
		e = mknodat(r->dir, r->name, mode, 0);
		fileops_done(c, e, errno);
	}
	pathres_close(r);
}

void
perform_ask_symlink(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	struct verdict v;
	size_t len;
	int e;

	if (!fileops_string(c, SR_TARGET, 1, &len))
		return;
	if (!one_name(c, FOP_SYMLINK, r, &v))
		return;
	event_text(c, EVS_PATH2, c->w->path[1], len);
	e = symlinkat(c->w->path[1], r->dir, r->name);
	fileops_done(c, e, errno);
	pathres_close(r);
}

/* ---- two names ---- */

/*
 * The second name, judged for op, beside r; the first's text stays the event's
 * path.
 */
static bool
second_name(struct call *c, enum file_op op, struct pathres *r,
    struct pathres *r2)
{
	struct verdict v;

	if (!fileops_parent(c, SR_DIRFD2, SR_PATH2, 1, r2)) {
		pathres_close(r);
		return false;
	}
	if (!call_judge_file(c, op, r2->canon, r2->len, &v)) {
		pathres_close(r);
		pathres_close(r2);
		call_refuse(c, &v, 0);
		return false;
	}
	event_text(c, EVS_PATH2, r2->canon, r2->len);
	return true;
}

/* The event of a pair of names is the first's. */
static void
two_paths(struct call *c, const struct pathres *r, const struct pathres *r2,
    enum file_op op, struct verdict *v)
{
	c->ev.fix.op = (uint8_t)op;
	event_text(c, EVS_PATH, r->canon, r->len);
	event_text(c, EVS_PATH2, r2->canon, r2->len);
	(void)!call_verdict(c, v);
}

void
perform_ask_link(struct call *c)
{
	struct pathres *r = &c->w->res[0], *r2 = &c->w->res[1];
	struct verdict v;
	char name[32];
	int e, fd;
	size_t len;

	event_begin(c, EV_FILE);
	c->ev.fix.op = FOP_LINK;
	if ((c->a.flags &
	    ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) {
		answer_errno(c, EINVAL);
		return;
	}
	if (!fileops_string(c, SR_PATH, 0, &len))
		return;
	fd = call_int(c, SR_DIRFD);
	if (len == 0 && (c->a.flags & AT_EMPTY_PATH) != 0)
		e = pathres_fd(c, fd, r);
	else
		e = pathres_resolve(c, fd, c->w->path[0], len,
		    (c->a.flags & AT_SYMLINK_FOLLOW) != 0 ? PATHRES_OBJECT :
		    PATHRES_NOFOLLOW, r);
	if (e != 0) {
		fileops_failed(c, FOP_RENAME, r, e);
		return;
	}
	if (!call_judge_file(c, FOP_RENAME, r->canon, r->len, &v)) {
		pathres_close(r);
		call_refuse(c, &v, 0);
		return;
	}
	if (!second_name(c, FOP_LINK, r, r2))
		return;
	two_paths(c, r, r2, FOP_LINK, &v);
	if (event_room(c)) {
		/* Through /proc: the object itself, a pinned symlink too. */
		fileops_self(name, r->fd);
		e = linkat(AT_FDCWD, name, r2->dir, r2->name,
		    AT_SYMLINK_FOLLOW);
		fileops_done(c, e, errno);
	}
	pathres_close(r);
	pathres_close(r2);
}

/*
 * Rename over a victim that may not be deleted: only if there is none.
 */
static int
rename_judged(struct call *c, struct pathres *r, struct pathres *r2,
    uint32_t flags, struct verdict *bad)
{
	const char *path = r2->canon;
	struct verdict v;
	long n;

	if ((flags & (RENAME_EXCHANGE | RENAME_NOREPLACE)) != 0)
		return (int)syscall(SYS_renameat2, r->dir, r->name, r2->dir,
		    r2->name, flags);
	image_file(c->im, FOP_DELETE, path, r2->len, &v);
	if (v.allowed)
		return (int)syscall(SYS_renameat2, r->dir, r->name, r2->dir,
		    r2->name, flags);
	n = syscall(SYS_renameat2, r->dir, r->name, r2->dir, r2->name,
	    flags | RENAME_NOREPLACE);
	if (n == -1 && (errno == EEXIST || errno == EINVAL)) {
		*bad = v;
		errno = EEXIST;
		return -2;
	}
	return (int)n;
}

/* Exchange makes each name old and new. */
static bool
judge_exchange(struct call *c, struct pathres *r, struct pathres *r2)
{
	struct verdict v;

	if (call_judge_file(c, FOP_RENAME, r2->canon, r2->len, &v) &&
	    call_judge_file(c, FOP_RENAME_TO, r->canon, r->len, &v))
		return true;
	call_refuse(c, &v, 0);
	return false;
}

/* For image_move; WORKER_ARENA_BYTES that stay with the worker, or NULL. */
static void *
arena(struct worker *w)
{
	_Static_assert(IMAGE_MOVE_BYTES <= WORKER_ARENA_BYTES, "arena");

	if (w->arena == NULL) {
		w->arena = mmap(NULL, WORKER_ARENA_BYTES,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (w->arena == MAP_FAILED)
			w->arena = NULL;
	}
	return w->arena;
}

/*
 * What lies below goes with it.  Where that would undo a refusal the two places
 * are as two file systems, and who moves copies: file by file, each judged.
 * What the name stands for is not asked, since it can change until the rename.
 */
static bool
judge_below(struct call *c, const struct pathres *from,
    const struct pathres *to)
{
	void *work = arena(c->w);
	struct verdict v;

	if (work == NULL) {
		answer_errno(c, ENOMEM);
		return false;
	}
	if (image_move(c->im, from->canon, from->len, to->canon, to->len, work,
	    &v))
		return true;
	v.allowed = 0;
	two_paths(c, from, to, FOP_RENAME, &v);
	call_refuse(c, &v, EXDEV);
	return false;
}

void
perform_ask_rename(struct call *c)
{
	struct pathres *r = &c->w->res[0], *r2 = &c->w->res[1];
	uint32_t flags = c->a.flags;
	struct verdict v, bad;
	int e, err;

	event_begin(c, EV_FILE);
	c->ev.fix.op = FOP_RENAME;
	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0) {
		answer_errno(c, EINVAL); /* a whiteout is a device node */
		return;
	}
	if (!fileops_parent(c, SR_DIRFD, SR_PATH, 0, r))
		return;
	if (!call_judge_file(c, FOP_RENAME, r->canon, r->len, &v)) {
		pathres_close(r);
		call_refuse(c, &v, 0);
		return;
	}
	if (!second_name(c, FOP_RENAME_TO, r, r2))
		return;
	if (((flags & RENAME_EXCHANGE) == 0 || judge_exchange(c, r, r2)) &&
	    judge_below(c, r, r2) && ((flags & RENAME_EXCHANGE) == 0 ||
	    judge_below(c, r2, r))) {
		two_paths(c, r, r2, FOP_RENAME, &v);
		if (event_room(c)) {
			atomic_fetch_add(&c->tracer->renaming, 1);
			atomic_fetch_add(&c->tracer->renames, 1);
			e = rename_judged(c, r, r2, flags, &bad);
			err = errno;
			atomic_fetch_sub(&c->tracer->renaming, 1);
			if (e != -2) {
				fileops_done(c, e, err);
			} else {
				two_paths(c, r2, r, FOP_DELETE, &bad);
				call_refuse(c, &bad, 0);
			}
		}
	}
	pathres_close(r);
	pathres_close(r2);
}

/* ---- attributes of an object ---- */

/*
 * The caller's RLIMIT_FSIZE, not ours: is a file that r pins to grow beyond it?
 * Then the caller has its SIGXFSZ.
 */
static bool
is_too_long(struct call *c, const struct pathres *r, off_t len)
{
	struct rlimit rl;
	struct stat st;

	if (prlimit((pid_t)c->rq->pid, RLIMIT_FSIZE, NULL, &rl) == -1 ||
	    rl.rlim_cur == RLIM_INFINITY || len < 0 ||
	    (rlim_t)len <= rl.rlim_cur)
		return false;
	if (fstat(r->fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    len <= st.st_size)
		return false;
	if (call_valid(c))
		syscall(SYS_tgkill, c->task->tgid, (pid_t)c->rq->pid, SIGXFSZ);
	return true;
}

void
perform_ask_truncate(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	char name[32];
	int e;

	if (!fileops_object(c, FOP_TRUNCATE, r))
		return;
	if (is_too_long(c, r, (off_t)call_v(c, SR_LENGTH))) {
		fileops_done(c, -1, EFBIG);
		pathres_close(r);
		return;
	}
	fileops_self(name, r->fd);
	e = truncate(name, (off_t)call_v(c, SR_LENGTH));
	fileops_done(c, e, errno);
	pathres_close(r);
}

void
perform_ask_chmod(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	mode_t mode = call_u32(c, SR_MODE) & 07777;
	char num[NUM_MAX];
	int e;

	if (fileops_number(c, FOP_CHMOD, mode) ||
	    !fileops_object(c, FOP_CHMOD, r))
		return;
	c->ev.fix.value2 = mode;
	num_put(num, (uint32_t)r->fd);
	e = fchmodat(c->tracer->selffd, num, mode, 0);
	fileops_done(c, e, errno);
	pathres_close(r);
}

void
perform_ask_chown(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	int e;

	if (fileops_number(c, FOP_CHOWN, 0) ||
	    !fileops_object(c, FOP_CHOWN, r))
		return;
	e = fchownat(r->fd, "", call_u32(c, SR_UID), call_u32(c, SR_GID),
	    AT_EMPTY_PATH);
	fileops_done(c, e, errno);
	pathres_close(r);
}

/* The times of the call in ts; *now when it passed NULL.  0 or an errno. */
static int
read_times(struct call *c, struct timespec ts[2], bool *now)
{
	struct timeval tv[2];
	struct utimbuf ub;
	enum systab_role role;
	unsigned int i;
	int e;

	role = systab_has(&c->a, SR_TIMESPEC) ? SR_TIMESPEC :
	    systab_has(&c->a, SR_TIMEVAL) ? SR_TIMEVAL : SR_UTIMBUF;
	*now = call_v(c, role) == 0;
	if (*now)
		return 0;
	if (role == SR_TIMESPEC)
		return call_read(c, call_v(c, role), ts, 2 * sizeof(*ts));
	if (role == SR_UTIMBUF) {
		if ((e = call_read(c, call_v(c, role), &ub, sizeof(ub))) != 0)
			return e;
		ts[0] = (struct timespec){ .tv_sec = ub.actime };
		ts[1] = (struct timespec){ .tv_sec = ub.modtime };
		return 0;
	}
	if ((e = call_read(c, call_v(c, role), tv, sizeof(tv))) != 0)
		return e;
	for (i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return EINVAL;
		ts[i].tv_sec = tv[i].tv_sec;
		ts[i].tv_nsec = tv[i].tv_usec * 1000;
	}
	return 0;
}

void
perform_ask_utime(struct call *c)
{
	struct pathres *r = &c->w->res[0];
	struct timespec ts[2];
	char num[NUM_MAX];
	bool now;
	int e;

	if (fileops_number(c, FOP_UTIME, 0)) /* whatever the times are */
		return;
	if ((e = read_times(c, ts, &now)) != 0) {
		answer_errno(c, e);
		return;
	}
	if (!fileops_object(c, FOP_UTIME, r))
		return;
	num_put(num, (uint32_t)r->fd);
	e = utimensat(c->tracer->selffd, num, now ? NULL : ts, 0);
	fileops_done(c, e, errno);
	pathres_close(r);
}
