/*
 * What the questions about files share: strings and objects of a call, names
 * behind descriptors, its umask, how it ends.  Runs in the serving threads with
 * the caller's credentials.
 *
 * Must never: hand on an object that was not judged, or tell by an errno that a
 * name exists which may not be known.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/event.h"
#include "tracer/fileops.h"
#include "tracer/num.h"
#include "tracer/tracer.h"

bool
fileops_string(struct call *c, enum systab_role role, unsigned int i,
    size_t *len)
{
	int e;

	e = call_string(c, call_v(c, role), c->w->path[i], CALL_PATH_MAX, len);
	if (e != 0)
		answer_errno(c, e);
	return e == 0;
}

void
fileops_done(struct call *c, long r, int e)
{
	if (r == -1 && e == EINTR) {
		c->event_on = false;
		answer_restart(c);
		return;
	}
	event_commit(c, r == -1 ? e : 0);
	answer_result(c, r, e);
}

void
fileops_failed(struct call *c, enum file_op op, struct pathres *r, int e)
{
	struct verdict v;

	if (r->len == 0 && e == EACCES) {
		call_unjudgeable(c, "no path");
		return;
	}
	if (r->len != 0 && !call_judge_file(c, op, r->canon, r->len, &v)) {
		call_refuse(c, &v, 0);
		return;
	}
	if (r->len == 0)
		c->event_on = false; /* nothing was judged */
	fileops_done(c, -1, e);
}

/* The object by descriptor where the call says so; false: by name. */
static bool
names_fd(struct call *c, size_t len, int *fd)
{
	if (systab_has(&c->a, SR_FD)) {
		*fd = call_int(c, SR_FD);
		return true;
	}
	*fd = call_int(c, SR_DIRFD);
	return len == 0 && ((c->a.flags & AT_EMPTY_PATH) != 0 ||
	    (c->sa.ask == ASK_READLINK && *fd != AT_FDCWD));
}

/* An O_PATH descriptor of the caller, by what /proc lets it be used for. */
static bool
is_path_only(const struct call *c, int fd)
{
	char name[2 * NUM_MAX + 8];
	struct stat st;

	num_put(num_text(num_put(name, c->rq->pid), "/fd/"), (uint32_t)fd);
	return fstatat(c->tracer->procfd, name, &st, AT_SYMLINK_NOFOLLOW) ==
	    0 && (st.st_mode & 0700) == 0;
}

/* May SR_PATH be NULL?  utimensat has always had it so, others with a flag. */
static bool
takes_null(const struct call *c)
{
	if (c->sa.ask == ASK_UTIME)
		return call_int(c, SR_DIRFD) != AT_FDCWD;
	return (c->a.flags & AT_EMPTY_PATH) != 0 && c->sa.ask != ASK_CHMOD &&
	    c->sa.ask != ASK_CHOWN && c->sa.ask != ASK_ACCESS;
}

bool
fileops_object(struct call *c, enum file_op op, struct pathres *r)
{
	enum pathres_want want = PATHRES_OBJECT;
	struct verdict v;
	size_t len = 0;
	int e, fd;

	event_begin(c, EV_FILE);
	if (!systab_has(&c->a, SR_FD)) {
		bool null = call_v(c, SR_PATH) == 0 && takes_null(c);

		if (null)
			c->a.flags |= AT_EMPTY_PATH;
		else if (!fileops_string(c, SR_PATH, 0, &len))
			return false;
	}
	if ((c->a.flags & AT_SYMLINK_NOFOLLOW) != 0)
		want = PATHRES_NOFOLLOW;
	if (names_fd(c, len, &fd)) {
		if (systab_has(&c->a, SR_FD) && fd >= 0 && is_path_only(c, fd)) {
			c->event_on = false;
			answer_errno(c, EBADF);
			return false;
		}
		e = pathres_fd(c, fd, r);
	} else {
		e = pathres_resolve(c, fd, c->w->path[0], len, want, r);
	}
	if (e != 0) {
		fileops_failed(c, op, r, e);
		return false;
	}
	if (r->anon) {	/* the session's own pipe, socket or memory */
		c->event_on = false;
		return true;
	}
	if (!call_judge_file(c, op, r->canon, r->len, &v)) {
		pathres_close(r);
		call_refuse(c, &v, 0);
		return false;
	}
	if (event_room(c))
		return true;
	pathres_close(r);
	return false;
}

