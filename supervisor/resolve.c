/*
 * Paths of users, see resolve.h.
 *
 * The helper is a fork of the monitor that becomes the user at once: groups, ids,
 * no capabilities, no descriptors but its pipe.  It trusts nothing and owns
 * nothing worth having.  The monitor reads a fixed size from it and believes only that
 * strings end.
 */

#include "supervisor/resolve.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "supervisor/regfind.h"

#define PATIENCE_NS UINT64_C(5000000000)

/* ---- in the helper ---- */

static void
become(const struct peer *p, int out)
{
	struct rlimit none = { 0, 0 };

	if (dup2(out, 3) == -1 || syscall(SYS_close_range, 4, ~0u, 0) == -1 ||
	    setgroups(p->ngroups, p->groups) == -1 ||
	    setresgid(p->gid, p->gid, p->gid) == -1 ||
	    setresuid(p->uid, p->uid, p->uid) == -1 ||
	    (p->uid != 0 && privdrop_prove(p->uid, p->gid) == -1) ||
	    setrlimit(RLIMIT_CORE, &none) == -1)
		_exit(72);
	(void)fcntl(3, F_SETFD, FD_CLOEXEC);
}

static int
canonical(struct resolved *r, const char *what, const char *path, char *out)
{
	struct stat st;
	char *real;

	if (path[0] != '/') {
		snprintf(r->text, sizeof(r->text),
		    "%s must be an absolute path", what);
		return EINVAL;
	}
	if ((real = realpath(path, NULL)) == NULL ||
	    strlen(real) >= RESOLVE_PATH_MAX || stat(real, &st) == -1) {
		snprintf(r->text, sizeof(r->text), "%s: %s", what,
		    strerror(errno));
		return errno != 0 ? errno : ENAMETOOLONG;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(r->text, sizeof(r->text), "%s is no directory", what);
		return ENOTDIR;
	}
	snprintf(out, RESOLVE_PATH_MAX, "%s", real);
	free(real);
	return 0;
}

/* HOME is the passwd entry's, made canonical where it exists; "/" for nobody's uid. */
static void
find_home(struct resolved *r, uid_t uid)
{
	struct passwd *pw = getpwuid(uid);
	const char *dir = pw != NULL && pw->pw_dir[0] == '/' ? pw->pw_dir : "/";
	char *real = realpath(dir, NULL);

	if (real != NULL && strlen(real) < RESOLVE_PATH_MAX)
		dir = real;
	snprintf(r->home, sizeof(r->home), "%s", dir);
	free(real);
}

static void
look_paths(const struct resolve *r, const struct peer *p)
{
	struct resolved *res = r->result;

	res->error = canonical(res, "workspace", r->dir[0], res->workspace);
	if (res->error == 0)
		res->error = canonical(res, "project_root",
		    r->dir[1][0] != '\0' ? r->dir[1] : res->workspace,
		    res->project_root);
	if (res->error == 0)
		find_home(res, p->uid);
}

static void
look_registries(const struct resolve *r, const struct peer *p)
{
	(void)p;
	regfind("", r->dir[0], r->dir[1], 0, r->result);
}

static void __attribute__((noreturn)) helper(const struct resolve *r,
    const struct peer *p, int out)
{
	const char *b = r->result;
	size_t done = 0;
	ssize_t n;

	become(p, out);
	r->work(r, p);
	while (done < r->size && (n = write(3, b + done, r->size - done)) > 0)
		done += (size_t)n;
	_exit(done == r->size ? 0 : 1);
}

/* ---- in the monitor ---- */

void
resolve_reap(struct resolve_pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->stale_cnt;) {
		if (waitpid(pool->stale[i], NULL, WNOHANG) == 0)
			i++;
		else
			pool->stale[i] = pool->stale[--pool->stale_cnt];
	}
}

