/*
 * A user's paths, looked at as that user: a forked helper takes the user's
 * credentials, gives up everything else, makes the workspace and the project root canonical and looks
 * the home directory up; another looks for the registries of package managers.  The monitor itself never
 * walks a path of a user.
 *
 * The helper can hang (a dead network file system): it has a time limit, and nobody
 * waits for it but its session.  Monitor only.
 */

#ifndef SUPERVISOR_RESOLVE_H
#define SUPERVISOR_RESOLVE_H

#include <sys/types.h>

#include <stdint.h>

#include "common/loop.h"
#include "common/registry.h"
#include "supervisor/peercred.h"

#define RESOLVE_PATH_MAX 4096

/* What the helper found.  Fixed size: one read. */
struct resolved {
	int32_t error; /* errno, and text says about what */
	char text[128];
	char workspace[RESOLVE_PATH_MAX];
	char project_root[RESOLVE_PATH_MAX];
	char home[RESOLVE_PATH_MAX];
};

struct resolve;
/* r lives until the callback returns; NULL: the helper died or was too slow. */
typedef void resolve_fn(const struct resolved *r, void *arg);
/* The same for registries; not checked: policyd does. */
typedef void resolve_reg_fn(const struct registries *r, void *arg);

#define RESOLVE_RUNNING_MAX 32
#define RESOLVE_STALE_MAX   64

/* Helpers of one monitor: how many run, and killed ones the kernel still holds. */
struct resolve_pool {
	struct loop *loop;
	unsigned int running;
	pid_t stale[RESOLVE_STALE_MAX];
	unsigned int stale_cnt;
};

struct resolve {
	struct resolve_pool *pool;
	struct loop *loop;
	pid_t pid;
	int fd; /* the helper's answer; owned; -1 */
	struct loop_io io;
	struct loop_timer timer;
	void (*work)(const struct resolve *r, const struct peer *p); /* in it */
	const char *dir[2]; /* what it looks at; until it has begun */
	resolve_fn *fn; /* or */
	resolve_reg_fn *reg_fn;
	void *arg;
	size_t got, size;
	void *result; /* owned: size bytes */
};

/*
 * Start a helper for p.  project_root "": the workspace.  0 or -1 with errno (EAGAIN: too many run); on 0 fn is called
 * once from the loop, unless resolve_cancel comes first.
 */
int resolve_start(struct resolve *r, struct resolve_pool *pool,
    const struct peer *p, const char *workspace, const char *project_root,
    resolve_fn *fn, void *arg)
    __attribute__((warn_unused_result));
/* The same for the registries of a session with these canonical directories. */
int resolve_registries(struct resolve *r, struct resolve_pool *pool,
    const struct peer *p, const char *home, const char *workspace,
    resolve_reg_fn *fn, void *arg)
    __attribute__((warn_unused_result));
void resolve_cancel(struct resolve *r);

/* SIGCHLD: reap killed helpers that took their time. */
void resolve_reap(struct resolve_pool *pool);

#endif
