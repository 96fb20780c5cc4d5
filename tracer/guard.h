/*
 * What no session changes, whatever its policy says: the kernel's own file
 * systems.  A policy that allows all paths means files; below these a write is
 * a call to the kernel about other processes, control groups or the whole
 * machine (/proc/1/oom_score_adj, cgroup.procs, core_pattern).
 */

#ifndef TRACER_GUARD_H
#define TRACER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/decision.h"
#include "common/evrec.h"
#include "common/image.h"
#include "tracer/call.h"

struct guard;

/*
 * The kernel's file systems, from the mount table as it is now.  NULL with
 * errno.  Before any thread starts; lives as long as the process.
 */
struct guard *guard_new(void) __attribute__((warn_unused_result));

/*
 * Is op on a canonical path refused under any policy?  *rule says why:
 * BR_SESSION for what is another process's, else BR_SUPERVISOR.  Reads /proc
 * where path is below that of another process.
 */
bool guard_refuses(const struct call *c, enum file_op op, const char *path,
    size_t len, enum builtin_rule *rule);

/* ---- pure but for guard_new; unit-tested ---- */

/*
 * Is path a process's directory, or below one, in a procfs that is mounted
 * elsewhere than at /proc?  Whose it is cannot be told by such a name, and
 * `self' is the supervisor there.  g may be NULL.
 */
bool guard_is_elsewhere(const struct guard *g, const char *path, size_t len);

enum guard_where {
	GUARD_FILE,	/* none of the kernel's */
	GUARD_OWN,	/* /proc/self: as the policy says */
	GUARD_PROCESS,	/* *pid's directory */
	GUARD_KERNEL
};

/* A table from the text of mountinfo.  NULL with errno. */
struct guard *guard_parse(const char *mountinfo)
    __attribute__((warn_unused_result));
void guard_free(struct guard *g);

enum guard_where guard_where(const struct guard *g, const char *path,
    size_t len, pid_t *pid);

#endif