static void
finish(struct resolve *r)
{
	struct resolve_pool *pool = r->pool;

	loop_del(r->loop, &r->io);
	loop_timer_stop(r->loop, &r->timer);
	if (r->fd != -1)
		close(r->fd);
	r->fd = -1;
	if (r->pid > 0) {
		(void)kill(r->pid, SIGKILL);
		/* In the kernel's hands it may stay a while. */
		if (waitpid(r->pid, NULL, WNOHANG) == 0 &&
		    pool->stale_cnt < RESOLVE_STALE_MAX)
			pool->stale[pool->stale_cnt++] = r->pid;
		pool->running--;
	}
	r->pid = 0;
}

void
resolve_cancel(struct resolve *r)
{
	if (r->result == NULL)
		return;
	finish(r);
	free(r->result);
	r->result = NULL;
}

/* Every string ends, whatever the helper was made to write. */
static const struct resolved *
terminated(struct resolved *res)
{
	if (res == NULL)
		return NULL;
	res->text[sizeof(res->text) - 1] = '\0';
	res->workspace[RESOLVE_PATH_MAX - 1] = '\0';
	res->project_root[RESOLVE_PATH_MAX - 1] = '\0';
	res->home[RESOLVE_PATH_MAX - 1] = '\0';
	return res;
}

static void
deliver(struct resolve *r, bool whole)
{
	void *res = r->result;

	finish(r);
	r->result = NULL;
	if (r->fn != NULL)
		r->fn(terminated(whole ? res : NULL), r->arg);
	else
		r->reg_fn(whole ? res : NULL, r->arg);
	free(res);
}

static void
on_answer(struct loop_io *io, uint32_t events)
{
	struct resolve *r = io->arg;
	ssize_t n;

	n = read(io->fd, (char *)r->result + r->got,
	    r->size - r->got);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		deliver(r, false);
		return;
	}
	r->got += (size_t)n;
	if (r->got == r->size)
		deliver(r, true);
}

static void
on_slow(struct loop_timer *t)
{
	deliver(t->arg, false);
}

static void
prepare(struct resolve *r, struct resolve_pool *pool, void *arg)
{
	memset(r, 0, sizeof(*r));
	r->pool = pool;
	r->loop = pool->loop;
	r->arg = arg;
	r->fd = r->io.fd = -1;
}

static int
start(struct resolve *r, const struct peer *p)
{
	struct resolve_pool *pool = r->pool;
	int pfd[2];

	if (pool->running + pool->stale_cnt >= RESOLVE_RUNNING_MAX) {
		errno = EAGAIN;
		return -1;
	}
	if ((r->result = calloc(1, r->size)) == NULL)
		return -1;
	if (pipe2(pfd, O_CLOEXEC) == -1)
		goto fail;
	if ((r->pid = fork()) == 0)
		helper(r, p, pfd[1]);
	close(pfd[1]);
	r->fd = pfd[0];
	(void)fcntl(r->fd, F_SETFL, O_NONBLOCK);
	if (r->pid > 0)
		pool->running++;
	if (r->pid == -1 ||
	    loop_add(r->loop, &r->io, r->fd, EPOLLIN, on_answer, r) == -1)
		goto fail;
	loop_timer_set(r->loop, &r->timer, PATIENCE_NS, on_slow, r);
	return 0;
fail:
	resolve_cancel(r);
	return -1;
}

int
resolve_start(struct resolve *r, struct resolve_pool *pool,
    const struct peer *p, const char *workspace, const char *project_root,
    resolve_fn *fn, void *arg)
{
	prepare(r, pool, arg);
	r->fn = fn;
	r->work = look_paths;
	r->dir[0] = workspace;
	r->dir[1] = project_root;
	r->size = sizeof(struct resolved);
	return start(r, p);
}

int
resolve_registries(struct resolve *r, struct resolve_pool *pool,
    const struct peer *p, const char *home, const char *workspace,
    resolve_reg_fn *fn, void *arg)
{
	prepare(r, pool, arg);
	r->reg_fn = fn;
	r->work = look_registries;
	r->dir[0] = home;
	r->dir[1] = workspace;
	r->size = sizeof(struct registries);
	return start(r, p);
}