/* The descriptor of a call that takes no path, or -1. */
static int
plain_fd(const struct call *c)
{
	if (systab_has(&c->a, SR_FD))
		return call_int(c, SR_FD);
	if (c->sa.ask == ASK_UTIME &&
	    systab_has(&c->a, SR_DIRFD) && call_v(c, SR_PATH) == 0)
		return call_int(c, SR_DIRFD);
	return -1;
}

bool
fileops_is_plain(const char *path, size_t len)
{
	static const char deleted[] = " (deleted)";
	size_t n = sizeof(deleted) - 1;

	return len != 0 && path[0] == '/' && strncmp(path, "/proc", 5) != 0 &&
	    (len < n || memcmp(path + len - n, deleted, n) != 0);
}

/*
 * The link /proc/TID/fd/FD itself: reading it says what that descriptor is now,
 * and that it or the thread is no more.  w's until it is asked for another.
 */
static int
fd_link(struct call *c, int fd)
{
	struct worker *w = c->w;
	char name[2 * NUM_MAX + 8];

	if (w->link > 0)
		close(w->link);
	num_put(num_text(num_put(name, c->rq->pid), "/fd/"), (uint32_t)fd);
	w->link = openat(c->tracer->procfd, name,
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	w->link_tid = c->rq->pid;
	w->link_fd = fd;
	return w->link;
}

/* The name of the caller's descriptor fd, as fileops_is_plain has it, or 0. */
static size_t
fd_name(struct call *c, int fd, char *buf, size_t size)
{
	struct worker *w = c->w;
	ssize_t n = -1;

	/* Another thread may have that id now: then the kept link is dead. */
	if (w->link > 0 && w->link_tid == c->rq->pid && w->link_fd == fd)
		n = readlinkat(w->link, "", buf, size);
	if (n == -1 && fd_link(c, fd) != -1)
		n = readlinkat(w->link, "", buf, size);
	if (n <= 0 || (size_t)n >= size)
		return 0;
	buf[n] = '\0';
	return fileops_is_plain(buf, (size_t)n) ? (size_t)n : 0;
}

bool
fileops_number(struct call *c, enum file_op op, int64_t value2)
{
	struct pathres *r = &c->w->res[0];
	struct verdict v;
	int fd = plain_fd(c);

	if (fd < 0 || !task_is_alone(c->tracer->tasks, c->task))
		return false;
	if ((r->len = fd_name(c, fd, r->canon, sizeof(r->canon))) == 0)
		return false;
	event_begin(c, EV_FILE);
	c->ev.fix.value2 = value2;
	if (!call_judge_file(c, op, r->canon, r->len, &v)) {
		call_refuse(c, &v, 0);
	} else if (event_room(c)) {
		event_let_go(c);
		answer_continue(c);
	}
	return true;
}

bool
fileops_parent(struct call *c, enum systab_role dirfd, enum systab_role path,
    unsigned int i, struct pathres *r)
{
	size_t len;
	int e;

	if (!fileops_string(c, path, i, &len))
		return false;
	e = pathres_resolve(c, call_int(c, dirfd), c->w->path[i], len,
	    PATHRES_PARENT, r);
	if (e == 0)
		return true;
	fileops_failed(c, (enum file_op)systab_ask_tab[c->sa.ask].op1, r, e);
	return false;
}

void
fileops_wear_umask(struct worker *w, mode_t mask)
{
	if (w->umask_worn && w->umask == mask)
		return;
	umask(mask);
	w->umask = mask;
	w->umask_worn = w->fs_own;
}

bool
fileops_umask(struct call *c)
{
	char name[NUM_MAX + 8], buf[256], *p;
	mode_t mask;
	ssize_t n;
	int fd;

	if (task_umask(c->tracer->tasks, c->task, &mask)) {
		fileops_wear_umask(c->w, mask);
		return true;
	}
	num_text(num_put(name, c->rq->pid), "/status");
	if ((fd = openat(c->tracer->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	if ((p = strstr(buf, "\nUmask:\t")) == NULL)
		return false;
	mask = (mode_t)strtoul(p + 8, NULL, 8) & 0777;
	task_umask_is(c->tracer->tasks, c->task, mask);
	fileops_wear_umask(c->w, mask);
	return true;
}

void
fileops_self(char *buf, int fd)
{
	num_put(num_text(buf, "/proc/self/fd/"), (uint32_t)fd);
}
